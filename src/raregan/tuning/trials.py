"""What a search did and found: trials, and the verdict on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from raregan import __version__
from raregan.configfile import Choice, write_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_TITLES = ("total", "told apart", "columns", "pairs", "copying", "seconds")


class Figures(NamedTuple):
    """How rows of a trial compare with held-out ones; less is better in each.

    As of `raregan.training.evidence.Score`, means over the parts that were held out in turn.
    """

    told_apart: float
    columns: float
    correlations: float
    copying: float

    def total(self, default: Figures) -> float:
        """Return what the search makes small: their sum, of copying what is over the defaults'."""
        return self[0] + self[1] + self[2] + max(self.copying - default.copying, 0.0)


class Trial(NamedTuple):
    """One way of learning, and what came of it."""

    number: int
    variant: str
    settings: dict[str, Any]
    """What differs from the variant's defaults."""
    figures: Figures | None
    """None where it failed."""
    failure: str | None
    seconds: float

    @property
    def name(self) -> str:
        """Variant and settings, as text."""
        told = ", ".join(f"{name} {_shown(value)}" for name, value in self.settings.items())
        return f"{self.variant}: {told or 'defaults'}"


def total(trial: Trial, default: Trial) -> float:
    """Return the total of a trial's figures beside those of the defaults; infinity if it failed."""
    if trial.figures is None or default.figures is None:
        return math.inf
    return trial.figures.total(default.figures)


def leader(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the least total, the first of those with the same."""
    return min(trials, key=lambda trial: total(trial, trials[0]))


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes
    ----------
    trials : tuple of Trial
        All of them, in their order; the first is of the default variant's defaults.
    best : Trial
        What to train with: the first one, unless another was better by more than `noise`, and
        better again on `confirmed`.
    leader : Trial
        What had the least total, whether it was taken or not.
    confirmed : tuple of Figures, str or None
        Of the defaults and of the leader, tried once more on `other_rows`; why they could not be;
        None where the leader was not better by more than `noise`.
    noise : float
        By how much totals differ by chance: the standard error of an AUC with so many held-out
        rows.
    other_rows : str
        What they were tried on once more, in words.
    table : str
        Name and size of the table.
    seed : int
        What fixed every draw.
    """

    trials: tuple[Trial, ...]
    best: Trial
    leader: Trial
    confirmed: tuple[Figures, Figures] | str | None
    noise: float
    other_rows: str
    table: str
    seed: int

    @property
    def variant(self) -> str:
        """The variant to train."""
        return self.best.variant

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings, for ``RareGAN(variant=..., settings=...)``."""
        return self.best.settings

    def total(self, trial: Trial) -> float:
        """Return the total of a trial's figures; infinity where it failed."""
        return total(trial, self.trials[0])

    def save(self, path: str | Path) -> None:
        """Write the config file that ``raregan train --config`` takes.

        Raises
        ------
        DataError
            If it cannot be written.
        """
        told = {
            "table": self.table,
            "seed": self.seed,
            "version": __version__,
            "trials": len(self.trials),
            "noise": self.noise,
            "totals": {"defaults": self.total(self.trials[0]), "leader": self.total(self.leader)},
            "verdict": self.verdict,
        }
        write_config(path, Choice(self.variant, self.settings, told))

    @property
    def verdict(self) -> str:
        """In one sentence, what to train with, and why."""
        gain = self.total(self.trials[0]) - self.total(self.leader)
        if len(self.trials) == 1:
            took = self.trials[0].seconds
            return (
                "keep the defaults: there was no time to try anything else, as that took "
                f"{took:.0f} s; give three times as much at least"
            )
        if self.leader is self.trials[0]:
            return f"keep the defaults: none of {len(self.trials) - 1} other trials was better"
        least = f"{self.leader.name} was better by {gain:.3f}"
        if gain <= self.noise:
            return f"keep the defaults: {least}, which is no more than chance ({self.noise:.3f})"
        if not isinstance(self.confirmed, tuple):
            why = self.confirmed or "not tried yet"
            return f"keep the defaults: {least}, not confirmed ({why}): go on with more time"
        default, leader = self.confirmed
        again = default.total(default) - leader.total(default)
        if self.best is self.leader:
            return f"take {least} (chance: {self.noise:.3f}), and by {again:.3f} {self.other_rows}"
        return f"keep the defaults: {least}, but not again {self.other_rows} ({again:+.3f})"

    def to_text(self, most: int = 8) -> str:
        """Return the best trials as a table, the defaults among them, and the verdict."""
        done = sorted((trial for trial in self.trials if trial.figures), key=self.total)
        shown = [*done[:most], *(trial for trial in done[most:] if trial is self.trials[0])]
        lines = [f"  {' '.join(f'{title:>10}' for title in _TITLES)}  trial"]
        for trial in shown:
            cells = [self.total(trial), *(trial.figures or ())]
            numbers = [*(f"{cell:>10.3f}" for cell in cells), f"{trial.seconds:>10.1f}"]
            lines.append(f"  {' '.join(numbers)}  {trial.number + 1}. {trial.name}")
        failed = [trial for trial in self.trials if not trial.figures]
        lines += [
            f"  failed: {trial.number + 1}. {trial.name}: {trial.failure}" for trial in failed
        ]
        return "\n".join([*lines, self.verdict])


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else f"{value:,}"
