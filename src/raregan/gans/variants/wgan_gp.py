"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017), packed (Lin et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.config import PACKED_NETWORK, TrainingConfig
from raregan.gans.adversarial import Batch, Discriminator, adversarial_variant, score_both
from raregan.gans.losses import wasserstein_discriminator_loss, wasserstein_generator_loss
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.penalties import gradient_penalty
from raregan.gans.variants.interface import Between, OneOf

if TYPE_CHECKING:
    from jax import Array


def discriminator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Let the critic tell the Wasserstein distance, as far as its slope is 1."""
    distance = wasserstein_discriminator_loss(*score_both(discriminator, batch))
    penalty = gradient_penalty(discriminator, batch.real, batch.fake, batch.key)
    return distance + batch.training.gp_weight * penalty


def generator_loss(discriminator: Discriminator, batch: Batch) -> Array:
    """Fakes should score high."""
    return wasserstein_generator_loss(discriminator(batch.fake))


VARIANT = adversarial_variant(
    name="wgan-gp",
    summary="Wasserstein with gradient penalty, packed, averaged weights, no normalisation",
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    discriminator_loss=discriminator_loss,
    generator_loss=generator_loss,
    network=PACKED_NETWORK,
    training=TrainingConfig(
        epochs=1_000_000,
        steps=10_000,
        discriminator_steps=2,
        discriminator_speed=2.0,
        beta_1=0.0,
        beta_2=0.9,
        average=0.999,
        margins=True,
        evidence=True,
    ),
    own_options=("gp_weight",),
    search={"steps": OneOf((5_000, 10_000, 20_000)), "gp_weight": Between(1, 30)},
)
