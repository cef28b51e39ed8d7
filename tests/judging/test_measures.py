from pathlib import Path

import pytest

from raregan.judging.measures import GROSS, GROSS_SHARE, GROUPS, MEASURES


@pytest.mark.parametrize("name", MEASURES)
def test_every_figure_says_what_it_is(name):
    words = MEASURES[name]
    assert words.group in GROUPS
    assert words.label
    assert words.definition.endswith((".", "names"))
    assert words.source
    for text in (words.shows, words.shows_not):  # they follow "it shows" and "it does not show"
        assert text[0].islower()
        assert text[-1] != "."
    low, high = words.bounds
    for end in (words.best, words.worst):
        assert end is None or low <= end <= high
    if words.direction == "target":
        assert words.best is not None


def test_the_document_says_of_each_figure_what_the_code_says():
    document = (Path(__file__).parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
    for name, words in MEASURES.items():
        (row,) = (line for line in document.splitlines() if line.startswith(f"| `{name}` |"))
        assert words.definition in row
        assert row.endswith(f"| {words.source} |")


@pytest.mark.parametrize(
    ("name", "baseline", "gross"),
    [
        ("tstr_ap", 0.1, 0.05),
        ("tstr_ap", 0.9, GROSS),
        ("c2st_forest", 0.5, GROSS),
        ("dcr", 3.0, 1.5),
        ("density", 1.0, 0.5),
        ("exact_copies", 0.0, GROSS_SHARE),
        ("wasserstein", 9.0, 0.0),
    ],
)
def test_what_is_gross_is_told_figure_by_figure(name, baseline, gross):
    assert MEASURES[name].gross_beside(baseline) == gross
