import pandas as pd
import polars as pl
import pytest

from raregan import evaluate
from raregan.errors import DataError, SchemaError, UserError
from raregan.judging.pairing import pair_tables, refuse_classes
from tests.conftest import RULES


@pytest.fixture(scope="module")
def sides(mixed):
    """A part to learn from, one that is held out, and rows like the rare ones."""
    rare = mixed.filter(pl.col("Class") == 1)
    apart = pl.concat([rare[:40], mixed.filter(pl.col("Class") == 0)[:50]])
    return mixed.join(apart, on="case", how="anti"), apart, rare.sample(30, seed=1)


def test_of_each_table_the_rare_rows_are_taken_without_target_and_identifiers(sides, mixed):
    real, held, made = sides
    paired = pair_tables(real, made, held, target="Class", ignore="seen")
    names = [name for name in mixed.columns if name not in ("Class", "case", "seen")]
    assert [frame.columns for frame in paired[:4]] == [names] * 4
    assert [frame.height for frame in paired[:4]] == [60, 30, 40, 350]
    assert paired.holdout.equals(held.filter(pl.col("Class") == 1).select(names))
    assert paired.others.equals(real.filter(pl.col("Class") == 0).select(names))


def test_the_target_may_be_text_or_absent_but_in_the_real_table(sides):
    real, held, made = sides
    expected = pair_tables(real, made, held, target="Class")
    target = pl.col("Class")
    as_text, as_flag, as_float = target.cast(pl.String), target == 1, target.cast(pl.Float64)
    for given in (
        (real, made.drop("Class"), held.with_columns(as_text)),
        (real, made.with_columns(as_text), held),
        (real.with_columns(as_float), made.with_columns(as_text), held),
        (real.with_columns(as_flag), made.with_columns(Class=pl.lit("true")), held),
    ):
        for one, other in zip(expected[:4], pair_tables(*given, target="Class")[:4], strict=True):
            assert one.equals(other)


def test_rows_that_break_a_rule_are_real_and_the_rules_are_kept(sides):
    real, _, made = sides
    broken = real.with_columns(
        total=pl.when(pl.col("Class").cum_sum() == 3).then(-pl.col("total")).otherwise("total")
    )
    paired = pair_tables(broken, made, target="Class", constraints=RULES)
    assert paired.real.height == 60
    assert paired.table.n_rare < 60
    assert [rule.replace(", ", ",") for rule in paired.constraints] == list(RULES)
    assert paired.holdout is None


@pytest.mark.usefixtures("few_trees")
def test_evaluate_of_whole_tables_is_that_of_their_rare_rows(sides):
    real, held, made = sides
    paired = pair_tables(real, made, held, target="Class")
    expected = evaluate(paired.real, paired.synthetic, paired.holdout, paired.others)
    for ignore in ((), iter(())):
        got = evaluate(real, made, held, target="Class", ignore=ignore)
        assert got.figures == expected.figures


@pytest.mark.usefixtures("few_trees")
def test_a_feature_of_a_usual_targets_name_is_none_where_the_target_is_named(sides):
    real, _, made = sides
    named = {"flag": "default"}
    report = evaluate(
        real.rename(named), made.rename(named).with_columns(default=pl.lit(True)), target="Class"
    )
    default = next(column for column in report.columns if column.name == "default")
    assert default.distance > 0.3


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({}, DataError, r"two values of 'Class'.*target='Class'"),
        ({"rare": 1}, UserError, "give its target too"),
        ({"ignore": pd.Index(["seen"])}, UserError, "give its target too"),
        ({"target": "Class", "others": "real"}, UserError, "leave them out"),
        (
            {"target": "Class", "synthetic": "real"},
            DataError,
            r"350 rows that are not Class = 1 \(it is 0, 1 there\)",
        ),
        ({"target": "Class", "real": "made"}, SchemaError, "nothing rare in it"),
        (
            {"target": "Class", "real": "made", "synthetic": "real"},
            DataError,
            "the synthetic table has rare and other rows: REAL comes first",
        ),
        ({"target": "Class", "holdout": "others"}, DataError, "held-out table has no rows with Cl"),
        (
            {"target": "Class", "holdout": "less"},
            SchemaError,
            "held-out table has no column 'city'",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(sides, change, error, message):
    real, held, made = sides
    known = {"real": real, "made": made, "others": real.filter(pl.col("Class") == 0),
             "less": held.drop("city")}  # fmt: skip
    given = {"real": real, "synthetic": made, "holdout": held} | change
    tables = {key: known.get(value, value) if isinstance(value, str) else value
              for key, value in given.items()}  # fmt: skip
    with pytest.raises(error, match=message) as refusal:
        evaluate(**tables)
    assert "\n" not in str(refusal.value)


def test_two_classes_are_told_by_a_usual_name_that_only_the_real_rows_vary_in(sides):
    real, _, made = sides
    refuse_classes(real, real)  # whole tables
    refuse_classes(made, made)  # one class
    refuse_classes(real.rename({"Class": "deck"}), made.rename({"Class": "deck"}))
    for rows in (made, made.drop("Class")):
        with pytest.raises(DataError, match="two classes"):
            refuse_classes(real, rows)
