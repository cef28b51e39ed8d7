"""How columns hang together, whatever they hold: one measure for each pair of columns.

Numbers, and categories of two levels taken as 0 and 1, have Pearson's correlation over the rows
where both are there: between two categories of two levels that is the phi coefficient. A number
and a category of more levels have the correlation ratio eta [1]_, two such categories Cramér's V
[2]_; both are corrected for chance, so that a small table and a large one compare. Missing is a
level of a category. Levels beyond the 50 most frequent of the real table count as one.

References
----------
.. [1] Kelley, "An unbiased correlation ratio measure", PNAS 21, 1935.
.. [2] Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", Journal of the Korean
   Statistical Society 42, 2013.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from raregan.judging.columns import ColumnPair, Matrix, Vector

MAX_LEVELS = 50
_ROUNDING = 1e-12  # a variance below this share of the sum of squares is rounding: a constant

Codes = npt.NDArray[np.int64]


def associations(pairs: Sequence[ColumnPair]) -> tuple[Matrix, Matrix]:
    """Return the associations (d, d) of the columns in the real and in the synthetic table.

    Correlations are in [-1, 1], the other measures in [0, 1]. What is constant is associated with
    nothing: its entries are NaN, the diagonal included; so are those of a pair without two rows
    where both are there.
    """
    as_numbers = np.array([not pair.is_category or len(pair.levels) <= 2 for pair in pairs])  # noqa: PLR2004
    numbers = [pair.finite for pair, number in zip(pairs, as_numbers, strict=True) if number]
    codes = [_lump(pair) for pair, number in zip(pairs, as_numbers, strict=True) if not number]
    real, synthetic = (
        _associations(
            np.stack([column[side] for column in numbers]).T if numbers else None,
            [column[side] for column in codes],
            as_numbers,
        )
        for side in (0, 1)
    )
    return real, synthetic


def association_difference(real: Matrix, synthetic: Matrix) -> float:
    """Mean absolute difference over all pairs of columns that are defined in either table.

    What is undefined in the other table counts as 0 there; with no pair the difference is 0.
    """
    pairs = np.triu_indices(len(real), k=1)
    a, b = real[pairs], synthetic[pairs]
    defined = ~(np.isnan(a) & np.isnan(b))
    if not defined.any():
        return 0.0
    return float(np.abs(np.nan_to_num(a) - np.nan_to_num(b))[defined].mean())


def correlations(values: Matrix) -> Matrix:
    """Return the Pearson correlations (d, d) of the columns of `values` (n, d).

    A pair is computed over the rows where neither is NaN. A constant column has no correlation:
    its entries are NaN, the diagonal included.
    """
    if np.isnan(values).any():
        return _pairwise_correlations(values)
    largest = np.abs(values).max(axis=0)
    # In units of the largest value: squares do not overflow, and a constant column is exactly 1.
    centred = values / np.where(largest > 0, largest, 1)
    centred -= centred.mean(axis=0)
    norm = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    norm[norm == 0] = np.nan
    return np.clip(centred.T @ centred / np.outer(norm, norm), -1, 1)


def _pairwise_correlations(values: Matrix) -> Matrix:
    """Take the rows of each pair by products with the 0/1 matrix of what is there."""
    centred, there = _centre(values)
    n = there.T @ there
    sums = centred.T @ there  # of the column of the row, over the rows of the pair
    squares = (centred**2).T @ there
    counts = np.maximum(n, 1)
    spread = squares - sums**2 / counts
    spread[(spread <= _ROUNDING * squares) | (n < 2)] = np.nan  # noqa: PLR2004
    shared = centred.T @ centred - sums * sums.T / counts
    return np.clip(shared / np.sqrt(spread * spread.T), -1, 1)


def _centre(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return columns scaled and centred, 0 where missing, and 1 where a value is there."""
    there = ~np.isnan(values)
    filled = np.where(there, values, 0)
    largest = np.abs(filled).max(axis=0)
    filled /= np.where(largest > 0, largest, 1)
    mean = filled.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return np.where(there, filled - mean, 0), there.astype(np.float64)


