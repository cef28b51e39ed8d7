"""Which rows make a batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array


def steps_per_epoch(n_rows: int, batch_size: int) -> int:
    """Return how many batches cover `n_rows` rows once: ``ceil(n_rows / batch_size)``."""
    return math.ceil(n_rows / batch_size)


def epoch_batches(key: Array, n_rows: int, batch_size: int) -> Array:
    """Return the row numbers of one epoch: a random order, the last batch topped up.

    Every row is in the epoch at least once. Where `batch_size` does not divide `n_rows`, the last
    batch is filled with the first rows of the same random order, so all batches are full, all
    rows of a batch weigh the same, and over epochs no row is favoured: which rows come twice is
    drawn anew each time. (Dropping the partial batch would hide rows; a smaller batch would give
    its rows more weight, and batch normalisation worse statistics.)

    Parameters
    ----------
    key : JAX key
        Fixes the order.
    n_rows, batch_size : int
        Static. With fewer rows than a batch holds, the order repeats within the batch.

    Returns
    -------
    (steps, batch_size) int32
    """
    steps = steps_per_epoch(n_rows, batch_size)
    order = jax.random.permutation(key, n_rows)
    return order[jnp.arange(steps * batch_size) % n_rows].reshape(steps, batch_size)
