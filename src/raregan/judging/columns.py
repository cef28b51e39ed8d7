"""How two tables become comparable columns: numbers with gaps, or codes of common levels.

What a column is taken for follows from its dtype in both tables. Numbers and Decimal are numbers;
dates, times of day and durations are numbers of seconds; text, Categorical, Enum and Boolean are
categories, in which a missing value is a level of its own. A column that is missing throughout
one table is what it is in the other. Text of numbers, dates or times is read where the other
table holds such, and text of dates or decimals where both hold more than a few.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.data.kinds import find_date_format, is_written
from raregan.errors import SchemaError, TooFewRowsError

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Kind = Literal["number", "date", "time", "duration", "category"]

FEW_LEVELS = 12
"""Text of dates or decimals with no more distinct values than this stays a category."""

_DECIMALS = r"^-?[0-9]+\.[0-9]+$"
_DAY = 86_400.0
_UNITS = {"ms": 1e3, "us": 1e6, "ns": 1e9}  # a second holds so many


@dataclass(frozen=True)
class ColumnPair:
    """One column of both tables, on common ground.

    Attributes
    ----------
    name
        Its name in both tables.
    kind
        What it is compared as. Dates are seconds since 1970 (UTC), times seconds since midnight,
        durations seconds.
    real, synthetic
        float64 of shape (n,) and (m,): numbers with NaN where missing, or codes of `levels`.
    levels
        Of a category: its levels as text, None where missing, the most frequent of both tables
        together first. Empty otherwise.
    """

    name: str
    kind: Kind
    real: Vector
    synthetic: Vector
    levels: tuple[str | None, ...] = ()

    @property
    def sides(self) -> tuple[Vector, Vector]:
        """Real and synthetic."""
        return self.real, self.synthetic

    @property
    def is_category(self) -> bool:
        """Whether values are codes of levels."""
        return self.kind == "category"

    @property
    def present(self) -> tuple[Vector, Vector]:
        """Values that are there; of a category all, as missing is a level."""
        return self.real[~np.isnan(self.real)], self.synthetic[~np.isnan(self.synthetic)]

    @property
    def finite(self) -> tuple[Vector, Vector]:
        """Both sides with infinities put at the ends of what is finite in either."""
        values = np.concatenate(self.sides)
        values = values[np.isfinite(values)]
        low, high = (values.min(), values.max()) if values.size else (-1.0, 1.0)
        real, synthetic = (np.clip(side, low, high) for side in self.sides)
        return real, synthetic

    @property
    def missing(self) -> tuple[float, float]:
        """Shares of missing values, in [0, 1]."""
        code = float(self.levels.index(None)) if None in self.levels else np.nan
        real, synthetic = (float(np.mean(np.isnan(side) | (side == code))) for side in self.sides)
        return real, synthetic


def pair_columns(real: pl.DataFrame, synthetic: pl.DataFrame) -> list[ColumnPair]:
    """Check that two tables can be compared and bring their columns together.

    Returns
    -------
    list of ColumnPair
        In the order of `real`.

    Raises
    ------
    SchemaError
        A column is in one table only, holds what has no distribution to compare (lists, say), or
        holds numbers in one table and text in the other, and the like; or there is no column.
    TooFewRowsError
        A table has no rows.
    """
    if not real.columns:
        raise SchemaError("the real table has no columns; pass the columns to compare")
    for name in [*real.columns, *synthetic.columns]:
        if name not in synthetic.columns:
            raise SchemaError(f"column {name!r} is missing from the synthetic rows; add it there")
        if name not in real.columns:
            raise SchemaError(
                f"column {name!r} is not in the real rows; drop it from the synthetic ones"
            )
    for which, table in (("real", real), ("synthetic", synthetic)):
        if table.height == 0:
            raise TooFewRowsError(f"there are no {which} rows; pass at least one")
    return [_pair(real[name], synthetic[name]) for name in real.columns]


def refuse_other_dates(real: pl.Series, cells: pl.Series, which: str) -> None:
    """Refuse text of dates that is written otherwise than in the real rows.

    Raises
    ------
    SchemaError
        As said: cells would be compared as levels of which none is in both tables.
    """
    if real.dtype != pl.String or cells.dtype != pl.String:
        return
    known, others = (side.drop_nulls().unique() for side in (real, cells))
    form = find_date_format(known)
    if form is None or is_written(others, form):
        return
    if other := find_date_format(others):
        raise SchemaError(
            f"column {real.name!r} holds dates as {form!r} in the real rows and as {other!r} in "
            f"the {which} ones: write both alike, or make them dates"
        )


def _pair(real: pl.Series, synthetic: pl.Series) -> ColumnPair:
    refuse_other_dates(real, synthetic, "synthetic")
    kind = _common_kind(real, synthetic)
    if kind == "category":
        return _pair_categories(real, synthetic)
    numbers, others = _numbers(real, kind), _numbers(synthetic, kind)
    if numbers is None or others is None:
        raise SchemaError(
            f"column {real.name!r} is {real.dtype} in the real rows and {synthetic.dtype} in the "
            "synthetic ones; cast one of them to what the other is"
        )
    if pl.Float32 in (real.dtype, synthetic.dtype):
        numbers, others = as_float32(numbers), as_float32(others)
    return ColumnPair(real.name, kind, numbers, others)


def as_float32(values: Matrix) -> Matrix:
    """Round to what Float32 holds: 0.1 of a table that has it so is no 0.1 of another one."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _common_kind(real: pl.Series, synthetic: pl.Series) -> Kind:
    """Return what the table with the stricter dtype says, text being the least strict."""
    kinds = [kind for kind in (_kind(real, "real"), _kind(synthetic, "synthetic")) if kind]
    strict = [kind for kind in kinds if kind != "category"]
    if strict or not kinds:
        return strict[0] if strict else "number"
    texts = [side for side in (real, synthetic) if side.dtype == pl.String]
    return _kind_of_text(pl.concat(texts)) if len(texts) == 2 else "category"  # noqa: PLR2004


