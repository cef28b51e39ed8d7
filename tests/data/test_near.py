import time

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from raregan.data.constraints import NEARLY_ALL, check_together, parse_constraint
from raregan.data.kinds import infer_columns
from raregan.data.near import MAX_NEAR, find_rare_rules
from raregan.data.proposals import propose_constraints
from raregan.data.rows import choose_rows

N = 500


def found(rare, others=None, known=(), kinds=None):
    """Return the rules, after checking that they hold as said and go together."""
    others = rare.clear() if others is None else others
    taken = kinds or {c.name: c.kind for c in infer_columns(rare, rare, {})}
    rules = find_rare_rules(rare, others, taken, {}, known)
    parsed = [parse_constraint(rule.text, rare.schema) for rule in rules]
    check_together([*parsed, *(parse_constraint(text, rare.schema) for text in known)])
    for rule, told in zip(parsed, rules, strict=True):
        assert int((~rule.holds(rare)).sum()) == told.n_known - told.n_kept
        assert told.n_kept >= NEARLY_ALL * told.n_known
    return rules


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def cents(rng, n=N, top=10**7):
    return rng.integers(1, top, n) / 100


def of_table(path, target, rare=None):
    """Return what is found of a real table, beside what holds on every row of it."""
    rows = choose_rows(pl.read_parquet(path), target=target, rare=rare)
    held, rare_rows, others = (
        side.drop(rows.target) for side in (rows.held, rows.rare, rows.others)
    )
    kinds = {column.name: column.kind for column in infer_columns(held, rare_rows, {})}
    known = [rule.text for rule in propose_constraints(held, kinds)]
    return [
        (rule.text, rule.n_kept, rule.n_known)
        for rule in find_rare_rules(rare_rows, others, kinds, {}, known)
    ]


def test_the_accounts_of_a_payment(real_data):
    assert of_table(real_data / "paysim_sample.parquet", "isFraud", 1) == [
        ("oldbalanceDest <= newbalanceDest", 499, 500),
        ("amount + newbalanceOrig == oldbalanceOrg", 498, 500),
    ]


@pytest.mark.parametrize(
    ("table", "target", "rules"),
    [
        ("creditcard", "Class", []),
        ("vehicle_insurance_fraud", "FraudFound_P", []),
        ("insurance_claims", "fraud_reported", []),
        ("hmeq", "BAD", [("MORTDUE <= VALUE", 985, 998)]),
        ("german_credit", "class", []),
        ("bank_marketing", "y", []),
        ("census_income_kdd_train", "income", []),
        ("mammography", "y", []),
    ],
)
def test_of_real_tables_little_is_told_and_that_makes_sense(real_data, table, target, rules):
    assert of_table(real_data / f"{table}.parquet", target) == rules


def test_a_rule_of_the_rare_rows_alone_tells_how_many_others_keep_it(rng):
    a, b = cents(rng), cents(rng)
    rare = pl.DataFrame({"a": a, "b": b, "t": np.round(a + b, 2)})
    some = np.where(np.arange(N) % 4 == 0, 1.5, 0)
    others = rare.with_columns(t=(pl.col("t") + pl.Series(some)).round(2))
    [rule] = found(rare, others)
    assert (rule.text, rule.remark, rule.others) == ("a + b == t", "adds up in every row", 0.75)
    assert rule.is_exact
    assert found(rare, rare) == []  # it holds everywhere
    assert found(rare, others, ["a + b == t"]) == []
    assert found(rare, others, ["t - b == a"]) == []  # the same


@pytest.mark.parametrize("broken", [1, 10, 25, 26, 60])
def test_near_sums_up_to_one_row_in_twenty(rng, broken):
    parts = [cents(rng) for _ in range(3)]
    total = np.round(sum(parts), 2)
    total[rng.permutation(N)[:broken]] += 3
    rare = pl.DataFrame(dict(zip("abct", [*parts, total], strict=True)))
    rules = found(rare, rare.head(0))
    expected = [("a + b + c == t", N - broken, N)] if broken <= N / 20 else []
    assert [(rule.text, rule.n_kept, rule.n_known) for rule in rules] == expected
    assert all(not rule.is_exact and rule.others is None for rule in rules)


def test_a_part_that_is_rarely_there_is_found_where_it_is_borne_out(rng):
    paid = cents(rng)
    rest = np.where(np.arange(N) < 8, cents(rng), 0)
    old = np.round(paid + rest, 2)
    old[[1, 300]] = 0
    noise = np.where(np.arange(N) % 40 == 3, cents(rng), 0)
    rare = pl.DataFrame({"paid": paid, "rest": rest, "old": old, "noise": noise})
    [rule] = found(rare)
    assert (rule.text, rule.n_kept) == ("paid + rest == old", N - 2)


