"""How one column is distributed in both tables: histograms of numbers and dates, bars of levels."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from raregan.judging.columns import ColumnPair, Vector, pair_columns
from raregan.judging.fidelity import distance

Interval = tuple[float, float]

MIN_BINS, MAX_BINS = 10, 40
MAX_BARS = 12
TAILS = 0.005  # the share of real rows beyond each end of a distribution's frame
_LARGEST = 1e300  # ends of frames, so that sums of them do not overflow
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_DURATIONS = ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"))
_CALENDAR = (
    -3e10,
    2.2e11,
)  # seconds since 1970 that renderers can show as dates: years 1019 to 8941


@dataclass(frozen=True)
class ColumnView:
    """Shares of one column on common bins, those of each side in [0, 1].

    Attributes
    ----------
    name : str
        The column.
    measure, distance
        What tells the sides apart, ``"KS"`` or ``"TV"``, and its value; see
        `raregan.judging.fidelity.ks_statistics`.
    edges : float64 array of shape (bins + 1,)
        Of dates in seconds since 1970 (UTC), of other numbers in `unit`. What lies beyond them is
        missing from the shares, which then do not add up to 1.
    real, synthetic : float64 arrays of shape (bins,)
        Shares of the values that are there; of a category, of all rows.
    missing : (float, float)
        Shares of rows without a value, real and synthetic.
    scale : {"number", "date", "level"}
        What the axis shows.
    unit : str
        What the numbers count, or "".
    levels : tuple of str
        The label of each bin of a category.
    """

    name: str
    measure: str
    distance: float
    edges: Vector
    real: Vector
    synthetic: Vector
    missing: Interval = (0.0, 0.0)
    scale: Literal["number", "date", "level"] = "number"
    unit: str = ""
    levels: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the bins are those of whole numbers."""
        return self.scale == "number" and bool(np.all(self.edges % 1 == 0.5))  # noqa: PLR2004

    @property
    def beyond(self) -> str:
        """How much lies beyond the edges, where it is clearly more than the tails, else ""."""
        real, synthetic = (
            max(0.0, 1 - side.sum()) if share < 1 else 0.0
            for side, share in zip((self.real, self.synthetic), self.missing, strict=True)
        )
        if max(real, synthetic) <= 3 * TAILS:
            return ""
        return f"outside: real {real:.1%}, synthetic {synthetic:.1%}"

    @property
    def remarks(self) -> list[str]:
        """What the shares do not show: what lies beyond the edges, and what is missing."""
        real, synthetic = self.missing
        missing = (
            f"missing: real {real:.1%}, synthetic {synthetic:.1%}" if any(self.missing) else ""
        )
        return [remark for remark in (self.beyond, missing) if remark]


def column_views(real: pl.DataFrame, synthetic: pl.DataFrame) -> list[ColumnView]:
    """Compute what is shown of every column, in the order of the real table.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `raregan.judging.columns.pair_columns`.
    """
    return [
        _bars(pair) if pair.is_category else _histogram(pair)
        for pair in pair_columns(real, synthetic)
    ]


def _bars(pair: ColumnPair) -> ColumnView:
    """Take the most frequent levels of either side, and all others together."""
    real, synthetic = (
        np.bincount(side.astype(int), minlength=len(pair.levels)) / side.size for side in pair.sides
    )
    most = MAX_BARS if len(pair.levels) > MAX_BARS + 1 else len(pair.levels)
    chosen = np.argsort(-np.maximum(real, synthetic), kind="stable")[:most]
    chosen = chosen[np.lexsort([-synthetic[chosen], -real[chosen]])]
    labels = [_label(pair.levels[code]) for code in chosen]
    shares = [side[chosen] for side in (real, synthetic)]
    if most < len(pair.levels):
        labels.append(f"others ({len(pair.levels) - most:,} levels)")
        shares = [np.append(side, max(0.0, 1 - side.sum())) for side in shares]
    return ColumnView(
        pair.name, "TV", distance(pair), np.arange(-0.5, len(labels)), shares[0], shares[1],
        missing=pair.missing, scale="level", levels=tuple(labels),
    )  # fmt: skip


def _label(level: str | None) -> str:
    if level is None:
        return "(missing)"
    return level if level.strip() else "(blank)"


def _histogram(pair: ColumnPair) -> ColumnView:
    finite = [side[~np.isnan(side)] for side in pair.finite]
    scale, seconds, unit = _axis(pair, np.concatenate(finite))
    ends = [np.clip(side / seconds, -_LARGEST, _LARGEST) for side in finite]
    edges: Vector = _edges(*(side if side.size else np.concatenate(ends) for side in ends))
    shares = [np.histogram(side / seconds, edges)[0] / max(side.size, 1) for side in pair.present]
    if scale == "date":
        # Whole days fill their day, from midnight to midnight.
        edges = (edges + 0.5 if seconds == _DAY else edges) * seconds
    return ColumnView(
        pair.name, "KS", distance(pair), edges, shares[0], shares[1],
        missing=pair.missing, scale=scale, unit=unit,
    )  # fmt: skip


def _axis(pair: ColumnPair, values: Vector) -> tuple[Literal["number", "date"], float, str]:
    """Return the scale, what a step of the bins counts in the pair's own unit, and its name."""
    if pair.kind == "number" or not values.size:
        return "number", 1.0, ""
    if pair.kind == "time":
        return "number", _HOUR, "hour of the day"
    if pair.kind == "duration":
        long = float(np.quantile(np.abs(values), 1 - TAILS))
        return "number", *next((unit for unit in _DURATIONS if long >= unit[0]), (1.0, "seconds"))
    if values.min() < _CALENDAR[0] or values.max() > _CALENDAR[1]:
        return "number", _DAY, "days since 1970"
    return "date", _DAY if np.all(values % _DAY == 0) else 1.0, ""


def _edges(real: Vector, synthetic: Vector) -> Vector:
    if not real.size:
        return np.array([0.0, 1.0])
    low, high = frame_around(real, synthetic, TAILS)
    bins = int(np.clip(2 * math.sqrt(len(real)), MIN_BINS, MAX_BINS))
    if np.all(real == np.round(real)):  # bins of whole numbers, else some hold two and some one
        step = max(1, np.ceil((high - low) / bins))
        return np.arange(np.ceil(low) - 0.5, np.floor(high) + 0.5 + step, step)
    return np.linspace(low, high, bins + 1)


def frame_around(real: Vector, synthetic: Vector, tails: float = 0) -> Interval:
    """Choose an interval that holds the real values and the synthetic ones near them.

    It may grow by half the real range to either side; a stray value further out must not squeeze
    the rest of the picture into a line. The share `tails` of either side may lie beyond each end.
    """
    ends = [tails, 1 - tails]
    low, high = np.quantile(real, ends)
    if low == high:
        low, high = real.min(), real.max()
    low_synthetic, high_synthetic = np.quantile(synthetic, ends)
    least = max(0.5, abs(high) * 1e-6)  # of a constant column
    room = (high - low) / 2 or least
    low, high = (
        max(min(low, low_synthetic), low - room),
        min(max(high, high_synthetic), high + room),
    )
    margin = (high - low) * 0.03 or least
    return float(low - margin), float(high + margin)
