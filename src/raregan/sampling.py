"""From latent noise to rows of the user's table; NumPy and polars only."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from raregan.config import plain_seed
from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raregan.data.schema import Schema
    from raregan.encoding.encoder import TableEncoder
    from raregan.gans.frozen import FrozenGenerator

BLOCK_ROWS = 8_192
"""Rows drawn together. Part of the meaning of a seed: another size gives other rows."""


@dataclass(frozen=True)
class Sampler:
    """A trained generator with the way back to a table.

    Row i of a seed is the same however many rows are asked for, and however many threads draw
    them: rows are drawn in blocks of `BLOCK_ROWS`, block b from the stream
    ``SeedSequence(seed, spawn_key=(b,))``.
    """

    schema: Schema
    encoder: TableEncoder
    generator: FrozenGenerator

    def sample(self, n: int, *, seed: int) -> pl.DataFrame:
        """Return `n` synthetic rows, columns in the order and dtypes of the input table.

        Parameters
        ----------
        n : int
            How many, at least 1.
        seed : int
            Fixes the rows.

        Raises
        ------
        UserError
            If `n` is not a whole number of at least 1, or `seed` none of at least 0.
        """
        return pl.concat(list(self.blocks(n, seed=seed)))

    def blocks(self, n: int, *, seed: int) -> Iterator[pl.DataFrame]:
        """Yield `n` synthetic rows in frames of at most `BLOCK_ROWS`, drawn by several threads.

        At most a few blocks exist at a time: memory does not grow with `n`. Until the last block is
        drawn, or the iterator closed, BLAS is held to one thread in the whole process.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise UserError(f"the number of samples must be a whole number of at least 1, got {n}")
        return self._stream(int(n), plain_seed(seed))

    def _stream(self, n: int, seed: int) -> Iterator[pl.DataFrame]:
        last = (n - 1) // BLOCK_ROWS
        workers = min(os.cpu_count() or 1, last + 1)
        numbers = iter(range(last + 1))
        # Threads of BLAS beside ours would fight for the same cores.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
            pending = deque(
                pool.submit(self._block, number, seed) for number in islice(numbers, workers + 1)
            )
            while pending:
                frame = pending.popleft().result()
                pending.extend(pool.submit(self._block, b, seed) for b in islice(numbers, 1))
                yield frame.head(n)
                n -= frame.height

    def _block(self, number: int, seed: int) -> pl.DataFrame:
        """Draw a whole block, even where less is asked for.

        The last bit of a matrix product can depend on its number of rows, and a row must not.
        """
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        shape = (BLOCK_ROWS, self.generator.latent_dim)
        latent = rng.standard_normal(shape, dtype=np.float32)
        return self.schema.add_target(self.encoder.decode(self.generator(latent)))
