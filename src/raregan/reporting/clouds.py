"""Rows as points: how far each lies from the closest real row, and who its neighbours are.

Both pictures look at the space of `raregan.judging.spaces`, learned from the real rows alone. They
are pictures: the figures of privacy and fidelity have their own draws and intervals.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from raregan.judging.columns import Matrix, Vector
from raregan.judging.copies import NEAR
from raregan.judging.neighbours import nearest
from raregan.judging.privacy import CROWD, MIN_HOLDOUT, TARGETS
from raregan.judging.sides import bring_together
from raregan.judging.spaces import Space

EMBEDDED = 1_000
"""Rows of a side in the picture of neighbours, at most."""

PERPLEXITY = 30.0
"""About how many neighbours t-SNE tries to keep; fewer where rows are few."""

ITERATIONS = 500
"""Of t-SNE: half of scikit-learn's default, which moves such small pictures no more."""

STEPS = 200
"""Points of a curve, at most."""

_FEWEST = 10  # different rows in all: fewer make no picture


@dataclass(frozen=True)
class Neighbours:
    """Rows in a plane where neighbours stay neighbours as far as that goes.

    Attributes
    ----------
    real, holdout, synthetic
        Points (k, 2), those of held-out rows without rows where none were given.
    of
        How many rows of each there were.
    """

    real: Matrix
    holdout: Matrix
    synthetic: Matrix
    of: tuple[int, int, int]


@dataclass(frozen=True)
class Curve:
    """Which share of rows lies at most how far: both (k,), not falling, shares in [0, 1]."""

    distances: Vector
    shares: Vector


@dataclass(frozen=True)
class Distances:
    """How far rows lie from the closest real row.

    Attributes
    ----------
    synthetic, holdout
        Of synthetic and of held-out rows.
    limit
        Synthetic rows that are nearer count as near copies.
    """

    synthetic: Curve
    holdout: Curve
    limit: float


@dataclass(frozen=True)
class Clouds:
    """Both pictures; None where there are too few rows for one."""

    neighbours: Neighbours | None
    distances: Distances | None


def cloud_views(
    real: pl.DataFrame, synthetic: pl.DataFrame, holdout: pl.DataFrame | None, *, seed: int
) -> Clouds:
    """Place the rows of three tables and look at them.

    Parameters
    ----------
    real, synthetic, holdout
        The same columns; held-out rows are looked at if they are enough to judge privacy by.
    seed
        Of the draws and of t-SNE.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `raregan.judging.columns.pair_columns`.
    """
    rng = np.random.default_rng([seed, 6])
    held = real.clear() if holdout is None or holdout.height < MIN_HOLDOUT else holdout
    drawn = [
        _draw(table, most, rng)
        for table, most in ((real, CROWD), (synthetic, TARGETS), (held, TARGETS))
    ]
    sides = bring_together(drawn[0], drawn[1], drawn[2], real.clear())
    space = Space.fit(sides.columns, sides.real)
    points = [space.place(side) for side in (sides.real, sides.holdout, sides.synthetic)]
    n = min(EMBEDDED, real.height, synthetic.height)
    chosen = [side[_choose(len(side), n, rng)] for side in points]
    placed = embed(np.concatenate(chosen), seed)
    neighbours = None
    if placed is not None:
        ends = np.cumsum([len(side) for side in chosen])[:-1]
        counts = real.height, held.height, synthetic.height
        first, second, third = np.split(placed, ends)
        neighbours = Neighbours(first, second, third, counts)
    return Clouds(neighbours, _distances(*points) if held.height else None)


def embed(points: Matrix, seed: int) -> Matrix | None:
    """Place points (n, p) in a plane (n, 2) by t-SNE [1]_; None where hardly any differ.

    References
    ----------
    .. [1] van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008; as implemented
       in scikit-learn.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(np.unique(points, axis=0)) < _FEWEST:
        return None
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    model = TSNE(
        perplexity=perplexity, max_iter=ITERATIONS, init="pca", random_state=seed % 2**32, n_jobs=1
    )
    # One thread: sums then come in one order, and so few points are not worth more.
    with threadpool_limits(limits=1):
        placed: Matrix = model.fit_transform(points).astype(np.float64)
    return placed


def _distances(real: Matrix, holdout: Matrix, synthetic: Matrix) -> Distances:
    of_made, of_held = (nearest(real, side, 1)[:, 0] for side in (synthetic, holdout))
    return Distances(accumulate(of_made), accumulate(of_held), float(np.quantile(of_held, NEAR)))


def accumulate(values: Vector) -> Curve:
    """Return the empirical distribution of values (n,), n at least 1, at `STEPS` of its points."""
    ordered = np.sort(values)
    kept = np.unique(np.linspace(0, ordered.size - 1, min(STEPS, ordered.size)).round().astype(int))
    return Curve(ordered[kept], (kept + 1) / ordered.size)


def _draw(table: pl.DataFrame, most: int, rng: np.random.Generator) -> pl.DataFrame:
    return table if table.height <= most else table[_choose(table.height, most, rng)]


def _choose(
    n: int, most: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.sort(rng.choice(n, min(n, most), replace=False))
