"""Two days of simulated card traffic: a world, customers with habits, five kinds of fraud.

Nothing here is, or is derived from, real data. Customers with habits use terminals in cities;
thieves then add their transactions, an incident at a time. Units: seconds, kilometres, euros; a
place is a complex number, east + north * 1j.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.complex128]
Table: TypeAlias = dict[str, npt.NDArray[Any]]  # columns of one length
Rng: TypeAlias = np.random.Generator

HOUR, DAY, END = 3_600, 86_400, 2 * 86_400
RHYTHM = (8, 5, 3, 2, 2, 4, 12, 30, 48, 55, 58, 66, 78, 70, 60, 58, 64, 78, 84, 72, 52, 38, 26, 15)
"""Relative traffic in each hour of the day."""
ROWS_PER_CUSTOMER = 8  # two busy days
ROWS_PER_SHOP, ROWS_PER_WEB_SHOP = 60, 400  # web shops are fewer and busier
SHOPS_PER_MERCHANT = 3  # neighbouring terminals belong to one chain
CITY_SPREAD, HOME_SPREAD, SHOP_SPREAD, ONLINE_SPREAD = 90.0, 9.0, 6.0, 15.0  # km, one axis
FAVOURITES = np.array([4, 2])  # shops and web shops where a customer always goes ...
FAVOURITE_SHARE = 0.65  # ... with this share of purchases
POPULARITY = 1.8  # u**1.8 picks a terminal: few of them take most of the traffic
TRAVELLERS = 0.03  # of customers are away for the two days: they look like stolen cards
FOLLOW_UPS, FOLLOW_UP_GAP = 0.12, 900  # share that are a next stop on one trip, as in a spree
HABIT_SHARE, HABIT_SPREAD = 0.5, 2.0  # share around the customer's own hour; its spread, hours
UNKNOWN_AGE = 0.08  # of customers did not give their age
UNKNOWN_PLACE, RELAYED = 0.15, 0.04  # of online purchases: not located; seen in another city
SWIPED = 0.03  # of purchases in shops fall back to the magnetic stripe
OWN_DEVICE, IMITATED_DEVICE = 0.95, 0.15  # online purchases that show the customer's device
THIEF_SEEN = 0.8  # of a thief's online purchases show the thief's place
LEVEL_SPREAD = 0.5  # of the log of what customers spend, relative to others
YOUNG, YOUNG_LEVEL = 25, -0.3  # those younger spend less
ONLINE_SHARE = (2.4, 5.6)  # parameters of the Beta distribution of customers' online shares
ELDER, ELDER_ONLINE = 45, 0.6  # factor of the online share of those older
AGE, LIMIT = (3.2, 9.0), (7.8, 0.4)  # Gamma (years after 18) and log-normal (euros, of level 0)
RUSH_HOURS, RUSH_SHARES = (8.0, 12.5, 18.0, 21.0), (0.2, 0.3, 0.35, 0.15)  # customers' own hours
ACTIVITY = 1.5  # shape of the Gamma distribution of customers' traffic: few make much of it
CARD_LIFE = 700.0  # days, mean age of a card
CONTACTLESS_LIMIT, CONTACTLESS_SHARE = 50.0, 0.7  # euros; share of what lies below
ROUND_PRICES, CHARM_PRICES = 0.20, 0.15  # shares of amounts such as 30.00 and 29.99
DEPOSITS, FREE = 0.03, 0.005  # amounts of 1.00 and, among them, 0.00
TESTED_WITH_1, TESTED_WITH_0 = 0.4, 0.08  # of card tests; others draw Gamma(1.5), mean 2.25
MERCHANT_SPREAD = 0.3  # of the log price level between merchants of one category

CHANNELS = ("contactless", "chip", "swipe", "online")
CONTACTLESS, CHIP, SWIPE, ONLINE = range(4)
CARD_TYPES, CARD_TYPE_SHARES = ("debit", "credit", "prepaid"), (0.55, 0.38, 0.07)
DEVICES, DEVICE_SHARES = ("android", "ios", "windows", "mac", None), (0.42, 0.33, 0.18, 0.07)
NO_DEVICE = 4  # in shops

COUNTRIES: dict[str, tuple[int, float, complex]] = {
    # cities, relative number of customers, centre
    "BE": (16, 70, 0j),
    "FR": (6, 9, -150 - 300j),
    "NL": (5, 9, 60 + 170j),
    "DE": (5, 8, 500 + 100j),
    "GB": (4, 2, -350 + 100j),
    "ES": (3, 1, -600 - 1150j),
    "US": (3, 0, -6000 - 300j),
    "TH": (2, 0, 8000 - 3500j),
}
CATEGORIES: dict[str, tuple[float, float, float, float, float]] = {
    # median amount, spread of its log, share of shops, share of web shops, appeal to a thief
    "grocery": (27, 0.7, 26, 4, 0.2),
    "restaurant": (24, 0.6, 18, 6, 0.1),
    "transport": (5, 0.6, 10, 8, 0.1),
    "fuel": (42, 0.5, 8, 0, 0.4),
    "pharmacy": (15, 0.7, 8, 3, 0.2),
    "clothing": (46, 0.7, 10, 14, 0.6),
    "electronics": (110, 0.9, 4, 10, 1.0),
    "jewellery": (150, 0.9, 2, 2, 0.9),
    "cash": (70, 0.6, 8, 0, 0.8),
    "travel": (130, 0.8, 3, 9, 0.7),
    "gift_cards": (40, 0.6, 3, 6, 0.9),
    "digital": (8, 0.9, 0, 20, 0.5),
    "subscription": (11, 0.4, 0, 14, 0.1),
}
TYPICAL, SPREAD, SHOP_SHARE, WEB_SHARE, APPEAL = np.array(list(CATEGORIES.values())).T
CASH = list(CATEGORIES).index("cash")


class Kind(NamedTuple):
    """One kind of fraud: how its incidents differ from what the customer would do."""

    share: float  # of all frauds
    shared: Literal["customer", "terminal"]  # what the transactions of one incident share
    size: float  # transactions of an incident, on average
    gap: float  # seconds between them, on average
    web: float  # share in web shops
    roams: float  # share of incidents away from where the customer is
    far: bool  # the thief is in the farthest of three cities, else in the nearest
    choosy: int  # terminals that are compared for what is easily resold
    factor: float  # on the customer's usual amounts; 0: next to nothing, to see if a card works
    swiped: float = SWIPED
    habit: float = 0.0  # share in the customer's own hours
    thief: bool = True  # online, the thief's place and device show


FRAUD_KINDS = {
    "stolen_card": Kind(0.28, "customer", 10, 240, 0.1, 0.6, False, 5, 3.0, swiped=0.8),
    "card_testing": Kind(0.22, "terminal", 25, 30, 1.0, 1.0, True, 1, 0.0),
    "compromised_terminal": Kind(0.20, "terminal", 16, 330, 0.0, 0.0, False, 3, 1.8, swiped=0.9),
    "account_takeover": Kind(0.20, "customer", 6, 600, 0.6, 1.0, True, 5, 4.0),
    "friendly_fraud": Kind(
        0.10, "customer", 1, 0, 0.9, 0.0, False, 5, 3.0, habit=HABIT_SHARE, thief=False
    ),
}


class World(NamedTuple):
    """Who and what there is; the columns of each table stand where it is drawn."""

    customers: Table
    terminals: Table  # shops in order of city, then web shops
    cities: Table
    n_shops: int


class Events(NamedTuple):
    """Transactions; `place` is NaN where unknown, `kind` 0 where genuine, else counted from 1."""

    time: Ints
    customer: Ints
    terminal: Ints
    amount: Floats
    channel: Ints
    device: Ints
    place: Places
    kind: Ints


def simulate(rng: Rng, n_rows: int, n_frauds: int) -> tuple[World, Events]:
    """Draw the world and `n_rows` transactions in order of time."""
    world = _world(rng, n_rows)
    shares = [kind.share for kind in FRAUD_KINDS.values()]
    counts = np.diff(np.rint(np.cumsum([0, *shares]) * n_frauds).astype(int))
    parts = [_genuine(rng, world, n_rows - n_frauds)]
    for code, (kind, n) in enumerate(zip(FRAUD_KINDS.values(), counts, strict=True), start=1):
        if n:
            parts.append(_frauds(rng, world, kind, n)._replace(kind=np.full(n, code)))
    columns: list[npt.NDArray[Any]] = [np.concatenate(c) for c in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")  # time
    return world, Events(*(column[order] for column in columns))


def _world(rng: Rng, n_rows: int) -> World:
    """Draw who and what there is, in proportion to the traffic."""
    n_cities, size, centre = map(np.array, zip(*COUNTRIES.values(), strict=True))
    country = np.repeat(np.arange(len(n_cities)), n_cities)
    rank = np.concatenate([np.arange(1, n + 1) for n in n_cities])
    weight = size[country] / rank  # Zipf's law
    shops = np.maximum(3, weight / weight.sum() * n_rows / ROWS_PER_SHOP).astype(np.int64)
    cities = {
        "country": country,
        "place": centre[country] + _scatter(rng, CITY_SPREAD, len(rank)),
        "weight": weight,
        "first": np.cumsum(shops) - shops,
        "shops": shops,
    }
    n_shops = int(shops.sum())
    return World(
        _customers(rng, cities, max(10, n_rows // ROWS_PER_CUSTOMER)),
        _terminals(rng, cities, max(12, n_rows // ROWS_PER_WEB_SHOP)),
        cities,
        n_shops,
    )


def _terminals(rng: Rng, cities: Table, n_web: int) -> Table:
    shop_city = np.repeat(np.arange(len(cities["shops"])), cities["shops"])
    city = np.concatenate([shop_city, _pick(rng, cities["weight"], n_web)])
    chain = np.arange(len(shop_city)) // SHOPS_PER_MERCHANT
    n_chains = int(chain[-1]) + 1
    merchant = np.concatenate([chain, n_chains + np.arange(n_web)])
    category = np.concatenate([_pick(rng, SHOP_SHARE, n_chains), _pick(rng, WEB_SHARE, n_web)])
    return {
        "merchant": merchant,
        "category": category[merchant],
        "level": rng.normal(0, MERCHANT_SPREAD, len(category))[merchant],  # log, of prices
        "country": cities["country"][city],
        "place": cities["place"][city] + _scatter(rng, SHOP_SPREAD, len(city)),
    }


def _customers(rng: Rng, cities: Table, n: int) -> Table:
    city = np.sort(_pick(rng, cities["weight"], n))
    away = rng.random(n) < TRAVELLERS
    age = np.clip(18 + rng.gamma(*AGE, n), 18, 95)
    level = rng.normal(0, LEVEL_SPREAD, n) + YOUNG_LEVEL * (age < YOUNG)
    return {
        "city": city,  # sorted: see _residents
        "now": np.where(away, rng.integers(0, len(cities["place"]), n), city),
        "place": cities["place"][city] + _scatter(rng, HOME_SPREAD, n),
        "level": level,  # log, of amounts
        "hour": rng.choice(RUSH_HOURS, n, p=RUSH_SHARES),
        "online": rng.beta(*ONLINE_SHARE, n) * np.where(age < ELDER, 1, ELDER_ONLINE),
        "weight": rng.gamma(ACTIVITY, size=n),  # of the traffic
        "favourites": rng.random((n, FAVOURITES.sum())),  # uniform numbers for _terminal
        "age": np.where(rng.random(n) < UNKNOWN_AGE, np.nan, np.floor(age)),
        "card_age": np.ceil(rng.exponential(CARD_LIFE, n)),  # days
        "limit": np.round(np.exp(level + rng.normal(*LIMIT, n)) / 250 + 1) * 250,
        "card_type": _pick(rng, np.array(CARD_TYPE_SHARES), n),
        "device": _pick(rng, np.array(DEVICE_SHARES), n),
    }


def _scatter(rng: Rng, spread: float, n: int) -> Places:
    return rng.normal(0, spread, n) + 1j * rng.normal(0, spread, n)


def _pick(rng: Rng, weight: Floats, n: int) -> Ints:
    """Draw `n` indices with probabilities proportional to `weight`."""
    return np.searchsorted(np.cumsum(weight / weight.sum())[:-1], rng.random(n), side="right")


def _terminal(world: World, u: Floats, city: Ints, web: Bools) -> Ints:
    """Turn uniform numbers into terminals of a city or of the web, mostly popular ones."""
    first = np.where(web, world.n_shops, world.cities["first"][city])
    n_web = len(world.terminals["place"]) - world.n_shops
    n = np.where(web, n_web, world.cities["shops"][city])
    return first + (u**POPULARITY * n).astype(np.int64)


def _residents(rng: Rng, world: World, city: Ints) -> Ints:
    homes = world.customers["city"]
    low, high = np.searchsorted(homes, city), np.searchsorted(homes, city, side="right")
    drawn = low + (rng.random(len(city)) * (high - low)).astype(np.int64)
    return np.minimum(drawn, len(homes) - 1)  # the next city's where nobody lives


def _times(rng: Rng, world: World, customer: Ints, habit: float) -> Floats:
    """Draw times by the rhythm of the day, a share of them around the customer's own hour."""
    n = len(customer)
    traffic = np.cumsum((0, *RHYTHM)) / sum(RHYTHM)
    hour = np.interp(rng.random(n), traffic, np.arange(25.0))
    own = rng.normal(world.customers["hour"][customer], HABIT_SPREAD) % 24
    hour = np.where(rng.random(n) < habit, own, hour)
    return hour * HOUR + rng.integers(0, 2, n) * DAY


