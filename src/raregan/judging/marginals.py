"""Column by column: how far apart the distributions of real and synthetic cells are."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raregan.judging.columns import ColumnPair, Vector
from raregan.judging.spaces import find_scale


@dataclass(frozen=True)
class Marginal:
    """One column of both tables.

    Attributes
    ----------
    name, kind
        As of `raregan.judging.columns.ColumnPair`.
    measure
        ``"KS"`` of numbers, ``"TV"`` of categories; see `raregan.judging.fidelity.ks_statistics`.
    distance
        In [0, 1]; 0 is best. One less this is what SDMetrics calls KSComplement, TVComplement.
    baseline
        The same of real rows in place of the synthetic ones; None where there is no baseline.
    wasserstein
        Of numbers: how far a cell must be moved on average, in units of the column's spread; see
        `wasserstein`. None of a category, and where a side has no number.
    coverage
        In [0, 1], best at 1: the part of the real range that synthetic numbers reach, or the share
        of real levels that synthetic rows have. None where the real column is constant.
    missing
        Shares of missing cells, real and synthetic.
    """

    name: str
    kind: str
    measure: str
    distance: float
    baseline: float | None
    wasserstein: float | None
    coverage: float | None
    missing: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "missing": list(self.missing)}


def wasserstein(pair: ColumnPair) -> float | None:
    """Return the first Wasserstein distance of numbers in units of the real column's spread.

    The spread is that of `raregan.judging.spaces`. Infinities are put at the ends of what is
    finite. None of a category, where the real column has no spread, or a side no number.
    """
    from scipy.stats import wasserstein_distance

    if pair.is_category:
        return None
    real, synthetic = (side[~np.isnan(side)] for side in pair.finite)
    if not real.size or not synthetic.size or np.ptp(real) == 0:
        return None
    spread = find_scale(real)[1]
    return float(wasserstein_distance(real / spread, synthetic / spread))


def coverage(pair: ColumnPair) -> float | None:
    """Return the part of the real range, or of the real levels, that synthetic cells reach.

    As SDMetrics defines RangeCoverage and CategoryCoverage: of numbers 1 less the parts of the real
    range below the smallest and above the largest synthetic one, at least 0. Missing is no level.
    None where the real column is constant or empty.
    """
    if pair.is_category:
        present = [code for code, level in enumerate(pair.levels) if level is not None]
        real, synthetic = (np.intersect1d(side, present) for side in pair.sides)
        return float(np.isin(real, synthetic).mean()) if real.size > 1 else None
    real, synthetic = (side[~np.isnan(side)] for side in pair.finite)
    if not real.size or np.ptp(real) == 0:
        return None
    if not synthetic.size:
        return 0.0
    low, high = real.min(), real.max()
    short = max(synthetic.min() - low, 0) / (high - low) + max(high - synthetic.max(), 0) / (
        high - low
    )
    return float(max(0.0, 1 - short))


def column_figures(pairs: list[ColumnPair], distances: Vector) -> dict[str, float]:
    """Return the figures of all columns; NaN where no column has one.

    Parameters
    ----------
    pairs
        The d columns.
    distances
        (d,) of `raregan.judging.fidelity.distance`.
    """
    missing = np.array([pair.missing for pair in pairs])
    reached = [(pair.is_category, coverage(pair)) for pair in pairs]
    return {
        "column_shape": float(1 - distances.mean()),
        "wasserstein": _mean([wasserstein(pair) for pair in pairs]),
        "range_coverage": _mean([value for is_category, value in reached if not is_category]),
        "level_coverage": _mean([value for is_category, value in reached if is_category]),
        "missing_difference": float(np.abs(missing[:, 0] - missing[:, 1]).max()),
    }


def _mean(values: list[float | None]) -> float:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else float("nan")
