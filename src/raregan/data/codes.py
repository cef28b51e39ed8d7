"""Values that stand for missing ones: -999, 0 where it cannot be, "?", "unknown", 1900-01-01."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raregan.data.schema import Column

Floats = npt.NDArray[np.float64]

TEXT_CODES = frozenset(
    [
        *("", "?", "??", "-", "--", ".", "n/a", "n.a.", "#n/a", "na", "nan", "null", "nil"),
        *("unknown", "unk", "missing", "(missing)", "undefined", "not available"),
        *("not specified", "unspecified", "not known", "<na>", "(null)"),
    ]
)
"""Text, in lower case, that stands for a missing value. "none" may well be an answer."""

LOW_CODES = (-1, -9, -99, -999, -9999, -99999, -999999, -9999999)
HIGH_CODES = (99, 999, 9999, 99999, 999999, 9999999, 99999999, 999999999)
"""Numbers that stand for a missing value where they lie apart from the others."""

MIN_NUMBERS = 5
"""With fewer distinct numbers only a negative code and an odd zero are told."""

FEW_NUMBERS = 12
"""With fewer, what is near a zero is judged by the largest step between them."""

DATE_CODES = (
    *("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1901-01-01"),
    *("1970-01-01", "2099-12-31", "2999-12-31", "9999-12-31"),
)
"""Days that stand for a missing date where they lie apart from the others, or outnumber them."""


def find_codes(counts: pl.DataFrame, column: Column) -> Iterator[tuple[str, int, str]]:
    """Yield values that stand for missing ones: each as shown, its rows, and what makes it odd.

    Parameters
    ----------
    counts
        The distinct ``value``s of a column in ascending order, and how many ``rows`` hold each.
    column
        What the column is.
    """
    dtype = counts.schema["value"]
    if column.kind in ("constant", "boolean") or counts.height < 2:  # noqa: PLR2004
        return iter(())
    if column.kind == "datetime":
        return _date_codes(counts, column)
    if dtype == pl.String:
        return chain(_text_codes(counts), _written_codes(counts, column))
    if dtype.is_numeric() and column.kind != "identifier":
        values = counts["value"].cast(pl.Float64).to_numpy()
        found = _number_codes(values, counts["rows"].to_list())
        return ((f"{value:.0f}", n_rows, why) for value, n_rows, why in found)
    return iter(())


def _text_codes(counts: pl.DataFrame) -> Iterator[tuple[str, int, str]]:
    levels = counts.with_columns(plain=pl.col("value").str.strip_chars().str.to_lowercase())
    codes = TEXT_CODES
    if counts["value"].str.len_chars().max() == 2:  # noqa: PLR2004
        codes = TEXT_CODES - {"na"}  # Namibia, among other countries
    for level, n_rows, _ in levels.filter(pl.col("plain").is_in(codes)).rows():
        yield repr(level), n_rows, ""
    numbers = levels.filter(pl.col("plain").str.contains(r"^-?(0+|1|9+)$"))
    words = counts.filter(~pl.col("value").str.contains(r"\d"))
    if numbers.height == 1 and words.height == counts.height - 1 and words.height > 2:  # noqa: PLR2004
        level, n_rows, _ = numbers.row(0)
        yield repr(level), n_rows, ", a number among words"


def _written_codes(counts: pl.DataFrame, column: Column) -> Iterator[tuple[str, int, str]]:
    """Find codes in text that is all numbers but for `TEXT_CODES`."""
    plain = pl.col("value").str.strip_chars()
    levels = counts.filter(~plain.str.to_lowercase().is_in(TEXT_CODES))
    written = levels["value"].str.strip_chars()
    if not written.str.contains(r"^-?\d{1,15}(\.\d+)?$").all():
        return
    n_decimal = int(written.str.contains(".", literal=True).sum())
    if column.kind == "identifier" and 2 * n_decimal < len(written):
        return  # numbers of accounts and the like; those with decimals are amounts
    numbers = levels.with_columns(number=written.cast(pl.Float64)).group_by("number")
    found = numbers.agg(pl.col("value").first(), pl.col("rows").sum()).sort("number")
    texts = dict(found.select("number", "value").rows())
    for value, n_rows, why in _number_codes(found["number"].to_numpy(), found["rows"].to_list()):
        yield repr(texts[value]), n_rows, why


def _number_codes(values: Floats, n_rows: list[int]) -> Iterator[tuple[float, int, str]]:
    """Find codes at the ends of a column's values, one behind another."""
    finite = np.isfinite(values)
    values, n_rows = values[finite], [n for n, good in zip(n_rows, finite, strict=True) if good]
    at_least = MIN_NUMBERS
    while values.size > 2:  # noqa: PLR2004
        if _is_low_code(values) or _is_odd_zero(values, n_rows):
            end, rest, why = 0, slice(1, None), ""
        elif values.size >= at_least and _is_high_code(values):
            end, rest, why = -1, slice(-1), ", a code or a cap"
            at_least = 0  # 99 is a code beside 999
        else:
            return
        if n_rows[end] > 1:
            yield values[end], n_rows[end], why + _apart(values[rest])
        values, n_rows = values[rest], n_rows[rest]


