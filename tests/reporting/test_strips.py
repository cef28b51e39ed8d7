import math
import re
from dataclasses import replace

import numpy as np
import pytest

from raregan.judging.figures import TOO_FEW, Figure
from raregan.judging.intervals import Interval
from raregan.reporting.distributions import ColumnView
from raregan.reporting.strips import (
    describe,
    draw_bars,
    draw_strips,
    draw_tile,
    show_reading,
    show_value,
)
from tests.reporting.test_report import NASTY, Page

COVERED = Figure("coverage", 0.6, Interval(0.5, 0.7), 0.9, Interval(0.8, 0.95))


def shapes(page, tag, kind):
    return [a for name, a in page.elements if name == tag and a.get("class") == kind]


def percent(text):
    return float(text.removesuffix("%"))


def test_a_strip_lies_between_its_ends_and_keeps_the_order():
    page = Page(draw_strips([COVERED]))
    assert page.open == []
    (dot,) = shapes(page, "circle", "made")
    (line,) = shapes(page, "line", "made")
    (band,) = shapes(page, "rect", "base")
    (best,) = shapes(page, "line", "best")
    (base,) = shapes(page, "line", "base")
    start, end = percent(band["x"]), percent(band["x"]) + percent(band["width"])
    places = [percent(line["x1"]), percent(dot["cx"]), percent(line["x2"]), start]
    places += [percent(base["x1"]), end, percent(best["x1"])]
    values = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]
    expected = np.interp(values, [0.5, 1.0], [3, 97])
    np.testing.assert_allclose(places, expected, atol=0.02)
    assert page.texts("text") == ["0.500", "1.000"]


def test_a_strip_says_in_words_what_it_draws():
    said = (
        "coverage: 0.600 (0.500 to 0.700); real rows 0.900 (0.800 to 0.950); worse than real rows"
    )
    assert describe(COVERED) == said
    page = Page(draw_strips([COVERED]))
    assert [a["aria-label"] for tag, a in page.elements if tag == "svg"] == [said]
    assert describe(Figure("exact_copies", 0.25)) == "exact copies: 25.00%"
    assert show_value(COVERED, 0.5, None) == "0.500"


@pytest.mark.parametrize(
    "figure",
    [
        Figure("exact_copies", 0.0),
        Figure("wasserstein", math.inf, None, 0.1),
        Figure("wasserstein", 0.2, Interval(0, math.inf), 0.1),
        replace(COVERED, baseline=None, baseline_interval=None),
        Figure("membership_nearest", 0.5, None, 0.5),
    ],
)
def test_what_is_absent_or_without_end_is_drawn_inside_or_not_at_all(figure):
    drawn = draw_strips([figure])
    assert Page(drawn).open == []
    places = [float(place) for place in re.findall(r'(?:x|x1|x2|cx|width)="([-\d.a-z]+)%"', drawn)]
    assert all(0 <= place <= 100 for place in places)


def test_readings_have_words_beside_their_colour():
    assert "alarm" in show_reading("alarm")
    assert 'class="reading bad"' in show_reading("worse than real rows")
    assert 'class="reading good"' in show_reading("as real rows")
    assert 'class="reading other"' in show_reading("closer than real rows")
    assert "?</i>too few rows" in show_reading(TOO_FEW)
    assert "not compared" in show_reading("")


def test_bars_are_as_long_as_their_shares_and_names_as_written():
    page = Page(draw_bars([(NASTY, 0.4), ("b", 0.1)]))
    assert [percent(a["width"]) for a in shapes(page, "rect", "bar")] == [100, 25]
    assert page.texts("span") == [NASTY, "b"]
    assert page.texts("b") == ["40%", "10%"]


def test_a_tile_is_a_button_with_both_histograms():
    shares = np.array([0.5, 0.25, 0.25])
    view = ColumnView(NASTY, "KS", 0.123, np.arange(4.0), shares, shares[::-1], missing=(0.1, 0))
    page = Page(draw_tile(view, NASTY))
    assert page.open == []
    assert page.tiles == [NASTY]
    assert page.texts("span") == ["0.12"]
    assert page.texts("small") == ["missing 10.0% / 0.0%"]
    (real,) = shapes(page, "path", "real")
    assert real["d"] == "M0 40V0.0H33.3V20.0H66.7V20.0H100.0V40"
