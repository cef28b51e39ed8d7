"""Hashes of cells and rows by what they mean: the same in any process, machine and release.

Polars' own ``hash`` may change with its version. Here every cell becomes a 64-bit word, and words
are mixed by the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
number generators", OOPSLA 2014; the constants are Stafford's "Mix13"). A row is the sum of its
cells, each times an odd number that its column's name gives, mixed once more: no order of columns
matters, and two rows that differ in one cell never share a hash. Two other rows share one with a
chance of about 2^-64. This is no cryptographic hash: who knows a column's few values can try them.

What a word is made of, so that a table hashes alike from CSV and Parquet, polars and pandas:

- numbers by value, whatever stores them: 1, 1.0, True and Decimal("1.00") are one, -0.0 is 0;
- text by its UTF-8, unless it is how a number or truth value is written: a CSV reader makes
  numbers of a column or leaves it text by what else is in it, so "1", "1.0" and "true" are 1;
- text that is a date, an instant or a time of day as ISO 8601 writes it, by what it says: CSV has
  no dates, and its writers put a blank or a T before the time, and as many decimals as they like;
- instants by the microseconds since 1970 in UTC (by the wall where there is no time zone), dates
  by their midnight, times of day and durations by their microseconds;
- NaN, null and the empty text are one: missing.

A date is not the text that shows it in another way, a duration not its text, and a float32 that no
short binary fraction equals not the float64 of the same decimals.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.errors import SchemaError

Words = npt.NDArray[np.uint64]

_BLOCK = 32_768
"""Rows that are hashed at once: their words stay in the processor's cache."""

_INTEGER, _LARGE, _FLOAT, _TEXT, _INSTANT, _TIME, _DURATION, _MISSING = (
    np.uint64(tag)
    for tag in (
        *(0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        *(0x452821E638D01377, 0xBE5466CF34E90C6C, 0xC0AC29B7C97C50DD, 0x3F84D5B5B5470917),
    )
)
"""Keep the kinds of value apart: the first digits of pi, as nothing is hidden in them."""

_NUMBER = r"^(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:true|false))$"
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?"
_ISO_DATE = rf"^(\d{{4}}-\d\d-\d\d)(?:[T ]{_CLOCK}(?:Z|([+-]\d\d):?(\d\d))?)?$"
_ISO_TIME = rf"^()(?:{_CLOCK})$"
_MICROSECONDS = {"ns": (1, 1_000), "us": (1, 1), "ms": (1_000, 1)}
_DAY = 86_400_000_000
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)


def row_hashes(frame: pl.DataFrame) -> Words:
    """Hash every row over all columns by name, in whatever order they stand.

    Parameters
    ----------
    frame
        Columns of numbers, truth values, text, instants and spans of time.

    Returns
    -------
    (n,) array of uint64

    Raises
    ------
    SchemaError
        A column holds lists, structs or Python objects.
    """
    factors = _chained(pl.Series(frame.columns, dtype=pl.String)) | np.uint64(1)
    hashes = np.zeros(frame.height, dtype=np.uint64)
    for start in range(0, frame.height, _BLOCK):
        block = frame.slice(start, _BLOCK)
        total = hashes[start : start + _BLOCK]
        for factor, series in zip(factors, block.iter_columns(), strict=True):
            total += factor * value_hashes(series)
        total[:] = mix(total)
    return hashes


def value_hashes(series: pl.Series) -> Words:
    """Hash every cell of a column; the column's name and dtype do not matter.

    Returns
    -------
    (n,) array of uint64

    Raises
    ------
    SchemaError
        The column holds lists, structs or Python objects.
    """
    words, missing = _words(series.rechunk())
    if missing.any():
        words[missing.to_numpy()] = _MISSING
    return mix(words)


def mix(words: Words) -> Words:
    """SplitMix64's finaliser, a bijection of 64-bit words."""
    words = words ^ (words >> np.uint64(30))
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def _words(series: pl.Series) -> tuple[Words, pl.Series]:
    """Return one word a cell, and which cells are missing."""
    dtype, missing = series.dtype, series.is_null()
    if dtype.is_float():
        values = series.cast(pl.Float64)
        missing |= values.is_nan().fill_null(value=True)
        return _of_floats(values.fill_null(0).to_numpy()), missing
    if dtype.is_temporal():
        return _of_instants(series), missing
    if dtype in (pl.Int128, pl.UInt128) or dtype.is_decimal():
        return _of_digits(series.cast(pl.String).fill_null("0")), missing
    if dtype.is_integer() or dtype in (pl.Boolean, pl.Null):
        kept, of = (pl.UInt64, _of_large) if dtype == pl.UInt64 else (pl.Int64, _of_integers)
        return of(series.cast(kept).fill_null(0).to_numpy()), missing
    text = _as_text(series)
    return _of_text(text), text == ""


