"""Fidelity: how close synthetic rows come to real rows of the same class.

The judge sees two tables and nothing of how the second was made, so it judges any generator.
`raregan.judging.columns` says what a column is compared as. NumPy and Polars are
imported here; scikit-learn is imported where the forest is grown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.config import plain_seed
from raregan.data.inspection import plain
from raregan.data.sources import read_frame
from raregan.judging.association import association_difference, associations
from raregan.judging.c2st import auc_of_forest
from raregan.judging.columns import ColumnPair, Vector, pair_columns
from raregan.judging.rules import RULES_TITLE, judge_rules, show_share


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
        label="mean distance of columns",
        definition="KS of numbers, total variation (TV) of categories; their mean.",
        best=0.0,
        worst=1.0,
    ),
    "correlation_difference": Measure(
        label="correlation difference",
        definition="Mean absolute difference over all pairs of columns.",
        best=0.0,
        worst=2.0,
    ),
    "missing_difference": Measure(
        label="missing difference",
        definition="Largest difference of the shares missing of any column.",
        best=0.0,
        worst=1.0,
        spec=".2%",
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
        Per column, in the order of the real table: the Kolmogorov-Smirnov statistic of numbers,
        the total variation distance of categories; see `ks_statistics`.
    copy_rate : float
        In [0, 1]; see `copy_rate`.
    c2st_auc : float
        In [0, 1], best at 0.5; see `c2st_auc`.
    missing_difference : float or None
        In [0, 1], lower is better; None where no value is missing. See `missing_difference`.
    rules : dict of str to dict
        Per rule that (nearly) all real rows keep, the most lost first: under ``"real"`` and
        ``"synthetic"`` the shares of rows that keep it, in [0, 1]; see
        `raregan.judging.rules.judge_rules`.
    """

    n_real: int
    n_synthetic: int
    correlation_difference: float
    mean_ks: float
    ks: dict[str, float]
    copy_rate: float
    c2st_auc: float
    missing_difference: float | None = None
    rules: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float]:
        """The figures of `FIGURES` that these tables have, in that order."""
        values = {name: getattr(self, name) for name in FIGURES}
        return {name: value for name, value in values.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain numbers and dicts, ready for JSON."""
        return asdict(self)

    def to_text(self) -> str:
        """Return one line for each figure and each rule: label, value, best value, definition."""
        rows = [("", "value", "best", "")]
        for name, value in self.figures.items():
            label, definition, best, _, spec = FIGURES[name]
            rows.append((label, f"{value:{spec}}", f"{best:{spec}}", definition))
        lines = [
            f"  {label:<25}{value:>7}{best:>8}  {definition}".rstrip()
            for label, value, best, definition in rows
        ]
        if self.rules:
            lines += ["", f"{RULES_TITLE}:", f"  {'synthetic':>9}{'real':>8}"]
            lines += [
                f"  {show_share(kept['synthetic']):>9}{show_share(kept['real']):>8}  {plain(text)}"
                for text, kept in self.rules.items()
            ]
        return "\n".join(lines)


class Whole(NamedTuple):
    """What is known of the whole tables where rows drawn from them are judged.

    Attributes
    ----------
    n_real, n_synthetic, copy_rate
        As of `Fidelity`.
    """

    n_real: int
    n_synthetic: int
    copy_rate: float


def correlation_difference(real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    """Mean absolute difference of the correlations of all pairs of columns.

    Pairs with a category have the measures of `raregan.judging.association`. A constant column
    correlates with nothing, so its correlations count as 0: a generator that collapses to one
    value pays for the correlation it lost. A pair with no correlation in either table is left
    out. With no pair left (one column, say) the difference is 0.

    Returns
    -------
    float
        In [0, 2]; 0 is best.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `pair_columns`.
    """
    return association_difference(*associations(pair_columns(real, synthetic)))


def ks_statistics(real: pl.DataFrame, synthetic: pl.DataFrame) -> dict[str, float]:
    """Distance of the two distributions of each column.

    Of numbers, dates and durations that are there, the two-sample Kolmogorov-Smirnov statistic:
    the largest distance between the two empirical cumulative distributions. Two samples of n rows
    and m rows from one distribution are about ``0.87 * sqrt(1 / n + 1 / m)`` apart. Where one
    table has no such value at all, the distance is 1.

    Of categories the total variation distance: half the sum of the absolute differences of the
    levels' shares, missing being a level. Chance alone adds to it with the number of levels. Both
    are 1 less what SDMetrics calls KSComplement and TVComplement.

    Returns
    -------
    dict of str to float
        Per column, in [0, 1]; 0 is best.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `pair_columns`.
    """
    return {pair.name: distance(pair) for pair in pair_columns(real, synthetic)}


def distance(pair: ColumnPair) -> float:
    """Distance of the distributions of one column; see `ks_statistics`."""
    if pair.is_category:
        shares = [
            np.bincount(side.astype(int), minlength=len(pair.levels)) / side.size
            for side in pair.sides
        ]
        return float(min(1.0, np.abs(shares[0] - shares[1]).sum() / 2))
    real, synthetic = pair.present
    if not real.size or not synthetic.size:
        return float(real.size != synthetic.size)
    return _ks(real, synthetic)


def _ks(real: Vector, synthetic: Vector) -> float:
    real, synthetic = np.sort(real), np.sort(synthetic)
    steps = np.concatenate([real, synthetic])  # the distance is largest at a step of either
    real_cdf = np.searchsorted(real, steps, side="right") / real.size
    synthetic_cdf = np.searchsorted(synthetic, steps, side="right") / synthetic.size
    return float(np.abs(real_cdf - synthetic_cdf).max())


def missing_difference(real: pl.DataFrame, synthetic: pl.DataFrame) -> float | None:
    """Largest difference of the shares of missing values (null or NaN), over the columns.

    Returns
    -------
    float or None
        In [0, 1]; 0 is best. None where neither table has a missing value.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `pair_columns`.
    """
    return _missing_difference(pair_columns(real, synthetic))


def _missing_difference(pairs: Sequence[ColumnPair]) -> float | None:
    shares = np.array([pair.missing for pair in pairs])
    return float(np.abs(shares[:, 0] - shares[:, 1]).max()) if shares.any() else None


def copy_rate(real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    """Share of synthetic rows that equal a real row in every column.

    Values are equal when they are the same number, instant or level, and missing equals missing;
    where either table holds a column as Float32, both are compared as Float32, the precision a
    float32 generator can copy. Identifiers make every row differ: leave them out.

    Returns
    -------
    float
        In [0, 1]; 0 unless rows are drawn from few possible ones.

    Raises
    ------
    SchemaError, TooFewRowsError
        As `pair_columns`.
    """
    return _copy_rate(pair_columns(real, synthetic), real, synthetic)


def _copy_rate(pairs: Sequence[ColumnPair], real: pl.DataFrame, synthetic: pl.DataFrame) -> float:
    return float(find_copies(pairs, real, synthetic).mean())


def find_copies(
    pairs: Sequence[ColumnPair], real: pl.DataFrame, synthetic: pl.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return which synthetic rows (m,) equal a real row; see `copy_rate`.

    Parameters
    ----------
    pairs
        As of `raregan.judging.columns.pair_columns` for these tables.
    """
    cells = [_cells(pair, real[pair.name], synthetic[pair.name]) for pair in pairs]
    # Named by position, as polars may lose a name such as "".
    names = [f"{position}" for position in range(len(pairs))]
    real, synthetic = (
        pl.DataFrame([column[side].alias(name) for name, column in zip(names, cells, strict=True)])
        for side in (0, 1)
    )
    numbered = synthetic.with_row_index("row")
    copies = numbered.join(real.unique(), on=names, how="semi", nulls_equal=True)
    found = np.zeros(synthetic.height, dtype=np.bool_)
    found[copies["row"].to_numpy()] = True
    return found


def _cells(pair: ColumnPair, real: pl.Series, synthetic: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return both sides of a column as they are compared: of one type, null where missing."""
    if not (real.dtype.is_numeric() and synthetic.dtype.is_numeric()):
        real, synthetic = pl.Series(pair.real), pl.Series(pair.synthetic)
    common = _common_type(real.dtype, synthetic.dtype)
    real, synthetic = real.cast(common), synthetic.cast(common)
    return (
        (real.fill_nan(None), synthetic.fill_nan(None)) if common.is_float() else (real, synthetic)
    )


def _common_type(first: pl.DataType, second: pl.DataType) -> pl.DataType:
    if first == second:
        return first
    return pl.Float32() if pl.Float32() in (first, second) else pl.Float64()


def judge_fidelity(
    real: Any,
    synthetic: Any,
    *,
    constraints: Sequence[str] = (),
    random_state: int = 0,
    whole: Whole | None = None,
) -> Fidelity:
    """Judge synthetic rows against real ones.

    Parameters
    ----------
    real : polars or pandas DataFrame, str or Path
        Real rows of the class without target and identifiers; best ones that the generator has
        not seen. Values may be missing.
    synthetic : polars or pandas DataFrame, str or Path
        Synthetic rows with the same columns, in any order.
    constraints : sequence of str
        Rules between columns that are counted beside those that the real rows keep.
    random_state : int
        Seed of `c2st_auc`; the other figures draw nothing from it.
    whole : Whole, optional
        Of the tables that these rows were drawn from; by default these rows are the tables.

    Returns
    -------
    Fidelity

    Raises
    ------
    SchemaError
        The tables do not match, see `raregan.judging.columns.pair_columns`, or one of
        `constraints` is no rule.
    TooFewRowsError
        A side has fewer than 5 rows.
    """
    real, synthetic = read_frame(real), read_frame(synthetic)
    pairs = pair_columns(real, synthetic)
    c2st = auc_of_forest(pairs, plain_seed(random_state))
    ks = {pair.name: distance(pair) for pair in pairs}
    if whole is None:
        whole = Whole(real.height, synthetic.height, _copy_rate(pairs, real, synthetic))
    return Fidelity(
        **whole._asdict(),
        correlation_difference=association_difference(*associations(pairs)),
        mean_ks=float(np.mean(list(ks.values()))),
        ks=ks,
        c2st_auc=c2st,
        missing_difference=_missing_difference(pairs),
        rules=judge_rules(real, synthetic, constraints),
    )
