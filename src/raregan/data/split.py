"""Into training and test rows, with nothing on both sides: copies, groups and time kept apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.atomic import make_folder
from raregan.config import SEED, TEST_SHARE
from raregan.data.files import is_part
from raregan.data.fingerprints import row_hashes, value_hashes
from raregan.data.heldout import HeldOut
from raregan.data.kinds import find_date_format
from raregan.data.records import RECORD, write_record
from raregan.data.rows import choose_rows, known_column
from raregan.data.schema import locate
from raregan.data.sinks import ENDINGS, write_frames
from raregan.data.sources import open_source
from raregan.errors import DataError, RareGANWarning, SchemaError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

_DRAWS, _CLOSE, _FAR = 50, 0.005, 0.03
"""Draws of the sides at most; the share that ends them early; the one that is worth a warning."""


def split_rows(
    frame: pl.DataFrame,
    *,
    test: float = TEST_SHARE,
    target: str | None = None,
    rare: Any = None,
    ignore: Iterable[str] = (),
    time_column: str | None = None,
    group: str | None = None,
    random_state: int | np.random.Generator = SEED,
) -> Mask:
    """Say which rows are for testing.

    Rows that are alike in all columns but the target and the ignored ones are copies, and copies
    stay on one side; so does a group, with whatever it shares a copy with. Among such units the
    test side is a systematic sample (Madow, "On the theory of systematic sampling, II", 1949) in
    the order of their rarest target value, rows and chance, so both sides have nearly the same
    share of every target value; the closest of several draws is taken.

    Parameters
    ----------
    frame
        The whole table.
    test
        Share of the rows to test with, between 0 and 1.
    target, rare
        The column whose values both sides get alike, and its value in rare rows, or else the
        rarest.
    ignore
        Columns that do not tell rows apart, such as a row number.
    time_column
        Numbers, instants or ISO text; given one, the latest rows are the test, rows of one moment
        on one side. Copies and groups that reach over the cut go to the training side whole.
    group
        A column such as a customer's number.
    random_state
        A seed, or a generator, which is advanced. Of no effect with `time_column`.

    Returns
    -------
    (n,) array of bool
        True in rows of the test side.

    Raises
    ------
    UserError
        `test` is no share.
    SchemaError
        A column is not there or cannot be used so, or the target is never `rare`.
    DataError
        A time or group is missing, or a side would have no rows, or no rare ones.

    Warns
    -----
    RareGANWarning
        Rows went to the other side with their copies or group; a share is 3 points off.
    """
    if not 0 < test < 1:
        raise UserError(f"the share of test rows must lie between 0 and 1, not at {test!r}")
    dropped = {known_column(frame.columns, name) for name in ignore}
    if target is not None:
        dropped.add(known_column(frame.columns, target))
    units = join_units(frame, dropped, group)
    labels, is_rare = rank_labels(frame, target, rare)
    if time_column is not None:
        test_side = _latest(rank_moments(frame, time_column), units, test)
    else:
        test_side = _drawn(units, labels, is_rare, test, np.random.default_rng(random_state))
    _check_sides(test_side, is_rare)
    compared = {"rows": test_side}
    if target is not None and time_column is None:
        compared["rare rows"] = test_side[is_rare]
    _warn_of_shares(compared, test)
    return test_side


def join_units(frame: pl.DataFrame, dropped: set[str], group: str | None) -> Codes:
    """Give rows that must stay together one number: (n,) codes from 0."""
    kept = frame.drop(dropped)
    if not kept.width:
        raise SchemaError("every column is ignored or the target: there is nothing to tell rows by")
    copies = np.unique(row_hashes(kept), return_inverse=True)[1]
    if group is None:
        return copies
    column = frame[known_column(frame.columns, group)]
    _refuse_missing(column, "a group must be known in every row")
    groups = np.unique(value_hashes(column), return_inverse=True)[1]
    of_copy = np.zeros_like(groups)
    of_copy[copies] = groups
    if (of_copy[copies] == groups).all():
        return groups
    return _connected(copies, groups)


def _connected(copies: Codes, groups: Codes) -> Codes:
    """Join groups that share a copy."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_copies, n_groups = copies.max() + 1, groups.max() + 1
    size = n_copies + n_groups
    links = coo_array((np.ones(len(copies), np.int8), (copies, n_copies + groups)), (size, size))
    joined: Codes = connected_components(links, directed=False)[1][copies]
    return np.unique(joined, return_inverse=True)[1]


