"""What synthetic rows teach a detector: train on synthetic, test on real rows (TSTR).

A detector learns from synthetic rare rows and real rows of the other class, and finds held-out rare
rows among other rows that it did not see [1]_. Beside it stands the same detector, taught with as
many real rare rows (TRTR). It is gradient boosting with classes of equal weight; numbers are taken
as they are, levels numbered from the most frequent of its own training rows on, levels that are new
in the test are missing.

References
----------
.. [1] Esteban, Hyland and Rätsch, "Real-valued (medical) time series generation with recurrent
   conditional GANs", 2017, section 4.2, arXiv:1706.02633.
"""

import numpy as np

from raregan.judging.columns import Matrix, Vector
from raregan.judging.curves import average_precision
from raregan.judging.intervals import Estimate, auc_estimate, bootstrap
from raregan.judging.sides import Column

TEST_SHARE = 0.25
"""Part of the other rows that is kept aside to test on."""

TREES = 100
"""Of the detector, without early stopping: scikit-learn's default."""


def detect_real(
    columns: tuple[Column, ...],
    rare: Matrix,
    others: Matrix,
    test_rare: Matrix,
    test_others: Matrix,
    *,
    seed: int,
) -> dict[str, Estimate]:
    """Return average precision and ROC AUC of a detector that learned from these rows.

    Parameters
    ----------
    columns
        d columns.
    rare, others
        Rows (n, d) of either class to learn from.
    test_rare, test_others
        Real rows to test on, at least 2 of each.
    seed
        Of the detector and the bootstrap.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "openmp"):  # threads that wait for each other are slower than one
        scores = _scores(columns, rare, others, np.concatenate([test_rare, test_others]), seed)
    positive, negative = np.split(scores, [len(test_rare)])
    rng = np.random.default_rng([seed, 1])
    precision = average_precision(positive, negative)
    return {
        "tstr_ap": Estimate(precision, bootstrap(average_precision, positive, negative, rng)),
        "tstr_auc": auc_estimate(positive, negative),
    }


def _scores(
    columns: tuple[Column, ...], rare: Matrix, others: Matrix, test: Matrix, seed: int
) -> Vector:
    from sklearn.ensemble import HistGradientBoostingClassifier

    train = np.concatenate([rare, others])
    labels = np.repeat([1, 0], [len(rare), len(others)])
    train, test = _number_levels(columns, train, test)
    model = HistGradientBoostingClassifier(
        max_iter=TREES, class_weight="balanced", early_stopping=False, random_state=seed % 2**32
    )
    scores: Vector = model.fit(train, labels).predict_proba(test)[:, 1]
    return scores


def _number_levels(
    columns: tuple[Column, ...], train: Matrix, test: Matrix
) -> tuple[Matrix, Matrix]:
    """Replace levels by their ranks in the training rows; infinities become large.

    A column that is missing throughout the training rows is 0.
    """
    sides = [np.nan_to_num(side, nan=np.nan) for side in (train, test)]
    for place, column in enumerate(columns):
        if column.is_category:
            counts = np.bincount(train[:, place].astype(np.int64), minlength=len(column.levels))
            numbers = np.argsort(np.argsort(-counts, kind="stable")).astype(np.float64)
            numbers[counts == 0] = np.nan
            for side in sides:
                side[:, place] = numbers[side[:, place].astype(np.int64)]
    empty = np.isnan(sides[0]).all(axis=0)  # scikit-learn cannot bin what is missing throughout
    for side in sides:
        side[:, empty] = 0
    return sides[0], sides[1]
