"""What the contest says: what to use, how much it gains, how sure that is, and what it costs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.contest.contestants import BASELINES, CONTESTANTS, NOTHING, WEIGHTS
from raregan.contest.intervals import Interval, corrected_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from raregan.contest.fold import Record
    from raregan.contest.leaks import Leak

KEEP = "keep"
MAIN = "average_precision"
LEAST_SHOWN = 0.05
"""Points of average precision that are not told from none."""

LEAST_FOLDS = 3
"""With fewer an interval says nothing: two differences may be alike by chance."""


@dataclass(frozen=True)
class Standing:
    """How one contestant did with one learner.

    Attributes
    ----------
    contestant, learner
        Names.
    n
        Folds that it was scored in.
    scores
        Mean of each score over these.
    gains
        By baseline: the interval of the difference of average precision, by fold, over the folds
        that both were scored in. Those on one baseline hold all together.
    beside
        Mean of each score of doing nothing over the folds that both were scored in.
    saved
        What it saves on doing nothing, as the mean cost a row, by fold; corrected as `gains` are.
        None where there are no costs.
    amount
        Chosen most often; None where there is none to choose.
    seconds
        Median of a fold.
    absent
        Why it has no scores.
    """

    contestant: str
    learner: str
    n: int
    scores: dict[str, float]
    gains: dict[str, Interval]
    beside: dict[str, float]
    saved: Interval | None
    amount: float | None
    seconds: float
    absent: str | None = None

    @property
    def is_recommended(self) -> bool:
        """Whether it gains beyond doubt on every baseline that the learner could be scored with."""
        return (
            self.contestant not in BASELINES
            and NOTHING in self.gains
            and all(gain.is_gain for gain in self.gains.values())
            and self.n_compared >= LEAST_FOLDS
        )

    @property
    def n_compared(self) -> int:
        """Folds that it shares with each baseline."""
        return min((gain.n for gain in self.gains.values()), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: no infinite number."""
        plain = asdict(self)
        plain["gains"] = {name: _plain(gain) for name, gain in self.gains.items()}
        plain["saved"] = None if self.saved is None else _finite(self.saved)
        return plain


