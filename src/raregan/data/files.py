"""Which files a path, a folder or a pattern names, or would name once they are written."""

from __future__ import annotations

import difflib
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.data.databases import is_url, sqlite_file
from raregan.data.rows import listed
from raregan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
JSON_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
ENDINGS = (*CSV_ENDINGS, *JSON_ENDINGS, *PARQUET_ENDINGS)
_MARKS = "*?["


def find_parts(path: Path) -> list[Path]:
    """Return the files that a path, a pattern or a folder names, in the order of their names.

    Hidden files and Spark's markers such as ``_SUCCESS`` are left out.

    Raises
    ------
    DataError
        There is none, or their endings are not one that is known. That a single file is there is
        not asked.
    """
    parts = list_files(path)
    if not parts and _is_pattern(path):
        raise DataError(f"there is no file {path}; {similar(path)}")
    endings = sorted({file_ending(part) for part in parts})
    if len(endings) == 1 and endings[0] in ENDINGS:
        return parts
    known = f"a table is a file that ends in {', '.join(ENDINGS)}, or a folder of such files"
    if len(endings) > 1:
        raise DataError(
            f"{path} holds files of several endings, {listed(endings)}: name those to read by a "
            f"pattern, such as {path / '*.parquet'}"
        )
    kind = "a file of unknown ending" if parts else "a folder without tables"
    raise DataError(f"{path} is {kind}: {known}")


def list_files(path: Path) -> list[Path]:
    """Return what `find_parts` does, of any ending, and none where a pattern or folder has none."""
    if _is(path, Path.is_dir):
        inside = sorted(part for part in path.rglob("*") if part.is_file())
        return [part for part in inside if not _is_aside(part.relative_to(path))]
    if not _is_pattern(path):
        return [path]
    pattern = str(path.relative_to(path.anchor))
    matched = sorted(part for part in Path(path.anchor).glob(pattern) if part.is_file())
    depth = _depth(path)
    return [part for part in matched if not _is_aside(Path(*part.parts[depth:]))]


def file_ending(path: Path) -> str:
    """Return the ending in lower case, as it stands in `ENDINGS` if it is known."""
    name = path.name.lower()
    known = [ending for ending in ENDINGS if name.endswith(ending)]
    return max(known, key=len, default=path.suffix.lower())


def similar(path: Path) -> str:
    """Point to files of a similar name."""
    try:
        names = [other.name for other in path.parent.iterdir()]
    except (OSError, ValueError):
        names = []
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"did you mean {listed(close, ' or ')}?" if close else "check the path"


def refuse_input(source: str | Path, destination: str | Path) -> None:
    """Refuse to write over a table, or where it would be read as a part of it the next time.

    Parameters
    ----------
    source
        The table: a file, a folder, a pattern or a database's URL.
    destination
        The file to be written.

    Raises
    ------
    DataError
        `destination` is the table or a part of it, or would become one.
    """
    if not is_part(source, destination):
        return
    if is_url(source) or _is(Path(source), Path.is_file):
        raise DataError(f"{destination} is the input: name another file")
    raise DataError(
        f"{destination} is part of the input {source}, or would be read with it the next time: "
        "name a file outside of it"
    )


def is_part(source: str | Path, destination: str | Path) -> bool:
    """Say whether a table is read from this file, or would be once it is written."""
    path, file = Path(source), Path(destination)
    if is_url(source):
        return _is_same(sqlite_file(str(source)), file)
    if any(_is_same(part, file) for part in list_files(path)):
        return True
    place = Path(os.path.realpath(file.parent)) / file.name  # a link that is written to is replaced
    marks: tuple[str, ...]
    if _is(path, Path.is_dir):
        folder, marks = Path(os.path.realpath(path)), ("**", "*")
    elif _is_pattern(path):
        depth = _depth(path)
        folder, marks = Path(os.path.realpath(Path(*path.parts[:depth]))), path.parts[depth:]
    else:
        return False
    if not place.is_relative_to(folder):
        return False
    inside = place.relative_to(folder)
    return _matches(inside.parts, marks) and not _is_aside(inside)


def _is_pattern(path: Path) -> bool:
    return any(mark in str(path) for mark in _MARKS) and not _is(path, Path.exists)


def _depth(pattern: Path) -> int:
    """Return how many folders stand before the first name that is a pattern."""
    marked = (any(mark in name for mark in _MARKS) for name in pattern.parts)
    return next(i for i, found in enumerate(marked) if found)


def _matches(names: Sequence[str], marks: Sequence[str]) -> bool:
    """Say whether a pattern's parts fit those of a path, as `Path.glob` takes them."""
    if not marks:
        return not names
    if marks[0] == "**" and _matches(names, marks[1:]):
        return True
    fits = bool(names) and (marks[0] == "**" or fnmatchcase(names[0], marks[0]))
    return fits and _matches(names[1:], marks if marks[0] == "**" else marks[1:])


def _is_same(one: Path | None, other: Path) -> bool:
    try:
        return one is not None and one.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or its name is none
        return False


def _is(path: Path, test: Callable[[Path], bool]) -> bool:
    try:
        return test(path)
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _is_aside(part: Path) -> bool:
    """Say whether a file is hidden, or one that Spark puts beside its parts."""
    if any(name.startswith(".") for name in part.parts):
        return True
    if any(name.startswith("_") for name in part.parts[:-1]):
        return True
    return part.name.startswith("_") and file_ending(part) not in ENDINGS
