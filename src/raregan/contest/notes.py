"""What a reader of a contest should know of its rows, folds and gaps, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.contest.scores import FALSE_POSITIVE_RATES
from raregan.data.rows import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from raregan.contest.arena import Arena
    from raregan.contest.scores import Mask
    from raregan.contest.sides import Caps
    from raregan.data.folds import Ties

APART = 1.5
"""Shares of rare rows so many times each other move average precision by themselves."""


def note_rows(arena: Arena, ties: Ties, caps: Caps) -> tuple[str, ...]:
    """Say which columns are no features, what stays together, and how many rows are used."""
    notes = []
    if left_out := [n for n in arena.not_features if n in arena.rows.held.columns]:
        notes.append(f"no features: {listed(left_out)}")
    n_rows, n_units = len(ties.units), int(ties.units.max()) + 1
    if n_units < n_rows:
        notes.append(
            f"{n_rows:,} rows are dealt as {n_units:,}: copies, and rows of one group, stay on one "
            "side"
        )
    if (~ties.is_rare).sum() > caps.train:
        notes.append(
            f"of the other rows at most {caps.train:,} are learned from ({caps.fit:,} to choose an "
            f"amount) and {caps.test:,} tested with, drawn by chance in each fold"
        )
    return tuple(notes)


def note_tests(tests: Sequence[Mask]) -> tuple[str, ...]:
    """Say where tests are of unlike shares of rare rows, or hold few of the others.

    Parameters
    ----------
    tests
        Of each test side (n,) which rows are rare.
    """
    notes = []
    low, high = (of(float(test.mean()) for test in tests) for of in (min, max))
    if high > APART * low:
        notes.append(
            f"between {low:.2%} and {high:.2%} of the rows of a test are rare, as what belongs "
            "together, or to a time, cannot be shared out evenly: compare gains, not scores"
        )
    n_others = min(int((~test).sum()) for test in tests)
    blind = [rate for rate in FALSE_POSITIVE_RATES if rate * n_others < 1]
    if blind:
        notes.append(
            f"a test has {n_others:,} of the others, and {100 * max(blind):g} % of these "
            "is less than a row: recall at this rate and below is recall without a false alarm"
        )
    return tuple(notes)


def note_others(names: Collection[str]) -> tuple[str, ...]:
    """Say whose comparisons count though they are not shown."""
    if not names:
        return ()
    said = (
        f"the ledger has scores of {listed(sorted(names))} on the same folds too: intervals are "
        "corrected for these as well, since who plays may have been chosen by them"
    )
    return (said,)


def note_gaps(n_done: int, n_tasks: int) -> tuple[str, ...]:
    """Say what a contest that time ended leaves open."""
    if n_done == n_tasks:
        return ()
    said = (
        f"{n_done} of {n_tasks} parts were played: scores are means over the folds that each "
        "contestant was played in, which differ, so compare gains, not scores"
    )
    return (said,)
