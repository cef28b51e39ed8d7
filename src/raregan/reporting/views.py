"""What is shown, computed before it is drawn: the figures and the HTML report share it.

Whatever takes two tables raises `SchemaError` or `TooFewRowsError` where they cannot be compared:
see `raregan.judging.columns.pair_columns`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.judging.association import associations
from raregan.judging.columns import ColumnPair, Matrix, Vector, pair_columns
from raregan.reporting.distributions import Interval, frame_around

MAX_POINTS = 2_500  # a side
FITTED = 20_000
"""Rows of a side that the plane is fitted to or drawn from, at most: an indicator for each level
takes memory."""
PLANE_LEVELS = 10
_LARGE = 1e100  # squares of larger values may overflow
_SEED = 0


@dataclass(frozen=True)
class Plane:
    """The plane of the first two principal components of standardised rows.

    `mean` and `scale` have shape (d,), `components` (2, d); `explained` are the two shares of the
    variance, in [0, 1].
    """

    mean: Vector
    scale: Vector
    components: Matrix
    explained: tuple[float, float]

    def project(self, rows: Matrix) -> Matrix:
        """Return the coordinates (n, 2) of rows (n, d)."""
        coordinates: Matrix = ((rows - self.mean) / self.scale) @ self.components.T
        return coordinates


def principal_plane(real: Matrix, indicators: npt.NDArray[np.bool_] | None = None) -> Plane:
    """Fit the plane of the first two principal components of real rows (n, d).

    Columns are standardised first; a constant one carries no weight. Those marked in `indicators`
    (d,) hold 0 or 1 for a level, and are divided by the root of the level's share instead: then a
    category weighs as much as a number, as in factor analysis of mixed data [1]_. Each component
    points to where its largest loading is positive, so that the same rows always give the same
    picture. Where there are fewer than two components the missing ones are zero.

    References
    ----------
    .. [1] Pagès, "Analyse factorielle de données mixtes", Revue de statistique appliquée 52, 2004.
    """
    mean = real.mean(axis=0)
    spread = np.where(np.ptp(real, axis=0) > 0, real.std(axis=0), 0)
    if indicators is not None:
        spread = np.where(indicators & (spread > 0), np.sqrt(np.abs(mean)), spread)
    scale = np.where(spread > 0, spread, 1)
    standardised = np.where(spread > 0, (real - mean) / scale, 0)
    _, singular, axes = np.linalg.svd(standardised, full_matrices=False)
    components = np.zeros((2, real.shape[1]))
    variance = np.zeros(2)
    kept = min(2, np.count_nonzero(singular > 1e-9 * singular[0]))
    components[:kept], variance[:kept] = axes[:kept], singular[:kept] ** 2
    largest = np.abs(components).argmax(axis=1)
    components *= np.where(components[[0, 1], largest] < 0, -1, 1)[:, np.newaxis]
    explained = variance / max(float((singular**2).sum()), np.finfo(float).tiny)
    return Plane(mean, scale, components, (float(explained[0]), float(explained[1])))


def plane_coordinates(pairs: list[ColumnPair]) -> tuple[Matrix, Matrix, npt.NDArray[np.bool_]]:
    """Return both tables as numbers (n, D) and (m, D), and which columns are indicators (D,).

    A missing number is filled with the mean of the real ones. A category has an indicator for
    each of its 10 most frequent levels in the real table and one for all others; a level that the
    real table lacks has none, so it lies where no level is.
    """
    parts = [_indicators(pair) if pair.is_category else _filled(pair) for pair in pairs]
    widths = [part[0].shape[0] for part in parts]
    real, synthetic = (np.concatenate([part[side] for part in parts]).T for side in (0, 1))
    return real, synthetic, np.repeat([pair.is_category for pair in pairs], widths)


def _filled(pair: ColumnPair) -> tuple[Matrix, Matrix]:
    real, synthetic = pair.finite
    largest = np.nanmax(np.abs(np.concatenate([real, synthetic])), initial=0)
    if largest > _LARGE:
        real, synthetic = real / largest, synthetic / largest
    there = real[~np.isnan(real)]
    mean = there.mean() if there.size else 0.0
    return np.nan_to_num(real, nan=mean)[np.newaxis], np.nan_to_num(synthetic, nan=mean)[np.newaxis]


def _indicators(pair: ColumnPair) -> tuple[Matrix, Matrix]:
    counts = np.bincount(pair.real.astype(int), minlength=len(pair.levels))
    seen = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    place = np.full(len(pair.levels), -1)  # of what the real table lacks
    place[seen] = np.minimum(np.arange(seen.size), PLANE_LEVELS)
    levels = np.arange(min(seen.size, PLANE_LEVELS + 1))[:, np.newaxis]
    real, synthetic = ((place[side.astype(int)] == levels).astype(float) for side in pair.sides)
    return real, synthetic


@dataclass(frozen=True)
class PlaneView:
    """What a picture of the plane shows: points (k, 2) of each side and the frame around them.

    As many rows are drawn of either side, so that equal density means equal likelihood. The frame
    holds every real point drawn; `outside` synthetic ones of those drawn lie beyond it.
    """

    real: Matrix
    synthetic: Matrix
    n_real: int
    n_synthetic: int
    explained: tuple[float, float]
    frame: tuple[Interval, Interval]
    outside: int

    @property
    def labels(self) -> tuple[str, str]:
        """Axis labels with the share of the real rows' variance."""
        first, second = (f"{share:.0%} of the real variance" for share in self.explained)
        return f"component 1 ({first})", f"component 2 ({second})"

    @property
    def titles(self) -> tuple[str, str, str]:
        """What is drawn in the panels: real, synthetic, both."""
        real = f"real: {_drawn(len(self.real), self.n_real)}"
        synthetic = f"synthetic: {_drawn(len(self.synthetic), self.n_synthetic)}"
        return real, synthetic + (f", {self.outside:,} outside" if self.outside else ""), "both"


