"""All classes of a table, for variants that learn from every one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from raregan.config import SEED
from raregan.data.kinds import infer_columns
from raregan.data.table import MIN_RARE_ROWS
from raregan.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from raregan.data.schema import Column, Schema, TargetValue
    from raregan.data.table import Table

MAX_A_CLASS = 5_000
"""Rows of each other class: they lend the rare ones their structure, and more lend no more."""


@dataclass(frozen=True)
class ClassRows:
    """The rows of several classes.

    Attributes
    ----------
    frame
        Features: first all rare rows, then those of each other class.
    labels
        (n,) the number of each row's class.
    classes
        The target's values by that number, the rare one first.
    schema
        That of the table, but for columns that are constant in the rare rows alone.
    warnings
        One line each.
    """

    frame: pl.DataFrame
    labels: NDArray[np.intp]
    classes: tuple[TargetValue, ...]
    schema: Schema
    warnings: tuple[str, ...] = ()

    @property
    def n_rare(self) -> int:
        """How many rows are of the rare class."""
        return int(np.sum(self.labels == 0))


def rare_only(table: Table) -> ClassRows:
    """Return the rare rows of a table."""
    labels = np.zeros(table.rare.height, np.intp)
    return ClassRows(table.rare, labels, (table.schema.target.rare,), table.schema)


def every_class(table: Table) -> ClassRows:
    """Return the rows of every class that has enough of them, at most `MAX_A_CLASS` of the others.

    Rows that break a rule are left out: rules are stated of rare rows.

    Raises
    ------
    DataError
        No other class has `MIN_RARE_ROWS` rows.
    """
    target, others = table.schema.target, table.others
    keeps = [rule.holds(others) for rule in table.constraints]
    kept = pl.select(pl.all_horizontal(pl.lit(True), *keeps)).to_series()
    values = table.other_classes
    values = values.cast(pl.String) if isinstance(target.rare, str) else values
    parts, classes, few = [table.rare], [target.rare], []
    rng = np.random.default_rng(SEED)
    for value in values.unique().sort().to_list():
        rows = others.filter((values == value) & kept)
        if rows.height < MIN_RARE_ROWS:
            few.append(value)
            continue
        if rows.height > MAX_A_CLASS:
            rows = rows[np.sort(rng.choice(rows.height, MAX_A_CLASS, replace=False))]
        parts.append(rows)
        classes.append(value)
    if len(classes) == 1:
        raise DataError(
            f"only one class has {MIN_RARE_ROWS} rows and more: a variant that learns every class "
            "needs two; choose another with --variant"
        )
    frame = pl.concat(parts)
    warnings = [
        f"{target.name} = {value!r} has fewer than {MIN_RARE_ROWS} rows at hand: it is not learned"
        for value in few
    ]
    labels = np.repeat(np.arange(len(parts)), [part.height for part in parts])
    return ClassRows(frame, labels, tuple(classes), _schema(table.schema, frame), tuple(warnings))


def _schema(schema: Schema, frame: pl.DataFrame) -> Schema:
    """Take columns that are constant in the rare rows alone for what they are in all of these."""
    varied = [
        column.name
        for column in schema.columns
        if column.kind == "constant" and frame[column.name].drop_nulls().n_unique() > 1
    ]
    part = frame.select(varied)
    found = {column.name: _learnable(column) for column in infer_columns(part, part, {})}
    return replace(schema, columns=tuple(found.get(c.name, c) for c in schema.columns))


def _learnable(column: Column) -> Column:
    return replace(column, kind="categorical") if column.kind == "text" else column
