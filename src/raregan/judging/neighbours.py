"""Nearest rows, and what they say: precision, recall, density and coverage.

Around each row of a side lies a ball that just reaches its `NEIGHBOURS`-th neighbour of that side;
all balls together are where that side lives. Precision is the share of synthetic rows in a ball of
a real row, recall the share of real rows in a ball of a synthetic one [1]_. Density counts the real
balls that a synthetic row lies in, over `NEIGHBOURS`: one far-out real row weighs less. Coverage is
the share of real rows whose own ball holds a synthetic row [2]_.

References
----------
.. [1] Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models",
   NeurIPS 2019, equations 1 and 2.
.. [2] Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020,
   equations 3 and 5.
"""

import numpy as np

from raregan.judging.columns import Matrix, Vector

NEIGHBOURS = 5
"""As in the papers' own tables."""

_BLOCK = 1_000  # points whose distances are in memory at a time


def nearest(reference: Matrix, points: Matrix, k: int) -> Matrix:
    """Return the distances (n, k) of points (n, p) to the k nearest of `reference` (m, p), m >= k.

    The nearest is first; copies are at exactly 0.
    """
    parts = [
        np.sort(np.partition(distances_between(part, reference), k - 1, axis=1)[:, :k], axis=1)
        for part in np.array_split(points, max(1, len(points) // _BLOCK))
    ]
    return np.concatenate(parts)


def distances_between(first: Matrix, second: Matrix) -> Matrix:
    """Return all distances (n, m) between points (n, p) and (m, p), exactly 0 between copies."""
    from scipy.spatial.distance import cdist

    distances: Matrix = cdist(first, second)
    return distances


def prdc(real: Matrix, made: Matrix, across: Matrix) -> Vector:
    """Return precision, recall, density and coverage.

    Parameters
    ----------
    real, made, across
        Distances (n, n) between real rows, (m, m) between synthetic rows, and (n, m) from real to
        synthetic ones. With fewer than `NEIGHBOURS` + 1 rows on a side fewer neighbours are taken.

    Returns
    -------
    float64 array of shape (4,)
        Precision, recall and coverage in [0, 1], density at least 0 and about 1 for real rows.
    """
    k = min(NEIGHBOURS, len(real) - 1, len(made) - 1)
    reach_real, reach_made = (np.partition(side, k, axis=1)[:, k] for side in (real, made))
    in_real = across <= reach_real[:, np.newaxis]
    in_made = across <= reach_made
    return np.array(
        [
            in_real.any(axis=0).mean(),
            in_made.any(axis=1).mean(),
            in_real.sum(axis=0).mean() / k,
            in_real.any(axis=1).mean(),
        ]
    )
