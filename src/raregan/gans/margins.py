"""The distribution of each number that a trained generator draws, set right.

What `calibration` is to categories: a few hundred steps of a generator get the shape of a column
nearly right, and its quantiles are known. A rising curve a number moves what was drawn to what the
training rows have; which rows get large values still follows from all that the generator learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from raregan.errors import ModelFileError
from raregan.gans.frozen import Corrected, find_array
from raregan.gans.heads import gated, is_discrete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.gans.frozen import Frozen

    Float32 = NDArray[np.float32]

MOST_KNOTS = 256
"""Of a curve: enough that what lies between is straight, in a model file of some KB."""


@dataclass(frozen=True)
class MarginalGenerator(Corrected):
    """A generator whose numbers go through rising curves.

    Parameters
    ----------
    places : (L,) intp
        Where in an encoded row the numbers stand.
    drawn, real : (L, K) float32
        Quantiles at the same K probabilities: of what `generator` draws, and of training rows.
    """

    places: NDArray[np.intp]
    drawn: Float32
    real: Float32

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, Z) float32 latent vectors."""
        rows = self.generator(latent)
        for place, drawn, real in zip(self.places, self.drawn, self.real, strict=True):
            column = rows[:, place]
            beyond = column - np.clip(column, drawn[0], drawn[-1])  # keeps its distance
            high = np.interp(column, drawn, real)
            low = -np.interp(-column, -drawn[::-1], -real[::-1])  # differs where draws are equal
            rows[:, place] = (low + high) / 2 + beyond
        return rows

    def to_arrays(self) -> dict[str, Float32]:
        """Return weights and curves by name, for a safetensors file."""
        return {
            **self.generator.to_arrays(),
            "margins.drawn": self.drawn,
            "margins.real": self.real,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], generator: Frozen) -> Self:
        """Put the curves of :meth:`to_arrays` after a generator.

        Raises
        ------
        ModelFileError
            If they are none of such rows, do not rise, or hold NaN or infinity.
        """
        places = np.flatnonzero(~is_discrete(generator.layout))
        drawn = find_array(arrays, "margins.drawn")
        real = find_array(arrays, "margins.real", drawn.shape)
        sized = drawn.ndim == 2 and len(drawn) == len(places) and drawn.size > 0  # noqa: PLR2004
        if not sized or any((np.diff(curve, axis=1) < 0).any() for curve in (drawn, real)):
            raise ModelFileError("the curves of the generator's numbers are damaged; train anew")
        return cls(generator, places, drawn, real)


def fit_margins(generator: Frozen, rows: Float32, latent: Float32) -> Frozen:
    """Return the generator with its numbers distributed as those of training rows.

    Parameters
    ----------
    generator : Frozen
        Calibrated: which cells hold a number follows from its heads.
    rows : (n, D) float32
        Encoded training rows.
    latent : (m, Z) float32
        What the generator is tried with.
    """
    layout = generator.layout
    places = np.flatnonzero(~is_discrete(layout))
    if not places.size:
        return generator
    made = generator(latent)
    made_gated, rows_gated = gated(made, layout), gated(rows, layout)
    knots = min(MOST_KNOTS, len(rows))
    chances = (np.arange(knots) + 0.5) / knots
    curves = np.empty((2, len(places), knots), np.float32)
    for curve, place in enumerate(places):
        sides = (made[~made_gated[:, place], place], rows[~rows_gated[:, place], place])
        known = all(len(side) for side in sides)
        for quantiles, side in zip(curves[:, curve], sides, strict=True):
            quantiles[:] = np.quantile(side, chances, method="hazen") if known else chances
    return MarginalGenerator(generator, places, *curves)
