import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import iqr, wasserstein_distance

from raregan.judging.columns import pair_columns
from raregan.judging.fidelity import distance
from raregan.judging.marginals import Marginal, column_figures, coverage, wasserstein

CELLS = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=30)


def pair(real, made):
    return pair_columns(pl.DataFrame({"x": real}), pl.DataFrame({"x": made}))[0]


@given(CELLS, CELLS)
def test_wasserstein_is_scipys_in_spreads(real, made):
    ours = wasserstein(pair(real, made))
    if len(set(real)) == 1:
        assert ours is None
        return
    quartiles = np.subtract(*np.quantile(real, [0.75, 0.25])) / 1.349
    spread = quartiles if quartiles > 0 else np.std(real)
    assert ours == pytest.approx(wasserstein_distance(real, made) / spread, abs=1e-9)


def test_a_shift_by_one_standard_deviation_is_about_1():
    real = np.random.default_rng(0).normal(7, 3, 2_000)
    assert wasserstein(pair(real, real + iqr(real, scale="normal"))) == pytest.approx(1, rel=1e-3)


def test_coverage_of_a_range_as_it_was_published():
    # 0..10 real, 2..7 synthetic: 1 - 2/10 - 3/10; beyond the range is no more than all of it
    assert coverage(pair([0, 10, 5], [2, 7])) == pytest.approx(0.5)
    assert coverage(pair([0, 10, 5], [-5, 20])) == 1
    assert coverage(pair([0, 10, 5], [90, 95])) == 0
    assert coverage(pair([0.0, 10, 5], [None, None])) == 0
    assert coverage(pair([3, 3], [1, 9])) is None


def test_coverage_of_levels_is_the_share_that_appear_and_missing_is_none():
    assert coverage(pair(["a", "b", "c", "d", None], ["a", "b", "z", "z", "z"])) == 0.5
    assert coverage(pair(["a", "a", None], ["b", "b", "b"])) is None


def test_the_figures_are_means_over_columns_that_have_them():
    real = pl.DataFrame({"n": [0.0, 10, 5, 5], "c": ["a", "b", "c", None], "k": [1, 1, 1, 1]})
    made = pl.DataFrame({"n": [2.0, 7, 5, 5], "c": ["a", "b", None, None], "k": [1, 1, 1, 1]})
    pairs = pair_columns(real, made)
    figures = column_figures(pairs, np.array([distance(one) for one in pairs]))
    assert figures == {
        "column_shape": pytest.approx(1 - (0.25 + 0.25 + 0) / 3),
        "wasserstein": pytest.approx(wasserstein(pairs[0])),
        "range_coverage": pytest.approx(0.5),
        "level_coverage": pytest.approx(2 / 3),
        "missing_difference": 0.25,
    }


def test_figures_without_a_column_are_nan():
    pairs = pair_columns(pl.DataFrame({"c": ["a", "b"]}), pl.DataFrame({"c": ["a", "b"]}))
    figures = column_figures(pairs, np.zeros(1))
    assert np.isnan([figures[name] for name in ("wasserstein", "range_coverage")]).all()
    assert figures["missing_difference"] == 0


def test_a_marginal_survives_json():
    one = Marginal("x", "number", "KS", 0.5, None, 0.25, 1.0, (0.0, 0.5))
    told = json.loads(json.dumps(one.to_dict()))
    assert Marginal(**{**told, "missing": tuple(told["missing"])}) == one
