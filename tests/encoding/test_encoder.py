import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.data.schema import FEATURE_DTYPES, Column, Schema, Target
from raregan.data.sources import read_table
from raregan.encoding.encoder import BLOCK_ROWS, NUMERIC_ENCODINGS, TableEncoder
from raregan.encoding.layout import Layout, Span
from raregan.errors import ModelFileError, RareGANError, SchemaError

encodings = pytest.mark.parametrize("numeric", NUMERIC_ENCODINGS)


def schema_of(frame):
    columns = []
    for series in frame.iter_columns():
        kind = "integer" if series.dtype.is_integer() else "continuous"
        kind = "boolean" if series.dtype == pl.Boolean else kind
        kind = "constant" if series.n_unique() == 1 else kind
        columns.append(Column(series.name, str(series.dtype), kind))
    return Schema(tuple(columns), Target("Class", "Int8", 1, 0))


def fitted(frame, numeric="quantile"):
    return TableEncoder(numeric).fit(frame, schema_of(frame))


FRAME = pl.DataFrame(
    {
        "float": [0.1, -2.5, 1 / 3, 7.25],
        "amount": [0.0, 149.62, 2.69, 0.0],
        "same": [3.5, 3.5, 3.5, 3.5],
        "single": pl.Series([0.1, 0.7, 1 / 3, 5.0], dtype=pl.Float32),
        "count": pl.Series([3, 0, 250, 3], dtype=pl.UInt8),
        "yes": [True, False, False, True],
        "same_count": pl.Series([4] * 4, dtype=pl.Int16),
    }
)
BOUNDS = {"Int64": 2**53, "UInt64": 2**53}


def cells(name, dtype):
    if dtype == pl.Boolean:
        return st.booleans()
    if dtype.is_float():
        return st.floats(allow_nan=False, allow_infinity=False, width=32 if "32" in name else 64)
    bits = int(name.lstrip("UInt"))
    high = BOUNDS.get(name, 2 ** (bits - 1) - 1 if name.startswith("I") else 2**bits - 1)
    low = 0 if name.startswith("U") else (-high if name in BOUNDS else -high - 1)
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, 1]))


@st.composite
def frames(draw):
    names = draw(st.lists(st.sampled_from(sorted(FEATURE_DTYPES)), min_size=1, max_size=4))
    n = draw(st.integers(1, 12))
    return pl.DataFrame(
        [
            pl.Series(
                f"{i} {name}",
                draw(st.lists(cells(name, FEATURE_DTYPES[name]), min_size=n, max_size=n)),
                dtype=FEATURE_DTYPES[name],
            )
            for i, name in enumerate(names)
        ]
    )


@given(frames())
def test_every_dtype_comes_back_exactly(frame):
    encoder = fitted(frame)
    matrix = encoder.encode(frame)
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert matrix.shape == (frame.height, encoder.layout.width)
    assert encoder.decode(matrix).equals(frame)


@encodings
@given(frame=frames(), seed=st.integers(0, 9), spread=st.sampled_from([0.1, 1, 9, 1e30]))
def test_whatever_is_decoded_looks_like_the_table(numeric, frame, seed, spread):
    encoder = fitted(frame, numeric)
    rng = np.random.default_rng(seed)
    matrix = (rng.normal(size=(20, encoder.layout.width)) * spread).astype(np.float32)
    matrix[:2] = [[np.inf], [-np.inf]]
    rows = encoder.decode(matrix)
    assert rows.schema == frame.schema
    assert rows.height == 20
    for series in rows.iter_columns():
        seen = frame[series.name]
        assert seen.min() <= series.min()
        assert series.max() <= seen.max()


@encodings
@settings(max_examples=30)
@given(frame=frames())
def test_an_encoder_comes_back_from_json_to_the_bit(numeric, frame):
    encoder = fitted(frame, numeric)
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    matrix = np.random.default_rng(0).normal(size=(9, encoder.layout.width)).astype(np.float32)
    assert again.layout == encoder.layout
    assert again.numeric == numeric
    assert again.decode(matrix).equals(encoder.decode(matrix))
    assert (again.encode(frame) == encoder.encode(frame)).all()


