import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score

from raregan.judging.intervals import (
    Interval,
    around,
    auc,
    auc_estimate,
    bootstrap,
    degrees_of_freedom,
    jackknife,
    median,
    share,
    share_interval,
)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (0, 30), (3, 30), (30, 30), (250, 1_000)])
def test_the_interval_of_a_share_is_scipys_exact_one(hits, n):
    theirs = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert share_interval(hits, n) == pytest.approx((theirs.low, theirs.high))
    estimate = share(np.arange(n) < hits)
    assert estimate.value == hits / n
    assert estimate.interval == share_interval(hits, n)


def test_an_interval_around_a_value_is_normal_and_ends_at_the_bounds():
    half = norm.ppf(0.975)
    assert around(1.0, 2.0) == pytest.approx((1 - 2 * half, 1 + 2 * half))
    assert around(0.9, 0.2, low=0, high=1) == pytest.approx((0.9 - 0.2 * half, 1))
    assert around(0.0, 1.0, df=1).high == pytest.approx(12.706, abs=1e-3)  # tables of Student's t
    assert around(0.5, math.nan) is None


def test_the_auc_is_sklearns_ties_included():
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 70).astype(float)
    theirs = roc_auc_score([1] * 40 + [0] * 70, np.concatenate([positive, negative]))
    assert auc(positive, negative)[0] == pytest.approx(theirs)


def test_the_variance_of_the_auc_is_delongs_of_a_case_computed_by_hand():
    # placements of 3, 1 among (0, 2): 1, 1/2; of 0, 2 below (3, 1): 1, 1/2. Variance of each: 1/8.
    value, variance = auc(np.array([3.0, 1.0]), np.array([0.0, 2.0]))
    assert value == 0.75
    assert variance == pytest.approx(1 / 8 / 2 + 1 / 8 / 2)


def test_intervals_of_the_auc_hold_the_true_one_as_often_as_they_say():
    rng = np.random.default_rng(1)
    truth = norm.cdf(1 / math.sqrt(2))
    held = []
    for _ in range(400):
        estimate = auc_estimate(rng.normal(1, 1, 60), rng.normal(0, 1, 40))
        held.append(estimate.interval.low <= truth <= estimate.interval.high)
    assert 0.92 <= np.mean(held) <= 0.975


def test_perfect_scores_are_not_certain():
    estimate = auc_estimate(np.arange(30) + 100.0, np.arange(20.0))
    assert estimate.value == 1
    assert estimate.interval == share_interval(20, 20)


def test_the_interval_of_a_median_is_of_order_statistics_and_holds_it_often_enough():
    # of 10 values: the 2nd and the 9th, which miss the median with 2 * 11 / 1024 = 2.1 %
    estimate = median(np.arange(10.0)[::-1])
    assert estimate == (4.5, Interval(1, 8))
    rng = np.random.default_rng(2)
    held = [
        interval.low <= 0 <= interval.high
        for interval in (median(rng.normal(size=51)).interval for _ in range(400))
    ]
    assert np.mean(held) >= 0.93


def mean_difference(first, second):
    def statistic(kept_first, kept_second):
        return np.array([first[kept_first].mean() - second[kept_second].mean(), np.nan])

    return statistic


def test_the_jackknife_of_a_difference_of_means_is_its_textbook_error():
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(100):
        first, second = rng.normal(0, 1, 200), rng.normal(0, 3, 100)
        errors.append(jackknife(mean_difference(first, second), 200, 100, rng))
    textbook = math.sqrt(1 / 200 + 9 / 100)
    assert np.sqrt(np.mean(np.square(errors), axis=0))[0] == pytest.approx(textbook, rel=0.1)
    assert np.isnan(np.array(errors)[:, 1]).all()
    assert degrees_of_freedom(200, 100) == 19
    assert degrees_of_freedom(200, 7) == 6


def test_a_bootstrap_is_of_either_class_and_comes_from_the_generator_alone():
    rng = np.random.default_rng(4)
    positive, negative = rng.normal(1, 1, 80), rng.normal(0, 1, 80)

    def gap(a, b):
        return float(a.mean() - b.mean())

    first, second = (bootstrap(gap, positive, negative, np.random.default_rng(5)) for _ in range(2))
    assert first == second
    error = math.sqrt(positive.var() / 80 + negative.var() / 80)
    assert first.high - first.low == pytest.approx(2 * 1.96 * error, rel=0.15)
