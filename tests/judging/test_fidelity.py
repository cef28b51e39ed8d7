import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm

from raregan.errors import SchemaError, TooFewRowsError, UserError
from raregan.judging.c2st import c2st_auc
from raregan.judging.fidelity import (
    FIGURES,
    Fidelity,
    Whole,
    copy_rate,
    correlation_difference,
    judge_fidelity,
    ks_statistics,
    missing_difference,
)

ROUNDED = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40)


def gaussian(n, columns=3, *, seed, shift=0.0):
    values = np.random.default_rng(seed).normal(shift, size=(n, columns))
    return pl.DataFrame(values, schema=[f"x{i}" for i in range(columns)])


# --- correlations


def test_the_correlation_difference_of_a_case_computed_by_hand():
    real = pl.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 4, 6], "c": [1.0, 0, 1]})
    turned = pl.DataFrame({"a": [1.0, 2, 3], "b": [6.0, 4, 2], "c": [1.0, 0, 1]})
    # ab goes from 1 to -1; ac and bc are 0 in both.
    assert correlation_difference(real, turned) == pytest.approx(2 / 3)
    assert correlation_difference(real, real) == 0


def test_a_synthetic_column_that_collapsed_pays_for_the_correlation_it_lost():
    real = pl.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3]})
    assert correlation_difference(real, real.with_columns(b=pl.lit(0.1))) == pytest.approx(1)


def test_a_column_constant_in_both_tables_is_left_out():
    real = pl.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3], "c": [0.1] * 3, "d": [0, 0, 0]})
    turned = real.with_columns(b=-pl.col("b"))
    assert correlation_difference(real, turned) == pytest.approx(2)


def test_one_column_has_no_correlation_to_differ():
    assert correlation_difference(gaussian(9, 1, seed=1), gaussian(9, 1, seed=2)) == 0


# --- Kolmogorov-Smirnov


@given(real=ROUNDED, synthetic=ROUNDED)
@settings(deadline=None)
def test_ks_agrees_with_scipy_ties_included(real, synthetic):
    ours = ks_statistics(pl.DataFrame({"a": real}), pl.DataFrame({"a": synthetic}))
    scipys = ks_2samp(real, synthetic, method="asymp").statistic
    assert ours == {"a": pytest.approx(scipys, abs=1e-12)}


def test_ks_is_0_for_the_same_values_in_any_order_and_1_for_separate_ones():
    real = pl.DataFrame({"same": [1, 2, 3], "apart": [1, 2, 3]})
    synthetic = pl.DataFrame({"apart": [4, 5, 6], "same": [3, 1, 2]})
    assert ks_statistics(real, synthetic) == {"same": 0, "apart": 1}


def test_ks_of_shifted_normals_is_the_distance_of_their_distribution_functions():
    statistics = ks_statistics(gaussian(20_000, 1, seed=1), gaussian(20_000, 1, seed=2, shift=1))
    assert statistics["x0"] == pytest.approx(2 * norm.cdf(0.5) - 1, abs=0.02)


# --- categories, and what is missing


def test_the_distance_of_categories_is_the_total_variation_with_missing_as_a_level():
    real = pl.DataFrame({"a": ["x", "x", "y", None]})
    synthetic = pl.DataFrame({"a": ["x", "z", "z", "z"]}, schema={"a": pl.Categorical})
    # shares x 1/2 1/4, y 1/4 0, z 0 3/4, missing 1/4 0
    assert ks_statistics(real, synthetic) == {"a": pytest.approx(0.75)}
    assert ks_statistics(synthetic, real) == {"a": pytest.approx(0.75)}


def test_ks_is_over_the_values_that_are_there_and_infinities_are_the_ends():
    real = pl.DataFrame({"a": [1.0, None, 3.0, math.inf], "b": [1.0, None, math.nan, 2.0]})
    synthetic = pl.DataFrame({"a": [None, 1.0, 3.0, -math.inf], "b": pl.Series([None] * 4)})
    assert ks_statistics(real, synthetic) == {"a": pytest.approx(1 / 3), "b": 1}
    empty = synthetic.select("b")
    assert ks_statistics(empty, empty) == {"b": 0}


