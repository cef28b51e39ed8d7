import json
from datetime import time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.columns import QuantileColumn
from raregan.encoding.fields import Draw
from raregan.encoding.layout import Part
from raregan.encoding.numbers import NumberField
from raregan.errors import ModelFileError, SchemaError

ENCODINGS = ("quantile", "standard")
each = pytest.mark.parametrize("numeric", ENCODINGS)
SPIKE = Part("spike", 1, "sigmoid")
VALUE = Part("value", 1, "linear")
RNG = np.random.default_rng(0)
NOISE = np.concatenate(
    [RNG.normal(size=(300, 9)), [[np.inf] * 9, [-np.inf] * 9, [1e30] * 9, [-1e30] * 9]]
).astype(np.float32)


def decoded(field, matrix):
    return field.decode(matrix, Draw())


def there_and_back(field, cells):
    return decoded(field, field.encode(cells))


def noise_for(field):
    return NOISE[:, : sum(part.width for part in field.parts)]


COLUMNS = {
    "floats": pl.Series(RNG.gamma(2, size=200)),
    "money": pl.Series(np.round(RNG.exponential(50, 200), 2)),
    "single": pl.Series(RNG.normal(size=200), dtype=pl.Float32),
    "tiny": pl.Series(RNG.integers(-128, 128, 200), dtype=pl.Int8),
    "huge": pl.Series([2**53, 0, 2**53 - 1, 5, 2**40, 77], dtype=pl.UInt64),
    "decimal": pl.Series(
        [Decimal(int(n)).scaleb(-2) for n in RNG.integers(-(10**9), 10**9, 200)],
        dtype=pl.Decimal(38, 2),
    ),
    "full decimal": pl.Series([Decimal("999.99"), Decimal("-999.99"), Decimal(1)]).cast(
        pl.Decimal(5, 2)
    ),
    "fine decimal": pl.Series([1e-12 * n for n in range(9)]).cast(pl.Decimal(20, 12)),
    "text": pl.Series([f"{n / 100:.2f}" for n in RNG.integers(-(10**6), 10**6, 200)]),
    "duration": pl.Series([timedelta(days=int(n)) for n in RNG.integers(-900, 900, 200)]),
    "long duration": pl.Series(
        RNG.integers(-(10**5), 10**5, 99) * 86_400 * 10**9, dtype=pl.Duration("ns")
    ),
    "time": pl.Series([time(int(n) % 24, int(n) % 60, 0, int(n)) for n in range(0, 10**6, 9999)]),
}


@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_every_dtype_comes_back_exactly(cells):
    field = NumberField.fit(cells, "quantile")
    back = there_and_back(field, cells)
    assert back.dtype == cells.dtype
    assert back.to_list() == cells.to_list()
    assert there_and_back(field, cells[:0]).to_list() == []


@each
@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_noise_becomes_cells_in_range(numeric, cells):
    field = NumberField.fit(cells, numeric)
    made = decoded(field, noise_for(field))
    assert made.dtype == cells.dtype
    low, high = made.cast(pl.Float64), cells.cast(pl.Float64)
    if not cells.dtype.is_temporal():
        made, cells = low, high
    assert cells.min() <= made.min()
    assert made.max() <= cells.max()
    assert made.null_count() == 0
    assert made.n_unique() > 3


@each
@pytest.mark.parametrize("cells", COLUMNS.values(), ids=COLUMNS)
def test_a_field_comes_back_from_json_to_the_bit(numeric, cells):
    field = NumberField.fit(cells, numeric)
    again = NumberField.from_dict(json.loads(json.dumps(field.to_dict(), allow_nan=False)))
    assert again.to_dict() == field.to_dict()
    assert (again.encode(cells) == field.encode(cells)).all()
    assert decoded(again, noise_for(field)).equals(decoded(field, noise_for(field)))


