import datetime as dt
import decimal
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path

import polars as pl
import pytest

from raregan.data import databases
from raregan.data.databases import is_url, make_query
from raregan.errors import DataError

PASSWORD = "s3cr%t/p@ss"  # noqa: S105
ENCODED = "s3cr%25t%2Fp%40ss"


def rows(url, sql):
    return make_query(url, sql).scan().collect(engine="streaming")


def refusal(url, sql):
    with pytest.raises(DataError) as error:
        rows(url, sql)
    written = "".join(traceback.format_exception(error.value))
    for secret in (PASSWORD, ENCODED, "s3cr"):
        assert secret not in written
    assert "\n" not in str(error.value)
    return str(error.value)


# ------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    "source", ["postgresql://h/d", " postgres:h", "sqlite:///x.db", "mysql://u:p@h/d"]
)
def test_urls(source):
    assert is_url(source)


@pytest.mark.parametrize("source", ["t.csv", "C:/t.csv", "a/b:c.csv", 3, None, Path("sqlite:/x")])
def test_no_urls(source):
    assert not is_url(source)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"postgresql://user:{ENCODED}@host:5432/bank", "bank"),
        (f"postgres://user:{ENCODED}@[::1]/bank?sslmode=require", "bank"),
        (f"postgresql:///bank?host=/run/pg&password={ENCODED}", "bank"),
        ("postgresql://", "postgresql"),
        ("sqlite:///folder/x.db", "x.db"),
    ],
)
def test_a_name_without_secrets(url, name):
    query = make_query(url, "SELECT 1;")
    assert query.name == name
    assert query.sql == "SELECT 1"
    assert "s3cr" not in repr(query)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:s3cr@h/d", "cannot read from mysql:// addresses"),
        ("https://u:s3cr@h/t.csv", "cannot read from https:// addresses"),
        ("postgresql+psycopg2://u:s3cr@h/d", "cannot read from postgresql+psycopg2://"),
        ("postgresql:/u:s3cr@h/d", "a PostgreSQL URL is"),
        ("postgresql:u:s3cr@h/d", "a PostgreSQL URL is"),
        *((f"postgresql://u:s3cr{mark}s3cr@h/d", "a PostgreSQL URL is") for mark in "@/?#"),
        ("postgresql://u:1?password=s3cr@h/d", "a PostgreSQL URL is"),
        ("sqlite://x.db", "a SQLite URL is"),
        ("sqlite:///", "a SQLite URL is"),
    ],
)
def test_urls_that_are_refused_are_not_repeated(url, said):
    assert said in refusal(url, "SELECT 1")


@pytest.mark.parametrize("sql", [None, "", " \n"])
def test_a_database_without_a_query(sql):
    assert "bank is a database: say which rows to read with --query" in refusal(
        f"postgresql://u:{ENCODED}@h/bank", sql
    )


# ----------------------------------------------------------------------------------- SQLite


