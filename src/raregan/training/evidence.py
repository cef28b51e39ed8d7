"""Evidence that stops training: how rows of a rehearsal compare with the rows it never saw.

A loss of an adversarial game says nothing of quality, and that of a flow goes on falling while the
field learns its rows by heart. What counts is measured on rows that were held out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from raregan.gans.calibration import calibrate
from raregan.gans.heads import gated

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout
    from raregan.gans.frozen import Frozen
    from raregan.training.step import TrainState

    Float32 = NDArray[np.float32]

HELD_OUT_SHARE = 0.25
"""Of the rare rows, which a rehearsal does not learn from."""

CROSS_FIT_BELOW = 100
"""Rare rows: with fewer, one part held out says too little, and there are `FOLDS` rehearsals."""

FOLDS = 4

MANY_ROWS = 2_000
"""Rare rows: from so many on the run itself does without `HELD_OUT` of them, which costs it little,
and a second run beside it is saved."""

HELD_OUT = 500

TOLERABLE_COPYING = 1 / 3
"""A generator that learned anything draws nearer to the rows that it learned from than fresh rows
lie: that much is no reason to stop."""

A_FEW = 8
"""Which part of the held-out rows copies of one row are, at most: see :func:`choose_members`."""

MOST_ROWS = 1_000
"""Held-out rows, and synthetic ones, that a score looks at."""

_LEAST_ROWS = 200  # synthetic, where fewer are held out
_COPULA_ROWS = 1_000
_FORESTS = 4  # of all rehearsals together
_TREES = 60  # with fewer some row may be in every bag
_CALIBRATION_ROWS = 2_048  # fewer than in the end: shares to 1 point are enough for a comparison


class Score(NamedTuple):
    """One piece of evidence; in each figure less is better."""

    epoch: int
    told_apart: float
    """AUC of a random forest that tells synthetic rows from held-out ones, out of bag: 0.5 is
    chance (Lopez-Paz & Oquab 2017)."""
    columns: float
    """Mean Kolmogorov-Smirnov distance of the columns."""
    correlations: float
    """Mean absolute difference of the correlations."""
    copying: float
    """How much more often than rows that copy nobody synthetic rows lie nearest to a learned row,
    in units of the most there can be: 1 is only copies. Which rows were held out moves all scores
    of a run alike: what counts is how it rises from the first one."""
    noise: float
    """By which `told_apart` would differ with other rows held out; see :func:`chance_noise`."""
    seconds: float
    """Since training began."""

    def total(self, first: Score) -> float:
        """Return what training makes small: the sum of the figures, of copying what is too much."""
        too_near = max(self.copying - first.copying - TOLERABLE_COPYING, 0.0)
        return self.told_apart + self.columns + self.correlations + too_near


def choose_members(
    n: int,
    *,
    seed: int,
    same: NDArray[np.intp] | None = None,
    spent: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return (rehearsals, n): which rows each rehearsal learns from, no row held out twice.

    Parameters
    ----------
    n : int
        Rare rows.
    seed : int
        Fixes who is held out.
    same : (n,) int, optional
        Of :func:`copy_groups`: copies stay on one side. Where rows with the same number are more
        than an `A_FEW`-th of what is held out, they are no copies but a usual combination, and are
        dealt one by one.
    spent : (n,) bool, optional
        Rows that were held out before, and are so again only if there are too few others.
    """
    order = np.random.default_rng(seed).permutation(n)
    if spent is not None:
        order = order[np.argsort(spent[order], kind="stable")]
    if n < CROSS_FIT_BELOW:
        ends = np.cumsum([len(part) for part in np.array_split(order, FOLDS)])
    else:
        ends = np.array([HELD_OUT if holds_out_itself(n) else round(HELD_OUT_SHARE * n)])
    places = _places(order, same, most=max(1, int(ends[0]) // A_FEW))
    fold_of = np.searchsorted(ends, places, side="right")
    return np.stack([fold_of != fold for fold in range(len(ends))])


def copy_groups(rows: Float32) -> NDArray[np.intp]:
    """Return (n,): numbers that the exact copies among (n, D) encoded rows share."""
    cells = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    _, same = np.unique(cells, return_inverse=True)
    return same


def _places(
    order: NDArray[np.intp], same: NDArray[np.intp] | None, *, most: int
) -> NDArray[np.intp]:
    """Return (n,): how many rows come before each one, copies at the place of the first of them."""
    places = np.empty(len(order), np.intp)
    places[order] = np.arange(len(order))
    if same is None:
        return places
    single = np.bincount(same)[same] > most
    group = np.where(single, len(same) + np.arange(len(same)), same)
    _, group, sizes = np.unique(group, return_inverse=True, return_counts=True)
    first = np.full(len(sizes), len(order))
    np.minimum.at(first, group, places)
    ranked = np.argsort(first)
    before = np.empty(len(sizes), np.intp)
    before[ranked] = np.cumsum(sizes[ranked]) - sizes[ranked]
    return before[group]


def chance_noise(n_held: int) -> float:
    """Return the standard error of an AUC of 0.5, of n rows against n (Hanley & McNeil 1982)."""
    return float((6 * n_held) ** -0.5)


def holds_out_itself(n: int) -> bool:
    """Say whether a run of n rare rows is its own rehearsal."""
    return n >= MANY_ROWS


class Examiner:
    """Scores the rehearsals of a run.

    Parameters
    ----------
    freeze
        Makes of a state what NumPy can draw rows with.
    rows
        (n, D) encoded rare rows.
    values
        (n, D) float64, the same with numbers as the table has them.
    members
        Of :func:`choose_members`.
    layout
        What their numbers are.
    margins, shrink
        As of :func:`raregan.gans.calibration.calibrate`.
    seed
        Fixes all draws: each score is of the same noise, so that scores differ by weights alone.
    """

    def __init__(
        self,
        freeze: Callable[[TrainState], Frozen],
        rows: Float32,
        values: NDArray[np.float64],
        members: NDArray[np.bool_],
        layout: Layout,
        *,
        margins: bool,
        shrink: bool = False,
        seed: int,
    ) -> None:
        self._freeze, self._rows, self._values, self._members = freeze, rows, values, members
        self._layout, self._margins, self._seed = layout, margins, seed
        self._shrink = shrink
        self._begun = time.perf_counter()

    def __call__(self, epoch: int, states: tuple[TrainState, ...]) -> Score:
        """Score the rehearsals at an epoch: the mean over them."""
        with threadpool_limits(1, "blas"):  # products too small to share
            figures = [
                self._examine(self._freeze(state), kept)
                for state, kept in zip(states, self._members, strict=True)
            ]
        apart, columns, correlations, copies = (float(x) for x in np.mean(figures, axis=0))
        n_held = min(int((~self._members).sum()), MOST_ROWS * len(states))
        seconds = round(time.perf_counter() - self._begun, 3)
        return Score(epoch, apart, columns, correlations, copies, chance_noise(n_held), seconds)

    def _examine(self, generator: Frozen, kept: NDArray[np.bool_]) -> tuple[float, ...]:
        learned, held = self._rows[kept], self._rows[~kept]
        rng = np.random.default_rng(self._seed)
        held = held[rng.permutation(len(held))[:MOST_ROWS]]
        n = rows_to_make(len(held))
        calibrated = calibrate(
            generator,
            learned,
            seed=self._seed,
            n=_CALIBRATION_ROWS,
            margins=self._margins,
            values=self._values[kept],
            shrink=self._shrink,
        )
        made = draw_rows(calibrated, n, rng)
        return compare_rows(made, learned, held, rng, forests=_FORESTS // len(self._members))


def rows_to_make(n_held: int) -> int:
    """Return how many synthetic rows are compared with so many held-out ones."""
    return min(max(2 * n_held, _LEAST_ROWS), MOST_ROWS)


def compare_rows(
    made: Float32,
    learned: Float32,
    held: Float32,
    rng: np.random.Generator,
    *,
    forests: int = _FORESTS,
) -> tuple[float, float, float, float]:
    """Return the figures of a :class:`Score` for made rows, all encoded alike.

    `told_apart`, `columns`, `correlations` and `copying`, in this order.
    """
    return (
        told_apart(made, held, rng, forests=max(1, forests)),
        column_distance(made, held),
        correlation_difference(made, held),
        copying(made, learned, held, rng),
    )


def draw_rows(generator: Frozen, n: int, rng: np.random.Generator) -> Float32:
    """Draw n encoded rows as real ones are: 0 where a missing cell or a spike leaves nothing."""
    rows = generator(rng.standard_normal((n, generator.latent_dim), dtype=np.float32))
    return np.where(gated(rows, generator.layout), np.float32(0), rows)


def told_apart(made: Float32, held: Float32, rng: np.random.Generator, *, forests: int) -> float:
    """Return the out-of-bag AUC of forests, each on a draw of as many made rows as held ones."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    n = min(len(made), len(held))
    labels = np.repeat([0, 1], n)
    aucs = []
    for draw in range(forests):
        rows = np.concatenate(
            [held[rng.permutation(len(held))[:n]], made[rng.permutation(len(made))[:n]]]
        )
        forest = RandomForestClassifier(
            _TREES, min_samples_leaf=2, oob_score=True, random_state=draw
        ).fit(rows, labels)
        aucs.append(roc_auc_score(labels, forest.oob_decision_function_[:, 1]))
    return float(np.mean(aucs))


def column_distance(made: Float32, held: Float32) -> float:
    """Return the mean over columns of the largest distance of the distribution functions."""
    distances = []
    for a, b in zip(np.sort(made.T, axis=1), np.sort(held.T, axis=1), strict=True):
        both = np.concatenate([a, b])
        shares = (np.searchsorted(side, both, "right") / len(side) for side in (a, b))
        distances.append(np.abs(np.subtract(*shares)).max())
    return float(np.mean(distances))


def correlation_difference(made: Float32, held: Float32) -> float:
    """Return the mean absolute difference of the correlations, of constant columns 0."""
    first, second = (_correlations(rows.astype(np.float64)) for rows in (made, held))
    pairs = np.triu_indices(made.shape[1], 1)
    return float(np.abs(first - second)[pairs].mean()) if len(pairs[0]) else 0.0


def _correlations(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = rows - rows.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    product: NDArray[np.float64] = scaled.T @ scaled
    return product


def copying(made: Float32, learned: Float32, held: Float32, rng: np.random.Generator) -> float:
    """Return how much more often made rows lie nearest to a learned row than rows that copy nobody.

    How often these do depends on which rows were held out: some real rows are the nearest ones of
    many. So it is measured, on rows of a normal copula of all real rows.
    """
    from sklearn.neighbors import NearestNeighbors

    real = np.concatenate([learned, held])
    neighbours = NearestNeighbors(n_neighbors=1).fit(real)
    share, by_chance = (
        float((neighbours.kneighbors(rows, return_distance=False) < len(learned)).mean())
        for rows in (made, copula_rows(real, _COPULA_ROWS, rng))
    )
    return (share - by_chance) / max(1 - by_chance, 1 / _COPULA_ROWS)


def copula_rows(real: Float32, n: int, rng: np.random.Generator) -> Float32:
    """Draw (n, D) rows with the columns of real rows and, nearly, their correlations."""
    centred = real - real.mean(axis=0)
    normal = rng.standard_normal((n, len(real)), dtype=np.float32) @ centred
    places = normal.argsort(axis=0).argsort(axis=0) * len(real) // n
    rows: Float32 = np.take_along_axis(np.sort(real, axis=0), places, axis=0)
    return rows
