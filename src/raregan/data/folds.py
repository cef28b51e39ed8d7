"""Folds for testing: what belongs together on one side, every fold with its share of rare rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from raregan.data.rows import known_column
from raregan.data.split import Codes, Mask, join_units, rank_labels, rank_moments
from raregan.errors import DataError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

_DRAWS, _CLOSE = 20, 0.005
"""Deals of the units at most; the deviation of a fold's share of rare rows that ends them early."""


class Fold(NamedTuple):
    """One test: rows to learn from, and rows to test with.

    Attributes
    ----------
    repeat, number
        Which dealing of the rows, and which fold of it, both from 0.
    train, test
        Row numbers, ascending, int64. Of a dealing by chance they make up the table; by time,
        what is later than the test is in neither.
    """

    repeat: int
    number: int
    train: Codes
    test: Codes


@dataclass(frozen=True)
class Ties:
    """What must be known of the rows of a table to deal them into folds.

    Attributes
    ----------
    units : (n,) array of int64
        Rows of one number stay together: copies, and those of a group.
    is_rare : (n,) array of bool
        The rare rows.
    moments : (n,) array of int64, or None
        Ranks of the times from 1, where folds go by time.
    """

    units: Codes
    is_rare: Mask
    moments: Codes | None = None

    @classmethod
    def of(
        cls,
        frame: pl.DataFrame,
        *,
        target: str,
        rare: Any,
        ignore: Iterable[str] = (),
        time_column: str | None = None,
        group: str | None = None,
    ) -> Self:
        """Look at a table.

        Parameters
        ----------
        frame
            The whole table.
        target, rare, ignore, time_column, group
            As of `raregan.data.split.split_rows`.

        Raises
        ------
        SchemaError, DataError
            As of `raregan.data.split.split_rows`.
        """
        dropped = {known_column(frame.columns, name) for name in (*ignore, target)}
        units = join_units(frame, dropped, group)
        moments = None if time_column is None else rank_moments(frame, time_column)
        return cls(units, rank_labels(frame, target, rare)[1], moments)

    def deal(self, folds: int, repeats: int, seed: int) -> list[Fold]:
        """Return all folds, those of one dealing one after another.

        By chance, units are dealt `repeats` times into `folds` parts: in the order of their class
        and size, one to each part in turn, which part first being drawn anew at every turn; so
        every part has nearly the same share of either class. Each part is the test once.

        By time, moments are cut into `folds` + 1 stretches with as many rare rows each, and each
        but the first is the test of what is learned from all before it (an expanding window). A
        row with a copy, or one of its group, in an earlier stretch is left out of a test. There is
        one such dealing, whatever `repeats` and `seed` say.

        Raises
        ------
        UserError
            There are fewer than 2 folds or 1 repeat.
        DataError
            A fold would have no rare row, or none but rare ones, on a side.
        """
        if folds < 2 or repeats < 1:  # noqa: PLR2004
            raise UserError(
                f"a contest needs 2 folds and 1 repeat at least, not {folds}, {repeats}"
            )
        if self.moments is not None:
            made = self._by_time(folds)
        else:
            made = [
                Fold(repeat, number, *_sides(parts == number))
                for repeat in range(repeats)
                for parts in [self._parts(folds, np.random.default_rng([seed, repeat]))]
                for number in range(folds)
            ]
        for fold in made:
            self._check(fold, folds)
        return made

    def deal_again(
        self, rows: Codes, share: float, rng: np.random.Generator, *, in_turn: bool = False
    ) -> list[tuple[Codes, Codes]]:
        """Split rows once more, into those to fit on and those to choose by.

        Parameters
        ----------
        rows
            Row numbers of a training side.
        share
            Of the rows to choose by, in (0, 1/2]; by time these are the latest.
        rng
            What draws them; advanced.
        in_turn
            Whether every part is chosen by in its turn, for several such pairs. There are no more
            parts than rare rows apart. By time there is the latest alone.

        Raises
        ------
        DataError
            A side would have no rare row, or none but rare ones.
        """
        inner = Ties(
            np.unique(self.units[rows], return_inverse=True)[1],
            self.is_rare[rows],
            None if self.moments is None else self.moments[rows],
        )
        n_parts = max(2, round(1 / share))
        if inner.moments is not None:
            folds = inner._by_time(n_parts - 1)[-1:]
        else:
            n_apart = len(np.unique(inner.units[inner.is_rare]))
            n_parts = max(2, min(n_parts, n_apart))
            parts = inner._parts(n_parts, rng)
            numbers = range(n_parts if in_turn else 1)
            folds = [Fold(0, number, *_sides(parts == number)) for number in numbers]
        for fold in folds:
            inner._check(fold, n_parts)
        return [(rows[fold.train], rows[fold.test]) for fold in folds]

    def _parts(self, n: int, rng: np.random.Generator) -> Codes:
        """Deal units into `n` parts: the part of each row."""
        n_units = int(self.units.max(initial=-1)) + 1
        n_rows = np.bincount(self.units, minlength=n_units)
        n_rare = np.bincount(self.units[self.is_rare], minlength=n_units)
        best, least = np.zeros(len(self.units), dtype=np.int64), np.inf
        for _ in range(_DRAWS):
            order = np.lexsort((rng.random(n_units), -n_rows, -n_rare))
            turns = rng.permuted(np.tile(np.arange(n), (-(-n_units // n), 1)), axis=1).ravel()
            part = np.empty(n_units, dtype=np.int64)
            part[order] = turns[:n_units]
            parts = part[self.units]
            off = max(_off(parts, n), _off(parts[self.is_rare], n))
            if off < least:
                best, least = parts, off
            if least <= _CLOSE:
                break
        return best

    def _by_time(self, folds: int) -> list[Fold]:
        assert self.moments is not None  # noqa: S101 - for mypy: asked by both callers
        times = np.sort(self.moments[self.is_rare])
        places = np.linspace(0, len(times), folds + 2)[1:-1].astype(np.int64)
        cuts = times[np.minimum(places, len(times) - 1)] if len(times) else np.zeros(folds)
        if len(np.unique(cuts)) < len(cuts):
            raise DataError(
                f"rare rows are of too few moments to cut them into {folds + 1} stretches of time: "
                "ask for fewer folds, or for another time column"
            )
        stretch = np.searchsorted(cuts, self.moments, side="right")
        first = np.full(int(self.units.max(initial=-1)) + 1, folds + 1)
        np.minimum.at(first, self.units, stretch)
        is_new = first[self.units] == stretch
        return [
            Fold(0, i, np.flatnonzero(stretch <= i), np.flatnonzero((stretch == i + 1) & is_new))
            for i in range(folds)
        ]

    def _check(self, fold: Fold, folds: int) -> None:
        for rows, side in ((fold.train, "training"), (fold.test, "test")):
            n_rare = int(self.is_rare[rows].sum())
            if n_rare in (0, len(rows)):
                what = "no rare rows" if n_rare == 0 else "none but rare rows"
                raise DataError(
                    f"a {side} side would have {what} where {int(self.is_rare.sum()):,} are dealt "
                    f"into {folds} parts: more rare rows are needed to learn from, or fewer folds, "
                    "or another time column or group"
                )


def _sides(is_test: Mask) -> tuple[Codes, Codes]:
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _off(parts: Codes, n: int) -> float:
    """Say how far the share of a part is from 1 in `n`, beyond what rounding asks for."""
    if not len(parts):
        return 0.0
    shares = np.bincount(parts, minlength=n) / len(parts)
    return float(max(np.abs(shares - 1 / n).max() - 1 / len(parts), 0.0))
