"""What raregan is measured against: other ways to make rare rows, functions of plain frames.

What a plain frame is, `judges.py` says. A rival learns from `train`, the rare rows, and may look at
`others`; it returns `n` rows, or raises `Absent` where it cannot do with such columns.

Numbers that are whole in all training rows are whole in what is made, as the user of any of them
would round them. Only the copula and "SMOTE with gaps" make missing cells on purpose; for the
others a missing number is the median (a missing category is a level for all).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars import selectors as cs

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_OTHERS = 20_000  # rows of the other class that SMOTE and ADASYN are shown
GAP, GAP_COLUMN = "\0", "\0missing "
PEERS = ("CTGAN", "TVAE")


class Absent(Exception):  # noqa: N818
    """The rival does not take such a table."""


# --- what is missing ------------------------------------------------------------------------------


def filled(frame: pl.DataFrame, train: pl.DataFrame) -> pl.DataFrame:
    """Put the median of the training rows for a missing number, and a level for a category."""
    return frame.with_columns(
        *(pl.col(c).fill_null(train[c].median()) for c in frame.select(cs.numeric()).columns),
        cs.string().fill_null(GAP),
    )


def with_gap_columns(frame: pl.DataFrame, train: pl.DataFrame) -> pl.DataFrame:
    """Add to filled rows a category for each column of numbers that says where one is missing."""
    holed = [c for c in train.select(cs.numeric()).columns if train[c].null_count()]
    marks = [pl.col(c).is_null().cast(pl.String).alias(GAP_COLUMN + c) for c in holed]
    return filled(frame.with_columns(marks), train)


def as_before(made: pl.DataFrame, train: pl.DataFrame) -> pl.DataFrame:
    """Undo both, and round what is whole in the training rows."""
    for mark in (c for c in made.columns if c.startswith(GAP_COLUMN)):
        name = mark.removeprefix(GAP_COLUMN)
        made = made.with_columns(pl.when(pl.col(mark) != "true").then(pl.col(name)).alias(name))
    whole = [c for c in train.select(cs.numeric()).columns if is_whole(train[c])]
    made = made.with_columns(pl.col(whole).round(), cs.string().replace({GAP: None}))
    return made.select(pl.col(c).cast(train[c].dtype) for c in train.columns)


def is_whole(cells: pl.Series) -> bool:
    return bool((cells == cells.round()).all())


# --- the rivals -----------------------------------------------------------------------------------


def training_rows(train: pl.DataFrame, _others: pl.DataFrame, _n: int, _seed: int) -> pl.DataFrame:
    return train


def smote(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Draw between neighbours: SMOTE, or SMOTENC where there are categories."""
    from imblearn.over_sampling import SMOTE, SMOTENC

    categories = [i for i, c in enumerate(train.columns) if train[c].dtype == pl.String]
    if len(categories) == train.width:
        raise Absent("SMOTENC wants at least one number")
    options = {"sampling_strategy": {1: train.height + n}, "random_state": seed}
    options |= {"k_neighbors": min(5, train.height - 1)}
    sampler = SMOTENC(categories, **options) if categories else SMOTE(**options)
    return resampled(sampler, train, others, seed)


def smote_with_gaps(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """SMOTENC, told where numbers are missing, so that it can leave them out too."""
    if not sum(train.select(cs.numeric()).null_count().row(0)):
        raise Absent("no number is missing")
    marked = [with_gap_columns(side, train) for side in (train, others)]
    return as_before(smote(*marked, n, seed), train)


def adasyn(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    from imblearn.over_sampling import ADASYN

    if pl.String in train.dtypes:
        raise Absent("ADASYN takes numbers alone")
    # it rounds row by row, and may make a few too few
    strategy = {1: train.height + n + train.height // 2}
    try:
        made = resampled(ADASYN(sampling_strategy=strategy, random_state=seed), train, others, seed)
    except (RuntimeError, ValueError) as error:
        raise Absent(str(error)) from error
    return made.sample(min(n, made.height), seed=seed)


def resampled(
    sampler: object, train: pl.DataFrame, others: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Return what imbalanced-learn adds to the rare rows, distances over standardised numbers."""
    others = others.sample(min(others.height, MOST_OTHERS), seed=seed)
    sides = [filled(side, train) for side in (train, others)]
    levels = {c: sorted({*sides[0][c], *sides[1][c]}) for c in sides[0].select(cs.string()).columns}
    codes = pl.concat(sides).with_columns(
        pl.col(c).replace_strict(known, range(len(known))) for c, known in levels.items()
    )
    rows = codes.cast(pl.Float64).to_numpy().copy()
    numbers = [i for i, c in enumerate(train.columns) if c not in levels]
    mean, scale = (of(rows[: train.height, numbers], axis=0) for of in (np.mean, np.std))
    scale[scale == 0] = 1
    rows[:, numbers] = (rows[:, numbers] - mean) / scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rare class may end up larger than the other
        labels = np.repeat([1, 0], [train.height, others.height])
        made = sampler.fit_resample(rows, labels)[0][len(rows) :]
    made[:, numbers] = made[:, numbers] * scale + mean
    frame = pl.DataFrame(made, schema=train.columns)
    return as_before(
        frame.with_columns(
            pl.col(c).round().cast(pl.Int64).replace_strict(range(len(known)), known)
            for c, known in levels.items()
        ),
        train,
    )


def copula(train: pl.DataFrame, _others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Gaussian copula: normal scores, a shrunk correlation, empirical quantiles back.

    Levels stand in order of frequency; rows with the same value are put in a random order.
    """
    from scipy.special import ndtr, ndtri
    from sklearn.covariance import LedoitWolf

    rng = np.random.default_rng(seed)
    known = with_gap_columns(train, train)
    levels = {
        c: known[c].value_counts().sort("count", c, descending=[True, False])[c].to_list()
        for c in known.select(cs.string()).columns
    }
    values = known.with_columns(
        pl.col(c).replace_strict(names, range(len(names))) for c, names in levels.items()
    ).to_numpy()
    ranks = np.column_stack(
        [np.argsort(np.lexsort((rng.random(len(cells)), cells))) for cells in values.T]
    )
    covariance = LedoitWolf().fit(ndtri((ranks + 0.5) / len(ranks))).covariance_
    deviations = np.sqrt(np.diag(covariance))
    normal = rng.multivariate_normal(np.zeros(len(covariance)), covariance, n)
    made = {}
    for name, cells, scores in zip(known.columns, values.T, (normal / deviations).T, strict=True):
        method = "inverted_cdf" if name in levels else "linear"
        made[name] = np.quantile(cells, ndtr(scores), method=method)
    return as_before(
        pl.DataFrame(made).with_columns(
            pl.col(c).cast(pl.Int64).replace_strict(range(len(names)), names)
            for c, names in levels.items()
        ),
        train,
    )


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
