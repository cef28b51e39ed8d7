import traceback
from pathlib import Path

import pytest

from raregan.archive import read_archive
from raregan.atomic import atomic_path, write_whole
from raregan.errors import RareGANError, UserError, hide_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cr@t@host/db", "postgresql://me:***@host/db"),
        (
            "cannot write postgresql:/me:s3cr/t@host/db: no",
            "cannot write postgresql:/me:***@host/db: no",
        ),
        ("postgres:me:s3cr@host", "postgres:me:***@host"),
        ("--data=mysql://:s3cr t@host", "--data=mysql://:***@host"),
        ("postgresql://h/d?password=s3cr%40t&user=me", "postgresql://h/d?password=***&user=me"),
        ("postgresql://h/d?user=me&sslPassword=s3 cr", "postgresql://h/d?user=me&sslPassword=***"),
    ],
)
def test_passwords_are_hidden(text, shown):
    assert hide_passwords(text) == shown


@pytest.mark.parametrize(
    "text",
    ["postgresql://me@host:5432/db", "a@b.csv: no", "rule 'password == 1'", "C:/t.csv", "at 12:30"],
)
def test_what_holds_none_is_left_alone(text):
    assert hide_passwords(text) == text


def test_no_error_holds_one():
    error = UserError("postgresql://me:s3cr@host/db", 3)
    assert error.args == ("postgresql://me:***@host/db", 3)
    assert isinstance(error, ValueError)
    assert str(RareGANError("plain")) == "plain"


URL = "postgresql://me:s3cr@host/db"


def write_at_the_address():
    with atomic_path(URL) as path:
        path.touch()


@pytest.mark.parametrize(
    "use",
    [
        lambda: read_archive(URL, kind="model", version=1),
        lambda: write_whole(f"{URL}/t.csv", b""),
        write_at_the_address,
    ],
)
def test_nor_does_the_error_behind_it(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("postgresql:").touch()
    with pytest.raises(UserError) as caught:
        use()
    assert "s3cr" not in "".join(traceback.format_exception(caught.value))
