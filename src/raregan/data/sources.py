"""Where tables are read from: the only place of this package that opens them."""

from __future__ import annotations

import glob
import gzip
import zlib
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
from polars import selectors as cs

from raregan.data.databases import is_url, make_query
from raregan.data.files import JSON_ENDINGS, PARQUET_ENDINGS, file_ending, find_parts, similar
from raregan.data.frames import Origin, check_names, is_frame, take_in
from raregan.data.records import find_test_files, read_split
from raregan.data.rows import FRAME, listed
from raregan.data.table import Table, make_table
from raregan.errors import DataError, SchemaError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

SEPARATORS = ",;\t|"
HEAD_BYTES = 1 << 16
MAX_REASON = 200
LARGE_BYTES = 256 << 20
"""Files larger than this, all parts together, are streamed rather than held."""

INFERENCE_ROWS = 100_000
"""Rows of a large CSV file by which its columns are typed; of smaller ones, all rows."""

_UNPACKED = 8
"""How much larger than its gzip or Parquet file a table usually is, at most."""

_READ_ERRORS = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, TypeError),
)
_CSV_REMEDY = "a CSV file is UTF-8 text with as many values in each line as in its first"
_LARGE_CSV_REMEDY = (
    f"columns are typed by the first {INFERENCE_ROWS:,} rows of a large CSV file: mend the value, "
    "or write the table as Parquet"
)
_JSON_REMEDY = 'each line of a JSON lines file is an object, as in {"amount": 1.5, "fraud": 0}'
_PARQUET_REMEDY = "write or download it anew"

_Result = TypeVar("_Result")
_Dtypes = dict[str, pl.DataType | None]
"""Dtypes by column; None where all that was seen of it is missing."""


