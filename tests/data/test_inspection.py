import json
import shlex
import time
import warnings
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from raregan.data.inspection import Inspection, inspect_rows, read_schema, write_schema
from raregan.data.rows import choose_rows
from raregan.data.schema import Column, Schema, Target
from raregan.data.table import infer_schema
from raregan.errors import DataError, SchemaError, UserError

N = 400
RNG = np.random.default_rng(1)


def frame(**columns):
    base = {"Class": np.arange(N) % 10 == 0, "town": pl.Series(RNG.choice(["Oslo", "Bergen"], N))}
    return pl.DataFrame({**base, **columns})


def inspect(table, **kinds):
    rows = choose_rows(table, target="Class")
    return inspect_rows(rows, infer_schema(rows, kinds=kinds))


def facts(table, name="x", **kinds):
    return next(column for column in inspect(table, **kinds).columns if column.name == name)


def test_the_numbers_of_a_column():
    x = pl.Series([None if i % 4 == 0 else i % 7 for i in range(N)])
    column = facts(frame(x=x))
    rare = [i for i in range(N) if i % 10 == 0]
    assert (column.kind, column.dtype, column.distinct) == ("integer", "Int64", 7)
    assert column.missing == 0.25
    assert column.missing_rare == sum(i % 4 == 0 for i in rare) / len(rare)


@pytest.mark.parametrize(
    ("values", "summary"),
    [
        (np.arange(N) * 1000.25, "0 to 399,099.75"),
        ([2000 + i % 20 for i in range(N)], "2000 to 2019"),
        ([Decimal(i % 90) / 4 for i in range(N)], "0 to 22.25"),
        ([date(1960, 1, 1) + timedelta(i) for i in range(N)], "1960-01-01 to 1961-02-03"),
        (
            pl.Series(np.arange(N) * 60_000).cast(pl.Datetime("ms", "Asia/Tokyo")),
            "1970-01-01 UTC to 1970-01-01 06:39:00 UTC",
        ),
        ([timedelta(hours=i, seconds=5) for i in range(N)], "00:00:05 to 16 d 15:00:05"),
        ([clock(8, i % 60) for i in range(N)], "08:00:00 to 08:59:00"),
        ([f"{1 + i % 28:02}/0{1 + i % 9}/2024" for i in range(N)], "2024-01-01 to 2024-09-28"),
        (["a" if i % 4 else "b" for i in range(N)], "a 75%, b 25%"),
        ([f"C{i:04}-x" for i in range(N)], "like A9999-a"),
        (["only"] * N, "only"),
        ([None] * N, "missing in every rare row"),
    ],
)
def test_summaries(values, summary):
    assert facts(frame(x=pl.Series(values))).summary == summary


def test_an_instant_beyond_python_has_a_summary():
    ticks = pl.Series([2**60 + i for i in range(N)]).cast(pl.Datetime("us"))
    assert facts(frame(x=ticks)).summary.startswith("38504-")


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (np.arange(N) % 50 * 1.0, "whole numbers stored as Float64"),
        ([f"{i}.50" for i in range(N)], "numbers written as text"),
        ([f"{13 + i % 9}/0{1 + i % 9}/2024" for i in range(N)], "dates written as %d/%m/%Y"),
        (
            [f"0{1 + i % 9}/0{1 + i % 8}/2024" for i in range(N)],
            "dates written as %d/%m/%Y; %m/%d/%Y fits as well: if meant, set format in a schema",
        ),
        ([f"2024-0{1 + i % 9}-0{1 + i % 8}" for i in range(N)], "dates written as %Y-%m-%d"),
        (np.arange(N) % 4, "a few whole numbers: if they are codes, --kind x=categorical"),
        (np.arange(N) % 100, ""),
        (np.arange(N) + 5, "every value differs"),
        (np.arange(N) * 0.3, ""),
    ],
)
def test_remarks(values, remark):
    assert facts(frame(x=pl.Series(values))).remark == remark


def test_a_name_of_a_code_is_remarked():
    zips = pl.Series(RNG.integers(10000, 90000, N))
    assert "--kind 'home zip'=categorical" in facts(frame(**{"home zip": zips}), "home zip").remark


def test_it_is_json_safe():
    found = inspect(
        frame(x=np.arange(N) * 0.5, when=[date(2024, 1, 1) + timedelta(i) for i in range(N)])
    )
    data = json.loads(json.dumps(found.to_dict()))
    assert data["columns"][1]["name"] == "x"
    assert data["warnings"] == [{"column": s.column, "text": s.text} for s in found.warnings]
    assert (data["target"], data["rare"], data["n_rows"]) == ("Class", True, N)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_keeps_within_the_width(width):
    names = {f"a very long name of a column, the {i}. of its sort": np.arange(N) % 7 for i in "12"}
    text = inspect(frame(**names, 城市=pl.Series(["東京都"] * 200 + ["大阪"] * 200))).to_text(width)
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("column"))
    at = head.index("range or top")
    table = lines[lines.index(head) : lines.index("", lines.index(head))]
    rows = [line for line in table if "integer" in line]
    assert len(rows) == 2
    assert all(line[at - 2 : at] == "  " and line[at:] == "0 to 6" for line in rows)
    assert max(map(len, table)) <= width
    japanese = next(line for line in table if line.startswith("城市"))
    assert (
        japanese[at - 2 :] == "大阪 50%, 東京都 50%"
    )  # two characters of the name take four cells


