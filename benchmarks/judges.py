"""Judges of synthetic rows that know nothing of how they were made: pure functions of frames.

A frame here is *plain*: numbers (and dates, as numbers of days) are Float64, categories are String,
and what is missing is null. `train` are the real rows that a generator learned from, `held` those
it never saw, `made` the synthetic ones.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp
from sklearn.base import ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from raregan.contest.features import GAP, MOST_LEVELS, Ordinal, by_frequency

DRAWS, FOLDS, MOST_ROWS = 3, 5, 2_000
THREADS = 2
JUDGES: dict[str, tuple[ClassifierMixin, str]] = {
    "forest": (
        RandomForestClassifier(n_estimators=200, min_samples_leaf=2, n_jobs=THREADS),
        "predict_proba",
    ),
    "boosting": (HistGradientBoostingClassifier(max_iter=100), "predict_proba"),
    "SVM": (make_pipeline(StandardScaler(), SVC(kernel="rbf")), "decision_function"),
}


def judge(train: pl.DataFrame, held: pl.DataFrame, made: pl.DataFrame, seed: int) -> dict:
    """Return every score of synthetic rows."""
    scores = c2st(held, made, seed)
    return scores | {
        "mean": float(np.mean([scores[name] for name in JUDGES])),
        "ks": marginals(held, made),
        "corr": correlations(held, made),
        "closer": closer(train, held, made),
        "copies": copies(train, made),
    }


# --- can a classifier tell them from real rows? ---------------------------------------------------


# boosting's threads wait for each other: where the cores are shared, two take 100 times as long
@threadpool_limits.wrap(limits=1, user_api="openmp")
def c2st(held: pl.DataFrame, made: pl.DataFrame, seed: int) -> dict[str, float]:
    """Return, for each judge, the AUC between as many real and synthetic rows, mean of the draws.

    Every row is scored by a model of the folds it is not in; the scores make one AUC.
    """
    n = min(held.height, made.height, MOST_ROWS)
    found: dict[str, list[float]] = {name: [] for name in JUDGES}
    for draw in range(DRAWS):
        rng = np.random.default_rng([seed, draw])
        sides = [side[rng.choice(side.height, n, replace=False)] for side in (held, made)]
        rows, labels = as_matrix(pl.concat(sides)), np.repeat([0, 1], n)
        state = int(rng.integers(2**31))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=state)
        for name, (model, method) in JUDGES.items():
            scores = cross_val_predict(
                seeded(model, state), rows, labels, cv=folds, method=method
            ).reshape(2 * n, -1)[:, -1]
            found[name].append(float(roc_auc_score(labels, scores)))
    return {name: float(np.mean(areas)) for name, areas in found.items()}


def seeded(model: ClassifierMixin, seed: int) -> ClassifierMixin:
    """Return a fresh model with its draws fixed, where it draws (a pipeline does not)."""
    fresh = clone(model)
    return fresh.set_params(random_state=seed) if "random_state" in fresh.get_params() else fresh


def as_matrix(frame: pl.DataFrame) -> np.ndarray:
    """Return numbers with the median for what is missing, and columns of 0 and 1 for the rest.

    A category has a column for each of its commonest levels and one for all others, and whatever
    has missing cells one that says where.
    """
    columns = []
    for cells in frame.iter_columns():
        if cells.dtype.is_numeric():
            columns.append(cells.fill_null(cells.median() or 0.0))
        else:
            levels = by_frequency(cells)
            columns += [(cells == level).fill_null(value=False) for level in levels[:MOST_LEVELS]]
            if len(levels) > MOST_LEVELS:
                columns.append(cells.is_in(levels[MOST_LEVELS:]).fill_null(value=False))
        if cells.null_count():
            columns.append(cells.is_null())
    return np.column_stack([column.cast(pl.Float64).to_numpy() for column in columns])


# --- do they look alike? --------------------------------------------------------------------------


def marginals(held: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the mean over columns of the largest difference of distribution.

    Numbers: the Kolmogorov-Smirnov statistic, what is missing below all numbers. Categories: the
    total variation, what is missing a level.
    """
    found = []
    for name in held.columns:
        real, new = held[name], made[name]
        if real.dtype.is_numeric():
            sides = [side.fill_null(-np.inf).to_numpy() for side in (real, new)]
            found.append(ks_2samp(*sides, method="asymp").statistic)
        else:
            found.append(total_variation(real, new))
    return float(np.mean(found))


def total_variation(real: pl.Series, new: pl.Series) -> float:
    shares = [
        dict(side.fill_null(GAP).value_counts(normalize=True).iter_rows()) for side in (real, new)
    ]
    levels = shares[0] | shares[1]
    return sum(abs(shares[0].get(k, 0.0) - shares[1].get(k, 0.0)) for k in levels) / 2


