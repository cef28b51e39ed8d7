"""The figures of privacy: copies and attacks, each beside what held-out rows get."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from raregan.judging.columns import Matrix, Vector
from raregan.judging.copies import Closeness, closeness_figures, closer_to_real
from raregan.judging.figures import Figure
from raregan.judging.inference import infer_attributes, single_out
from raregan.judging.intervals import Estimate, share
from raregan.judging.membership import attack_by_distance, attack_by_ratio, guessed_rate
from raregan.judging.sides import Sides
from raregan.judging.spaces import Space

TARGETS = 2_000
"""Rows whose distances are taken, or that are attacked, at most: an AUC is then good to 0.02."""

CROWD = 20_000
"""Rows among which the nearest is looked for, at most."""

MIN_HOLDOUT = 20
"""With fewer held-out rows an attack cannot be told from chance."""

WORST = 5
"""Columns that attribute inference names, at most."""

_BALANCED = 1_000  # rows of each side in `closer_to_real`: all distances are held


class Copied(NamedTuple):
    """Which rows equal a real row in every column.

    Attributes
    ----------
    synthetic, holdout
        (s,) and (m,) of synthetic and of held-out rows.
    real
        (n,) which real rows equal a held-out row.
    """

    synthetic: npt.NDArray[np.bool_]
    holdout: npt.NDArray[np.bool_]
    real: npt.NDArray[np.bool_]


def judge_privacy(
    sides: Sides, space: Space, copied: Copied, seed: int
) -> tuple[list[Figure], list[str]]:
    """Return the figures of privacy, and what a reader should know of them.

    Parameters
    ----------
    sides
        Rows of d columns; held-out ones at least `MIN_HOLDOUT`.
    space
        Fitted on real rows.
    copied
        Rows that are copies: what is on both sides is no target, being a member and none.
    seed
        Of all draws.
    """
    rng = np.random.default_rng([seed, 2])
    real, holdout = sides.real[~copied.real], sides.holdout[~copied.holdout]
    notes = []
    figures = [Figure.of("exact_copies", share(copied.synthetic), share(copied.holdout))]
    if min(len(real), len(holdout)) < MIN_HOLDOUT:
        notes.append(
            f"{int(copied.holdout.sum()):,} of {len(sides.holdout):,} held-out rows equal a real "
            "row, and too few are left to attack: no other figures of privacy. Are they among the "
            "rows that were learned from?"
        )
        return figures, notes
    if copied.holdout.any():
        notes.append(
            f"{int(copied.holdout.sum()):,} held-out rows equal a real row and are left out of the "
            "attacks: they are learned from and held out at once"
        )
    targets, others, made = (_draw(side, TARGETS, rng) for side in (real, holdout, sides.synthetic))
    crowd = _draw(sides.synthetic, CROWD, rng)
    learned = space.place(_draw(sides.real, CROWD, rng))
    near = Closeness.of(space.place(made), learned)
    held = Closeness.of(space.place(_draw(sides.holdout, TARGETS, rng)), learned)
    figures += [Figure.of(name, *both) for name, both in closeness_figures(near, held).items()]
    few = [space.place(_draw(side, _BALANCED, rng)) for side in (made, real, holdout)]
    figures.append(Figure.of("closer", closer_to_real(few[0], few[1], few[2], rng), Estimate(0.5)))
    figures += _membership(space, targets, others, crowd, rng)
    figures += _inference(sides, space, targets, others, rng)
    if "singling_out" not in {figure.name for figure in figures}:
        notes.append(
            "no figure of singling out: nothing that was tried holds for one synthetic row alone"
        )
    return figures, notes


def _membership(
    space: Space, targets: Matrix, others: Matrix, crowd: Matrix, rng: np.random.Generator
) -> list[Figure]:
    members, strangers, made = (space.place(side) for side in (targets, others, crowd))
    found = attack_by_distance(members, strangers, made, rng)
    found |= attack_by_ratio(members, strangers, made, rng)
    # What real rows that were not learned from would give is known: they favour nobody.
    rate = guessed_rate(len(members), len(strangers), rng.spawn(1)[0])
    return [
        Figure.of(name, estimate, rate if name.endswith("_tpr") else Estimate(0.5))
        for name, estimate in found.items()
    ]


def _inference(
    sides: Sides, space: Space, targets: Matrix, others: Matrix, rng: np.random.Generator
) -> list[Figure]:
    nothing = Estimate(0.0)
    figures = []
    made = _draw(sides.synthetic, TARGETS, rng)
    if attack := single_out(sides.columns, targets, others, made, rng):
        figures.append(Figure.of("singling_out", attack.risk, nothing, attack.to_dict()))
    if len(sides.columns) > 1:
        attack, risks = infer_attributes(space, targets, others, made)
        details = {**attack.to_dict(), "columns": _worst(space, risks)}
        figures.append(Figure.of("attribute_inference", attack.risk, nothing, details))
    return figures


def _worst(space: Space, risks: Vector) -> list[dict[str, object]]:
    order = np.argsort(-risks, kind="stable")[:WORST]
    return [{"column": space.columns[i].name, "risk": float(risks[i])} for i in order]


def _draw(rows: Matrix, most: int, rng: np.random.Generator) -> Matrix:
    if len(rows) <= most:
        return rows
    return rows[np.sort(rng.choice(len(rows), most, replace=False))]