def test_the_text_ends_with_what_to_do():
    notes = [f"note {i} about a thing that was said at length" for i in range(N)]
    text = inspect(frame(**{"my notes": pl.Series(notes)})).to_text(100)
    options = "--target Class --rare True --ignore 'my notes'"
    *_, first, second = text.splitlines()
    assert first == f"Next: raregan split DATA {options} -o parts"
    assert second == f"      raregan train parts/TRAIN {options}"
    assert text.startswith("400 rows, 40 of them rare (Class = True), 2 columns")


def test_what_a_terminal_would_obey_is_escaped():
    text = inspect(
        frame(**{"red\x1b[31m": pl.Series(["a\nb", "c\x07", "d"] * 133 + ["d"])})
    ).to_text(100)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "red\\x1b[31m" in text
    assert "a\\nb" in text


def test_rules_are_ready_to_paste():
    parts = RNG.integers(1, 500, (2, N))
    found = inspect(frame(a=parts[0], **{"it's b": parts[1]}, total=parts.sum(axis=0)))
    [rule] = [rule for rule in found.proposals if "total" in rule.text and "==" in rule.text]
    words = [
        shlex.split(line) for line in found.to_text(100).splitlines() if "--constraint" in line
    ]
    assert ["--constraint", rule.text] in words


def test_rules_of_the_schema_are_not_proposed_again():
    parts = RNG.integers(1, 500, (2, N))
    rows = choose_rows(frame(a=parts[0], b=parts[1], total=parts.sum(axis=0)), target="Class")
    first = inspect_rows(rows, infer_schema(rows, kinds={})).proposals
    schema = infer_schema(rows, kinds={}, constraints=[rule.text for rule in first])
    assert first
    assert inspect_rows(rows, schema).proposals == ()


def accounts(broken):
    """Return a table whose rare rows, but for so many, add up; of the others few do."""
    table = frame(**{"it's paid": RNG.integers(1, 10**6, N) / 100, "rest": RNG.integers(1, 500, N)})
    odd = (pl.int_range(pl.len()) % 10 > 0) | (pl.int_range(pl.len()) < 10 * broken)
    return table.with_columns(
        old=(pl.col("it's paid") + pl.col("rest")).round(2) + pl.when(odd).then(1).otherwise(0)
    )


def test_a_rule_of_the_rare_rows_alone_is_told_as_such():
    found = inspect(accounts(broken=0))
    [rule] = found.rare_rules
    assert (rule.text, rule.n_kept, rule.others) == ("`it's paid` + rest == old", 40, 0)
    assert found.near_rules == ()
    text = found.to_text(100)
    assert "Rules of the rare rows alone; to have them kept, add any of:" in text
    assert "holds in all 40 rare rows, none of the others (adds up in every row)" in text
    assert "Near-rules" not in text


def test_a_near_rule_is_told_apart_with_what_to_do_and_is_in_the_json():
    found = inspect(accounts(broken=2))
    assert found.rare_rules == ()
    [rule] = found.near_rules
    assert (rule.n_kept, rule.n_known) == (38, 40)
    text = found.to_text(100)
    assert "Near-rules, that at least 95% of the rare rows keep:" in text
    assert "holds in 38 of 40 rare rows, none of the others (adds up)" in text
    words = [shlex.split(line) for line in text.splitlines() if "  --constraint" in line]
    assert ["--constraint", rule.text] in words
    assert "these rows are left out of training, and counted" in " ".join(text.split())
    data = json.loads(json.dumps(found.to_dict()))
    assert data["near_rules"] == [
        {"text": rule.text, "remark": "adds up", "n_kept": 38, "n_known": 40, "others": 0}
    ]
    assert data["rare_rules"] == []


def test_near_rules_of_the_schema_are_not_told_again():
    rows = choose_rows(accounts(broken=2), target="Class")
    schema = infer_schema(rows, kinds={}, constraints=["old - rest == `it's paid`"])
    assert inspect_rows(rows, schema).near_rules == ()


def test_a_large_table_takes_seconds(real_data):
    rows = choose_rows(
        pl.read_parquet(real_data / "census_income_kdd_train.parquet"), target="income"
    )
    schema = infer_schema(rows, kinds={})
    started = time.perf_counter()
    inspect_rows(rows, schema)
    assert time.perf_counter() - started < 20  # 2 s on an idle machine


