"""Random tables for Hypothesis, of each library that raregan takes, and whether two are alike."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
NAMES = TEXT.filter(lambda name: name.strip() not in ("", "Class", "flag")) | st.sampled_from(
    ["customer_id", "a b", "\N{SNOWMAN}", "x"]
)
LEVELS = ["b", "", "\N{SNOWMAN}", "a"]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
OFFSETS = ["+05:30", "-03:00", "+00:00", "-00:45"]

_DAYS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001
_SPANS = st.timedeltas(timedelta(-(10**4)), timedelta(10**4))


def _whole(bits, *, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high)


def _decimals(digits, places):
    top = 10**digits - 1
    return st.integers(-top, top).map(lambda n: Decimal(f"{n}e-{places}"))


CELLS = {
    pl.Float64: st.floats(),
    pl.Float32: st.floats(width=32),
    **{dtype: _whole(8 * 2**i) for i, dtype in enumerate((pl.Int8, pl.Int16, pl.Int32, pl.Int64))},
    **{
        dtype: _whole(8 * 2**i, signed=False)
        for i, dtype in enumerate((pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64))
    },
    pl.Boolean: st.booleans(),
    pl.String: TEXT,
    pl.Categorical: TEXT,
    pl.Enum(LEVELS): st.sampled_from(LEVELS),
    pl.Date: st.dates(),
    pl.Datetime("us"): st.datetimes(),
    **{pl.Datetime(unit): _DAYS for unit in ("ms", "ns")},
    **{pl.Datetime("us", zone): _DAYS for zone in ZONES},
    **{pl.Datetime(unit, "Europe/Berlin"): _DAYS for unit in ("ms", "ns")},
    **{pl.Duration(unit): _SPANS for unit in ("ms", "us", "ns")},
    pl.Time: st.times(),
    pl.Decimal(20, 3): _decimals(12, 3),
    pl.Decimal(38, 12): _decimals(38, 12),
    pl.Decimal(38, 0): _decimals(38, 0),
    pl.Null: st.none(),
}
REFUSED = {
    pl.Binary: st.binary(max_size=2),
    pl.List(pl.Int8): st.lists(st.integers(0, 9), max_size=2),
}


def column(name, cells, dtype):
    """Return cells as a column: points in time are those of UTC."""
    zone = getattr(dtype, "time_zone", None)
    if zone is None:
        return pl.Series(name, cells, dtype=dtype, strict=dtype != pl.Float32)
    plain = pl.Series(name, cells, dtype=pl.Datetime(dtype.time_unit))
    return plain.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


@st.composite
def frames(draw, most_columns=5, *, n_rows=None, n_rare=None, flag=False):
    """Return a polars frame with a target `Class`, of which 1 is rare.

    With a flag, there always is something to learn.
    """

    def seldom():  # what is refused whatever else the frame holds
        return draw(st.integers(0, 29)) == 29

    n = n_rows or draw(st.integers(1, 5) if seldom() else st.integers(12, 40))
    names = draw(st.lists(NAMES, min_size=1, max_size=most_columns, unique=True))
    columns = []
    for name in [*names, ""] if seldom() else names:
        cells = REFUSED if seldom() else CELLS
        dtype = draw(st.sampled_from(list(cells)))
        pool = draw(st.lists(cells[dtype], max_size=8))
        pool = [*pool, *[None] * draw(st.integers(0 if pool else 1, 2))]
        picks = draw(st.lists(st.sampled_from(pool), min_size=n, max_size=n))
        columns.append(column(name, picks, dtype))
    if flag:
        columns.append(pl.Series("flag", [i % 3 == 0 for i in range(n)]))
    share = n_rare or draw(st.integers(min(n - 1, 10), n))
    columns.append(pl.Series("Class", [int(i < share) for i in range(n)]))
    return pl.DataFrame({series.name: series for series in columns})


# --- the same table in another library -----------------------------------------------------------


@st.composite
def sources(draw, most_columns=5, **options):
    """Return a table of any library; see `frames`. An array has no target."""
    library = draw(st.sampled_from(list(_MAKE)))
    frame = draw(frames(most_columns, **options))
    return draw(_MAKE[library](frame))


@st.composite
def _polars(draw, frame):
    return frame.lazy() if draw(st.booleans()) else frame


@st.composite
def _pandas_objects(draw, frame):
    missing = draw(st.sampled_from([None, np.nan, pd.NA]))
    columns = {
        series.name: pd.Series(
            [missing if x is None else x for x in series.to_list()], dtype=object
        )
        for series in frame.drop("Class")
    }
    return pd.DataFrame({**columns, "Class": frame["Class"].to_numpy()})


@st.composite
def _pandas_nullable(draw, frame):
    table = frame.to_pandas()
    for name in frame.columns[:-1]:
        dtype = frame.schema[name]
        if dtype.is_integer() or dtype == pl.Boolean or dtype.is_float():
            nullable = "boolean" if dtype == pl.Boolean else str(dtype).replace("Ui", "UI")
            table[name] = pd.array(frame[name].to_list(), dtype=nullable)
        elif dtype == pl.String:
            kind = draw(st.sampled_from(["string", "string[python]", "str", "category"]))
            table[name] = table[name].astype(kind)
        elif isinstance(dtype, pl.Datetime) and dtype.time_zone:
            table[name] = table[name].dt.tz_convert(draw(st.sampled_from([*ZONES, *OFFSETS])))
    return table


@st.composite
def _pandas_arrow(draw, frame):
    return _as_arrow(draw, frame).to_pandas(types_mapper=pd.ArrowDtype)


@st.composite
def _pyarrow(draw, frame):
    return _as_arrow(draw, frame)


def _as_arrow(draw, frame):
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [
        pa.field(name, _other_type(draw, table.schema.field(name).type))
        for name in table.column_names
    ]
    return pa.table(
        [_cast(table.column(i), field.type) for i, field in enumerate(fields)],
        schema=pa.schema(fields),
    )


def _other_type(draw, kind):
    """Return a type that an Arrow column may have where polars has only one for both."""
    others = {
        pa.large_string(): [pa.string(), pa.dictionary(pa.int8(), pa.string())],
        pa.date32(): [pa.date64()],
        pa.float32(): [pa.float16()],
        pa.decimal128(20, 3): [pa.decimal256(60, 3)],
    }.get(kind, [])
    if pa.types.is_timestamp(kind) and kind.tz:
        others = [pa.timestamp(kind.unit, zone) for zone in OFFSETS]
    elif pa.types.is_timestamp(kind):
        others = [pa.timestamp("s")]
    elif pa.types.is_duration(kind):
        others = [pa.duration("s")]
    return draw(st.sampled_from([kind, *others]))


def _cast(array, kind):
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(array.type):
        return array.cast(kind.value_type).dictionary_encode().cast(kind)
    return array.cast(kind, safe=False)


@st.composite
def _numpy(draw, frame):
    dtype = draw(
        st.sampled_from(["f8", "f4", "i2", "u8", "?", "U4", "O", "M8[D]", "M8[s]", "m8[s]"])
    )
    n, width = frame.height, frame.width - 1
    if dtype == "O":
        cells = [[*row] for row in frame.drop("Class").iter_rows()]
        array = np.empty((n, width), object)
        array[:] = cells if width > 1 or n else array
        return array
    numbers = {"f": st.floats(width=32), "U": TEXT, "?": st.booleans(), "i": _whole(16)}
    pool = st.lists(numbers.get(dtype[0], st.integers(0, 10**9)), min_size=1, max_size=8)
    rows = [
        draw(st.lists(st.sampled_from(draw(pool)), min_size=n, max_size=n)) for _ in range(width)
    ]
    return np.array(rows, dtype=dtype if dtype[0] not in "Mm" else "i8").T.astype(dtype)


_MAKE = {
    "polars": _polars,
    "pandas objects": _pandas_objects,
    "pandas nullable": _pandas_nullable,
    "pandas arrow": _pandas_arrow,
    "pyarrow": _pyarrow,
    "numpy": _numpy,
}


# --- alike ---------------------------------------------------------------------------------------


def schema_of(source):
    """Return what must come out as it went in: the library, the columns and their types."""
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return type(source), source.schema
    if isinstance(source, pd.DataFrame):
        return type(source), list(source.columns), list(source.dtypes)
    if isinstance(source, pa.Table):
        return type(source), source.schema
    return type(source), source.shape[1], source.dtype


def count_rows(source):
    """Return how many rows a frame of any library has."""
    return source.num_rows if isinstance(source, pa.Table) else len(source)
