import json
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import norm

from raregan.encoding.columns import ENCODINGS, QuantileColumn, StandardColumn
from raregan.encoding.knots import MAX_KNOTS
from raregan.errors import ModelFileError

LEARNED = (QuantileColumn, StandardColumn)
learned = pytest.mark.parametrize("encoding", LEARNED)
finite = st.floats(allow_nan=False, allow_infinity=False)
cells = st.one_of(
    finite,
    st.sampled_from([0.0, -0.0, 1.0, 2.5]),  # ties and spikes
    st.integers(-50, 50).map(float),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True, max_value=1e-300),
)
columns = st.lists(cells, min_size=1, max_size=60).map(np.array)
LARGEST = np.finfo(np.float64).max
TINY = 5e-324
hard = [
    np.array([-LARGEST, TINY, LARGEST]),
    np.array([LARGEST, np.nextafter(LARGEST, 0)]),
    np.array([3 * TINY, 5 * TINY]),
    np.array([0.0, TINY]),
    np.array([-0.0, 0.0]),
    np.array([1.0, np.nextafter(1.0, 2)]),
    np.array([1e16, 1e16 + 2, 1e16 + 2]),
]


def with_hard_columns(test):
    for values in hard:
        test = example(values=values)(test)
    return test


def neighbours(values):
    """The values, and what lies just beside and between them, in order."""
    middles = values[:-1] / 2 + values[1:] / 2
    below, above = np.nextafter(values, -LARGEST), np.nextafter(values, LARGEST)
    return np.sort(np.concatenate([values, middles, below, above, [-LARGEST, LARGEST, 0.0]]))


@with_hard_columns
@given(values=columns)
def test_quantile_returns_training_values_to_the_bit(values):
    column = QuantileColumn.fit(values)
    matrix = column.encode(values)
    assert (matrix.dtype, matrix.shape) == (np.float32, (len(values), 1))
    assert column.decode(matrix).tolist() == values.tolist()


@with_hard_columns
@given(values=columns)
def test_standard_returns_training_values_up_to_float32(values):
    column = StandardColumn.fit(values)
    matrix = column.encode(values)
    assert (matrix.dtype, matrix.shape) == (np.float32, (len(values), 1))
    largest = max(np.abs(values).max(), 1e-290)  # below it float64 itself is coarse
    quarters = values / 4, column.decode(matrix) / 4, column.mean * column.scale / 4
    allowed = 2.0**-24 * np.abs(quarters[0] - quarters[2]) + 2.0**-52 * largest
    assert (np.abs(quarters[1] - quarters[0]) <= allowed).all()


@learned
@with_hard_columns
@given(values=columns)
def test_encoding_never_falls_and_is_finite(encoding, values):
    matrix = encoding.fit(values).encode(neighbours(values))
    assert np.isfinite(matrix).all()
    assert (np.diff(matrix[:, 0]) >= 0).all()


@learned
@with_hard_columns
@given(values=columns)
def test_what_is_decoded_is_in_range(encoding, values):
    column = encoding.fit(values)
    seen = column.encode(neighbours(values))
    beyond = np.array([[-np.inf], [np.inf], [-3e38], [3e38], [-7], [0.1], [5]], dtype=np.float32)
    for matrix in (seen, beyond, seen * np.float32(1.01), seen[::2] / 3):
        decoded = column.decode(matrix)
        assert (decoded.dtype, decoded.shape) == (np.float64, (len(matrix),))
        assert ((values.min() <= decoded) & (decoded <= values.max())).all()


@learned
@with_hard_columns
@given(values=columns)
def test_decoding_never_falls_but_for_rounding(encoding, values):
    matrix = np.linspace(-4, 4, 400, dtype=np.float32)[:, None]
    decoded = encoding.fit(values).decode(matrix) / 4
    assert (np.diff(decoded) >= -(2.0**-52) * np.abs(values).max()).all()


@learned
@with_hard_columns
@given(values=columns)
def test_an_encoding_comes_back_from_json_to_the_bit(encoding, values):
    column = encoding.fit(values)
    again = ENCODINGS[column.name].from_dict(json.loads(json.dumps(column.to_dict())))
    assert type(again) is encoding
    assert again.to_dict() == column.to_dict()
    matrix = np.linspace(-4, 4, 50, dtype=np.float32)[:, None]
    assert (again.encode(values) == column.encode(values)).all()
    assert (again.decode(matrix) == column.decode(matrix)).all()


@given(values=columns)
def test_quantile_does_not_change_the_callers_values(values):
    before = values.copy()
    column = QuantileColumn.fit(values)
    matrix = column.encode(values)
    kept = matrix.copy()
    column.decode(matrix)
    assert (values == before).all()
    assert (matrix == kept).all()


def test_quantile_makes_any_continuous_column_normal():
    rng = np.random.default_rng(3)
    values = np.exp(3 * rng.normal(size=492))
    z = QuantileColumn.fit(values).encode(values)[:, 0]
    assert np.sort(z) == pytest.approx(norm.ppf((np.arange(492) + 0.5) / 492), abs=1e-6)


