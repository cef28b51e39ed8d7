"""Singling out and attribute inference: attacks with synthetic rows, each beside a control.

The idea is Giomi et al.'s [1]_: guesses made from synthetic rows are tried on the rows that the
generator learned from, and, as the control, on held-out rows. What succeeds on both was learned
from the population, not from a row. The risk is the success beyond the control's, as a share of
what the control left: ``(attack - control) / (1 - control)``; about 0 where nothing leaks, and as
often below as above. Below 0 it says no more than 0.

References
----------
.. [1] Giomi et al., "A unified framework for quantifying privacy risk in synthetic data", PoPETs
   2023, sections 5 and 6.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from raregan.judging.columns import Matrix, Vector
from raregan.judging.intervals import GROUPS, Estimate, around
from raregan.judging.neighbours import distances_between
from raregan.judging.sides import Column
from raregan.judging.spaces import Space

GUESSES = 1_000
"""Predicates of singling out."""

CELLS = 3
"""Columns of a predicate, as in the paper's multivariate attack; fewer where a table has fewer."""

CLOSE = 0.05
"""A number is inferred where the guess is this close, in units of the column's spread."""

Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

_Z = 1.96
_DIGITS = 9  # what a subtraction of squares leaves exact
_TRIED = 5  # predicates drawn for one that is kept
_BLOCK = 250  # predicates that are tried at a time


