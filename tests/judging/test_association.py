import time

import numpy as np
import polars as pl
import pytest
from scipy.stats import contingency, f_oneway, pearsonr
from scipy.stats.contingency import crosstab

from raregan.judging.association import (
    MAX_LEVELS,
    association_difference,
    associations,
    correlation_ratios,
    correlations,
    cramers_v,
)
from raregan.judging.columns import pair_columns
from tests.judging.test_fidelity import gaussian


def of_one(table):
    first, second = associations(pair_columns(table, table))
    np.testing.assert_array_equal(first, second)
    return first


def levels_of(rng, n, k):
    return pl.Series([f"level {code}" for code in rng.integers(0, k, n)])


def test_correlations_agree_with_numpy():
    values = gaussian(50, 5, seed=1).to_numpy() @ np.random.default_rng(2).normal(size=(5, 5))
    np.testing.assert_allclose(correlations(values), np.corrcoef(values.T), atol=1e-12)


def test_correlations_do_not_depend_on_the_unit_however_large():
    values = gaussian(50, 3, seed=1).to_numpy()
    np.testing.assert_allclose(
        correlations(values * [1e200, 1e-200, 1]), np.corrcoef(values.T), atol=1e-9
    )


def test_correlations_with_gaps_are_those_of_the_rows_where_both_are_there():
    rng = np.random.default_rng(3)
    values = gaussian(60, 4, seed=1).to_numpy() @ rng.normal(size=(4, 4))
    units = np.array([1, 1e200, 1e-200, 1])
    values = (values + 7) * units
    values[rng.random(values.shape) < 0.3] = np.nan
    ours = correlations(values)
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(values[:, i]) & ~np.isnan(values[:, j])
            reference = pearsonr(values[both, i] / units[i], values[both, j] / units[j]).statistic
            assert ours[i, j] == pytest.approx(reference, abs=1e-9)


def test_what_is_constant_or_never_there_together_has_no_correlation():
    gap = np.nan
    values = np.array(
        [[1, 0.1, gap, gap], [2, 0.1, 1, gap], [gap, 0.3, 5, gap], [3, 0.1, gap, gap]]
    )
    ours = correlations(values)
    assert np.isnan(ours[0, 1])  # the second is constant where the first is there
    assert np.isnan(ours[0, 2])  # one row of both
    assert np.isnan(ours[3]).all()
    assert ours[1, 2] == pytest.approx(1)


@pytest.mark.parametrize("k", [3, 12])
def test_the_correlation_ratio_follows_from_the_analysis_of_variance(k):
    rng = np.random.default_rng(k)
    codes = rng.integers(0, k, 200)
    number = codes * 0.3 + rng.normal(size=200)
    groups = [number[codes == code] for code in range(k)]
    f = f_oneway(*groups).statistic
    # Kelley's epsilon squared in terms of F.
    epsilon2 = (f - 1) * (k - 1) / (f * (k - 1) + 200 - k)
    centred = (number - number.mean())[:, np.newaxis]
    ours = correlation_ratios(codes, centred, np.ones_like(centred))
    assert ours == pytest.approx([np.sqrt(epsilon2)])
    table = pl.DataFrame({"level": [f"{code:02}" for code in codes], "number": number})
    assert of_one(table)[0, 1] == pytest.approx(np.sqrt(epsilon2))


def test_the_correlation_ratio_leaves_out_missing_numbers():
    rng = np.random.default_rng(1)
    table = pl.DataFrame({"level": levels_of(rng, 90, 3), "number": rng.normal(size=90)})
    gaps = table.with_columns(number=pl.when(pl.int_range(90) < 60).then("number"))
    assert of_one(gaps)[0, 1] == pytest.approx(of_one(table[:60])[0, 1])


