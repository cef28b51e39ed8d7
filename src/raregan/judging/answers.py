"""What to say to each of the three questions: one small function for each state of a group.

They count readings and repeat values; they weigh nothing and add no figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from raregan.judging.figures import TOO_FEW
from raregan.judging.privacy import MIN_HOLDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from raregan.judging.figures import Figure
    from raregan.judging.measures import Group
    from raregan.judging.report import Report

Status = Literal["as real rows", "differs", "alarm", "too few rows", "not judged"]

_NOT_ATTACKED = (
    f"Distances and attacks are absent: they need {MIN_HOLDOUT} rows that were learned from, and "
    "as many that were held out, unlike each other. The notes count them."
)


class Sorted(NamedTuple):
    """Names of figures by how they read."""

    as_real: tuple[str, ...]
    worse: tuple[str, ...]
    closer: tuple[str, ...]
    unread: tuple[str, ...]
    unsure: tuple[str, ...]

    @classmethod
    def of(cls, figures: tuple[Figure, ...]) -> Sorted:
        """Sort the figures of a group."""
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


class Said(NamedTuple):
    """What differs between the three answers.

    Attributes
    ----------
    status, headline, absent, remedy
        As of `raregan.judging.verdict.Answer`.
    clause
        The answer in the summary of all three; "" where that says it already.
    """

    status: Status
    headline: str
    clause: str
    absent: str = ""
    remedy: str = ""


def speak(report: Report, group: Group, names: Sorted) -> Said:
    """Answer the question of a group."""
    return _SPEAKERS[group](report, names)


def advise(alarms: Collection[str]) -> str:
    """Say in short what to do about the figures that alarm, and where a reader goes on."""
    columns = (
        "leave out the columns most at risk (--ignore), or "
        if "attribute_inference" in alarms
        else ""
    )
    copies = (
        "Does REAL hold synthetic rows, as of raregan resample without --mark? Then give the table "
        "before that. "
        if "exact_copies" in alarms
        else ""
    )
    return (
        f"{copies}Split once more (raregan split TABLE --seed 1 -o again), train, sample and "
        f"evaluate anew: chance seldom alarms twice. If it comes back, {columns}learn with more "
        'jitter and fewer steps (--config). More is under "What to do about an alarm" in '
        "docs/judging.md."
    )


def not_held_out(report: Report) -> Said:
    """Answer where what should be new was learned from: no figure beside it says anything."""
    return Said(
        "not judged",
        f"Cannot be said: {count_shared(report)} are among the rows that were learned from.",
        "",
        "What real rows get, only those held-out rows can say that equal no row that was learned "
        "from.",
    )


def count_shared(report: Report) -> str:
    """Say how many of the held-out rows were learned from."""
    return f"{report.shared:,} of {report.counts['holdout']:,} held-out rows"


def count_too_few(report: Report) -> str:
    """Say that held-out rows were given and are too few to be used; "" otherwise."""
    n = report.n_held
    if not 0 < n < MIN_HOLDOUT:
        return ""
    return f"{'1 held-out row is' if n == 1 else f'{n} held-out rows are'} too few"


def _tell_too_few(report: Report) -> str:
    few = count_too_few(report)
    return few and f"{few} to compare with; {MIN_HOLDOUT} are needed"


def _not_said(report: Report) -> tuple[str, str]:
    """Say how an answer's headline and its clause end where it takes held-out rows."""
    if few := _tell_too_few(report):
        return f"Cannot be said: {few}", f"cannot be said: {few}"
    return "Cannot be said without held-out rows", "cannot be said without held-out rows"


# --- does it look real? ---------------------------------------------------------------------------


def _fidelity(report: Report, names: Sorted) -> Said:
    few = _tell_too_few(report)
    if not names.n_read:
        said = _looks_like_nothing(few)
    elif names.worse:
        said = _looks_worse(names)
    elif names.closer:
        said = _looks_too_close(names)
    elif names.unsure:
        said = _looks_unsure(report, names)
    else:
        said = _looks_real(report, names)
    headline = f"{said.headline} {few}." if few else said.headline
    return said._replace(headline=headline, absent=said.absent or _without_holdout(report))


