import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.training.batches import class_sizes, epoch_batches, steps_per_epoch

ROWS, SIZES = (1, 2, 7, 60), (2, 16, 40)  # few: each pair is a program to compile


def everyone(n):
    return np.ones(n, np.bool_)


@settings(max_examples=25, deadline=None)
@given(n=st.sampled_from(ROWS), size=st.sampled_from(SIZES), seed=st.integers(0, 2**31))
def test_every_row_is_in_every_epoch_and_every_batch_is_full(n, size, seed):
    steps = steps_per_epoch(n, size)
    batches = np.asarray(epoch_batches(jax.random.key(seed), everyone(n), steps, size))
    assert batches.shape == (steps, size)
    counts = np.bincount(batches.ravel(), minlength=n)
    assert len(counts) == n
    assert counts.min() >= 1
    assert counts.max() - counts.min() <= 1  # no row is more than one ahead of another


def test_the_reference_epoch_has_eight_batches():
    batches = np.asarray(epoch_batches(jax.random.key(0), everyone(492), 8, 64))
    assert batches.shape == (8, 64)
    assert len(np.unique(batches.ravel()[:492])) == 492  # the pass itself repeats nothing


def test_the_rows_that_top_up_are_drawn_evenly_over_epochs():
    """20 of 492 rows come twice in an epoch; over 4,000 epochs each about 163 times."""
    keys = jax.random.split(jax.random.key(0), 4_000)
    batches = np.asarray(jax.vmap(lambda key: epoch_batches(key, everyone(492), 8, 64))(keys))
    extra = np.bincount(batches.reshape(4_000, -1)[:, 492:].ravel(), minlength=492)
    expected = 4_000 * 20 / 492
    chi_square = ((extra - expected) ** 2 / expected).sum()
    assert chi_square < 491 + 4 * np.sqrt(2 * 491)  # mean and deviation of chi-square, 491 degrees


@pytest.mark.parametrize("seed", [0, 1])
def test_the_key_fixes_the_order(seed):
    first = epoch_batches(jax.random.key(0), everyone(100), 4, 32)
    second = epoch_batches(jax.random.key(seed), everyone(100), 4, 32)
    assert np.array_equal(first, second) == (seed == 0)


@settings(max_examples=25, deadline=None)
@given(n=st.sampled_from(ROWS), size=st.sampled_from(SIZES), data=st.data())
def test_rows_that_are_held_out_are_in_no_batch(n, size, data):
    chosen = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    members = np.isin(np.arange(n), list(chosen))
    batches = np.asarray(epoch_batches(jax.random.key(0), members, steps_per_epoch(n, size), size))
    assert batches.shape == (steps_per_epoch(n, size), size)
    counts = np.bincount(batches.ravel(), minlength=n)
    assert not counts[~members].any()
    assert counts[members].max() - counts[members].min() <= 1


@pytest.mark.parametrize(
    ("size", "n", "sizes"), [(64, 1, [64]), (64, 2, [32, 32]), (7, 3, [3, 2, 2])]
)
def test_a_batch_is_shared_by_the_classes(size, n, sizes):
    assert class_sizes(size, n) == sizes
    assert steps_per_epoch(100, size, n) == -(-100 // sizes[0])
