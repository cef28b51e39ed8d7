import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import iqr

from raregan.judging.sides import Column
from raregan.judging.spaces import MAX_LEVELS, Space, find_scale

NUMBER = Column("n", "number", ())


def test_a_number_is_in_spreads_of_the_real_rows_by_orders_of_magnitude_far_out():
    rng = np.random.default_rng(0)
    real = rng.normal(5, 3, 999)
    space = Space.fit([NUMBER], real[:, np.newaxis])
    assert space.spreads[0] == pytest.approx(iqr(real, scale="normal"), rel=1e-3)
    cells = np.array([[np.median(real)], [np.median(real) + 1e6 * space.spreads[0]]])
    at_median, far = space.place(cells)[:, 0]
    assert at_median == 0
    assert far == pytest.approx(math.log(2e6))


def test_two_levels_are_1_apart_and_missing_is_one_of_them_or_a_flag():
    columns = [Column("c", "category", ("a", "b", None)), NUMBER]
    real = np.array([[0, 1.0], [1, 2.0], [2, 4.0], [0, np.nan]])
    points = Space.fit(columns, real).place(real)
    of_levels = points[:3, :4]
    np.testing.assert_allclose(pdist(of_levels), 1)
    flag = points[:, -1]
    np.testing.assert_array_equal(flag, [0, 0, 0, 1])
    assert points[3, 4] == 0


def test_levels_beyond_the_most_frequent_and_those_that_no_real_row_has_are_one():
    n = MAX_LEVELS + 10
    column = Column("c", "category", tuple(f"{code}" for code in range(n + 1)))
    real = np.repeat(np.arange(n), np.arange(n, 0, -1)).astype(float)[:, np.newaxis]
    points = Space.fit([column], real).place(np.arange(n + 1.0)[:, np.newaxis])
    np.testing.assert_array_equal(points[MAX_LEVELS:], points[[MAX_LEVELS]].repeat(11, axis=0))
    np.testing.assert_allclose(pdist(points[: MAX_LEVELS + 1]), 1)


def test_the_scale_is_of_the_rows_that_it_was_fitted_on_whatever_is_placed():
    real, others = np.arange(9.0)[:, np.newaxis], np.arange(9.0)[:, np.newaxis] * 100
    space = Space.fit([NUMBER], real)
    before = space.place(real)
    space.place(others)
    np.testing.assert_array_equal(space.place(real), before)


@pytest.mark.parametrize(
    ("cells", "scale"),
    [
        ([], (0, 1)),
        ([math.nan, math.inf], (0, 1)),
        ([3, 3, 3], (3, 1)),
        ([0] * 99 + [10], (0, pytest.approx(np.std([0] * 99 + [10])))),
        ([-1e100, 1e100], (0, pytest.approx(1e100 / 1.349))),
    ],
)
def test_scales_of_odd_columns(cells, scale):
    assert find_scale(np.array(cells, dtype=float)) == scale


def test_infinite_cells_lie_far_out_and_finite():
    real = np.array([[0.0], [1.0], [2.0]])
    points = Space.fit([NUMBER], real).place(np.array([[-np.inf], [np.inf]]))
    assert points[0, 0] == -points[1, 0] == -500
