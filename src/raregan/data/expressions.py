"""Rules as text: a Boolean expression in a small grammar becomes a polars expression.

Python's own parser reads the text and nothing runs it: the tree is walked, and what is not listed
here is refused. Every operand is a number, text, a moment, a duration or true/false, and what is
missing makes a result unknown, as in SQL.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
import unicodedata
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from raregan.data.rows import known_column, listed
from raregan.data.schema import MAX_SHOWN
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_LENGTH = 4_000
"""Characters of a rule."""

MAX_DEPTH = 100
"""Operations within operations."""

MAX_SIZE = 4_000
"""Columns, values and operations of a rule, those that are computed twice counted twice."""

MAX_EXPONENT = 16
EXACT = pl.Int128
"""What integers are computed in, as Int8 and unsigned ones wrap around in silence."""

ALLOWED = (
    "a rule is made of columns (`any name` in backticks), numbers, 'text', True, False, "
    "< <= == != >= >, in [...], and, or, not, + - * / // % **, abs, min, max, round, len, "
    ".is_null(), .is_between(), .str.starts_with(), .dt.year() and the like"
)

_TOKENS = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|`(?P<name>(?:[^`]|``)+)`""", re.DOTALL
)
_ONE_SIGN = re.compile(r"(?<![<>=!])=(?!=)")
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], pl.Expr]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], pl.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_TIME_ARITHMETIC = {
    ("moment", ast.Sub, "moment"): "duration",
    ("moment", ast.Sub, "duration"): "moment",
    ("moment", ast.Add, "duration"): "moment",
    ("duration", ast.Add, "moment"): "moment",
    ("duration", ast.Add, "duration"): "duration",
    ("duration", ast.Sub, "duration"): "duration",
    ("duration", ast.Mult, "number"): "duration",
    ("number", ast.Mult, "duration"): "duration",
    ("duration", ast.Div, "number"): "duration",
    ("duration", ast.Div, "duration"): "number",
}
_PARTS: dict[str, tuple[str, Callable[[pl.Expr], pl.Expr]]] = {
    "str.len_chars": ("text", lambda value: value.str.len_chars()),
    "dt.year": ("moment", lambda value: value.dt.year()),
    "dt.month": ("moment", lambda value: value.dt.month()),
    "dt.day": ("moment", lambda value: value.dt.day()),
    "dt.hour": ("moment", lambda value: value.dt.hour()),
    "dt.weekday": ("moment", lambda value: value.dt.weekday()),
    "dt.total_days": ("duration", lambda value: value.dt.total_days()),
    "dt.total_hours": ("duration", lambda value: value.dt.total_hours()),
    "dt.total_minutes": ("duration", lambda value: value.dt.total_minutes()),
    "dt.total_seconds": ("duration", lambda value: value.dt.total_seconds()),
}
"""Methods that give a number: what they are called on, and what they do."""

_SEARCHES: dict[str, Callable[[pl.Expr, str], pl.Expr]] = {
    "str.starts_with": lambda value, text: value.str.starts_with(text),
    "str.ends_with": lambda value, text: value.str.ends_with(text),
    "str.contains": lambda value, text: value.str.contains(text, literal=True),
}


@dataclass(frozen=True)
class _Term:
    """A part of a rule: what it computes, and whether that is a number, text, a moment ..."""

    value: pl.Expr
    group: str
    literal: str | None = None
    levels: pl.Enum | None = None


def parse_expression(
    text: str, schema: Mapping[str, pl.DataType], formats: Mapping[str, str] | None = None
) -> pl.Expr:
    """Read a Boolean expression.

    Parameters
    ----------
    text
        Such as ``0 <= a < b and `capital-gains` > 0``. ISO dates in quotes are compared with dates
        and times of day, in the column's time zone, and with text.
    schema
        Dtype of each column, as ``frame.schema`` gives it.
    formats
        The strptime format of text columns that hold dates, which are then compared as dates.

    Returns
    -------
    expression : pl.Expr
        Boolean, one value a row; null where missing values, or a division by zero, leave the rule
        unknown.

    Raises
    ------
    SchemaError
        The text is no rule, a column is not there, or types do not fit.
    """
    return build_expression(Source(text), schema, formats)


