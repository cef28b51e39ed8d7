# ruff: noqa: DTZ001 - times without a zone are among what is tested

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.fields import Draw
from raregan.encoding.layout import Part
from raregan.encoding.levels import MAX_ONE_HOT, LevelField
from raregan.errors import ModelFileError, SchemaError

NOISE = np.random.default_rng(0).normal(size=(500, 64)).astype(np.float32)
NOISE[:4] = np.array([np.inf, -np.inf, 1e30, -1e30])[:, None]


def fit(cells, others=None):
    return LevelField.fit(cells.to_frame(), others)


def width(field):
    return sum(part.width for part in field.parts)


@pytest.mark.parametrize("n", [1, 2, 3, 64, 65, 128, 129, 7_000])
def test_levels_come_back_in_a_bounded_width(n):
    cells = pl.Series("x", [f"level {i}" for i in range(n)]).sample(fraction=1, shuffle=True)
    field = fit(cells)
    part = {
        1: (),
        2: (Part("level", 1, "sigmoid"),),
        3: (Part("level", 3, "softmax"),),
        64: (Part("level", 64, "softmax"),),
    }.get(n, (Part("level", math.ceil(math.log2(n)), "sigmoid"),))
    assert field.parts == part
    encoded = field.encode(cells)
    assert (encoded.dtype, encoded.shape) == (np.float32, (n, width(field)))
    assert set(np.unique(encoded)) <= {0.0, 1.0}
    if part and part[0].activation == "softmax":
        assert (encoded.sum(axis=1) == 1).all()
    assert len(np.unique(encoded, axis=0)) == n
    assert field.decode(encoded, Draw()).to_list() == cells.to_list()
    assert field.decode(NOISE[:, : width(field)], Draw()).is_in(cells.to_list()).all()


@pytest.mark.parametrize("n", [65, 100, 127, 200])
def test_codes_of_no_level_drop_their_highest_bit(n):
    field = fit(pl.Series("x", range(n)))
    bits = width(field)
    codes = np.arange(2**bits)
    matrix = (codes[:, None] >> np.arange(bits) & 1).astype(np.float32)
    made = field.decode(matrix, Draw()).to_list()
    assert made[:n] == list(range(n))
    assert made[n:] == [code - 2 ** (bits - 1) for code in range(n, 2**bits)]


def test_the_most_frequent_level_comes_first():
    cells = pl.Series("x", ["b", "c", "a", "c", "a", "a", "d"])
    assert fit(cells).levels.to_series().to_list() == ["a", "c", "b", "d"]


def test_levels_of_other_rows_come_last():
    others = pl.DataFrame({"x": ["z", "a", "y", "b"]})
    field = fit(pl.Series("x", ["b", "b", "a"]), others)
    assert field.levels.to_series().to_list() == ["b", "a", "z", "y"]
    assert field.decode(field.encode(others["x"]), Draw()).to_list() == ["z", "a", "y", "b"]


DTYPES = [
    pl.Series("x", ["a", "", "ü", "a\n", "ß", "日本"]),
    pl.Series("x", ["b", "a", "c"], dtype=pl.Categorical),
    pl.Series("x", ["b", "a", "c"], dtype=pl.Enum(["c", "b", "a", "never"])),
    pl.Series("x", [True, False]),
    pl.Series("x", [2**63 - 1, -(2**63), 0]),
    pl.Series("x", [2**64 - 1, 0, 1], dtype=pl.UInt64),
    pl.Series("x", [0.1, np.inf, -np.inf, 5e-324]),
    pl.Series("x", [0.1, 0.7, 3.0], dtype=pl.Float32),
    pl.Series("x", [Decimal("1.50"), Decimal("-2.25")], dtype=pl.Decimal(38, 2)),
    pl.Series("x", [date(1950, 1, 1), date(2050, 1, 1)]),
    pl.Series("x", [datetime(1950, 1, 1, 3), datetime(2050, 1, 1)], dtype=pl.Datetime("ns")),
    pl.Series("x", [datetime(2024, 10, 27, 0, 30), datetime(2024, 10, 27, 1, 30)])
    .dt.replace_time_zone("UTC")
    .dt.convert_time_zone("Europe/Berlin"),
    pl.Series("x", [timedelta(days=-1), timedelta(1)], dtype=pl.Duration("ms")),
    pl.Series("x", [time(1), time(2)]),
]


