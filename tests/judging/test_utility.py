import numpy as np
import pytest

from raregan.judging.sides import Column
from raregan.judging.utility import _number_levels, detect_real

COLUMNS = (
    Column("a", "number", ()),
    Column("b", "number", ()),
    Column("c", "category", ("x", "y", "z", None)),
)


def rows(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(shift, 1, (n, 2)), rng.integers(0, 4, n)])


def judged(rare, seed=0):
    others = rows(600, 1)
    return detect_real(COLUMNS, rare, others[200:], rows(80, 2, shift=3), others[:200], seed=seed)


def test_rows_like_the_real_ones_teach_and_others_do_not():
    good, noise = judged(rows(100, 3, shift=3)), judged(rows(100, 4, shift=-3))
    assert good["tstr_auc"].value > 0.95
    assert good["tstr_ap"].interval.low > 0.85
    assert noise["tstr_auc"].value < 0.5


def test_levels_are_ranked_in_training_rows_and_new_ones_are_missing():
    train = np.array([[np.inf, 0, 2], [1, 0, 2], [2, 0, 0]], dtype=float)
    test = np.array([[0, 0, 2], [0, 0, 0], [0, 0, 1], [np.nan, 0, 3]], dtype=float)
    numbered, tested = _number_levels(COLUMNS, train, test)
    assert numbered[:, 2].tolist() == [0, 0, 1]
    np.testing.assert_array_equal(tested[:, 2], [0, 1, np.nan, np.nan])
    assert np.isfinite(numbered).all()
    assert np.isnan(tested[3, 0])
    assert np.isinf(train[0, 0])  # what was given is untouched


def test_a_column_that_is_missing_throughout_is_no_obstacle():
    rare = rows(30, 3, shift=3)
    rare[:, 1] = np.nan
    others = rows(90, 1)
    others[:, 1] = np.nan
    found = detect_real(COLUMNS, rare, others, rows(20, 2, shift=3), rows(40, 5), seed=0)
    assert found["tstr_auc"].value > 0.9


def test_the_seed_fixes_it():
    rare = rows(50, 5, shift=1)
    assert judged(rare, seed=1) == judged(rare, seed=1)


@pytest.mark.parametrize("n", [2, 5])
def test_few_rows_are_enough(n):
    assert 0 <= judged(rows(n, 6, shift=3))["tstr_ap"].value <= 1
