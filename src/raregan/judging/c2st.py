"""The classifier two-sample test: how well a forest tells synthetic rows from real ones."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from raregan.config import plain_seed
from raregan.errors import TooFewRowsError
from raregan.judging.columns import ColumnPair, Matrix, pair_columns
from raregan.judging.intervals import auc

C2ST_DRAWS = 3
C2ST_TREES = 200
C2ST_FOLDS = 5
C2ST_MAX_ROWS = 1_000  # a side: the forest's time grows with rows, its AUC is then good to ~0.01


def c2st_auc(real: pl.DataFrame, synthetic: pl.DataFrame, *, random_state: int = 0) -> float:
    """AUC of a classifier that tells synthetic rows from real ones (two-sample test).

    A random forest (200 trees, at least 2 rows a leaf) is scored out of fold (5 stratified folds)
    on as many rows of either side: `n = min(len(real), len(synthetic), 1000)`, drawn anew without
    replacement for each of 3 draws, whose AUCs are averaged.

    An honest figure takes real rows that the generator was not trained on. Against its training
    rows copying is rewarded: a copied row has its twin, of the other label, in another fold, so
    the forest does worse than guessing and the AUC falls, even below 0.5.

    The forest sees the ranks of numbers, a missing one below all others, and the levels of a
    category numbered from the most frequent on.

    Parameters
    ----------
    real, synthetic : polars.DataFrame
        The same columns, at least 5 rows each.
    random_state : int
        Seed of the draws, the folds and the forests.

    Returns
    -------
    float
        In [0, 1]: 0.5 when nothing tells them apart, 1.0 when every row is recognised.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `pair_columns`; also with fewer than 5 rows on a side.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    return auc_of_forest(pair_columns(real, synthetic), plain_seed(random_state))


def auc_of_forest(pairs: Sequence[ColumnPair], random_state: int) -> float:
    """Return the AUC of `c2st_auc` for columns that were paired before."""
    real, synthetic = (
        np.stack(side).T for side in zip(*(pair.sides for pair in pairs), strict=True)
    )

    # One after the other: forests in threads reset each other's filters of warnings (scikit-learn).
    draws = [tell_apart(real, synthetic, (random_state, draw))[0] for draw in range(C2ST_DRAWS)]
    return float(np.mean(draws))


def tell_apart(real: Matrix, synthetic: Matrix, seed: Sequence[int]) -> tuple[float, float]:
    """Return the AUC of one draw, and its variance after DeLong.

    Parameters
    ----------
    real, synthetic
        float64 of shape (n, d) and (m, d), as `raregan.judging.columns.ColumnPair` holds columns.
    seed
        Seeds the draw, the folds and the forests.

    Raises
    ------
    TooFewRowsError
        There are fewer than 5 rows on a side.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    n = min(len(real), len(synthetic), C2ST_MAX_ROWS)
    if n < C2ST_FOLDS:
        raise TooFewRowsError(
            f"c2st_auc needs at least {C2ST_FOLDS} rows a side, not {len(real)} real and "
            f"{len(synthetic)} synthetic; pass more rows"
        )
    labels = np.repeat([0, 1], n)
    rng = np.random.default_rng(list(seed))
    of_forest = int(rng.integers(2**31))
    rows = np.concatenate(
        [side[rng.choice(len(side), n, replace=False)] for side in (real, synthetic)]
    )
    scores = cross_val_predict(
        RandomForestClassifier(C2ST_TREES, min_samples_leaf=2, random_state=of_forest),
        _ranks(rows),
        labels,
        cv=StratifiedKFold(C2ST_FOLDS, shuffle=True, random_state=of_forest),
        method="predict_proba",
    )
    return auc(scores[n:, 1], scores[:n, 1])


def _ranks(values: Matrix) -> Matrix:
    # A forest reads float32 and uses only the order: ranks keep what that rounding would lose.
    ranks = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.where(np.isnan(values), -1, np.column_stack(ranks)).astype(np.float64)
