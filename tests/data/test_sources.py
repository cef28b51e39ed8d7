import gzip
import os
import sqlite3
import subprocess
import sys

import pandas as pd
import polars as pl
import pytest

from raregan.data import sources
from raregan.data.frames import Origin
from raregan.data.sources import open_source, read_frame, read_table
from raregan.errors import DataError, SchemaError

N = 60
ROWS = [(i / 4, i**2, int(i % 5 == 0)) for i in range(N)]
CSV = "a,b,Class\n" + "".join(f"{a},{b},{c}\n" for a, b, c in ROWS)
FRAME = pl.DataFrame(ROWS, schema=["a", "b", "Class"], orient="row")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(source):
    with pytest.raises(DataError) as error:
        read_table(source)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", CSV),
        ("t.CSV", CSV),
        ("windows.csv", CSV.replace("\n", "\r\n")),
        ("bom.csv", b"\xef\xbb\xbf" + CSV.encode()),
        ("quoted.csv", CSV.replace("a,b", '"a","b"')),
        ("open-ended.csv", CSV.rstrip("\n")),
        ("semicolon.csv", CSV.replace(",", ";")),
        ("tabs.csv", CSV.replace(",", "\t")),
        ("t.tsv", CSV.replace(",", "\t")),
        ("t.csv.gz", gzip.compress(CSV.encode())),
        ("t.tsv.gz", gzip.compress(CSV.replace(",", "\t").encode())),
        ("[a] * b.csv", CSV),  # no pattern to expand
    ],
)
def test_text_files(tmp_path, name, content):
    path = write(tmp_path / name, content)
    assert read_frame(path).equals(FRAME)
    assert read_frame(str(path)).equals(FRAME)
    assert read_table(path).source == name


def test_a_comma_in_a_later_column_name_of_a_tsv_is_no_separator(tmp_path):
    path = write(tmp_path / "t.tsv", "a,1\tb\n1\t2\n")
    assert read_frame(path).columns == ["a,1", "b"]


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "[a].parquet"])
def test_parquet_files(tmp_path, name):
    FRAME.write_parquet(tmp_path / name)
    assert read_frame(tmp_path / name).equals(FRAME)
    assert read_table(tmp_path / name).source == name


@pytest.mark.parametrize(
    "source",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_pandas(),
        FRAME.to_pandas().set_axis(range(100, 100 + N)),
        pd.DataFrame({name: FRAME[name].to_numpy() for name in FRAME.columns}, index=["i"] * N),
    ],
)
def test_frames(source):
    table = read_table(source)
    assert table.source == "frame"
    assert table.fingerprint == read_table(FRAME).fingerprint
    assert table.rare.equals(FRAME.filter(Class=1).drop("Class"))


def test_a_csv_file_and_its_parquet_are_one_table(tmp_path):
    path = write(tmp_path / "t.csv", CSV)
    FRAME.write_parquet(tmp_path / "t.parquet")
    assert read_table(path).fingerprint == read_table(tmp_path / "t.parquet").fingerprint


def test_options_reach_the_table():
    table = read_table(FRAME, target="Class", rare="0", ignore=["b"])
    assert (table.n_rare, table.rare.columns) == (48, ["a"])


def test_types_follow_the_whole_file(tmp_path):
    late = CSV + "0.125,7.5,0\n"
    frame = read_frame(write(tmp_path / "t.csv", late.replace("0.0,", "0,")))
    assert frame.schema["b"] == pl.Float64


def test_one_word_in_the_last_row_makes_text_of_a_column(tmp_path):
    frame = read_frame(write(tmp_path / "t.csv", CSV + "1.0,unknown,0\n"))
    assert frame["b"][-1] == "unknown"
    assert frame.schema["b"] == pl.String


def test_empty_cells_and_nan_are_missing(tmp_path):
    frame = read_frame(write(tmp_path / "t.csv", CSV + "1.0,,0\nNaN,1,0\n-inf,1,0\n"))
    assert frame["b"][N] is None
    assert frame["a"][N + 1 :].to_list() == [None, float("-inf")]
    assert read_frame(FRAME.with_columns(a=pl.lit(float("nan"))))["a"].null_count() == N


