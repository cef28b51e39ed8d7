"""Frames go out to a file, one after another, in constant memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl

from raregan.atomic import atomic_path, check_writable
from raregan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
STANDARD_OUTPUT = "-"

_GROUP_ROWS = 131_072
"""Rows of a Parquet row group: large enough to compress, small enough to hold a few of."""


def check_destination(destination: str | Path) -> None:
    """Refuse what could not be written, before any work is done for it.

    Raises
    ------
    DataError
        If the ending names no known format, or the folder is not there or not to be written to.
    """
    if str(destination) == STANDARD_OUTPUT:
        return
    ending = Path(destination).suffix.lower()
    if ending not in ENDINGS:
        raise DataError(
            f"cannot tell the format of {destination} by its ending {ending!r}; "
            f"use one of {', '.join(ENDINGS)}, or - for CSV on standard output"
        )
    check_writable(destination)


def write_frames(frames: Iterable[pl.DataFrame], destination: str | Path) -> int:
    """Write frames of one schema as one table, and return its number of rows.

    Parameters
    ----------
    frames : iterable of polars.DataFrame
        At least one; each is written and forgotten.
    destination : str or Path
        ``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson`` or ``.parquet`` by ending; ``-`` is CSV on
        standard output. A file appears whole, under its name, only when all frames are in it.

    Raises
    ------
    DataError
        If the ending names no known format, the file cannot be written, or it is CSV or JSON and
        cannot hold a column's type.
    """
    check_destination(destination)
    if str(destination) == STANDARD_OUTPUT:
        try:
            return _write_text(frames, sys.stdout.buffer, ",")
        except BrokenPipeError:  # the reader has seen enough: no fault
            raise
        except OSError as error:
            raise DataError(f"cannot write to standard output: {error.strerror}") from error
    ending = Path(destination).suffix.lower()
    with atomic_path(destination) as temporary:
        if ending == ".parquet":
            return _write_parquet(frames, temporary)
        with temporary.open("wb") as file:
            if ending in (".jsonl", ".ndjson"):
                return _write_json(frames, file)
            return _write_text(frames, file, "\t" if ending == ".tsv" else ",")


def _write_text(frames: Iterable[pl.DataFrame], file: IO[bytes], separator: str) -> int:
    rows = 0
    for frame in frames:
        _refuse_types(frame, "CSV")
        text = frame.write_csv(include_header=rows == 0, separator=separator)
        file.write(text.encode())  # by Python: a closed pipe is then a BrokenPipeError
        rows += frame.height
    file.flush()
    return rows


def _refuse_types(frame: pl.DataFrame, form: str) -> None:
    """Refuse what polars cannot write: in JSON bytes alone, in CSV lists and spans of time too."""
    for name, dtype in frame.schema.items():
        of_csv = form == "CSV" and (dtype.is_nested() or isinstance(dtype, pl.Duration))
        if of_csv or isinstance(dtype, pl.Binary | pl.Object):
            raise DataError(
                f"column {name!r} is of type {dtype}, which {form} cannot hold: write .parquet"
            )


def _write_json(frames: Iterable[pl.DataFrame], file: IO[bytes]) -> int:
    rows = 0
    for frame in frames:
        _refuse_types(frame, "JSON")
        frame.write_ndjson(file)
        rows += frame.height
    return rows


def _write_parquet(frames: Iterable[pl.DataFrame], path: Path) -> int:
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for group in _groups(frames):
            table = group.to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += group.height
    finally:
        if writer is not None:
            writer.close()
    return rows


def _groups(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(f.height for f in waiting) >= _GROUP_ROWS:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)
