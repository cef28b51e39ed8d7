"""The rare rows of a table, and what a reader should know of the whole of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from raregan.data.constraints import (
    Constraint,
    check_constraints,
    check_together,
    parse_constraint,
)
from raregan.data.dtypes import dtype_name
from raregan.data.fingerprints import row_hashes
from raregan.data.frames import Origin
from raregan.data.kinds import has_decimal_commas, has_levels, infer_columns, is_written
from raregan.data.rows import FRAME, Rows, choose_rows, known_column, listed
from raregan.data.schema import Column, Schema, Target, show_cell
from raregan.errors import DataError, SchemaError, TooFewRowsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from raregan.data.heldout import HeldOut

MIN_RARE_ROWS = 10
"""Fewer rows say too little of a distribution for a generator to learn one."""

NOT_LEARNED = ("constant", "identifier")
"""Kinds of which a generator learns no more than which cells are missing."""


@dataclass(frozen=True)
class Table:
    """What is learned from, and what is known of where it came from.

    Attributes
    ----------
    rare
        The rare rows in the input's order, features only: those that keep every rule.
    left_out
        The other rare rows, features only: they break a rule, and are not learned from.
    others
        A uniform sample of the other rows, features only; see `raregan.data.rows`.
    other_classes, drawn
        What the target is in these, and which of them are a uniform draw; as many as they are.
    seen
        Identifiers of all rows, not read yet: what is made up must differ from them.
    schema
        What the columns are.
    constraints
        The rules of the schema, parsed.
    n_rows
        Rows of the whole table.
    n_duplicates, n_rare_duplicates
        Rows that are exact copies of an earlier one in the used columns; how many of them are rare.
        Of a table larger than memory, only the rows held are compared.
    fingerprint
        SHA-256 of names, dtypes and content of the rare rows, in hexadecimal.
    source
        The file's name without its folder, or ``"frame"``.
    origin
        Which library the table came from.
    warnings
        One line each, with what to do.
    held_out
        The mark of the rows that were split off to test with, if there is one.
    """

    rare: pl.DataFrame
    left_out: pl.DataFrame
    others: pl.DataFrame
    other_classes: pl.Series
    drawn: pl.Series
    seen: pl.LazyFrame
    schema: Schema
    constraints: tuple[Constraint, ...]
    n_rows: int
    n_duplicates: int
    n_rare_duplicates: int
    fingerprint: str
    source: str
    origin: Origin
    warnings: tuple[str, ...]
    held_out: HeldOut | None = None

    @property
    def n_rare(self) -> int:
        """Rows to learn from."""
        return self.rare.height

    @property
    def n_others(self) -> int:
        """Rows of the other classes in the whole table."""
        return self.n_rows - self.rare.height - self.left_out.height

    def describe_rows(self) -> str:
        """Say in one line what was read."""
        target, n_left_out = self.schema.target, self.left_out.height
        broken = f", {n_left_out:,} of these left out as they break a rule" if n_left_out else ""
        return (
            f"{self.source}: {self.n_rows:,} rows, {self.n_rare + n_left_out:,} of them rare "
            f"({target.name} = {target.rare!r}){broken}"
        )

    def describe(self) -> str:
        """Say in one line what was read, and what becomes of its columns."""
        kinds = [column.kind for column in self.schema.columns]
        n_learned = sum(kind not in NOT_LEARNED for kind in kinds)
        if n_learned == len(kinds):
            return f"{self.describe_rows()}, {n_learned} columns to learn"
        parts = [f"{n_learned} to learn"]
        for kind, fate in (("constant", ""), ("identifier", " made fresh")):
            if n_kind := sum(one == kind for one in kinds):
                parts.append(f"{n_kind} {kind}{'s' if n_kind > 1 else ''}{fate}")
        return f"{self.describe_rows()}, {len(kinds)} columns: {', '.join(parts)}"


def make_table(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    schema: Schema | None = None,
    constraints: Sequence[str] = (),
    source: str = FRAME,
    origin: Origin | None = None,
    held_out: HeldOut | None = None,
) -> Table:
    """Choose target and rare value, check every used column, and keep the rare rows.

    Parameters
    ----------
    frame
        The whole table; see `raregan.data.rows.choose_rows`.
    target, rare, ignore
        As of `raregan.data.rows.choose_rows`.
    kinds
        Kinds by column, where they are not to be inferred; see `raregan.data.kinds`.
    schema
        What the columns are, in place of all inference; `kinds` overrule it.
    constraints
        Rules between columns, added to those of `schema`; see `raregan.data.constraints`. Rare rows
        that break one are left out, if nearly all keep it.
    source
        Where the table came from, for messages.
    origin
        Which library it came from; None: polars.
    held_out
        The mark of rows that were split off to test with.

    Raises
    ------
    DataError
        There are no rows, or no columns to learn but constant ones.
    SchemaError
        A column is not there, is ambiguous, or holds what cannot be learned; more rare rows break
        a rule than `raregan.data.constraints.NEARLY_ALL` allows.
    TooFewRowsError
        There are fewer than `MIN_RARE_ROWS` rare rows.
    """
    target, rare = target_of(schema, target, rare)
    rows = choose_rows(frame, target=target, rare=rare, ignore=ignore, source=source)
    infer = partial(infer_schema, kinds=kinds or {}, schema=schema, constraints=constraints)
    found = infer(rows)
    _refuse_text(rows, found)
    _check_rare(rows, found)
    rules = tuple(parse_constraint(text, found.dtypes, found.formats) for text in found.constraints)
    kept = check_constraints(rows.rare.drop(rows.target), rules)
    left_out = rows.rare.filter(~kept.rows).drop(rows.target)
    if left_out.height:  # what is learned is what counts
        rows = replace(rows, rare=rows.rare.filter(kept.rows))
        found = infer(rows)
        _check_rare(rows, found)
    rare_rows = rows.rare.drop(rows.target)
    n_duplicates = rows.held.height - rows.held.n_unique()
    n_rare_duplicates = rare_rows.height - rare_rows.n_unique()
    return Table(
        rare=rare_rows,
        left_out=left_out,
        others=rows.others.drop(rows.target),
        other_classes=rows.others[rows.target],
        drawn=rows.drawn,
        seen=rows.everything.select(found.identifiers),
        schema=found,
        constraints=rules,
        n_rows=rows.n_rows,
        n_duplicates=n_duplicates,
        n_rare_duplicates=n_rare_duplicates,
        fingerprint=fingerprint(rare_rows),
        source=source,
        origin=origin or Origin(),
        held_out=held_out,
        warnings=(
            *(_warn_of_broken(text) for text in kept.broken),
            *_warnings(rows, found),
            *_warn_of_copies(rows, n_duplicates, n_rare_duplicates, held_out),
        ),
    )


def target_of(schema: Schema | None, target: str | None, rare: Any) -> tuple[str | None, Any]:
    """Return target and rare value as given, or else as the schema has them.

    Its rare value is that of its own target alone.
    """
    if schema is None:
        return target, rare
    target = schema.target.name if target is None else target
    return target, schema.target.rare if rare is None and target == schema.target.name else rare


def infer_schema(
    rows: Rows,
    *,
    kinds: Mapping[str, str],
    schema: Schema | None = None,
    constraints: Sequence[str] = (),
) -> Schema:
    """Return what the columns of these rows are: as given, or else as inferred.

    Parameters
    ----------
    rows
        Rows at hand.
    kinds
        Kinds by column; they go before those of `schema`.
    schema
        Kinds of all columns; where None, they are inferred.
    constraints
        Rules, added to those of `schema`.

    Raises
    ------
    SchemaError
        A column is not there, has another dtype than `schema` says, or holds what its kind cannot;
        a rule is no rule, or two rules do not go together.
    """
    names = [name for name in rows.held.columns if name != rows.target]
    given = dict(kinds)
    for name in given:
        if name == rows.target:
            raise SchemaError(f"{name!r} is the target: it has no kind")
        known_column(names, name)
    if schema is not None:
        check_schema(rows.held.drop(rows.target), schema.columns)
        given = {column.name: column.kind for column in schema.columns} | given
    held, rare = rows.held.drop(rows.target), rows.rare.drop(rows.target)
    columns = infer_columns(held, rare, given)
    if schema is not None:
        columns = keep_formats(columns, schema.columns, held)
    dtype = dtype_name(rows.held.schema[rows.target])
    position = rows.held.get_column_index(rows.target)
    found = Schema(columns, Target(rows.target, dtype, rows.value, position))
    asked = dict.fromkeys([*(schema.constraints if schema is not None else ()), *constraints])
    rules = [parse_constraint(text, found.dtypes, found.formats) for text in asked]
    check_together(rules)
    return replace(found, constraints=tuple(rule.text for rule in rules))


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash names, dtypes and content, in order: the same in any process and polars version."""
    digest = hashlib.sha256()
    for name, dtype in frame.schema.items():
        digest.update(f"{name!r} {dtype_name(dtype)}\n".encode())
    digest.update(row_hashes(frame).astype("<u8").tobytes())
    return digest.hexdigest()


