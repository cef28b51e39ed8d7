import numpy as np
import pytest

from raregan.encoding.layout import Layout, Span
from raregan.gans.conditions import answers, ask_vectors, asked_places, asks_of

# a number, three colours, a code of three bits, whether a cell of the last is missing, two sizes
SPANS = (
    Span("amount", "value", 0, 1, "linear"),
    Span("colour", "level", 1, 3, "softmax"),
    Span("zip", "level", 4, 3, "sigmoid"),
    Span("", "missing", 7, 1, "sigmoid"),
    Span("size", "level", 8, 1, "sigmoid"),
    Span("shape", "level", 9, 2, "softmax"),
)
LAYOUT = Layout(SPANS, gates=((7, 4),))
ROWS = np.array(
    [
        [0.5, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1],
        [-2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0],
        [3, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0],  # its size is missing
    ],
    np.float32,
)


def named(ask):
    return f"{ask.span.column or ask.span.part} {ask.category}"


def test_categories_of_one_hot_spans_and_both_answers_to_a_yes_or_no_can_be_asked_for():
    assert [named(ask) for ask in asks_of(LAYOUT)] == [
        *("colour 0", "colour 1", "colour 2"),
        *("missing 0", "missing 1", "size 0", "size 1"),
        *("shape 0", "shape 1"),
    ]


def test_places_are_those_of_the_row_whatever_lies_before_them():
    assert asked_places(LAYOUT).tolist() == [1, 2, 3, 7, 8, 9, 10]
    found = {named(ask): (ask.place, ask.sign) for ask in asks_of(LAYOUT)}
    assert found["colour 2"] == (3, 1)
    assert found["size 0"] == (8, -1)
    assert found["size 1"] == (8, 1)
    assert found["shape 1"] == (10, 1)


def test_a_condition_has_one_number_that_is_not_0_at_the_place_asked_for():
    vectors = ask_vectors(LAYOUT)
    assert vectors.shape == (9, 7)
    assert (np.count_nonzero(vectors, axis=1) == 1).all()
    for vector, ask in zip(vectors, asks_of(LAYOUT), strict=True):
        assert vector[asked_places(LAYOUT).tolist().index(ask.place)] == ask.sign


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (0, {"colour 0", "missing 0", "size 1", "shape 1"}),
        (1, {"colour 2", "missing 0", "size 0", "shape 0"}),
        (2, {"colour 1", "missing 1", "shape 0"}),
    ],
)
def test_a_row_meets_what_it_holds_and_nothing_of_a_missing_cell(row, met):
    found = answers(ROWS, LAYOUT)[row]
    assert {named(ask) for ask, holds in zip(asks_of(LAYOUT), found, strict=True) if holds} == met


def test_of_numbers_alone_nothing_can_be_asked():
    layout = Layout(SPANS[:1])
    assert asks_of(layout) == ()
    assert ask_vectors(layout).shape == (0, 0)
    assert answers(ROWS[:, :1], layout).shape == (3, 0)
