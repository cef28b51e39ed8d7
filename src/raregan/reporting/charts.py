"""What the script of the page draws, as plain data, and what each chart says in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from raregan.judging.columns import Matrix
from raregan.reporting.clouds import Clouds, Curve, Neighbours, cloud_views
from raregan.reporting.distributions import ColumnView, column_views
from raregan.reporting.figures import shorten
from raregan.reporting.views import CorrelationView, PlaneView, correlation_view, plane_view

MOST_DRAWN = 150
"""Columns whose distributions are drawn, and MOST_CORRELATED of a picture of correlations: those
that differ most. With more the file would pass 6 MB."""

MOST_CORRELATED = 100

_LOSS, _EVIDENCE = "_loss", "evidence_"  # how series of a history are called
_LEVEL_LENGTH = 40


class Charts:
    """All charts of two or three tables.

    Attributes
    ----------
    plane, correlation, columns, clouds, history
        What is drawn; no history where there is none.
    n_columns
        How many columns the tables have.
    """

    def __init__(
        self,
        real: pl.DataFrame,
        synthetic: pl.DataFrame,
        holdout: pl.DataFrame | None,
        history: Mapping[str, Sequence[float]] | None,
        seed: int,
    ) -> None:
        views = column_views(real, synthetic)
        self.n_columns = len(views)
        self.columns = _most(views, [view.distance for view in views], MOST_DRAWN)
        self.plane: PlaneView = plane_view(real, synthetic)
        self.correlation = _narrow(correlation_view(real, synthetic))
        self.clouds: Clouds = cloud_views(real, synthetic, holdout, seed=seed)
        self.history = _series(history)

    def to_dict(self) -> dict[str, Any]:
        """Return what the script reads."""
        names = self.correlation.names
        neighbours, distances = self.clouds.neighbours, self.clouds.distances
        return {
            "plane": {
                "real": _points(self.plane.real),
                "synthetic": _points(self.plane.synthetic),
                "labels": self.plane.labels,
                "frame": self.plane.frame,
            },
            "neighbours": None if neighbours is None else _panels(neighbours),
            "distances": None
            if distances is None
            else {
                "synthetic": _curve(distances.synthetic),
                "holdout": _curve(distances.holdout),
                "limit": distances.limit,
            },
            "names": names,
            "short": [shorten(name) for name in names],
            "correlations": {
                kind: {"values": values.round(3).tolist(), "limit": limit}
                for kind, (values, limit) in self._heatmaps.items()
            },
            "columns": [_column(column) for column in self.columns],
            # The worst is shown first.
            "first": int(np.argmax([column.distance for column in self.columns])),
            "history": self.history,
        }

    @property
    def _heatmaps(self) -> dict[str, tuple[Matrix, float]]:
        correlation = self.correlation
        return {
            "real": (correlation.real, 1.0),
            "synthetic": (correlation.synthetic, 1.0),
            "difference": (correlation.difference, correlation.largest),
        }

    @property
    def words(self) -> dict[str, str]:
        """What each chart says, for those who do not see it, by the name of its element."""
        real, synthetic, _ = self.plane.titles
        said = {
            "plane-real": f"scatter of rows in the plane, {real}",
            "plane-synthetic": f"scatter of rows in the plane, {synthetic}",
            "plane-both": "scatter of real and synthetic rows on top of each other",
            **{
                f"correlation-{kind}": f"heat map of correlations, {kind}: mean absolute value "
                f"{_mean_off_diagonal(values):.3f}"
                for kind, (values, _) in self._heatmaps.items()
            },
        }
        if self.clouds.neighbours is not None:
            for name, title in neighbour_titles(self.clouds.neighbours).items():
                said[f"neighbours-{name}"] = f"scatter of neighbouring rows, {title}"
        if (distances := self.clouds.distances) is not None:
            made, held = (
                float(np.interp(0.5, side.shares, side.distances))
                for side in (distances.synthetic, distances.holdout)
            )
            said["distances"] = (
                f"two curves of distances to the closest real row: half of the synthetic rows lie "
                f"within {made:.3g}, half of the held-out rows within {held:.3g}; near copies lie "
                f"within {distances.limit:.3g}"
            )
        if self.history:
            ends = ", ".join(
                f"{name} {values[-1]:.3g}" for name, values in self.history["losses"].items()
            )
            said["losses"] = f"lines of the losses by epoch, at the end {ends}"
            said["evidence"] = "lines of the evidence by epoch"
        return said


def column_title(column: ColumnView) -> str:
    """Say which column, how far apart, and what the picture does not hold."""
    distance = f"{column.name}: {column.measure} {column.distance:.2f}"
    return ", ".join([distance, *column.remarks])


def neighbour_titles(view: Neighbours) -> dict[str, str]:
    """Say how many rows each panel shows."""
    sides = {"real": view.real, "synthetic": view.synthetic, "holdout": view.holdout}
    of = dict(zip(("real", "holdout", "synthetic"), view.of, strict=True))
    shown = {"real": "real", "synthetic": "synthetic", "holdout": "held-out"}
    titles = {
        name: f"{shown[name]}: "
        + (f"{of[name]:,} rows" if len(side) == of[name] else f"{len(side):,} of {of[name]:,} rows")
        for name, side in sides.items()
        if len(side)
    }
    return titles if len(view.holdout) else {**titles, "both": "both"}


def _panels(view: Neighbours) -> dict[str, Any]:
    sides = {"real": view.real, "synthetic": view.synthetic, "holdout": view.holdout}
    return {name: _points(side) for name, side in sides.items()}


def _most(views: Sequence[ColumnView], distances: Sequence[float], most: int) -> list[ColumnView]:
    chosen = np.sort(np.argsort(-np.asarray(distances), kind="stable")[:most])
    return [views[place] for place in chosen]


def _narrow(view: CorrelationView) -> CorrelationView:
    """Keep the columns whose correlations differ most."""
    if len(view.names) <= MOST_CORRELATED:
        return view
    worst = np.nan_to_num(np.abs(view.difference)).max(axis=1)
    kept = np.sort(np.argsort(-worst, kind="stable")[:MOST_CORRELATED])
    real, synthetic = (side[np.ix_(kept, kept)] for side in (view.real, view.synthetic))
    return CorrelationView([view.names[place] for place in kept], real, synthetic)


def _mean_off_diagonal(values: Matrix) -> float:
    there = np.abs(values[np.triu_indices(len(values), k=1)])
    there = there[np.isfinite(there)]
    return float(there.mean()) if there.size else 0.0


def _points(coordinates: Matrix) -> dict[str, list[float]]:
    x, y = coordinates.round(3).T.tolist()
    return {"x": x, "y": y}


def _curve(curve: Curve) -> dict[str, list[float]]:
    return {"x": curve.distances.round(5).tolist(), "y": curve.shares.round(5).tolist()}


def _column(column: ColumnView) -> dict[str, Any]:
    return {
        "name": column.name,
        "title": column_title(column),
        "whole": column.whole,
        "scale": column.scale,
        "unit": column.unit,
        "levels": column.levels,
        "short": [shorten(level, _LEVEL_LENGTH) for level in column.levels],
        "edges": column.edges.tolist(),
        "real": column.real.round(5).tolist(),
        "synthetic": column.synthetic.round(5).tolist(),
    }


def _series(history: Mapping[str, Sequence[float]] | None) -> dict[str, Any] | None:
    """Return what is drawn of a run: the losses by epoch, and the scores where there are any."""
    if history is None:
        return None
    losses = {
        name.removesuffix(_LOSS): [float(value) for value in history[name]]
        for name in history
        if name.endswith(_LOSS)
    }
    evidence = {
        name.removeprefix(_EVIDENCE).replace("_", " "): [float(value) for value in history[name]]
        for name in history
        if name.startswith(_EVIDENCE) and name != f"{_EVIDENCE}seconds"
    }
    epochs = len(next(iter(losses.values())))
    return {"epoch": list(range(1, epochs + 1)), "losses": losses, "evidence": evidence}
