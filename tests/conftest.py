"""Shared by all tests: a small table, a model trained on it for a moment, the real data."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from raregan.data.table import Table, make_table
from raregan.judging import c2st
from raregan.synthesizer import RareGAN

settings.register_profile("raregan", deadline=None)  # a first example may compile a program
settings.load_profile("raregan")

QUICK: dict[str, Any] = {"evidence": False, "solver_steps": 2}
"""Options of a fit that is not the point: the default variant, a quarter of the time."""

NUMBERS: dict[str, Any] = {"epochs": 3, "batch_size": 32, "random_state": 5, "solver_steps": 2}
"""Options of :func:`gan`."""


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


RULES = ("opened <= closed", "part_a + part_b == total", "city,country", "count < 12")
"""Rules that every row of :func:`mixed_frame` keeps."""


def mixed_frame(n_rows: int = 500, n_rare: int = 100) -> pl.DataFrame:
    """Every kind of column, missing cells, dates, an identifier, and the rules of `RULES`."""
    rng = np.random.default_rng(1)
    place = np.arange(n_rows)
    rare = rng.permutation(place < n_rare)
    city = rng.integers(0, 6, n_rows)
    part_a, part_b = rng.integers(0, 900, n_rows), rng.integers(1, 50, n_rows) * 10
    opened = rng.integers(-9_000, 18_000, n_rows)  # days from 1970
    gone = rng.random(n_rows) < 0.3
    frame = pl.DataFrame(
        {
            "case": [f"C{code:07d}" for code in rng.choice(10**7, n_rows, replace=False)],
            "amount": np.where(
                rng.random(n_rows) < 0.2, 0, np.round(rng.exponential(50, n_rows), 2)
            ),
            "count": pl.Series(rng.poisson(3, n_rows) % 12, dtype=pl.Int16),
            "city": np.array(["Oslo", "Bergen", "R\u00f6ros", "Lund", "Malm\u00f6", ""])[city],
            "country": np.array(["NO", "NO", "NO", "SE", "SE", "??"])[city],
            "Class": rare.astype(np.int8),
            "channel": np.where(rare, rng.choice(["web", "app"], n_rows), "branch"),
            "opened": pl.Series(opened, dtype=pl.Int32).cast(pl.Date),
            "closed": pl.Series(opened + rng.integers(0, 400, n_rows), dtype=pl.Int32).cast(
                pl.Date
            ),
            "seen": pl.Series(rng.integers(0, 10**6, n_rows) * 1_000)
            .cast(pl.Datetime("ms"))
            .dt.replace_time_zone("Europe/Berlin", non_existent="null", ambiguous="earliest"),
            "took": pl.Series(rng.integers(1, 10**5, n_rows)).cast(pl.Duration("ms")),
            "flag": rng.random(n_rows) < 0.3,
            "part_a": part_a,
            "part_b": part_b,
            "total": part_a + part_b,
        },
    )
    together = pl.when(pl.Series(gone)).then(None)
    return frame.with_columns(
        together.otherwise(pl.col("amount")).alias("amount"),
        together.otherwise(pl.col("seen")).alias("seen"),
        pl.when(pl.Series(rng.random(n_rows) < 0.1))
        .then(None)
        .otherwise(pl.col("channel"))
        .alias("channel"),
        pl.col("flag").cast(pl.String).cast(pl.Enum(["true", "false", "never"])).alias("level"),
    )


@pytest.fixture(scope="session")
def mixed() -> pl.DataFrame:
    return mixed_frame()


@pytest.fixture(scope="session")
def mixed_table(mixed: pl.DataFrame) -> Table:
    return make_table(mixed, constraints=RULES)


@pytest.fixture(scope="session")
def mixed_gan(mixed_table: Table) -> RareGAN:
    return RareGAN(epochs=2, batch_size=32, random_state=5, **QUICK).fit(mixed_table)


@pytest.fixture(scope="session")
def frame() -> pl.DataFrame:
    return rare_frame()


@pytest.fixture(scope="session")
def table(frame: pl.DataFrame) -> Table:
    return make_table(frame)


@pytest.fixture(scope="session")
def gan(table: Table) -> RareGAN:
    return RareGAN(**NUMBERS).fit(table)


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell tables apart in a twentieth of the time."""
    monkeypatch.setattr(c2st, "C2ST_TREES", 10)


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("RAREGAN_DATA")
    if not folder:
        pytest.skip("RAREGAN_DATA is not set: it names the folder of real tables")
    return Path(folder)