def test_the_missing_difference_is_that_of_the_worst_column():
    real = pl.DataFrame({"a": [1.0, None, math.nan, 4], "b": ["x", "y", "z", None], "c": [1] * 4})
    synthetic = pl.DataFrame({"a": [1.0, 2, 3, None], "b": [None] * 4, "c": [2] * 4})
    assert missing_difference(real, synthetic) == missing_difference(synthetic, real) == 0.75
    assert missing_difference(real, real) == 0
    assert missing_difference(real.select("c"), synthetic.select("c")) is None


def test_copies_are_known_again_whatever_the_columns_hold():
    real = pl.DataFrame(
        {
            "text": ["a", None, "b"],
            "when": [
                datetime.fromisoformat("1960-01-02"),
                None,
                datetime.fromisoformat("2020-05-06"),
            ],
            "amount": [Decimal("1.50"), Decimal("2.25"), None],
            "flag": [True, False, None],
            "number": [0.5, math.nan, None],
        }
    )
    other = real.cast(
        {"text": pl.Categorical, "when": pl.Datetime("ms"), "amount": pl.Float64}
    ).reverse()
    assert copy_rate(real, other) == 1
    for name in real.columns:
        changed = pl.concat(
            [real[1:], real[:1].with_columns(pl.lit(None, real[name].dtype).alias(name))]
        )
        assert copy_rate(real, changed) == pytest.approx(2 / 3), name


# --- copies


def test_the_copy_rate_counts_synthetic_rows_that_equal_any_real_row_in_every_column():
    real = pl.DataFrame({"a": [1.0, 2, 2], "b": [0.0, 5, 5]})
    synthetic = pl.DataFrame({"b": [-0.0, 5.0, 5.0, 5.0], "a": [1.0, 2.0, 2.0, 1.0]})
    assert copy_rate(real, synthetic) == 3 / 4


def test_a_copy_is_known_again_in_another_numeric_type():
    real = pl.DataFrame({"a": [0.1, 0.2], "n": [1, 2]})
    synthetic = real.cast({"a": pl.Float32, "n": pl.Float64})
    assert copy_rate(real, synthetic) == 1
    assert copy_rate(synthetic, real) == 1
    assert copy_rate(real, synthetic.with_columns(n=pl.col("n") + 0.5)) == 0


def test_near_copies_and_large_whole_numbers_apart_by_one_are_no_copies():
    real = pl.DataFrame({"a": [1.0], "id": [2**60]})
    assert copy_rate(real, real.with_columns(pl.col("a") + 1e-12)) == 0
    assert copy_rate(real, real.with_columns(pl.col("id") + 1)) == 0


# --- all of it


@pytest.fixture
def judged(few_trees):
    real, synthetic = gaussian(60, seed=1), gaussian(90, seed=2, shift=1)
    synthetic = pl.concat([synthetic, real[:10]])[:, ::-1]
    return real, synthetic, judge_fidelity(real, synthetic, random_state=3)


def test_evaluate_is_the_figures_one_by_one(judged):
    real, synthetic, result = judged
    ks = ks_statistics(real, synthetic)
    assert result == Fidelity(
        n_real=60,
        n_synthetic=100,
        correlation_difference=correlation_difference(real, synthetic),
        mean_ks=sum(ks.values()) / 3,
        ks=ks,
        copy_rate=0.1,
        c2st_auc=c2st_auc(real, synthetic, random_state=3),
    )
    assert list(result.ks) == real.columns


def test_what_is_known_of_whole_tables_is_not_counted_again(judged):
    real, synthetic, result = judged
    known = judge_fidelity(real, synthetic, random_state=3, whole=Whole(600, 1_000, 0.25))
    assert known == replace(result, n_real=600, n_synthetic=1_000, copy_rate=0.25)


