import json
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.data.constraints import Sum
from raregan.encoding.totals import Total, fit_total
from raregan.errors import ModelFileError, SchemaError

RULE = Sum(("a", "b"), "t")


def add_up(total, **cells):
    return total.add_up({name: pl.Series(values) for name, values in cells.items()})


def fit(frame):
    return fit_total(RULE, frame)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Float64, pl.Decimal(10, 2)])
def test_a_total_is_added_up_in_its_own_dtype(dtype):
    frame = pl.DataFrame({"a": [1, 2, 30], "b": [5, 0, 70], "t": [6, 2, 100]}).cast(dtype)
    total = fit(frame)
    made = total.add_up(frame.to_dict())
    assert made.dtype == dtype
    assert made.to_list() == frame["t"].to_list()
    again = Total.from_dict(json.loads(json.dumps(total.to_dict(), allow_nan=False)))
    assert again == total
    assert total.in_range(frame).all()


@given(
    st.lists(st.tuples(*[st.integers(-(10**8), 10**8)] * 2), min_size=1),
    st.sampled_from([pl.Float64(), pl.Decimal(38, 2)]),
)
def test_money_adds_up_to_the_cent(cents, dtype):
    parts = {
        name: pl.Series([Decimal(row[i]).scaleb(-2) for row in cents], dtype=pl.Decimal(38, 2))
        for i, name in enumerate("ab")
    }
    whole = pl.Series([Decimal(a + b).scaleb(-2) for a, b in cents], dtype=pl.Decimal(38, 2))
    frame = pl.DataFrame({**parts, "t": whole}).cast(dtype)
    total = fit(frame)
    made = total.add_up(frame.to_dict())
    assert made.to_list() == frame["t"].to_list()
    assert RULE.holds(frame.with_columns(t=made)).all()


@pytest.mark.parametrize(
    ("dtype", "large"),
    [
        (pl.Int8, 127),
        (pl.UInt8, 255),
        (pl.Int64, 2**63 - 1),
        (pl.UInt64, 2**64 - 1),
        (pl.Decimal(5, 2), 999),
        (pl.Decimal(38, 2), 10**35),
    ],
)
def test_a_sum_beyond_its_dtype_is_out_of_range(dtype, large):
    frame = pl.DataFrame({"a": [1, 2], "b": [3, 4], "t": [4, 6]}).cast(dtype)
    total = fit(frame)
    made = total.add_up(
        {"a": pl.Series([large, 1]).cast(dtype), "b": pl.Series([large, 3]).cast(dtype)}
    )
    assert made.dtype == dtype
    assert made[0] > 6
    assert total.in_range(pl.DataFrame({"t": made})).to_list() == [False, True]


def test_a_decimal_total_reaches_its_last_cent():
    frame = pl.DataFrame({"a": ["900.00"], "b": ["99.99"], "t": ["999.99"]}).cast(pl.Decimal(5, 2))
    total = fit(frame)
    made = add_up(total, a=[900.0, 900.0], b=[99.99, 150.0])
    assert made.to_list() == [Decimal("999.99")] * 2


def test_a_missing_summand_makes_the_total_missing():
    frame = pl.DataFrame({"a": [1, None, 3], "b": [None, 2, 4], "t": [None, None, 7]})
    total = fit(frame)
    made = total.add_up(frame.to_dict())
    assert made.to_list() == [None, None, 7]
    assert total.in_range(pl.DataFrame({"t": made})).all()
    assert (total.low, total.high) == (7.0, 7.0)


def test_a_total_that_is_always_missing_can_be_fitted():
    frame = pl.DataFrame({"a": [1], "b": [2], "t": pl.Series([None], dtype=pl.Int64)})
    total = fit(frame)
    assert total.to_dict()["low"] == total.to_dict()["high"] == 0.0


def test_a_known_total_of_a_missing_part_is_refused():
    frame = pl.DataFrame({"a": [1, None], "b": [2, 2], "t": [3, 9]})
    with pytest.raises(SchemaError, match=r"'t', data row 2 .* holds 9, though one of 'a', 'b'"):
        fit(frame)


def test_infinite_sums_come_back_from_json():
    frame = pl.DataFrame({"a": [1.5, np.inf], "b": [2.0, 1.0], "t": [3.5, np.inf]})
    total = fit(frame)
    again = Total.from_dict(json.loads(json.dumps(total.to_dict(), allow_nan=False)))
    assert again == total
    made = add_up(total, a=[np.inf, np.inf], b=[1.0, -np.inf])
    assert total.in_range(pl.DataFrame({"t": made})).to_list() == [True, False]


SOUND = fit(pl.DataFrame({"a": [1], "b": [2], "t": [3]})).to_dict()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dtype", "String"),
        ("dtype", "Date"),
        ("decimals", -1),
        ("decimals", 1.0),
        ("low", 9.0),
        ("low", "3"),
        ("low", 3),
        ("high", None),
        ("high", "nan"),
    ],
)
def test_a_damaged_total_is_refused(key, value):
    assert Total.from_dict(SOUND).to_dict() == SOUND
    with pytest.raises(ModelFileError):
        Total.from_dict({**SOUND, key: value})
