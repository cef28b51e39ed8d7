"""The report as text: for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from raregan.data.inspection import plain
from raregan.judging.answers import count_too_few
from raregan.judging.intervals import CONFIDENCE, Interval
from raregan.judging.measures import GROUPS
from raregan.judging.rules import RULES_TITLE, show_share
from raregan.judging.verdict import name_figures, warn_of_shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raregan.judging.figures import Figure
    from raregan.judging.report import Report
    from raregan.judging.trials import Kind

BASELINES: dict[Kind, str] = {
    "holdout": "what held-out real rows get in place of the synthetic ones",
    "halves": "what one half of the real rows gets against the other ({held})",
    "none": "absent: there are too few real rows to halve, and {held}",
}
"""What the column "real rows" holds; of held-out rows that there are none, or too few."""

WORST_COLUMNS = 10
"""Columns that are shown, those that differ most: JSON has more."""

WORST_PAIRS = 5
"""Pairs of columns, likewise."""

WIDTH = 100
"""Of a terminal's line that is wrapped; rules and names of columns are not."""

_INDENT = " " * 6
_LABEL, _VALUE, _INTERVAL = 44, 8, 18


def to_text(report: Report) -> str:
    """Return the report for a terminal."""
    lines = [*wrap(warn_of_shared(report), WIDTH), *_head(report), ""]
    for answer in report.verdict.answers:
        said = f"{answer.question} {answer.headline}"
        lines += wrap(said, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        lines += [f"    {line}" for line in name_figures(answer, report)]
        lines += wrap(
            answer.remedy,
            WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
    for name, title in GROUPS.items():
        figures = report.group(name)
        if not figures:
            continue
        heads = f"{'value':>{_VALUE}}{f'{CONFIDENCE:.0%}':>{_INTERVAL}}{'real rows':>11}"
        lines += ["", f"{title:<{_LABEL + 2}}"[: _LABEL + 2] + heads if len(title) <= _LABEL + 2
                  else f"{title}\n{'':<{_LABEL + 2}}{heads}"]  # fmt: skip
        for figure in figures:
            lines += [
                _line(figure),
                *wrap(
                    " ".join(_remarks(figure)),
                    WIDTH,
                    initial_indent=_INDENT,
                    subsequent_indent=_INDENT,
                ),
            ]
    lines += _columns(report)
    lines += _pairs(report)
    if report.rules:
        lines += ["", f"{RULES_TITLE}:", f"  {'synthetic':>9}{'real':>8}"]
        lines += [
            f"  {show_share(kept['synthetic']):>9}{show_share(kept['real']):>8}  {plain(text)}"
            for text, kept in report.rules.items()
        ]
    if report.notes:
        lines += ["", "Notes:"]
        for note in report.notes:
            lines += wrap(plain(note), WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(line.rstrip() for line in lines)


def to_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    head, *rest = _head(report)
    warning = warn_of_shared(report)
    lines = ["## Synthetic rows judged", "", *([f"**{warning}**", ""] if warning else [])]
    lines += [f"{head}.", "", *rest, ""]
    for answer in report.verdict.answers:
        more = " ".join(filter(None, (answer.remedy, answer.absent, answer.caution)))
        named = name_figures(answer, report)
        lines.append(f"- **{answer.question}** {answer.headline}{'' if named else f' {more}'}")
        if named:
            lines += [*(f"  - {line}" for line in named), "", f"  {more}"]
    for name, title in GROUPS.items():
        figures = report.group(name)
        if not figures:
            continue
        lines += ["", f"### {title}", ""]
        lines += _table(
            [
                "figure",
                "value",
                f"{CONFIDENCE:.0%} interval",
                "real rows",
                "reads",
                "what it shows",
            ],
            [
                [
                    figure.words.label,
                    _show(figure, figure.value),
                    _show_interval(figure, figure.interval),
                    "" if figure.baseline is None else _show(figure, figure.baseline),
                    figure.reading,
                    " ".join(_remarks(figure)),
                ]
                for figure in figures
            ],
        )
    if report.pairs:
        lines += ["", "### Pairs of columns that differ most", ""]
        heads = ["columns", "measure", "real", "synthetic", "held-out"]
        lines += _table(
            heads,
            [
                [
                    *(f"{pair.first}, {pair.second}", pair.measure),
                    *pair.shown,
                ]
                for pair in report.pairs[:WORST_PAIRS]
            ],
        )
    if report.rules:
        shares = [
            [text, show_share(kept["synthetic"]), show_share(kept["real"])]
            for text, kept in report.rules.items()
        ]
        lines += ["", f"### {RULES_TITLE}", "", *_table(["rule", "synthetic", "real"], shares)]
    if report.notes:
        lines += ["", "### Notes", "", *(f"- {_escape(note)}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def count_given(report: Report) -> str:
    """Say how many rows of each kind were given."""
    names = {"real": "real", "synthetic": "synthetic", "holdout": "held-out", "others": "other"}
    return f"{', '.join(f'{n:,} {names[name]}' for name, n in report.counts.items() if n)} rows"


def _head(report: Report) -> list[str]:
    held = count_too_few(report) or "no held-out rows were given"
    return [
        f"{count_given(report)}; seed {report.seed}",
        f'"real rows": {BASELINES[report.baseline].format(held=held)}',
    ]


def _line(figure: Figure) -> str:
    baseline = "" if figure.baseline is None else _show(figure, figure.baseline)
    return (
        f"  {figure.words.label:<{_LABEL}}{_show(figure, figure.value):>{_VALUE}}"
        f"{_show_interval(figure, figure.interval):>{_INTERVAL}}{baseline:>11}  {figure.reading}"
    )


def _remarks(figure: Figure) -> list[str]:
    """Say what a figure shows and what not, and which columns it is about."""
    words = figure.words
    remarks = [words.definition, f"It shows {words.shows}; it does not show {words.shows_not}."]
    if "success" in figure.details:
        details = figure.details
        remarks.append(
            f"Succeeded on {details['success']:.1%} of real and {details['control']:.1%} of "
            "held-out rows."
        )
    if columns := figure.details.get("columns"):
        key = "share" if "share" in columns[0] else "risk"
        named = ", ".join(f"{plain(one['column'])} ({one[key]:.0%})" for one in columns)
        remarks.append(f"{'Given away by' if key == 'share' else 'Most at'}: {named}.")
    return remarks


def _columns(report: Report) -> list[str]:
    """Return the columns whose distance is largest."""
    worst = sorted(report.columns, key=lambda column: -column.distance)[:WORST_COLUMNS]
    heads = f"{'distance':>10}{'real rows':>11}{'Wasserstein':>13}{'covered':>9}  missing"
    lines = ["", f"{'Columns that differ most':<32}{heads}"]
    for column in worst:
        baseline = "" if column.baseline is None else f"{column.baseline:.3f}"
        moved = "" if column.wasserstein is None else f"{column.wasserstein:.3f}"
        covered = "" if column.coverage is None else f"{column.coverage:.0%}"
        real, made = column.missing
        gaps = f"  {made:.1%}, real {real:.1%}" if real or made else ""
        lines.append(
            f"  {plain(column.name)[:26]:<27}{column.measure:>3}{column.distance:>10.3f}"
            f"{baseline:>11}{moved:>13}{covered:>9}{gaps}"
        )
    return lines


def _pairs(report: Report) -> list[str]:
    """Return the pairs of columns whose association differs most."""
    if not report.pairs:
        return []
    lines = ["", f"{'Pairs that differ most':<58}{'real':>8}{'synthetic':>11}{'held-out':>10}"]
    for pair in report.pairs[:WORST_PAIRS]:
        real, made, held = pair.shown
        names = f"{plain(pair.first)}, {plain(pair.second)}"[:38]
        lines.append(f"  {names:<38}{pair.measure:>18}{real:>8}{made:>11}{held:>10}")
    return lines


def _show(figure: Figure, value: float) -> str:
    return f"{value:{figure.words.spec}}"


def _show_interval(figure: Figure, interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"{_show(figure, interval.low)} to {_show(figure, interval.high)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [list(heads), ["---"] * len(heads), *rows]
    return [f"| {' | '.join(_escape(cell) for cell in line)} |" for line in lines]


def _escape(text: str) -> str:
    r"""Keep a cell within its table, and what a column is called from being read as markup."""
    shown = plain(text)
    for sign in "\\|<>`*_[]":
        shown = shown.replace(sign, f"\\{sign}")
    return shown
