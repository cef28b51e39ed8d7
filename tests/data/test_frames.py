import datetime as dt
import decimal
import json

import dateutil.tz
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from raregan.data.frames import Origin, is_frame, take_in, to_polars
from raregan.errors import DataError, SchemaError

DAYS = ["1950-01-01", "2024-02-29", None]
BERLIN = pd.to_datetime(DAYS).tz_localize("Europe/Berlin")
PANDAS = {
    **{kind: pd.Series([0, 1, 2], dtype=kind) for kind in ("int8", "int64", "uint8", "uint64")},
    "huge": pd.Series([2**64 - 1, 2**63, 0], dtype="uint64"),
    "bool": pd.Series([True, False, True]),
    **{
        kind: pd.Series([0.5, np.nan, -1], dtype=kind) for kind in ("float16", "float32", "float64")
    },
    "Int64": pd.Series([2**62 + 1, None, 3], dtype="Int64"),
    "UInt8": pd.Series([1, None, 255], dtype="UInt8"),
    "Float64": pd.Series([1.5, None, 3], dtype="Float64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "str": pd.Series(["a", None, "ü"], dtype="str"),
    "string": pd.Series(["a", None, "ü"], dtype="string"),
    "python": pd.Series(["a", None, "ü"], dtype="string[python]"),
    "pyarrow": pd.Series(["a", None, "ü"], dtype="string[pyarrow]"),
    "text": pd.Series(["a", None, "ü"], dtype=object),
    "text_nan": pd.Series(["a", np.nan, "ü"], dtype=object),
    "text_na": pd.Series(["a", pd.NA, "ü"], dtype=object),
    "object_int": pd.Series([2**63, None, 1], dtype=object),
    "object_bool": pd.Series([True, None, False], dtype=object),
    "object_none": pd.Series([None, None, None], dtype=object),
    "object_date": pd.Series([dt.date(1950, 1, 1), None, dt.date.max], dtype=object),
    "object_decimal": pd.Series([decimal.Decimal("1.50"), None, decimal.Decimal(2)], dtype=object),
    "category": pd.Series(pd.Categorical(["b", "a", None], categories=["b", "z", "a"])),
    "ordered": pd.Series(
        pd.Categorical(["b", "a", None], categories=["b", "z", "a"], ordered=True)
    ),
    "category_int": pd.Series(pd.Categorical([3, None, 2**62 + 1])),
    "category_bool": pd.Series(pd.Categorical([True, None, False])),
    **{f"M8[{u}]": pd.Series(pd.to_datetime(DAYS)).astype(f"datetime64[{u}]") for u in ("s", "ns")},
    "zone": pd.Series(BERLIN),
    "zone_s": pd.Series(BERLIN).astype("datetime64[s, Europe/Berlin]"),
    "offset": pd.Series(pd.to_datetime(["1950-01-01T00:00+02:00", None, "2024-02-29T12:00+02:00"])),
    **{
        f"offset {zone}": pd.Series(pd.to_datetime(DAYS)).dt.tz_localize(zone)
        for zone in ("+05:30", "-13:00", "+00:00")
    },
    "arrow_offset": pd.Series([0, None], dtype=pd.ArrowDtype(pa.timestamp("s", tz="-02:30"))),
    **{
        f"m8[{u}]": pd.Series(pd.to_timedelta([-1, 2, None], unit="h")).astype(f"timedelta64[{u}]")
        for u in ("s", "ms", "ns")
    },
    "sparse": pd.Series([0.0, 1.0, 0.0], dtype="Sparse[float64]"),
    "arrow_int": pd.Series([1, None, 3], dtype="int32[pyarrow]"),
    "arrow_decimal": pd.Series(
        [decimal.Decimal("1.50"), None, decimal.Decimal(2)],
        dtype=pd.ArrowDtype(pa.decimal128(9, 2)),
    ),
    "arrow_levels": pd.Series(
        ["a", None, "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))
    ),
}


def through_json(origin):
    return Origin.from_dict(json.loads(json.dumps(origin.to_dict())))


def there_and_back(source):
    frame, origin = take_in(source)
    assert Origin.of(source) == origin
    assert to_polars(source).equals(frame)
    return through_json(origin).restore(frame)


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_columns_come_back_as_they_were(name):
    source = pd.DataFrame({name: PANDAS[name]})
    assert_frame_equal(there_and_back(source), source, check_index_type=True)
    assert there_and_back(source.head(0)).dtypes.equals(source.dtypes)


def test_missing_objects_come_back_as_they_were_written():
    for name, value in (("text", None), ("text_nan", np.nan), ("text_na", pd.NA)):
        back = there_and_back(pd.DataFrame({name: PANDAS[name]})).iloc[1, 0]
        assert back is value or (isinstance(back, float) and np.isnan(value))


def test_a_pandas_frame_of_some_columns_and_new_ones():
    frame, origin = take_in(pd.DataFrame(PANDAS))
    frame = frame.select("UInt8", y=pl.lit("new"), category="category").reverse()
    back = origin.restore(frame)
    assert list(back.columns) == ["UInt8", "y", "category"]
    assert back["UInt8"].tolist() == [255, pd.NA, 1]
    assert back["category"].dtype == PANDAS["category"].dtype
    assert back["y"].tolist() == ["new"] * 3


@pytest.mark.parametrize(
    "names",
    [
        [0, 1],
        [10, 2.5],
        [None, "a"],
        ["a", 3],
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        pd.RangeIndex(2),
        ["a", "b"],
    ],
)
def test_pandas_names_come_back_as_they_were(names):
    source = pd.DataFrame([[1, 2.0]], columns=names)
    back = there_and_back(source)
    assert list(back.columns) == list(source.columns)
    assert_frame_equal(back, source, check_column_type=False)


def test_the_index_of_a_pandas_frame_is_left_out():
    source = pd.DataFrame({"a": ["x", None], "b": [1, 2]}, index=[7, 7])
    assert_frame_equal(there_and_back(source), source.reset_index(drop=True))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            pd.Series([1, "x"], dtype=object),
            "column 'bad' holds values of several types 'int', 'str'",
        ),
        (pd.Series([True, 1], dtype=object), "several types 'bool', 'int'"),
        (pd.Series([2**200, 1], dtype=object), "column 'bad' cannot be read"),
        (pd.Series([decimal.Decimal("1e38")] * 2), "column 'bad' cannot be read"),
        (pd.Series([np.arange(2), None]), "column 'bad' cannot be read"),
        (pd.Series(["\ud800", "x"], dtype=object), "column 'bad' cannot be read"),
        (
            pd.Series([decimal.Decimal(1), decimal.Decimal("-Infinity")]),
            "column 'bad', data row 2 (counted from 1), holds Decimal('-Infinity')",
        ),
        (pd.Series(BERLIN[:2].tz_convert(dateutil.tz.tzoffset(None, 60))), "no plain name"),
        (pd.Series([1j, 2]), "column 'bad' is of pandas type complex128"),
        (
            pd.period_range("2020", periods=2, freq="M").to_series(),
            "column 'bad' is of pandas type",
        ),
        (pd.Series(pd.cut([1, 2], 2)), "column 'bad' has categories of type interval"),
    ],
)
def test_pandas_columns_that_are_refused(column, said):
    source = pd.DataFrame({"good": [1, 2], "bad": column.reset_index(drop=True)})
    with pytest.raises(DataError) as error:
        take_in(source)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_decimal_nan_is_missing():
    frame, origin = take_in(pd.DataFrame({"a": [decimal.Decimal(1), decimal.Decimal("nan")]}))
    assert frame["a"].to_list() == [1, None]
    assert origin.restore(frame)["a"].isna().tolist() == [False, True]


