"""Which rows are compared with which, so that synthetic rows and real rows meet the same test.

Almost every figure changes with the number of rows: a small table looks unlike itself. So synthetic
rows are tried against real rows in trials of as many rows as the baseline has, three of them where
there are so many, and a figure is the mean of its trials.

With held-out rows these are the baseline: real rows, of which as many synthetic as held-out rows
are set against the real ones. Without, the real rows are dealt into halves; one half stands against
the other, and synthetic rows, as many, against either.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from raregan.judging.columns import Matrix
from raregan.judging.sides import Sides

TRIALS = 3
"""At most; each is of rows that no other one has."""

TRIAL_ROWS = 5_000
"""Rows of a side in a trial, at most: column distances are then good to about 0.02."""

MIN_ROWS = 10
"""Fewer rows in a half than this are no baseline."""

Kind = Literal["holdout", "halves", "none"]


class Trial(NamedTuple):
    """Rows that stand for reality, float64 of shape (n, d), and rows that are tried (m, d)."""

    reference: Matrix
    candidate: Matrix


@dataclass(frozen=True)
class Plan:
    """Trials of synthetic rows, and of real rows in their place.

    Attributes
    ----------
    synthetic, baseline
        The trials; no baseline where there are too few rows.
    kind
        What the baseline is made of.
    """

    synthetic: tuple[Trial, ...]
    baseline: tuple[Trial, ...]
    kind: Kind

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of either side in a trial of synthetic rows."""
        return len(self.synthetic[0].reference), len(self.synthetic[0].candidate)


def plan_trials(sides: Sides, rng: np.random.Generator) -> Plan:
    """Deal rows into trials; see above."""
    real, synthetic, holdout = (
        side[rng.permutation(len(side))] for side in (sides.real, sides.synthetic, sides.holdout)
    )
    if len(holdout):
        size = min(len(synthetic), len(holdout), TRIAL_ROWS)
        reference = real[:TRIAL_ROWS]
        made, held = ([Trial(reference, part) for part in _deal(side, size)]
                      for side in (synthetic, holdout))  # fmt: skip
        return Plan(tuple(made), tuple(held), "holdout")
    half = len(real) // 2
    if half < MIN_ROWS:
        return Plan((Trial(real, synthetic[:TRIAL_ROWS]),), (), "none")
    size = min(len(synthetic), half, TRIAL_ROWS)
    halves = real[:half][:TRIAL_ROWS], real[half:][:TRIAL_ROWS]
    parts = _deal(synthetic, size)
    made = [Trial(halves[place % 2], part) for place, part in enumerate(parts)]
    if len(parts) == 1:
        made.append(Trial(halves[1], parts[0]))
    held = [Trial(halves[0], halves[1][:size]), Trial(halves[1], halves[0][:size])]
    return Plan(tuple(made), tuple(held), "halves")


def _deal(rows: Matrix, size: int) -> list[Matrix]:
    return [rows[start : start + size] for start in range(0, size * TRIALS, size)
            if start + size <= len(rows)]  # fmt: skip
