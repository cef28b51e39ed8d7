"""The contract: every registered variant is tried by the same tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from raregan.config import NetworkConfig, TrainingConfig
from raregan.errors import UserError
from raregan.gans.frozen import freeze
from raregan.gans.variants import VARIANTS, get_variant
from raregan.gans.variants.interface import Batch, Variant, score_both
from raregan.synthesizer import RareGAN
from tests.gans.test_networks import layout

each = pytest.mark.parametrize("name", VARIANTS)


def test_the_registry_lists_the_files():
    assert "gan" in VARIANTS
    assert "interface" not in VARIANTS


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match="no variant is called 'gun'; choose one of: .*gan"):
        get_variant("gun")


@each
def test_it_is_a_complete_record(name):
    variant = get_variant(name)
    assert isinstance(variant, Variant)
    assert variant.name == name
    assert "\n" not in variant.summary
    assert isinstance(variant.network, NetworkConfig)
    assert isinstance(variant.training, TrainingConfig)


@each
def test_networks_have_the_widths_of_the_layout(name):
    variant = get_variant(name)
    generator = variant.build_generator(layout(6), variant.network, seed=0)
    discriminator = variant.build_discriminator(layout(6), variant.network, seed=0)
    assert generator.output_shape == (None, 6)
    assert discriminator.input_shape == (None, 6)
    assert discriminator.output_shape == (None, 1)
    assert freeze(generator, layout(6)).width == 6


@each
def test_losses_are_scalars_that_order_the_scores(name):
    """A discriminator that is right pays less, a generator that fools it pays less."""
    variant = get_variant(name)
    batch = Batch(real=jnp.ones((8, 3)), fake=-jnp.ones((8, 3)))

    def discriminator(sign):
        return lambda rows: sign * 3 * rows[:, 0]

    right, wrong = (variant.discriminator_loss(discriminator(s), batch) for s in (1, -1))
    assert right.shape == wrong.shape == ()
    assert right < wrong
    caught, fooling = (variant.generator_loss(discriminator(s), batch) for s in (1, -1))
    assert caught.shape == ()
    assert fooling < caught


@each
def test_losses_have_finite_gradients(name):
    variant = get_variant(name)
    batch = Batch(real=jnp.ones((8, 3)), fake=jnp.zeros((8, 3)))
    for loss in (variant.discriminator_loss, variant.generator_loss):
        gradient = jax.grad(lambda w, loss=loss: loss(lambda rows: rows @ w, batch))(jnp.ones(3))
        assert np.isfinite(gradient).all()


@each
def test_it_trains_samples_and_repeats(name, table):
    first, again = (
        RareGAN(variant=name, epochs=2, batch_size=16, random_state=1).fit(table) for _ in range(2)
    )
    rows = first.sample(50)
    assert rows.equals(again.sample(50))
    assert rows.columns == ["a", "b", "Class", "count", "Amount"]
    assert first.model_.config.variant == name
    assert len(first.history_["generator_loss"]) == 2


def test_one_pass_over_both_halves_is_two_passes():
    rng = np.random.default_rng(0)
    real, fake = jnp.asarray(rng.normal(size=(2, 8, 3)), jnp.float32)
    weights = jnp.asarray(rng.normal(size=3), jnp.float32)

    def discriminator(rows):
        return jnp.tanh(rows @ weights)

    real_scores, fake_scores = score_both(discriminator, Batch(real, fake))
    np.testing.assert_allclose(real_scores, discriminator(real), rtol=1e-6)
    np.testing.assert_allclose(fake_scores, discriminator(fake), rtol=1e-6)
