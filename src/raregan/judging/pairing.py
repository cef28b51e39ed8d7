"""Real and synthetic tables as they lie on disk become rows of one class, without their target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from raregan.data.rows import (
    USUAL_TARGETS,
    choose_rows,
    has_value,
    known_column,
    listed,
    match_value,
)
from raregan.data.sources import open_source, read_frame, read_table
from raregan.errors import DataError

if TYPE_CHECKING:
    from raregan.data.table import Table


class Paired(NamedTuple):
    """What is judged.

    Attributes
    ----------
    real, synthetic
        Rows of the rare class, with the same columns. Identifiers are left out, as those of
        synthetic rows differ by intent. Real rows that break a rule are in.
    holdout, others
        Held-out rows of the rare class, and a uniform draw of those of the other classes; None:
        there are none.
    constraints
        Rules that were given, of the columns that are judged.
    table
        Where `real` and `others` are from.
    """

    real: pl.DataFrame
    synthetic: pl.DataFrame
    holdout: pl.DataFrame | None
    others: pl.DataFrame | None
    constraints: tuple[str, ...]
    table: Table


def pair_tables(
    real: Any, synthetic: Any, holdout: Any = None, *, query: str | None = None, **choices: Any
) -> Paired:
    """Take the rare rows of each table, and the other rows of the real one.

    Columns are not judged yet, but the real table is read as for training, and refused as there.

    Parameters
    ----------
    real, query, choices
        As `raregan.data.sources.read_table`.
    synthetic, holdout
        As of `raregan.data.sources.read_frame`. They may hold the target: synthetic rows then with
        its rare value alone, and of the held-out ones the rare are taken.

    Raises
    ------
    DataError
        A table cannot be read, synthetic rows are not all rare, or no held-out row is; of the real
        table also as `raregan.data.table.make_table`.
    """
    try:
        table = read_table(real, query=query, **choices)
    except DataError as error:
        if _is_swapped(real, synthetic, query, choices):
            raise DataError(
                f"{error}. Are the tables swapped? {_name(synthetic, 'synthetic')} has rare and "
                "other rows: REAL comes first, then SYNTHETIC"
            ) from error
        raise
    rows, target = read_frame(synthetic), table.schema.target
    if n_others := rows.height - _rare_rows(rows, table).height:
        values = listed(rows[target.name].unique().sort().to_list())
        raise DataError(
            f"{_name(synthetic, 'synthetic')} has {n_others:,} rows that are not {target.name} = "
            f"{target.rare!r} (it is {values} there): REAL comes first, then rows of its rare class"
        )
    learned = [name for name in table.schema.names if name not in table.schema.identifiers]
    names = [known_column(rows.columns, name, _name(synthetic, "synthetic")) for name in learned]
    return Paired(
        real=pl.concat([table.rare, table.left_out]).select(names),
        synthetic=rows.select(names),
        holdout=None if holdout is None else _rare_of(holdout, table, names),
        others=table.others.filter(table.drawn).select(names) if table.others.height else None,
        constraints=tuple(
            rule.text for rule in table.constraints if set(rule.columns) <= set(names)
        ),
        table=table,
    )


def refuse_classes(real: pl.DataFrame, synthetic: pl.DataFrame) -> None:
    """Refuse a real table of two classes beside synthetic rows of one.

    Raises
    ------
    DataError
        A column of a usual target's name has two values in the real rows, and one or none in the
        synthetic ones.
    """
    for name in real.columns:
        if name.lower() not in USUAL_TARGETS or real[name].drop_nulls().n_unique() != 2:  # noqa: PLR2004
            continue
        if name not in synthetic.columns or synthetic[name].n_unique() == 1:
            raise DataError(
                f"the real rows have two values of {name!r}, the synthetic ones do not: are they "
                f"of two classes? judge the rare one with target={name!r} (--target), or give the "
                "rows of one class without this column"
            )


def _rare_of(holdout: Any, table: Table, names: list[str]) -> pl.DataFrame:
    """Read the held-out rare rows; a table without the target holds nothing else."""
    rows, name = read_frame(holdout), _name(holdout, "held-out")
    if not (rare := _rare_rows(rows, table)).height:
        target = table.schema.target
        raise DataError(
            f"{name} has no rows with {target.name} = {target.rare!r}: --holdout takes rare rows "
            "that were not learned from, such as the test part of raregan split"
        )
    return rare.select([known_column(rows.columns, one, name) for one in names])


def _rare_rows(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the rows with the target's rare value: all of them, where the target is not there."""
    target = table.schema.target
    if target.name not in rows.columns:
        return rows
    values = rows[target.name].drop_nulls().unique().to_list()
    meant = [value for value in values if _is_same(value, target.rare)]
    return rows.filter(has_value(target.name, meant[0])) if meant else rows.clear()


def _is_same(one: Any, other: Any) -> bool:
    """Say whether two tables mean the same by these, either of which may be text."""
    return match_value(one, [other]) is not None or match_value(other, [one]) is not None


def _name(source: Any, which: str) -> str:
    return str(source) if isinstance(source, str | Path) else f"the {which} table"


def _is_swapped(real: Any, synthetic: Any, query: str | None, choices: dict[str, Any]) -> bool:
    """Say whether the second table can be told to be the real one, and the first can not.

    Synthetic rows hold no target, or one with nothing but its rare value.
    """
    named = {key: choices[key] for key in ("target", "rare", "ignore") if key in choices}
    try:
        target = choose_rows(open_source(synthetic).table, **named).target
        first = open_source(real, query=query)
        if target in first.frame.collect_schema():
            return first.collect(first.frame.select(pl.col(target).unique())).height == 1
    except DataError:
        return False
    return True
