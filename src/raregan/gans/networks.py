"""All architecture: Keras models built from a layout and widths, their weights from one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

from raregan.gans.frozen_flow import time_speeds
from raregan.gans.heads import is_binary, softmax_places

if TYPE_CHECKING:
    from raregan.config import NetworkConfig
    from raregan.encoding.layout import Layout

_BLOCK_GAIN = 0.1  # of a residual block's last layer at the start


def build_generator(
    layout: Layout, network: NetworkConfig, *, seed: int, n_conditions: int = 0
) -> keras.Model:
    """Return the reference generator: (B, Z + C) latent and condition to (B, D) encoded rows.

    Each hidden block is Dense, ReLU and, where asked for, batch normalisation (Ioffe & Szegedy
    2015), with He's variance
    (He et al. 2015, eq. 10) in Keras' truncated normal; the last layer is linear with Glorot's
    initialisation, as He's variance is derived for layers followed by a ReLU. `Heads` follow where
    the layout has more than plain numbers.

    Parameters
    ----------
    layout : Layout
        What the encoded row holds; its width is D.
    network : NetworkConfig
        Widths, and `latent_dim` Z (`None`: Z = D).
    seed : int
        Fixes the initial weights.
    n_conditions : int
        Numbers of a condition, C.
    """
    seeds = _layer_seeds(seed, len(network.generator_widths) + 1)
    n_latent = network.latent_dim or layout.width
    x = inputs = keras.Input((n_latent + n_conditions,), name="latent")
    for i, width in enumerate(network.generator_widths):
        x = layers.Dense(width, activation="relu", kernel_initializer=_he(seeds[i]))(x)
        if network.batch_normalisation:
            x = layers.BatchNormalization()(x)
    outputs = layers.Dense(layout.width, kernel_initializer=_glorot(seeds[-1]), name="row")(x)
    if not layout.is_linear:
        outputs = Heads(layout)(outputs)
    return keras.Model(inputs, outputs, name="generator")


def build_discriminator(
    layout: Layout, network: NetworkConfig, *, seed: int, n_conditions: int = 0
) -> keras.Model:
    """Return the reference discriminator: (B, pac (D + C)) rows and conditions to (B, 1) logits.

    Dense layers with ReLU and He's normal initialisation; no normalisation, so that a score
    depends on its row alone, or with ``pac`` rows to an input on those of its pack. The sigmoid of
    the textbook is part of the loss, which is stabler.
    """
    seeds = _layer_seeds(seed, len(network.discriminator_widths) + 1)
    x = inputs = keras.Input((network.pac * (layout.width + n_conditions),), name="row")
    for i, width in enumerate(network.discriminator_widths):
        x = layers.Dense(width, kernel_initializer=_he(seeds[i]))(x)
        x = layers.ReLU(negative_slope=network.leak)(x)
    outputs = layers.Dense(1, kernel_initializer=_glorot(seeds[-1]), name="logit")(x)
    return keras.Model(inputs, outputs, name="discriminator")


def build_field(
    layout: Layout, network: NetworkConfig, *, seed: int, n_conditions: int = 0
) -> keras.Model:
    """Return the field of a flow: (B, D + C + 1) rows, conditions and time to (B, D) velocities.

    Residual blocks of two dense layers with SiLU; time comes in as sines and cosines, added to the
    first layer. The last layer starts at 0, and each block near 0: the field begins at rest.

    Parameters
    ----------
    layout : Layout
        What the encoded row holds; its width is D.
    network : NetworkConfig
        `field_width` and `field_blocks`.
    seed : int
        Fixes the initial weights.
    n_conditions : int
        Numbers of a condition, C.
    """
    seeds = iter(_layer_seeds(seed, 2 + 2 * network.field_blocks))
    inputs = keras.Input((layout.width + n_conditions + 1,), name="row_and_time")
    angles = inputs[:, -1:] * time_speeds()
    time = keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=1)

    def dense(name: str, gain: float = 1.0, *, use_bias: bool = True) -> layers.Dense:
        start = keras.initializers.VarianceScaling(gain, "fan_in", "normal", seed=next(seeds))
        return layers.Dense(
            network.field_width, kernel_initializer=start, use_bias=use_bias, name=name
        )

    x = dense("row")(inputs[:, :-1]) + dense("time", use_bias=False)(time)
    for block in range(network.field_blocks):
        inner = dense(f"inner_{block}")(keras.ops.silu(x))
        x = x + dense(f"outer_{block}", _BLOCK_GAIN)(keras.ops.silu(inner))
    outputs = layers.Dense(layout.width, kernel_initializer="zeros", name="velocity")(
        keras.ops.silu(x)
    )
    return keras.Model(inputs, outputs, name="field")


class Heads(layers.Layer):  # type: ignore[misc]
    """Straight-through 0s and 1s where the layout says so; see :mod:`raregan.gans.heads`.

    What a missing cell or a spike says to hold nothing becomes 0, as in real rows: else the
    discriminator would know every fake with a missing cell, and the generator make none.

    Parameters
    ----------
    layout : Layout
        What the encoded row holds.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(name="heads")
        self._places, self._real = softmax_places(layout)
        self._binary = is_binary(layout)
        row = np.zeros(layout.width, np.int32)
        row[self._places[self._real]] = np.flatnonzero(self._real)
        self._back = row  # where each number of a row stands in the table of softmax spans
        self._in_softmax = np.isin(np.arange(layout.width), self._places)
        self._gates = layout.gate_matrix()

    def call(self, logits: jax.Array) -> jax.Array:
        """Turn (B, D) logits into (B, D) encoded rows."""
        rows = logits
        if self._binary.any():
            soft = jax.nn.sigmoid(logits)
            rows = jnp.where(self._binary, _straight_through(logits > 0, soft), rows)
        if self._places.size:
            table = jnp.where(self._real, logits[:, self._places], -jnp.inf)
            soft = jax.nn.softmax(table, axis=-1)
            hard = jax.nn.one_hot(table.argmax(axis=-1), table.shape[-1])
            chosen = _straight_through(hard, soft).reshape(len(logits), -1)[:, self._back]
            rows = jnp.where(self._in_softmax, chosen, rows)
        if self._gates.any():
            rows = rows * (1 - jnp.minimum(rows @ self._gates, 1))
        return rows

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape unchanged."""
        return input_shape


def _straight_through(hard: jax.Array, soft: jax.Array) -> jax.Array:
    return soft + jax.lax.stop_gradient(hard.astype(soft.dtype) - soft)


def _layer_seeds(seed: int, count: int) -> list[int]:
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(count)]


def _he(seed: int) -> keras.Initializer:
    return keras.initializers.HeNormal(seed=seed)


def _glorot(seed: int) -> keras.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)
