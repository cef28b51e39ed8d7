"""The monotone map between a column and the standard normal: its knots, and its fast inverse."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MAX_KNOTS = 1000
"""Lets a few hundred rare rows keep all their values, and a model file stay small."""

TAIL_SHARE = 0.2
"""Of the knots that thinning keeps, those spaced evenly in z: most of them go to the tails."""

BUCKETS = 4096
"""Cells of the uniform grid over z; with `MAX_KNOTS` knots most hold one or none."""

_NORMAL = NormalDist()


def place_knots(distinct: Floats, counts: Indices) -> tuple[Floats, Floats]:
    """Return z and x of the knots: ranks as normal scores, and values.

    The i-th of n sorted values, from 0, has z = Phi^-1((i + 0.5) / n), rounded to float32. A value
    that appears more than once has two knots, at its first and its last rank.

    Parameters
    ----------
    distinct
        (m,) values, increasing.
    counts
        (m,) how often each appears.
    """
    last = np.cumsum(counts) - 1
    first, tied = last - counts + 1, counts > 1
    kept, points = np.arange(len(distinct)), MAX_KNOTS
    while len(kept) + np.count_nonzero(tied[kept]) > MAX_KNOTS:
        kept, points = _thinned(last, points), points // 2
    ranks = np.stack([first[kept], last[kept]], axis=1)
    needed = np.stack([np.ones(len(kept), np.bool), tied[kept]], axis=1)
    x = np.broadcast_to(distinct[kept, None], needed.shape)[needed]
    return _scores(ranks[needed], int(last[-1]) + 1), x


def _thinned(last: Indices, points: int) -> Indices:
    """Choose the values at some `points` ranks: most of them evenly spaced, the rest even in z."""
    n_tail = int(points * TAIL_SHARE)
    reach = _NORMAL.inv_cdf(0.5 / (int(last[-1]) + 1))
    tails = [_NORMAL.cdf(z) for z in np.linspace(reach, -reach, n_tail).tolist()]
    shares = np.concatenate([np.linspace(0, 1, points - n_tail), tails])
    return np.unique(np.searchsorted(last, np.rint(shares * last[-1])))


def _scores(ranks: Indices, n: int) -> Floats:
    scores = [_NORMAL.inv_cdf((rank + 0.5) / n) for rank in ranks.tolist()]
    z = np.array(scores, dtype=np.float32)
    if (z[1:] <= z[:-1]).any():  # beyond some ten million rows neighbours share a float32
        for i in range(1, len(z)):
            z[i] = max(z[i], np.nextafter(z[i - 1], np.float32(np.inf)))
    return z.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Segments:
    """The pieces between knots, with tables that find the one of a z without a search.

    ``np.interp`` does the same at three times the cost, and overflows near float64's end.

    Attributes
    ----------
    z, x
        (k,) where each segment begins; the last one begins at the last knot and has no width.
    stop, steepness, half_rise
        (k,) where it ends, the inverse of its width in z, half of its rise in x.
    density
        Buckets per unit of z.
    first
        (BUCKETS,) the last segment that begins before the bucket.
    hops
        Knots in the fullest bucket.
    """

    z: Floats
    x: Floats
    stop: Floats
    steepness: Floats
    half_rise: Floats
    density: float
    first: Indices
    hops: int

    @classmethod
    def between(cls, z: Floats, x: Floats) -> Self:
        """Build the tables for knots of increasing z and non-decreasing x."""
        density = (BUCKETS - 1) / (z[-1] - z[0]) if len(z) > 1 else 0.0
        bucket = ((z - z[0]) * density).astype(np.intp)
        first, last = (
            np.searchsorted(bucket, np.arange(BUCKETS), side) - 1 for side in ("left", "right")
        )
        first = np.maximum(first, 0)
        return cls(
            z=z,
            x=x,
            stop=np.append(z[1:], np.inf),
            steepness=np.append(1 / np.diff(z), 0.0),
            half_rise=np.append(np.diff(x / 2), 0.0),
            density=float(density),
            first=first,
            hops=int((last - first).max()),
        )

    def x_at(self, z: Floats) -> Floats:
        """Interpolate (n,) at z within the knots' range; `z` is overwritten."""
        origin = self.z[0]
        segment = self.first.take(((z - origin) * self.density).astype(np.intp))
        for _ in range(self.hops):
            segment += z >= self.stop.take(segment)
        z -= self.z.take(segment)
        z *= self.steepness.take(segment)
        z *= self.half_rise.take(segment)
        x: Floats = self.x.take(segment)
        x += z  # twice a half: the difference of two finite values may be infinite
        x += z
        return x

    def z_at(self, x: Floats) -> Floats:
        """Interpolate (n,) at any x: the middle of a flat segment, the end knots' z beyond them."""
        left, right = (np.searchsorted(self.x, x, side) for side in ("left", "right"))
        at_knot, last = right > left, len(self.x) - 1
        low = np.clip(np.where(at_knot, left, left - 1), 0, last)
        high = np.clip(np.where(at_knot, right - 1, right), 0, last)
        begin = self.x[low] / 2
        rise = self.x[high] / 2 - begin
        share = np.where(at_knot, 0.5, 0.0)
        np.divide(x / 2 - begin, rise, out=share, where=rise > 0)
        z: Floats = self.z[low] + share * (self.z[high] - self.z[low])
        return z
