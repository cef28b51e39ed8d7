import copy
import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.encoding.calendar import STEPS_A_DAY, TICKS_A_DAY, Calendar
from raregan.encoding.columns import QuantileColumn
from raregan.errors import ModelFileError

UNITS = ("d", "ms", "us", "ns")
LIMIT = {"d": 10**6, "ms": 2**53, "us": 2**62, "ns": 2**63 - 1}


def times(n=3000, *, unit="us", resolution="second", first_day=-400, days=900, seed=0):
    """Wall times at which people work: fewer at weekends, none at night."""
    rng = np.random.default_rng(seed)
    day = rng.integers(first_day, first_day + days, 4 * n)
    day = day[(day % 7 < 5) | (rng.random(4 * n) < 0.2)][:n]
    hour = rng.choice([8, 9, 10, 14, 20], n, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    steps_an_hour = STEPS_A_DAY[resolution] // 24
    step = TICKS_A_DAY[unit] // STEPS_A_DAY[resolution]
    return (day * 24 + hour) * steps_an_hour * step + rng.integers(0, steps_an_hour, n) * step


def fields(ticks, unit):
    """Weekday and hour as polars finds them."""
    if unit == "d":
        days = pl.Series(ticks, dtype=pl.Int32).cast(pl.Date)
        return days.dt.weekday(), pl.Series([0] * len(days))
    stamps = pl.Series(ticks, dtype=pl.Int64).cast(pl.Datetime(unit))
    return stamps.dt.weekday(), stamps.dt.hour()


def names(calendar):
    return [part.name for part in calendar.parts]


def check_decoded(calendar, ticks, decoded):
    """What holds for whatever a network made."""
    assert decoded.dtype == np.int64
    assert ticks.min() <= decoded.min() <= decoded.max() <= ticks.max()
    if calendar.resolution == "month":
        days = pl.Series(decoded // TICKS_A_DAY[calendar.unit], dtype=pl.Int32).cast(pl.Date)
        assert (days.dt.day() == 1).all()
    else:
        step = TICKS_A_DAY[calendar.unit] // STEPS_A_DAY[calendar.resolution]
        assert not (decoded % step).any()
        for seen, made in zip(
            fields(ticks, calendar.unit), fields(decoded, calendar.unit), strict=True
        ):
            assert set(made) <= set(seen)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("resolution", ["hour", "minute", "second"])
def test_training_values_come_back_exactly(unit, resolution):
    ticks = times(unit=unit, resolution=resolution)
    calendar = Calendar.fit(ticks, unit)
    encoded = calendar.encode(ticks)
    assert (encoded.dtype, encoded.shape) == (np.float32, (3000, calendar.width))
    assert calendar.resolution == resolution
    assert calendar.decode(encoded).tolist() == ticks.tolist()


def test_parts_and_their_heads():
    calendar = Calendar.fit(times(), "us")
    assert [(part.name, part.width, part.activation) for part in calendar.parts] == [
        ("day", 1, "linear"),
        ("weekday", 7, "softmax"),
        ("hour", 5, "softmax"),
        ("fraction", 1, "linear"),
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_weekdays_and_hours_are_those_of_polars(unit):
    ticks = times(first_day=-90_000) if unit == "us" else times(unit="ms") // 1000 * 1000
    ticks = ticks // 86_400_000 if unit == "d" else ticks
    calendar = Calendar.fit(ticks, unit)
    encoded = calendar.encode(ticks)
    weekday, hour = fields(ticks, unit)
    start = 0
    for part in calendar.parts:
        block = encoded[:, start : start + part.width]
        start += part.width
        if part.activation == "softmax":
            assert set(block.ravel()) == {0, 1}
            levels = weekday - 1 if part.name == "weekday" else hour
            found = np.array(getattr(calendar, f"{part.name}s"))[block.argmax(axis=1)]
            assert found.tolist() == levels.to_list()


def test_shares_of_weekdays_and_hours_survive_noise_on_the_day():
    ticks = times()
    calendar = Calendar.fit(ticks, "us")
    encoded = calendar.encode(ticks)
    encoded[:, 0] += np.random.default_rng(1).normal(0, 0.5, len(encoded)).astype(np.float32)
    decoded = calendar.decode(encoded)
    check_decoded(calendar, ticks, decoded)
    for seen, made in zip(fields(ticks, "us"), fields(decoded, "us"), strict=True):
        difference = np.bincount(seen, minlength=24) - np.bincount(made, minlength=24)
        assert np.abs(difference).max() <= 0.002 * len(ticks)
    assert (np.abs(decoded - ticks) > TICKS_A_DAY["us"]).mean() > 0.8


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_fine_fractions_come_back_within_the_stated_error(unit):
    rng = np.random.default_rng(0)
    a_day = TICKS_A_DAY[unit]
    ticks = rng.integers(-30, 30, 20_000) * a_day + rng.integers(0, a_day, 20_000)
    calendar = Calendar.fit(ticks, unit)
    assert calendar.resolution == unit
    error = np.abs(calendar.decode(calendar.encode(ticks)) - ticks)
    curve = calendar.fraction
    segment = np.searchsorted(curve.x, ticks % (a_day // 24), "right").clip(1, len(curve.x) - 1)
    allowed = np.diff(curve.x)[segment - 1] * 2.0**-21 / np.diff(curve.z)[segment - 1] + 1
    assert (error <= allowed).all()
    assert error.max() < 0.002 * a_day / 86_400


def test_more_days_than_knots_come_back_to_the_day():
    days = np.random.default_rng(0).integers(-20_000, 20_000, 30_000)
    calendar = Calendar.fit(days, "d")
    assert calendar.decode(calendar.encode(days)).tolist() == days.tolist()


@pytest.mark.parametrize("unit", UNITS)
def test_months(unit):
    first, last = (1955, 2031) if unit != "ns" else (1700, 2200)
    firsts = [date(year, month, 1) for year in range(first, last) for month in (1, 2, 7, 12)]
    days = pl.Series(firsts, dtype=pl.Date).cast(pl.Int32).to_numpy().astype(np.int64)
    ticks = days * TICKS_A_DAY[unit]
    calendar = Calendar.fit(ticks, unit)
    assert (calendar.resolution, calendar.width, names(calendar)) == ("month", 1, ["day"])
    assert calendar.decode(calendar.encode(ticks)).tolist() == ticks.tolist()
    wild = np.linspace(-9, 9, 500, dtype=np.float32)[:, None]
    check_decoded(calendar, ticks, calendar.decode(wild))


def test_a_single_day_has_no_day_and_no_weekday():
    ticks = times(days=1, first_day=-3)
    calendar = Calendar.fit(ticks, "us")
    assert names(calendar) == ["hour", "fraction"]
    assert calendar.decode(calendar.encode(ticks)).tolist() == ticks.tolist()


def test_one_moment_needs_no_numbers():
    calendar = Calendar.fit(np.array([-7_777, -7_777]), "ms")
    assert (calendar.width, calendar.resolution) == (0, "ms")
    assert calendar.decode(calendar.encode(np.array([5, 6, 7]))).tolist() == [-7_777] * 3


def test_a_weekly_rhythm_is_kept_without_a_part_for_it():
    days = np.arange(-700, 700, 7)
    calendar = Calendar.fit(days, "d")
    assert names(calendar) == ["day"]
    decoded = calendar.decode(np.linspace(-4, 4, 999, dtype=np.float32)[:, None])
    assert set(decoded % 7) == {0}
    assert set(decoded) == set(days)


def test_what_lies_beyond_the_end_moves_a_week_inward():
    a_day, an_hour = 86_400_000, 3_600_000
    ticks = np.array([d * a_day + h * an_hour for d in range(21) for h in (1, 5, 9)][:-1])
    calendar = Calendar.fit(ticks, "ms")
    encoded = calendar.encode(ticks[-1:])
    encoded[0, -3:] = 0, 0, 1
    assert calendar.decode(encoded).tolist() == [13 * a_day + 9 * an_hour]


def test_values_of_other_rows_are_encoded_as_far_as_they_are_known():
    calendar = Calendar.fit(times(), "us")
    encoded = calendar.encode(np.array([-(2**62), 0, 2**62]))
    assert np.isfinite(encoded).all()
    assert encoded[1, 8:13].tolist() == [0] * 5  # midnight never occurred


@st.composite
def columns(draw):
    unit = draw(st.sampled_from(UNITS))
    a_day = TICKS_A_DAY[unit]
    resolution = draw(
        st.sampled_from([name for name, steps in STEPS_A_DAY.items() if a_day % steps == 0])
    )
    step = a_day // STEPS_A_DAY[resolution]
    edge = LIMIT[unit] // step
    near = draw(st.integers(-edge, edge))
    spread = draw(st.sampled_from([1, 10, 40 * STEPS_A_DAY[resolution], 2 * edge]))
    low, high = max(-edge, near - spread), min(edge, near + spread)
    steps = draw(st.lists(st.integers(low, high), min_size=1, max_size=40))
    return unit, np.array(steps, dtype=np.int64) * step


@given(column=columns(), seed=st.integers(0, 99))
@settings(max_examples=150)
def test_any_times_come_back_and_any_numbers_are_times(column, seed):
    unit, ticks = column
    calendar = Calendar.fit(ticks, unit)
    encoded = calendar.encode(ticks)
    assert calendar.decode(encoded).tolist() == ticks.tolist()
    wild = np.random.default_rng(seed).normal(size=(300, calendar.width)) * 3
    wild = np.concatenate([wild, [[np.inf] * calendar.width, [-np.inf] * calendar.width]])
    if unit in ("us", "ns") or np.abs(ticks).max() < 10**15:
        check_decoded(calendar, ticks, calendar.decode(wild.astype(np.float32)))
    restored = Calendar.from_dict(json.loads(json.dumps(calendar.to_dict())))
    assert restored.to_dict() == calendar.to_dict()
    assert np.array_equal(restored.encode(ticks), encoded)


def test_the_ends_of_int64_do_not_wrap():
    ticks = np.array([-(2**63), 2**63 - 1, 0, 13 * 3_600_000_000_000 + 7])
    calendar = Calendar.fit(ticks, "ns")
    assert calendar.decode(calendar.encode(ticks)).tolist() == ticks.tolist()
    wild = np.random.default_rng(0).normal(size=(500, calendar.width)).astype(np.float32) * 9
    decoded = calendar.decode(wild)
    days, hours = decoded // TICKS_A_DAY["ns"], decoded // 3_600_000_000_000
    assert set((days + 3) % 7) <= set(calendar.weekdays)
    assert set(hours % 24) <= set(calendar.hours)


DAMAGES = {
    "no unit": lambda data: data.pop("unit"),
    "another unit": lambda data: data.update(unit="s"),
    "an unhashable unit": lambda data: data.update(unit=[]),
    "another resolution": lambda data: data.update(resolution="week"),
    "a coarser resolution": lambda data: data.update(resolution="day"),
    "a month": lambda data: data.update(resolution="month"),
    "a resolution finer than the unit": lambda data: data.update(resolution="ns"),
    "no range": lambda data: data.update(minimum=data["maximum"] + 1_000_000),
    "a range beyond int64": lambda data: data.update(maximum=2**63),
    "a float": lambda data: data.update(minimum=0.0),
    "no day": lambda data: data.update(day=None),
    "a day of text": lambda data: data.update(day="x"),
    "other days": lambda data: data["day"]["x"].append(1e9),
    "knots out of order": lambda data: data["day"]["x"].reverse(),
    "no weekdays": lambda data: data.update(weekdays=[]),
    "an eighth weekday": lambda data: data["weekdays"].append(7),
    "a true weekday": lambda data: data["weekdays"].append(True),
    "hours out of order": lambda data: data["hours"].reverse(),
    "an hour too many": lambda data: data["hours"].append(24),
    "hours of text": lambda data: data.update(hours="1"),
    "no fraction": lambda data: data.update(fraction=None),
    "a fraction beyond the hour": lambda data: data.update(fraction=3600),
    "an empty curve": lambda data: data.update(fraction={"z": [], "x": []}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_input_is_a_model_file_error(damage):
    data = copy.deepcopy(Calendar.fit(times(200), "us").to_dict())
    Calendar.from_dict(data)
    damage(data)
    with pytest.raises(ModelFileError):
        Calendar.from_dict(data)


def test_the_curves_are_quantile_columns_of_days_and_seconds():
    ticks = times()
    calendar = Calendar.fit(ticks, "us")
    day = QuantileColumn.fit((ticks // TICKS_A_DAY["us"]).astype(np.float64))
    assert calendar.day.to_dict() == day.to_dict()
    assert calendar.fraction.x.max() < 3600
