"""The verdict of a contest for three readers: does it help, how do you know, what does it cost."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from raregan.contest.comparison import Comparison
from raregan.contest.contestants import NOTHING
from raregan.contest.leaks import Leak
from raregan.contest.paragraph import KEEP, show_gain
from raregan.contest.scores import SCORES
from raregan.contest.standings import MAIN, Standing, nearest, rivals_of
from raregan.reporting.frame import list_items

_COSTS = {
    "brier_as_is": "Brier score as it is",
    "brier": "Brier score, recalibrated",
    "recall_at_0.1%": "found with false alarms on 0.1% of the others",
    "recall_at_1%": "found with false alarms on 1%",
    "cost": "mean cost a row",
}
_USER = "For whoever uses its probabilities and alarms."
_REFUTED = (
    "Rows that a generator other than SMOTE added before cannot be told; the contest is of this "
    "table alone."
)
_FITTED = (
    "within each training side all is fitted anew: medians, scales, levels, generators, amounts, "
    "and calibration; test rows are touched last"
)
_UNSURE = "A contestant may still help: a contest of few folds finds large gains only."
_ALIKE = "You do not: rows that test may be made from rows that were learned from."
_SURE = "Of this table, with these learners and their settings."
_NOT_YET = "Nobody can say before the leak is mended."
_LEAKED = "Compare again on a table without these rows; until then no figure below is true."
_MEANS = "Means over folds, without intervals; lower is better for Brier scores and cost."


def contest_verdict(found: Comparison) -> str:
    """Return leaks, the verdict in one paragraph, and three answers."""
    answers = "\n".join((_helps(found), _known(found), _costs(found)))
    return (
        f"{_alert(found.leaks)}"
        f'<p class="summary">{escape(found.verdict.text)}</p>\n'
        f'<p class="soft">{escape(found.describe())}.</p>\n'
        f'<div class="answers">\n{answers}\n</div>'
    )


def _alert(leaks: Sequence[Leak]) -> str:
    if not leaks:
        return ""
    return (
        '<div class="leak" role="alert">\n<h3>A leak was found: no score below is true</h3>\n'
        f"{list_items(leak.text for leak in leaks)}\n</div>\n"
    )


def _card(
    question: str, reader: str, headline: str, texts: Iterable[str], caution: str, *, kind: str
) -> str:
    return (
        f'<article class="answer {kind}">\n<h3>{question}</h3>\n<p class="soft">{reader}</p>\n'
        f'<p class="headline">{escape(headline)}</p>\n{list_items(texts)}\n'
        f'<p class="soft">{escape(caution)}</p>\n</article>'
    )


# --- does it help? --------------------------------------------------------------------------------


def _helps(found: Comparison) -> str:
    verdict = found.verdict
    leaked = verdict.reason == "leak"
    gains = verdict.reason == "gain"
    headline = "Keep what you have."
    if leaked:
        headline = _NOT_YET
    elif gains:
        headline = f"Yes: use {verdict.recommendation} with {verdict.learner}."
    elif verdict.reason == "too few folds":
        headline = "Too early to say: too few folds were played."
    return _card(
        "Does it help?",
        "For whoever trains the classifier.",
        headline,
        () if leaked else (_advise(found, learner) for learner in verdict.by_learner),
        _LEAKED if leaked else _SURE if gains else _UNSURE,
        kind="bad" if leaked else "good" if gains else "other",
    )


def _advise(found: Comparison, learner: str) -> str:
    """Say what to do with one learner, and how sure that is."""
    nearest = nearest_rival(found, learner)
    advice = found.verdict.by_learner[learner]
    text = f"{learner}: {'keep what you have' if advice == KEEP else f'use {advice}'}"
    if nearest is None:
        return f"{text}; nothing was compared"
    gains = ", ".join(f"{show_gain(gain)} on {on}" for on, gain in nearest.gains.items())
    return f"{text} ({'nearest: ' if advice == KEEP else ''}{nearest.contestant}, {gains})"


def nearest_rival(found: Comparison, learner: str) -> Standing | None:
    """Return what is recommended for a learner, or else what comes nearest, as in the verdict."""
    return nearest(rivals_of(found.standings, learner), found.verdict.by_learner[learner])


# --- how do you know? -----------------------------------------------------------------------------


def _known(found: Comparison) -> str:
    verdict = found.verdict
    part = "All" if found.is_whole else f"{found.n_done:,} of {found.n_tasks:,}"
    corrected = (
        f"{verdict.confidence:.0%} intervals, those on one baseline hold together: corrected for "
        f"{verdict.n_tests} comparisons, and for folds that share rows"
    )
    return _card(
        "How do you know?",
        "For whoever has to sign it off.",
        _ALIKE if found.leaks else f"{part} parts were played; no row that tests was learned from.",
        (
            _dealing(found.options),
            _FITTED,
            f"{corrected} (Nadeau and Bengio, 2003)",
            "a contestant is recommended if it gains on both baselines beyond doubt",
            f"looked for signs that the table was oversampled before: {len(found.leaks)} found",
        ),
        _REFUTED,
        kind="bad" if found.leaks else "other",
    )


def _dealing(options: dict[str, Any]) -> str:
    text = f"{options['repeats']} x {options['folds']} folds; copies stay on one side"
    if options["time_column"] is not None:
        text = f"{options['folds']} folds; what tests is later by {options['time_column']}"
    if options["group"] is not None:
        text += f", and so do rows of one {options['group']}"
    if options["n_rare"] is not None:
        text += f"; at most {options['n_rare']:,} rare rows are left in a training side"
    return text


# --- what does it cost? ---------------------------------------------------------------------------


def _costs(found: Comparison) -> str:
    by_name = {(one.learner, one.contestant): one for one in found.standings if one.n}
    learner = found.verdict.learner
    if found.leaks:
        return _card("What does it cost?", _USER, _NOT_YET, (), _LEAKED, kind="bad")
    rival = None if learner is None else nearest_rival(found, learner)
    base = None if learner is None else by_name.get((learner, NOTHING))
    if rival is None or base is None:
        return _card(
            "What does it cost?", _USER, "Nothing could be compared.", (), _MEANS, kind="other"
        )
    scores = [name for name in _COSTS if name in rival.scores and name in rival.beside]
    texts = [_against(name, rival) for name in scores]
    texts.append(
        f"seconds a fold: {rival.seconds:.1f} against {base.seconds:.1f} with {base.contestant}"
    )
    return _card("What does it cost?", _USER, _reliability(rival), texts, _MEANS, kind="other")


def _against(name: str, rival: Standing) -> str:
    label, spec = _COSTS[name], SCORES[name].spec
    ours, theirs = rival.scores[name], rival.beside[name]
    return f"{label}: {ours:{spec}} against {theirs:{spec}} with {NOTHING}"


def _reliability(rival: Standing) -> str:
    """Say in a line what becomes of probabilities; both are means, so no test is claimed."""
    who = f"{rival.contestant} with {rival.learner}"
    as_is = "brier_as_is"
    if as_is not in rival.scores or as_is not in rival.beside:
        reached = f"{rival.scores[MAIN]:{SCORES[MAIN].spec}}"
        return f"{who}: average precision {reached}; no probabilities without recalibration."
    ours, theirs = rival.scores[as_is], rival.beside[as_is]
    times = ours / theirs if theirs else float("nan")
    return f"{who}: Brier score {times:.2f} times that with {NOTHING}, before recalibration."