@given(
    st.lists(
        st.one_of(st.sampled_from([0.0, -0.0, 99.0, np.inf, -np.inf]), st.floats(allow_nan=False)),
        min_size=1,
        max_size=60,
    )
)
def test_floats_come_back_and_noise_is_in_range(values):
    cells = pl.Series(values, dtype=pl.Float64)
    field = NumberField.fit(cells, "quantile")
    encoded = field.encode(cells)
    assert (encoded.dtype, np.isfinite(encoded).all()) == (np.float32, True)
    assert there_and_back(field, cells).to_list() == values
    made = decoded(field, noise_for(field))
    assert cells.min() <= made.min()
    assert made.max() <= cells.max()
    if field.scaling is None:
        assert set(made.to_list()) <= set(values)
    infinite = made.filter(made.is_infinite())
    assert set(infinite.to_list()) <= set(values)


@each
def test_zero_inflation_is_a_yes_or_no(numeric):
    cells = pl.Series([0.0] * 60 + np.round(RNG.exponential(50, 40) + 1, 2).tolist())
    field = NumberField.fit(cells, numeric)
    assert field.parts == (SPIKE, VALUE)
    encoded = field.encode(cells)
    assert encoded[:, 0].tolist() == [1.0] * 60 + [0.0] * 40
    assert not encoded[:60, 1].any()
    assert decoded(field, np.array([[1, 3.0], [0, -9.0]], np.float32)).to_list() == [
        0.0,
        cells[60:].min(),
    ]
    assert field.scaling.fit(cells[60:].to_numpy()).to_dict() == field.scaling.to_dict()


def test_several_spikes_are_one_of_many():
    cells = pl.Series([0] * 40 + [999] * 30 + list(range(1, 31)))
    field = NumberField.fit(cells, "quantile")
    assert field.spikes == (0.0, 999.0)
    assert field.parts == (Part("spike", 3, "softmax"), VALUE)
    encoded = field.encode(cells)
    assert encoded[[0, 40, 70], :3].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert there_and_back(field, cells).to_list() == cells.to_list()


def test_infinity_is_a_spike_however_rare():
    cells = pl.Series([np.inf, -np.inf, *RNG.normal(size=50).tolist()])
    field = NumberField.fit(cells, "quantile")
    assert field.spikes == (-np.inf, np.inf)
    assert there_and_back(field, cells).to_list() == cells.to_list()
    assert np.isfinite(decoded(field, noise_for(field)).to_numpy()[NOISE[:, 0] == 1e30]).all()


@each
def test_infinity_that_was_never_seen_counts_as_the_end(numeric):
    field = NumberField.fit(pl.Series([1.0, 2.5, 4.0, 7.0]), numeric)
    back = there_and_back(field, pl.Series([np.inf, -np.inf]))
    assert back.to_list() == pytest.approx([7.0, 1.0])


def test_few_equal_rows_and_small_shares_are_no_spikes():
    assert NumberField.fit(pl.Series([0.0, 0.0, 1.0, 2.0]), "quantile").spikes == ()
    cells = pl.Series([0.0] * 20 + RNG.normal(size=80).tolist())
    assert NumberField.fit(cells, "quantile").spikes == ()
    assert NumberField.fit(cells, "standard").spikes == (0.0,)


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([3.5], ()),
        ([np.inf, np.inf], ()),
        ([-0.0, 0.0], ()),
        ([1.0, 1.0, 1.0, 2.0], (SPIKE,)),
        ([1.0, 1.0, 1.0, 2.0, np.inf], (Part("spike", 3, "softmax"),)),
    ],
)
def test_columns_of_spikes_only_have_no_value(values, parts):
    cells = pl.Series(values)
    field = NumberField.fit(cells, "quantile")
    assert (field.parts, field.scaling) == (parts, None)
    assert there_and_back(field, cells).to_list() == values
    assert set(decoded(field, noise_for(field)).to_list()) == set(values)
    json.dumps(field.to_dict(), allow_nan=False)