class Attack(NamedTuple):
    """How an attack went.

    Attributes
    ----------
    risk
        See above.
    success, control
        Shares of successes on real and on held-out rows.
    """

    risk: Estimate
    success: float
    control: float

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as plain values."""
        return {"success": self.success, "control": self.control}


def single_out(
    columns: tuple[Column, ...],
    real: Matrix,
    holdout: Matrix,
    synthetic: Matrix,
    rng: np.random.Generator,
) -> Attack | None:
    """Try predicates that hold for one synthetic row on real rows, and count where one row answers.

    A predicate takes `CELLS` columns of a synthetic row: equality for a category and for a missing
    number, else at least or at most its value, whichever fewer synthetic rows keep. Those that more
    synthetic rows keep are dropped. Real and held-out rows are as many: rows of the larger side are
    drawn.

    Parameters
    ----------
    columns
        d columns.
    real, holdout, synthetic
        float64 of shape (n, d), (m, d) and (s, d), as of `raregan.judging.sides.Sides`.
    rng
        Draws rows and predicates.

    Returns
    -------
    Attack or None
        None where no predicate is kept by one synthetic row only.
    """
    n = min(len(real), len(holdout))
    targets = [side[rng.choice(len(side), n, replace=False)] for side in (real, holdout)]
    rows = rng.integers(len(synthetic), size=_TRIED * GUESSES)
    cells = min(CELLS, len(columns))
    places = np.argsort(rng.random((rows.size, len(columns))), axis=1)[:, :cells]
    is_category = np.array([column.is_category for column in columns])
    middle = np.array([_median(column) for column in synthetic.T])
    groups = rng.permutation(np.arange(n) % min(GROUPS, n))
    found: list[list[Counts]] = [[], []]
    kept = 0
    for start in range(0, rows.size, _BLOCK):
        chosen = places[start : start + _BLOCK]
        asked = synthetic[rows[start : start + _BLOCK, np.newaxis], chosen]
        predicates = chosen, asked, is_category[chosen] | np.isnan(asked), asked >= middle[chosen]
        alone = _answers(synthetic, *predicates).sum(axis=1) == 1
        predicates = tuple(part[alone] for part in predicates)
        for counts, side in zip(found, targets, strict=True):
            counts.append(_by_group(_answers(side, *predicates), groups))
        kept += int(alone.sum())
        if kept >= GUESSES:
            break
    if not kept:
        return None
    success, control = (np.concatenate(counts)[:GUESSES] for counts in found)
    return _attack_of_counts(success, control)


def _attack_of_counts(success: Counts, control: Counts) -> Attack:
    """Return the risk of predicates (g,) that so many rows of each group answer (g, k).

    Guesses hit the same rows again and again, so rows are left out in turn, on both sides; what
    chance does to the guesses themselves is added.
    """
    attack = _attack(*((side.sum(axis=1) == 1).astype(np.float64) for side in (success, control)))
    risks = np.array(
        [
            _attack(
                *((np.delete(side, group, axis=1).sum(axis=1) == 1).astype(np.float64)
                  for side in (success, control))
            ).risk.value
            for group in range(success.shape[1])
        ]
    )  # fmt: skip
    of_rows = (risks.size - 1) * risks.var()
    interval = attack.risk.interval
    of_guesses = 0.0 if interval is None else ((interval.high - interval.low) / 2 / _Z) ** 2
    error = float(np.sqrt(of_rows + of_guesses))
    value = attack.risk.value
    interval = around(value, error, low=-1, high=1, df=risks.size - 1)
    return attack._replace(risk=Estimate(value, interval))


def _median(cells: Vector) -> float:
    there = cells[~np.isnan(cells)]
    return float(np.median(there)) if there.size else 0.0


def _answers(
    values: Matrix,
    places: npt.NDArray[np.int64],
    asked: Matrix,
    exact: Hits,
    upwards: Hits,
) -> Hits:
    """Return which rows (n, d) keep each predicate (g, c): (g, n)."""
    kept = np.ones((len(places), len(values)), dtype=np.bool_)
    for cell in range(places.shape[1]):
        column = values[:, places[:, cell]].T
        value, is_exact = asked[:, cell, np.newaxis], exact[:, cell, np.newaxis]
        same = (column == value) | (np.isnan(column) & np.isnan(value))
        beyond = np.where(upwards[:, cell, np.newaxis], column >= value, column <= value)
        kept &= np.where(is_exact, same, beyond)
    return kept


def _by_group(answers: Hits, groups: npt.NDArray[np.int64]) -> Counts:
    """Return how many rows of each group answer: (g, n) to (g, k)."""
    indicators = groups[:, np.newaxis] == np.arange(groups.max() + 1)
    counts: Counts = answers.astype(np.int64) @ indicators.astype(np.int64)
    return counts


def infer_attributes(
    space: Space, real: Matrix, holdout: Matrix, synthetic: Matrix
) -> tuple[Attack, Vector]:
    """Guess each cell of a row from the synthetic row that is nearest in all other columns.

    A category, and whether a number is missing, must be right; a number within `CLOSE` spreads.

    Parameters
    ----------
    space
        Of d columns, at least 2.
    real, holdout, synthetic
        float64 of shape (n, d), (m, d) and (s, d).

    Returns
    -------
    Attack, float64 array of shape (d,)
        Over all columns, its interval from the rows' own means; and the risk of each column.
    """
    made = space.place(synthetic)
    success, control = (_guess(space, side, synthetic, made) for side in (real, holdout))
    attack = _attack(success.mean(axis=1), control.mean(axis=1))
    left = np.maximum(1 - control.mean(axis=0), 1e-9)
    risks: Vector = np.clip((success.mean(axis=0) - control.mean(axis=0)) / left, -1, 1)
    return attack, risks


def _guess(space: Space, targets: Matrix, synthetic: Matrix, made: Matrix) -> Matrix:
    """Return whether each cell (n, d) is guessed, 1 or 0."""
    points = space.place(targets)
    squares = distances_between(points, made) ** 2
    guessed = np.empty(targets.shape)
    for place, (column, block) in enumerate(zip(space.columns, space.blocks, strict=True)):
        known = squares - distances_between(points[:, block], made[:, block]) ** 2
        nearest = known.round(_DIGITS).argmin(axis=1)  # of equally near rows the first
        truth, guess = targets[:, place], synthetic[nearest, place]
        if column.is_category:
            guessed[:, place] = truth == guess
        else:
            with np.errstate(invalid="ignore"):  # infinities are close to themselves alone
                close = np.abs(truth - guess) <= CLOSE * space.spreads[place]
            same = (truth == guess) | (np.isnan(truth) & np.isnan(guess))
            guessed[:, place] = close | same
    return guessed


def _attack(success: Vector, control: Vector) -> Attack:
    """Return the risk of trials (n,) and (m,); its error by the delta method."""
    rates = float(success.mean()), float(control.mean())
    left = 1 - rates[1]
    if left <= 0:  # the control always succeeds: nothing is left to learn from a row
        return Attack(Estimate(0.0, around(0.0, 0.0)), *rates)
    risk = (rates[0] - rates[1]) / left
    errors = [
        float(side.std(ddof=1)) / np.sqrt(side.size) if side.size > 1 else np.nan
        for side in (success, control)
    ]
    error = float(np.hypot(errors[0], errors[1] * (1 - rates[0]) / left)) / left
    return Attack(Estimate(max(-1.0, risk), around(risk, error, low=-1, high=1)), *rates)
