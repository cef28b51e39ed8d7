"""A column of numbers: a continuous part, and values that so many rows share that they stand apart.

Infinite values stand apart too, as they have no place on a scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import polars as pl

from raregan.data.dtypes import dtype_name, parse_dtype
from raregan.data.schema import locate
from raregan.encoding.cells import (
    INFINITE,
    MAX_DECIMALS,
    count_decimals,
    numpy_dtype,
    round_to,
    to_decimals,
    to_floats,
)
from raregan.encoding.columns import ENCODINGS, ColumnEncoding
from raregan.encoding.layout import Part
from raregan.encoding.steps import Steps
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.encoding.fields import Draw, Encoded
    from raregan.encoding.knots import Floats

MIN_SPIKE_ROWS = 3
"""Fewer equal rows are a coincidence, whatever their share."""

_MAX_DIGITS = 38  # of a polars Decimal
_LAST_TICK = 2.0**63 - 1024  # the largest float64 that fits an int64


@dataclass(frozen=True, eq=False)
class NumberField:
    """Numbers, durations and times of the day.

    A spike is a value with at least the `spike_share` of the rows: zero amounts, a cap, a default
    code. A ``"spike"`` part says which of them a row has, if any, and the ``"value"`` part is
    fitted to the other rows only: the mixed columns of CTAB-GAN (Zhao et al. 2021), with the
    quantile curve in place of their mixture. Below that share the quantile curve's flat segments
    keep ties well enough, in one number instead of three.

    Attributes
    ----------
    dtype
        Of the column.
    spikes
        Increasing, without -0.0.
    scaling
        How the other values are encoded; None where there are none.
    decimals
        Decimal places that decoded cells are rounded to; None leaves them as they are.
    unit
        Ticks of the dtype in one unit of what is encoded: durations in whole days are encoded as
        days.
    steps
        What share of decoded cells is rounded more; None: none is.
    """

    dtype: pl.DataType
    spikes: tuple[float, ...]
    scaling: ColumnEncoding | None
    decimals: int | None
    unit: int = 1
    steps: Steps | None = None

    name: ClassVar[str] = "number"

    @classmethod
    def fit(cls, cells: pl.Series, numeric: str) -> Self:
        """Find the spikes and fit the encoding called `numeric` to the other values."""
        dtype, unit = cells.dtype, 1
        decimals: int | None
        if dtype.is_temporal():
            ticks = cells.to_physical().to_numpy()
            unit = max(int(np.gcd.reduce(ticks)), 1)
            values, decimals = _in_units(ticks, unit), 0
        else:
            values = to_floats(cells)
            decimals = _decimals(cells, values)
        if dtype == pl.String:
            _check_digits(cells, values, decimals or 0)
        encoding = ENCODINGS[numeric]
        spikes = _find_spikes(values, encoding.spike_share)
        rest = values[~np.isin(values, spikes)]
        scaling = encoding.fit(rest) if len(rest) else None
        steps = None
        if scaling is not None and decimals is not None:
            steps = Steps.fit(rest, scaling.ties, decimals)
            if steps is not None and not scaling.keeps_values:
                steps = steps.finest()
        return cls(dtype, tuple(spikes.tolist()), scaling, decimals, unit, steps)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return which spike, then the value."""
        parts = []
        if self._n_states > 1:
            binary = self._n_states == 2  # noqa: PLR2004
            width, activation = (1, "sigmoid") if binary else (self._n_states, "softmax")
            parts.append(Part("spike", width, activation))
        if self.scaling is not None:
            parts.append(Part("value", 1, "linear"))
        return tuple(parts)

    @property
    def _n_states(self) -> int:
        return len(self.spikes) + (self.scaling is not None)

    def encode(self, cells: pl.Series) -> Encoded:
        """Encode (n,) cells; of a row with a spike the value is encoded as 0."""
        if self.dtype.is_temporal():
            values = _in_units(cells.to_physical().to_numpy(), self.unit)
        else:
            values = to_floats(cells)
        encoded = np.zeros((len(values), sum(part.width for part in self.parts)), np.float32)
        at_spike = np.isin(values, self.spikes) if self.spikes else None
        if self.scaling is not None:
            encoded[:, -1:] = self.scaling.encode(values)
            if at_spike is not None:
                encoded[at_spike, -1] = 0
        if self._n_states > 1:
            self._encode_state(encoded, values, at_spike)
        return encoded

    def _encode_state(self, encoded: Encoded, values: Floats, at_spike: Any) -> None:
        """Write which spike a row has: state 0 is none of them, where that is possible."""
        state = np.searchsorted(self.spikes, values).clip(max=len(self.spikes) - 1)
        if self.scaling is not None:
            state = np.where(at_spike, state + 1, 0)
        if self._n_states == 2:  # noqa: PLR2004
            encoded[:, 0] = state
        else:
            encoded[np.arange(len(state)), state] = 1

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:  # noqa: ARG002
        """Decode (n, width) numbers."""
        if self.scaling is not None:
            values = self._rounded(self.scaling.decode(encoded[:, -1:]))
        else:
            values = np.full(len(encoded), self.spikes[0])
        if self.spikes:
            state = self._decode_state(encoded)
            hit = state >= 0
            values[hit] = np.asarray(self.spikes)[state[hit]]
        return self._to_series(values)

    def _rounded(self, values: Floats) -> Floats:
        if self.decimals is None:
            return values
        if self.steps is None or self.scaling is None:
            return round_to(values, self.decimals)
        between = ~np.isin(values, self.scaling.exact)
        values[between] = self.steps.round(values[between])
        return values

    def _decode_state(self, encoded: Encoded) -> Any:
        """Return the number of each row's spike, -1 for none."""
        first = -1 if self.scaling is not None else 0
        if self._n_states == 1:
            return np.zeros(len(encoded), np.intp)
        if self._n_states == 2:  # noqa: PLR2004
            return (encoded[:, 0] > 0.5).astype(np.intp) + first  # noqa: PLR2004
        return encoded[:, : self._n_states].argmax(axis=1) + first

    def _to_series(self, values: Floats) -> pl.Series:
        dtype = self.dtype
        if dtype.is_temporal():
            last = _LAST_TICK // self.unit
            ticks = np.clip(values, -last, last).astype(np.int64) * self.unit
            return pl.Series(ticks).cast(dtype)
        if dtype == pl.String:
            scale = self.decimals or 0
            return pl.Series(values).cast(pl.Decimal(_MAX_DIGITS, scale)).cast(pl.String)
        if isinstance(dtype, pl.Decimal):
            return to_decimals(values, dtype)
        return pl.Series(values.astype(numpy_dtype(dtype), copy=False), dtype=dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        scaling = self.scaling
        return {
            "dtype": dtype_name(self.dtype),
            "spikes": [x if np.isfinite(x) else str(x) for x in self.spikes],
            "scaling": None if scaling is None else {"name": scaling.name, **scaling.to_dict()},
            "decimals": self.decimals,
            "unit": self.unit,
            "steps": None if self.steps is None else self.steps.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        spikes = tuple(INFINITE.get(x, x) for x in data["spikes"])
        scaling, decimals, unit = data["scaling"], data["decimals"], data["unit"]
        sound = (
            all(type(x) is float for x in spikes)
            and all(a < b for a, b in pairwise(spikes))
            and (spikes or scaling)
            and (decimals is None or (type(decimals) is int and 0 <= decimals <= MAX_DECIMALS))
            and type(unit) is int
            and unit > 0
            and (data["steps"] is None or (scaling is not None and decimals is not None))
        )
        if not sound:
            raise ModelFileError(f"this is no column of numbers as raregan writes it: {dict(data)}")
        restored = ENCODINGS[scaling["name"]].from_dict(scaling) if scaling else None
        steps = data["steps"]
        if steps is not None:
            steps = Steps.from_dict(steps, decimals)
        return cls(parse_dtype(data["dtype"]), spikes, restored, decimals, unit, steps)


def _in_units(ticks: NDArray[np.integer[Any]], unit: int) -> Floats:
    """Divide in whole numbers first: ticks beyond 2**53 are no float64."""
    whole, rest = np.divmod(ticks, unit)
    return whole + rest / unit


def _decimals(cells: pl.Series, values: Floats) -> int | None:
    if isinstance(cells.dtype, pl.Decimal):
        return cells.dtype.scale if cells.dtype.scale <= MAX_DECIMALS else None
    if cells.dtype == pl.String:  # numbers written out
        return cast("int", cells.str.extract(r"\.([0-9]*)").str.len_bytes().max() or 0)
    return count_decimals(values[np.isfinite(values)], cells.dtype)


def _check_digits(cells: pl.Series, values: Floats, decimals: int) -> None:
    """Refuse text of more digits than it can be written again with."""
    long = pl.Series(np.abs(values) >= 10.0 ** (_MAX_DIGITS - decimals))
    if long.any():
        raise SchemaError(
            f"{locate(cells, long)}: a number of more than {_MAX_DIGITS} digits; choose "
            "--kind categorical or identifier"
        )


def _find_spikes(values: Floats, share: float) -> Floats:
    distinct, counts = np.unique(values + 0.0, return_counts=True)  # -0.0 becomes 0.0
    spikes = distinct[(counts >= max(share * len(values), MIN_SPIKE_ROWS)) | np.isinf(distinct)]
    rest = np.setdiff1d(distinct, spikes)
    return distinct if len(rest) <= 1 else spikes