def _genuine(rng: Rng, world: World, n: int) -> Events:
    """Purchases by habit, some of them followed by another one soon after."""
    customers = world.customers
    customer = _pick(rng, customers["weight"], n)
    time = _times(rng, world, customer, HABIT_SHARE)
    n_more = int(n * FOLLOW_UPS)
    followed = rng.integers(0, n - n_more, n_more)
    customer[n - n_more :] = customer[followed]
    time[n - n_more :] = time[followed] + 60 + rng.exponential(FOLLOW_UP_GAP, n_more)
    web = rng.random(n) < customers["online"][customer]
    city = customers["now"][customer]
    habitual = web | (city == customers["city"][customer])
    habitual &= rng.random(n) < FAVOURITE_SHARE
    slot = np.where(web, FAVOURITES[0], 0) + rng.integers(0, FAVOURITES[web.astype(int)])
    u = np.where(habitual, customers["favourites"][customer, slot], rng.random(n))
    terminal = _terminal(world, u, city, web)
    amount = _amounts(rng, world, customer, terminal)
    return _events(rng, world, customer, terminal, time=time, amount=amount)


def _frauds(rng: Rng, world: World, kind: Kind, n: int) -> Events:
    """Draw incidents, one after the other, until they hold `n` transactions."""
    opens = rng.random(n) < 1 / kind.size
    opens[0] = True
    first = np.maximum.accumulate(np.where(opens, np.arange(n), 0))  # of the same incident
    passed = np.cumsum(rng.exponential(kind.gap, n))
    customer = _pick(rng, world.customers["weight"], n)
    if kind.shared == "customer":
        customer = customer[first]
    time = _times(rng, world, customer, kind.habit)
    if kind.far:  # by another clock
        time = (time + rng.integers(0, 24, n) * HOUR) % END
    time = time[first] + passed - passed[first]
    cities = rng.integers(0, len(world.cities["place"]), (n, 3))
    distance = np.abs(world.cities["place"][cities] - world.customers["place"][customer][:, None])
    choice = np.argsort(distance, axis=1)[:, -1 if kind.far else 0]
    roams = rng.random(n) < kind.roams
    city = np.where(roams, cities[np.arange(n), choice], world.customers["now"][customer])[first]
    if kind.shared == "terminal" and not kind.web:
        customer = _residents(rng, world, city)
    web = rng.random(n) < kind.web
    u = rng.random((kind.choosy, n)) ** (1 / POPULARITY)  # quiet terminals as well as busy ones
    options = _terminal(world, u, city, web)
    best = np.argmax(APPEAL[world.terminals["category"][options]], axis=0)
    terminal = options[best, np.arange(n)]
    if kind.shared == "terminal":
        terminal = terminal[first]
    return _events(
        rng,
        world,
        customer,
        terminal,
        time=time,
        amount=_amounts(rng, world, customer, terminal, kind.factor),
        swiped=kind.swiped,
        thief_in=city if kind.thief else None,
    )