def _as_text(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Binary:
        series = series.bin.encode("hex")
    elif not isinstance(series.dtype, pl.String | pl.Categorical | pl.Enum):
        raise SchemaError(
            f"column {series.name!r} is of type {series.dtype}, whose cells cannot be hashed: "
            f"leave it out with --ignore {series.name!r}"
        )
    return series.cast(pl.String).fill_null("")


def _of_integers(values: npt.NDArray[np.int64]) -> Words:
    return values.view(np.uint64) + _INTEGER


def _of_large(values: npt.NDArray[np.uint64]) -> Words:
    return values + np.where(values >> np.uint64(63), _LARGE, _INTEGER)


def _of_floats(values: npt.NDArray[np.float64]) -> Words:
    whole = (values == np.rint(values)) & (values >= -(2.0**63)) & (values < 2.0**64)
    words: Words = values.view(np.uint64) ^ _FLOAT
    if whole.any():
        found = values[whole]
        large = found >= 2.0**63
        signed = np.where(large, 0, found).astype(np.int64)
        unsigned = np.where(large, found, 0).astype(np.uint64)
        words[whole] = np.where(large, unsigned + _LARGE, _of_integers(signed))
    return words


def _of_instants(series: pl.Series) -> Words:
    dtype = series.dtype
    counts = series.to_physical().cast(pl.Int64).fill_null(0).to_numpy()
    if dtype == pl.Date:
        return (counts * _DAY).view(np.uint64) + _INSTANT
    if dtype == pl.Time:
        return (counts // 1_000).view(np.uint64) + _TIME
    assert isinstance(dtype, pl.Datetime | pl.Duration)  # noqa: S101
    times, over = _MICROSECONDS[dtype.time_unit]
    microseconds = (counts * times // over).view(np.uint64)
    return microseconds + (_INSTANT if isinstance(dtype, pl.Datetime) else _DURATION)


def _of_text(text: pl.Series) -> Words:
    words = _chained(text)
    written = text.str.contains(_NUMBER)
    if written.any():
        digits = text.filter(written).str.to_lowercase().replace({"true": "1", "false": "0"})
        words[written.to_numpy()] = _of_digits(digits)
    for form, tag in ((_ISO_DATE, _INSTANT), (_ISO_TIME, _TIME)):
        matches = text.str.contains(form)
        if not matches.any():
            continue
        moments = _of_iso(text.filter(matches), form)
        is_moment = matches.to_numpy().copy()
        is_moment[is_moment] = moments.is_not_null().to_numpy()  # not so 30 February
        words[is_moment] = moments.drop_nulls().to_numpy().view(np.uint64) + tag
    return words


def _of_iso(text: pl.Series, form: str) -> pl.Series:
    """Return microseconds since 1970, or since midnight; None where there is no such day."""
    parts = text.str.extract_groups(form).struct.unnest()
    names = ["day", "hour", "minute", "second", "decimals", "zone_hours", "zone_minutes"]
    parts.columns = names[: parts.width]
    counted = parts.select(pl.col(names[1:4]).cast(pl.Int64).fill_null(0), "decimals")
    digits = pl.col("decimals").fill_null("").str.pad_end(6, "0").str.head(6).cast(pl.Int64)
    clock = (pl.col("hour") * 60 + pl.col("minute")) * 60 + pl.col("second")
    of_day = counted.select(clock * 1_000_000 + digits).to_series()
    if form == _ISO_TIME:
        return of_day
    zone = parts.select(
        pl.col("zone_hours").cast(pl.Int64).fill_null(0) * 60
        + pl.when(pl.col("zone_hours").str.starts_with("-")).then(-1).otherwise(1)
        * pl.col("zone_minutes").cast(pl.Int64).fill_null(0)
    ).to_series()
    days = parts["day"].str.to_date("%Y-%m-%d", strict=False).to_physical().cast(pl.Int64)
    return days * _DAY + of_day - zone * 60_000_000


def _of_digits(text: pl.Series) -> Words:
    """Take text for the number it writes; whole ones beyond 64 bits stay text."""
    text = text.str.replace(r"\.0*$", "").str.strip_prefix("+")
    words = _of_floats(text.cast(pl.Float64).to_numpy())
    beyond = text.str.contains(r"^-?[0-9]+$")
    for dtype, of in ((pl.UInt64, _of_large), (pl.Int64, _of_integers)):
        values = text.cast(dtype, strict=False)
        words[values.is_not_null().to_numpy()] = of(values.drop_nulls().to_numpy())
        beyond &= values.is_null()
    if beyond.any():
        words[beyond.to_numpy()] = _chained(text.filter(beyond))
    return words


def _chained(text: pl.Series) -> Words:
    """Fold the UTF-8 of every text, 8 bytes at a time, into a word that starts from its length."""
    lengths = text.str.len_bytes().to_numpy().astype(np.int64)
    content = (text.str.join("").item() or "").encode() + bytes(8)
    at_byte = np.ndarray((len(content) - 7,), dtype="<u8", buffer=content, strides=(1,))
    start = np.cumsum(lengths) - lengths
    words: Words = lengths.astype(np.uint64) + _TEXT
    longest_first = np.argsort(-lengths, kind="stable")
    ascending = np.sort(lengths)
    for offset in range(0, int(lengths.max(initial=0)), 8):
        n_longer = len(lengths) - int(np.searchsorted(ascending, offset, side="right"))
        rows = longest_first[:n_longer]
        left = np.minimum(lengths[rows] - offset, 8)
        eight = at_byte[start[rows] + offset].astype(np.uint64) & _MASKS[left]
        words[rows] = mix(words[rows] ^ eight)
    return words
