"""What each column is taken for, by stated rules; any of them can be overruled.

The first rule that fits decides. Missing values count nowhere.

1. `constant`: the rare rows hold one value, or none.
2. `boolean`: the dtype is Boolean.
3. `datetime`: dates and points in time, or text that is all dates in one of `DATE_FORMATS`.
4. `duration`: durations, and times of the day.
5. Integers are `identifier` if they are named like one (`ID_WORDS`) and nearly all differ, or count
   the rows, or lie beyond 2**53 and nearly all differ; `categorical` if they lie beyond 2**53;
   else `integer`.
6. Other numbers are `integer` if all are whole, else `continuous`.
7. Text is `identifier` if it is named like one and takes more than `MANY_LEVELS` values;
   `continuous` if it is numbers written out with the same number of decimals; `text` if it is
   numbers with a decimal comma; `identifier` if nearly all differ and it is short; `text` if it is
   long and mostly differs; else `categorical`. An Enum, which holds no fresh value, is
   `categorical`.

"Nearly all differ": at least `UNIQUE_SHARE` of at least `MIN_UNIQUE` values are distinct.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import polars as pl

from raregan.config import KINDS, Kind
from raregan.data.dtypes import dtype_name
from raregan.data.schema import EXACT_INTEGERS, Column, locate
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_WORDS = frozenset(
    [
        "id",
        "ids",
        "uuid",
        "guid",
        "iban",
        "ssn",
        "pan",
        "key",
        "no",
        "nr",
        "num",
        "number",
        "account",
        "reference",
        "ref",
        "token",
        "hash",
    ]
)
"""Last words of names that identify: `customer_id`, `PolicyNumber`, `account no`."""

UNIQUE_SHARE, MIN_UNIQUE = 0.9, 20
MANY_LEVELS = 32
SHORT_CHARACTERS, SHORT_WORDS = 64, 5
MOSTLY = 0.5

DATE_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"),
    *("%Y-%m-%d %H:%M:%S%.3f", "%Y-%m-%dT%H:%M:%S%.3f", "%Y-%m-%d %H:%M:%S%.6f"),
    *("%Y-%m-%dT%H:%M:%S%.6f", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%.3fZ", "%Y/%m/%d"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
    *("%d-%b-%Y", "%d %b %Y", "%d%b%Y"),
)
"""How text of dates may be written; text that two of them fit is taken for the first."""

_DECIMALS = r"^-?(0|[1-9][0-9]*)\.([0-9]{1,10})$"
_COMMA = r"^-?[0-9]+(?:\.[0-9]{3})*,[0-9]+$"
_HEAD = 100  # cells that a format is tried on before all are


def infer_columns(
    held: pl.DataFrame, rare: pl.DataFrame, kinds: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return what each column is.

    Parameters
    ----------
    held
        The rows at hand of both classes, features only.
    rare
        The rare ones among them.
    kinds
        Kinds that the user gives, by column.

    Raises
    ------
    SchemaError
        A dtype is not supported, or a given kind is unknown or does not fit the column.
    """
    faults = {series.name: fault for series in held.iter_columns() if (fault := find_fault(series))}
    if faults:
        first, *others = faults
        more = f"; at fault too: {', '.join(map(repr, others))}" if others else ""
        raise SchemaError(faults[first] + more)
    return tuple(
        given_column(series, kinds[series.name])
        if series.name in kinds
        else _infer(series, rare[series.name])
        for series in held.iter_columns()
    )


def find_fault(series: pl.Series) -> str | None:
    """Say why a column can be of no kind at all; None if it can be of one."""
    dtype = series.dtype
    if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object | pl.Int128 | pl.UInt128):
        return (
            f"{locate(series)}: {dtype} is not supported; turn it into numbers, text or dates, or "
            f"leave it out with --ignore {series.name!r}"
        )
    return None


def given_column(series: pl.Series, kind: str) -> Column:
    """Return a column of the kind that the user gives it.

    Raises
    ------
    SchemaError
        The kind is unknown, or the column's dtype or values do not fit it.
    """
    if kind not in KINDS:
        raise SchemaError(f"column {series.name!r}: unknown kind {kind!r} (of {', '.join(KINDS)})")
    form = None
    if series.dtype == pl.String and kind == "datetime":
        form = find_date_format(series.drop_nulls().unique(maintain_order=True))
        if form is None:
            raise SchemaError(_not_dates(series))
    column = Column(series.name, dtype_name(series.dtype), cast("Kind", kind), form)
    if kind == "continuous" and series.dtype == pl.String:
        _check_numbers(series)
    if kind == "integer" and not series.dtype.is_integer():
        _check_whole(series)
    if kind in ("continuous", "integer") and _is_huge(series):
        raise SchemaError(
            f"column {series.name!r} holds whole numbers beyond 2**53, which are not exact as "
            "numbers; choose --kind identifier or categorical"
        )
    return column


def _not_dates(series: pl.Series) -> str:
    """Name the first cell that is no date as most of the others are written."""
    there = series.is_not_null()
    if not there.any():
        return f"column {series.name!r} holds no value that could be a date; choose another --kind"
    written = [_written(series, form) for form in DATE_FORMATS]
    fits = max(written, key=lambda found: int(found.sum()))
    usual = DATE_FORMATS[written.index(fits)] if fits.any() else None
    odd = there & ~fits
    where = locate(series, odd if odd.any() else there)
    how = f"no date as the others are, in {usual!r}" if usual else "no date in a known format"
    return f"{where}, which is {how}; turn the column into dates, or choose another --kind"


