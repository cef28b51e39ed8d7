import json
import math

import numpy as np
import pytest

from raregan.judging.figures import GROSS, TOO_FEW, Figure
from raregan.judging.intervals import FOLDED, Estimate, Interval, auc


def figure(name, value, baseline, *, half=0.1, of_baseline=None):
    return Figure.of(
        name,
        Estimate(value, Interval(value - half, value + half)),
        Estimate(baseline, of_baseline),
    )


@pytest.mark.parametrize(
    ("name", "value", "baseline", "reading"),
    [
        ("column_shape", 0.5, 0.9, "worse than real rows"),
        ("column_shape", 0.9, 0.5, "closer than real rows"),
        ("column_shape", 0.85, 0.9, "as real rows"),
        ("c2st_forest", 0.9, 0.5, "worse than real rows"),
        ("c2st_forest", 0.3, 0.5, "closer than real rows"),
        ("pearson_difference", 0.5, 0.1, "worse than real rows"),
        ("near_copies", 0.5, 0.05, "alarm"),
        ("dcr", 0.5, 0.9, "alarm"),
        ("dcr", 0.9, 0.5, "no alarm"),
        ("membership_ratio", 0.7, 0.5, "alarm"),
        ("membership_ratio", 0.55, 0.5, "as real rows"),
        ("tstr_ap", 0.5, 0.9, "worse than real rows"),
        ("tstr_ap", 0.9, 0.5, "better than real rows"),
    ],
)
def test_how_a_value_reads_beside_its_baseline(name, value, baseline, reading):
    assert figure(name, value, baseline).reading == reading


def test_noise_takes_the_arms_that_point_to_each_other():
    one = Figure("tstr_ap", 0.5, Interval(0.2, 0.6), 0.9, Interval(0.6, 0.95))
    assert one.noise == pytest.approx(math.hypot(0.1, 0.3))
    other = Figure("tstr_ap", 0.9, Interval(0.6, 0.95), 0.5, Interval(0.2, 0.6))
    assert other.noise == one.noise


def test_at_worst_takes_the_arms_that_point_to_the_bad_side():
    one = Figure("tstr_ap", 0.8, Interval(0.6, 0.85), 0.9, Interval(0.8, 0.95))
    assert one.at_worst == pytest.approx(0.8 - math.hypot(0.2, 0.05))
    other = Figure("c2st_forest", 0.6, Interval(0.4, 0.7), 0.5, Interval(0.2, 0.6))
    assert other.at_worst == pytest.approx(0.6 + math.hypot(0.1, 0.3))
    bounded = Figure("c2st_forest", 0.9, Interval(0.7, 1.0), 0.7, Interval(0.2, 0.9))
    assert bounded.at_worst == 1
    assert Figure.of("tstr_ap", Estimate(0.5, Interval(0.4, 0.6))).at_worst == 0.5


@pytest.mark.parametrize(
    ("name", "value", "half", "baseline", "reading"),
    [
        ("c2st_forest", 0.5, GROSS - 0.01, 0.5, "as real rows"),
        ("c2st_forest", 0.5, GROSS, 0.5, TOO_FEW),
        ("c2st_forest", 0.6, 0.16, 0.5, TOO_FEW),  # 0.76 cannot be ruled out
        ("c2st_forest", 0.4, 0.3, 0.5, TOO_FEW),  # to be better by chance makes nobody surer
        ("c2st_forest", 0.9, 0.3, 0.5, "worse than real rows"),  # gross, and found
        ("membership_ratio", 0.45, 0.27, 0.5, TOO_FEW),
        ("tstr_ap", 0.7, 0.2, 0.8, TOO_FEW),
        ("dcr", 3.0, 1.4, 3.0, "as real rows"),
        ("dcr", 3.0, 1.5, 3.0, TOO_FEW),  # half of what real rows have
        ("density", 1.0, 0.5, 1.0, TOO_FEW),
        ("wasserstein", 9.0, 9.0, 9.0, "as real rows"),  # without bound: nothing is gross
        ("dcr", 0.0, 0.1, 0.0, "as real rows"),
    ],
)
def test_a_figure_that_could_hide_a_gross_difference_is_no_all_clear(
    name, value, half, baseline, reading
):
    assert figure(name, value, baseline, half=half).reading == reading


def test_the_doc_of_gross_has_the_error_of_hanley_and_mcneil():
    """Of 15 rows against 15: two standard errors of an AUC of 0.5."""
    exact = math.sqrt((15 + 15 + 1) / (12 * 15 * 15))
    assert round(1.96 * exact, 1) == 0.2
    assert round(1.96 * exact * math.sqrt(FOLDED), 1) == 0.3
    rng = np.random.default_rng(0)
    found = np.mean([auc(*rng.normal(size=(2, 15)))[1] for _ in range(400)])
    assert math.sqrt(found) == pytest.approx(exact, rel=0.1)


def test_without_a_baseline_there_is_no_reading():
    assert Figure.of("tstr_ap", Estimate(0.5)).reading == ""
    assert Figure.of("tstr_ap", Estimate(0.5), Estimate(math.nan)).baseline is None


def test_a_figure_is_plain_data():
    told = figure("dcr", 0.5, 0.9).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["interval"] == [0.4, 0.6]
    assert told["baseline_interval"] is None
    assert {"name", "label", "definition", "source", "direction", "best", "worst"} <= set(told)
