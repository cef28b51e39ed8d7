"""The report: one HTML file that shows synthetic rows beside real ones, and needs no network."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from raregan.atomic import write_whole
from raregan.judging.evaluation import leave_out_learned
from raregan.judging.measures import GROUPS
from raregan.judging.report import Report
from raregan.reporting.charts import Charts
from raregan.reporting.frame import fill_page, list_facts, list_items, read_part
from raregan.reporting.pictures import pictures_section, verdict_section
from raregan.reporting.tables import (
    columns_table,
    figures_table,
    fold,
    pairs_table,
    rules_table,
    whole_table,
)

_SCRIPTS = """<noscript><p>The charts need JavaScript; all figures are in the tables.</p></noscript>
<script type="application/json" id="data">{data}</script>
<script>{plotly}</script>
<script>
{script}
</script>"""


def write_report(
    path: str | Path,
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    report: Report,
    *,
    title: str,
    holdout: pl.DataFrame | None = None,
    note: str = "",
    history: Mapping[str, Sequence[float]] | None = None,
    facts: Iterable[tuple[str, object]] = (),
    command: str = "",
) -> Path:
    """Write the report as one self-contained HTML file.

    The verdict comes first, then pictures, tables, and provenance.
    plotly.js is part of the file (about 5 MB), so it opens without a network.

    Parameters
    ----------
    path : path-like
        Where to write; folders are made, and the file appears whole or not at all.
    real, synthetic, holdout : polars.DataFrame
        The same columns; held-out rows where there are some.
    report : Report
        What `raregan.evaluate` said of these rows.
    title, note : str
        Heading, and a mark beneath it and in the page's title ("simulated data", for instance).
    history : mapping, optional
        Of a model: losses called ``..._loss``, one value an epoch, and the evidence.
    facts : iterable of (label, value)
        Where rows and figures come from: data source, fingerprint, model.
    command : str
        What was typed, to type again.

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

    if holdout is not None:
        holdout = leave_out_learned(real, holdout, report.seed)
    charts = Charts(real, synthetic, holdout, history, report.seed)
    page = fill_page(
        title=title,
        note=note,
        verdict=verdict_section(report.verdict, report),
        pictures=pictures_section(charts, report),
        tables=_tables_section(report),
        provenance=_provenance_section(report, facts, command),
        scripts=_SCRIPTS.format(
            data=_json(charts.to_dict()), plotly=get_plotlyjs(), script=read_part("page.js")
        ),
    )
    return write_whole(path, page.encode())


def _tables_section(report: Report) -> str:
    parts = [
        f"<h3>{escape(title)}</h3>\n{figures_table(figures)}"
        for name, title in GROUPS.items()
        if (figures := report.group(name))
    ]
    parts.append("<h3>More tables</h3>")
    parts.append(fold(f"Columns ({len(report.columns):,})", columns_table(report.columns)))
    if report.pairs:
        pairs = pairs_table(report.pairs, report.n_pairs)
        parts.append(fold(f"Pairs of columns ({report.n_pairs:,})", pairs))
    if report.rules:
        parts.append(fold(f"Rules ({len(report.rules):,})", rules_table(report.rules)))
    parts.append(fold("Whole tables", whole_table(report.fidelity)))
    if report.notes:
        notes = list_items(report.notes)
        parts.append(f"<h3>Notes</h3>\n<p>What was drawn, and what is absent.</p>\n{notes}")
    return "\n".join(parts)


def _provenance_section(report: Report, facts: Iterable[tuple[str, object]], command: str) -> str:
    names = {"real": "real", "synthetic": "synthetic", "holdout": "held-out", "others": "other"}
    counts = [(f"{names[name]} rows", f"{n:,}") for name, n in report.counts.items() if n]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    last = [("seed of the judge", report.seed), ("versions", versions), ("made", made)]
    return list_facts((*counts, *facts, *last), command=command)


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
