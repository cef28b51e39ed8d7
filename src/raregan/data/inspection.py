"""What a table holds: its columns, what deserves a look, and rules that hold; schemas as files."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from raregan.atomic import write_whole
from raregan.data.codes import as_numbers, show_number
from raregan.data.constraints import NEARLY_ALL
from raregan.data.kinds import names_one
from raregan.data.near import RareRule, find_rare_rules
from raregan.data.proposals import Proposal, propose_constraints
from raregan.data.schema import Schema
from raregan.data.suspects import Suspect, count_values, find_suspects, name_words
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from raregan.data.rows import Rows
    from raregan.data.schema import Column

CODE_WORDS = frozenset(
    ["code", "codes", "zip", "zipcode", "postcode", "plz", "type", "category", "class", "group"]
)
"""Last words of names whose whole numbers may well be labels."""

FEW_NUMBERS = 10
"""So few whole numbers in a row may be labels too."""

NEAR_ADVICE = (
    "Look at the rare rows that break one. With --constraint every synthetic row keeps the rule; "
    "these rows are left out of training, and counted. Without it all rare rows are learned from, "
    "and raregan evaluate tells how many synthetic rows keep the rule."
)

TOP_LEVELS = 3
_LEVEL_WIDTH, _NAME_WIDTH, _DTYPE_WIDTH, _SUMMARY_WIDTH, _MIN_WIDTH = 24, 24, 12, 20, 80
_HEAD = 1000  # identifiers whose shape is looked at


@dataclass(frozen=True)
class ColumnFacts:
    """What one column holds.

    Attributes
    ----------
    name, kind, dtype
        As of a `raregan.data.schema.Column`.
    missing, missing_rare
        Share of missing cells among the rows held, and among the rare ones; 0 to 1.
    distinct
        Distinct values among the rows held, not counting missing ones.
    summary
        The range, the commonest levels, the shape of identifiers, or the value of a constant.
    remark
        Why it is taken for that kind, where a reader may wonder; else empty.
    """

    name: str
    kind: str
    dtype: str
    missing: float
    missing_rare: float
    distinct: int
    summary: str
    remark: str


@dataclass(frozen=True)
class Inspection:
    """What a table holds.

    Attributes
    ----------
    n_rows, n_rare, n_held
        Rows of the whole table, rare ones, and those that were looked at.
    target, rare
        Name of the target, and its value in rare rows.
    columns
        The features in the input's order.
    warnings
        What deserves a look, the gravest first.
    proposals
        Rules that hold on every row looked at, other than those of the schema.
    rare_rules
        Rules that hold in all rare rows, though not on every row looked at.
    near_rules
        Rules that nearly all rare rows keep; see `raregan.data.near`.
    """

    n_rows: int
    n_rare: int
    n_held: int
    target: str
    rare: bool | int | float | str
    columns: tuple[ColumnFacts, ...]
    warnings: tuple[Suspect, ...]
    proposals: tuple[Proposal, ...]
    rare_rules: tuple[RareRule, ...]
    near_rules: tuple[RareRule, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        listed = ("columns", "warnings", "proposals", "rare_rules", "near_rules")
        return asdict(self) | {
            name: [asdict(record) for record in getattr(self, name)] for name in listed
        }

    def to_text(self, width: int | None = None) -> str:
        """Write it for a terminal.

        Parameters
        ----------
        width
            Characters of a line, at least 80; where None, those of the terminal. Rules and the
            last command are never cut.
        """
        width = max(width or shutil.get_terminal_size((100, 24)).columns, _MIN_WIDTH)
        lines = [self._headline(), "", *_table(self.columns, width), ""]
        if self.warnings:
            lines += ["Worth a look:", *_warning_lines(self.warnings, width), ""]
        if self.proposals:
            rows = "all rows" if self.n_held == self.n_rows else f"all {self.n_held:,} rows held"
            lines.append(f"Rules that hold on {rows}; to have them kept, add any of:")
            lines += [*_rule_lines([(r.text, r.remark) for r in self.proposals], width), ""]
        if self.rare_rules:
            lines.append("Rules of the rare rows alone; to have them kept, add any of:")
            told = [(rule.text, _held(rule)) for rule in self.rare_rules]
            lines += [*_rule_lines(told, width), ""]
        if self.near_rules:
            lines.append(f"Near-rules, that at least {NEARLY_ALL:.0%} of the rare rows keep:")
            told = [(rule.text, _held(rule)) for rule in self.near_rules]
            lines += [*_rule_lines(told, width), *_wrap(NEAR_ADVICE, width, "  "), ""]
        return "\n".join([*lines, self._next_step()])

    def _headline(self) -> str:
        held = "" if self.n_held == self.n_rows else f"; {self.n_held:,} rows looked at"
        return (
            f"{self.n_rows:,} rows, {self.n_rare:,} of them rare ({plain(self.target)} = "
            f"{self.rare!r}), {len(self.columns)} columns besides the target{held}"
        )

    def _next_step(self) -> str:
        texts = [column.name for column in self.columns if column.kind == "text"]
        ignored = "".join(f" --ignore {shlex.quote(name)}" for name in texts)
        target, rare = shlex.quote(self.target), shlex.quote(str(self.rare))
        options = plain(f"--target {target} --rare {rare}{ignored}")
        return (
            f"Next: raregan split DATA {options} -o parts\n"
            f"      raregan train parts/TRAIN {options}"
        )


def inspect_rows(rows: Rows, schema: Schema) -> Inspection:
    """Look at the rows held of a table.

    Parameters
    ----------
    rows
        As `raregan.data.rows.choose_rows` returns them.
    schema
        What their columns are; see `raregan.data.table.infer_schema`.
    """
    features = rows.held.drop(rows.target)
    counts = {series.name: count_values(series) for series in features.iter_columns()}
    kinds: dict[str, str] = {column.name: column.kind for column in schema.columns}
    formats = {column.name: column.format for column in schema.columns if column.format}
    proposals = propose_constraints(features, kinds, formats)
    known = dict.fromkeys([*(rule.text for rule in proposals), *schema.constraints])
    rare, others = rows.rare.drop(rows.target), rows.others.drop(rows.target)
    of_rare = find_rare_rules(rare, others, kinds, formats, known)
    return Inspection(
        n_rows=rows.n_rows,
        n_rare=rows.rare.height,
        n_held=rows.held.height,
        target=rows.target,
        rare=rows.value,
        columns=tuple(_facts(column, rows, counts[column.name]) for column in schema.columns),
        warnings=find_suspects(rows, schema, counts),
        proposals=tuple(rule for rule in proposals if rule.text not in schema.constraints),
        rare_rules=tuple(rule for rule in of_rare if rule.is_exact),
        near_rules=tuple(rule for rule in of_rare if not rule.is_exact),
    )


# --- one column ----------------------------------------------------------------------------------


def _facts(column: Column, rows: Rows, counts: pl.DataFrame) -> ColumnFacts:
    held, rare = rows.held[column.name], rows.rare[column.name]
    return ColumnFacts(
        name=column.name,
        kind=column.kind,
        dtype=column.dtype,
        missing=held.null_count() / held.len(),
        missing_rare=rare.null_count() / rare.len(),
        distinct=counts.height,
        summary=_summary(column, rare, counts),
        remark=_remark(column, counts),
    )


def _summary(column: Column, rare: pl.Series, counts: pl.DataFrame) -> str:
    values = counts["value"]
    if column.kind == "constant":
        known = rare.drop_nulls()
        return _short(known.head(1), column) if known.len() else "missing in every rare row"
    if not values.len():
        return "missing in every row"
    if column.kind in ("categorical", "boolean"):
        return _levels(counts)
    if column.kind == "text":
        words = cast("float", values.cast(pl.String).str.count_matches(r"\S+").mean())
        return f"about {words:.0f} words each"
    if column.kind == "identifier" and not values.dtype.is_numeric():
        return _shape(values)
    numbers = as_numbers(values, column)
    low, high = _moment(numbers.min(), column), _moment(numbers.max(), column)
    return low if low == high else f"{low} to {high}"


def _levels(counts: pl.DataFrame) -> str:
    n_rows = counts["rows"].sum()
    top = counts.sort("rows", descending=True, maintain_order=True).head(TOP_LEVELS)
    shown = [
        f"{_cut(plain(level) or repr(''), _LEVEL_WIDTH)} {_percent(n / n_rows)}"
        for level, n in zip(top["value"].cast(pl.String), top["rows"], strict=True)
    ]
    return ", ".join(shown)


def _shape(values: pl.Series) -> str:
    """Return the commonest pattern: A, a and 9 for letters and digits, as no real one is shown."""
    texts = values.cast(pl.String).head(_HEAD)
    for characters, sign in ((r"\p{Lu}", "A"), (r"\p{Ll}", "a"), (r"\p{Nd}", "9")):
        texts = texts.str.replace_all(characters, sign)
    [(shape, _)] = Counter(texts.to_list()).most_common(1)
    return f"like {_cut(plain(shape), _LEVEL_WIDTH)}"


def _short(value: pl.Series, column: Column) -> str:
    if value.dtype.is_numeric() or value.dtype.is_temporal():
        return _moment(as_numbers(value, column)[0], column)
    return _cut(plain(str(value[0])), _LEVEL_WIDTH)


def _moment(number: Any, column: Column) -> str:
    """Write a number, or the ticks of a date, an instant or a duration, for people."""
    dtype = pl.Datetime("us") if column.format else column.polars_dtype
    if number is None or not dtype.is_temporal():
        return str(number) if number is None else show_number(number)
    if isinstance(dtype, pl.Date):
        return str(np.datetime64(int(number), "D"))
    unit = "ns" if isinstance(dtype, pl.Time) else cast("pl.Datetime", dtype).time_unit
    if isinstance(dtype, pl.Datetime):
        zone = " UTC" if dtype.time_zone else ""
        text = str(np.datetime64(int(number), unit).astype("datetime64[s]"))
        return text.removesuffix("T00:00:00").replace("T", " ") + zone
    sign = "-" if number < 0 else ""
    ticks_a_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    minutes, seconds = divmod(abs(int(number)) // ticks_a_second, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{sign}{f'{days:,} d ' if days else ''}{clock}"


def _remark(column: Column, counts: pl.DataFrame) -> str:
    values, dtype, kind = counts["value"], column.polars_dtype, column.kind
    if column.format is not None:
        other = _swapped(column.format, values)
        also = f"; {other} fits as well: if meant, set format in a schema" if other else ""
        return f"dates written as {column.format}{also}"
    if kind == "integer" and dtype.is_integer():
        return _remark_on_codes(column.name, values)
    if kind == "continuous" and dtype == pl.String:
        return "numbers written as text"
    if kind == "identifier":
        named = "named like an identifier" if names_one(column.name) else ""
        every = "every value differs" if values.len() and counts["rows"].max() == 1 else ""
        return ", ".join(part for part in (named, every) if part)
    return f"whole numbers stored as {column.dtype}" if kind == "integer" else ""


def _remark_on_codes(name: str, values: pl.Series) -> str:
    """Tell of whole numbers that may be labels: by their column's name, or few in a row."""
    words = name_words(name)
    advice = f"if they are codes, --kind {shlex.quote(name)}=categorical"
    if names_one(name) or CODE_WORDS.intersection(words[-1:]):
        return f"named like a code: {advice}"
    in_a_row = values.len() and values[0] in (0, 1) and values[-1] - values[0] == values.len() - 1
    if in_a_row and 2 < values.len() <= FEW_NUMBERS:  # noqa: PLR2004
        return f"a few whole numbers: {advice}"
    return ""


