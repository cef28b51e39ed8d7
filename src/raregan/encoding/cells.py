"""The cells of a column as float64, and back to the dtype and the decimal places they had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from raregan.data.schema import locate
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from raregan.data.schema import Column

MAX_DECIMALS = 10
"""Values with more decimal places are taken as not rounded at all."""


def to_floats(series: pl.Series) -> NDArray[np.float64]:
    """Return the cells as (n,) float64.

    Raises
    ------
    SchemaError
        A cell is missing, NaN or infinite.
    """
    values = series.to_numpy().astype(np.float64)
    faulty = ~np.isfinite(values)
    if faulty.any():
        raise SchemaError(
            f"{locate(series, pl.Series(faulty))}: only finite numbers are encoded; drop the row"
        )
    return values


def count_decimals(values: NDArray[np.float64], column: Column) -> int | None:
    """Return the fewest decimal places that all values are rounded to, if at most `MAX_DECIMALS`.

    It is 0 for integers and booleans, and None for constants, which need no rounding. Of float32
    columns it is decided in float32, where 0.1 has one decimal place as well.
    """
    if column.kind != "continuous":
        return None if column.kind == "constant" else 0
    largest = float(np.abs(values).max())
    for decimals in range(MAX_DECIMALS + 1):
        if largest * 10.0**decimals >= 2**53:  # beyond it, whole numbers are not exact
            return None
        rounded = round_to(values.copy(), decimals)
        if np.array_equal(rounded.astype(numpy_dtype(column)), values):
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


def numpy_dtype(column: Column) -> np.dtype[np.generic]:
    """Return the numpy dtype of a column."""
    name = column.dtype.lower()
    return np.dtype("bool" if name == "boolean" else name)
