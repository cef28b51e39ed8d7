import numpy as np
import polars as pl
import pytest

from raregan.data.dtypes import parse_dtype
from raregan.data.heldout import HeldOut
from raregan.data.rows import known_column
from raregan.data.schema import Column, Schema, Target
from raregan.data.table import MIN_RARE_ROWS, fingerprint, make_table, target_of
from raregan.errors import DataError, SchemaError, TooFewRowsError

N, N_RARE = 100, 20


def frame(**columns):
    rare = np.arange(N) % 5 == 0
    base = {"a": np.arange(N) / 8, "Class": rare.astype(np.int64), "b": np.arange(N) ** 2}
    return pl.DataFrame({**base, **columns})


def text_target(rare="yes", common="no"):
    return pl.Series([rare if i % 5 == 0 else common for i in range(N)])


def test_the_rare_rows_are_kept_in_order_and_without_the_target():
    table = make_table(frame())
    assert table.rare.columns == ["a", "b"]
    assert table.rare["a"].to_list() == [i / 8 for i in range(0, N, 5)]
    assert (table.n_rows, table.n_rare) == (N, N_RARE)
    assert (table.n_duplicates, table.n_rare_duplicates, table.warnings) == (0, 0, ())
    assert table.schema.target.position == 1
    assert table.schema.add_target(table.rare).columns == ["a", "Class", "b"]


def test_it_describes_itself():
    assert make_table(frame(), source="x.csv").describe() == (
        "x.csv: 100 rows, 20 of them rare (Class = 1), 2 columns to learn"
    )


def test_it_counts_what_is_not_learned_apart(mixed):
    table = make_table(mixed.with_columns(bank=pl.lit("north"), code=pl.lit(1)))
    assert table.describe_rows() == "frame: 500 rows, 100 of them rare (Class = 1)"
    assert table.describe() == (
        f"{table.describe_rows()}, 17 columns: 14 to learn, 2 constants, 1 identifier made fresh"
    )


@pytest.mark.parametrize("ignore", ["b", ["b"], ("b", "b"), iter(["b"])])
def test_ignored_columns_are_nowhere(ignore):
    table = make_table(frame(b=["text"] * N), ignore=ignore)
    assert table.rare.columns == ["a"]
    assert table.schema.names == ("a",)
    assert table.schema.target.position == 1


def test_the_position_counts_used_columns():
    assert make_table(frame(), ignore="a").schema.target.position == 0


@pytest.mark.parametrize(
    "name", ["class", "target", "y", "isFraud", "is_fraud", "FraudFound_P", "BAD", "fraud_reported"]
)
def test_a_two_valued_column_of_a_usual_name_is_the_target(name):
    table = make_table(frame().rename({"Class": name}).with_columns(z=pl.col("a") > 3))
    assert table.schema.target.name == name


def test_class_goes_before_other_usual_names():
    assert make_table(frame(label=np.arange(N) % 2)).schema.target.name == "Class"


def test_a_usual_name_with_many_values_is_a_feature():
    table = make_table(frame(y=np.arange(N) % 3).rename({"Class": "label"}))
    assert table.schema.target.name == "label"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": text_target()}, "two-valued columns: 'target', 'label'"),
        ({}, "two-valued columns: 'odd', 'even'"),
    ],
)
def test_unclear_targets_are_listed(columns, said):
    name = "target" if columns else "odd"
    even = {} if columns else {"even": np.arange(N) % 2}
    with pytest.raises(SchemaError, match=f"--target.*{said}"):
        make_table(frame(**columns, **even).rename({"Class": name}))


def test_no_target_in_sight_is_said():
    with pytest.raises(SchemaError, match="no column has two values"):
        make_table(frame(c=[[1, 2]] * N, d=[None] * N), ignore="Class")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "class"}, "no column 'class'; did you mean 'Class'?"),
        ({"target": "zzz"}, "no column 'zzz'; columns: 'a', 'Class', 'b'"),
        ({"ignore": ["A"]}, "no column 'A'; did you mean 'a'?"),
        ({"ignore": "Class", "target": "Class"}, "no column 'Class'"),
    ],
)
def test_unknown_columns_are_answered_with_known_ones(options, said):
    with pytest.raises(SchemaError) as error:
        make_table(frame(), **options)
    assert said in str(error.value)


