"""Rules between columns: sums, fixed combinations, one-hot groups and any Boolean expression.

A missing value leaves most rules unknown, and what is unknown counts as held, as in SQL's CHECK.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Protocol

import polars as pl

from raregan.data.expressions import (
    EXACT,
    Source,
    build_expression,
    find_column,
    split_names,
    write_name,
)
from raregan.data.rows import listed
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_DECIMALS = 6
"""Beyond it a float column is taken for one without a last decimal."""

RELATIVE_TOLERANCE = 1e-9
"""Of sums of floats without a last decimal, against the sum of their sizes."""

NEARLY_ALL = 0.95
"""Share of the rare rows that must keep a rule. The others, one in twenty at most, are few enough
to be looked at one by one and to do without; were they more, it would be a tendency, no rule."""


class Constraint(Protocol):
    """A rule between columns."""

    @property
    def text(self) -> str:
        """The rule, as `parse_constraint` reads it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it is about, each once."""

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row whether it keeps the rule: Boolean, without nulls."""


@dataclass(frozen=True)
class Sum:
    """Numbers that add up to a total: ``a + b + c == total``, or ``total - a == b``.

    Compared as :func:`sums_agree` says.
    """

    parts: tuple[str, ...]
    total: str
    written: str | None = field(default=None, compare=False)
    """As the user wrote it; None: the parts, then the total."""

    @property
    def text(self) -> str:
        """The rule, as `parse_constraint` reads it."""
        parts = " + ".join(map(write_name, self.parts))
        return self.written or f"{parts} == {write_name(self.total)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The parts, then the total."""
        return (*self.parts, self.total)

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row whether it keeps the rule; a missing value leaves it unknown."""
        return sums_agree(frame, self.parts, (self.total,))


@dataclass(frozen=True)
class Balance:
    """Sums of numbers that are equal, none of them one column: ``a + b == c + d``.

    Compared as :func:`sums_agree` says.
    """

    text: str
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the left, then those of the right."""
        return (*self.left, *self.right)

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row whether it keeps the rule; a missing value leaves it unknown."""
        return sums_agree(frame, self.left, self.right)


@dataclass(frozen=True)
class Combination:
    """Values that go together: ``city, country``. Only combinations that were seen come out.

    Where they were seen is not part of the rule: any table keeps it with regard to itself.
    """

    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule, as `parse_constraint` reads it."""
        return ", ".join(map(write_name, self.columns))

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return True for each row."""
        return pl.Series(self.columns[0], [True], pl.Boolean).new_from_index(0, frame.height)

    def holds_as_in(self, seen: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
        """Return for each row of a frame whether its combination is in another with its dtypes.

        A missing value is a value here: which others it goes with is part of what was seen.
        """
        known = seen.select(self.columns).unique().with_columns(_known=True)
        pairs = frame.select(self.columns).join(
            known, on=self.columns, how="left", nulls_equal=True, maintain_order="left"
        )
        return pairs["_known"].fill_null(value=False).alias(self.columns[0])


@dataclass(frozen=True)
class OneHot:
    """Flags of which exactly one is set: ``onehot(a, b, c)``; the others are 0 or False."""

    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule, as `parse_constraint` reads it."""
        return f"onehot({', '.join(map(write_name, self.columns))})"

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row whether it keeps the rule: with missing flags, whether it can."""
        flags = [pl.col(name).cast(pl.Float64) for name in self.columns]
        n_set = pl.sum_horizontal([(flag == 1).fill_null(value=False) for flag in flags])
        missing = pl.any_horizontal([flag.is_null() for flag in flags])
        proper = pl.all_horizontal([flag.is_in([0.0, 1.0]).fill_null(value=True) for flag in flags])
        holds = proper & ((n_set == 1) | (missing & (n_set == 0)))
        return frame.select(holds.alias(self.columns[0])).to_series()


@dataclass(frozen=True)
class Rule:
    """Any other Boolean expression, such as ``0 <= a < b``."""

    text: str
    columns: tuple[str, ...]
    expression: pl.Expr = field(repr=False, compare=False)

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row whether it keeps the rule, or missing values leave it unknown."""
        holds = self.expression.fill_null(value=True).alias(self.columns[0])
        return frame.select(holds).to_series()


