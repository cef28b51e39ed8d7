import string

import numpy as np
import polars as pl
import pytest

from raregan.encoding.shapes import find_shapes


def shapes_of(text, known=None):
    text = pl.Series("id", text)
    known = text if known is None else pl.Series("id", known)
    return find_shapes(text, pl.concat([text, known]).unique(), 1000)


def weights(shapes):
    """By the literals of a shape, a dot where characters vary."""
    return {
        "".join(alphabet if len(alphabet) == 1 else "." for alphabet in shape.alphabets): (
            shape.weight
        )
        for shape in shapes
    }


def test_a_letter_of_the_values_stays_though_others_have_more():
    values = [f"C{n}" for n in range(10_000, 60_000, 101)]
    others = [
        f"{letter}{n}" for n in range(20_000, 90_000, 301) for letter in string.ascii_uppercase
    ]
    assert weights(shapes_of(values, others)) == {"C.....": 1000}


def test_letters_of_short_ids_are_those_of_long_ones():
    values = [f"C{n}" for n in (7, *range(1000, 1500))]
    others = [f"M{n}" for n in (4, 5, *range(2000, 2500))]
    assert weights(shapes_of(values, others)) == {"C.": 2, "C....": 998}


def test_letters_of_a_code_stay_together_in_their_shares():
    values = [f"LON-{n:05}" for n in range(0, 60_000, 101)]
    values += [f"NYC-{n:05}" for n in range(0, 30_000, 101)]
    values += [f"PAR-{n:05}" for n in range(0, 10_000, 101)]
    assert weights(shapes_of(values)) == {"LON-.....": 599, "NYC-.....": 300, "PAR-.....": 101}


def test_letters_that_many_ids_do_not_share_are_no_code():
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(300)]
    for shape in shapes_of(names):
        assert [set(alphabet) for alphabet in shape.alphabets[1:]] == [set("abcdefgh")] * 5


@pytest.mark.parametrize("n", [1, 4])
def test_few_ids_show_no_code(n):
    known = [f"{'CM'[n % 2]}{n}" for n in range(1000, 2000)]
    (shape,) = shapes_of([f"C{n}" for n in range(1000, 1000 + n)], known)
    assert shape.alphabets[0] == "CM"


def test_letters_at_the_end_of_different_lengths_are_letters():
    rng = np.random.default_rng(0)
    ends = string.ascii_uppercase
    ids = [f"{n}{ends[n % 26]}" for n in rng.integers(10**5, 10**7, 2000).tolist()]
    assert all(set(shape.alphabets[-1]) == set(ends) for shape in shapes_of(ids))


def test_digits_are_no_code_and_no_two_shapes_make_the_same_ids():
    """Street names: words of many lengths, after numbers."""
    rng = np.random.default_rng(0)
    names = ["Flute", "Oak", "Elm", "3rd", "5th", "Embaracadero", "Lincoln"]
    ids = [
        f"{rng.integers(1000, 9999)} {rng.choice(names)} {rng.choice(['Ave', 'Drive', 'Hwy'])}"
        for _ in range(600)
    ]
    shapes = shapes_of(ids)
    for i, shape in enumerate(shapes):
        for other in shapes[:i]:
            assert len(shape.alphabets) != len(other.alphabets) or not shape.meets(other)


def test_a_full_shape_leaves_its_rows_to_a_longer_one_of_the_same_code():
    ids = [f"{letter}{n}" for letter in "CM" for n in range(1, 10)]
    ids += [f"C{n}" for n in range(100, 900, 9)] + [f"M{n}" for n in range(1000, 9000, 91)]
    assert set(weights(shapes_of(ids))) == {"C...", "M...."}
