"""What raregan is measured against: other ways to make rare rows, functions of plain frames.

What a plain frame is, `judges.py` says. A rival learns from `train`, the rare rows, and may look at
`others`; it returns `n` rows, or raises `UnsuitedError` where it cannot do with such columns. Those
that a contest is held with too are in `raregan.contest.samplers`.

Numbers that are whole in all training rows are whole in what is made, as the user of any of them
would round them. Only the copula and "SMOTE with gaps" make missing cells on purpose; for the
others a missing number is the median (a missing category is a level for all).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars import selectors as cs

from raregan.contest.samplers import (
    UnsuitedError,
    adasyn,
    as_before,
    copula,
    filled,
    is_whole,
    smote,
    with_gap_columns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = ("CTGAN", "TVAE")


# --- the rivals -----------------------------------------------------------------------------------


def training_rows(train: pl.DataFrame, _others: pl.DataFrame, _n: int, _seed: int) -> pl.DataFrame:
    return train


def smote_with_gaps(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """SMOTENC, told where numbers are missing, so that it can leave them out too."""
    if not sum(train.select(cs.numeric()).null_count().row(0)):
        raise UnsuitedError("no number is missing")
    marked = [with_gap_columns(side, train) for side in (train, others)]
    return as_before(smote(*marked, n, seed), train)


RIVALS: dict[str, Callable[[pl.DataFrame, pl.DataFrame, int, int], pl.DataFrame]] = {
    "training rows": training_rows,
    "SMOTE": smote,
    "SMOTE with gaps": smote_with_gaps,
    "ADASYN": adasyn,
    "Gaussian copula": copula,
}


def peer(
    name: str, python: str, train: pl.DataFrame, *, n: int, seed: int, epochs: int | None
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Run `peers.py` with another Python; return its rows and the seconds it took."""
    known = filled(train, train)
    whole = [c for c in known.select(cs.numeric()).columns if is_whole(known[c])]
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{what}.parquet") for what in ("train", "made")]
        known.with_columns(pl.col(whole).cast(pl.Int64)).write_parquet(paths[0])
        command = [python, str(Path(__file__).with_name("peers.py")), name, *paths]
        command += [str(n), str(seed), *([str(epochs)] if epochs is not None else [])]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"{name}: {(ended.stderr.strip() or 'no word').splitlines()[-1]}")
        made = pl.read_parquet(paths[1])
    return as_before(made, train), json.loads(ended.stdout.splitlines()[-1])
