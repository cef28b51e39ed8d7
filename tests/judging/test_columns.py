from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from raregan.errors import SchemaError
from raregan.judging.columns import FEW_LEVELS, pair_columns
from raregan.judging.sides import like_real


def pair_of(real, synthetic):
    [pair] = pair_columns(pl.DataFrame({"a": real}), pl.DataFrame({"a": synthetic}))
    return pair


DAYS = [date(2020, 1, 1) + timedelta(i) for i in range(FEW_LEVELS + 1)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        (pl.Series(["1.5", "2.5"]).cast(pl.Decimal(4, 1)), "number"),
        ([True, None], "category"),
        (["a", "b"], "category"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "category"),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), "category"),
        ([date(1960, 1, 1), None], "date"),
        ([datetime.fromisoformat("2020-01-01")], "date"),
        ([time(7)], "time"),
        ([timedelta(1)], "duration"),
        ([None, None], "number"),
        ([str(day) for day in DAYS], "date"),
        ([str(day) for day in DAYS[1:]], "category"),
        ([f"{day:%d/%m/%Y}" for day in DAYS], "date"),
        ([f"{i}.5" for i in range(FEW_LEVELS + 1)], "number"),
        ([f"{i}" for i in range(FEW_LEVELS + 1)], "category"),
    ],
)
def test_the_dtype_decides_what_a_column_is(values, kind):
    pair = pair_of(values, values)
    assert pair.kind == kind
    np.testing.assert_array_equal(pair.real, pair.synthetic)


def test_levels_are_numbered_from_the_most_frequent_of_both_tables_ties_by_name():
    pair = pair_of(["b", "b", None], pl.Series(["a", "c", "a", "b"], dtype=pl.Categorical))
    assert pair.levels == ("b", "a", None, "c")
    assert pair.real.tolist() == [0, 0, 2]
    assert pair.synthetic.tolist() == [1, 3, 1, 0]
    assert pair.missing == pytest.approx((1 / 3, 0))


def test_missing_numbers_are_nan_and_infinite_ones_can_be_put_at_the_ends():
    pair = pair_of([1.0, None, float("nan"), float("inf")], [-7, 2, None])
    np.testing.assert_array_equal(pair.real, [1, np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(pair.finite[0], [1, np.nan, np.nan, 2])
    np.testing.assert_array_equal(pair.present[1], [-7, 2])
    assert pair.missing == pytest.approx((0.5, 1 / 3))


INSTANT = datetime.fromisoformat("1950-01-02 03:04:05")


@pytest.mark.parametrize(
    "other",
    [
        pl.Series([INSTANT], dtype=pl.Datetime("ns")),
        pl.Series([INSTANT], dtype=pl.Datetime("ms")),
        pl.Series([INSTANT], dtype=pl.Datetime("us", "UTC")),
        pl.Series([INSTANT]).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
        pl.Series(["1950-01-02T03:04:05"]),
        pl.Series(["1950-01-02T03:04:05.000000"]),
    ],
)
def test_an_instant_is_the_same_in_every_unit_zone_and_spelling(other):
    pair = pair_of([INSTANT], other)
    seconds = -20 * 365 * 86_400 - 5 * 86_400 + 86_400 + 3 * 3600 + 4 * 60 + 5  # five leap days
    assert pair.real.tolist() == pair.synthetic.tolist() == [seconds]


def test_text_is_read_where_the_other_table_holds_numbers_or_times():
    assert pair_of([1.5, None], ["2", " 3.5 "]).synthetic.tolist() == [2, 3.5]
    assert pair_of(["07:30:00.5", None], [time(1)]).real[0] == 7.5 * 3600 + 0.5
    assert pair_of([date(2020, 1, 1)], ["2020-01-02"]).synthetic.tolist() == [18263 * 86400]


def test_a_column_that_is_missing_in_one_table_is_what_it_is_in_the_other():
    for nothing in (pl.Series([None]), pl.Series([None], dtype=pl.List(pl.Int8))):
        assert pair_of(["a"], nothing).levels == (None, "a")
        assert pair_of(nothing, [date(2020, 1, 1)]).kind == "date"


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        ([1.0], ["one"]),
        ([True], [1]),
        ([date(2020, 1, 1)], [1]),
        ([time(1)], [timedelta(1)]),
        ([date(2020, 1, 1)], ["1 Jan, perhaps"]),
        ([timedelta(1)], ["1 day"]),
    ],
)
def test_what_cannot_be_compared_is_refused_from_either_side(real, synthetic):
    for sides in ((real, synthetic), (synthetic, real)):
        with pytest.raises(SchemaError, match="'a' is .* cast one of them"):
            pair_of(*sides)
    with pytest.raises(SchemaError, match="no distribution to compare; drop it"):
        pair_of([[1]], [1])


def test_dates_that_are_written_in_two_ways_are_refused():
    days = pl.Series("day", [f"2024-01-{day:02}" for day in range(1, 29)])
    other = days.str.to_date().dt.strftime("%d/%m/%Y")
    real, made = days.to_frame(), other.to_frame()
    with pytest.raises(SchemaError, match="'%Y-%m-%d' in the real rows and as '%d/%m/%Y' in the"):
        pair_columns(real, made)
    with pytest.raises(SchemaError, match="in the held-out ones"):
        like_real(made, real, "held-out")
    [pair] = pair_columns(real, days.reverse().to_frame())
    assert pair.kind == "date"
    assert pair_columns(real, days.str.to_date().to_frame())[0].kind == "date"
