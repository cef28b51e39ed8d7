import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from raregan.errors import SchemaError
from raregan.judging.rules import judge_rules, show_share

N = 400


def payments(n, *, seed, broken=0):
    rng = np.random.default_rng(seed)
    paid, rest = rng.integers(1, 10**6, (2, n)) / 100
    old = np.round(paid + rest, 2)
    old[:broken] += 1
    city = rng.integers(0, 6, n)
    opened = rng.integers(12_000, 16_000, n)
    return pl.DataFrame(
        {
            "paid": paid,
            "rest": rest,
            "old": old,
            "city": np.char.add("C", city.astype(str)),
            "land": np.char.add("L", (city % 3).astype(str)),
            "opened": pl.Series(opened, dtype=pl.Int32).cast(pl.Date),
            "closed": pl.Series(opened + rng.integers(0, 300, n), dtype=pl.Int32).cast(pl.Date),
        }
    )


SUM, PLACE, ORDER = "paid + rest == old", "land, city", "opened <= closed"


def test_rules_of_the_real_rows_are_counted_in_both_the_most_lost_first():
    real = payments(N, seed=1, broken=2)
    made = payments(N, seed=2).with_columns(
        old=pl.when(pl.int_range(pl.len()) % 4 > 0).then(0.0).otherwise("old"),
        land=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("L9")).otherwise("land"),
        closed=pl.when(pl.int_range(pl.len()) % 5 == 0).then(date(1999, 1, 1)).otherwise("closed"),
    )
    rules = judge_rules(real, made)
    assert list(rules) == [SUM, ORDER, PLACE]
    assert rules[SUM] == {"real": 398 / N, "synthetic": 0.25}
    assert rules[ORDER]["real"] == 1
    assert rules[ORDER]["synthetic"] == pytest.approx(0.8, abs=0.01)
    assert rules[PLACE] == {"real": 1, "synthetic": 1}  # of L9 nothing is known
    wrong = made.with_columns(land=pl.lit("L0"))
    assert judge_rules(real, wrong)[PLACE]["synthetic"] < 0.5


def test_rules_that_are_given_are_counted_whatever_holds():
    real = payments(N, seed=1)
    rules = judge_rules(real, real, ["old - paid == rest", "paid < 1000"])
    assert rules["old - paid == rest"] == {"real": 1, "synthetic": 1}
    assert SUM not in rules  # the same rule
    share = (real["paid"] < 1000).mean()
    assert rules["paid < 1000"] == {"real": share, "synthetic": share}
    with pytest.raises(SchemaError, match="no column 'pade'"):
        judge_rules(real, real, ["pade < 3"])


def test_cells_are_read_in_the_types_of_the_real_ones(tmp_path):
    real = payments(N, seed=1)
    expected = judge_rules(real, real)
    assert set(expected) == {SUM, PLACE, ORDER}
    as_text = real.select(pl.all().cast(pl.String))
    written = real.with_columns(pl.col("opened", "closed").dt.strftime("%d/%m/%Y"))
    moments = real.with_columns(pl.col("opened", "closed").cast(pl.Datetime("ms")))
    levels = real.with_columns(pl.col("city", "land").cast(pl.Categorical))
    for other in (as_text, written, moments, levels):
        assert judge_rules(real, other) == expected
        assert judge_rules(other, real)[PLACE] == expected[PLACE]
    assert judge_rules(written, real) == expected


def test_rules_that_one_side_cannot_tell_of_are_left_out():
    real = payments(N, seed=1)
    nothing = real.with_columns(
        rest=pl.lit(None, pl.Float64), closed=pl.lit(None, pl.List(pl.Int8))
    )
    assert set(judge_rules(real, nothing)) == {PLACE}
    odd = real.with_columns(closed=pl.col("closed").cast(pl.Int32))
    assert set(judge_rules(real, odd)) == {SUM, PLACE}
    nan = real.with_columns(paid=pl.when(pl.col("paid") > 500).then(float("nan")).otherwise("paid"))
    assert judge_rules(real, nan)[SUM] == {"real": 1, "synthetic": 1}


def test_unrelated_columns_have_no_rules():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.normal(size=(60, 4)))
    assert judge_rules(frame, frame) == {}


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0%"), (1e-5, "<0.1%"), (0.013, "1.3%"), (0.9996, ">99.9%"), (1, "100.0%")],
)
def test_all_and_none_are_said_of_all_and_none(share, text):
    assert show_share(share) == text


def test_a_column_without_a_name_is_in_no_rule_and_no_obstacle():
    real = pl.DataFrame({"": [1.0, 2, 3], "a": [2.0, 3, 4]})
    assert judge_rules(real, real) == {}
    assert judge_rules(real.select(""), real.select("")) == {}


def test_infinite_cells_are_no_obstacle_to_finding_rules():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 2)).round(2)
    real = pl.DataFrame({"a": values[:, 0], "b": values[:, 1], "end": [math.inf, 1.0] * 20})
    real = real.with_columns(total=pl.col("a") + pl.col("b"))
    assert judge_rules(real, real)["a + b == total"] == {"real": 1, "synthetic": 1}