def check_schema(frame: pl.DataFrame, columns: Iterable[Column]) -> None:
    """Refuse features that are not just the columns of a schema, with its dtypes.

    Raises
    ------
    SchemaError
        One is missing, is too many, or has another dtype.
    """
    known = {column.name: column.dtype for column in columns}
    held = {name: dtype_name(dtype) for name, dtype in frame.schema.items()}
    missing = [name for name in known if name not in held]
    extra = [name for name in held if name not in known]
    lacks = []
    if missing:
        lacks.append(
            f"the table lacks {listed(missing)}, or it is ignored: take it out of the schema too"
        )
    if extra:
        lacks.append(f"the schema lacks {listed(extra)}; leave a column out with --ignore")
    if lacks:
        raise SchemaError(f"the schema and the table have different columns: {'; '.join(lacks)}")
    for name, dtype in held.items():
        if known[name] != dtype:
            raise SchemaError(
                f"column {name!r} is of type {dtype}, by the schema of type {known[name]}; cast it"
            )


def keep_formats(
    columns: Iterable[Column], known: Iterable[Column], frame: pl.DataFrame
) -> tuple[Column, ...]:
    """Prefer a schema's reading of 03/04/2024 to the inferred one.

    Parameters
    ----------
    columns
        As inferred.
    known
        As the schema has them.
    frame
        The cells of all of these.

    Raises
    ------
    SchemaError
        A column is not written as the schema says.
    """
    formats = {column.name: column.format for column in known}
    return tuple(_keep_format(one, formats[one.name], frame[one.name]) for one in columns)


