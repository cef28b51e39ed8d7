"""All never-seen identifiers of a shape, in an order that a key decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from raregan.encoding.characters import (
    BLOCK_CELLS,
    Alphabets,
    Codes,
    Hashes,
    code_points,
    keys_of,
    mixed,
)

if TYPE_CHECKING:
    from raregan.encoding.seen import SeenFilter

Indices = NDArray[np.int64]

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

_ROUNDS = 4


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
        keys = keys_of(key, _ROUNDS + len(self._groups))
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
            hashes = mixed(number.astype(np.uint64) ^ key) % np.uint64(self._group_size(group))
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
        return code_points([alphabet[0] for alphabet in self.alphabets], self.alphabets)

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
        letters = [code_points(alphabet, self.alphabets) for alphabet in self.alphabets[start:stop]]
        return np.stack(np.meshgrid(*letters, indexing="ij"), axis=-1).reshape(-1, stop - start)


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
            right ^= mixed(left ^ key) & low_mask
        else:
            left ^= mixed(right ^ key) & high_mask
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