@encodings
def test_a_small_table_comes_back(numeric):
    encoder = fitted(FRAME, numeric)
    rows = encoder.decode(encoder.encode(FRAME))
    exact = ["amount", "same", "count", "yes", "same_count"]
    assert rows.select(exact).equals(FRAME.select(exact))
    assert rows.schema == FRAME.schema
    for name in ("float", "single"):
        assert rows[name].to_list() == pytest.approx(FRAME[name].to_list(), rel=1e-6)


def test_constant_columns_take_no_room():
    encoder = fitted(FRAME)
    assert encoder.layout == Layout(
        (
            Span("float", 0, 1, "continuous", "linear"),
            Span("amount", 1, 1, "continuous", "linear"),
            Span("single", 2, 1, "continuous", "linear"),
            Span("count", 3, 1, "integer", "linear"),
            Span("yes", 4, 1, "boolean", "linear"),
        )
    )


@encodings
def test_decimal_places_are_restored(numeric):
    encoder = fitted(FRAME, numeric)
    matrix = np.random.default_rng(1).normal(size=(500, 5)).astype(np.float32)
    rows = encoder.decode(matrix)
    amounts = rows["amount"].to_list()
    assert len(set(amounts)) > 50
    assert all(amount == round(amount, 2) for amount in amounts)
    assert any(round(value, 6) != value for value in rows["float"].to_list())


def test_integers_and_booleans_between_two_values_are_rounded():
    frame = pl.DataFrame({"n": [0, 2**53], "yes": [False, True], "x": [0.5, 1.25]})
    encoder = fitted(frame)
    low, high = encoder.encode(frame)
    for share in (0.2, 0.4, 0.6, 0.8):
        row = encoder.decode((low + share * (high - low))[None])
        assert row["yes"][0] == (share > 0.5)
        assert row["n"][0] == pytest.approx(share * 2**53, rel=1e-6)


def test_decoding_in_blocks_is_decoding_row_by_row():
    encoder = fitted(FRAME)
    matrix = np.random.default_rng(2).normal(size=(BLOCK_ROWS + 3, 5)).astype(np.float32)
    rows = encoder.decode(matrix)
    picked = [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 2]
    assert rows[picked].equals(pl.concat([encoder.decode(matrix[i : i + 1]) for i in picked]))


def test_any_memory_order_and_precision_is_decoded():
    encoder = fitted(FRAME)
    matrix = encoder.encode(FRAME)
    assert encoder.decode(np.asfortranarray(matrix)).equals(FRAME)
    assert encoder.decode(matrix.astype(np.float64)).equals(FRAME)
    assert encoder.decode(matrix[:0]).equals(FRAME[:0])


def test_the_order_of_columns_is_the_schemas():
    encoder = fitted(FRAME)
    assert (encoder.encode(FRAME[FRAME.columns[::-1]]) == encoder.encode(FRAME)).all()


def test_new_rows_are_encoded_too():
    encoder = fitted(FRAME)
    new = FRAME.with_columns(pl.col("float") * 100, count=pl.lit(255, pl.UInt8))
    matrix = encoder.encode(new)
    assert np.isfinite(matrix).all()
    assert encoder.decode(matrix)["count"].to_list() == [250] * 4


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop("count"), r"missing \['count'\], not expected \[\]"),
        (FRAME.rename({"count": "n"}), r"missing \['count'\], not expected \['n'\]"),
        (FRAME.with_columns(Class=1), r"missing \[\], not expected \['Class'\]"),
        (FRAME.cast({"count": pl.Int64}), "'count' is of type Int64, but UInt8 was learned"),
        (FRAME.with_columns(float=pl.lit(None, pl.Float64)), "'float', data row 1 .* holds None"),
        (FRAME.with_columns(pl.col("float").log()), "'float', data row 2 .* holds nan"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_other_columns_or_cells_are_refused(frame, said):
    with pytest.raises(SchemaError, match=said):
        fitted(FRAME).encode(frame)
    with pytest.raises(SchemaError, match=said):
        TableEncoder().fit(frame, schema_of(FRAME))


def test_no_rows_are_no_fit():
    with pytest.raises(SchemaError, match="at least one row"):
        TableEncoder().fit(FRAME[:0], schema_of(FRAME))


def test_a_constant_that_varies_is_refused():
    with pytest.raises(SchemaError, match="'same' is constant by the schema, but varies"):
        TableEncoder().fit(FRAME.with_columns(same=pl.col("float")), schema_of(FRAME))


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (3, 6), (1, 5, 1)])
def test_a_matrix_of_another_width_is_refused(shape):
    with pytest.raises(SchemaError, match="an encoded row has 5 numbers"):
        fitted(FRAME).decode(np.zeros(shape, dtype=np.float32))


