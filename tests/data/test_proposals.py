import time

import numpy as np
import polars as pl
import pytest

from raregan.data.constraints import check_constraints, check_together, parse_constraint
from raregan.data.kinds import infer_columns
from raregan.data.proposals import MAX_PROPOSALS, propose_constraints


def proposed(frame, kinds=None, formats=None):
    """Return the texts, after checking that the rules hold and can be used together."""
    kinds = kinds or {column.name: column.kind for column in infer_columns(frame, frame, {})}
    texts = [proposal.text for proposal in propose_constraints(frame, kinds, formats)]
    rules = [parse_constraint(text, frame.schema, formats) for text in texts]
    check_together(rules)
    assert check_constraints(frame, rules).rows.all()
    return texts


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_claims_add_up(real_data):
    frame = pl.read_parquet(real_data / "insurance_claims.parquet").drop("fraud_reported")
    start = time.perf_counter()
    texts = proposed(frame)
    assert time.perf_counter() - start < 5
    assert texts[:2] == [
        "injury_claim + property_claim + vehicle_claim == total_claim_amount",
        "auto_make, auto_model",
    ]
    assert "injury_claim <= total_claim_amount" not in texts  # follows from the sum


def test_nothing_is_proposed_of_measurements(real_data):
    frame = pl.read_parquet(real_data / "creditcard.parquet").drop("Class")
    assert proposed(frame) == []


def test_sums_of_two_to_four_columns(rng):
    parts = pl.DataFrame(rng.integers(0, 1000, (300, 6)), schema=list("abcdef"))
    frame = parts.with_columns(
        two=pl.col("a") + pl.col("b"),
        three=(pl.col("c") + pl.col("d") + pl.col("e")) / 1,
        nothing=pl.lit(0),
    ).with_columns(four=pl.sum_horizontal("two", "c", "e", "f"))
    texts = proposed(frame)
    assert texts[:3] == ["a + b == two", "c + d + e == three", "c + e + f + two == four"]
    assert not any("nothing" in text for text in texts)


def test_a_sum_must_hold_in_every_row_and_leaves_missing_values_out(rng):
    cents = rng.integers(1, 10**6, (5000, 2))
    frame = pl.DataFrame(cents / 100, schema=["a", "b"]).with_columns(
        t=pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.Series(cents.sum(axis=1) / 100)),
        off=pl.Series(cents.sum(axis=1) / 100) + (pl.int_range(pl.len()) == 4321),
    )
    assert proposed(frame)[0] == "a + b == t"
    assert not any("== off" in text for text in proposed(frame))


def test_sums_of_a_few_rows_and_of_flags_are_chance(rng):
    flags = pl.DataFrame(rng.integers(0, 2, (12, 30)), schema=[f"c{i}" for i in range(30)])
    assert proposed(flags, dict.fromkeys(flags.columns, "integer")) == []


def test_inequalities_of_related_columns(rng):
    low = rng.exponential(100, 1000)
    frame = pl.DataFrame(
        {
            "low": low,
            "mid": low + rng.exponential(50, 1000),
            "small": rng.uniform(0, 1, 1000),
            "large": rng.uniform(5000, 9000, 1000),
            "copy": low,
        }
    ).with_columns(high=pl.col("mid") + rng.exponential(50, 1000))
    texts = proposed(frame)
    # small <= large says nothing; low <= high follows
    assert sorted(texts) == ["low <= mid", "low == copy", "mid <= high"] or sorted(texts) == [
        "copy <= mid",
        "low == copy",
        "mid <= high",
    ]


def test_a_pair_that_never_crosses_in_few_rows_is_chance(rng):
    values = rng.normal(size=(12, 20)) + np.linspace(0, 2, 20)
    assert proposed(pl.DataFrame(values)) == []


@pytest.mark.parametrize("as_text", [None, "%Y-%m-%d", "%d/%m/%Y"])
def test_dates_are_compared_with_dates(rng, as_text):
    start = pl.Series(rng.integers(12_000, 16_000, 500)).cast(pl.Date)
    end = start + pl.Series(rng.integers(0, 300, 500) * 86_400_000).cast(pl.Duration("ms"))
    frame = pl.DataFrame({"start": start, "end": end, "n": rng.integers(0, 10**6, 500)})
    formats = {}
    if as_text:
        frame = frame.with_columns(pl.col("start", "end").dt.strftime(as_text))
        formats = {} if as_text == "%Y-%m-%d" else {"start": as_text, "end": as_text}
    kinds = {"start": "datetime", "end": "datetime", "n": "integer"}
    assert proposed(frame, kinds, formats) == ["start <= end"]


