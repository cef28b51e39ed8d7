"""What deserves a look before a table is learned from: leaks, hidden missing values and others.

Every finding is of the rows held. What chance could have made is left out: a false alarm costs
the reader more than a hint that is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.data.codes import as_numbers, find_codes
from raregan.data.kinds import has_levels
from raregan.data.rows import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raregan.data.rows import Rows
    from raregan.data.schema import Column, Schema

Floats = npt.NDArray[np.float64]

LEAK_AUC = 0.99
"""A single column that tells the classes apart this well is rarely known in time."""

LEVELS_LEAK_AUC = 0.96
"""By its levels: a copy of the target of which 4 % are wrong. The best honest one known to us, of
nine public tables, has 0.86."""

MIN_CLASS_ROWS = 10
"""With fewer rows of a class, chance separates one column in a table of many."""

FEW_LEVELS = 32
"""So many numbers are taken for codes too where leaks are looked for."""

CHANCE = 0.001
"""Findings that chance makes this often are not told."""

MOSTLY_MISSING = 0.5

TIME_WORDS = frozenset(["time", "timestamp", "datetime", "date", "step", "ts"])
_NO_EVENT = frozenset(["birth", "born", "dob"])
_FILL = "if it means missing, empty those cells"
_KNOWN = "is it known only after the fact? then leave it out with --ignore COLUMN"


@dataclass(frozen=True)
class Suspect:
    """Something that deserves a look.

    Attributes
    ----------
    column
        Name of the column; None where the whole table is meant.
    text
        What was found, and what to do.
    """

    column: str | None
    text: str


def count_values(series: pl.Series) -> pl.DataFrame:
    """Return the distinct values in ascending order and how many ``rows`` hold each.

    Parameters
    ----------
    series
        Any column; its missing values do not count.

    Returns
    -------
    DataFrame
        Columns ``value`` and ``rows``.
    """
    values = series.alias("value").drop_nulls()
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        values = values.cast(pl.String)
    return values.value_counts(name="rows").sort("value")


def find_suspects(
    rows: Rows, schema: Schema, counts: Mapping[str, pl.DataFrame]
) -> tuple[Suspect, ...]:
    """Return what deserves a look, the gravest first.

    Parameters
    ----------
    rows
        The rows held.
    schema
        What their columns are.
    counts
        What `count_values` returns for each feature of ``rows.held``.
    """
    return tuple(
        chain(
            _leaks(rows, schema, counts),
            _only_rare(rows, schema),
            _free_text(schema),
            _identifiers(schema),
            _hidden(rows, schema, counts),
            _constants(rows, schema, counts),
            _mostly_missing(rows, schema),
            _rows_at_fault(rows),
            _times(schema, counts),
        )
    )


def name_words(name: str) -> list[str]:
    """Return the words of a column's name in lower case: `zip_code` and `ZipCode` have two."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


# --- leaks -------------------------------------------------------------------------------------


def _leaks(rows: Rows, schema: Schema, counts: Mapping[str, pl.DataFrame]) -> Iterator[Suspect]:
    """Find single columns that tell the classes apart."""
    if min(rows.rare.height, rows.others.height) < MIN_CLASS_ROWS:
        return
    for column in schema.columns:
        name = column.name
        rare, others = rows.rare[name], rows.others[name]
        if found := _one_sided(rare, others):
            yield Suspect(name, f"{found}: {_KNOWN}")
            continue
        as_number, as_level = _areas(rare, others, column, counts[name].height)
        if as_number >= LEAK_AUC or as_level >= LEVELS_LEAK_AUC:
            yield Suspect(
                name,
                f"nearly a copy of the target: on its own it tells the rare rows from the others "
                f"(AUC {max(as_number, as_level):.3f}): {_KNOWN}",
            )


