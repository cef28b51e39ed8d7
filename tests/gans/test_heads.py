import numpy as np
import pytest

from raregan.encoding.layout import Layout, Span
from raregan.gans.heads import harden, is_binary, softmax_places


def mixed_layout():
    """Missing flags, a spike that gates a value, levels of several widths, plain numbers."""
    parts = [
        ("", "missing", 2, "sigmoid"),
        ("a", "spike", 3, "softmax"),
        ("a", "value", 1, "linear"),
        ("b", "level", 5, "softmax"),
        ("c", "value", 2, "linear"),
        ("d", "spike", 1, "sigmoid"),
        ("d", "value", 1, "linear"),
        ("e", "level", 4, "sigmoid"),
    ]
    spans, start = [], 0
    for column, part, width, activation in parts:
        spans.append(Span(column, part, start, width, activation))
        start += width
    gates = ((0, 1), (0, 2), (1, 3), (3, 2), (4, 2), (13, 6))
    return Layout(tuple(spans), gates)


def pattern_layout():
    """A pattern of missing cells as a whole: one of three, of which two take cells away."""
    spans = (
        Span("", "pattern", 0, 3, "softmax"),
        Span("a", "level", 3, 2, "softmax"),
        Span("b", "level", 5, 1, "sigmoid"),
        Span("c", "value", 6, 1, "linear"),
    )
    return Layout(spans, ((1, 1), (2, 1), (2, 2), (2, 3)))


LAYOUTS = (mixed_layout(), pattern_layout())


def hard_by_hand(row, layout):
    """The 0s and 1s of one row, and nothing where a gate says so: written out as a loop."""
    out = row.copy()
    for span in layout.spans:
        values = row[span.slice]
        if span.activation == "sigmoid":
            out[span.slice] = [1.0 if value > 0 else 0.0 for value in values]
        elif span.activation == "softmax":
            out[span.slice] = 0
            out[span.start + list(values).index(max(values))] = 1
    return out


def gated_by_hand(row, layout):
    out = row.copy()
    for place, number in layout.gates:
        if row[place] == 1:
            out[layout.spans[number].slice] = 0
    return out


def random_logits(layout, n=200, seed=0):
    return np.random.default_rng(seed).normal(0, 3, (n, layout.width)).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS, ids=["mixed", "pattern"])
def test_logits_become_0s_and_1s_in_place(layout):
    logits = random_logits(layout)
    logits[0] = 0
    logits[1] = np.inf
    logits[2] = -np.inf
    expected = np.array([hard_by_hand(row, layout) for row in logits])
    made = harden(logits, layout)
    assert made is logits
    assert np.array_equal(made, expected)


def test_softmax_spans_stand_in_one_table():
    layout = mixed_layout()
    places, real = softmax_places(layout)
    assert places.tolist() == [[2, 3, 4, 2, 2], [6, 7, 8, 9, 10]]
    assert real.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert softmax_places(Layout(()))[0].size == 0


def test_yes_or_no_stands_where_sigmoid_is():
    found = np.flatnonzero(is_binary(mixed_layout())).tolist()
    assert found == [0, 1, 13, 15, 16, 17, 18]
    assert is_binary(Layout(())).shape == (0,)
