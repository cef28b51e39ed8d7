"""The adversarial game: a generator and a discriminator, each with a loss, become two players."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp

from raregan.gans.frozen import freeze_dense
from raregan.gans.variants.interface import Between, OneOf, Player, Variant, discriminator_pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras
    from jax import Array

    from raregan.config import NetworkConfig, TrainingConfig
    from raregan.encoding.layout import Layout
    from raregan.gans.conditions import Told
    from raregan.gans.frozen import AskedGenerator, FrozenGenerator
    from raregan.gans.variants.interface import Build, Network, Objective, Search, Turn

_OWN_OPTIONS = (
    *("generator_widths", "discriminator_widths", "batch_normalisation", "leak", "pac"),
    *("discriminator_steps", "discriminator_speed"),
)
"""Those that mean something to every adversarial game."""

_WIDTHS = OneOf(((128, 128), (256, 256), (256, 256, 256)))
_SEARCH: Search = {
    "learning_rate": Between(5e-5, 1e-3),
    "discriminator_steps": OneOf((1, 2, 4)),
    "generator_widths": _WIDTHS,
    "discriminator_widths": _WIDTHS,
    "pac": OneOf((1, 4, 8)),
}

Discriminator: TypeAlias = "Callable[[Array], Array]"
"""(k B, D) encoded rows to (k B,) scores, or a pac-th of them where it looks at several at once:
rows of k batches with the same conditions."""


class Batch(NamedTuple):
    """What both losses see of one step."""

    real: Array
    """(B, D) float32 encoded rows."""
    fake: Array
    """(B, D) float32 rows of the generator, made to the same conditions."""
    condition: Array
    """(B, C) float32."""
    layout: Layout
    """What the D numbers of a row are."""
    key: Array
    """JAX key, for a penalty that draws something."""
    training: TrainingConfig
    """Weights of penalties."""


class Loss(Protocol):
    """The loss of one side."""

    def __call__(self, discriminator: Discriminator, batch: Batch) -> Array:
        """Return () float32."""


def adversarial_variant(
    *,
    name: str,
    summary: str,
    build_generator: Build,
    build_discriminator: Build,
    discriminator_loss: Loss,
    generator_loss: Loss,
    network: NetworkConfig,
    training: TrainingConfig,
    learns_classes: bool = False,
    learns_levels: bool = False,
    own_options: tuple[str, ...] = (),
    search: Search = MappingProxyType({}),
) -> Variant:
    """Return the variant in which the discriminator moves first, then the generator.

    Each has latent noise of its own (Goodfellow et al. 2014, algorithm 1). The generator is the
    last player: what is frozen in the end.
    """
    return Variant(
        name=name,
        summary=summary,
        players=(
            Player(
                "discriminator",
                build_discriminator,
                against(discriminator_loss),
                discriminator_pace,
            ),
            Player("generator", build_generator, against(generator_loss)),
        ),
        freeze=_freeze,
        network=network,
        training=training,
        learns_classes=learns_classes,
        learns_levels=learns_levels,
        own_options=(*_OWN_OPTIONS, *own_options),
        search={**_SEARCH, **search},
    )


def against(loss: Loss) -> Objective:
    """Return a loss on scores as an objective: fakes are drawn, and both networks bound in.

    Both are told of each row what its condition is (Mirza & Osindero 2014), beside their inputs.
    """

    def objective(networks: Mapping[str, Network], turn: Turn) -> Array:
        generator, discriminator = networks["generator"], networks["discriminator"]
        latent_key, loss_key = jax.random.split(turn.key)
        n, n_conditions = turn.condition.shape
        shape = (n, generator.width - n_conditions)
        latent = jax.random.normal(latent_key, shape, jnp.float32)
        fake = generator(jnp.concatenate([latent, turn.condition], axis=1))

        def discriminate(rows: Array) -> Array:
            told = jnp.tile(turn.condition, (len(rows) // n, 1))
            return discriminator(jnp.concatenate([rows, told], axis=1))[:, 0]

        batch = Batch(turn.real, fake, turn.condition, turn.layout, loss_key, turn.training)
        return loss(discriminate, batch)

    return objective


def score_both(discriminator: Discriminator, batch: Batch) -> tuple[Array, Array]:
    """Return the scores of the real and of the fake rows from one pass over 2B rows.

    One product of 2B rows is faster than two of B, and the same: no score depends on other rows.
    """
    scores = discriminator(jnp.concatenate([batch.real, batch.fake]))
    real_scores, fake_scores = jnp.split(scores, 2)
    return real_scores, fake_scores


def _freeze(
    models: Mapping[str, keras.Model], layout: Layout, _network: NetworkConfig, told: Told
) -> FrozenGenerator | AskedGenerator:
    return freeze_dense(models["generator"], layout, told)