def rank_labels(frame: pl.DataFrame, target: str | None, rare: Any) -> tuple[Codes, Mask]:
    """Rank the target's values from the rarest, and say which rows are rare."""
    if target is None:
        return np.zeros(frame.height, dtype=np.int64), np.zeros(frame.height, dtype=bool)
    hashes = value_hashes(frame[target])
    _, codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    labels = np.argsort(np.argsort(counts, kind="stable"))[codes]
    if rare is None:
        return labels, labels == 0
    is_rare = hashes == value_hashes(pl.Series([rare]))[0]
    if not is_rare.any():
        raise SchemaError(f"target {target!r} is never {rare!r}: choose one of its values")
    return labels, is_rare


def _drawn(
    units: Codes, labels: Codes, is_rare: Mask, test: float, rng: np.random.Generator
) -> Mask:
    n_units = int(units.max(initial=-1)) + 1
    rarest = np.full(n_units, len(labels), dtype=np.int64)
    np.minimum.at(rarest, units, labels)
    n_rarest = np.bincount(units[labels == rarest[units]], minlength=n_units)
    n_rows = np.bincount(units, minlength=n_units)
    best, least, rate = np.zeros(len(units), dtype=bool), np.inf, test
    for _ in range(_DRAWS):
        order = np.lexsort((rng.random(n_units), n_rows, n_rarest, rarest))
        chosen = np.zeros(n_units, dtype=bool)
        chosen[order] = np.diff(np.floor(np.arange(n_units + 1) * rate + rng.random())) > 0
        side = chosen[units]
        off = max((_off(part, test) for part in (side, side[is_rare]) if len(part)), default=0)
        if off < least:
            best, least = side, off
        if least <= _CLOSE:
            break
        rate = min(1.0, test * rng.uniform(0.5, 1.5))  # large units take other rates than theirs
    return best


def _off(side: Mask, test: float) -> float:
    """Say how far the share is from the one asked for, beyond the row that no draw can halve.

    An empty side is further away than any other.
    """
    share = float(side.mean())
    return max(abs(share - test) - 1 / len(side), 0.0) + (share in (0, 1))


def rank_moments(frame: pl.DataFrame, name: str) -> Codes:
    """Rank the times: (n,) codes from 1."""
    times = frame[known_column(frame.columns, name)]
    _refuse_missing(times, "a time must be known in every row to split by it")
    if times.dtype == pl.String:
        form = find_date_format(times.unique())
        if form is None:
            raise SchemaError(
                f"time column {name!r} holds text such as {times[0]!r}, not dates of one format: "
                "give it as numbers, or as dates such as 2024-12-31"
            )
        times = times.str.to_datetime(form)
    elif not (times.dtype.is_numeric() or times.dtype.is_temporal()):
        raise SchemaError(f"time column {name!r} is of type {times.dtype}, which holds no times")
    return times.rank("dense").to_numpy().astype(np.int64)


def _latest(moments: Codes, units: Codes, test: float) -> Mask:
    since = np.cumsum(np.bincount(moments)[::-1])[::-1] / max(len(moments), 1)
    if len(since) <= 2:  # noqa: PLR2004
        raise DataError("all rows are of one moment: they cannot be split by time")
    cut = 2 + int(np.argmin(np.abs(since[2:] - test)))  # at 1 all rows would be the test
    earliest = np.full(int(units.max()) + 1, len(since))
    np.minimum.at(earliest, units, moments)
    side: Mask = earliest[units] >= cut
    moved = int(((moments >= cut) & ~side).sum())
    if moved:
        warnings.warn(
            f"{moved:,} late rows went to the training side, where earlier copies or rows of their "
            "group are: the training rows reach into the time of the test by so many",
            RareGANWarning,
            stacklevel=3,
        )
    return side


def _refuse_missing(column: pl.Series, why: str) -> None:
    missing = value_hashes(column) == value_hashes(pl.Series([None]))[0]
    if missing.any():
        where = locate(column, pl.Series(missing))
        raise DataError(f"{where}: {why}; fill it or drop the rows without it")


def _check_sides(test_side: Mask, is_rare: Mask) -> None:
    for part, what in ((test_side, "rows"), (test_side[is_rare], "rare rows")):
        n_test = int(part.sum())
        if (what == "rows" or is_rare.any()) and n_test in (0, len(part)):
            side = "test" if n_test == 0 else "training"
            raise DataError(
                f"the {side} side would have none of the {len(part):,} {what}: ask for another "
                "share, or for another time column or group"
            )


