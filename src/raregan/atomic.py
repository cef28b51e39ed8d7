"""Files appear whole or not at all: write under a temporary name, then rename.

A file that grows does so by whole lines.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def atomic_path(destination: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `destination`; on success it takes that name.

    On any exception the temporary file is removed and an older `destination` stays as it was.
    The temporary name keeps the ending, so that writers that choose a format by it still do.

    Raises
    ------
    DataError
        If the folder is not there or may not be written to, or `destination` is a folder.
    """
    destination = Path(destination)
    _refuse_folder(destination)
    temporary = destination.with_name(f".{secrets.token_hex(6)}.{destination.name}")
    try:
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(destination)
    except OSError as error:
        msg = f"cannot write {destination}: {error.strerror or error}; name another place"
        raise DataError(msg) from None
    finally:
        with contextlib.suppress(NotADirectoryError):  # what should be its folder is a file
            temporary.unlink(missing_ok=True)


def _refuse_folder(destination: Path) -> None:
    if destination.is_dir():
        raise DataError(f"cannot write {destination}: it is a folder; name a file")


def _flush_to_disk(path: Path) -> None:
    """Force the content out before the rename, or a power cut could leave an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def check_writable(destination: str | Path) -> None:
    """Refuse a destination that could not be written, before any work is done for it.

    Raises
    ------
    DataError
        If it is a folder, or its folder is not there or may not be written to.
    """
    destination = Path(destination)
    folder = destination.parent
    _refuse_folder(destination)
    if not folder.is_dir():
        raise DataError(f"cannot write {destination}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise DataError(f"cannot write {destination}: the folder {folder} is not yours to write to")


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write a file that appears whole or not at all; missing folders are made."""
    path = Path(path)
    make_folder(path.parent)
    with atomic_path(path) as part:
        part.write_bytes(content)
    return path


def append_line(path: Path, line: str) -> None:
    """Write one line more, which is on the disk when this returns; only it can be cut short.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; name another place"
        raise DataError(msg) from None


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    DataError
        If it cannot be made, or a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder}: {error.strerror}; name another"
        raise DataError(msg) from None
