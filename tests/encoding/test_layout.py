from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from raregan.encoding.layout import ACTIVATIONS, Layout, Span
from raregan.errors import ModelFileError

SPANS = (Span("a", "spike", 0, 1, "sigmoid"), Span("a", "value", 1, 3, "linear"))


def test_a_layout_is_as_wide_as_its_spans():
    assert Layout(SPANS).width == 4
    assert Layout(()).width == 0
    assert [span.stop for span in SPANS] == [1, 4]
    assert [span.slice for span in SPANS] == [slice(0, 1), slice(1, 4)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_only_linear_spans_need_no_heads(activation):
    layout = Layout((Span("a", "value", 0, 1, "linear"), Span("b", "part", 1, 2, activation)))
    assert layout.is_linear == (activation == "linear")
    assert Layout(()).is_linear


def test_gates_become_a_matrix():
    spans = (
        Span("", "missing", 0, 2, "sigmoid"),
        Span("a", "spike", 2, 1, "sigmoid"),
        Span("a", "value", 3, 2, "linear"),
    )
    matrix = Layout(spans, ((0, 1), (0, 2), (2, 2))).gate_matrix()
    assert (matrix.dtype, matrix.shape) == (np.float32, (5, 5))
    assert np.argwhere(matrix).tolist() == [[0, 2], [0, 3], [0, 4], [2, 3], [2, 4]]
    assert not Layout(spans).gate_matrix().any()


@pytest.mark.parametrize(
    "span",
    [
        ("a", "value", -1, 1, "linear"),
        ("a", "value", True, 1, "linear"),
        ("a", "value", 1.0, 1, "linear"),
        ("a", "value", 0, 0, "linear"),
        ("a", "value", 0, "3", "linear"),
        ("a", "value", 0, np.int64(3), "linear"),
        (None, "value", 0, 1, "linear"),
        ("a", 3, 0, 1, "linear"),
        ("a", "value", 0, 1, None),
        ("a", "value", 0, 1, "tanh"),
    ],
)
def test_what_is_no_span_is_refused(span):
    with pytest.raises(ModelFileError, match="no span"):
        Span(*span)


@pytest.mark.parametrize("start", [0, 2])
def test_spans_lie_side_by_side(start):
    with pytest.raises(ModelFileError, match="should start at 1"):
        Layout((SPANS[0], Span("a", "value", start, 3, "linear")))


def test_a_layout_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Layout(SPANS).spans = ()
