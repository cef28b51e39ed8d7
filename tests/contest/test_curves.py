import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score, recall_score

from raregan.contest.curves import RATES, RECALLS, trace


def test_a_case_by_hand():
    """Scores 4 to 1; rare, other, rare, other; each other row stands for two."""
    found = trace(
        np.array([True, False, True, False]),
        np.array([4.0, 3.0, 2.0, 1.0]),
        np.array([1.0, 2.0, 1.0, 2.0]),
    )
    half = RATES.index(1.0)
    assert found["recall"][0] == 0.5
    assert found["recall"][half] == 1.0
    assert found["precision"][RECALLS.index(0.5)] == 1.0
    assert found["precision"][RECALLS.index(0.52)] == 0.5  # 2 of 4 rows, weighted
    assert found["precision"][-1] == 0.5


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_no_threshold_does_better_and_one_does_as_well(seed, n):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) < max(1, n // 4)
    scores = np.round(rng.normal(labels, 1), 1)
    weights = np.where(labels, 1.0, rng.integers(1, 5, n))
    found = trace(labels, scores, weights)
    reached = []
    for threshold in np.append(np.unique(scores), np.inf):
        alarm = scores >= threshold
        rate = weights[alarm & ~labels].sum() / weights[~labels].sum()
        recall = recall_score(labels, alarm, sample_weight=weights, zero_division=0)
        precision = precision_score(labels, alarm, sample_weight=weights, zero_division=1)
        reached.append((rate, recall, precision))
    for rate, most in zip(RATES, found["recall"], strict=True):
        assert most == pytest.approx(max(r for f, r, _ in reached if f <= rate), abs=1e-4)
    for recall, most in zip(RECALLS, found["precision"], strict=True):
        best = max(p for _, r, p in reached if r >= recall - 1e-9)
        assert most == pytest.approx(best, abs=1e-4)