def _one_sided(rare: pl.Series, others: pl.Series) -> str | None:
    """Say in which class alone a column is filled in, or in which alone it is missing."""
    missing = {"rare": rare.null_count(), "other": others.null_count()}
    sizes = {"rare": rare.len(), "other": others.len()}
    pooled = sum(missing.values()) / sum(sizes.values())
    for one, two in (("rare", "other"), ("other", "rare")):
        if missing[two] == sizes[two] and (pooled ** sizes[two]) < CHANCE and pooled < 1:
            filled = sizes[one] - missing[one]
            return f"filled in only in {one} rows ({filled:,} of {sizes[one]:,})"
        share = missing[one] / sizes[one]
        if not missing[two] and share > MOSTLY_MISSING and (1 - pooled) ** sizes[two] < CHANCE:
            return f"missing only in {one} rows ({missing[one]:,} of {sizes[one]:,})"
    return None


def _areas(
    rare: pl.Series, others: pl.Series, column: Column, n_distinct: int
) -> tuple[float, float]:
    """Return how well a column tells the classes apart, as a number and as levels: 0.5 to 1."""
    as_number = as_level = 0.5
    if not n_distinct:
        return as_number, as_level
    if column.kind in ("continuous", "integer", "datetime", "duration"):
        both = as_numbers(pl.concat([rare, others]), column)
        as_number = _auc_of_numbers(both, rare.len())
    if column.kind in ("categorical", "boolean", "constant") or n_distinct <= FEW_LEVELS:
        as_level = _auc_of_levels(rare, others)
    return as_number, as_level


def _auc_of_numbers(values: pl.Series, n_rare: int) -> float:
    """Return the area under the ROC curve in either direction, missing values lowest or highest."""
    ranks = values.rank("average").to_numpy().astype(np.float64)
    missing = np.isnan(ranks)
    n_missing = int(missing.sum())
    low = np.where(missing, (n_missing + 1) / 2, ranks + n_missing)
    high = np.where(missing, ranks.size - (n_missing - 1) / 2, ranks)
    areas = [_area(placed, n_rare) for placed in ((low, high) if n_missing else (low,))]
    return max(max(area, 1 - area) for area in areas)


def _area(ranks: Floats, n_rare: int) -> float:
    """Area under the ROC curve by Mann and Whitney's statistic; the first ranks are the rare's."""
    above = ranks[:n_rare].sum() - n_rare * (n_rare + 1) / 2
    return float(above / (n_rare * (ranks.size - n_rare)))


def _auc_of_levels(rare: pl.Series, others: pl.Series) -> float:
    """Return the area where a level scores the share of rare rows in the other half of the rows.

    Scored in its own half, a column of many levels would always look like a copy of the target.
    """
    n_rare, n_others = rare.len(), others.len()
    frame = pl.DataFrame(
        {
            "level": pl.concat([rare, others]),
            "half": np.concatenate([np.arange(n_rare) % 2, np.arange(n_others) % 2]).astype(bool),
            "rare": np.arange(n_rare + n_others) < n_rare,
        }
    )
    shares = frame.group_by("level", ~pl.col("half")).agg(score=pl.col("rare").mean())
    scored = frame.join(
        shares, on=["level", "half"], how="left", nulls_equal=True, maintain_order="left"
    )
    scores = scored["score"].fill_null(n_rare / frame.height)
    return _area(scores.rank("average").to_numpy().astype(np.float64), n_rare)


def _only_rare(rows: Rows, schema: Schema) -> Iterator[Suspect]:
    """Find levels of which more rows are rare than chance allows: all of them."""
    share = rows.rare.height / rows.held.height
    for column in schema.columns:
        if column.kind not in ("categorical", "boolean"):
            continue
        name = column.name
        in_rare = rows.rare[name].drop_nulls().alias("value").value_counts(name="rare")
        in_held = rows.held[name].drop_nulls().alias("value").value_counts(name="rows")
        both = in_rare.join(in_held, on="value").filter(pl.col("rare") == pl.col("rows"))
        chance = pl.lit(share).pow(pl.col("rows").cast(pl.Float64)) * in_held.height
        odd = both.filter(chance < CHANCE).sort("rows", "value", descending=[True, False])
        if odd.height:
            levels = odd["value"].cast(pl.String).to_list()
            yield Suspect(
                name,
                f"{listed(levels)} {'are' if levels[1:] else 'is'} found only among the rare rows "
                f"({odd['rows'].sum():,} of them): {_KNOWN}",
            )


# --- hidden missing values ----------------------------------------------------------------------