@dataclass(frozen=True)
class Verdict:
    """What to do.

    Attributes
    ----------
    recommendation
        ``"keep"``, or the contestant's name.
    reason
        ``"gain"``, ``"no gain"``, ``"leak"`` or ``"too few folds"``.
    learner
        The one with the highest average precision, by what it does best with.
    best
        Of that learner, the contestant with the highest mean gain, whether sure or not; None where
        no contestant but the baselines was scored.
    interval
        Its gain on `against`, which is the baseline that it gains less on.
    against
        Name of that baseline.
    by_learner
        Recommendation for each learner alone.
    confidence, n_tests
        Of all intervals on one baseline together, and how many they were corrected for.
    text
        One paragraph.
    """

    recommendation: str
    reason: str
    learner: str | None
    best: str | None
    interval: Interval | None
    against: str | None
    by_learner: dict[str, str]
    confidence: float
    n_tests: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: no infinite number."""
        plain = asdict(self)
        plain["interval"] = None if self.interval is None else _plain(self.interval)
        return plain


def rank(records: Sequence[Record], *, confidence: float) -> tuple[list[Standing], int]:
    """Return how every contestant did with every learner, and how many comparisons were made.

    Each contestant besides "nothing" that was scored counts once a learner, so that all intervals
    on one baseline hold together. That a contestant must gain on both at once asks for no further
    correction (an intersection-union test).
    """
    pairs = list(dict.fromkeys((one.learner, one.contestant) for one in records))
    by_pair = {pair: [r for r in records if (r.learner, r.contestant) == pair] for pair in pairs}
    tested = [p for p, own in by_pair.items() if p[1] != NOTHING and any(r.scores for r in own)]
    n_tests = max(1, len(tested))
    order = list(CONTESTANTS)
    standings = [
        _standing(pair, by_pair, confidence=confidence, n_tests=n_tests)
        for pair in sorted(pairs, key=lambda pair: order.index(pair[1]))
    ]
    learners = list(dict.fromkeys(one.learner for one in records))
    standings.sort(key=lambda one: learners.index(one.learner))
    return standings, n_tests


def _standing(
    pair: tuple[str, str],
    by_pair: dict[tuple[str, str], list[Record]],
    *,
    confidence: float,
    n_tests: int,
) -> Standing:
    learner, contestant = pair
    scored = [record for record in by_pair[pair] if record.scores]
    reasons = Counter(r.absent for r in by_pair[pair] if r.absent is not None)
    gains = {
        name: gain_over(scored, by_pair.get((learner, name), ()), confidence, n_tests)
        for name in BASELINES
        if name != contestant
    }
    names = dict.fromkeys(name for record in scored for name in record.scores)
    places = {(one.repeat, one.fold) for one in scored}
    base = [
        one
        for one in by_pair.get((learner, NOTHING), ())
        if one.scores and (one.repeat, one.fold) in places
    ]
    saved = gain_over(base, scored, confidence, n_tests, "cost")
    amounts = Counter(record.amount for record in scored if record.amount is not None)
    return Standing(
        contestant=contestant,
        learner=learner,
        n=len(scored),
        scores=_mean_scores(scored, names),
        beside=_mean_scores(base, names),
        saved=saved if saved.n and contestant != NOTHING else None,
        gains={name: gain for name, gain in gains.items() if gain.n},
        amount=max(amounts, key=lambda a: (amounts[a], -a)) if amounts else None,
        seconds=float(np.median([r.seconds for r in scored])) if scored else 0.0,
        absent=reasons.most_common(1)[0][0] if reasons else None,
    )


def _mean_scores(records: Sequence[Record], names: Iterable[str]) -> dict[str, float]:
    """Return the means of the scores that all of these records have."""
    return {
        name: float(np.mean([one.scores[name] for one in records]))
        for name in names
        if records and all(name in one.scores for one in records)
    }


def gain_over(
    ours: Iterable[Record],
    theirs: Iterable[Record],
    confidence: float,
    n_tests: int,
    score: str = MAIN,
) -> Interval:
    """Return the interval of our score less theirs, over the folds that both were scored in.

    Its `n` is 0 where there are none.
    """
    base = {(r.repeat, r.fold): r for r in theirs if score in r.scores}
    both = [r for r in ours if score in r.scores and (r.repeat, r.fold) in base]
    return corrected_interval(
        [r.scores[score] - base[r.repeat, r.fold].scores[score] for r in both],
        test_share=float(np.mean([r.n_test / r.n_train for r in both])) if both else 0.0,
        confidence=confidence,
        n_tests=n_tests,
    )


def judge(
    standings: Sequence[Standing],
    *,
    confidence: float,
    n_tests: int,
    leaks: Iterable[Leak] = (),
) -> Verdict:
    """Return the verdict; "keep what you have" unless a gain is beyond doubt.

    A learner is as good as the best of what it could be used with: a baseline, or a contestant that
    gains on both beyond doubt. Of the best learner the best such contestant is recommended. How
    good one is, is told by its gain, since time may have left it other folds than the rest.
    """
    untouched = {s.learner: s.scores[MAIN] for s in standings if s.contestant == NOTHING and s.n}

    def reached(one: Standing) -> float:
        if one.learner in untouched and NOTHING in one.gains:
            return untouched[one.learner] + one.gains[NOTHING].mean
        return one.scores[MAIN]

    leaks = tuple(leaks)
    usable = [s for s in standings if s.n and (s.contestant in BASELINES or s.is_recommended)]
    by_learner = {s.learner: KEEP for s in standings if s.n}
    for learner in by_learner:
        sure = [s for s in usable if s.learner == learner and s.is_recommended]
        if sure:
            by_learner[learner] = max(sure, key=reached).contestant
    best_learner = max(usable, key=reached).learner if usable else None
    rivals = rivals_of(standings, best_learner)
    recommendation = by_learner[best_learner] if best_learner is not None else KEEP
    compared = [s for s in rivals if s.n_compared >= LEAST_FOLDS]
    best = nearest(rivals, recommendation)
    against, interval = least_gain(best) if best is not None else (None, None)
    reason = "gain" if recommendation != KEEP else "no gain"
    # who is absent from a fold was asked: more folds may be as few
    missed = [s for s in rivals if s not in compared and s.absent is None]
    if reason != "gain" and (missed or not compared):
        reason = "too few folds"
    if leaks:
        recommendation, reason = KEEP, "leak"
    return Verdict(
        recommendation=recommendation,
        reason=reason,
        learner=best_learner,
        best=None if best is None else best.contestant,
        interval=interval,
        against=against,
        by_learner=by_learner,
        confidence=confidence,
        n_tests=n_tests,
        text=" ".join(
            _words(
                standings,
                best,
                compared,
                reason=reason,
                leaks=leaks,
                by_learner=by_learner,
                confidence=confidence,
                n_tests=n_tests,
            )
        ),
    )


def rivals_of(standings: Iterable[Standing], learner: str | None) -> list[Standing]:
    """Return the contestants with a gain to show on a baseline, with this learner."""
    return [
        one
        for one in standings
        if one.learner == learner and one.contestant not in BASELINES and one.n and one.gains
    ]


def nearest(rivals: Sequence[Standing], recommended: str) -> Standing | None:
    """Return who is recommended, or else who gains most, of those with enough folds if any has."""
    for one in rivals:
        if one.contestant == recommended:
            return one
    compared = [one for one in rivals if one.n_compared >= LEAST_FOLDS]
    return max(compared or rivals, key=lambda one: least_gain(one)[1].mean, default=None)


def least_gain(standing: Standing) -> tuple[str, Interval]:
    """Return the baseline that a contestant gains less on, and that gain."""
    return min(standing.gains.items(), key=lambda item: (item[1].mean, item[1].low))


def show_gain(gain: Interval) -> str:
    """Write a gain in points of average precision, with its interval: no more than 100 can be."""
    if not math.isfinite(gain.low):
        return f"{100 * gain.mean:+.1f}"
    low, high = max(-100.0, 100 * gain.low), min(100.0, 100 * gain.high)
    return f"{100 * gain.mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _words(
    standings: Sequence[Standing],
    best: Standing | None,
    compared: Sequence[Standing],
    *,
    reason: str,
    leaks: Sequence[Leak],
    by_learner: dict[str, str],
    confidence: float,
    n_tests: int,
) -> list[str]:
    words = []
    if leaks:
        words.append("Keep what you have, for now: a leak was found, so that no score below is ")
        words[-1] += "true. " + "; ".join(leak.text for leak in leaks) + "."
    if best is None:
        if standings or leaks:
            return [*words, "Nothing could be compared, so keep what you have."]
        return ["Too early to say, so keep what you have: no part was played."]
    if reason == "leak":
        return words
    learner = best.learner
    words.append(
        _advice(standings, best, compared, reason=reason, confidence=confidence, n_tests=n_tests)
    )
    words += (*_calibration(best), *_savings(best))
    weights = next((s for s in standings if (s.learner, s.contestant) == (learner, WEIGHTS)), None)
    if reason == "no gain" and weights is not None and NOTHING in weights.gains:
        gain = weights.gains[NOTHING]
        if gain.is_gain:
            words.append(f"Class weights alone gain {show_gain(gain)} on nothing.")
    others = [f"{one} with {name}" for name, one in by_learner.items() if name != learner]
    sure_others = [text for text in others if not text.startswith(KEEP)]
    if sure_others:
        words.append(f"With lesser learners there is a sure gain: {', '.join(sure_others)}.")
    return words


def _advice(
    standings: Sequence[Standing],
    best: Standing,
    compared: Sequence[Standing],
    *,
    reason: str,
    confidence: float,
    n_tests: int,
) -> str:
    """Say what to do with the best learner, and how sure that is."""
    against, interval = least_gain(best)
    points = f"{show_gain(interval)} points of average precision on {against}"
    sure = (
        f"{confidence:.0%} interval, corrected for {n_tests} comparisons and for folds that share "
        f"rows; {interval.n} folds"
    )
    if reason == "gain":
        made = "synthetic rows" if CONTESTANTS[best.contestant].is_synthetic else "no synthetic row"
        return f"Use {best.contestant} ({made}) with {best.learner}: it gains {points} ({sure})."
    if reason == "too few folds":
        return (
            f"Too early to say, so keep what you have: {_few_folds(standings, best.learner)}. So "
            f"far {best.contestant} made {100 * interval.mean:+.1f} points of average precision on "
            f"{against}; give the contest more time, or more folds."
        )
    return (
        "Keep what you have: no contestant gains on both baselines beyond doubt with "
        f"{best.learner}, the best learner here. Nearest is {best.contestant}: {points} ({sure})."
        f"{_not_ruled_out(compared)}"
    )


def _not_ruled_out(compared: Iterable[Standing]) -> str:
    """Say how large a gain this contest could have missed, and whose."""
    highs = {one.contestant: least_gain(one)[1].high for one in compared}
    widest = max(highs, key=lambda name: highs[name])
    most = min(100.0, 100 * highs[widest])
    if most < LEAST_SHOWN:
        return ""
    return f" A gain of up to {most:.1f} points, by {widest}, cannot be ruled out by this contest."


def _few_folds(standings: Sequence[Standing], learner: str) -> str:
    """Name those that were not played in enough folds."""
    few = [one for one in standings if one.learner == learner and 0 < one.n < LEAST_FOLDS]
    few = [one for one in few if one.absent is None] or few
    told = ", ".join(f"{one.contestant} in {one.n}" for one in few)
    return f"with {learner} fewer than {LEAST_FOLDS} folds were played by {told}"


def _calibration(best: Standing) -> list[str]:
    """Say what the contestant does to probabilities, before and after recalibration."""
    names = ("brier_as_is", "brier")
    ours, theirs = ([of[n] for n in names if n in of] for of in (best.scores, best.beside))
    if not (len(ours) == len(theirs) == len(names)):
        return []
    said = (
        f"Probabilities of {best.contestant}: Brier score {ours[0]:.5f} as they are and "
        f"{ours[1]:.5f} recalibrated on real rows, against {theirs[0]:.5f} and {theirs[1]:.5f} "
        "with nothing (lower is better)."
    )
    return [said]


def _savings(best: Standing) -> list[str]:
    """Say what the contestant saves, where there are costs."""
    if best.saved is None:
        return []
    mean, low, high, *_ = best.saved
    sure = f" [{low:+.4g}, {high:+.4g}]" if math.isfinite(low) else ""
    return [f"It saves {mean:+.4g}{sure} of the mean cost a row with {NOTHING}."]


def _plain(gain: Interval) -> dict[str, float | None]:
    """Return what JSON can hold; ends as they are shown: no more than 1 can be gained or lost."""
    shown = gain._replace(low=max(gain.low, -1.0), high=min(gain.high, 1.0))
    if not math.isfinite(gain.low):
        shown = gain
    return _finite(shown)


def _finite(interval: Interval) -> dict[str, float | None]:
    return {n: value if math.isfinite(value) else None for n, value in interval._asdict().items()}
