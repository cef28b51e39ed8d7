"""The forest of a contest: what each contestant gains on both baselines, and how sure that is.

All lines of one picture share a scale. They are SVG with places in percent, as the strips are.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from raregan.contest.contestants import BASELINES, NOTHING
from raregan.contest.intervals import Interval
from raregan.contest.paragraph import show_gain
from raregan.contest.standings import MOST, Standing

_STEPS = (1, 2, 5)  # a tick is one of these times a power of ten
_MOST_TICKS = 6
_ROWS = {name: 14 + 16 * place for place, name in enumerate(BASELINES)}  # heights of the marks


class Scale(NamedTuple):
    """Points of average precision: both ends, and where ticks are."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, points: float) -> float:
        """Return where points lie, in percent of the width."""
        inside = min(max(points, self.low), self.high)
        return 100 * (inside - self.low) / (self.high - self.low)


def make_scale(gains: Sequence[Interval]) -> Scale:
    """Return a scale that holds 0 and all intervals, with a tick at 0 and at round numbers."""
    drawn = [0.0]
    for gain in gains:
        drawn += [points for points in _points(gain) if math.isfinite(points)]
    low, high = min(drawn), max(drawn)
    if low == high:
        low, high = low - 1, high + 1
    room = 0.04 * (high - low)
    low, high = low - room, high + room
    step = _round_step((high - low) / _MOST_TICKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Scale(low, high, tuple(tick * step for tick in range(first, last + 1)))


def draw_forest(standings: Sequence[Standing]) -> str:
    """Return a list with a line for each contestant of one learner that was compared.

    "nothing" has none: it is the line at zero.
    """
    compared = [one for one in standings if one.contestant != NOTHING and one.gains]
    scale = make_scale([gain for one in compared for gain in one.gains.values()])
    rows = "\n".join(_row(one, scale) for one in compared)
    return f'<ul class="strips forest">\n{rows}\n{_ticks(scale)}\n</ul>'


def read_gains(standing: Standing) -> tuple[str, str]:
    """Say what is beyond doubt of a contestant, and whether that is good, bad or neither."""
    gains = standing.gains
    if not all(math.isfinite(gain.low) for gain in gains.values()):
        return "too few folds", "none"
    up = [name for name, gain in gains.items() if gain.is_gain]
    down = [name for name, gain in gains.items() if gain.high < 0]
    told = [f"gains on {' and '.join(up)}"] if up else []
    told += [f"loses on {' and '.join(down)}"] if down else []
    kind = "good" if standing.is_recommended else "bad" if down else "other"
    return "; ".join(told) or "no sure difference", kind


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in _STEPS if step * power >= least), 10 * power)


def _points(gain: Interval) -> tuple[float, float, float]:
    """Return mean, low and high in points; no more than 100 can be."""
    mean, low, high, *_ = gain.within(MOST)
    if not math.isfinite(low):
        low = high = math.nan
    return 100 * mean, 100 * low, 100 * high


def _row(standing: Standing, scale: Scale) -> str:
    shown = {name: f"{show_gain(gain)} on {name}" for name, gain in standing.gains.items()}
    reading, kind = read_gains(standing)
    said = f"{standing.contestant} with {standing.learner}: {'; '.join(shown.values())}; {reading}"
    lines = "".join(_upright("grid", scale.place(tick)) for tick in scale.ticks)
    marks = "".join(_mark(name, gain, scale) for name, gain in standing.gains.items())
    values = "".join(f"<b>{escape(text)}</b>" for text in shown.values())
    sign = {"good": "+", "bad": "\u2212"}.get(kind, "")
    return (
        f'<li><span class="name">{escape(standing.contestant)}</span>'
        f'<svg role="img" aria-label="{escape(said, quote=True)}">{lines}'
        f"{_upright('zero', scale.place(0))}{marks}</svg>"
        f'<span class="values">{values}</span><span class="reading {kind}">'
        f'<i aria-hidden="true">{sign}</i>{escape(reading)}</span></li>'
    )


def _mark(name: str, gain: Interval, scale: Scale) -> str:
    """Draw a mean and its interval: a dot on "nothing", a square on class weights."""
    kind, y = ("first" if name == NOTHING else "second"), _ROWS[name]
    mean, low, high = _points(gain)
    x = scale.place(mean)
    parts = []
    if math.isfinite(low):
        ends = f'x1="{scale.place(low):.2f}%" x2="{scale.place(high):.2f}%"'
        parts.append(f'<line class="{kind}" {ends} y1="{y}" y2="{y}"/>')
    if kind == "first":
        parts.append(f'<circle class="{kind}" cx="{x:.2f}%" cy="{y}" r="5"/>')
    else:
        square = 'width="10" height="10" transform="translate(-5 -5)"'
        parts.append(f'<rect class="{kind}" x="{x:.2f}%" y="{y}" {square}/>')
    return "".join(parts)


def _upright(kind: str, x: float) -> str:
    return f'<line class="{kind}" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="100%"/>'


def _ticks(scale: Scale) -> str:
    texts = "".join(
        f'<text class="middle" x="{scale.place(tick):.2f}%" y="14">{_signed(tick)}</text>'
        for tick in scale.ticks
    )
    return f'<li class="scale" aria-hidden="true"><span></span><svg>{texts}</svg></li>'


def _signed(points: float) -> str:
    return "0" if points == 0 else f"{points:+.3g}"
