"""How the numbers that a trained generator draws vary together, set right.

Noise on real rows, and a network that is smaller than it might be, keep a generator from learning
single rows by heart; they also leave its correlations too weak. A linear map mends that: the one
that moves rows least among those that give them the covariance of the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from raregan.gans.frozen import Corrected, find_array
from raregan.gans.heads import is_discrete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout
    from raregan.gans.frozen import Frozen

    Float32 = NDArray[np.float32]
    Float64 = NDArray[np.float64]

_ROUNDS = 8
_STEP = 0.7  # of what is still wrong, towards which the next round goes
_FLOOR = 1e-3  # of a covariance's eigenvalues, in units of their mean
_NOTHING = 1e-9  # a column's deviation, in units of its largest value: rounding


@dataclass(frozen=True)
class CorrelatedGenerator(Corrected):
    """A generator whose numbers go through a linear map.

    Parameters
    ----------
    turn : (F, F) float32
        What the F numbers that every row has are multiplied by, once `before` is taken away.
    before, after : (F,) float32
        Their means, as drawn and as they should be.
    """

    turn: Float32
    before: Float32
    after: Float32

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, Z) float32 latent vectors."""
        rows = self.generator(latent)
        places = self._places
        rows[:, places] = (rows[:, places] - self.before) @ self.turn + self.after
        return rows

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        return free_numbers(self.layout)

    def to_arrays(self) -> dict[str, Float32]:
        """Return weights and map by name, for a safetensors file."""
        mine = {"turn": self.turn, "before": self.before, "after": self.after}
        return {
            **self.generator.to_arrays(),
            **{f"correlations.{name}": array for name, array in mine.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], generator: Frozen) -> Self:
        """Put the map of :meth:`to_arrays` after a generator.

        Raises
        ------
        ModelFileError
            If it is none of such rows, or holds NaN or infinity.
        """
        n = len(free_numbers(generator.layout))
        shapes = {"turn": (n, n), "before": (n,), "after": (n,)}
        return cls(
            generator,
            **{k: find_array(arrays, f"correlations.{k}", shape) for k, shape in shapes.items()},
        )


def free_numbers(layout: Layout) -> NDArray[np.intp]:
    """Return the places of the numbers that every row has, as nothing ever empties them."""
    gated = layout.gate_matrix().any(axis=0)
    return np.flatnonzero(~is_discrete(layout) & ~gated)


def fit_correlations(
    generator: Frozen,
    rows: Float32,
    latent: Float32,
    values: Float64 | None = None,
    *,
    shrink: bool = False,
) -> Frozen:
    """Return the generator with its numbers varying together as those of training rows.

    The map is that of optimal transport between normal distributions (Olkin & Pukelsheim 1982).
    What `margins` does afterwards changes correlations, and so does decoding: the map is fitted to
    what comes of both, in a few rounds. What should be right is the mean of the correlation of
    encoded numbers and of that of the numbers themselves: the latter are what a user sees, and
    where tails are heavy they say more of a few rows than of all.

    Parameters
    ----------
    generator : Frozen
    rows : (n, D) float32
        Encoded training rows, n >= 2.
    latent : (m, Z) float32
        What the generator is tried with.
    values : (n, D) float64, optional
        The same rows with numbers as the table has them; default: as they are encoded.
    shrink : bool
        Whether correlations should be smaller than those of the rows, by the share that Ledoit &
        Wolf 2004 find for the encoded numbers, standardised.
    """
    places = free_numbers(generator.layout)
    if len(places) < 2:  # noqa: PLR2004
        return generator
    real = rows[:, places].astype(np.float64)
    scales = [real] if values is None else [real, values[:, places]]
    ordered = [np.sort(scale, axis=0) for scale in scales]
    goal = _mean_correlation(scales)
    drawn = generator(latent)[:, places].astype(np.float64)
    before, after = drawn.mean(axis=0), real.mean(axis=0)
    spread, target = np.cov(drawn.T), np.cov(real.T)
    if shrink:
        kept = 1 - _shrinkage(real)
        goal = kept * goal + (1 - kept) * np.diag(goal.diagonal())
        target = kept * target + (1 - kept) * np.diag(target.diagonal())
    size = np.sqrt(np.outer(target.diagonal(), target.diagonal()))
    best, least = np.eye(len(places)), np.inf
    for _ in range(_ROUNDS):
        turn = _least_move(spread, target)
        chances = _ranks((drawn - before) @ turn)
        wrong = goal - _mean_correlation([_quantiles(chances, scale) for scale in ordered])
        if (error := float(np.abs(wrong).mean())) < least:
            best, least = turn, error
        target = target + _STEP * size * wrong
    arrays = (np.ascontiguousarray(array, np.float32) for array in (best, before, after))
    return CorrelatedGenerator(generator, *arrays)


def _mean_correlation(scales: list[Float64]) -> Float64:
    """Return (F, F): the mean over scales of the correlations; of what is constant they are 0."""
    found = []
    for rows in scales:
        largest = np.abs(rows).max(axis=0)
        centred = rows / np.where(largest > 0, largest, 1)  # no square overflows
        centred = centred - centred.mean(axis=0)
        norms = np.sqrt((centred**2).sum(axis=0))
        centred = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > _NOTHING)
        found.append(centred.T @ centred)
    mean: Float64 = np.mean(found, axis=0)
    return mean


def _shrinkage(rows: Float64) -> float:
    """Return by which share the correlations of these rows are best shrunk, in [0, 1]."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    spread = rows.std(axis=0)
    standard = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return float(ledoit_wolf_shrinkage(standard))


def _least_move(first: Float64, second: Float64) -> Float64:
    """Return the symmetric matrix that turns the first covariance into the second."""
    root = _power(first, 0.5)
    inverse = _power(first, -0.5)
    return inverse @ _power(root @ _power(second, 1.0) @ root, 0.5) @ inverse


def _power(covariance: Float64, exponent: float) -> Float64:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    values = np.maximum(values, _FLOOR * max(values.mean(), np.finfo(np.float32).tiny))
    power: Float64 = (vectors * values**exponent) @ vectors.T
    return power


def _ranks(rows: Float64) -> Float64:
    """Return (m, F): how far up its column each number stands, in (0, 1)."""
    chances: Float64 = (rows.argsort(axis=0).argsort(axis=0) + 0.5) / len(rows)
    return chances


def _quantiles(chances: Float64, ordered: Float64) -> Float64:
    """Return the values that stand as far up the columns of (n, F) rising numbers."""
    known = (np.arange(len(ordered)) + 0.5) / len(ordered)
    columns = zip(chances.T, ordered.T, strict=True)
    return np.column_stack([np.interp(chance, known, values) for chance, values in columns])
