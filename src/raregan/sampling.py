"""From latent noise to rows of the user's table; NumPy and polars only."""

from __future__ import annotations

import math
import os
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from raregan.config import plain_seed
from raregan.data.constraints import Constraint, parse_constraint
from raregan.data.rows import listed, match_value
from raregan.encoding.fields import BLOCK_ROWS, Draw
from raregan.errors import LowAcceptanceError, UserError
from raregan.gans.conditions import asks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raregan.data.schema import Schema, TargetValue
    from raregan.encoding.encoder import TableEncoder
    from raregan.gans.frozen import Frozen

MIN_ACCEPTANCE = 0.01
"""Where fewer of the drawn rows keep all rules and conditions, sampling ends."""

_BLOCKS_JUDGED = 4
"""The first blocks, by which that is judged, however many rows are asked for: a model and a seed
answer alike for any number. Of a true 1 % these blocks show 0.06 points more or less."""

_KEPT_BEFORE_GOING_ON = math.ceil(MIN_ACCEPTANCE * _BLOCKS_JUDGED * BLOCK_ROWS)


@dataclass
class Acceptance:
    """How many of the drawn rows kept all rules and conditions.

    Attributes
    ----------
    drawn, kept
        Rows so far. `kept` may be more than were asked for.
    broken
        How many drawn rows broke a rule, by its text; a row can break several.
    """

    drawn: int = 0
    kept: int = 0
    broken: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Share of the drawn rows that were kept, in [0, 1]; 1 before any was drawn."""
        return self.kept / self.drawn if self.drawn else 1.0

    def describe(self) -> str:
        """Say in one line what was kept, and which rules cost the most."""
        worst = ", ".join(
            f"{text!r} ({share / self.drawn:.2%})" for text, share in self.broken.most_common(3)
        )
        return (
            f"{self.kept:,} of {self.drawn:,} drawn rows ({self.rate:.2%}) keep all rules and "
            f"conditions{f'; broken most: {worst}' if worst else ''}"
        )


@dataclass(frozen=True)
class Sampler:
    """A trained generator with the way back to a table.

    Row i of a seed is the same however many rows are asked for, and however many threads draw
    them: rows are drawn in blocks of `BLOCK_ROWS`, block b from the stream
    ``SeedSequence(seed, spawn_key=(b,))``. Rows that break a rule or a condition are left out, and
    further ones drawn.
    """

    schema: Schema
    encoder: TableEncoder
    generators: Mapping[TargetValue, Frozen]
    """By class: what draws its rows; the rare one first."""

    @property
    def generator(self) -> Frozen:
        """What draws rare rows."""
        return next(iter(self.generators.values()))

    def find_class(self, label: Any) -> TargetValue:
        """Return the class that is meant by a value, which may be text.

        Raises
        ------
        UserError
            If no generator draws its rows.
        """
        classes = tuple(self.generators)
        if label is None:
            return classes[0]
        found = match_value(label, classes)
        if found is None:
            raise UserError(
                f"this model makes rows of {self.schema.target.name} = {listed(classes)}, not "
                f"{label!r}; a variant that learns every class (cgan, cwgan-gp) makes others too"
            )
        return found

    def sample(
        self,
        n: int,
        *,
        seed: int,
        label: Any = None,
        conditions: Mapping[str, Any] | None = None,
        acceptance: Acceptance | None = None,
    ) -> pl.DataFrame:
        """Return `n` synthetic rows, columns in the order and dtypes of the input table.

        Parameters and errors are those of :meth:`blocks`.
        """
        blocks = self.blocks(
            n, seed=seed, label=label, conditions=conditions, acceptance=acceptance
        )
        return pl.concat(list(blocks))

    def blocks(
        self,
        n: int,
        *,
        seed: int,
        label: Any = None,
        conditions: Mapping[str, Any] | None = None,
        acceptance: Acceptance | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Yield `n` synthetic rows in frames of at most `BLOCK_ROWS`, drawn by several threads.

        At most a few blocks exist at a time: memory does not grow with `n`. Until the last block is
        drawn, or the iterator closed, BLAS is held to one thread in the whole process.

        Parameters
        ----------
        n : int
            How many, at least 1.
        seed : int
            Fixes the rows.
        label : bool, int, float or str, optional
            The class whose rows are made; the rare one. As text, a value of any dtype.
        conditions : mapping, optional
            Category by column: only such rows are kept. As text, a category of any dtype. One that
            the generator learned as a condition is asked of it, and none of its rows is lost.
        acceptance : Acceptance, optional
            Counts what was drawn and kept; a new one.

        Raises
        ------
        UserError
            If `n` is not a whole number of at least 1, `seed` none of at least 0, no row of the
            class is made, or a condition is on no column of categories or on a category that was
            never seen.
        LowAcceptanceError
            If fewer than `MIN_ACCEPTANCE` of the first four blocks keep all rules and conditions;
            before any row is yielded.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise UserError(f"the number of samples must be a whole number of at least 1, got {n}")
        wanted = self.encoder.find_levels({} if conditions is None else conditions)
        source = self._source(self.find_class(label), plain_seed(seed), wanted)
        return self._stream(int(n), source, acceptance or Acceptance())

    def _source(self, label: TargetValue, seed: int, wanted: Mapping[str, Any]) -> _Source:
        generator = self.generators[label]
        number = list(self.generators).index(label)
        asks = [ask.place_and_category for ask in asks_of(self.encoder.layout)] if wanted else []
        for name, value in wanted.items():
            place = self.encoder.place_of(name, value)
            asked = generator.asked(asks.index(place)) if place in asks else None
            if asked is not None:
                generator = asked
                break
        return _Source(generator, label, (number,) if number else (), seed, wanted)

    @cached_property
    def _rules(self) -> tuple[Constraint, ...]:
        known = (self.schema.dtypes, self.schema.formats)
        return tuple(parse_constraint(text, *known) for text in self.schema.constraints)

    def _stream(self, n: int, source: _Source, acceptance: Acceptance) -> Iterator[pl.DataFrame]:
        last = (n - 1) // BLOCK_ROWS
        exact = not (self._rules or source.wanted)
        workers = min(os.cpu_count() or 1, last + 1)
        numbers = iter(range(last + 1) if exact else count())
        # Threads of BLAS beside ours would fight for the same cores.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
            pending = deque(
                pool.submit(self._block, number, source)
                for number in islice(numbers, workers + 1 if exact else workers)
            )
            held_back: list[pl.DataFrame] = []
            is_judged = exact
            while n > 0 or not is_judged:
                frame, broken = pending.popleft().result()
                pending.extend(pool.submit(self._block, b, source) for b in islice(numbers, 1))
                acceptance.drawn += BLOCK_ROWS
                acceptance.kept += frame.height
                acceptance.broken.update(broken)
                held_back.append(frame)
                is_judged = is_judged or _is_enough(acceptance)
                while is_judged and held_back and n > 0:
                    rows = held_back.pop(0)
                    if rows.height:
                        yield rows.head(n)
                    n -= rows.height
            for waiting in pending:
                waiting.cancel()

    def _block(self, number: int, source: _Source) -> tuple[pl.DataFrame, Counter[str]]:
        """Draw a whole block, even where less is asked for, and leave out what breaks a rule.

        The last bit of a matrix product can depend on its number of rows, and a row must not.
        """
        stream = np.random.SeedSequence(source.seed, spawn_key=(number, *source.stream))
        shape = (BLOCK_ROWS, source.generator.latent_dim)
        latent = np.random.default_rng(stream).standard_normal(shape, dtype=np.float32)
        draw = Draw(number * BLOCK_ROWS, source.seed)
        rows = self.encoder.decode(source.generator(latent), draw)
        holds = dict(self._judge(rows, source.wanted))
        broken = Counter({text: int((~kept).sum()) for text, kept in holds.items()})
        if holds:
            rows = rows.filter(pl.DataFrame(holds).select(pl.all_horizontal(pl.all())).to_series())
        return self.schema.add_target(rows, source.label), +broken

    def _judge(
        self, rows: pl.DataFrame, wanted: Mapping[str, Any]
    ) -> Iterator[tuple[str, pl.Series]]:
        """Yield each rule and condition, and which of the rows keep it."""
        for rule in self._rules:
            yield rule.text, rule.holds(rows)
        for total in self.encoder.totals:
            yield f"{total.low:g} <= {total.name} <= {total.high:g}", total.in_range(rows)
        for name, value in wanted.items():
            yield f"{name} = {value}", rows[name].eq_missing(value)


class _Source(NamedTuple):
    """Where rows come from, and which are kept."""

    generator: Frozen
    label: TargetValue
    stream: tuple[int, ...]
    """Beside the block, what its noise depends on: rows of two classes have nothing in common."""
    seed: int
    wanted: Mapping[str, Any]


def _is_enough(acceptance: Acceptance) -> bool:
    """Say whether the rows kept are enough to go on, if that can be said yet."""
    if acceptance.kept >= _KEPT_BEFORE_GOING_ON:
        return True
    if acceptance.drawn >= _BLOCKS_JUDGED * BLOCK_ROWS:
        raise LowAcceptanceError(
            f"only {acceptance.describe()}: fewer than {MIN_ACCEPTANCE:.0%} is too few to go on; "
            "loosen a rule or condition, or train longer"
        )
    return False
