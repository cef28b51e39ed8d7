"""How much of what pairs of columns have to do with each other is kept."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raregan.judging.association import associations
from raregan.judging.columns import ColumnPair, Matrix


@dataclass(frozen=True)
class PairOfColumns:
    """Two columns, and how they are associated in either table.

    Attributes
    ----------
    first, second
        Their names.
    measure
        ``"Pearson"``, ``"correlation ratio"`` or ``"Cramér's V"``; see
        `raregan.judging.association`.
    real, synthetic
        In [-1, 1] or [0, 1]; what is undefined in one table counts as 0.
    holdout
        The same of held-out rows; None where there are none.
    """

    first: str
    second: str
    measure: str
    real: float
    synthetic: float
    holdout: float | None = None

    @property
    def shown(self) -> tuple[str, str, str]:
        """Real, synthetic and held-out as a table shows them; "" where there is none."""
        held = "" if self.holdout is None else f"{self.holdout:.3f}"
        return f"{self.real:.3f}", f"{self.synthetic:.3f}", held

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "difference": self.synthetic - self.real}


MEASURES_OF_PAIRS = ("Pearson", "correlation ratio", "Cramér's V")
"""By the number of categories in the pair."""


def pair_figures(pairs: list[ColumnPair]) -> dict[str, float]:
    """Return the mean absolute differences over pairs of each kind; NaN where there is no pair.

    Pearson and Spearman are of two numbers, the correlation ratio of a number and a category
    (with two levels: the point-biserial correlation), Cramér's V of two categories. Spearman is
    Pearson of the ranks within a table, ties at their mean, as in
    `scipy.stats.spearmanr`; pairs with a missing cell are left out of either.
    """
    n_categories = _categories_in(pairs)
    difference = np.abs(_differences(*associations(pairs)))
    numbers = [pair for pair in pairs if not pair.is_category]
    ranked = [replace(pair, real=_rank(pair.real), synthetic=_rank(pair.synthetic))
              for pair in numbers]  # fmt: skip
    of_ranks = np.abs(_differences(*associations(ranked))) if numbers else np.empty((0, 0))
    return {
        "pearson_difference": _mean_above(difference, n_categories == 0),
        "spearman_difference": _mean_above(of_ranks, np.full(of_ranks.shape, fill_value=True)),
        "ratio_difference": _mean_above(difference, n_categories == 1),
        "cramers_difference": _mean_above(difference, n_categories == 2),  # noqa: PLR2004
    }


def list_pairs(
    pairs: list[ColumnPair], most: int, held: list[ColumnPair] | None = None
) -> tuple[list[PairOfColumns], int]:
    """Return the pairs that differ most, these first, at most `most`; and how many there are.

    Parameters
    ----------
    pairs
        Columns of real and synthetic rows.
    most
        How many are returned.
    held
        The same columns of real and held-out rows; None where there are none.
    """
    real, synthetic = associations(pairs)
    of_held = None if held is None else associations(held)[1]
    n_categories = _categories_in(pairs)
    difference = np.abs(_differences(real, synthetic))
    rows, places = np.triu_indices(len(pairs), k=1)
    defined = np.isfinite(difference[rows, places])
    rows, places = rows[defined], places[defined]
    order = np.argsort(-difference[rows, places], kind="stable")[:most]
    listed = [
        PairOfColumns(
            pairs[i].name,
            pairs[j].name,
            MEASURES_OF_PAIRS[n_categories[i, j]],
            float(np.nan_to_num(real[i, j])),
            float(np.nan_to_num(synthetic[i, j])),
            None if of_held is None else float(np.nan_to_num(of_held[i, j])),
        )
        for i, j in zip(rows[order], places[order], strict=True)
    ]
    return listed, rows.size


def _categories_in(pairs: list[ColumnPair]) -> npt.NDArray[np.int64]:
    is_category = np.array([pair.is_category for pair in pairs], dtype=np.int64)
    return is_category[:, np.newaxis] + is_category


def _differences(real: Matrix, synthetic: Matrix) -> Matrix:
    """Return synthetic less real, what is undefined in one being 0, in both NaN."""
    undefined = np.isnan(real) & np.isnan(synthetic)
    return np.where(undefined, np.nan, np.nan_to_num(synthetic) - np.nan_to_num(real))


def _mean_above(difference: Matrix, chosen: npt.NDArray[np.bool_]) -> float:
    places = np.triu_indices(len(difference), k=1)
    values = difference[places][chosen[places]]
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


def _rank(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: npt.NDArray[np.float64] = rankdata(values, nan_policy="omit")
    return ranks