def _lump(pair: ColumnPair) -> tuple[Codes, Codes]:
    """Return codes of at most `MAX_LEVELS` levels and one for all others."""
    real, synthetic = (side.astype(np.int64) for side in pair.sides)
    if len(pair.levels) > MAX_LEVELS:
        counts = np.bincount(real, minlength=len(pair.levels))
        kept = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
        lumped = np.full(len(pair.levels), MAX_LEVELS)
        lumped[kept] = np.arange(MAX_LEVELS)
        real, synthetic = lumped[real], lumped[synthetic]
    return real, synthetic


def _associations(
    numbers: Matrix | None, codes: Sequence[Codes], as_numbers: npt.NDArray[np.bool_]
) -> Matrix:
    result = np.full((as_numbers.size, as_numbers.size), np.nan)
    of_numbers, of_codes = np.flatnonzero(as_numbers), np.flatnonzero(~as_numbers)
    if numbers is not None:
        result[np.ix_(of_numbers, of_numbers)] = correlations(numbers)
        centred, there = _centre(numbers)
        for i, column in zip(of_codes, codes, strict=True):
            result[i, of_numbers] = correlation_ratios(column, centred, there)
            result[of_numbers, i] = result[i, of_numbers]
    for a, first in enumerate(codes):
        for b in range(a, len(codes)):
            value = cramers_v(first, codes[b])
            result[of_codes[a], of_codes[b]] = result[of_codes[b], of_codes[a]] = value
    return result


def correlation_ratios(codes: Codes, centred: Matrix, there: Matrix) -> Vector:
    """Return the correlation ratio of one category with each of p columns of numbers.

    Parameters
    ----------
    codes
        Shape (n,): the level of each row, from 0.
    centred, there
        Shape (n, p): the numbers, 0 where missing and centred (for the sake of rounding), and
        whether they are there, 0 or 1.

    Returns
    -------
    float64 array of shape (p,)
        In [0, 1], corrected for chance; NaN where either is constant, 0 where each row has a
        level of its own.
    """
    indicators = (codes[:, np.newaxis] == np.arange(codes.max() + 1)).astype(np.float64)
    counts, sums = indicators.T @ there, indicators.T @ centred
    n, squares = counts.sum(axis=0), (centred**2).sum(axis=0)
    levels = np.count_nonzero(counts, axis=0)
    of_mean = sums.sum(axis=0) ** 2 / np.maximum(n, 1)
    total = squares - of_mean
    between = (sums**2 / np.maximum(counts, 1)).sum(axis=0) - of_mean
    total[(total <= _ROUNDING * squares) | (levels < 2)] = np.nan  # noqa: PLR2004
    within = np.maximum(1 - between / total, 0) * (n - 1) / np.maximum(n - levels, 1)
    ratios = np.where(n > levels, np.sqrt(np.clip(1 - within, 0, 1)), 0)
    return np.where(np.isnan(total), np.nan, ratios)


def cramers_v(first: Codes, second: Codes) -> float:
    """Return Cramér's V of two categories, corrected for chance: in [0, 1], NaN if one is constant.

    Both are given as the level of each row, from 0, shape (n,).
    """
    shape = int(first.max()) + 1, int(second.max()) + 1
    table = np.bincount(first * shape[1] + second, minlength=shape[0] * shape[1]).reshape(shape)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n, (rows, columns) = len(first), table.shape
    if min(rows, columns) < 2:  # noqa: PLR2004
        return float("nan")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    by_chance = (rows - 1) * (columns - 1) / (n - 1)
    phi2 = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - by_chance)
    most = min(k - 1 - (k - 1) ** 2 / (n - 1) for k in (rows, columns))
    return float(np.sqrt(min(1.0, phi2 / most))) if most > 0 else 0.0
