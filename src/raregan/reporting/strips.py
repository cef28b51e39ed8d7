"""Small pictures that need no script: each figure on a strip, shares of columns as bars, tiles.

They are SVG with places in percent: they fit whatever width they get, and print as they are.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from raregan.judging.columns import Vector
from raregan.judging.figures import TOO_FEW, Figure
from raregan.judging.intervals import CONFIDENCE, Interval
from raregan.reporting.distributions import ColumnView

_MARGIN = 3.0  # percent of a strip beyond its ends
_TILE = (100, 40)  # width and height of a small histogram in its own units


def show_value(figure: Figure, value: float, interval: Interval | None) -> str:
    """Return a value with its interval as it is printed."""
    spec = figure.words.spec
    if interval is None:
        return f"{value:{spec}}"
    return f"{value:{spec}} ({interval.low:{spec}} to {interval.high:{spec}})"


def describe(figure: Figure) -> str:
    """Say in one sentence what a strip draws."""
    parts = [f"{figure.words.label}: {show_value(figure, figure.value, figure.interval)}"]
    if figure.baseline is not None:
        base = show_value(figure, figure.baseline, figure.baseline_interval)
        parts.append(f"real rows {base}")
    return "; ".join([*parts, figure.reading] if figure.reading else parts)


def draw_strips(figures: Iterable[Figure]) -> str:
    """Return a list of strips: value and interval, real rows and their interval, the best value."""
    rows = "\n".join(map(_strip, figures))
    return f'<ul class="strips">\n{rows}\n</ul>'


def _strip(figure: Figure) -> str:
    base = ""
    if figure.baseline is not None:
        shown = show_value(figure, figure.baseline, figure.baseline_interval)
        base = f'<span class="soft">real rows {shown}</span>'
    return (
        f'<li><span class="name">{escape(figure.words.label)}</span>{_drawing(figure)}'
        f'<span class="values"><b>{show_value(figure, figure.value, figure.interval)}</b>{base}'
        f"</span>{show_reading(figure.reading)}</li>"
    )


def show_reading(reading: str) -> str:
    """Return a reading with a sign and a colour; the words say all."""
    signs = {
        "alarm": ("bad", "!"),
        "worse than real rows": ("bad", "\u2212"),
        "as real rows": ("good", "="),
        TOO_FEW: ("other", "?"),
        "": ("none", ""),
    }
    kind, sign = signs.get(reading, ("other", "+"))
    text = reading or "not compared"
    return f'<span class="reading {kind}"><i aria-hidden="true">{sign}</i>{escape(text)}</span>'


def _drawing(figure: Figure) -> str:
    """Draw one strip on a scale of its own, which holds all that is drawn."""
    best = figure.words.best
    drawn = [figure.value, *(figure.interval or ()), *(figure.baseline_interval or ())]
    drawn += [value for value in (figure.baseline, best) if value is not None]
    drawn = [value for value in drawn if math.isfinite(value)]
    label = escape(describe(figure), quote=True)
    if not drawn or not math.isfinite(figure.value):
        return f'<svg role="img" aria-label="{label}"></svg>'
    low, high = min(drawn), max(drawn)
    if high == low:
        low, high = low - 0.5, high + 0.5

    def place(value: float) -> float:
        inside = min(max(value, low), high)
        return float(_MARGIN + (100 - 2 * _MARGIN) * (inside - low) / (high - low))

    parts = [f'<line class="axis" x1="{_MARGIN}%" x2="{100 - _MARGIN}%" y1="14" y2="14"/>']
    if figure.baseline is not None:
        start, end = (place(value) for value in figure.baseline_interval or (figure.baseline,) * 2)
        parts.append(
            f'<rect class="base" x="{start:.2f}%" width="{end - start:.2f}%" y="4" height="20"/>'
        )
        parts.append(_line("base", place(figure.baseline), 2, 26))
    if best is not None:
        parts.append(_line("best", place(best), 8, 20))
    if figure.interval is not None:
        start, end = (place(value) for value in figure.interval)
        parts.append(f'<line class="made" x1="{start:.2f}%" x2="{end:.2f}%" y1="14" y2="14"/>')
    parts.append(f'<circle class="made" cx="{place(figure.value):.2f}%" cy="14" r="5"/>')
    spec = figure.words.spec
    parts.append(f'<text x="{_MARGIN}%" y="38">{low:{spec}}</text>')
    parts.append(f'<text class="end" x="{100 - _MARGIN}%" y="38">{high:{spec}}</text>')
    return f'<svg role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _line(kind: str, x: float, top: int, bottom: int) -> str:
    return f'<line class="{kind}" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top}" y2="{bottom}"/>'


STRIPS_KEY = (
    f'<p class="key"><span><i class="dot"></i>synthetic rows, {CONFIDENCE:.0%} interval</span> '
    f'<span><i class="band"></i>real rows in their place, {CONFIDENCE:.0%} interval</span> '
    '<span><i class="tick"></i>best possible</span></p>'
)
"""What the marks of a strip mean."""


def draw_bars(shares: Sequence[tuple[str, float]]) -> str:
    """Return a list of horizontal bars, of names with shares above 0, the largest the longest."""
    largest = max(share for _, share in shares)
    rows = "\n".join(
        f'<li><span class="name">{escape(name)}</span><svg aria-hidden="true"><rect class="bar" '
        f'width="{100 * share / largest:.1f}%" y="5" height="12"/></svg>'
        f'<span class="values"><b>{share:.0%}</b></span></li>'
        for name, share in shares
    )
    return f'<ul class="bars">\n{rows}\n</ul>'


def draw_tile(column: ColumnView, title: str) -> str:
    """Draw a small histogram as a button that chooses its column."""
    name, title = escape(column.name), escape(title)
    shares = " / ".join(f"{share:.1%}" for share in column.missing)
    missing = f"<small>missing {shares}</small>" if any(column.missing) else ""
    top = max(column.real.max(), column.synthetic.max(), np.finfo(float).tiny)
    real, synthetic = (_steps(shares / top) for shares in (column.real, column.synthetic))
    return (
        f'<button type="button" aria-pressed="false" title="{title}"><span><b>{name}</b>'
        f"{column.distance:.2f}</span>"
        f'<svg viewBox="0 0 {_TILE[0]} {_TILE[1]}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="real" d="{real}"/><path class="made" d="{synthetic}"/></svg>'
        f"{missing}</button>"
    )


def _steps(heights: Vector) -> str:
    """Return the SVG path of a histogram whose heights are in [0, 1]."""
    width, height = _TILE
    ends = np.linspace(0, width, len(heights) + 1)[1:]
    steps = (f"V{height * (1 - y):.1f}H{x:.1f}" for x, y in zip(ends, heights, strict=True))
    return f"M0 {height}{''.join(steps)}V{height}"
