"""Wasserstein GAN with gradient penalty, told of classes and categories.

Conditions and training by sampling are those of CTGAN (Xu et al. 2019, section 4.3), without its
mode-specific normalisation; the class is a condition of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from raregan.gans.adversarial import Batch, Discriminator, adversarial_variant
from raregan.gans.conditions import asked_places
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.variants import wgan_gp

if TYPE_CHECKING:
    from jax import Array


def generator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Fakes should score high, and have the category that was asked for."""
    return wgan_gp.generator_loss(discriminator, batch) + unanswered(batch)


def unanswered(batch: Batch) -> Array:
    """Return the share of rows without the category that was asked for, () float32.

    Its gradient is that of the probability of the category (heads are straight-through), where
    CTGAN takes the cross-entropy.
    """
    places = asked_places(batch.layout)
    asked = batch.condition[:, batch.condition.shape[1] - len(places) :]
    return (jnp.maximum(asked, 0) - asked * batch.fake[:, places]).sum(axis=1).mean()


VARIANT = adversarial_variant(
    name="cwgan-gp",
    summary="wgan-gp, told of classes and categories: learns from all, and makes rows of any",
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    discriminator_loss=wgan_gp.discriminator_loss,
    generator_loss=generator_loss,
    network=wgan_gp.VARIANT.network,
    training=wgan_gp.VARIANT.training,
    learns_classes=True,
    learns_levels=True,
    own_options=("gp_weight",),
    search=wgan_gp.VARIANT.search,
)
