import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from raregan.config import TrainingConfig
from raregan.gans.losses import bce_discriminator_loss, bce_generator_loss
from raregan.gans.variants import VARIANTS, get_variant
from raregan.gans.variants.interface import Turn
from raregan.training.step import Game
from tests.gans.test_networks import layout

WIDTH, BATCH = 5, 16


def make_game(name="gan", seed=0, **training):
    variant = get_variant(name)
    models = {
        player.name: player.build(layout(WIDTH), variant.network, seed=seed + i)
        for i, player in enumerate(variant.players)
    }
    settings = variant.training if name != "gan" else TrainingConfig()
    return Game(
        models, variant, settings.__class__(**{**vars(settings), **training}), layout(WIDTH)
    )


def draws(game, seed=0):
    rng = np.random.default_rng(seed)
    shape = (game.batches_per_step, BATCH, WIDTH)
    return jnp.asarray(rng.normal(size=shape), jnp.float32), jax.random.key(seed)


def untold(batches):
    """Conditions of networks that are told nothing."""
    return jnp.zeros((*batches.shape[:2], 0))


def turn(game, batch, key):
    return Turn(batch, jnp.zeros((BATCH, 0)), key, game.training, game.layout)


def latent_of(key):
    """The latent vectors that a player of an adversarial game draws with its key."""
    return jax.random.normal(jax.random.split(key)[0], (BATCH, WIDTH), jnp.float32)


def reference_step(game, real, key):
    """The same step written with Keras objects that hold their own state, one call at a time."""
    generator, discriminator = game.models["generator"], game.models["discriminator"]
    adams = [keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.999) for _ in range(2)]
    for adam, model in zip(adams, (generator, discriminator), strict=True):
        adam.build(model.trainable_variables)
    latent = [latent_of(player_key[0]) for player_key in jax.random.split(key, (2, 1))]

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
    game, plain = make_game(), make_game()
    batches, key = draws(game)
    state, losses = jax.jit(game.step)(game.initial_state(0), batches, untold(batches), key)
    expected = reference_step(plain, batches[0], key)
    np.testing.assert_allclose(losses, np.asarray(expected), rtol=1e-5)
    game.load(state)
    for name, model in game.models.items():
        for a, b in zip(model.variables, plain.models[name].variables, strict=True):
            np.testing.assert_allclose(a.value, b.value, rtol=2e-4, atol=2e-6, err_msg=a.path)


@pytest.mark.parametrize("name", VARIANTS)
def test_each_player_moves_only_itself(name):
    game = make_game(name)
    batches, key = draws(game)
    start = game.initial_state(0)
    for player in game.variant.players:
        after, _ = game.move(start, player, turn(game, batches[0], key))
        for other, state in after.players.items():
            moved = not np.array_equal(state.weights, start.players[other].weights)
            assert moved == (other == player.name)


def test_the_moving_averages_move_with_both_players():
    game = make_game()
    batches, key = draws(game)
    start = game.initial_state(0)
    for player in game.variant.players:
        after, _ = game.move(start, player, turn(game, batches[0], key))
        before = start.players["generator"].stats[0]
        assert not np.array_equal(after.players["generator"].stats[0], before)


def test_a_discriminator_moves_as_often_as_its_pace_says_each_time_on_its_own_batch():
    game = make_game(discriminator_steps=3)
    batches, key = draws(game)
    assert batches.shape == (3, BATCH, WIDTH)
    state, _ = game.step(game.initial_state(0), batches, untold(batches), key)
    moves = {name: int(player.optimizer[0]) for name, player in state.players.items()}
    assert moves == {"discriminator": 3, "generator": 1}
    other, _ = game.step(game.initial_state(0), batches[::-1], untold(batches), key)
    for name, player in state.players.items():
        assert not np.array_equal(player.weights, other.players[name].weights)


def test_a_discriminator_has_a_rate_of_its_own():
    game = make_game(discriminator_speed=4.0)
    rates = {
        name: float(player.optimizer[1]) for name, player in game.initial_state(0).players.items()
    }
    assert rates == {"discriminator": pytest.approx(8e-4), "generator": pytest.approx(2e-4)}


def test_the_average_follows_the_weights_and_is_what_is_loaded():
    game = make_game(average=0.9)
    batches, key = draws(game)
    step, state, expected = jax.jit(game.step), game.initial_state(0), None
    for move in range(1, 30):
        state, _ = step(state, batches, untold(batches), jax.random.fold_in(key, move))
        weights = np.asarray(state.players["generator"].weights, np.float64)
        kept = min(0.9, move / (10 + move))
        expected = weights if expected is None else expected
        expected = (
            kept * expected + (1 - kept) * weights
            if move > 1
            else (
                kept * np.asarray(game.initial_state(0).players["generator"].weights)
                + (1 - kept) * weights
            )
        )
    average = np.asarray(state.players["generator"].average)
    np.testing.assert_allclose(average, expected, atol=1e-6)
    game.load(state)
    loaded = np.concatenate(
        [np.ravel(v.value) for v in game.models["generator"].trainable_variables]
    )
    assert np.array_equal(loaded, average)


def test_without_an_average_the_last_weights_are_taken():
    game = make_game()
    batches, key = draws(game)
    state, _ = game.step(game.initial_state(0), batches, untold(batches), key)
    for player in state.players.values():
        assert np.array_equal(player.average, player.weights)


def test_another_learning_rate_replaces_the_carried_one_and_nothing_else():
    state = make_game().initial_state(0)
    changed = make_game(learning_rate=1e-5).with_learning_rate(state)
    for name, player in state.players.items():
        after = changed.players[name]
        pairs = zip(player.optimizer, after.optimizer, strict=True)
        differing = [i for i, (a, b) in enumerate(pairs) if (a != b).any()]
        assert [float(after.optimizer[i]) for i in differing] == [pytest.approx(1e-5)]
        assert np.array_equal(player.weights, after.weights)