@pytest.fixture
def lite(tmp_path):
    path = tmp_path / "bank.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("""
            CREATE TABLE t (id INTEGER, amount, note TEXT, mixed, late, "odd ""name", raw BLOB);
            INSERT INTO t VALUES (9007199254740993, 1, 'ü', 1, NULL, NULL, x'00ff');
            INSERT INTO t VALUES (2, 2.5, NULL, 'x', NULL, NULL, NULL);
            INSERT INTO t VALUES (NULL, NULL, '', NULL, 0.5, NULL, NULL);
        """)
    connection.close()
    return f"sqlite:///{path}"


def test_sqlite_columns_are_typed_by_all_their_cells(lite, monkeypatch):
    monkeypatch.setattr(databases, "BATCH_ROWS", 2)
    assert rows(lite, 'SELECT id, amount, note, late, "odd ""name", raw FROM t -- all').equals(
        pl.DataFrame(
            {
                "id": [2**53 + 1, 2, None],
                "amount": [1.0, 2.5, None],
                "note": ["ü", None, ""],
                "late": [None, None, 0.5],
                'odd "name': pl.Series([None, None, None], dtype=pl.String),
                "raw": [b"\0\xff", None, None],
            }
        )
    )


def test_sqlite_relative_paths_and_no_rows(lite, monkeypatch):
    monkeypatch.chdir(Path(lite.removeprefix("sqlite:///")).parent)
    assert rows("sqlite:///bank.db", "SELECT id FROM t WHERE id < 0").shape == (0, 1)


def test_rows_are_chosen_before_they_are_handed_over(lite):
    lazy = make_query(lite, "SELECT * FROM (SELECT id, note FROM t)").scan()
    assert lazy.filter(pl.col("id") == 2).collect().to_dicts() == [{"id": 2, "note": None}]
    assert lazy.select("note").head(2).collect()["note"].to_list() == ["ü", None]
    assert lazy.select(pl.len()).collect(engine="streaming").item() == 3


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT id, mixed FROM t", "column 'mixed' holds integer and text: cast it to one type"),
        ("SELECT * FROM accounts", "no such table"),
        ("SELECT 1; DROP TABLE t", "cannot read from bank.db"),
        ("DROP TABLE t", "cannot read from bank.db"),
        ("ATTACH 'x' AS y", "not authorized"),
        ("PRAGMA table_list", "not authorized"),
        ("SELECT 1) UNION SELECT (2", "cannot read from bank.db"),
    ],
)
def test_sqlite_queries_that_are_refused(lite, sql, said):
    assert said in refusal(lite, sql)
    assert rows(lite, "SELECT id FROM t").height == 3


def test_sqlite_files_that_are_none(tmp_path):
    assert "there is no file" in refusal(f"sqlite:///{tmp_path}/no.db", "SELECT 1")
    (tmp_path / "t.db").write_text("no database, though long enough for one" * 100)
    assert "not a database" in refusal(f"sqlite:///{tmp_path}/t.db", "SELECT * FROM t")
    assert not (tmp_path / "no.db").exists()


def test_columns_of_one_name(lite):
    assert "more than one column is named" in refusal(lite, "SELECT 1 AS a, 2 AS a")


def test_without_the_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    assert "pip install 'raregan[sql]'" in refusal(f"postgresql://u:{ENCODED}@h/d", "SELECT 1")


def test_a_server_that_is_not_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://user:{ENCODED}@127.0.0.1:{port}/bank"
    assert "Connection refused" in refusal(url, "SELECT 1")
    assert "%zz" not in refusal(f"postgresql://u:s3cr%zz@127.0.0.1:{port}/bank", "SELECT 1")


# ------------------------------------------------------------------------------- PostgreSQL


def command(name):
    """Return a program of the PostgreSQL server, run as another user where we are root."""
    found = shutil.which(name) or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        pytest.skip(f"there is no PostgreSQL server here: no {name}")
    return [*(["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []), found]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start a server of our own that demands a password, and yield URL and port."""
    initdb, pg_ctl = command("initdb"), command("pg_ctl")
    folder = tmp_path_factory.mktemp("pg")
    (folder / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    secret = ["-U", "teller", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
    subprocess.run([*initdb, "-D", data, *secret], **quiet)
    start = ["-D", data, "-l", f"{data}/log", "-w", "-o", options, "start"]
    subprocess.run([*pg_ctl, *start], **quiet)
    try:
        yield f"postgresql://teller:{ENCODED}@127.0.0.1:{port}/postgres", folder, port
    finally:
        subprocess.run([*pg_ctl, "-D", data, "-m", "immediate", "stop"], **quiet)


@pytest.fixture
def url(server):
    return server[0]


def test_postgresql_columns_come_typed(url):
    frame = rows(
        url,
        """
        SELECT 1::int2 AS small, 9007199254740993 AS big, 1.25::float4 AS single,
            1.5::float8 AS double, 12.50::numeric(10, 2) AS price, 0.1::numeric AS free, true
            AS yes, 'ü'::text AS note,
            'x'::varchar(3) AS code, date '1950-01-02' AS day, timestamp '2024-02-29 12:00' AS at,
            timestamptz '2024-02-29 12:00+02' AS zoned, '{"a": 1}'::jsonb AS json,
            '00000000-0000-0000-0000-000000000001'::uuid AS id
        UNION ALL SELECT null, null, null, null, null::numeric(10, 2), null, null, null, null,
            null, null, null, null, null;
        """,
    )
    noon = dt.datetime(2024, 2, 29, 12)  # noqa: DTZ001
    expected = {
        "small": (1, pl.Int16),
        "big": (2**53 + 1, pl.Int64),
        "single": (1.25, pl.Float32),
        "double": (1.5, pl.Float64),
        "price": (decimal.Decimal("12.50"), pl.Decimal(10, 2)),
        "free": (0.1, pl.Float64),
        "yes": (True, pl.Boolean),
        "note": ("ü", pl.String),
        "code": ("x", pl.String),
        "day": (dt.date(1950, 1, 2), pl.Date),
        "at": (noon, pl.Datetime("us")),
        "zoned": (noon.replace(hour=10, tzinfo=dt.UTC), pl.Datetime("us", "UTC")),
        "json": ('{"a": 1}', pl.String),
        "id": ("00000000-0000-0000-0000-000000000001", pl.String),
    }
    assert dict(frame.schema) == {name: dtype for name, (_, dtype) in expected.items()}
    assert frame.row(0, named=True) == {name: value for name, (value, _) in expected.items()}
    assert frame.row(1) == (None,) * len(expected)


def test_postgresql_rows_stream(url):
    lazy = make_query(
        url, "SELECT g AS a, 'text ' || g AS b FROM generate_series(1, 700000) g"
    ).scan()
    chosen = lazy.filter(pl.col("a") % 1000 == 0)
    assert chosen.select(pl.len()).collect(engine="streaming").item() == 700
    heights = [frame.height for frame in lazy.collect_batches(chunk_size=100_000)]
    assert sum(heights) == 700_000
    assert max(heights) < 500_000
    assert lazy.head(3).collect()["a"].to_list() == [1, 2, 3]
    assert lazy.select("b").tail(1).collect(engine="streaming").item() == "text 700000"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM nothing", 'relation "nothing" does not exist'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; DROP TABLE t", "cannot insert multiple commands"),
        ("CREATE TABLE t (a int)", "returns no columns: give one SELECT"),
        ("CREATE TEMP TABLE u AS SELECT 1", "returns no columns: give one SELECT"),
        ("BEGIN", "returns no columns: give one SELECT"),
        ("DELETE FROM pg_class RETURNING oid", "in a read-only transaction"),
        (
            "WITH x AS (DELETE FROM pg_class RETURNING 1) SELECT * FROM x",
            "in a read-only transaction",
        ),
        ("SELECT 1 / (3 - g) AS a FROM generate_series(1, 9) g", "division by zero"),
        ("SELECT '1 day'::interval AS wait", "extract(epoch FROM wait)"),
        ("SELECT 1::money AS paid", "paid::numeric"),
        ("SELECT point(1, 2) AS place", "of PostgreSQL type point, which is not read: convert it"),
        ("SELECT 1 AS a, 2 AS a", "more than one column is named 'a'"),
        (f"SELECT '{PASSWORD}'::int", "invalid input syntax"),
    ],
)
def test_postgresql_queries_that_are_refused(url, sql, said):
    assert said in refusal(url, sql)


def test_a_wrong_password_is_not_shown(server):
    _, _, port = server
    wrong = f"postgresql://teller:s3cr%40t@127.0.0.1:{port}/postgres"
    assert "password authentication failed" in refusal(wrong, "SELECT 1")
    wrong = f"postgresql://teller@127.0.0.1:{port}/bank?password=s3cr%40t&s3cr"
    assert "missing key/value separator" in refusal(wrong, "SELECT 1")


def test_the_environment_may_hold_the_password(server, monkeypatch):
    _, folder, port = server
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGUSER", "teller")
    monkeypatch.setenv("PGPORT", str(port))
    monkeypatch.setenv("PGHOST", str(folder))
    assert rows("postgresql:///postgres", "SELECT 1 AS a")["a"].to_list() == [1]
