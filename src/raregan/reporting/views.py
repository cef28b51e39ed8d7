"""What is shown, computed before it is drawn: the figures and the HTML report share it.

Whatever takes two tables raises `SchemaError` or `TooFewRowsError` where they cannot be compared:
see `raregan.judging.fidelity.matrices`.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.judging.fidelity import Matrix, correlations, ks_statistics, matrices

MAX_POINTS = 2_500  # a side
MIN_BINS, MAX_BINS = 10, 40
TAILS = 0.005  # the share of real rows beyond each end of a distribution's frame
_SEED = 0

Vector = npt.NDArray[np.float64]
Interval = tuple[float, float]


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


def principal_plane(real: Matrix) -> Plane:
    """Fit the plane of the first two principal components of real rows (n, d).

    Columns are standardised first; a constant one carries no weight. Each component points to
    where its largest loading is positive, so that the same rows always give the same picture.
    Where there are fewer than two components the missing ones are zero.
    """
    mean = real.mean(axis=0)
    spread = np.where(np.ptp(real, axis=0) > 0, real.std(axis=0), 0)
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
    _, real_values, synthetic_values = matrices(real, synthetic)
    plane = principal_plane(real_values)
    n = min(len(real_values), len(synthetic_values), MAX_POINTS)
    rng = np.random.default_rng(_SEED)
    chosen = [
        plane.project(rows[np.sort(rng.choice(len(rows), n, replace=False))])
        for rows in (real_values, synthetic_values)
    ]
    low, high = zip(*(_frame(chosen[0][:, i], chosen[1][:, i]) for i in (0, 1)), strict=True)
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


def _frame(real: Vector, synthetic: Vector, tails: float = 0) -> Interval:
    """Choose an interval that holds the real values and the synthetic ones near them.

    It may grow by half the real range to either side; a stray value further out must not squeeze
    the rest of the picture into a line.
    """
    ends = [tails, 1 - tails]
    low, high = np.quantile(real, ends)
    if low == high:
        low, high = real.min(), real.max()
    low_synthetic, high_synthetic = np.quantile(synthetic, ends)
    least = max(0.5, abs(high) * 1e-6)  # of a constant column
    room = (high - low) / 2 or least
    low, high = (
        max(min(low, low_synthetic), low - room),
        min(max(high, high_synthetic), high + room),
    )
    margin = (high - low) * 0.03 or least
    return float(low - margin), float(high + margin)


@dataclass(frozen=True)
class CorrelationView:
    """Correlations (d, d) of both tables; NaN where a column is constant."""

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
    names, real_values, synthetic_values = matrices(real, synthetic)
    return CorrelationView(names, correlations(real_values), correlations(synthetic_values))


@dataclass(frozen=True)
class ColumnView:
    """Histograms of one column on common bins: shares of all rows of each side, in [0, 1].

    `edges` has one entry more than the shares; what lies beyond them is missing from
    the shares, which then do not add up to 1.
    """

    name: str
    ks: float
    edges: Vector
    real: Vector
    synthetic: Vector

    @property
    def whole(self) -> bool:
        """Whether the bins are those of whole numbers."""
        return bool(np.all(self.edges % 1 == 0.5))  # noqa: PLR2004

    @property
    def beyond(self) -> str:
        """How much lies beyond the edges, where it is clearly more than the tails, else ""."""
        real, synthetic = (max(0.0, 1 - side.sum()) for side in (self.real, self.synthetic))
        if max(real, synthetic) <= 3 * TAILS:
            return ""
        return f"outside: real {real:.1%}, synthetic {synthetic:.1%}"


def column_views(real: pl.DataFrame, synthetic: pl.DataFrame) -> list[ColumnView]:
    """Compute the histograms of every column, in the order of the real table."""
    names, real_values, synthetic_values = matrices(real, synthetic)
    ks = ks_statistics(real, synthetic)
    views = []
    for name, a, b in zip(names, real_values.T, synthetic_values.T, strict=True):
        edges = _edges(a, b)
        shares = [np.histogram(side, edges)[0] / len(side) for side in (a, b)]
        views.append(ColumnView(name, ks[name], edges, shares[0], shares[1]))
    return views


def _edges(real: Vector, synthetic: Vector) -> Vector:
    low, high = _frame(real, synthetic, TAILS)
    bins = int(np.clip(2 * math.sqrt(len(real)), MIN_BINS, MAX_BINS))
    if np.all(real == np.round(real)):  # bins of whole numbers, else some hold two and some one
        step = max(1, np.ceil((high - low) / bins))
        return np.arange(np.ceil(low) - 0.5, np.floor(high) + 0.5 + step, step)
    return np.linspace(low, high, bins + 1)
