"""Fidelity: how close synthetic rows come to real rows of the same class.

The judge sees two tables of numeric columns and nothing of how the second was made, so it judges
any generator. Only NumPy and Polars are imported here; scikit-learn is imported by `c2st_auc`.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.config import plain_seed
from raregan.data.sources import read_frame
from raregan.errors import SchemaError, TooFewRowsError

Matrix = npt.NDArray[np.float64]

C2ST_DRAWS = 3
C2ST_TREES = 200
C2ST_FOLDS = 5
C2ST_MAX_ROWS = 1_000  # a side: the forest's time grows with rows, its AUC is then good to ~0.01


class Measure(NamedTuple):
    """The words of one quality figure, shared by the terminal, the README and the report.

    `best` is the value of a perfect generator, `worst` the value furthest from it; `spec` formats
    a value.
    """

    label: str
    definition: str
    best: float
    worst: float
    spec: str = ".3f"


FIGURES: Mapping[str, Measure] = {
    "c2st_auc": Measure(
        label="told apart (AUC)",
        definition="A forest tells them apart: 0.5 is guessing, 1.0 is always right.",
        best=0.5,
        worst=1.0,
    ),
    "mean_ks": Measure(
        label="mean KS distance",
        definition="Largest gap of the cumulative distributions, mean over columns.",
        best=0.0,
        worst=1.0,
    ),
    "correlation_difference": Measure(
        label="correlation difference",
        definition="Mean absolute difference over all pairs of columns.",
        best=0.0,
        worst=2.0,
    ),
    "copy_rate": Measure(
        label="exact copies",
        definition="Synthetic rows that equal a real row in every column.",
        best=0.0,
        worst=1.0,
        spec=".2%",
    ),
}


@dataclass(frozen=True)
class Fidelity:
    """Quality figures of synthetic rows against real ones; `FIGURES` says what each means.

    Attributes
    ----------
    n_real, n_synthetic : int
        Rows that were compared.
    correlation_difference : float
        In [0, 2], lower is better; see `correlation_difference`.
    mean_ks : float
        In [0, 1], lower is better: the mean of `ks`.
    ks : dict of str to float
        Per column, in the order of the real table; see `ks_statistics`.
    copy_rate : float
        In [0, 1]; see `copy_rate`.
    c2st_auc : float
        In [0, 1], best at 0.5; see `c2st_auc`.
    """

    n_real: int
    n_synthetic: int
    correlation_difference: float
    mean_ks: float
    ks: dict[str, float]
    copy_rate: float
    c2st_auc: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain numbers and one dict, ready for JSON."""
        return asdict(self)

    def to_text(self) -> str:
        """Return one line for each figure: label, value, best value, definition."""
        rows = [("", "value", "best", "")]
        for name, (label, definition, best, _, spec) in FIGURES.items():
            rows.append((label, f"{getattr(self, name):{spec}}", f"{best:{spec}}", definition))
        return "\n".join(
            f"  {label:<24}{value:>7}{best:>8}  {definition}".rstrip()
            for label, value, best, definition in rows
        )


def matrices(real: pl.DataFrame, synthetic: pl.DataFrame) -> tuple[list[str], Matrix, Matrix]:
    """Check that two tables can be compared and return their values.

    Returns
    -------
    names : list of str
        The d columns, in the order of `real`.
    real, synthetic : float64 arrays of shape (n, d) and (m, d)

    Raises
    ------
    SchemaError
        A column is in one table only, is not numeric, or holds a null, NaN or infinity; or there
        is no column at all.
    TooFewRowsError
        A table has no rows.
    """
    names = real.columns
    if not names:
        raise SchemaError("the real table has no columns; pass the numeric columns to compare")
    for name in [*names, *synthetic.columns]:
        if name not in synthetic.columns:
            raise SchemaError(f"column {name!r} is missing from the synthetic rows; add it there")
        if name not in real.columns:
            raise SchemaError(
                f"column {name!r} is not in the real rows; drop it from the synthetic ones"
            )
    return names, _values(real, "real"), _values(synthetic.select(names), "synthetic")