def _without_holdout(report: Report) -> str:
    if report.baseline == "holdout":
        return ""
    without = "With so few held-out rows" if count_too_few(report) else "Without held-out rows"
    return (
        f"{without}, one half of the real rows stands for what real rows get, and "
        "rows that were learned by heart look perfect."
    )


def _looks_like_nothing(few: str) -> Said:
    return Said(
        "not judged",
        "Cannot be said: there are too few real rows to know what real rows would get.",
        "How real they look cannot be said.",
        f"There are {'too few' if few else 'no'} held-out rows and too few real ones to halve, so "
        "figures stand alone.",
    )


def _looks_worse(names: Sorted) -> Said:
    n, k = names.n_read, len(names.worse)
    closer = f" {_closer(names)}" if names.closer else ""
    return Said(
        "differs",
        f"Not quite: {_count(names.worse, n)} worse than real rows.{closer}",
        f"They can be told from real rows: {k} of {n} figures of fidelity read worse.",
    )


def _looks_too_close(names: Sorted) -> Said:
    n, k = names.n_read, len(names.closer)
    return Said(
        "differs",
        f"Too close: {_closer(names)}",
        f"{k} of {n} figures of fidelity read closer than real rows would.",
    )


def _closer(names: Sorted) -> str:
    counted = _count(names.closer, names.n_read)
    return f"{counted} closer than real rows would, which is no praise: copies do."


def _looks_unsure(report: Report, names: Sorted) -> Said:
    n_real, n_synthetic = report.compared
    few = f"{n_synthetic:,} rows at a time against {n_real:,}"
    found = f"{_rows(report)}, so"
    return _too_few(report, "fidelity", names, found, f"Whether they look real, {few}")


def _looks_real(report: Report, names: Sorted) -> Said:
    alarms = sum(figure.reading == "alarm" for figure in report.group("privacy"))
    who = "A figure of privacy raises" if alarms == 1 else "Figures of privacy raise"
    but = f" {who} an alarm, and copies look real too." if alarms else ""
    n = names.n_read
    return Said(
        "as real rows",
        f"No difference found: all {n} figures read as real rows; {_rows(report)}.{but} "
        f"{_slack(report, 'fidelity')}.",
        f"All {n} figures of fidelity read as real rows.",
    )


def _rows(report: Report) -> str:
    n_real, n_synthetic = report.compared
    return (
        f"at most {n_synthetic:,} synthetic rows at a time were compared with at most {n_real:,} "
        "real ones"
    )


# --- whom does it expose? -------------------------------------------------------------------------


def _privacy(report: Report, names: Sorted) -> Said:
    if report.baseline != "holdout":
        return _exposes_unknown(report)
    is_attacked = any(figure.name.startswith("membership") for figure in report.group("privacy"))
    if names.worse:
        said = _exposes(report, names)
        return said if is_attacked else said._replace(absent=_NOT_ATTACKED)
    if not is_attacked:
        return Said(
            "not judged",
            "Cannot be said: only exact copies were counted.",
            "Whom they expose cannot be said.",
            _NOT_ATTACKED,
        )
    if _is_turned_round(report):
        return Said(
            "not judged",
            "Cannot be said: synthetic rows lie nearer to held-out rows than to those that were "
            "learned from, beyond chance. Are REAL and --holdout swapped?",
            "Whom they expose cannot be said: are real and held-out rows swapped?",
            "Real rows come first: those that the generator learned from.",
        )
    return _exposes_unsure(report, names) if names.unsure else _exposes_nobody(report, names)


def _is_turned_round(report: Report) -> bool:
    """Whether the held-out rows look learned from, by nearness and by an attack."""
    named = [one for one in report.figures if one.name in ("closer", "membership_nearest")]
    ends = [one.interval.high for one in named if one.interval is not None]
    return len(ends) == 2 and max(ends) < 0.5  # noqa: PLR2004


