"""Never-seen identifiers of the same shape as real ones."""

from __future__ import annotations

import base64
import math
import string
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from raregan.data.fingerprints import mix
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Codes = NDArray[np.unsignedinteger[Any]]
Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
Alphabets = tuple[str, ...]

PERIOD = 4096
"""Rows after which shapes repeat; a share of ids is kept up to its inverse."""

MAX_SHAPES = 64
"""The most frequent shapes; ids of other shapes are not imitated."""

BITS_AN_ID = 16
MAX_BITS = 2**25
"""Of the filter; beyond it more fresh ids are mistaken for real ones, and drawn again."""

MAX_FILL = 0.99
"""Of the filter's bits; a fuller one would refuse nearly every fresh id."""

MAX_LISTED = 2**20
"""A space of at most so many ids is searched whole, and every free id of it can be used."""

MAX_MIXED = 2**62
"""Ids that one permutation goes over; those of a larger space differ in this part of it."""

MAX_RADIX = 4096
"""Of characters that are looked up together."""

MISS = 1e-12
"""Probability that all attempts of a row are refused."""

MAX_ATTEMPTS = 4096
"""Of a row; enough for the fullest filter."""

CHANCE = 1e-6
"""A class of characters is narrowed to those observed where chance alone explains that less."""

BLOCK_CELLS = 2**21
"""Characters worked on at a time."""

DIGITS = string.digits
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

INTEGERS: dict[str, type[pl.DataType]] = {
    dtype.__name__: dtype
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    )
}

