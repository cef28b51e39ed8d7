"""The shapes of identifiers: what all of a kind have in common, and what varies."""

from __future__ import annotations

import math
import string
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from raregan.encoding.characters import (
    DIGITS,
    Alphabets,
    blocks,
    hash_codes,
    is_word,
    without_words,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import polars as pl

    from raregan.encoding.characters import Codes, Hashes

Marks = tuple[str, ...]
"""By position, the mark (neither letter nor digit) that stands there, or nothing."""

Places = list[set[int]]
"""By position, the code points observed there."""

Observed = dict[Marks, tuple[Places, int]]
"""By marks, what its ids hold, and how many they are."""

MAX_SHAPES = 64
"""The most frequent shapes; ids of other shapes are not imitated."""

MAX_CODES = 32
IDS_A_CODE = 5
"""At least, of the ids to imitate, on average; codes that fewer share could tell who they are."""

SAMPLE = 2**17
"""Ids, from the first on, in which codes are looked for."""

CHANCE = 1e-6
"""A class of characters is narrowed to those observed where chance alone explains that less."""

CLASSES = (
    DIGITS,
    DIGITS + "abcdef",
    DIGITS + "ABCDEF",
    string.ascii_lowercase,
    string.ascii_uppercase,
    DIGITS + string.ascii_lowercase,
    DIGITS + string.ascii_uppercase,
    string.ascii_letters,
    DIGITS + string.ascii_letters,
)
"""Smallest first."""


@dataclass(frozen=True)
class Shape:
    """Ids of one length, with the same marks and the same codes at the same places.

    Attributes
    ----------
    alphabets
        By position, the characters that may stand there, ascending; one is a literal.
    weight
        A relative frequency.
    n_seen
        Distinct real ids of this shape.
    """

    alphabets: Alphabets
    weight: int
    n_seen: int

    @property
    def stem(self) -> Marks:
        """The marks up to the last one: shapes of one stem may grow into each other."""
        return _stem(tuple("" if is_word(alphabet[0]) else alphabet for alphabet in self.alphabets))

    @property
    def is_full(self) -> bool:
        """Whether most ids that it could make are taken by real ones."""
        return 2 * self.n_seen > math.prod(map(len, self.alphabets))

    def meets(self, other: Shape) -> bool:
        """Say whether both could make, or grow into, the same id. Digits are taken as alike."""
        return self.stem == other.stem and all(
            set(mine) & set(theirs) or set(mine + theirs) <= set(DIGITS)
            for mine, theirs in zip(self.alphabets, other.alphabets, strict=False)
        )

    def grow(self, by: int) -> Alphabets:
        """Return the alphabets of longer ids, which no shape of that stem makes itself."""
        last = self.alphabets[-1] if self.alphabets else DIGITS
        varied = len(last) > 1 and not set(last) <= set(DIGITS)
        return self.alphabets + (last if varied else DIGITS,) * by


def find_shapes(text: pl.Series, known: pl.Series, total: int) -> tuple[Shape, ...]:
    """Return the most frequent shapes of `text`, shortest first.

    Letters and digits vary by position: a character that all ids with the same marks share there
    stays, and else the smallest of `CLASSES` is taken that holds those observed (or these alone,
    where so many ids would have shown the others too). A run of digits begins with 0 only where
    one was observed. Where few letters occur (`C` for customers, `M` for merchants), they are a
    code: its values keep their shares, and what stands beside each other stays so.

    Parameters
    ----------
    text
        (n,) ids to imitate.
    known
        Distinct ids, those of `text` too, that say which characters vary.
    total
        Sum of the weights.
    """
    wanted = _most_frequent(text)
    observed = _observe(known, wanted)
    codes = _find_codes(text, observed)
    seen = _count(known, codes)
    shapes = [
        Shape(_alphabets(*observed[marks], codes[marks], values), n, seen[marks, values])
        for (marks, values), n in _count(text, codes).most_common(MAX_SHAPES)
    ]
    return _weighed(
        sorted(shapes, key=lambda shape: (len(shape.alphabets), shape.alphabets)), total
    )


def _most_frequent(text: pl.Series) -> list[Marks]:
    counts: Counter[Marks] = Counter()
    for codes in blocks(text):
        _, first, n = np.unique(_mark_hashes(codes), return_index=True, return_counts=True)
        for row, many in zip(codes[first], n.tolist(), strict=True):
            counts[_marks(row)] += many
    return [marks for marks, _ in counts.most_common(MAX_SHAPES)]


def _observe(text: pl.Series, wanted: Iterable[Marks]) -> Observed:
    """Return what stands at each place of the ids with these marks, and how many they are."""
    places: dict[Marks, Places] = {marks: [set() for _ in marks] for marks in wanted}
    n: Counter[Marks] = Counter()
    for marks, rows in _by_marks(text, places):
        n[marks] += len(rows)
        for place, column in zip(places[marks], rows.T, strict=True):
            place.update(np.flatnonzero(np.bincount(column)).tolist())
    return {marks: (found, n[marks]) for marks, found in places.items()}


def _find_codes(text: pl.Series, observed: Observed) -> dict[Marks, list[int]]:
    """Return the places of each marks where few letters occur, in many ids each."""
    sample = text.unique(maintain_order=True).head(SAMPLE)
    ids: dict[Marks, list[Codes]] = {marks: [] for marks in observed}
    for marks, rows in _by_marks(sample, observed):
        ids[marks].append(rows)
    mine = _observe(sample, observed)
    codes: dict[Marks, list[int]] = {}
    for stem in dict.fromkeys(map(_stem, observed)):
        family = [marks for marks in observed if _stem(marks) == stem]
        together = [block for marks in family for block in ids[marks]]
        places: list[int] = []
        for place in range(max(map(len, family))):
            few = any(_are_few(*_at(place, family, found)) for found in (observed, mine))
            if few and _are_shared(together, [*places, place]):
                places.append(place)
        codes |= {marks: [place for place in places if place < len(marks)] for marks in family}
    return codes


def _at(place: int, family: list[Marks], observed: Observed) -> tuple[set[int], int]:
    """Return what ids of any length hold at a place, and how many reach so far."""
    found = [observed[marks] for marks in family if len(marks) > place]
    return set().union(*(places[place] for places, _ in found)), sum(n for _, n in found)


def _are_few(place: set[int], n: int) -> bool:
    """Say whether all are letters, and fewer than n ids would show by chance."""
    letters = all(chr(code) not in DIGITS and is_word(chr(code)) for code in place)
    return letters and _chance(place, _class_of(place), n) < CHANCE


def _are_shared(rows: list[Codes], places: list[int]) -> bool:
    """Say whether what stands at these places is the same in many of the ids."""
    found = [block[:, [place for place in places if place < block.shape[1]]] for block in rows]
    hashes = np.concatenate([hash_codes(block, block.shape[1]) for block in found])
    n = len(np.unique(hashes))
    return n <= min(MAX_CODES, len(hashes) / IDS_A_CODE)


def _count(text: pl.Series, codes: Mapping[Marks, list[int]]) -> Counter[tuple[Marks, str]]:
    """Count the ids by marks, and by what stands at the places of their codes."""
    counts: Counter[tuple[Marks, str]] = Counter()
    for marks, rows in _by_marks(text, codes):
        values = rows[:, codes[marks]]
        _, first, n = np.unique(
            hash_codes(values, values.shape[1]), return_index=True, return_counts=True
        )
        for row, many in zip(values[first].tolist(), n.tolist(), strict=True):
            counts[marks, "".join(map(chr, row))] += many
    return counts


def _alphabets(places: Places, n: int, codes: list[int], values: str) -> Alphabets:
    """Return the characters of each place, given those observed in n ids and those of its codes."""
    fixed = dict(zip(codes, values, strict=True))
    alphabets: list[str] = []
    for number, place in enumerate(places):
        observed = "".join(map(chr, sorted(place)))
        varied = _class_of(place)
        if number in fixed:
            alphabets.append(fixed[number])
        elif varied == DIGITS and (n == 1 or len(place) > 1):
            leads = not alphabets or not set(alphabets[-1]) <= set(DIGITS)
            alphabets.append(DIGITS[1:] if leads and "0" not in observed else DIGITS)
        else:
            literal = len(place) == 1 or _chance(place, varied, n) < CHANCE
            alphabets.append(observed if literal else "".join(sorted(varied)))
    return tuple(alphabets)


def _class_of(place: set[int]) -> str:
    """Return the smallest class that holds the characters, or themselves."""
    held = (known for known in CLASSES if place <= set(map(ord, known)))
    return next(held, "".join(map(chr, sorted(place))))


def _chance(place: set[int], known: str, n: int) -> float:
    """Bound the probability that n ids show no more characters of a class than these."""
    return math.comb(len(known), len(place)) * (len(place) / len(known)) ** n


def _weighed(shapes: list[Shape], total: int) -> tuple[Shape, ...]:
    """Hand the rows of full shapes to the next longer one that it meets, and scale to `total`."""
    weights = [float(shape.weight) for shape in shapes]
    for i, shape in enumerate(shapes):
        longer = (k for k in range(i + 1, len(shapes)) if shapes[k].meets(shape))
        if shape.is_full and (heir := next(longer, None)) is not None:
            weights[heir] += weights[i]
            weights[i] = 0.0
    stops = np.rint(np.cumsum(weights) / sum(weights) * total).astype(np.int64)
    scaled = np.diff(stops, prepend=0).tolist()
    return tuple(
        replace(shape, weight=weight)
        for shape, weight in zip(shapes, scaled, strict=True)
        if weight
    )


def _by_marks(text: pl.Series, wanted: Collection[Marks]) -> Iterator[tuple[Marks, Codes]]:
    """Yield the ids with these marks as (n, characters), those of a block together."""
    for codes in blocks(text):
        found, first, inverse = np.unique(
            _mark_hashes(codes), return_index=True, return_inverse=True
        )
        for number, row in enumerate(codes[first]):
            if (marks := _marks(row)) in wanted:
                yield marks, codes if len(found) == 1 else codes[inverse == number]


def _mark_hashes(codes: Codes) -> Hashes:
    return hash_codes(without_words(codes), codes.shape[1])


def _marks(row: Codes) -> Marks:
    return tuple("" if is_word(character) else character for character in map(chr, row.tolist()))


def _stem(marks: Marks) -> Marks:
    """Return the marks up to the last one: ids of one stem may grow into each other."""
    last = max((place for place, mark in enumerate(marks, 1) if mark), default=0)
    return marks[:last]
