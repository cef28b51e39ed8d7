import os
from pathlib import Path

import pytest

from raregan.data.files import find_parts, is_part, refuse_input
from raregan.errors import DataError


@pytest.fixture
def fold(tmp_path, monkeypatch):
    """A folder of two parts, one of them deeper, and what is no part of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("fold/a.csv", "fold/deep/b.csv", "fold/.hidden.csv", "fold/_aside/c.csv", "x.csv"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path


def test_parts_are_found_in_the_order_of_their_names(fold):
    inside = [Path("fold/a.csv"), Path("fold/deep/b.csv")]
    assert find_parts(Path("fold")) == find_parts(Path("fold/**/*.csv")) == inside
    assert find_parts(Path("fold/*.csv")) == inside[:1]
    assert find_parts(Path("none.csv")) == [Path("none.csv")]


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("x.csv", "fold/../x.csv"),
        ("fold", "fold/a.csv"),
        ("fold", "fold/deep/b.csv"),
        ("fold", "fold/new.csv"),
        ("fold", "fold/m.raregan"),  # the folder would hold files of two endings
        ("fold/", "fold/deep/new.csv"),
        (".", "new.csv"),
        ("fold/deep/..", "fold/new.csv"),
        ("fold/*.csv", "fold/a.csv"),
        ("fold/*.csv", "fold/new.csv"),
        ("fold/[ab].csv", "fold/b.csv"),
        ("fold/**/*.csv", "fold/new.csv"),
        ("fold/**/*.csv", "fold/deep/new.csv"),
        ("*/?.csv", "fold/n.csv"),
        ("fold/*", "fold/new.parquet"),
    ],
)
def test_what_is_read_or_would_be_is_refused(fold, source, destination):
    for place in (destination, str(fold / destination)):
        with pytest.raises(DataError, match="the input"):
            refuse_input(source, place)
    with pytest.raises(DataError, match="the input"):
        refuse_input(fold / source, destination)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("x.csv", "fold/a.csv"),
        ("x.csv", "new.csv"),
        ("none.csv", "none.csv"),
        ("fold", "new.csv"),
        ("fold", "fold2/a.csv"),
        ("fold", "fold/_out/a.csv"),
        ("fold", "fold/.new.csv"),
        ("fold/*.csv", "fold/new.parquet"),
        ("fold/*.csv", "fold/deep/new.csv"),
        ("fold/[ab].csv", "fold/c.csv"),
        ("fold/**/*.csv", "new.csv"),
        ("none/*.csv", "fold/a.csv"),
        ("postgresql://host/fold", "fold/a.csv"),
        ("sqlite:///x.db", "x.csv"),
    ],
)
def test_other_places_are_free(fold, source, destination):
    refuse_input(source, destination)


def test_links_and_databases_are_known_for_what_they_are(fold):
    Path("fold/link.csv").symlink_to(fold / "x.csv")
    Path("way").symlink_to(fold / "fold")
    assert is_part("fold", "x.csv")
    assert is_part("fold/*.csv", "x.csv")
    assert is_part("way", "fold/new.csv")
    assert is_part("fold", "way/new.csv")
    assert is_part("way/*.csv", "fold/new.csv")
    assert is_part("sqlite:///x.csv", "x.csv")
    assert is_part(f"sqlite:///{fold}/x.csv", "x.csv")
    assert not is_part("x.csv", "x.csv" * 999)


def test_of_a_name_with_marks_the_file_itself_is_meant(fold):
    Path("[a].csv").write_text("x")
    assert find_parts(Path("[a].csv")) == [Path("[a].csv")]
    assert is_part("[a].csv", "[a].csv")
    assert not is_part("[a].csv", "a.csv")


def test_the_message_says_what_to_do(fold):
    with pytest.raises(DataError, match=r"^x\.csv is the input: name another file$"):
        refuse_input("x.csv", "x.csv")
    said = r"^fold/n\.csv is part of the input fold, or would be .*: name a file outside of it$"
    with pytest.raises(DataError, match=said):
        refuse_input("fold", f"fold{os.sep}n.csv")
