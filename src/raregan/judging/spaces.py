"""One space for the distances between rows, learned from the real rows alone.

A number is put at ``arcsinh((x - median) / spread)``: in units of its column's spread in the
middle, by orders of magnitude far out, so that one long tail does not rule every distance. The
spread is the interquartile range of the real rows over 1.349, which is a standard deviation where
they are normal; where that is 0, their standard deviation. A category is one-hot over the square
root of 2: different levels are 1 apart. Missing counts as a level; of a number it is a flag that is
1 apart from all that is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from raregan.judging.columns import Matrix, Vector
from raregan.judging.sides import Column

MAX_LEVELS = 50
"""The most frequent levels of the real rows stand for themselves, all others for one."""

_FARTHEST = 500.0  # of an infinite number: farther out than any finite one
_NORMAL_IQR = 1.349


@dataclass(frozen=True)
class Space:
    """Where rows lie.

    Attributes
    ----------
    columns
        The d columns.
    centres, spreads
        (d,) of numbers; unused of categories.
    levels
        Of each category the codes that stand for themselves; none of a number.
    blocks
        Of each column the coordinates it takes.
    """

    columns: tuple[Column, ...]
    centres: Vector
    spreads: Vector
    levels: tuple[npt.NDArray[np.int64], ...]
    blocks: tuple[slice, ...]

    @classmethod
    def fit(cls, columns: Sequence[Column], values: Matrix) -> Self:
        """Learn the scales from real rows (n, d), n at least 1."""
        centres, spreads = np.zeros(len(columns)), np.ones(len(columns))
        levels, blocks, start = [], [], 0
        for place, column in enumerate(columns):
            kept = np.empty(0, np.int64)
            if column.is_category:
                counts = np.bincount(values[:, place].astype(np.int64))
                kept = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
                kept = kept[counts[kept] > 0]
            else:
                centres[place], spreads[place] = find_scale(values[:, place])
            width = kept.size + 1 if column.is_category else 2
            levels.append(kept)
            blocks.append(slice(start, start + width))
            start += width
        return cls(tuple(columns), centres, spreads, tuple(levels), tuple(blocks))

    def place(self, values: Matrix) -> Matrix:
        """Return the coordinates (n, p) of rows (n, d)."""
        points = np.zeros((len(values), self.blocks[-1].stop if self.blocks else 0))
        for place, (column, block) in enumerate(zip(self.columns, self.blocks, strict=True)):
            cells = values[:, place]
            if column.is_category:
                own = self.levels[place]
                found = cells[:, np.newaxis] == own
                points[:, block] = np.column_stack([found, ~found.any(axis=1)]) / np.sqrt(2)
                continue
            missing = np.isnan(cells)
            with np.errstate(over="ignore"):  # a spread may be tiny
                scaled = np.arcsinh((cells - self.centres[place]) / self.spreads[place])
            scaled = np.clip(scaled, -_FARTHEST, _FARTHEST)
            points[:, block.start] = np.where(missing, 0, scaled)
            points[:, block.start + 1] = missing
        return points


def find_scale(cells: Vector) -> tuple[float, float]:
    """Return median and spread of the finite cells; 0 and 1 where there are none, or one value."""
    there = cells[np.isfinite(cells)]
    if not there.size:
        return 0.0, 1.0
    low, middle, high = np.quantile(there, [0.25, 0.5, 0.75])
    spread = float(high - low) / _NORMAL_IQR or float(there.std())
    return float(middle), spread or 1.0