def test_of_many_columns_only_some_are_listed():
    with pytest.raises(SchemaError, match=r"'c0', .*'c7', \.\.\.$"):
        known_column([f"c{i}" for i in range(50)], "zzzzzz")


RARE = {
    pl.Int8: [1, 1.0, "1", "1.0", np.int64(1), np.float32(1), True],
    pl.UInt64: [1, "1"],
    pl.Float32: [1, 1.0, "1", "1.0", np.int8(1), True],
    pl.Boolean: [True, "true", "True", "TRUE", "1", 1, 1.0, np.True_],
}


@pytest.mark.parametrize(
    ("dtype", "rare"), [(dtype, rare) for dtype, values in RARE.items() for rare in values]
)
def test_the_rare_value_is_understood(dtype, rare):
    table = make_table(frame(Class=frame()["Class"].cast(dtype)), rare=rare)
    assert table.n_rare == N_RARE
    assert table.schema.target.dtype == str(dtype())
    assert table.schema.target.rare == 1
    assert type(table.schema.target.rare) is type(pl.Series([1]).cast(dtype)[0])


@pytest.mark.parametrize(("rare", "n_rare"), [(None, N_RARE), ("yes", N_RARE), ("no", 80)])
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["no", "yes"])])
def test_text_targets(rare, n_rare, dtype):
    table = make_table(frame(Class=text_target().cast(dtype)), rare=rare)
    assert table.n_rare == n_rare
    assert parse_dtype(table.schema.target.dtype) == dtype
    assert table.schema.add_target(table.rare).schema["Class"] == dtype


@pytest.mark.parametrize(("rare", "found"), [(1, "1"), ("1", "1"), (np.str_("1"), "1")])
def test_text_that_looks_like_a_number(rare, found):
    assert make_table(frame(Class=text_target("1", "0")), rare=rare).schema.target.rare == found


def test_neighbouring_long_integers_are_told_apart():
    target = pl.Series([2**53 + i % 5 // 4 for i in range(N)])
    assert make_table(frame(Class=target), rare=str(2**53 + 1)).schema.target.rare == 2**53 + 1


@pytest.mark.parametrize("rare", ["Yes", "y", 1, True, float("nan"), object()])
def test_a_value_that_the_target_never_has(rare):
    with pytest.raises(SchemaError, match="its values are 'no', 'yes': choose one with --rare"):
        make_table(frame(Class=text_target()), rare=rare)


@pytest.mark.parametrize("rare", ["7", "one", 0.5, float("nan"), None.__class__])
def test_a_number_that_the_target_never_is(rare):
    with pytest.raises(SchemaError, match="its values are 0, 1: choose one with --rare"):
        make_table(frame(), rare=rare)


def test_the_rarest_of_several_values_is_taken():
    target = pl.Series([2 if i % 5 == 0 else i % 2 for i in range(N)])
    table = make_table(frame(Class=target))
    assert (table.schema.target.rare, table.n_rare) == (2, N_RARE)


def test_a_tie_is_not_decided():
    with pytest.raises(SchemaError, match=r"0 and 1 are equally rare \(50 rows each\)"):
        make_table(frame(Class=np.arange(N) % 2))


def test_a_target_column_may_be_called_as_anything():
    for name in ("rows", "value", "count"):
        assert make_table(frame().rename({"Class": name}), target=name).n_rare == N_RARE


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([1] * N, "is 1 in every row"),
        ([None, *[1] * (N - 1)], "data row 1 .* holds None: the target must be known"),
        ([0.0, float("nan"), *[1.0] * (N - 2)], "data row 2 .* holds None: the target must be"),
        ([None, float("nan"), *[1.0] * (N - 2)], "data row 1 .* holds None: the target must be"),
        (pl.Series(range(N)).cast(pl.Date), "of type Date"),
        ([[1]] * N, "of type List"),
    ],
)
def test_what_cannot_be_a_target(target, said):
    with pytest.raises(SchemaError, match=said):
        make_table(frame(Class=pl.Series(target, strict=False)))


@pytest.mark.parametrize("n_rare", [MIN_RARE_ROWS - 1, MIN_RARE_ROWS])
def test_ten_rare_rows_are_enough(n_rare):
    data = frame(Class=(np.arange(N) < n_rare).astype(int))
    if n_rare < MIN_RARE_ROWS:
        with pytest.raises(TooFewRowsError, match="only 9 of 100 rows have Class = 1"):
            make_table(data)
    else:
        assert make_table(data).n_rare == n_rare