def test_nan_is_the_generators_fault():
    matrix = np.zeros((3, 5), dtype=np.float32)
    matrix[1, 2] = np.nan
    with pytest.raises(RareGANError, match="the generator is damaged"):
        fitted(FRAME).decode(matrix)


def test_an_encoder_must_be_fitted_first():
    with pytest.raises(RareGANError, match="fit it first"):
        TableEncoder().decode(np.zeros((1, 1), dtype=np.float32))
    with pytest.raises(RareGANError, match="fit it first"):
        _ = TableEncoder().layout


@pytest.mark.parametrize("numeric", ["normal", "constant", None, ["quantile"]])
def test_unknown_encodings_are_refused(numeric):
    with pytest.raises(SchemaError, match="use one of"):
        TableEncoder(numeric)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", None),
        ("name", "amount"),
        ("dtype", "Date"),
        ("kind", "text"),
        ("decimals", -1),
        ("decimals", 11),
        ("decimals", "2"),
        ("decimals", 1.0),
        ("decimals", True),
        ("encoding", None),
        ("encoding", "quantile"),
        ("encoding", {}),
        ("encoding", {"name": "unknown"}),
        ("encoding", {"name": ["quantile"]}),
        ("encoding", {"name": "quantile", "z": [0.0], "x": []}),
    ],
)
def test_a_damaged_encoder_is_refused(key, value):
    data = fitted(FRAME).to_dict()
    data["columns"][0][key] = value
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(data)
    del data["columns"][0][key]
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        None,
        [],
        {"numeric": "quantile"},
        {"numeric": "quantile", "columns": []},
        {"numeric": "quantile", "columns": [3]},
        {"numeric": "quantile", "columns": None},
        {"numeric": "unknown", "columns": fitted(FRAME).to_dict()["columns"]},
    ],
)
def test_what_is_no_encoder_is_refused(data):
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(data)


def test_encoding_imports_no_scipy():
    code = (
        "import sys, polars as pl; from raregan.data.table import make_table;"
        "from raregan.encoding.encoder import TableEncoder;"
        "t = make_table(pl.DataFrame({'a': range(90), 'Class': [1] * 30 + [0] * 60}));"
        "e = TableEncoder().fit(t.rare, t.schema); e.decode(e.encode(t.rare));"
        "print({'scipy', 'sklearn', 'pandas', 'keras', 'jax'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_the_card_data_comes_back(real_data):
    table = read_table(real_data / "creditcard.parquet", ignore=["Time"])
    encoder = TableEncoder().fit(table.rare, table.schema)
    matrix = encoder.encode(table.rare)
    assert matrix.shape == (492, 29)
    assert encoder.decode(matrix).equals(table.rare)
    assert np.abs(matrix.mean(axis=0)).max() < 0.05
    assert np.abs(matrix.std(axis=0) - 1).max() < 0.05
    amount = encoder.columns[-1]
    assert (amount.column.name, amount.decimals) == ("Amount", 2)
    standard = TableEncoder("standard").fit(table.rare, table.schema)
    rows = standard.decode(standard.encode(table.rare))
    assert rows["Amount"].equals(table.rare["Amount"])


def test_the_mammography_data_comes_back(real_data):
    table = read_table(real_data / "mammography.parquet")
    encoder = TableEncoder().fit(table.rare, table.schema)
    assert encoder.decode(encoder.encode(table.rare)).equals(table.rare)