def _hidden(rows: Rows, schema: Schema, counts: Mapping[str, pl.DataFrame]) -> Iterator[Suspect]:
    """Find values that stand for missing ones."""
    for column in schema.columns:
        for shown, n_rows, why in find_codes(counts[column.name], column):
            said = f"{shown} in {n_rows:,} of {rows.held.height:,} rows{why}: {_FILL}"
            yield Suspect(column.name, said)


# --- what is not learned ------------------------------------------------------------------------


def _free_text(schema: Schema) -> Iterator[Suspect]:
    for name in (column.name for column in schema.columns if column.kind == "text"):
        yield Suspect(
            name,
            "free text, or numbers with a decimal comma, which are not learned: leave it out with "
            "--ignore COLUMN, or say what it is with --kind COLUMN=categorical (or identifier)",
        )


def _identifiers(schema: Schema) -> Iterator[Suspect]:
    for name in (column.name for column in schema.columns if column.kind == "identifier"):
        yield Suspect(
            name,
            "taken for an identifier, so left out of learning and made up afresh in the same "
            "shape; --kind COLUMN=categorical (or integer) learns it",
        )


def _constants(rows: Rows, schema: Schema, counts: Mapping[str, pl.DataFrame]) -> Iterator[Suspect]:
    for name in (column.name for column in schema.columns if column.kind == "constant"):
        column = rows.held[name]
        everywhere = counts[name].height + bool(column.null_count()) <= 1
        what = "the same value" if rows.rare[name].count() else "missing"
        if rows.rare[name].count() and rows.rare[name].null_count():
            what = "one value or none"
        where = "in every row" if everywhere else "in every rare row, though not in the others"
        found = f"{what} {where}: nothing to learn"
        if rows.rare[name].count() and has_levels(column):
            found += ", but for the others' levels with --levels-from all"
        yield Suspect(name, f"{found}; --ignore COLUMN drops it")


def _mostly_missing(rows: Rows, schema: Schema) -> Iterator[Suspect]:
    for name in (column.name for column in schema.columns if column.kind != "constant"):
        rare = rows.rare[name].null_count() / rows.rare.height
        held = rows.held[name].null_count() / rows.held.height
        if rare > MOSTLY_MISSING or held > MOSTLY_MISSING:
            filled = rows.rare.height - rows.rare[name].null_count()
            yield Suspect(
                name,
                f"missing in {rare:.0%} of the rare rows and {held:.0%} of all: its values are "
                f"learned from {filled:,} rows; too few? then --ignore COLUMN",
            )


# --- the table as a whole -----------------------------------------------------------------------


def _rows_at_fault(rows: Rows) -> Iterator[Suspect]:
    """Tell of copies, and of a target that is rare in name only."""
    n_rare = rows.rare.height
    if 2 * n_rare > rows.n_rows:
        yield Suspect(
            None,
            f"{n_rare:,} of {rows.n_rows:,} rows, more than half, are rare by {rows.target} = "
            f"{rows.value!r}: is it another value? name it by --rare",
        )
    n_copies = rows.held.height - rows.held.n_unique()
    n_rare_copies = n_rare - rows.rare.n_unique()
    if n_copies:
        yield Suspect(
            None,
            f"{n_copies:,} of {rows.held.height:,} rows ({n_rare_copies:,} of {n_rare:,} rare "
            "ones) are exact copies of an earlier row: keep copies on one side of any split into "
            "training and test rows (raregan split does), or they leak",
        )


def _times(schema: Schema, counts: Mapping[str, pl.DataFrame]) -> Iterator[Suspect]:
    """Tell of columns that say when a row came about."""
    names = []
    for column in schema.columns:
        words = name_words(column.name)
        named = bool(TIME_WORDS.intersection(words[-1:])) and not _NO_EVENT.intersection(words)
        timed = column.kind == "datetime" or (
            column.kind in ("integer", "continuous")
            and counts[column.name].height > FEW_LEVELS
            and column.dtype != "String"
        )
        if named and timed:
            names.append(column.name)
    for name in names:
        yield Suspect(
            name,
            "a time: a model that is to judge later rows is best tested on later rows, with "
            "raregan split DATA --time-column COLUMN",
        )