def test_a_panic_of_polars_is_an_error_of_the_column(monkeypatch):
    def panic(_):
        raise pl.exceptions.PanicException("no such type")

    monkeypatch.setattr(pl, "from_arrow", panic)
    with pytest.raises(DataError, match=r"'a' cannot be read \(no such type\); turn it into"):
        take_in(pa.table({"a": [1]}))


def test_decimals_of_more_digits_than_polars_has_are_refused():
    source = pa.table({"a": pa.array([decimal.Decimal(1)], pa.decimal256(60, 2))})
    with pytest.raises(DataError, match="'a' cannot be read .*38 of a decimal128.* turn it into"):
        take_in(source)


@pytest.mark.parametrize("source", [pa.table({"": [1]}), pd.DataFrame({"": [1]})])
def test_an_empty_name_is_kept(source):
    assert to_polars(source).columns == [""]


def test_offsets_of_whole_hours_keep_the_wall_clock_and_others_are_utc():
    times = pa.array([0], pa.timestamp("us", tz="+02:00"))
    assert to_polars(pa.table({"a": times}))["a"].dt.hour().item() == 2
    odd = times.cast(pa.timestamp("us", tz="+05:30"))
    assert to_polars(pa.table({"a": odd})).schema["a"] == pl.Datetime("us", "UTC")


def test_numbers_of_several_types_in_an_object_column_are_numbers():
    frame = to_polars(pd.DataFrame({"a": pd.Series([1, 2.5, None], dtype=object)}))
    assert frame["a"].to_list() == [1.0, 2.5, None]


def test_missing_is_null_inside():
    for source in (
        pl.DataFrame({"a": [1.0, np.nan]}),
        pl.LazyFrame({"a": [1.0, np.nan]}),
        pd.DataFrame({"a": [1.0, np.nan]}),
        pa.table({"a": [1.0, np.nan]}),
    ):
        assert to_polars(source)["a"].to_list() == [1.0, None]
    assert to_polars(np.array([[1.0], [np.nan]]))["x0"].to_list() == [1.0, None]


def test_nan_and_null_of_polars_come_back_each():
    source = pl.DataFrame({"nan": [1.0, np.nan], "null": [1.0, None], "full": [1.0, 2.0]})
    assert there_and_back(source).equals(source)
    assert there_and_back(source.lazy()).equals(source)
    assert pl.from_arrow(there_and_back(source.to_arrow())).equals(source)