def build_expression(
    source: Source, schema: Mapping[str, pl.DataType], formats: Mapping[str, str] | None = None
) -> pl.Expr:
    """Do as `parse_expression` does, of a text that has been read."""
    term = _Builder(source, schema, formats or {}).build(source.tree)
    if term.group != "boolean":
        raise source.fault(f"it gives a {term.group}, not true or false")
    columns = term.value.meta.root_names()
    if not columns:
        raise source.fault("it names no column", schema)
    row_of_nulls = pl.DataFrame(schema={name: schema[name] for name in columns}).clear(1)
    try:
        row_of_nulls.select(term.value)
    except pl.exceptions.PolarsError as error:
        raise source.fault(str(error).splitlines()[0]) from None
    return term.value


def find_column(schema: Mapping[str, pl.DataType], name: str) -> str:
    """Return the name, or raise a SchemaError where there is no such column or it is a pattern."""
    if name in schema and is_pattern(name):
        raise SchemaError(f"column {name!r} cannot stand in a rule by this name: rename it")
    return known_column(list(schema), name)


def is_pattern(name: str) -> bool:
    """Say whether polars takes a name for a pattern of names wherever an expression has it."""
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def write_name(name: str) -> str:
    """Write a column's name as a rule does: in backticks where it is no plain word."""
    plain = name.isidentifier() and not keyword.iskeyword(name)
    if plain and unicodedata.is_normalized("NFKC", name):
        return name
    return f"`{name.replace('`', '``')}`"


def split_names(text: str) -> list[str]:
    """Split at commas outside quotes and backticks; take the backticks off."""
    pieces, start = [], 0
    spans = [match.span() for match in _TOKENS.finditer(text)]
    for comma in (match.start() for match in re.finditer(",", text)):
        if not any(first <= comma < last for first, last in spans):
            pieces.append(text[start:comma])
            start = comma + 1
    names = [piece.strip() for piece in (*pieces, text[start:])]
    return [
        found["name"].replace("``", "`")
        if (found := _TOKENS.fullmatch(name)) and found["name"]
        else name
        for name in names
    ]


