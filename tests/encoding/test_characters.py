import numpy as np
import polars as pl
import pytest

from raregan.encoding.characters import (
    WORD,
    blocks,
    code_points,
    hash_codes,
    is_word,
    keys_of,
    without_words,
)


def test_blocks_hold_every_id_once_by_length_and_ascii_in_a_byte():
    ids = ["ab", "c", "dé", "ef", "", "g-h"]
    found = list(blocks(pl.Series(ids)))
    assert sorted("".join(map(chr, row)) for block in found for row in block) == sorted(ids)
    for block in found:
        assert block.dtype == (np.uint8 if (block < 128).all() else np.dtype("<u4"))


def test_long_ids_come_in_several_blocks(monkeypatch):
    monkeypatch.setattr("raregan.encoding.characters.BLOCK_CELLS", 12)
    found = list(blocks(pl.Series([f"{n:04}" for n in range(10)])))
    assert [len(block) for block in found] == [3, 3, 3, 1]
    assert np.concatenate(found)[:, 3].tolist() == [ord(str(n)) for n in range(10)]


@pytest.mark.parametrize(("character", "is_one"), [("a", True), ("7", True), ("-", False)])
def test_letters_and_digits_are_words(character, is_one):
    assert is_word(character) == is_one


def test_beyond_ascii_all_are_words():
    assert is_word("é")
    assert is_word("中")


def test_without_words_marks_alone_are_told_apart():
    codes = code_points(["a", "9", "-", "é"], ("é",)).reshape(1, -1)
    assert without_words(codes).tolist() == [[WORD, WORD, ord("-"), WORD]]


def test_a_hash_is_the_same_in_either_width_and_differs_by_start():
    codes = np.frombuffer(b"abcabd", np.uint8).reshape(2, 3)
    assert np.array_equal(hash_codes(codes, 5), hash_codes(codes.astype("<u4"), 5))
    assert len({*hash_codes(codes, 5).tolist(), *hash_codes(codes, 6).tolist()}) == 4


def test_keys_follow_from_the_seed():
    assert np.array_equal(keys_of((1, 2), 3), keys_of((1, 2), 3))
    assert not np.isin(keys_of(1, 3), keys_of(2, 3)).any()