def _keep_format(column: Column, written: str | None, cells: pl.Series) -> Column:
    if not written or not column.format:
        return column
    if not is_written(cells.drop_nulls().unique(), written):
        raise SchemaError(
            f"column {column.name!r} is not all dates written as {written!r}, as the schema says; "
            f"they look like {column.format!r}"
        )
    return replace(column, format=written)


def _refuse_text(rows: Rows, schema: Schema) -> None:
    names = [column.name for column in schema.columns if column.kind == "text"]
    commas = [name for name in names if has_decimal_commas(rows.held[name].drop_nulls())]
    if commas:
        raise SchemaError(
            f"{'columns' if commas[1:] else 'column'} {listed(commas)} "
            f"{'hold' if commas[1:] else 'holds'} numbers with a decimal comma: write them with a "
            "point, as in 54.65, and without marks between thousands; or leave out with "
            + " ".join(f"--ignore {name!r}" for name in commas)
        )
    if names:
        hold, them, are = ("hold", "them", "they are") if names[1:] else ("holds", "it", "it is")
        ignored = " ".join(f"--ignore {name!r}" for name in names)
        raise SchemaError(
            f"{'columns' if names[1:] else 'column'} {listed(names)} {hold} free text, which is "
            f"not learned: leave {them} out with {ignored}, or say what {are} with "
            f"--kind {names[0]!r}=categorical (or identifier)"
        )


