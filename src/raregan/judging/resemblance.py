"""The figures of fidelity: each trial of synthetic rows, and of real rows in their place."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from raregan.judging import c2st, linear
from raregan.judging.columns import Matrix, Vector
from raregan.judging.dependence import pair_figures
from raregan.judging.fidelity import distance
from raregan.judging.figures import Figure
from raregan.judging.intervals import (
    FOLDED,
    Estimate,
    Places,
    around,
    degrees_of_freedom,
    jackknife,
)
from raregan.judging.marginals import Marginal, column_figures, coverage, wasserstein
from raregan.judging.measures import MEASURES
from raregan.judging.mmd import mmd
from raregan.judging.neighbours import distances_between, prdc
from raregan.judging.sides import Column, pair_up
from raregan.judging.spaces import Space
from raregan.judging.trials import Plan, Trial

CLOUD_ROWS = 1_500
"""Rows of a side whose distances are all computed (mmd, prdc), at most: memory grows with their
square."""

GIVEAWAYS = 5
"""Columns that the linear model names, at most."""

PRDC = ("precision", "recall", "density", "coverage")


class Outcome(NamedTuple):
    """What one trial gave.

    Attributes
    ----------
    values, errors
        By name of `MEASURES`; NaN where the columns have no such figure.
    degrees
        Of freedom of the errors, by name.
    distances
        (d,) of the columns.
    giveaways
        (d,) what each column has in telling the tables apart.
    """

    values: dict[str, float]
    errors: dict[str, float]
    degrees: dict[str, float]
    distances: Vector
    giveaways: Vector


def judge_resemblance(
    plan: Plan, space: Space, missing: Sequence[tuple[float, float]], seed: int
) -> tuple[list[Figure], list[Marginal]]:
    """Return the figures of fidelity, and the table of columns.

    Parameters
    ----------
    plan
        The trials.
    space
        Of the d columns, fitted on real rows.
    missing
        Shares of missing cells of each column, real and synthetic, for the table.
    seed
        Of all draws.
    """
    made, held = (
        [run_trial(trial, space, (seed, side, place)) for place, trial in enumerate(trials)]
        for side, trials in enumerate((plan.synthetic, plan.baseline))
    )
    figures = []
    has_gaps = any(_has_gaps(space.columns, trial) for trial in (*plan.synthetic, *plan.baseline))
    for name in made[0].values:
        estimate = _combine(name, made)
        if np.isnan(estimate.value) or (name == "missing_difference" and not has_gaps):
            continue
        details = {"columns": _name_giveaways(space, made)} if name == "c2st_linear" else {}
        figures.append(Figure.of(name, estimate, _combine(name, held) if held else None, details))
    order = list(MEASURES)
    figures.sort(key=lambda figure: order.index(figure.name))
    return figures, _marginals(plan, space, made, held, missing)


def run_trial(trial: Trial, space: Space, seed: Sequence[int]) -> Outcome:
    """Compute every figure of a trial with its standard error."""
    reference, candidate = trial
    rng = np.random.default_rng(list(seed))
    values, errors = _table_figures(space.columns, reference, candidate, rng)
    distances = _distances(space.columns, reference, candidate)
    forest = c2st.tell_apart(reference, candidate, [*seed, 0])
    n = min(len(reference), len(candidate), c2st.C2ST_MAX_ROWS)
    first, second = (_draw(side, n, rng) for side in trial)
    straight = linear.tell_apart(space, first, second, int(rng.integers(2**31)))
    aucs = {"c2st_forest": forest, "c2st_linear": (straight.auc, straight.variance)}
    n_cloud = min(len(reference), len(candidate), CLOUD_ROWS)
    real, made = (space.place(_draw(side, n_cloud, rng)) for side in trial)
    discrepancy, its_error = mmd(real, made, rng)
    of_prdc = _prdc(real, made, rng)
    degrees = dict.fromkeys([*values, "mmd", *PRDC], float(degrees_of_freedom(n, n)))
    return Outcome(
        values={
            **values,
            **{name: value for name, (value, _) in aucs.items()},
            "mmd": discrepancy,
            **dict(zip(PRDC, of_prdc[0], strict=True)),
        },
        errors={
            **errors,
            **{name: float(np.sqrt(FOLDED * variance)) for name, (_, variance) in aucs.items()},
            "mmd": its_error,
            **dict(zip(PRDC, of_prdc[1], strict=True)),
        },
        degrees={**degrees, **dict.fromkeys(aucs, 1e9)},
        distances=distances,
        giveaways=straight.shares,
    )


def _has_gaps(columns: tuple[Column, ...], trial: Trial) -> bool:
    return any(any(pair.missing) for pair in pair_up(columns, *trial))


def _draw(rows: Matrix, n: int, rng: np.random.Generator) -> Matrix:
    return rows[rng.choice(len(rows), n, replace=False)]


def _distances(columns: tuple[Column, ...], reference: Matrix, candidate: Matrix) -> Vector:
    return np.array([distance(pair) for pair in pair_up(columns, reference, candidate)])


def _table_figures(
    columns: tuple[Column, ...], reference: Matrix, candidate: Matrix, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the figures of columns and pairs with their errors."""

    def figures(first: Matrix, second: Matrix) -> dict[str, float]:
        pairs = pair_up(columns, first, second)
        distances = np.array([distance(pair) for pair in pairs])
        return {**column_figures(pairs, distances), **pair_figures(pairs)}

    def kept(first: Places, second: Places) -> Vector:
        return np.array(list(figures(reference[first], candidate[second]).values()))

    values = figures(reference, candidate)
    errors = jackknife(kept, len(reference), len(candidate), rng)
    return values, dict(zip(values, errors.tolist(), strict=True))


