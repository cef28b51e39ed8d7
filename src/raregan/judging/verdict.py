"""The verdict: what the figures answer to the three questions that readers ask, as plain data.

It counts readings and repeats values; it weighs nothing and adds no figure. What cannot be said is
said to be so, with the command that would say it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from raregan.judging.answers import (
    Said,
    Sorted,
    Status,
    count_shared,
    count_too_few,
    not_held_out,
    speak,
)
from raregan.judging.figures import TOO_FEW
from raregan.judging.intervals import CONFIDENCE
from raregan.judging.measures import GROSS, GROSS_SHARE
from raregan.judging.privacy import MIN_HOLDOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raregan.judging.figures import Figure
    from raregan.judging.measures import Group
    from raregan.judging.report import Report

HOLDOUT_COMMANDS = (
    "raregan split TABLE -o parts",
    "raregan train parts/train.* -o MODEL",
    "raregan sample MODEL -n 1000 -o SYNTHETIC",
    "raregan evaluate parts/train.* SYNTHETIC --holdout parts/test.*",
)
"""What would judge privacy and utility."""

_ENOUGH = 1.25
"""Held-out rows to ask for, of those that are needed: a share of a small class is never exact."""


class Question(NamedTuple):
    """What is asked, by whom, and what no answer to it says."""

    text: str
    reader: str
    caution: str


QUESTIONS: Mapping[Group, Question] = {
    "fidelity": Question(
        "Does it look real?",
        "for the data scientist and the model-risk auditor",
        "To look real is not to be safe: copies look more real than anything. Nor is it to be "
        "useful.",
    ),
    "privacy": Question(
        "Whom does it expose?",
        "for the privacy officer",
        "Figures of similarity are alarms and no guarantee: they can show that rows leak, never "
        "that none do. Attacks show what these attackers reach, and no more.",
    ),
    "utility": Question(
        "Does it teach what real rows teach?",
        "for the data scientist",
        "Here synthetic rows stand in the place of as many real ones. Whether a detector gains by "
        "rows that are added to the real ones is another question: raregan compare answers it.",
    ),
}


@dataclass(frozen=True)
class Answer:
    """What the figures of one group answer.

    Attributes
    ----------
    group, question, reader
        What is asked, and by whom.
    status
        ``"differs"`` where figures read worse, closer or better than real rows; ``"alarm"`` where
        figures of privacy do; ``"too few rows"`` where none does, and chance could hide a gross
        difference from one; ``"not judged"`` where the group is absent or has no baseline.
    headline
        The answer, in a sentence or a few.
    as_real, worse, closer, unread, unsure
        Names of figures that read as real rows; worse, alarms among them; closer or better, "no
        alarm" among them; those without a baseline, or whose baseline was learned from; and those
        with too few rows to tell.
    absent
        What cannot be said, and why; "" where nothing is absent.
    commands
        What would say it; empty where nothing is absent.
    remedy
        What to do about an alarm; "" where none is.
    caution
        What the answer does not say.
    """

    group: Group
    question: str
    reader: str
    status: Status
    headline: str
    as_real: tuple[str, ...]
    worse: tuple[str, ...]
    closer: tuple[str, ...]
    unread: tuple[str, ...]
    unsure: tuple[str, ...]
    absent: str
    commands: tuple[str, ...]
    remedy: str
    caution: str


@dataclass(frozen=True)
class Verdict:
    """The answers, with a summary before and the grounds after them."""

    summary: str
    answers: tuple[Answer, ...]
    grounds: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


def warn_of_shared(report: Report) -> str:
    """Say that held-out rows were learned from, and whether the others are used; "" if none was."""
    if not report.shared or report.baseline != "holdout":
        return ""
    if not report.is_shared:
        return (
            f"{count_shared(report)} are among the rows that were learned from: these are left out "
            "of every figure, and the split deserves a look."
        )
    return (
        f"{count_shared(report)} are among the rows that were learned from, so no figure beside "
        "them is true. If REAL is the whole table, give the part of it that was learned from. If "
        f"not, hold rows out before training: {HOLDOUT_COMMANDS[0]}; then train on parts/train and "
        "give parts/test as --holdout."
    )


def reach_verdict(report: Report) -> Verdict:
    """Answer the three questions from the figures of a report."""
    answers, clauses = [], []
    for group, question in QUESTIONS.items():
        names = Sorted.of(report.group(group))
        said = _say(report, group, names)
        answers.append(
            Answer(
                group=group, question=question.text, reader=question.reader, status=said.status,
                headline=said.headline, **names._asdict(), absent=said.absent,
                commands=_commands(report) if said.absent else (), remedy=said.remedy,
                caution=question.caution,
            )
        )  # fmt: skip
        clauses.append(said.clause)
    summary = " ".join(filter(None, (warn_of_shared(report), _judged(report), *clauses)))
    return Verdict(summary, tuple(answers), _grounds(report))


def name_figures(answer: Answer, report: Report) -> tuple[str, ...]:
    """Return a line for each figure that an answer rests on, with what real rows get.

    Those that alarm or read worse; of fidelity and utility also closer or better; and where rows
    are too few, those that could hide a gross difference.
    """
    # Of privacy, "no alarm" deserves no line; of fidelity, to be closer than real rows does.
    closer = () if answer.group == "privacy" else answer.closer
    unsure = answer.unsure if answer.status == "too few rows" else ()
    return tuple(_beside(report[name]) for name in (*answer.worse, *closer, *unsure))


def _beside(figure: Figure) -> str:
    words = figure.words
    value = f"{figure.value:{words.spec}}"
    base = "" if figure.baseline is None else f", real rows {figure.baseline:{words.spec}}"
    reading = "" if figure.reading.startswith(("worse", "alarm")) else f" ({figure.reading})"
    if figure.reading == TOO_FEW:
        reading = f"; as bad as {figure.at_worst:{words.spec}} cannot be ruled out"
    return f"{words.label}: {value}{base}{reading}"


def _commands(report: Report) -> tuple[str, ...]:
    """Return what would say it: where too few rows were held out, with a test part of enough."""
    if not count_too_few(report):
        return HOLDOUT_COMMANDS
    n_rare = report.counts["real"] + report.counts["holdout"]
    twentieths = math.ceil(20 * _ENOUGH * MIN_HOLDOUT / n_rare)
    share = f" --test {twentieths / 20:g}" if 2 * twentieths <= 20 else ""  # noqa: PLR2004
    first, *rest = (command.replace("parts", "again") for command in HOLDOUT_COMMANDS)
    return (first + share, *rest)


def _say(report: Report, group: Group, names: Sorted) -> Said:
    said = speak(report, group, names)
    if report.is_shared and report.group(group) and said.status != "alarm":
        return not_held_out(report)
    return said


def _judged(report: Report) -> str:
    counts = report.counts
    held = f" and {report.n_held:,} held-out ones" if report.baseline == "holdout" else ""
    return (
        f"{counts['synthetic']:,} synthetic rows were judged against {counts['real']:,} real rows "
        f"that were learned from{held}."
    )


def _grounds(report: Report) -> str:
    stands = {
        "holdout": "the same figure of held-out real rows in place of the synthetic ones",
        "halves": "the same figure of one half of the real rows against the other",
        "none": "nothing, as there are too few real rows",
    }[report.baseline]
    return (
        f"Beside each figure stands {stands}, and a {CONFIDENCE:.0%} interval. A figure reads "
        "otherwise than real rows where both are further apart than their intervals allow; of "
        "some thirty figures one does so by chance now and then. Where the intervals would also "
        f"allow {GROSS} between them (of shares of rows given away {GROSS_SHARE}, of what is good "
        "high no more than half), there are too few rows to tell. Intervals hold the uncertainty "
        f"of these rows, not that of training anew. Seed {report.seed} fixes every draw; the notes "
        "say what was drawn."
    )
