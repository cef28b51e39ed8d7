import math

import numpy as np
import pytest
from scipy.stats import norm

from raregan.judging.linear import tell_apart
from raregan.judging.sides import Column
from raregan.judging.spaces import Space

COLUMNS = [
    Column("a", "number", ()),
    Column("b", "number", ()),
    Column("c", "category", ("x", "y")),
]


def rows(n, seed, *, shift=0.0, spread=1.0, share=0.5):
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [rng.normal(shift, 1, n), rng.normal(0, spread, n), rng.random(n) < share]
    ).astype(float)


def told(made, n=400):
    real = rows(n, 1)
    return tell_apart(Space.fit(COLUMNS, real), real, made, 0)


def test_it_guesses_on_samples_of_one_distribution():
    found = told(rows(400, 2))
    assert abs(found.auc - 0.5) < 2.5 * math.sqrt(found.variance)


def test_it_reaches_the_best_possible_auc_and_names_the_column():
    found = told(rows(400, 2, shift=1.5))
    assert found.auc == pytest.approx(norm.cdf(1.5 / math.sqrt(2)), abs=0.03)
    assert found.shares[0] > 0.9
    assert found.shares.sum() == pytest.approx(1)


def test_another_spread_and_other_shares_of_levels_are_named_too():
    assert told(rows(400, 2, spread=4)).shares.argmax() == 1
    assert told(rows(400, 2, share=0.95)).shares.argmax() == 2


def test_missing_cells_are_named():
    made = rows(400, 2)
    made[::3, 1] = np.nan
    found = told(made)
    assert found.shares.argmax() == 1
    assert found.auc > 0.6


def test_the_seed_fixes_it():
    assert told(rows(60, 2), 60).auc == told(rows(60, 2), 60).auc


def test_nothing_to_tell_apart_has_no_shares():
    same = np.zeros((20, 3))
    found = tell_apart(Space.fit(COLUMNS, same), same, same, 0)
    assert found.auc == 0.5
    assert found.shares.tolist() == [0, 0, 0]