def test_the_result_survives_json_and_every_shown_figure_is_in_it(judged):
    as_dict = judged[2].to_dict()
    assert Fidelity(**json.loads(json.dumps(as_dict))) == judged[2]
    assert set(FIGURES) <= set(as_dict)


def test_the_text_has_a_line_for_each_figure_with_value_and_best():
    text = Fidelity(9, 9, 0.0312, 0.0567, {}, 0.0125, 0.8581).to_text().splitlines()
    shown = [line.split("  ") for line in text[1:]]
    shown = [[part.strip() for part in parts if part] for parts in shown]
    assert [parts[1:3] for parts in shown] == [
        ["0.858", "0.500"],
        ["0.057", "0.000"],
        ["0.031", "0.000"],
        ["1.25%", "0.00%"],
    ]
    labels = {name: measure.label for name, measure in FIGURES.items()}
    assert [parts[0] for parts in shown] == [
        labels[name] for name in FIGURES if name != "missing_difference"
    ]
    with_gaps = Fidelity(9, 9, 0.0312, 0.0567, {}, 0.0125, 0.8581, 0.25).to_text()
    assert f"  {labels['missing_difference']}" in with_gaps
    assert "25.00%" in with_gaps
    assert max(map(len, text)) <= 110


def test_rules_are_lines_of_their_own():
    rules = {"a + b == `t\x1b`": {"real": 0.996, "synthetic": 0.013}}
    text = Fidelity(9, 9, 0.0312, 0.0567, {}, 0.0125, 0.8581, rules=rules).to_text()
    assert text.splitlines()[-3:] == [
        "Rules that nearly all real rows keep:",
        "  synthetic    real",
        "       1.3%   99.6%  a + b == `t\\x1b`",
    ]


@pytest.mark.usefixtures("few_trees")
def test_rules_found_and_given_are_judged():
    real = gaussian(60, seed=1).with_columns(total=pl.col("x0") + pl.col("x1"))
    made = gaussian(90, seed=2).with_columns(total=pl.col("x0"))
    result = judge_fidelity(real, made, constraints=["x0 < 9"])
    assert result.rules == {
        "x0 + x1 == total": {"real": 1, "synthetic": 0},
        "x0 < 9": {"real": 1, "synthetic": 1},
    }
    assert Fidelity(**json.loads(json.dumps(result.to_dict()))) == result
    with pytest.raises(SchemaError, match="no column 'z'"):
        judge_fidelity(real, made, constraints=["z < 9"])


GOOD = pl.DataFrame({"a": [1.0, 2.0], "b": [1, 2]})


@pytest.mark.parametrize(
    "judge", [judge_fidelity, c2st_auc, copy_rate, ks_statistics, missing_difference]
)
@pytest.mark.parametrize(
    ("real", "synthetic", "error", "message"),
    [
        (GOOD, GOOD.drop("b"), SchemaError, "column 'b' is missing from the synthetic rows; add"),
        (GOOD.drop("a"), GOOD, SchemaError, "column 'a' is not in the real rows; drop"),
        (
            GOOD,
            GOOD.with_columns(a=pl.lit("x")),
            SchemaError,
            "'a' is Float64 in the real rows and St",
        ),
        (
            GOOD.with_columns(b=pl.lit(True)),
            GOOD,
            SchemaError,
            "'b' is Boolean .* cast one of them",
        ),
        (GOOD, GOOD.with_columns(b=pl.concat_list("b")), SchemaError, r"'b' .* is List\(Int64\)"),
        (GOOD, GOOD.clear(), TooFewRowsError, "no synthetic rows"),
        (pl.DataFrame(), GOOD, SchemaError, "no columns"),
    ],
)
def test_tables_that_cannot_be_compared_are_refused_in_one_line(
    judge, real, synthetic, error, message
):
    with pytest.raises(error, match=message) as refusal:
        judge(real, synthetic)
    assert "\n" not in str(refusal.value)


