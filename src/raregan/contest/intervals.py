"""How sure a mean difference over folds is, though folds share most of their training rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


class Interval(NamedTuple):
    """A mean, and where the true one may lie.

    Attributes
    ----------
    mean, low, high
        Infinite ends where there are fewer than 2 folds, or no variance.
    p
        Of a two-sided test of no difference, not corrected for the number of tests.
    n
        Folds.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int

    @property
    def is_gain(self) -> bool:
        """Whether all of it lies above 0."""
        return self.low > 0

    def within(self, most: float) -> Interval:
        """Return it with ends no further than that from 0, infinite ones left alone."""
        if not math.isfinite(self.low):
            return self
        return self._replace(low=max(self.low, -most), high=min(self.high, most))

    def to_dict(self, most: float = math.inf) -> dict[str, float | None]:
        """Return what JSON can hold, ends `within` bounds: None for what is not finite."""
        named = self.within(most)._asdict().items()
        return {name: value if math.isfinite(value) else None for name, value in named}


def corrected_interval(
    differences: Sequence[float],
    *,
    test_share: float,
    confidence: float,
    n_tests: int = 1,
) -> Interval:
    """Return the interval of a mean difference by the corrected resampled t-test.

    The variance of the mean of J differences is taken as (1/J + n_test/n_train) times theirs,
    with J - 1 degrees of freedom: Nadeau and Bengio, "Inference for the generalization error",
    Machine Learning 52, 2003, section 3; for repeated folds Bouckaert and Frank, PAKDD 2004. The
    error of 1 - `confidence` is shared out among the tests (Bonferroni).

    Where all differences are the same, and not 0, they say nothing of their variance: the ends are
    infinite.

    Parameters
    ----------
    differences
        One a fold.
    test_share
        n_test / n_train, such as 1/4 of five folds.
    confidence
        In (0, 1).
    n_tests
        Intervals that are to hold all together.
    """
    from scipy.stats import t

    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    mean = float(values.mean()) if n else math.nan
    if n < 2:  # noqa: PLR2004
        return Interval(mean, -math.inf, math.inf, 1.0, n)
    error = math.sqrt((1 / n + test_share) * float(values.var(ddof=1)))
    if error == 0:
        far = math.inf if mean else 0.0
        return Interval(mean, mean - far, mean + far, 1.0, n)
    reach = float(t.ppf(1 - (1 - confidence) / (2 * n_tests), n - 1)) * error
    p = 2 * float(t.sf(abs(mean) / error, n - 1))
    return Interval(mean, mean - reach, mean + reach, p, n)
