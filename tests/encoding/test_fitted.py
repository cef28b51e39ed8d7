import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from raregan.data.dtypes import dtype_name
from raregan.data.schema import Column
from raregan.encoding.fields import BLOCK_ROWS, ConstantField, Draw, IdentifierField
from raregan.encoding.fitted import FIELDS, FittedField, fit_field, fit_group
from raregan.encoding.levels import LevelField
from raregan.encoding.moments import MomentField
from raregan.encoding.numbers import NumberField
from raregan.errors import ModelFileError, SchemaError

N = 80
FRAME = pl.DataFrame(
    {
        "x": np.random.default_rng(0).normal(size=N),
        "n": range(N),
        "c": ["a", "b", None, "c"] * (N // 4),
        "yes": [True, False, None, True] * (N // 4),
        "when": pl.Series(range(N), dtype=pl.Int32).cast(pl.Date),
        "few": pl.Series([1, 2, 3, 4] * (N // 4), dtype=pl.Int32).cast(pl.Date),
        "took": pl.Series(range(N), dtype=pl.Int64).cast(pl.Duration("ms")),
        "same": [None, 5] * (N // 2),
        "id": [f"C{7 * i:07}" for i in range(N)],
        "none": pl.Series([None] * N, dtype=pl.String),
    }
)
KINDS = {
    "x": ("continuous", NumberField),
    "n": ("integer", NumberField),
    "c": ("categorical", LevelField),
    "yes": ("boolean", LevelField),
    "when": ("datetime", MomentField),
    "few": ("datetime", LevelField),
    "took": ("duration", NumberField),
    "same": ("constant", ConstantField),
    "id": ("identifier", IdentifierField),
    "none": ("categorical", ConstantField),
}


def fit(name, kind=None, frame=FRAME, others=None, seen=None):
    column = Column(name, dtype_name(frame.schema[name]), kind or KINDS[name][0])
    return fit_field(column, frame, "quantile", others, seen)


@pytest.mark.parametrize(
    ("rare", "others", "expected"),
    [
        (["web", None], ["shop", "web", None, "tel"], ["web", "shop", "tel"]),
        ([True, True], [True, False], [True, False]),
        (["web", "web"], ["web", None], None),
        ([5, 5], [1, 2], None),
        (["1.10", "1.10"], [f"{i}.25" for i in range(50)], None),
        ([date(2020, 1, 1)] * 2, [date(2020, 1, 2)] * 2, None),
    ],
)
def test_a_constant_column_takes_the_levels_of_others_where_it_would_have_levels(
    rare, others, expected
):
    frame, others = pl.DataFrame({"x": rare}), pl.DataFrame({"x": others})
    field = fit("x", "constant", frame, others=others)
    assert type(field.field) is (ConstantField if expected is None else LevelField)
    assert expected is None or field.levels("x") == expected
    assert type(fit("x", "constant", frame).field) is ConstantField


def encode(field, frame):
    out = np.zeros((frame.height, sum(part.width for part in field.parts)), np.float32)
    field.encode_into(out, frame)
    return out


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_its_field(name):
    field = fit(name)
    assert type(field.field) is KINDS[name][1]
    again = FittedField.from_dict(json.loads(json.dumps(field.to_dict(), allow_nan=False)))
    encoded = encode(field, FRAME)
    assert (encode(again, FRAME) == encoded).all()
    for kept in (field, again):
        made = kept.decode(encoded, Draw())
        assert list(made) == [name]
        assert made[name].dtype == FRAME.schema[name]
        if name != "id":
            known = FRAME[name].is_not_null()
            assert made[name].filter(known).to_list() == FRAME[name].drop_nulls().to_list()
    missing = FRAME[name].is_null().to_numpy()
    assert not encoded[missing].any()


def test_fields_are_found_by_name():
    assert all(name == field.name for name, field in FIELDS.items())
    assert set(FIELDS.values()) == {field for _, field in KINDS.values()}


def test_a_constant_that_varies_is_refused():
    said = (
        "'n' was given as constant, by --kind or .* rare rows hold .*, .*: give it another kind, or"
    )
    with pytest.raises(SchemaError, match=said):
        fit("n", "constant")


def test_levels_are_those_of_other_rows_too_if_given():
    others = pl.DataFrame({"c": ["z", None, "a", "z", "y"]})
    assert fit("c").levels("c") == ["a", "b", "c"]
    assert fit("c", others=others).levels("c") == ["a", "b", "c", "z", "y"]
    pairs = pl.DataFrame({"c": ["z", "a"], "yes": [None, True]})
    group = fit_group(("c", "yes"), FRAME, pairs)
    assert group.levels("c") == ["a", "b", None, "c", "z"]
    assert group.levels("yes") == [True, False, None]


def test_levels_of_what_has_none():
    assert fit("same").levels("same") == [5]
    assert fit("none").levels("none") == [None]
    assert fit("x").levels("x") is None
    assert fit("id").levels("id") is None


def test_a_group_holds_what_is_missing():
    group = fit_group(("c", "yes"), FRAME, None)
    frame = FRAME.select("c", "yes")
    made = group.decode(encode(group, FRAME), Draw())
    assert pl.DataFrame(made).equals(frame)
    again = FittedField.from_dict(json.loads(json.dumps(group.to_dict())))
    assert pl.DataFrame(again.decode(encode(group, FRAME), Draw())).equals(frame)


def test_no_identifier_that_is_seen_anywhere_is_made():
    taken = pl.LazyFrame({"id": [f"C{i:07}" for i in range(2_000)]})
    made = fit("id", seen=taken).decode(np.empty((500, 0), np.float32), Draw())["id"]
    assert made.n_unique() == 500
    assert not set(made.to_list()) & set(taken.collect()["id"].to_list())
    categories = FRAME.cast({"id": pl.Categorical})
    made = fit("id", frame=categories).decode(np.empty((9, 0), np.float32), Draw())["id"]
    assert made.dtype == pl.Categorical
    assert made.cast(pl.String).str.contains(r"^C[0-9]{7}$").all()


@pytest.mark.parametrize(("dtype", "first"), [(pl.Int8, 0), (pl.Int8, -20), (pl.UInt8, 200)])
def test_a_dtype_without_room_for_fresh_identifiers_is_told_before_training(dtype, first):
    rows = pl.DataFrame({"row": pl.Series(range(first, first + 50), dtype=dtype)})
    with pytest.raises(
        SchemaError, match=r"'row' .*Int8 has no room for the 8,192 .*'row'=integer"
    ):
        fit("row", "identifier", rows)
    roomy = fit("row", "identifier", rows.cast(pl.Int16))
    assert roomy.decode(np.empty((BLOCK_ROWS, 0), np.float32), Draw())["row"].is_unique().all()


@pytest.mark.parametrize("names", [[], ["c"], ["c", "yes", "x"]])
def test_a_group_of_other_columns_is_refused(names):
    data = fit_group(("c", "yes"), FRAME, None).to_dict()
    with pytest.raises(ModelFileError):
        FittedField.from_dict({**data, "columns": names})
