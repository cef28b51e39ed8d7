import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from raregan.judging import neighbours
from raregan.judging.neighbours import distances_between, nearest, prdc


def test_the_nearest_are_sklearns_in_blocks_too(monkeypatch):
    rng = np.random.default_rng(0)
    reference, points = rng.normal(size=(300, 7)), rng.normal(size=(170, 7))
    theirs = NearestNeighbors(n_neighbors=3).fit(reference).kneighbors(points)[0]
    np.testing.assert_allclose(nearest(reference, points, 3), theirs)
    monkeypatch.setattr(neighbours, "_BLOCK", 20)
    np.testing.assert_allclose(nearest(reference, points, 3), theirs)


def test_a_copy_is_at_exactly_0():
    points = np.random.default_rng(1).normal(size=(50, 30)) * 1e3
    assert (nearest(points, points[:7], 1) == 0).all()


def figures(real, made):
    real, made = (np.array(side, dtype=float)[:, np.newaxis] for side in (real, made))
    return prdc(
        distances_between(real, real), distances_between(made, made), distances_between(real, made)
    )


def test_a_case_computed_by_hand(monkeypatch):
    monkeypatch.setattr(neighbours, "NEIGHBOURS", 1)
    # Balls of real rows 0, 1, 5, 10: reach 1, 1, 4, 5; of synthetic rows 0.5, 2.5, 20: 2, 2, 17.5.
    precision, recall, density, coverage = figures([0, 1, 5, 10], [0.5, 2.5, 20])
    # 0.5 is in the balls of 0 and 1; 2.5 in that of 5; 20 in none.
    assert precision == pytest.approx(2 / 3)
    assert density == pytest.approx(3 / 3)
    assert coverage == 3 / 4
    # 0 and 1 are within 2 of 0.5; 5 and 10 are within 17.5 of 20.
    assert recall == 1


def test_the_same_rows_cover_themselves_and_far_ones_nothing():
    rows = np.random.default_rng(2).normal(size=40)
    precision, recall, density, coverage = figures(rows, rows)
    assert precision == recall == coverage == 1
    assert density >= 1
    np.testing.assert_array_equal(figures(rows, rows + 1_000), 0)


def test_the_density_of_real_rows_is_about_1():
    rng = np.random.default_rng(3)
    real, made = rng.normal(size=(2, 800, 4))
    _, _, density, coverage = prdc(
        distances_between(real, real), distances_between(made, made), distances_between(real, made)
    )
    assert density == pytest.approx(1, abs=0.08)
    # Naeem et al. 2020, equation 10: 1 - (N - 1) ... (N - k) / ((2 N - 1) ... (2 N - k))
    ratio = np.prod([(800 - i) / (1_600 - i) for i in range(1, 6)])
    assert coverage == pytest.approx(1 - ratio, abs=0.03)


def test_few_rows_have_fewer_neighbours():
    assert figures([0, 1, 2], [0, 1, 2]).tolist()[0] == 1
