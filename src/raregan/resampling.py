"""A table with synthetic rows added: its own rows first, as they are, and streamed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from raregan.data.conversions import Conversion, Stored
from raregan.data.dtypes import parse_dtype
from raregan.data.heldout import refuse_held_out
from raregan.data.kinds import find_date_format, is_written
from raregan.data.records import refuse_test_files
from raregan.data.rows import has_value, listed
from raregan.data.sources import Source, open_source
from raregan.errors import SchemaError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from raregan.data.schema import Column, Target
    from raregan.modelfile import Model
    from raregan.sampling import Acceptance


def rows_to_add(ratio: float, n_rare: int, n_others: int) -> int:
    """Return how many rows bring a table to `ratio` rare rows for one of the others.

    Raises
    ------
    UserError
        The table has as many already, or `ratio` is no positive number.
    """
    if not 0 < ratio < math.inf:
        raise UserError(f"a ratio must be a positive number, got {ratio!r}")
    n = round(ratio * n_others) - n_rare
    if n < 1:
        now = n_rare / n_others if n_others else math.inf
        raise UserError(
            f"the table has {n_rare:,} rare rows for {n_others:,} others, a ratio of "
            f"{now:.4g}: ask for more than that, not {ratio:g}"
        )
    return n


def refuse_mark(mark: str | None, table: Source) -> None:
    """Refuse to mark synthetic rows in a column that the table has.

    Raises
    ------
    SchemaError
        It has a column called `mark`.
    """
    if mark is not None and mark in table.frame.collect_schema():
        raise SchemaError(f"the table has a column {mark!r} already: choose another name")


@dataclass(frozen=True)
class Addition:
    """Synthetic rows to be added to a table.

    Parameters
    ----------
    model : Model
        What draws them.
    source : str or Path
        The table that gets them; it may have columns that the model ignored.
    query : str, optional
        Where `source` is a database.
    """

    model: Model
    source: str | Path
    query: str | None = None

    @cached_property
    def _table(self) -> Source:
        return open_source(self.source, query=self.query)

    @cached_property
    def _written(self) -> Source:
        """The table again, cells of text files as they are written."""
        return open_source(self.source, query=self.query, as_text=True)

    @property
    def name(self) -> str:
        """The table's name: of a database its own, without the address."""
        return self._table.name

    def count_classes(self) -> tuple[int, int]:
        """Return how many rows of the table are rare, and how many are not."""
        target = self.model.sampler.schema.target
        self._refuse_another_table([target.name])  # or stores what is no value of its type
        frame = self._table.frame
        is_rare = has_value(target.name, target.rare)
        counts = self._table.collect(frame.select(rare=is_rare.sum(), rows=pl.len()))
        n_rare, n_rows = (int(n) for n in counts.row(0))
        return n_rare, n_rows - n_rare

    def rows_for(self, ratio: float) -> int:
        """Return how many rows bring the table to `ratio` rare rows for one of the others.

        Raises
        ------
        UserError
            The table has as many already, or `ratio` is no positive number.
        """
        return rows_to_add(ratio, *self.count_classes())

    def refuse_held_out(self) -> None:
        """Refuse a table that holds rows which were split off to test with.

        Raises
        ------
        DataError
            It holds such rows, or one of its files is the test file of a split.
        SchemaError
            A column is not what was learned, so that rows cannot be told by it.
        """
        refuse_test_files(self.source)
        if self.model.held_out is None:
            return
        apart = [found for found in self._conversions.values() if found.hashes_apart]
        batches = (
            batch.with_columns([found.to_learned(batch[found.name]) for found in apart])
            for batch in self._table.batches()
        )
        refuse_held_out(batches, self.model.held_out, self.name)

    def frames(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[str, Any] | None = None,
        label: Any = None,
        acceptance: Acceptance | None = None,
        mark: str | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Yield the table's rows, cells of text files as they are written, then `n` synthetic ones.

        Columns that the model ignored are missing in synthetic rows; the others are stored as the
        table stores them, dates in its way of writing. The first synthetic rows are drawn before
        anything is yielded: what is wrong with them is known at once.

        Parameters
        ----------
        n, seed, conditions, label, acceptance
            As of `raregan.sampling.Sampler.blocks`.
        mark : str, optional
            Name of a further Boolean column that says which rows are synthetic.

        Raises
        ------
        SchemaError
            The table lacks a column that the model makes, stores one as something else, or has a
            column called `mark`.
        """
        self._refuse_another_table(self._made)
        refuse_mark(mark, self._written)
        rows = self.model.sampler.blocks(
            n, seed=seed, label=label, conditions=conditions, acceptance=acceptance
        )
        return self._stream(rows, mark)

    def _refuse_another_table(self, needed: Iterable[str]) -> None:
        if missing := [name for name in needed if name not in self._conversions]:
            raise SchemaError(
                f"{self.name} lacks {listed(missing)}, which the model has learned from "
                f"{self.model.provenance['source']}: name a table with its columns, or train a "
                "model on this one"
            )

    def _stream(self, rows: Iterator[pl.DataFrame], mark: str | None) -> Iterator[pl.DataFrame]:
        first = self._fitted(next(rows))
        for original in self._written.batches():
            yield _marked(original, mark, synthetic=False)
        for block in chain([first], map(self._fitted, rows)):
            yield _marked(block, mark, synthetic=True)

    def _fitted(self, block: pl.DataFrame) -> pl.DataFrame:
        """Return synthetic rows with the columns of the table as it stores them."""
        columns = []
        for name, dtype in self._written.frame.collect_schema().items():
            if name not in self._conversions:
                columns.append(pl.Series(name, [None], dtype).new_from_index(0, block.height))
                continue
            cells = self._conversions[name].to_table(block[name]).cast(dtype)
            spelled = self._spelled.get(name)
            columns.append(cells if spelled is None else cells.replace(spelled))
        return pl.DataFrame(columns)

    @cached_property
    def _made(self) -> dict[str, Column | Target]:
        """What the model makes, by name."""
        schema = self.model.sampler.schema
        columns: tuple[Column | Target, ...] = (*schema.columns, schema.target)
        return {column.name: column for column in columns}

    @cached_property
    def _conversions(self) -> dict[str, Conversion]:
        """How learned columns are stored in the table, by name; those that it lacks left out."""
        found = {}
        for name in self._table.frame.collect_schema().names():
            if (column := self._made.get(name)) is not None:
                learned = Stored(parse_dtype(column.dtype), getattr(column, "format", None))
                found[name] = Conversion(name, learned, self._stored(column, learned))
        return found

    def _stored(self, column: Column | Target, learned: Stored) -> Stored:
        """Find how the table stores a column; as it was learned, where that cannot be told."""
        frame = self._table.frame
        stored = Stored(frame.collect_schema()[column.name])
        in_text_file = self._written.frame.collect_schema()[column.name] != stored.dtype
        if in_text_file and learned.dtype.is_float() and stored.dtype.is_integer():
            # a text file holds whole numbers until one comes that is none
            return stored if getattr(column, "kind", "integer") == "integer" else learned
        if not stored.is_text or (learned.is_text and learned.form is None):
            return stored
        cells = pl.col(column.name).cast(pl.String).drop_nulls()
        distinct = self._table.collect(frame.select(cells.unique(maintain_order=True))).to_series()
        if not len(distinct):
            return stored if isinstance(learned.dtype, pl.Duration) else learned
        if learned.form is not None and is_written(distinct, learned.form):
            return Stored(stored.dtype, learned.form)
        return Stored(stored.dtype, find_date_format(distinct))

    @cached_property
    def _spelled(self) -> dict[str, dict[str, str]]:
        """How a text file writes true and false, by column."""
        schema = self._table.frame.collect_schema()
        spelled = {}
        for name, dtype in self._written.frame.collect_schema().items():
            if name in self._conversions and schema[name] == pl.Boolean != dtype:
                cells = self._written.frame.select(pl.col(name).drop_nulls().unique())
                texts = self._written.collect(cells).to_series().to_list()
                spelled[name] = {text.lower(): text for text in sorted(texts)}
        return spelled


def _marked(frame: pl.DataFrame, mark: str | None, *, synthetic: bool) -> pl.DataFrame:
    return frame if mark is None else frame.with_columns(pl.lit(synthetic).alias(mark))