def parse_constraint(
    text: str, schema: Mapping[str, pl.DataType], formats: Mapping[str, str] | None = None
) -> Constraint:
    """Read a rule: a sum, a combination, a one-hot group or else a Boolean expression.

    Parameters
    ----------
    text
        ``a + b == total`` or ``total - a == b`` of numbers, ``city, country``, ``onehot(a, b)``, or
        what :func:`raregan.data.expressions.parse_expression` reads. Names that are no plain words
        stand in backticks.
    schema, formats
        As of `parse_expression`.

    Raises
    ------
    SchemaError
        The text is no rule, a column is not there, or types do not fit.
    """
    names = split_names(text)
    if len(names) > 1 and all(name in schema for name in names):
        return Combination(_distinct(text, [find_column(schema, name) for name in names], 2))
    source = Source(text)
    tree = source.tree
    if isinstance(tree, ast.Tuple):
        return Combination(_names(source, tree.elts, schema))
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "onehot" and not tree.keywords:
        return _one_hot(source, tree.args, schema)
    found = _find_sum(source, schema)
    if found is not None:
        return found
    expression = build_expression(source, schema, formats)
    return Rule(source.text, tuple(dict.fromkeys(expression.meta.root_names())), expression)


def check_together(constraints: Iterable[Constraint]) -> None:
    """Check that sums and combinations can all hold by construction.

    Raises
    ------
    SchemaError
        A column is in two combinations or one-hot groups, or is the total of two sums, or of one
        and in a combination; or a total is a part of what adds up to its parts.
    """
    rules = list(constraints)
    groups = [rule for rule in rules if isinstance(rule, Combination | OneHot)]
    sums = [rule for rule in rules if isinstance(rule, Sum)]
    fixed = [name for rule in groups for name in rule.columns] + [rule.total for rule in sums]
    for name, times in Counter(fixed).items():
        if times > 1:
            fixing = [rule.text for rule in groups if name in rule.columns]
            fixing += [rule.text for rule in sums if name == rule.total]
            raise SchemaError(
                f"column {name!r} is fixed by {listed(fixing, ' and ')}: keep one of these rules, "
                "or join combinations into one"
            )
    order_sums(sums)


def order_sums(constraints: Iterable[Constraint]) -> tuple[Sum, ...]:
    """Return the sums, each after those whose totals are among its parts.

    Raises
    ------
    SchemaError
        A total is a part of what adds up to its parts.
    """
    sums = {rule.total: rule for rule in constraints if isinstance(rule, Sum)}
    order = TopologicalSorter(
        {total: [part for part in rule.parts if part in sums] for total, rule in sums.items()}
    )
    try:
        return tuple(sums[total] for total in order.static_order())
    except CycleError as error:
        circle = [sums[total].text for total in dict.fromkeys(error.args[1])]
        raise SchemaError(f"sums in a circle: {listed(circle, ' and ')}; leave one out") from None


@dataclass(frozen=True)
class Kept:
    """Which rare rows keep all the rules.

    Attributes
    ----------
    rows
        True for each row that keeps every rule.
    broken
        A sentence for each rule that a row breaks, with how many do and the first; no values, as
        warnings go into logs.
    """

    rows: pl.Series
    broken: tuple[str, ...]


