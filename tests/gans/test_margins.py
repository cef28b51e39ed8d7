import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import expon, ks_2samp, kstest, lognorm, norm, spearmanr

from raregan.errors import ModelFileError
from raregan.gans.calibration import calibrate
from raregan.gans.frozen import FrozenGenerator
from raregan.gans.margins import MOST_KNOTS, MarginalGenerator, fit_margins
from tests.gans.test_calibration import layout_of, random_generator

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state
LATENT, FRESH = (
    np.random.default_rng(seed).standard_normal((n, 2), dtype=np.float32)
    for seed, n in ((1, 16_384), (2, 20_000))
)
TWO = layout_of((2, "linear"))
GATED = layout_of((1, "sigmoid"), (1, "linear"), gates=((0, 1),))
"""A flag, and a number that there is only without it."""


@pytest.fixture(autouse=True)
def same_draws():
    """Each test draws the same, whichever tests ran before it."""
    RNG.bit_generator.state = START


def passing(layout=TWO, kernel=((1, 0), (0, 1))):
    """A generator of one layer: without a kernel its rows are the noise itself."""
    bias = np.zeros(layout.width, np.float32)
    return FrozenGenerator((np.array(kernel, np.float32),), (bias,), layout)


def column_rows(*columns):
    return np.column_stack(columns).astype(np.float32)


def test_numbers_get_the_distribution_of_the_rows():
    rows = column_rows(RNG.exponential(3, 5_000), RNG.lognormal(1, 2, 5_000))
    made = fit_margins(passing(), rows, LATENT)(FRESH)
    assert made.dtype == np.float32
    for column, expected in zip(made.T, (expon(scale=3), lognorm(2, scale=np.e)), strict=True):
        assert kstest(column, expected.cdf).statistic < 0.03
    assert kstest(FRESH[:, 0], expon(scale=3).cdf).statistic > 0.3  # as it was before


@pytest.mark.parametrize("n", [10, 60, 300])
def test_few_rows_give_the_distribution_that_they_have(n):
    rows = column_rows(RNG.uniform(-1, 4, n), RNG.normal(50, 1, n))
    made = fit_margins(passing(), rows, LATENT)(FRESH)
    for column, real in zip(made.T, rows.T, strict=True):
        assert ks_2samp(column, real).statistic < 0.5 / n + 0.02


def test_a_distorted_generator_is_set_right():
    class Cubed(FrozenGenerator):
        def __call__(self, latent):
            return super().__call__(latent) ** 3 + 7

    distorted = Cubed(*vars(passing()).values())
    rows = RNG.normal(-2, 0.1, (2_000, 2)).astype(np.float32)
    made = fit_margins(distorted, rows, LATENT)(FRESH)
    assert kstest(made[:, 0], norm(-2, 0.1).cdf).statistic < 0.04


values = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1.0, 1e-30])


@given(arrays(np.float32, (30, 2), elements=values), arrays(np.float32, (50, 2), elements=values))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_rows_is_kept(rows, latent):
    made = fit_margins(passing(), rows, latent)(FRESH[:500] * 3)
    assert np.isfinite(made).all()
    for before, after in zip(FRESH[:500].T, made.T, strict=True):
        assert (np.diff(after[np.argsort(before)]) >= 0).all()


def test_what_numbers_have_to_do_with_each_other_is_kept():
    together = passing(kernel=((1, 0.8), (0, 0.6)))
    rows = column_rows(RNG.exponential(3, 5_000), RNG.uniform(0, 1, 5_000))
    made = fit_margins(together, rows, LATENT)(FRESH)
    before, after = (spearmanr(numbers).statistic for numbers in (together(FRESH), made))
    assert before > 0.7
    assert after == pytest.approx(before, abs=1e-4)


def test_few_rows_are_the_knots_themselves():
    rows = RNG.normal(size=(40, 2)).astype(np.float32)
    margins = fit_margins(passing(), rows, LATENT)
    np.testing.assert_allclose(margins.real, np.sort(rows.T, axis=1), rtol=1e-6)
    chances = (np.arange(40) + 0.5) / 40
    assert np.abs(margins.drawn - norm.ppf(chances)).max() < 0.1
    many = fit_margins(passing(), RNG.normal(size=(400, 2)).astype(np.float32), LATENT)
    assert many.drawn.shape == many.real.shape == (2, MOST_KNOTS)