def test_quantile_gives_back_the_distribution_of_normal_draws():
    rng = np.random.default_rng(4)
    values = rng.gamma(2, size=800)
    decoded = QuantileColumn.fit(values).decode(rng.normal(size=(100_000, 1)).astype(np.float32))
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        assert np.mean(decoded <= np.quantile(values, share)) == pytest.approx(share, abs=0.005)


def test_a_spike_keeps_its_share_and_stays_exact():
    rng = np.random.default_rng(5)
    values = np.where(rng.random(1_000) < 0.3, 0.0, rng.gamma(2, size=1_000))
    share = np.mean(values == 0)
    column = QuantileColumn.fit(values)
    decoded = column.decode(rng.normal(size=(100_000, 1)).astype(np.float32))
    assert np.mean(decoded == 0) == pytest.approx(share, abs=0.006)
    middle = (column.z[0] + column.z[1]) / 2
    assert column.encode(np.zeros(1))[0, 0] == pytest.approx(middle, abs=1e-6)


def test_values_beyond_the_observed_range_count_as_its_ends():
    for encoding in LEARNED:
        column = encoding.fit(np.array([1.0, 2.0, 4.0]))
        outside, ends = column.encode(np.array([-9.0, 9.0])), column.encode(np.array([1.0, 4.0]))
        assert (outside == ends).all()


def test_thinned_columns_come_back_within_the_stated_tolerance():
    rng = np.random.default_rng(6)
    spike = np.full(3_000, 2.5)
    values = np.concatenate([rng.standard_t(2, size=20_000), spike])
    column = QuantileColumn.fit(values)
    assert len(column.x) <= MAX_KNOTS
    decoded = column.decode(column.encode(values))
    at = np.clip(np.searchsorted(column.x, values, "right"), 1, len(column.x) - 1)
    rise, width = (knots[at] - knots[at - 1] for knots in (column.x, column.z))
    assert (np.abs(decoded - values) <= 2.0**-21 / width * rise).all()
    for exact in (values.min(), values.max(), 2.5):
        assert (decoded[values == exact] == exact).all()
        assert (values[decoded == exact] == exact).all()


def test_thinned_integers_come_back():
    values = np.random.default_rng(7).integers(0, 10**6, 30_000).astype(np.float64)
    column = QuantileColumn.fit(values)
    assert (np.rint(column.decode(column.encode(values))) == values).all()


@learned
@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_column_of_one_value_can_be_learned(encoding, n):
    """A part of the rows may hold one value though the column has more."""
    column = encoding.fit(np.full(n, 3.25))
    assert column.encode(np.full(n, 3.25)).tolist() == [[0.0]] * n
    assert column.decode(np.array([[-2.0], [0.0], [9.0]], dtype=np.float32)).tolist() == [3.25] * 3


def test_standard_has_mean_0_and_deviation_1():
    values = np.random.default_rng(8).normal(1e6, 20, 5_000)
    matrix = StandardColumn.fit(values).encode(values)
    assert matrix.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert matrix.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_encodings_are_found_by_name():
    assert {"standard": StandardColumn, "quantile": QuantileColumn} == ENCODINGS
    assert all(name == encoding.name for name, encoding in ENCODINGS.items())


def test_the_curve_needs_fewer_spikes_apart_than_the_plain_scale():
    """A flat segment of the curve keeps a spike; a straight line has none."""
    assert 0 < StandardColumn.spike_share < QuantileColumn.spike_share < 0.5


SOUND = {
    "standard": StandardColumn.fit(np.array([1.0, 2.0])).to_dict(),
    "quantile": QuantileColumn.fit(np.array([1.0, 2.0, 2.0])).to_dict(),
}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *((name, key, None) for name, data in SOUND.items() for key in data),
        *((name, key, "1") for name, data in SOUND.items() for key in data),
        *((name, key, math.nan) for name, data in SOUND.items() for key in data),
        *((name, key, [math.inf] * 3) for name, data in SOUND.items() for key in data),
        *((name, key, [True] * 3) for name, data in SOUND.items() for key in data),
        ("standard", "mean", 10**400),
        ("standard", "mean", True),
        ("standard", "scale", 0),
        ("standard", "std", -1.0),
        ("standard", "minimum", 3.0),
        ("quantile", "z", [-1.0, 0.0]),
        ("quantile", "z", []),
        ("quantile", "z", [-1.0, 0.0, 0.0]),
        ("quantile", "z", [-1.0, 0.0, 0.1]),  # no float32 number
        ("quantile", "z", [-1.0, 0.0, 1e300]),
        ("quantile", "x", [2.0, 1.0, 2.0]),
        ("quantile", "x", [[1.0], [2.0], [2.0]]),
    ],
)
def test_a_damaged_encoding_is_refused(name, key, value):
    assert ENCODINGS[name].from_dict(SOUND[name]).to_dict() == SOUND[name]
    with pytest.raises(ModelFileError):
        ENCODINGS[name].from_dict({**SOUND[name], key: value})


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_without_its_fields_is_refused(name):
    with pytest.raises(ModelFileError):
        ENCODINGS[name].from_dict({})