def _apart(rest: Floats) -> str:
    return f", apart from the rest ({show_number(rest[0])} to {show_number(rest[-1])})"


def _is_low_code(values: Floats) -> bool:
    """Say whether the lowest is a code: all negative ones are, or it is far below all others.

    Of few values -1 is none beside 0 and 1 alone: those are signs.
    """
    if values[0] not in LOW_CODES:
        return False
    if values.size < MIN_NUMBERS and values[0] == -values[-1]:
        return False
    only_codes = np.isin(values[values < 0], LOW_CODES).all()
    return bool(only_codes or values[1] - values[0] >= values[-1] - values[1])


def _is_high_code(values: Floats) -> bool:
    return values[-1] in HIGH_CODES and bool(values[-1] - values[-2] >= values[-2] - values[0])


def _is_odd_zero(values: Floats, n_rows: list[int]) -> bool:
    """Say whether nothing is near a zero that few rows have: an age of 0 among drivers.

    Where most rows have it, it is an amount of nothing.
    """
    if values[0] != 0 or values.size < 4 or 2 * n_rows[0] > sum(n_rows):  # noqa: PLR2004
        return False
    lowest, steps = values[1], np.diff(values[1:FEW_NUMBERS])
    if values.size < FEW_NUMBERS:
        return bool(lowest >= 2 * steps.max())
    return bool(lowest >= 5 * np.median(steps) and lowest >= (values[-1] - lowest) / 10)


def _date_codes(counts: pl.DataFrame, column: Column) -> Iterator[tuple[str, int, str]]:
    """Find a day at either end, a year or more from the others, or one that outnumbers them."""
    days = _days(counts["value"], column)
    by_day = pl.DataFrame({"day": days, "rows": counts["rows"]}).drop_nulls()
    by_day = by_day.group_by("day").agg(pl.col("rows").sum()).sort("day")
    all_days, n_rows = by_day["day"].to_numpy(), by_day["rows"].to_numpy()
    if all_days.size < 2:  # noqa: PLR2004
        return
    gaps = np.diff(all_days)
    for code in DATE_CODES:
        day = int(np.datetime64(code, "D").astype(np.int64))
        at = int(np.searchsorted(all_days, day))
        if at == all_days.size or all_days[at] != day or n_rows[at] < 2:  # noqa: PLR2004
            continue
        end = (at == 0 and gaps[0] >= 365) or (at == gaps.size and gaps[-1] >= 365)  # noqa: PLR2004
        often = n_rows[at] >= 10 * max(np.delete(n_rows, at).max(), 1)
        if end or often:
            why = ", a year or more from the rest" if end else ", far more than on any other day"
            yield code, int(n_rows[at]), why


def _days(values: pl.Series, column: Column) -> pl.Series:
    """Return days since 1970 of dates and instants."""
    ticks = as_numbers(values, column)
    if values.dtype == pl.Date:
        return ticks.cast(pl.Int64)
    unit = "us" if column.format else cast("pl.Datetime", values.dtype).time_unit
    return ticks // {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[unit]


# --- numbers for people and for ranks -----------------------------------------------------------


def as_numbers(values: pl.Series, column: Column) -> pl.Series:
    """Return numbers in the order of the values: whole dates and durations as their ticks."""
    if column.format is not None:
        values = values.str.to_datetime(column.format, time_unit="us", strict=False)
    if values.dtype.is_temporal():
        return values.to_physical()
    if values.dtype == pl.String:
        return values.cast(pl.Float64, strict=False)
    return values.cast(pl.Float64) if values.dtype.is_decimal() else values


def show_number(value: float) -> str:
    """Write a number for people: 2024, 1,234,567.89 and 0.00123457."""
    if not np.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 10_000:  # noqa: PLR2004
        return f"{value:.0f}"  # a year, maybe
    if 1000 <= abs(value) < 1e15:  # noqa: PLR2004
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:.6g}"
