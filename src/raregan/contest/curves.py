"""What a classifier reaches at every threshold, on grids that all folds share.

So curves of several folds can be averaged, and kept in little room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from raregan.contest.scores import Mask, Vector

RATES: tuple[float, ...] = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1, 41))
"""False-positive rates at which recall is kept: ten to a power of ten."""

RECALLS: tuple[float, ...] = tuple(round(k / 50, 2) for k in range(51))
"""Recalls at which precision is kept."""


def trace(labels: Mask, scores: Vector, weights: Vector) -> dict[str, list[float]]:
    """Return both curves of one test, to four digits.

    Parameters are those of :func:`raregan.contest.scores.score`.

    Returns
    -------
    dict of str to list of float
        ``"recall"``: the most that is reached with alarms on at most `RATES` of the others;
        ``"precision"``: the most that is reached with at least `RECALLS` of the rare rows found;
        no line is drawn between points (Davis and Goadrich, "The relationship between
        precision-recall and ROC curves", ICML 2006).
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    rates, found, _ = roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    last = np.searchsorted(rates, np.array(RATES) + 1e-12, side="right") - 1
    precision, recall, _ = precision_recall_curve(labels, scores, sample_weight=weights)
    best = np.maximum.accumulate(precision)[::-1]  # from the highest recall down to 0
    first = np.searchsorted(recall[::-1], np.array(RECALLS) - 1e-12, side="left")
    return {
        "recall": np.round(found[last], 4).tolist(),
        "precision": np.round(best[np.minimum(first, len(best) - 1)], 4).tolist(),
    }