def test_a_number_behind_a_gate_is_that_of_the_rows_it_lets_through():
    """The flag is there when the number would be low: what is behind it must not count."""
    generator = passing(GATED, ((-1, 1), (0, 0)))  # the number is above 0 wherever there is one
    flag = np.arange(4_000) % 2
    rows = column_rows(flag, np.where(flag, 0, RNG.normal(10, 1, 4_000)))
    margins = fit_margins(generator, rows, LATENT)
    made = margins(FRESH)
    assert set(made[:, 0]) == {0, 1}
    through = made[made[:, 0] == 0, 1]
    assert kstest(through, norm(10, 1).cdf).statistic < 0.03
    assert margins.real[0].min() > 5
    assert margins.drawn[0].min() > 0


@pytest.mark.parametrize("side", ["rows", "generator"])
def test_a_number_that_no_row_has_stays_as_it_is_drawn(side):
    kernel = ((0, 1), (1, 0)) if side == "rows" else ((0, 1), (0, 0))
    generator = passing(GATED, kernel)
    rows = column_rows(np.ones(50), np.zeros(50))
    if side == "generator":
        generator = generator.shifted(np.array([1.0, 0.0]))  # the flag is always there
        rows = column_rows(np.zeros(50), RNG.normal(10, 1, 50))
    np.testing.assert_allclose(
        fit_margins(generator, rows, LATENT)(FRESH), generator(FRESH), rtol=1e-5, atol=1e-6
    )


def test_0s_and_1s_stay_as_they_are():
    layout = layout_of((3, "softmax"), (1, "linear"), (1, "sigmoid"))
    generator = random_generator(layout)
    rows = np.zeros((100, 5), np.float32)
    rows[:, 0], rows[:, 3] = 1, RNG.exponential(size=100)
    latent = RNG.standard_normal((2_000, 12), dtype=np.float32)
    before, after = generator(latent), fit_margins(generator, rows, latent)(latent)
    assert np.array_equal(np.delete(before, 3, axis=1), np.delete(after, 3, axis=1))
    assert ks_2samp(after[:, 3], rows[:, 3]).statistic < 0.02


def test_a_generator_without_numbers_needs_no_curves():
    generator = random_generator(layout_of((3, "softmax")))
    latent = np.zeros((4, 12), np.float32)
    assert fit_margins(generator, np.eye(3, dtype=np.float32), latent) is generator


def test_a_column_that_always_is_the_same_stays_finite_and_among_the_rows():
    still = passing(kernel=((0, 0), (0, 1)))
    rows = RNG.normal(100, 1, (60, 2)).astype(np.float32)
    made = fit_margins(still, rows, LATENT)(FRESH)
    assert np.isfinite(made).all()
    assert len(np.unique(made[:, 0])) == 1
    assert rows[:, 0].min() <= made[0, 0] <= rows[:, 0].max()
    assert ks_2samp(made[:, 1], rows[:, 1]).statistic < 0.03


def test_many_equal_draws_stay_finite_and_among_the_rows():
    class Rounded(FrozenGenerator):
        def __call__(self, latent):
            return np.round(super().__call__(latent))

    rows = RNG.normal(100, 1, (60, 2)).astype(np.float32)
    made = fit_margins(Rounded(*vars(passing()).values()), rows, LATENT)(FRESH)
    assert np.isfinite(made).all()
    inside = np.abs(np.round(FRESH)) <= 2
    assert ((made >= rows.min(axis=0)) & (made <= rows.max(axis=0)))[inside].all()


def test_equal_rows_are_all_that_is_drawn_between_the_ends():
    rows = np.full((60, 2), 5, np.float32)
    margins = fit_margins(passing(), rows, LATENT)
    made = margins(np.clip(FRESH, -2, 2))
    assert (made == 5).all()


def test_beyond_the_ends_a_number_keeps_its_distance():
    rows = RNG.normal(100, 30, (200, 2)).astype(np.float32)
    margins = fit_margins(passing(), rows, LATENT)
    far = np.array([[-50, 60], [50, -60], [51, -61]], np.float32)
    made = margins(far)
    low, high = margins.real[:, 0] - margins.drawn[:, 0], margins.real[:, -1] - margins.drawn[:, -1]
    expected = [
        [-50 + low[0], 60 + high[1]],
        [50 + high[0], -60 + low[1]],
        [51 + high[0], -61 + low[1]],
    ]
    np.testing.assert_allclose(made, expected, rtol=1e-5)