def _check_rare(rows: Rows, schema: Schema) -> None:
    n_rare, target = rows.rare.height, schema.target
    if n_rare < MIN_RARE_ROWS:
        raise TooFewRowsError(
            f"only {n_rare} of {rows.n_rows:,} rows have {target.name} = {target.rare!r}: "
            f"at least {MIN_RARE_ROWS} are needed; add rows, or choose another value with --rare"
        )
    if all(
        column.kind in NOT_LEARNED and rows.rare[column.name].null_count() in (0, n_rare)
        for column in schema.columns
    ):
        raise DataError(
            f"every column is constant or an identifier in the {n_rare:,} rare rows: there is "
            "nothing to learn; keep a column that varies"
        )


def _has_more(rare: pl.Series, held: pl.Series) -> bool:
    """Say whether a column that is constant in the rare rows has other levels elsewhere."""
    return len(rare) > 0 and has_levels(held)


def _warn_of_broken(told: str) -> str:
    return (
        f"{told}: what breaks a rule is not learned from, and no synthetic row will be like it; "
        "correct these rows, or leave the rule out to learn from them"
    )


def _warn_of_copies(
    rows: Rows, n_duplicates: int, n_rare_duplicates: int, held_out: HeldOut | None
) -> list[str]:
    """Warn of copies, unless a split has kept them on one side already.

    Rows that are alike in the used columns were copies to the split too if it told rows by none but
    these: then all of them are here. If it told them by more, such as a time that is ignored here,
    some may be among its test rows.
    """
    if not n_duplicates:
        return []
    told = (
        f"{n_duplicates:,} of {rows.held.height:,} rows ({n_rare_duplicates:,} of "
        f"{rows.rare.height:,} rare ones) are exact copies of an earlier row"
    )
    if held_out is None:
        why = (
            "in all columns that are used here: keep copies on one side of any split into training "
            "and test rows, or they leak; raregan split does, given the same --ignore"
        )
    elif more := [name for name in held_out.columns if name not in rows.held.columns]:
        why = (
            f"without {listed(more)}, by which this table was split: other copies may be among the "
            "test rows, and leak; split the table anew with the same options, and "
            + " ".join(f"--ignore {name!r}" for name in more)
        )
    else:
        return []
    return [f"{told} {why}"]


def _warnings(rows: Rows, schema: Schema) -> list[str]:
    rare, held = rows.rare, rows.held
    warnings = []
    if 2 * rare.height > rows.n_rows:
        warnings.append(
            f"{rare.height:,} of {rows.n_rows:,} rows, more than half, are rare by "
            f"{schema.target.name} = {schema.target.rare!r}: is it another value? name it by --rare"
        )
    for name in (column.name for column in schema.columns if column.kind == "constant"):
        everywhere = held[name].n_unique() == 1
        where = "every row" if everywhere else "every rare row, though not in the others"
        known = rare[name].drop_nulls()
        value = show_cell(known, 0) if len(known) else "missing"
        more = "; --levels-from all adds the others' levels" if _has_more(known, held[name]) else ""
        warnings.append(
            f"column {name!r} is {value} in {where}: it is kept "
            f"as it is{more}; leave it out with --ignore {name!r} if it should not be"
        )
    if identifiers := schema.identifiers:
        warnings.append(
            f"taken for identifiers: {listed(identifiers)}; they are not learned and come out as "
            f"fresh values of the same shape; to learn one: --kind {identifiers[0]!r}=categorical"
        )
    return warnings
