"""Tables out of PostgreSQL and SQLite: a query's rows in batches, read-only, no password shown."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote

import polars as pl
from polars.io.plugins import register_io_source

from raregan.data.frames import check_names
from raregan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH_ROWS = 50_000
"""Rows that are fetched from SQLite at a time; PostgreSQL's driver sends some 16 MB at a time."""

_URL = re.compile(r"\s*([a-z][a-z0-9+.-]+:/|(postgres(ql)?|sqlite):)", re.IGNORECASE)
_POSTGRESQL = re.compile(
    r"postgres(?:ql)?://(?:[^@/?#:]*(?::(?P<password>[^@/?#]*))?@)?"
    r"(?:\[[0-9a-f:.]*\]|[^@/?#:\[\]]*)(?::\d*)?(?:/(?P<database>[^@/?#]*))?(?:\?(?P<options>[^@#]*))?",
    re.IGNORECASE,
)
"""What raregan takes of libpq's URLs: a ``@``, ``/``, ``?`` or ``#`` in a password must be
percent-encoded, or libpq would take a part of it for a host and show it."""
_SQLITE = "sqlite:///"
_SECRET = re.compile(r"password=(.*)", re.IGNORECASE | re.DOTALL)
_NO_COLUMNS = "the query to {} returns no columns: give one SELECT"
_MAX_REASON = 300
_MAX_PRECISION = 38
"""Digits that a Decimal of polars holds."""

_READING = (
    *(sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ),
    *(sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE),
)
_UUID = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"
_TYPES = {"integer": pl.Int64, "real": pl.Float64, "text": pl.String, "blob": pl.Binary}
"""SQLite's storage classes."""