@dataclass(frozen=True)
class Source:
    """A table that has been found, and not read yet where it is large.

    Attributes
    ----------
    name
        The file's name without its folder, ``"frame"``, or the database's name.
    frame
        The whole table; where it is large NaN may stand for a missing value, as null does.
    origin
        How frames of these columns are given back.
    is_large
        It is not in memory, and may not fit there: worth to stream.
    remedy
        What to do if it cannot be read to its end.
    """

    name: str
    frame: pl.LazyFrame
    origin: Origin
    is_large: bool
    remedy: str = field(default="mend its query", repr=False)

    @property
    def table(self) -> pl.DataFrame | pl.LazyFrame:
        """The table in memory, or not read yet where it is large."""
        return self.frame if self.is_large else self.collect()

    def collect(self, query: pl.LazyFrame | None = None) -> pl.DataFrame:
        """Return the whole table, or what a query on `frame` asks of it.

        Raises
        ------
        DataError
            It cannot be read to its end.
        """
        query = self.frame if query is None else query
        engine: Any = "streaming" if self.is_large else "auto"
        found = self.guard(lambda: query.collect(engine=engine))
        return found.with_columns(cs.float().fill_nan(None))

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the whole table in its order, a part at a time.

        Raises
        ------
        DataError
            It cannot be read to its end.
        """
        parts = self.frame.collect_batches(maintain_order=True)
        while (part := self.guard(lambda: next(parts, None))) is not None:
            yield part

    def guard(self, read: Callable[[], _Result]) -> _Result:
        """Return what `read` returns of this table.

        Raises
        ------
        DataError
            The table cannot be read to its end.
        """
        what = "this LazyFrame" if self.name == FRAME else self.name
        return _guarded(what, read, self.remedy)


def open_source(source: Any, *, query: str | None = None, as_text: bool = False) -> Source:
    """Find a table, and read what is needed to know its columns.

    Parameters
    ----------
    source
        - Path of a CSV, TSV or JSON lines file (each also ``.gz``) or of a Parquet file;
        - a pattern such as ``data/part-*.parquet``, or a folder whose files, at any depth, all
          have one of these endings: parts of one table, in the order of their names. Hidden files
          and Spark's markers such as ``_SUCCESS`` are left out;
        - a frame, as of `raregan.data.frames.take_in`;
        - a database, as of `raregan.data.databases.make_query`.
    query
        One SELECT, for a database and nothing else.
    as_text
        Leave the cells of CSV and TSV files as they are written.

    Raises
    ------
    DataError
        The source is unreadable, empty, no table, or of a kind that is not known.
    SchemaError
        Two columns share a name, or parts of a table differ in their columns.
    """
    if is_url(source):
        asked = make_query(source, query)
        return Source(asked.name, asked.scan(), Origin(), is_large=True)
    if query is not None:
        raise DataError(
            "a query is asked of a database: give postgresql://... or sqlite:///... as data with it"
        )
    if isinstance(source, str | Path):
        return _open_files(Path(source), as_text=as_text)
    if isinstance(source, pl.LazyFrame):
        _guarded("this LazyFrame", source.collect_schema, "mend its query")
        return Source(FRAME, source, Origin(), is_large=True)
    if is_frame(source):
        frame, origin = take_in(source)
        return Source(FRAME, frame.lazy(), origin, is_large=False)
    raise DataError(
        f"cannot read a table from {type(source).__name__}: "
        "give a path, a pandas, polars or pyarrow frame, or an array"
    )


def read_table(source: Any, *, query: str | None = None, **choices: Any) -> Table:
    """Read a table and keep its rare rows.

    The mark of held-out rows that ``raregan split`` left beside a training file is kept with it; a
    test file is warned of.

    Parameters
    ----------
    source, query
        As of `open_source`.
    **choices
        target, rare, ignore, kinds, schema and constraints of `raregan.data.table.make_table`.

    Raises
    ------
    DataError
        The source cannot be read, or cannot be learned from; see `make_table`.
    """
    found = open_source(source, query=query)
    table = found.guard(
        lambda: make_table(
            found.table,
            **choices,
            source=found.name,
            origin=found.origin,
            held_out=read_split(source),
        )
    )
    if files := [str(path) for path in find_test_files(source)]:
        warning = (
            f"{listed(files)}: the test part of a split; what learns from its rows cannot be "
            "tested with them: learn from the training part"
        )
        table = replace(table, warnings=(*table.warnings, warning))
    return table


def read_frame(source: Any) -> pl.DataFrame:
    """Read a whole table as it is, whatever its columns hold; NaN is null.

    Parameters
    ----------
    source
        As of `read_table`.

    Raises
    ------
    DataError
        As of `open_source`.
    """
    return open_source(source).collect()


def is_pandas(source: Any) -> bool:
    """Say whether this is a pandas DataFrame, without importing pandas."""
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _open_files(path: Path, *, as_text: bool) -> Source:
    parts = find_parts(path)
    ending = file_ending(parts[0])
    heads = [_read_head(part) for part in parts]
    n_bytes = sum(part.stat().st_size for part in parts)
    packed = ending.endswith(".gz") or ending in PARQUET_ENDINGS
    is_large = n_bytes * (_UNPACKED if packed else 1) > LARGE_BYTES
    if ending in PARQUET_ENDINGS:
        frame, remedy = _scan_parquet(path, parts, heads), _PARQUET_REMEDY
    elif ending in JSON_ENDINGS:
        frame, remedy = _scan_json(parts, is_large=is_large), _JSON_REMEDY
    else:
        frame = _scan_text(parts) if as_text else _scan_csv(parts, is_large=is_large)
        remedy = _LARGE_CSV_REMEDY if is_large else _CSV_REMEDY
    return Source(path.name, frame, Origin(), is_large, remedy)


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file that is there and holds some."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}; {similar(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a path that holds a NUL
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path}: {reason}; check the path and its rights") from None
    if not head:
        raise DataError(f"{path} is empty")
    return head


def _scan_parquet(path: Path, parts: list[Path], heads: list[bytes]) -> pl.LazyFrame:
    dtypes: list[_Dtypes] = []
    for part, head in zip(parts, heads, strict=True):
        if not head.startswith(b"PAR1"):
            raise DataError(f"{part} is no Parquet file, though its name ends so")
        scan = pl.scan_parquet(part, glob=False, hive_partitioning=False)
        dtypes.append(dict(_guarded(str(part), scan.collect_schema, _PARQUET_REMEDY)))
    names = list(_common(parts, dtypes, widen=False))
    if all(list(found) == names for found in dtypes):
        # folders named column=value hold a column that their files do not
        folders = [part.parent.relative_to(path) for part in parts] if path.is_dir() else []
        hive = any("=" in name for folder in folders for name in folder.parts)
        return pl.scan_parquet(parts, glob=False, hive_partitioning=hive)
    return pl.concat([pl.scan_parquet(part, glob=False).select(names) for part in parts])


def _scan_json(parts: list[Path], *, is_large: bool) -> pl.LazyFrame:
    frames = [_scan_json_part(part, is_large=is_large) for part in parts]
    return _concat(parts, frames, [_seen(frame) for frame in frames])


def _scan_json_part(path: Path, *, is_large: bool) -> pl.LazyFrame:
    """Type columns by all lines: what is not known of a line's keys would be left out of it."""
    if is_large:
        _check_gzip(path)
        frame = pl.scan_ndjson(glob.escape(str(path)), infer_schema_length=None)
        _guarded(str(path), frame.collect_schema, _JSON_REMEDY)
        return frame
    text = _unpack(path)
    if not text.strip():
        raise DataError(f"{path} is empty")
    read = lambda: pl.read_ndjson(text, infer_schema_length=None).lazy()  # noqa: E731
    return _guarded(str(path), read, _JSON_REMEDY)