def test_a_table_without_rows():
    with pytest.raises(DataError, match="x has no rows"):
        make_table(frame().clear(), source="x")


@pytest.mark.parametrize("ignore", [["a", "b"], ["a", "b", "Class"]])
def test_a_table_without_features(ignore):
    with pytest.raises(DataError, match="a table needs a target and a column to learn"):
        make_table(frame(), ignore=ignore)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_nameless_column_can_be_left_out(name):
    data = frame().rename({"a": name})
    with pytest.raises(SchemaError, match=f"used column 1 has no name .*--ignore '{name}'"):
        make_table(data)
    assert make_table(data, ignore=name).schema.names == ("b",)


def test_constant_columns_are_kept_with_a_warning():
    table = make_table(frame(b=[3.5] * N, c=frame()["Class"] * 4))
    assert [column.kind for column in table.schema.columns] == [
        "continuous",
        "constant",
        "constant",
    ]
    everywhere, here = table.warnings
    assert everywhere.startswith("column 'b' is 3.5 in every row: ")
    assert here.startswith("column 'c' is 4 in every rare row, though not in the others: ")


def test_a_constant_beyond_the_years_of_python_is_told():
    far = pl.Series([2**62] * N).cast(pl.Datetime("ms", "UTC"))
    [told] = make_table(frame(b=far)).warnings
    assert told.startswith(f"column 'b' is {2**62} as Datetime")


def test_nothing_but_constant_columns_is_an_error():
    with pytest.raises(DataError, match="every column is constant or an identifier in the 20"):
        make_table(frame(a=[1] * N, b=frame()["Class"]))


def test_a_rare_value_of_most_rows_is_warned_of():
    (warning,) = make_table(frame(), rare=0).warnings
    assert warning.startswith("80 of 100 rows, more than half, are rare by Class = 0")


def test_decimal_columns_stay_as_they_are():
    table = make_table(frame(a=frame()["a"].cast(pl.Decimal(10, 3))))
    assert table.rare.schema["a"] == pl.Decimal(10, 3)
    assert table.schema.columns[0] == Column("a", "Decimal[10, 3]", "continuous")
    assert table.warnings == ()


def test_exact_copies_are_counted_over_used_columns():
    data = pl.concat([frame(), frame()[:7], frame()[:1]]).with_row_index("row")
    table = make_table(data, ignore="row")
    assert (table.n_rows, table.n_duplicates, table.n_rare_duplicates) == (108, 8, 3)
    assert "8 of 108 rows (3 of 23 rare ones) are exact copies" in table.warnings[-1]
    assert "in all columns that are used here" in table.warnings[-1]
    assert make_table(data).n_duplicates == 0


@pytest.mark.parametrize("by", [("row", "a"), ("row",), ()])
def test_copies_that_a_split_told_apart_are_told_with_the_columns_that_did_it(by):
    whole = pl.concat([frame(), frame()[:8]]).with_row_index("row")
    data = whole.with_columns(a=pl.col("row") * 0.5)
    rest = [name for name in data.columns if name not in ("row", "a")]
    mark = HeldOut.of(data[:3], [*by, *rest])
    table = make_table(data[3:], ignore=("row", "a"), held_out=mark)
    assert table.n_duplicates > 0
    copies = [text for text in table.warnings if "copies" in text]
    if not by:  # the split kept all of them on one side
        assert copies == []
        return
    (text,) = copies
    named = ", ".join(map(repr, by))
    assert f"exact copies of an earlier row without {named}, by which this table was" in text
    more = " ".join(f"--ignore {name!r}" for name in by)
    assert text.endswith(f"split the table anew with the same options, and {more}")


CHANGES = [
    {"a": frame()["a"].cast(pl.Float32)},
    {"a": frame()["a"] + 1e-12},
    {"a": frame()["a"].reverse()},
    {"Class": frame()["Class"].cast(pl.Int8)},
    {"Class": text_target()},
    {"Class": text_target("ye", "sno")},
]


def test_the_fingerprint_follows_every_change():
    frames = [
        *(frame(**change) for change in CHANGES),
        *(frame(), frame()[:-1], frame()[["b", "a", "Class"]], frame().rename({"a": "A"})),
    ]
    assert len({fingerprint(data) for data in frames}) == len(frames)


