import datetime as dt
import decimal
import io
import struct
import subprocess
import sys

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from raregan.data.fingerprints import row_hashes, value_hashes
from raregan.errors import SchemaError

PINNED = pl.DataFrame({"a": [1, 2], "b": ["x", None]}), [17284959778714896214, 16137777417861965598]
MOMENT = dt.datetime(1969, 12, 31, 23, 59, 59, 123456)  # noqa: DTZ001


def plain_mix(word):
    """SplitMix64's finaliser, by Python's integers."""
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)


def plain_text_hash(text):
    content = text.encode()
    state = (len(content) + 0x082EFA98EC4E6C89) % 2**64
    for start in range(0, len(content), 8):
        part = content[start : start + 8].ljust(8, b"\0")
        state = plain_mix(state ^ struct.unpack("<Q", part)[0])
    return plain_mix(state)


def hashes(values, dtype=None):
    return value_hashes(pl.Series("x", values, dtype=dtype)).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, -1], [16852473371444490038, 16911753153453118205, 9368744190824693952]),
        ([2**53 + 1], [11790152848482930816]),
        ([0.5, None], [16577981950002004154, 13478475155978512142]),
        (["fraud", "é" * 9], [9075853106787827230, 5060212970686031463]),
        ([dt.datetime(1970, 1, 1)], [8698330073434634262]),  # noqa: DTZ001
    ],
)
def test_hashes_never_change(values, expected):
    assert hashes(values) == expected


def test_hashes_of_rows_never_change():
    frame, expected = PINNED
    assert row_hashes(frame).tolist() == expected


def test_another_process_finds_the_same():
    code = (
        "import polars as pl; from raregan.data.fingerprints import row_hashes; "
        "print(row_hashes(pl.DataFrame({'a': [1, 2], 'b': ['x', None]})).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(PINNED[1])


@given(
    st.lists(st.text(max_size=40).filter(lambda text: text and text[0] not in "+-.0123456789tTfF"))
)
def test_text_hashes_as_in_plain_python(texts):
    assert hashes(texts, pl.String) == [plain_text_hash(text) for text in texts]


@pytest.mark.parametrize("values", [[-(2**63), -7, 2**53 + 1, 2**63 - 1]])
def test_whole_numbers_hash_as_in_plain_python(values):
    expected = [plain_mix((value + 0x243F6A8885A308D3) % 2**64) for value in values]
    assert hashes(values, pl.Int64) == expected


@pytest.mark.parametrize(
    "dtype",
    [
        *(pl.Int8, pl.UInt8, pl.UInt64, pl.Int128, pl.Float32, pl.Float64, pl.Boolean),
        *(pl.Decimal(38, 2), pl.String, pl.Categorical, pl.Enum(["1", "0"])),
    ],
)
def test_a_number_hashes_alike_however_it_is_stored(dtype):
    plain = pl.Series([1, 0, None])
    stored = plain.cast(pl.String).cast(dtype) if dtype == pl.Categorical else plain.cast(pl.Int8)
    if isinstance(dtype, pl.Enum) or dtype in (pl.Enum, pl.String):
        stored = plain.cast(pl.String)
    assert value_hashes(stored.cast(dtype)).tolist() == value_hashes(plain).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0.0], [-0.0]),
        ([float("nan")], [None]),
        ([""], [None]),
        ([0.1], ["0.10"]),
        ([0.1], [decimal.Decimal("0.10")]),
        ([12345678901234567], [decimal.Decimal("12345678901234567.00")]),
        ([2.0**63], [str(2**63)]),
        ([1e3, 1.0, 0.0], ["1E3", "TRUE", "false"]),
        ([5, -5], ["+05", "-5.0"]),
        ([b"\x00\xff"], ["00ff"]),
        ([MOMENT.date()], [dt.datetime(1969, 12, 31)]),  # noqa: DTZ001
        ([MOMENT.date()], ["1969-12-31"]),
        ([MOMENT], ["1969-12-31T23:59:59.123456"]),
        ([MOMENT, None], ["1969-12-31 23:59:59.123456789", ""]),
        ([MOMENT.replace(microsecond=0)] * 2, ["1969-12-31 23:59:59", "1970-01-01T00:59:59+0100"]),
        ([MOMENT.replace(second=0, microsecond=0)], ["1969-12-31T23:59"]),
        (
            [MOMENT.replace(microsecond=0)] * 2,
            ["1969-12-31T20:29:59-03:30", "1969-12-31T23:59:59Z"],
        ),
        ([dt.time(20, 1, 2, 500)] * 2, ["20:01:02.0005", "20:01:02.000500000"]),
    ],
)
def test_what_means_the_same_hashes_alike(one, other):
    assert hashes(one) == hashes(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([2**53], [2**53 + 1]),
        ([2**64 - 1], [-1]),
        ([0], [None]),
        (["a"], ["a\0"]),
        (["é"], ["e\u0301"]),
        ([dt.timedelta(0)], [dt.time(0)]),
        ([0.1], [float(np.float32(0.1))]),
        ([dt.date(1970, 1, 1)], [0]),
        (["2024-02-30"], ["2024-03-01"]),
        (["2024-01-02"], ["02/01/2024"]),
        (["2024-01-01T25:00:00"], ["2024-01-02T01:00:00"]),
        (["00:00:00"], [dt.datetime(1970, 1, 1)]),  # noqa: DTZ001
    ],
)
def test_what_differs_hashes_apart(one, other):
    assert hashes(one) != hashes(other)


