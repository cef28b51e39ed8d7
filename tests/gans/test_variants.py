"""The contract: every registered variant is tried by the same tests."""

import jax
import numpy as np
import pytest

from raregan.config import NetworkConfig, TrainingConfig
from raregan.errors import UserError
from raregan.gans.heads import harden
from raregan.gans.variants import OWN_OPTIONS, VARIANTS, get_variant, refuse_foreign_options
from raregan.gans.variants.interface import Turn, Variant
from raregan.synthesizer import RareGAN
from raregan.training.lesson import Lesson
from tests.gans.test_heads import LAYOUTS
from tests.gans.test_networks import layout

each = pytest.mark.parametrize("name", VARIANTS)


def build(variant, spans, seed=0):
    n_conditions = lesson(variant, spans).n_conditions
    return {
        p.name: p.build(spans, variant.network, seed=seed, n_conditions=n_conditions)
        for p in variant.players
    }


def lesson(variant, spans):
    """Rows of the layout, of two classes for variants that learn both."""
    rows = np.random.default_rng(0).normal(size=(24, spans.width)).astype(np.float32)
    return Lesson(
        harden(rows, spans),
        np.arange(24) // 12 * variant.learns_classes,
        spans,
        tells_classes=variant.learns_classes,
        tells_levels=variant.learns_levels,
    )


def bound(models):
    """Networks as objectives see them, from Keras models that hold their own weights."""

    class Bound:
        def __init__(self, model):
            self.model, self.width = model, model.input_shape[1]

        def __call__(self, inputs):
            return self.model(inputs.reshape(-1, self.width), training=True)

    return {name: Bound(model) for name, model in models.items()}


def test_the_registry_lists_the_files():
    assert {"gan", "cgan", "wgan-gp", "cwgan-gp", "r3gan", "flow"} <= set(VARIANTS)
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
    for player in variant.players:
        pace = player.pace(variant.training)
        assert pace.moves >= 1
        assert pace.learning_rate > 0


@each
@pytest.mark.parametrize("spans", [layout(6), *LAYOUTS], ids=["linear", "mixed", "pattern"])
def test_what_is_frozen_makes_rows_of_the_layout(name, spans):
    variant = get_variant(name)
    told = lesson(variant, spans).told(0)
    frozen = variant.freeze(build(variant, spans), spans, variant.network, told)
    latent = np.random.default_rng(0).normal(size=(9, frozen.latent_dim)).astype(np.float32)
    rows = frozen(latent)
    assert rows.shape == (9, spans.width)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, frozen(latent))
    assert np.array_equal(frozen.from_arrays(frozen.to_arrays(), spans)(latent), rows)


@each
@pytest.mark.parametrize("spans", [layout(6), *LAYOUTS], ids=["linear", "mixed", "pattern"])
def test_objectives_are_finite_scalars_with_finite_gradients(name, spans):
    variant = get_variant(name)
    networks = bound(build(variant, spans))
    real, condition = lesson(variant, spans).material().batch(np.arange(8, 16), np.arange(8) - 1)

    def loss(rows, player):
        turn = Turn(rows, condition, jax.random.key(0), variant.training, spans)
        return player.objective(networks, turn)

    for player in variant.players:
        value, gradient = jax.value_and_grad(loss)(real, player)
        assert value.shape == ()
        assert np.isfinite(value)
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
    for player in get_variant(name).players:
        assert len(first.history_[f"{player.name}_loss"]) == 2


@each
def test_its_own_options_are_those_that_it_does_not_refuse(name):
    variant = get_variant(name)
    assert set(variant.own_options) <= set(OWN_OPTIONS)
    refuse_foreign_options(name, {"epochs": 3, "solver_steps": None})
    for option in OWN_OPTIONS:
        part = variant.network if hasattr(variant.network, option) else variant.training
        given = {"settings": {option: getattr(part, option)}}
        if option in variant.own_options:
            refuse_foreign_options(name, given)
            continue
        with pytest.raises(UserError, match=f"{option} .* means nothing to {name}: .* variant "):
            refuse_foreign_options(name, given)