def _prdc(real: Matrix, made: Matrix, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    within_real, within_made, across = (
        distances_between(*sides) for sides in ((real, real), (made, made), (real, made))
    )

    def kept(first: Places, second: Places) -> Vector:
        return prdc(
            within_real[np.ix_(first, first)],
            within_made[np.ix_(second, second)],
            across[np.ix_(first, second)],
        )

    values = prdc(within_real, within_made, across)
    return values.tolist(), jackknife(kept, len(real), len(made), rng).tolist()


def _combine(name: str, outcomes: Sequence[Outcome]) -> Estimate:
    """Return the mean of the trials; they share rows, so its error is taken for that of one."""
    values = np.array([outcome.values[name] for outcome in outcomes])
    there = np.isfinite(values)
    if not there.any():
        return Estimate(float("nan"))
    errors = np.array([outcome.errors[name] for outcome in outcomes])[there]
    low, high = MEASURES[name].bounds
    value, error = float(values[there].mean()), float(np.sqrt((errors**2).mean()))
    degrees = outcomes[0].degrees[name]
    return Estimate(value, around(value, error, low=low, high=high, df=degrees))


def _name_giveaways(space: Space, made: Sequence[Outcome]) -> list[dict[str, object]]:
    shares = np.mean([outcome.giveaways for outcome in made], axis=0)
    order = np.argsort(-shares, kind="stable")[:GIVEAWAYS]
    return [
        {"column": space.columns[place].name, "share": float(shares[place])}
        for place in order
        if shares[place] > 0
    ]


def _marginals(
    plan: Plan,
    space: Space,
    made: Sequence[Outcome],
    held: Sequence[Outcome],
    missing: Sequence[tuple[float, float]],
) -> list[Marginal]:
    """Return the table of columns: means over the trials."""
    trials = [pair_up(space.columns, *trial) for trial in plan.synthetic]
    distances = np.mean([outcome.distances for outcome in made], axis=0)
    baselines = np.mean([outcome.distances for outcome in held], axis=0) if held else None
    return [
        Marginal(
            name=column.name,
            kind=column.kind,
            measure="TV" if column.is_category else "KS",
            distance=float(distances[place]),
            baseline=None if baselines is None else float(baselines[place]),
            wasserstein=_mean([wasserstein(pairs[place]) for pairs in trials]),
            coverage=_mean([coverage(pairs[place]) for pairs in trials]),
            missing=missing[place],
        )
        for place, column in enumerate(space.columns)
    ]


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None