ARROW = {
    "string": pa.array(["a", None]),
    "large": pa.array(["a", None], pa.large_string()),
    "view": pa.array(["a", None], pa.string_view()),
    "levels": pa.array(["a", None]).dictionary_encode(),
    "levels8": pa.array(["a", None]).cast(
        pa.dictionary(pa.int8(), pa.large_string(), ordered=True)
    ),
    "levels_int": pa.array([5, None]).dictionary_encode(),
    "decimal": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(9, 2)),
    "date": pa.array([dt.date(1950, 1, 1), None]),
    "date64": pa.array([0, None], pa.date64()),
    "seconds": pa.array([0, None], pa.timestamp("s")),
    "zone": pa.array([0, None], pa.timestamp("ns", tz="Europe/Berlin")),
    **{z: pa.array([0, None], pa.timestamp("ns", tz=z)) for z in ("+05:30", "-03:00", "-00:45")},
    "half": pa.array([0.5, None], pa.float16()),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "bool": pa.array([True, None]),
    "null": pa.nulls(2),
    "duration": pa.array([3, None], pa.duration("s")),
}


@pytest.mark.parametrize("name", ARROW)
def test_arrow_columns_come_back_as_they_were(name):
    source = pa.table({name: ARROW[name], "other": [1, 2]})
    back = there_and_back(source)
    assert back.schema == source.schema
    assert back.to_pylist() == source.to_pylist()
    frame, origin = take_in(source)
    assert origin.restore(frame.drop("other")).to_pylist() == source.select([name]).to_pylist()


def test_an_arrow_stream_is_read_once():
    table = pa.table({"a": [1, 2]})
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    assert is_frame(reader)
    frame, origin = take_in(reader)
    assert origin.restore(frame).equals(table)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, 2], [3, 4]], np.int8),
        np.array([[2**64 - 1, 2**63 + 1]], np.uint64),
        np.array([[1.5, np.nan], [np.inf, -1]], np.float32),
        np.array([[1.5, 2]], np.float16),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12).reshape(3, 4)[::2, ::-1],
        np.array([[True, False]]),
        np.array([["a", "ü"], ["", "c"]]),
        np.array([["1950-01-01", "NaT"]], "M8[D]"),
        np.array([["1950-01-01T00:00:01"]], "M8[s]"),
        np.array([[1, 2]], "m8[s]"),
        np.array([[1, "a", None, 2.5], [3, None, None, np.nan]], object),
        np.zeros((0, 2)),
    ],
)
def test_arrays_come_back_as_they_were(array):
    back = there_and_back(array)
    assert back.dtype == array.dtype
    assert str(back.tolist()) == str(array.tolist())  # NaN is not equal to NaN
    assert to_polars(array).columns == [f"x{i}" for i in range(array.shape[1])]


def test_an_array_of_some_columns_and_a_target():
    frame, origin = take_in(np.arange(6.0).reshape(2, 3))
    numbers = origin.restore(frame.select("x2", y=pl.lit(1)))
    np.testing.assert_array_equal(numbers, [[2.0, 1.0], [5.0, 1.0]])
    assert numbers.dtype == np.float64
    mixed = origin.restore(frame.select("x2", y=pl.lit("bad")))
    assert mixed.dtype == object
    assert mixed.tolist() == [[2.0, "bad"], [5.0, "bad"]]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.arange(3), "an array of shape (3,)"),
        (np.zeros((1, 1), complex), "dtype complex128"),
        (np.array([[1], ["a"]], object), "column 'x0' holds values of several types 'int', 'str'"),
    ],
)
def test_arrays_that_are_no_tables(array, said):
    with pytest.raises(DataError) as error:
        take_in(array)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "source", [None, 3, "t.csv", [[1]], {"a": [1]}, pl.Series([1]), pd.Series([1])]
)
def test_what_is_no_frame(source):
    assert not is_frame(source)
    assert Origin.of(source) == Origin()
    with pytest.raises(DataError, match="is no frame of a known library"):
        take_in(source)


def test_names_that_appear_twice():
    twice = pa.table([[1], [2]], names=["a", "a"])
    for source in (twice, pd.DataFrame([[1, 2]], columns=[0, "0"])):
        with pytest.raises(SchemaError, match="more than one column is named"):
            take_in(source)


@pytest.mark.parametrize("record", [{}, {"library": "dask", "columns": {}}, {"library": "numpy"}])
def test_no_record_of_an_origin(record):
    with pytest.raises(SchemaError, match="names no known library"):
        Origin.from_dict(record)


CELLS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=5),
    st.lists(st.one_of(st.none(), st.text()), max_size=5),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), max_size=5),
    st.lists(st.one_of(st.none(), st.booleans()), max_size=5),
)


@given(CELLS)
def test_any_cells_come_back(cells):
    source = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    assert_frame_equal(there_and_back(source), source)
    array = np.empty((len(cells), 1), object)
    array[:, 0] = cells
    assert there_and_back(array).tolist() == array.tolist()