def schema():
    columns = (
        Column('søm "x"\n', "Float64", "continuous"),
        Column("日付", "String", "datetime", "%d/%m/%Y"),
        Column("level", 'Enum["a", "ü"]', "categorical"),
    )
    return Schema(columns, Target("Class", "String", "ja 👍", 1), ("level == 'ü'",))


def test_a_schema_comes_back_from_its_file(tmp_path):
    path = tmp_path / "schema.json"
    write_schema(schema(), path)
    assert read_schema(path) == schema()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert (
        lines[3]
        == '    {"name": "日付", "dtype": "String", "kind": "datetime", "format": "%d/%m/%Y"},'
    )
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_schema(path) == schema()


def test_a_schema_without_rules_comes_back(tmp_path):
    bare = Schema(schema().columns, schema().target)
    write_schema(bare, tmp_path / "s.json")
    assert read_schema(tmp_path / "s.json") == bare


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"continuous"},', '"continuous"}', r"s\.json, line 4, character \d+: this is no JSON"),
        ('"kind": "continuous"', '"kind": "numeric"', "unknown kind 'numeric'"),
        (
            '"kind": "continuous"',
            '"knd": "continuous"',
            r"column 1 .*\['knd'\] and lacks \['kind'\]",
        ),
        ('"Float64"', '"Float65"', "unknown dtype 'Float65'"),
        (', "format": "%d/%m/%Y"', "", "a format such as"),
        ('"level"', '"日付"', "appear more than once"),
        ('"constraints"', '"constraint"', r"\['constraint'\]"),
        ('"position": 1', '"position": 9', "beyond"),
        ('"target": {', '"target": 3, "x": {', "unknown fields"),
        ('"columns": [', '"columns": 3, "x": [', "unknown fields"),
    ],
)
def test_mistakes_of_hand_editing_are_named(tmp_path, old, new, message):
    path = tmp_path / "s.json"
    write_schema(schema(), path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SchemaError, match=message) as caught:
        read_schema(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"3", b"null", b"\xff\xfe", b"{}", b"[" * 100_000),
        b'{"columns": {}, "target": {}}',
        b'{"columns": ["a"], "target": {}}',
        b'{"columns": [], "target": []}',
        b'{"columns": [], "target": {}, "constraints": "a < b"}',
    ],
)
def test_what_is_no_schema_is_refused(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(SchemaError, match=r"s\.json"):
        read_schema(path)


def test_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(SchemaError, match="cannot read the schema .*name another file"):
        read_schema(tmp_path / "none.json")
    with pytest.raises(SchemaError, match="cannot read the schema"):
        read_schema(tmp_path)
    with pytest.raises(DataError, match="cannot write"):
        write_schema(schema(), tmp_path)


SPAN = [datetime.fromisoformat(day) for day in ("1800-01-01", "2200-01-01")]
DTYPES = st.sampled_from(
    [
        *(pl.Int8, pl.Int64, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean, pl.String),
        *(pl.Categorical, pl.Date, pl.Datetime("ns"), pl.Datetime("us", "Europe/Berlin")),
        *(pl.Duration("ms"), pl.Time, pl.Decimal(20, 2), pl.Null),
    ]
)
VALUES = {
    "Int8": st.integers(-128, 127),
    "Int64": st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 3),
    "UInt64": st.integers(0, 2**64 - 1),
    "Float32": st.floats(width=32),
    "Float64": st.floats() | st.sampled_from([0.0, -1.0, 999.0]),
    "Boolean": st.booleans(),
    "String": st.text(max_size=4) | st.sampled_from(["?", "01/02/2024", "1.50"]),
    "Categorical": st.sampled_from(["a", "", "ß", "unknown"]),
    "Date": st.dates(),
    "Datetime": st.datetimes(*SPAN),
    "Duration": st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    "Time": st.times(),
    "Decimal": st.decimals(-9999, 9999, places=2),
    "Null": st.none(),
}


@st.composite
def frames(draw):
    n = draw(st.integers(1, 40))
    columns = {}
    for name in draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True)):
        dtype = draw(DTYPES)
        values = st.none() | VALUES[str(dtype).partition("(")[0]]
        drawn = draw(st.lists(values, min_size=n, max_size=n))
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            columns[name] = pl.Series(drawn, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
        else:
            columns[name] = pl.Series(drawn, dtype=dtype)
    target = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return pl.DataFrame({**columns, "Class": target})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=frames(), lazy=st.booleans())
def test_any_table_is_inspected_or_refused(table, lazy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            rows = choose_rows(table.lazy() if lazy else table, target="Class", rare=1)
            found = inspect_rows(rows, infer_schema(rows, kinds={}))
        except UserError:
            return
    assert isinstance(found, Inspection)
    json.dumps(found.to_dict())
    assert found.to_text(80)
    assert found.to_text()
