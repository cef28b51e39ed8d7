"""Identifiers as arrays of code points, and hashes of them."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from raregan.data.fingerprints import mix

if TYPE_CHECKING:
    from collections.abc import Iterator

Codes = NDArray[np.unsignedinteger[Any]]
Hashes = NDArray[np.uint64]
Alphabets = tuple[str, ...]
"""By position, the characters that may stand there, ascending."""

DIGITS = string.digits

BLOCK_CELLS = 2**21
"""Characters worked on at a time."""

WORD = 128
_IS_WORD = np.array([chr(code).isalnum() for code in range(WORD)] + [True])
"""Of ASCII; at the end, of all beyond it."""


def is_word(character: str) -> bool:
    """Say whether it is a letter or a digit, and no mark."""
    return bool(_IS_WORD[min(ord(character), WORD)])


def blocks(text: pl.Series) -> Iterator[Codes]:
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


def code_points(characters: str | list[str], alphabets: Alphabets) -> Codes:
    """Return (n,) code points, as uint8 where all alphabets are ASCII."""
    dtype = np.uint8 if all(map(str.isascii, alphabets)) else np.dtype("<u4")
    return np.array([ord(character) for character in characters], dtype=dtype)


def without_words(codes: Codes) -> Codes:
    """Return (n, characters) in which all letters and digits are the same."""
    return np.where(_IS_WORD[np.minimum(codes, WORD)], codes.dtype.type(WORD), codes)


def hash_codes(codes: Codes, start: int) -> Hashes:
    """Hash (n, characters), the same in either width: FNV-1a over code points, and mixed."""
    hashes = np.full(len(codes), start, dtype=np.uint64)
    for column in codes.T:
        hashes ^= column
        hashes *= np.uint64(0x100000001B3)
    return mixed(hashes)


def keys_of(seed: int | tuple[int, ...], n: int) -> Hashes:
    """Return (n,) hashes that follow from a seed."""
    return np.random.SeedSequence(seed).generate_state(n, np.uint64).astype(np.uint64)


def mixed(values: Hashes) -> Hashes:
    """Scramble 64 bits one to one: the next output of SplitMix64 from these states."""
    return mix(values + np.uint64(0x9E3779B97F4A7C15))