def test_an_integer_too_long_for_polars_is_found(tmp_path):
    message = refusal(write(tmp_path / "t.csv", CSV + f"1.0,{'9' * 60},0\n"))
    assert "column 'b'" in message
    assert "9" * 60 in message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n \n", "is empty"),
        ("t.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("t.parquet", b"", "is empty"),
        ("t.csv", "a,b,Class\n", "has no rows"),
        ("t.csv", "just\nsome\nlines\n", "separated by commas"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text"),
        ("t.csv", gzip.compress(CSV.encode()), "is not text"),
        ("t.csv", CSV.encode("utf-16"), "is not text"),
        ("t.csv", CSV.encode().replace(b"b", b"\xe9"), "UTF-8"),
        ("t.csv", CSV + "1,2,3,4\n", "as many values in each line"),
        ("t.csv", CSV + '1,"2,3\n', "as many values in each line"),
        ("t.csv.gz", CSV, "is no whole gzip file"),
        ("t.csv.gz", gzip.compress(CSV.encode())[:-20], "is no whole gzip file"),
        ("t.parquet", CSV, "is no Parquet file"),
        ("t.parquet", b"PAR1" + bytes(1000), "write or download it anew"),
    ],
)
def test_files_that_are_no_tables(tmp_path, name, content, said):
    path = write(tmp_path / name, content)
    message = refusal(path)
    assert said in message
    assert name in message


def test_a_long_gzip_file_cut_short(tmp_path):
    whole = gzip.compress(("a,b,Class\n" + os.urandom(200_000).hex() + "\n").encode())
    assert "is no whole gzip file" in refusal(write(tmp_path / "t.csv.gz", whole[:-1000]))


