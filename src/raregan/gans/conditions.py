"""What a conditional network is told of a row: its class, and what was asked of one category.

A condition is C numbers: one for each class, of which one is 1, then one for each place of the row
that can be asked for, 1 where a category is asked for, -1 where it is asked not to be, else 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout, Span

    Float32 = NDArray[np.float32]


class Ask(NamedTuple):
    """One thing that can be asked of a row: a category of a span."""

    span: Span
    category: int
    """Its place in a softmax span; of a yes or no, 1 for yes and 0 for no."""

    @property
    def place(self) -> int:
        """Where it stands in an encoded row."""
        return self.span.start + (self.category if self.span.activation == "softmax" else 0)

    @property
    def place_and_category(self) -> tuple[int, int]:
        """Where its span begins, and the category: what says which ask it is."""
        return self.span.start, self.category

    @property
    def sign(self) -> int:
        """What a condition holds for it."""
        return 1 if self.span.activation == "softmax" or self.category else -1


def asks_of(layout: Layout) -> tuple[Ask, ...]:
    """Return all that can be asked: categories of one-hot spans, and either answer to a yes or no.

    Levels written in binary have no place of their own, and cannot.
    """
    asks = []
    for span in layout.spans:
        if span.activation == "softmax":
            asks += [Ask(span, category) for category in range(span.width)]
        elif span.activation == "sigmoid" and span.width == 1:
            asks += [Ask(span, category) for category in (0, 1)]
    return tuple(asks)


def asked_places(layout: Layout) -> NDArray[np.intp]:
    """Return (P,): the places of an encoded row that can be asked for, in order."""
    return np.unique([ask.place for ask in asks_of(layout)]).astype(np.intp)


def ask_vectors(layout: Layout) -> Float32:
    """Return (M, P): what a condition holds where each of the M asks is made."""
    asks, places = asks_of(layout), asked_places(layout)
    vectors = np.zeros((len(asks), len(places)), np.float32)
    for vector, ask in zip(vectors, asks, strict=True):
        vector[np.searchsorted(places, ask.place)] = ask.sign
    return vectors


def answers(rows: Float32, layout: Layout) -> NDArray[np.bool_]:
    """Return (n, M): which asks the encoded rows meet. A missing cell meets none of its column."""
    asks = asks_of(layout)
    wanted = np.array([ask.sign > 0 for ask in asks], np.bool_)
    places = np.array([ask.place for ask in asks], np.intp)
    told: NDArray[np.bool_] = (rows[:, places] > 0) == wanted
    gated = rows @ layout.gate_matrix() > 0
    return told & ~gated[:, places]


class Told(NamedTuple):
    """What a network is told of the rows that it is to make.

    Attributes
    ----------
    classes
        (K,) float32, one of them 1; none where it knows one class alone.
    shares
        (M,) how often each ask is made; none where nothing is ever asked.
    """

    classes: Float32
    shares: NDArray[np.float64]


TOLD_NOTHING = Told(np.empty(0, np.float32), np.empty(0))
"""Of a network that knows no conditions."""
