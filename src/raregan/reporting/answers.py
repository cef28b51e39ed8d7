"""The verdict of a contest for three readers: does it help, how do you know, what does it cost."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from raregan.contest.comparison import Comparison
from raregan.contest.contestants import BASELINES, NOTHING
from raregan.contest.leaks import Leak
from raregan.contest.scores import SCORES
from raregan.contest.verdict import KEEP, MAIN, Standing, show_gain
from raregan.reporting.frame import list_items

_COSTS = ("brier_as_is", "brier", "recall_at_0.1%", "recall_at_1%", "cost")
_REFUTED = (
    "Rows that a generator other than SMOTE added before cannot be told; the contest is of this "
    "table alone."
)
_UNSURE = "A contestant may still help: a contest of few folds finds large gains only."
_SURE = "Of this table, with these learners and their settings."
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
    question: str, reader: str, headline: str, texts: Iterable[str], caution: str, kind: str
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
        headline = "Nobody can say before the leak is mended."
    elif gains:
        headline = f"Yes: use {verdict.recommendation} with {verdict.learner}."
    elif verdict.reason == "too few folds":
        headline = "Keep what you have: there are too few folds to say more."
    return _card(
        "Does it help?",
        "For whoever trains the classifier.",
        headline,
        (_advise(found, learner) for learner in verdict.by_learner),
        _LEAKED if leaked else _SURE if gains else _UNSURE,
        "bad" if leaked else "good" if gains else "other",
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
    """Return what is recommended for a learner, or else whatever has the highest mean gain."""
    rivals = [
        one
        for one in found.standings
        if one.learner == learner and one.contestant not in BASELINES and one.n and one.gains
    ]
    advised = [one for one in rivals if one.contestant == found.verdict.by_learner[learner]]
    # As the verdict: a gain is what is left of it on the baseline that leaves least.
    least = {one.contestant: min(gain.mean for gain in one.gains.values()) for one in rivals}
    return next(iter(advised), max(rivals, key=lambda one: least[one.contestant], default=None))


# --- how do you know? -----------------------------------------------------------------------------


def _known(found: Comparison) -> str:
    verdict = found.verdict
    part = "All" if found.is_whole else f"{found.n_done:,} of {found.n_tasks:,}"
    corrected = (
        f"{verdict.confidence:.0%} intervals that hold all together: corrected for "
        f"{verdict.n_tests} comparisons, and for folds that share rows"
    )
    return _card(
        "How do you know?",
        "For whoever has to sign it off.",
        f"{part} parts were played; rows that test were never learned from.",
        (
            _dealing(found.options),
            "within each training side all is fitted anew: medians, scales, levels, generators, "
            "amounts, thresholds and calibration; test rows are touched last",
            f"{corrected} (Nadeau and Bengio, 2003)",
            "a contestant is recommended if it gains on both baselines beyond doubt",
            f"looked for signs that the table was oversampled before: {len(found.leaks)} found",
        ),
        _REFUTED,
        "bad" if found.leaks else "other",
    )


def _dealing(options: dict[str, Any]) -> str:
    text = f"{options['repeats']} x {options['folds']} folds; copies stay on one side"
    if options["time_column"] is not None:
        text = f"{options['folds']} folds; what tests is later by {options['time_column']}"
    if options["group"] is not None:
        text += f", and so do rows of one {options['group']}"
    if options["n_rare"] is not None:
        text += f"; {options['n_rare']:,} rare rows are left in each training side"
    return text


# --- what does it cost? ---------------------------------------------------------------------------


def _costs(found: Comparison) -> str:
    by_name = {(one.learner, one.contestant): one for one in found.standings if one.n}
    learner = found.verdict.learner
    rival = None if learner is None else nearest_rival(found, learner)
    base = None if learner is None else by_name.get((learner, NOTHING))
    if rival is None or base is None:
        return _card(
            "What does it cost?", _USER, "Nothing could be compared.", (), _MEANS, "other"
        )
    scores = [name for name in _COSTS if name in rival.scores and name in base.scores]
    texts = [_against(name, rival, base) for name in scores]
    texts.append(
        f"seconds a fold: {rival.seconds:.1f} against {base.seconds:.1f} with {base.contestant}"
    )
    return _card("What does it cost?", _USER, _reliability(rival, base), texts, _MEANS, "other")


_USER = "For whoever uses its probabilities and alarms."
_NAMES = {"brier_as_is": "Brier score as it is", "brier": "Brier score, recalibrated"}


def _against(name: str, rival: Standing, base: Standing) -> str:
    label, spec = _NAMES.get(name, name.replace("_", " ")), SCORES[name].spec
    return (
        f"{label}: {rival.scores[name]:{spec}} against {base.scores[name]:{spec}} "
        f"with {base.contestant}"
    )


def _reliability(rival: Standing, base: Standing) -> str:
    """Say in a line what becomes of probabilities; both are means, so no test is claimed."""
    who = f"{rival.contestant} with {rival.learner}"
    as_is = "brier_as_is"
    if as_is not in rival.scores or as_is not in base.scores:
        reached = f"{rival.scores[MAIN]:{SCORES[MAIN].spec}}"
        return f"{who} reaches average precision {reached}; it gives no probabilities as they are."
    times = rival.scores[as_is] / base.scores[as_is] if base.scores[as_is] else float("nan")
    return (
        f"{who}: the Brier score of its probabilities is {times:.2f} times that with nothing, "
        "before recalibration."
    )