def test_a_parquet_file_cut_short(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    message = refusal(write(tmp_path / "t.parquet", content[: len(content) // 2]))
    assert "write or download it anew" in message


def test_a_missing_file_is_answered_with_similar_ones(tmp_path):
    write(tmp_path / "creditcard.csv", CSV)
    assert "there is no file" in refusal(tmp_path / "credit.parquet")
    assert refusal(tmp_path / "creditcrad.csv").endswith("did you mean 'creditcard.csv'?")
    assert refusal(tmp_path / "no" / "creditcard.csv").endswith("check the path")


def test_unknown_endings_and_folders_without_tables(tmp_path):
    assert "unknown ending: a table is a file that ends in .csv" in refusal(tmp_path / "t.xlsx")
    assert "is a folder without tables: a table is a file" in refusal(tmp_path)
    write(tmp_path / ".hidden.csv", CSV)
    write(tmp_path / "_SUCCESS", "")
    assert "is a folder without tables: a table is a file" in refusal(tmp_path)
    assert "there is no file" in refusal(tmp_path / "part-*.csv")


def test_unreadable_paths(tmp_path):
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    assert "check the path" in refusal(tmp_path / "loop.csv")
    assert "check the path" in refusal("a\0b.csv")
    assert "check the path" in refusal("a" * 300 + ".csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read(tmp_path):
    path = write(tmp_path / "t.csv", CSV)
    path.chmod(0)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize("source", [None, 3, b"t.csv", [1, 2], {"a": [1]}, pl.Series([1])])
def test_what_is_no_source(source):
    assert "cannot read a table from" in refusal(source)


def test_a_query_that_fails():
    assert "mend its query" in refusal(FRAME.lazy().select("zzz"))


def test_names_that_appear_twice(tmp_path):
    path = write(tmp_path / "t.csv", "a,a,b,b,Class\n1,2,3,4,0\n")
    with pytest.raises(SchemaError, match="more than one column is named 'a', 'b'"):
        read_frame(path)
    with pytest.raises(SchemaError, match="more than one column is named 'a'"):
        read_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(SchemaError, match="more than one column is named '0'"):
        read_frame(pd.DataFrame([[1, 2]], columns=[0, "0"]))


def test_a_saved_row_index_can_be_left_out(tmp_path):
    path = tmp_path / "t.csv"
    FRAME.to_pandas().to_csv(path)
    with pytest.raises(SchemaError, match="used column 1 has no name"):
        read_table(path)
    assert read_table(path, ignore="").rare.columns == ["a", "b"]


def test_pandas_values_of_several_types():
    mixed = pd.DataFrame({"a": [1, "x"], "Class": [0, 1]})
    assert "values of one type" in refusal(mixed)


def test_reading_a_file_imports_no_pandas(tmp_path):
    path = write(tmp_path / "t.csv", CSV)
    code = (
        "import sys; from raregan.data.sources import read_table; read_table(sys.argv[1]);"
        "print({'pandas', 'scipy', 'keras', 'jax'} & set(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"


def in_three(tmp_path, ending):
    """Write FRAME in three parts, out of order, beside what Spark and desktops leave there."""
    folder = tmp_path / "parts"
    (folder / "_temporary").mkdir(parents=True)
    (folder / "later").mkdir()
    for number, name in ((1, "b"), (0, "a"), (2, "later/c")):
        part = FRAME[number * 20 : number * 20 + 20]
        text = {"csv": part.write_csv, "jsonl": part.write_ndjson}.get(ending.split(".")[1])
        path = folder / f"{name}{ending}"
        if text is None:
            part.write_parquet(path)
        else:
            packed = gzip.compress(text().encode()) if ending.endswith(".gz") else text()
            write(path, packed)
    for name in ("_SUCCESS", ".part.crc", "_temporary/x.csv", ".DS_Store"):
        write(folder / name, "x")
    return folder


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"])
def test_parts_are_one_table(tmp_path, monkeypatch, ending, large):
    if large:
        monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    folder = in_three(tmp_path, ending)
    source = open_source(folder)
    assert (source.name, source.is_large, source.origin) == ("parts", large, Origin())
    assert source.collect().equals(FRAME)
    assert source.collect(source.frame.select(pl.len())).item() == N
    assert read_frame(f"{folder}/*{ending}").equals(FRAME[:40])
    assert read_frame(f"{folder}/**/*{ending}").equals(FRAME)
    assert open_source(f"{folder}/*{ending}").name == f"*{ending}"


@pytest.mark.parametrize("large", [False, True])
def test_one_file_of_odd_name(tmp_path, monkeypatch, large):
    if large:
        monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    FRAME.write_parquet(tmp_path / "[a]*.parquet")
    for name, content in (("[a]*.csv", CSV), ("[a]*.ndjson", FRAME.write_ndjson())):
        write(tmp_path / name, content)
    for ending in ("csv", "ndjson", "parquet"):
        assert read_frame(tmp_path / f"[a]*.{ending}").equals(FRAME)


@pytest.mark.parametrize("large", [False, True])
def test_csv_parts_are_widened(tmp_path, monkeypatch, large):
    if large:
        monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    write(tmp_path / "1.csv", "a,b,c\n1,,x\n")
    write(tmp_path / "2.csv", "b,a,c\n1,0.5,\n")
    assert read_frame(tmp_path).rows() == [(1.0, None, "x"), (0.5, 1, None)]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("a\n1\n", "column 'b' is missing in "),
        ("a,b,c\n1,2,3\n", "column 'c' is missing in "),
        ("a,b\n1,x\n", "column 'b' is of type String in "),
    ],
)
def test_parts_of_several_schemas(tmp_path, monkeypatch, second, said, large):
    if large:
        monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    write(tmp_path / "1.csv", "a,b\n1,2\n")
    write(tmp_path / "2.csv", second)
    assert said + str(tmp_path / ("1.csv" if "'c'" in said else "2.csv")) in refusal(tmp_path)


def test_parquet_parts_of_several_schemas(tmp_path):
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"b": [2], "a": [3]}).write_parquet(tmp_path / "2.parquet")
    assert read_frame(tmp_path).rows() == [(1, 2), (3, 2)]
    pl.DataFrame({"a": [1.5], "b": [2]}).write_parquet(tmp_path / "3.parquet")
    assert "column 'a' is of type Float64 in " + str(tmp_path / "3.parquet") in refusal(tmp_path)


def test_a_column_that_folders_name(tmp_path):
    for day in (1, 2):
        (tmp_path / f"day={day}").mkdir()
        pl.DataFrame({"a": [day * 10]}).write_parquet(tmp_path / f"day={day}" / "x.parquet")
    assert read_frame(tmp_path).rows(named=True) == [{"a": 10, "day": 1}, {"a": 20, "day": 2}]


def test_files_of_several_endings(tmp_path):
    write(tmp_path / "1.csv", CSV)
    write(tmp_path / "read.me", CSV)
    assert "holds files of several endings, '.csv', '.me'" in refusal(tmp_path)


def test_a_late_cell_of_a_large_csv_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    monkeypatch.setattr(sources, "INFERENCE_ROWS", 5)
    rows = "1,,\n" * 20
    late = write(tmp_path / "late.csv", f"a,b,c\n{rows}2,3,\n2,0.5,x\n")
    assert read_frame(late).schema == {"a": pl.Int64, "b": pl.Float64, "c": pl.String}
    bad = write(tmp_path / "bad.csv", f"a,b,c\n{rows}zzz,3,\n")
    with pytest.raises(DataError) as error:
        read_frame(bad)
    message = str(error.value)
    assert "could not parse `zzz`" in message
    assert "column 'a'" in message
    assert "mend the value, or write the table as Parquet" in message


def test_a_large_gzip_file_cut_short(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGE_BYTES", 0)
    path = write(tmp_path / "t.csv.gz", gzip.compress(CSV.encode())[:-20])
    assert "is no whole gzip file" in refusal(path)


def test_json_lines(tmp_path):
    path = write(tmp_path / "t.jsonl", '{"a": 1, "b": "x"}\n\n{"a": 2.5, "c": true}\n')
    assert read_frame(path).rows(named=True) == [
        {"a": 1.0, "b": "x", "c": None},
        {"a": 2.5, "b": None, "c": True},
    ]
    for content, said in (
        ('{"a": 1}\n{"a":\n', "each line of a JSON lines file is an object"),
        ("[1, 2]\n", "each line of a JSON lines file is an object"),
        ("", "is empty"),
        (" \n", "is empty"),
    ):
        assert said in refusal(write(path, content))


def test_databases(tmp_path):
    path = tmp_path / "bank.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a, 0.5 AS b")
    connection.close()
    source = open_source(f"sqlite:///{path}", query="SELECT * FROM t")
    assert (source.name, source.is_large) == ("bank.db", True)
    assert source.collect().rows() == [(1, 0.5)]
    with pytest.raises(DataError, match="--query"):
        open_source(f"sqlite:///{path}")
    with pytest.raises(DataError, match="a query is asked of a database"):
        open_source(FRAME, query="SELECT * FROM t")
    with pytest.raises(DataError, match="cannot read from s3:// addresses"):
        open_source("s3://bucket/t.parquet")


@pytest.mark.parametrize("convert", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_frames_of_other_libraries(convert):
    source = open_source(convert(FRAME))
    assert (source.name, source.is_large) == ("frame", False)
    assert source.collect().equals(FRAME)
    assert source.origin == Origin.of(convert(FRAME))


def test_an_array():
    assert read_frame(FRAME.to_numpy()).columns == ["x0", "x1", "x2"]


def test_the_card_data(real_data):
    table = read_table(real_data / "creditcard.parquet", ignore=["Time"])
    assert (table.n_rows, table.n_rare, table.n_rare_duplicates) == (40_347, 492, 19)
    assert len(table.schema.columns) == 29
    assert {column.kind for column in table.schema.columns} == {"continuous"}


def test_the_mammography_data(real_data):
    table = read_table(real_data / "mammography.parquet")
    assert (table.schema.target.name, table.n_rows, table.n_rare) == ("y", 11_183, 260)


def test_the_copies_in_the_card_data_are_those_counted_before(real_data):
    assert read_table(real_data / "creditcard.parquet").n_duplicates == 58


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "folder"])
def test_codes_that_begin_with_0_stay_as_they_are_written(tmp_path, name):
    text = "branch,n,Class\n" + "".join(f"{i % 40:03},{i},{i % 2}\n" for i in range(300))
    path = tmp_path / name
    if name == "folder":  # of the second part no code begins with 0
        path.mkdir()
        (path / "a.csv").write_text(text)
        (path / "b.csv").write_text("branch,n,Class\n120,1,0\n")
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    found = read_frame(path)
    assert found.schema["branch"] == pl.String
    assert found.schema["n"] == pl.Int64
    assert found["branch"][:3].to_list() == ["000", "001", "002"]
