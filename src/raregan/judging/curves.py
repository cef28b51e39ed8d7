"""Rates of true and false positives along a threshold: what is read from scores of two classes.

The same as scikit-learn's, without the checks that cost more than the sum: a bootstrap reads them
a thousand times.
"""

import numpy as np

from raregan.judging.columns import Vector

FALSE_POSITIVES = 0.01
"""Where the rate of true positives is read: an attacker who is rarely wrong is the dangerous one
(Carlini et al., "Membership inference attacks from first principles", 2022)."""


def count_above(positive: Vector, negative: Vector) -> tuple[Vector, Vector]:
    """Return how many scores of either class reach each distinct score, from the highest on."""
    scores = np.concatenate([positive, negative])
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)
    is_positive = order < positive.size
    true = np.cumsum(is_positive)[is_last].astype(np.float64)
    return true, np.flatnonzero(is_last) + 1.0 - true


def average_precision(positive: Vector, negative: Vector) -> float:
    """Return the average precision of scores, higher being positive."""
    true, false = count_above(positive, negative)
    gained = np.diff(true, prepend=0) / positive.size
    return float((gained * true / (true + false)).sum())


def true_positive_rate(positive: Vector, negative: Vector) -> float:
    """Return the share of positives found where `FALSE_POSITIVES` of the negatives are taken too.

    The curve of rates is read between its points by straight lines, as an attacker who tosses a
    coin could do: with fewer than 100 negatives none may be taken.
    """
    true, false = count_above(positive, negative)
    rates = [np.append(0.0, side / side[-1]) for side in (false, true)]
    return float(np.interp(FALSE_POSITIVES, rates[0], rates[1]))
