"""Which cells are missing: learned for all columns at once, before what the others hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from raregan.encoding.layout import Part
from raregan.encoding.levels import MAX_ONE_HOT
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raregan.encoding.fields import Encoded

Flags = NDArray[np.bool_]

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class MissingCells:
    """The columns that can be missing, and in which patterns.

    Columns that are missing in the same rows share a flag, so they always are. Where the flags have
    at most `MAX_ONE_HOT` patterns, a row gets one of these as a whole: then no pattern comes out
    that was not there. With more of them each flag is a yes or no of its own, and what goes with
    what is the generator's to learn.

    Attributes
    ----------
    names
        Columns with missing cells.
    flags
        Of each of these columns, the number of its flag.
    patterns
        (k, m): which of the m flags are set in each of k patterns; None where flags stand alone.
    """

    names: tuple[str, ...]
    flags: tuple[int, ...]
    patterns: Flags | None

    @classmethod
    def fit(cls, frame: pl.DataFrame, names: Sequence[str]) -> Self:
        """Find flags and patterns in those of these columns in which some cells are missing."""
        held = [name for name in names if 0 < frame[name].null_count() < frame.height]
        if not held:
            return cls((), (), None)
        number: dict[bytes, int] = {}  # of each flag, by the rows in which it is set
        flags, distinct = [], []
        for name in held:
            is_missing = frame[name].is_null()
            rows = np.packbits(is_missing.to_numpy()).tobytes()
            if rows not in number:
                number[rows] = len(number)
                distinct.append(is_missing.alias(str(number[rows])))
            flags.append(number[rows])
        patterns = pl.DataFrame(distinct).unique()
        as_whole = len(distinct) > 1 and patterns.height <= MAX_ONE_HOT
        ordered = patterns.sort(pl.all()).to_numpy() if as_whole else None
        return cls(tuple(held), tuple(flags), ordered)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the pattern, or the flags."""
        if not self.names:
            return ()
        if self.patterns is not None:
            return (Part("pattern", len(self.patterns), "softmax"),)
        return (Part("missing", max(self.flags) + 1, "sigmoid"),)

    def gating(self) -> list[tuple[str, ...]]:
        """Return for each place of its part the columns of which a 1 there says: missing."""
        if not self.names:
            return []
        table = np.eye(max(self.flags) + 1, dtype=bool) if self.patterns is None else self.patterns
        pairs = tuple(zip(self.names, self.flags, strict=True))
        return [tuple(name for name, flag in pairs if row[flag]) for row in table]

    def encode_into(self, out: Encoded, frame: pl.DataFrame) -> None:
        """Write (n, width) numbers.

        Raises
        ------
        SchemaError
            A row has cells missing in a pattern that was not there when this was fitted.
        """
        if not self.names:
            return
        is_missing = np.column_stack([frame[name].is_null().to_numpy() for name in self.names])
        flags = is_missing[:, [self.flags.index(flag) for flag in range(max(self.flags) + 1)]]
        unknown = (flags[:, self.flags] != is_missing).any(axis=1)
        if self.patterns is None:
            out[:] = flags
        else:
            for number, pattern in enumerate(self.patterns):
                out[:, number] = (flags == pattern).all(axis=1)
            unknown |= ~out.any(axis=1)
        if unknown.any():
            raise SchemaError(
                f"data row {int(unknown.argmax()) + 1} (counted from 1) has other cells missing "
                "together than any row had when the encoding was fitted; drop the row"
            )

    def decode(self, encoded: Encoded) -> dict[str, Flags]:
        """Turn (n, width) numbers into (n,) flags by column."""
        known = self.patterns
        flags = encoded > _HALF if known is None else known[encoded.argmax(axis=1)]
        return {name: flags[:, flag] for name, flag in zip(self.names, self.flags, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        patterns = None if self.patterns is None else self.patterns.astype(int).tolist()
        return {"columns": list(self.names), "flags": list(self.flags), "patterns": patterns}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        names, flags, rows = tuple(data["columns"]), tuple(data["flags"]), data["patterns"]
        n_flags = len(set(flags))
        patterns = None if rows is None else np.array(rows, dtype=np.int64)
        sound = (
            len(set(names)) == len(names) == len(flags)
            and all(type(flag) is int for flag in flags)
            and set(flags) == set(range(n_flags))
            and (patterns is None or _are_patterns(patterns, n_flags))
        )
        if not sound:
            raise ModelFileError("which cells can be missing is damaged; train the model anew")
        return cls(names, flags, None if patterns is None else patterns.astype(bool))


def _are_patterns(rows: NDArray[np.int64], n_flags: int) -> bool:
    """Say whether these are different rows of a 0 or 1 for each of two or more flags."""
    fits = rows.ndim == 2 and rows.shape[1] == n_flags > 1  # noqa: PLR2004
    return fits and 0 < len(rows) == len(np.unique(rows, axis=0)) and {0, 1} >= {*rows.flat}
