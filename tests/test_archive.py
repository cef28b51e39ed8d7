import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.archive import MANIFEST, from_json, read_archive, to_json, write_archive
from raregan.errors import ModelFileError

MEMBERS = {"a.json": to_json({"x": [1, 2.5]}), "weights.bin": bytes(range(256))}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "m.raregan"
    write_archive(path, kind="model", version=3, members=MEMBERS)
    return path


def refused(path, match, **expected):
    with pytest.raises(ModelFileError, match=match):
        read_archive(path, **{"kind": "model", "version": 3, **expected})


def test_members_come_back(path):
    assert read_archive(path, kind="model", version=3) == MEMBERS
    assert read_archive(path, kind="model", version=4) == MEMBERS


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write_archive(tmp_path / "again", kind="model", version=3, members=MEMBERS)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_it_is_a_plain_zip(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [MANIFEST, *MEMBERS]
        assert archive.testzip() is None


def test_another_kind_and_a_newer_format_are_told(path):
    refused(path, "is a raregan model, not a checkpoint", kind="checkpoint")
    refused(path, "format 3; this release reads up to 2", version=2)


def test_a_missing_file_is_told(tmp_path):
    refused(tmp_path / "none", "cannot read .*No such file")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + b"0" * 99]
)
def test_a_foreign_file_is_told(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    refused(tmp_path / "f", "not a file that raregan wrote")


def test_a_foreign_zip_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "f", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "f", "not a file that raregan wrote")


def test_every_truncation_is_told(path, tmp_path):
    content = path.read_bytes()
    for length in range(100, len(content)):
        (tmp_path / "f").write_bytes(content[:length])
        refused(tmp_path / "f", "truncated")


def test_every_flipped_byte_is_told(path, tmp_path):
    content = path.read_bytes()
    for i in range(len(content)):
        damaged = bytearray(content)
        damaged[i] ^= 1 << (i % 8)
        (tmp_path / "f").write_bytes(damaged)
        refused(tmp_path / "f", "damaged|truncated|not a file that raregan wrote")


def test_a_repacked_file_is_refused(path, tmp_path):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "f", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    refused(tmp_path / "f", "truncated|damaged")


@settings(max_examples=200)
@given(content=st.binary(max_size=400))
def test_no_bytes_crash_the_reader(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(content)
    refused(path, "not a file that raregan wrote|damaged")


@pytest.mark.parametrize(
    "manifest", [b"[]", b"{}", b"not json", b'{"kind": "model", "format_version": null}']
)
def test_a_sealed_file_with_a_wrong_manifest_is_damaged(tmp_path, manifest, monkeypatch):
    monkeypatch.setattr("raregan.archive.to_json", lambda value: manifest)
    write_archive(tmp_path / "f", kind="model", version=1, members={})
    refused(tmp_path / "f", "damaged")


def test_a_member_that_does_not_match_its_checksum_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "raregan.archive.to_json",
        lambda value: to_json({**value, "members": dict.fromkeys(value["members"], "0" * 64)}),
    )
    write_archive(tmp_path / "f", kind="model", version=1, members={"a.json": b"1"})
    refused(tmp_path / "f", "the checksum of a.json does not match")


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b"-Infinity", b"1e999"])
def test_json_has_no_nan(text):
    with pytest.raises(ValueError):  # noqa: PT011
        from_json(text)


def test_json_is_not_written_with_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})
