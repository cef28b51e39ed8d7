import json
from datetime import date

import polars as pl
import pytest

from raregan.data.schema import Column, Schema, Target, infer_schema
from raregan.errors import SchemaError


def schema(**target):
    columns = (Column("a", "Float64", "continuous"), Column("n", "Int32", "integer"))
    return Schema(columns, Target(**{"name": "Class", "dtype": "Int8", "rare": 1, **target}))


def infer(**columns):
    n = max(len(values) for values in columns.values())
    frame = pl.DataFrame({**columns, "Class": [1] * (n - 1) + [0]})
    return infer_schema(frame, target="Class", rare=1)


def fault(values, dtype=None):
    with pytest.raises(SchemaError) as error:
        infer(good=pl.Series([1.0, 2.0, 3.0]), x=pl.Series(values, dtype=dtype, strict=False))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("rare", [1, True, 1.5, "yes, \N{GRINNING FACE}"])
def test_a_schema_comes_back_from_json(rare):
    dtype = {int: "UInt64", bool: "Boolean", float: "Float32", str: "String"}[type(rare)]
    before = schema(dtype=dtype, rare=rare, position=1)
    after = Schema.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert type(after.target.rare) is type(rare)


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("columns", "dtype", "Date"),
        ("columns", "dtype", ["Int8"]),
        ("columns", "kind", "text"),
        ("columns", "kind", None),
        ("columns", "name", 3),
        ("columns", "name", "n"),  # twice
        ("columns", "name", "Class"),  # the target too
        ("columns", "colour", "red"),
        ("target", "dtype", "Date"),
        ("target", "rare", "1"),
        ("target", "rare", True),
        ("target", "name", None),
        ("target", "position", 3),
        ("target", "position", -1),
        ("target", "position", 1.0),
        ("target", "colour", "red"),
    ],
)
def test_a_damaged_schema_is_refused(where, key, value):
    data = schema(position=0).to_dict()
    part = data[where][0] if where == "columns" else data[where]
    part[key] = value
    with pytest.raises(SchemaError):
        Schema.from_dict(data)


@pytest.mark.parametrize("data", [{}, {"columns": []}, {"columns": [], "target": {}}, None, [1]])
def test_what_is_no_schema_is_refused(data):
    with pytest.raises(SchemaError):
        Schema.from_dict(data)


def test_a_schema_needs_a_column():
    with pytest.raises(SchemaError, match="at least one column"):
        Schema((), schema(position=0).target)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_target_returns_to_its_place(position):
    features = pl.DataFrame({"a": [0.5, 1.5], "n": pl.Series([1, 2], dtype=pl.Int32)})
    frame = schema(position=position).add_target(features)
    assert frame.columns.index("Class") == position
    assert frame["Class"].to_list() == [1, 1]
    assert frame.schema["Class"] == pl.Int8
    assert features.columns == ["a", "n"]  # the caller's frame is left alone


def test_a_text_target_returns_as_text():
    features = pl.DataFrame({"a": [0.5], "n": [1]})
    frame = schema(position=0, dtype="String", rare="yes").add_target(features)
    assert frame["Class"].to_list() == ["yes"]


def test_kinds_are_those_of_the_rare_rows():
    found = infer(
        real=[0.5, 1.5, 2.5],
        whole=pl.Series([1, 2, 3], dtype=pl.UInt16),
        yes=[True, False, False],
        same=[7, 7, 9],  # differs in the last row only, which is not rare
        single=pl.Series([0.1, 0.2, 0.3], dtype=pl.Float32),
    )
    assert [(column.dtype, column.kind) for column in found.columns] == [
        ("Float64", "continuous"),
        ("UInt16", "integer"),
        ("Boolean", "boolean"),
        ("Int64", "constant"),
        ("Float32", "continuous"),
    ]
    assert found.target == Target("Class", "Int64", 1, 5)
    assert found.columns[0].polars_dtype == pl.Float64


def test_text_is_refused_with_its_place():
    assert fault(["low", "high", "low"]) == (
        "column 'x', data row 1 (counted from 1), holds 'low': text columns are not supported yet; "
        "they come in a later release; leave it out with --ignore 'x'"
    )


def test_a_number_that_is_none_is_pointed_at():
    message = fault(["1.5", " 2", "n/a"])
    assert "data row 3 (counted from 1), holds 'n/a' (of 3 cells 1 hold no number)" in message
    assert "--ignore 'x'" in message


def test_numbers_written_as_text_are_recognised():
    assert "number written as text" in fault([" 1.5", "2 ", "3e4"])


def test_long_and_many_lined_cells_are_shown_in_one_short_line():
    assert len(fault(["a\nb " * 100, "c", "d"])) < 300
    assert len(fault([["a\nb " * 100], ["c"], ["d"]])) < 300


def test_a_category_is_text():
    assert "text columns" in fault(["u", "v", "u"], pl.Categorical)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.String, pl.Null, pl.Boolean])
def test_a_missing_value_is_refused_with_its_place(dtype):
    values = [None] * 3 if dtype == pl.Null else [1, None, None]
    message = fault(values, dtype)
    row, count = (1, 3) if dtype == pl.Null else (2, 2)
    assert f"column 'x', data row {row} (counted from 1), holds None ({count} in all)" in message
    assert "missing values are not supported yet" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
def test_numbers_that_are_not_finite_are_refused_with_their_place(value, dtype):
    message = fault([1.0, 2.0, value], dtype)
    assert f"column 'x', data row 3 (counted from 1), holds {value!r}" in message
    assert "drop the rows" in message


def test_dates_are_refused_with_their_place():
    message = fault([date(2020, 1, 31)] * 3)
    assert "data row 1" in message
    assert "2020, 1, 31" in message
    assert "date and time columns are not supported yet" in message


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1])
def test_integers_that_float64_cannot_hold_are_refused(value):
    message = fault([1, value, 3])
    assert f"data row 2 (counted from 1), holds {value}, beyond 2**53" in message
    assert "identifier" in message


def test_so_are_unsigned_and_wider_ones():
    assert "beyond 2**53" in fault([1, 2**64 - 1, 3], pl.UInt64)
    assert "beyond 2**53" in fault([1, 2**100, 3], pl.Int128)


@pytest.mark.parametrize("value", [2**53, -(2**53)])
def test_the_last_exact_integers_are_learned(value):
    assert infer(x=[1, value, 3]).columns[0].kind == "integer"


def test_other_dtypes_are_refused():
    assert "Int128 is not supported" in fault([1, 2, 3], pl.Int128)
    assert "List(Int64) is not supported" in fault([[1], [2], [3]])


def test_all_columns_at_fault_are_named_at_once():
    with pytest.raises(SchemaError, match=r"column 'b', .*; at fault too: 'c', 'd'$"):
        infer(a=[1, 2, 3], b=["u", "v", "w"], c=[1, None, 2], d=[0.5, float("inf"), 1.0])
