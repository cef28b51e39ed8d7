import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from raregan.config import TrainingConfig
from raregan.gans.matching import flow_matching_loss, spread
from raregan.gans.variants.interface import Turn
from tests.gans.test_calibration import layout_of
from tests.gans.test_networks import layout

B, D = 16, 3
ROWS = np.random.default_rng(0).normal(2, 3, (B, D)).astype(np.float32)
MIXED = layout_of((1, "sigmoid"), (2, "softmax"), (2, "linear"), gates=((0, 1), (0, 2), (1, 2)))
"""A missing flag gates levels and numbers, the first level the numbers alone."""


class Field:
    """A function of rows and times, and what it was called with."""

    def __init__(self, function):
        self.width, self.function, self.seen = D + 1, function, []

    def __call__(self, inputs):
        self.seen.append(inputs)
        return self.function(inputs[:, :-1], inputs[:, -1:])


def turn_of(rows, seed, training, spans):
    """What a field sees that is told nothing."""
    untold = jnp.zeros((len(rows), 0))
    return Turn(jnp.asarray(rows), untold, jax.random.key(seed), training, spans)


def loss(function, rows=ROWS, *, seed=0, jitter=0.0, spans=None):
    field = Field(function)
    turn = turn_of(rows, seed, TrainingConfig(jitter=jitter), spans or layout(D))
    return float(flow_matching_loss({"field": field}, turn)), np.asarray(field.seen[0])


def at_rest(x, time):
    return jnp.zeros_like(x)


