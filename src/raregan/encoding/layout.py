"""What each slice of an encoded row means: all that networks know of data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Span:
    """The slice of an encoded row that one column of the table takes.

    Attributes
    ----------
    column
        Name of the table's column.
    start, width
        Where the slice begins, counted from 0, and how many numbers it has.
    kind
        Kind of the column, as its schema says.
    activation
        What a generator's head ends with here: ``"linear"``, unbounded.
    """

    column: str
    start: int
    width: int
    kind: str
    activation: str

    def __post_init__(self) -> None:
        texts, counts = (self.column, self.kind, self.activation), (self.start, self.width)
        typed = all(type(text) is str for text in texts) and all(type(n) is int for n in counts)
        if not typed or self.start < 0 or self.width < 1:
            raise ModelFileError(f"this is no span of an encoded row: {self}; train the model anew")

    @property
    def stop(self) -> int:
        """Where the next slice begins."""
        return self.start + self.width


@dataclass(frozen=True)
class Layout:
    """The spans of an encoded row, side by side from 0; constant columns have none.

    Raises
    ------
    ModelFileError
        Spans overlap, leave a gap, or share a column.
    """

    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        start = 0
        for span in self.spans:
            if span.start != start:
                raise ModelFileError(f"{span} should start at {start}; train the model anew")
            start = span.stop
        if len({span.column for span in self.spans}) < len(self.spans):
            raise ModelFileError("two spans are of one column; train the model anew")

    @property
    def width(self) -> int:
        """Numbers in an encoded row (D)."""
        return self.spans[-1].stop if self.spans else 0

    def span(self, column: str) -> Span:
        """Return the span of a column.

        Raises
        ------
        KeyError
            The column has none, as it is constant or not in the table.
        """
        for span in self.spans:
            if span.column == column:
                return span
        raise KeyError(column)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {"spans": [asdict(span) for span in self.spans]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        try:
            return cls(tuple(Span(**span) for span in data["spans"]))
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"this is no layout as raregan writes it: {error!r}") from None