def test_dates_written_otherwise_are_not_compared_as_text(rng):
    start = pl.Series(np.sort(rng.integers(12_000, 16_000, 500))).cast(pl.Date).dt.strftime
    frame = pl.DataFrame({"start": start("%d/%m/%Y"), "end": start("%d/%m/%Y")})
    assert proposed(frame, {"start": "datetime", "end": "datetime"}) == []


def test_fixed_combinations(rng):
    city = rng.integers(0, 20, 1000)
    frame = pl.DataFrame(
        {
            "land": np.char.add("L", (city % 6).astype(str)),
            "city": np.char.add("C", city.astype(str)),
            "coast": city % 6 == 0,
            "colour": rng.choice(["red", "blue"], 1000),
            "once": np.char.add("O", np.arange(1000).astype(str)),
            "plain": np.where(np.arange(1000) == 7, "odd", "usual"),
        }
    )
    kinds = dict.fromkeys(frame.columns, "categorical")
    assert proposed(frame, kinds) == ["land, coast, city"]
    assert proposed(frame, {**kinds, "city": "identifier"}) == ["coast, land"]
    broken = pl.concat([frame, frame.head(1).with_columns(land=pl.lit("L9"))])
    assert proposed(broken, kinds) == ["coast, land"]  # and no longer the city


def test_one_hot_groups(rng):
    levels = rng.integers(0, 3, 400)
    flags = {f"is_{level}": (levels == level).astype(np.int8) for level in range(3)}
    frame = pl.DataFrame({**flags, "man": levels > 9, "other": rng.integers(0, 2, 400)})
    frame = frame.with_columns(yes=pl.col("other") == 1, no=pl.col("other") == 0).drop("other")
    texts = proposed(frame, dict.fromkeys(frame.columns, "boolean"))
    assert sorted(texts) == ["onehot(is_0, is_1, is_2)", "onehot(yes, no)"]
    broken = frame.with_columns(is_0=pl.lit(1, pl.Int8))
    assert proposed(broken, dict.fromkeys(frame.columns, "boolean")) == ["onehot(yes, no)"]


def test_what_is_unrelated_gives_no_rules(rng):
    frame = pl.DataFrame(
        {f"n{i}": rng.poisson(3, 500) for i in range(15)}
        | {f"x{i}": rng.normal(size=500) for i in range(15)}
        | {f"t{i}": rng.choice(list("abcdef"), 500) for i in range(10)}
        | {f"f{i}": rng.integers(0, 2, 500) for i in range(10)}
    )
    assert proposed(frame) == []


def test_many_columns_and_proposals_are_bounded(rng):
    steps = rng.exponential(1, (3000, 60)).cumsum(axis=1)
    frame = pl.DataFrame(steps, schema=[f"day {i}" for i in range(60)])
    start = time.perf_counter()
    texts = proposed(frame)
    assert time.perf_counter() - start < 10
    assert len(texts) == MAX_PROPOSALS
    assert "`" in texts[0]


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(),
        pl.DataFrame({"a": [], "b": []}, schema={"a": pl.Int64, "b": pl.String}),
        pl.DataFrame({"a": [1], "b": [2]}),
        pl.DataFrame({"a": [None] * 30, "b": [None] * 30}, schema={"a": pl.Int64, "b": pl.String}),
        pl.DataFrame({"*": range(50), "^x$": range(1, 51), "t": ["x"] * 50}),
        pl.DataFrame({"a": [float("inf"), float("nan"), 1.0] * 20, "b": [1.0, 2.0, 3.0] * 20}),
    ],
)
def test_odd_tables_have_no_rules(frame):
    kinds = {n: "integer" if t.is_numeric() else "categorical" for n, t in frame.schema.items()}
    assert proposed(frame, kinds or {"a": "integer"}) == []


def test_the_same_table_gives_the_same_rules(rng):
    frame = pl.DataFrame(rng.exponential(1, (5000, 8)).cumsum(axis=1))
    assert proposed(frame) == proposed(frame) != []
