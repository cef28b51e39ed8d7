"""The search: the defaults first, then what is proposed, until time or trials are used up.

What does best has been chosen out of many by few rows. So it is taken only if it is better than the
defaults by more than chance, and better again where other rows are held out.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from raregan.config import TUNE_MINUTES, VARIANT, plain_seed
from raregan.data.sources import read_table
from raregan.data.table import Table
from raregan.errors import UserError
from raregan.gans.variants import VARIANTS, get_variant
from raregan.tuning.ledger import Ledger
from raregan.tuning.proposals import import_optuna, propose
from raregan.tuning.trials import Figures, Trial, Tuning, leader, total
from raregan.tuning.yardstick import OUT_OF_TIME, Yardstick

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def tune(
    data: Any,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    schema: Any = None,
    constraints: Sequence[str] = (),
    variants: Sequence[str] | None = None,
    minutes: float | None = TUNE_MINUTES,
    trials: int | None = None,
    ledger: str | Path | None = None,
    aside: str | Path | None = None,
    random_state: int = 0,
    progress: Callable[[Trial, Tuning], None] | None = None,
) -> Tuning:
    """Search for the variant and the settings that learn the rare rows of a table best.

    Trials are proposed by the tree-structured Parzen estimator (Bergstra et al. 2011), as Optuna
    has it.

    Parameters
    ----------
    data : str, Path, polars or pandas DataFrame, pyarrow Table, ndarray or Table
        As of `raregan.read_table`, or what that returned.
    target, rare, ignore, kinds, schema, constraints
        As of `raregan.RareGAN`; not with a `Table`.
    variants : sequence of str, optional
        Those to choose from; default: the default one, then all that train on evidence.
    minutes : float, optional
        Wall-clock limit; of it, as much is kept back for confirming the leader as the defaults and
        the slowest trial took. None: none.
    trials : int, optional
        Most trials; default: as many as there is time for. One of the two must be given.
    ledger : str or Path, optional
        File of finished trials, a line each. What it holds is not run again.
    aside : str or Path, optional
        Given one, the search begins anew, and a ledger that is there is moved to this place when
        the first trial is finished. Not without a ledger.
    random_state : int
        Fixes every draw. A search that was interrupted goes on, with its ledger, as it would have.
    progress : callable, optional
        Called with each trial and what is found so far.

    Returns
    -------
    Tuning

    Raises
    ------
    UserError
        If the table or an option is at fault, the ledger is of another search or cannot be written,
        Optuna is missing, or the defaults could not be tried in the time given.
    """
    if aside is not None and ledger is None:
        raise UserError(f"aside ({aside}) is where an older ledger goes: give ledger too")
    seed, names = plain_seed(random_state), check_search(variants, minutes, trials)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    choices: dict[str, Any] = {"target": target, "rare": rare, "kinds": kinds, "schema": schema}
    if not isinstance(data, Table):
        table = read_table(data, ignore=ignore, constraints=constraints, **choices)
    elif any(value is not None for value in choices.values()) or ignore or constraints:
        raise UserError(
            "a Table has its target, rare value, columns and rules chosen already: give these to "
            "read_table"
        )
    else:
        table = data
    search = _Search(
        yardstick=Yardstick(table, seed),
        variants=names,
        seed=seed,
        ledger=Ledger(ledger, table, names, seed, aside) if ledger is not None else None,
        deadline=deadline,
        progress=progress,
    )
    return search.run(trials)


@dataclass
class _Search:
    """A search under way."""

    yardstick: Yardstick
    variants: tuple[str, ...]
    seed: int
    ledger: Ledger | None
    deadline: float | None
    progress: Callable[[Trial, Tuning], None] | None

    def run(self, most: int | None) -> Tuning:
        """Try until the trials are as many as asked for, or time is up."""
        done = list(self.ledger.trials) if self.ledger else []
        while (most is None or len(done) < most) and self._has_time(done):
            variant, settings = propose(done, self.variants, self.seed)
            begun = time.perf_counter()
            found = self.yardstick.measure(variant, settings, self._last_minute(done))
            seconds = round(time.perf_counter() - begun, 3)
            if found == OUT_OF_TIME:
                break
            figures, failure = (found, None) if isinstance(found, Figures) else (None, found)
            if not done and failure:
                raise UserError(f"the defaults of {variant} cannot be tried: {failure}")
            trial = Trial(len(done), variant, settings, figures, failure, seconds)
            done.append(trial)
            if self.ledger:
                self.ledger.add(trial)
            if self.progress:
                self.progress(trial, self._found(done, None))
        if not done:
            raise UserError("there was no time for the defaults alone: give more minutes")
        return self._found(done, self._confirm(done))

    def _last_minute(self, done: list[Trial]) -> float | None:
        """Return when trials end, so that there is time to confirm whichever leads."""
        if self.deadline is None or not done:
            return self.deadline
        return self.deadline - done[0].seconds - max(trial.seconds for trial in done)

    def _has_time(self, done: list[Trial]) -> bool:
        """Say whether there is time for one trial more, as long as most were."""
        end = self._last_minute(done)
        if end is None or not done:
            return True
        typical = sum(trial.seconds for trial in done) / len(done)
        return time.monotonic() + typical < end

    def _confirm(self, done: list[Trial]) -> tuple[Figures, Figures] | str | None:
        """Try the defaults and what leads once more; return why not, where that cannot be done."""
        default, ahead = done[0], leader(done)
        if total(default, default) - total(ahead, default) <= self.yardstick.noise:
            return None
        other, pair = self.yardstick.another(), []
        for trial in (default, ahead):
            found = other.measure(trial.variant, trial.settings, self.deadline)
            if not isinstance(found, Figures):
                return found
            pair.append(found)
        return pair[0], pair[1]

    def _found(self, done: list[Trial], confirmed: tuple[Figures, Figures] | str | None) -> Tuning:
        best, ahead = done[0], leader(done)
        if isinstance(confirmed, tuple):
            default, again = confirmed
            best = ahead if again.total(default) < default.total(default) else best
        return Tuning(
            *(tuple(done), best, ahead, confirmed),
            noise=self.yardstick.noise,
            other_rows=self.yardstick.other_rows,
            table=self.yardstick.describe(),
            seed=self.seed,
        )


def check_search(
    variants: Sequence[str] | None, minutes: float | None, trials: int | None
) -> tuple[str, ...]:
    """Return the variants to choose from, once options and installation are found in order.

    Raises
    ------
    UserError
        As of :func:`tune`.
    """
    if minutes is None and trials is None:
        raise UserError("give minutes or trials: a search has no end of its own")
    if minutes is not None and not (isinstance(minutes, Real) and 0 < float(minutes) < math.inf):
        raise UserError(f"minutes must be a positive number, got {minutes!r}")
    whole = isinstance(trials, Integral) and not isinstance(trials, bool)
    if trials is not None and not (whole and trials > 0):
        raise UserError(f"trials must be a whole number of at least 1, got {trials!r}")
    import_optuna()
    if variants is None:
        able = [name for name in VARIANTS if get_variant(name).has_evidence]
        return tuple(dict.fromkeys((VARIANT, *able)))
    if isinstance(variants, str) or not variants:
        raise UserError(f"variants must be a list of at least one name, got {variants!r}")
    return tuple(dict.fromkeys(get_variant(name).name for name in variants))
