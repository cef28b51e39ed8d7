import numpy as np
import polars as pl

from raregan.encoding.seen import SeenFilter


def test_the_filter_finds_all_that_was_seen_and_little_else():
    ids = pl.Series([f"{n:x}" for n in range(50_000)])
    seen = SeenFilter.fit(ids, salt=1)
    assert 16 * 50_000 <= 8 * len(seen.bits) < 32 * 50_000
    others = np.frombuffer("".join(f"{n:05x}" for n in range(2**17)).encode(), np.uint8)
    found = seen.holds(others.reshape(-1, 5)).mean()
    assert 0.8 * seen.fill < found < 1.2 * seen.fill < 0.075
    own = np.frombuffer("".join(ids.filter(ids.str.len_chars() == 4)).encode(), np.uint8)
    assert seen.holds(own.reshape(-1, 4)).all()
    assert seen.holds(own.reshape(-1, 4).astype("<u4")).all()