def test_the_fingerprint_tells_where_texts_end():
    one, other = (pl.DataFrame({"t": texts}) for texts in (["ab", "c", ""], ["a", "", "bc"]))
    assert fingerprint(one) != fingerprint(other)


def test_the_fingerprint_ignores_how_the_memory_lies():
    parts = pl.concat([frame()[:33], frame()[33:]], rechunk=False)
    assert fingerprint(parts) == fingerprint(frame())
    rare = frame().filter(pl.col("Class") == 1).drop("Class")
    assert make_table(frame(c=["x"] * N), ignore="c").fingerprint == fingerprint(rare)


def test_the_fingerprint_is_the_same_in_every_process_and_release():
    """Model files and checkpoints hold it: a change of it needs a reason and a note."""
    data = pl.DataFrame(
        {"a": [0.5, -1.25], "n": [3, 4], "yes": [True, False], "t": ["\N{SNOWMAN}!", None]},
        schema_overrides={"n": pl.Int32},
    )
    assert fingerprint(data) == "78b6d260793ab0a4391ade1a3069cde08c3842d12e486738aa857a8deebc2b22"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["note"], "column 'note' holds free text, .*: leave it out with --ignore 'note', or say"),
        (
            ["x", "y"],
            "columns 'x', 'y' hold free text, .*: leave them out with --ignore 'x' --ignore",
        ),
    ],
)
def test_free_text_is_refused_with_the_remedy(names, said):
    notes = [f"a long note on what the customer said on the phone, number {i}" for i in range(60)]
    frame = pl.DataFrame({"Class": [int(i < 20) for i in range(60)], "a": range(60)})
    with pytest.raises(SchemaError, match=said):
        make_table(frame.with_columns(pl.Series(name, notes) for name in names))


def test_the_few_rare_rows_that_break_a_rule_are_left_out_and_told():
    broken = frame(b=pl.Series([-1 if i == 10 else i + 1 for i in range(N)]))
    table = make_table(broken, constraints=["b >= 0"], source="x.csv")
    assert (table.n_rare, table.left_out.to_dicts()) == (N_RARE - 1, [{"a": 10 / 8, "b": -1}])
    assert -1 not in table.rare["b"]
    assert table.fingerprint == fingerprint(table.rare)
    assert "20 of them rare (Class = 1), 1 of these left out as they break a rule" in (
        table.describe()
    )
    [told] = table.warnings
    assert told == (
        "rule 'b >= 0' does not hold in 1 of 20 rare rows, first in rare row 3: what breaks a "
        "rule is not learned from, and no synthetic row will be like it; correct these "
        "rows, or leave the rule out to learn from them"
    )
    more = broken.with_columns(b=pl.when(pl.col("a") == 0).then(-2).otherwise("b"))
    with pytest.raises(SchemaError, match=r"in 2 of 20 rare rows.*1 in 20 may be left out"):
        make_table(more, constraints=["b >= 0"])


def test_kinds_are_those_of_the_rows_that_are_learned_from():
    flag = pl.Series([int(i == 10 or i % 5 == 1) for i in range(N)])
    assert make_table(frame(flag=flag)).schema.columns[2].kind == "integer"
    table = make_table(frame(flag=flag), constraints=["a != 1.25"])
    assert table.schema.columns[2].kind == "constant"
    assert "column 'flag' is 0 in every rare row, though not in the others" in table.warnings[1]


def test_numbers_with_a_decimal_comma_are_no_identifiers_and_not_learned():
    amounts = [f"{i * 7 % 1000},{i:02}" for i in range(N)]
    with pytest.raises(SchemaError, match=r"column 'b' holds numbers with a decimal comma.*54\.65"):
        make_table(frame(b=amounts))
    assert make_table(frame(b=amounts), kinds={"b": "categorical"}).schema.columns[1].kind == (
        "categorical"
    )


def test_a_schema_of_another_target_says_nothing_of_this_ones_values():
    columns = (Column("x", "Float64", "continuous"),)
    schema = Schema(columns, Target("fraud", "String", "Y", 1))
    assert target_of(schema, None, None) == ("fraud", "Y")
    assert target_of(schema, "fraud", "N") == ("fraud", "N")
    assert target_of(schema, "BAD", None) == ("BAD", None)
    assert target_of(None, "BAD", 1) == ("BAD", 1)
