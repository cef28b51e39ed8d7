"""What the encoder asks of a field: one class per way of encoding a column, and the simplest two.

A field is fitted to the cells of a column that are not missing, and frozen. Those that learn are in
`numbers`, `levels` and `moments`; the two here learn nothing and have no parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from raregan.config import SEED
from raregan.data.dtypes import dtype_name, parse_dtype
from raregan.encoding.cells import from_values, to_values
from raregan.encoding.identifiers import FreshIdentifiers
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raregan.encoding.layout import Part

Encoded = NDArray[np.float32]

BLOCK_ROWS = 8_192
"""Rows drawn together. Part of the meaning of a seed: another size gives other rows."""


class Draw(NamedTuple):
    """Which rows of which stream are decoded: what is made up depends on nothing else."""

    first_row: int = 0
    seed: int = 0


class Field(Protocol):
    """How one column is encoded."""

    name: ClassVar[str]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices that it takes, side by side."""

    def encode(self, cells: pl.Series) -> Encoded:
        """Turn (n,) cells, none missing, into (n, width) float32."""

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:
        """Turn (n, width) numbers, whatever a generator made of them, into (n,) cells."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy, from which each float comes back to the bit."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""


@dataclass(frozen=True, eq=False)
class ConstantField:
    """A column with one value, or none: nothing of it is learned."""

    value: pl.Series
    """(1,) of the column's dtype."""

    name: ClassVar[str] = "constant"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return none."""
        return ()

    @classmethod
    def fit(cls, cells: pl.Series) -> Self:
        """Keep the first cell; a missing one where there is none."""
        value = cells.head(1) if len(cells) else pl.Series([None], dtype=cells.dtype)
        return cls(value.alias("value"))

    def encode(self, cells: pl.Series) -> Encoded:
        """Return (n, 0)."""
        return np.empty((len(cells), 0), dtype=np.float32)

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:  # noqa: ARG002
        """Return the value n times."""
        return self.value.new_from_index(0, len(encoded))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {"dtype": dtype_name(self.value.dtype), "value": to_values(self.value)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        value = from_values(data["value"], parse_dtype(data["dtype"]))
        if len(value) != 1:
            raise ModelFileError(f"a constant column has one value, not {len(value)}; train anew")
        return cls(value.alias("value"))


@dataclass(frozen=True)
class IdentifierField:
    """Identifiers are not learned: fresh ones of the same shape are made up."""

    shape: FreshIdentifiers
    dtype: str

    name: ClassVar[str] = "identifier"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return none."""
        return ()

    def check_room(self) -> None:
        """Refuse, before any training, a dtype with too few free values to draw a single block.

        Raises
        ------
        SchemaError
            As integers of this dtype there are none left.
        """
        try:
            self.shape.make(0, BLOCK_ROWS, seed=SEED)
        except SchemaError:
            name = self.shape.name
            raise SchemaError(
                f"column {name!r} is taken for an identifier, and {self.dtype} has no room for the "
                f"{BLOCK_ROWS:,} fresh ones that are drawn at once: learn it as a number with "
                f"--kind {name!r}=integer, cast it to a larger integer or to text, or leave it out "
                f"with --ignore {name!r}"
            ) from None

    def encode(self, cells: pl.Series) -> Encoded:
        """Return (n, 0)."""
        return np.empty((len(cells), 0), dtype=np.float32)

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:
        """Return n identifiers that no real row has and no other row of the stream."""
        made = self.shape.make(draw.first_row, len(encoded), seed=draw.seed)
        return made.cast(parse_dtype(self.dtype))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {"dtype": self.dtype, "shape": self.shape.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        return cls(FreshIdentifiers.from_dict(data["shape"]), data["dtype"])
