"""Where tables are read from: the only place of this package that opens them."""

from __future__ import annotations

import difflib
import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from raregan.data.table import Table, listed, make_table
from raregan.errors import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
SEPARATORS = ",;\t|"
HEAD_BYTES = 1 << 16
MAX_REASON = 200
_READ_ERRORS = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, TypeError),
)


def read_table(
    source: Any,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
) -> Table:
    """Read a table and keep its rare rows.

    Parameters
    ----------
    source
        Path of a CSV, TSV (also ``.gz``) or Parquet file, or a pandas or polars DataFrame.
    target, rare, ignore
        As of `raregan.data.table.make_table`.

    Raises
    ------
    DataError
        The source cannot be read, or cannot be learned from; see `make_table`.
    """
    name = Path(source).name if isinstance(source, str | Path) else "frame"
    return make_table(read_frame(source), target=target, rare=rare, ignore=ignore, source=name)


def read_frame(source: Any) -> pl.DataFrame:
    """Read a whole table as it is, whatever its columns hold.

    Parameters
    ----------
    source
        As of `read_table`.

    Raises
    ------
    DataError
        The source is unreadable, empty, no table, or of a kind that is not known.
    SchemaError
        Two columns share a name.
    """
    if isinstance(source, str | Path):
        return _read_file(Path(source))
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return _guarded("this LazyFrame", source.collect, "mend its query")
    if is_pandas(source):
        return _from_pandas(source)
    raise DataError(
        f"cannot read a table from {type(source).__name__}: "
        "give a path, or a pandas or polars DataFrame"
    )


def _read_file(path: Path) -> pl.DataFrame:
    name = path.name.lower()
    if not name.endswith((*CSV_ENDINGS, *PARQUET_ENDINGS)):
        known = ", ".join((*CSV_ENDINGS, *PARQUET_ENDINGS))
        kind = "a folder" if path.is_dir() else "a file of unknown ending"
        raise DataError(f"{path} is {kind}: a table is a file that ends in {known}")
    head = _read_head(path)
    if name.endswith(PARQUET_ENDINGS):
        if not head.startswith(b"PAR1"):
            raise DataError(f"{path} is no Parquet file, though its name ends so")
        remedy = "write or download it anew"
        return _guarded(str(path), lambda: pl.read_parquet(path, glob=False), remedy)
    text = _unpack(path) if name.endswith(".gz") else path
    head = text[:HEAD_BYTES] if isinstance(text, bytes) else head
    return _read_csv(path, text, head, tab=".tsv" in name)


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file that is there and holds some."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}; {_similar(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a path that holds a NUL
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path}: {reason}; check the path and its rights") from None
    if not head:
        raise DataError(f"{path} is empty")
    return head


def _unpack(path: Path) -> bytes:
    """Unpack all, as polars may take a file that was cut short for a whole one."""
    try:
        with gzip.open(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole gzip file ({error}); pack it anew") from None


def _similar(path: Path) -> str:
    """Point to files of a similar name."""
    try:
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        names = []
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"did you mean {listed(close, ' or ')}?" if close else "check the path"


def _read_csv(path: Path, text: Path | bytes, head: bytes, *, tab: bool) -> pl.DataFrame:
    if b"\0" in head:
        raise DataError(f"{path} is not text: save the table as CSV in UTF-8")
    if not head.strip():
        raise DataError(f"{path} is empty")
    separator = "\t" if tab else _find_separator(head)

    def read(**options: Any) -> pl.DataFrame:
        return _guarded(
            str(path),
            lambda: pl.read_csv(text, separator=separator, glob=False, **options),
            "a CSV file is UTF-8 text with as many values in each line as in its first",
        )

    header = read(has_header=False, n_rows=1, infer_schema=False)
    _check_names([name or "" for name in header.row(0)])
    return read(infer_schema_length=None)


def _find_separator(head: bytes) -> str:
    """Take the comma, or the separator that the header has where it has no comma."""
    header = head.lstrip().split(b"\n", 1)[0]
    return next((mark for mark in SEPARATORS if mark.encode() in header), ",")


def is_pandas(source: Any) -> bool:
    """Say whether this is a pandas DataFrame, without importing pandas."""
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _from_pandas(source: Any) -> pl.DataFrame:
    _check_names([str(name) for name in source.columns])
    remedy = "give each column values of one type"
    return _guarded("this pandas DataFrame", lambda: pl.from_pandas(source), remedy)


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(f"more than one column is named {listed(twice)}: rename all but one")


def _guarded(what: str, read: Callable[[], pl.DataFrame], remedy: str) -> pl.DataFrame:
    """Turn whatever a reader raises into one line."""
    try:
        return read()
    except _READ_ERRORS as error:
        reason = str(error).strip().partition("\n")[0][:MAX_REASON]
        raise DataError(f"cannot read {what} as a table ({reason}); {remedy}") from None
