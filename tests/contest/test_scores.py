import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from sklearn.calibration import _SigmoidCalibration
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from raregan.contest.learners import LEARNERS
from raregan.contest.scores import (
    SCORES,
    Costs,
    Sigmoid,
    cost,
    margins_of,
    precision_at_top,
    score,
)

RNG = np.random.default_rng(0)
LABELS = RNG.random(500) < 0.1
RATED = np.clip(0.1 + 0.3 * LABELS + 0.15 * RNG.normal(size=500), 0.001, 0.999)
ONES = np.ones(500)


def test_scores_are_those_of_scikit_learn():
    found = score(LABELS, RATED, ONES, calibrated=RATED, as_is=RATED / 2)
    assert found["average_precision"] == pytest.approx(average_precision_score(LABELS, RATED))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(LABELS, RATED))
    assert found["brier"] == pytest.approx(brier_score_loss(LABELS, RATED))
    assert found["log_loss"] == pytest.approx(log_loss(LABELS, RATED))
    assert found["brier_as_is"] == pytest.approx(brier_score_loss(LABELS, RATED / 2))
    assert set(found) == set(SCORES) - {"cost"}


def test_weights_stand_for_rows():
    weights = np.where(LABELS, 1, RNG.integers(1, 4, 500)).astype(float)
    again = np.repeat(np.arange(500), weights.astype(int))
    one = score(LABELS, RATED, weights, calibrated=RATED, as_is=RATED)
    many = score(LABELS[again], RATED[again], np.ones(len(again)), calibrated=RATED[again])
    for name, value in many.items():
        assert one[name] == pytest.approx(value), name


def test_recall_at_a_rate_by_hand():
    # of 200 others the highest three score 0.95, 0.85, 0.75; 1 % are two of them, 0.5 % one
    labels = np.array([True] * 5 + [False] * 200)
    rated = np.r_[0.99, 0.9, 0.8, 0.7, 0.1, 0.95, 0.85, 0.75, np.full(197, 0.05)]
    found = score(labels, rated, np.ones(205), calibrated=rated)
    assert found["recall_at_0.1%"] == pytest.approx(0.2)
    assert found["recall_at_0.5%"] == pytest.approx(0.4)
    assert found["recall_at_1%"] == pytest.approx(0.6)
    assert found["precision_at_top"] == pytest.approx(3 / 5)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=2, max_size=9), st.data())
def test_precision_at_top_is_the_mean_over_all_orders_of_ties(rows, data):
    labels = np.array([label for label, _ in rows])
    rated = np.array([float(level) for _, level in rows])
    k = data.draw(st.integers(1, len(rows)))
    rng = np.random.default_rng(0)
    drawn = [labels[np.lexsort((rng.random(len(rows)), -rated))][:k].mean() for _ in range(2_000)]
    found = precision_at_top(labels, rated, np.ones(len(rows)), k)
    assert found == pytest.approx(np.mean(drawn), abs=0.06)


def test_cost_by_hand():
    labels = np.array([True, True, False, False])
    probabilities = np.array([0.5, 0.05, 0.2, 0.01])
    # alarms where p * 10 > (1 - p) * 1, p > 1/11: rows 0 and 2; row 1 is missed
    assert cost(labels, probabilities, np.ones(4), Costs(10, 1)) == pytest.approx((10 + 1) / 4)
    amounts = np.array([1.0, 100.0, 0.1, 1.0])  # row 1 is worth an alarm now, row 2 is not
    assert cost(labels, probabilities, np.ones(4), Costs(10, 1), amounts) == pytest.approx(0.0)
    found = score(labels, probabilities, np.ones(4), calibrated=probabilities, costs=Costs(10, 1))
    assert found["cost"] == pytest.approx(11 / 4)


def test_probabilities_are_calibrated_whatever_the_classifier_said():
    rng = np.random.default_rng(1)
    truth = rng.beta(1, 8, 40_000)
    labels = rng.random(40_000) < truth
    distorted = margins_of(truth, 1e-6) * 0.5 + 2
    sigmoid = Sigmoid.fit(distorted[:20_000], labels[:20_000], np.ones(20_000))
    found = sigmoid.calibrate(distorted[20_000:])
    assert np.abs(found - truth[20_000:]).mean() < 0.01


def test_calibration_undoes_thinning_of_the_others():
    rng = np.random.default_rng(2)
    truth = rng.beta(1, 8, 40_000)
    labels = rng.random(40_000) < truth
    kept = labels | (rng.random(40_000) < 0.25)
    weights = np.where(labels, 1.0, 4.0)[kept]
    sigmoid = Sigmoid.fit(margins_of(truth, 1e-6)[kept], labels[kept], weights)
    assert abs(sigmoid.calibrate(margins_of(truth, 1e-6)).mean() - labels.mean()) < 0.005


def test_rows_that_are_hardly_ever_rare_are_told_apart_where_a_miss_is_dear():
    """With odds of 1 in 2,000 and a miss at 10,000 alarms, not every row is worth one."""
    rng = np.random.default_rng(3)
    truth = 1 / (1 + np.exp(9.5 - 2 * rng.normal(size=200_000)))
    labels, even = rng.random(200_000) < truth, np.ones(200_000)
    margins = margins_of(truth, LEARNERS["logistic"].floor)
    calibrated = Sigmoid.fit(margins, labels, even).calibrate(margins)
    costs = Costs(10_000.0, 1.0)
    best, always = (cost(labels, p, even, costs) for p in (truth, np.ones(200_000)))
    assert cost(labels, calibrated, even, costs) < best + 0.1 * (always - best)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_margins_of_any_scale_are_calibrated_the_same(scale):
    rng = np.random.default_rng(5)
    truth = rng.beta(1, 20, 5_000)
    labels, even = rng.random(5_000) < truth, np.ones(5_000)
    margins = margins_of(truth, 1e-6)
    plain = Sigmoid.fit(margins, labels, even).calibrate(margins)
    found = Sigmoid.fit(margins * scale, labels, even).calibrate(margins * scale)
    assert found == pytest.approx(plain, abs=1e-6)


def test_calibration_is_what_scikit_learn_makes_of_platts_targets():
    rng = np.random.default_rng(6)
    labels = rng.random(3_000) < 0.03
    margins, weights = rng.normal(size=3_000) + 2 * labels, np.where(labels, 1.0, 4.0)
    known = _SigmoidCalibration().fit(margins, labels.astype(int), weights)
    found = Sigmoid.fit(margins, labels, weights)
    assert found.calibrate(margins) == pytest.approx(known.predict(margins), rel=2e-3)


def test_rows_that_a_margin_tells_apart_are_not_sure():
    margins, labels = np.r_[np.full(500, -3.0), np.full(20, 4.0)], np.arange(520) >= 500
    found = Sigmoid.fit(margins, labels, np.ones(520)).calibrate(np.array([-3.0, 4.0]))
    assert found == pytest.approx([1 / 502, 21 / 22], rel=1e-3)
    same = Sigmoid.fit(np.zeros(520), labels, np.ones(520))
    assert same.calibrate(np.zeros(1)) == pytest.approx(20 / 520, rel=0.02)
