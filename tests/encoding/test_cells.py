import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.data.schema import Column
from raregan.encoding.cells import (
    MAX_DECIMALS,
    count_decimals,
    numpy_dtype,
    round_to,
    to_floats,
)
from raregan.errors import SchemaError


def decimals(values, dtype="Float64", kind="continuous"):
    cells = pl.Series(values, dtype=getattr(pl, dtype)()).to_numpy().astype(np.float64)
    return count_decimals(cells, Column("x", dtype, kind))


@pytest.mark.parametrize("dtype", ["Int8", "UInt64", "Float32", "Float64", "Boolean"])
def test_cells_become_floats(dtype):
    values = to_floats(pl.Series([1, 0, 1]).cast(getattr(pl, dtype)))
    assert (values.dtype, values.tolist()) == (np.float64, [1.0, 0.0, 1.0])


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_only_finite_cells_are_taken(bad):
    with pytest.raises(SchemaError, match=rf"column 'x', data row 2 .* holds {bad}: only finite"):
        to_floats(pl.Series("x", [1.0, bad, bad]))


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
    assert decimals([0.1, 149.62], "Float32") == 2
    assert decimals([0.1, 149.625], "Float32") == 3


def test_integers_have_none_and_constants_are_left_alone():
    assert decimals([1, 2], "Int16", "integer") == 0
    assert decimals([1, 2**53], "Int64", "integer") == 0
    assert decimals([True, False], "Boolean", "boolean") == 0
    assert decimals([2.5, 2.5], kind="constant") is None


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


@pytest.mark.parametrize(("dtype", "name"), [("UInt8", "uint8"), ("Boolean", "bool")])
def test_dtypes_have_their_numpy_names(dtype, name):
    assert numpy_dtype(Column("x", dtype, "integer")) == np.dtype(name)
