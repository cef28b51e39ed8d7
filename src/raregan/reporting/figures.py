"""Pictures of synthetic rows beside real ones: the plane of PCA, correlations, distributions.

What is shown (`PlaneView`, `CorrelationView`, `ColumnView`) is computed first, with NumPy alone,
and shared with the HTML report; the `plot_*` functions draw it. Figures are made without pyplot,
so a user's backend and open figures stay as they are.

Whatever takes two tables raises `SchemaError` or `TooFewRowsError` where they cannot be compared:
see `raregan.judging.fidelity.matrices`.
"""

import math
import os
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.atomic import atomic_path
from raregan.errors import DataError
from raregan.judging.fidelity import (
    Matrix,
    correlation_difference,
    correlations,
    ks_statistics,
    matrices,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#E66F00"  # colour-blind readers tell this pair apart
MAX_POINTS = 2_500  # a side
MIN_BINS, MAX_BINS = 10, 40
TAILS = 0.005  # the share of real rows beyond each end of a distribution's frame
_SEED = 0
_DPI = 150
_LABEL_LENGTH = 18

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


def plot_pca(real: pl.DataFrame, synthetic: pl.DataFrame, *, note: str = "") -> "Figure":
    """Draw both tables in the plane of the real rows' first two components.

    Three panels on the same axes (real, synthetic, both), so that neither side hides the other.
    The plane is fitted on the real rows alone; as many rows are drawn of either side, and the
    titles count them. Synthetic rows far outside the real range are counted, not drawn.

    Parameters
    ----------
    real, synthetic : polars.DataFrame
        The same numeric columns.
    note : str
        Shown in the figure, "simulated data" for instance.
    """
    from matplotlib.figure import Figure

    view = plane_view(real, synthetic)
    figure = Figure(figsize=(13, 4.9), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    size = float(np.clip(4_000 / len(view.real), 4, 16))
    # Drawn in turn, so that neither side always lies on top.
    both = np.stack([view.real, view.synthetic], axis=1).reshape(-1, 2)
    in_turn = np.tile([BLUE, ORANGE], len(view.real))
    drawn = ((view.real, BLUE), (view.synthetic, ORANGE), (both, in_turn))
    for panel, title, (points, colour) in zip(panels, view.titles, drawn, strict=True):
        panel.scatter(*points.T, s=size, c=colour, alpha=0.6, linewidths=0)
        panel.set_title(title, fontsize=10.5)
        panel.set_xlabel(view.labels[0])
        panel.grid(alpha=0.25, linewidth=0.5)
    panels[0].set(xlim=view.frame[0], ylim=view.frame[1], ylabel=view.labels[1])
    _head(figure, "The plane of the real rows' first two principal components", note)
    return figure


def plot_correlations(real: pl.DataFrame, synthetic: pl.DataFrame, *, note: str = "") -> "Figure":
    """Draw the correlations of the columns: real, synthetic, and synthetic less real.

    The first two share the scale from -1 to 1; the difference has its own, symmetric, as far as
    its largest entry. A constant column has no correlation and stays grey.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    view = correlation_view(real, synthetic)
    mean = correlation_difference(real, synthetic)
    side = float(np.clip(0.17 * len(view.names), 4.2, 9))
    figure = Figure(figsize=(3 * side + 3.5, side + 1.2), layout="compressed")
    panels = figure.subplots(1, 3)
    drawn = (
        (view.real, 1.0, f"real: {real.height:,} rows"),
        (view.synthetic, 1.0, f"synthetic: {synthetic.height:,} rows"),
        (view.difference, view.largest, f"difference: mean absolute {mean:.3f}"),
    )
    labels = [shorten(name) for name in view.names]
    font = float(np.clip(side * 55 / len(labels), 4, 9))
    ticks = np.arange(len(labels)) + 0.5
    for panel, (values, limit, title) in zip(panels, drawn, strict=True):
        sns.heatmap(
            values, vmin=-limit, vmax=limit, cmap="RdBu_r", square=True, ax=panel,
            xticklabels=False, yticklabels=False, cbar=False,
        )  # fmt: skip
        panel.set_facecolor("lightgrey")
        panel.set_title(title, fontsize=10.5)
        panel.set_xticks(ticks, labels, rotation=90, fontsize=font, parse_math=False)
        panel.set_yticks(ticks, labels, rotation=0, fontsize=font, parse_math=False)
    scales = ((panels[:2], "correlation"), (panels[2:], "synthetic less real"))
    for beside, label in scales:
        figure.colorbar(beside[0].collections[0], ax=beside, label=label, shrink=0.8, pad=0.02)
    _head(figure, "Correlations of the columns", note)
    return figure


def plot_distributions(real: pl.DataFrame, synthetic: pl.DataFrame, *, note: str = "") -> "Figure":
    """Draw the distribution of every column: real filled, synthetic as a line, on common bins.

    Heights are shares of all rows of a side. The frame leaves out 0.5 % of the real rows at
    either end; where more than 1.5 % of a side lies beyond it, the panel says so. Each title
    carries the column's Kolmogorov-Smirnov statistic (0 is best).
    """
    from matplotlib.figure import Figure

    views = column_views(real, synthetic)
    across = min(len(views), max(3, math.ceil(math.sqrt(1.2 * len(views)))))
    down = -(-len(views) // across)
    figure = Figure(figsize=(max(2.3 * across, 6), 1.75 * down + 1), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, view in zip(panels, views, strict=False):
        panel.stairs(view.real, view.edges, fill=True, color=BLUE, alpha=0.45, label="real")
        panel.stairs(view.synthetic, view.edges, color=ORANGE, linewidth=1.4, label="synthetic")
        panel.set_title(f"{shorten(view.name)}  KS {view.ks:.2f}", fontsize=9, parse_math=False)
        panel.set(yticks=[], xlim=(view.edges[0], view.edges[-1]))
        panel.set_xlabel(view.beyond, fontsize=7)
        panel.tick_params(labelsize=7)
        panel.xaxis.get_offset_text().set_fontsize(7)
        panel.locator_params(axis="x", nbins=5, integer=view.whole)
    for panel in panels[len(views) :]:
        panel.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    _head(figure, "Distribution of each column", note)
    return figure


def _head(figure: "Figure", title: str, note: str) -> None:
    figure.suptitle(f"{title} ({note})" if note else title, parse_math=False)


def shorten(name: str) -> str:
    """Cut a long name to what fits beside a picture."""
    flat = " ".join(name.split())
    return flat if len(flat) <= _LABEL_LENGTH else flat[: _LABEL_LENGTH - 1] + "…"


def save_figure(figure: "Figure", path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG so that no reader ever sees half of it; return the path."""
    picture = BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no fault of ours.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(picture, format="png", dpi=_DPI)
    return write_whole(path, picture.getvalue())


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file that appears whole or not at all; missing folders are made."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {path.parent}: {error.strerror}; name another"
        raise DataError(msg) from error
    with atomic_path(path) as part:
        part.write_bytes(content)
    return path


def save_figures(
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    folder: str | os.PathLike[str],
    *,
    note: str = "",
) -> list[Path]:
    """Write pca.png, correlations.png and distributions.png into a folder, made if needed.

    Returns
    -------
    list of pathlib.Path
        The three files, in that order.
    """
    plots = {
        "pca.png": plot_pca,
        "correlations.png": plot_correlations,
        "distributions.png": plot_distributions,
    }
    return [
        save_figure(plot(real, synthetic, note=note), Path(folder) / name)
        for name, plot in plots.items()
    ]
