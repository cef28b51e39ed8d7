"""A linear classifier two-sample test, which says which columns give synthetic rows away.

Logistic regression sees each row in the space of `raregan.judging.spaces`, numbers also squared, so
it notices shifted means, other spreads, missing cells and levels, but nothing of pairs. What it
adds up to tell the tables apart falls into columns: coefficient times difference of the means,
summed over what belongs to a column.
"""

from dataclasses import dataclass

import numpy as np

from raregan.judging.columns import Matrix, Vector
from raregan.judging.intervals import auc
from raregan.judging.spaces import Space

FOLDS = 5


@dataclass(frozen=True)
class LinearTest:
    """What the linear classifier found.

    Attributes
    ----------
    auc, variance
        Of out-of-fold scores; 0.5 is guessing.
    shares
        (d,) what each column has in telling them apart: at least 0, sum 1 (or all 0).
    """

    auc: float
    variance: float
    shares: Vector


def tell_apart(space: Space, real: Matrix, synthetic: Matrix, seed: int) -> LinearTest:
    """Tell real rows (n, d) and synthetic rows (m, d) apart, as many of either as given.

    Scaling and regression learn within the folds (5, stratified).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    points, owners = _features(space, np.concatenate([real, synthetic]))
    labels = np.repeat([0, 1], [len(real), len(synthetic)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, points, labels, cv=folds, method="decision_function")
    value, variance = auc(scores[labels == 1], scores[labels == 0])
    scaled = model.fit(points, labels)[0].transform(points)
    gap = scaled[labels == 1].mean(axis=0) - scaled[labels == 0].mean(axis=0)
    parts = np.bincount(owners, gap * model[1].coef_[0], minlength=len(space.columns))
    positive = np.maximum(parts, 0).astype(np.float64)
    return LinearTest(value, variance, positive / max(positive.sum(), np.finfo(float).tiny))


def _features(space: Space, values: Matrix) -> tuple[Matrix, Vector]:
    """Return coordinates and squares of numbers, and of which column each is."""
    points = space.place(values)
    owners = np.repeat(
        np.arange(len(space.columns)), [block.stop - block.start for block in space.blocks]
    )
    numbers = [
        block.start
        for column, block in zip(space.columns, space.blocks, strict=True)
        if not column.is_category
    ]
    return (
        np.column_stack([points, points[:, numbers] ** 2]),
        np.concatenate([owners, owners[numbers]]),
    )
