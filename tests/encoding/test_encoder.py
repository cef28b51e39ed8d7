# ruff: noqa: DTZ001 - times without a zone are among what is tested

import copy
import json
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.config import NUMERIC_ENCODINGS
from raregan.data.constraints import Combination, OneHot, Sum
from raregan.data.dtypes import dtype_name
from raregan.data.kinds import infer_columns
from raregan.data.schema import Column, Schema, Target
from raregan.encoding.encoder import TableEncoder
from raregan.encoding.fields import Draw
from raregan.encoding.layout import Span
from raregan.errors import ModelFileError, RareGANError, SchemaError

encodings = pytest.mark.parametrize("numeric", NUMERIC_ENCODINGS)
RNG = np.random.default_rng(0)
FORMATS = {"written date": "%d.%m.%Y"}


def default_kind(series):
    dtype = series.dtype
    if series.drop_nulls().n_unique() <= 1:
        return "constant"
    if series.name in FORMATS or isinstance(dtype, pl.Date | pl.Datetime):
        return "datetime"
    if isinstance(dtype, pl.Duration | pl.Time):
        return "duration"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "integer" if dtype.is_integer() else "continuous"
    return "categorical"


def schema_of(frame, kinds=None):
    kinds = kinds or {}
    columns = (
        Column(
            series.name,
            dtype_name(series.dtype),
            kind := kinds.get(series.name, default_kind(series)),
            FORMATS.get(series.name) if kind == "datetime" else None,
        )
        for series in frame.iter_columns()
    )
    return Schema(tuple(columns), Target("\ntarget", "Int8", 1, 0))


def fitted(frame, numeric="quantile", kinds=None, **options):
    return TableEncoder(numeric).fit(frame, schema_of(frame, kinds), **options)


def noise_for(encoder, n=300, spread=1.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, spread, (n, encoder.layout.width))
    noise[:4] = np.array([np.inf, -np.inf, 1e30, -1e30])[:, None]
    return noise.astype(np.float32)


def through_json(encoder):
    return TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))


def holes(series, share, seed):
    gone = np.random.default_rng(seed).random(len(series)) < share
    return series.set(pl.Series(gone), None)


def obeys_gates(rows, layout):
    return not ((rows @ layout.gate_matrix() > 0) & (rows != 0)).any()


@encodings
def test_unscaled_rows_hold_the_numbers_of_the_table(numeric):
    frame = FULL.select("", "code", "amount", "big")
    encoder = fitted(frame, numeric)
    rows = encoder.encode(frame)
    values = encoder.unscaled(rows)
    assert (values.shape, values.dtype) == (rows.shape, np.float64)
    places = {(span.column, span.part): span.slice for span in encoder.layout.spans}
    np.testing.assert_allclose(values[:, places["", "value"]][:, 0], frame[""], rtol=1e-5)
    np.testing.assert_allclose(values[:, places["big", "value"]][:, 0], frame["big"], rtol=1e-5)
    above = frame["amount"].to_numpy() > 0  # 0 is a spike
    np.testing.assert_allclose(
        values[above, places["amount", "value"]][:, 0], frame["amount"].to_numpy()[above], rtol=1e-5
    )
    levels = places["code", "level"]
    assert np.array_equal(values[:, levels], rows[:, levels])


