"""Pictures of synthetic rows beside real ones: the plane of PCA, correlations, distributions.

Figures are made without pyplot, so a user's backend and open figures stay as they are. Where two
tables cannot be compared, whatever takes them raises as `raregan.judging.columns.pair_columns`.
"""

import math
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from raregan.atomic import write_whole
from raregan.judging.fidelity import correlation_difference
from raregan.reporting.distributions import ColumnView, column_views
from raregan.reporting.views import correlation_view, plane_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#E66F00"  # colour-blind readers tell this pair apart
FIGURES = ("pca.png", "correlations.png", "distributions.png")
"""Files of `save_figures`."""

_DPI = 150
_LABEL_LENGTH = 18
_DAY = 86_400


def plot_pca(real: pl.DataFrame, synthetic: pl.DataFrame, *, note: str = "") -> "Figure":
    """Draw both tables in the plane of the real rows' first two components.

    Three panels on the same axes (real, synthetic, both), so that neither side hides the other.
    The plane is fitted on the real rows alone; as many rows are drawn of either side, and the
    titles count them. Synthetic rows far outside the real range are counted, not drawn.

    Parameters
    ----------
    real, synthetic : polars.DataFrame
        The same columns, of whatever kinds; see `raregan.reporting.views.plane_coordinates`.
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

    Pairs with a category have the measures of `raregan.judging.association`. The first two
    pictures share the scale from -1 to 1; the difference has its own, symmetric, as far as its
    largest entry. A constant column has no correlation and stays grey.
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
    for panel, label in ((panels[1], "correlation"), (panels[2], "synthetic less real")):
        # Within the panel's own frame, so that both are as high as each other.
        bar = panel.inset_axes((1.04, 0.1, 0.04, 0.8))
        figure.colorbar(panel.collections[0], cax=bar, label=label)
    _head(figure, "Correlations of the columns", note)
    return figure


def plot_distributions(real: pl.DataFrame, synthetic: pl.DataFrame, *, note: str = "") -> "Figure":
    """Draw the distribution of every column: real filled, synthetic as a line, on common bins.

    Heights are shares of the values that are there. The frame leaves out 0.5 % of the real values
    at either end; where more than 1.5 % of a side lies beyond it, the panel says so. A category
    has a bar for each of the most frequent levels, as long as the share of all rows. Each title
    carries the column's distance (0 is best): KS of numbers and dates, TV of categories.
    """
    from matplotlib.figure import Figure

    views = column_views(real, synthetic)
    across = min(len(views), max(3, math.ceil(math.sqrt(1.2 * len(views)))))
    down = -(-len(views) // across)
    width, height = (2.9, 2.2) if any(view.levels for view in views) else (2.3, 1.75)
    figure = Figure(figsize=(max(width * across, 6), height * down + 1), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, view in zip(panels, views, strict=False):
        panel.tick_params(labelsize=7)
        (_draw_bars if view.levels else _draw_histogram)(panel, view)
        title = f"{shorten(view.name)}  {view.measure} {view.distance:.2f}"
        panel.set_title(title, fontsize=9, parse_math=False)
        panel.set_xlabel("\n".join(filter(None, (view.unit, *view.remarks))), fontsize=7)
    for panel in panels[len(views) :]:
        panel.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    _head(figure, "Distribution of each column", note)
    return figure


def _draw_histogram(panel: "Axes", view: ColumnView) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    edges = view.edges / _DAY if view.scale == "date" else view.edges  # matplotlib counts days
    panel.stairs(view.real, edges, fill=True, color=BLUE, alpha=0.45, label="real")
    panel.stairs(view.synthetic, edges, color=ORANGE, linewidth=1.4, label="synthetic")
    panel.set(yticks=[], xlim=(edges[0], edges[-1]))
    if view.scale == "date":
        locator = AutoDateLocator(minticks=3, maxticks=5)  # type: ignore[no-untyped-call]
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        panel.locator_params(axis="x", nbins=5, integer=view.whole)
    panel.xaxis.get_offset_text().set_fontsize(7)


def _draw_bars(panel: "Axes", view: ColumnView) -> None:
    places = np.arange(len(view.levels))
    panel.barh(places, view.real, color=BLUE, alpha=0.45, label="real")
    panel.barh(
        places, view.synthetic, color="none", edgecolor=ORANGE, linewidth=1.2, label="synthetic"
    )
    labels = [shorten(level) for level in view.levels]
    panel.set_yticks(places, labels, fontsize=6, parse_math=False)
    panel.set(ylim=(len(places) - 0.4, -0.6), xlim=(0, None))
    panel.locator_params(axis="x", nbins=4)
    panel.xaxis.set_major_formatter("{x:.0%}")


def _head(figure: "Figure", title: str, note: str) -> None:
    figure.suptitle(f"{title} ({note})" if note else title, parse_math=False)


def shorten(name: str, length: int = _LABEL_LENGTH) -> str:
    """Cut a long name to what fits beside a picture."""
    flat = " ".join(name.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def save_figure(figure: "Figure", path: str | Path) -> Path:
    """Write a figure as PNG so that no reader ever sees half of it; return the path."""
    picture = BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no fault of ours.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(picture, format="png", dpi=_DPI)
    return write_whole(path, picture.getvalue())


def save_figures(
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    folder: str | Path,
    *,
    note: str = "",
) -> list[Path]:
    """Write pca.png, correlations.png and distributions.png into a folder, made if needed.

    Returns
    -------
    list of pathlib.Path
        The three files, in that order.
    """
    plots = (plot_pca, plot_correlations, plot_distributions)
    return [
        save_figure(plot(real, synthetic, note=note), Path(folder) / name)
        for name, plot in zip(FIGURES, plots, strict=True)
    ]
