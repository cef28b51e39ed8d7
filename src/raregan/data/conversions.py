"""Cells of a column as another table stores them, where nothing is lost by it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from raregan.data.dtypes import dtype_name
from raregan.data.schema import locate
from raregan.errors import SchemaError

_TEXT = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class Stored:
    """How a column's cells are stored.

    Attributes
    ----------
    dtype
        Of the column.
    form
        How dates are written, in strftime's terms, where text holds them; else None.
    """

    dtype: pl.DataType
    form: str | None = None

    @property
    def family(self) -> str:
        """What the cells are, whatever holds them; cells of two families do not mix."""
        dtype = self.dtype
        if self.form is not None:
            return "instant" if self.form.endswith("Z") else "date"
        if isinstance(dtype, pl.Date | pl.Datetime):
            return "instant" if getattr(dtype, "time_zone", None) else "date"
        if isinstance(dtype, _TEXT):
            return "text"
        return "number" if dtype.is_numeric() else type(dtype).__name__

    @property
    def is_text(self) -> bool:
        """Whether cells are text, dates written out among them."""
        return isinstance(self.dtype, _TEXT)


@dataclass(frozen=True)
class Conversion:
    """The way of a column's cells from one table to another.

    Raises
    ------
    SchemaError
        There is none: what the cells are differs, not only how they are stored.
    """

    name: str
    learned: Stored
    table: Stored

    def __post_init__(self) -> None:
        both_text = self.learned.is_text and self.table.is_text
        if self.learned.family != self.table.family and not both_text:
            raise SchemaError(
                f"column {self.name!r} is of type {dtype_name(self.table.dtype)} in the table, and "
                f"{dtype_name(self.learned.dtype)} was learned: convert the column, or train on a "
                "table that has it in the same type"
            )

    @property
    def of_dates(self) -> bool:
        """Whether dates are to be written in another way."""
        families = {self.learned.family, self.table.family}
        return self.learned.form != self.table.form and families in ({"date"}, {"instant"})

    def to_table(self, cells: pl.Series) -> pl.Series:
        """Return learned cells as the table stores them.

        Raises
        ------
        SchemaError
            A cell is more than the table's dtype, or its way of writing dates, can hold.
        """
        if self.learned == self.table:
            return cells
        made = self._convert(cells, self.learned, self.table)
        lost = cells.is_not_null() & made.is_null()
        if self.table.family not in ("number", "text") or self.table.dtype.is_integer():
            lost |= self._convert(made, self.table, self.learned).ne_missing(cells)
        if lost.any():
            goal = repr(self.table.form) if self.table.form else dtype_name(self.table.dtype)
            raise SchemaError(
                f"synthetic {locate(cells, lost)}, which the table's {goal} cannot hold: convert "
                "the column of the table, or train on the table"
            )
        return made

    @property
    def hashes_apart(self) -> bool:
        """Whether a cell and what it was learned as can have two hashes."""
        floats = {pl.Float32(), pl.Float64()}
        return self.of_dates or {self.learned.dtype, self.table.dtype} == floats

    def to_learned(self, cells: pl.Series) -> pl.Series:
        """Return the table's cells as they would have been learned, missing where none could be."""
        return self._convert(cells, self.table, self.learned)

    def _convert(self, cells: pl.Series, start: Stored, goal: Stored) -> pl.Series:
        if start.dtype == pl.Float32 and goal.dtype == pl.Float64:
            cells = cells.cast(pl.String)  # its 0.1 is then the 0.1 of float64
        if not self.of_dates:
            return cells.cast(goal.dtype, strict=False)
        if start.form is not None:
            cells = cells.cast(pl.String).str.to_datetime(start.form, time_unit="us", strict=False)
            if start.family == "instant":
                cells = cells.dt.replace_time_zone("UTC")
        if goal.form is None:
            return cells.cast(goal.dtype, strict=False)
        if cells.dtype == pl.Date:
            cells = cells.cast(pl.Datetime("us"))  # a day has no hours to write
        elif goal.family == "instant":
            cells = cells.dt.convert_time_zone("UTC")
        return cells.dt.to_string(goal.form).cast(goal.dtype, strict=False)
