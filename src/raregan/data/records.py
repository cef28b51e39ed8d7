"""What a split leaves beside its two files: how it was made, and the mark of its test rows."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.archive import MALFORMED, from_json, to_json
from raregan.atomic import write_whole
from raregan.data.databases import is_url
from raregan.data.files import list_files
from raregan.data.heldout import HeldOut
from raregan.data.rows import listed
from raregan.errors import DataError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORD = "split.json"
_KIND = "raregan split 1"


def write_record(folder: Path, told: Mapping[str, Any], held_out: HeldOut) -> None:
    """Write the record of a split.

    Parameters
    ----------
    folder
        That of its files.
    told
        ``train`` and ``test`` with the name of each ``file``, and whatever else a reader should
        know.
    held_out
        The mark of the test rows.
    """
    arrays, plain = held_out.to_arrays()
    marks = {
        name: base64.b64encode(a.astype("<u8").tobytes()).decode() for name, a in arrays.items()
    }
    content = {"kind": _KIND, **told, "held_out": {**plain, "base64": marks}}
    write_whole(folder / RECORD, to_json(content))


def read_split(source: Any) -> HeldOut | None:
    """Return the mark of the test rows that splits left beside the training files of a table.

    Parameters
    ----------
    source
        A path, a folder or a pattern; of what is no file, None is known.

    Returns
    -------
    HeldOut or None
        None where no file of the table is the training file of a split beside it.

    Raises
    ------
    ModelFileError
        The record of a split is damaged.
    SchemaError
        Splits tell their rows by different columns.
    """
    marks = [found.held_out for part, found in _found(source) if found.train == part.name]
    return reduce(or_, marks) if marks else None


def find_test_files(source: Any) -> list[Path]:
    """Return the files of a table that are the test file of a split beside them."""
    return [part for part, found in _found(source) if found.test == part.name]


def refuse_test_files(source: Any) -> None:
    """Refuse a table with the test file of a split among its files.

    Raises
    ------
    DataError
        There is one.
    ModelFileError
        The record of a split is damaged.
    """
    if files := [str(path) for path in find_test_files(source)]:
        raise DataError(
            f"{listed(files)}: the rows of this test file were held out to test what is learned, "
            "and with synthetic rows beside them no score is true: use the training part of the "
            "split, or --allow-held-out"
        )


@dataclass(frozen=True)
class _Record:
    """Names of a split's files, and the mark."""

    train: str
    test: str
    held_out: HeldOut


def _found(source: Any) -> Iterator[tuple[Path, _Record]]:
    """Yield the files of a table beside which a split was recorded, with the record."""
    if not isinstance(source, str | Path) or is_url(source):
        return
    records: dict[Path, _Record | None] = {}
    for part in list_files(Path(source)):
        folder = part.parent
        if folder not in records:
            records[folder] = _read(folder / RECORD)
        if (record := records[folder]) is not None:
            yield part, record


def _read(path: Path) -> _Record | None:
    try:
        found = from_json(path.read_bytes())
        if found["kind"] != _KIND:
            return None
        plain = found["held_out"]
        arrays = {
            name: np.frombuffer(base64.b64decode(text, validate=True), "<u8").astype(np.uint64)
            for name, text in plain["base64"].items()
        }
        held_out = HeldOut.from_arrays(arrays, plain)
        return _Record(found["train"]["file"], found["test"]["file"], held_out)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except OSError:
        return None
    except MALFORMED as error:
        raise ModelFileError(f"{path} is damaged ({error!r}): split the table anew") from error