def _check_numbers(series: pl.Series) -> None:
    odd = ~series.str.contains(_DECIMALS).fill_null(value=True)
    if odd.any():
        raise SchemaError(
            f"{locate(series, odd)}, which is no number with decimals as text; convert the "
            "column to numbers, or choose another --kind"
        )


def _check_whole(series: pl.Series) -> None:
    broken = (series % 1 != 0).fill_null(value=False)
    if series.dtype.is_float():
        broken &= series.is_finite()
    if broken.any():
        raise SchemaError(
            f"{locate(series, broken)}, which is no whole number; choose --kind continuous"
        )


def _infer(held: pl.Series, rare: pl.Series) -> Column:
    dtype, form = held.dtype, None
    values = held.drop_nulls()
    kind: Kind
    if rare.drop_nulls().n_unique() <= 1:
        kind = "constant"
    elif dtype == pl.Boolean:
        kind = "boolean"
    elif isinstance(dtype, pl.Date | pl.Datetime):
        kind = "datetime"
    elif isinstance(dtype, pl.Duration | pl.Time):
        kind = "duration"
    elif dtype.is_integer():
        kind = _kind_of_integers(values)
    elif dtype.is_numeric():
        finite = values.filter(values.is_finite()) if dtype.is_float() else values
        kind = "integer" if (finite % 1 == 0).all() else "continuous"
    else:
        distinct = values.cast(pl.String).unique(maintain_order=True)
        form = find_date_format(distinct) if dtype == pl.String else None
        kind = "datetime" if form else _kind_of_text(values.cast(pl.String), distinct, dtype)
    return Column(held.name, dtype_name(dtype), kind, form)


def _kind_of_integers(values: pl.Series) -> Kind:
    unique = _is_unique(len(values), values.n_unique())
    if _is_huge(values):
        return "identifier" if unique else "categorical"
    counts_rows = unique and len(values) > 1 and (values.diff().drop_nulls() == 1).all()
    return "identifier" if counts_rows or (unique and names_one(values.name)) else "integer"


def _kind_of_text(values: pl.Series, distinct: pl.Series, dtype: pl.DataType) -> Kind:
    if isinstance(dtype, pl.Enum) or len(distinct) < MIN_UNIQUE:
        return "categorical"
    if names_one(values.name) and len(distinct) > MANY_LEVELS:
        return "identifier"
    many = len(distinct) > MANY_LEVELS
    if many and dtype == pl.String and has_decimal_commas(distinct):
        return "text"
    if many and dtype == pl.String and _is_decimal(distinct):
        return "continuous"
    characters = cast("float", distinct.str.len_chars().mean())
    words = cast("float", distinct.str.count_matches(r"\S+").mean())
    short = characters <= SHORT_CHARACTERS and words < SHORT_WORDS
    if short:
        return "identifier" if _is_unique(len(values), len(distinct)) else "categorical"
    return "text" if len(distinct) >= MOSTLY * len(values) else "categorical"


def has_levels(cells: pl.Series) -> bool:
    """Say whether a column would be categorical or Boolean if these rows were all rare."""
    return _infer(cells, cells).kind in ("categorical", "boolean")


def has_decimal_commas(texts: pl.Series) -> bool:
    """Say whether all texts are numbers written with a decimal comma: 54,65."""
    return bool(texts.str.contains(_COMMA).all())


def names_one(name: str) -> bool:
    """Say whether a name ends with one of `ID_WORDS`: `customer_id`, `PolicyNumber`, `id`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return bool(words) and words[-1].lower() in ID_WORDS


def find_date_format(distinct: pl.Series) -> str | None:
    """Return the first of `DATE_FORMATS` in which all of these distinct texts are written."""
    if not len(distinct) or not distinct.head(_HEAD).str.contains(r"^\d.*[-/. A-Za-z]\d+").all():
        return None
    for form in DATE_FORMATS:
        if all(is_written(part, form) for part in (distinct.head(_HEAD), distinct)):
            return form
    return None


def is_written(texts: pl.Series, form: str) -> bool:
    """Say whether all texts are dates in this format, and would be written so again."""
    return bool(_written(texts, form).all())


def _written(texts: pl.Series, form: str) -> pl.Series:
    """Say of each text whether it is such a date; a missing one is none."""
    moments = texts.str.to_datetime(form, time_unit="us", strict=False)
    return (moments.dt.to_string(form) == texts).fill_null(value=False)


def _is_unique(n: int, n_distinct: int) -> bool:
    return n >= MIN_UNIQUE and n_distinct >= UNIQUE_SHARE * n


def _is_huge(values: pl.Series) -> bool:
    if not values.dtype.is_integer() or not values.count():
        return False
    low, high = cast("int", values.min()), cast("int", values.max())
    return high > EXACT_INTEGERS or low < -EXACT_INTEGERS


def _is_decimal(distinct: pl.Series) -> bool:
    if not distinct.str.contains(_DECIMALS).all():
        return False
    return distinct.str.extract(_DECIMALS, 2).str.len_bytes().n_unique() == 1
