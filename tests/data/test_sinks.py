import polars as pl
import pytest

from raregan.data.sinks import check_destination, write_frames
from raregan.errors import DataError

FRAMES = [
    pl.DataFrame({"a": [1, 2], "b": [0.5, 1.25]}),
    pl.DataFrame({"a": [3], "b": [-1.0]}),
]
WHOLE = pl.concat(FRAMES)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.csv", pl.read_csv),
        ("x.tsv", lambda path: pl.read_csv(path, separator="\t")),
        ("x.jsonl", pl.read_ndjson),
        ("x.ndjson", pl.read_ndjson),
        ("x.parquet", pl.read_parquet),
        ("X.PARQUET", pl.read_parquet),
    ],
)
def test_frames_become_one_table(tmp_path, name, read):
    assert write_frames(iter(FRAMES), tmp_path / name) == 3
    assert read(tmp_path / name).equals(WHOLE)


def test_parquet_keeps_dtypes_over_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("raregan.data.sinks._GROUP_ROWS", 2)
    frames = [frame.cast({"a": pl.Int8, "b": pl.Float32}) for frame in FRAMES]
    write_frames(frames, tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet").equals(pl.concat(frames))
    assert dict(pl.read_parquet_schema(tmp_path / "x.parquet")) == dict(frames[0].schema)


@pytest.mark.parametrize(
    "cells", [pl.Series([1], dtype=pl.Duration("ms")), pl.Series([[1]]), pl.Series([b"x"])]
)
def test_what_csv_or_json_cannot_hold_is_named(tmp_path, cells):
    frame = pl.DataFrame({"a": cells})
    names = ("x.csv", "x.tsv", *["x.jsonl"] * (cells.dtype == pl.Binary))
    for name in names:
        with pytest.raises(DataError, match=r"column 'a' is of type .* hold: write \.parquet"):
            write_frames([frame], tmp_path / name)
    assert not list(tmp_path.iterdir())
    assert write_frames([frame], tmp_path / "x.parquet") == 1


def test_a_dash_is_csv_on_standard_output(capfdbinary):
    write_frames(FRAMES, "-")
    assert capfdbinary.readouterr().out == b"a,b\n1,0.5\n2,1.25\n3,-1.0\n"


@pytest.mark.parametrize("name", ["x", "x.xlsx", "x.csv.zip"])
def test_an_unknown_ending_is_told_before_any_work(name):
    def never():
        pytest.fail("a frame was asked for")
        yield

    with pytest.raises(DataError, match=r"use one of \.csv, \.tsv, \.jsonl, \.ndjson, \.parquet"):
        write_frames(never(), name)
    with pytest.raises(DataError):
        check_destination(name)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_failure_half_way_leaves_no_file(tmp_path, ending):
    def failing():
        yield FRAMES[0]
        raise RuntimeError("generator broke")

    with pytest.raises(RuntimeError, match="generator broke"):
        write_frames(failing(), tmp_path / f"x{ending}")
    assert list(tmp_path.iterdir()) == []


def test_json_lines_keep_missing_values_and_text(tmp_path):
    frame = pl.DataFrame({"a": [None, 1.5], "b": ['ü "\n', None], "c": [True, False]})
    write_frames([frame, frame], tmp_path / "x.jsonl")
    assert pl.read_ndjson(tmp_path / "x.jsonl").equals(pl.concat([frame, frame]))
    assert (tmp_path / "x.jsonl").read_text(encoding="utf-8").count("\n") == 4
