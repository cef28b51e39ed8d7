from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from raregan.reporting.distributions import MAX_BARS, column_views


def view_of(real, synthetic=None):
    [view] = column_views(
        pl.DataFrame({"a": real}), pl.DataFrame({"a": real if synthetic is None else synthetic})
    )
    return view


def test_the_most_frequent_levels_of_either_side_have_bars_and_the_rest_one():
    real = [f"level {i}" for i in range(MAX_BARS + 5) for _ in range(MAX_BARS + 5 - i)]
    view = view_of(real, ["new"] * 9 + ["level 0"])
    assert view.levels[0] == "level 0"
    assert "new" in view.levels[:-1]
    assert view.levels[-1] == "others (6 levels)"
    assert len(view.levels) == len(view.real) == MAX_BARS + 1
    assert view.real.sum() == view.synthetic.sum() == pytest.approx(1)
    assert list(view.real[:-2]) == sorted(view.real[:-2], reverse=True)
    assert (view.measure, view.scale, view.remarks) == ("TV", "level", [])


def test_one_level_more_than_bars_needs_no_others():
    view = view_of([f"level {i}" for i in range(MAX_BARS + 1)])
    assert len(view.levels) == MAX_BARS + 1
    assert not view.levels[-1].startswith("others")


def test_missing_and_blank_levels_are_named_and_the_share_missing_is_said():
    view = view_of(["", None, "x", "x"], ["x", "x", "x", None])
    assert dict(zip(view.levels, view.real, strict=True)) == {
        "x": 0.5,
        "(missing)": 0.25,
        "(blank)": 0.25,
    }
    assert view.remarks == ["missing: real 25.0%, synthetic 25.0%"]


def test_whole_days_fill_their_day_on_a_scale_of_dates():
    day = date(1965, 3, 1)
    view = view_of([day, day + timedelta(1), None])
    assert view.scale == "date"
    seconds = [(value - date(1970, 1, 1)).total_seconds() for value in (day, day + timedelta(1))]
    counts = np.histogram(np.array(seconds) + 3600, view.edges)[0]
    np.testing.assert_allclose(view.real, counts / 2)
    assert set(seconds) <= set(view.edges)
    assert view.missing == pytest.approx((1 / 3, 1 / 3))


def test_moments_within_a_day_are_told_apart():
    moment = datetime.fromisoformat("2024-01-01 10:00:00")
    view = view_of([moment + timedelta(seconds=i) for i in range(100)])
    assert np.count_nonzero(view.real) > 10


@pytest.mark.parametrize(
    ("values", "unit", "last"),
    [
        ([timedelta(days=3)] * 2, "days", 3),
        ([timedelta(hours=5)] * 2, "hours", 5),
        ([timedelta(minutes=-7)] * 2, "minutes", -7),
        ([timedelta(seconds=1.5)] * 2, "seconds", 1.5),
        ([time(13), time(13)], "hour of the day", 13),
        (pl.Series([-(10**8)] * 2, dtype=pl.Int32).cast(pl.Date), "days since 1970", -(10**8)),
    ],
)
def test_durations_and_far_dates_count_in_a_unit_that_suits_them(values, unit, last):
    view = view_of(values)
    assert (view.scale, view.unit) == ("number", unit)
    [place] = np.flatnonzero(view.real)
    assert view.edges[place] <= last <= view.edges[place + 1]


def test_infinite_values_lie_outside_and_are_counted():
    view = view_of([1.0, 2.0, 3.0, float("inf")])
    assert view.remarks == ["outside: real 25.0%, synthetic 25.0%"]
    assert view.edges[-1] < 5


def test_a_column_without_a_value_is_an_empty_histogram():
    view = view_of(pl.Series([None, None]), [1.0, 2.0])
    assert not view.real.any()
    assert view.synthetic.sum() == 1
    assert view.remarks == ["missing: real 100.0%, synthetic 0.0%"]
