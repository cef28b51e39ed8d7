"""A figure of a report: its value, what real rows get, and how the one reads beside the other."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from raregan.judging.intervals import Estimate, Interval
from raregan.judging.measures import MEASURES, Wording

TOO_FEW = "too few rows to tell"
"""How a figure reads whose value is as that of real rows, and could be a gross difference too."""


@dataclass(frozen=True)
class Figure:
    """One figure of a report: its value, and what real rows get.

    Attributes
    ----------
    name
        A name of `MEASURES`.
    value, interval
        Of the synthetic rows, and the 95 % interval; None where it is exact for the rows given.
    baseline, baseline_interval
        What held-out real rows get in place of the synthetic ones; None where there were none.
    details
        More, as plain data: which columns, what the control reached.
    is_comparable
        Whether real rows got the baseline fairly. Where they were learned from, only an alarm is
        told: a figure that alarms even beside copies would do so beside others.
    """

    name: str
    value: float
    interval: Interval | None = None
    baseline: float | None = None
    baseline_interval: Interval | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    is_comparable: bool = True

    @classmethod
    def of(
        cls,
        name: str,
        estimate: Estimate,
        baseline: Estimate | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> "Figure":
        """Put estimates of synthetic rows and of real rows in one record."""
        base = baseline or Estimate(math.nan)
        return cls(
            name,
            estimate.value,
            estimate.interval,
            None if math.isnan(base.value) else base.value,
            base.interval,
            details or {},
        )

    @property
    def words(self) -> Wording:
        """What this figure is called and means."""
        return MEASURES[self.name]

    @property
    def noise(self) -> float:
        """How far chance may set value and baseline apart.

        Of either interval the arm that points to the other value, added as independent errors are.
        """
        if self.baseline is None:
            return 0.0
        return math.hypot(
            _arm(self.value, self.interval, self.baseline),
            _arm(self.baseline, self.baseline_interval, self.value),
        )

    @property
    def at_worst(self) -> float:
        """How bad the value could be, as chance moves it and the baseline apart."""
        bad = -1 if self.words.is_good_high else 1
        low, high = self.words.bounds
        return min(max(self.value + bad * self._slack, low), high)

    @property
    def _slack(self) -> float:
        """How much worse chance may have made the value: as `noise`, but by the outer arms."""
        if self.baseline is None:
            return 0.0
        bad = -math.inf if self.words.is_good_high else math.inf
        return math.hypot(
            _arm(self.value, self.interval, bad), _arm(self.baseline, self.baseline_interval, -bad)
        )

    @property
    def hides_gross(self) -> float:
        """What chance could hide, as a share of a gross difference: from 1 on, it could hide one.

        That a value is better than the baseline by chance makes it no surer. What is gross is told
        by `Wording.gross_beside`; where nothing is, nothing is hidden.
        """
        if self.baseline is None:
            return 0.0
        gross = self.words.gross_beside(self.baseline)
        hidden = max(abs(self.at_worst - self.baseline), self._slack)
        return hidden / gross if gross > 0 else 0.0

    @property
    def reading(self) -> str:
        """How the value compares with real rows, in a word or two; "" where it cannot be."""
        if self.baseline is None:
            return ""
        reading = self._compare(self.value - self.baseline)
        return reading if self.is_comparable or reading == "alarm" else ""

    def _compare(self, difference: float) -> str:
        if abs(difference) <= self.noise:
            return TOO_FEW if self.hides_gross >= 1 else "as real rows"
        is_worse = (difference < 0) == self.words.is_good_high
        if self.words.group == "privacy":
            return "alarm" if is_worse else "no alarm"
        if self.words.group == "fidelity":
            return "worse than real rows" if is_worse else "closer than real rows"
        return "worse than real rows" if is_worse else "better than real rows"

    def to_dict(self) -> dict[str, Any]:
        """Return words and numbers as plain data, ready for JSON."""
        words = self.words._asdict()
        del words["spec"], words["gross"]
        return {
            "name": self.name,
            **words,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "baseline": self.baseline,
            "baseline_interval": (
                None if self.baseline_interval is None else list(self.baseline_interval)
            ),
            "reading": self.reading,
            "at_worst": self.at_worst,
            "details": dict(self.details),
        }


def _arm(value: float, interval: Interval | None, other: float) -> float:
    """Return the length of the arm of an interval that points to another value."""
    if interval is None:
        return 0.0
    return max(0.0, interval.high - value if other > value else value - interval.low)
