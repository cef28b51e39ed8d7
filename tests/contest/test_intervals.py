import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from scipy.stats import t, ttest_1samp

from raregan.contest.intervals import Interval, corrected_interval

DIFFERENCES = [0.02, 0.05, -0.01, 0.04, 0.03]


def test_by_hand():
    # mean 0.026, variance 0.00053 (sum of squares 0.00212 over 4), 1/5 + 1/4 = 0.45
    error = math.sqrt(0.45 * 0.00053)
    found = corrected_interval(DIFFERENCES, test_share=0.25, confidence=0.95)
    assert found.mean == pytest.approx(0.026)
    assert found.high - found.mean == pytest.approx(2.7764451 * error, rel=1e-6)  # t of 4, 97.5 %
    assert found.mean - found.low == pytest.approx(2.7764451 * error, rel=1e-6)
    assert found.p == pytest.approx(2 * t.sf(0.026 / error, 4))
    assert not found.is_gain


def test_tests_share_the_error():
    one = corrected_interval(DIFFERENCES, test_share=0.25, confidence=0.95)
    ten = corrected_interval(DIFFERENCES, test_share=0.25, confidence=0.95, n_tests=10)
    ratio = t.ppf(1 - 0.0025, 4) / t.ppf(0.975, 4)
    assert (ten.high - ten.mean) / (one.high - one.mean) == pytest.approx(ratio)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20).filter(lambda v: np.std(v) > 1e-6))
def test_without_shared_rows_it_is_the_usual_t_interval(values):
    usual = ttest_1samp(values, 0)
    low, high = usual.confidence_interval(0.9)
    found = corrected_interval(values, test_share=0, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.p == pytest.approx(usual.pvalue, abs=1e-9)


def test_too_few_or_equal_differences():
    one = corrected_interval([0.3], test_share=0.25, confidence=0.95)
    assert (one.mean, one.low, one.high, one.p) == (0.3, -math.inf, math.inf, 1.0)
    assert math.isnan(corrected_interval([], test_share=0.25, confidence=0.95).mean)
    same = corrected_interval([0.25, 0.25], test_share=0.25, confidence=0.95)
    assert (same.mean, same.low, same.high, same.p) == (0.25, -math.inf, math.inf, 1.0)
    none = corrected_interval([0.0, 0.0, 0.0], test_share=0.25, confidence=0.95)
    assert (none.low, none.high, none.p) == (0.0, 0.0, 1.0)
    none = corrected_interval([0.0, 0.0], test_share=0.25, confidence=0.95)
    assert (none.is_gain, none.p) == (False, 1.0)


def cross_validated(rng, folds, repeats, n=100):
    """Differences of two constant guesses learned by fold; truly no better than each other.

    Each guesses the mean of its own column of training rows, of the same true mean; the score is
    the squared error on the test rows of its column.
    """
    rows = rng.normal(size=(n, 2))
    found = []
    for _ in range(repeats):
        parts = rng.permutation(n) % folds
        for part in range(folds):
            train, test = rows[parts != part], rows[parts == part]
            errors = ((test - train.mean(axis=0)) ** 2).mean(axis=0)
            found.append(errors[0] - errors[1])
    return found


def test_it_covers_where_the_usual_interval_does_not():
    rng = np.random.default_rng(0)
    runs = [cross_validated(rng, 5, 4) for _ in range(400)]
    covered = {
        share: np.mean(
            [
                found.low <= 0 <= found.high
                for run in runs
                for found in [corrected_interval(run, test_share=share, confidence=0.95)]
            ]
        )
        for share in (0.0, 0.25)
    }
    assert covered[0.25] >= 0.93  # 0.95 less two standard errors of 400 runs
    assert covered[0.0] <= 0.85


def test_plain_data_has_no_infinite_number_and_no_more_than_can_be():
    wide = Interval(0.1, -2.5, 2.7, 0.5, 2)
    assert wide.within(1.0)[:3] == (0.1, -1.0, 1.0)
    assert wide.to_dict() == {"mean": 0.1, "low": -2.5, "high": 2.7, "p": 0.5, "n": 2}
    assert wide.to_dict(1.0)["high"] == 1.0
    none = corrected_interval([0.3], test_share=0.25, confidence=0.95).to_dict(1.0)
    assert (none["mean"], none["low"], none["high"]) == (0.3, None, None)