@dataclass(frozen=True)
class Query:
    """A query, and where it is to be asked.

    Attributes
    ----------
    url
        With user and password, so never shown.
    sql
        One SELECT.
    name
        The database's name, without anything secret.
    """

    url: str = field(repr=False)
    sql: str = field(repr=False)
    name: str

    def scan(self) -> pl.LazyFrame:
        """Return the rows, read anew in constant memory whenever they are asked for.

        Raises
        ------
        DataError
            The database does not answer or refuses the query, or a column has a type that is not
            known. Reading the rows raises it too.
        """
        path = sqlite_file(self.url)
        schema, read = _scan_postgresql(self) if path is None else _scan_sqlite(self, path)

        def batches(
            columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            _batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            for batch in read():
                rows = batch if n_rows is None else batch.head(n_rows)
                n_rows = None if n_rows is None else n_rows - rows.height
                rows = rows if predicate is None else rows.filter(predicate)
                yield rows if columns is None else rows.select(columns)
                if n_rows == 0:
                    return

        return register_io_source(batches, schema=schema)


def is_url(source: Any) -> bool:
    """Say whether this is text that names a database, or means to, rather than a file."""
    return isinstance(source, str) and _URL.match(source) is not None


def sqlite_file(url: str) -> Path | None:
    """Return the file that a SQLite URL names; None for other URLs."""
    url = url.strip()
    return Path(url[len(_SQLITE) :]) if url.lower().startswith(_SQLITE) else None


def make_query(url: str, sql: str | None) -> Query:
    """Check a database's URL.

    Parameters
    ----------
    url
        ``postgresql://user:password@host:port/database``, of which all may be left out that
        libpq's environment variables (``PGHOST``, ``PGPASSWORD``, ...) or its defaults give;
        ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.
    sql
        One SELECT.

    Raises
    ------
    DataError
        The URL is of another kind, or there is no query.
    """
    url = url.strip()
    scheme = url.partition(":")[0]
    if scheme.lower() not in ("postgresql", "postgres", "sqlite"):
        raise DataError(
            f"cannot read from {scheme}:// addresses: give a file, postgresql://user@host/database "
            "or sqlite:///file.db"
        )
    if scheme.lower() == "sqlite":
        if not url.lower().startswith(_SQLITE) or url.lower() == _SQLITE:
            raise DataError("a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db")
        name = Path(url[len(_SQLITE) :]).name
    else:
        parts = _POSTGRESQL.fullmatch(url)
        if parts is None:
            raise DataError(
                "a PostgreSQL URL is postgresql://user:password@host:port/database, with %40 for "
                "@, %2F for /, %3A for :, %3F for ? and %23 for # in a user's name or password"
            )
        name = unquote(parts["database"] or "") or "postgresql"
    if sql is None or not sql.strip():
        raise DataError(f"{name} is a database: say which rows to read with --query 'SELECT ...'")
    return Query(url, sql.strip().rstrip("; \n\t"), name)


def _secrets(url: str) -> list[str]:
    """Return the URL's passwords in all their spellings, the longest first."""
    parts = _POSTGRESQL.fullmatch(url)
    if parts is None:
        return []
    # of what follows password=, every piece: a & or = in it may not have been encoded
    options = "&".join(_SECRET.findall(parts["options"] or ""))
    raw = [parts["password"], *re.split("[&=]", options)]
    plain = {unquote(secret) for secret in raw if secret}
    spellings = {*filter(None, raw), *plain}
    for secret in plain:
        spellings |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return sorted(spellings, key=len, reverse=True)


@contextmanager
def _guarded(query: Query, *kinds: type[Exception]) -> Iterator[None]:
    """Turn what a driver raises into one line that holds no secret."""
    try:
        yield
    except kinds as error:
        reason = str(error)
        for secret in (query.url, *_secrets(query.url)):
            reason = reason.replace(secret, "***")
        reason = reason.partition("\n\nQuery was:")[0].partition(". SQLSTATE")[0]
        reason = " ".join(reason.split())[:_MAX_REASON]
        raise DataError(
            f"cannot read from {query.name} ({reason}); check the query, and that the database "
            "can be reached"
        ) from None


_Scan = tuple[dict[str, pl.DataType], Any]
"""Columns, and a function that iterates over frames of them."""


def _scan_postgresql(query: Query) -> _Scan:
    try:
        import adbc_driver_manager as adbc
        from adbc_driver_postgresql import dbapi
        from pyarrow import ArrowException
    except ImportError:
        raise DataError(
            "reading from PostgreSQL needs a driver: pip install 'raregan[sql]'"
        ) from None
    faults = (adbc.Error, ArrowException, OSError, ValueError)

    @contextmanager
    def cursor() -> Iterator[Any]:
        with (
            _guarded(query, *faults),
            dbapi.connect(query.url, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            yield cursor

    with cursor() as asked:
        columns = asked.adbc_execute_schema(query.sql)
    check_names(columns.names)
    if not columns.names:
        raise DataError(_NO_COLUMNS.format(query.name))
    schema = {column.name: _postgresql_dtype(column) for column in columns}

    def read() -> Iterator[pl.DataFrame]:
        with cursor() as asked:
            asked.execute(query.sql)
            for batch in asked.fetch_record_batch():
                yield _typed(batch, schema)

    return schema, read


def _postgresql_dtype(column: Any) -> pl.DataType:
    """Return the polars dtype of a column that the driver described."""
    import pyarrow as pa

    told = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    kind = told.get("POSTGRESQL:type", told.get("ADBC:postgresql:typname", str(column.type)))
    if kind == "numeric":
        return _numeric(int(told.get("POSTGRESQL:typmod", -1)))
    if kind in ("uuid", "json", "jsonb"):
        return pl.String()
    opaque = isinstance(column.type, pa.BaseExtensionType)
    if opaque or pa.types.is_interval(column.type) or kind == "money":
        remedy = {"interval": "extract(epoch FROM {})", "money": "{}::numeric"}.get(
            kind, "{}::text"
        )
        raise DataError(
            f"column {column.name!r} is of PostgreSQL type {kind}, which is not read: "
            f"convert it in the query, as in {remedy.format(column.name)}"
        )
    empty = pl.from_arrow(pa.table({column.name: pa.array([], column.type)}))
    return empty.to_series().dtype  # type: ignore[union-attr]


def _numeric(modifier: int) -> pl.DataType:
    """Return Decimal for numeric(precision, scale), and Float64 where those are not declared."""
    precision, scale = (modifier - 4) >> 16, (modifier - 4) & 0xFFFF
    if modifier < 0 or not 0 <= scale <= precision <= _MAX_PRECISION:
        return pl.Float64()
    return pl.Decimal(precision, scale)


def _typed(batch: Any, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    import pyarrow as pa

    arrays = [
        array.storage if isinstance(array, pa.ExtensionArray) else array for array in batch.columns
    ]
    frame: Any = pl.from_arrow(pa.table(arrays, names=batch.schema.names))
    uuids = [n for n, dtype in schema.items() if frame.schema[n] == pl.Binary != dtype]
    digits = pl.col(uuids).bin.encode("hex").str.replace(_UUID, "$1-$2-$3-$4-$5")
    return frame.with_columns(digits).cast(schema)  # type: ignore[no-any-return]


def _scan_sqlite(query: Query, path: Path) -> _Scan:
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path")
    address = f"{path.resolve().as_uri()}?mode=ro"

    @contextmanager
    def connected() -> Iterator[sqlite3.Connection]:
        with (
            _guarded(query, sqlite3.Error, sqlite3.Warning, UnicodeError),
            closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection,
        ):
            connection.set_authorizer(_may_only_read)  # an ATTACH could make a file
            yield connection

    with connected() as connection:
        schema = _sqlite_schema(connection, query)

    def read() -> Iterator[pl.DataFrame]:
        with connected() as connection:
            cursor = connection.execute(query.sql)
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield pl.DataFrame(rows, schema, orient="row", strict=False)

    return schema, read


def _sqlite_schema(connection: sqlite3.Connection, query: Query) -> dict[str, pl.DataType]:
    """Ask for the types of all cells, as SQLite's columns may hold several."""
    asked = connection.execute(query.sql)
    if asked.description is None:
        raise DataError(_NO_COLUMNS.format(query.name))
    names = [column[0] for column in asked.description]
    check_names(names)
    kinds = ", ".join(f"group_concat(DISTINCT typeof({_quoted(name)}))" for name in names)
    found = connection.execute(f"SELECT {kinds} FROM (\n{query.sql}\n)").fetchone()  # noqa: S608
    return {name: _sqlite_dtype(name, held) for name, held in zip(names, found, strict=True)}


def _may_only_read(action: int, *_of: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite_dtype(name: str, held: str | None) -> pl.DataType:
    kinds = sorted({*(held or "null").split(",")} - {"null"})
    if kinds == ["integer", "real"]:
        return pl.Float64()
    if len(kinds) > 1:
        raise DataError(
            f"column {name!r} holds {' and '.join(kinds)}: cast it to one type in the query, "
            f"as in CAST({_quoted(name)} AS TEXT)"
        )
    return _TYPES[kinds[0]]() if kinds else pl.String()