_IS_WORD = np.array([chr(code).isalnum() for code in range(128)] + [True])
"""Of ASCII; at the end, of all beyond it."""
_WORD = 128
_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class SeenFilter:
    """A Bloom filter with one hash (Bloom 1970): what was seen is always found, some else too.

    It holds no id, but whoever has one can ask whether it was probably seen.

    Attributes
    ----------
    salt
        Where the hash starts.
    bits
        (k,) uint8, eight bits each, lowest first; k is a power of two.
    """

    salt: int
    bits: NDArray[np.uint8]

    @classmethod
    def fit(cls, text: pl.Series, salt: int) -> Self:
        """Enter distinct ids."""
        n_bits = min(MAX_BITS, 1 << max(6, (BITS_AN_ID * len(text) - 1).bit_length()))
        is_set = np.zeros(n_bits, dtype=np.bool)
        for codes in _blocks(text):
            is_set[_hash(codes, salt) % n_bits] = True
        return cls(salt, np.packbits(is_set, bitorder="little"))

    def holds(self, codes: Codes) -> NDArray[np.bool_]:
        """Say of (n, characters) whether each id was probably seen."""
        place = _hash(codes, self.salt) % (8 * len(self.bits))
        bit = self.bits[place >> np.uint64(3)] >> (place & np.uint64(7)).astype(np.uint8)
        return np.asarray(bit & 1, dtype=np.bool)

    @cached_property
    def fill(self) -> float:
        """Share of the bits that are set: the probability that it finds what was not seen."""
        return float(np.bitwise_count(self.bits).sum(dtype=np.int64)) / (8 * len(self.bits))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        packed = base64.b64encode(zlib.compress(self.bits.tobytes())).decode("ascii")
        return {"salt": self.salt, "size": len(self.bits), "bits": packed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise a ValueError or its like."""
        salt, size, packed = data["salt"], data["size"], data["bits"]
        _check(type(salt) is int and 0 <= salt < 2**64, "the salt of its filter is no hash")
        _check(
            type(size) is int and 0 < size <= MAX_BITS // 8 and size.bit_count() == 1,
            f"its filter cannot have {size!r} bytes",
        )
        inflate = zlib.decompressobj()
        bits = inflate.decompress(base64.b64decode(packed, validate=True), size + 1)
        _check(
            len(bits) == size and inflate.eof and not inflate.unused_data, "its filter is damaged"
        )
        seen = cls(salt, np.frombuffer(bits, dtype=np.uint8))
        _check(0 < seen.fill <= MAX_FILL, "its filter is empty or full")
        return seen


@dataclass(frozen=True)
class Shape:
    """Ids of one length, with the same marks (what is neither letter nor digit) at the same places.

    Attributes
    ----------
    alphabets
        By position, the characters that may stand there, ascending; one is a literal.
    weight
        Of `PERIOD` fresh ids, those of this shape.
    n_seen
        Distinct real ids of this shape.
    """

    alphabets: Alphabets
    weight: int
    n_seen: int

    @property
    def marks(self) -> Alphabets:
        """By position, the mark that stands there, or nothing."""
        return tuple("" if _is_word(alphabet[0]) else alphabet for alphabet in self.alphabets)

    @property
    def stem(self) -> Alphabets:
        """The marks up to the last one: shapes of one stem may grow into each other."""
        last = max((place for place, mark in enumerate(self.marks, 1) if mark), default=0)
        return self.marks[:last]

    @property
    def is_full(self) -> bool:
        """Whether most ids that it could make are taken by real ones."""
        return 2 * self.n_seen > math.prod(map(len, self.alphabets))

    def grow(self, by: int) -> Alphabets:
        """Return the alphabets of longer ids, which no shape of that stem makes itself."""
        last = self.alphabets[-1] if self.alphabets else DIGITS
        varied = len(last) > 1 and not set(last) <= set(DIGITS)
        return self.alphabets + (last if varied else DIGITS,) * by


class Chunk(NamedTuple):
    """Neighbouring characters that are looked up together: (radix, characters) codes."""

    place: slice
    table: Codes


@dataclass(frozen=True, eq=False)
class Space:
    """All ids of some alphabets that were not seen, in an order that a key decides.

    Attributes
    ----------
    alphabets, n_seen
        As of a `Shape`.
    seen
        The real ids.
    largest
        The digits of the largest magnitude that the dtype holds, where ids are integers.
    """

    alphabets: Alphabets
    n_seen: int
    seen: SeenFilter
    largest: str | None

    def draw(self, index: Indices, key: tuple[int, ...]) -> tuple[Codes, NDArray[np.bool_]]:
        """Make the ids of (n,) places in the order.

        Returns
        -------
        codes
            (served, characters) code points of ids, all different, none of them seen.
        served
            (n,) bool, false where the space has none for a place: it is used up.
        """
        keys = _keys(key, _ROUNDS + len(self._groups))
        if self._size <= MAX_LISTED:
            served = index < len(self._free)
            place = _permute(index[served], len(self._free), keys)
            return self._codes([self._free[place].astype(np.int64)]), served
        served = index < self._group_size(0) // self._attempts
        pending = np.flatnonzero(served)
        codes = np.empty((len(index), len(self.alphabets)), dtype=self._blank.dtype)
        for attempt in range(self._attempts):
            drawn = self._mixed(index[pending] * self._attempts + attempt, keys)
            codes[pending] = drawn
            pending = pending[self._refused(drawn)]
            if not len(pending):
                break
        served[pending] = False
        return codes[served], served

    def _mixed(self, number: Indices, keys: Hashes) -> Codes:
        """Return (n, characters) of different ids for different numbers."""
        values = [_permute(number, self._group_size(0), keys[:_ROUNDS])]
        for group, key in enumerate(keys[_ROUNDS + 1 :], 1):
            hashes = _mix(number.astype(np.uint64) ^ key) % np.uint64(self._group_size(group))
            values.append(hashes.astype(np.int64))
        return self._codes(values)

    def _codes(self, values: list[Indices]) -> Codes:
        """Write (n,) numbers, one of each group, as (n, characters) in mixed radix."""
        codes = np.tile(self._blank, (len(values[0]), 1))
        for group, numbers in zip(self._groups, values, strict=True):
            rest = numbers
            for chunk in group:
                shorter = rest // len(chunk.table)
                codes[:, chunk.place] = chunk.table.take(rest - shorter * len(chunk.table), axis=0)
                rest = shorter
        return codes

    def _refused(self, codes: Codes) -> NDArray[np.bool_]:
        refused = self.seen.holds(codes)
        return refused if self._limit is None else refused | _exceeds(codes, self._limit)

    @cached_property
    def _free(self) -> NDArray[np.int32]:
        """Numbers of the ids that are not refused, where the space is small."""
        rows = max(1, BLOCK_CELLS // max(1, len(self.alphabets)))
        free = []
        for start in range(0, self._size, rows):
            numbers = np.arange(start, min(start + rows, self._size))
            free.append(numbers[~self._refused(self._codes([numbers]))])
        return np.concatenate(free).astype(np.int32)

    @cached_property
    def _attempts(self) -> int:
        """Places that each row has to itself, so that one of them is free."""
        kept = (1 - self.seen.fill) * max(0.0, 1 - self.n_seen / self._size)
        if self._limit is not None:
            kept *= _count_up_to(self.alphabets, self._limit) / self._size
        return min(MAX_ATTEMPTS, math.ceil(math.log(MISS) / math.log1p(-kept))) if kept else 1

    @cached_property
    def _limit(self) -> str | None:
        """The largest id, where others of its length exceed the dtype."""
        if self.largest is None:
            return None
        limit = "-" * (self.alphabets[0] == "-") + self.largest
        return limit if len(limit) == len(self.alphabets) else None

    @cached_property
    def _size(self) -> int:
        return math.prod(map(len, self.alphabets))

    def _group_size(self, group: int) -> int:
        return math.prod(len(chunk.table) for chunk in self._groups[group])

    @cached_property
    def _blank(self) -> Codes:
        """An id with its literals in place."""
        return _code_points([alphabet[0] for alphabet in self.alphabets], self.alphabets)

    @cached_property
    def _groups(self) -> list[list[Chunk]]:
        """The chunks, last first, in groups of at most `MAX_MIXED` ids."""
        groups: list[list[Chunk]] = [[]]
        stop, size = len(self.alphabets), 1
        while stop:
            start, radix = stop - 1, len(self.alphabets[stop - 1])
            while start and radix * len(self.alphabets[start - 1]) <= MAX_RADIX:
                start -= 1
                radix *= len(self.alphabets[start])
            if size * radix > MAX_MIXED:
                groups.append([])
                size = 1
            if radix > 1:
                groups[-1].append(Chunk(slice(start, stop), self._table(start, stop)))
            size, stop = size * radix, start
        return groups

    def _table(self, start: int, stop: int) -> Codes:
        letters = [
            _code_points(alphabet, self.alphabets) for alphabet in self.alphabets[start:stop]
        ]
        return np.stack(np.meshgrid(*letters, indexing="ij"), axis=-1).reshape(-1, stop - start)


@dataclass(frozen=True, eq=False)
class FreshIdentifiers:
    """Makes ids of the shapes that real ones have, none of which was seen.

    Letters and digits vary by position: a character that all ids of a shape share there stays, and
    else the smallest of `CLASSES` is taken that holds those observed (or these alone, where so many
    ids would have shown the others too). A run of digits begins with 0 only where one was observed.
    Lengths and marks keep their shares. Row by row the ids follow from the seed alone, and all of a
    stream differ: each shape numbers its ids, and a permutation (a Feistel network that walks its
    cycles, Black and Rogaway 2002) says which of them a row takes. Where a shape has no free ids
    left, the next ones have the next length, by characters added at the end, that no shape with
    these marks has. A shape most of whose ids are taken leaves its rows to the next longer one.

    Attributes
    ----------
    name, dtype
        Of the column.
    shapes
        At most `MAX_SHAPES`.
    seen
        The real ids.
    """

    name: str
    dtype: str
    shapes: tuple[Shape, ...]
    seen: SeenFilter

    @classmethod
    def fit(cls, values: pl.Series, seen: pl.Series, *, seed: int) -> Self:
        """Learn the shapes.

        Parameters
        ----------
        values
            (n,) ids to imitate, at least one, none missing; text or integers.
        seen
            All real ids at hand, none missing; those of `values` may be left out.
        seed
            Decides which other ids are mistaken for seen ones.

        Raises
        ------
        SchemaError
            There are so many ids that no filter of `MAX_BITS` tells others from them.
        """
        text = values.cast(pl.String)
        known = pl.concat([text, seen.cast(pl.String).rename(text.name)]).unique()
        (salt,) = _keys(seed, 1).tolist()
        fitted = SeenFilter.fit(known, salt)
        if fitted.fill > MAX_FILL:
            raise SchemaError(
                f"column {values.name!r} holds {len(known):,} different identifiers, too many to "
                f"make others that differ from all; leave it out with --ignore {values.name!r}"
            )
        shapes = _weighed(_find_shapes(text, known))
        return cls(values.name, str(values.dtype), shapes, fitted)

    def make(self, first_row: int, n: int, *, seed: int) -> pl.Series:
        """Make the ids of rows `first_row` to `first_row` + `n` - 1 of the stream `seed`.

        They are the same however the stream is cut.

        Raises
        ------
        SchemaError
            The dtype, an integer one, holds no more of them.
        """
        longest = max(len(shape.alphabets) for shape in self.shapes)
        step = max(1, BLOCK_CELLS // (longest + 1))
        stop = first_row + n
        blocks = [
            self._make(np.arange(start, min(start + step, stop)), seed)
            for start in range(first_row, stop, step)
        ]
        text = pl.concat(blocks) if blocks else pl.Series(dtype=pl.String)
        return text.cast(INTEGERS.get(self.dtype, pl.String)).alias(self.name)

    def _make(self, rows: Indices, seed: int) -> pl.Series:
        lap, place = np.divmod(rows, PERIOD)
        schedule, rank = self._schedule(seed)
        number, parts, places = schedule[place], [], []
        for shape in np.unique(number).tolist():
            mine = np.flatnonzero(number == shape)
            index = lap[mine] * self.shapes[shape].weight + rank[place[mine]]
            for served, ids in self._serve(shape, index, seed):
                places.append(mine[served])
                parts.append(ids)
        order = np.empty(len(rows), dtype=np.int64)
        order[np.concatenate(places)] = np.arange(len(rows))
        return pl.concat(parts).gather(order)

    def _schedule(self, seed: int) -> tuple[Indices, Indices]:
        """Return, for each row of a period, its shape and which of that shape's rows it is."""
        (key,) = _keys((seed,), 1)
        order = np.argsort(_mix(np.arange(PERIOD, dtype=np.uint64) ^ key))
        weights = [shape.weight for shape in self.shapes]
        schedule, rank = np.empty((2, PERIOD), dtype=np.int64)
        schedule[order] = np.repeat(np.arange(len(weights)), weights)
        rank[np.argsort(schedule, kind="stable")] = np.concatenate(list(map(np.arange, weights)))
        return schedule, rank

    def _serve(self, shape: int, index: Indices, seed: int) -> Iterator[tuple[Indices, pl.Series]]:
        """Yield ids of a shape, and which of (n,) places in its order they belong to."""
        kin = self._kin[shape]
        lengths = {number: len(self.shapes[number].alphabets) for number in kin}
        head, length, places, pending = shape, lengths[shape], index, np.arange(len(index))
        while len(pending):
            space = self._space(head, length)
            codes, served = space.draw(places[pending], (seed, head, length))
            yield pending[served], self._text(codes)
            pending = pending[~served]
            # all shapes of one stem grow into the same ids of the lengths between theirs, in turns
            length = next(n for n in count(length + 1) if n not in lengths.values())
            head = [number for number in kin if lengths[number] < length][-1]
            places = index * len(kin) + kin.index(shape)

    @cached_property
    def _kin(self) -> list[list[int]]:
        """For each shape, those of its stem, shortest first."""
        by_length = sorted(range(len(self.shapes)), key=lambda i: len(self.shapes[i].alphabets))
        stems = [shape.stem for shape in self.shapes]
        return [[i for i in by_length if stems[i] == stem] for stem in stems]

    @cached_property
    def _spaces(self) -> dict[tuple[int, int], Space]:
        return {}

    def _space(self, number: int, length: int) -> Space:
        """Return the space of a shape, or of the ids of a greater length that it grows into."""
        if (number, length) not in self._spaces:
            shape, largest = self.shapes[number], None
            by = length - len(shape.alphabets)
            alphabets = shape.grow(by)
            if self.dtype in INTEGERS:
                alphabets, largest = self._integers(alphabets, grown=by > 0)
            n_seen = 0 if by else shape.n_seen
            self._spaces[number, length] = Space(alphabets, n_seen, self.seen, largest)
        return self._spaces[number, length]

    def _integers(self, alphabets: Alphabets, *, grown: bool) -> tuple[Alphabets, str]:
        """Return the alphabets, all digits once they grew, and the largest magnitude."""
        negative = alphabets[0] == "-"
        dtype = INTEGERS[self.dtype]
        bound = pl.select(dtype.min() if negative else dtype.max()).item()  # type: ignore[attr-defined]
        largest, n_digits = str(abs(bound)), len(alphabets) - negative
        if n_digits > len(largest):
            raise SchemaError(
                f"column {self.name!r}: {self.dtype} holds no more identifiers like the real ones; "
                f"ask for fewer rows, learn it as a number with --kind {self.name!r}=integer, cast "
                f"it to a larger integer or to text, or leave it out with --ignore {self.name!r}"
            )
        if grown:
            alphabets = ("-",) * negative + (DIGITS[1:],) + (DIGITS,) * (n_digits - 1)
        return alphabets, largest

    def _text(self, codes: Codes) -> pl.Series:
        """Join (n, characters) code points into a String series."""
        if not len(codes):
            return pl.Series(dtype=pl.String)
        wide = codes.dtype != np.uint8 or self._separator > np.iinfo(np.uint8).max
        dtype = np.dtype("<u4" if wide else "u1")
        ended = np.full((len(codes), codes.shape[1] + 1), self._separator, dtype=dtype)
        ended[:, :-1] = codes
        joined = ended.tobytes()[: -dtype.itemsize].decode("utf-32-le" if wide else "latin-1")
        return pl.Series([joined]).str.split(chr(self._separator)).explode()

    @cached_property
    def _separator(self) -> int:
        """A code point that no id has."""
        used = {DIGITS, *(alphabet for shape in self.shapes for alphabet in shape.alphabets)}
        return next(code for code in range(0x110000) if chr(code) not in set("".join(used)))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shapes": [
                {**asdict(shape), "alphabets": list(shape.alphabets)} for shape in self.shapes
            ],
            "seen": self.seen.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote; on anything else raise ModelFileError."""
        try:
            shapes = tuple(
                Shape(tuple(shape["alphabets"]), shape["weight"], shape["n_seen"])
                for shape in data["shapes"]
            )
            _check(type(data["name"]) is str, "its name is no text")
            _check(data["dtype"] in (*INTEGERS, "String"), f"it cannot be {data['dtype']!r}")
            _check_shapes(shapes, is_integer=data["dtype"] in INTEGERS)
            return cls(data["name"], data["dtype"], shapes, SeenFilter.from_dict(data["seen"]))
        except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
            raise ModelFileError(
                "these are no fresh identifiers as raregan writes them "
                f"({type(error).__name__}: {error}); train anew"
            ) from None


def _check_shapes(shapes: tuple[Shape, ...], *, is_integer: bool) -> None:
    _check(0 < len(shapes) <= MAX_SHAPES, f"it has {len(shapes)} shapes")
    for shape in shapes:
        counts = shape.weight, shape.n_seen
        _check(all(type(n) is int for n in counts), f"its counts are {counts}")
        _check(shape.weight > 0 and 0 <= shape.n_seen < 2**63, f"its counts are {counts}")
        for alphabet in shape.alphabets:
            _check(type(alphabet) is str and alphabet != "", f"an alphabet is {alphabet!r}")
            alphabet.encode()  # a lone surrogate is a UnicodeEncodeError
            _check(alphabet == "".join(sorted(set(alphabet))), f"an alphabet is {alphabet!r}")
            words = [_is_word(character) for character in alphabet]
            _check(all(words) or len(alphabet) == 1, f"marks differ in {alphabet!r}")
        if is_integer:
            digits = shape.alphabets[shape.alphabets[:1] == ("-",) :]
            _check(bool(digits) and set("".join(digits)) <= set(DIGITS), "an integer has no digits")
            _check(len(shape.alphabets) == 1 or "0" not in digits[0], "an integer begins with 0")
    _check(sum(shape.weight for shape in shapes) == PERIOD, "the weights of its shapes are off")
    _check(len({shape.marks for shape in shapes}) == len(shapes), "two of its shapes are one")


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _find_shapes(text: pl.Series, known: pl.Series) -> list[Shape]:
    """Return the most frequent shapes of `text`, shortest first, weighed by their ids in it.

    `known` are the distinct ids that say which characters vary.
    """
    frequency: Counter[int] = Counter()
    for codes in _blocks(text):
        hashes, counts = np.unique(_mark_hashes(codes), return_counts=True)
        frequency.update(dict(zip(hashes.tolist(), counts.tolist(), strict=True)))
    weights = dict(frequency.most_common(MAX_SHAPES))
    observed: dict[int, list[set[int]]] = {}
    n_seen: Counter[int] = Counter()
    for codes in _blocks(known):
        hashes = _mark_hashes(codes)
        for found in set(np.unique(hashes).tolist()) & weights.keys():
            mine = codes[hashes == found]
            n_seen[found] += len(mine)
            places = observed.setdefault(found, [set() for _ in mine.T])
            for place, column in zip(places, mine.T, strict=True):
                place.update(np.flatnonzero(np.bincount(column)).tolist())
    shapes = [
        Shape(_alphabets(places, n_seen[found]), weights[found], n_seen[found])
        for found, places in observed.items()
    ]
    return sorted(shapes, key=lambda shape: (len(shape.alphabets), shape.marks))


def _alphabets(places: list[set[int]], n: int) -> Alphabets:
    """Return the characters of each position, given those observed in n ids."""
    alphabets: list[str] = []
    for place in places:
        observed = "".join(map(chr, sorted(place)))
        varied = next((known for known in CLASSES if place <= set(map(ord, known))), observed)
        missed = math.comb(len(varied), len(place)) * (len(place) / len(varied)) ** n
        if varied == DIGITS and (n == 1 or len(place) > 1):
            leads = not alphabets or not set(alphabets[-1]) <= set(DIGITS)
            alphabets.append(DIGITS[1:] if leads and "0" not in observed else DIGITS)
        else:
            literal = len(place) == 1 or missed < CHANCE
            alphabets.append(observed if literal else "".join(sorted(varied)))
    return tuple(alphabets)


def _weighed(shapes: list[Shape]) -> tuple[Shape, ...]:
    """Hand the rows of full shapes to the next longer of their stem, and scale to `PERIOD`."""
    weights = [float(shape.weight) for shape in shapes]
    for i, shape in enumerate(shapes):
        longer = (k for k in range(i + 1, len(shapes)) if shapes[k].stem == shape.stem)
        if shape.is_full and (heir := next(longer, None)) is not None:
            weights[heir] += weights[i]
            weights[i] = 0.0
    stops = np.rint(np.cumsum(weights) / sum(weights) * PERIOD).astype(np.int64)
    scaled = np.diff(stops, prepend=0).tolist()
    return tuple(
        replace(shape, weight=weight)
        for shape, weight in zip(shapes, scaled, strict=True)
        if weight
    )


def _is_word(character: str) -> bool:
    return bool(_IS_WORD[min(ord(character), _WORD)])


def _blocks(text: pl.Series) -> Iterator[Codes]:
    """Yield the ids as (n, characters) code points: by length, in blocks, ASCII ones as uint8."""
    frame = pl.DataFrame({"id": text}).with_columns(
        length=pl.col("id").str.len_chars(), size=pl.col("id").str.len_bytes()
    )
    frame = frame.with_columns(wide=pl.col("size") > pl.col("length"))
    for (length, wide), group in frame.group_by("length", "wide", maintain_order=True):
        step = max(1, BLOCK_CELLS // max(1, length))
        for start in range(0, group.height, step):
            ids = group["id"].slice(start, step)
            joined = ids.str.join("").item().encode("utf-32-le" if wide else "ascii")
            dtype = np.dtype("<u4" if wide else "u1")
            codes: Codes = np.frombuffer(bytearray(joined), dtype).reshape(len(ids), length)
            yield codes


def _code_points(characters: str | list[str], alphabets: Alphabets) -> Codes:
    """Return (n,) code points, as uint8 where all alphabets are ASCII."""
    dtype = np.uint8 if all(map(str.isascii, alphabets)) else np.dtype("<u4")
    return np.array([ord(character) for character in characters], dtype=dtype)


def _mark_hashes(codes: Codes) -> Hashes:
    """Return (n,) hashes of length and marks, letters and digits being the same."""
    is_word = _IS_WORD[np.minimum(codes, _WORD)]
    return _hash(np.where(is_word, codes.dtype.type(_WORD), codes), codes.shape[1])


def _hash(codes: Codes, start: int) -> Hashes:
    """Hash (n, characters), the same in either width: FNV-1a over code points, and mixed."""
    hashes = np.full(len(codes), start, dtype=np.uint64)
    for column in codes.T:
        hashes ^= column
        hashes *= np.uint64(0x100000001B3)
    return _mix(hashes)


def _keys(seed: int | tuple[int, ...], n: int) -> Hashes:
    return np.random.SeedSequence(seed).generate_state(n, np.uint64).astype(np.uint64)


def _mix(values: Hashes) -> Hashes:
    """Scramble 64 bits one to one: the next output of SplitMix64 from these states."""
    return mix(values + np.uint64(0x9E3779B97F4A7C15))


def _permute(values: Indices, size: int, keys: Hashes) -> Indices:
    """Map (n,) numbers below `size` one to one to numbers below it."""
    bits = max(1, (size - 1).bit_length())
    permuted = _feistel(values.astype(np.uint64), bits, keys)
    outside = np.flatnonzero(permuted >= size)
    while len(outside):  # follow the cycle until it is inside again
        permuted[outside] = _feistel(permuted[outside], bits, keys)
        outside = outside[permuted[outside] >= size]
    return permuted.astype(np.int64)


def _feistel(values: Hashes, bits: int, keys: Hashes) -> Hashes:
    """Permute the numbers of so many bits."""
    low = np.uint64(bits // 2)
    low_mask, high_mask = (np.uint64((1 << n) - 1) for n in (bits // 2, bits - bits // 2))
    left, right = values >> low, values & low_mask
    for round_, key in enumerate(keys[:_ROUNDS]):
        if round_ % 2:
            right ^= _mix(left ^ key) & low_mask
        else:
            left ^= _mix(right ^ key) & high_mask
    return left << low | right


def _exceeds(codes: Codes, limit: str) -> NDArray[np.bool_]:
    """Say of (n, characters) whether each is greater than a text of the same length."""
    greater, tied = np.zeros(len(codes), np.bool), np.ones(len(codes), np.bool)
    for column, bound in zip(codes.T, map(ord, limit), strict=True):
        greater |= tied & (column > bound)
        tied &= column == bound
    return greater


def _count_up_to(alphabets: Alphabets, limit: str) -> int:
    """Count the ids of some alphabets that are not greater than a text of the same length."""
    count, rest = 0, math.prod(map(len, alphabets))
    for alphabet, bound in zip(alphabets, limit, strict=True):
        rest //= len(alphabet)
        count += rest * sum(character < bound for character in alphabet)
        if bound not in alphabet:
            return count
    return count + 1