def check_constraints(frame: pl.DataFrame, constraints: Iterable[Constraint]) -> Kept:
    """Check that nearly all rare rows keep the rules, and say which do.

    Parameters
    ----------
    frame
        The rare rows.
    constraints
        The rules.

    Raises
    ------
    SchemaError
        More rows break a rule, or one of the rules, than `NEARLY_ALL` leaves; the message names
        the rule, how many rows break it, the first such row and its values.
    """
    kept = pl.Series("kept", [True], pl.Boolean).new_from_index(0, frame.height)
    allowed = int(round((1 - NEARLY_ALL) * frame.height, 9))
    broken = []
    for rule in constraints:
        holds = rule.holds(frame)
        n_broken = int((~holds).sum())
        if not n_broken:
            continue
        row = holds.arg_min() or 0
        told = (
            f"rule {rule.text!r} does not hold in {n_broken:,} of {frame.height:,} rare rows, "
            f"first in rare row {row + 1:,}"
        )
        if n_broken > allowed:
            values = frame.select(rule.columns).row(row, named=True)
            shown = ", ".join(f"{name} = {value!r}" for name, value in values.items())
            raise SchemaError(
                f"{told} ({shown}); 1 in {1 / (1 - NEARLY_ALL):.0f} may be left out, no more: "
                f"correct these rows or leave the rule out{_hint(rule, frame)}"
            )
        broken.append(told)
        kept &= holds
    n_broken = int((~kept).sum())
    if n_broken > allowed:
        raise SchemaError(
            f"{n_broken:,} of {frame.height:,} rare rows break one of {len(broken)} rules; 1 in "
            f"{1 / (1 - NEARLY_ALL):.0f} may be left out, no more: correct these rows or leave a "
            f"rule out ({'; '.join(broken)})"
        )
    return Kept(kept, tuple(broken))


def count_kept(rule: Constraint, frame: pl.DataFrame, seen: pl.DataFrame) -> tuple[int, int]:
    """Return how many rows keep a rule, and how many can tell: no missing value leaves it open.

    Parameters
    ----------
    rule, frame
        The rule and the rows; NaN is a number here.
    seen
        The rows with these dtypes whose combinations are those that go together. A value that
        none of them has leaves a combination open.
    """
    if isinstance(rule, Combination):
        holds = rule.holds_as_in(seen, frame)
        values = {name: seen[name].unique().implode() for name in rule.columns}
        told = [pl.col(name).is_in(values[name], nulls_equal=True) for name in rule.columns]
    else:
        holds = rule.holds(frame)
        said = rule.expression if isinstance(rule, Rule) else pl.col(rule.columns)
        told = [said.is_not_null()]
    can_tell = frame.select(pl.all_horizontal(told).alias(rule.columns[0])).to_series()
    return int((holds & can_tell).sum()), int(can_tell.sum())


def _hint(rule: Constraint, frame: pl.DataFrame) -> str:
    """Say what to do about decimals that are equal but for rounding."""
    floats = any(frame.schema[name].is_float() for name in rule.columns)
    if not (isinstance(rule, Rule) and floats and "==" in rule.text):
        return ""
    return (
        "; if decimals are equal but for rounding, give each sum as a rule of its own, or write "
        "abs(x - y) < 0.005 for x == y"
    )


def sums_agree(frame: pl.DataFrame, left: Sequence[str], right: Sequence[str]) -> pl.Series:
    """Return for each row whether the columns of both sides add up to the same, or one is missing.

    Floats are compared to within half of the last decimal that all the columns have, or to within
    `RELATIVE_TOLERANCE` where they have none; integers exactly.
    """
    used = frame.select(*left, *right)
    name = used.columns[-1]
    if all(dtype.is_integer() for dtype in used.dtypes):
        whole = used.cast(EXACT)
        return (_add(whole, left) == _add(whole, right)).fill_null(value=True).alias(name)
    # single precision is good to 2**-24 of a value, double to 2**-53
    noise = 2.0**-22 if pl.Float32 in used.dtypes else 2.0**-51
    floats = used.cast(pl.Float64).with_columns(pl.all().fill_nan(None))
    one, other = (_add(floats, side).fill_nan(None) for side in (left, right))
    size = _add(floats.select(pl.all().abs()), used.columns)
    unit = _shared_unit(floats, noise)
    slack = size * max(noise, RELATIVE_TOLERANCE if unit is None else 0.0)
    difference = (one - other).abs()
    close = (difference <= slack) | (difference < (unit or 0.0) / 2)
    equal = one == other  # of infinite ones too
    return ((close & difference.is_finite()) | equal).fill_null(value=True).alias(name)


