"""Categories: one of a known set of levels, of one column or of several that go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from raregan.data.dtypes import dtype_name, parse_dtype
from raregan.encoding.cells import from_values, to_values
from raregan.encoding.layout import Part
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.encoding.fields import Draw, Encoded

MAX_ONE_HOT = 64
"""Up to so many levels each has a number of its own; more are written in binary."""

_CODE = "code"
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class LevelField:
    """One of n levels: a number for each of them, or the binary digits of its place.

    Two levels take one yes or no, unless only others have one of them. Up to `MAX_ONE_HOT` take a
    one-hot vector. More take the
    ceil(log2 n) bits of the level's place, the most frequent level first: the analog bits of Chen,
    Zhang and Hinton ("Analog bits", ICLR 2023, section 2.1), with 0 and 1 in place of -1 and 1. So
    7,000 levels take 13 numbers and not 7,000. Codes beyond n drop their highest bit, which makes
    them one of the frequent levels: nothing comes out that did not go in.

    Attributes
    ----------
    levels
        (n, m): the values of each level in the m columns, in the order of their codes. Its columns
        are called by their number, so that none is called `_CODE`.
    apart
        Two levels take a number each: the share of a level that no row has is set above 0 after
        training, that of a yes or no is not.
    """

    levels: pl.DataFrame
    apart: bool = False

    name: ClassVar[str] = "levels"

    @classmethod
    def fit(cls, cells: pl.DataFrame, others: pl.DataFrame | None = None) -> Self:
        """Take the levels of (k, m) cells; then those that only `others` have, if they are given.

        The most frequent comes first; of equally frequent ones, the first to appear.
        """
        cells = _numbered(cells)
        counted = cells.group_by(cells.columns, maintain_order=True).len(_CODE)
        levels = counted.sort(_CODE, descending=True, maintain_order=True).drop(_CODE)
        n_seen = levels.height
        if others is not None:
            levels = pl.concat([levels, _numbered(others)]).unique(maintain_order=True)
        return cls(levels, apart=n_seen < levels.height == 2)  # noqa: PLR2004

    @property
    def n_bits(self) -> int:
        """Binary digits of the last code; 0 where levels are not written in binary."""
        return (self.levels.height - 1).bit_length() if self.levels.height > MAX_ONE_HOT else 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return which level."""
        n = self.levels.height
        if n == 1:
            return ()
        if n == 2 and not self.apart:  # noqa: PLR2004
            return (Part("level", 1, "sigmoid"),)
        return (
            Part("level", self.n_bits, "sigmoid") if self.n_bits else Part("level", n, "softmax"),
        )

    def encode(self, cells: pl.Series | pl.DataFrame) -> Encoded:
        """Turn (k,) cells of one column, or (k, m) of several, into (k, width) numbers.

        Raises
        ------
        SchemaError
            A level was not there when the field was fitted.
        """
        frame = cells.to_frame() if isinstance(cells, pl.Series) else cells
        codes = self._codes(frame)
        if not self.parts:
            return np.empty((len(codes), 0), np.float32)
        (part,) = self.parts
        if part.activation == "sigmoid":
            return (codes[:, None] >> np.arange(part.width) & 1).astype(np.float32)
        encoded = np.zeros((len(codes), part.width), np.float32)
        encoded[np.arange(len(codes)), codes] = 1
        return encoded

    def _codes(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        known = self.levels.with_row_index(_CODE)
        found = _numbered(frame).join(
            known, on=self.levels.columns, how="left", nulls_equal=True, maintain_order="left"
        )[_CODE]
        if found.null_count():
            row = frame.row(found.is_null().arg_true()[0])
            raise SchemaError(
                f"{', '.join(map(repr, frame.columns))} has a level {', '.join(map(repr, row))} "
                "that was not there when the encoding was fitted"
            )
        return found.to_numpy().astype(np.int64)

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:
        """Turn (k, width) numbers into (k,) cells of the first column."""
        return self.decode_frame(encoded, draw).to_series()

    def decode_frame(self, encoded: Encoded, draw: Draw) -> pl.DataFrame:  # noqa: ARG002
        """Turn (k, width) numbers into (k, m) cells."""
        return self.levels[self._decode_codes(encoded)]

    def _decode_codes(self, encoded: Encoded) -> NDArray[np.int64]:
        if not self.parts:
            return np.zeros(len(encoded), np.int64)
        (part,) = self.parts
        codes: NDArray[np.int64]
        if part.activation == "softmax":
            codes = encoded.argmax(axis=1)
            return codes
        codes = (encoded > _HALF) @ (1 << np.arange(part.width))
        beyond = codes >= self.levels.height
        codes[beyond] -= 1 << (part.width - 1)
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "columns": [
                {"dtype": dtype_name(s.dtype), "levels": to_values(s)}
                for s in self.levels.iter_columns()
            ],
            "apart": self.apart,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        series = [
            from_values(column["levels"], parse_dtype(column["dtype"])).alias(str(number))
            for number, column in enumerate(data["columns"])
        ]
        if not series or len({len(s) for s in series}) != 1 or not len(series[0]):
            raise ModelFileError("a column of categories has no levels; train the model anew")
        levels = pl.DataFrame(series)
        if levels.is_duplicated().any():
            raise ModelFileError("two levels of a column of categories are the same; train anew")
        apart = data["apart"]
        if type(apart) is not bool:
            raise ModelFileError(f"'apart' of a column of categories is {apart!r}; train anew")
        return cls(levels, apart)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Call the columns by their numbers."""
    return frame.rename({name: str(number) for number, name in enumerate(frame.columns)})
