"""The table of a contest: target, features, and what is known of them before any fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from polars import selectors as cs

from raregan.data.kinds import infer_columns
from raregan.data.records import read_split
from raregan.data.rows import Rows, choose_rows, known_column
from raregan.data.sources import open_source
from raregan.data.table import check_schema, keep_formats, target_of
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raregan.contest.scores import Vector
    from raregan.data.heldout import HeldOut
    from raregan.data.schema import Column, Schema

UNUSED = ("identifier", "text", "constant")
"""Kinds of columns that no classifier is given."""


class Arena(NamedTuple):
    """The table, and what is known of its columns.

    Attributes
    ----------
    source
        Its name.
    frame
        All rows and columns; NaN is null.
    rows
        Which rows are rare.
    columns
        The features.
    held_out
        The mark that a split left.
    """

    source: str
    frame: pl.DataFrame
    rows: Rows
    columns: tuple[Column, ...]
    held_out: HeldOut | None

    @property
    def not_features(self) -> list[str]:
        """Columns that are neither features nor the target."""
        features = {column.name for column in self.columns} | {self.rows.target}
        return [name for name in self.frame.columns if name not in features]

    def amounts(self, name: str | None) -> Vector | None:
        """Return the cells of a column of amounts, (n,) float64; None where none is named.

        Raises
        ------
        SchemaError
            It holds something else than numbers of at least 0.
        """
        if name is None:
            return None
        cells = self.frame[known_column(self.frame.columns, name, self.source)]
        if not cells.dtype.is_numeric() or cells.null_count() or (cells < 0).any():
            raise SchemaError(
                f"amount column {name!r} must hold a number of at least 0 in every row: fill it, "
                "or name another"
            )
        return cells.cast(pl.Float64).to_numpy()


def read_arena(
    source: Any,
    *,
    query: str | None,
    target: str | None,
    rare: Any,
    ignore: tuple[str, ...],
    kinds: Mapping[str, str] | None,
    schema: Schema | None,
    apart: tuple[str, ...],
) -> Arena:
    """Read a table, and choose target, rare value and features.

    Parameters
    ----------
    source, query, target, rare, ignore, kinds, schema
        As of `raregan.contest.comparison.compare`.
    apart
        Columns by which rows are kept apart: no features.

    Raises
    ------
    DataError
        The table cannot be read, or a column is not there, cannot be used so, or is not as the
        schema says.
    """
    found = open_source(source, query=query)
    frame = found.collect().with_columns(cs.float().fill_nan(None))
    for name in apart:
        known_column(frame.columns, name, found.name)
    target, rare = target_of(schema, target, rare)
    rows = choose_rows(frame, target=target, rare=rare, ignore=ignore, source=found.name)
    if rows.target in apart:
        raise SchemaError(f"{rows.target!r} is the target: rows cannot be kept apart by it")
    features = rows.held.select(n for n in rows.held.columns if n not in (rows.target, *apart))
    known = () if schema is None else [one for one in schema.columns if one.name not in apart]
    if schema is not None:
        check_schema(features, known)
    given: dict[str, str] = {one.name: one.kind for one in known if one.kind != "constant"}
    given |= {known_column(frame.columns, n, found.name): k for n, k in (kinds or {}).items()}
    whole = frame.select(features.columns)
    columns = infer_columns(whole, whole, {n: k for n, k in given.items() if n in whole.columns})
    if schema is not None:
        columns = keep_formats(columns, known, whole)
    used = tuple(column for column in columns if column.kind not in UNUSED)
    if not used:
        raise SchemaError("there is no column to tell rare rows by: all are constant, ids or text")
    return Arena(found.name, frame, rows, used, read_split(source))
