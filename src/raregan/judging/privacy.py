"""The figures of privacy: copies and attacks, each beside what held-out rows get."""

import numpy as np
import polars as pl

from raregan.judging.columns import Matrix, Vector
from raregan.judging.copies import (
    Closeness,
    Copied,
    closeness_figures,
    closer_to_real,
    rate_of_equal,
)
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

SHARED = 0.05
"""Of the held-out rows, that may equal a real row before it matters which side has more rows."""

WORST = 5
"""Columns that attribute inference names, at most."""

_BALANCED = 1_000  # rows of each side in `closer_to_real`: all distances are held


def judge_privacy(
    sides: Sides, space: Space, copied: Copied, seed: int, *, n_real: int
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
    n_real
        Rows of the real table, of which `sides` may hold a part.
    """
    rng = np.random.default_rng([seed, 2])
    figures = [Figure.of("exact_copies", share(copied.synthetic), rate_of_equal(copied, n_real))]
    notes = []
    if copied.is_distinct and (n_copies := int(copied.synthetic.sum())):
        notes.append(
            f"{n_copies:,} synthetic rows equal a real row in every column, where no two real rows "
            "do: look at them before anybody gets them"
        )
    if len(sides.real) < MIN_HOLDOUT:
        why = f"{len(sides.real)} real rows are too few to attack, {MIN_HOLDOUT} are needed"
        return figures, [*notes, f"{why}: no other figures of privacy"]
    real, holdout = _to_attack(sides, copied, rng)
    if min(len(real), len(holdout)) < MIN_HOLDOUT:
        notes.append(
            f"{int(copied.holdout.sum()):,} of {len(sides.holdout):,} held-out rows equal a real "
            f"row, and of those that do not {min(len(real), len(holdout))} of one side are unlike "
            "each other, too few to attack: no other figures of privacy. Are they among the rows "
            "that were learned from, or has the table few values?"
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


def _to_attack(sides: Sides, copied: Copied, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Return members and strangers, each row once, and no row on both sides.

    Where rows of few values were dealt one by one, what only the larger side has is commoner than
    what only the smaller one has, and any fresh row lies closer to it. There as many rows are drawn
    of either side, and what the rest of the rows has too is left out of both.
    """
    real, holdout = sides.real, sides.holdout
    if copied.holdout.mean() <= SHARED:
        return _once(real[~copied.real]), _once(holdout[~copied.holdout])
    n = min(len(real), len(holdout))
    (few, rest), (held, more) = (
        np.split(side[rng.permutation(len(side))], [n]) for side in (real, holdout)
    )
    of_few, of_held, of_rest = map(_marks, (few, held, np.concatenate([rest, more])))
    return (
        _once(few[~of_few.is_in(pl.concat([of_held, of_rest]).implode()).to_numpy()]),
        _once(held[~of_held.is_in(pl.concat([of_few, of_rest]).implode()).to_numpy()]),
    )


def _once(rows: Matrix) -> Matrix:
    """Return each row once, in order."""
    once: Matrix = rows[_marks(rows).is_first_distinct().to_numpy()]
    return once


def _marks(rows: Matrix) -> pl.Series:
    return pl.DataFrame(rows).hash_rows()


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
