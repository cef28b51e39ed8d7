"""Maximum mean discrepancy: how far apart two samples are as wholes.

The unbiased squared discrepancy [1]_ with the kernel ``exp(-d² / (2 h²))``, where h is the median
distance between rows of both samples together (the usual rule). It is about 0, and as often below
as above, for two samples of one distribution.

References
----------
.. [1] Gretton et al., "A kernel two-sample test", JMLR 13, 2012, equation 3.
"""

import numpy as np

from raregan.judging.columns import Matrix
from raregan.judging.intervals import GROUPS
from raregan.judging.neighbours import distances_between


def mmd(first: Matrix, second: Matrix, rng: np.random.Generator) -> tuple[float, float]:
    """Return the squared discrepancy of points (n, p) and (m, p), and its jackknife error.

    Parameters
    ----------
    first, second
        Points, at least 3 each; memory grows with ``(n + m)²``.
    rng
        Draws the jackknife's groups.
    """
    n, m = len(first), len(second)
    kernel = _kernel(np.concatenate([first, second]))
    groups = min(GROUPS, n, m)
    members = [rng.permutation(np.arange(size) % groups) for size in (n, m)]
    one_hot = [(of[:, np.newaxis] == np.arange(groups)).astype(np.float64) for of in members]
    np.fill_diagonal(kernel, 0)  # a row and itself are no pair
    within_first = one_hot[0].T @ kernel[:n, :n] @ one_hot[0]
    within_second = one_hot[1].T @ kernel[n:, n:] @ one_hot[1]
    across = one_hot[0].T @ kernel[:n, n:] @ one_hot[1]
    counts = [of.sum(axis=0) for of in one_hot]

    def without(group: int | None) -> float:
        kept = np.arange(groups) != (-1 if group is None else group)
        n_kept, m_kept = (float(count[kept].sum()) for count in counts)
        block = np.ix_(kept, kept)
        return float(
            within_first[block].sum() / (n_kept * (n_kept - 1))
            + within_second[block].sum() / (m_kept * (m_kept - 1))
            - 2 * across[block].sum() / (n_kept * m_kept)
        )

    values = np.array([without(group) for group in range(groups)])
    error = np.sqrt((groups - 1) / groups * ((values - values.mean()) ** 2).sum())
    return without(None), float(error)


def _kernel(points: Matrix) -> Matrix:
    distances = distances_between(points, points)
    width = float(np.median(distances[np.triu_indices(len(points), k=1)])) or 1.0
    kernel: Matrix = np.exp(-((distances / width) ** 2) / 2)
    return kernel
