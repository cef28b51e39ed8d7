"""Signs that a table was oversampled before it came here: no score from it would be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from polars import selectors as cs

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
TESTED, COMPARED, NEAREST, MOST_NUMBERS = 300, 5_000, 50, 50
"""Rows that are looked at, that they are looked for among, neighbours of each, and columns."""

CHANCE = 1e-4
"""Of a row to lie between two given ones: with more it is no sign."""

LEAST_ROWS = 10
"""Of fewer on a side no lines are looked for."""

_STRAIGHT = 1e-6  # of a column's spread: what a float that was written and read may be off
_FREE = 2  # numbers of a row on a line that say nothing: see `_is_between`


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
    target: str | None = None,
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
    target
        The column that says what is rare, which marks no synthetic row whatever it is called.
    held_out
        The mark that a split left, if it did.
    random_state
        Fixes which rows are looked at where there are many.
    """
    features = frame.select(column.name for column in columns)
    return (
        *_marked(frame, target),
        *_held_out(frame, held_out),
        *_copies(features, is_rare),
        *_between(plain(features, columns), is_rare, np.random.default_rng(random_state)),
    )


def _marked(frame: pl.DataFrame, target: str | None) -> Iterator[Leak]:
    for cells in frame.iter_columns():
        if cells.name == target or cells.name.lower() not in MARKS:
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
    sides = [
        frame.filter(which).select(cs.numeric()).unique(maintain_order=True)
        for which in (is_rare, ~is_rare)
    ]
    if min(side.height for side in sides) <= LEAST_ROWS:
        return
    found = [_share_between(side, rng) for side in sides]
    n = round(found[0] * is_rare.sum())
    if found[0] >= MANY_BETWEEN and found[0] >= TIMES * found[1]:
        yield Leak(
            "between",
            n,
            f"about {n:,} of {is_rare.sum():,} rare rows lie on a line between two others, as "
            f"rows of SMOTE do, and {found[1]:.1%} of the other rows: the table looks oversampled; "
            "go back to the table before that",
        )


def _share_between(frame: pl.DataFrame, rng: np.random.Generator) -> float:
    """Return the share of rows that lie on a line between two of their nearest neighbours."""
    from sklearn.neighbors import NearestNeighbors

    counts = frame.select(pl.all().n_unique()).row(0)
    names = [frame.columns[place] for place in np.argsort(counts)[::-1][:MOST_NUMBERS]]
    rows = frame.select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    rows = rows[rng.permutation(len(rows))[:COMPARED]]
    rows = rows[:, ~np.isnan(rows).all(axis=0)]
    if not rows.shape[1]:
        return 0.0
    scale = np.nanstd(rows, axis=0)
    places = (rows - np.nanmean(rows, axis=0)) / np.where(scale > 0, scale, 1.0)
    places = np.nan_to_num(places)
    slack = np.array([_step_of(cells) for cells in rows.T])
    slack = np.maximum(slack, _STRAIGHT * scale)
    free = _independent(places, slack / np.where(scale > 0, scale, 1.0))
    if len(free) <= _FREE:
        return 0.0
    rows, places, slack = rows[:, free], places[:, free], slack[free]
    n_neighbors = min(NEAREST + 1, len(rows))
    near = NearestNeighbors(n_neighbors=n_neighbors).fit(places).kneighbors(places[:TESTED])[1]
    ends = np.triu_indices(n_neighbors - 1, 1)
    hits = [
        _is_between(row, rows[others[1:]][ends[0]], rows[others[1:]][ends[1]], slack)
        for row, others in zip(rows, near, strict=False)
    ]
    return float(np.mean(hits))


def _is_between(row: Floats, first: Floats, second: Floats, slack: Floats) -> bool:
    """Whether a row of d numbers lies between any of m pairs (m, d), and that is no chance.

    It does if all its numbers, give or take `slack`, are the same share of the way from the first
    to the second. The chance of that, for a pair whose numbers have nothing to do with each other,
    is the product of 2 `slack` over the way, one number a way: columns of one sum move alike. Two
    numbers are left out, as the share is free, and one more may be a sum of others.
    """
    way = second - first
    known = ~np.isnan(way) & ~np.isnan(row)
    moves = known & (way != 0)
    size = np.where(moves, np.abs(way), np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle, reach = (row - first) / way, slack / size
    low = np.where(moves, middle - reach, 0.0).max(axis=1)
    high = np.where(moves, middle + reach, 1.0).min(axis=1)
    stays = ~(known & ~moves & (np.abs(row - first) > slack)).any(axis=1)
    is_on = stays & (np.maximum(low, 0.0) <= np.minimum(high, 1.0))
    if not is_on.any():
        return False
    size, reach, first, second = (part[is_on] for part in (size, reach, first, second))
    order = np.argsort(size, axis=1)
    size, widths = (np.take_along_axis(part, order, axis=1) for part in (size, 2 * reach))
    with np.errstate(invalid="ignore"):
        alike = np.abs(np.diff(size, axis=1)) <= 4 * slack[order][:, 1:]
    widths[:, 1:][alike] = 1.0
    widths = np.where(np.isfinite(size), np.minimum(widths, 1.0), 1.0)
    chance = np.sort(widths, axis=1)[:, _FREE:].prod(axis=1)
    is_end = [((np.abs(row - end) <= slack) | np.isnan(row - end)).all(axis=1)
              for end in (first, second)]  # fmt: skip
    return bool(((chance <= CHANCE) & ~is_end[0] & ~is_end[1]).any())


def _independent(places: Floats, slack: Floats) -> npt.NDArray[np.intp]:
    """Return the columns, of (n, d) with mean 0, that are no sum of multiples of others.

    Give or take `slack`: a fee is a share of what is paid, rounded.
    """
    from scipy.linalg import qr

    triangle, order = qr(places, mode="r", pivoting=True)
    rest = np.abs(np.diag(triangle)) / np.sqrt(len(places))
    return np.sort(order[: len(rest)][rest > 2 * slack[order[: len(rest)]]])


def _step_of(cells: Floats) -> float:
    """Return the power of ten, 1 to a millionth, that all numbers are multiples of; 0: none."""
    known = cells[~np.isnan(cells)]
    for step in 10.0 ** -np.arange(7):
        counts = known / step
        if (
            np.abs(counts - np.rint(counts)) <= _STRAIGHT * 1e-3 * np.maximum(1, np.abs(counts))
        ).all():
            return float(step)
    return 0.0
