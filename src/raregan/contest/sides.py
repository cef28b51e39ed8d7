"""The rows of a fold: which of them are learned from, chosen by and tested with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    from raregan.data.folds import Fold, Ties
    from raregan.data.split import Codes, Mask

    Vector = npt.NDArray[np.float64]

INNER_SHARE = 0.25
"""Of a fold's training rows, those to choose by."""

FEW_RARE = 100
"""With fewer rare training rows each is chosen by in its turn: a quarter says too little."""


@dataclass(frozen=True)
class Caps:
    """How many rows of the other class are kept at most, drawn by chance.

    Attributes
    ----------
    train
        To learn from; a forest takes 7 s for 10,000 rows of 29 columns.
    fit
        To fit on where an amount is chosen.
    test
        To test with; each stands for several, so that scores are those of all.
    """

    train: int = 10_000
    fit: int = 5_000
    test: int = 50_000


class Rows(NamedTuple):
    """Rows of one side.

    Attributes
    ----------
    frame
        Features as the table holds them.
    is_rare : (n,) array of bool
        The rare ones.
    weights : (n,) array of float64
        How many rows of the table each one stands for.
    amounts : (n,) array of float64, or None
        What the cost of a miss is multiplied with.
    """

    frame: pl.DataFrame
    is_rare: Mask
    weights: Vector
    amounts: Vector | None = None


class Inner(NamedTuple):
    """Training rows once more: those to fit on, and those to choose by."""

    fit: Rows
    choose: Rows


@dataclass(frozen=True)
class Sides:
    """All rows of a fold.

    No tuple, and it tells its size: joblib's Dask backend sends an object of more than 1 kB once a
    fold if there can be weak references to it, and any other one anew with every part.

    Attributes
    ----------
    train, test
        The two sides.
    inner
        The training rows, split once more; with few rare ones in several ways.
    """

    train: Rows
    inner: tuple[Inner, ...]
    test: Rows

    def __sizeof__(self) -> int:
        """Return the bytes of all frames."""
        sides = (self.train, self.test, *(side for pair in self.inner for side in pair))
        return sum(int(side.frame.estimated_size()) for side in sides)


def seed_of(*words: int | str) -> int:
    """Return a seed that depends on these words alone, in any process and version."""
    text = "\0".join(f"{type(word).__name__} {word}" for word in words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") // 2


def draw_sides(
    frame: pl.DataFrame,
    ties: Ties,
    fold: Fold,
    *,
    seed: int,
    caps: Caps,
    n_rare: int | None = None,
    amounts: Vector | None = None,
) -> Sides:
    """Take the rows of a fold from a table.

    Parameters
    ----------
    frame
        Features of the whole table.
    ties
        What belongs together, and which rows are rare.
    fold
        Row numbers.
    seed
        Fixes which rows are kept, with the fold's own numbers.
    caps
        How many others are kept.
    n_rare
        Rare training rows that are kept; None: all.
    amounts
        Of all rows; see `Rows`.

    Raises
    ------
    DataError
        The training rows cannot be split once more.
    """
    rng = np.random.default_rng(seed_of(seed, "sides", fold.repeat, fold.number))

    def take(rows: Codes, most: int, rare: int | None = None, scale: float = 1.0) -> Rows:
        kept, weights = _thin(rows, ties.is_rare[rows], most, rare, rng)
        weights = np.where(ties.is_rare[kept], weights, weights * scale)
        paid = None if amounts is None else amounts[kept]
        return Rows(frame[kept], ties.is_rare[kept], weights, paid)

    thinned, _ = _thin(fold.train, ties.is_rare[fold.train], caps.train, n_rare, rng)
    n_others = int((~ties.is_rare[fold.train]).sum())
    kept_others = int((~ties.is_rare[thinned]).sum())
    scale = n_others / max(kept_others, 1)
    in_turn = ties.is_rare[thinned].sum() < FEW_RARE
    pairs = ties.deal_again(thinned, INNER_SHARE, rng, in_turn=in_turn)
    return Sides(
        train=take(thinned, caps.train, scale=scale),
        inner=tuple(
            Inner(take(fit, caps.fit, scale=scale), take(choose, caps.test, scale=scale))
            for fit, choose in pairs
        ),
        test=take(fold.test, caps.test),
    )


def _thin(
    rows: Codes, is_rare: Mask, most: int, n_rare: int | None, rng: np.random.Generator
) -> tuple[Codes, Vector]:
    """Keep at most so many rows of either class, in order; say what each of the others stands for.

    Rare rows that are left out are gone: nobody stands for them.
    """
    rare, others = rows[is_rare], rows[~is_rare]
    n_others = len(others)
    if n_rare is not None and len(rare) > n_rare:
        rare = rng.choice(rare, n_rare, replace=False)
    if n_others > most:
        others = rng.choice(others, most, replace=False)
    kept = np.concatenate([rare, others])
    weights = np.repeat([1.0, n_others / max(len(others), 1)], [len(rare), len(others)])
    order = np.argsort(kept)
    return kept[order], weights[order]
