"""All architecture: Keras models built from a layout and widths, their weights from one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from raregan.config import NetworkConfig
    from raregan.encoding.layout import Layout


def build_generator(layout: Layout, network: NetworkConfig, *, seed: int) -> keras.Model:
    """Return the reference generator: (B, Z) latent to (B, D) encoded rows.

    Each hidden block is Dense, ReLU, batch normalisation (Ioffe & Szegedy 2015), with He's variance
    (He et al. 2015, eq. 10) in Keras' truncated normal; the last layer is linear with Glorot's
    initialisation, as He's variance is derived for layers followed by a ReLU.

    Parameters
    ----------
    layout : Layout
        What the encoded row holds; its width is D.
    network : NetworkConfig
        Widths, and `latent_dim` Z (`None`: Z = D).
    seed : int
        Fixes the initial weights.
    """
    seeds = _layer_seeds(seed, len(network.generator_widths) + 1)
    x = inputs = keras.Input((network.latent_dim or layout.width,), name="latent")
    for i, width in enumerate(network.generator_widths):
        x = layers.Dense(width, activation="relu", kernel_initializer=_he(seeds[i]))(x)
        x = layers.BatchNormalization()(x)
    outputs = layers.Dense(layout.width, kernel_initializer=_glorot(seeds[-1]), name="row")(x)
    return keras.Model(inputs, outputs, name="generator")


def build_discriminator(layout: Layout, network: NetworkConfig, *, seed: int) -> keras.Model:
    """Return the reference discriminator: (B, D) encoded rows to (B, 1) logits.

    Dense layers with ReLU and He's normal initialisation; no normalisation, so that a score
    depends on its row alone. The sigmoid of the textbook is part of the loss, which is stabler.
    """
    seeds = _layer_seeds(seed, len(network.discriminator_widths) + 1)
    x = inputs = keras.Input((layout.width,), name="row")
    for i, width in enumerate(network.discriminator_widths):
        x = layers.Dense(width, activation="relu", kernel_initializer=_he(seeds[i]))(x)
    outputs = layers.Dense(1, kernel_initializer=_glorot(seeds[-1]), name="logit")(x)
    return keras.Model(inputs, outputs, name="discriminator")


def _layer_seeds(seed: int, count: int) -> list[int]:
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(count)]


def _he(seed: int) -> keras.Initializer:
    return keras.initializers.HeNormal(seed=seed)


def _glorot(seed: int) -> keras.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)
