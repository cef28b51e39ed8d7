"""Polars dtypes as short text, for schemas and model files, and back."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from raregan.errors import SchemaError

_PLAIN: dict[str, type[pl.DataType]] = {
    dtype.__name__: dtype
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean),
        *(pl.String, pl.Categorical, pl.Date, pl.Time, pl.Null),
    )
}
_UNITS = ("ms", "us", "ns")
KNOWN_DTYPES = (
    *_PLAIN,
    *("Datetime[us]", "Datetime[us, Europe/Berlin]", "Duration[us]", "Decimal[38, 2]"),
    'Enum["a", "b"]',
)
"""What :func:`parse_dtype` takes; those in brackets are examples."""


def dtype_name(dtype: pl.DataType) -> str:
    """Return a dtype as text, such as ``"Int64"`` or ``"Datetime[us, Europe/Berlin]"``."""
    if isinstance(dtype, pl.Datetime):
        zone = f", {dtype.time_zone}" if dtype.time_zone else ""
        return f"Datetime[{dtype.time_unit}{zone}]"
    if isinstance(dtype, pl.Duration):
        return f"Duration[{dtype.time_unit}]"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal[{dtype.precision}, {dtype.scale}]"
    if isinstance(dtype, pl.Enum):
        return f"Enum{json.dumps(dtype.categories.to_list(), ensure_ascii=False)}"
    return type(dtype).__name__ if type(dtype).__name__ in _PLAIN else str(dtype)


def parse_dtype(name: Any) -> pl.DataType:
    """Return the dtype that :func:`dtype_name` wrote as `name`.

    Raises
    ------
    SchemaError
        It names none that raregan handles.
    """
    if isinstance(name, str):
        if name in _PLAIN:
            return _PLAIN[name]()
        base, bracket, rest = name.partition("[")
        try:
            if bracket and rest.endswith("]"):
                return _with_arguments(base, f"[{rest}")
        except (ValueError, TypeError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
            pass
    raise SchemaError(f"unknown dtype {name!r}: use one of {', '.join(KNOWN_DTYPES)}")


def _with_arguments(base: str, arguments: str) -> pl.DataType:
    if base == "Enum":
        levels = json.loads(arguments)
        if all(isinstance(level, str) for level in levels):
            return pl.Enum(levels)
    parts = [part.strip() for part in arguments[1:-1].split(",", maxsplit=1)]
    if base == "Decimal" and len(parts) == 2:  # noqa: PLR2004
        return pl.Decimal(int(parts[0]), int(parts[1]))
    if base == "Duration" and parts[0] in _UNITS and len(parts) == 1:
        return pl.Duration(parts[0])  # type: ignore[arg-type]
    if base == "Datetime" and parts[0] in _UNITS:
        zone = parts[1] if len(parts) > 1 else None
        pl.Series([0], dtype=pl.Int64).cast(pl.Datetime(parts[0], zone))  # type: ignore[arg-type]
        return pl.Datetime(parts[0], zone)  # type: ignore[arg-type]
    raise ValueError(arguments)