def _values(table: pl.DataFrame, which: str) -> Matrix:
    if table.height == 0:
        raise TooFewRowsError(f"there are no {which} rows; pass at least one")
    for name, dtype in table.schema.items():
        if not dtype.is_numeric():
            raise SchemaError(
                f"column {name!r} of the {which} rows is {dtype}, not numeric; drop or encode it"
            )
        column = table[name].cast(pl.Float64)
        if column.null_count() or not column.is_finite().all():
            raise SchemaError(
                f"column {name!r} of the {which} rows has missing or infinite values; "
                "fill them or drop the rows"
            )
    return table.cast(pl.Float64).to_numpy()


def correlations(values: Matrix) -> Matrix:
    """Return the Pearson correlations (d, d) of the columns of `values` (n, d).

    A constant column has no correlation: its entries are NaN, the diagonal included.
    """
    largest = np.abs(values).max(axis=0)
    # In units of the largest value: squares do not overflow, and a constant column is exactly 1.
    centred = values / np.where(largest > 0, largest, 1)
    centred -= centred.mean(axis=0)
    norm = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    norm[norm == 0] = np.nan
    return np.clip(centred.T @ centred / np.outer(norm, norm), -1, 1)


def correlation_difference(real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    """Mean absolute difference of the Pearson correlations of all pairs of columns.

    A constant column correlates with nothing, so its correlations count as 0: a generator that
    collapses to one value pays for the correlation it lost. A pair with no correlation in either
    table is left out. With no pair left (one column, say) the difference is 0.

    Returns
    -------
    float
        In [0, 2]; 0 is best.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `matrices`.
    """
    _, real_values, synthetic_values = matrices(real, synthetic)
    return _correlation_difference(real_values, synthetic_values)


def _correlation_difference(real: Matrix, synthetic: Matrix) -> float:
    pairs = np.triu_indices(real.shape[1], k=1)
    a, b = correlations(real)[pairs], correlations(synthetic)[pairs]
    defined = ~(np.isnan(a) & np.isnan(b))
    if not defined.any():
        return 0.0
    return float(np.abs(np.nan_to_num(a) - np.nan_to_num(b))[defined].mean())


def ks_statistics(real: pl.DataFrame, synthetic: pl.DataFrame) -> dict[str, float]:
    """Two-sample Kolmogorov-Smirnov statistic of each column.

    The largest distance between the two empirical cumulative distributions. Two samples of the
    same n rows and m rows from one distribution are about ``0.87 * sqrt(1 / n + 1 / m)`` apart.

    Returns
    -------
    dict of str to float
        Per column, in [0, 1]; 0 is best.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `matrices`.
    """
    return _ks_statistics(*matrices(real, synthetic))


def _ks_statistics(names: list[str], real: Matrix, synthetic: Matrix) -> dict[str, float]:
    return {name: _ks(real[:, column], synthetic[:, column]) for column, name in enumerate(names)}


def _ks(real: npt.NDArray[np.float64], synthetic: npt.NDArray[np.float64]) -> float:
    real, synthetic = np.sort(real), np.sort(synthetic)
    steps = np.concatenate([real, synthetic])  # the distance is largest at a step of either
    real_cdf = np.searchsorted(real, steps, side="right") / real.size
    synthetic_cdf = np.searchsorted(synthetic, steps, side="right") / synthetic.size
    return float(np.abs(real_cdf - synthetic_cdf).max())


def copy_rate(real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    """Share of synthetic rows that equal a real row in every column.

    Values are equal when they are the same number; where either table holds a column as Float32,
    both are compared as Float32, the precision a float32 generator can copy.

    Returns
    -------
    float
        In [0, 1]; 0 unless rows are drawn from few possible ones.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `matrices`.
    """
    matrices(real, synthetic)
    return _copy_rate(real, synthetic)


def _copy_rate(real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    common = pl.Schema(
        {name: _common_type(dtype, synthetic.schema[name]) for name, dtype in real.schema.items()}
    )
    keys = real.cast(common).unique()
    copies = synthetic.select(real.columns).cast(common).join(keys, on=real.columns, how="semi")
    return copies.height / synthetic.height


def _common_type(first: pl.DataType, second: pl.DataType) -> pl.DataType:
    if first == second:
        return first
    return pl.Float32() if pl.Float32() in (first, second) else pl.Float64()


def c2st_auc(real: pl.DataFrame, synthetic: pl.DataFrame, *, random_state: int = 0) -> float:
    """AUC of a classifier that tells synthetic rows from real ones (two-sample test).

    A random forest (200 trees, at least 2 rows a leaf) is scored out of fold (5 stratified folds)
    on as many rows of either side: `n = min(len(real), len(synthetic), 1000)`, drawn anew without
    replacement for each of 3 draws, whose AUCs are averaged.

    An honest figure takes real rows that the generator was not trained on. Against its training
    rows copying is rewarded: a copied row has its twin, of the other label, in another fold, so
    the forest does worse than guessing and the AUC falls, even below 0.5.

    Parameters
    ----------
    real, synthetic : polars.DataFrame
        The same numeric columns, at least 5 rows each.
    random_state : int
        Seed of the draws, the folds and the forests.

    Returns
    -------
    float
        In [0, 1]: 0.5 when nothing tells them apart, 1.0 when every row is recognised.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `matrices`; also with fewer than 5 rows on a side.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    _, real_values, synthetic_values = matrices(real, synthetic)
    return _c2st_auc(real_values, synthetic_values, plain_seed(random_state))


def _c2st_auc(real: Matrix, synthetic: Matrix, random_state: int) -> float:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    n = min(len(real), len(synthetic), C2ST_MAX_ROWS)
    if n < C2ST_FOLDS:
        raise TooFewRowsError(
            f"c2st_auc needs at least {C2ST_FOLDS} rows a side, not {len(real)} real and "
            f"{len(synthetic)} synthetic; pass more rows"
        )
    labels = np.repeat([0, 1], n)

    def auc_of_draw(draw: int) -> float:
        rng = np.random.default_rng([random_state, draw])
        seed = int(rng.integers(2**31))
        rows = np.concatenate(
            [side[rng.choice(len(side), n, replace=False)] for side in (real, synthetic)]
        )
        scores = cross_val_predict(
            RandomForestClassifier(C2ST_TREES, min_samples_leaf=2, random_state=seed),
            _ranks(rows),
            labels,
            cv=StratifiedKFold(C2ST_FOLDS, shuffle=True, random_state=seed),
            method="predict_proba",
        )
        return float(roc_auc_score(labels, scores[:, 1]))

    with ThreadPoolExecutor(C2ST_DRAWS) as pool:  # trees are grown outside the GIL
        return float(np.mean(list(pool.map(auc_of_draw, range(C2ST_DRAWS)))))


def _ranks(values: Matrix) -> Matrix:
    # A forest reads float32 and uses only the order: ranks keep what that rounding would lose.
    ranks = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.column_stack(ranks).astype(np.float64)


def evaluate(real: Any, synthetic: Any, *, random_state: int = 0) -> Fidelity:
    """Judge synthetic rows against real ones.

    Parameters
    ----------
    real : polars or pandas DataFrame, str or Path
        Real rows of the class, numeric columns without the target; best ones that the generator
        has not seen.
    synthetic : polars or pandas DataFrame, str or Path
        Synthetic rows with the same columns, in any order.
    random_state : int
        Seed of `c2st_auc`; the other figures draw nothing.

    Returns
    -------
    Fidelity

    Raises
    ------
    SchemaError
        The tables do not match, or a column is not numeric or not finite.
    TooFewRowsError
        A side has fewer than 5 rows.
    """
    real, synthetic = read_frame(real), read_frame(synthetic)
    names, real_values, synthetic_values = matrices(real, synthetic)
    c2st = _c2st_auc(real_values, synthetic_values, plain_seed(random_state))
    ks = _ks_statistics(names, real_values, synthetic_values)
    return Fidelity(
        n_real=real.height,
        n_synthetic=synthetic.height,
        correlation_difference=_correlation_difference(real_values, synthetic_values),
        mean_ks=float(np.mean(list(ks.values()))),
        ks=ks,
        copy_rate=_copy_rate(real, synthetic),
        c2st_auc=c2st,
    )