def _kind_of_text(texts: pl.Series) -> Kind:
    distinct = texts.drop_nulls().unique(maintain_order=True)
    if len(distinct) <= FEW_LEVELS:
        return "category"
    if distinct.str.contains(_DECIMALS).all():
        return "number"
    return "date" if find_date_format(distinct) else "category"


def _kind(column: pl.Series, which: str) -> Kind | None:
    """Return what a column is by its dtype; None where all of it is missing."""
    dtype = column.dtype
    if column.null_count() == len(column):
        return None
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.Date | pl.Datetime):
        return "date"
    if isinstance(dtype, pl.Time):
        return "time"
    if isinstance(dtype, pl.Duration):
        return "duration"
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Boolean):
        return "category"
    raise SchemaError(
        f"column {column.name!r} of the {which} rows is {dtype}, which has no distribution to "
        "compare; drop it, or make it numbers, dates or text"
    )


def _numbers(column: pl.Series, kind: Kind) -> Vector | None:
    """Return a column as float64 with NaN where missing; None where it cannot be of this kind."""
    if column.null_count() == len(column):
        return np.full(len(column), np.nan)
    if column.dtype == pl.String:
        return _parse(column, kind)
    if _kind(column, "") != kind:
        return None
    if kind == "number":
        return _floats(column)
    return _seconds(column)


def _parse(texts: pl.Series, kind: Kind) -> Vector | None:
    """Read text of numbers, dates or times; None where some of it is something else."""
    if kind == "number":
        read = texts.str.strip_chars().cast(pl.Float64, strict=False)
    elif kind == "time":
        read = texts.str.to_time("%H:%M:%S%.f", strict=False)
    elif kind == "date" and (form := find_date_format(texts.drop_nulls().unique())):
        read = texts.str.to_datetime(form, strict=False, time_unit="us")
    else:
        return None
    if read.null_count() > texts.null_count():
        return None
    return _floats(read) if kind == "number" else _seconds(read)


def _floats(column: pl.Series) -> Vector:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)


def _seconds(column: pl.Series) -> Vector:
    values = _floats(column.to_physical())
    if column.dtype == pl.Date:
        return values * _DAY
    return values / _UNITS[getattr(column.dtype, "time_unit", "ns")]  # times of day are in ns


def _pair_categories(real: pl.Series, synthetic: pl.Series) -> ColumnPair:
    union = pl.concat([_texts(real), _texts(synthetic)]).alias("level")
    counts = union.value_counts(name="rows").sort(["rows", "level"], descending=[True, False])
    codes = union.to_frame().join(
        counts.with_row_index("code"), on="level", how="left", nulls_equal=True,
        maintain_order="left",
    )["code"]  # fmt: skip
    values = codes.cast(pl.Float64).to_numpy()
    levels = tuple(counts["level"].to_list())
    return ColumnPair(real.name, "category", values[: len(real)], values[len(real) :], levels)


def _texts(column: pl.Series) -> pl.Series:
    if column.null_count() == len(column):  # whatever its dtype, which may have no text
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(column))
    return column.cast(pl.String)
