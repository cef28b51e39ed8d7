"""How every contestant did with every learner, over the folds that it was played in."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.contest.contestants import BASELINES, CONTESTANTS, NOTHING
from raregan.contest.intervals import Interval, corrected_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from raregan.contest.fold import Record

MAIN = "average_precision"
"""The score that decides."""

MOST = 1.0
"""That can be gained, or lost, of it."""

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
        Mean of each score of doing nothing over the folds that both were scored in; of doing
        nothing itself over those that it was scored in with every learner.
    saved
        What it saves on doing nothing, as the mean cost a row, by fold; corrected as `gains` are.
        None where there are no costs.
    amount
        Chosen most often; None where there is none to choose.
    seconds
        Median of a fold.
    absent, n_absent
        Why it has no scores in some fold, and in how many.
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
    n_absent: int = 0

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
        plain["gains"] = {name: gain.to_dict(MOST) for name, gain in self.gains.items()}
        plain["saved"] = None if self.saved is None else self.saved.to_dict()
        return plain


def rank(
    records: Sequence[Record], *, confidence: float, others: Iterable[Record] = ()
) -> tuple[list[Standing], int]:
    """Return how every contestant did with every learner, and how many comparisons were made.

    Each contestant besides "nothing" that was scored counts once a learner, so that all intervals
    on one baseline hold together: those of `others` too, who were scored on the same folds and are
    not shown. That a contestant must gain on both at once asks for no further correction (an
    intersection-union test).
    """
    pairs = list(dict.fromkeys((one.learner, one.contestant) for one in records))
    by_pair = {pair: [r for r in records if (r.learner, r.contestant) == pair] for pair in pairs}
    scored = {(one.learner, one.contestant) for one in (*records, *others) if one.scores}
    n_tests = max(1, sum(contestant != NOTHING for _, contestant in scored))
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
    sets = [scored]
    if contestant == NOTHING:
        sets = [
            [r for r in own if r.scores] for (_, name), own in by_pair.items() if name == NOTHING
        ]
    places = set.intersection(*({(r.repeat, r.fold) for r in own} for own in sets))
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
        n_absent=reasons.total(),
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
