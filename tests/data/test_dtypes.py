import polars as pl
import pytest

from raregan.data.dtypes import KNOWN_DTYPES, dtype_name, parse_dtype
from raregan.errors import SchemaError


@pytest.mark.parametrize("name", KNOWN_DTYPES)
def test_every_known_dtype_comes_back(name):
    assert dtype_name(parse_dtype(name)) == name


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8(),
        pl.Float32(),
        pl.String(),
        pl.Categorical(),
        pl.Null(),
        pl.Datetime("ms"),
        pl.Datetime("ns", "America/New_York"),
        pl.Duration("ns"),
        pl.Decimal(10, 3),
        pl.Enum(["ü", 'a "b"', "c, d]", ""]),
    ],
)
def test_a_dtype_comes_back_from_its_name(dtype):
    assert parse_dtype(dtype_name(dtype)) == dtype


@pytest.mark.parametrize(
    "name",
    [
        *("", "Int", "int64", "List(Int64)", "Object", None, 3, "Datetime", "Datetime[s]"),
        *("Datetime[us, Nowhere/At_all]", "Duration[us, UTC]", "Decimal[2]", "Decimal[a, b]"),
        *('Enum["a"', "Enum[1]", 'Enum["a", "a"]', "Enum[a]", "Int64[]"),
    ],
)
def test_what_is_no_dtype_is_refused(name):
    with pytest.raises(SchemaError, match="unknown dtype"):
        parse_dtype(name)
