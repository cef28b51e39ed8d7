"""The page of a contest: the verdict first, then pictures, tables, and where all comes from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from raregan.atomic import write_whole
from raregan.contest.comparison import Comparison
from raregan.contest.contestants import CONTESTANTS
from raregan.contest.fold import Record
from raregan.contest.scores import SCORES
from raregan.contest.sheet import FOOT, absences, make_cells, name_shown
from raregan.contest.standings import Standing
from raregan.contest.terms import find_versions
from raregan.reporting.answers import contest_verdict
from raregan.reporting.forest import draw_forest
from raregan.reporting.frame import fill_page, list_facts, list_items
from raregan.reporting.tables import build_table
from raregan.reporting.traces import BAND, Kind, average, choose_drawn, draw_key, draw_traces

MOST_NAMED = 300
"""Columns that are named on the page; JSON has all."""

_FOREST_TEXT = (
    "Differences of average precision, by fold, in points: the dot is the mean gain on "
    '"nothing", the square that on class weights, and a line what is corrected for all '
    "comparisons together. Right of the line at 0 is a gain. A contestant is recommended if both "
    "lie right of it beyond doubt. Each learner has a scale of its own."
)
_CURVES_TEXT = (
    f"Means over folds; the band reaches from the {BAND[0]}th to the {BAND[1]}th percentile of "
    "the folds. It shows how much folds differ, and is no interval of the mean. False alarms are "
    "on a logarithmic scale, as few can be looked into."
)
_NO_CURVES = "No curves: these records keep none, as those of a ledger from before there were any."
_FOREST_KEY = (
    '<p class="key"><span><i class="dot first"></i>gain on nothing, with its interval</span> '
    '<span><i class="square"></i>gain on class-weights</span></p>'
)


def write_contest_page(
    path: str | Path,
    found: Comparison,
    *,
    command: str = "",
    facts: Iterable[tuple[str, object]] = (),
) -> Path:
    """Write what a contest found as one self-contained HTML file, which needs no script.

    Parameters
    ----------
    path : path-like
        Where to write; folders are made, and the file appears whole or not at all.
    found : Comparison
        Of `raregan.compare`.
    command : str
        What was typed, to type again.
    facts : iterable of (label, value)
        What else should stand under where it comes from.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataError
        The file cannot be written there.
    """
    page = fill_page(
        title=f"Does it help? A contest on {found.source}",
        note="" if found.is_whole else f"{found.n_done:,} of {found.n_tasks:,} parts",
        verdict=contest_verdict(found),
        pictures=_pictures(found),
        tables=_tables(found),
        provenance=list_facts(_provenance(found, facts), command=command),
    )
    return write_whole(path, page.encode())


def _by_learner(found: Comparison) -> dict[str, list[Standing]]:
    """Return the standings of each learner that has scores."""
    names = dict.fromkeys(one.learner for one in found.standings if one.n)
    return {name: [one for one in found.standings if one.learner == name] for name in names}


# --- pictures -------------------------------------------------------------------------------------


def _pictures(found: Comparison) -> str:
    of = _by_learner(found)
    if not of:
        return "<p>Nothing was scored, so there is nothing to draw.</p>"
    forests = "\n".join(
        f"<h4>{escape(learner)}</h4>\n{draw_forest(own)}" for learner, own in of.items()
    )
    curves = "\n".join(
        f"<h4>{escape(learner)}</h4>\n{_curves(found.records, learner, own)}"
        for learner, own in of.items()
    )
    return (
        f'<h3>What each contestant gains</h3>\n<p class="soft">{escape(_FOREST_TEXT)}</p>\n'
        f"{_FOREST_KEY}\n{forests}\n<h3>What is reached at every threshold</h3>\n"
        f'<p class="soft">{escape(_CURVES_TEXT)} {_guessing(found)}</p>\n{curves}'
    )


def _guessing(found: Comparison) -> str:
    share = found.n_rare / found.n_rows
    return f"Guessing has a precision of about {share:.2%} at any recall, the share of rare rows."


def _curves(records: Sequence[Record], learner: str, standings: Sequence[Standing]) -> str:
    drawn, left_out = choose_drawn(standings)
    by_name = {name: [r for r in records if (r.learner, r.contestant) == (learner, name)]
               for name in drawn}  # fmt: skip
    kinds: tuple[Kind, ...] = ("precision", "recall")
    pictures, traces = [], []
    for kind in kinds:
        averaged = [average(own, name, kind) for name, own in by_name.items()]
        traces = [trace for trace in averaged if trace is not None]
        if traces:
            pictures.append(draw_traces(traces, kind, learner=learner))
    if not pictures:
        return f"<p>{_NO_CURVES}</p>"
    notes = [f"Folds: {', '.join(f'{trace.name} {trace.n}' for trace in traces)}."]
    if left_out:
        notes.append(
            f"Drawn are the baselines and the two with the highest mean gain on nothing; left out, "
            f"so that lines can be told apart: {', '.join(left_out)}."
        )
    frames = "\n".join(pictures)
    return (
        f'{draw_key(traces)}\n<div class="row pair">\n{frames}\n</div>\n'
        f'<p class="soft">{escape(" ".join(notes))}</p>'
    )


# --- tables ---------------------------------------------------------------------------------------


def _tables(found: Comparison) -> str:
    parts = []
    for learner, own in _by_learner(found).items():
        header, rows = make_cells(own)
        table = build_table(
            f"Means over folds with {learner}", header, rows,
            numbers=range(1, len(header)), kind="standings",
        )  # fmt: skip
        parts.append(f"<h3>{escape(learner)}</h3>\n{_wide(table, f'scores with {learner}')}")
    if parts:
        parts.append(f'<p class="soft">{escape(FOOT)}</p>\n<h3>What the scores mean</h3>')
        parts.append(_words(found.standings))
    parts.append(f"<h3>Amounts and folds</h3>\n{_amounts(found)}")
    parts.append(f"<h3>Who played</h3>\n{_players(found.standings)}")
    if absent := absences(found.standings):
        parts.append(f"<h3>Absent</h3>\n{list_items(absent)}")
    if found.notes:
        parts.append(f"<h3>Notes</h3>\n{list_items(found.notes)}")
    return "\n".join(parts)


def _wide(table: str, name: str) -> str:
    """Let a table scroll in its own frame, by keyboard too."""
    label = escape(name, quote=True)
    return f'<div class="wide" role="region" tabindex="0" aria-label="{label}">{table}</div>'


def _words(standings: Sequence[Standing]) -> str:
    rows = [
        (words.label, words.definition, "higher" if words.higher_is_better else "lower")
        for words in (SCORES[name] for name in name_shown(standings))
    ]
    return build_table("More scores are in the JSON", ("score", "what it is", "better"), rows)


def _amounts(found: Comparison) -> str:
    rows = []
    for one in found.standings:
        own = [
            record
            for record in found.records
            if (record.learner, record.contestant) == (one.learner, one.contestant)
        ]
        times = Counter(record.amount for record in own if record.amount is not None)
        spent = [record.seconds for record in own if record.scores]
        rows.append(
            (
                one.contestant,
                one.learner,
                f"{one.n} of {len(own)}",
                ", ".join(f"{amount:.3g} ({n} x)" for amount, n in sorted(times.items())) or "none",
                f"{min(spent):.1f} to {max(spent):.1f}" if spent else "none",
                one.absent or "",
            )
        )
    return build_table(
        "Amounts were chosen anew in each fold, on its training rows: new rows for a rare one, or "
        "of under-sampling others for a rare one",
        ("contestant", "learner", "folds scored", "amounts chosen", "seconds a fold", "absent"),
        rows,
        numbers=(2, 3, 4),
    )


def _players(standings: Sequence[Standing]) -> str:
    names = dict.fromkeys(one.contestant for one in standings)
    rows = [
        (
            name,
            CONTESTANTS[name].summary,
            "synthetic" if CONTESTANTS[name].is_synthetic else "no synthetic row",
        )
        for name in names
        if name in CONTESTANTS
    ]
    return build_table("Contestants", ("contestant", "what it does", "rows"), rows)


# --- provenance -----------------------------------------------------------------------------------


def _provenance(found: Comparison, facts: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    told = found.options
    part = f"{found.n_done:,} of {found.n_tasks:,} (contestants times folds)"
    return [
        ("data", found.source),
        ("rows", f"{found.n_rows:,}, {found.n_rare:,} of them rare"),
        ("target, rare value", f"{told['target']} = {told['rare']}"),
        ("features", _features(told["columns"])),
        ("fingerprint of rows and columns", told["data"]),
        *facts,
        ("folds", f"{told['repeats']} x {told['folds']}"),
        ("parts played", part),
        ("learners", ", ".join(told["learners"])),
        ("amounts to choose among", ", ".join(f"{amount:g}" for amount in told["amounts"])),
        *((label, _plain(told[name])) for name, label in _OPTIONS.items() if told[name]),
        ("confidence", f"{told['confidence']:.0%}, of intervals on one baseline together"),
        ("seed", told["seed"]),
        ("seconds", f"{found.seconds:,.1f}"),
        ("versions", ", ".join(" ".join(pair) for pair in find_versions().items())),
        ("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]


_OPTIONS = {
    "ratio": "ratio, in place of amounts",
    "time_column": "time column",
    "group": "group",
    "n_rare": "rare rows left in a training side",
    "caps": "other rows at most",
    "top": "length of the list",
    "costs": "costs",
    "amount_column": "amount column",
    "options": "options of raregan's variants",
}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _features(kinds: Mapping[str, str]) -> str:
    """Name the columns by kind, as many as can be read."""
    counts = ", ".join(f"{n} {kind}" for kind, n in Counter(kinds.values()).most_common())
    more = "" if len(kinds) <= MOST_NAMED else ", ..."
    return f"{len(kinds):,} ({counts}): {', '.join(list(kinds)[:MOST_NAMED])}{more}"
