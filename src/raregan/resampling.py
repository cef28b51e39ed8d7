"""A table with synthetic rows added: its own rows first, as they are, and streamed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from raregan.data.heldout import refuse_held_out
from raregan.data.rows import has_value, known_column, listed
from raregan.data.sources import Source, open_source
from raregan.errors import SchemaError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from raregan.modelfile import Model
    from raregan.sampling import Acceptance


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

    @property
    def name(self) -> str:
        """The table's name: of a database its own, without the address."""
        return self._table.name

    def count_classes(self) -> tuple[int, int]:
        """Return how many rows of the table are rare, and how many are not."""
        target = self.model.sampler.schema.target
        frame = self._table.frame
        name = known_column(frame.collect_schema().names(), target.name)
        is_rare = has_value(name, target.rare)
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
        if not 0 < ratio < math.inf:
            raise UserError(f"a ratio must be a positive number, got {ratio!r}")
        n_rare, n_others = self.count_classes()
        n = round(ratio * n_others) - n_rare
        if n < 1:
            now = n_rare / n_others if n_others else math.inf
            raise UserError(
                f"the table has {n_rare:,} rare rows for {n_others:,} others, a ratio of "
                f"{now:.4g}: ask for more than that, not {ratio:g}"
            )
        return n

    def refuse_held_out(self) -> None:
        """Raise a `DataError` where the table holds rows that were split off to test with."""
        if self.model.held_out is not None:
            refuse_held_out(self._table.batches(), self.model.held_out, self.name)

    def frames(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[str, Any] | None = None,
        acceptance: Acceptance | None = None,
        mark: str | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Yield the table's rows, cells of text files as they are written, then `n` synthetic ones.

        Columns that the model ignored are missing in synthetic rows.

        Parameters
        ----------
        n, seed, conditions, acceptance
            As of `raregan.sampling.Sampler.blocks`.
        mark : str, optional
            Name of a further Boolean column that says which rows are synthetic.

        Raises
        ------
        SchemaError
            The table lacks a column that the model makes, or has a column called `mark`.
        """
        source = open_source(self.source, query=self.query, as_text=True)
        schema = source.frame.collect_schema()
        made = (*self.model.sampler.schema.names, self.model.sampler.schema.target.name)
        if missing := [name for name in made if name not in schema]:
            raise SchemaError(f"the table lacks {listed(missing)}, which the model has learned")
        if mark in schema:
            raise SchemaError(f"the table has a column {mark!r} already: choose another name")
        rows = self.model.sampler.blocks(n, seed=seed, conditions=conditions, acceptance=acceptance)
        return self._stream(source, schema, rows, mark)

    def _stream(
        self,
        source: Source,
        schema: pl.Schema,
        rows: Iterator[pl.DataFrame],
        mark: str | None,
    ) -> Iterator[pl.DataFrame]:
        columns = [
            pl.col(name).cast(dtype) if name in self._made else pl.lit(None, dtype).alias(name)
            for name, dtype in schema.items()
        ]
        for original in source.batches():
            yield _marked(original, mark, synthetic=False)
        for block in rows:
            yield _marked(block.select(columns), mark, synthetic=True)

    @property
    def _made(self) -> frozenset[str]:
        schema = self.model.sampler.schema
        return frozenset((*schema.names, schema.target.name))


def _marked(frame: pl.DataFrame, mark: str | None, *, synthetic: bool) -> pl.DataFrame:
    return frame if mark is None else frame.with_columns(pl.lit(synthetic).alias(mark))
