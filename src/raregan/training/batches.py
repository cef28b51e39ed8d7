"""Which rows make a batch, and what networks are told of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray


def steps_per_epoch(n_rare: int, batch_size: int, n_classes: int = 1) -> int:
    """Return in how many batches the rare rows come once, among as many of each other class."""
    return math.ceil(n_rare / class_sizes(batch_size, n_classes)[0])


class ByClass(NamedTuple):
    """Draws as many rows of each class into every batch.

    Of one class, an epoch is a random order of its rows: see :func:`epoch_batches`. Of several, it
    is one of the first, the rare one; of the others, so many rows as go with it.
    """

    members: Array
    """(K, n) bool: which of the n rows are learned from, by class."""

    def epoch(self, key: Array, steps: int, batch_size: int) -> tuple[Array, Array]:
        """Return the row numbers of an epoch, and that nothing is asked of them (-1).

        Returns
        -------
        rows, asks : (steps, batch_size) int32
            Those of a class are neighbours, so that a pack is of one class.
        """
        keys = [key] if len(self.members) == 1 else jax.random.split(key, len(self.members))
        parts = [
            epoch_batches(part_key, members, steps, size)
            for part_key, members, size in zip(
                keys, self.members, class_sizes(batch_size, len(self.members)), strict=True
            )
        ]
        rows = jnp.concatenate(parts, axis=1)
        return rows, jnp.full(rows.shape, -1, jnp.int32)


class ByLevel(NamedTuple):
    """Draws a class, then a category that it has, then a row of this class that has it.

    Training by sampling (Xu et al. 2019, section 4.3): of the one-hot spans each is as likely, and
    of its categories each by the logarithm of how many rows have it, so that rare ones are learned
    too. Two deviations: classes are balanced, and a yes or no counts as two categories.
    """

    shares: Array
    """(K, M) float32: sums, up to each, of the probabilities of the M asks."""
    starts: Array
    """(K, M) int32: where the rows that meet an ask begin in `order`."""
    counts: Array
    """(K, M) int32: how many these are."""
    order: Array
    """(L,) int32 row numbers."""

    @classmethod
    def of(
        cls, met: NDArray[np.bool_], spans: NDArray[np.intp], members: NDArray[np.bool_]
    ) -> Self:
        """Count what is needed.

        Parameters
        ----------
        met : (n, M) bool
            Which asks each row meets.
        spans : (M,) int
            Where the span of each ask begins.
        members : (K, n) bool
            Which rows are learned from, by class.
        """
        places = [[np.flatnonzero(own & answer) for answer in met.T] for own in members]
        counts = np.array([[len(found) for found in row] for row in places], np.int64)
        weights = np.log1p(counts)
        of_span = np.stack([weights[:, spans == span].sum(axis=1) for span in spans], axis=1)
        weights = np.divide(weights, of_span, out=np.zeros_like(weights), where=of_span > 0)
        order = np.concatenate([found for row in places for found in row])
        padded = np.zeros(met.size, np.int32)  # as many for every choice of members: one program
        padded[: len(order)] = order
        return cls(
            jnp.asarray(
                np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True), jnp.float32
            ),
            jnp.asarray(np.cumsum(counts).reshape(counts.shape) - counts, jnp.int32),
            jnp.asarray(counts, jnp.int32),
            jnp.asarray(padded),
        )

    def epoch(self, key: Array, steps: int, batch_size: int) -> tuple[Array, Array]:
        """Return the row numbers of an epoch, and the number of what is asked of each.

        Returns
        -------
        rows, asks : (steps, batch_size) int32
        """
        n_classes = len(self.shares)
        classes = np.repeat(np.arange(n_classes), class_sizes(batch_size, n_classes))
        shape = (steps, batch_size)
        which, within = jax.random.uniform(key, (2, *shape))
        shares = self.shares[classes]  # (batch_size, M)
        asks = (which[..., None] >= shares).sum(axis=-1).clip(max=shares.shape[1] - 1)
        n = self.counts[classes, asks]
        rows = self.starts[classes, asks] + (within * n).astype(jnp.int32).clip(max=n - 1)
        return self.order[rows], asks.astype(jnp.int32)


Draws: TypeAlias = ByClass | ByLevel
"""How the rows of an epoch are drawn: a pytree, an argument of the compiled program."""


def class_sizes(batch_size: int, n_classes: int) -> list[int]:
    """Return how many rows of a batch are of each class: the first ones get what is left over."""
    return [batch_size // n_classes + (i < batch_size % n_classes) for i in range(n_classes)]


def epoch_batches(key: Array, members: Array, steps: int, batch_size: int) -> Array:
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
        Which of the n rows are learned from, at least one. Of fewer than batches hold, more come
        twice.
    steps, batch_size : int
        Static. With fewer rows than a batch holds, the order repeats within the batch.

    Returns
    -------
    (steps, batch_size) int32
    """
    order = jnp.argsort(jnp.where(members, jax.random.uniform(key, members.shape), 2.0))
    places = jnp.arange(steps * batch_size) % members.sum()
    return order[places].astype(jnp.int32).reshape(steps, batch_size)
