"""What each slice of an encoded row means: all that networks know of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACTIVATIONS = ("linear", "softmax", "sigmoid")
"""What a generator's head can end with: unbounded numbers, one of several, or a yes or no each."""


class Part(NamedTuple):
    """One of the slices that a field of the table takes, without its place."""

    name: str
    """What it says: ``"value"``, ``"missing"``, ``"level"``, ``"spike"``, ``"weekday"`` ..."""
    width: int
    """Numbers that it takes."""
    activation: str
    """One of `ACTIVATIONS`."""


@dataclass(frozen=True)
class Span:
    """A slice of an encoded row.

    Attributes
    ----------
    column
        Name of the table's column; of columns that are encoded together, their names with commas.
    part
        Which part of the column it says; see `Part`.
    start, width
        Where the slice begins, counted from 0, and how many numbers it has.
    activation
        What a generator's head ends with here. Encoded rows hold what it can make: ``"linear"``
        any number, ``"softmax"`` one 1 among 0s, ``"sigmoid"`` a 0 or 1 in each place.
    """

    column: str
    part: str
    start: int
    width: int
    activation: str

    def __post_init__(self) -> None:
        texts, counts = (self.column, self.part), (self.start, self.width)
        typed = all(type(text) is str for text in texts) and all(type(n) is int for n in counts)
        if not typed or self.start < 0 or self.width < 1 or self.activation not in ACTIVATIONS:
            raise ModelFileError(f"this is no span of an encoded row: {self}; train the model anew")

    @property
    def stop(self) -> int:
        """Where the next slice begins."""
        return self.start + self.width

    @property
    def slice(self) -> slice:
        """The slice itself."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Layout:
    """The spans of an encoded row, side by side from 0; constant columns have none.

    Attributes
    ----------
    spans
        In their order.
    gates
        Pairs of a place and the number of a later span: where a row has a 1 in that place, the span
        holds 0. A cell that is missing has no value, nor has one at a spike.

    Raises
    ------
    ModelFileError
        Spans overlap or leave a gap.
    """

    spans: tuple[Span, ...]
    gates: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        start = 0
        for span in self.spans:
            if span.start != start:
                raise ModelFileError(f"{span} should start at {start}; train the model anew")
            start = span.stop

    @property
    def width(self) -> int:
        """Numbers in an encoded row (D)."""
        return self.spans[-1].stop if self.spans else 0

    @property
    def is_linear(self) -> bool:
        """Whether all numbers are unbounded ones, so that a generator needs no heads."""
        return all(span.activation == "linear" for span in self.spans)

    def gate_matrix(self) -> NDArray[np.float32]:
        """Return (D, D): 1 in row i, column j where a 1 in place i says that place j holds 0."""
        matrix = np.zeros((self.width, self.width), np.float32)
        for place, number in self.gates:
            matrix[place, self.spans[number].slice] = 1
        return matrix