def test_cramers_v_agrees_with_scipy_once_corrected_for_chance():
    rng = np.random.default_rng(2)
    first = rng.integers(0, 4, 300)
    second = np.where(rng.random(300) < 0.5, first, rng.integers(0, 6, 300))
    table = crosstab(first, second).count
    v = contingency.association(table, method="cramer")
    (r, k), n = table.shape, 300
    phi2 = v**2 * (min(r, k) - 1) - (r - 1) * (k - 1) / (n - 1)
    r, k = (size - (size - 1) ** 2 / (n - 1) for size in (r, k))
    reference = np.sqrt(max(phi2, 0) / (min(r, k) - 1))
    assert cramers_v(first, second) == pytest.approx(reference)
    assert cramers_v(second, first) == pytest.approx(reference)
    frame = pl.DataFrame({"a": [f"a{i}" for i in first], "b": [f"b{i}" for i in second]})
    assert of_one(frame) == pytest.approx(np.array([[1, reference], [reference, 1]]))


def test_categories_of_two_levels_keep_the_sign_of_their_association():
    real = pl.DataFrame({"a": [True, True, False, False], "b": ["x", "x", "x", "y"]})
    turned = real.with_columns(a=~pl.col("a"))
    first, second = associations(pair_columns(real, turned))
    assert abs(first[0, 1]) == pytest.approx(1 / np.sqrt(3))  # phi by hand
    assert second[0, 1] == pytest.approx(-first[0, 1])
    assert association_difference(first, second) == pytest.approx(2 / np.sqrt(3))


def test_independent_columns_are_not_associated_however_small_the_table():
    rng = np.random.default_rng(4)
    values = []
    for _ in range(20):
        table = pl.DataFrame(
            {"a": levels_of(rng, 120, 30), "b": levels_of(rng, 120, 20), "x": rng.normal(size=120)}
        )
        values.append(of_one(table)[np.triu_indices(3, 1)])
    assert np.mean(values) < 0.15  # uncorrected it is about 0.45


def test_missing_is_a_level_of_a_category():
    table = pl.DataFrame({"a": ["x", None, "y"] * 9, "n": [1.0, 5.0, 1.0] * 9})
    assert of_one(table)[0, 1] == pytest.approx(1)


def test_levels_beyond_the_most_frequent_of_the_real_table_count_as_one():
    frequent = [f"level {i}" for i in range(MAX_LEVELS)] * 4
    rare = [f"rare {i}" for i in range(40)]
    number = [float(i) for i in range(MAX_LEVELS)] * 4 + [99.0] * 40
    table = pl.DataFrame({"a": frequent + rare, "n": number})
    lumped = pl.DataFrame({"a": frequent + ["others"] * 40, "n": number})
    assert of_one(table)[0, 1] == pytest.approx(of_one(lumped)[0, 1])


def test_where_each_row_has_its_own_level_nothing_is_known():
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"a": list("abcdefg"), "b": list("gfedcba"), "n": rng.normal(size=7)})
    assert of_one(table)[0, 1:].tolist() == [0, 0]


def test_infinite_numbers_count_as_the_ends():
    table = pl.DataFrame({"a": [1.0, 2, 9, np.inf], "b": [1.0, 2, 3, 4]})
    ends = pl.DataFrame({"a": [1.0, 2, 9, 9], "b": [1.0, 2, 3, 4]})
    np.testing.assert_allclose(of_one(table), of_one(ends))


def test_forty_mixed_columns_of_twelve_thousand_rows_take_seconds():
    rng = np.random.default_rng(0)
    columns = {f"c{i}": levels_of(rng, 12_000, 7_000 if i < 3 else 40) for i in range(25)}
    numbers = {
        f"n{i}": np.where(rng.random(12_000) < 0.1, np.nan, rng.random(12_000)) for i in range(15)
    }
    pairs = pair_columns(*[pl.DataFrame(columns | numbers)] * 2)
    start = time.perf_counter()
    associations(pairs)
    assert time.perf_counter() - start < 3
