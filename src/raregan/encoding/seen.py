"""What identifiers were seen, without holding them."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from raregan.encoding.characters import blocks, hash_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from raregan.encoding.characters import Codes

BITS_AN_ID = 16
MAX_BITS = 2**25
"""Of the filter; beyond it more fresh ids are mistaken for real ones, and drawn again."""

MAX_FILL = 0.99
"""Of the filter's bits; a fuller one would refuse nearly every fresh id."""


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
        for codes in blocks(text):
            is_set[hash_codes(codes, salt) % n_bits] = True
        return cls(salt, np.packbits(is_set, bitorder="little"))

    def holds(self, codes: Codes) -> NDArray[np.bool_]:
        """Say of (n, characters) whether each id was probably seen."""
        place = hash_codes(codes, self.salt) % (8 * len(self.bits))
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
        check(type(salt) is int and 0 <= salt < 2**64, "the salt of its filter is no hash")
        check(
            type(size) is int and 0 < size <= MAX_BITS // 8 and size.bit_count() == 1,
            f"its filter cannot have {size!r} bytes",
        )
        inflate = zlib.decompressobj()
        bits = inflate.decompress(base64.b64decode(packed, validate=True), size + 1)
        check(
            len(bits) == size and inflate.eof and not inflate.unused_data, "its filter is damaged"
        )
        seen = cls(salt, np.frombuffer(bits, dtype=np.uint8))
        check(0 < seen.fill <= MAX_FILL, "its filter is empty or full")
        return seen


def check(holds: bool, otherwise: str) -> None:
    """Raise a ValueError that says `otherwise`, unless it holds."""
    if not holds:
        raise ValueError(otherwise)