def _exposes_unknown(report: Report) -> Said:
    copies = report.fidelity.copy_rate
    equal = (
        f"{copies:.2%} of the synthetic rows equal a real row; by chance or by heart, nobody can "
        "tell"
        if copies
        else "No synthetic row equals a real one in every column"
    )
    headline, clause = _not_said(report)
    return Said(
        "not judged",
        f"{headline}. {equal}.",
        f"Whom they expose {clause}.",
        "Distances and attacks are absent: only rows that the generator never saw can say what "
        "closeness means in this table.",
    )


def _exposes(report: Report, names: Sorted) -> Said:
    n, k = len(report.group("privacy")), len(names.worse)
    return Said(
        "alarm",
        f"Alarm: {k} of {n} figures {'says' if k == 1 else 'say'} that rows which were learned "
        "from show through.",
        f"{k} of {n} figures of privacy {'raises' if k == 1 else 'raise'} an alarm: find out why "
        "before the rows are handed on.",
        remedy=advise(names.worse),
    )


def _exposes_unsure(report: Report, names: Sorted) -> Said:
    found = f"no figure alarms, but with {_sides(report)}"
    return _too_few(report, "privacy", names, found, f"Whom they expose, {_held(report)}")


def _sides(report: Report) -> str:
    return f"{report.counts['real']:,} real and {_held(report)}"


def _exposes_nobody(report: Report, names: Sorted) -> Said:
    return Said(
        "as real rows",
        f"No alarm: none of {names.n_read} figures, with {_sides(report)}. That is no guarantee. "
        f"{_slack(report, 'privacy')}.",
        f"None of {names.n_read} figures of privacy raises an alarm, which is no guarantee.",
    )


# --- does it teach what real rows teach? ----------------------------------------------------------


def _utility(report: Report, names: Sorted) -> Said:
    if not report.group("utility"):
        return _helps_unknown(report)
    if names.worse:
        return Said(
            "differs",
            f"Less than real rows: {_taught(report)}.",
            "They teach a detector less than as many real rows do.",
        )
    if names.closer:
        return Said(
            "differs",
            f"More than real rows, on this test: {_taught(report)}.",
            "They teach a detector more than as many real rows do, on this test.",
        )
    return _helps_unsure(report, names) if names.unsure else _helps_as_much(report)


def _helps_unknown(report: Report) -> Said:
    headline, clause = _not_said(report)
    if report.baseline == "holdout":
        headline = "Cannot be said without rows of the other class"
        clause = "cannot be said without rows of the other class"
    return Said(
        "not judged",
        f"{headline}.",
        f"Whether they teach what real rows teach {clause}.",
        "A detector is tested on rare rows that nobody learned from, and on rows of the other "
        "class.",
    )


def _helps_unsure(report: Report, names: Sorted) -> Said:
    held = _held(report)
    found = f"{_taught(report)}, but with {held}"
    return _too_few(
        report, "utility", names, found, f"Whether they teach what real rows teach, {held}"
    )


def _helps_as_much(report: Report) -> Said:
    return Said(
        "as real rows",
        f"No loss was found: {_taught(report)}; {_held(report)} were tested on. "
        f"{_slack(report, 'utility')}.",
        "No loss was found where they teach a detector in the place of as many real rows.",
    )


def _taught(report: Report) -> str:
    first = report.group("utility")[0]
    return (
        f"a detector that they taught reaches an AP of {_show(first, first.value)} on held-out "
        f"rows, where as many real rows reach {_show(first, first.baseline)}"
    )


_SPEAKERS: Mapping[Group, Callable[[Report, Sorted], Said]] = {
    "fidelity": _fidelity,
    "privacy": _privacy,
    "utility": _utility,
}


# --- what all of them say -------------------------------------------------------------------------


def _too_few(report: Report, group: Group, names: Sorted, found: str, clause: str) -> Said:
    hide = f"{len(names.unsure)} of {names.n_read} figures could hide a gross difference"
    return Said(
        "too few rows",
        f"Too few rows to tell: {found} {hide}. {_slack(report, group)}.",
        f"{clause} are too few to tell.",
    )


def _count(names: tuple[str, ...], n: int) -> str:
    return f"{len(names)} of {n} figures {'reads' if len(names) == 1 else 'read'}"


def _held(report: Report) -> str:
    return f"{report.n_held:,} held-out rows"


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
