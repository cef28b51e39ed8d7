# ruff: noqa: DTZ001 - times without a zone are among what is tested

import json
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from raregan.data.kinds import DATE_FORMATS
from raregan.encoding.fields import Draw
from raregan.encoding.moments import MomentField
from raregan.errors import ModelFileError, SchemaError

RNG = np.random.default_rng(0)
DAYS = RNG.integers(-20_000, 20_000, 300)
SECONDS = RNG.integers(-(10**9), 2 * 10**9, 300)


def zoned(zone, unit="us"):
    moments = pl.Series(SECONDS * 10**3).cast(pl.Datetime("ms", "UTC"))
    return moments.dt.convert_time_zone(zone).dt.cast_time_unit(unit)


COLUMNS = {
    "date": pl.Series(DAYS, dtype=pl.Int32).cast(pl.Date),
    "ms": pl.Series(SECONDS * 10**3).cast(pl.Datetime("ms")),
    "us": pl.Series(SECONDS * 10**6 + 1).cast(pl.Datetime("us")),
    "ns": pl.Series(SECONDS * 10**9).cast(pl.Datetime("ns")),
    "UTC": zoned("UTC"),
    "Berlin": zoned("Europe/Berlin", "ms"),
    "Kolkata": zoned("Asia/Kolkata", "ns"),
}


def noise_for(field):
    wide = sum(part.width for part in field.parts)
    noise = RNG.normal(size=(400, wide)).astype(np.float32)
    noise[:4] = np.array([np.inf, -np.inf, 1e30, -1e30])[:, None]
    return noise


def there_and_back(field, cells):
    return field.decode(field.encode(cells), Draw())


@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_moments_come_back_exactly(cells):
    field = MomentField.fit(cells, None)
    back = there_and_back(field, cells)
    assert back.dtype == cells.dtype
    # an hour that comes twice is taken as the first
    wall, expected = (moments.to_physical() for moments in (back, cells))
    if getattr(cells.dtype, "time_zone", None):
        wall, expected = (m.dt.replace_time_zone(None) for m in (back, cells))
    assert wall.to_list() == expected.to_list()
    assert there_and_back(field, cells[:0]).to_list() == []


@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_noise_becomes_moments_in_range(cells):
    field = MomentField.fit(cells, None)
    made = field.decode(noise_for(field), Draw())
    assert (made.dtype, made.null_count()) == (cells.dtype, 0)
    assert cells.min() <= made.min()
    assert made.max() <= cells.max()
    assert made.n_unique() > 50


@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_a_field_comes_back_from_json(cells):
    field = MomentField.fit(cells, None)
    again = MomentField.from_dict(json.loads(json.dumps(field.to_dict(), allow_nan=False)))
    assert again.to_dict() == field.to_dict()
    noise = noise_for(field)
    assert again.decode(noise, Draw()).equals(field.decode(noise, Draw()))


@pytest.mark.parametrize("form", DATE_FORMATS)
def test_text_keeps_its_format(form):
    moments = pl.Series("x", SECONDS * 10**6).cast(pl.Datetime("us"))
    texts = moments.dt.to_string(form)
    field = MomentField.fit(texts, form)
    assert there_and_back(field, texts).to_list() == texts.to_list()
    made = field.decode(noise_for(field), Draw())
    read = made.str.to_datetime(form, time_unit="us")
    assert read.dt.to_string(form).to_list() == made.to_list()
    seen = texts.str.to_datetime(form, time_unit="us")
    assert seen.min() <= read.min()
    assert read.max() <= seen.max()


def test_text_that_is_no_date_is_refused():
    field = MomentField.fit(pl.Series("x", ["2024-01-01", "2024-05-03"]), "%Y-%m-%d")
    with pytest.raises(SchemaError, match=r"column 'x', data row 2 .* holds '01/05/2024', .* no d"):
        field.encode(pl.Series("x", ["2024-01-02", "01/05/2024"]))


def hours_around(change, zone):
    """Every quarter of an hour of the day before, of, and after a change of the clock."""
    steps = [change - timedelta(days=1) + n * timedelta(minutes=15) for n in range(288)]
    return pl.Series(steps).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", datetime(2024, 3, 31)),
        ("Europe/Berlin", datetime(2024, 10, 27)),
        ("America/New_York", datetime(1967, 4, 30)),
        ("Australia/Lord_Howe", datetime(2024, 10, 6)),
        ("Pacific/Apia", datetime(2011, 12, 30)),
        ("Africa/Monrovia", datetime(1972, 1, 7)),
    ],
)
def test_where_the_clock_jumps_no_time_is_lost(zone, change):
    cells = hours_around(change, zone)
    field = MomentField.fit(cells, None)
    made = field.decode(noise_for(field), Draw())
    assert (made.dtype, made.null_count()) == (cells.dtype, 0)
    assert cells.min() <= made.min()
    assert made.max() <= cells.max()
    back = there_and_back(field, cells)
    assert back.dt.replace_time_zone(None).equals(cells.dt.replace_time_zone(None))
    assert ((cells - back).unique().is_in([timedelta(0), timedelta(hours=1), HALF])).all()


HALF = timedelta(minutes=30)


def test_a_time_that_the_clock_skips_comes_out_an_hour_later():
    days = [datetime(2024, 3, day, hour, 30) for day in range(20, 31) for hour in (1, 2, 3)]
    days += [datetime(2024, 4, day, hour, 30) for day in range(1, 11) for hour in (1, 2, 3)]
    cells = pl.Series(days).dt.replace_time_zone("Europe/Berlin")
    field = MomentField.fit(cells, None)
    target = pl.Series([datetime(2024, 3, 31, 2, 30)])
    made = field.decode(field.calendar.encode(target.to_physical().to_numpy()), Draw())
    assert made[0].isoformat() == "2024-03-31T03:30:00+02:00"


def test_a_time_that_the_clock_skips_lies_not_beyond_the_last():
    days = [datetime(2024, 3, day, hour, 30) for day in range(10, 31) for hour in (1, 2, 3)]
    days += [datetime(2024, 3, 31, 1, 30), datetime(2024, 3, 31, 3, 10)]
    cells = pl.Series(days).dt.replace_time_zone("Europe/Berlin")
    field = MomentField.fit(cells, None)
    target = pl.Series([datetime(2024, 3, 31, 2, 30)]).to_physical().to_numpy()
    assert field.decode(field.calendar.encode(target), Draw())[0] == cells.max()


def test_what_was_one_moment_stays_one():
    cells = pl.Series([date(1969, 12, 31)] * 3)
    field = MomentField.fit(cells, None)
    assert field.parts == ()
    assert there_and_back(field, cells).to_list() == cells.to_list()


DATES = MomentField.fit(COLUMNS["date"], None).to_dict()
TEXTS = MomentField.fit(COLUMNS["date"].dt.to_string("%Y-%m-%d"), "%Y-%m-%d").to_dict()


@pytest.mark.parametrize(
    "data",
    [
        {**DATES, "dtype": "Int64"},
        {**DATES, "dtype": "Time"},
        {**DATES, "dtype": "Duration[us]"},
        {**DATES, "dtype": "Datetime[us]"},
        {**DATES, "format": "%Y"},
        {**DATES, "dtype": "String"},
        {**TEXTS, "format": None},
        {**TEXTS, "format": 3},
        {**DATES, "calendar": {}},
    ],
)
def test_a_damaged_field_is_refused(data):
    with pytest.raises(ModelFileError):
        MomentField.from_dict(data)
