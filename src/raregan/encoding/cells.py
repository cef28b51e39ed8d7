"""Cells as float64, and back to the dtype and the decimal places they had; cells as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from raregan.data.dtypes import dtype_name
from raregan.data.schema import locate
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_DECIMALS = 10
"""Values with more decimal places are taken as not rounded at all."""

INFINITE = {"inf": math.inf, "-inf": -math.inf}
"""How infinite numbers stand in JSON, which has none."""


def to_floats(series: pl.Series) -> NDArray[np.float64]:
    """Return the cells, none of them missing, as (n,) float64.

    Raises
    ------
    SchemaError
        A cell is text that is no number.
    """
    if series.dtype == pl.String:
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count():
            raise SchemaError(f"{locate(series, numbers.is_null())}, which is no number")
        series = numbers
    if isinstance(series.dtype, pl.Decimal):
        series = series.cast(pl.Float64)
    return series.to_numpy().astype(np.float64)


def count_decimals(values: NDArray[np.float64], dtype: pl.DataType) -> int | None:
    """Return the fewest decimal places that all values are rounded to, if at most `MAX_DECIMALS`.

    Of float32 columns it is decided in float32, where 0.1 has one decimal place as well.

    Parameters
    ----------
    values
        (n,) finite.
    dtype
        Of the column.
    """
    if dtype.is_integer():
        return 0
    largest = float(np.abs(values).max(initial=0.0))
    exact: type = np.float32 if dtype == pl.Float32 else np.float64
    for decimals in range(MAX_DECIMALS + 1):
        if largest * 10.0**decimals >= 2**53:  # beyond it, whole numbers are not exact
            return None
        rounded = round_to(values.copy(), decimals)
        if np.array_equal(rounded.astype(exact), values):
            return decimals
    return None


def round_to(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    """Round in place, to the float64 nearest to the decimal number; -0.0 becomes 0.0."""
    if decimals:
        values *= 10.0**decimals
    np.rint(values, out=values)
    values += 0.0
    if decimals:
        values /= 10.0**decimals
    return values


def to_decimals(values: NDArray[np.float64], dtype: pl.Decimal) -> pl.Series:
    """Return floats as decimals; what the dtype cannot hold becomes the last that it can."""
    high = last_before(10.0 ** (dtype.precision - dtype.scale), 10.0**-dtype.scale)
    return pl.Series(np.clip(values, -high, high)).cast(dtype)


def last_before(limit: float, step: float) -> float:
    """Return the last number of this step before a limit, which float64 may not reach."""
    return limit - max(step, 2 * math.ulp(limit))


def numpy_dtype(dtype: pl.DataType) -> np.dtype[np.generic]:
    """Return the numpy dtype of a numeric polars dtype."""
    empty: NDArray[np.generic] = pl.Series([], dtype=dtype).to_numpy()
    return empty.dtype


def to_values(series: pl.Series) -> list[Any]:
    """Return cells as JSON-safe values: dates as integers, decimals and infinity as text."""
    dtype = series.dtype
    if dtype.is_float():
        return [str(x) if x is not None and math.isinf(x) else x for x in series]
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Decimal):
        series = series.cast(pl.String)
    return (series.to_physical() if dtype.is_temporal() else series).to_list()


def from_values(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Restore what :func:`to_values` wrote.

    Raises
    ------
    ModelFileError
        A value is none of this dtype.
    """
    stored: pl.DataType = dtype
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Decimal):
        stored = pl.String()
    elif dtype.is_temporal():
        stored = pl.Series([], dtype=dtype).to_physical().dtype
    try:
        if dtype.is_float():
            values = [INFINITE.get(x, x) for x in values]
        return pl.Series(values, dtype=stored, strict=True).cast(dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise ModelFileError(f"these are no values of type {dtype_name(dtype)}: {error}") from None