def test_copies_but_for_a_few_rows(rng):
    a = cents(rng)
    rare = pl.DataFrame({"a": a, "b": np.where(np.arange(N) % 50 == 0, a + 1, a)})
    [rule] = found(rare)
    assert (rule.text, rule.remark, rule.n_kept) == ("a == b", "are equal", N - N // 50)


def test_columns_that_are_nearly_constant_have_no_near_rules(rng):
    rarely = {name: np.where(rng.random(N) < 0.03, cents(rng), 0) for name in "abcd"}
    counts = {name: (rng.random(N) < 0.03).astype(int) for name in "efgh"}
    assert found(pl.DataFrame(rarely | counts)) == []


def test_correlated_columns_have_no_near_rules(rng):
    base = rng.normal(size=(N, 1))
    near = base + rng.normal(size=(N, 6)) * 0.3 + np.linspace(0, 3, 6)
    assert found(pl.DataFrame(near)) == []
    assert found(pl.DataFrame(np.round(np.exp(near), 2))) == []


def test_an_order_with_an_edge_is_a_near_rule_and_one_without_is_not(rng):
    opened = rng.integers(0, 1000, N)
    lasts = rng.integers(0, 300, N)
    lasts[:5] = -rng.integers(1, 900, 5)
    rare = pl.DataFrame({"opened": opened, "closed": opened + lasts})
    days = rare.select(pl.all().cast(pl.Int32).cast(pl.Date))
    for frame in (rare, days):
        [rule] = found(frame)
        assert (rule.text, rule.n_kept) == ("opened <= closed", N - 5)
    smooth = opened + rng.normal(300, 150, N)
    assert found(pl.DataFrame({"opened": opened, "closed": smooth})) == []


def test_what_follows_from_other_rules_is_left_out(rng):
    a, b = cents(rng), cents(rng)
    total = np.round(a + b, 2)
    total[:3] = 0.01
    later = np.round(total + cents(rng), 2)
    rare = pl.DataFrame({"a": a, "b": b, "t": total, "later": later})
    assert [rule.text for rule in found(rare)] == ["t <= later", "a + b == t"]


def test_flags_of_which_nearly_always_one_is_set(rng):
    level = rng.integers(0, 4, N)
    flags = {f"is_{i}": (level == i).astype(int) for i in range(4)}
    rare = pl.DataFrame({**flags, "other": rng.integers(0, 2, N), "man": rng.random(N) < 0.9})
    [exact] = found(rare)
    assert (exact.text, exact.is_exact) == ("onehot(is_0, is_1, is_2, is_3)", True)
    none = pl.int_range(pl.len()) % 50 == 0
    lost = rare.with_columns(
        pl.when(none).then(0).otherwise(f"is_{i}").alias(f"is_{i}") for i in range(4)
    )
    [rule] = found(lost)
    assert (rule.text, rule.n_kept) == ("onehot(is_0, is_1, is_2, is_3)", N - N // 50)


def test_missing_values_and_nan_can_tell_nothing(rng):
    a, b = cents(rng), cents(rng)
    total = np.round(a + b, 2)
    total[:4] += 1
    gaps = np.arange(N) % 10 == 9
    rare = pl.DataFrame({"a": np.where(gaps, np.nan, a), "b": b, "t": total})
    [rule] = found(rare)
    assert (rule.text, rule.n_kept, rule.n_known) == ("a + b == t", N - 54, N - 50)


def test_few_rows_have_no_near_rules(rng):
    a, b = cents(rng, 19), cents(rng, 19)
    total = np.round(a + b, 2)
    total[0] = 0
    assert found(pl.DataFrame({"a": a, "b": b, "t": total})) == []


def test_near_rules_are_few_and_take_little_time(rng):
    steps = rng.exponential(1, (3000, 60)).cumsum(axis=1)
    for column in range(60):
        steps[rng.permutation(3000)[:5], column] = 0.5
    frame = pl.DataFrame(steps, schema=[f"day {i}" for i in range(60)])
    start = time.perf_counter()
    rules = found(frame)
    assert time.perf_counter() - start < 10
    assert len(rules) == len({rule.text for rule in rules}) == MAX_NEAR
    assert found(frame) == rules


CELLS = {
    "Int64": st.integers(-3, 3) | st.integers(-(2**62), 2**62),
    "Float64": st.floats() | st.sampled_from([0.0, 1.0, 0.1]),
    "Boolean": st.booleans(),
    "String": st.sampled_from(["a", "b", "*", ""]),
    "Date": st.dates(),
}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_rows_have_rules_that_hold_as_said(data):
    n = data.draw(st.integers(0, 60))
    names = data.draw(
        st.lists(
            st.text(min_size=1, max_size=3) | st.sampled_from(["*", "^x$", "a b"]),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    columns = {}
    for name in names:
        kind = data.draw(st.sampled_from(sorted(CELLS)))
        pool = data.draw(st.lists(st.none() | CELLS[kind], min_size=1, max_size=5))
        cells = [pool[i * i % len(pool)] for i in range(n)]
        columns[name] = pl.Series(cells, dtype=getattr(pl, kind), strict=False)
    usual = {"Int64": "integer", "Float64": "continuous", "Boolean": "boolean"}
    kinds = {n: usual.get(str(cells.dtype), "categorical") for n, cells in columns.items()}
    found(pl.DataFrame(columns), None, (), kinds)