N = 120
DAYS = RNG.integers(-15_000, 15_000, N)
FULL = pl.DataFrame(
    {
        "": RNG.normal(size=N),
        "amount": np.where(RNG.random(N) < 0.4, 0.0, np.round(RNG.exponential(50, N), 2)),
        "capped": np.minimum(RNG.integers(0, 20, N), 9) * RNG.integers(0, 2, N),
        "single": pl.Series(RNG.normal(size=N), dtype=pl.Float32),
        "infinite": np.where(RNG.random(N) < 0.1, np.inf, RNG.normal(size=N)),
        "big": pl.Series(RNG.integers(0, 2**53, N), dtype=pl.UInt64),
        "price": pl.Series([Decimal(int(n)).scaleb(-2) for n in DAYS], dtype=pl.Decimal(38, 2)),
        "written": pl.Series([f"{n / 100:.2f}" for n in DAYS]),
        "code": pl.Series([f"k{n % 50}" for n in range(N)]),
        "kategorie": pl.Series(["ä", "b", "c", ""] * (N // 4), dtype=pl.Categorical),
        "enum": pl.Series(["b", "a"] * (N // 2), dtype=pl.Enum(["a", "b", "never"])),
        "yes": pl.Series([True, False, False] * (N // 3)),
        "date": pl.Series(DAYS, dtype=pl.Int32).cast(pl.Date),
        "time": pl.Series([time(n % 24, n % 60) for n in range(N)]),
        "took": pl.Series([timedelta(minutes=int(n)) for n in DAYS]),
        "at": pl.Series(DAYS * 86_399_000)
        .cast(pl.Datetime("ms", "UTC"))
        .dt.convert_time_zone("America/New_York"),
        "written date": pl.Series(DAYS, dtype=pl.Int32).cast(pl.Date).dt.to_string("%d.%m.%Y"),
        "same": pl.Series([4] * N, dtype=pl.Int16),
        "none": pl.Series([None] * N, dtype=pl.Null),
    }
)
KINDS = {"written": "continuous"}
HOLED = FULL.with_columns(
    holes(series, 0.3, seed)
    for seed, series in enumerate(FULL.iter_columns())
    if series.dtype != pl.Null
)


def first_of_twice(frame):
    """Take the first of an hour that comes twice, as decoding does."""
    wall = frame["at"].dt.replace_time_zone(None)
    return frame.with_columns(
        at=wall.dt.replace_time_zone("America/New_York", ambiguous="earliest")
    )


@pytest.mark.parametrize("frame", [FULL, HOLED], ids=["full", "holed"])
def test_every_kind_and_dtype_comes_back_exactly(frame):
    encoder = fitted(frame, kinds=KINDS)
    matrix = encoder.encode(frame)
    assert (matrix.dtype, matrix.shape) == (np.float32, (N, encoder.layout.width))
    assert matrix.flags.c_contiguous
    assert np.isfinite(matrix).all()
    assert encoder.decode(matrix).equals(first_of_twice(frame))
    assert encoder.decode(matrix).schema == frame.schema


@encodings
@pytest.mark.parametrize("frame", [FULL, HOLED], ids=["full", "holed"])
@pytest.mark.parametrize("spread", [0.1, 1, 30])
def test_whatever_is_decoded_looks_like_the_table(numeric, frame, spread):
    encoder = fitted(frame, numeric, KINDS)
    rows = encoder.decode(noise_for(encoder, spread=spread))
    assert rows.schema == frame.schema
    for series in rows.iter_columns():
        seen, dtype = frame[series.name], series.dtype
        if series.name == "written date":
            seen, series = (s.str.to_date("%d.%m.%Y") for s in (seen, series))  # noqa: PLW2901
        elif series.name == "written":
            seen, series = (s.cast(pl.Float64) for s in (seen, series))  # noqa: PLW2901
        elif isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Boolean | pl.Null):
            assert series.is_in(seen.unique().implode(), nulls_equal=True).all()
            continue
        assert seen.min() <= series.min()
        assert series.max() <= seen.max()
        assert bool(series.null_count()) == bool(seen.null_count())


@encodings
@pytest.mark.parametrize("frame", [FULL, HOLED], ids=["full", "holed"])
def test_an_encoder_comes_back_from_json_to_the_bit(numeric, frame):
    encoder = fitted(frame, numeric, KINDS)
    again = through_json(encoder)
    assert (again.layout, again.numeric) == (encoder.layout, numeric)
    assert again.to_dict() == encoder.to_dict()
    matrix = noise_for(encoder)
    assert again.decode(matrix).equals(encoder.decode(matrix))
    assert (again.encode(frame) == encoder.encode(frame)).all()


@pytest.mark.parametrize("frame", [FULL, HOLED], ids=["full", "holed"])
def test_real_rows_obey_every_gate_and_are_what_heads_make(frame):
    encoder = fitted(frame, kinds=KINDS)
    layout, rows = encoder.layout, encoder.encode(frame)
    assert layout.gates
    assert obeys_gates(rows, layout)
    for span in layout.spans:
        part = rows[:, span.slice]
        if span.activation != "linear":
            assert set(np.unique(part)) <= {0.0, 1.0}
        if span.activation == "softmax":
            gating = layout.gate_matrix()[:, span.start]
            assert (part.sum(axis=1) == (rows @ gating == 0)).all()


CELLS = {
    pl.Int8(): st.integers(-128, 127),
    pl.Int64(): st.integers(-(2**53), 2**53),
    pl.UInt64(): st.integers(0, 2**53),
    pl.Float32(): st.floats(width=32, allow_nan=False),
    pl.Float64(): st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 99.0])),
    pl.Boolean(): st.booleans(),
    pl.String(): st.text(max_size=2),
    pl.Categorical(): st.sampled_from(["", "a", "ü"]),
    pl.Date(): st.dates(),
    pl.Datetime("us"): st.datetimes(),
    pl.Datetime("ms", "Europe/Berlin"): st.datetimes(datetime(1800, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    pl.Duration("us"): st.timedeltas(timedelta(-9_999), timedelta(9_999)),
    pl.Time(): st.times(),
    pl.Decimal(38, 2): st.integers(-(10**13), 10**13).map(lambda n: Decimal(n).scaleb(-2)),
}
NAMES = st.one_of(st.sampled_from(["", "code", "a,b", "a", "b", "len"]), st.text(max_size=3))


@st.composite
def frames(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    n = draw(st.integers(1, 12))
    columns = {}
    for name in names:
        dtype = draw(st.sampled_from(list(CELLS)))
        cell = draw(st.sampled_from([CELLS[dtype], st.one_of(st.none(), CELLS[dtype])]))
        values = draw(st.lists(cell, min_size=n, max_size=n))
        zone = getattr(dtype, "time_zone", None)
        stored = pl.Datetime("ms", "UTC") if zone else dtype
        columns[name] = pl.Series(values, dtype=stored, strict=False).cast(dtype)
    return pl.DataFrame(columns)


def wall(frame):
    """Return what is promised of a frame: times by the clock, -0.0 as 0.0."""
    return frame.with_columns(pl.selectors.datetime(time_zone="*").dt.replace_time_zone(None))


@settings(max_examples=150)
@given(frame=frames(), seed=st.integers(0, 9), spread=st.sampled_from([0.1, 1, 9, 1e30]))
def test_any_frame_comes_back_and_any_noise_is_decoded(frame, seed, spread):
    encoder = fitted(frame)
    matrix = encoder.encode(frame)
    assert obeys_gates(matrix, encoder.layout)
    assert wall(encoder.decode(matrix)).equals(wall(frame))
    noise = noise_for(encoder, 20, spread, seed)
    rows = encoder.decode(noise)
    assert (rows.schema, rows.height) == (frame.schema, 20)
    assert through_json(encoder).decode(noise).equals(rows)
    for series in rows.iter_columns():
        if series.dtype.is_numeric() and series.count():
            assert frame[series.name].min() <= series.min()
            assert series.max() <= frame[series.name].max()


SMALL = pl.DataFrame(
    {
        "float": [0.1, -2.5, 1 / 3, 7.25],
        "amount": [0.0, 149.62, 2.69, 0.0],
        "same": [3.5, 3.5, 3.5, 3.5],
        "count": pl.Series([3, 0, 250, 3], dtype=pl.UInt8),
        "yes": [True, False, False, True],
        "level": ["a", "b", "c", "c"],
    }
)


@encodings
def test_a_small_table_comes_back(numeric):
    encoder = fitted(SMALL, numeric)
    rows = encoder.decode(encoder.encode(SMALL))
    assert rows.drop("float").equals(SMALL.drop("float"))
    assert rows["float"].to_list() == pytest.approx(SMALL["float"].to_list(), rel=1e-6)


def test_constant_columns_take_no_room():
    encoder = fitted(SMALL)
    assert encoder.layout.spans == (
        Span("float", "value", 0, 1, "linear"),
        Span("amount", "value", 1, 1, "linear"),
        Span("count", "value", 2, 1, "linear"),
        Span("yes", "level", 3, 1, "sigmoid"),
        Span("level", "level", 4, 3, "softmax"),
    )
    assert encoder.layout.gates == ()


def test_a_table_of_constants_and_identifiers_has_no_width():
    frame = pl.DataFrame({"same": [1] * 30, "id": [f"A{i:06}" for i in range(30)]})
    encoder = fitted(frame, kinds={"id": "identifier"})
    assert encoder.layout.width == 0
    rows = encoder.decode(np.zeros((50, 0), np.float32), Draw(0, 3))
    assert rows.schema == frame.schema
    assert rows["id"].n_unique() == 50
    assert not set(rows["id"]) & set(frame["id"])
    assert through_json(encoder).decode(np.zeros((50, 0), np.float32), Draw(0, 3)).equals(rows)


def test_decoding_in_parts_is_decoding_at_once():
    encoder = fitted(HOLED, kinds=KINDS)
    matrix = noise_for(encoder, 50)
    parts = [encoder.decode(matrix[i : i + 7], Draw(i)) for i in range(0, 50, 7)]
    assert pl.concat(parts).equals(encoder.decode(matrix))


def test_any_memory_order_and_precision_is_decoded():
    encoder = fitted(HOLED, kinds=KINDS)
    matrix = encoder.encode(HOLED)
    rows = first_of_twice(HOLED)
    kept = matrix.copy()
    assert encoder.decode(np.asfortranarray(matrix)).equals(rows)
    assert encoder.decode(matrix.astype(np.float64)).equals(rows)
    assert encoder.decode(matrix[:0]).equals(rows[:0])
    assert (matrix == kept).all()
    assert encoder.encode(HOLED[:0]).shape == (0, encoder.layout.width)


def test_the_order_of_columns_is_the_schemas():
    encoder = fitted(SMALL)
    assert (encoder.encode(SMALL[SMALL.columns[::-1]]) == encoder.encode(SMALL)).all()


def test_new_rows_are_encoded_too():
    encoder = fitted(SMALL)
    new = SMALL.with_columns(pl.col("float") * 100, count=pl.lit(255, pl.UInt8))
    matrix = encoder.encode(new)
    assert np.isfinite(matrix).all()
    assert encoder.decode(matrix)["count"].to_list() == [250] * 4


# what belongs together


def test_columns_missing_together_come_out_together():
    gone = RNG.random(N) < 0.3
    other = RNG.random(N) < 0.3
    frame = pl.DataFrame({name: RNG.normal(size=N) for name in "abc"}).with_columns(
        pl.when(pl.Series(~gone)).then(pl.col("a", "b")),
        pl.when(pl.Series(~other & ~gone)).then(pl.col("c")),
    )
    encoder = fitted(frame)
    rows = encoder.decode(noise_for(encoder))
    assert rows["a"].is_null().equals(rows["b"].is_null(), check_names=False)
    assert 0 < rows["a"].null_count() < rows["c"].null_count() < rows.height
    assert rows.filter(pl.col("a").is_null())["c"].is_null().all()
    with pytest.raises(SchemaError, match="other cells missing together"):
        encoder.encode(frame.with_columns(c=pl.lit(1.0)))


@pytest.mark.parametrize("n", [70, 7_000])
def test_many_levels_stay_narrow(n):
    codes = np.concatenate([np.arange(n), RNG.zipf(1.3, 13_000) % n])
    frame = pl.DataFrame(
        {"code": pl.Series(codes).cast(pl.String), "x": RNG.normal(size=len(codes))}
    )
    encoder = fitted(frame)
    assert encoder.layout.width == 1 + int(np.ceil(np.log2(n)))
    rows = encoder.decode(encoder.encode(frame))
    assert rows["code"].equals(frame["code"])
    made = encoder.decode(noise_for(encoder, 1_000))["code"]
    assert made.is_in(frame["code"].unique().implode()).all()


def test_levels_from_all_takes_those_of_other_rows_in():
    frame = pl.DataFrame({"c": ["a", "b", "a"], "flag": [True, False, None], "n": [1, 2, 3]})
    others = pl.DataFrame({"c": ["z", None, "b"], "flag": [None, True, False], "n": [9, 9, 9]})
    encoder = fitted(frame, others=others, levels_from="all")
    assert encoder.find_levels({"c": "z"}) == {"c": "z"}
    assert set(encoder.decode(noise_for(encoder))["c"]) == {"a", "b", "z"}
    assert encoder.decode(noise_for(encoder))["n"].max() == 3
    rare = fitted(frame, others=others, levels_from="rare")
    assert set(rare.decode(noise_for(rare))["c"]) == {"a", "b"}


def test_combinations_come_out_as_they_were_with_what_is_missing():
    frame = pl.DataFrame(
        {
            "city": ["Oslo", "Bergen", None, "Rome", "Rome"] * 4,
            "x": RNG.normal(size=20),
            "land": ["NO", "NO", "NO", "IT", None] * 4,
        }
    )
    rule = Combination(("city", "land"))
    encoder = fitted(frame, constraints=(rule,))
    assert encoder.missing.names == ()
    assert [span.column for span in encoder.layout.spans] == ["city,land", "x"]
    assert encoder.decode(encoder.encode(frame)).equals(frame)
    rows = encoder.decode(noise_for(encoder))
    assert rows.columns == frame.columns
    assert set(rows.select("city", "land").rows()) == set(frame.select("city", "land").rows())
    assert through_json(encoder).decode(noise_for(encoder)).equals(rows)
    with pytest.raises(SchemaError, match="'city', 'land' has a level 'Oslo', 'IT'"):
        encoder.encode(frame.with_columns(land=pl.lit("IT"))[:1])


def test_a_combination_and_a_column_called_like_it_are_not_mixed_up():
    frame = pl.DataFrame({"a": [1, 2, 3, 1], "b": [4, 5, 6, 4], "a,b": ["x", None, "y", "z"]})
    encoder = fitted(frame, constraints=(Combination(("a", "b")),))
    assert encoder.decode(encoder.encode(frame)).equals(frame)
    assert obeys_gates(encoder.encode(frame), encoder.layout)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Boolean, pl.Float64])
def test_one_hot_groups_have_one_flag(dtype):
    hot = RNG.integers(0, 3, 30)
    frame = pl.DataFrame({f"is_{i}": hot == i for i in range(3)}).cast(dtype)
    rule = OneHot(tuple(frame.columns))
    encoder = fitted(frame, constraints=(rule,))
    assert encoder.layout.width == 3
    assert encoder.decode(encoder.encode(frame)).equals(frame)
    rows = encoder.decode(noise_for(encoder))
    assert rows.schema == frame.schema
    assert rule.holds(rows).all()


def with_totals():
    parts = {name: np.round(RNG.exponential(40, N), 2) for name in ("injury", "vehicle", "fee")}
    frame = pl.DataFrame(parts).with_columns(
        pl.when(pl.Series(RNG.random(N) < 0.8)).then(pl.col("injury"))
    )
    frame = frame.with_columns(claim=(pl.col("injury") + pl.col("vehicle")).round(2))
    frame = frame.with_columns(total=(pl.col("claim") + pl.col("fee")).round(2))
    return frame.select("total", "injury", "claim", "vehicle", "fee")


def test_totals_are_added_up_and_not_learned():
    frame = with_totals()
    rules = (Sum(("claim", "fee"), "total"), Sum(("injury", "vehicle"), "claim"))
    encoder = fitted(frame, constraints=rules)
    assert {span.column for span in encoder.layout.spans} == {"", "injury", "vehicle", "fee"}
    assert [total.name for total in encoder.totals] == ["claim", "total"]
    assert encoder.decode(encoder.encode(frame)).equals(frame)
    for rows in (
        encoder.decode(noise_for(encoder)),
        through_json(encoder).decode(noise_for(encoder)),
    ):
        assert rows.schema == frame.schema
        for rule in rules:
            assert rule.holds(rows).all()
        missing = rows.select(pl.col("injury", "claim", "total").is_null())
        assert missing["injury"].equals(missing["claim"], check_names=False)
        assert missing["injury"].equals(missing["total"], check_names=False)
        assert 0 < missing["injury"].sum() < rows.height


# what is refused


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (SMALL.drop("count"), "missing 'count', not expected "),
        (SMALL.rename({"count": "n"}), "missing 'count', not expected 'n'"),
        (SMALL.with_columns(Class=1), "not expected 'Class'"),
        (SMALL.cast({"count": pl.Int64}), "'count' is of type Int64, but UInt8 was learned"),
    ],
)
def test_other_columns_are_refused(frame, said):
    with pytest.raises(SchemaError, match=said):
        fitted(SMALL).encode(frame)
    with pytest.raises(SchemaError, match=said):
        TableEncoder().fit(frame, schema_of(SMALL))


def test_cells_that_were_not_to_be_expected_are_refused():
    encoder = fitted(SMALL)
    with pytest.raises(SchemaError, match="'float', data row 1 .* holds None: no cell of this"):
        encoder.encode(SMALL.with_columns(float=pl.lit(None, pl.Float64)))
    with pytest.raises(SchemaError, match="'level' has a level 'z' that was not there"):
        encoder.encode(SMALL.with_columns(level=pl.lit("z")))


def test_no_rows_are_no_fit():
    with pytest.raises(SchemaError, match="at least one row"):
        TableEncoder().fit(SMALL[:0], schema_of(SMALL))


def test_a_constant_that_varies_is_refused():
    with pytest.raises(SchemaError, match="'same' was given as constant"):
        TableEncoder().fit(SMALL.with_columns(same=pl.col("float")), schema_of(SMALL))


@pytest.mark.parametrize("shape", [(), (7,), (3, 6), (3, 8), (1, 7, 1)])
def test_a_matrix_of_another_width_is_refused(shape):
    with pytest.raises(SchemaError, match="an encoded row has 7 numbers"):
        fitted(SMALL).decode(np.zeros(shape, dtype=np.float32))


def test_nan_is_the_generators_fault():
    matrix = np.zeros((3, 7), dtype=np.float32)
    matrix[1, 2] = np.nan
    with pytest.raises(RareGANError, match="the generator is damaged"):
        fitted(SMALL).decode(matrix)


def test_an_encoder_must_be_fitted_first():
    with pytest.raises(RareGANError, match="fit it first"):
        TableEncoder().decode(np.zeros((1, 1), dtype=np.float32))


@pytest.mark.parametrize("numeric", ["normal", "constant", None, ["quantile"]])
def test_unknown_encodings_are_refused(numeric):
    with pytest.raises(SchemaError, match="use one of"):
        TableEncoder(numeric)


def test_conditions_are_turned_into_levels():
    frame = pl.DataFrame({"c": ["a", "b", None], "yes": [True, False, True], "n": [1.5, 2.5, 4.5]})
    frame = frame.with_columns(when=pl.Series([date(2024, 1, day) for day in (1, 2, 3)]))
    encoder = fitted(frame)
    asked = {"c": "b", "yes": "False", "when": "2024-01-02"}
    assert encoder.find_levels(asked) == {"c": "b", "yes": False, "when": date(2024, 1, 2)}
    with pytest.raises(SchemaError, match="column 'c' was never 'z'"):
        encoder.find_levels({"c": "z"})
    with pytest.raises(SchemaError, match="column 'n' is continuous"):
        encoder.find_levels({"n": 1.5})
    with pytest.raises(SchemaError, match="'k'"):
        encoder.find_levels({"k": 1})


# what is damaged


def damaged_source():
    frame = pl.DataFrame(
        {
            "x": holes(pl.Series(RNG.normal(size=40)), 0.3, 1),
            "y": holes(pl.Series(np.round(RNG.exponential(9, 40), 1)), 0.3, 2),
            "spiky": [0.0] * 20 + RNG.normal(size=20).tolist(),
            "many": [f"k{i}" for i in range(40)],
            "city": ["a", "b", "c", None] * 10,
            "land": ["x", "x", "y", "y"] * 10,
            "took": [timedelta(days=i) for i in range(40)],
            "price": pl.Series([Decimal(i) for i in range(40)], dtype=pl.Decimal(9, 2)),
            "written": [f"{i}.50" for i in range(40)],
            "date": [date(2024, 1, 1) + timedelta(days=7 * i) for i in range(40)],
            "written date": [f"{i % 28 + 1:02}.{i % 12 + 1:02}.2020" for i in range(40)],
            "at": pl.Series(np.arange(40) * 10**9).cast(pl.Datetime("ms", "Europe/Berlin")),
            "id": [f"C{i:05}" for i in range(40)],
            "same": [1] * 40,
        }
    ).with_columns(total=pl.col("x") + pl.col("y"))
    rules = (Combination(("city", "land")), Sum(("x", "y"), "total"))
    kinds = {"id": "identifier", "written": "continuous"}
    return fitted(frame, kinds=kinds, constraints=rules).to_dict()


SOUND = json.loads(json.dumps(damaged_source()))


def paths(data, so_far=()):
    """Yield where every value of nested JSON stands; of long lists, the first ones."""
    items = data.items() if isinstance(data, dict) else enumerate(data[:4])
    for key, value in items:
        yield (*so_far, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*so_far, key))


