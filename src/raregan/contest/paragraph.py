"""The verdict in words: what to use, how much it gains, how sure that is, and what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from raregan.contest.contestants import CONTESTANTS, NOTHING, WEIGHTS
from raregan.contest.standings import LEAST_FOLDS, MOST, least_gain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from raregan.contest.intervals import Interval
    from raregan.contest.leaks import Leak
    from raregan.contest.standings import Standing

KEEP = "keep"

LEAST_SHOWN = 0.05
"""Points of average precision that are not told from none."""


def show_gain(gain: Interval) -> str:
    """Write a gain in points of average precision, with its interval: no more than 100 can be."""
    if not math.isfinite(gain.low):
        return f"{100 * gain.mean:+.1f}"
    _, low, high, *_ = gain.within(MOST)
    return f"{100 * gain.mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def say_verdict(
    standings: Sequence[Standing],
    best: Standing | None,
    compared: Sequence[Standing],
    *,
    learner: str | None,
    reason: str,
    leaks: Sequence[Leak],
    by_learner: Mapping[str, str],
    confidence: float,
    n_tests: int,
) -> list[str]:
    """Return the sentences of the verdict, in their order.

    Parameters
    ----------
    standings
        All there are.
    best
        Who is recommended, or comes nearest; None: nobody was compared.
    compared
        The rivals of its learner that were scored in enough folds.
    learner, reason, leaks, by_learner, confidence, n_tests
        As of `raregan.contest.verdict.Verdict`; `leaks` are those that were found.
    """
    words = []
    if leaks:
        words.append("Keep what you have, for now: a leak was found, so that no score below is ")
        words[-1] += "true. " + "; ".join(leak.text for leak in leaks) + "."
    if reason == "leak":
        return words
    if best is not None:
        words.append(
            _advice(
                standings, best, compared, reason=reason, confidence=confidence, n_tests=n_tests
            )
        )
        words += (*_calibration(best), *_savings(best))
    elif reason == "no gain":
        words.append("Keep what you have: nobody but the baselines could be scored.")
    else:
        what = "nobody but the baselines" if standings else "no part"
        words.append(f"Too early to say, so keep what you have: {what} was played.")
    weights = next((s for s in standings if (s.learner, s.contestant) == (learner, WEIGHTS)), None)
    if reason == "no gain" and weights is not None and NOTHING in weights.gains:
        gain = weights.gains[NOTHING]
        if gain.is_gain:
            words.append(f"Class weights alone gain {show_gain(gain)} on nothing.")
    if unscored := _unscored(standings):
        words.append(f"Without any score: {unscored}.")
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
        f"Keep what you have: no contestant gains {_on_baselines(best)} beyond doubt with "
        f"{best.learner}, the best learner here. Nearest is {best.contestant}: {points} ({sure})."
        f"{_not_ruled_out(compared)}"
    )


def _unscored(standings: Sequence[Standing]) -> str:
    """Name the learners that could not be scored with anybody, and why."""
    scored = {one.learner for one in standings if one.n}
    reasons = {one.learner: one.absent for one in standings if one.learner not in scored}
    return "; ".join(f"{name} ({reason})" for name, reason in reasons.items())


def _not_ruled_out(compared: Iterable[Standing]) -> str:
    """Say how large a gain this contest could have missed, and whose."""
    highs = {one.contestant: least_gain(one)[1].high for one in compared}
    widest = max(highs, key=lambda name: highs[name])
    most = min(100.0, 100 * highs[widest])
    if most < LEAST_SHOWN:
        return ""
    return f" A gain of up to {most:.1f} points, by {widest}, cannot be ruled out by this contest."


def _on_baselines(best: Standing) -> str:
    """Name the baseline, where a learner takes no weights and has one alone."""
    return "on both baselines" if len(best.gains) > 1 else f"on {next(iter(best.gains))}"


def _few_folds(standings: Sequence[Standing], learner: str) -> str:
    """Name those that were not played in enough folds."""
    few = [one for one in standings if one.learner == learner and 0 < one.n < LEAST_FOLDS]
    few = [one for one in few if one.absent is None] or few
    told = ", ".join(f"{one.contestant} in {one.n}" for one in few)
    return f"with {learner} fewer than {LEAST_FOLDS} folds were played by {told}"


def _calibration(best: Standing) -> list[str]:
    """Say what the contestant does to probabilities, before and after recalibration."""
    names = ("brier_as_is", "brier")
    if not all(name in of for name in names for of in (best.scores, best.beside)):
        return []
    ours, theirs = ([of[name] for name in names] for of in (best.scores, best.beside))
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
    more = "less" if mean >= 0 else "more"
    sure = f" (from {low:+.4g} to {high:+.4g} less)" if math.isfinite(low) else ""
    return [
        f"Mean cost a row: {abs(mean):.4g} {more} with {best.contestant} than with {NOTHING}{sure}."
    ]