def test_beyond_64_bits_whole_numbers_hash_as_their_digits():
    values = [2**100, 2**100 + 1, -(2**90)]
    found = hashes(values, pl.Int128)
    assert found == hashes([str(value) for value in values])
    assert len(set(found)) == 3


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_instants_hash_by_their_microseconds(unit):
    moment = MOMENT.replace(microsecond=123000)
    naive = pl.Series([moment, None], dtype=pl.Datetime(unit))
    assert value_hashes(naive).tolist() == hashes([moment, None])
    utc = naive.dt.replace_time_zone("UTC")
    assert value_hashes(utc.dt.convert_time_zone("Asia/Tokyo")).tolist() == hashes([moment, None])
    spans = pl.Series([dt.timedelta(seconds=-1.5)])
    assert value_hashes(spans.cast(pl.Duration(unit))).tolist() == value_hashes(spans).tolist()


def test_only_null_hashes_as_missing():
    assert hashes([None, None], pl.Null) == hashes([None, None], pl.Float64)


@pytest.mark.parametrize("values", [[[1]], [{"a": 1}]])
def test_nested_columns_are_refused_by_name(values):
    with pytest.raises(SchemaError, match="column 'x'.*--ignore 'x'"):
        hashes(values)


def mixed_frame(n=500):
    rng = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "number": rng.normal(size=n).round(6),  # some pandas read the 17th digit wrongly
            "money": pl.Series(rng.exponential(50, n).round(2)).set(
                pl.Series(rng.random(n) < 0.1), None
            ),
            "id": rng.integers(2**60, 2**62, n),
            "text": [f"Zürich, {i % 17}" for i in range(n)],
            "code": [None if i % 9 == 0 else f"{i % 30:03}" for i in range(n)],
            "flag": rng.random(n) < 0.5,
            "day": pl.Series(rng.integers(-9_000, 18_000, n), dtype=pl.Int32).cast(pl.Date),
            "moment": pl.Series(rng.integers(-(10**15), 10**15, n)).cast(pl.Datetime("us")),
            "abroad": pl.Series(rng.integers(-(10**12), 10**12, n))
            .cast(pl.Datetime("ms"))
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Asia/Kolkata"),
        }
    ).with_columns(clock=pl.col("moment").dt.time())


def test_order_of_columns_does_not_matter_and_of_rows_only_to_the_order():
    frame = mixed_frame()
    expected = row_hashes(frame)
    assert (row_hashes(frame[:, ::-1]) == expected).all()
    order = np.random.default_rng(0).permutation(frame.height)
    assert (row_hashes(frame[order]) == expected[order]).all()


def test_names_and_places_of_values_matter():
    frame = pl.DataFrame({"a": [1], "b": [2]})
    others = [frame.rename({"a": "c"}), pl.DataFrame({"a": [2], "b": [1]}), frame.select("a")]
    assert len({int(row_hashes(f)[0]) for f in [frame, *others]}) == 4


def test_blocks_do_not_show(monkeypatch):
    frame = mixed_frame()
    expected = row_hashes(frame)
    monkeypatch.setattr("raregan.data.fingerprints._BLOCK", 7)
    assert (row_hashes(frame) == expected).all()


def test_polars_pandas_csv_and_parquet_give_the_same(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = mixed_frame()
    frame.write_csv(tmp_path / "x.csv")
    frame.write_parquet(tmp_path / "x.parquet")
    from_pandas = pl.from_pandas(pandas.read_csv(tmp_path / "x.csv"))
    expected = row_hashes(frame)
    assert from_pandas["code"].dtype == pl.Float64  # so "007" has become 7.0
    others = [pl.read_csv(tmp_path / "x.csv"), pl.read_parquet(tmp_path / "x.parquet"), from_pandas]
    for other in others:
        assert (row_hashes(other) == expected).all()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(allow_infinity=False),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none()
            | st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20),
            st.none() | st.booleans(),
        ),
        min_size=1,
    )
)
def test_a_round_trip_through_csv_keeps_hashes(rows):
    schema = {"f": pl.Float64, "i": pl.Int64, "s": pl.String, "b": pl.Boolean}
    frame = pl.DataFrame(rows, schema, orient="row").with_columns(pl.lit("end").alias("e"))
    text = io.BytesIO(frame.write_csv().encode())
    back = pl.read_csv(text, schema={**schema, "e": pl.String})
    assert (row_hashes(back) == row_hashes(frame)).all()


def test_a_million_rows_do_not_collide():
    number = pl.Series(np.arange(1_000_000))
    for hashed in (
        row_hashes(pl.DataFrame({"a": number // 1_000, "b": number % 1_000})),
        value_hashes(number),
        value_hashes(number / 7),
        value_hashes(number.cast(pl.String) + "x"),
    ):
        assert pl.Series(hashed).n_unique() == len(number)
