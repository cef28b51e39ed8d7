"""Rules that hold on every row of a table, for a reader to choose from.

They are sought in a sample of rows, then checked on all. A rule is proposed where it would fail in
many rows if its columns had nothing to do with one another: not where it holds by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, islice, permutations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from raregan.data.constraints import Combination, OneHot, Sum, order_sums, parse_constraint
from raregan.data.expressions import is_pattern, write_name
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

SEED = 0
SAMPLE_ROWS = 2_000
MAX_PROPOSALS = 20
MAX_COLUMNS = 60
"""Of one type that are looked at, the first ones: the effort for sums grows with their cube."""

MAX_TRIED = 200
"""Sums that fit in the sample and are checked on all rows."""

MAX_STEPS = 20_000
"""Of the search for one-hot groups."""

MIN_FAILURES = 0.05
"""Share of rows in which a rule must fail once its columns are shuffled."""

MIN_SURPRISE = math.log(1e4)
"""How far from chance a rule must be: its log-likelihood if the columns were unrelated, negated."""

MIN_DISTINCT = 5
"""Values of a column that is compared with another."""

MIN_ROWS = 10
"""Rows with known values, distinct ones for a sum."""

MIN_REPEATS = 5
"""Rows of a level, on average, for it to be said to go with one level of another column."""

MIN_PRESENT = 0.01
"""Share of rows in which a part of a sum is not 0, and a flag is set."""

SUM_TOLERANCE = 1e-6
"""Of a weighted total in the sample, which then is checked closely; single precision passes."""

LEARNED_KINDS = frozenset(
    ("continuous", "integer", "categorical", "boolean", "datetime", "duration")
)


@dataclass(frozen=True)
class Proposal:
    """A rule as `raregan.data.constraints.parse_constraint` reads it, and what speaks for it."""

    text: str
    remark: str


def propose_constraints(
    frame: pl.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, str] | None = None
) -> list[Proposal]:
    """Find sums, one-hot groups, fixed combinations and inequalities that hold on every row.

    Parameters
    ----------
    frame
        The rows; a missing value leaves a rule unknown.
    kinds
        The kind of each column. Identifiers, text, constants and columns without one are left out.
    formats
        The strptime format of text columns that hold dates; ISO dates need none.

    Returns
    -------
    proposals : list of Proposal
        At most `MAX_PROPOSALS`, and such that all can be used together.
    """
    learned = [name for name in frame.columns if kinds.get(name) in LEARNED_KINDS]
    names = [name for name in learned if not is_pattern(name)]
    frame = pick(frame, names)
    if frame.height < MIN_ROWS:
        return []
    frame = frame.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
    rng = np.random.default_rng(SEED)
    rows = np.sort(rng.permutation(frame.height)[:SAMPLE_ROWS])
    sample = frame[rows]
    numbers = [name for name in names if frame.schema[name].is_numeric()]
    measures = [name for name in numbers if kinds[name] in ("continuous", "integer")]
    labels = [name for name in names if kinds[name] in ("categorical", "boolean")]
    flags = [name for name in names if name in numbers or frame.schema[name] == pl.Boolean]

    sums = list(_find_sums(frame, pick(sample, measures[:MAX_COLUMNS]), rng))
    groups = list(_find_groups(frame, pick(sample, flags)))
    grouped = {name for group in groups for name in group.columns}
    labels = [name for name in labels if name not in grouped]
    proposals = [
        *(Proposal(rule.text, "adds up in every row") for rule in sums),
        *(Proposal(rule.text, "exactly one is 1 in every row") for rule in groups),
        *_find_combinations(pick(frame, labels[:MAX_COLUMNS]), rows),
        *_find_inequalities(frame, sample, kinds, formats or {}, implied_by(sums, sample)),
    ]
    return proposals[:MAX_PROPOSALS]


def pick(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return columns; by `frame[names]` none would be taken for no rows."""
    return pl.DataFrame([frame[name] for name in names])


