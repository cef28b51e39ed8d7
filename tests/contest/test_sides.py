import sys
import weakref
from itertools import chain

import numpy as np
import polars as pl
import pytest

from raregan.contest.sides import INNER_SHARE, Caps, draw_sides, seed_of
from raregan.data.folds import Ties
from raregan.errors import UserError
from tests.contest.tables import apart

TABLE = apart(n=1_000, n_rare=80).with_row_index("row")
TIES = Ties.of(TABLE, target="Class", rare=1, ignore=["row"])
FOLDS = TIES.deal(4, 1, 0)
FEATURES = TABLE.drop("Class")


def drawn(fold=FOLDS[0], **options):
    return draw_sides(FEATURES, TIES, fold, **{"seed": 0, "caps": Caps(), **options})


def rows_of(side):
    return side.frame["row"].to_numpy()


def test_small_tables_are_taken_whole():
    sides = drawn()
    assert np.array_equal(rows_of(sides.train), FOLDS[0].train)
    assert np.array_equal(rows_of(sides.test), FOLDS[0].test)
    for fit, choose in sides.inner:
        assert np.array_equal(np.sort(np.r_[rows_of(fit), rows_of(choose)]), FOLDS[0].train)
        assert len(rows_of(choose)) == pytest.approx(INNER_SHARE * 750, abs=1)
    chosen_by = np.concatenate([rows_of(choose) for _, choose in sides.inner])
    assert np.array_equal(np.sort(chosen_by), FOLDS[0].train)  # 60 rare rows are few: in turn
    for side in (sides.train, sides.test, *sides.inner[0], *sides.inner[-1]):
        assert (side.weights == 1).all()
        assert np.array_equal(side.is_rare, TIES.is_rare[rows_of(side)])


def test_with_many_rare_rows_one_quarter_is_chosen_by():
    table = apart(n=1_000, n_rare=200)
    known = Ties.of(table, target="Class", rare=1)
    options = {"seed": 0, "caps": Caps()}
    [inner] = draw_sides(table, known, known.deal(4, 1, 0)[0], **options).inner
    assert inner.choose.is_rare.sum() == pytest.approx(INNER_SHARE * 150, abs=1)


def test_of_large_ones_all_rare_rows_are_kept_and_others_weigh_for_several():
    sides = drawn(caps=Caps(train=200, fit=100, test=50))
    for side, n_others, stands_for in (
        (sides.train, 200, 690),
        (sides.inner[0].fit, 100, 0.75 * 690),
        (sides.inner[0].choose, 50, 0.25 * 690),
        (sides.test, 50, 230),
    ):
        others = ~side.is_rare
        assert abs(others.sum() - n_others) <= 1
        assert side.weights[others].sum() == pytest.approx(stands_for, rel=0.02)
        assert (side.weights[~others] == 1).all()
    assert sides.train.is_rare.sum() == 60
    assert sides.test.is_rare.sum() == 20


def test_so_many_rare_rows_are_left_to_learn_from_and_all_to_test_with():
    sides = drawn(n_rare=20)
    assert [int(side.is_rare.sum()) for side in (sides.train, sides.test)] == [20, 20]
    assert [[int(side.is_rare.sum()) for side in pair] for pair in sides.inner] == [[15, 5]] * 4
    assert sides.train.weights.sum() == pytest.approx(750)  # the 20 stand for 60
    for side in (sides.train, *sides.inner[0]):
        assert side.weights[side.is_rare] == pytest.approx(3)
    assert (sides.test.weights == 1).all()


def test_the_seed_and_the_fold_decide():
    caps = Caps(train=100, fit=50, test=50)
    one, same, other = (rows_of(drawn(caps=caps, seed=s).train) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert set(one) != set(other)
    assert len({seed_of(0, "a"), seed_of(0, "b"), seed_of(1, "a"), seed_of("0", "a")}) == 4
    assert seed_of(0, "a") == 1060849548  # in any process and version


def test_amounts_go_with_their_rows():
    paid = np.arange(1_000.0)
    side = drawn(amounts=paid).test
    assert np.array_equal(side.amounts, rows_of(side).astype(float))


def test_nothing_of_the_test_rows_changes_what_is_drawn_to_learn_from():
    test = pl.Series(np.isin(np.arange(1_000), FOLDS[0].test))
    changed = FEATURES.with_columns(x0=pl.when(test).then(99.0).otherwise(pl.col("x0")))
    options = {"seed": 0, "caps": Caps(100, 50, 50)}
    sides, others = (draw_sides(frame, TIES, FOLDS[0], **options) for frame in (FEATURES, changed))
    assert sides.train.frame.equals(others.train.frame)
    for pair, other in zip(sides.inner, others.inner, strict=True):
        assert all(one.frame.equals(two.frame) for one, two in zip(pair, other, strict=True))
    assert not sides.test.frame.equals(others.test.frame)


def test_dask_can_refer_to_a_fold_and_sees_that_it_is_large():
    sides = drawn()
    assert weakref.ref(sides)() is sides
    frames = [side.frame for side in (sides.train, sides.test, *chain(*sides.inner))]
    assert sys.getsizeof(sides) > 4 * sum(frame.height * frame.width for frame in frames)


def test_caps_are_whole_numbers():
    with pytest.raises(UserError, match=r"caps.train must be a whole number of at least 1, got -5"):
        Caps.of(-5)
    with pytest.raises(UserError, match=r"caps.test must be"):
        Caps(test=0)
