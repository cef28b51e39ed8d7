"""A comparison as a table, for the terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.contest.contestants import BASELINES
from raregan.contest.paragraph import show_gain
from raregan.contest.scores import SCORES
from raregan.data.rows import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raregan.contest.standings import Standing

SHOWN = (
    *("average_precision", "recall_at_0.1%", "recall_at_1%", "precision_at_top", "roc_auc"),
    *("brier", "brier_as_is", "cost"),
)
"""Scores that a table shows, where there are any; all are in the JSON."""

FOOT = (
    "Gains are of average precision, in points, by fold; intervals on one baseline hold all "
    "together. Amounts are new rows for a rare one, or others for one where these are dropped; "
    "seconds the median of a fold."
)


def name_shown(standings: Sequence[Standing]) -> list[str]:
    """Return the scores of `SHOWN` that any of them has."""
    return [name for name in SHOWN if any(name in one.scores for one in standings)]


def explain(standings: Sequence[Standing]) -> str:
    """Say what the columns of the tables mean."""
    scores = (f"{SCORES[n].label} is {SCORES[n].definition}" for n in name_shown(standings))
    return f"{FOOT} {'; '.join(scores)}."


def make_cells(standings: Sequence[Standing]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, one for each contestant that has scores, and a line of those absent.

    Parameters
    ----------
    standings
        Of one learner.
    """
    names = name_shown(standings)
    header = ["contestant", *(f"gain on {name}" for name in BASELINES)]
    header += [SCORES[name].label for name in names] + ["usual amount", "folds", "seconds"]
    rows = []
    for one in standings:
        if not one.n:
            continue
        gains = [show_gain(one.gains[name]) if name in one.gains else "-" for name in BASELINES]
        scores = [f"{one.scores[n]:{SCORES[n].spec}}" if n in one.scores else "-" for n in names]
        amount = "-" if one.amount is None else f"{one.amount:.3g}"
        rows.append([one.contestant, *gains, *scores, amount, str(one.n), f"{one.seconds:.1f}"])
    return header, rows


def as_text(standings: Sequence[Standing]) -> str:
    """Return a table for each learner, aligned by spaces."""
    parts = []
    for learner, own in _by_learner(standings):
        header, rows = make_cells(own)
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            ).rstrip()
            for row in [header, *rows]
        ]
        parts.append("\n".join([f"{learner}:", *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)


def as_markdown(standings: Sequence[Standing]) -> str:
    """Return the same as Markdown."""
    parts = []
    for learner, own in _by_learner(standings):
        header, rows = make_cells(own)
        lines = [_row(header), "|---|" + "---:|" * (len(header) - 1), *map(_row, rows)]
        parts.append("\n".join([f"## {learner}", "", *lines]))
    return "\n\n".join(parts)


def absences(standings: Sequence[Standing]) -> list[str]:
    """Say who has no scores, or not in all folds, and why, once for each reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in standings:
        if one.absent is not None:
            where = f" in {one.n_absent} of {one.n + one.n_absent} folds" if one.n else ""
            found.setdefault((one.contestant, f"{where}: {one.absent}"), []).append(one.learner)
    n_learners = len({one.learner for one in standings})
    return [
        f"{contestant if len(of) == n_learners else f'{contestant} with {listed(of)}'}{why}"
        for (contestant, why), of in found.items()
    ]


def _by_learner(standings: Sequence[Standing]) -> list[tuple[str, list[Standing]]]:
    names = dict.fromkeys(one.learner for one in standings)
    return [(name, [one for one in standings if one.learner == name]) for name in names]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
