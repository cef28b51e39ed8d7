import json
import os

import polars as pl

from raregan.data.records import read_split


def test_inspect_shows_every_column(folder, run, mixed):
    out, _ = run("inspect", "data.parquet")
    for name in mixed.columns:
        assert name in out
    for word in ("identifier", "datetime", "categorical", "Int16", "part_a + part_b == total"):
        assert word in out


def test_inspect_writes_a_schema(folder, run):
    _, err = run("inspect", "data.parquet", "--schema-out", "s.json", "--ignore", "took")
    assert "pass it back with --schema" in err
    schema = json.loads((folder / "s.json").read_text())
    assert "took" not in {column["name"] for column in schema["columns"]}
    assert schema["target"]["name"] == "Class"


def test_inspect_mistakes(folder, fails):
    fails("inspect", match="name the table to look at")
    fails("inspect", "none.parquet", match="none.parquet")
    fails("inspect", "data.parquet", "--target", "Klass", match="did you mean 'Class'")
    fails("inspect", "data.parquet", "--schema-out", "data.parquet", match="is the input")
    fails("inspect", ".", "--schema-out", "s.json", match="s.json is part of the input .")
    fails("inspect", "data.parquet", "--schema-out", "no/s.json", match="there is no folder no")


def test_split_keeps_every_row_once_and_groups_together(folder, run, mixed):
    _, err = run("split", "data.parquet", "--test", 0.3, "--group", "country", "-o", "parts")
    assert err.startswith("warning: 33.2% of the rows are on the test side")
    train, test = (pl.read_parquet(f"parts/{side}.parquet") for side in ("train", "test"))
    assert sorted(pl.concat([train, test])["case"]) == sorted(mixed["case"])
    assert not set(train["country"]) & set(test["country"])
    assert read_split("parts/train.parquet").n_rows == test.height
    assert sorted(os.listdir("parts")) == ["split.json", "test.parquet", "train.parquet"]


def test_split_mistakes(folder, run, fails):
    fails("split", "data.parquet", "--test", 2, "-o", "parts", match="2")
    fails("split", "data.parquet", "--group", "town", "-o", "parts", match="town")
    fails("split", "none.parquet", "-o", "parts", match="none.parquet")
    fails("split", "data.parquet", "--seed", -1, "-o", "parts", match="a seed must be")
    run("split", "data.parquet", "-o", "parts")
    fails("split", "data.parquet", "-o", "parts", match="use --overwrite")
    run("split", "data.parquet", "-o", "parts", "--overwrite")


def test_simulate_writes_the_raw_table(folder, run):
    run("simulate", "--rows", 300, "--frauds", 15, "--features", "raw", "-o", "t.parquet")
    table = pl.read_parquet("t.parquet")
    assert (table.height, table.width > 20) == (300, True)
    _, err = run("simulate", "--rows", 300, "--frauds", 15, "-o", "t.parquet")
    assert "note: t.parquet is there already; it is replaced when this is done" in err
