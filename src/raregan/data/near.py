"""Rules of the rare rows: those that hold in all of them but not elsewhere, and near-rules.

A near-rule holds in nearly all rare rows: at least `NEARLY_ALL` of those that can tell. Correlated
columns have many tendencies of that kind, so more is asked of a near-rule than of one that always
holds: between shuffled columns it would fail often, and ten times as often as it does; each column
bears it out by rows in which it is not 0. An order, even one that no rare row breaks, needs an
edge: many rows just on the side where it holds, and few just beyond.

A combination that nearly all rows have is none: as a rule it keeps whatever was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from raregan.data.constraints import (
    NEARLY_ALL,
    Combination,
    OneHot,
    Rule,
    Sum,
    check_together,
    count_kept,
    parse_constraint,
)
from raregan.data.expressions import is_pattern, write_name
from raregan.data.proposals import (
    LEARNED_KINDS,
    MAX_COLUMNS,
    MAX_TRIED,
    MIN_PRESENT,
    MIN_ROWS,
    SAMPLE_ROWS,
    SEED,
    SUM_TOLERANCE,
    balances,
    comparable,
    complete_rows,
    follows,
    implied_by,
    is_surprising,
    pick,
    propose_constraints,
)
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from raregan.data.constraints import Constraint

MAX_NEAR = 10
"""Near-rules that are told, those that most rows keep."""

PROBES, PROBE_ROWS = 8, 8
"""Sums are sought in so many draws of so few rows. A draw has no row that breaks a rule of 1 in 20
with a chance of two in three, one of the draws but for 2 times in 10,000."""

MIN_BASE = 0.8
"""Share of rows that keep a sum which may lack a part: one that is 0 in the others."""

MIN_BORNE_OUT = 5
"""Rows in which a column is not 0 and the rule holds; they are also most of those not 0."""

MIN_NEAR_FAILURES = 0.2
"""Share of rows in which a near-rule must fail once its columns are shuffled."""

MIN_RATIO = 10
"""That share to the share in which it does fail, and rows before an edge to those beyond it."""

MIN_AT_EDGE = 20
"""Rows near equality on the side where a near-rule of order holds."""

EDGE_SHARE, MIN_EDGE = 0.1, 0.25
"""Of the rows nearest to equality, a tenth, so many must be in the nearer half of their range where
no row is beyond: half of them are at an edge, one in six at most in the tail of a normal one."""


@dataclass(frozen=True)
class RareRule:
    """A rule of the rare rows that does not hold on every row, as `parse_constraint` reads it.

    Attributes
    ----------
    text, remark
        The rule, and what speaks for it.
    n_kept, n_known
        Rare rows that keep it, of those that can tell.
    others
        Share of the other rows that keep it, of those that can tell; None where none can.
    """

    text: str
    remark: str
    n_kept: int
    n_known: int
    others: float | None

    @property
    def is_exact(self) -> bool:
        """Whether it holds in all rare rows."""
        return self.n_kept == self.n_known


def find_rare_rules(
    rare: pl.DataFrame,
    others: pl.DataFrame,
    kinds: Mapping[str, str],
    formats: Mapping[str, str] | None = None,
    known: Iterable[str] = (),
) -> list[RareRule]:
    """Find what all rare rows keep and not all others, then what nearly all rare rows keep.

    Parameters
    ----------
    rare
        The rare rows; a missing value leaves a rule unknown.
    others
        Other rows with the same columns; none, and all rules of the rare rows are told.
    kinds, formats
        As of `raregan.data.proposals.propose_constraints`.
    known
        Rules that are told or kept anyhow; what follows from them is left out.

    Returns
    -------
    rules : list of RareRule
        Such that each can be used together with those known; at most `MAX_NEAR` near-rules.
    """
    formats = formats or {}
    rare, others = (side.with_columns(_NO_NAN) for side in (rare, others))
    taken = [parse_constraint(text, rare.schema, formats) for text in known]
    exact: list[tuple[Constraint, RareRule]] = []
    for proposal in propose_constraints(rare, kinds, formats):
        rule = parse_constraint(proposal.text, rare.schema, formats)
        told = _told(rule, proposal.remark, rare, others)
        if told.others != 1 and _goes_together(rule, [*taken, *(one for one, _ in exact)]):
            exact.append((rule, told))
    learned = [name for name in rare.columns if kinds.get(name) in LEARNED_KINDS]
    frame = pick(rare, [name for name in learned if not is_pattern(name)])
    if not frame.width:
        return []
    rng = np.random.default_rng(SEED)
    sample = frame[np.sort(rng.permutation(frame.height)[:SAMPLE_ROWS])]
    orders = dict(_find_orders(sample, kinds, formats))
    exact = [(rule, told) for rule, told in exact if not _is_order(rule) or rule.text in orders]
    taken += [rule for rule, _ in exact]
    near = (
        _find_near(sample, kinds, orders.values(), taken, rng) if _may_break(frame.height) else []
    )
    implied = _implied([rule for rule, _ in near if not _is_order(rule)], sample)
    return [
        *(told for rule, told in exact if rule.text not in implied),
        *_near_ones([_told(rule, remark, rare, others) for rule, remark in near]),
    ]


def _may_break(n_rows: int) -> bool:
    """Say whether a near-rule is anything but a rule: some row may break it."""
    return n_rows * (1 - NEARLY_ALL) >= 1


def _near_ones(rules: Iterable[RareRule]) -> list[RareRule]:
    near = [rule for rule in rules if NEARLY_ALL <= rule.n_kept / rule.n_known < 1]
    return sorted(near, key=lambda rule: -rule.n_kept / rule.n_known)[:MAX_NEAR]


_NO_NAN = pl.col(pl.Float32, pl.Float64).fill_nan(None)


def _told(rule: Constraint, remark: str, rare: pl.DataFrame, others: pl.DataFrame) -> RareRule:
    n_kept, n_known = count_kept(rule, rare, rare)
    elsewhere, n_others = count_kept(rule, others, rare) if others.height else (0, 0)
    share = elsewhere / n_others if n_others else None
    return RareRule(rule.text, remark, n_kept, n_known, share)


def _is_order(rule: Constraint) -> bool:
    return isinstance(rule, Rule) and "==" not in rule.text


def _goes_together(rule: Constraint, others: Sequence[Constraint]) -> bool:
    """Say whether a rule is a new one, and can be built in beside the others."""
    about = _is_order(rule), set(rule.columns)
    if any(about == (_is_order(other), set(other.columns)) for other in others):
        return False
    try:
        check_together([*others, rule])
    except SchemaError:
        return False
    return True


def _implied(rules: Sequence[Constraint], sample: pl.DataFrame) -> set[str]:
    """Return the orders that sums and copies imply."""
    pairs = implied_by([rule for rule in rules if isinstance(rule, Sum)], sample)
    copies = [rule.columns for rule in rules if isinstance(rule, Rule)]
    pairs |= {(one, other) for pair in copies for one, other in permutations(pair)}
    return {_order(*pair) for pair in pairs}


def _find_near(
    sample: pl.DataFrame,
    kinds: Mapping[str, str],
    orders: Iterable[tuple[Rule, str]],
    taken: list[Constraint],
    rng: np.random.Generator,
) -> list[tuple[Constraint, str]]:
    """Return near-rules of the sample, each with what speaks for it."""
    measures = [
        series.name
        for series in sample.iter_columns()
        if series.dtype.is_numeric() and kinds[series.name] in ("continuous", "integer")
    ]
    equations = _find_equations(sample, measures[:MAX_COLUMNS], taken, rng)
    taken = [*taken, *equations]
    groups = _find_groups(sample, taken)
    equal = [set(rule.columns) for rule in taken if not _is_order(rule)]
    return [
        *((rule, "adds up" if isinstance(rule, Sum) else "are equal") for rule in equations),
        *((rule, "exactly one is 1") for rule in groups),
        *(
            (rule, remark)
            for rule, remark in orders
            if not any(set(rule.columns) <= columns for columns in equal)
            and _goes_together(rule, taken)
        ),
    ]


# --- sums and copies ------------------------------------------------------------------------------


def _find_equations(
    sample: pl.DataFrame,
    measures: Sequence[str],
    taken: Sequence[Constraint],
    rng: np.random.Generator,
) -> list[Constraint]:
    """Return sums of one to four columns, those that most rows keep first."""
    complete = complete_rows(pick(sample, measures))
    if complete.width < 2:  # noqa: PLR2004
        return []
    names, values = complete.columns, complete.to_numpy().astype(np.float64)
    sides = {}
    for parts, total in _candidates(values, rng):
        share = float(np.mean(_adds_up(values, parts, total)))
        if share >= NEARLY_ALL and _bears_out(values, parts, total, rng):
            sides[parts, total] = share
    found: list[Constraint] = []
    for parts, total in sorted(sides, key=lambda side: (-sides[side], len(side[0]))):
        rule = _equation([names[part] for part in parts], names[total], sample)
        others = [other for other in [*taken, *found] if not _is_order(other)]
        within = any(set(rule.columns) <= set(other.columns) for other in others)
        if not within and _goes_together(rule, [*taken, *found]) and _is_near(rule, sample):
            found.append(rule)
    return found


def _equation(parts: list[str], total: str, sample: pl.DataFrame) -> Constraint:
    if len(parts) > 1:
        return Sum(tuple(parts), total)
    return parse_constraint(f"{write_name(parts[0])} == {write_name(total)}", sample.schema)


def _is_near(rule: Constraint, sample: pl.DataFrame) -> bool:
    n_kept, n_known = count_kept(rule, sample, sample)
    return n_known > n_kept >= NEARLY_ALL * n_known


def _candidates(
    values: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield which columns may add up to which, each side once, with parts that the others lack."""
    varied = values.max(axis=0) > values.min(axis=0)
    present = (values != 0).mean(axis=0) >= MIN_PRESENT
    usable = np.flatnonzero(varied & present)
    tried: set[tuple[tuple[int, ...], int]] = set()
    for parts, total in _starts(values, usable, rng):
        side = (parts, total)
        while side not in tried and len(tried) < MAX_TRIED:
            tried.add(side)
            adds_up = _adds_up(values, *side)
            if np.mean(adds_up) < MIN_BASE:
                break
            yield side
            longer = _with_part(values, *side, usable, int(adds_up.sum()))
            if longer is None:
                break
            side = longer


