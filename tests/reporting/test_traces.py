import numpy as np
import pytest

from raregan.contest.curves import RATES, RECALLS
from raregan.contest.fold import Record
from raregan.contest.standings import rank
from raregan.reporting.traces import average, choose_drawn, describe, draw_key, draw_traces
from tests.contest.records import records_of
from tests.reporting.contests import LEVELS, played
from tests.reporting.test_report import NASTY, Page

RECORDS = [r for r in played().records if (r.learner, r.contestant) == ("logistic", "smote")]
KINDS = {"precision": RECALLS, "recall": RATES}


def corners(path):
    return np.array([point.split() for point in path.strip("MZ").split("L")], dtype=float)


def paths_of(page, kind):
    return [a["d"] for tag, a in page.elements if tag == "path" and a["class"].startswith(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_mean_and_band_over_folds(kind):
    trace = average(RECORDS, "smote", kind)
    curves = np.array([record.curves[kind] for record in RECORDS])
    assert trace.n == len(RECORDS) == 10
    np.testing.assert_allclose(trace.mean, curves.mean(axis=0))
    # Of ten values the 10th percentile lies 0.9 of the way from the first to the second.
    ordered = np.sort(curves, axis=0)
    np.testing.assert_allclose(trace.low, ordered[0] + 0.9 * (ordered[1] - ordered[0]))
    np.testing.assert_allclose(trace.high, ordered[-2] + 0.1 * (ordered[-1] - ordered[-2]))


def test_records_without_curves_of_today_have_no_trace():
    bare = [Record(0, 0, "smote", "logistic")]
    other = [Record(0, 0, "smote", "logistic", curves={"recall": [0.1, 0.2]})]
    assert average([], "smote", "recall") is None
    assert average(bare, "smote", "recall") is None
    assert average(other, "smote", "recall") is None
    assert average([*bare, *other, *RECORDS], "smote", "recall").n == 10


def test_the_baselines_and_the_two_best_are_drawn():
    standings, _ = rank(records_of(LEVELS), confidence=0.95)
    drawn, left_out = choose_drawn(standings)
    assert drawn == ["nothing", "class-weights", "smote", "copula"]
    assert left_out == ["over-sampling"]


def test_who_has_no_score_is_neither_drawn_nor_left_out():
    tree = [one for one in played().standings if one.learner == "tree"]
    assert choose_drawn(tree) == (["nothing", "smote"], [])


def test_precision_holds_down_to_the_recall_before():
    trace = average(RECORDS, "smote", "precision")
    (path,) = paths_of(Page(draw_traces([trace], "precision", learner="l")), "curve")
    points = corners(path)
    middle = [np.interp(x, points[:, 0], points[:, 1]) for x in 100 * np.array(RECALLS[1:]) - 1]
    np.testing.assert_allclose(middle, 100 * (1 - trace.mean[1:]), atol=0.01)
    assert (points[0, 0], points[-1, 0]) == (0, 100)


def test_recall_holds_up_to_the_rate_after_on_a_logarithmic_axis():
    trace = average(RECORDS, "smote", "recall")
    (path,) = paths_of(Page(draw_traces([trace], "recall", learner="l")), "curve")
    points = corners(path)
    places = 25 * (np.log10(RATES) + 4)
    middle = [np.interp(x, points[:, 0], points[:, 1]) for x in places[:-1] + 1]
    np.testing.assert_allclose(middle, 100 * (1 - trace.mean[:-1]), atol=0.01)
    assert (points[0, 0], points[-1, 0]) == (0, 100)


@pytest.mark.parametrize("kind", KINDS)
def test_a_band_lies_around_its_line(kind):
    trace = average(RECORDS, "smote", kind)
    page = Page(draw_traces([trace], kind, learner="l"))
    (band,), (line,) = paths_of(page, "band"), paths_of(page, "curve")
    heights = corners(band)[:, 1]
    n = len(heights) // 2
    over, under = heights[:n], heights[n:][::-1]
    middle = corners(line)[:, 1]
    assert np.all(over <= under)
    assert np.all((over <= middle + 0.01) & (middle <= under + 0.01))


def test_words_say_what_is_reached():
    trace = average(RECORDS, "smote", "recall")
    at = {rate: trace.mean[RATES.index(rate)] for rate in (0.001, 0.01)}
    said = f"smote: recall {at[0.001]:.2f} at 0.1% false alarms, {at[0.01]:.2f} at 1% "
    assert describe([trace], "recall") == f"{said}false alarms."
    trace = average(RECORDS, NASTY, "precision")
    at = {recall: trace.mean[RECALLS.index(recall)] for recall in (0.5, 0.8)}
    page = Page(draw_traces([trace], "precision", learner="tree"))
    label = next(a["aria-label"] for _, a in page.elements if "aria-label" in a)
    assert label == (
        f"Precision by recall with tree. {NASTY}: precision {at[0.5]:.2f} at 0.5 recall, "
        f"{at[0.8]:.2f} at 0.8 recall."
    )


@pytest.mark.parametrize(
    ("names", "styles"),
    [
        (["nothing", "class-weights", "smote", NASTY], "0123"),
        (["nothing", "smote", NASTY], "023"),  # as with a learner that takes no weights
    ],
)
def test_a_line_looks_as_its_key_says_and_baselines_always_the_same(names, styles):
    traces = [average(RECORDS, name, "recall") for name in names]
    key = Page(draw_key(traces))
    assert key.texts("span") == names
    assert [a["class"] for tag, a in key.elements if tag == "line"] == [
        f"curve c{style}" for style in styles
    ]
    picture = Page(draw_traces(traces, "recall", learner="tree"))
    assert [a["class"] for tag, a in picture.elements if tag == "path"] == [
        f"{kind} c{style}" for kind in ("band", "curve") for style in styles
    ]
