"""The verdict of a contest: what to use, or to keep what there is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from raregan.contest.contestants import BASELINES, NOTHING
from raregan.contest.paragraph import KEEP, say_verdict
from raregan.contest.standings import LEAST_FOLDS, MAIN, MOST, least_gain, nearest, rivals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from raregan.contest.intervals import Interval
    from raregan.contest.leaks import Leak
    from raregan.contest.standings import Standing


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
        plain["interval"] = None if self.interval is None else self.interval.to_dict(MOST)
        return plain


def judge(
    standings: Sequence[Standing],
    *,
    confidence: float,
    n_tests: int,
    leaks: Iterable[Leak] = (),
    is_whole: bool = True,
) -> Verdict:
    """Return the verdict; "keep what you have" unless a gain is beyond doubt.

    A learner is as good as the best of what it could be used with: a baseline, or a contestant that
    gains on both beyond doubt. Of the best learner the best such contestant is recommended. How
    good one is, is told by its gain, since time may have left it other folds than the rest.

    Parameters
    ----------
    standings, confidence, n_tests
        As of `raregan.contest.standings.rank`.
    leaks
        Those that were found: with one nothing is recommended.
    is_whole
        Whether all was played, so that who has no score will have none.
    """
    untouched = {
        one.learner: (one.beside or one.scores)[MAIN]
        for one in standings
        if one.contestant == NOTHING and one.n
    }

    def reached(one: Standing) -> float:
        base = untouched.get(one.learner)
        if base is not None and one.contestant == NOTHING:
            return base
        if base is not None and NOTHING in one.gains:
            return base + one.gains[NOTHING].mean
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
    is_early = bool(missed) or not compared if rivals else not (is_whole and standings)
    if reason != "gain" and is_early:
        reason = "too few folds"
    if leaks:
        recommendation, reason = KEEP, "leak"
        by_learner = dict.fromkeys(by_learner, KEEP)
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
            say_verdict(
                standings,
                best,
                compared,
                learner=best_learner,
                reason=reason,
                leaks=leaks,
                by_learner=by_learner,
                confidence=confidence,
                n_tests=n_tests,
            )
        ),
    )
