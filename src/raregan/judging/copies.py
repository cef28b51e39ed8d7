"""Copies of real rows: distances to real rows, beside those of held-out rows.

A held-out row was never seen by the generator, so how close it happens to lie to a real row is what
closeness means in this table. Distances are Euclid's in the space of `raregan.judging.spaces`.
These figures are alarms: rows that lie close show that something was copied; rows that do not
prove nothing [1]_.

References
----------
.. [1] Ganev and De Cristofaro, "The inadequacy of similarity-based privacy metrics", 2023,
   arXiv:2312.05114.
.. [2] Good, "The population frequencies of species and the estimation of population parameters",
   Biometrika 40, 1953: the estimate is Turing's.
.. [3] Esty, "A normal limit law for a nonparametric estimator of the coverage of a random sample",
   Annals of Statistics 11, 1983.
.. [4] Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.judging.columns import Matrix, Vector
from raregan.judging.intervals import CONFIDENCE, Estimate, Interval, Places, around, median, share
from raregan.judging.neighbours import distances_between, nearest

NEAR = 0.05
"""A row is a near copy where it is nearer to a real row than this share of the held-out rows."""

CLEARLY = 3.0
"""Standard errors above what chance gives: by chance one table in 700 is as far off."""

_DRAWS = 10  # of real rows, as many as held-out ones
_DEALS = 100


class Copied(NamedTuple):
    """Which rows equal a real row in every column.

    Attributes
    ----------
    synthetic, holdout
        (s,) and (m,) of synthetic and of held-out rows.
    real
        (n,) which real rows equal a held-out row.
    is_distinct
        Whether no two of all real and held-out rows are equal.
    """

    synthetic: npt.NDArray[np.bool_]
    holdout: npt.NDArray[np.bool_]
    real: npt.NDArray[np.bool_]
    is_distinct: bool


@dataclass(frozen=True)
class Closeness:
    """Distances of rows to real rows.

    Attributes
    ----------
    first, second
        (n,) to the closest and the second closest real row.
    """

    first: Vector
    second: Vector

    @classmethod
    def of(cls, points: Matrix, real: Matrix) -> "Closeness":
        """Measure points (n, p) against real ones (m, p), m at least 2."""
        distances = nearest(real, points, 2)
        return cls(distances[:, 0], distances[:, 1])

    @property
    def ratio(self) -> Vector:
        """First over second; 1 where both are 0, as neither is then special."""
        second = np.where(self.second > 0, self.second, 1)
        return np.where(self.second > 0, self.first / second, 1)


def chance_of_equal(real: pl.Series) -> tuple[float, float]:
    """Return how probably a fresh row equals one of n real rows, and the variance of this estimate.

    Of the real rows their hashes are taken. It is the share of the rows that are there more than
    once [2]_; its variance is Esty's [3]_.
    """
    copies, n = real.unique_counts(), len(real)
    once, twice = (int((copies == times).sum()) for times in (1, 2))
    return 1 - once / n, (once * (1 - once / n) + 2 * twice) / n**2


def rate_of_equal(copied: Copied, n: int) -> Estimate:
    """Return the share of fresh rows that equal one of `n` real rows, by the held-out ones.

    Where no two of all N real and held-out rows are equal, the N (N - 1) / 2 pairs of them say more
    than the held-out rows alone: a probability of an event that was not seen in so many trials is
    at most -log(0.025) over their number, 97.5 times in 100 [4]_, and a fresh row makes `n` pairs.
    """
    found, n_all = share(copied.holdout), n + len(copied.holdout)
    if not copied.is_distinct or found.interval is None:
        return found
    most = -np.log((1 - CONFIDENCE) / 2) * 2 * n / (n_all * (n_all - 1))
    return Estimate(0.0, Interval(0.0, min(float(most), found.interval.high)))


def count_learned(real: pl.Series, n_equal: int, n_holdout: int) -> int:
    """Return how many held-out rows were learned from: more than equal a real row by chance.

    0 where chance explains them (`CLEARLY`), and where half of the real rows or more are copies of
    each other: there to be equal says nothing. Where all real rows differ it is `n_equal`.

    Parameters
    ----------
    real
        Hashes of the rows that were learned from.
    n_equal, n_holdout
        How many held-out rows equal one of them, of how many.
    """
    if not n_equal:
        return 0
    by_chance, variance = chance_of_equal(real)
    excess = n_equal / n_holdout - by_chance
    error = np.sqrt(by_chance * (1 - by_chance) / n_holdout + variance)
    if 2 * by_chance >= 1 or excess <= CLEARLY * error:
        return 0
    return round(n_holdout * excess / (1 - by_chance))


def count_nearly_learned(real: Matrix, holdout: Matrix) -> tuple[int, int]:
    """Return how many held-out rows equal a real row in all columns but one, and in which.

    As `count_learned`, the column left out by which most do; none where that is not most of them.

    Parameters
    ----------
    real, holdout
        Rows (n, d) and (m, d): numbers, NaN where missing, or codes of levels.
    """
    of_each = [
        np.stack([pl.Series(column).hash(place).to_numpy() for place, column in enumerate(side.T)])
        for side in (real, holdout)
    ]
    found, where = 0, 0
    for place in range(real.shape[1] if real.shape[1] > 1 else 0):
        known, held = (pl.Series(one.sum(axis=0) - one[place]) for one in of_each)
        n_equal = int(held.is_in(known.implode()).sum())
        if (n := count_learned(known, n_equal, len(held))) > found:
            found, where = n, place
    return (found, where) if is_most(found, len(holdout)) else (0, where)


def is_most(n_learned: int, n_holdout: int) -> bool:
    """Whether so many held-out rows were learned from that the others are no hold-out."""
    return 2 * n_learned > n_holdout


def closeness_figures(
    synthetic: Closeness, holdout: Closeness
) -> dict[str, tuple[Estimate, Estimate]]:
    """Return near copies, dcr and nndr of synthetic rows, each beside that of held-out rows.

    ``dcr`` is the median distance to the closest record; its 5 % quantile among held-out rows is
    the limit within which a near copy lies.
    """
    limit = float(np.quantile(holdout.first, NEAR))
    return {
        "near_copies": (share(synthetic.first < limit), share(holdout.first < limit)),
        "dcr": (median(synthetic.first), median(holdout.first)),
        "nndr": (median(synthetic.ratio), median(holdout.ratio)),
    }


def closer_to_real(
    synthetic: Matrix, real: Matrix, holdout: Matrix, rng: np.random.Generator
) -> Estimate:
    """Return the share of synthetic rows closer to a real row than to a held-out one; ties half.

    Real and held-out rows are as many: of the larger side rows are drawn, `_DRAWS` times. Then half
    the rows of a generator that copies nobody lie closer to real rows. How far chance alone would
    move that half, when it deals the same rows to both sides anew, is the interval's width.
    """
    distances = distances_between(synthetic, np.concatenate([real, holdout]))
    n = min(len(real), len(holdout))
    of_real, of_held = np.split(np.arange(distances.shape[1]), [len(real)])
    draws = [
        _share_closer(
            distances, *(rng.choice(side, n, replace=False) for side in (of_real, of_held))
        )
        for _ in range(_DRAWS)
    ]
    by_chance = [
        _share_closer(distances, *np.split(rng.permutation(distances.shape[1])[: 2 * n], 2))
        for _ in range(_DEALS)
    ]
    value = float(np.mean(draws))
    return Estimate(value, around(value, float(np.std(by_chance)), low=0, high=1, df=_DEALS - 1))


def _share_closer(distances: Matrix, first: Places, second: Places) -> float:
    to_first, to_second = (distances[:, side].min(axis=1) for side in (first, second))
    return float(np.mean((to_first < to_second) + (to_first == to_second) / 2))