PATHS = list(paths(SOUND))
JUNK = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2, 10**9, 2**63, 10**400, 0.5, -1.0, 1e308),
        *("", "a", "inf", "-inf", "x", "Int64", "String", "Date", "Null", "Decimal[2, 9]"),
        *("Datetime[ns, Mars/Olympus]", "%Q%%", "level", "number", "quantile", "\ud800"),
        *([], [1], ["a"], [[]], [None], [0.5] * 3, {}, {"name": "levels"}, {"name": "moment"}),
    ]
)


def change(data, path, value):
    *way, last = path
    for key in way:
        data = data[key]
    data[last] = value


def try_to_read(data):
    """Read it, or get the one error there is; what could be read can be used."""
    try:
        encoder = TableEncoder.from_dict(data)
    except ModelFileError:
        return
    rows = encoder.decode(np.zeros((3, encoder.layout.width), np.float32))
    assert rows.columns == [column.name for column in encoder.columns]
    assert [dtype_name(dtype) for dtype in rows.dtypes] == [c.dtype for c in encoder.columns]


@settings(max_examples=600)
@given(st.sampled_from(PATHS), JUNK)
def test_whatever_is_replaced_the_error_is_one_of_the_file(path, junk):
    data = copy.deepcopy(SOUND)
    change(data, path, junk)
    try_to_read(data)