def test_text_keeps_its_decimals():
    cells = pl.Series(["12.50", "-0.10", "100.00", "7.25", "0.00"])
    field = NumberField.fit(cells, "standard")
    assert there_and_back(field, cells).to_list() == cells.to_list()
    assert decoded(field, noise_for(field)).str.contains(r"^-?[0-9]+\.[0-9]{2}$").all()
    mixed = pl.Series(["1.5", "2.25", "3.125"])
    back = there_and_back(NumberField.fit(mixed, "quantile"), mixed)
    assert back.to_list() == ["1.500", "2.250", "3.125"]


def test_text_of_too_many_digits_is_refused():
    cells = pl.Series("x", ["1.50", f"{10**36}.25", "3.50", "4.50"])
    with pytest.raises(SchemaError, match="column 'x', data row 2 .* more than 38 digits"):
        NumberField.fit(cells, "quantile")


@each
def test_decimal_places_are_restored(numeric):
    field = NumberField.fit(COLUMNS["money"], numeric)
    made = decoded(field, noise_for(field)).to_list()
    assert len(set(made)) > 50
    assert all(value == round(value, 2) for value in made)


def test_durations_keep_their_unit():
    field = NumberField.fit(COLUMNS["duration"], "quantile")
    assert field.unit == 86_400_000_000
    made = decoded(field, noise_for(field))
    assert all(value % timedelta(days=1) == timedelta(0) for value in made)
    between = pl.Series([timedelta(days=3, hours=11)])
    assert there_and_back(field, between).to_list() == [timedelta(days=3)]


def test_ticks_beyond_2_to_the_53_are_still_spikes():
    ticks = [3 * (2**60 + n) for n in (0, 0, 0, 1024, 2048)]
    cells = pl.Series(ticks, dtype=pl.Int64).cast(pl.Duration("ns"))
    field = NumberField.fit(cells, "quantile")
    assert field.unit == 3 * 1024
    assert there_and_back(field, cells).to_list() == cells.to_list()


SOUND = NumberField.fit(pl.Series([0.0] * 5 + [1.5, 2.5, 3.25]), "quantile").to_dict()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spikes", [2.0, 1.0]),
        ("spikes", [1.0, 1.0]),
        ("spikes", [1]),
        ("spikes", ["nan"]),
        ("scaling", {"name": "quantile", "z": [0.0], "x": []}),
        ("decimals", -1),
        ("decimals", 11),
        ("decimals", "2"),
        ("decimals", 1.0),
        ("decimals", True),
        ("unit", 0),
        ("unit", 1.0),
        ("unit", None),
        ("steps", {"sizes": [], "shares": [], "low": 0.0, "high": 1.0}),
    ],
)
def test_a_damaged_field_is_refused(key, value):
    assert NumberField.from_dict(SOUND).to_dict() == SOUND
    assert isinstance(NumberField.from_dict(SOUND).scaling, QuantileColumn)
    with pytest.raises(ModelFileError):
        NumberField.from_dict({**SOUND, key: value})


def test_numbers_between_the_learned_ones_are_as_round_as_these():
    rng = np.random.default_rng(0)
    loans = rng.integers(10, 900, 400) * 100.0
    loans[:2] = [99_999.5, 123.25]
    field = NumberField.fit(pl.Series(loans), "quantile")
    made = decoded(field, rng.standard_normal((5000, 1)).astype(np.float32))
    assert made.is_between(123.25, 99_999.5).all()
    assert (made % 100 == 0).mean() == pytest.approx(0.995, abs=0.004)
    assert (made % 0.25 == 0).all()


def test_standard_scaling_keeps_the_finest_step_and_the_learned_values():
    loans = np.random.default_rng(0).permutation(np.arange(10, 410)) * 100
    field = NumberField.fit(pl.Series(loans), "standard")
    assert there_and_back(field, pl.Series(loans)).to_list() == loans.tolist()
    made = decoded(field, NOISE[:, :1])
    assert (made % 100 == 0).all()


def test_a_field_with_neither_spikes_nor_values_is_refused():
    with pytest.raises(ModelFileError):
        NumberField.from_dict({**SOUND, "spikes": [], "scaling": None})
