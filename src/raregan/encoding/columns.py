"""How numbers become numbers that a network learns well, and back.

An encoding is a small class with `fit`, `encode` and `decode`, frozen once fitted, entered in
`ENCODINGS` by its name. Cells are (n,) float64; encoded ones are (n, 1) float32.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from raregan.encoding.knots import Floats, Segments, place_knots
from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

Encoded = NDArray[np.float32]


class ColumnEncoding(Protocol):
    """What the encoder asks of an encoding."""

    name: ClassVar[str]
    spike_share: ClassVar[float]
    """A value with this share of the rows is encoded apart: see `raregan.encoding.numbers`."""
    keeps_values: ClassVar[bool]
    """Whether it knows which values were there: others may be made rounder."""

    @property
    def exact(self) -> Floats:
        """Values that come back to the bit."""

    @property
    def ties(self) -> Floats:
        """Values that a range of numbers decodes to, each of them."""

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Learn from one or more finite values."""

    def encode(self, values: Floats) -> Encoded:
        """Turn (n,) values into (n, 1) finite numbers, never falling as values rise."""

    def decode(self, encoded: Encoded) -> Floats:
        """Turn (n, 1) numbers, infinite ones too, into (n,) values of the observed range."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy, from which each float comes back to the bit."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""


@dataclass(frozen=True)
class StandardColumn:
    """Scaling to mean 0 and standard deviation 1.

    What comes back differs from what was encoded by the rounding to float32: by at most 2**-24 of
    the distance to the mean, and 2**-50 of the largest magnitude. It lies in [minimum, maximum].

    Attributes
    ----------
    scale
        The largest power of two that no magnitude exceeds: with it no square overflows.
    mean, std
        Of the values divided by `scale`; the std is 1 where all values are the same.
    minimum, maximum
        The observed range.
    """

    scale: float
    mean: float
    std: float
    minimum: float
    maximum: float

    name: ClassVar[str] = "standard"
    spike_share: ClassVar[float] = 0.05
    keeps_values: ClassVar[bool] = False

    @property
    def exact(self) -> Floats:
        """The ends of the range."""
        return np.array([self.minimum, self.maximum])

    @property
    def ties(self) -> Floats:
        """None: values that came often are scaled like others."""
        return np.array([])

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Measure mean, deviation and range."""
        minimum, maximum = float(values.min()), float(values.max())
        largest = max(-minimum, maximum)
        scale = math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest else 1.0
        scaled = values / scale
        std = float(scaled.std()) if minimum < maximum else 1.0
        return cls(scale, float(scaled.mean()), std, minimum, maximum)

    def encode(self, values: Floats) -> Encoded:
        """Scale; values beyond the observed range count as its ends."""
        scaled = np.clip(values, self.minimum, self.maximum) / self.scale
        return ((scaled - self.mean) / self.std).astype(np.float32)[:, None]

    def decode(self, encoded: Encoded) -> Floats:
        """Scale back and clamp to the observed range."""
        values = encoded[:, 0].astype(np.float64)
        with np.errstate(over="ignore"):  # what becomes infinite is clamped
            values *= self.std
            values += self.mean
            values *= self.scale
        return np.clip(values, self.minimum, self.maximum, out=values)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        column = cls(*_numbers(data, "scale", "mean", "std", "minimum", "maximum"))
        if column.scale <= 0 or column.std <= 0 or column.minimum > column.maximum:
            raise ModelFileError(f"this is no standard scaling as raregan writes it: {column}")
        return column


@dataclass(frozen=True, eq=False)
class QuantileColumn:
    """A monotone map to the standard normal, piecewise linear through saved knots.

    The i-th of n sorted values, from 0, belongs to z = Phi^-1((i + 0.5) / n): normal scores (van
    der Waerden) at Hazen's plotting positions. scikit-learn's ``QuantileTransformer`` with
    ``output_distribution="normal"`` is the same idea, but puts the extremes at ranks 0 and 1, that
    is at a z of +-5.2 by decree; here they stay where a normal sample of n rows has them.

    A value that appears more than once has a flat segment, from its first rank to its last. Any z
    on it decodes to that value, so a spike stays a spike; it is encoded as the middle.

    Decoding is exact at knots: what has one comes back to the bit. Every training value has one,
    unless that makes more than `MAX_KNOTS` knots and they are thinned. Then the extremes and what
    takes more than 1 % of the rows keep theirs, and what lies between two knots comes back up to
    the rounding of z to float32, that is up to 2**-21 / (z1 - z0) of the knots' distance x1 - x0.

    Attributes
    ----------
    z
        (k,) float64, increasing, each of them a float32 number.
    x
        (k,) float64, non-decreasing.
    """

    z: Floats
    x: Floats

    name: ClassVar[str] = "quantile"
    spike_share: ClassVar[float] = 0.25
    keeps_values: ClassVar[bool] = True

    @property
    def exact(self) -> Floats:
        """Those at knots."""
        return self.x

    @property
    def ties(self) -> Floats:
        """Those of the flat segments."""
        tied: Floats = self.x[1:][self.x[1:] == self.x[:-1]]
        return tied

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Place the knots."""
        distinct, counts = np.unique(values + 0.0, return_counts=True)  # -0.0 becomes 0.0
        return cls(*place_knots(distinct, counts))

    def encode(self, values: Floats) -> Encoded:
        """Interpolate z; values beyond the observed range count as its ends."""
        return self._segments.z_at(values).astype(np.float32)[:, None]

    def decode(self, encoded: Encoded) -> Floats:
        """Interpolate x; z beyond the outer knots count as theirs."""
        z = encoded[:, 0].astype(np.float64)
        x = self._segments.x_at(np.clip(z, self.z[0], self.z[-1], out=z))
        return np.clip(x, self.x[0], self.x[-1], out=x)  # interpolation may round beyond them

    @cached_property
    def _segments(self) -> Segments:
        return Segments.between(self.z, self.x)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {"z": self.z.tolist(), "x": self.x.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        z, x = (np.array(_number_list(data, key), dtype=np.float64) for key in ("z", "x"))
        with np.errstate(over="ignore"):
            sound = len(z) == len(x) > 0 and np.array_equal(z, z.astype(np.float32))
        if not (sound and (z[1:] > z[:-1]).all() and (x[1:] >= x[:-1]).all()):
            raise ModelFileError("the knots of a quantile column are out of order; train anew")
        return cls(z, x)


ENCODINGS: dict[str, type[ColumnEncoding]] = {
    encoding.name: encoding for encoding in (StandardColumn, QuantileColumn)
}
"""By the name that a model file holds."""


def _numbers(data: Mapping[str, Any], *keys: str) -> list[float]:
    return _finite([data.get(key) for key in keys], f"the fields {', '.join(keys)}")


def _number_list(data: Mapping[str, Any], key: str) -> list[float]:
    values = data.get(key)
    return _finite(values if isinstance(values, list) else [None], f"the list {key}")


def _finite(values: list[Any], what: str) -> list[float]:
    if not all(type(value) is float and math.isfinite(value) for value in values):
        raise ModelFileError(f"{what} of an encoded column must be finite numbers; train anew")
    return values