def correlations(held: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the mean absolute difference of association over all pairs of columns."""
    pairs = list(combinations(held.columns, 2))
    if not pairs:
        return float("nan")
    return float(np.mean([abs(association(held, *p) - association(made, *p)) for p in pairs]))


def association(frame: pl.DataFrame, one: str, two: str) -> float:
    """Return Pearson's correlation, the correlation ratio or Cramér's V, as the columns ask.

    The latter two never fall below 0, so in few rows they are too large by chance; both are
    corrected for it (by degrees of freedom, and as Bergsma proposed in 2013). Rows where a number
    is missing are left out; a missing category is a level. 0 where a column is constant.
    """
    pair = frame.select(one, two).with_columns(pl.col(pl.String).fill_null(GAP)).drop_nulls()
    if pair.height < 3 or 1 in (pair[one].n_unique(), pair[two].n_unique()):
        return 0.0
    numbers = [cells.to_numpy() for cells in pair.iter_columns() if cells.dtype.is_numeric()]
    codes = [
        np.unique(cells.to_numpy(), return_inverse=True)[1]
        for cells in pair.iter_columns()
        if not cells.dtype.is_numeric()
    ]
    if not codes:
        return float(np.corrcoef(*numbers)[0, 1])
    return correlation_ratio(*numbers, *codes) if numbers else cramers_v(*codes)


def correlation_ratio(numbers: np.ndarray, codes: np.ndarray) -> float:
    sizes = np.bincount(codes)
    within = numbers - (np.bincount(codes, numbers) / sizes)[codes]
    n, free = len(numbers), len(numbers) - len(sizes)
    if free < 1:
        return 0.0
    share = (within @ within / free) / (numbers.var() * n / (n - 1))
    return float(np.sqrt(max(0.0, 1 - share)))


def cramers_v(one: np.ndarray, two: np.ndarray) -> float:
    n, r, c = len(one), one.max() + 1, two.max() + 1
    counts = np.bincount(one * c + two, minlength=r * c).reshape(r, c)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi = ((counts - expected) ** 2 / expected).sum() / n - (r - 1) * (c - 1) / (n - 1)
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(max(0.0, phi) / least)) if least > 0 else 0.0


# --- are they copies of what was learned from? ----------------------------------------------------


def closer(train: pl.DataFrame, held: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the share of synthetic rows whose nearest real row is one that was learned from.

    Where rows of both kinds are as near, the share of training rows among all counts.
    """
    real = pl.concat([train, held])
    places, new = positions(real, real, made), positions(real, made, made)
    share, found = train.height / real.height, 0.0
    for part in np.array_split(new, 1 + len(new) // 500):
        distances = cdist(part, places)
        near, far = distances[:, : train.height].min(axis=1), distances[:, train.height :].min(1)
        tied = np.isclose(near, far, rtol=1e-9, atol=1e-12)
        found += np.where(tied, share, near < far).sum()
    return float(found / len(new))


def positions(real: pl.DataFrame, frame: pl.DataFrame, made: pl.DataFrame) -> np.ndarray:
    """Return rows as points, standardised by the real ones.

    Two different categories are 1 apart, as are a missing number and one that is at the mean.
    """
    columns = []
    for cells in frame.iter_columns():
        known = real[cells.name]
        if cells.dtype.is_numeric():
            scale = known.std(ddof=0) or 1.0
            columns.append(((cells - (known.mean() or 0.0)) / scale).fill_null(0.0))
            columns.append(cells.is_null())
        else:
            levels = {*known.fill_null(GAP), *made[cells.name].fill_null(GAP)}
            filled = cells.fill_null(GAP)
            columns += [(filled == level) / np.sqrt(2) for level in sorted(levels)]
    return np.column_stack([column.cast(pl.Float64).to_numpy() for column in columns])


def copies(train: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the share of synthetic rows that are, to six digits, a row that was learned from."""
    # adding 0 makes one of the two zeros
    rounded = [
        side.with_columns(pl.col(pl.Float64).round_sig_figs(6) + 0.0) for side in (train, made)
    ]
    same = rounded[1].join(rounded[0].unique(), on=train.columns, how="semi", nulls_equal=True)
    return same.height / made.height


# --- do they help? --------------------------------------------------------------------------------


@threadpool_limits.wrap(limits=1, user_api="openmp")
def tested_on_real(
    made: pl.DataFrame, others: pl.DataFrame, held: pl.DataFrame, held_others: pl.DataFrame
) -> float:
    """Return the average precision on real rows of boosted trees that learned from synthetic ones.

    Mean of three models, as each sets other rows aside to know when to stop.
    """
    view = Ordinal.fit(pl.concat([others, made]))
    rows = view.encode(pl.concat([others, made, held_others, held]))
    n = others.height + made.height
    labels = np.repeat([0, 1, 0, 1], [f.height for f in (others, made, held_others, held)])
    found = []
    for state in range(DRAWS):
        model = HistGradientBoostingClassifier(random_state=state).fit(rows[:n], labels[:n])
        scores = model.predict_proba(rows[n:])[:, 1]
        found.append(average_precision_score(labels[n:], scores))
    return float(np.mean(found))