class Source:
    """The text of a rule as Python's parser sees it.

    Attributes
    ----------
    text
        As given, without space at its ends.
    tree
        Its syntax tree, in which names in backticks are placeholders.

    Raises
    ------
    SchemaError
        The text is too long or not well formed.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if len(self.text) > MAX_LENGTH:
            raise self.fault(
                f"it has {len(self.text):,} characters, at most {MAX_LENGTH:,} are read"
            )
        self._names: dict[str, str] = {}
        self._code = _TOKENS.sub(self._replace, self.text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in the user's text
                self.tree = ast.parse(self._code, mode="eval").body
        except SyntaxError as error:
            equals = "to be equal is ==, with two signs; " if _ONE_SIGN.search(self._code) else ""
            raise self.fault(f"{error.msg}; {equals}{ALLOWED}") from None
        except (ValueError, RecursionError, MemoryError):
            raise self.fault(f"it cannot be read; {ALLOWED}") from None

    def _replace(self, match: re.Match[str]) -> str:
        if match["text"] is not None:
            return match[0]
        mark = "column_"
        while mark in self.text:
            mark += "_"
        placeholder = f"{mark}{len(self._names)}"
        self._names[placeholder] = match["name"].replace("``", "`")
        return placeholder

    def name_of(self, node: ast.AST) -> str | None:
        """Return the name where a node is a column: ``x``, in backticks, or ``col("x")``."""
        if isinstance(node, ast.Name):
            # not node.id, of which Python normalises the characters
            written = ast.get_source_segment(self._code, node)
            return self._names.get(node.id, written)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("col", "pl.col"):
            arguments = [getattr(argument, "value", None) for argument in node.args]
            if len(arguments) == 1 and isinstance(arguments[0], str) and not node.keywords:
                return arguments[0]
        return None

    def show(self, node: ast.AST) -> str:
        """Return what was written at a node, shortened."""
        code = ast.get_source_segment(self._code, node) or ""
        for placeholder, name in self._names.items():
            code = code.replace(placeholder, write_name(name))
        return _short(code)

    def fault(self, fault: str, columns: Iterable[str] | None = None) -> SchemaError:
        """Return an error that names the rule and what is wrong with it."""
        known = "" if columns is None else f"; columns: {listed(list(columns))}"
        return SchemaError(f"rule {_short(self.text)!r}: {fault}{known}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


class _Builder:
    """Walks the tree of a rule, and knows the columns.

    What an expression holds twice is built twice, so that the count bounds the expression's size.
    """

    def __init__(
        self, source: Source, schema: Mapping[str, pl.DataType], formats: Mapping[str, str]
    ) -> None:
        self.source = source
        self.schema = schema
        self.formats = formats
        self.depth = 0
        self.size = 0

    def build(self, node: ast.AST) -> _Term:
        """Return the term of a node, or raise a SchemaError."""
        self.depth += 1
        self.size += 1
        if self.size > MAX_SIZE:
            raise self.source.fault(f"it is too long: at most {MAX_SIZE:,} operations are read")
        if self.depth > MAX_DEPTH:
            raise self.source.fault(f"more than {MAX_DEPTH} operations lie within one another")
        name = self.source.name_of(node)
        if name is not None:
            term = self._column(name)
        elif isinstance(node, ast.Constant):
            term = self._literal(node, node.value)
        elif isinstance(node, ast.Compare):
            term = self._compare(node)
        elif isinstance(node, ast.BoolOp):
            values = [self._boolean(value) for value in node.values]
            join = pl.all_horizontal if isinstance(node.op, ast.And) else pl.any_horizontal
            term = _Term(join(values), "boolean")
        elif isinstance(node, ast.BinOp):
            term = self._binary(node)
        elif isinstance(node, ast.UnaryOp):
            term = self._unary(node)
        elif isinstance(node, ast.Call):
            term = self._call(node)
        else:
            raise self._not_understood(node)
        self.depth -= 1
        return term

    def _not_understood(self, node: ast.AST) -> SchemaError:
        fault = f"{self.source.show(node)!r} is not understood; {ALLOWED}"
        return self.source.fault(fault, self.schema)

    def _column(self, name: str) -> _Term:
        try:
            dtype = self.schema[find_column(self.schema, name)]
        except SchemaError as error:
            for known in self.schema:  # capital-gains reads as a difference
                is_more = known != name and name in known and not known.isidentifier()
                if is_more and known in self.source.text:
                    raise self.source.fault(f"write {known!r} in backticks: `{known}`") from None
            raise self.source.fault(str(error)) from None
        column = pl.col(name)
        if dtype == pl.String and name in self.formats:
            moment = column.str.strptime(pl.Datetime("us"), self.formats[name], strict=False)
            return _Term(moment, "moment")
        if dtype.is_integer():
            return _Term(column.cast(EXACT, strict=False), "number")
        if dtype.is_float():
            return _Term(column.fill_nan(None), "number")
        if isinstance(dtype, pl.Categorical):
            return _Term(column.cast(pl.String), "text")
        groups: dict[Any, str] = {
            **dict.fromkeys((pl.String, pl.Enum), "text"),
            **dict.fromkeys((pl.Date, pl.Datetime, pl.Time), "moment"),
            pl.Decimal: "number",
            pl.Boolean: "boolean",
            pl.Duration: "duration",
        }
        group = groups.get(dtype.base_type())
        if group is None:
            raise self.source.fault(f"column {name!r} of type {dtype} cannot stand in a rule")
        return _Term(column, group, levels=dtype if isinstance(dtype, pl.Enum) else None)

    def _literal(self, node: ast.AST, value: Any) -> _Term:
        if isinstance(value, bool):
            return _Term(pl.lit(value), "boolean")
        if isinstance(value, int) and abs(value) < 2**63:
            return _Term(pl.lit(value, dtype=EXACT), "number")
        if isinstance(value, float) and math.isfinite(value):
            return _Term(pl.lit(value), "number")
        if isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value):
            return _Term(pl.lit(value), "text", literal=value)
        if value is None:
            raise self.source.fault("write .is_null() to ask whether a value is missing")
        raise self._not_understood(node)

    def _boolean(self, node: ast.AST) -> pl.Expr:
        term = self.build(node)
        if term.group != "boolean":
            shown = self.source.show(node)
            raise self.source.fault(
                f"{shown!r} is a {term.group}, not true or false "
                "(comparisons joined by & or | need parentheses)"
            )
        return term.value

    def _number(self, node: ast.AST) -> pl.Expr:
        term = _as_number(self.build(node))
        if term.group != "number":
            raise self.source.fault(f"{self.source.show(node)!r} is a {term.group}, not a number")
        return term.value

    def _compare(self, node: ast.Compare) -> _Term:
        results = []
        operands = [node.left, *node.comparators]
        for left, how, right in zip(operands, node.ops, operands[1:], strict=False):
            if isinstance(how, ast.In | ast.NotIn):
                found = self._is_in(left, right)
                results.append(found if isinstance(how, ast.In) else ~found)
            elif type(how) in _COMPARISONS:
                comparison = _COMPARISONS[type(how)]
                results.append(self._related(node, self.build(left), comparison, self.build(right)))
            else:
                raise self._not_understood(node)
        return _Term(results[0] if len(results) == 1 else pl.all_horizontal(results), "boolean")

    def _related(
        self, node: ast.AST, left: _Term, how: Callable[[Any, Any], pl.Expr], right: _Term
    ) -> pl.Expr:
        """Compare two terms, after bringing both to one type."""
        if left.group != right.group:
            left, right = _as_number(left), _as_number(right)
        if left.group == "moment" and right.literal is not None:
            right = self._moment(right.literal, left)
        elif right.group == "moment" and left.literal is not None:
            left = self._moment(left.literal, right)
        if left.group != right.group:
            shown = self.source.show(node)
            raise self.source.fault(f"{shown!r} compares a {left.group} with a {right.group}")
        # the order of an enum's levels counts against a text in quotes and the same enum
        if left.levels != right.levels and left.literal is right.literal is None:
            return how(left.value.cast(pl.String), right.value.cast(pl.String))
        return how(left.value, right.value)

    def _is_in(self, left: ast.AST, right: ast.AST) -> pl.Expr:
        if not isinstance(right, ast.List | ast.Tuple | ast.Set) or not right.elts:
            raise self.source.fault(
                f"'in' needs a list such as [1, 2], not {self.source.show(right)!r}"
            )
        items = [
            self._related(left, self.build(left), operator.eq, self.build(item))
            for item in right.elts
        ]
        return pl.any_horizontal(items)

    def _moment(self, text: str, like: _Term) -> _Term:
        """Read an ISO date as what it is compared with."""
        dtype = pl.DataFrame(schema=self.schema).lazy().select(like.value).collect_schema()
        zone = getattr(dtype.dtypes()[0], "time_zone", None)
        try:
            if dtype.dtypes()[0] == pl.Time:
                return _Term(pl.lit(time.fromisoformat(text)), "moment")
            moment = datetime.fromisoformat(text)
            if zone is not None:
                moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
                return _Term(pl.lit(moment.astimezone(UTC)).dt.convert_time_zone(zone), "moment")
        except (ValueError, OverflowError, ZoneInfoNotFoundError):
            fault = f"{text!r} is no date such as '2013-09-01' or '2013-09-01T12:30'"
            raise self.source.fault(fault) from None
        if moment.tzinfo is not None:
            fault = f"{text!r} has a time zone, and what it is compared with has none"
            raise self.source.fault(fault)
        return _Term(pl.lit(moment), "moment")

    def _binary(self, node: ast.BinOp) -> _Term:
        how = type(node.op)
        if how in (ast.BitAnd, ast.BitOr):
            join = operator.and_ if how is ast.BitAnd else operator.or_
            return _Term(join(self._boolean(node.left), self._boolean(node.right)), "boolean")
        if how is ast.Pow:
            return self._power(node)
        if how not in _ARITHMETIC:
            raise self._not_understood(node)
        left, right = _as_number(self.build(node.left)), _as_number(self.build(node.right))
        value = right.value
        if right.group == "number" and how in (ast.Div, ast.FloorDiv, ast.Mod):
            value = pl.when(value != 0).then(_as_number(self.build(node.right)).value)
        if left.group == right.group == "number":
            return _Term(_ARITHMETIC[how](left.value, value), "number")
        group = _TIME_ARITHMETIC.get((left.group, how, right.group))
        if group is None:
            shown = self.source.show(node)
            raise self.source.fault(f"{shown!r} computes with a {left.group} and a {right.group}")
        return _Term(_ARITHMETIC[how](left.value, value), group)

    def _power(self, node: ast.BinOp) -> _Term:
        exponent = _constant(node.right)
        if exponent is None or abs(exponent) > MAX_EXPONENT:
            shown = self.source.show(node.right)
            raise self.source.fault(f"an exponent is a number up to {MAX_EXPONENT}, not {shown!r}")
        power = self._number(node.left).cast(pl.Float64) ** float(exponent)
        return _Term(power.fill_nan(None), "number")

    def _unary(self, node: ast.UnaryOp) -> _Term:
        if isinstance(node.op, ast.Not | ast.Invert):
            return _Term(~self._boolean(node.operand), "boolean")
        number = _constant(node)
        if number is not None:
            return self._literal(node, number)
        if isinstance(node.op, ast.USub):
            return _Term(pl.lit(0, dtype=EXACT) - self._number(node.operand), "number")
        return _Term(self._number(node.operand), "number")

    def _call(self, node: ast.Call) -> _Term:
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self._not_understood(node)
        if isinstance(node.func, ast.Name):
            return self._function(node, node.func.id)
        if not isinstance(node.func, ast.Attribute):
            raise self._not_understood(node)
        method, on = node.func.attr, node.func.value
        if isinstance(on, ast.Attribute):
            method, on = f"{on.attr}.{method}", on.value
        return self._method(node, method, on, node.args)

    def _function(self, node: ast.Call, name: str) -> _Term:
        match name, node.args:
            case "abs" | "round", [value, *arguments]:
                return self._method(node, name, value, arguments)
            case "len", [value]:
                return self._part(node, "str.len_chars", value)
            case "min" | "max", [_, _, *_]:
                values = [self._number(value) for value in node.args]
                pick = pl.min_horizontal if name == "min" else pl.max_horizontal
                missing = pl.any_horizontal([self._number(value).is_null() for value in node.args])
                return _Term(pl.when(~missing).then(pick(values)), "number")
        raise self._not_understood(node)

    def _method(self, node: ast.Call, method: str, on: ast.AST, arguments: list[ast.expr]) -> _Term:
        match method, arguments:
            case "abs", []:
                return _Term(self._number(on).abs(), "number")
            case "round", digits if len(digits) <= 1:
                return self._round(node, on, digits)
            case _, [] if method in _PARTS:
                return self._part(node, method, on)
        return _Term(self._question(node, method, on, arguments), "boolean")

    def _question(
        self, node: ast.Call, method: str, on: ast.AST, arguments: list[ast.expr]
    ) -> pl.Expr:
        match method, arguments:
            case "is_null" | "is_not_null", []:
                missing = self.build(on).value.is_null()
                return missing if method == "is_null" else ~missing
            case "is_in", [values]:
                return self._is_in(on, values)
            case "is_between", [low, high]:
                above = self._related(node, self.build(on), operator.ge, self.build(low))
                below = self._related(node, self.build(on), operator.le, self.build(high))
                return pl.all_horizontal(above, below)
            case _, [ast.Constant(value=str()) as text] if method in _SEARCHES:
                sought = self.build(text).literal or ""
                return _SEARCHES[method](self._of_group(node, "text", on).cast(pl.String), sought)
        raise self._not_understood(node)

    def _part(self, node: ast.Call, method: str, on: ast.AST) -> _Term:
        group, part = _PARTS[method]
        value = self._of_group(node, group, on)
        if group == "text":
            value = value.cast(pl.String)
        return _Term(part(value).cast(EXACT), "number")

    def _of_group(self, node: ast.Call, group: str, on: ast.AST) -> pl.Expr:
        term = self.build(on)
        if term.group != group:
            raise self.source.fault(
                f"{self.source.show(node)!r} is for a {group}, not a {term.group}"
            )
        return term.value

    def _round(self, node: ast.Call, value: ast.AST, decimals: list[ast.expr]) -> _Term:
        digits = _constant(decimals[0]) if decimals else 0
        if not isinstance(digits, int) or not 0 <= digits <= MAX_EXPONENT:
            raise self._not_understood(node)
        return _Term(self._number(value).round(digits), "number")


def _as_number(term: _Term) -> _Term:
    return _Term(term.value.cast(EXACT), "number") if term.group == "boolean" else term


def _constant(node: ast.AST) -> int | float | None:
    """Return the number where a node is one, with or without a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _constant(node.operand) if isinstance(node.operand, ast.Constant) else None
        return -number if number is not None and isinstance(node.op, ast.USub) else number
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
