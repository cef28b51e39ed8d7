"""The verdict: what the figures answer to the three questions that readers ask, as plain data.

It counts readings and repeats values; it weighs nothing and adds no figure. What cannot be said is
said to be so, with the command that would say it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from raregan.judging.figures import TOO_FEW
from raregan.judging.intervals import CONFIDENCE
from raregan.judging.measures import GROSS, GROSS_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from raregan.judging.measures import Figure, Group
    from raregan.judging.report import Report

Status = Literal["as real rows", "differs", "alarm", "too few rows", "not judged"]

HOLDOUT_COMMANDS = (
    "raregan split TABLE -o parts",
    "raregan train parts/train.parquet -o MODEL",
    "raregan sample MODEL -n 1000 -o SYNTHETIC",
    "raregan evaluate parts/train.parquet SYNTHETIC --holdout parts/test.parquet",
)
"""What would judge privacy and utility."""


REMEDY = 'See "What to do about an alarm" in docs/judging.md.'
"""Where a reader of an alarm goes on."""


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
        "Does it help a detector?",
        "for the data scientist",
        "This compares synthetic rows with as many real ones. Whether adding them to the real rows "
        "helps, measure with your own detector and data.",
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
        One sentence.
    as_real, worse, closer, unread, unsure
        Names of figures that read as real rows; worse, alarms among them; closer or better, "no
        alarm" among them; those without a baseline; and those with too few rows to tell.
    absent
        What cannot be said, and why; "" where nothing is absent.
    commands
        What would say it; empty where nothing is absent.
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


class _Sorted(NamedTuple):
    """Names of figures by how they read."""

    as_real: tuple[str, ...]
    worse: tuple[str, ...]
    closer: tuple[str, ...]
    unread: tuple[str, ...]
    unsure: tuple[str, ...]

    @classmethod
    def of(cls, figures: tuple[Figure, ...]) -> _Sorted:
        kinds: dict[str, list[str]] = {
            "as real rows": [], "worse": [], "closer": [], "": [], TOO_FEW: []
        }  # fmt: skip
        for figure in figures:
            reading = figure.reading
            if reading in ("alarm", "worse than real rows"):
                kinds["worse"].append(figure.name)
            else:
                kinds.get(reading, kinds["closer"]).append(figure.name)
        return cls(*(tuple(names) for names in kinds.values()))

    @property
    def n_read(self) -> int:
        """How many figures have a baseline to read them by."""
        return len(self.as_real) + len(self.worse) + len(self.closer) + len(self.unsure)


class _Said(NamedTuple):
    """What differs between the three answers."""

    status: Status
    headline: str
    clause: str
    absent: str = ""


def warn_of_shared(report: Report) -> str:
    """Say that most of the held-out rows that are used were learned from; "" if they were not."""
    if not _is_shared(report):
        return ""
    return (
        f"{_shared(report)} are among the rows that were learned from, so no figure beside them is "
        f"true. Hold rows out before training: {HOLDOUT_COMMANDS[0]}; then train on parts/train "
        "and give parts/test as --holdout."
    )


def _is_shared(report: Report) -> bool:
    return report.baseline == "holdout" and 2 * report.shared > report.counts["holdout"]


def _shared(report: Report) -> str:
    return f"{report.shared:,} of {report.counts['holdout']:,} held-out rows"


def reach_verdict(report: Report) -> Verdict:
    """Answer the three questions from the figures of a report."""
    speakers: dict[Group, Callable[[Report, _Sorted], _Said]] = {
        "fidelity": _fidelity,
        "privacy": _privacy,
        "utility": _utility,
    }
    answers, clauses = [], []
    for group, question in QUESTIONS.items():
        names = _Sorted.of(report.group(group))
        said = speakers[group](report, names)
        if _is_shared(report) and report.group(group) and said.status != "alarm":
            said = _not_held_out(report)
        answers.append(
            Answer(
                group=group, question=question.text, reader=question.reader, status=said.status,
                headline=said.headline, **names._asdict(), absent=said.absent,
                commands=HOLDOUT_COMMANDS if said.absent else (), caution=question.caution,
            )
        )  # fmt: skip
        clauses.append(said.clause)
    counts = report.counts
    held = f" and {counts['holdout']:,} held-out ones" if report.baseline == "holdout" else ""
    judged = (
        f"{counts['synthetic']:,} synthetic rows were judged against {counts['real']:,} real rows "
        f"that were learned from{held}."
    )
    summary = " ".join(filter(None, (warn_of_shared(report), judged, *clauses)))
    return Verdict(summary, tuple(answers), _grounds(report))


def _not_held_out(report: Report) -> _Said:
    """Answer where what should be new was learned from: no figure beside it says anything."""
    return _Said(
        "not judged",
        f"Cannot be said: {_shared(report)} are among the rows that were learned from.",
        "",
        "What real rows get, only those held-out rows can say that equal no row that was learned "
        "from.",
    )


def _fidelity(report: Report, names: _Sorted) -> _Said:
    if not names.n_read:
        return _Said(
            "not judged",
            "Cannot be said: there are too few real rows to know what real rows would get.",
            "How real they look cannot be said.",
            "There are no held-out rows and too few real ones to halve, so figures stand alone.",
        )
    n, k = names.n_read, len(names.worse)
    absent = ""
    if report.baseline == "halves":
        absent = (
            "Without held-out rows, one half of the real rows stands for what real rows get, and "
            "rows that were learned by heart look perfect."
        )
    closer = (
        f" {_count(names.closer, n)} closer than real rows would, which is no praise: copies do."
        if names.closer
        else ""
    )
    if k:
        return _Said(
            "differs",
            f"Not quite: {_count(names.worse, n)} worse than real rows.{closer}",
            f"They can be told from real rows: {k} of {n} figures of fidelity read worse.",
            absent,
        )
    if names.closer:
        return _Said(
            "differs",
            f"Too close: {_count(names.closer, n)} closer than real rows would, which is no "
            "praise: copies do.",
            f"{len(names.closer)} of {n} figures of fidelity read closer than real rows would.",
            absent,
        )
    n_real, n_synthetic = report.compared
    rows = f"{n_synthetic:,} synthetic rows were compared with {n_real:,} real ones"
    if names.unsure:
        return _Said(
            "too few rows",
            f"Too few rows to tell: {rows}, so {_hide(names, n)}. {_slack(report, 'fidelity')}.",
            f"Whether they look real, {n_synthetic:,} rows against {n_real:,} are too few to tell.",
            absent,
        )
    alarms = any(figure.reading == "alarm" for figure in report.group("privacy"))
    but = " Figures of privacy alarm, and copies look real too." if alarms else ""
    return _Said(
        "as real rows",
        f"No difference found: all {n} figures read as real rows.{but} {rows}. "
        f"{_slack(report, 'fidelity')}.",
        f"All {n} figures of fidelity read as real rows.",
        absent,
    )


def _privacy(report: Report, names: _Sorted) -> _Said:
    if report.baseline != "holdout":
        copies = report.fidelity.copy_rate
        equal = (
            f"{copies:.2%} of the synthetic rows equal a real row; by chance or by heart, nobody "
            "can tell"
            if copies
            else "No synthetic row equals a real one in every column"
        )
        return _Said(
            "not judged",
            f"Cannot be said without held-out rows. {equal}.",
            "Whom they expose cannot be said without held-out rows.",
            "Distances and attacks are absent: only rows that the generator never saw can say what "
            "closeness means in this table.",
        )
    n, k = names.n_read, len(names.worse)
    is_attacked = any(figure.name.startswith("membership") for figure in report.group("privacy"))
    absent = (
        ""
        if is_attacked
        else "Distances and attacks are absent: too few held-out rows are left that equal no row "
        "that was learned from. The notes count them."
    )
    if k:
        return _Said(
            "alarm",
            f"Alarm: {k} of {n} figures {'says' if k == 1 else 'say'} that rows which were learned "
            f"from show through. {REMEDY}",
            f"{k} of {n} figures of privacy {'alarms' if k == 1 else 'alarm'}: find out why "
            "before the rows are handed on.",
            absent,
        )
    if absent:
        return _Said(
            "not judged",
            "Cannot be said: only exact copies were counted.",
            "Whom they expose cannot be said.",
            absent,
        )
    slack = _slack(report, "privacy")
    if names.unsure:
        held = f"{report.counts['holdout']:,} held-out rows"
        return _Said(
            "too few rows",
            f"Too few rows to tell: no figure alarms, but with {report.counts['real']:,} real and "
            f"{held} {_hide(names, n)}. {slack}.",
            f"Whom they expose, {held} are too few to tell.",
        )
    return _Said(
        "as real rows",
        f"No alarm: none of {n} figures. That is no guarantee. {slack}.",
        f"None of {n} figures of privacy alarms, which is no guarantee.",
    )


def _utility(report: Report, names: _Sorted) -> _Said:
    figures = report.group("utility")
    if not figures:
        lacking = "held-out rows" if report.baseline != "holdout" else "rows of the other class"
        return _Said(
            "not judged",
            f"Cannot be said without {lacking}.",
            f"Whether they help a detector cannot be said without {lacking}.",
            "A detector is tested on rare rows that nobody learned from, and on rows of the other "
            "class.",
        )
    first = figures[0]
    taught = (
        f"{_show(first, first.value)} on held-out rows, where as many real rows reach "
        f"{_show(first, first.baseline)}"
    )
    if names.worse:
        return _Said(
            "differs",
            f"Less than real rows: a detector that they taught reaches an AP of {taught}.",
            "They teach a detector less than as many real rows do.",
        )
    if names.closer:
        return _Said(
            "differs",
            f"More than real rows, on this test: a detector that they taught reaches an AP of "
            f"{taught}.",
            "They teach a detector more than as many real rows do, on this test.",
        )
    slack = _slack(report, "utility")
    if names.unsure:
        held = f"{report.counts['holdout']:,} held-out rows"
        return _Said(
            "too few rows",
            f"Too few rows to tell: a detector that they taught reaches an AP of {taught}, but "
            f"with {held} {_hide(names, names.n_read)}. {slack}.",
            f"Whether they help a detector, {held} are too few to tell.",
        )
    return _Said(
        "as real rows",
        f"As much as real rows, within chance: a detector that they taught reaches an AP of "
        f"{taught}. {slack}.",
        "They teach a detector what as many real rows do, within chance.",
    )


def _count(names: tuple[str, ...], n: int) -> str:
    return f"{len(names)} of {n} figures {'reads' if len(names) == 1 else 'read'}"


def _hide(names: _Sorted, n: int) -> str:
    return f"{len(names.unsure)} of {n} figures could hide a gross difference"


def _slack(report: Report, group: Group) -> str:
    """Say of the figure in which chance could hide most what cannot be ruled out."""
    figure = max(report.group(group), key=lambda figure: figure.hides_gross)
    return (
        f"Least sure is {figure.words.label}: {_show(figure, figure.value)}, and "
        f"{_show(figure, figure.at_worst)} cannot be ruled out beside the "
        f"{_show(figure, figure.baseline)} of real rows"
    )


def _show(figure: Figure, value: float | None) -> str:
    return "nothing" if value is None else f"{value:{figure.words.spec}}"


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
