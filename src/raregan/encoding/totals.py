"""Columns that are the sum of others: they are added up, not learned."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from raregan.data.dtypes import dtype_name, parse_dtype
from raregan.data.schema import locate
from raregan.encoding.cells import (
    INFINITE,
    MAX_DECIMALS,
    count_decimals,
    last_before,
    numpy_dtype,
    round_to,
    to_decimals,
    to_floats,
)
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raregan.data.constraints import Sum
    from raregan.encoding.knots import Floats


@dataclass(frozen=True)
class Total:
    """A column that is the sum of others.

    It is missing where one of them is, and where `MissingCells` says so.

    Attributes
    ----------
    name, summands
        Of the columns.
    dtype
        Of the total.
    decimals
        Decimal places that it is rounded to; None leaves it as it is.
    low, high
        Its observed range. A sum of values in range can lie outside: such rows are drawn anew.
    """

    name: str
    summands: tuple[str, ...]
    dtype: str
    decimals: int | None
    low: float
    high: float

    def add_up(self, cells: Mapping[str, pl.Series]) -> pl.Series:
        """Return (n,) sums of the summands' cells."""
        summands = [cells[name] for name in self.summands]
        known = np.logical_and.reduce([s.is_not_null().to_numpy() for s in summands])
        with np.errstate(over="ignore", invalid="ignore"):  # of infinite and huge summands
            values = np.sum([to_floats(s.fill_null(0)) for s in summands], axis=0)
            if self.decimals is not None:
                values = round_to(values, self.decimals)
        total = _to_series(values, parse_dtype(self.dtype))
        return total if known.all() else total.set(pl.Series(~known), None)

    def in_range(self, frame: pl.DataFrame) -> pl.Series:
        """Say of each row whether its total is missing or lies in the observed range."""
        total = frame[self.name]
        inside = total.cast(pl.Float64).is_between(self.low, self.high)
        return inside.fill_null(value=True)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        ends = {
            key: end if math.isfinite(end) else str(end)
            for key, end in (("low", self.low), ("high", self.high))
        }
        return {**asdict(self), **ends, "summands": list(self.summands)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        ends = {key: INFINITE.get(data[key], data[key]) for key in ("low", "high")}
        total = cls(**{**data, **ends, "summands": tuple(data["summands"])})
        decimals = total.decimals
        sound = (
            parse_dtype(total.dtype).is_numeric()
            and (decimals is None or (type(decimals) is int and 0 <= decimals <= MAX_DECIMALS))
            and all(type(end) is float for end in ends.values())
            and total.low <= total.high
        )
        if not sound:
            raise ModelFileError(f"this is no total as raregan writes it: {total}; train anew")
        return total


def fit_total(rule: Sum, frame: pl.DataFrame) -> Total:
    """Fit a total to the rows of a frame in which the rule holds.

    Raises
    ------
    SchemaError
        The total is known in a row in which one of its summands is not.
    """
    total = frame[rule.total]
    unknown = pl.any_horizontal(pl.col(rule.parts).is_null())
    part_missing = frame.select(unknown).to_series()
    odd = part_missing & total.is_not_null()
    if odd.any():
        raise SchemaError(
            f"{locate(total, odd)}, though one of {', '.join(map(repr, rule.parts))} is missing "
            f"there: {rule.text!r} cannot be kept by adding up; leave it out, or fill the cell"
        )
    values = to_floats(total.drop_nulls())
    return Total(
        name=rule.total,
        summands=tuple(rule.parts),
        dtype=dtype_name(total.dtype),
        decimals=count_decimals(values, total.dtype),
        low=float(values.min(initial=np.inf)) if len(values) else 0.0,
        high=float(values.max(initial=-np.inf)) if len(values) else 0.0,
    )


def _to_series(values: Floats, dtype: pl.DataType) -> pl.Series:
    """Return sums as cells; what the dtype cannot hold becomes the last that it can.

    Such a sum lies out of range, or breaks its rule, and is drawn anew.
    """
    if dtype.is_float():
        return pl.Series(values).cast(dtype)
    values = np.nan_to_num(values)
    if isinstance(dtype, pl.Decimal):
        return to_decimals(values, dtype)
    ends = np.iinfo(numpy_dtype(dtype).name)
    values = np.clip(values, ends.min, last_before(ends.max + 1.0, 1.0))
    return pl.Series(values.astype(numpy_dtype(dtype)), dtype=dtype)