def is_surprising(failures: float, n_rows: int, n_tried: int) -> bool:
    """Tell a rule from chance, by the share of rows in which it fails between shuffled columns."""
    if failures < MIN_FAILURES or n_rows < MIN_ROWS:
        return False
    chance = n_rows * math.log1p(-min(failures, 1 - 1e-9))
    return -chance >= MIN_SURPRISE + math.log(n_tried)


def _find_sums(
    frame: pl.DataFrame, sample: pl.DataFrame, rng: np.random.Generator
) -> Iterator[Sum]:
    """Yield sums of two to four columns, the shortest first and one for a total."""
    complete = complete_rows(sample)
    if not complete.width:
        return
    names, values = complete.columns, complete.to_numpy().astype(np.float64)
    present = (values != 0).mean(axis=0) >= MIN_PRESENT
    varied = values.max(axis=0, initial=-np.inf) > values.min(axis=0, initial=np.inf)
    _, first = np.unique(values, axis=1, return_index=True)  # of copies, one
    kept = [c for c in sorted(first) if present[c] and varied[c]]
    found: list[Sum] = []
    for parts, total in islice(balances(values[:, kept], rng), MAX_TRIED):
        rule = Sum(tuple(names[kept[part]] for part in parts), names[kept[total]])
        if any(rule.total == other.total for other in found):
            continue
        if complete[list(rule.columns)].n_unique() < MIN_ROWS or not rule.holds(frame).all():
            continue
        try:
            order_sums([*found, rule])
        except SchemaError:  # a circle
            continue
        found.append(rule)
        yield rule


def complete_rows(sample: pl.DataFrame) -> pl.DataFrame:
    """Drop rows with missing values, and first the columns that leave too few without."""
    while sample.width:
        missing = sample.null_count().row(0)
        complete = sample.drop_nulls()
        if complete.height >= MIN_ROWS and max(missing) <= sample.height / 2:
            return complete
        sample = sample.drop(sample.columns[int(np.argmax(missing))])
    return sample