def _drawn(shown: int, of: int) -> str:
    return f"{of:,} rows" if shown == of else f"{shown:,} of {of:,} rows"


def plane_view(real: pl.DataFrame, synthetic: pl.DataFrame) -> PlaneView:
    """Project both tables onto the plane of the real rows and choose what to draw."""
    few = [
        table[np.sort(np.random.default_rng([_SEED, place]).choice(table.height, FITTED, False))]
        if table.height > FITTED
        else table
        for place, table in enumerate((real, synthetic))
    ]
    real_values, synthetic_values, indicators = plane_coordinates(pair_columns(few[0], few[1]))
    plane = principal_plane(real_values, indicators)
    n = min(len(real_values), len(synthetic_values), MAX_POINTS)
    rng = np.random.default_rng(_SEED)
    chosen = [
        plane.project(rows[np.sort(rng.choice(len(rows), n, replace=False))])
        for rows in (real_values, synthetic_values)
    ]
    low, high = zip(*(frame_around(chosen[0][:, i], chosen[1][:, i]) for i in (0, 1)), strict=True)
    beyond = (chosen[1] < low) | (chosen[1] > high)
    return PlaneView(
        real=chosen[0],
        synthetic=chosen[1],
        n_real=real.height,
        n_synthetic=synthetic.height,
        explained=plane.explained,
        frame=((low[0], high[0]), (low[1], high[1])),
        outside=int(beyond.any(axis=1).sum()),
    )


@dataclass(frozen=True)
class CorrelationView:
    """Correlations (d, d) of both tables, or what stands for them where a column is a category.

    See `raregan.judging.association`; NaN where a column is constant.
    """

    names: list[str]
    real: Matrix
    synthetic: Matrix

    @property
    def difference(self) -> Matrix:
        """Synthetic less real."""
        return self.synthetic - self.real

    @property
    def largest(self) -> float:
        """End of the difference's own scale: its largest absolute entry, at least 0.1."""
        return max(0.1, float(np.nanmax(np.abs(self.difference), initial=0)))


def correlation_view(real: pl.DataFrame, synthetic: pl.DataFrame) -> CorrelationView:
    """Compute the correlations of both tables."""
    pairs = pair_columns(real, synthetic)
    return CorrelationView([pair.name for pair in pairs], *associations(pairs))
