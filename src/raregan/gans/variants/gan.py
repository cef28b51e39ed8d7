"""The reference GAN: Goodfellow et al. 2014 with the mission's networks.

Known to collapse on a few hundred rows: it is the yardstick, and the simplest variant to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.config import NetworkConfig, TrainingConfig
from raregan.gans.adversarial import Batch, Discriminator, adversarial_variant, score_both
from raregan.gans.losses import bce_discriminator_loss, bce_generator_loss
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.variants.interface import OneOf

if TYPE_CHECKING:
    from jax import Array


def discriminator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Real rows should score high and fakes low."""
    return bce_discriminator_loss(*score_both(discriminator, batch))


def generator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Fakes should score high."""
    return bce_generator_loss(discriminator(batch.fake))


VARIANT = adversarial_variant(
    name="gan",
    summary="the reference GAN: binary cross-entropy, batch normalisation in the generator",
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    discriminator_loss=discriminator_loss,
    generator_loss=generator_loss,
    network=NetworkConfig(),
    training=TrainingConfig(),
    search={"epochs": OneOf((1_000, 2_500, 5_000))},
)
