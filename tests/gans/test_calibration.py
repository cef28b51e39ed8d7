from dataclasses import dataclass

import numpy as np
import pytest

from raregan.config import NetworkConfig
from raregan.encoding.layout import Layout, Span
from raregan.gans.calibration import calibrate
from raregan.gans.frozen import Corrected, FrozenGenerator, freeze_dense
from raregan.gans.heads import harden
from raregan.gans.networks import build_generator
from tests.gans.test_frozen import lived_in

POINT = 0.01


def layout_of(*parts, gates=()):
    spans, start = [], 0
    for number, (width, activation) in enumerate(parts):
        spans.append(Span(f"c{number}", "part", start, width, activation))
        start += width
    return Layout(tuple(spans), tuple(gates))


def random_generator(layout, seed=0, *, scale=1.0, offset=3.0):
    """Two layers; `scale` shrinks what varies, `offset` favours some categories."""
    rng = np.random.default_rng(seed)
    kernels = rng.normal(0, 0.3, (12, 40)), scale * rng.normal(0, 0.3, (40, layout.width))
    biases = rng.normal(size=40), offset * rng.normal(size=layout.width)
    return FrozenGenerator(
        tuple(kernel.astype(np.float32) for kernel in kernels),
        tuple(bias.astype(np.float32) for bias in biases),
        layout,
    )


def draw(generator, n=50_000, seed=99):
    rng = np.random.default_rng(seed)
    rows = generator(rng.standard_normal((n, generator.latent_dim), dtype=np.float32))
    gates = generator.layout.gate_matrix()
    return rows * (rows @ gates == 0)


def one_hot(counts):
    return np.repeat(np.eye(len(counts), dtype=np.float32), counts, axis=0)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("scale", "offset"), [(1, 3), (1, 0), (0.01, 5), (10, 1)])
def test_yes_or_no_gets_its_share(seed, scale, offset):
    layout = layout_of((3, "sigmoid"))
    shares = [0.002, 0.37, 0.9]
    rows = np.column_stack([np.arange(500) < round(500 * share) for share in shares])
    generator = random_generator(layout, seed, scale=scale, offset=offset)
    made = calibrate(generator, rows.astype(np.float32), seed=1)
    assert np.abs(draw(made).mean(axis=0) - shares).max() < POINT


COUNTS = {
    "even": [100, 100, 100],
    "rare": [1, 2, 497],
    "many": np.maximum(600 // np.arange(1, 33) ** 1.3, 1).astype(int).tolist(),
    "two": [60, 440],
}


@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("scale", "offset"), [(1, 3), (1, 0), (0.01, 5), (10, 1)])
def test_categories_get_their_shares(counts, seed, scale, offset):
    layout = layout_of((len(counts), "softmax"))
    rows = one_hot(counts)
    generator = random_generator(layout, seed, scale=scale, offset=offset)
    made = calibrate(generator, rows, seed=1)
    drawn = draw(made).mean(axis=0)
    assert np.abs(drawn - rows.mean(axis=0)).max() < POINT
    assert (drawn > 0).all()


def test_a_category_that_no_row_has_is_drawn_now_and_then():
    layout = layout_of((4, "softmax"))
    rows = one_hot([30, 20, 50, 0])
    made = calibrate(random_generator(layout, 3), rows, seed=1)
    assert draw(made)[:, 3].mean() == pytest.approx(0.5 / 100.5, abs=0.003)


def test_shares_behind_a_gate_are_those_among_the_rows_it_lets_through():
    layout = layout_of((1, "sigmoid"), (3, "softmax"), (1, "sigmoid"), gates=((0, 1), (0, 2)))
    rng = np.random.default_rng(0)
    missing = rng.random(600) < 0.4
    levels = np.eye(3)[rng.choice(3, 600, p=[0.1, 0.2, 0.7])] * ~missing[:, None]
    flag = (rng.random(600) < 0.25) & ~missing
    rows = np.column_stack([missing, levels, flag]).astype(np.float32)
    for seed in range(2):
        made = draw(calibrate(random_generator(layout, seed), rows, seed=1))
        assert np.abs(made.mean(axis=0) - rows.mean(axis=0)).max() < POINT
        through, real = made[made[:, 0] == 0], rows[rows[:, 0] == 0]
        assert np.abs(through.mean(axis=0) - real.mean(axis=0)).max() < 1.5 * POINT


