"""What a run learns from: encoded rows, of one class or of several, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np

from raregan.gans.conditions import TOLD_NOTHING, Told, answers, ask_vectors, asks_of
from raregan.training.batches import ByClass, ByLevel

if TYPE_CHECKING:
    from jax import Array
    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout
    from raregan.training.batches import Draws


class Material(NamedTuple):
    """The rows of a lesson on the device."""

    rows: Array
    """(n, D) float32."""
    classes: Array
    """(n, K) float32: a 1 for the class of each; K is 0 where networks are not told."""
    asks: Array
    """(M + 1, P) float32: what a condition holds for each ask; the last is that of none."""

    def batch(self, rows: Array, asks: Array) -> tuple[Array, Array]:
        """Return the rows of these numbers, and the condition of each."""
        told = jnp.concatenate([self.classes[rows], self.asks[asks]], axis=-1)
        return self.rows[rows], told


@dataclass(frozen=True)
class Lesson:
    """Encoded rows.

    Attributes
    ----------
    rows
        (n, D) float32, first those of the rare class.
    labels
        (n,) the number of each row's class; 0 is the rare one.
    layout
        What the D numbers are.
    tells_classes, tells_levels
        What networks are told.
    """

    rows: NDArray[np.float32]
    labels: NDArray[np.intp]
    layout: Layout
    tells_classes: bool = False
    tells_levels: bool = False

    @classmethod
    def of_one_class(cls, rows: NDArray[np.float32], layout: Layout) -> Lesson:
        """Return a lesson of rare rows alone."""
        return cls(rows, np.zeros(len(rows), np.intp), layout)

    @property
    def rare(self) -> NDArray[np.float32]:
        """(n_rare, D) rows of the rare class."""
        return self.of_class(0)

    @property
    def n_classes(self) -> int:
        """How many classes there are (K)."""
        return int(self.labels.max()) + 1

    @property
    def n_rare(self) -> int:
        """How many rows are of the rare class."""
        return int((self.labels == 0).sum())

    @property
    def n_conditions(self) -> int:
        """Numbers of a condition (C)."""
        return self.n_classes * self.tells_classes + int(self._vectors.shape[1])

    def of_class(self, number: int) -> NDArray[np.float32]:
        """Return the rows of a class."""
        rows: NDArray[np.float32] = self.rows[self.labels == number]
        return rows

    def material(self) -> Material:
        """Put the rows on the device."""
        n_told = self.n_classes if self.tells_classes else 0
        classes = np.zeros((len(self.rows), n_told), np.float32)
        if n_told:
            classes[np.arange(len(self.rows)), self.labels] = 1
        none = np.zeros((1, self._vectors.shape[1]), np.float32)
        return Material(
            jnp.asarray(self.rows),
            jnp.asarray(classes),
            jnp.asarray(np.concatenate([self._vectors, none])),
        )

    def draws(self, kept: NDArray[np.bool_]) -> Draws:
        """Return how batches are drawn where only some rare rows are learned from.

        Parameters
        ----------
        kept : (n_rare,) bool
            Which; of the other classes all are.
        """
        members = np.arange(self.n_classes)[:, None] == self.labels
        members[0, : self.n_rare] = kept
        if not self._vectors.size:
            return ByClass(jnp.asarray(members))
        return ByLevel.of(self._met, self._spans, members)

    def told(self, number: int) -> Told:
        """Return what networks are told when they make rows of a class."""
        if not self.tells_classes:
            return TOLD_NOTHING
        classes = np.zeros(self.n_classes, np.float32)
        classes[number] = 1
        if not self._vectors.size:
            return Told(classes, np.empty(0))
        counts = self._met[self.labels == number].sum(axis=0, dtype=np.float64)
        of_span = (self._spans == self._spans[:, None]) @ counts
        shares = np.divide(counts, of_span, out=np.zeros_like(counts), where=of_span > 0)
        return Told(classes, shares)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        vectors = ask_vectors(self.layout)
        return vectors if self.tells_levels else np.zeros((0, 0), np.float32)

    @cached_property
    def _spans(self) -> NDArray[np.intp]:
        """(M,) where the span of each ask begins."""
        return np.array([ask.span.start for ask in asks_of(self.layout)], np.intp)

    @cached_property
    def _met(self) -> NDArray[np.bool_]:
        return answers(self.rows, self.layout)
