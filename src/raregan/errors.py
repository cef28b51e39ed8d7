"""Every error that raregan raises on purpose.

A fault of the input or of its use is a :class:`UserError`: the CLI ends with exit code 2 and one
line, an HTTP edge answers 400. Anything else that is a `RareGANError` ends with exit code 1.
"""

import re

_IN_FRONT_OF_HOST = re.compile(
    r"((?:\b(?:postgres(?:ql)?|sqlite):|:/)/*[^/@:\n]*:).*@", re.IGNORECASE
)
"""One slash is enough: a `Path` of a URL has no more."""
_AMONG_OPTIONS = re.compile(r"([?&]\w*password=)[^&\n]*", re.IGNORECASE)


def hide_passwords(text: str) -> str:
    """Write every password of a database's URL as ***, and rather too much so than too little."""
    return _AMONG_OPTIONS.sub(r"\1***", _IN_FRONT_OF_HOST.sub(r"\1***@", text))


class RareGANError(Exception):
    """Root of all errors raised by raregan; no message shows the password of a URL."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(hide_passwords(arg) if isinstance(arg, str) else arg for arg in args))


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
