# ruff: noqa: DTZ001 - times without a zone are among what is tested

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.cells import (
    MAX_DECIMALS,
    count_decimals,
    from_values,
    numpy_dtype,
    round_to,
    to_decimals,
    to_floats,
    to_values,
)
from raregan.errors import ModelFileError, SchemaError


def decimals(values, dtype=pl.Float64):
    return count_decimals(pl.Series(values, dtype=dtype).to_numpy().astype(np.float64), dtype())


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean])
def test_cells_become_floats(dtype):
    values = to_floats(pl.Series([1, 0, 1]).cast(dtype))
    assert (values.dtype, values.tolist()) == (np.float64, [1.0, 0.0, 1.0])


@pytest.mark.parametrize("dtype", [pl.Decimal(38, 0), pl.Decimal(38, 12), pl.Decimal(5, 2)])
def test_floats_beyond_a_decimal_become_its_last(dtype):
    limit = 10.0 ** (dtype.precision - dtype.scale)
    cells = to_decimals(np.array([limit, -limit, np.inf, 1.0]), dtype)
    assert cells.dtype == dtype
    high, low, highest, one = to_floats(cells)
    assert (low, highest, one) == (-high, high, 1)
    assert limit * 0.9999 < high < limit


def test_numbers_written_out_become_the_nearest_floats():
    texts = ["12.50", "-0.10", "3.00"]
    assert to_floats(pl.Series(texts)).tolist() == [12.5, -0.1, 3.0]
    cells = pl.Series([Decimal(text) for text in texts], dtype=pl.Decimal(10, 2))
    assert to_floats(cells).tolist() == [12.5, -0.1, 3.0]


def test_text_that_is_no_number_is_refused():
    with pytest.raises(SchemaError, match=r"column 'x', data row 2 .* holds 'two', .* no number"):
        to_floats(pl.Series("x", ["1.5", "two", "3"]))


def test_infinity_is_a_number():
    assert to_floats(pl.Series([np.inf, -np.inf])).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, -3.0], 0),
        ([0.0], 0),
        ([1.5, 2.0], 1),
        ([149.62, 2.69, 0.1], 2),
        ([0.1 + 0.2], None),
        ([1 / 3], None),
        ([1e-10], 10),
        ([1e-11], None),
        ([1e14, 0.5], 1),
        ([1e15, 0.5], None),
        ([2.0**53, 1.0], None),  # cannot be counted, so left alone
        ([1e308, 0.5], None),
        ([5e-324], None),
    ],
)
def test_decimal_places_are_counted(values, expected):
    assert decimals(values) == expected


def test_float32_has_decimal_places_of_its_own():
    assert decimals([0.1, 149.62], pl.Float32) == 2
    assert decimals([0.1, 149.625], pl.Float32) == 3


def test_integers_have_none():
    assert decimals([1, 2], pl.Int16) == 0
    assert decimals([1, 2**53], pl.Int64) == 0


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1), st.integers(0, MAX_DECIMALS - 1))
def test_decimal_numbers_are_recognised(wholes, places):
    values = np.array([float(f"{whole}e-{places}") for whole in wholes])
    counted = decimals(values)
    assert counted is not None
    assert counted <= places
    assert round_to(values.copy(), counted).tolist() == values.tolist()


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_rounding_gives_the_float_nearest_to_a_decimal_number(value, places):
    rounded = float(round_to(np.array([value]), places)[0])
    assert rounded == float(f"{rounded:.{places}f}")
    assert abs(rounded - value) <= 0.5 * 10.0**-places + np.spacing(abs(value))


def test_rounding_leaves_no_negative_zero():
    for places in (0, 2):
        rounded = round_to(np.array([-0.001, -0.0]), places)
        assert not np.signbit(rounded).any()


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1), st.integers(0, 6))
def test_rounding_stays_between_rounded_bounds(a, b, share, places):
    low, high = sorted(round_to(np.array([a, b]), places).tolist())
    inside = min(max(low + share * (high - low), low), high)
    assert low <= round_to(np.array([inside]), places)[0] <= high


@pytest.mark.parametrize(("dtype", "name"), [(pl.UInt8, "uint8"), (pl.Float32, "float32")])
def test_dtypes_have_their_numpy_names(dtype, name):
    assert numpy_dtype(dtype()) == np.dtype(name)


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([1, None, -(2**63)], dtype=pl.Int64),
        pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
        pl.Series([0.1, None, 5e-324, np.inf, -np.inf]),
        pl.Series([0.1, 3e38], dtype=pl.Float32),
        pl.Series([True, None, False]),
        pl.Series(["", "ü", None, "\x00"]),
        pl.Series(["b", "a", None], dtype=pl.Categorical),
        pl.Series(["b", "a"], dtype=pl.Enum(["a", "b", "c"])),
        pl.Series([Decimal("12.50"), None], dtype=pl.Decimal(38, 2)),
        pl.Series([date(1901, 2, 3), None]),
        pl.Series([datetime(1960, 1, 1, 0, 0, 0, 1)], dtype=pl.Datetime("us")),
        pl.Series([datetime(2024, 10, 27, 1, 30)]).dt.replace_time_zone("Europe/Berlin"),
        pl.Series([timedelta(days=-3, microseconds=1)], dtype=pl.Duration("ns")),
        pl.Series([time(23, 59, 59)]),
        pl.Series([None], dtype=pl.Null),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_cells_come_back_from_json(cells):
    again = from_values(json.loads(json.dumps(to_values(cells), allow_nan=False)), cells.dtype)
    assert again.dtype == cells.dtype
    assert again.to_list() == cells.to_list()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a"], pl.Int64()),
        ([300], pl.UInt8()),
        ([2**70], pl.Int64()),
        (["nan?"], pl.Float64()),
        ([1], pl.String()),
        (["z"], pl.Enum(["a"])),
        (["1.5x"], pl.Decimal(10, 2)),
        (["100000.00"], pl.Decimal(4, 2)),
        (["2024-01-01"], pl.Date()),
        ([[1]], pl.Float64()),
        (3, pl.Int64()),
        (None, pl.Float64()),
    ],
)
def test_values_of_another_type_are_refused(values, dtype):
    with pytest.raises(ModelFileError):
        from_values(values, dtype)
