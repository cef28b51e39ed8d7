"""The report: one HTML file that shows synthetic rows beside real ones, and needs no network."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.atomic import write_whole
from raregan.judging.fidelity import FIGURES, Fidelity
from raregan.judging.measures import GROUPS, Figure
from raregan.judging.report import Report
from raregan.judging.rules import RULES_TITLE, show_share
from raregan.reporting.distributions import TAILS, ColumnView, column_views
from raregan.reporting.figures import BLUE, ORANGE, shorten
from raregan.reporting.views import CorrelationView, PlaneView, correlation_view, plane_view

_LOSS, _EVIDENCE = "_loss", "evidence_"  # how series of a history are called
_DIVERGING = [
    [0, "#2166ac"],
    [0.25, "#92c5de"],
    [0.5, "#f7f7f7"],
    [0.75, "#f4a582"],
    [1, "#b2182b"],
]
_LEVEL_LENGTH = 40
_TILE = (100, 40)  # width and height of a small histogram in its own units


def write_report(
    path: str | Path,
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    fidelity: Fidelity,
    *,
    title: str,
    note: str = "",
    history: Mapping[str, Sequence[float]] | None = None,
    facts: Iterable[tuple[str, object]] = (),
    judged: Report | None = None,
) -> Path:
    """Write the report as one self-contained HTML file.

    It holds the quality figures with their definitions, the rules that real rows keep, the plane
    of the real rows' first two principal components, the correlations, the distribution of each
    column, and the losses.
    plotly.js is part of the file (about 5 MB), so it opens without a network.

    Parameters
    ----------
    path : path-like
        Where to write; folders are made, and the file appears whole or not at all.
    real, synthetic : polars.DataFrame
        The same numeric columns.
    fidelity : Fidelity
        What `raregan.judging.fidelity.judge_fidelity` said of these rows.
    title, note : str
        Heading, and a mark beneath it and in the page's title ("simulated data", for instance).
    history : mapping, optional
        Of a model: losses called ``..._loss``, one value an epoch, and the evidence.
    facts : iterable of (label, value)
        Listed in the header: data source, model, seed.
    judged : Report, optional
        What `raregan.evaluate` said of them: its figures are shown beside those of real rows.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `raregan.judging.columns.pair_columns`.
    DataError
        The file cannot be written there.
    """
    from plotly.offline import get_plotlyjs

    plane = plane_view(real, synthetic)
    correlation = correlation_view(real, synthetic)
    columns = column_views(real, synthetic)
    losses = _losses(history)
    counts = [("real rows", f"{real.height:,}"), ("synthetic rows", f"{synthetic.height:,}")]
    template = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    page = Template(template).substitute(
        title=escape(f"{title} ({note})" if note else title),
        heading=escape(title),
        note=f'<p class="note">{escape(note)}</p>' if note else "",
        facts="\n".join(_fact(label, value) for label, value in (*counts, *facts)),
        figures="\n".join(_figure_row(fidelity, name) for name in fidelity.figures),
        judged=_judged_section(judged),
        rules=_rules_section(fidelity.rules),
        tiles="\n".join(_tile(column) for column in columns),
        losses=_training_section(losses),
        data=_json(_data(plane, correlation, columns, fidelity, losses)),
        plotly=get_plotlyjs(),
        blue=BLUE, orange=ORANGE, plane_text=_PLANE_TEXT, correlation_text=_CORRELATION_TEXT,
        distribution_text=_DISTRIBUTION_TEXT,
    )  # fmt: skip
    return write_whole(path, page.encode())


_EVIDENCE_TEXT = (
    "Evidence from rare rows that a rehearsal of the same run did not learn from: less is better. "
    "The weights are those of the epoch with the smallest sum."
)
_RULES_TEXT = (
    f"{RULES_TITLE}, and rules that were asked for: the shares of rows that keep them, of those "
    "that can tell. What is lost most comes first. A rule that is passed to training holds in all "
    "synthetic rows."
)
_PLANE_TEXT = (
    "The first two principal components of the standardised real rows; both tables are projected "
    "onto them. As many rows are drawn of either, on the same axes; synthetic rows far outside the "
    "real range are counted, not drawn. A category is one column for each of its most frequent "
    "levels, weighted as in factor analysis of mixed data; a missing number lies at the mean."
)
_CORRELATION_TEXT = (
    "Pearson correlations of the columns; with a category of more than two levels, the correlation "
    "ratio (numbers) or Cramér's V (categories), from 0 to 1. Real and synthetic share the scale "
    "from -1 to 1; the difference (synthetic less real) has its own. A constant column has none "
    "and stays grey."
)
_DISTRIBUTION_TEXT = (
    f"Shares of the values that are there, on common bins; {TAILS:.1%} of the real ones at either "
    "end are left out. Of a category, shares of all rows. KS is the largest gap between the "
    "cumulative distributions, TV the share of rows that would have to change level; both are 0 "
    "at best. Choose a column, or click on one below."
)


def _fact(label: str, value: object) -> str:
    return f"<dt>{escape(label)}</dt><dd>{escape(str(value))}</dd>"


def _figure_row(fidelity: Fidelity, name: str) -> str:
    measure, value = FIGURES[name], getattr(fidelity, name)
    return (
        f'<tr><td>{escape(measure.label)}</td><td class="number">{value:{measure.spec}}</td>'
        f"<td>{measure.best:{measure.spec}}</td>"
        f'<td class="soft">{escape(measure.definition)}</td></tr>'
    )


def _judged_section(report: Report | None) -> str:
    """Return the figures of a report, a table a group."""
    if report is None:
        return ""
    parts = []
    for name, title in GROUPS.items():
        rows = "\n".join(_judged_row(figure) for figure in report.group(name))
        if rows:
            parts.append(
                f'<h2>{escape(title)}</h2>\n<table class="judged">\n<thead><tr><th>figure</th>'
                "<th>value</th><th>real rows</th><th>reads</th><th>what it says</th></tr></thead>\n"
                f"<tbody>\n{rows}\n</tbody>\n</table>"
            )
    notes = "\n".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return "\n".join([*parts, f'<ul class="soft">\n{notes}\n</ul>'])


def _judged_row(figure: Figure) -> str:
    words = figure.words
    baseline = "" if figure.baseline is None else f"{figure.baseline:{words.spec}}"
    interval = figure.interval
    value = f"{figure.value:{words.spec}}"
    if interval is not None:
        value += f" ({interval.low:{words.spec}} to {interval.high:{words.spec}})"
    return (
        f'<tr><td>{escape(words.label)}</td><td class="number">{value}</td>'
        f"<td>{baseline}</td><td>{escape(figure.reading)}</td>"
        f'<td class="soft">{escape(words.definition)}</td></tr>'
    )


def _rules_section(rules: Mapping[str, Mapping[str, float]]) -> str:
    if not rules:
        return ""
    rows = "\n".join(
        f'<tr><td>{escape(text)}</td><td class="number">{show_share(kept["synthetic"])}</td>'
        f"<td>{show_share(kept['real'])}</td></tr>"
        for text, kept in rules.items()
    )
    return (
        f'<h2>Rules</h2>\n<p class="soft">{_RULES_TEXT}</p>\n<table>\n'
        "<thead><tr><th>rule</th><th>synthetic rows</th><th>real rows</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _tile(column: ColumnView) -> str:
    """Draw a small histogram as a button that chooses its column."""
    name, title = escape(column.name), escape(_title(column))
    shares = " / ".join(f"{share:.1%}" for share in column.missing)
    missing = f"<small>missing {shares}</small>" if any(column.missing) else ""
    top = max(column.real.max(), column.synthetic.max(), np.finfo(float).tiny)
    real, synthetic = (_steps(shares / top) for shares in (column.real, column.synthetic))
    return (
        f'<button type="button" title="{title}"><span><b>{name}</b>'
        f"{column.distance:.2f}</span>"
        f'<svg viewBox="0 0 {_TILE[0]} {_TILE[1]}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{real}" fill="{BLUE}" fill-opacity=".45"/><path d="{synthetic}" fill="none" '
        f'stroke="{ORANGE}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
        f"{missing}</button>"
    )


def _steps(heights: npt.NDArray[np.float64]) -> str:
    """Return the SVG path of a histogram whose heights are in [0, 1]."""
    width, height = _TILE
    ends = np.linspace(0, width, len(heights) + 1)[1:]
    steps = (f"V{height * (1 - y):.1f}H{x:.1f}" for x, y in zip(ends, heights, strict=True))
    return f"M0 {height}{''.join(steps)}V{height}"


def _data(
    plane: PlaneView,
    correlation: CorrelationView,
    columns: Sequence[ColumnView],
    fidelity: Fidelity,
    losses: dict[str, Any] | None,
) -> dict[str, Any]:
    difference = f"difference (mean absolute {fidelity.correlation_difference:.3f})"
    panels = {
        "real": (correlation.real, 1.0, "real"),
        "synthetic": (correlation.synthetic, 1.0, "synthetic"),
        "difference": (correlation.difference, correlation.largest, difference),
    }
    return {
        "colours": [BLUE, ORANGE],
        "diverging": _DIVERGING,
        "names": correlation.names,
        "short": [shorten(name) for name in correlation.names],
        "plane": {
            "real": _points(plane.real),
            "synthetic": _points(plane.synthetic),
            "titles": dict(zip(("real", "synthetic", "both"), plane.titles, strict=True)),
            "labels": plane.labels,
            "frame": plane.frame,
        },
        "correlations": {
            kind: {"values": values.round(3).tolist(), "limit": limit, "title": title}
            for kind, (values, limit, title) in panels.items()
        },
        "columns": [_column(column) for column in columns],
        "first": int(
            np.argmax([column.distance for column in columns])
        ),  # the worst is shown first
        "history": losses,
    }


def _points(coordinates: npt.NDArray[np.float64]) -> dict[str, list[float]]:
    x, y = coordinates.round(4).T.tolist()
    return {"x": x, "y": y}


def _title(column: ColumnView) -> str:
    distance = f"{column.name}: {column.measure} {column.distance:.2f}"
    return ", ".join([distance, *column.remarks])


def _column(column: ColumnView) -> dict[str, Any]:
    return {
        "title": _title(column),
        "whole": column.whole,
        "scale": column.scale,
        "unit": column.unit,
        "levels": column.levels,
        "short": [shorten(level, _LEVEL_LENGTH) for level in column.levels],
        "edges": column.edges.tolist(),
        "real": column.real.round(5).tolist(),
        "synthetic": column.synthetic.round(5).tolist(),
    }


def _training_section(losses: dict[str, Any] | None) -> str:
    if not losses:
        return ""
    section = '<h2>Training</h2>\n<div id="losses"></div>'
    if losses["evidence"]:
        section += f'\n<p>{_EVIDENCE_TEXT}</p>\n<div id="evidence"></div>'
    return section


def _losses(history: Mapping[str, Sequence[float]] | None) -> dict[str, Any] | None:
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


def _json(data: Any) -> str:
    """Return JSON that is safe inside a script element; NaN and infinity become null."""
    text = json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if np.isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data