@pytest.mark.parametrize("cells", DTYPES, ids=lambda cells: str(cells.dtype))
def test_levels_of_any_dtype_come_back_through_json(cells):
    field = fit(cells)
    again = LevelField.from_dict(json.loads(json.dumps(field.to_dict(), allow_nan=False)))
    assert (again.encode(cells) == field.encode(cells)).all()
    for kept in (field, again):
        made = kept.decode(kept.encode(cells), Draw())
        assert (made.dtype, made.to_list()) == (cells.dtype, cells.to_list())


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from([None, 1, 2])), min_size=1))
def test_combinations_come_back_with_missing_values(rows):
    frame = pl.DataFrame(
        {"code": [text for text, _ in rows], "0": [number for _, number in rows]},
        schema={"code": pl.String, "0": pl.Int8},
    )
    field = LevelField.fit(frame)
    made = field.decode_frame(field.encode(frame), Draw())
    assert made.rows() == frame.rows()
    noise = field.decode_frame(NOISE[:50, : width(field)], Draw())
    assert set(noise.rows()) <= set(frame.rows())
    again = LevelField.from_dict(json.loads(json.dumps(field.to_dict())))
    assert again.levels.equals(field.levels)


@pytest.mark.parametrize("name", ["code", "", "0", "len", "literal"])
def test_any_name_of_a_column_will_do(name):
    cells = pl.Series(name, ["a", "b", "b"])
    field = fit(cells, pl.DataFrame({name: ["c"]}))
    assert field.decode(field.encode(cells), Draw()).to_list() == ["a", "b", "b"]


def test_an_unknown_level_is_refused():
    field = fit(pl.Series("x", ["a", "b", "c"]))
    with pytest.raises(SchemaError, match="'x' has a level 'd' that was not there"):
        field.encode(pl.Series("x", ["a", "d"]))
    pairs = LevelField.fit(pl.DataFrame({"x": ["a", "b"], "y": [1, 2]}))
    with pytest.raises(SchemaError, match="'x', 'y' has a level 'a', 2 that"):
        pairs.encode(pl.DataFrame({"x": ["a"], "y": [2]}))


def test_no_cells_are_encoded_too():
    field = fit(pl.Series("x", range(MAX_ONE_HOT + 1)))
    encoded = field.encode(pl.Series("x", [], dtype=pl.Int64))
    assert encoded.shape == (0, 7)
    assert field.decode(encoded, Draw()).to_list() == []


SOUND = {"dtype": "Int64", "levels": [1, 2, None]}


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [{**SOUND, "levels": []}],
        [{**SOUND, "levels": [1, 1]}],
        [{**SOUND, "levels": ["a"]}],
        [SOUND, {**SOUND, "levels": [1, 2]}],
        [{**SOUND, "dtype": 'Enum["a"]'}],
    ],
)
def test_damaged_levels_are_refused(columns):
    assert LevelField.from_dict({"columns": [SOUND], "apart": False}).levels.height == 3
    with pytest.raises(ModelFileError):
        LevelField.from_dict({"columns": columns, "apart": False})


def test_a_level_that_only_others_have_takes_a_number_of_its_own():
    yes, both = pl.DataFrame({"c": [True, True]}), pl.DataFrame({"c": [False, True]})
    field = LevelField.fit(yes, both)
    assert field.parts == (Part("level", 2, "softmax"),)
    assert LevelField.fit(both, both).parts == (Part("level", 1, "sigmoid"),)
    again = LevelField.from_dict(json.loads(json.dumps(field.to_dict())))
    assert again.decode(field.encode(both), Draw()).to_list() == [False, True]
    with pytest.raises(ModelFileError, match="'apart' of a column of categories is 1"):
        LevelField.from_dict({**field.to_dict(), "apart": 1})