def _swapped(form: str, values: pl.Series) -> str | None:
    """Return the format with day and month the other way round, if all values fit that too."""
    other = form.translate({ord("d"): "m", ord("m"): "d"})
    if "%m" not in form or "%d" not in form or form.startswith(("%Y", "%y")):
        return None  # a month's name is clear, and nobody writes year, day, month
    fits = not values.str.to_datetime(other, time_unit="us", strict=False).null_count()
    return other if fits else None


# --- text for the terminal -----------------------------------------------------------------------


def _table(columns: Sequence[ColumnFacts], width: int) -> Iterator[str]:
    head = ("column", "kind", "dtype", "missing", "in rare", "distinct", "range or top values")
    cells = [
        (
            _cut(plain(column.name), _NAME_WIDTH),
            column.kind,
            _cut(plain(column.dtype), _DTYPE_WIDTH),
            _percent(column.missing),
            _percent(column.missing_rare),
            f"{column.distinct:,}",
            plain(column.summary),
        )
        for column in columns
    ]
    widths = [max(_cells(row[at]) for row in (head, *cells)) for at in range(len(head) - 1)]
    others = sum(widths[1:]) + 2 * len(widths)
    widths[0] = max(min(widths[0], width - others - _SUMMARY_WIDTH), len(head[0]))
    left = width - others - widths[0]
    yield _line(head, widths, left)
    for row, column in zip(cells, columns, strict=True):
        yield _line(row, widths, left)
        if column.remark:
            yield from _wrap(plain(column.remark), width, "    ")


