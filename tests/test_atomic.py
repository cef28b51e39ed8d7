import os

import pytest

from raregan.atomic import append_line, atomic_path, check_writable
from raregan.errors import DataError


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    destination = tmp_path / "a.txt"
    with atomic_path(destination) as temporary:
        temporary.write_text("new")
        assert not destination.exists()
    assert destination.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    destination = tmp_path / "a.txt"
    destination.write_text("old")

    def write_half():
        with atomic_path(destination) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert destination.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_temporary_name_keeps_the_ending(tmp_path):
    with atomic_path(tmp_path / "a.parquet") as temporary:
        assert temporary.suffix == ".parquet"
        temporary.touch()


@pytest.mark.parametrize("guard", [check_writable, lambda path: atomic_path(path).__enter__()])
def test_a_folder_is_no_destination(tmp_path, guard):
    with pytest.raises(DataError, match="it is a folder"):
        guard(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        check_writable(tmp_path / "no" / "a.txt")
    with (
        pytest.raises(DataError, match="No such file"),
        atomic_path(tmp_path / "no" / "a.txt") as temporary,
    ):
        temporary.write_text("x")


def test_lines_are_added_to_what_is_there(tmp_path):
    for line in ("one", "zwei \u00e4"):
        append_line(tmp_path / "a.jsonl", line)
    assert (tmp_path / "a.jsonl").read_bytes() == "one\nzwei \u00e4\n".encode()
    with pytest.raises(DataError, match="cannot write .*: No such file .*; name another place"):
        append_line(tmp_path / "no" / "a.jsonl", "x")
