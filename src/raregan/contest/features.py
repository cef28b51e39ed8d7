"""A frame as classifiers see it: what a column is made of is learned from training rows alone.

A *plain* frame holds numbers (dates among them, as days) as Float64, categories as String, and null
for what is missing; a number that is not finite is missing. That a column is numbers or categories
is known beforehand, by its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raregan.data.schema import Column

Matrix = npt.NDArray[np.float64]

MOST_LEVELS = 32
"""Levels of a category that get a column of their own; all others share one."""

GAP = "\0"
"""Stands for a missing category where it counts as a level."""

ROUNDING = 1e-14
"""Of a mean: a standard deviation up to it is that of equal numbers, as they are added up."""

_DAY = 86_400e6  # microseconds


def plain(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return these columns as a plain frame."""
    return frame.select(_as_plain(column) for column in columns)


def _as_plain(column: Column) -> pl.Expr:
    cells = pl.col(column.name)
    kind, dtype = column.kind, column.polars_dtype
    if kind == "datetime":
        if column.format is not None:
            cells = cells.str.to_datetime(column.format, time_unit="us")
        return cells.cast(pl.Datetime("us")).cast(pl.Int64) / _DAY
    if kind in ("categorical", "boolean") or not (dtype.is_numeric() or _is_counted(kind)):
        return cells.cast(pl.String)
    number = (cells.to_physical() if kind == "duration" else cells).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number).alias(column.name)


def _is_counted(kind: str) -> bool:
    return kind in ("continuous", "integer", "duration")  # numbers may be written as text


def by_frequency(cells: pl.Series) -> list[str]:
    """Return the levels that are there, the commonest first, those as common by name."""
    counts = cells.drop_nulls().value_counts()
    return counts.sort("count", cells.name, descending=[True, False])[cells.name].to_list()


def mean_and_scale(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the mean and the standard deviation of each column, 1 where all are equal."""
    mean, scale = values.mean(axis=0), values.std(axis=0)
    return mean, np.where(scale > ROUNDING * np.abs(mean), scale, 1.0)


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers, as training rows have it."""

    name: str
    middle: float
    mean: float
    scale: float
    has_gaps: bool

    @classmethod
    def of(cls, cells: pl.Series) -> Self:
        known = cells.drop_nulls().to_numpy()
        middle = float(np.median(known)) if len(known) else 0.0
        full = cells.fill_null(middle).to_numpy()
        mean, scale = map(float, mean_and_scale(full))
        return cls(cells.name, middle, mean, scale, len(known) < len(full))


@dataclass(frozen=True)
class Linear:
    """For models that add columns up: missing numbers the median, all standardised, one-hot levels.

    Where numbers are missing in training rows a column of 0 and 1 says so. A category has a column
    for each of the `MOST_LEVELS` commonest levels, a missing one counting as a level, and one for
    all other levels that training rows have; of a level that they do not have all are 0.
    """

    numbers: tuple[_Numbers, ...]
    levels: dict[str, list[str]]

    @classmethod
    def fit(cls, frame: pl.DataFrame) -> Self:
        """Learn medians, means, scales and levels of a plain frame."""
        numbers = [c for c in frame.iter_columns() if c.dtype.is_numeric()]
        rest = [c for c in frame.iter_columns() if not c.dtype.is_numeric()]
        levels = {c.name: by_frequency(c.fill_null(GAP)) for c in rest}
        return cls(tuple(_Numbers.of(cells) for cells in numbers), levels)

    def encode(self, frame: pl.DataFrame) -> Matrix:
        """Return a plain frame as float64 of shape (n, d), nothing missing."""
        columns = []
        for known in self.numbers:
            cells = frame[known.name]
            columns.append((cells.fill_null(known.middle) - known.mean) / known.scale)
            if known.has_gaps:
                columns.append(cells.is_null())
        for name, levels in self.levels.items():
            cells = frame[name].fill_null(GAP)
            columns += [cells == level for level in levels[:MOST_LEVELS]]
            if len(levels) > MOST_LEVELS:
                columns.append(cells.is_in(levels[MOST_LEVELS:]))
        return _stack(columns, frame.height)


@dataclass(frozen=True)
class Ordinal:
    """For trees: numbers as they are, NaN where missing; levels numbered from the commonest on.

    A level that training rows do not have is -1, a missing one NaN.
    """

    names: tuple[str, ...]
    levels: dict[str, list[str]]

    @classmethod
    def fit(cls, frame: pl.DataFrame) -> Self:
        """Learn the levels of a plain frame."""
        rest = [c for c in frame.iter_columns() if not c.dtype.is_numeric()]
        return cls(tuple(frame.columns), {c.name: by_frequency(c) for c in rest})

    def encode(self, frame: pl.DataFrame) -> Matrix:
        """Return a plain frame as float64 of shape (n, d)."""
        columns = []
        for name in self.names:
            cells = frame[name]
            if name in self.levels:
                known = self.levels[name]
                codes = cells.replace_strict(
                    known, range(len(known)), default=-1, return_dtype=pl.Float64
                )
                cells = codes.set(cells.is_null(), None)
            columns.append(cells.cast(pl.Float64).fill_null(float("nan")))
        return _stack(columns, frame.height)


def _stack(columns: list[pl.Series], n_rows: int) -> Matrix:
    if not columns:
        return np.zeros((n_rows, 0))
    return np.column_stack([cells.cast(pl.Float64).to_numpy() for cells in columns])
