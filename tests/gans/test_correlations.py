import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf

from raregan.errors import ModelFileError
from raregan.gans.correlations import CorrelatedGenerator, fit_correlations, free_numbers
from raregan.gans.margins import fit_margins
from tests.gans.test_calibration import layout_of, random_generator
from tests.gans.test_margins import FRESH, LATENT, TWO, passing

RNG = np.random.default_rng(3)
TOGETHER = RNG.multivariate_normal([5, -2], [[4, -3], [-3, 4]], 4_000).astype(np.float32)


def test_numbers_get_means_and_covariance_of_the_rows():
    made = fit_correlations(passing(), TOGETHER, LATENT)(FRESH)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made.mean(axis=0), TOGETHER.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(np.cov(made.T), np.cov(TOGETHER.T), atol=0.15)


def test_the_map_is_that_of_optimal_transport():
    """Of normal rows: the covariance's geometric mean, here from scipy's matrix root."""
    correlated = fit_correlations(passing(kernel=((1, 0.8), (0, 0.6))), TOGETHER, LATENT)
    first, second = (
        np.cov(LATENT @ np.array([[1, 0.8], [0, 0.6]]), rowvar=False),
        np.cov(TOGETHER.T),
    )
    root = sqrtm(first).real
    inverse = np.linalg.inv(root)
    expected = inverse @ sqrtm(root @ second @ root).real @ inverse
    np.testing.assert_allclose(correlated.turn, expected, atol=0.05)


def test_correlations_are_right_after_the_margins_too():
    """Of rows that are far from normal, where a curve a column would undo some of the map."""
    rows = np.exp(TOGETHER / 4)
    corrected = fit_margins(fit_correlations(passing(), rows, LATENT), rows, LATENT)
    made = np.corrcoef(corrected(FRESH).T)[0, 1]
    assert made == pytest.approx(np.corrcoef(rows.T)[0, 1], abs=0.03)


def test_correlations_lie_between_those_of_the_scale_and_of_the_values():
    """Heavy tails: as they are encoded rows are normal, as the table has them their exponential."""
    values = np.exp(1.5 * TOGETHER.astype(np.float64))
    drawn = fit_correlations(passing(), TOGETHER, LATENT, values)(FRESH)
    made = np.corrcoef(drawn.T)[0, 1]
    alone = fit_correlations(passing(), TOGETHER, LATENT)(FRESH)
    assert np.corrcoef(alone.T)[0, 1] == pytest.approx(np.corrcoef(TOGETHER.T)[0, 1], abs=0.03)
    as_values = [np.interp(made, *map(np.sort, pair)) for made, pair in _columns(drawn, values)]
    both = [made, np.corrcoef(as_values)[0, 1]]
    wanted = [np.corrcoef(rows.T)[0, 1] for rows in (TOGETHER, values)]
    assert np.mean(both) == pytest.approx(np.mean(wanted), abs=0.03)


def test_of_few_rows_correlations_are_shrunk_as_ledoit_and_wolf_find():
    few = TOGETHER[:12]
    kept = 1 - ledoit_wolf((few - few.mean(axis=0)) / few.std(axis=0))[1]
    assert 0.1 < kept < 0.95
    exact, shrunk = (
        np.corrcoef(fit_margins(correlated, few, LATENT)(FRESH).T)[0, 1]
        for correlated in (
            fit_correlations(passing(), few, LATENT, shrink=s) for s in (False, True)
        )
    )
    assert exact == pytest.approx(np.corrcoef(few.T)[0, 1], abs=0.03)
    assert shrunk == pytest.approx(kept * np.corrcoef(few.T)[0, 1], abs=0.03)


def test_of_many_rows_next_to_nothing_is_shrunk():
    made = fit_correlations(passing(), TOGETHER, LATENT, shrink=True)(FRESH)
    assert np.corrcoef(made.T)[0, 1] == pytest.approx(np.corrcoef(TOGETHER.T)[0, 1], abs=0.03)


def test_what_is_constant_is_shrunk_without_a_word():
    few = TOGETHER[:12].copy()
    few[:, 1] = 3
    made = fit_correlations(passing(), few, LATENT, shrink=True)(FRESH)
    assert np.isfinite(made).all()


def _columns(drawn, values):
    return zip(drawn.T, zip(TOGETHER.T, values.T, strict=True), strict=True)


def test_a_number_that_may_be_missing_stays_as_it_is_drawn():
    layout = layout_of((1, "sigmoid"), (1, "linear"), (2, "linear"), gates=((0, 1),))
    assert free_numbers(layout).tolist() == [2, 3]
    generator = random_generator(layout)
    rows = np.column_stack([np.zeros((4_000, 2)), TOGETHER]).astype(np.float32)
    latent = RNG.standard_normal((8_000, 12), dtype=np.float32)
    before, after = generator(latent), fit_correlations(generator, rows, latent)(latent)
    assert np.array_equal(before[:, :2], after[:, :2])
    np.testing.assert_allclose(np.cov(after[:, 2:].T), np.cov(TOGETHER.T), atol=0.3)


def test_one_number_needs_no_map():
    generator = random_generator(layout_of((1, "linear")))
    latent = np.zeros((4, 12), np.float32)
    assert fit_correlations(generator, np.ones((5, 1), np.float32), latent) is generator


@pytest.mark.parametrize("kernel", [((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 0), (0, 1))])
@pytest.mark.parametrize("n", [2, 3, 500])
def test_a_generator_that_collapsed_and_few_rows_stay_finite(kernel, n):
    made = fit_correlations(passing(kernel=kernel), TOGETHER[:n], LATENT)(FRESH)
    assert np.isfinite(made).all()
    assert np.abs(made).max() < 1e4


def test_equal_rows_stay_finite():
    made = fit_correlations(passing(), np.full((30, 2), 4, np.float32), LATENT)(FRESH)
    np.testing.assert_allclose(made, 4, atol=0.2)


def test_arrays_come_back():
    correlated = fit_correlations(passing(), TOGETHER, LATENT)
    arrays = {k: v for k, v in correlated.to_arrays().items() if k.startswith("correlations.")}
    again = CorrelatedGenerator.from_arrays(arrays, passing())
    assert np.array_equal(again(FRESH), correlated(FRESH))
    assert (again.kind, again.layout, again.latent_dim) == ("dense", TWO, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("correlations.turn"),
        lambda a: a.update({"correlations.turn": np.eye(3, dtype=np.float32)}),
        lambda a: a["correlations.before"].__setitem__(0, np.nan),
        lambda a: a.update({"correlations.after": np.zeros(2)}),
    ],
)
def test_a_damaged_map_is_refused(change):
    correlated = fit_correlations(passing(), TOGETHER, LATENT)
    arrays = {name: array.copy() for name, array in correlated.to_arrays().items()}
    change(arrays)
    with pytest.raises(ModelFileError, match="damaged in correlations"):
        CorrelatedGenerator.from_arrays(arrays, passing())
