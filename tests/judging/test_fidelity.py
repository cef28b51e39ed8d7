import json
import math
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm
from sklearn import model_selection

from raregan.errors import SchemaError, TooFewRowsError
from raregan.judging import fidelity
from raregan.judging.fidelity import (
    FIGURES,
    Fidelity,
    c2st_auc,
    copy_rate,
    correlation_difference,
    correlations,
    evaluate,
    ks_statistics,
)

ROUNDED = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40)


def gaussian(n, columns=3, *, seed, shift=0.0):
    values = np.random.default_rng(seed).normal(shift, size=(n, columns))
    return pl.DataFrame(values, schema=[f"x{i}" for i in range(columns)])


@pytest.fixture
def one_draw(monkeypatch):
    monkeypatch.setattr(fidelity, "C2ST_DRAWS", 1)


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(fidelity, "C2ST_TREES", 10)


# --- correlations


def test_the_correlation_difference_of_a_case_computed_by_hand():
    real = pl.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 4, 6], "c": [1.0, 0, 1]})
    turned = pl.DataFrame({"a": [1.0, 2, 3], "b": [6.0, 4, 2], "c": [1.0, 0, 1]})
    # ab goes from 1 to -1; ac and bc are 0 in both.
    assert correlation_difference(real, turned) == pytest.approx(2 / 3)
    assert correlation_difference(real, real) == 0


def test_correlations_agree_with_numpy():
    values = gaussian(50, 5, seed=1).to_numpy() @ np.random.default_rng(2).normal(size=(5, 5))
    np.testing.assert_allclose(correlations(values), np.corrcoef(values.T), atol=1e-12)


def test_correlations_do_not_depend_on_the_unit_however_large():
    values = gaussian(50, 3, seed=1).to_numpy()
    np.testing.assert_allclose(
        correlations(values * [1e200, 1e-200, 1]), np.corrcoef(values.T), atol=1e-9
    )


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


# --- the classifier two-sample test


@pytest.mark.usefixtures("one_draw")
def test_c2st_is_one_half_for_samples_of_one_distribution():
    assert c2st_auc(gaussian(300, seed=1), gaussian(300, seed=2)) == pytest.approx(0.5, abs=0.08)


@pytest.mark.usefixtures("one_draw")
def test_c2st_is_1_for_samples_that_never_meet():
    assert c2st_auc(gaussian(40, seed=1), gaussian(200, seed=2, shift=20)) == 1


@pytest.mark.usefixtures("one_draw")
def test_c2st_of_shifted_normals_comes_near_the_best_possible_auc():
    best = norm.cdf(2 / math.sqrt(2))  # of a shift by 2 in one column
    auc = c2st_auc(gaussian(500, 1, seed=1), gaussian(500, 1, seed=2, shift=2))
    assert best - 0.06 < auc < best + 0.03


@pytest.mark.usefixtures("one_draw")
def test_copies_push_c2st_below_one_half_as_its_documentation_warns():
    real = gaussian(200, seed=1)
    assert c2st_auc(real, real) < 0.4


@pytest.mark.usefixtures("one_draw")
def test_c2st_sees_differences_that_float32_would_lose():
    real = pl.DataFrame({"id": range(2**60, 2**60 + 40_000, 1000)})
    assert c2st_auc(real, real.with_columns(pl.col("id") + 10**6)) > 0.99


@pytest.mark.parametrize(("n_real", "n_synthetic", "used"), [(30, 500, 30), (90, 70, 60)])
def test_c2st_takes_as_many_rows_of_either_side_and_draws_them_anew(
    monkeypatch, n_real, n_synthetic, used
):
    seen = []

    def judge(_forest, rows, labels, **_options):
        seen.append((rows, labels))
        return np.tile([0.5, 0.5], (len(rows), 1))

    monkeypatch.setattr(model_selection, "cross_val_predict", judge)
    monkeypatch.setattr(fidelity, "C2ST_MAX_ROWS", 60)
    assert c2st_auc(gaussian(n_real, seed=1), gaussian(n_synthetic, seed=2)) == 0.5
    assert [np.bincount(labels).tolist() for _, labels in seen] == [[used, used]] * 3
    assert not np.array_equal(seen[0][0], seen[1][0])


@pytest.mark.usefixtures("few_trees")
def test_c2st_is_repeatable_and_follows_its_seed():
    real, synthetic = gaussian(40, seed=1), gaussian(80, seed=2, shift=0.5)
    first = c2st_auc(real, synthetic, random_state=1)
    assert c2st_auc(real, synthetic, random_state=1) == first
    assert c2st_auc(real, synthetic, random_state=2) != first


# --- all of it


@pytest.fixture
def judged(few_trees):
    real, synthetic = gaussian(60, seed=1), gaussian(90, seed=2, shift=1)
    synthetic = pl.concat([synthetic, real[:10]])[:, ::-1]
    return real, synthetic, evaluate(real, synthetic, random_state=3)


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
    assert [parts[0] for parts in shown] == [measure.label for measure in FIGURES.values()]
    assert max(map(len, text)) <= 110


GOOD = pl.DataFrame({"a": [1.0, 2.0], "b": [1, 2]})


@pytest.mark.parametrize("judge", [evaluate, c2st_auc, copy_rate, ks_statistics])
@pytest.mark.parametrize(
    ("real", "synthetic", "error", "message"),
    [
        (GOOD, GOOD.drop("b"), SchemaError, "column 'b' is missing from the synthetic rows; add"),
        (GOOD.drop("a"), GOOD, SchemaError, "column 'a' is not in the real rows; drop"),
        (GOOD, GOOD.cast({"a": pl.String}), SchemaError, "'a' of the synthetic rows is String"),
        (GOOD.with_columns(b=pl.lit(True)), GOOD, SchemaError, "'b' of the real rows is Boolean"),
        (GOOD, GOOD.with_columns(a=pl.lit(float("nan"))), SchemaError, "'a' .* missing or inf"),
        (GOOD, GOOD.with_columns(a=pl.lit(None, float)), SchemaError, "'a' .* missing or inf"),
        (GOOD.with_columns(a=pl.lit(math.inf)), GOOD, SchemaError, "'a' of the real .* fill"),
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


def test_c2st_with_fewer_rows_than_folds_is_refused():
    with pytest.raises(TooFewRowsError, match="at least 5 rows a side, not 9 real and 4 synthetic"):
        evaluate(gaussian(9, seed=1), gaussian(4, seed=2))


def test_importing_the_judge_imports_no_learner_and_no_plotting():
    heavy = ["sklearn", "scipy", "pandas", "matplotlib", "keras", "jax"]
    code = (
        "import sys, raregan.judging.fidelity; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_pandas_and_files_are_judged_as_polars_is(tmp_path):
    rng = np.random.default_rng(0)
    real, synthetic = (pl.DataFrame(rng.normal(size=(60, 3)), schema=list("abc")) for _ in "rs")
    expected = evaluate(real, synthetic)
    synthetic.write_parquet(tmp_path / "s.parquet")
    assert evaluate(real.to_pandas(), tmp_path / "s.parquet") == expected
