"""Simulated card transactions with five kinds of fraud: raregan's embedded data.

The transactions are drawn in :mod:`raregan.data.traffic`; here they become a table. What an issuer
knows of one (minutes since the last, counts, distances) is computed from the simulated history,
never drawn.
"""

import operator
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from raregan.config import SIMULATED_FRAUDS, SIMULATED_ROWS
from raregan.data.traffic import (
    APPEAL,
    CARD_TYPES,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    DAY,
    DEVICES,
    END,
    HOUR,
    ONLINE,
    RHYTHM,
    SWIPE,
    TYPICAL,
    Bools,
    Events,
    Floats,
    Ints,
    Rng,
    Table,
    World,
    simulate,
)
from raregan.errors import UserError

__all__ = ["SIMULATED_NOTE", "make_card_fraud"]

SIMULATED_NOTE = "Simulated card transactions (raregan.data.simulate): no real person or payment."
"""One line to print wherever the table, or anything learned from it, is shown."""

MIN_ROWS = 100  # fewer say nothing about 28 components
MAX_ROWS = 10_000_000  # the most that was tried: 70 s and 4.6 GB
START = np.datetime64("2025-03-10T00:00:00", "us")  # a fixed Monday keeps runs alike
MEDIAN = 27.0  # amount, of all genuine transactions
PROFILE_NOISE = 0.1  # error of an engineered feature, in its standard deviations
N_COMPONENTS = 28  # as in the public table
BLOCK, TILE = 8_192, 128  # rows that are doubles at once; rows of one matrix product, so small
# that BLAS keeps it on one thread: the same bits on any machine's cores, no waiting for a busy one


