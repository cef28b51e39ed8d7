"""Columns that another column determines: a make by its model, a region by its city.

A network draws each column's category on its own, and would make combinations that never were.
What one column determines is one field with it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from raregan.encoding.levels import MAX_ONE_HOT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from raregan.data.schema import Column

    Codes = NDArray[np.int64]

ROWS_A_LEVEL = 5
"""On average, of a column that determines another: with fewer it may by chance."""

ROWS_A_NUMBER = 30
"""The same of numbers, which are levels in such a field: those between are not made any more."""

BY_CHANCE = 0.75
"""A column determines another where there are so few combinations, beside those that as many rows
would show of two columns with nothing in common."""

_SAMPLE = 2_000  # rows on which a pair is tried before all are looked at
_MIN_LEVELS = 2
_LEVELS, _NUMBERS = ("categorical", "boolean"), ("integer", "continuous")


def find_dependent(
    frame: pl.DataFrame, columns: Sequence[Column], taken: Collection[str]
) -> list[tuple[str, ...]]:
    """Return groups of columns, of which the first determines the others in every row.

    Parameters
    ----------
    frame
        (n, columns) rows; a missing cell is a value like another.
    columns
        What they are. Categories, yes or no, and numbers of few values are looked at.
    taken
        Names that belong to a rule already.
    """
    kinds = {column.name: column.kind for column in columns if column.name not in taken}
    least = {name: ROWS_A_LEVEL for name, kind in kinds.items() if kind in _LEVELS}
    least |= {name: ROWS_A_NUMBER for name, kind in kinds.items() if kind in _NUMBERS}
    sample = {name: _codes(frame[name].head(_SAMPLE)) for name in least}
    likely = {
        name: others
        for name in least
        if (others := [other for other in least if other != name and _fixes(sample, name, other)])
    }
    codes = {
        name: _codes(frame[name])
        for name in dict.fromkeys(chain(likely, *likely.values()))
        if frame[name].n_unique() <= min(MAX_ONE_HOT, frame.height / least[name])
    }
    groups: list[tuple[str, ...]] = []
    grouped: set[str] = set()
    for name in sorted(likely.keys() & codes.keys(), key=lambda name: (-codes[name].max(), name)):
        others = [other for other in likely[name] if other in codes and other not in grouped]
        if name not in grouped and (fixed := [o for o in others if _fixes(codes, name, o)]):
            groups.append((name, *fixed))
            grouped |= {name, *fixed}
    return groups


def _fixes(codes: dict[str, Codes], name: str, other: str) -> bool:
    """Say whether a column determines another, and not by chance."""
    first, second = codes[name], codes[other]
    n_first, n_second = int(first.max()) + 1, int(second.max()) + 1
    if not _MIN_LEVELS <= n_second <= n_first <= MAX_ONE_HOT or _pairs(first, second) > n_first:
        return False
    shares = np.outer(*(np.bincount(codes) / len(codes) for codes in (first, second)))
    return n_first <= BY_CHANCE * float((1 - (1 - shares) ** len(first)).sum())


def _pairs(first: Codes, second: Codes) -> int:
    """Count the combinations."""
    return len(np.unique(first * (MAX_ONE_HOT + 1) + second))


def _codes(cells: pl.Series) -> Codes:
    """Return the number of each cell's value, from 0."""
    return cells.rank("dense").fill_null(0).to_numpy().astype(np.int64) - (not cells.null_count())