@settings(max_examples=200)
@given(st.sampled_from(PATHS))
def test_whatever_is_lacking_the_error_is_one_of_the_file(path):
    data = copy.deepcopy(SOUND)
    *way, last = path
    inner = data
    for key in way:
        inner = inner[key]
    del inner[last]
    try_to_read(data)
    if isinstance(inner, dict) and last != "format":
        with pytest.raises(ModelFileError):
            TableEncoder.from_dict(data)


@settings(max_examples=150)
@given(st.sampled_from(PATHS), st.sampled_from(PATHS))
def test_what_is_swapped_does_no_other_harm(one, other):
    data = copy.deepcopy(SOUND)
    value = copy.deepcopy(SOUND)
    for key in other:
        value = value[key]
    change(data, one, value)
    try_to_read(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        None,
        [],
        {"numeric": "quantile"},
        {**SOUND, "columns": []},
        {**SOUND, "columns": [3]},
        {**SOUND, "columns": None},
        {**SOUND, "fields": []},
        {**SOUND, "fields": SOUND["fields"][1:]},
        {**SOUND, "fields": SOUND["fields"] + SOUND["fields"][:1]},
        {**SOUND, "totals": []},
        {**SOUND, "columns": SOUND["columns"][::-1][1:]},
        {**SOUND, "missing": {"columns": ["other"], "flags": [0], "patterns": None}},
        {**SOUND, "numeric": "unknown"},
    ],
)
def test_what_is_no_encoder_is_refused(data):
    assert TableEncoder.from_dict(SOUND).to_dict() == SOUND
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(data)


