"""The rows of a fold: which of them are learned from, chosen by and tested with."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from raregan.config import MAX_OTHERS
from raregan.contest.numbers import read_whole

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
        To learn from.
    fit
        To fit on where an amount is chosen; see also `of`.
    test
        To test with; each stands for several, so that scores are those of all.

    Raises
    ------
    UserError
        One is no whole number of at least 1.
    """

    train: int = MAX_OTHERS
    fit: int = MAX_OTHERS // 2
    test: int = 50_000

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            read_whole(**{f"caps.{name}": value})

    @classmethod
    def of(cls, train: int) -> Self:
        """Return caps for so many rows to learn from, and half as many to fit on."""
        return cls(train=train, fit=max(1, train // 2))


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
        Rare training rows that are kept; None: all. Each stands for those that are left out too,
        so that probabilities are calibrated for the classes as the table has them.
    amounts
        Of all rows; see `Rows`.

    Raises
    ------
    DataError
        The training rows cannot be split once more.
    """
    rng = np.random.default_rng(seed_of(seed, "sides", fold.repeat, fold.number))

    def take(rows: Codes, most: int, scales: tuple[float, float] = (1.0, 1.0)) -> Rows:
        kept, weights = _thin(rows, ties.is_rare[rows], most, None, rng)
        weights = weights * np.where(ties.is_rare[kept], *scales)
        paid = None if amounts is None else amounts[kept]
        return Rows(frame[kept], ties.is_rare[kept], weights, paid)

    thinned, _ = _thin(fold.train, ties.is_rare[fold.train], caps.train, n_rare, rng)
    scales = _stand_for(ties.is_rare[fold.train], ties.is_rare[thinned])
    in_turn = ties.is_rare[thinned].sum() < FEW_RARE
    pairs = ties.deal_again(thinned, INNER_SHARE, rng, in_turn=in_turn)
    return Sides(
        train=take(thinned, caps.train, scales),
        inner=tuple(
            Inner(take(fit, caps.fit, scales), take(choose, caps.test, scales))
            for fit, choose in pairs
        ),
        test=take(fold.test, caps.test),
    )


def _thin(
    rows: Codes, is_rare: Mask, most: int, n_rare: int | None, rng: np.random.Generator
) -> tuple[Codes, Vector]:
    """Keep at most so many rows of either class, in order; say how many rows each stands for."""
    rare, others = rows[is_rare], rows[~is_rare]
    if n_rare is not None and len(rare) > n_rare:
        rare = rng.choice(rare, n_rare, replace=False)
    if len(others) > most:
        others = rng.choice(others, most, replace=False)
    kept = np.sort(np.concatenate([rare, others]))
    is_kept_rare = np.isin(kept, rare, assume_unique=True)
    return kept, np.where(is_kept_rare, *_stand_for(is_rare, is_kept_rare))


def _stand_for(is_rare: Mask, is_kept_rare: Mask) -> tuple[float, float]:
    """Return how many rows one that is kept stands for: of the rare ones, and of the others."""
    rare, others = (
        float(of_all.sum() / max(of_kept.sum(), 1))
        for of_all, of_kept in ((is_rare, is_kept_rare), (~is_rare, ~is_kept_rare))
    )
    return rare, others