def _amounts(rng: Rng, world: World, customer: Ints, terminal: Ints, factor: float = 1.0) -> Floats:
    """Draw amounts of the customer's and the merchant's size; many of them are round prices."""
    n, u = len(customer), rng.random(len(customer))
    if not factor:
        tiny = np.where(u < TESTED_WITH_1, 1.0, rng.gamma(1.5, 1.5, n).round(2))
        return np.where(u > 1 - TESTED_WITH_0, 0.0, tiny)
    category = world.terminals["category"][terminal]
    level = world.customers["level"][customer] + world.terminals["level"][terminal]
    amount = TYPICAL[category] * factor * np.exp(level + SPREAD[category] * rng.normal(0, 1, n))
    cents = np.where(u < CHARM_PRICES, 0.01, 0.0)
    amount = np.where(u < CHARM_PRICES + ROUND_PRICES, np.ceil(amount) - cents, amount)
    amount = np.where(category == CASH, np.ceil(amount / 10) * 10, amount)
    amount = np.where(u > 1 - DEPOSITS, np.where(u > 1 - FREE, 0.0, 1.0), amount)
    return np.minimum(amount, world.customers["limit"][customer]).round(2)


def _events(
    rng: Rng,
    world: World,
    customer: Ints,
    terminal: Ints,
    *,
    time: Floats,
    amount: Floats,
    swiped: float = SWIPED,
    thief_in: Ints | None = None,
) -> Events:
    """Add channel, device and place; what runs past the end of the two days is mirrored."""
    n, web = len(customer), terminal >= world.n_shops
    u = rng.random((4, n))
    channel = np.where((amount < CONTACTLESS_LIMIT) & (u[0] < CONTACTLESS_SHARE), CONTACTLESS, CHIP)
    channel = np.where(u[1] < swiped, SWIPE, channel)
    own = u[2] < (OWN_DEVICE if thief_in is None else IMITATED_DEVICE)
    device = np.where(
        own, world.customers["device"][customer], _pick(rng, np.array(DEVICE_SHARES), n)
    )
    relayed = u[3] < (RELAYED if thief_in is None else THIEF_SEEN)
    city = rng.integers(0, len(world.cities["place"]), n) if thief_in is None else thief_in
    seen = world.customers["place"][customer] + _scatter(rng, ONLINE_SPREAD, n)
    seen = np.where(relayed, world.cities["place"][city], seen)
    seen[u[3] > 1 - UNKNOWN_PLACE] = np.nan
    return Events(
        time=(END - 1 - np.abs(END - 1 - np.floor(time))).astype(np.int64),
        customer=customer,
        terminal=terminal,
        amount=amount,
        channel=np.where(web, ONLINE, channel),
        device=np.where(web, device, NO_DEVICE),
        place=np.where(web, seen, world.terminals["place"][terminal]),
        kind=np.zeros(n, dtype=np.int64),
    )