def test_encoding_imports_no_scipy():
    code = (
        "import sys, polars as pl; from raregan.data.schema import Column, Schema, Target;"
        "from raregan.encoding.encoder import TableEncoder;"
        "f = pl.DataFrame({'a': list(range(90)), 'b': ['x', 'y', None] * 30});"
        "columns = Column('a', 'Int64', 'integer'), Column('b', 'String', 'categorical');"
        "e = TableEncoder().fit(f, Schema(columns, Target('Class', 'Int8', 1, 2)));"
        "assert e.decode(e.encode(f)).equals(f);"
        "print({'scipy', 'sklearn', 'pandas', 'keras', 'jax', 'pyarrow'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


# real tables


def real_rows(path, target, rare, kinds=None):
    frame = pl.read_parquet(path)
    held = frame.drop(target)
    rows = held.filter(frame[target] == rare)
    columns = infer_columns(held, rows, kinds or {})
    return rows, Schema(columns, Target("\ntarget", "Int8", 1, 0))


def test_the_card_data_comes_back(real_data):
    rare, schema = real_rows(real_data / "creditcard.parquet", "Class", 1)
    encoder = TableEncoder().fit(rare, schema)
    matrix = encoder.encode(rare)
    assert len(matrix) == 492
    assert encoder.decode(matrix).equals(rare)
    linear = [s.start for s in encoder.layout.spans if s.column.startswith("V")]
    assert np.abs(matrix[:, linear].mean(axis=0)).max() < 0.05
    assert np.abs(matrix[:, linear].std(axis=0) - 1).max() < 0.05
    standard = TableEncoder("standard").fit(rare, schema)
    assert standard.decode(standard.encode(rare))["Amount"].equals(rare["Amount"])


def test_the_mammography_data_comes_back(real_data):
    frame = pl.read_parquet(real_data / "mammography.parquet")
    target = frame.columns[-1]
    rarest = frame[target].value_counts().sort("count")[target][0]
    rare, schema = real_rows(real_data / "mammography.parquet", target, rarest)
    encoder = TableEncoder().fit(rare, schema)
    assert encoder.decode(encoder.encode(rare)).equals(rare)