@pytest.mark.parametrize("jitter", [0.0, 0.5])
def test_the_loss_is_that_of_the_straight_way(jitter):
    """By hand, with the draws that the key gives."""
    keys = jax.random.split(jax.random.key(3), 4)
    shaken, x0 = (np.asarray(jax.random.normal(key, (B, D)), float) for key in keys[1:3])
    time = (np.arange(B) + np.asarray(jax.random.uniform(keys[3], (B,)), float))[:, None] / B
    x1 = ROWS + jitter * shaken
    x = (1 - time) * x0 + time * x1
    expected = ((np.sin(x) * time - (x1 - x0)) ** 2).mean()
    found, seen = loss(lambda x, time: jnp.sin(x) * time, seed=3, jitter=jitter)
    assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(seen, np.column_stack([x, time]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_for_one_row_the_way_straight_to_it_costs_nothing(seed):
    row = ROWS[0]
    repeated = np.tile(row, (B, 1))
    best, _ = loss(lambda x, time: (row - x) / (1 - time), repeated, seed=seed)
    assert best == pytest.approx(0, abs=1e-6)
    assert loss(lambda x, time: 0.9 * (row - x) / (1 - time), repeated, seed=seed)[0] > 0.01
    shaken, _ = loss(lambda x, time: (row - x) / (1 - time), repeated, seed=seed, jitter=0.5)
    assert shaken > 0.01


def test_for_jittered_rows_the_best_field_is_that_of_a_normal_distribution():
    """From N(0, 1) to N(m, s): both field and lowest loss are known in closed form."""
    n, mean, deviation = 20_000, 2.0, 0.5
    rows = np.full((n, 1), mean, np.float32)

    def best(x, time, lean=1.0):
        variance = (1 - time) ** 2 + (time * deviation) ** 2
        slope = (time * deviation**2 - (1 - time)) / variance
        return mean + lean * slope * (x - time * mean)

    times = (np.arange(n) + 0.5) / n
    variance = (1 - times) ** 2 + (times * deviation) ** 2
    lowest = (deviation**2 / variance).mean()  # what of x1 - x0 the place does not tell
    found, _ = loss(best, rows, jitter=deviation, spans=layout(1))
    assert found == pytest.approx(lowest, rel=0.03)
    for lean in (0.8, 1.2):
        other, _ = loss(lambda x, t, lean=lean: best(x, t, lean), rows, jitter=0.5, spans=layout(1))
        assert other > found


def test_there_is_one_time_in_each_equal_part():
    _, seen = loss(at_rest)
    _, other = loss(at_rest, seed=1)
    for times in (seen[:, -1], other[:, -1]):
        assert np.array_equal(np.floor(times * B), np.arange(B))
    assert not np.isin(seen, other).any()


def test_paths_begin_in_standard_normal_noise():
    n = 4_000
    _, seen = loss(at_rest, np.zeros((n, D), np.float32))
    times = seen[:, -1:]
    early = times[:, 0] < 0.9
    noise = (seen[:, :-1] / (1 - times))[early]
    assert kstest(noise.ravel(), "norm").pvalue > 0.001


def test_the_gradient_moves_the_field_to_the_mean_way():
    def of(offset):
        field = Field(lambda x, time: jnp.zeros_like(x) + offset)
        turn = turn_of(ROWS, 0, TrainingConfig(), layout(D))
        return flow_matching_loss({"field": field}, turn)

    x0 = np.asarray(jax.random.normal(jax.random.split(jax.random.key(0), 4)[2], (B, D)))
    mean_way = (ROWS - x0).mean(axis=0)
    np.testing.assert_allclose(jax.grad(of)(jnp.zeros(D)), -2 * mean_way / D, rtol=1e-4)
    np.testing.assert_allclose(jax.grad(of)(jnp.asarray(mean_way)), np.zeros(D), atol=1e-5)


# --- spread ---------------------------------------------------------------------------------------


def mixed_rows(n):
    """(n, 5): a third missing, of the others half at the first level; numbers about 10."""
    rng = np.random.default_rng(1)
    rows = np.zeros((n, 5), np.float32)
    rows[:, 0] = np.arange(n) % 3 == 0
    present = rows[:, 0] == 0
    first = present & (rng.random(n) < 0.5)
    rows[first, 1] = 1
    rows[present & ~first, 2] = 1
    rows[present & ~first, 3:] = rng.normal(10, 1, ((present & ~first).sum(), 2))
    return rows


def test_0s_and_1s_become_plus_and_minus_1_and_numbers_stay():
    rows = mixed_rows(300)
    made = np.asarray(spread(jnp.asarray(rows), MIXED, jax.random.key(0)))
    assert np.array_equal(made[:, 0], 2 * rows[:, 0] - 1)
    present, plain = rows[:, 0] == 0, rows[:, 2] == 1
    assert np.array_equal(made[present, 1:3], 2 * rows[present, 1:3] - 1)
    assert np.array_equal(made[plain, 3:], rows[plain, 3:])


def test_what_holds_nothing_becomes_noise():
    rows = mixed_rows(3_000)
    made = np.asarray(spread(jnp.asarray(rows), MIXED, jax.random.key(0)))
    other = np.asarray(spread(jnp.asarray(rows), MIXED, jax.random.key(1)))
    missing, spiked = rows[:, 0] == 1, (rows[:, 0] == 1) | (rows[:, 1] == 1)
    nothing = np.zeros(rows.shape, bool)
    nothing[missing, 1:3] = True
    nothing[spiked, 3:] = True
    assert kstest(made[nothing], "norm").pvalue > 0.001
    assert np.abs(np.corrcoef(made[missing, 1:].T) - np.eye(4)).max() < 0.15
    assert (made[nothing] != other[nothing]).all()
    assert np.array_equal(made[~nothing], other[~nothing])


def test_plain_numbers_are_left_alone():
    assert np.array_equal(spread(jnp.asarray(ROWS), layout(D), jax.random.key(0)), ROWS)


def test_the_loss_spreads_what_it_is_given():
    """Near the end of the path of a yes lies 1, of a no -1."""
    rows = (np.arange(2_000)[:, None] % 2).astype(np.float32)
    _, seen = loss(at_rest, rows, spans=layout_of((1, "sigmoid")))
    late = seen[:, -1] > 0.99
    np.testing.assert_allclose(seen[late, 0], 2 * rows[late, 0] - 1, atol=0.05)
