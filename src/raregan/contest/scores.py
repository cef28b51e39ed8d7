"""What a classifier is judged by, on real rows that nothing was fitted to.

Where test rows of the other class were thinned out, each of the kept ones weighs for several: the
figures are those of the whole test side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from raregan.contest.features import mean_and_scale

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FALSE_POSITIVE_RATES = (0.001, 0.005, 0.01)
"""At which recall is taken: alarms on so many of the genuine rows."""

_SMALLEST = 1e-15


class Score(NamedTuple):
    """The words of a score: how it is headed, what it means, and whether more is better."""

    label: str
    definition: str
    higher_is_better: bool
    spec: str = ".3f"


SCORES: dict[str, Score] = {
    "average_precision": Score(
        "AP", "average precision: the mean of precision over recall", higher_is_better=True
    ),
    **{
        f"recall_at_{100 * rate:g}%": Score(
            f"R@{100 * rate:g}%",
            f"rare rows found with alarms on at most {100 * rate:g} % of the others",
            higher_is_better=True,
        )
        for rate in FALSE_POSITIVE_RATES
    },
    "precision_at_top": Score(
        "P@top",
        "rare rows among the highest k: --top, or else as many as are rare in the test",
        higher_is_better=True,
    ),
    "roc_auc": Score("AUC", "area under the ROC curve", higher_is_better=True),
    "brier": Score(
        "Brier",
        "mean squared error of probabilities, recalibrated on real rows",
        higher_is_better=False,
        spec=".5f",
    ),
    "log_loss": Score(
        "log loss", "of probabilities, recalibrated", higher_is_better=False, spec=".5f"
    ),
    "brier_as_is": Score(
        "Brier as is", "without recalibration", higher_is_better=False, spec=".5f"
    ),
    "log_loss_as_is": Score(
        "log loss as is", "without recalibration", higher_is_better=False, spec=".5f"
    ),
    "cost": Score(
        "cost", "mean cost a row, alarms where they cost less", higher_is_better=False, spec=".4g"
    ),
}
"""All scores, in the order of reports."""


@dataclass(frozen=True)
class Costs:
    """What mistakes cost.

    Attributes
    ----------
    missed
        Of a rare row that is let pass, times its amount where there is a column of amounts.
    alarm
        Of a false alarm.
    """

    missed: float
    alarm: float


def score(
    labels: Mask,
    scores: Vector,
    weights: Vector,
    *,
    calibrated: Vector,
    as_is: Vector | None = None,
    top: int | None = None,
    costs: Costs | None = None,
    amounts: Vector | None = None,
) -> dict[str, float]:
    """Return all scores of one test.

    Parameters
    ----------
    labels : (n,) array of bool
        Which rows are rare.
    scores : (n,) array of float64
        Higher: rarer, in the classifier's view.
    weights : (n,) array of float64
        How many rows each one stands for.
    calibrated : (n,) array of float64
        Probabilities in [0, 1], recalibrated.
    as_is
        Probabilities as the classifier gives them; None where it gives none.
    top
        Length of the list of `precision_at_top`; None: as many as there are rare rows.
    costs, amounts
        Prices of mistakes, and what they are multiplied with, row by row.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    rates, recalls, _ = roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    k = float(weights[labels].sum()) if top is None else float(top)
    found = {
        "average_precision": average_precision_score(labels, scores, sample_weight=weights),
        **{
            f"recall_at_{100 * rate:g}%": recalls[rates <= rate + _SMALLEST].max()
            for rate in FALSE_POSITIVE_RATES
        },
        "precision_at_top": precision_at_top(labels, scores, weights, k),
        "roc_auc": roc_auc_score(labels, scores, sample_weight=weights),
        "brier": _brier(labels, calibrated, weights),
        "log_loss": _log_loss(labels, calibrated, weights),
    }
    if as_is is not None:
        found["brier_as_is"] = _brier(labels, as_is, weights)
        found["log_loss_as_is"] = _log_loss(labels, as_is, weights)
    if costs is not None:
        found["cost"] = cost(labels, calibrated, weights, costs, amounts)
    return {name: float(value) for name, value in found.items()}


def precision_at_top(labels: Mask, scores: Vector, weights: Vector, k: float) -> float:
    """Return the share of rare rows among the `k` with the highest scores.

    Of rows with the same score any may be taken first: what is expected counts.
    """
    _, groups = np.unique(-scores, return_inverse=True)
    sizes = np.cumsum(np.bincount(groups, weights))
    rare = np.cumsum(np.bincount(groups, weights * labels))
    k = min(k, float(sizes[-1]))
    return float(np.interp(k, [0.0, *sizes], [0.0, *rare]) / k)


def cost(
    labels: Mask,
    calibrated: Vector,
    weights: Vector,
    costs: Costs,
    amounts: Vector | None = None,
) -> float:
    """Return the mean cost a row where an alarm is raised when that is expected to cost less.

    By probabilities p that is where p times the cost of a miss is more than (1 - p) times that of
    a false alarm (Elkan, "The foundations of cost-sensitive learning", IJCAI 2001): there is no
    threshold to fit.
    """
    missed = costs.missed * (np.ones(len(labels)) if amounts is None else amounts)
    alarm = calibrated * missed > (1 - calibrated) * costs.alarm
    paid = np.where(labels, np.where(alarm, 0.0, missed), np.where(alarm, costs.alarm, 0.0))
    return float(np.average(paid, weights=weights))


def _brier(labels: Mask, probabilities: Vector, weights: Vector) -> float:
    return float(np.average((probabilities - labels) ** 2, weights=weights))


def _log_loss(labels: Mask, probabilities: Vector, weights: Vector) -> float:
    right = np.where(labels, probabilities, 1 - probabilities)
    return float(np.average(-np.log(np.clip(right, _SMALLEST, 1.0)), weights=weights))


@dataclass(frozen=True)
class Sigmoid:
    """Platt scaling: probabilities from margins, fitted on real rows.

    Platt, "Probabilistic outputs for support vector machines" (1999), targets of section 2.2: a
    rare row counts as rare by (n + 1) / (n + 2), another one by 1 / (m + 2), of n rare rows and m
    others, so that a fit to rows that a margin tells apart stays finite.
    """

    slope: float
    shift: float

    @classmethod
    def fit(cls, margins: Vector, labels: Mask, weights: Vector) -> Sigmoid:
        """Fit to margins, of any scale, of rows that the classifier has not learned from."""
        from sklearn.linear_model import LogisticRegression

        n_rare, n_others = weights[labels].sum(), weights[~labels].sum()
        aimed = np.where(labels, (n_rare + 1) / (n_rare + 2), 1 / (n_others + 2))
        middle, scale = mean_and_scale(margins)
        standard = np.tile((margins - middle) / scale, 2)[:, None]
        # the usual tolerance is of a mean over rows, of which one in 1,000 may be rare
        model = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1_000)
        model.fit(
            standard,
            np.repeat([1, 0], len(labels)),
            sample_weight=np.concatenate([weights * aimed, weights * (1 - aimed)]) / weights.mean(),
        )
        slope = float(model.coef_[0, 0] / scale)
        return cls(slope, float(model.intercept_[0] - slope * middle))

    def calibrate(self, margins: Vector) -> Vector:
        """Return probabilities, (n,) float64 in [0, 1]."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * margins + self.shift))


def margins_of(probabilities: Vector, floor: float) -> Vector:
    """Return log-odds of probabilities that are taken to be at least `floor` from 0 and from 1."""
    from scipy.special import logit

    return np.asarray(logit(np.clip(probabilities, floor, 1 - floor)))
