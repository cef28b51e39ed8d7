"""Curves of a contest, averaged over folds: precision by recall, and recall by false alarms."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal, NamedTuple

import numpy as np

from raregan.contest.contestants import BASELINES, NOTHING, WEIGHTS
from raregan.contest.curves import RATES, RECALLS
from raregan.contest.fold import Record
from raregan.contest.standings import Standing
from raregan.judging.columns import Vector

BAND = (10, 90)
"""Percentiles of the folds that a band reaches from and to."""

N_BEST = 2
"""Contestants that are drawn besides the baselines: those with the highest mean gain."""

Kind = Literal["precision", "recall"]
_TOLD: dict[Kind, tuple[float, ...]] = {"precision": (0.5, 0.8), "recall": (0.001, 0.01)}
_TITLES: dict[Kind, tuple[str, str, str]] = {
    "precision": ("Precision by recall", "recall", "precision"),
    "recall": ("Recall by false alarms", "share of the others with an alarm", "recall"),
}
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_POWERS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


class Trace(NamedTuple):
    """One curve over folds.

    Attributes
    ----------
    name
        Of the contestant.
    n
        Folds.
    mean, low, high
        On the grid of its kind; the mean, and `BAND`.
    """

    name: str
    n: int
    mean: Vector
    low: Vector
    high: Vector


def choose_drawn(standings: Sequence[Standing]) -> tuple[list[str], list[str]]:
    """Return the contestants of one learner that are drawn, and those that are left out."""
    scored = [one for one in standings if one.n]
    rivals = [one for one in scored if one.contestant not in BASELINES]

    def gain(one: Standing) -> float:
        on = one.gains.get(NOTHING) or one.gains.get(WEIGHTS)
        return -np.inf if on is None else on.mean

    best = sorted(rivals, key=gain, reverse=True)[:N_BEST]
    drawn = [one.contestant for one in (*scored, *best) if one.contestant in BASELINES]
    drawn += [one.contestant for one in best]
    return drawn, [one.contestant for one in rivals if one not in best]


def average(records: Iterable[Record], name: str, kind: Kind) -> Trace | None:
    """Return the mean curve of records of one contestant and learner, and its band.

    None where no record has such a curve on today's grid, as those of an old ledger.
    """
    grid = _grid(kind)
    kept = [one.curves[kind] for one in records if len(one.curves.get(kind, ())) == len(grid)]
    if not kept:
        return None
    curves = np.asarray(kept, dtype=np.float64)
    low, high = np.percentile(curves, BAND, axis=0)
    return Trace(name, len(curves), curves.mean(axis=0), low, high)


def draw_traces(traces: Sequence[Trace], kind: Kind, *, learner: str) -> str:
    """Return one picture: bands beneath lines, stepped as no line is drawn between points."""
    title, x_title, y_title = _TITLES[kind]
    places, ticks = _places(kind)
    styled = list(zip(_styles(traces), traces, strict=True))
    bands = "".join(
        f'<path class="band c{style}" d="{_band(places, trace, kind)}"/>' for style, trace in styled
    )
    lines = "".join(
        f'<path class="curve c{style}" d="M{_join(_steps(places, trace.mean, kind))}"/>'
        for style, trace in styled
    )
    said = escape(f"{title} with {learner}. {describe(traces, kind)}", quote=True)
    return (
        f"<figure><figcaption>{title}</figcaption>"
        f'<svg class="plot" role="img" aria-label="{said}">{_axes(ticks)}'
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">'
        f"{bands}{lines}</svg>"
        f'<text class="middle" x="50%" y="100%" dy="34">{x_title}</text>'
        f'<text x="0" dx="-40" y="0" dy="-10">{y_title}</text></svg></figure>'
    )


def describe(traces: Iterable[Trace], kind: Kind) -> str:
    """Say what curves reach at two places, for those who do not see them."""
    grid = np.array(_grid(kind))
    places = {at: int(np.abs(grid - at).argmin()) for at in _TOLD[kind]}
    where = "recall" if kind == "precision" else "false alarms"
    told = []
    for trace in traces:
        at = ", ".join(
            f"{trace.mean[place]:.2f} at {at:.3g} {where}"
            if kind == "precision"
            else f"{trace.mean[place]:.2f} at {100 * at:g}% {where}"
            for at, place in places.items()
        )
        told.append(f"{trace.name}: {kind} {at}")
    return "; ".join(told) + "."


def draw_key(traces: Sequence[Trace]) -> str:
    """Return which line is whose."""
    names = " ".join(
        f'<span><svg class="sample" aria-hidden="true"><line class="curve c{style}" x2="100%" '
        f'y1="6" y2="6"/></svg>{escape(trace.name)}</span>'
        for style, trace in zip(_styles(traces), traces, strict=True)
    )
    return f'<p class="key">{names}</p>'


def _styles(traces: Sequence[Trace]) -> list[int]:
    """Return how lines look: a baseline is the same with every learner, whoever else plays."""
    names = [trace.name for trace in traces]
    order = [*BASELINES, *(name for name in names if name not in BASELINES)]
    return [order.index(name) for name in names]


def _grid(kind: Kind) -> tuple[float, ...]:
    return RECALLS if kind == "precision" else RATES


def _places(kind: Kind) -> tuple[Vector, list[tuple[float, str]]]:
    """Return where the grid lies, and ticks with their words, in percent of the width."""
    if kind == "precision":
        return 100 * np.array(RECALLS), [(100 * share, f"{share:g}") for share in _SHARES]
    decades = np.log10(RATES[-1] / RATES[0])
    ticks = 100 * np.log10(np.array(_POWERS) / RATES[0]) / decades
    places = 100 * np.log10(np.array(RATES) / RATES[0]) / decades
    return places, [(float(x), f"{100 * p:g} %") for x, p in zip(ticks, _POWERS, strict=True)]


def _steps(places: Vector, values: Vector, kind: Kind) -> Vector:
    """Return the corners of a stepped line, two columns.

    Precision is what is reached up to a recall, recall what is reached from a rate on. That of no
    row found is 1 by convention, and not drawn.
    """
    x, y = np.repeat(places, 2), np.repeat(100 * (1 - values), 2)
    x, y = (x[1:-1], y[2:]) if kind == "precision" else (x[1:], y[:-1])
    return np.stack([x, y], axis=1)


def _band(places: Vector, trace: Trace, kind: Kind) -> str:
    over, under = (_steps(places, values, kind) for values in (trace.high, trace.low))
    return f"M{_join(np.concatenate([over, under[::-1]]))}Z"


def _join(corners: Vector) -> str:
    return "L".join(f"{x:.2f} {y:.2f}" for x, y in corners)


def _axes(ticks: Iterable[tuple[float, str]]) -> str:
    across = (
        f'<line class="grid" x1="0" x2="100%" y1="{100 * (1 - y):g}%" y2="{100 * (1 - y):g}%"/>'
        f'<text class="end" x="0" dx="-8" y="{100 * (1 - y):g}%" dy="4">{y:g}</text>'
        for y in _SHARES
    )
    up = (
        f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="100%"/>'
        f'<text class="middle" x="{x:.2f}%" y="100%" dy="17">{text}</text>'
        for x, text in ticks
    )
    return "".join((*across, *up))
