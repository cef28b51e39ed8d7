"""Never-seen identifiers of the same shape as real ones."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain, combinations, count
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from raregan.encoding.characters import BLOCK_CELLS, DIGITS, Alphabets, is_word, keys_of, mixed
from raregan.encoding.seen import MAX_FILL, SeenFilter, check
from raregan.encoding.shapes import MAX_SHAPES, Shape, find_shapes
from raregan.encoding.spaces import Space
from raregan.errors import ModelFileError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raregan.encoding.characters import Codes
    from raregan.encoding.spaces import Indices

PERIOD = 4096
"""Rows after which shapes repeat; a share of ids is kept up to its inverse."""

INTEGERS: dict[str, type[pl.DataType]] = {
    dtype.__name__: dtype
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    )
}


@dataclass(frozen=True, eq=False)
class FreshIdentifiers:
    """Makes ids of the shapes that real ones have, none of which was seen.

    What a shape is, `find_shapes` says; each keeps its share. Row by row the ids follow from the
    seed alone, and all of a stream differ: each shape numbers its ids, and a permutation (a Feistel
    network that walks its cycles, Black and Rogaway 2002) says which of them a row takes. Where a
    shape has no free ids left, the next ones have the next length, by characters added at the end,
    that no shape has which it could meet. A shape most of whose ids are taken leaves its rows to
    the next longer one.

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
        (salt,) = keys_of(seed, 1).tolist()
        fitted = SeenFilter.fit(known, salt)
        if fitted.fill > MAX_FILL:
            raise SchemaError(
                f"column {values.name!r} holds {len(known):,} different identifiers, too many to "
                f"make others that differ from all; leave it out with --ignore {values.name!r}"
            )
        shapes = find_shapes(text, known, PERIOD)
        return cls(values.name, str(values.dtype), shapes, fitted)

    def make(self, first_row: int, n: int, *, seed: int) -> pl.Series:
        """Make the ids of rows `first_row` to `first_row` + `n` - 1 of the stream `seed`.

        They are the same however the stream is cut, and have nothing to do with those of a column
        of another name.

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
        (key,) = keys_of((seed, self._salt), 1)
        order = np.argsort(mixed(np.arange(PERIOD, dtype=np.uint64) ^ key))
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
            codes, served = space.draw(places[pending], (seed, self._salt, head, length))
            yield pending[served], self._text(codes)
            pending = pending[~served]
            # all of a kin grow into the same ids of the lengths between theirs, in turns
            length = next(n for n in count(length + 1) if n not in lengths.values())
            head = [number for number in kin if lengths[number] < length][-1]
            places = index * len(kin) + kin.index(shape)

    @cached_property
    def _salt(self) -> int:
        return zlib.crc32(self.name.encode())

    @cached_property
    def _kin(self) -> list[list[int]]:
        """For each shape, those that it could meet, directly or through others, shortest first."""
        kins: list[list[int]] = []
        for number, shape in enumerate(self.shapes):
            met = [kin for kin in kins if any(shape.meets(self.shapes[other]) for other in kin)]
            kins = [kin for kin in kins if kin not in met]
            kins.append([*sorted(chain(*met)), number])
        return [next(kin for kin in kins if number in kin) for number in range(len(self.shapes))]

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
            check(type(data["name"]) is str, "its name is no text")
            check(data["dtype"] in (*INTEGERS, "String"), f"it cannot be {data['dtype']!r}")
            _check_shapes(shapes, is_integer=data["dtype"] in INTEGERS)
            return cls(data["name"], data["dtype"], shapes, SeenFilter.from_dict(data["seen"]))
        except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
            raise ModelFileError(
                "these are no fresh identifiers as raregan writes them "
                f"({type(error).__name__}: {error}); train anew"
            ) from None


def _check_shapes(shapes: tuple[Shape, ...], *, is_integer: bool) -> None:
    check(0 < len(shapes) <= MAX_SHAPES, f"it has {len(shapes)} shapes")
    for shape in shapes:
        counts = shape.weight, shape.n_seen
        check(all(type(n) is int for n in counts), f"its counts are {counts}")
        check(shape.weight > 0 and 0 <= shape.n_seen < 2**63, f"its counts are {counts}")
        for alphabet in shape.alphabets:
            check(type(alphabet) is str and alphabet != "", f"an alphabet is {alphabet!r}")
            alphabet.encode()  # a lone surrogate is a UnicodeEncodeError
            check(alphabet == "".join(sorted(set(alphabet))), f"an alphabet is {alphabet!r}")
            words = [is_word(character) for character in alphabet]
            check(all(words) or len(alphabet) == 1, f"marks differ in {alphabet!r}")
        if is_integer:
            digits = shape.alphabets[shape.alphabets[:1] == ("-",) :]
            check(bool(digits) and set("".join(digits)) <= set(DIGITS), "an integer has no digits")
            check(len(shape.alphabets) == 1 or "0" not in digits[0], "an integer begins with 0")
    check(sum(shape.weight for shape in shapes) == PERIOD, "the weights of its shapes are off")
    same = (len(a.alphabets) == len(b.alphabets) and a.meets(b) for a, b in combinations(shapes, 2))
    check(not any(same), "two of its shapes make the same ids")
    lengths = [len(shape.alphabets) for shape in shapes]
    check(lengths == sorted(lengths), "its shapes are not in order")
