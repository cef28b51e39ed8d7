import json

import numpy as np
import polars as pl
import pytest

from raregan.data.heldout import HeldOut, refuse_held_out
from raregan.errors import DataError, ModelFileError, SchemaError

FRAME = pl.DataFrame({"a": range(100), "b": [f"x{i % 7}" for i in range(100)], "row": range(100)})
COLUMNS = ["a", "b"]


@pytest.fixture
def held_out():
    return HeldOut.of(FRAME.head(30), COLUMNS)


def test_marked_rows_are_counted_wherever_they_stand(held_out):
    assert held_out.n_rows == 30
    assert held_out.count(FRAME) == 30
    assert held_out.count(FRAME.tail(70)) == 0
    assert held_out.count(FRAME[::-1, ::-1].with_columns(new=pl.lit(1))) == 30
    assert held_out.count(pl.concat([FRAME[:2], FRAME[:2]])) == 4
    assert held_out.count(FRAME.clear()) == 0


def test_columns_that_were_not_hashed_do_not_matter(held_out):
    assert held_out.count(FRAME.with_columns(row=pl.lit("other"))) == 30
    assert held_out.count(FRAME.with_columns(a=pl.col("a") + 1_000)) == 0


def test_a_missing_column_is_named(held_out):
    with pytest.raises(SchemaError, match="no column 'b', by which held-out rows are told"):
        held_out.count(FRAME.drop("b"))


def test_copies_are_hashed_once():
    held_out = HeldOut.of(pl.concat([FRAME, FRAME]), COLUMNS)
    assert (held_out.n_rows, len(held_out.hashes)) == (200, 100)


def test_of_many_rows_the_smallest_hashes_are_kept(monkeypatch):
    everything = HeldOut.of(FRAME, COLUMNS)
    monkeypatch.setattr("raregan.data.heldout.MAX_HASHES", 10)
    some = HeldOut.of(FRAME, COLUMNS)
    assert some.hashes.tolist() == sorted(everything.hashes.tolist())[:10]
    assert some.count(FRAME) == 10


def test_two_marks_are_one(held_out, monkeypatch):
    both = held_out | HeldOut.of(FRAME[25:60], COLUMNS[::-1])
    assert (both.n_rows, both.count(FRAME)) == (65, 60)
    assert both.columns == ("a", "b")
    monkeypatch.setattr("raregan.data.heldout.MAX_HASHES", 10)
    some = HeldOut.of(FRAME.head(30), COLUMNS) | HeldOut.of(FRAME.tail(30), COLUMNS)
    everything = sorted({*held_out.hashes, *HeldOut.of(FRAME.tail(30), COLUMNS).hashes})
    assert some.hashes.tolist() == everything[:10]
    with pytest.raises(SchemaError, match="different columns: 'row' in one alone"):
        held_out | HeldOut.of(FRAME, FRAME.columns)


def test_a_table_of_held_out_rows_is_refused_with_the_numbers(held_out):
    with pytest.raises(DataError, match=r"30 of the 100 rows of all\.csv .*--allow-held-out"):
        refuse_held_out(FRAME, held_out, "all.csv")
    with pytest.raises(DataError, match="30 of the 100 rows"):
        refuse_held_out((FRAME[i : i + 10] for i in range(0, 100, 10)), held_out, "all.csv")
    refuse_held_out(FRAME.tail(70), held_out, "train.csv")


def test_nothing_held_out_marks_nothing():
    assert HeldOut.of(FRAME.clear(), COLUMNS).count(FRAME) == 0


def test_arrays_and_json_give_it_back(held_out):
    arrays, plain = held_out.to_arrays()
    back = HeldOut.from_arrays(arrays, json.loads(json.dumps(plain)))
    assert (back.columns, back.n_rows) == (held_out.columns, held_out.n_rows)
    assert (back.hashes == held_out.hashes).all()


@pytest.mark.parametrize(
    ("arrays", "plain"),
    [
        ({"held_out": None}, {}),
        ({"held_out": np.array([1.0, 2.0])}, {}),
        ({"held_out": np.array([2, 1], np.uint64)}, {}),
        ({"held_out": np.array([1, 1], np.uint64)}, {}),
        ({"held_out": np.array([[1]], np.uint64)}, {}),
        ({"held_out": np.arange(101, dtype=np.uint64)}, {}),
        ({}, {"columns": "ab"}),
        ({}, {"columns": []}),
        ({}, {"columns": [1]}),
        ({}, {"columns": ["a", "a"]}),
        ({}, {"n_rows": "3"}),
        ({}, {"n_rows": True}),
        ({}, {"n_rows": 2}),
        ({}, {"n_rows": -1}),
    ],
)
def test_malformed_marks_are_refused(held_out, arrays, plain):
    good_arrays, good_plain = held_out.to_arrays()
    with pytest.raises(ModelFileError, match="mark of held-out rows is damaged"):
        HeldOut.from_arrays(good_arrays | arrays, good_plain | plain)


@pytest.mark.parametrize("name", ["columns", "n_rows", "held_out"])
def test_an_absent_part_is_refused(held_out, name):
    arrays, plain = held_out.to_arrays()
    arrays, plain = [{k: v for k, v in part.items() if k != name} for part in (arrays, plain)]
    with pytest.raises(ModelFileError, match=name):
        HeldOut.from_arrays(arrays, plain)
