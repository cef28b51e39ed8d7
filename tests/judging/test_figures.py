import json
import math
from dataclasses import replace

import numpy as np
import pytest

from raregan.judging.figures import TOO_FEW, Figure
from raregan.judging.intervals import FOLDED, Estimate, Interval, auc, share_interval
from raregan.judging.measures import GROSS


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


@pytest.mark.parametrize(
    ("figure", "reading"),
    [
        # All of 0.1 could be lost, though 0.1 is less than what is gross of an AUC.
        (Figure("tstr_ap", 0.1, Interval(0.04, 0.2), 0.1, Interval(0.05, 0.2)), TOO_FEW),
        (Figure("tstr_ap", 0.12, Interval(0.02, 0.25), 0.14, Interval(0.05, 0.26)), TOO_FEW),
        (Figure("tstr_ap", 0.1, Interval(0.08, 0.12), 0.1, Interval(0.09, 0.12)), "as real rows"),
        (Figure("recall", 0.1, Interval(0.0, 0.2), 0.1, Interval(0.05, 0.15)), TOO_FEW),
        (Figure("membership_nearest_tpr", 0.01, Interval(0.0, 0.2), 0.01, None), TOO_FEW),
        (Figure("membership_ratio_tpr", 0.01, Interval(0.0, 0.1), 0.01, None), "as real rows"),
        (Figure("exact_copies", 0.0, share_interval(0, 16), 0.0, share_interval(0, 40)), TOO_FEW),
        (
            Figure("exact_copies", 0.0, share_interval(0, 36), 0.0, share_interval(0, 40)),
            "as real rows",
        ),
        (Figure("near_copies", 0.05, share_interval(1, 20), 0.05, share_interval(1, 20)), TOO_FEW),
    ],
)
def test_what_is_gross_is_less_where_the_baseline_or_the_figure_is_small(figure, reading):
    assert figure.reading == reading


@pytest.mark.parametrize(("n_holdout", "n_made"), [(123, 1_000), (250, 500)])
def test_shares_of_usual_numbers_of_rows_are_no_reason_to_say_too_few(n_holdout, n_made):
    """As many copies among synthetic as among held-out rows: none, and one of twenty."""
    for name, of_holdout, of_made in (
        ("exact_copies", 0, 0),
        ("near_copies", round(0.05 * n_holdout), round(0.05 * n_made)),
    ):
        value, base = of_made / n_made, of_holdout / n_holdout
        intervals = share_interval(of_made, n_made), share_interval(of_holdout, n_holdout)
        assert Figure(name, value, intervals[0], base, intervals[1]).reading == "as real rows"


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


def test_beside_rows_that_were_learned_from_only_an_alarm_is_told():
    for name, value, baseline, reading in (
        ("coverage", 0.9, 0.9, ""),
        ("coverage", 0.9, 0.5, ""),
        ("coverage", 0.5, 0.9, ""),
        ("closer", 0.5, 0.5, ""),
        ("dcr", 0.9, 0.5, ""),
        ("closer", 0.9, 0.5, "alarm"),
    ):
        assert replace(figure(name, value, baseline), is_comparable=False).reading == reading


def test_a_figure_is_plain_data():
    told = figure("dcr", 0.5, 0.9).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["interval"] == [0.4, 0.6]
    assert told["baseline_interval"] is None
    assert {"name", "label", "definition", "source", "direction", "best", "worst"} <= set(told)
