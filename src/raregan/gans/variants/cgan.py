"""The reference GAN told of classes (Mirza & Osindero 2014): it learns every class of the table.

The generator is told which class to make, the discriminator which one it looks at, and a batch
holds as many rows of each. What the classes have in common is learned from all of them.
"""

from __future__ import annotations

from raregan.config import NetworkConfig, TrainingConfig
from raregan.gans.adversarial import adversarial_variant
from raregan.gans.networks import build_discriminator, build_generator
from raregan.gans.variants.gan import discriminator_loss, generator_loss

VARIANT = adversarial_variant(
    name="cgan",
    summary="the reference GAN, told of classes: learns from all, and makes rows of any",
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    discriminator_loss=discriminator_loss,
    generator_loss=generator_loss,
    network=NetworkConfig(),
    training=TrainingConfig(),
    learns_classes=True,
)
