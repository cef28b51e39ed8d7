"""The whole judgement: tables in, a report out.

The judge sees tables and nothing of how the synthetic one was made, so it judges any tool's rows.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.config import plain_seed
from raregan.data.schema import Schema
from raregan.data.sources import read_frame
from raregan.errors import UserError
from raregan.judging.c2st import C2ST_MAX_ROWS
from raregan.judging.columns import pair_columns
from raregan.judging.copies import Copied, count_learned, count_nearly_learned, is_most
from raregan.judging.dependence import list_pairs
from raregan.judging.fidelity import Whole, find_copies, judge_fidelity
from raregan.judging.figures import Figure
from raregan.judging.intervals import share
from raregan.judging.pairing import pair_tables, refuse_classes
from raregan.judging.privacy import CROWD, MIN_HOLDOUT, TARGETS, judge_privacy
from raregan.judging.report import Report
from raregan.judging.resemblance import CLOUD_ROWS, judge_resemblance
from raregan.judging.sides import Sides, bring_together, like_real, pair_up
from raregan.judging.spaces import Space
from raregan.judging.trials import Plan, plan_trials
from raregan.judging.utility import TEST_SHARE, detect_real

MOST_ROWS = 20_000
"""Rows of a table that are judged, at most; copies are looked for among all."""

MOST_PAIRS = 500
"""Pairs of columns in a report, at most: those that differ most."""

MIN_OTHERS = 20
"""With fewer other rows no detector is taught."""

Mask = npt.NDArray[np.bool_]
_LIBRARIES = ("raregan", "numpy", "polars", "scikit-learn", "scipy")


def evaluate(
    real: Any,
    synthetic: Any,
    holdout: Any = None,
    others: Any = None,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    schema: Schema | None = None,
    constraints: Sequence[str] = (),
    random_state: int = 0,
) -> Report:
    """Judge synthetic rows against real ones: fidelity, privacy and utility.

    Parameters
    ----------
    real : polars or pandas DataFrame, str or Path
        Real rows of the class, without target and identifiers: those that the generator learned
        from. Values may be missing. With `target`: the whole table that was learned from.
    synthetic : the same
        Synthetic rows with the same columns, in any order.
    holdout : the same, optional
        Real rows of the class that the generator did not learn from: without them there are no
        figures of privacy but exact copies, and none of utility. With `target`, it may hold rows of
        other classes, which are left out.
    others : the same, optional
        Real rows of the other class, for utility; a quarter of them is tested on. With `target`
        they are taken from `real`.
    target, rare, ignore, kinds, schema
        As of `raregan.read_table`, where tables hold the target: of each the rare rows are judged,
        without target, ignored columns and identifiers.
    constraints : sequence of str
        Rules between columns that are counted beside those that the real rows keep. With `target`,
        those that more than 1 real row in 20 breaks are refused, as in training.
    random_state : int
        Seed of all draws.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        `real` looks like two classes (`raregan.judging.pairing.refuse_classes`), and there is no
        `target`; with one, as of `raregan.judging.pairing.pair_tables`.
    SchemaError
        The tables do not match, see `raregan.judging.columns.pair_columns`, or one of
        `constraints` is no rule.
    TooFewRowsError
        Real or synthetic rows are fewer than 5; with `target`, the real ones fewer than 10.
    UserError
        `others` or choices of columns do not go with the rest.
    """
    ignore = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    sides = (real, synthetic, holdout, others)
    if target is not None or schema is not None:
        if others is not None:
            raise UserError("with a target, others are taken from the real table: leave them out")
        paired = pair_tables(
            *sides[:3],
            target=target,
            rare=rare,
            ignore=ignore,
            kinds=kinds,
            schema=schema,
            constraints=constraints,
        )
        n_others = paired.table.n_others
        return judge(*paired[:5], n_others=n_others, random_state=random_state)
    if rare is not None or ignore or kinds:
        raise UserError("rare, ignore and kinds say what a whole table holds: give its target too")
    real, synthetic, holdout, others = (
        None if side is None else read_frame(side) for side in sides
    )
    refuse_classes(real, synthetic)
    return judge(real, synthetic, holdout, others, constraints, random_state=random_state)


def judge(
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    holdout: pl.DataFrame | None,
    others: pl.DataFrame | None,
    constraints: Sequence[str] = (),
    *,
    n_others: int | None = None,
    random_state: int = 0,
) -> Report:
    """Judge tables that hold what is to be judged and no more; see `evaluate`.

    `n_others` are the rows that `others` were drawn from; None: they are all.
    """
    seed = plain_seed(random_state)
    pairs = pair_columns(real, synthetic)  # tables that do not match are refused at once
    synthetic = synthetic.select(real.columns)
    tables = {
        "real": real,
        "synthetic": synthetic,
        "holdout": like_real(holdout, real, "held-out"),
        "others": like_real(others, real, "other"),
    }
    copies = find_copies(pairs, real, synthetic)
    counts = {name: table.height for name, table in tables.items()}
    notes = _samples(tables)
    if n_others is not None and n_others > counts["others"]:
        notes.append(
            f"{counts['others']:,} of {n_others:,} other rows are held, the same whatever the seed"
        )
        counts["others"] = n_others
    learned = _equal(real, tables["holdout"])
    shared, kept = find_unlearned(real, learned, seed)
    if not kept.all():
        notes.append(
            f"of {int(learned.sum()):,} held-out rows that equal a real row {shared:,} are left "
            "out, drawn by the seed: more than equal one by chance"
        )
        tables["holdout"], learned = tables["holdout"].filter(kept), learned[kept]
    if 0 < tables["holdout"].height < MIN_HOLDOUT:
        notes.append(
            f"{tables['holdout'].height} held-out rows are too few to compare with: they are not "
            f"used; {MIN_HOLDOUT} are needed"
        )
    places = {name: _draw(tables[name], (seed, 4, place)) for place, name in enumerate(tables)}
    if tables["holdout"].height < MIN_HOLDOUT:
        places["holdout"] = places["holdout"][:0]
    drawn = {name: table[places[name]] for name, table in tables.items()}
    copied = Copied(
        synthetic=copies,
        holdout=learned[places["holdout"]],
        real=_equal(tables["holdout"], drawn["real"]),
        is_distinct=not learned.any() and _is_distinct(real, tables["holdout"]),
    )
    fidelity = judge_fidelity(
        drawn["real"],
        drawn["synthetic"],
        constraints=constraints,
        random_state=seed,
        whole=Whole(real.height, synthetic.height, float(copies.mean())),
    )
    sides = bring_together(**drawn)
    space = Space.fit(sides.columns, sides.real)
    if len(sides.holdout) and not is_most(shared, counts["holdout"]):
        n_near, place = count_nearly_learned(sides.real, sides.holdout)
        if n_near:
            shared = round(n_near / len(sides.holdout) * counts["holdout"])
            notes.append(
                f"{shared:,} held-out rows equal a real row in all columns but "
                f"{sides.columns[place].name!r}: they are counted as learned from"
            )
    plan = plan_trials(sides, np.random.default_rng([seed, 3]))
    both = pair_up(sides.columns, sides.real, sides.synthetic)
    held = pair_up(sides.columns, sides.real, sides.holdout) if len(sides.holdout) else None
    listed, n_pairs = list_pairs(both, MOST_PAIRS, held)
    figures, columns = judge_resemblance(plan, space, [pair.missing for pair in both], seed)
    notes += _trials(plan, sides)
    for found, told in (
        _judge_privacy(
            *(sides, space, copied, seed),
            n_real=real.height,
            n_held=tables["holdout"].height,
        ),
        _judge_utility(sides, seed, n_held=tables["holdout"].height),
    ):
        figures += found
        notes += told
    return Report(
        figures=tuple(figures),
        columns=tuple(columns),
        pairs=tuple(listed),
        n_pairs=n_pairs,
        rules=fidelity.rules,
        notes=tuple(notes),
        counts=counts,
        shared=shared,
        compared=plan.rows,
        baseline=plan.kind,
        seed=seed,
        versions={
            "python": platform.python_version(),
            **{library: version(library) for library in _LIBRARIES},
        },
        fidelity=fidelity,
    )


def find_unlearned(real: pl.DataFrame, learned: Mask, seed: int) -> tuple[int, Mask]:
    """Return how many held-out rows equal a real row beyond chance, and which rows are kept.

    As many of those that equal one are left out, drawn by the seed; none where they are most of
    all, as there is nothing to judge with then.

    Parameters
    ----------
    real
        The table.
    learned : (n,) array of bool
        Which held-out rows equal one of it.
    seed
        Fixes which are left out.
    """
    shared = count_learned(real.hash_rows(), int(learned.sum()), len(learned))
    kept = np.ones_like(learned)
    if shared and not is_most(shared, len(learned)):
        equal = np.flatnonzero(learned)
        kept[np.random.default_rng([seed, 6]).choice(equal, shared, replace=False)] = False
    return shared, kept


def leave_out_learned(real: pl.DataFrame, holdout: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the held-out rows that a judgement by this seed goes by."""
    _, kept = find_unlearned(real, _equal(real, like_real(holdout, real, "held-out")), seed)
    return holdout.filter(kept)


