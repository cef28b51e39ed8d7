import json
from dataclasses import FrozenInstanceError

import pytest

from raregan.encoding.layout import Layout, Span
from raregan.errors import ModelFileError

SPANS = (Span("a", 0, 1, "continuous", "linear"), Span("b", 1, 3, "integer", "linear"))


def test_a_layout_is_as_wide_as_its_spans():
    assert Layout(SPANS).width == 4
    assert Layout(()).width == 0
    assert [span.stop for span in SPANS] == [1, 4]


def test_spans_are_found_by_column():
    assert Layout(SPANS).span("b") is SPANS[1]
    with pytest.raises(KeyError):
        Layout(SPANS).span("c")


def test_a_layout_comes_back_from_json():
    assert Layout.from_dict(json.loads(json.dumps(Layout(SPANS).to_dict()))) == Layout(SPANS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("start", 0),  # overlaps the first
        ("start", 2),  # leaves a gap
        ("start", -1),
        ("start", True),
        ("start", 1.0),
        ("width", 0),
        ("width", "3"),
        ("column", "a"),  # of the first
        ("column", None),
        ("kind", 3),
        ("activation", None),
        ("colour", "red"),
    ],
)
def test_a_damaged_layout_is_refused(key, value):
    data = Layout(SPANS).to_dict()
    data["spans"][1][key] = value
    with pytest.raises(ModelFileError):
        Layout.from_dict(data)


@pytest.mark.parametrize("data", [{}, {"spans": None}, {"spans": [1]}, {"spans": [{}]}, None])
def test_what_is_no_layout_is_refused(data):
    with pytest.raises(ModelFileError):
        Layout.from_dict(data)


def test_a_layout_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Layout(SPANS).spans = ()
