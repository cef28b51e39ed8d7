from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from raregan.contest.arena import read_arena
from raregan.data.rows import choose_rows
from raregan.data.split import split_file
from raregan.data.table import infer_schema
from raregan.errors import SchemaError
from tests.contest.tables import apart

ASKED = {
    "query": None,
    "target": None,
    "rare": None,
    "ignore": (),
    "kinds": None,
    "schema": None,
    "apart": (),
}


def read(source, **options):
    return read_arena(source, **{**ASKED, **options})


def kinds_of(arena):
    return {column.name: column.kind for column in arena.columns}


def test_identifiers_and_constants_are_no_features(mixed):
    arena = read(mixed.with_columns(same=pl.lit(1)))
    assert {"case", "same"} == set(arena.not_features)
    assert "case" not in kinds_of(arena)
    assert (arena.rows.target, arena.rows.value) == ("Class", 1)
    assert arena.frame.height == mixed.height


def test_what_is_constant_in_rare_rows_alone_is_a_feature():
    frame = apart().with_columns(
        flag=pl.when(pl.col("Class") == 1).then(0).otherwise(pl.int_range(pl.len()) % 2)
    )
    assert kinds_of(read(frame))["flag"] == "integer"


def test_columns_that_keep_rows_apart_are_no_features():
    frame = apart().with_columns(when=pl.int_range(pl.len()), who=pl.int_range(pl.len()) % 7)
    arena = read(frame, apart=("when", "who"))
    assert set(arena.not_features) == {"when", "who"}
    with pytest.raises(SchemaError, match="no column 'whem'"):
        read(frame, apart=("whem",))
    with pytest.raises(SchemaError, match="is the target"):
        read(frame, target="Class", apart=("Class",))


def test_given_kinds_are_taken_before_those_of_a_schema(mixed):
    arena = read(mixed, kinds={"count": "categorical"})
    assert kinds_of(arena)["count"] == "categorical"
    schema = infer_schema(arena.rows, kinds={"count": "categorical"})
    assert kinds_of(read(mixed, schema=schema))["count"] == "categorical"
    assert kinds_of(read(mixed, schema=schema, kinds={"count": "integer"}))["count"] == "integer"


def test_not_a_number_is_missing_and_no_features_are_refused():
    frame = apart().with_columns(x0=pl.lit(float("nan")), x1=pl.lit(3.0))
    arena = read(frame)
    assert arena.frame["x0"].null_count() == frame.height
    assert set(arena.not_features) == {"x0", "x1"}
    with pytest.raises(SchemaError, match="no column to tell rare rows by"):
        read(frame.select("x0", "x1", "Class"))


def test_the_mark_of_a_split_is_read(tmp_path):
    apart().write_parquet(tmp_path / "t.parquet")
    done = split_file(tmp_path / "t.parquet", tmp_path / "parts", target="Class")
    assert read(done.train).held_out.n_rows == 100
    assert read(apart()).held_out is None


def test_amounts_are_numbers_in_every_row():
    frame = apart().with_columns(
        paid=pl.int_range(pl.len()), gone=pl.lit(None, pl.Float64), text=pl.lit("a")
    )
    arena = read(frame)
    assert np.array_equal(arena.amounts("paid"), np.arange(400.0))
    assert arena.amounts(None) is None
    for name in ("gone", "text"):
        with pytest.raises(SchemaError, match=f"amount column '{name}'"):
            arena.amounts(name)


def test_a_table_is_held_to_its_schema(mixed):
    told = mixed.with_columns(chargeback=pl.col("Class") * 7)
    schema = infer_schema(choose_rows(told, ignore=("chargeback",)), kinds={})
    with pytest.raises(
        SchemaError, match="the schema lacks 'chargeback'; leave .* out with --ignore"
    ):
        read(told, schema=schema)
    assert "chargeback" not in kinds_of(read(told, schema=schema, ignore=("chargeback",)))
    with pytest.raises(SchemaError, match="the table lacks 'count'"):
        read(mixed.drop("count"), schema=schema)
    assert "count" not in kinds_of(read(mixed, schema=schema, apart=("count",)))


def test_dates_are_read_as_the_schema_says():
    frame = apart().with_columns(day=pl.Series(["03/04/2024", "05/06/2024"] * 200))
    schema = infer_schema(choose_rows(frame), kinds={"day": "datetime"})
    written = {column.name: column.format for column in read(frame, schema=schema).columns}
    assert written["day"] == "%d/%m/%Y"
    columns = [replace(c, format="%m/%d/%Y") if c.format else c for c in schema.columns]
    told = replace(schema, columns=tuple(columns))
    written = {column.name: column.format for column in read(frame, schema=told).columns}
    assert written["day"] == "%m/%d/%Y"