def _draw(table: pl.DataFrame, seed: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Return the places of at most `MOST_ROWS` rows, in their order."""
    if table.height <= MOST_ROWS:
        return np.arange(table.height)
    return np.sort(np.random.default_rng(seed).choice(table.height, MOST_ROWS, replace=False))


def _judge_privacy(
    sides: Sides, space: Space, copied: Copied, seed: int, *, n_real: int, n_held: int
) -> tuple[list[Figure], list[str]]:
    if len(sides.holdout):
        return judge_privacy(sides, space, copied, seed, n_real=n_real)
    why = (
        f"{_too_few_or_none(n_held)} held-out rows: figures of privacy but exact copies are "
        "absent, as only rows that the generator never saw can say what closeness means; pass at "
        f"least {MIN_HOLDOUT} as holdout"
    )
    return [Figure.of("exact_copies", share(copied.synthetic))], [why]


def _is_distinct(real: pl.DataFrame, holdout: pl.DataFrame) -> bool:
    """Say whether no two of all these rows are equal."""
    both = pl.concat([like_real(real, real, "real"), holdout], how="vertical_relaxed")
    return bool(both.is_unique().all())


def _equal(table: pl.DataFrame, rows: pl.DataFrame) -> Mask:
    """Return which rows equal one of the table."""
    if not (table.height and rows.height):
        return np.zeros(rows.height, np.bool_)
    return find_copies(pair_columns(table, rows), table, rows)


def _judge_utility(sides: Sides, seed: int, *, n_held: int) -> tuple[list[Figure], list[str]]:
    """Teach a detector by synthetic and by real rare rows, as many of either."""
    lacking = [
        f"{many} {which} rows"
        for many, which, side in (
            (_too_few_or_none(n_held), "held-out", sides.holdout),
            ("no", "other", sides.others),
        )
        if not len(side)
    ]
    if lacking:
        them = "holdout and others"
        return [], [f"{' and '.join(lacking)}: no figures of utility, which need {them}"]
    if len(sides.others) < MIN_OTHERS:
        return [], [f"fewer than {MIN_OTHERS} other rows: no figures of utility"]
    rng = np.random.default_rng([seed, 5])
    others = sides.others[rng.permutation(len(sides.others))]
    n_test = max(2, round(TEST_SHARE * len(others)))
    n = min(len(sides.real), len(sides.synthetic))
    made, taught = (
        detect_real(
            sides.columns,
            side[rng.choice(len(side), n, replace=False)],
            others[n_test:],
            sides.holdout,
            others[:n_test],
            seed=seed,
        )
        for side in (sides.synthetic, sides.real)
    )
    note = (
        f"utility: {n:,} rare and {len(others) - n_test:,} other rows to learn from, "
        f"{len(sides.holdout):,} held-out rare and {n_test:,} other rows to test on"
    )
    return [Figure.of(name, made[name], taught[name]) for name in made], [note]


def _too_few_or_none(n: int) -> str:
    """Say which of both where no held-out rows are left to judge with, of n that were given."""
    return "too few" if n else "no"


def _samples(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    names = {"holdout": "held-out", "others": "other"}
    return [
        f"{MOST_ROWS:,} of {table.height:,} {names.get(name, name)} rows are judged, drawn by the "
        "seed; copies are looked for among all"
        for name, table in tables.items()
        if table.height > MOST_ROWS
    ]


def _trials(plan: Plan, sides: Sides) -> list[str]:
    """Say how many rows each figure of fidelity sees."""
    n_reference, n = plan.rows
    times = f"{len(plan.synthetic)} times " if len(plan.synthetic) > 1 else ""
    said = (
        f"fidelity: {times}{n:,} synthetic rows against {n_reference:,} real ones, as many as the "
        "baseline has, since every figure changes with the number of rows; forest and linear model "
        f"at most {C2ST_MAX_ROWS:,} of a side, discrepancy and neighbours {CLOUD_ROWS:,}"
    )
    notes = [said]
    if max(map(len, (sides.real, sides.holdout, sides.synthetic))) > TARGETS and len(sides.holdout):
        notes.append(
            f"privacy: at most {TARGETS:,} rows of a side are measured or attacked, among at most "
            f"{CROWD:,}"
        )
    return notes
