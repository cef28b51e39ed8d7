"""What a variant is: a frozen record of pure functions and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import jax.numpy as jnp

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from jax import Array

    from raregan.config import NetworkConfig, TrainingConfig
    from raregan.encoding.layout import Layout

Discriminator: TypeAlias = "Callable[[Array], Array]"
"""(B, D) encoded rows to (B,) logits, the current weights bound in."""


class Batch(NamedTuple):
    """What both losses see of one step."""

    real: Array
    """(B, D) float32 encoded rows of the rare class."""
    fake: Array
    """(B, D) float32 rows of the generator."""


class Build(Protocol):
    """Builds one network."""

    def __call__(self, layout: Layout, network: NetworkConfig, *, seed: int) -> keras.Model:
        """Return a built Keras model whose weights `seed` fixes."""


class Variant(NamedTuple):
    """One way of learning: everything that the training loop is handed.

    The loop knows no network and no loss. A discriminator has trainable weights only, so that its
    score is a function of the row alone.
    """

    name: str
    summary: str
    build_generator: Build
    build_discriminator: Build
    discriminator_loss: Callable[[Discriminator, Batch], Array]
    generator_loss: Callable[[Discriminator, Batch], Array]
    network: NetworkConfig
    training: TrainingConfig


def score_both(discriminator: Discriminator, batch: Batch) -> tuple[Array, Array]:
    """Return the scores of the real and of the fake rows from one pass over 2B rows.

    One product of 2B rows is faster than two of B, and the same: no score depends on other rows.
    """
    scores = discriminator(jnp.concatenate([batch.real, batch.fake]))
    real_scores, fake_scores = jnp.split(scores, 2)
    return real_scores, fake_scores
