"""Signs that a table was oversampled before it came here: no score from it would be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from raregan.config import MARK
from raregan.contest.features import plain
from raregan.data.fingerprints import row_hashes
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raregan.contest.scores import Mask
    from raregan.data.heldout import HeldOut
    from raregan.data.schema import Column

    Floats = np.ndarray[Any, np.dtype[np.float64]]

MARKS = frozenset([MARK, "synthetic", "issynthetic", "is_fake", "is_augmented", "augmented"])
"""Names, in lower case, of columns that say which rows were made."""

MANY_COPIES, MANY_BETWEEN = 0.2, 0.05
"""Shares of the rare rows that are a leak, if they are also `TIMES` those of the other rows."""

TIMES = 5.0
TESTED, COMPARED, NEAREST = 500, 5_000, 50
"""Rows that are looked at, that they are looked for among, and neighbours of each."""

LEAST_NUMBERS = 3
"""Columns of numbers without which lines mean nothing: of two, lines through a row are common."""

_STRAIGHT = 1e-6


@dataclass(frozen=True)
class Leak:
    """One sign.

    Attributes
    ----------
    name
        ``"marked"``, ``"held-out"``, ``"copies"`` or ``"between"``.
    n
        Rows that show it.
    text
        What was found, and what to do.
    """

    name: str
    n: int
    text: str


def find_leaks(
    frame: pl.DataFrame,
    is_rare: Mask,
    columns: Sequence[Column],
    *,
    held_out: HeldOut | None = None,
    random_state: int = 0,
) -> tuple[Leak, ...]:
    """Look for rows that were made, or that were held out to test with.

    Parameters
    ----------
    frame
        The whole table, all its columns.
    is_rare : (n,) array of bool
        Its rare rows.
    columns
        The features.
    held_out
        The mark that a split left, if it did.
    random_state
        Fixes which rows are looked at where there are many.
    """
    features = frame.select(column.name for column in columns)
    return (
        *_marked(frame),
        *_held_out(frame, held_out),
        *_copies(features, is_rare),
        *_between(plain(features, columns), is_rare, np.random.default_rng(random_state)),
    )


def _marked(frame: pl.DataFrame) -> Iterator[Leak]:
    for cells in frame.iter_columns():
        if cells.name.lower() not in MARKS:
            continue
        text = cells.cast(pl.String).str.to_lowercase()
        n = int(text.is_in(["true", "1", "1.0", "yes"]).sum())
        if n:
            yield Leak(
                "marked",
                n,
                f"{n:,} rows are synthetic by column {cells.name!r}: test on real rows alone; drop "
                "these",
            )


def _held_out(frame: pl.DataFrame, held_out: HeldOut | None) -> Iterator[Leak]:
    if held_out is None:
        return
    try:
        n = held_out.count(frame)
    except SchemaError:  # columns were dropped since: the rows cannot be told
        return
    if n:
        yield Leak(
            "held-out",
            n,
            f"{n:,} rows were held out by raregan split, to test with: use its training part",
        )


def _copies(features: pl.DataFrame, is_rare: Mask) -> Iterator[Leak]:
    hashes = row_hashes(features)
    counts = [len(side) - len(np.unique(side)) for side in (hashes[is_rare], hashes[~is_rare])]
    shares = [
        n / max(side, 1) for n, side in zip(counts, (is_rare.sum(), (~is_rare).sum()), strict=True)
    ]
    if shares[0] >= MANY_COPIES and shares[0] >= TIMES * shares[1]:
        yield Leak(
            "copies",
            counts[0],
            f"{counts[0]:,} of {int(is_rare.sum()):,} rare rows are copies of others, and "
            f"{shares[1]:.1%} of the other rows: the table looks oversampled by copies; go back to "
            "the table before that",
        )


def _between(frame: pl.DataFrame, is_rare: Mask, rng: np.random.Generator) -> Iterator[Leak]:
    rare = frame.filter(is_rare).unique(maintain_order=True)
    names = [
        cells.name
        for cells in rare.iter_columns()
        if cells.dtype.is_numeric() and cells.n_unique() >= rare.height / 2 and len(cells) > 2  # noqa: PLR2004
    ]
    if len(names) < LEAST_NUMBERS:
        return
    others = frame.filter(~is_rare).unique(maintain_order=True)
    found = [_share_between(side.select(names), rng) for side in (rare, others)]
    n = round(found[0] * rare.height)
    if found[0] >= MANY_BETWEEN and found[0] >= TIMES * found[1]:
        yield Leak(
            "between",
            n,
            f"about {n:,} of {rare.height:,} rare rows lie exactly between two others, as rows of "
            f"SMOTE do, and {found[1]:.1%} of the other rows: the table looks oversampled; go back "
            "to the table before that",
        )


def _share_between(frame: pl.DataFrame, rng: np.random.Generator) -> float:
    """Return the share of rows that lie on a line between two of their nearest neighbours.

    The directions to these two are opposite: their cosine is -1 to within `_STRAIGHT`.
    """
    from sklearn.neighbors import NearestNeighbors

    rows = frame.with_columns(pl.all().fill_null(pl.all().median())).to_numpy()
    rows = rows[rng.permutation(len(rows))[:COMPARED]]
    scale = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    tested = rows[:TESTED]
    n_neighbors = min(NEAREST + 1, len(rows))
    near = NearestNeighbors(n_neighbors=n_neighbors).fit(rows).kneighbors(tested)[1]
    ways: Floats = rows[near] - tested[:, None, :]
    lengths = np.linalg.norm(ways, axis=2, keepdims=True)
    ways = np.where(lengths > 0, ways / np.where(lengths > 0, lengths, 1.0), 0.0)
    cosines = np.einsum("nid,njd->nij", ways, ways)
    return float((cosines.min(axis=(1, 2)) <= _STRAIGHT - 1).mean()) if len(tested) else 0.0
