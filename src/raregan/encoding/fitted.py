"""A column, or a group of columns, with the field that encodes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import polars as pl

from raregan.config import SEED
from raregan.data.kinds import has_levels
from raregan.data.rows import listed
from raregan.encoding.fields import ConstantField, Draw, Encoded, Field, IdentifierField
from raregan.encoding.identifiers import FreshIdentifiers
from raregan.encoding.levels import MAX_ONE_HOT, LevelField
from raregan.encoding.moments import MomentField
from raregan.encoding.numbers import NumberField
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.data.schema import Column
    from raregan.encoding.layout import Part

FIELDS: dict[str, type[Field]] = {
    field.name: field
    for field in (ConstantField, IdentifierField, LevelField, MomentField, NumberField)
}
"""By the name that a model file holds."""


@dataclass(frozen=True, eq=False)
class FittedField:
    """One field of the table.

    Attributes
    ----------
    names
        Its columns: more than one where their combinations are one field.
    field
        How its cells are encoded, those that are not missing: `MissingCells` says which are, and
        their numbers are 0. In a combination a missing cell is a value like another.
    """

    names: tuple[str, ...]
    field: Field

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices that it takes."""
        return self.field.parts

    def levels(self, name: str) -> list[Any] | None:
        """Return what one of its columns can hold, if that is a known set of values."""
        if isinstance(self.field, LevelField):
            column = self.field.levels.to_series(self.names.index(name))
            return column.unique(maintain_order=True).to_list()
        if isinstance(self.field, ConstantField):
            return self.field.value.to_list()
        return None

    def category_of(self, level: Any) -> int | None:
        """Return the number of a level, where each has a number of its own."""
        if not isinstance(self.field, LevelField) or self.field.n_bits or not self.parts:
            return None
        return self.field.levels.to_series().to_list().index(level)

    def encode_into(self, out: Encoded, frame: pl.DataFrame) -> None:
        """Write (n, width) numbers."""
        if len(self.names) > 1:
            out[:] = cast("LevelField", self.field).encode(frame.select(self.names))
            return
        cells = frame[self.names[0]]
        if cells.null_count():
            out[cells.is_not_null().to_numpy()] = self.field.encode(cells.drop_nulls())
        else:
            out[:] = self.field.encode(cells)

    def decode(self, encoded: Encoded, draw: Draw) -> dict[str, pl.Series]:
        """Return (n,) cells by column."""
        if len(self.names) > 1:
            frame = cast("LevelField", self.field).decode_frame(encoded, draw)
            return dict(zip(self.names, frame.iter_columns(), strict=True))
        return {self.names[0]: self.field.decode(encoded, draw)}

    def unscale(self, encoded: NDArray[np.float64]) -> None:
        """Put numbers in place of encoded ones, where it is one of numbers."""
        if isinstance(self.field, NumberField) and self.field.scaling is not None:
            encoded[:, -1] = self.field.scaling.decode(encoded[:, -1:].astype(np.float32))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        field = {"name": self.field.name, **self.field.to_dict()}
        return {"columns": list(self.names), "field": field}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        names, field = tuple(data["columns"]), data["field"]
        restored = FIELDS[field["name"]].from_dict(field)
        width = restored.levels.width if isinstance(restored, LevelField) else 1
        if len(names) != width:
            raise ModelFileError(f"the field of {', '.join(names)} is damaged; train anew")
        return cls(names, restored)


def fit_field(
    column: Column,
    frame: pl.DataFrame,
    numeric: str,
    others: pl.DataFrame | None,
    seen: pl.LazyFrame | None,
) -> FittedField:
    """Choose the field of a column's kind and fit it to the cells that are not missing.

    Parameters
    ----------
    column
        What it is.
    frame
        Rows to fit to.
    numeric
        How numbers are encoded.
    others
        Rows whose levels a category can have too, even one that is constant in `frame`; None: those
        of `frame` only.
    seen
        All identifiers; None: those of `frame`.
    """
    known = frame[column.name].drop_nulls()
    return FittedField((column.name,), _fit(column, known, numeric, others, seen))


def _fit(
    column: Column,
    known: pl.Series,
    numeric: str,
    others: pl.DataFrame | None,
    seen: pl.LazyFrame | None,
) -> Field:
    kind = column.kind
    if kind == "constant" or not len(known):
        if known.n_unique() > 1:
            values = listed(known.unique(maintain_order=True).to_list())
            raise SchemaError(
                f"column {column.name!r} was given as constant, by --kind or by the schema, but "
                f"rare rows hold {values}: give it another kind, or leave it out with "
                f"--ignore {column.name!r}"
            )
        if len(known) and others is not None and _varies(known, others[column.name]):
            return LevelField.fit(known.to_frame(), _others(others, column.name))
        return ConstantField.fit(known)
    if kind == "identifier":
        real = known if seen is None else _collect(seen, column.name)
        shape = FreshIdentifiers.fit(_plain(known), _plain(real), seed=SEED)
        field = IdentifierField(shape, column.dtype)
        field.check_room()
        return field
    few_dates = kind == "datetime" and known.n_unique() <= MAX_ONE_HOT
    if kind in ("categorical", "boolean") or few_dates:
        more = None if others is None else _others(others, column.name)
        return LevelField.fit(known.to_frame(), more)
    if kind == "datetime":
        return MomentField.fit(known, column.format)
    return NumberField.fit(known, numeric)


def fit_group(
    names: tuple[str, ...], frame: pl.DataFrame, others: pl.DataFrame | None
) -> FittedField:
    """Fit one field to the combinations of several columns; a missing value is part of one."""
    more = None if others is None else others.select(names)
    return FittedField(names, LevelField.fit(frame.select(names), more))


def _varies(known: pl.Series, others: pl.Series) -> bool:
    """Say whether a constant column has levels that can be taken from other rows."""
    return has_levels(pl.concat([known, others.drop_nulls()]))


def _others(others: pl.DataFrame, name: str) -> pl.DataFrame:
    return others.select(pl.col(name).drop_nulls().unique(maintain_order=True))


def _collect(seen: pl.LazyFrame, name: str) -> pl.Series:
    distinct = seen.select(pl.col(name).drop_nulls().unique())
    return distinct.collect(engine="streaming").to_series()


def _plain(identifiers: pl.Series) -> pl.Series:
    """Return categories as text: identifiers are text or integers."""
    return identifiers if identifiers.dtype.is_integer() else identifiers.cast(pl.String)
