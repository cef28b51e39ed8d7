"""Every error that raregan raises on purpose.

A fault of the input or of its use is a :class:`UserError`: the CLI ends with exit code 2 and one
line, an HTTP edge answers 400. Anything else that is a `RareGANError` ends with exit code 1.
"""


class RareGANError(Exception):
    """Root of all errors raised by raregan."""


class UserError(RareGANError, ValueError):
    """The input, or the way it was used, is at fault; the message says what to do.

    It is a `ValueError` too, as users of scikit-learn expect.
    """


class DataError(UserError):
    """A table cannot be read, or what it holds cannot be learned from."""


class SchemaError(DataError):
    """A column, its type or its values do not fit what was asked for or was learned."""


class TooFewRowsError(DataError):
    """There are fewer rare rows than a generator can be trained on."""


class LowAcceptanceError(DataError):
    """Hardly any generated row keeps the rules and conditions that were asked for."""


class ModelFileError(UserError):
    """A model file or a checkpoint is damaged, foreign, newer than this release, or unsuited."""


class TrainingDivergedError(RareGANError):
    """A loss or a weight became NaN or infinite; the last good weights were kept."""

    def __init__(self, reason: str, remedy: str = "Try a lower learning rate") -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason


class RareGANWarning(UserWarning):
    """Something about the input deserves a look; the message says what to do."""