def balances(
    values: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield which columns add up to which, judged by one weighted total of the rows each."""
    n_columns = values.shape[1]
    if n_columns < 3:  # noqa: PLR2004
        return
    weights = rng.uniform(0.5, 1.5, len(values))
    totals, sizes = weights @ values, weights @ np.abs(values)
    pairs = list(combinations(range(n_columns), 2))
    of_pairs = np.array([totals[a] + totals[b] for a, b in pairs])
    singles = [(column,) for column in range(n_columns)]
    for one, other in (
        ((np.zeros(1), [()]), (of_pairs, pairs)),
        ((totals, singles), (of_pairs, pairs)),
        ((of_pairs, pairs), (of_pairs, pairs)),
    ):
        yield from _matches(one, other, totals, SUM_TOLERANCE * sizes)


def _matches(
    one: tuple[NDArray[np.float64], Sequence[tuple[int, ...]]],
    other: tuple[NDArray[np.float64], Sequence[tuple[int, ...]]],
    totals: NDArray[np.float64],
    slack: NDArray[np.float64],
) -> Iterator[tuple[tuple[int, ...], int]]:
    order = np.argsort(other[0])
    ordered = other[0][order]
    seen = set()
    for total, (target, off) in enumerate(zip(totals, slack, strict=True)):
        wanted = target - one[0]
        first = np.searchsorted(ordered, wanted - off, "left")
        last = np.searchsorted(ordered, wanted + off, "right")
        for left in np.flatnonzero(last > first):
            for right in order[first[left] : last[left]]:
                parts = tuple(sorted(one[1][int(left)] + other[1][int(right)]))
                if len({*parts, total}) == len(parts) + 1 and (parts, total) not in seen:
                    seen.add((parts, total))
                    yield parts, total


def _find_groups(frame: pl.DataFrame, sample: pl.DataFrame) -> Iterator[OneHot]:
    """Yield groups of flags of which exactly one is set, no flag in two groups."""
    shares = {}
    for flag in sample.iter_columns():
        if flag.null_count() == 0 and flag.cast(pl.Float64).is_in([0.0, 1.0]).all():
            share = float(np.mean(flag.cast(pl.Float64).to_numpy()))
            if MIN_PRESENT <= share <= 1 - MIN_PRESENT and not frame[flag.name].null_count():
                shares[flag.name] = share
    names = list(shares)[:MAX_COLUMNS]
    if len(names) < 2:  # noqa: PLR2004
        return
    patterns = sample[names].cast(pl.Int8).unique(maintain_order=True).to_numpy() > 0
    masks = [int.from_bytes(np.packbits(column).tobytes()) for column in patterns.T]
    whole = int.from_bytes(np.packbits(np.ones(len(patterns), bool)).tobytes())
    used: set[str] = set()
    for group in _exact_covers(masks, whole):
        rule = OneHot(tuple(names[flag] for flag in sorted(group)))
        set_of = np.array([shares[name] for name in rule.columns])
        once = float((set_of / (1 - set_of)).sum() * (1 - set_of).prod())
        tried = math.comb(len(names), len(group))
        surprising = is_surprising(1 - once, sample.height, tried)
        if surprising and used.isdisjoint(rule.columns) and rule.holds(frame).all():
            used.update(rule.columns)
            yield rule


def _exact_covers(masks: Sequence[int], whole: int) -> Iterator[tuple[int, ...]]:
    """Yield sets of bit masks that have each bit of `whole` once, within `MAX_STEPS`."""
    todo: list[tuple[int, tuple[int, ...]]] = [(0, ())] if masks else []
    for _ in range(MAX_STEPS):
        if not todo:
            return
        covered, chosen = todo.pop()
        if covered == whole:
            yield chosen
            continue
        bit = 1 << ((whole & ~covered).bit_length() - 1)
        todo += [
            (covered | mask, (*chosen, column))
            for column, mask in enumerate(masks)
            if mask & bit and not mask & covered
        ]


def _find_combinations(frame: pl.DataFrame, rows: NDArray[np.int64]) -> Iterator[Proposal]:
    """Yield columns together with one that determines them, no column twice."""
    if not frame.width:
        return
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    codes = frame.with_columns([pl.col(name).cast(pl.Categorical).to_physical() for name in text])
    sample = codes[rows]
    n_levels = {series.name: series.n_unique() for series in sample.iter_columns()}
    gaps = {series.name for series in sample.iter_columns() if series.null_count()}
    follow: dict[str, list[str]] = {}
    n_tried = frame.width**2
    for by, name in permutations(frame.columns, 2):
        if n_levels[by] < n_levels[name] and gaps.isdisjoint((by, name)):
            continue  # some value of the first has two of the second
        if _determines(sample[[by, name]]) and _goes_with(codes[[by, name]], n_tried):
            follow.setdefault(by, []).append(name)
    used: set[str] = set()
    for by in sorted(follow, key=lambda name: -len(follow[name])):
        others = [name for name in follow[by] if name not in used]
        if by not in used and others:
            used.update((by, *others))
            remark = f"each {by} has one {' and one '.join(others)}"
            yield Proposal(Combination((*others, by)).text, remark)


def _determines(pair: pl.DataFrame) -> bool:
    """Say whether each value of the first column has one of the second, of two or more."""
    known = pair.drop_nulls()
    by, name = known.iter_columns()
    n_levels = by.n_unique()
    return 2 <= name.n_unique() <= n_levels and known.n_unique() == n_levels  # noqa: PLR2004


def _goes_with(pair: pl.DataFrame, n_tried: int) -> bool:
    """Check on all rows what holds in the sample, and that it is no chance."""
    known = pair.drop_nulls()
    by, name = known.columns
    if known.height < max(pair.height / 2, MIN_REPEATS * known[by].n_unique()):
        return False
    if not _determines(known):
        return False
    shuffled = known.with_columns(known[name].shuffle(SEED))
    counts = shuffled.group_by(by, name).len().group_by(by).agg(pl.col("len").max())
    failures = 1 - float(counts["len"].to_numpy().sum()) / known.height
    return is_surprising(failures, known.height, n_tried)


def _find_inequalities(
    frame: pl.DataFrame,
    sample: pl.DataFrame,
    kinds: Mapping[str, str],
    formats: Mapping[str, str],
    implied: set[tuple[str, str]],
) -> list[Proposal]:
    """Return what is never greater than what, the least expected first, and copies."""
    found = []
    for names, values in comparable(sample, kinds, formats):
        failures = _never_greater(values)
        rules = {}
        for low, high in zip(*np.nonzero(failures), strict=True):
            pair = (names[low], names[high])
            sign = "==" if failures[high, low] else "<="
            text = f"{write_name(pair[0])} {sign} {write_name(pair[1])}"
            twice = sign == "==" and low > high
            if pair not in implied and not twice:
                rule = parse_constraint(text, frame.schema, formats)
                if rule.holds(frame).all():
                    rules[pair] = (failures[low, high], rule.text)
        found += [rules[pair] for pair in rules if not follows(pair, rules)]
    return [
        Proposal(text, f"would fail in {share:.0%} of rows if the two were unrelated")
        for share, text in sorted(found, reverse=True)
    ]


def follows(pair: tuple[str, str], rules: Iterable[tuple[str, str]]) -> bool:
    """Say whether a pair, the smaller first, is joined by two other pairs."""
    low, high = pair
    above = {other for one, other in rules if one == low}
    below = {one for one, other in rules if other == high}
    return not above.isdisjoint(below)


def _never_greater(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, of each pair of columns, how often the first would exceed the second if unrelated.

    It is 0 where the first does exceed the second in some row, or where that may be by chance.
    """
    n_columns = values.shape[1]
    failures = np.zeros((n_columns, n_columns))
    known = ~np.isnan(values)
    for low in range(n_columns):
        exceeds = np.any(values[:, [low]] > values, axis=0)
        for high in np.flatnonzero(~exceeds & (np.arange(n_columns) != low)):
            both = known[:, low] & known[:, high]
            if 2 * both.sum() >= len(values):
                ordered = np.sort(values[both, high])
                share = np.searchsorted(ordered, values[both, low], "left").mean() / both.sum()
                if is_surprising(share, int(both.sum()), n_columns**2):
                    failures[low, high] = share
    return failures


def comparable(
    sample: pl.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, str]
) -> Iterator[tuple[list[str], NDArray[np.float64]]]:
    """Yield columns of one type as numbers of the same order: float64, NaN where missing."""
    types: dict[str, list[pl.Series]] = {}
    for series in sample.iter_columns():
        kind, dtype = kinds[series.name], series.dtype
        if dtype.is_numeric() and kind in ("continuous", "integer"):
            types.setdefault("number", []).append(series)
        elif dtype.is_temporal():
            types.setdefault(str(dtype), []).append(series.to_physical())
        elif dtype == pl.String and series.name in formats:
            dates = series.str.strptime(pl.Datetime("us"), formats[series.name], strict=False)
            types.setdefault(str(dates.dtype), []).append(dates.to_physical())
        elif dtype == pl.String and kind == "datetime" and _is_iso(series):
            length = series.drop_nulls().str.len_chars()[0]
            types.setdefault(f"text of {length}", []).append(series)
    for found in types.values():
        columns = [one for one in found if one.drop_nulls().n_unique() >= MIN_DISTINCT]
        if len(columns) > 1:
            table = pl.DataFrame(columns[:MAX_COLUMNS])
            if pl.String in table.dtypes:  # numbered in order over all of them
                order = table.unpivot()["value"].rank("dense")
                columns = [order[i * len(table) :][: len(table)] for i in range(table.width)]
                values = np.column_stack([one.cast(pl.Float64).to_numpy() for one in columns])
            else:
                values = table.cast(pl.Float64).to_numpy()
            yield table.columns, values


def _is_iso(series: pl.Series) -> bool:
    known = series.drop_nulls()
    return known.str.len_chars().n_unique() == 1 and bool(
        known.str.contains(r"^\d{4}-\d{2}-\d{2}").all()
    )


def implied_by(sums: Iterable[Sum], sample: pl.DataFrame) -> set[tuple[str, str]]:
    """Return which part is never greater than which total, as no part of the sum is negative."""
    return {
        (part, rule.total)
        for rule in sums
        if (sample[list(rule.parts)].fill_null(0) >= 0)
        .select(pl.all_horizontal(pl.all().all()))
        .item()
        for part in rule.parts
    }
