"""The mark of rows that were held out: hashes by which a table is found to hold them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from raregan.data.fingerprints import Words, row_hashes
from raregan.data.rows import listed
from raregan.errors import DataError, ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_HASHES = 200_000
"""Hashes that are kept, 1.6 MB. Of more rows the smallest are, which are a uniform draw (a
bottom-k sketch: Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007)."""

_MEMBER = "held_out"


@dataclass(frozen=True)
class HeldOut:
    """Rows that must not be seen again, by their hashes.

    Attributes
    ----------
    columns
        The columns that the hashes were taken over, the target among them.
    n_rows
        Rows that were held out, copies counted.
    hashes : (k,) array of uint64
        Of the distinct rows, ascending; at most `MAX_HASHES`, the smallest.
    """

    columns: tuple[str, ...]
    n_rows: int
    hashes: Words = field(repr=False)

    def __post_init__(self) -> None:
        names = all(isinstance(name, str) for name in self.columns)
        _check(names and bool(self.columns), "its columns are no list of names")
        _check(len(set(self.columns)) == len(self.columns), "a column is named twice")
        _check(self.hashes.ndim == 1 and self.hashes.dtype == np.uint64, "its hashes are no uint64")
        _check(bool((self.hashes[1:] > self.hashes[:-1]).all()), "its hashes do not ascend")
        _check(type(self.n_rows) is int, "its number of rows is no count")
        fits = min(self.n_rows, 1) <= len(self.hashes) <= min(self.n_rows, MAX_HASHES)
        _check(fits, f"{len(self.hashes):,} hashes do not go with {self.n_rows:,} rows")

    @classmethod
    def of(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Mark the rows of a frame.

        Parameters
        ----------
        frame
            The rows that are held out.
        columns
            What to tell them by: all columns but the ignored ones.

        Raises
        ------
        SchemaError
            A column is not there, or holds what cannot be hashed.
        """
        hashes = np.unique(row_hashes(_chosen(frame, columns)))
        return cls(tuple(columns), frame.height, hashes[:MAX_HASHES])

    def __or__(self, other: HeldOut) -> HeldOut:
        """Mark the rows of both.

        Raises
        ------
        SchemaError
            The hashes were taken over different columns.
        """
        if apart := sorted({*self.columns} ^ {*other.columns}):
            raise SchemaError(
                f"its parts come from splits that tell rows by different columns: {listed(apart)} "
                "in one alone; split the whole table at once, or train on the parts of one split"
            )
        hashes = np.union1d(self.hashes, other.hashes)
        return HeldOut(self.columns, self.n_rows + other.n_rows, hashes[:MAX_HASHES])

    def count(self, frame: pl.DataFrame) -> int:
        """Count the rows of a frame that are marked; it may have more columns than were hashed.

        Of more than `MAX_HASHES` held-out rows a share is marked, so the count is one of that
        share: none where there are none, and a part of the truth where there are many.

        Raises
        ------
        SchemaError
            The frame lacks a column that the hashes were taken over.
        """
        return int(np.isin(row_hashes(_chosen(frame, self.columns)), self.hashes).sum())

    def to_arrays(self) -> tuple[dict[str, Words], dict[str, Any]]:
        """Return the hashes as a named array, and all else as what JSON can hold."""
        plain = {"columns": list(self.columns), "n_rows": self.n_rows}
        return {_MEMBER: self.hashes}, plain

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], plain: Mapping[str, Any]) -> Self:
        """Take back what `to_arrays` gave.

        Raises
        ------
        ModelFileError
            Something is missing, or is not what `to_arrays` gives.
        """
        try:
            columns, n_rows, hashes = plain["columns"], plain["n_rows"], arrays[_MEMBER]
            _check(isinstance(columns, list), "its columns are no list of names")
            return cls(tuple(columns), n_rows, np.asarray(hashes))
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the mark of held-out rows is damaged: {error!r}") from error


def refuse_held_out(
    frames: pl.DataFrame | Iterable[pl.DataFrame], held_out: HeldOut, what: str
) -> None:
    """Refuse a table that holds rows which were held out.

    Parameters
    ----------
    frames
        The table, or its parts one after another.
    held_out
        The mark that a split left.
    what
        The table's name, for the message.

    Raises
    ------
    DataError
        It holds such rows; the message says how many.
    SchemaError
        It lacks a column that the mark was taken over.
    """
    n_rows = n_marked = 0
    for frame in [frames] if isinstance(frames, pl.DataFrame) else frames:
        n_rows += frame.height
        n_marked += held_out.count(frame)
    if n_marked:
        raise DataError(
            f"{n_marked:,} of the {n_rows:,} rows of {what} were held out to test what is learned, "
            "and with synthetic rows beside them no score is true: "
            "use the training part of the split, or --allow-held-out"
        )


def _chosen(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise SchemaError(
            f"there is no column {listed(lacking)}, by which held-out rows are told: "
            "give the table with all columns that were split, or use --allow-held-out"
        )
    return frame.select(columns)


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ModelFileError(f"the mark of held-out rows is damaged: {fault}")
