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


def epoch_batches(key: Array, members: Array, batch_size: int) -> Array:
    """Return the row numbers of one epoch: a random order, the last batch topped up.

    Every member is in the epoch at least once. Where `batch_size` does not divide their number, the
    last batch is filled with the first rows of the same random order, so all batches are full, all
    rows of a batch weigh the same, and over epochs no row is favoured: which rows come twice is
    drawn anew each time. (Dropping the partial batch would hide rows; a smaller batch would give
    its rows more weight, and batch normalisation worse statistics.)

    Parameters
    ----------
    key : JAX key
        Fixes the order.
    members : (n,) bool
        Which of the n rows are learned from, at least one. How many batches there are depends on n
        alone: of fewer members more come twice.
    batch_size : int
        Static. With fewer rows than a batch holds, the order repeats within the batch.

    Returns
    -------
    (steps, batch_size) int32
    """
    n_rows = len(members)
    steps = steps_per_epoch(n_rows, batch_size)
    order = jnp.argsort(jnp.where(members, jax.random.uniform(key, (n_rows,)), 2.0))
    places = jnp.arange(steps * batch_size) % members.sum()
    return order[places].astype(jnp.int32).reshape(steps, batch_size)
