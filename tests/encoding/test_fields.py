import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from raregan.encoding.fields import ConstantField, Draw, IdentifierField
from raregan.encoding.identifiers import FreshIdentifiers
from raregan.errors import ModelFileError

ONE = pl.Series([1])
NOTHING = np.empty((3, 0), np.float32)


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([7.5, 7.5]),
        pl.Series([-np.inf]),
        pl.Series([2**63], dtype=pl.UInt64),
        pl.Series(["ü"], dtype=pl.Categorical),
        pl.Series([date(1900, 1, 1)]),
        pl.Series([], dtype=pl.Duration("ms")),
        pl.Series([], dtype=pl.Null),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_a_constant_takes_no_room_and_comes_back(cells):
    field = ConstantField.fit(cells)
    assert field.parts == ()
    assert (field.encode(cells).shape, field.encode(cells).dtype) == ((len(cells), 0), np.float32)
    again = ConstantField.from_dict(json.loads(json.dumps(field.to_dict(), allow_nan=False)))
    for kept in (field, again):
        made = kept.decode(NOTHING, Draw())
        assert made.dtype == cells.dtype
        assert made.to_list() == [cells[0] if len(cells) else None] * 3


@pytest.mark.parametrize("value", [[], [1, 2], ["a"], None, 3])
def test_a_damaged_constant_is_refused(value):
    data = ConstantField.fit(ONE).to_dict()
    with pytest.raises((ModelFileError, TypeError)):  # the encoder turns one into the other
        ConstantField.from_dict({**data, "value": value})


@pytest.mark.parametrize("dtype", [pl.String(), pl.Categorical(), pl.Int64()])
def test_identifiers_are_made_up_by_row_and_seed(dtype):
    plain = pl.Series("id", [10_000_000 + 7 * i for i in range(50)])
    plain = plain if dtype.is_integer() else "C" + plain.cast(pl.String)
    field = IdentifierField(FreshIdentifiers.fit(plain, plain, seed=0), str(dtype))
    assert field.parts == ()
    assert field.encode(plain.cast(dtype)).shape == (50, 0)
    made = field.decode(np.empty((40, 0), np.float32), Draw(0, 5))
    assert made.dtype == dtype
    assert made.n_unique() == 40
    assert not set(made.to_list()) & set(plain.to_list())
    assert field.decode(np.empty((9, 0), np.float32), Draw(31, 5)).to_list() == made[31:].to_list()
    assert field.decode(np.empty((40, 0), np.float32), Draw(0, 6)).to_list() != made.to_list()
    again = IdentifierField.from_dict(json.loads(json.dumps(field.to_dict())))
    assert again.decode(np.empty((40, 0), np.float32), Draw(0, 5)).to_list() == made.to_list()
