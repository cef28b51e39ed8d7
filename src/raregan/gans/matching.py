"""Conditional flow matching: a field is taught the straight way from noise to each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from raregan.gans.heads import is_discrete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jax import Array

    from raregan.encoding.layout import Layout
    from raregan.gans.variants.interface import Network, Turn


def flow_matching_loss(networks: Mapping[str, Network], turn: Turn) -> Array:
    """Ask of the field at ``(1 - t) x0 + t x1`` to be ``x1 - x0`` (Lipman et al. 2023, eq. 23).

    That is their optimal-transport path with a smallest deviation of 0: x0 is standard normal, x1 a
    real row. Two deviations from the paper: to x1 noise of deviation `jitter` is added at every
    draw, so that the field learns a smooth density around few rows and does not end in each of
    them; and the times of a batch are stratified, one in each of B equal parts of [0, 1], which
    lowers the variance of the loss.

    Parameters
    ----------
    networks : mapping
        ``"field"``: (B, D + C + 1), the row, its condition and its time, to (B, D).
    turn : Turn

    Returns
    -------
    () float32
        Mean of the squared error over rows and numbers.
    """
    n = len(turn.real)
    keys = jax.random.split(turn.key, 4)
    x1 = spread(turn.real, turn.layout, keys[0])
    x1 = x1 + turn.training.jitter * jax.random.normal(keys[1], x1.shape)
    x0 = jax.random.normal(keys[2], x1.shape)
    time = ((jnp.arange(n) + jax.random.uniform(keys[3], (n,))) / n)[:, None]
    x = (1 - time) * x0 + time * x1
    velocity = networks["field"](jnp.concatenate([x, turn.condition, time], axis=1))
    return ((velocity - (x1 - x0)) ** 2).mean()


def spread(rows: Array, layout: Layout, key: Array) -> Array:
    """Give every number of encoded rows the scale of the noise.

    A 0 or 1 becomes -1 or 1. What is 0 because its cell is missing or at a spike becomes noise: no
    flow can end in one point for some rows and in a curve for others, and nothing reads it.
    """
    gated = rows @ layout.gate_matrix() > 0
    rows = jnp.where(is_discrete(layout), 2 * rows - 1, rows)
    return jnp.where(gated, jax.random.normal(key, rows.shape), rows)
