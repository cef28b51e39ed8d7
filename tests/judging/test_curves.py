import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_curve

from raregan.judging.curves import average_precision, count_above, true_positive_rate

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12).map(np.array)


@given(SCORES, SCORES)
def test_the_precision_is_sklearns_ties_included(positive, negative):
    labels = np.repeat([1, 0], [positive.size, negative.size])
    theirs = average_precision_score(labels, np.concatenate([positive, negative]))
    assert average_precision(positive, negative) == pytest.approx(theirs)


@given(SCORES, SCORES)
def test_the_counts_are_those_of_sklearns_curve(positive, negative):
    labels = np.repeat([1, 0], [positive.size, negative.size])
    scores = np.concatenate([positive, negative])
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    ours = count_above(positive, negative)
    np.testing.assert_allclose(ours[0], true[1:] * positive.size)
    np.testing.assert_allclose(ours[1], false[1:] * negative.size)


def test_the_rate_at_1_percent_is_read_from_sklearns_curve():
    rng = np.random.default_rng(4)
    positive, negative = rng.normal(1, 1, 300), rng.normal(0, 1, 500)
    false, true, _ = roc_curve([1] * 300 + [0] * 500, np.concatenate([positive, negative]))
    best = true[false <= 0.01].max()
    assert true_positive_rate(positive, negative) == pytest.approx(best, abs=1 / 300)


def test_with_few_negatives_the_curve_is_read_between_0_and_the_first_of_them():
    assert true_positive_rate(np.full(5, 1.0), np.array([2.0] + [0.0] * 9)) == 0
    # All alike: a straight line from (0, 0) to (1, 1).
    assert true_positive_rate(np.full(5, 1.0), np.full(10, 1.0)) == pytest.approx(0.01)
    assert true_positive_rate(np.full(5, 2.0), np.zeros(10)) == 1
