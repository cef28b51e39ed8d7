import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn import model_selection

from raregan.errors import TooFewRowsError
from raregan.judging import c2st
from raregan.judging.c2st import c2st_auc
from tests.judging.test_fidelity import gaussian, mixed


@pytest.fixture
def one_draw(monkeypatch):
    monkeypatch.setattr(c2st, "C2ST_DRAWS", 1)


@pytest.mark.usefixtures("one_draw")
def test_c2st_is_one_half_for_samples_of_one_distribution():
    assert c2st_auc(gaussian(300, seed=1), gaussian(300, seed=2)) == pytest.approx(0.5, abs=0.08)


@pytest.mark.usefixtures("one_draw")
def test_c2st_is_1_for_samples_that_never_meet():
    assert c2st_auc(gaussian(40, seed=1), gaussian(200, seed=2, shift=20)) == 1


@pytest.mark.usefixtures("one_draw")
def test_c2st_of_shifted_normals_comes_near_the_best_possible_auc():
    best = norm.cdf(2 / math.sqrt(2))  # of a shift by 2 in one column
    auc = c2st_auc(gaussian(500, 1, seed=1), gaussian(500, 1, seed=2, shift=2))
    assert best - 0.06 < auc < best + 0.03


@pytest.mark.usefixtures("one_draw")
def test_copies_push_c2st_below_one_half_as_its_documentation_warns():
    real = gaussian(200, seed=1)
    assert c2st_auc(real, real) < 0.4


@pytest.mark.usefixtures("one_draw")
def test_c2st_sees_differences_that_float32_would_lose():
    real = pl.DataFrame({"id": range(2**60, 2**60 + 40_000, 1000)})
    assert c2st_auc(real, real.with_columns(pl.col("id") + 10**6)) > 0.99


@pytest.mark.parametrize(("n_real", "n_synthetic", "used"), [(30, 500, 30), (90, 70, 60)])
def test_c2st_takes_as_many_rows_of_either_side_and_draws_them_anew(
    monkeypatch, n_real, n_synthetic, used
):
    seen = []

    def judge(_forest, rows, labels, **_options):
        seen.append((rows, labels))
        return np.tile([0.5, 0.5], (len(rows), 1))

    monkeypatch.setattr(model_selection, "cross_val_predict", judge)
    monkeypatch.setattr(c2st, "C2ST_MAX_ROWS", 60)
    assert c2st_auc(gaussian(n_real, seed=1), gaussian(n_synthetic, seed=2)) == 0.5
    assert [np.bincount(labels).tolist() for _, labels in seen] == [[used, used]] * 3
    assert not np.array_equal(seen[0][0], seen[1][0])


@pytest.mark.usefixtures("few_trees")
def test_c2st_is_repeatable_and_follows_its_seed():
    real, synthetic = gaussian(40, seed=1), gaussian(80, seed=2, shift=0.5)
    first = c2st_auc(real, synthetic, random_state=1)
    assert c2st_auc(real, synthetic, random_state=1) == first
    assert c2st_auc(real, synthetic, random_state=2) != first


def test_c2st_with_fewer_rows_than_folds_is_refused():
    with pytest.raises(TooFewRowsError, match="at least 5 rows a side, not 9 real and 4 synthetic"):
        c2st_auc(gaussian(9, seed=1), gaussian(4, seed=2))


def test_the_forest_sees_a_missing_number_below_all_and_levels_from_the_most_frequent(monkeypatch):
    seen = []

    def judge(_forest, rows, labels, **_options):
        seen.append(rows)
        return np.tile([0.5, 0.5], (len(rows), 1))

    monkeypatch.setattr(model_selection, "cross_val_predict", judge)
    real = pl.DataFrame({"a": [2.0, None, -math.inf, 7, math.inf], "b": ["y", "y", "y", None, "x"]})
    c2st_auc(real, real)
    rows = {tuple(row) for row in seen[0].tolist()}
    assert rows == {(1, 0), (-1, 0), (0, 0), (2, 1), (3, 2)}


@pytest.mark.usefixtures("few_trees")
def test_what_is_missing_and_which_level_it_is_tell_tables_apart():
    real = mixed(100, seed=1)
    same = c2st_auc(real, mixed(100, seed=2))
    assert same == pytest.approx(0.5, abs=0.15)
    for change in ({"number": pl.lit(None, pl.Float64)}, {"level": pl.lit("new")}):
        assert c2st_auc(real, mixed(100, seed=2).with_columns(**change)) > 0.9
