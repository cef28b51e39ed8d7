import pytest

from raregan.arguments import make_parser
from raregan.commands.talk import check_outputs, pair, place, refuse_input, table_words
from raregan.errors import UserError


@pytest.mark.parametrize(
    ("text", "found"),
    [("a=b", ("a", "b")), ("a=b=c", ("a=b", "c")), ("zip code=text", ("zip code", "text"))],
)
def test_a_pair_is_split_at_its_last_equals_sign(text, found):
    assert pair(text, "--kind") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ch=k=1", ("ch", "k=1")),
        ("x=y=1", ("x=y", "1")),
        ("x=y=z=1", ("x=y", "z=1")),
        ("chanel=k=1", ("chanel", "k=1")),
        ("ch==", ("ch", "=")),
    ],
)
def test_a_known_column_says_where_its_value_begins(text, found):
    assert pair(text, "--condition", ["ch", "x", "x=y"]) == found


@pytest.mark.parametrize("text", ["a", "=b", "a=", "=", ""])
def test_what_is_no_pair_is_told(text):
    with pytest.raises(UserError, match="--kind takes column=value, got"):
        pair(text, "--kind")


def test_a_file_is_not_written_over_by_any_of_its_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("a.csv")
    for source in ("a.csv", str(tmp_path / "a.csv"), "link.csv"):
        with pytest.raises(UserError, match=r"a\.csv is the input"):
            refuse_input(source, "a.csv")
    refuse_input(None, "a.csv")
    refuse_input("a.csv", "b.csv")
    refuse_input("postgresql://host/a", "b.csv")
    (tmp_path / "-").write_text("x")
    refuse_input("-", "-")  # standard output


def test_a_query_needs_a_database(folder, fails):
    fails("train", "--query", "select 1", match="--query needs a database")


def test_a_broken_schema_file_is_told(folder, fails):
    (folder / "s.json").write_text("{")
    fails("train", "data.parquet", "--schema", "s.json", match="s.json, line 1")
    fails("train", "data.parquet", "--schema", "none.json", match="cannot read the schema")


def test_standard_output_is_called_by_its_name():
    assert (place("a.csv"), place("-")) == ("a.csv", "standard output")


def test_what_was_typed_of_a_table_can_be_typed_again():
    typed = [
        "my data.csv",
        "--target",
        "is fraud",
        "--ignore",
        "a",
        "--ignore",
        "b",
        "--kind",
        "c=text",
    ]
    args = make_parser().parse_args(["tune", *typed, "--trials", "3"])
    assert (
        table_words(args) == "'my data.csv' --target 'is fraud' --ignore a --ignore b --kind c=text"
    )
    assert table_words(make_parser().parse_args(["tune"])) == ""
    url = ["tune", "postgresql://me:secret@here/db", "--query", "select 1"]
    assert "secret" not in table_words(make_parser().parse_args(url))


def test_outputs_overwrite_neither_inputs_nor_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a\n1\n")
    check_outputs({"--output": "a", "--json": "b", "--markdown": None}, ("t.csv", None))
    with pytest.raises(UserError, match="t.csv is the input"):
        check_outputs({"--json": "t.csv"}, (None, "t.csv"))
    with pytest.raises(UserError, match="--output and --json are both ./a"):
        check_outputs({"--output": "a", "--json": "./a"}, ())
    with pytest.raises(UserError, match="there is no folder no"):
        check_outputs({"--output": "no/a"}, ())
