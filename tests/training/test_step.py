import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from raregan.config import NetworkConfig, TrainingConfig
from raregan.gans.losses import bce_discriminator_loss, bce_generator_loss
from raregan.gans.variants import get_variant
from raregan.training.step import Players
from tests.gans.test_networks import layout

WIDTH, BATCH = 5, 16


def make_players(seed=0, **training):
    variant, network = get_variant("gan"), NetworkConfig()
    return Players(
        variant.build_generator(layout(WIDTH), network, seed=seed),
        variant.build_discriminator(layout(WIDTH), network, seed=seed + 1),
        variant,
        TrainingConfig(**training),
    )


def draws(seed=0):
    rng = np.random.default_rng(seed)
    real = jnp.asarray(rng.normal(size=(BATCH, WIDTH)), jnp.float32)
    latent = jnp.asarray(rng.normal(size=(2, BATCH, WIDTH)), jnp.float32)
    return real, latent


def reference_step(players, real, latent):
    """The same step written with Keras objects that hold their own state, one call at a time."""
    generator, discriminator = players.generator, players.discriminator
    adams = [keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.999) for _ in range(2)]
    for adam, model in zip(adams, (generator, discriminator), strict=True):
        adam.build(model.trainable_variables)

    def gradients(model, loss):
        values = [v.value for v in model.trainable_variables]
        return jax.value_and_grad(loss)(values)

    fake = generator(latent[0], training=True)

    def d_loss(weights):
        real_scores, _ = discriminator.stateless_call(weights, [], real)
        fake_scores, _ = discriminator.stateless_call(weights, [], fake)
        return bce_discriminator_loss(real_scores, fake_scores)

    loss_d, gradient = gradients(discriminator, d_loss)
    adams[1].apply(gradient, discriminator.trainable_variables)

    def g_loss(weights):
        stats = [v.value for v in generator.non_trainable_variables]
        fake, _ = generator.stateless_call(weights, stats, latent[1], training=True)
        return bce_generator_loss(discriminator(fake))

    loss_g, gradient = gradients(generator, g_loss)
    generator(latent[1], training=True)  # moves the moving averages
    adams[0].apply(gradient, generator.trainable_variables)
    return loss_d, loss_g


def test_a_step_is_what_plain_keras_does():
    players, plain = make_players(), make_players()
    real, latent = draws()
    state, info = jax.jit(players.step)(players.initial_state(0), real, latent)
    expected = reference_step(plain, real, latent)
    np.testing.assert_allclose(np.asarray(info), np.asarray(expected), rtol=1e-5)
    players.load(state)
    for ours, theirs in (
        (players.generator, plain.generator),
        (players.discriminator, plain.discriminator),
    ):
        for a, b in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(a.value, b.value, rtol=2e-4, atol=2e-6, err_msg=a.path)


def test_each_player_moves_only_itself():
    players = make_players()
    real, latent = draws()
    start = players.initial_state(0)
    after_d, _ = players.discriminator_step(start, real, latent[0])
    assert np.array_equal(after_d.generator, start.generator)
    assert not np.array_equal(after_d.discriminator, start.discriminator)
    after_g, _ = players.generator_step(start, real, latent[1])
    assert np.array_equal(after_g.discriminator, start.discriminator)
    assert not np.array_equal(after_g.generator, start.generator)


def test_the_moving_averages_move_in_both_steps():
    players = make_players()
    real, latent = draws()
    start = players.initial_state(0)
    for step in (players.discriminator_step, players.generator_step):
        after, _ = step(start, real, latent[0])
        assert not np.array_equal(after.generator_stats[0], start.generator_stats[0])


def test_a_discriminator_with_a_memory_is_refused():
    variant = get_variant("gan")
    generator = variant.build_generator(layout(WIDTH), NetworkConfig(), seed=0)
    with pytest.raises(TypeError, match="trainable weights only"):
        Players(generator, generator, variant, TrainingConfig())


def test_another_learning_rate_replaces_the_carried_one_and_nothing_else():
    state = make_players().initial_state(0)
    changed = make_players(learning_rate=1e-5).with_learning_rate(state)
    for before, after in zip(
        (state.generator_optimizer, state.discriminator_optimizer),
        (changed.generator_optimizer, changed.discriminator_optimizer),
        strict=True,
    ):
        differing = [
            i for i, (a, b) in enumerate(zip(before, after, strict=True)) if (a != b).any()
        ]
        assert [float(after[i]) for i in differing] == [pytest.approx(1e-5)]
