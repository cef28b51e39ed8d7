import json
from dataclasses import replace
from itertools import product

import polars as pl
import pytest

from raregan.config import KINDS
from raregan.data.dtypes import dtype_name
from raregan.data.schema import Column, Schema, Target, locate, show_cell
from raregan.errors import SchemaError


def schema(**target):
    columns = (Column("a", "Float64", "continuous"), Column("n", "Int32", "integer"))
    return Schema(columns, Target(**{"name": "Class", "dtype": "Int8", "rare": 1, **target}))


@pytest.mark.parametrize("rare", [1, True, 1.5, "yes, \N{GRINNING FACE}"])
def test_a_schema_comes_back_from_json(rare):
    dtype = {int: "UInt64", bool: "Boolean", float: "Float32", str: "String"}[type(rare)]
    before = schema(dtype=dtype, rare=rare, position=1)
    after = Schema.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert type(after.target.rare) is type(rare)


def test_identifiers_are_named():
    case = Column("case", "String", "identifier")
    plain = schema(position=0)
    assert plain.identifiers == ()
    assert replace(plain, columns=(*plain.columns, case)).identifiers == ("case",)


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("columns", "dtype", "List(Int64)"),
        ("columns", "dtype", "Date"),  # it is continuous
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


@pytest.mark.parametrize("dtype", ["Categorical", 'Enum["no", "yes"]'])
def test_a_target_of_categories_returns_as_such(dtype):
    features = pl.DataFrame({"a": [0.5], "n": [1]})
    frame = schema(position=2, dtype=dtype, rare="yes").add_target(features)
    assert frame["Class"].to_list() == ["yes"]
    assert dtype_name(frame.schema["Class"]) == dtype


FITTING = {
    "Float64": {"continuous", "integer", "categorical", "constant"},
    "Int32": {"continuous", "integer", "categorical", "constant", "identifier"},
    "Decimal[38, 2]": {"continuous", "integer", "categorical", "constant"},
    "Boolean": {"categorical", "boolean", "constant"},
    "String": {"continuous", "categorical", "datetime", "constant", "identifier", "text"},
    "Categorical": {"categorical", "constant", "identifier", "text"},
    "Date": {"categorical", "datetime", "constant"},
    "Datetime[us, Europe/Berlin]": {"categorical", "datetime", "constant"},
    "Duration[ms]": {"categorical", "duration", "constant"},
    "Time": {"categorical", "duration", "constant"},
    "Null": {"constant"},
}


@pytest.mark.parametrize(("dtype", "kind"), list(product(FITTING, KINDS)))
def test_a_dtype_has_its_kinds_and_no_others(dtype, kind):
    form = "%Y" if (dtype, kind) == ("String", "datetime") else None
    if kind in FITTING[dtype]:
        assert Column("x", dtype, kind, form).kind == kind
    else:
        with pytest.raises(SchemaError, match=f"'x' of type .* cannot be {kind}: it can be"):
            Column("x", dtype, kind, form)


@pytest.mark.parametrize(
    ("dtype", "kind", "form"),
    [("String", "datetime", None), ("String", "text", "%Y"), ("Date", "datetime", "%Y")],
)
def test_a_format_belongs_to_dates_that_are_text(dtype, kind, form):
    with pytest.raises(SchemaError, match="a format such as '%Y-%m-%d' belongs to text of dates"):
        Column("x", dtype, kind, form)


def test_formats_and_constraints_come_back_from_json():
    columns = (
        Column("when", "String", "datetime", "%d.%m.%Y"),
        Column("level", 'Enum["a, b", "\N{SNOWMAN}"]', "categorical"),
    )
    before = Schema(columns, schema(position=0).target, ("a <= b", "city,country"))
    after = Schema.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert after.formats == {"when": "%d.%m.%Y"}
    assert after.dtypes["level"] == pl.Enum(["a, b", "\N{SNOWMAN}"])


def test_a_constraint_is_text():
    with pytest.raises(SchemaError, match="constraints must be text"):
        Schema.from_dict({**schema(position=0).to_dict(), "constraints": [1]})


def test_long_and_many_lined_cells_are_shown_in_one_short_line():
    shown = locate(pl.Series("x", ["fine", "a\nb " * 100]), pl.Series([False, True]))
    assert shown.startswith("column 'x', data row 2 (counted from 1), holds ")
    assert len(shown) < 150
    assert "\n" not in shown


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_times_that_python_has_none_for_are_shown_as_ticks(unit):
    ticks = pl.Series([2**62, None, 0]).cast(pl.Datetime(unit, "Europe/Berlin"))
    beyond = f"{2**62} as Datetime(time_unit='{unit}', time_zone='Europe/Berlin')"
    assert show_cell(ticks, 0) == beyond
    assert show_cell(ticks, 1) == "None"
    assert "1970, 1, 1, 1, 0" in show_cell(ticks, 2)
    assert show_cell(pl.Series([10**9], dtype=pl.Int32).cast(pl.Date), 0) == "1000000000 as Date"
