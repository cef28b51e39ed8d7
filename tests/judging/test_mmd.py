import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel

from raregan.judging.mmd import mmd


def brute_force(first, second):
    width = np.median(pdist(np.concatenate([first, second])))
    gamma = 1 / (2 * width**2)
    n, m = len(first), len(second)
    of_first, of_second = rbf_kernel(first, gamma=gamma), rbf_kernel(second, gamma=gamma)
    np.fill_diagonal(of_first, 0)
    np.fill_diagonal(of_second, 0)
    across = rbf_kernel(first, second, gamma=gamma)
    return of_first.sum() / n / (n - 1) + of_second.sum() / m / (m - 1) - 2 * across.mean()


@pytest.mark.parametrize(("n", "m"), [(3, 3), (40, 61), (100, 30)])
def test_it_is_the_unbiased_statistic_by_brute_force(n, m):
    rng = np.random.default_rng(n)
    first, second = rng.normal(size=(n, 4)), rng.normal(0.5, 1, size=(m, 4))
    assert mmd(first, second, rng)[0] == pytest.approx(brute_force(first, second))


def test_it_is_0_on_average_for_one_distribution_within_its_error():
    rng = np.random.default_rng(1)
    found = np.array([mmd(*rng.normal(size=(2, 60, 3)), rng) for _ in range(100)])
    values, errors = found.T
    assert abs(values.mean()) < 3 * values.std() / 10
    assert np.mean(np.abs(values) < 2.09 * errors) > 0.93


def test_it_grows_with_the_shift():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 80, 3))
    found = [mmd(first, second + shift, rng)[0] for shift in (0, 0.5, 1, 4)]
    assert found == sorted(found)


def test_rows_that_are_all_one_have_no_discrepancy():
    rows = np.ones((9, 2))
    assert mmd(rows, rows, np.random.default_rng(0)) == (0, 0)