def test_shares_behind_a_pattern_follow_it():
    layout = layout_of((3, "softmax"), (2, "softmax"), gates=((2, 1),))
    rows = np.zeros((300, 5), np.float32)
    rows[:150, 0], rows[150:180, 1], rows[180:, 2] = 1, 1, 1
    rows[:45, 3], rows[45:180, 4] = 1, 1
    for seed in range(2):
        made = draw(calibrate(random_generator(layout, seed), rows, seed=1))
        assert np.abs(made.mean(axis=0) - rows.mean(axis=0)).max() < POINT


def test_only_the_last_biases_of_heads_move():
    layout = layout_of((2, "linear"), (3, "softmax"), (1, "sigmoid"))
    rows = np.hstack([np.ones((30, 2)), one_hot([5, 5, 20]), np.ones((30, 1))]).astype(np.float32)
    before = random_generator(layout)
    after = calibrate(before, rows, seed=1)
    assert after.layout is layout
    for kept, moved in zip(before.kernels, after.kernels, strict=True):
        assert np.array_equal(kept, moved)
    assert np.array_equal(before.biases[0], after.biases[0])
    assert np.array_equal(before.biases[1][:2], after.biases[1][:2])
    assert (before.biases[1][2:] != after.biases[1][2:]).all()
    assert after.biases[1].dtype == np.float32


def test_it_is_the_same_every_time_and_leaves_its_input_alone():
    layout = layout_of((5, "softmax"), (2, "sigmoid"))
    rows = np.hstack([one_hot([3, 4, 5, 6, 7]), np.ones((25, 2))]).astype(np.float32)
    before = random_generator(layout)
    kept = before.biases[1].copy(), rows.copy()
    first, again = (calibrate(before, rows, seed=4) for _ in range(2))
    assert np.array_equal(first.biases[1], again.biases[1])
    assert np.array_equal(before.biases[1], kept[0])
    assert np.array_equal(rows, kept[1])
    assert not np.array_equal(first.biases[1], calibrate(before, rows, seed=5).biases[1])


def test_plain_numbers_need_none():
    generator = random_generator(layout_of((3, "linear")))
    assert calibrate(generator, np.ones((4, 3), np.float32), seed=0) is generator


def test_a_real_network_is_calibrated_too():
    layout = layout_of((1, "linear"), (8, "softmax"), (2, "sigmoid"))
    generator = lived_in(build_generator(layout, NetworkConfig(), seed=2), 2)
    rng = np.random.default_rng(0)
    rows = np.hstack(
        [
            rng.normal(size=(246, 1)),
            one_hot([1, 2, 3, 40, 50, 60, 70, 20]),
            rng.random((246, 2)) < 0.2,
        ]
    ).astype(np.float32)
    made = draw(calibrate(freeze_dense(generator, layout), rows, seed=1))
    assert np.abs(made.mean(axis=0) - rows.mean(axis=0))[1:].max() < POINT


def test_a_generator_that_always_makes_the_same_stays_finite():
    layout = layout_of((3, "softmax"), (1, "sigmoid"))
    rows = np.hstack([one_hot([1, 1, 2]), np.ones((4, 1))]).astype(np.float32)
    still = random_generator(layout, scale=0)
    made = calibrate(still, rows, seed=1)
    assert np.isfinite(made.biases[-1]).all()
    assert draw(made, 100)[:, 3].all()


def test_a_row_in_a_thousand_that_runs_away_moves_no_share():
    layout = layout_of((4, "softmax"), (1, "linear"), (1, "linear"))
    steady = random_generator(layout)

    @dataclass(frozen=True)
    class RunsAway(Corrected):
        def logits(self, latent):
            rows = self.generator.logits(latent)
            rows[latent[:, 0] > 3.1] *= 1e20
            return rows

        def __call__(self, latent):
            return harden(self.logits(latent), layout)

        def to_arrays(self):
            return {}

    numbers = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    rows = np.concatenate([one_hot([400, 300, 200, 100]), numbers], axis=1)
    made = calibrate(RunsAway(steady), rows, seed=0, margins=True)
    latent = np.random.default_rng(9).standard_normal((20_000, steady.latent_dim), np.float32)
    drawn = made(latent[latent[:, 0] < 3.1])
    np.testing.assert_allclose(drawn[:, :4].mean(axis=0), [0.4, 0.3, 0.2, 0.1], atol=2 * POINT)
    np.testing.assert_allclose(np.std(drawn[:, 4:], axis=0), 1, atol=0.1)
