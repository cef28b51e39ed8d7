import json
import shutil

import polars as pl
import pytest

from raregan.data.records import find_test_files, read_split, refuse_test_files
from raregan.data.sources import read_table
from raregan.data.split import split_file
from raregan.errors import DataError, ModelFileError, SchemaError

N = 400
FRAME = pl.DataFrame(
    {"a": [i * 7 % 101 for i in range(N)], "b": range(N), "Class": [int(i < 80) for i in range(N)]}
)


def test_no_mark_where_there_is_none(tmp_path):
    path = tmp_path / "train.csv"
    assert read_split(path) is None
    (tmp_path / "split.json").write_text('{"kind": "something else"}')
    assert read_split(path) is None
    (tmp_path / "split.json").unlink()
    split = split_file(FRAME, tmp_path, target="Class")
    assert read_split(split.test) is None
    assert read_split(str(split.train)) is not None


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_damaged_record_is_an_error(tmp_path, cut):
    split = split_file(FRAME, tmp_path, target="Class")
    record = tmp_path / "split.json"
    record.write_bytes(record.read_bytes()[:cut])
    with pytest.raises(ModelFileError, match=r"split\.json"):
        read_split(split.train)


def test_a_changed_mark_is_an_error(tmp_path):
    split = split_file(FRAME, tmp_path, target="Class")
    record = tmp_path / "split.json"
    found = json.loads(record.read_text())
    for text in ("###", "AAAA", found["held_out"]["base64"]["held_out"][12:24]):
        found["held_out"]["base64"]["held_out"] = text + "AAAA" * 9
        record.write_text(json.dumps(found))
        with pytest.raises(ModelFileError, match=r"split\.json"):
            read_split(split.train)


@pytest.fixture
def splits(tmp_path):
    """Two splits of two tables, in folders side by side."""
    for year in ("2023", "2024"):
        frame = FRAME.with_columns(pl.col("b") + int(year) * 1_000)
        split_file(frame, tmp_path / year, target="Class", random_state=int(year))
    return tmp_path


def test_the_mark_is_found_beside_each_part(splits):
    one, other = (read_split(splits / year / "train.parquet") for year in ("2023", "2024"))
    both = read_split(f"{splits}/*/train.parquet")
    assert both.n_rows == one.n_rows + other.n_rows
    assert set(both.hashes) == {*one.hashes, *other.hashes}
    for pattern in ("train*.parquet", "t[r]ain.parquet"):
        found = read_split(splits / "2023" / pattern)
        assert (found.hashes == one.hashes).all()
    held_out = read_table(f"{splits}/2023/train*.parquet", target="Class").held_out
    assert (held_out.hashes == one.hashes).all()
    shutil.copytree(splits / "2023", splits / "parts")
    (splits / "parts" / "split.json").rename(splits / "split.json")
    assert read_split(splits / "parts") is None


def test_splits_by_other_columns_are_no_one_mark(splits):
    split_file(FRAME.rename({"a": "c"}), splits / "2025", target="Class")
    with pytest.raises(SchemaError, match="different columns: 'a', 'c' in one alone"):
        read_split(f"{splits}/*/train.parquet")


def test_test_files_are_known(splits):
    test = splits / "2023" / "test.parquet"
    assert find_test_files(test) == find_test_files(splits / "2023" / "t*.parquet") == [test]
    assert not find_test_files(splits / "2023" / "train.parquet")
    for source in (test, str(test), f"{splits}/2023/t*.parquet"):
        with pytest.raises(DataError, match=r"test\.parquet.*held out.*--allow-held-out"):
            refuse_test_files(source)
        assert "test part of a split" in read_table(source, target="Class").warnings[-1]
    shutil.copy(test, splits / "2023" / "other.parquet")
    for source in (splits / "2023" / "other.parquet", "postgresql://h/?d", FRAME):
        refuse_test_files(source)
