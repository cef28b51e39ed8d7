"""Round numbers: on which steps, of 0.01, 1 or 500, the values of a column lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from raregan.data.fingerprints import mix
from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.encoding.knots import Floats

EXACT = 2**53
"""Whole numbers below it are exact in float64."""

LADDER = tuple(m * 10**k for k in range(15) for m in (1, 5))
"""Steps that people round to, in units of the last decimal place; each divides the next."""

MIN_VALUES = 20
"""Fewer that came once tell nothing of how many are rounded to which step."""

MIN_DISTINCT = 8
"""Fewer values may have a divisor in common by chance."""

SIGMAS = 3.0
"""Standard deviations by which values on a step must outnumber those that lie there by chance."""


@dataclass(frozen=True)
class Steps:
    """What share of the values is rounded to which step.

    Of values rounded to cents one in a hundred is whole by chance. The shares are those that, with
    such chances, give the values seen: step by step, from the finest on. Where no more values lie
    on a step than finer ones explain, its share is 0.

    Attributes
    ----------
    decimals
        Decimal places of the finest step.
    sizes
        In units of the last decimal place, increasing, each a divisor of the next.
    shares
        Of the values, by step.
    low, high
        The observed range; what rounding would take out of it is rounded to `decimals` only.
    """

    decimals: int
    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    low: float
    high: float

    @classmethod
    def fit(cls, values: Floats, ties: Floats, decimals: int) -> Self | None:
        """Learn from finite values of so many decimal places; None: there is nothing to round to.

        Parameters
        ----------
        values
            (n,) all of them.
        ties
            Those that an encoding makes again as they are: they say what divides all values, and
            nothing of shares.
        decimals
            Decimal places of all.
        """
        distinct = np.unique(values)
        if len(distinct) < MIN_DISTINCT or np.abs(distinct).max() * 10.0**decimals >= EXACT:
            return None
        finest = int(np.gcd.reduce(np.rint(distinct * 10.0**decimals).astype(np.int64)))
        once = values[~np.isin(values, ties)]
        if len(once) < MIN_VALUES:
            sizes, shares = (finest,), [1.0]
        else:
            sizes = (finest, *(size for size in LADDER if size > finest and size % finest == 0))
            shares = _shares(np.rint(once * 10.0**decimals).astype(np.int64), sizes)
        kept = [i for i, share in enumerate(shares) if share]
        if [sizes[i] for i in kept] == [1]:
            return None
        return cls(
            decimals,
            tuple(sizes[i] for i in kept),
            tuple(shares[i] for i in kept),
            float(values.min()),
            float(values.max()),
        )

    def finest(self) -> Self | None:
        """Return the finest step for all values, which moves none of those learned from."""
        size = self.sizes[0]
        return None if size == 1 else replace(self, sizes=(size,), shares=(1.0,))

    def round(self, values: Floats) -> Floats:
        """Return (n,) values, each rounded to a step; which one depends on its bits alone."""
        chance = (mix(values.view(np.uint64)) >> np.uint64(11)) * 2.0**-53
        which = np.searchsorted(np.cumsum(self.shares[:-1]), chance, "right")
        size, scale = np.array(self.sizes, np.float64)[which], 10.0**self.decimals
        rounded: Floats = np.rint(values * scale / size) * size / scale + 0.0
        inside = (rounded >= self.low) & (rounded <= self.high)
        return np.where(inside, rounded, np.rint(values * scale) / scale + 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "sizes": list(self.sizes),
            "shares": list(self.shares),
            "low": self.low,
            "high": self.high,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], decimals: int) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        sizes, shares = tuple(data["sizes"]), tuple(data["shares"])
        low, high = data["low"], data["high"]
        sound = (
            len(sizes) == len(shares) > 0
            and all(type(size) is int and 0 < size < EXACT for size in sizes)
            and all(b > a and b % a == 0 for a, b in pairwise(sizes))
            and all(type(share) is float and 0 < share <= 1 for share in shares)
            and type(low) is type(high) is float
            and -EXACT < low <= high < EXACT
        )
        if not sound:
            raise ModelFileError(f"these are no steps as raregan writes them: {dict(data)}")
        return cls(decimals, sizes, shares, low, high)


def _shares(units: NDArray[np.int64], sizes: tuple[int, ...]) -> list[float]:
    """Return the share of the (n,) values that is rounded to each size.

    A value lies *at* the largest size that divides it. What was rounded to size a lies at b or
    above with probability a / b.
    """
    reach = [np.count_nonzero(units % size == 0) for size in sizes] + [0]
    chances = [*(1 / np.array(sizes)), 0.0]
    counts: list[float] = []
    for k, size in enumerate(sizes):
        finer = sum(n * a for n, a in zip(counts, sizes[:k], strict=True))
        expected = finer * (chances[k] - chances[k + 1])
        excess = reach[k] - reach[k + 1] - expected
        enough = not expected or excess > SIGMAS * (1 + np.sqrt(expected))
        counts.append(excess / (1 - size * chances[k + 1]) if enough else 0.0)
    return [float(n / sum(counts)) for n in counts]
