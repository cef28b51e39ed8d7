"""Dates and points in time, by the wall clock: day, weekday, hour and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import polars as pl

from raregan.data.dtypes import dtype_name, parse_dtype
from raregan.data.schema import locate
from raregan.encoding.calendar import Calendar
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.encoding.fields import Draw, Encoded
    from raregan.encoding.layout import Part

_DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False)
class MomentField:
    """Date, Datetime with or without a time zone, or text of dates.

    Weekday and hour are those of the column's own time zone. A time that the change to summer time
    skips comes out as much later; of one that comes twice in autumn the first is taken.

    Attributes
    ----------
    dtype, format
        As of the column; see `raregan.data.schema.Column`.
    calendar
        How the wall-clock ticks are encoded.
    """

    dtype: pl.DataType
    format: str | None
    calendar: Calendar

    name: ClassVar[str] = "moment"

    @classmethod
    def fit(cls, cells: pl.Series, form: str | None) -> Self:
        """Fit the calendar to (n,) cells, of which `form` is the format if they are text."""
        ticks, unit = _to_ticks(cells, form)
        return cls(cells.dtype, form, Calendar.fit(ticks, unit))

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return those of the calendar."""
        return self.calendar.parts

    def encode(self, cells: pl.Series) -> Encoded:
        """Encode (n,) cells."""
        return self.calendar.encode(_to_ticks(cells, self.format)[0])

    def decode(self, encoded: Encoded, draw: Draw) -> pl.Series:  # noqa: ARG002
        """Decode (n, width) numbers."""
        ticks = pl.Series(self.calendar.decode(encoded))
        if self.dtype == pl.Date:
            return ticks.cast(pl.Int32).cast(pl.Date)
        if self.dtype == pl.String:
            return ticks.cast(pl.Datetime("us")).dt.to_string(cast("str", self.format))
        dtype = cast("pl.Datetime", self.dtype)
        if dtype.time_zone is None:
            return ticks.cast(dtype)
        ends = pl.Series([self.calendar.minimum, self.calendar.maximum])
        placed = _in_zone(pl.concat([ends, ticks]).cast(pl.Datetime(dtype.time_unit)), dtype)
        first, last, *_ = placed.head(2).to_physical()
        return placed.slice(2).to_physical().clip(first, last).cast(dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "dtype": dtype_name(self.dtype),
            "format": self.format,
            "calendar": self.calendar.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        dtype, form = parse_dtype(data["dtype"]), data["format"]
        calendar = Calendar.from_dict(data["calendar"])
        units = {pl.Date: "d", pl.String: "us", pl.Datetime: getattr(dtype, "time_unit", None)}
        written = isinstance(form, str) if dtype == pl.String else form is None
        if not written or units.get(type(dtype)) != calendar.unit:
            raise ModelFileError(f"a column of type {data['dtype']} holds no dates; train anew")
        return cls(dtype, form, calendar)


def _to_ticks(cells: pl.Series, form: str | None) -> tuple[NDArray[np.int64], str]:
    """Return wall-clock ticks since 1970 and their unit."""
    if cells.dtype == pl.String:
        texts, cells = cells, cells.str.to_datetime(form, time_unit="us", strict=False)
        if cells.null_count():
            raise SchemaError(f"{locate(texts, cells.is_null())}, which is no date like {form!r}")
    if cells.dtype == pl.Date:
        return cells.to_physical().to_numpy().astype(np.int64), "d"
    dtype = cast("pl.Datetime", cells.dtype)
    return cells.dt.replace_time_zone(None).to_physical().to_numpy(), dtype.time_unit


def _in_zone(wall: pl.Series, dtype: pl.Datetime) -> pl.Series:
    def place(times: pl.Series) -> pl.Series:
        zone = dtype.time_zone
        return times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    placed = place(wall)
    skipped = placed.is_null()
    if not skipped.any():
        return placed
    # what the clock skips, even a whole day, exists a day before: from there 24 hours pass
    later = place(wall - _DAY) + _DAY
    return placed.zip_with(~skipped, later)
