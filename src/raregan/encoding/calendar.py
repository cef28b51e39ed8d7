"""Dates and times as numbers that a network learns, and back.

What people do depends on the weekday and the hour; a plain count of seconds hides both. So a time
becomes up to four parts: the day on a monotone scale, weekday and hour as levels, and how far the
hour has gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from raregan.encoding.columns import QuantileColumn
from raregan.encoding.layout import Part
from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raregan.encoding.columns import Encoded
    from raregan.encoding.knots import Floats

Ticks = NDArray[np.int64]

TICKS_A_DAY = {"d": 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
"""By the unit of a tick, as polars names it; ``"d"`` is that of dates."""

STEPS_A_DAY = {
    "day": 1,
    "hour": 24,
    "minute": 24 * 60,
    "second": 24 * 3600,
    "ms": 86_400_000,
    "us": 86_400_000_000,
    "ns": 86_400_000_000_000,
}
"""The resolutions, coarsest first, besides ``"month"``."""

DAY_ZERO = 3
"""Weekday of 1970-01-01, a Thursday; Monday is 0."""

WEEK = 7
"""Days."""


@dataclass(frozen=True, eq=False)
class Calendar:
    """Times as day, weekday, hour and the position within the hour.

    ``day``, linear, is the quantile scale of the day number (of the month number where all times
    are the first of a month at midnight). It is left out where there is one day only. ``weekday``
    is one-hot over the weekdays that occur, where there are at least two and the days reach beyond
    one week; ``hour`` one-hot over the hours that occur, where there are at least two. Monthly
    times have neither. ``fraction``, linear, is the quantile scale of the steps of `resolution`
    since the hour began, left out where it is always the same.

    A decoded time lies in [minimum, maximum], is a multiple of the resolution, and has a weekday
    and an hour that occur. Of days with the decoded weekday it takes the nearest to the decoded
    day. What would lie hours beyond an end of the range moves to the next such day inward, and to
    the end itself where there is none, or where it lies beyond it within the hour.

    Training values come back exactly where day and fraction are knots of their curves, so always
    if there are at most `MAX_KNOTS` / 2 of each. Between knots (z0, x0) and (z1, x1) they come back
    up to (x1 - x0) * 2**-21 / (z1 - z0) days or steps, rounded: in practice the day is exact, and
    so are seconds; milliseconds and finer ones differ by about 2**-21 of the time between two
    knots over their distance in z, some 1 ms where times fill the hour.

    Attributes
    ----------
    unit
        Of the ticks, a key of `TICKS_A_DAY`. They count from 1970-01-01, and may be negative.
    resolution
        The coarsest of `STEPS_A_DAY` that divides all observed ticks, or ``"month"``.
    minimum, maximum
        The observed range in ticks.
    day
        The curve of day or month numbers.
    weekdays, hours
        Those that occur, ascending; Monday is 0. Empty for months.
    fraction
        The curve of steps within the hour, or the number that all times share.
    """

    unit: str
    resolution: str
    minimum: int
    maximum: int
    day: QuantileColumn | None
    weekdays: tuple[int, ...]
    hours: tuple[int, ...]
    fraction: QuantileColumn | int

    @classmethod
    def fit(cls, ticks: Ticks, unit: str) -> Self:
        """Learn from one or more times.

        Parameters
        ----------
        ticks
            (n,) int64 ticks since 1970-01-01, of wall time.
        unit
            Of a tick: ``"d"``, ``"ms"``, ``"us"`` or ``"ns"``.
        """
        resolution = _resolution(ticks, unit)
        day, hour, fraction = _split(ticks, unit, resolution)
        minimum, maximum = int(ticks.min()), int(ticks.max())
        number, weekdays, hours = day, _levels(_weekday(day)), _levels(hour)
        if resolution == "month":
            number, weekdays, hours = _months(day), (), ()
        return cls(
            unit,
            resolution,
            minimum,
            maximum,
            _curve(number) if day.min() < day.max() else None,
            weekdays,
            hours,
            _curve(fraction) if fraction.min() < fraction.max() else int(fraction[0]),
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of an encoded time, side by side; none where all times are the same."""
        parts = [Part("day", 1, "linear")] if self.day else []
        if self._by_weekday:
            parts.append(Part("weekday", len(self.weekdays), "softmax"))
        if len(self.hours) > 1:
            parts.append(Part("hour", len(self.hours), "softmax"))
        if isinstance(self.fraction, QuantileColumn):
            parts.append(Part("fraction", 1, "linear"))
        return tuple(parts)

    @property
    def width(self) -> int:
        """Numbers of an encoded time."""
        return sum(part.width for part in self.parts)

    def encode(self, ticks: Ticks) -> Encoded:
        """Encode (n,) ticks as (n, width) float32; those beyond the range count as its ends.

        A weekday or an hour that did not occur in fitting has no 1 in its part.
        """
        ticks = np.clip(ticks, self.minimum, self.maximum)
        day, hour, fraction = _split(ticks, self.unit, self.resolution)
        encoded = np.empty((len(ticks), self.width), dtype=np.float32)
        number = _months(day) if self.resolution == "month" else day
        for name, part in self._slices.items():
            if name == "weekday":
                encoded[:, part] = _weekday(day)[:, None] == self.weekdays
            elif name == "hour":
                encoded[:, part] = hour[:, None] == self.hours
            else:
                curve, steps = getattr(self, name), fraction if name == "fraction" else number
                encoded[:, part] = curve.encode(steps.astype(np.float64))
        return encoded

    def decode(self, encoded: Encoded) -> Ticks:
        """Decode (n, width) numbers, logits or infinite ones too, into (n,) int64 ticks."""
        day = self._steps("day", self._ends[0][0], encoded)
        if self.resolution == "month":
            months: Ticks = _first_days(day) * TICKS_A_DAY[self.unit]
            return months
        day = self._on_weekday(day, self._level("weekday", self.weekdays, encoded))
        hour = self._level("hour", self.hours, encoded)
        fraction = self._steps("fraction", self.fraction, encoded)
        return self._within_range(day, hour, fraction)

    def _steps(self, name: str, shared: QuantileColumn | int, encoded: Encoded) -> Ticks:
        if name not in self._slices:
            return np.full(len(encoded), shared, dtype=np.int64)
        values: Floats = getattr(self, name).decode(encoded[:, self._slices[name]])
        whole: Ticks = np.rint(values).astype(np.int64)
        return whole

    def _level(self, name: str, levels: tuple[int, ...], encoded: Encoded) -> Ticks:
        if name not in self._slices:
            return np.full(len(encoded), levels[0], dtype=np.int64)
        found: Ticks = np.array(levels)[encoded[:, self._slices[name]].argmax(axis=1)]
        return found

    def _on_weekday(self, day: Ticks, weekday: Ticks) -> Ticks:
        """Move to the nearest day of the range with the weekday, or with one that occurs."""
        if self._by_weekday:
            day = day + _shift(weekday - _weekday(day))
        else:
            shifts = [[_shift(to - start) for to in self.weekdays] for start in range(WEEK)]
            day = day + np.array([min(shift, key=abs) for shift in shifts])[_weekday(day)]
        (first, *_), (last, *_) = self._ends
        nearest: Ticks = day + WEEK * (day < first) - WEEK * (day > last)
        return nearest

    def _within_range(self, day: Ticks, hour: Ticks, fraction: Ticks) -> Ticks:
        """Put the numbers together, and bring what lies beyond the range inside.

        They are compared apart: at the ends of int64 a sum that lies beyond them wraps.
        """
        first, last = self._ends
        late = (day == last[0]) & (hour > last[1])
        day = np.where(late, self._next_to(last[0], -1), day)
        early = (day == first[0]) & (hour < first[1])
        day = np.where(early, self._next_to(first[0], 1), day)
        steps_a_day = STEPS_A_DAY[self.resolution]
        a_day = TICKS_A_DAY[self.unit]
        steps = hour * max(1, steps_a_day // 24) + fraction
        ticks: Ticks = day * a_day + steps * (a_day // steps_a_day)
        ticks[_after((day, hour, fraction), last)] = self.maximum
        ticks[_after((-day, -hour, -fraction), (-first[0], -first[1], -first[2]))] = self.minimum
        return ticks

    def _next_to(self, day: int, direction: int) -> int:
        """Return the next day in a direction that may take the place of `day`."""
        if self._by_weekday:
            return day + WEEK * direction
        days = range(day + direction, day + (WEEK + 1) * direction, direction)
        return next(near for near in days if (near + DAY_ZERO) % WEEK in self.weekdays)

    @cached_property
    def _ends(self) -> list[list[int]]:
        """Day, hour and fraction of the first and of the last tick."""
        ends = np.array([self.minimum, self.maximum])
        parts: list[list[int]] = np.stack(_split(ends, self.unit, self.resolution), axis=1).tolist()
        return parts

    @property
    def _by_weekday(self) -> bool:
        return len(self.weekdays) > 1 and self._ends[1][0] - self._ends[0][0] >= WEEK

    @cached_property
    def _slices(self) -> dict[str, slice]:
        stops = accumulate((part.width for part in self.parts), initial=0)
        places = (slice(start, stop) for start, stop in pairwise(stops))
        return {part.name: place for part, place in zip(self.parts, places, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy, from which each number comes back to the bit."""
        curves = (self.day, self.fraction)
        day, fraction = (c.to_dict() if isinstance(c, QuantileColumn) else c for c in curves)
        return {
            "unit": self.unit,
            "resolution": self.resolution,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "day": day,
            "weekdays": list(self.weekdays),
            "hours": list(self.hours),
            "fraction": fraction,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        try:
            minimum, maximum = _whole([data["minimum"], data["maximum"]])
            weekdays, hours = (_whole(data[key]) for key in ("weekdays", "hours"))
            curves = [data[key] for key in ("day", "fraction")]
            day, fraction = (
                QuantileColumn.from_dict(c) if isinstance(c, dict) else c for c in curves
            )
            names = data["unit"], data["resolution"]
            calendar = cls(*names, minimum, maximum, day, weekdays, hours, fraction)
            sound = calendar._is_sound()
        except (AttributeError, KeyError, TypeError, OverflowError) as error:
            raise ModelFileError(
                f"this is no calendar as raregan writes it ({type(error).__name__}: {error})"
            ) from None
        if not sound:
            raise ModelFileError("the fields of a calendar contradict each other; train anew")
        return calendar

    def _is_sound(self) -> bool:
        """Say whether the fields agree with the two ends of the range."""
        ends = np.array([self.minimum, self.maximum], dtype=np.int64)
        monthly = self.resolution == "month"
        steps_a_day = 1 if monthly else STEPS_A_DAY[self.resolution]
        a_step, rest = divmod(TICKS_A_DAY[self.unit], steps_a_day)
        if rest or (ends % a_step).any():
            return False
        day, hour, fraction = _split(ends, self.unit, self.resolution)
        number = _months(day) if monthly else day
        if monthly and (self.day is None or not np.array_equal(day, _first_days(number))):
            return False
        weekdays, hours = ((), ()) if monthly else (_levels(_weekday(day)), _levels(hour))
        return (
            self.minimum <= self.maximum
            and (day[0] < day[1] if self.day else day[0] == day[1])
            and (self.day is None or np.array_equal(self.day.x[[0, -1]], number))
            and _are_levels(self.weekdays, weekdays, 0 if monthly else WEEK)
            and _are_levels(self.hours, hours, min(steps_a_day, 24) if not monthly else 0)
            and self._has_sound_fraction(fraction, max(1, steps_a_day // 24))
        )

    def _has_sound_fraction(self, ends: Ticks, steps_an_hour: int) -> bool:
        if isinstance(self.fraction, QuantileColumn):
            low, high = self.fraction.x[[0, -1]]
            return bool(0 <= low <= ends.min() <= ends.max() <= high < steps_an_hour and low < high)
        return type(self.fraction) is int and bool((ends == self.fraction).all())


def _resolution(ticks: Ticks, unit: str) -> str:
    """Return the coarsest resolution that all ticks are multiples of."""
    ticks_a_day = TICKS_A_DAY[unit]
    for name, steps in STEPS_A_DAY.items():
        if ticks_a_day % steps == 0 and not (ticks % (ticks_a_day // steps)).any():
            day = ticks // ticks_a_day
            monthly = name == "day" and day.min() < day.max()
            if monthly and np.array_equal(day, _first_days(_months(day))):
                return "month"
            return name
    raise AssertionError(f"{unit} is no unit of time")


def _split(ticks: Ticks, unit: str, resolution: str) -> tuple[Ticks, Ticks, Ticks]:
    """Return day number, hour of the day, and steps of the resolution since the hour began."""
    ticks_a_day = TICKS_A_DAY[unit]
    steps_a_day = STEPS_A_DAY.get(resolution, 1)
    day = ticks // ticks_a_day  # rounds down, before 1970 too
    # the product may wrap at the ends of int64; the difference wraps back
    steps = (ticks - day * ticks_a_day) // (ticks_a_day // steps_a_day)
    hour = steps // max(1, steps_a_day // 24)
    return day, hour, steps - hour * max(1, steps_a_day // 24)


def _curve(numbers: Ticks) -> QuantileColumn:
    return QuantileColumn.fit(numbers.astype(np.float64))


def _levels(values: Ticks) -> tuple[int, ...]:
    return tuple(np.unique(values).tolist())


def _are_levels(levels: tuple[int, ...], needed: tuple[int, ...], end: int) -> bool:
    """Say whether levels ascend within 0 to `end`, exclusive, and hold the needed ones."""
    return levels == tuple(sorted({*levels, *needed})) and set(levels) <= set(range(end))


def _whole(values: Any) -> tuple[int, ...]:
    if not (isinstance(values, list) and all(type(value) is int for value in values)):
        raise TypeError(f"{values!r} is no list of whole numbers")
    return tuple(values)


def _weekday(day: Ticks) -> Ticks:
    return (day + DAY_ZERO) % WEEK


def _shift(days: Any) -> Any:
    """Return the same shift modulo a week, of at most three days."""
    return (days + 3) % WEEK - 3


def _months(day: Ticks) -> Ticks:
    """Return months since 1970-01."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_days(month: Ticks) -> Ticks:
    """Return the day number of the first of each month."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _after(parts: tuple[Ticks, Ticks, Ticks], end: Sequence[int]) -> NDArray[np.bool_]:
    """Say whether day, hour and fraction come later than those of an end."""
    day, hour, fraction = parts
    later: NDArray[np.bool_] = (hour > end[1]) | (hour == end[1]) & (fraction > end[2])
    return np.asarray((day > end[0]) | (day == end[0]) & later)