def _starts(
    values: NDArray[np.float64], usable: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield equal columns, then what adds up in a probe of a few rows."""
    some = values[rng.permutation(len(values))[: PROBES * PROBE_ROWS]]
    for part, total in permutations(usable.tolist(), 2):
        if np.mean(some[:, part] == some[:, total]) >= MIN_BASE / 2:
            yield (part,), total
    for _ in range(PROBES):
        probe = values[rng.permutation(len(values))[:PROBE_ROWS]]
        there = usable[(probe[:, usable] != 0).any(axis=0)]
        for parts, total in balances(probe[:, there], rng):
            side = tuple(int(there[part]) for part in parts), int(there[total])
            if _adds_up(probe, *side).all():
                yield side


def _adds_up(values: NDArray[np.float64], parts: tuple[int, ...], total: int) -> NDArray[np.bool_]:
    used = values[:, [*parts, total]]
    difference = values[:, list(parts)].sum(axis=1) - values[:, total]
    close: NDArray[np.bool_] = np.abs(difference) <= SUM_TOLERANCE * np.abs(used).max(axis=1)
    return close


def _with_part(
    values: NDArray[np.float64],
    parts: tuple[int, ...],
    total: int,
    usable: NDArray[np.int64],
    n_kept: int,
) -> tuple[tuple[int, ...], int] | None:
    """Return the sum with one more part, if more rows then add up; else None."""
    more = [column for column in usable.tolist() if column not in (*parts, total)]
    if len(parts) > 3 or not more:  # noqa: PLR2004
        return None
    counts = [_adds_up(values, (*parts, column), total).sum() for column in more]
    best = int(np.argmax(counts))
    if counts[best] <= n_kept:
        return None
    return tuple(sorted((*parts, more[best]))), total


def _bears_out(
    values: NDArray[np.float64], parts: tuple[int, ...], total: int, rng: np.random.Generator
) -> bool:
    """Say whether each column bears the sum out, and shuffled totals would not."""
    adds_up = _adds_up(values, parts, total)
    columns = [*parts, total]
    for column in columns:
        there = values[:, column] != 0
        if not max(MIN_BORNE_OUT, there.sum() / 2) <= (adds_up & there).sum():
            return False
    if len(np.unique(values[adds_up][:, columns], axis=0)) < MIN_ROWS:
        return False
    shuffled = values.copy()
    shuffled[:, total] = rng.permutation(values[:, total])
    failures = 1 - float(np.mean(_adds_up(shuffled, parts, total)))
    return _is_no_tendency(failures, 1 - float(np.mean(adds_up)))


def _is_no_tendency(failures: float, failing: float) -> bool:
    return failures >= max(MIN_NEAR_FAILURES, MIN_RATIO * failing)


# --- one-hot groups -------------------------------------------------------------------------------


def _find_groups(sample: pl.DataFrame, taken: Sequence[Constraint]) -> list[Constraint]:
    """Return groups of flags of which nearly always one is set, no flag in two groups."""
    grouped = [other for other in taken if isinstance(other, OneHot | Combination)]
    used = {name for other in grouped for name in other.columns}
    used |= {other.total for other in taken if isinstance(other, Sum)}
    flags = {}
    for series in sample.iter_columns():
        may_be = series.dtype.is_numeric() or series.dtype == pl.Boolean
        if series.name not in used and may_be and not series.null_count():
            values = series.cast(pl.Float64).to_numpy()
            is_flag = bool(np.isin(values, (0.0, 1.0)).all())
            if is_flag and MIN_PRESENT <= values.mean() <= 1 - MIN_PRESENT:
                flags[series.name] = values > 0
    names = list(flags)[:MAX_COLUMNS]
    found: list[Constraint] = []
    left = {name: flags[name] for name in sorted(names, key=lambda name: -flags[name].mean())}
    for name in tuple(left):
        group = _grow_group(name, left) if name in left else []
        if len(group) > 1 and _is_group([left[flag] for flag in group]):
            found.append(OneHot(tuple(flag for flag in names if flag in group)))
            left = {flag: left[flag] for flag in left if flag not in group}
    return found


def _grow_group(name: str, flags: Mapping[str, NDArray[np.bool_]]) -> list[str]:
    """Add the flag by which most rows gain, of those hardly ever set with it, while rows do."""
    group, n_set = [name], flags[name].astype(int)
    while True:
        counts = {
            flag: int(np.sum(n_set + values == 1))
            for flag, values in flags.items()
            if flag not in group and np.mean((n_set > 0) & values) <= 1 - NEARLY_ALL
        }
        best = max(counts, key=lambda flag: counts[flag], default=None)
        if best is None or counts[best] <= np.sum(n_set == 1):
            return group
        group.append(best)
        n_set = n_set + flags[best]


def _is_group(flags: Sequence[NDArray[np.bool_]]) -> bool:
    values = np.array(flags)
    holds = values.sum(axis=0) == 1
    for flag in values:
        if (flag & holds).sum() < max(MIN_BORNE_OUT, flag.sum() / 2):
            return False
    set_of = values.mean(axis=1)
    once = float((set_of / (1 - set_of)).sum() * (1 - set_of).prod())
    return bool(np.mean(holds) >= NEARLY_ALL) and _is_no_tendency(1 - once, 1 - np.mean(holds))


# --- what is never greater, or nearly never -------------------------------------------------------


def _find_orders(
    sample: pl.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, str]
) -> Iterator[tuple[str, tuple[Rule, str]]]:
    """Yield what is (nearly) never greater than what by its text, with what speaks for it."""
    pairs = {}
    for names, values in comparable(sample, kinds, formats):
        for low, high in permutations(range(len(names)), 2):
            share = _failures(values[:, low], values[:, high], len(names))
            if share:
                pairs[names[low], names[high]] = share
    for pair, share in pairs.items():
        if not follows(pair, pairs):
            rule = parse_constraint(_order(*pair), sample.schema, formats)
            remark = f"would fail in {share:.0%} of rows if the two were unrelated"
            if isinstance(rule, Rule):
                yield rule.text, (rule, remark)


def _order(low: str, high: str) -> str:
    return f"{write_name(low)} <= {write_name(high)}"


def _failures(low: NDArray[np.float64], high: NDArray[np.float64], n_columns: int) -> float:
    """Return how often the first would exceed the second if unrelated; 0 if that is no rule."""
    known = ~(np.isnan(low) | np.isnan(high))
    if 2 * known.sum() < max(len(known), 2 * MIN_ROWS):
        return 0.0
    low, high = low[known], high[known]
    failing = float(np.mean(low > high))
    if failing > 1 - NEARLY_ALL:
        return 0.0
    failures = float(np.searchsorted(np.sort(high), low, "left").mean() / len(low))
    if not (_is_no_tendency(failures, failing) and is_surprising(failures, len(low), n_columns**2)):
        return 0.0
    return failures if _has_edge(low, high) else 0.0


def _has_edge(low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Say whether rows end abruptly at equality, and do not just get fewer."""
    beyond = low > high
    gap = np.abs(high - low)
    if not beyond.any():
        lowest = np.quantile(gap, EDGE_SHARE)
        near = gap <= lowest
        return bool((gap[near] <= lowest / 2).mean() >= MIN_EDGE)
    close = gap <= np.median(gap[beyond])
    just_there, just_beyond = (close & ~beyond).sum(), (close & beyond).sum()
    return bool(just_there >= max(MIN_AT_EDGE, MIN_RATIO * just_beyond))