def test_importing_the_judge_imports_no_learner_and_no_plotting():
    heavy = ["sklearn", "scipy", "pandas", "matplotlib", "keras", "jax"]
    code = (
        "import sys, raregan.judging.fidelity; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.usefixtures("few_trees")
def test_pandas_and_files_are_judged_as_polars_is(tmp_path):
    rng = np.random.default_rng(0)
    real, synthetic = (pl.DataFrame(rng.normal(size=(60, 3)), schema=list("abc")) for _ in "rs")
    expected = judge_fidelity(real, synthetic)
    synthetic.write_parquet(tmp_path / "s.parquet")
    assert judge_fidelity(real.to_pandas(), tmp_path / "s.parquet") == expected


# --- random tables

CELLS = [
    (pl.Float64, st.floats()),
    (pl.Float32, st.floats(width=32)),
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.UInt8, st.integers(0, 255)),
    (pl.Boolean, st.booleans()),
    (pl.String, st.text(max_size=3) | st.sampled_from(["2020-01-31", "1.5", "", " "])),
    (pl.Enum(["a", "é"]), st.sampled_from(["a", "é"])),
    (pl.Date, st.dates()),
    (pl.Datetime("us"), st.datetimes()),
    (pl.Time, st.times()),
    (pl.Duration("us"), st.timedeltas(timedelta(-(10**5)), timedelta(10**5))),
    (pl.Decimal(10, 2), st.integers(-(10**6), 10**6).map(lambda cents: Decimal(cents) / 100)),
    (pl.Null, st.none()),
]


@st.composite
def mixed_pairs(draw):
    """Two tables of the same columns, now and then of another type in the second."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    sides = [{}, {}]
    for name in draw(st.lists(st.text(max_size=3), min_size=1, max_size=4, unique=True)):
        dtype, cells = draw(st.sampled_from(CELLS))
        for side, height in zip(sides, (n, m), strict=True):
            if draw(st.integers(0, 9)) == 0:
                dtype, cells = draw(st.sampled_from(CELLS))
            values = draw(st.lists(st.none() | cells, min_size=height, max_size=height))
            side[name] = pl.Series(name, values, dtype=dtype, strict=False)
    return pl.DataFrame(sides[0]), pl.DataFrame(sides[1])


@given(mixed_pairs())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_tables_of_any_kind_get_figures_within_bounds_or_an_error_of_ours(tables):
    real, synthetic = tables
    try:
        distances = ks_statistics(real, synthetic)
    except UserError:
        return
    assert all(0 <= value <= 1 for value in distances.values())
    assert ks_statistics(synthetic, real) == pytest.approx(distances)
    assert set(ks_statistics(real, real).values()) == {0}
    difference = correlation_difference(real, synthetic)
    assert 0 <= difference <= 2
    assert correlation_difference(synthetic, real) == pytest.approx(difference, abs=1e-6)
    assert correlation_difference(real, real) == 0
    assert copy_rate(real, real) == 1
    assert 0 <= copy_rate(real, synthetic) <= 1
    gap = missing_difference(real, synthetic)
    assert gap == missing_difference(synthetic, real)
    assert gap is None or 0 <= gap <= 1


@pytest.mark.usefixtures("few_trees")
def test_a_mixed_table_is_judged_whole():
    real, synthetic = (mixed(n, seed=n) for n in (60, 90))
    result = judge_fidelity(real, synthetic)
    assert result.ks == ks_statistics(real, synthetic)
    assert result.missing_difference == missing_difference(real, synthetic)
    assert result.correlation_difference == correlation_difference(real, synthetic)
    assert list(result.figures) == list(FIGURES)
    assert judge_fidelity(real, synthetic) == result


def mixed(n, *, seed):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.1, math.nan, rng.normal(size=n)),
            "level": rng.choice(["a", "b", "c"], n),
            "flag": rng.random(n) < 0.5,
            "day": [date(1965, 1, 1) + timedelta(int(day)) for day in rng.integers(0, 99, n)],
            "clock": [time(int(hour)) for hour in rng.integers(0, 24, n)],
        }
    )
