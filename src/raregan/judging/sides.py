"""Real, synthetic, held-out and other rows on common ground: matrices of the same columns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from raregan.data.conversions import Conversion, Stored
from raregan.data.kinds import find_date_format
from raregan.errors import SchemaError
from raregan.judging.columns import (
    ColumnPair,
    Kind,
    Matrix,
    as_float32,
    pair_columns,
    refuse_other_dates,
)

LARGEST = 1e100
"""Numbers beyond this count as this: their squares would overflow."""


class Column(NamedTuple):
    """What a column is compared as; see `raregan.judging.columns.ColumnPair`."""

    name: str
    kind: Kind
    levels: tuple[str | None, ...]

    @property
    def is_category(self) -> bool:
        """Whether values are codes of levels."""
        return self.kind == "category"


@dataclass(frozen=True)
class Sides:
    """All rows that a judgement looks at.

    Attributes
    ----------
    columns
        d columns, in the order of the real table.
    real, synthetic, holdout, others
        float64 of shape (n, d): numbers with NaN where missing, or codes of levels. No rows where
        there are none of a kind. Finite numbers are within `LARGEST`.
    """

    columns: tuple[Column, ...]
    real: Matrix
    synthetic: Matrix
    holdout: Matrix
    others: Matrix


def bring_together(
    real: pl.DataFrame, synthetic: pl.DataFrame, holdout: pl.DataFrame, others: pl.DataFrame
) -> Sides:
    """Bring four tables of the same columns on common ground; the last two may have no rows.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `raregan.judging.columns.pair_columns`.
    """
    sides = [like_real(side, real, "real") for side in (real, holdout, others)]
    known = pl.concat(sides, how="vertical_relaxed")  # a column may be missing throughout one
    pairs = pair_columns(known, synthetic)
    columns = tuple(Column(pair.name, pair.kind, pair.levels) for pair in pairs)
    values = np.stack([pair.real for pair in pairs]).T
    ends = np.cumsum([real.height, holdout.height])
    of_real, of_holdout, of_others = np.split(values, ends)
    made = np.stack([pair.synthetic for pair in pairs]).T
    tables = (real, synthetic, holdout, others)
    rough = [any(table.schema[one.name] == pl.Float32 for table in tables) for one in columns]
    found = [_tame(side) for side in (of_real, made, of_holdout, of_others)]
    for side in found:
        side[:, rough] = as_float32(side[:, rough])
    return Sides(columns, *found)


def _tame(values: Matrix) -> Matrix:
    """Bring finite numbers within `LARGEST`; infinities stay as they are."""
    return np.where(np.isinf(values), values, np.clip(values, -LARGEST, LARGEST))


def like_real(table: pl.DataFrame | None, real: pl.DataFrame, which: str) -> pl.DataFrame:
    """Return a table with the columns of the real one and types to compare them in.

    Numbers are Float64, categories of any type text, all else is as in the real table. Without rows
    where the table is None.

    Raises
    ------
    SchemaError
        A column is missing, or holds what the real column's type cannot.
    """
    if table is None:
        table = real.clear()
    for name in real.columns:
        if name not in table.columns:
            raise SchemaError(f"column {name!r} is missing from the {which} rows; add it there")
    for name in real.columns:
        refuse_other_dates(real[name], table[name], which)
    columns = {}  # by name, as polars would call a column without one column_0
    for name, dtype in real.schema.items():
        try:
            columns[name] = _as_real(table[name], dtype)
        except (pl.exceptions.PolarsError, SchemaError) as error:
            raise SchemaError(
                f"column {name!r} is {table[name].dtype} in the {which} rows and {dtype} in the "
                "real ones, and not all of it can be read as that; cast one of them"
            ) from error
    return pl.DataFrame(columns)


def _as_real(cells: pl.Series, dtype: pl.DataType) -> pl.Series:
    dtype = cells.dtype if dtype == pl.Null else dtype  # no real cell says what they are
    if dtype.is_numeric():
        return cells.cast(pl.Float64)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return cells.cast(pl.String)
    if dtype.is_temporal() and cells.dtype == pl.String:
        written = find_date_format(cells.drop_nulls().unique())
        return Conversion(cells.name, Stored(dtype), Stored(cells.dtype, written)).to_learned(cells)
    return cells.cast(dtype)


def pair_up(columns: tuple[Column, ...], first: Matrix, second: Matrix) -> list[ColumnPair]:
    """Return the columns of two matrices (n, d) and (m, d) in pairs."""
    return [
        ColumnPair(column.name, column.kind, first[:, place], second[:, place], column.levels)
        for place, column in enumerate(columns)
    ]