def _scan_csv(parts: list[Path], *, is_large: bool) -> pl.LazyFrame:
    opened = [_open_csv(part, is_large=is_large) for part in parts]
    if codes := {name for _, _, names in opened for name in names}:
        opened = [_open_csv(part, is_large=is_large, codes=codes) for part in parts]
    if not is_large:
        frames = [frame.lazy() for frame, _, _ in opened]
        return _concat(parts, frames, [_seen(frame) for frame in frames])
    dtypes = _common(parts, [_seen(frame.lazy()) for frame, _, _ in opened])
    frames = [
        pl.scan_csv(part, separator=separator, glob=False, schema_overrides=_known(dtypes))
        for part, (_, separator, _) in zip(parts, opened, strict=True)
    ]
    whole = pl.concat([frame.select(list(dtypes)) for frame in frames])
    return whole.cast(_late_dtypes(whole, [name for name, dtype in dtypes.items() if not dtype]))


def _scan_text(parts: list[Path]) -> pl.LazyFrame:
    """Type no column of CSV files."""
    frames = []
    for part in parts:
        _, separator = _check_csv(part, is_large=True)
        frames.append(pl.scan_csv(part, separator=separator, glob=False, infer_schema=False))
    names = frames[0].collect_schema().names()
    return pl.concat([frame.select(names) for frame in frames])


def _open_csv(
    path: Path, *, is_large: bool, codes: Collection[str] = ()
) -> tuple[pl.DataFrame, str, list[str]]:
    """Return a CSV file's rows, the first ones of a large one, its separator, and its codes.

    Codes are columns, taken for integers, of which a cell begins with 0: 00123. Those of `codes`
    are read as text.
    """
    text, separator = _check_csv(path, is_large=is_large)
    rows = INFERENCE_ROWS if is_large else None
    read = partial(_read_csv, path, text, separator, _LARGE_CSV_REMEDY if is_large else _CSV_REMEDY)
    as_text = dict.fromkeys(codes, pl.String)
    frame = read(infer_schema_length=rows, n_rows=rows, schema_overrides=as_text)
    names = [name for name, dtype in frame.schema.items() if dtype.is_integer()]
    if codes or not names:
        return frame, separator, []
    written = read(infer_schema=False, n_rows=INFERENCE_ROWS, columns=names)
    found = [name for name in names if written[name].str.contains(r"^0[0-9]").any()]
    return frame, separator, found


def _check_csv(path: Path, *, is_large: bool) -> tuple[Path | bytes, str]:
    """Return what to read a CSV file from and its separator, after a look at its header."""
    if is_large:
        _check_gzip(path)
    text = path if is_large or not path.name.lower().endswith(".gz") else _unpack(path)
    head = text[:HEAD_BYTES] if isinstance(text, bytes) else _first_bytes(path)
    if b"\0" in head:
        raise DataError(f"{path} is not text: save the table as CSV in UTF-8")
    if not head.strip():
        raise DataError(f"{path} is empty")
    separator = "\t" if ".tsv" in path.name.lower() else _find_separator(head)
    remedy = _LARGE_CSV_REMEDY if is_large else _CSV_REMEDY
    options: dict[str, Any] = {"has_header": False, "n_rows": 1, "infer_schema": False}
    header = _read_csv(path, text, separator, remedy, **options)
    check_names([name or "" for name in header.row(0)])
    return text, separator


def _read_csv(
    path: Path, text: Path | bytes, separator: str, remedy: str, **options: Any
) -> pl.DataFrame:
    read = partial(pl.read_csv, text, separator=separator, glob=False, **options)
    return _guarded(str(path), read, remedy)


