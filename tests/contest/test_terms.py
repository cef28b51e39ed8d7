import json
from dataclasses import replace

import polars as pl
import pytest

from raregan.contest.arena import read_arena
from raregan.contest.fold import Rules
from raregan.contest.learners import choose_learners
from raregan.contest.scores import Costs
from raregan.contest.terms import (
    fingerprint_used,
    read_costs,
    read_several,
    tell_rules,
    with_rules,
)
from raregan.data.table import make_table
from raregan.errors import UserError
from tests.contest.tables import apart
from tests.contest.test_arena import ASKED


@pytest.fixture(scope="module")
def arena():
    table = apart(n=120, n_rare=30).with_columns(paid=pl.int_range(pl.len()) % 7)
    return read_arena(table, **{**ASKED, "target": "Class", "apart": ("paid",)})


def test_one_name_may_be_given_by_itself():
    assert (read_several("smote"), read_several(["b", "a"]), read_several(None)) == (
        ("smote",),
        ("b", "a"),
        None,
    )


def test_costs_come_together():
    assert read_costs(None, None, None) is None
    assert read_costs(50, 1, "paid") == Costs(50.0, 1.0)
    for given in ((1, None, None), (None, 1, None), (None, None, "paid"), (1, 0, None)):
        with pytest.raises(UserError, match=r"costs|cost_fp must be"):
            read_costs(*given)


def test_rules_of_the_schema_come_first_and_each_stands_once():
    schema = replace(make_table(apart(), target="Class").schema, constraints=("a <= b", "c <= d"))
    found = with_rules({"epochs": 3}, schema, ["c <= d", "e <= f"])
    assert found == {"epochs": 3, "constraints": ["a <= b", "c <= d", "e <= f"]}
    assert with_rules(None, None, []) == {}


def test_terms_are_plain_and_all_there(arena):
    rules = Rules(
        columns=arena.columns,
        learners=choose_learners(["forest"]),
        amounts=(1.0,),
        costs=Costs(5.0, 1.0),
        options={"epochs": 2},
        seed=3,
    )
    told = json.loads(json.dumps(tell_rules(rules, arena)))
    assert (told["target"], told["rare"], told["seed"]) == ("Class", 1, 3)
    assert told["learners"] == ["forest"]
    assert "paid" not in told["columns"]
    assert told["options"] == {"epochs": 2}
    assert [*told["costs"].values()] == [5.0, 1.0]


def test_the_fingerprint_is_of_the_rows_in_their_order_and_of_no_column_that_is_not_used(arena):
    first = fingerprint_used(arena, [None])
    frame = arena.frame
    for changed, is_same in (
        (frame.with_columns(paid=pl.lit(0)), True),
        (frame[::-1], False),
        (frame.with_columns(pl.col("x0") + 1), False),
        (frame.with_columns(Class=1 - pl.col("Class")), False),
    ):
        other = arena._replace(frame=changed)
        assert (fingerprint_used(other, [None]) == first) is is_same
    assert fingerprint_used(arena, ["paid"]) != first