def test_it_is_what_it_draws_with():
    generator = random_generator(layout_of((2, "softmax"), (1, "linear")))
    latent = RNG.standard_normal((500, 12), dtype=np.float32)
    rows = np.hstack([np.eye(2)[RNG.integers(0, 2, 80)], RNG.random((80, 1))]).astype(np.float32)
    margins = fit_margins(generator, rows, latent)
    assert (margins.kind, margins.latent_dim, margins.layout) == ("dense", 12, generator.layout)
    assert np.array_equal(margins.logits(latent), generator.logits(latent))
    moved = margins.shifted(np.array([1e6, 0, 0]))(latent)
    assert moved[:, 0].all()
    assert np.array_equal(moved[:, 2], margins(latent)[:, 2])


def test_calibration_sets_numbers_right_where_it_is_asked_to():
    layout = layout_of((1, "sigmoid"), (1, "linear"), gates=((0, 1),))
    flag = np.arange(500) % 5 == 0
    rows = column_rows(flag, np.where(flag, 0, RNG.normal(10, 1, 500)))
    with_margins = calibrate(random_generator(layout), rows, seed=1, margins=True)
    made = with_margins(RNG.standard_normal((20_000, 12), dtype=np.float32))
    assert made[:, 0].mean() == pytest.approx(0.2, abs=0.01)
    assert ks_2samp(made[made[:, 0] == 0, 1], rows[~flag, 1]).statistic < 0.03
    assert isinstance(calibrate(random_generator(layout), rows, seed=1), FrozenGenerator)


# --- files ----------------------------------------------------------------------------------------


def fitted():
    return fit_margins(passing(), RNG.normal(size=(50, 2)).astype(np.float32), LATENT)


def curves_of(margins):
    """Copies of the arrays that hold the curves, as a model file hands them over."""
    arrays = margins.to_arrays()
    return {name: arrays[name].copy() for name in arrays if name.startswith("margins.")}


def test_arrays_come_back():
    margins = fitted()
    assert margins.to_arrays().keys() >= passing().to_arrays().keys()
    assert all(array.dtype == np.float32 for array in margins.to_arrays().values())
    again = MarginalGenerator.from_arrays(curves_of(margins), passing())
    assert np.array_equal(again(FRESH), margins(FRESH))


def both(change):
    return lambda a: a.update({name: change(curve) for name, curve in a.items()})


DAMAGE = {
    "no drawn": lambda a: a.pop("margins.drawn"),
    "no real": lambda a: a.pop("margins.real"),
    "NaN": lambda a: a["margins.real"].__setitem__((0, 3), np.nan),
    "infinity": lambda a: a["margins.drawn"].__setitem__((1, -1), np.inf),
    "falling": lambda a: a["margins.real"].__setitem__((1, 10), -99),
    "drawn falling": lambda a: a["margins.drawn"].__setitem__((1, 10), -99),
    "float64": both(lambda curve: curve.astype(float)),
    "one too few": both(lambda curve: curve[:1]),
    "one too many": both(lambda curve: np.vstack([curve, curve[:1]])),
    "fewer knots": lambda a: a.update({"margins.real": a["margins.real"][:, 1:]}),
    "no knots": both(lambda curve: curve[:, :0]),
    "flat": both(lambda curve: curve[:, 0]),
    "one flat": lambda a: a.update({"margins.real": a["margins.real"][:, 0]}),
    "deep": both(lambda curve: curve[:, :, None]),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged_curves_are_refused(change):
    arrays = curves_of(fitted())
    change(arrays)
    with pytest.raises(ModelFileError, match="damaged|lack"):
        MarginalGenerator.from_arrays(arrays, passing())


def test_curves_of_rows_without_numbers_are_refused():
    generator = random_generator(layout_of((3, "softmax")))
    with pytest.raises(ModelFileError, match="damaged"):
        MarginalGenerator.from_arrays(curves_of(fitted()), generator)