def _find_separator(head: bytes) -> str:
    """Take the comma, or the separator that the header has where it has no comma."""
    header = head.lstrip().split(b"\n", 1)[0]
    return next((mark for mark in SEPARATORS if mark.encode() in header), ",")


def _first_bytes(path: Path) -> bytes:
    if path.name.lower().endswith(".gz"):
        return _packed(path, lambda file: file.read(HEAD_BYTES))
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _unpack(path: Path) -> bytes:
    """Unpack all, as polars may take a file that was cut short for a whole one."""
    if not path.name.lower().endswith(".gz"):
        return path.read_bytes()
    return _packed(path, lambda file: file.read())


def _check_gzip(path: Path) -> None:
    """Unpack all of a gzip file, holding none of it; see `_unpack`."""

    def pass_over(file: gzip.GzipFile) -> None:
        while file.read(1 << 20):
            pass

    if path.name.lower().endswith(".gz"):
        _packed(path, pass_over)


def _packed(path: Path, read: Callable[[gzip.GzipFile], _Result]) -> _Result:
    try:
        with gzip.open(path) as file:
            return read(file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole gzip file ({error}); pack it anew") from None


def _seen(frame: pl.LazyFrame) -> _Dtypes:
    """Return the dtypes of columns, None where nothing but missing values was seen."""
    schema = frame.collect_schema()
    unsure = [name for name, dtype in schema.items() if dtype in (pl.String, pl.Null)]
    found = frame.select(pl.col(unsure).count()).collect(engine="streaming")
    return {n: None if n in unsure and not found.item(0, n) else d for n, d in schema.items()}


def _common(parts: list[Path], dtypes: list[_Dtypes], *, widen: bool = True) -> _Dtypes:
    """Return the dtypes of the whole, after checking that all parts have the same columns.

    With `widen`, a column of integers in one part and other numbers in another is Float64.
    """
    whole = dict(dtypes[0])
    for part, found in zip(parts[1:], dtypes[1:], strict=True):
        for name in [*whole, *found]:
            if (name in found) != (name in whole):
                lacks = part if name in whole else parts[0]
                raise SchemaError(
                    f"column {name!r} is missing in {lacks}, though not in "
                    f"{parts[0] if lacks == part else part}: all parts of a table have one schema"
                )
            known, other = whole[name], found[name]
            if known is None or other is None or known == other:
                whole[name] = known or other
            elif widen and known.is_numeric() and other.is_numeric():
                whole[name] = pl.Float64()
            else:
                raise SchemaError(
                    f"column {name!r} is of type {other} in {part}, of type {known} before: "
                    "all parts of a table have one schema"
                )
    return whole


def _known(dtypes: _Dtypes) -> dict[str, pl.DataType]:
    return {name: pl.String() if dtype is None else dtype for name, dtype in dtypes.items()}


def _concat(parts: list[Path], frames: list[pl.LazyFrame], dtypes: list[_Dtypes]) -> pl.LazyFrame:
    schema: dict[Any, Any] = {**_known(_common(parts, dtypes))}
    return pl.concat([frame.select(list(schema)).cast(schema) for frame in frames])


def _late_dtypes(frame: pl.LazyFrame, names: list[str]) -> dict[Any, Any]:
    """Find, by one more pass, dtypes of text columns whose first rows are all missing."""
    if not names:
        return {}
    dtypes = (pl.Int64(), pl.Float64())
    fits = [
        [pl.col(name).count() == pl.col(name).cast(dtype, strict=False).count() for dtype in dtypes]
        for name in names
    ]
    asked = [
        fit.alias(f"{i} {j}") for i, fit_all in enumerate(fits) for j, fit in enumerate(fit_all)
    ]
    query = frame.select(pl.col(names).count().name.suffix(" count"), *asked)
    found = _guarded("the table", lambda: query.collect(engine="streaming"), _LARGE_CSV_REMEDY)
    late: dict[Any, Any] = {}
    for i, name in enumerate(names):
        fitting = [dtype for j, dtype in enumerate(dtypes) if found.item(0, f"{i} {j}")]
        if fitting and found.item(0, f"{name} count"):
            late[name] = fitting[0]
    return late


def _guarded(what: str, read: Callable[[], _Result], remedy: str) -> _Result:
    """Turn whatever a reader raises into one line."""
    try:
        return read()
    except UserError:
        raise
    except _READ_ERRORS as error:
        reason = str(error).strip().partition("\n")[0][:MAX_REASON]
        raise DataError(f"cannot read {what} as a table ({reason}); {remedy}") from None
