"""Penalties on the gradient of a discriminator by its input, each with its source.

Where a discriminator looks at several rows at once, its input is the pack of them: the gradient's
norm is that over the pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array

    from raregan.gans.adversarial import Discriminator

_TINY = 1e-12  # below the root: the norm has no gradient at 0


def gradient_penalty(discriminator: Discriminator, real: Array, fake: Array, key: Array) -> Array:
    """Mean squared distance of the gradient's norm from 1 (Gulrajani et al. 2017, eq. 3).

    Measured between real and fake rows: at one random point of the straight line between the two
    of each pair of inputs, drawn uniformly, one for each input.

    Parameters
    ----------
    discriminator : callable
        (B, D) rows to (B / pac,) scores.
    real, fake : (B, D) float32
    key : JAX key

    Returns
    -------
    () float32
    """
    n_inputs = jax.eval_shape(discriminator, real).shape[0]
    share = jax.random.uniform(key, (n_inputs, 1))
    pairs = (rows.reshape(n_inputs, -1) for rows in (real, fake))
    mixed = sum(weight * rows for weight, rows in zip((share, 1 - share), pairs, strict=True))
    squares = _squared_gradients(discriminator, jnp.reshape(mixed, real.shape))
    return ((jnp.sqrt(squares + _TINY) - 1) ** 2).mean()


def zero_centred_penalty(discriminator: Discriminator, rows: Array) -> Array:
    """Mean squared norm of the gradient at these rows.

    At real rows it is R1, at fake rows R2 (Mescheder et al. 2018, eq. 9 and 10); the factor
    gamma / 2 is the caller's.

    Parameters
    ----------
    discriminator : callable
        (B, D) rows to (B / pac,) scores.
    rows : (B, D) float32

    Returns
    -------
    () float32
    """
    return _squared_gradients(discriminator, rows).mean()


def _squared_gradients(discriminator: Discriminator, rows: Array) -> Array:
    """Return the squared norm of the gradient of each score, (B / pac,)."""

    def total(inputs: Array) -> tuple[Array, Array]:
        scores = discriminator(inputs)
        return scores.sum(), scores

    gradient, scores = jax.grad(total, has_aux=True)(rows)
    squares: Array = (gradient.reshape(len(scores), -1) ** 2).sum(axis=1)
    return squares
