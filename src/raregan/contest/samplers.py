"""Makers of rare rows: all learn from training rows alone, as plain frames (`features.py`).

A sampler takes the rare rows `train` and the others, which it may look at, and returns `n` rows in
an order of chance, so that the first of them are a fair draw too. Numbers that are whole in all
training rows are whole in what is made, as a user of any of them would round them. Only the copula
and raregan's variants make missing cells on purpose; for the others a missing number is the median,
and a missing category is a level like any other.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars import selectors as cs

from raregan.contest.features import GAP, by_frequency, mean_and_scale
from raregan.data.constraints import check_together, parse_constraint
from raregan.data.dtypes import dtype_name
from raregan.data.schema import Schema, Target
from raregan.errors import RareGANError, UserError
from raregan.gans.variants import refuse_foreign_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from raregan.data.schema import Column

MOST_OTHERS = 20_000
"""Rows of the other class that the SMOTE family is shown."""

NEIGHBORS = 5
"""Of a row, that lines are drawn to (Chawla et al., "SMOTE", JAIR 2002, section 4.2)."""

GAP_COLUMN = "\0missing "

_SET = ("variant", "target", "rare", "ignore", "kinds", "schema", "constraints", "random_state")
"""Options of `raregan.RareGAN` that the contest sets."""


class UnsuitedError(RareGANError):
    """A contestant cannot do with such rows or columns; the message says why."""


# --- what is missing ------------------------------------------------------------------------------


def filled(frame: pl.DataFrame, train: pl.DataFrame) -> pl.DataFrame:
    """Put the median of the training rows for a missing number, and a level for a category."""
    medians = {c: train[c].median() or 0.0 for c in frame.select(cs.numeric()).columns}
    return frame.with_columns(
        *(pl.col(c).fill_null(middle) for c, middle in medians.items()),
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
    """Say whether all numbers that are there are whole."""
    return bool((cells == cells.round()).all())


# --- copies, lines, neighbours --------------------------------------------------------------------


def copies(train: pl.DataFrame, _others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Draw training rows again, each as often as any other, but for a last round by chance."""
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(train.height) for _ in range(-(-n // train.height))]
    return train[np.concatenate(rounds)[:n]]


def smote(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Draw between neighbours: SMOTE, SMOTENC where there are categories, SMOTEN of these alone."""
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    categories = [i for i, c in enumerate(train.columns) if train[c].dtype == pl.String]
    options = _asked(train, n, seed) | {"k_neighbors": _neighbors(train)}
    if len(categories) == train.width:
        sampler = SMOTEN(**options)
    else:
        sampler = SMOTENC(categories, **options) if categories else SMOTE(**options)
    return _resampled(sampler, train, others, n, seed)


def borderline_smote(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Draw between rare rows whose neighbours are mostly others (Han, Wang and Mao, ICIC 2005)."""
    from imblearn.over_sampling import BorderlineSMOTE

    _refuse_categories(train, "Borderline-SMOTE")
    options = _asked(train, n, seed) | {"k_neighbors": _neighbors(train)}
    return _resampled(BorderlineSMOTE(**options), train, others, n, seed)


def adasyn(train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Draw more between rare rows that have more others around (He et al., IJCNN 2008)."""
    from imblearn.over_sampling import ADASYN

    _refuse_categories(train, "ADASYN")
    # it rounds row by row, and may make a few too few
    options = _asked(train, n + train.height // 2, seed) | {"n_neighbors": _neighbors(train)}
    return _resampled(ADASYN(**options), train, others, n, seed)


def _asked(train: pl.DataFrame, n: int, seed: int) -> dict[str, Any]:
    return {"sampling_strategy": {1: train.height + n}, "random_state": seed}


def _neighbors(train: pl.DataFrame) -> int:
    if train.height < 2:  # noqa: PLR2004
        raise UnsuitedError("one rare row has no neighbour to draw a line to")
    return min(NEIGHBORS, train.height - 1)


def _refuse_categories(train: pl.DataFrame, name: str) -> None:
    if pl.String in train.dtypes:
        raise UnsuitedError(f"{name} takes numbers alone, and there are categories")


def _resampled(
    sampler: Any, train: pl.DataFrame, others: pl.DataFrame, n: int, seed: int
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
    mean, scale = mean_and_scale(rows[: train.height, numbers])
    rows[:, numbers] = (rows[:, numbers] - mean) / scale
    labels = np.repeat([1, 0], [train.height, others.height])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the rare class may end up larger than the other
            made = sampler.fit_resample(rows, labels)[0][len(rows) :]
    except (RuntimeError, ValueError) as error:
        raise UnsuitedError(str(error).splitlines()[0]) from error
    if not len(made):
        raise UnsuitedError("no rare row stands where it would make new ones")
    made[:, numbers] = made[:, numbers] * scale + mean
    frame = pl.DataFrame(made, schema=train.columns)
    decoded = frame.with_columns(
        pl.col(c).round().cast(pl.Int64).replace_strict(range(len(known)), known)
        for c, known in levels.items()
    )
    return as_before(decoded.sample(min(n, frame.height), shuffle=True, seed=seed), train)


# --- models ---------------------------------------------------------------------------------------


def copula(train: pl.DataFrame, _others: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Gaussian copula: normal scores, a shrunk correlation, empirical quantiles back.

    Levels stand in order of frequency; rows with the same value are put in a random order.
    """
    from scipy.special import ndtr, ndtri
    from sklearn.covariance import LedoitWolf

    rng = np.random.default_rng(seed)
    known = with_gap_columns(train, train)
    levels = {c: by_frequency(known[c]) for c in known.select(cs.string()).columns}
    values = known.with_columns(
        pl.col(c).replace_strict(names, range(len(names))) for c, names in levels.items()
    ).to_numpy()
    ranks = np.column_stack(
        [np.argsort(np.lexsort((rng.random(len(cells)), cells))) for cells in values.T]
    )
    covariance = LedoitWolf().fit(ndtri((ranks + 0.5) / len(ranks))).covariance_
    deviations = np.sqrt(np.diag(covariance))
    deviations[deviations == 0] = 1  # of one row alone
    normal = rng.multivariate_normal(np.zeros(len(covariance)), covariance, n)
    made = {}
    for name, cells, scores in zip(known.columns, values.T, (normal / deviations).T, strict=True):
        if name in levels:
            made[name] = np.quantile(cells, ndtr(scores), method="inverted_cdf")
        else:
            made[name] = np.quantile(cells, ndtr(scores), method="linear")
    return as_before(
        pl.DataFrame(made).with_columns(
            pl.col(c).cast(pl.Int64).replace_strict(range(len(names)), names)
            for c, names in levels.items()
        ),
        train,
    )


def check_options(
    variants: Iterable[str], options: Mapping[str, Any], columns: Sequence[Column]
) -> None:
    """Refuse options of `learn_variant` that no training on such columns could take.

    Raises
    ------
    UserError
        `raregan.RareGAN` has no such option, the contest sets it, a variant would ignore it, or its
        value is out of range; of ``constraints``, one is no rule of these columns.
    """
    from raregan.synthesizer import RareGAN

    dtypes = {column.name: column.polars_dtype for column in columns}
    formats = {column.name: column.format for column in columns if column.format is not None}
    rules = [parse_constraint(text, dtypes, formats) for text in options.get("constraints", ())]
    check_together(rules)
    free = [name for name in RareGAN().get_params() if name not in _SET]
    for name in options:
        if name not in (*free, "constraints"):
            raise UserError(
                f"options has {name!r}; of RareGAN it takes {', '.join(free)}: all else is said to "
                "compare itself"
            )
    for variant in variants:
        refuse_foreign_options(variant, options)


def learn_variant(
    variant: str,
    rare: pl.DataFrame,
    others: pl.DataFrame,
    n: int,
    seed: int,
    *,
    columns: Iterable[Column],
    options: Mapping[str, Any],
) -> pl.DataFrame:
    """Train a variant of raregan and sample from it.

    Parameters
    ----------
    variant
        One of `raregan.VARIANTS`.
    rare, others
        Training rows as the table holds them, *not* plain: so are the rows that are returned.
    n, seed
        How many rows; what fixes them.
    columns
        What they are, but for those that are constant in these rare rows.
    options
        Others of `raregan.RareGAN`; see `check_options`.

    Raises
    ------
    UnsuitedError
        The rows cannot be learned from: there are too few, for instance.
    """
    from raregan.errors import RareGANWarning, TrainingDivergedError
    from raregan.synthesizer import RareGAN

    target = "\0is rare"
    told = [
        replace(one, kind="constant", format=None)
        if rare[one.name].drop_nulls().n_unique() <= 1
        else one
        for one in columns
    ]
    rows = pl.concat([rare, others]).with_columns(
        pl.Series(target, np.repeat([True, False], [rare.height, others.height]))
    )
    schema = Schema(tuple(told), Target(target, dtype_name(rows.schema[target]), True, rare.width))
    gan = RareGAN(variant=variant, schema=schema, random_state=seed, **options)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RareGANWarning)  # told of the whole table, once
            made: pl.DataFrame = gan.fit(rows).sample(n)
    except (UserError, TrainingDivergedError) as error:
        raise UnsuitedError(str(error)) from error
    return made.select(rare.columns)