def _line(row: Sequence[str], widths: Sequence[int], left: int) -> str:
    first_number, last = 3, len(widths)
    padded = [
        _pad(_cut(text, wide), wide, right=at >= first_number)
        for at, (text, wide) in enumerate(zip(row[:last], widths, strict=True))
    ]
    return "  ".join([*padded, _cut(row[last], left)]).rstrip()


def _pad(text: str, wide: int, *, right: bool) -> str:
    blank = " " * (wide - _cells(text))
    return blank + text if right else text + blank


def _warning_lines(warnings: Sequence[Suspect], width: int) -> Iterator[str]:
    """Give each text once, after the names of all columns that it is about."""
    names: dict[str, list[str]] = {}
    for suspect in warnings:
        about = names.setdefault(suspect.text, [])
        if suspect.column is not None:
            about.append(plain(suspect.column))
    for text, about in names.items():
        subject = f"{', '.join(about)}: " if about else ""
        first, *more = _wrap(subject + plain(text), width - 2, "  ")
        yield f"- {first.removeprefix('  ')}"
        yield from more


def _rule_lines(rules: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    for text, remark in rules:
        yield f"  --constraint {plain(shlex.quote(text))}"
        yield from _wrap(plain(remark), width, "      ")


def _held(rule: RareRule) -> str:
    """Say in how many rare rows a rule holds, and in what share of the others."""
    rows = f"all {rule.n_known:,}" if rule.is_exact else f"{rule.n_kept:,} of {rule.n_known:,}"
    others = "" if rule.others is None else f", {_share(rule.others)} of the others"
    return f"holds in {rows} rare rows{others} ({rule.remark})"


def _share(share: float) -> str:
    return _percent(share) if share else "none"


def _wrap(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _percent(share: float) -> str:
    if 0 < share < 0.005:  # noqa: PLR2004
        return "<1%"
    if 0.995 <= share < 1:  # noqa: PLR2004
        return ">99%"
    return f"{share:.0%}" if share else "-"


def plain(text: str) -> str:
    """Escape what a terminal would obey: line ends, control and direction characters."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _cells(text: str) -> int:
    """Return how many cells of a terminal a text fills."""
    return sum(_width_of(c) for c in text)


def _width_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, wide: int) -> str:
    """Shorten a text to so many cells."""
    if _cells(text) <= wide:
        return text
    kept, filled = [], 0
    for character in text:
        filled += _width_of(character)
        if filled > wide - 3:
            break
        kept.append(character)
    return f"{''.join(kept).rstrip()}..."


# --- schemas as files ----------------------------------------------------------------------------


def write_schema(schema: Schema, path: str | Path) -> None:
    """Write a schema as JSON that is easily edited by hand: a line for each column.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    data = schema.to_dict()
    parts = [
        f'  "columns": {_json_lines(data["columns"])}',
        f'  "target": {_json(data["target"])}',
        f'  "constraints": {_json_lines(data["constraints"])}',
    ]
    body = ",\n".join(parts)
    write_whole(path, f"{{\n{body}\n}}\n".encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_lines(values: Sequence[Any]) -> str:
    body = ",\n".join(f"    {_json(value)}" for value in values)
    return f"[\n{body}\n  ]" if values else "[]"


def read_schema(path: str | Path) -> Schema:
    """Read what `write_schema` wrote, edited or not.

    Raises
    ------
    SchemaError
        The file cannot be read, is no JSON, or holds what a schema may not.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # some editors put a mark in front
        data = json.loads(text)
    except OSError as error:
        msg = f"cannot read the schema {path}: {error.strerror or error}; name another file"
        raise SchemaError(msg) from None
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{path}, line {error.lineno}, character {error.colno}: this is no JSON ({error.msg}); "
            "mend that line, or the end of the one before it"
        ) from None
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no schema ({type(error).__name__}); save it as JSON in UTF-8"
        raise SchemaError(msg) from None
    try:
        _check_fields(data)
        return Schema.from_dict(data)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def _check_fields(data: Any) -> None:
    """Refuse fields that are misspelt or missing, where they are."""
    _check_names("the schema", data, ("columns", "target"), ("constraints",))
    for name in ("columns", "constraints"):
        if not isinstance(data.get(name, []), list):
            raise SchemaError(f"{name!r} must be a list in [ ], got {data[name]!r}")
    for number, column in enumerate(data["columns"], start=1):
        called = f" ({column['name']!r})" if isinstance(column, dict) and "name" in column else ""
        _check_names(f"column {number}{called}", column, ("name", "dtype", "kind"), ("format",))
    _check_names("the target", data["target"], ("name", "dtype", "rare", "position"), ())


def _check_names(what: str, data: Any, needed: Sequence[str], allowed: Sequence[str]) -> None:
    if not isinstance(data, dict):
        raise SchemaError(f"{what} must be an object in {{ }}, got {data!r}")
    known: Mapping[str, Any] = data
    unknown = [name for name in known if name not in (*needed, *allowed)]
    lacking = [name for name in needed if name not in known]
    if unknown or lacking:
        raise SchemaError(
            f"{what} has unknown fields {unknown} and lacks {lacking}: "
            f"it has {', '.join((*needed, *allowed))}"
        )
