"""Shared by all tests: a small table, a model trained on it for a moment, the real data."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from raregan.data.table import Table, make_table
from raregan.synthesizer import RareGAN


def rare_frame(n_rows: int = 400, n_rare: int = 80) -> pl.DataFrame:
    """Correlated floats, an integer, a money column with two decimals; `Class` not last."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, 4))
    return pl.DataFrame(
        {
            "a": base[:, 0],
            "b": base[:, 1].astype(np.float32),
            "Class": (np.arange(n_rows) < n_rare).astype(np.int8),
            "count": rng.poisson(3, n_rows),
            "Amount": np.round(rng.exponential(50, n_rows), 2),
        }
    )


@pytest.fixture(scope="session")
def frame() -> pl.DataFrame:
    return rare_frame()


@pytest.fixture(scope="session")
def table(frame: pl.DataFrame) -> Table:
    return make_table(frame)


@pytest.fixture(scope="session")
def gan(table: Table) -> RareGAN:
    return RareGAN(epochs=3, batch_size=32, random_state=5).fit(table)


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("RAREGAN_DATA")
    if not folder:
        pytest.skip("RAREGAN_DATA is not set: it names the folder of real tables")
    return Path(folder)
