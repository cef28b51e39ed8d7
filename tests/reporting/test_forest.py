import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.contest.intervals import Interval
from raregan.contest.paragraph import show_gain
from raregan.contest.standings import rank
from raregan.reporting.forest import draw_forest, make_scale, read_gains
from tests.contest.records import FOLDS, records_of
from tests.reporting.contests import played
from tests.reporting.test_report import NASTY, Page

OWN = [one for one in played().standings if one.learner == "logistic"]


def interval(mean, low, high):
    return Interval(mean, low, high, 0.5, 10)


def percent(text):
    return float(text.removesuffix("%"))


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0, 50), st.floats(0, 50)), min_size=1, max_size=5
    )
)
def test_a_scale_holds_zero_and_all_that_is_drawn(drawn):
    gains = [interval(mean, mean - less, mean + more) for mean, less, more in drawn]
    scale = make_scale(gains)
    assert scale.low < 0 < scale.high
    assert 0 in scale.ticks
    assert 2 <= len(scale.ticks) <= 7 or scale.high - scale.low < 1e-6
    for gain in gains:
        assert scale.low <= 100 * gain.mean <= scale.high
        assert scale.low <= max(-100, 100 * gain.low)
        assert min(100, 100 * gain.high) <= scale.high
    places = [scale.place(tick) for tick in scale.ticks]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 100


def test_no_difference_at_all_has_a_scale():
    scale = make_scale([interval(0.0, 0.0, 0.0)])
    assert scale.place(0) == 50


def test_marks_lie_where_the_gains_are():
    page = Page(draw_forest(OWN))
    assert page.open == []
    compared = [one for one in OWN if one.contestant != "nothing"]
    scale = make_scale([gain for one in compared for gain in one.gains.values()])
    dots = [a for tag, a in page.elements if tag == "circle"]
    squares = [a for tag, a in page.elements if tag == "rect"]
    lines = [a for tag, a in page.elements if tag == "line" and a["class"] == "first"]
    zeros = [a for tag, a in page.elements if tag == "line" and a["class"] == "zero"]
    assert len(dots) == len(lines) == len(zeros) == len(compared) == 4
    assert len(squares) == 3  # class weights are not compared with themselves
    for one, dot, line, zero in zip(compared, dots, lines, zeros, strict=True):
        gain = one.gains["nothing"]
        assert percent(dot["cx"]) == pytest.approx(scale.place(100 * gain.mean), abs=0.01)
        assert percent(line["x1"]) == pytest.approx(scale.place(100 * gain.low), abs=0.01)
        assert percent(line["x2"]) == pytest.approx(scale.place(100 * gain.high), abs=0.01)
        assert percent(zero["x1"]) == pytest.approx(scale.place(0), abs=0.01)
        assert (percent(dot["cx"]) > percent(zero["x1"])) == (gain.mean > 0)


def test_every_line_says_its_numbers_in_words():
    page = Page(draw_forest(OWN))
    labels = [a["aria-label"] for _, a in page.elements if "aria-label" in a]
    smote = next(one for one in OWN if one.contestant == "smote")
    label = next(text for text in labels if text.startswith("smote with logistic: "))
    for name, gain in smote.gains.items():
        assert f"{show_gain(gain)} on {name}" in label
        assert f"{show_gain(gain)} on {name}" in page.texts("b")
    assert label.endswith("gains on nothing and class-weights")


def test_names_are_shown_as_written():
    own = [one for one in played(learner=NASTY).standings if one.learner == NASTY]
    page = Page(draw_forest(own))
    labels = [a["aria-label"] for _, a in page.elements if "aria-label" in a]
    assert all(NASTY in label for label in labels)
    assert page.scripts == []


@pytest.mark.parametrize(
    ("levels", "said", "kind"),
    [
        ({"nothing": 0.5, "class-weights": 0.5, "smote": 0.7},
         "gains on nothing and class-weights", "good"),
        ({"nothing": 0.5, "class-weights": 0.8, "smote": 0.7},
         "gains on nothing; loses on class-weights", "bad"),
        ({"nothing": 0.5, "class-weights": 0.7, "smote": 0.7}, "gains on nothing", "other"),
        ({"nothing": 0.7, "class-weights": 0.7, "smote": 0.5},
         "loses on nothing and class-weights", "bad"),
        ({"nothing": 0.5, "class-weights": 0.5, "smote": 0.5}, "no sure difference", "other"),
    ],
)  # fmt: skip
def test_readings(levels, said, kind):
    standings, _ = rank(records_of(levels), confidence=0.95)
    assert read_gains(standings[-1]) == (said, kind)


def test_one_fold_has_a_dot_and_no_line():
    standings, _ = rank(
        records_of({"nothing": 0.5, "smote": 0.7}, folds=FOLDS[:1]), confidence=0.95
    )
    assert math.isinf(standings[-1].gains["nothing"].low)
    assert read_gains(standings[-1]) == ("too few folds", "none")
    page = Page(draw_forest(standings))
    kinds = [(tag, a.get("class")) for tag, a in page.elements]
    assert ("circle", "first") in kinds
    assert ("line", "first") not in kinds