def _add(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    nothing = pl.lit(0, dtype=frame.dtypes[0])
    return frame.select(pl.sum_horizontal(nothing, *names, ignore_nulls=False)).to_series()


def _shared_unit(frame: pl.DataFrame, noise: float) -> float | None:
    """Return the last decimal, 0.01 of cents, that all the values of all columns have."""
    for decimals in range(MAX_DECIMALS + 1):
        off = (pl.all() - pl.all().round(decimals)).abs() > noise * pl.all().abs()
        if not frame.select(pl.any_horizontal(off.any())).item():
            return 10.0**-decimals
    return None


def _find_sum(source: Source, schema: Mapping[str, pl.DataType]) -> Sum | Balance | None:
    """Read an equation between sums and differences of three or more columns of numbers.

    Brought to the side where it counts positive, each column is on the left or on the right.
    """
    tree = source.tree
    if not (isinstance(tree, ast.Compare) and [type(how) for how in tree.ops] == [ast.Eq]):
        return None
    sides = [_signed(source, side) for side in (tree.left, tree.comparators[0])]
    if sides[0] is None or sides[1] is None:
        return None
    terms = [*sides[0], *((-sign, name) for sign, name in sides[1])]
    left, right = (tuple(name for sign, name in terms if sign == side) for side in (1, -1))
    if min(len(left), len(right)) and len(terms) <= 2:  # noqa: PLR2004
        return None  # a == b needs no tolerance
    names = [find_column(schema, name) for _, name in terms]
    if not names or not all(schema[name].is_numeric() for name in names):
        return None
    if len(right) == 1 or len(left) == 1:
        _distinct(source.text, names, 3)
        parts, (total,) = (left, right) if len(right) == 1 else (right, left)
        return Sum(parts, total, source.text)
    return Balance(source.text, left, right) if len(set(names)) == len(names) else None


def _signed(source: Source, node: ast.AST) -> list[tuple[int, str]] | None:
    """Return the columns that are added and subtracted with their signs; None for aught else."""
    found: list[tuple[int, str]] = []
    todo: list[tuple[int, ast.AST]] = [(1, node)]
    while todo:
        sign, node = todo.pop()
        name = source.name_of(node)
        if name is not None:
            found.append((sign, name))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            subtracted = isinstance(node.op, ast.Sub)
            todo += [(-sign if subtracted else sign, node.right), (sign, node.left)]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            todo.append((-sign if isinstance(node.op, ast.USub) else sign, node.operand))
        elif not (isinstance(node, ast.Constant) and repr(node.value) in ("0", "0.0")):
            return None
    return found


def _one_hot(source: Source, nodes: Sequence[ast.AST], schema: Mapping[str, pl.DataType]) -> OneHot:
    names = _names(source, nodes, schema)
    for name in names:
        if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
            raise source.fault(f"column {name!r} of type {schema[name]} is no flag of 0 and 1")
    return OneHot(names)


def _names(
    source: Source, nodes: Sequence[ast.AST], schema: Mapping[str, pl.DataType]
) -> tuple[str, ...]:
    names = []
    for node in nodes:
        name = source.name_of(node)
        if name is None:
            raise source.fault(f"{source.show(node)!r} is no column", schema)
        names.append(find_column(schema, name))
    return _distinct(source.text, names, 2)


def _distinct(text: str, names: Sequence[str], at_least: int) -> tuple[str, ...]:
    if len(set(names)) < max(len(names), at_least):
        raise SchemaError(f"rule {text!r}: it needs {at_least} or more columns, each named once")
    return tuple(names)
