from dataclasses import replace

from raregan.judging.dependence import PairOfColumns
from raregan.judging.figures import Figure
from raregan.reporting import tables
from raregan.reporting.tables import (
    build_table,
    columns_table,
    figures_table,
    fold,
    pairs_table,
    rules_table,
    whole_table,
)
from tests.judging.test_report import made_up
from tests.reporting.test_report import NASTY, Page


def test_a_table_keeps_its_roles_scopes_and_texts():
    page = Page(build_table(NASTY, ("name", NASTY), [("a", NASTY), ("b", "1")], numbers=(1,)))
    assert page.open == []
    assert page.texts("caption") == [NASTY]
    assert page.texts("th") == ["name", NASTY, "a", "b"]
    assert page.texts("td") == [NASTY, "1"]
    scopes = [a["scope"] for tag, a in page.elements if tag == "th"]
    assert scopes == ["col", "col", "row", "row"]
    cells = [a for tag, a in page.elements if tag == "td"]
    assert {(a["role"], a["class"], a["data-label"]) for a in cells} == {("cell", "number", NASTY)}


def test_figures_have_values_baselines_readings_words_and_sources():
    figures = (*made_up().figures, Figure("dcr", 2.0))
    page = Page(figures_table(figures))
    cells = [page.texts("td")[start : start + 6] for start in range(0, 24, 6)]
    assert cells[0][:4] == [
        "0.710 (0.680 to 0.740)",
        "0.930 (0.900 to 0.960)",
        "1.000, higher is better",
        "worse than real rows",
    ]
    assert cells[1][2] == "0.500, the closer the better"
    assert cells[2][1] == "0.000"
    assert cells[3][:4] == ["2.000", "none", "as real rows; less alarms", "not read"]
    for row, figure in zip(cells, figures, strict=True):
        assert row[4].startswith(figure.words.definition)
        assert row[5] == figure.words.source


def test_columns_come_worst_first_and_of_very_many_only_these(monkeypatch):
    columns = made_up().columns[::-1]
    page = Page(columns_table(columns))
    assert page.texts("th")[-2:] == [columns[1].name, "c"]
    assert page.texts("td") == [
        *("number", "KS 0.290", "0.070", "1.250", "88%", "0.0%", "1.5%"),
        *("category", "TV 0.100", "0.0%", "0.0%"),
    ]
    assert page.texts("caption")[0].startswith("All columns")
    monkeypatch.setattr(tables, "MOST_COLUMNS", 1)
    page = Page(columns_table(columns))
    assert page.texts("caption")[0].startswith("1 of 2 columns")
    assert "c" not in page.texts("th")


def test_pairs_say_how_many_there_are(monkeypatch):
    pairs = [PairOfColumns("a", str(place), "Pearson", 0.5, 0.25) for place in range(3)]
    page = Page(pairs_table(pairs, 3))
    assert page.texts("td")[:4] == ["Pearson", "0.500", "0.250", "-0.250"]
    assert page.texts("caption")[0].startswith("All pairs")
    monkeypatch.setattr(tables, "MOST_PAIRS", 2)
    page = Page(pairs_table(pairs, 1_234))
    assert page.texts("caption")[0].startswith("The 2 of 1,234 pairs")
    assert page.texts("th")[-2:] == ["a, 0", "a, 1"]


def test_rules_whole_tables_and_what_unfolds():
    page = Page(
        fold("<Rules>", rules_table({f"`{NASTY}` <= a": {"real": 0.996, "synthetic": 0.013}}))
    )
    assert page.open == []
    assert page.texts("summary") == ["<Rules>"]
    assert page.texts("td") == ["1.3%", "99.6%"]
    assert f"`{NASTY}` <= a" in page.texts("th")
    fidelity = replace(made_up().fidelity, mean_ks=0.2345)
    page = Page(whole_table(fidelity))
    assert page.texts("th")[4:] == [
        *("told apart (AUC)", "mean distance of columns", "correlation difference", "exact copies")
    ]
    assert page.texts("td")[3:5] == ["0.234", "0.000"]