def _warn_of_shares(parts: dict[str, Mask], test: float) -> None:
    for what, part in parts.items():
        if abs(part.mean() - test) > _FAR:
            warnings.warn(
                f"{part.mean():.1%} of the {what} are on the test side, where {test:.1%} were "
                "asked for: copies, groups and moments are too large to come closer",
                RareGANWarning,
                stacklevel=3,
            )


@dataclass(frozen=True)
class Split:
    """The two files of a split.

    Attributes
    ----------
    train, test
        The files.
    rows, rare_rows
        Of the training and of the test side.
    held_out
        The mark of the test side's rows.
    """

    train: Path
    test: Path
    rows: tuple[int, int]
    rare_rows: tuple[int, int]
    held_out: HeldOut

    def describe(self) -> str:
        """Say in one line what was written."""
        return "; ".join(
            f"{path}: {rows:,} rows, {rare:,} of them rare"
            for path, rows, rare in zip(
                (self.train, self.test), self.rows, self.rare_rows, strict=True
            )
        )


def split_file(
    source: Any,
    output: str | Path,
    *,
    query: str | None = None,
    test: float = TEST_SHARE,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    time_column: str | None = None,
    group: str | None = None,
    random_state: int = SEED,
    overwrite: bool = False,
) -> Split:
    """Write the two sides of a table, and beside them the mark by which test rows are known again.

    Parameters
    ----------
    source
        As of `raregan.data.sources.open_source`; the whole table is read into memory.
    output
        A folder, made where needed: ``train`` and ``test`` with the ending of the input
        (``.parquet`` where it has none that can be written), and ``split.json``.
    query
        Where `source` is a database.
    target, rare
        As of `raregan.data.rows.choose_rows`.
    test, ignore, time_column, group, random_state
        As of `split_rows`.
    overwrite
        Whether to replace an older split.

    Raises
    ------
    UserError
        As of `split_rows` and `choose_rows`, or a file is there already or cannot be written.
    """
    folder, ending = Path(output), _ending(source)
    _refuse_existing(source, folder, overwrite=overwrite)
    ignored = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    frame = open_source(source, query=query).collect()
    found = choose_rows(frame, target=target, rare=rare, ignore=ignored)
    options: dict[str, Any] = {"test": test, "target": found.target, "rare": found.value}
    options |= {"ignore": list(ignored), "time_column": time_column, "group": group}
    test_side = split_rows(frame, **options, random_state=random_state)
    sides = [frame.filter(~test_side), frame.filter(test_side)]
    is_rare = value_hashes(frame[found.target]) == value_hashes(pl.Series([found.value]))[0]
    rare_rows = (int((is_rare & ~test_side).sum()), int((is_rare & test_side).sum()))
    columns = [name for name in frame.columns if name not in ignored]
    held_out = HeldOut.of(sides[1], columns)
    split = Split(
        train=folder / f"train{ending}",
        test=folder / f"test{ending}",
        rows=(sides[0].height, sides[1].height),
        rare_rows=rare_rows,
        held_out=held_out,
    )
    _write(split, sides, {"seed": random_state, "options": options})
    return split


def _ending(source: Any) -> str:
    name = Path(source).name.lower() if isinstance(source, str | Path) else ""
    return next((e for e in ENDINGS if name.removesuffix(".gz").endswith(e)), ".parquet")


def _refuse_existing(source: Any, folder: Path, *, overwrite: bool) -> None:
    places = [folder / f"{side}{e}" for side in ("train", "test") for e in ENDINGS]
    places.append(folder / RECORD)
    if isinstance(source, str | Path) and any(is_part(source, place) for place in places):
        raise DataError(
            f"{source} would be written over by its own split, or read with it the next time: "
            "name another folder"
        )
    there = [path for path in places if path.exists()]
    if there and not overwrite:
        raise DataError(f"{there[0]} is there already: name another folder, or use --overwrite")


def _write(split: Split, sides: list[pl.DataFrame], given: dict[str, Any]) -> None:
    """Write the mark first: at no time is there a training file without it."""
    record: dict[str, Any] = dict(given)
    for side, path, rows, rare in zip(
        ("train", "test"), (split.train, split.test), split.rows, split.rare_rows, strict=True
    ):
        record[side] = {"file": path.name, "rows": rows, "rare_rows": rare}
    folder = split.train.parent
    make_folder(folder)
    for old in (folder / f"{s}{e}" for s in ("train", "test") for e in ENDINGS):
        old.unlink(missing_ok=True)
    write_record(folder, record, split.held_out)
    for path, side_rows in zip((split.train, split.test), sides, strict=True):
        write_frames([side_rows], path)
