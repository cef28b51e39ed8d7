"""The order of play: fold by fold, side by side, and no part that would not end in time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.contest.contestants import Contestant
from raregan.contest.fold import play
from raregan.contest.sides import draw_sides
from raregan.data.folds import Fold
from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from raregan.contest.arena import Arena
    from raregan.contest.fold import Record, Rules
    from raregan.contest.ledger import Ledger
    from raregan.contest.scores import Vector
    from raregan.contest.sides import Caps, Sides
    from raregan.data.folds import Ties

Task = tuple[Fold, Contestant]


@dataclass
class Drawn:
    """The rows of folds, drawn when they are asked for; those of the last one are kept."""

    arena: Arena
    ties: Ties
    rules: Rules
    caps: Caps
    n_rare: int | None = None
    amounts: Vector | None = None
    """Of all rows; see `raregan.contest.sides.Rows`."""
    _last: tuple[tuple[int, int], Sides] | None = None

    def of(self, fold: Fold) -> Sides:
        """Return the rows of a fold."""
        place = (fold.repeat, fold.number)
        if self._last is None or self._last[0] != place:
            features = self.arena.frame.select(column.name for column in self.rules.columns)
            sides = draw_sides(
                features,
                self.ties,
                fold,
                seed=self.rules.seed,
                caps=self.caps,
                n_rare=self.n_rare,
                amounts=self.amounts,
            )
            self._last = (place, sides)
        return self._last[1]


def play_all(
    tasks: Sequence[Task],
    drawn: Drawn,
    book: Ledger,
    *,
    minutes: float | None,
    begun: float,
    n_jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Play what is not in the book, fold by fold, and enter it.

    Parameters
    ----------
    tasks
        Folds and contestants, in the order in which they are played.
    drawn
        Gives the rows of a fold.
    book
        What is known, and what is added to.
    minutes, begun
        A part is begun only if it is expected to end so long after `begun`, by `time.monotonic`.
    n_jobs, progress
        As of `raregan.contest.comparison.compare`.

    Raises
    ------
    UserError
        `n_jobs` is 0.
    """
    if n_jobs == 0:
        raise UserError(
            "n_jobs is how many parts are played at once: 1 or more, or -1 for all cores; got 0"
        )
    done = book.done
    waiting = [t for t in tasks if (t[0].repeat, t[0].number, t[1].name) not in done]
    deadline = np.inf if minutes is None else begun + 60 * minutes
    tell = progress or (lambda _done, _all: None)
    tell(len(tasks) - len(waiting), len(tasks))

    def calls() -> Iterator[tuple[Any, ...]]:
        for fold, contestant in waiting:
            if time.monotonic() + _expected(book.records, contestant.name) < deadline:
                place = (fold.repeat, fold.number)
                yield drawn.of(fold), contestant, drawn.rules, place

    for records in _in_parallel(calls(), n_jobs):
        book.add(records)
        tell(len(book.done), len(tasks))


def _in_parallel(calls: Iterator[tuple[Any, ...]], n_jobs: int | None) -> Iterator[list[Record]]:
    """Yield records as they are ready; in waves where joblib's backend gives all at the end.

    Such a backend, as Ray's, plays one part a worker and waits for the slowest of them, so that
    what is played is kept, and known to those that ask for the time, before all is.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    options: dict[str, Any] = {"n_jobs": n_jobs, "pre_dispatch": "n_jobs"}
    try:
        parallel = Parallel(return_as="generator_unordered", **options)
    except ValueError:
        width = effective_n_jobs(n_jobs)
        with Parallel(**options) as waves:
            while wave := waves(delayed(play)(*call) for call in islice(calls, width)):
                yield from wave
    else:
        yield from parallel(delayed(play)(*call) for call in calls)


def _expected(records: Sequence[Record], contestant: str) -> float:
    """Return the seconds that a fold of this contestant took, or the longest of any; else 0."""
    seconds: dict[str, dict[tuple[int, int], float]] = {}
    for one in records:
        folds = seconds.setdefault(one.contestant, {})
        folds[one.repeat, one.fold] = folds.get((one.repeat, one.fold), 0.0) + one.seconds
    if contestant in seconds:
        own = seconds[contestant].values()
        return sum(own) / len(own)
    return max((max(folds.values()) for folds in seconds.values()), default=0.0)
