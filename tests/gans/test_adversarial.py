import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from raregan.config import NetworkConfig, TrainingConfig
from raregan.gans.adversarial import adversarial_variant, against, score_both
from raregan.gans.conditions import TOLD_NOTHING
from raregan.gans.losses import wasserstein_discriminator_loss, wasserstein_generator_loss
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.variants import r3gan, wgan_gp
from raregan.gans.variants.interface import Turn
from tests.gans.test_networks import layout

WIDTH, NOISE, BATCH = 3, 5, 8
REAL = np.random.default_rng(0).normal(size=(BATCH, WIDTH)).astype(np.float32)
SLOPE = jnp.array([0.5, -1.0, 2.0], jnp.float32)


class Net:
    """A function as objectives see a network: inputs come in packs of its width."""

    def __init__(self, width, function):
        self.width, self.function = width, function

    def __call__(self, inputs):
        return self.function(inputs.reshape(-1, self.width))


def nets(generator=lambda z: z[:, :WIDTH], discriminator=lambda x: x @ SLOPE[:, None], packed=1):
    return {
        "generator": Net(NOISE, generator),
        "discriminator": Net(packed * WIDTH, discriminator),
    }


def turn(real=REAL, seed=0, **training):
    key, told = jax.random.key(seed), jnp.zeros((len(real), 0))
    return Turn(jnp.asarray(real), told, key, TrainingConfig(**training), layout(WIDTH))


def seen_by_a_loss(networks, a_turn):
    seen = []

    def loss(discriminator, batch):
        seen.append((discriminator, batch))
        return jnp.float32(7)

    assert float(against(loss)(networks, a_turn)) == 7
    return seen[0]


def test_a_loss_sees_the_real_rows_and_as_many_fakes_made_of_noise():
    latents = []
    networks = nets(generator=lambda z: latents.append(z) or 10 + 2 * z[:, :WIDTH])
    _, batch = seen_by_a_loss(networks, turn(gp_weight=3.0))
    assert np.array_equal(batch.real, REAL)
    assert latents[0].shape == (BATCH, NOISE)
    assert np.array_equal(batch.fake, 10 + 2 * latents[0][:, :WIDTH])
    assert batch.training.gp_weight == 3


def test_the_noise_is_standard_normal():
    _, batch = seen_by_a_loss(nets(), turn(np.zeros((2_000, WIDTH), np.float32)))
    assert kstest(np.ravel(batch.fake), "norm").pvalue > 0.001


def test_the_key_fixes_the_noise_and_the_loss_gets_another():
    (_, first), (_, again), (_, other) = (seen_by_a_loss(nets(), turn(seed=s)) for s in (0, 0, 1))
    assert np.array_equal(first.fake, again.fake)
    assert not np.isin(first.fake, other.fake).any()
    keys = [jax.random.key_data(b.key).tolist() for b in (first, again, other)]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0] != jax.random.key_data(turn().key).tolist()
    noise = jax.random.normal(first.key, (BATCH, NOISE))
    assert not np.isin(noise[:, :WIDTH], first.fake).any()


def test_scores_are_a_vector():
    discriminator, _ = seen_by_a_loss(nets(), turn())
    np.testing.assert_allclose(discriminator(REAL), REAL @ np.asarray(SLOPE), rtol=1e-5)
    packed = nets(discriminator=lambda x: x.sum(axis=1, keepdims=True), packed=4)
    discriminator, _ = seen_by_a_loss(packed, turn())
    sums = [REAL[:4].sum(), REAL[4:].sum()]
    np.testing.assert_allclose(discriminator(REAL), sums, rtol=1e-5)


@pytest.mark.parametrize("pac", [1, 2, 4])
def test_both_scores_come_from_one_pass_and_no_pack_mixes_real_and_fake(pac):
    calls = []

    def discriminator(rows):
        calls.append(len(rows))
        return (rows.reshape(-1, pac * WIDTH) ** 3).sum(axis=1)

    fake = -2 * REAL[::-1]
    batch = seen_by_a_loss(nets(), turn())[1]._replace(fake=jnp.asarray(fake))
    scores = score_both(discriminator, batch)
    assert calls == [2 * BATCH]
    for found, rows in zip(scores, (REAL, fake), strict=True):
        packs = (rows.astype(float) ** 3).sum(axis=1).reshape(-1, pac).sum(axis=1)
        np.testing.assert_allclose(found, packs, rtol=1e-4, atol=1e-5)


