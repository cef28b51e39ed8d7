"""R3GAN: relativistic pairing loss with both gradient penalties (Huang et al. 2024), packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.config import PACKED_NETWORK, TrainingConfig
from raregan.gans.adversarial import Batch, Discriminator, adversarial_variant, score_both
from raregan.gans.losses import relativistic_discriminator_loss, relativistic_generator_loss
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.penalties import zero_centred_penalty
from raregan.gans.variants.interface import Between, OneOf

if TYPE_CHECKING:
    from jax import Array


def discriminator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Real rows should score higher than their partners, with a gentle slope at both."""
    loss = relativistic_discriminator_loss(*score_both(discriminator, batch))
    slopes = sum(zero_centred_penalty(discriminator, rows) for rows in (batch.real, batch.fake))
    return loss + batch.training.r1_gamma / 2 * slopes


def generator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Fakes should score higher than their partners."""
    return relativistic_generator_loss(*score_both(discriminator, batch))


VARIANT = adversarial_variant(
    name="r3gan",
    summary="relativistic pairs with penalties at real and fake rows (R1 and R2), packed",
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    discriminator_loss=discriminator_loss,
    generator_loss=generator_loss,
    network=PACKED_NETWORK,
    training=TrainingConfig(
        epochs=1_000_000,
        steps=10_000,
        beta_1=0.0,
        beta_2=0.9,
        average=0.999,
        margins=True,
        evidence=True,
    ),
    own_options=("r1_gamma",),
    search={"steps": OneOf((5_000, 10_000, 20_000)), "r1_gamma": Between(0.1, 10)},
)