def make_card_fraud(
    n_rows: int = SIMULATED_ROWS,
    n_frauds: int = SIMULATED_FRAUDS,
    *,
    features: Literal["pca", "raw"] = "pca",
    random_state: int | Rng = 0,
) -> pl.DataFrame:
    """Simulate two days of card transactions, some of them frauds of five kinds.

    The table is simulated: say so wherever it is shown (`SIMULATED_NOTE`). Both feature sets show
    the same transactions for the same seed.

    Parameters
    ----------
    n_rows, n_frauds
        Rows in all, 100 to 10,000,000, and how many of them are frauds, 0 to `n_rows // 2`.
    features
        `"pca"`: `V1` to `V28`, principal components of standardised engineered features in order
        of variance, and `Amount`, as in the public card-fraud table. `"raw"`: identifiers, text,
        numbers and flags, some missing.
    random_state
        A seed, or a generator, which is advanced.

    Returns
    -------
    polars.DataFrame
        (`n_rows`, 30) or (`n_rows`, 28), in order of time. The last column, `Class` (Int8), is 1
        for a fraud; amounts are euros with two decimals.

    Raises
    ------
    UserError
        If an argument has the wrong type or is out of its range.
    """
    n_rows = _checked_int("n_rows", n_rows, MIN_ROWS, MAX_ROWS)
    n_frauds = _checked_int("n_frauds", n_frauds, 0, n_rows // 2)
    if features not in ("pca", "raw"):
        raise UserError(f"features is {features!r}: give 'pca' or 'raw'.")
    if not isinstance(random_state, np.random.Generator):
        seed = _checked_int("random_state", random_state, 0, 2**128 - 1)
        random_state = np.random.default_rng(seed)
    world, events = simulate(random_state, n_rows, n_frauds)
    known = _known(world, events)
    if features == "pca":
        columns = _components(random_state, _engineered(world, events, known))
        columns["Amount"] = pl.Series(events.amount)
    else:
        columns = _raw(world, events, known)
    columns["Class"] = pl.Series((events.kind > 0).astype(np.int8))
    return pl.DataFrame(columns)


def _checked_int(name: str, value: object, low: int, high: int) -> int:
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not low <= number <= high:
        raise UserError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
    return number


def _known(world: World, events: Events) -> Table:
    """Compute what history tells of each transaction; NaN where nothing came before."""
    time, amount, place = events.time, events.amount, events.place
    order = np.argsort(events.customer, kind="stable")
    follows = np.diff(events.customer[order], prepend=-1) == 0
    before = np.empty_like(order)
    before[order] = np.where(follows, np.roll(order, 1), -1)
    hour_count, _ = _window(events.customer, time, amount, HOUR)
    terminal_count, terminal_sum = _window(events.terminal, time, amount, HOUR)
    day_count, day_sum = _window(events.customer, time, amount, DAY)
    swiped = (events.channel == SWIPE).astype(float)
    _, swipes = _window(events.terminal, time, swiped, HOUR)
    columns = {
        "distance_from_home_km": np.abs(place - world.customers["place"][events.customer]),
        "minutes_since_last": (time - time[before]) / 60,
        "km_from_last": np.abs(place - place[before]),
        "last_amount": amount[before],
        "transactions_last_hour": hour_count,
        "transactions_last_day": day_count,
        "spent_last_day": day_sum,
        "terminal_last_hour": terminal_count,
        "terminal_swipes_last_hour": swipes,
        "terminal_mean_last_hour": terminal_sum / np.where(terminal_count, terminal_count, np.nan),
    }
    for name in ("minutes_since_last", "km_from_last", "last_amount"):
        columns[name][before < 0] = np.nan
    return columns


def _window(group: Ints, time: Ints, amount: Floats, seconds: int) -> tuple[Ints, Floats]:
    """Count and sum each group's earlier transactions of the last `seconds`; `time` is sorted."""
    order = np.argsort(group, kind="stable")
    key = group[order] * (END + DAY) + time[order]  # a day between groups: no window spans two
    first, row = np.searchsorted(key, key - seconds), np.arange(len(key))
    total = np.concatenate([[0.0], np.cumsum(amount[order])])
    count, spent = np.empty_like(order), np.empty(len(order))
    count[order], spent[order] = row - first, (total[row] - total[first]).round(2)
    return count, spent


def _raw(world: World, events: Events, known: Table) -> dict[str, pl.Series]:
    """Lay out the columns that an issuer would export."""
    customer, terminal = events.customer, events.terminal
    customers, terminals = world.customers, world.terminals
    merchant, home = terminals["merchant"], world.cities["country"][customers["city"]]
    countries, usual = pl.Series(list(COUNTRIES)), np.exp(customers["level"])[customer] * MEDIAN
    return {
        "timestamp": pl.Series(START + events.time * np.timedelta64(1_000_000, "us")),
        "hour": pl.Series((events.time // HOUR % 24).astype(np.int8)),
        "customer_id": _ids("C", len(home)).gather(customer),
        "terminal_id": _ids("T", len(merchant)).gather(terminal),
        "merchant_id": _ids("M", int(merchant[-1]) + 1).gather(merchant[terminal]),
        "merchant_category": pl.Series(list(CATEGORIES)).gather(terminals["category"][terminal]),
        "merchant_country": countries.gather(terminals["country"][terminal]),
        "home_country": countries.gather(home[customer]),
        "channel": pl.Series(CHANNELS).gather(events.channel),
        "card_type": pl.Series(CARD_TYPES).gather(customers["card_type"][customer]),
        "device": pl.Series(DEVICES).gather(events.device),
        "amount": pl.Series(events.amount),
        "amount_to_usual": pl.Series((events.amount / usual).round(3)),
        "customer_age": pl.Series(customers["age"][customer], nan_to_null=True),
        "card_age_days": pl.Series(customers["card_age"][customer].astype(np.int32)),
        "credit_limit": pl.Series(customers["limit"][customer]),
        "new_device": pl.Series(_new_device(world, events)),
        **{name: pl.Series(column.round(2), nan_to_null=True) for name, column in known.items()},
    }


def _ids(letter: str, n: int) -> pl.Series:
    return letter + pl.Series(np.arange(n)).cast(pl.String).str.zfill(len(str(n - 1)))


def _engineered(world: World, events: Events, known: Table) -> Iterator[Floats]:
    """Yield what a fraud model would be given; an innocent value stands for a missing one."""
    customers, customer = world.customers, events.customer
    terminals, terminal = world.terminals, events.terminal
    log, amount = np.log1p, np.log1p(events.amount)
    typical = np.log(TYPICAL)[terminals["category"][terminal]]
    seconds = events.time % DAY
    late = np.abs(seconds / HOUR - customers["hour"][customer])
    minutes = np.nan_to_num(known["minutes_since_last"], nan=END / 60)
    moved = np.nan_to_num(known["km_from_last"], nan=5.0)
    distance = np.nan_to_num(known["distance_from_home_km"], nan=15.0)
    home = world.cities["country"][customers["city"]][customer]
    yield amount
    yield amount - customers["level"][customer]
    yield amount - typical - terminals["level"][terminal]
    yield events.amount / customers["limit"][customer]
    yield np.sqrt(events.amount)
    yield np.abs(amount - log(np.nan_to_num(known["last_amount"], nan=20.0)))
    yield log(np.nan_to_num(known["last_amount"], nan=20.0))
    yield events.amount % 1.0
    yield typical
    yield terminals["level"][terminal]
    yield APPEAL[terminals["category"][terminal]]
    yield np.sin(seconds * (2 * np.pi / DAY))
    yield np.cos(seconds * (2 * np.pi / DAY))
    yield np.minimum(late, 24 - late)
    yield np.array(RHYTHM)[seconds // HOUR]
    yield log(minutes)
    yield 1 / (5 + minutes)
    yield known["transactions_last_hour"]
    yield known["transactions_last_day"]
    yield log(known["spent_last_day"])
    yield known["spent_last_day"] / customers["limit"][customer]
    yield log(known["terminal_last_hour"])
    yield amount - log(np.nan_to_num(known["terminal_mean_last_hour"], nan=20.0))
    yield log(np.nan_to_num(known["terminal_mean_last_hour"], nan=20.0))
    yield log(known["terminal_swipes_last_hour"])
    yield log(distance)
    yield np.sqrt(distance)
    yield log(moved)
    yield log(moved / (minutes / 60 + 0.1))
    yield (terminals["country"][terminal] != home).astype(float)
    for channel in range(len(CHANNELS)):
        yield (events.channel == channel).astype(float)
    yield _new_device(world, events).astype(float)
    yield log(customers["card_age"][customer])
    yield np.log(customers["limit"][customer])
    yield np.nan_to_num(customers["age"][customer], nan=45.0)
    yield customers["online"][customer]


def _new_device(world: World, events: Events) -> Bools:
    own = world.customers["device"][events.customer]
    new: Bools = (events.channel == ONLINE) & (events.device != own)
    return new


def _components(rng: Rng, features: Iterator[Floats]) -> dict[str, pl.Series]:
    """Rotate standardised, slightly wrong features to their principal components."""
    rows = [_standardised(rng, feature) for feature in features]
    products = (np.sum(tile @ tile.swapaxes(1, 2), axis=0) for _, tile in _tiles(rows))
    _, vectors = np.linalg.eigh(sum(products) / len(rows[0]))
    loadings = vectors[:, : -N_COMPONENTS - 1 : -1]  # eigh sorts by rising variance
    loadings = loadings * np.sign(loadings[np.abs(loadings).argmax(axis=0), range(N_COMPONENTS)])
    for block, tile in _tiles(rows):  # in place: a block is read before it is written
        scores = (loadings.T @ tile).swapaxes(0, 1).reshape(N_COMPONENTS, BLOCK)
        for row, score in zip(rows, scores, strict=False):
            row[block] = score[: len(row[block])]
    return {
        f"V{i}": pl.Series(rows.pop(0).astype(np.float64).round(6))
        for i in range(1, N_COMPONENTS + 1)
    }


def _tiles(rows: list[npt.NDArray[np.float32]]) -> Iterator[tuple[slice, Floats]]:
    """Yield blocks as (BLOCK / TILE, features, TILE); the last one ends in zeros."""
    for start in range(0, len(rows[0]), BLOCK):
        block = slice(start, start + BLOCK)
        flat = np.zeros((len(rows), BLOCK))
        for target, row in zip(flat, rows, strict=True):
            target[: len(row[block])] = row[block]
        yield block, flat.reshape(len(rows), BLOCK // TILE, TILE).swapaxes(0, 1)


def _standardised(rng: Rng, feature: Floats) -> npt.NDArray[np.float32]:
    """Centre and scale a feature and its error."""
    spread = max(float(feature.std()), 1e-9)  # of a constant one, only the error is left
    wrong: Floats = (feature - feature.mean()) / spread
    wrong += PROFILE_NOISE * rng.standard_normal(len(feature), dtype=np.float32)
    standardised: npt.NDArray[np.float32] = (wrong - wrong.mean()) / wrong.std()
    return standardised.astype(np.float32)
