import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from raregan.data.folds import Ties
from raregan.errors import DataError, UserError


def make_frame(n=1_000, n_rare=60, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "Time": rng.integers(0, 400, n),
            "a": rng.normal(size=n),
            "customer": rng.integers(0, 150, n),
            "Class": rng.permutation(np.arange(n) < n_rare).astype(np.int8),
        }
    )


FRAME = make_frame()


def ties(frame=FRAME, **options):
    return Ties.of(frame, target="Class", rare=1, **options)


@settings(max_examples=25)
@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 99))
def test_each_row_is_tested_once_a_repeat_and_classes_are_shared_out(folds, repeats, seed):
    known = ties()
    dealt = known.deal(folds, repeats, seed)
    assert [(f.repeat, f.number) for f in dealt] == [
        (r, n) for r in range(repeats) for n in range(folds)
    ]
    for repeat in range(repeats):
        tests = np.concatenate([f.test for f in dealt if f.repeat == repeat])
        assert np.array_equal(np.sort(tests), np.arange(FRAME.height))
    for fold in dealt:
        assert np.array_equal(np.sort(np.r_[fold.train, fold.test]), np.arange(FRAME.height))
        assert abs(known.is_rare[fold.test].sum() - 60 / folds) <= 1
        assert abs(len(fold.test) - 1_000 / folds) <= 1


def test_the_seed_alone_decides_and_repeats_differ():
    one, same, other = (ties().deal(3, 2, seed) for seed in (1, 1, 2))
    assert all((a.test == b.test).all() for a, b in zip(one, same, strict=True))
    assert set(one[0].test) != set(other[0].test)
    assert set(one[0].test) != set(one[3].test)


def test_copies_and_groups_are_on_one_side():
    frame = pl.concat([FRAME, FRAME.sample(400, seed=1), FRAME.head(50)])
    for options in ({}, {"group": "customer"}):
        known = ties(frame, **options)
        for fold in known.deal(4, 2, 0):
            train, test = frame[fold.train], frame[fold.test]
            keys = ["customer"] if options else ["Time", "a", "customer"]
            assert test.join(train, on=keys, how="semi").height == 0
            pairs = known.deal_again(fold.train, 0.25, np.random.default_rng(0), in_turn=True)
            for fit, choose in pairs:
                assert frame[choose].join(frame[fit], on=keys, how="semi").height == 0
                assert np.array_equal(np.sort(np.r_[fit, choose]), fold.train)
            assert np.array_equal(np.sort(np.concatenate([c for _, c in pairs])), fold.train)


def test_rows_are_chosen_by_once_or_in_turn():
    known, rows = ties(), np.arange(FRAME.height)
    [once] = known.deal_again(rows, 0.25, np.random.default_rng(0))
    in_turn = known.deal_again(rows, 0.25, np.random.default_rng(0), in_turn=True)
    assert len(in_turn) == 4
    for one, other in zip(once, in_turn[0], strict=True):
        assert np.array_equal(one, other)


def test_rows_are_dealt_into_no_more_parts_than_rare_rows_are_apart():
    known = ties()
    rare, others = np.flatnonzero(known.is_rare), np.flatnonzero(~known.is_rare)
    rows = np.sort(np.r_[rare[:2], others])
    pairs = known.deal_again(rows, 0.25, np.random.default_rng(0), in_turn=True)
    assert [int(known.is_rare[choose].sum()) for _, choose in pairs] == [1, 1]
    assert np.array_equal(np.sort(np.concatenate([choose for _, choose in pairs])), rows)
    with pytest.raises(DataError, match="would have no"):
        known.deal_again(others, 0.25, np.random.default_rng(0), in_turn=True)


@pytest.mark.parametrize("seed", range(4))
def test_few_groups_of_many_rare_rows_are_dealt_into_as_many_parts(seed):
    groups = np.r_[np.repeat(np.arange(60), 10), np.repeat([100, 101], 100)]
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"g": groups, "a": rng.normal(size=800), "Class": groups >= 100})
    known = Ties.of(frame, target="Class", rare=True, group="g")
    [(fit, choose)] = known.deal_again(np.arange(800), 0.25, rng)
    assert known.is_rare[fit].sum() == known.is_rare[choose].sum() == 100


def test_a_copy_with_another_label_is_a_copy_too():
    frame = pl.concat([FRAME, FRAME.with_columns(Class=(1 - pl.col("Class")).cast(pl.Int8))])
    for fold in ties(frame).deal(3, 1, 0):
        assert len(fold.test) % 2 == 0
        assert set(fold.test % FRAME.height) & set(fold.train % FRAME.height) == set()


def test_by_time_nothing_later_is_learned_from():
    known = ties(time_column="Time")
    dealt = known.deal(4, 3, 0)
    assert len(dealt) == 4  # there is one past only
    time = FRAME["Time"].to_numpy()
    for fold in dealt:
        assert time[fold.train].max() < time[fold.test].min()
        assert abs(known.is_rare[fold.test].sum() - 60 / 5) <= 4  # rare rows of one moment
        pairs = known.deal_again(fold.train, 0.25, np.random.default_rng(0), in_turn=True)
        [(fit, choose)] = pairs
        assert time[fit].max() < time[choose].min()
    assert [len(f.train) for f in dealt] == sorted(len(f.train) for f in dealt)


def test_by_time_a_row_with_an_earlier_copy_is_no_test():
    late = FRAME.head(100).with_columns(Time=pl.lit(399, pl.Int64))
    frame = pl.concat([FRAME, late])
    known = Ties.of(frame, target="Class", rare=1, ignore=["Time"], time_column="Time")
    last = known.deal(4, 1, 0)[-1]
    early = set(FRAME.head(100).filter(pl.col("Time") < 300)["a"])
    assert not early & set(frame[last.test]["a"])
    assert early <= set(frame[last.train]["a"])


def test_too_few_rare_rows_are_refused():
    frame = make_frame(n_rare=3)
    with pytest.raises(DataError, match="no rare rows where 3 are dealt into 5 parts"):
        ties(frame).deal(5, 1, 0)
    with pytest.raises(UserError, match="2 folds"):
        ties().deal(1, 1, 0)
    with pytest.raises(DataError, match="too few moments"):
        ties(FRAME.with_columns(Time=pl.lit(1)), time_column="Time").deal(3, 1, 0)