def test_the_generator_learns_through_its_fakes():
    """Of a linear critic it moves along the slope, whatever the noise."""

    def loss(offset):
        networks = nets(generator=lambda z: z[:, :WIDTH] + offset)
        return against(lambda d, batch: wasserstein_generator_loss(d(batch.fake)))(networks, turn())

    gradient = jax.grad(loss)(jnp.zeros(WIDTH))
    np.testing.assert_allclose(gradient, -np.asarray(SLOPE), rtol=1e-5)


def test_the_critic_learns_the_difference_of_the_means():
    _, batch = seen_by_a_loss(nets(), turn())

    def loss(slope):
        networks = nets(discriminator=lambda x: x @ slope[:, None])
        objective = against(lambda d, b: wasserstein_discriminator_loss(*score_both(d, b)))
        return objective(networks, turn())

    expected = np.mean(batch.fake, axis=0) - REAL.mean(axis=0)
    np.testing.assert_allclose(jax.grad(loss)(SLOPE), expected, rtol=1e-4, atol=1e-6)


def make_variant(**options):
    defaults = {
        "name": "toy",
        "summary": "a toy",
        "build_generator": build_generator,
        "build_discriminator": build_discriminator,
        "discriminator_loss": lambda d, batch: d(batch.real).mean(),
        "generator_loss": lambda d, batch: d(batch.fake).sum(),
        "network": NetworkConfig(),
        "training": TrainingConfig(),
    }
    return adversarial_variant(**{**defaults, **options})


def test_the_discriminator_moves_first_at_its_own_pace_and_each_has_its_loss():
    variant = make_variant()
    first, second = variant.players
    assert (first.name, second.name) == ("discriminator", "generator")
    training = TrainingConfig(learning_rate=1e-3, discriminator_steps=3, discriminator_speed=2.0)
    assert first.pace(training) == (3, 2e-3)
    assert second.pace(training) == (1, 1e-3)
    _, batch = seen_by_a_loss(nets(), turn())
    real, fake = (np.asarray(rows @ SLOPE) for rows in (batch.real, batch.fake))
    assert float(first.objective(nets(), turn())) == pytest.approx(real.mean(), rel=1e-5)
    assert float(second.objective(nets(), turn())) == pytest.approx(fake.sum(), rel=1e-5)


def test_the_generator_is_what_is_frozen():
    variant, spans = make_variant(), layout(WIDTH)
    network = NetworkConfig(generator_widths=(6,), discriminator_widths=(7,))
    models = {p.name: p.build(spans, network, seed=1) for p in variant.players}
    frozen = variant.freeze(models, spans, network, TOLD_NOTHING)
    made = models["generator"](REAL, training=False)
    np.testing.assert_allclose(frozen(REAL), made, rtol=1e-4, atol=1e-5)


# --- the losses of the variants, of a critic whose slope is known ---------------------------------

NORM = float(np.sqrt(0.25 + 1 + 4))


@pytest.mark.parametrize("weight", [0.0, 10.0, 3.0])
def test_the_wasserstein_critic_pays_for_a_slope_that_is_not_1(weight):
    batch = seen_by_a_loss(nets(), turn(gp_weight=weight))[1]
    real, fake = (np.asarray(rows @ SLOPE) for rows in (batch.real, batch.fake))
    loss = wgan_gp.discriminator_loss(lambda rows: rows @ SLOPE, batch)
    expected = fake.mean() - real.mean() + weight * (NORM - 1) ** 2
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(wgan_gp.generator_loss(lambda rows: rows @ SLOPE, batch)) == pytest.approx(
        -fake.mean(), rel=1e-4
    )


@pytest.mark.parametrize("gamma", [0.0, 1.0, 5.0])
def test_the_relativistic_critic_pays_for_its_slope_at_real_and_at_fake_rows(gamma):
    batch = seen_by_a_loss(nets(), turn(r1_gamma=gamma))[1]
    real, fake = (np.asarray(rows @ SLOPE, float) for rows in (batch.real, batch.fake))
    loss = r3gan.discriminator_loss(lambda rows: rows @ SLOPE, batch)
    expected = np.logaddexp(0, fake - real).mean() + gamma / 2 * 2 * NORM**2
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(r3gan.generator_loss(lambda rows: rows @ SLOPE, batch)) == pytest.approx(
        np.logaddexp(0, real - fake).mean(), rel=1e-4
    )
