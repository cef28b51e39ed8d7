import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from raregan.errors import DataError, SchemaError
from raregan.judging.fidelity import (
    FIGURES,
    Fidelity,
    correlation_difference,
    judge_fidelity,
    ks_statistics,
)
from raregan.reporting import distributions, views
from raregan.reporting.report import write_report
from tests.judging.test_fidelity import mixed
from tests.judging.test_report import made_up

NASTY = "</script><script>alert('$a$ & \"b\"')</script>"
VOID = {"meta", "link", "br", "path"}


class Page(HTMLParser):
    """What the tests ask of a page: its elements, its texts and its scripts."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.open, self.scripts, self.words = [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style" and data.strip():
            self.words.append((self.open[-1], data.strip()))

    def texts(self, tag):
        return [text for inside, text in self.words if inside == tag]

    @property
    def data(self):
        kinds = [attributes.get("type") for tag, attributes in self.elements if tag == "script"]
        return json.loads(self.scripts[kinds.index("application/json")])


def rows(n, *, seed):
    values = np.random.default_rng(seed).normal(size=(n, 3))
    return pl.DataFrame(values, schema=["a", NASTY, "金額"]).with_columns(constant=pl.lit(1))


def judged(real, synthetic):
    return Fidelity(
        n_real=real.height,
        n_synthetic=synthetic.height,
        correlation_difference=correlation_difference(real, synthetic),
        mean_ks=0.2345,
        ks=ks_statistics(real, synthetic),
        copy_rate=0.0125,
        c2st_auc=0.8765,
    )


HISTORY = {
    "discriminator_loss": [0.5, float("nan"), 0.25],
    "generator_loss": np.array([1, 2, 4], np.float32),
    "evidence_epoch": [1, 3],
    "evidence_told_apart": [0.9, 0.7],
    "evidence_seconds": [1.0, 2.0],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    real, synthetic = rows(40, seed=1), rows(1500, seed=2)
    path = write_report(
        tmp_path_factory.mktemp("reports") / "new" / "report.html",
        real,
        synthetic,
        judged(real, synthetic),
        title=NASTY,
        note="simulated <data>",
        history=HISTORY,
        facts=[("seed", 7), ("<source>", NASTY)],
    )
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def test_the_page_is_whole_and_of_reasonable_size(source, page):
    assert page.open == []
    assert source.startswith("<!doctype html>")
    assert len(source) < 6_000_000
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere(page):
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert attributes.get("href", "data:").startswith("data:")
    policy = next(a["content"] for _, a in page.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_plotly_is_there_once(page):
    assert [len(script) > 1_000_000 for script in page.scripts] == [False, True, False]


def test_texts_are_shown_as_written_and_add_no_element(page):
    assert page.texts("title") == [f"{NASTY} (simulated <data>)"]
    assert page.texts("h1") == [NASTY]
    assert "simulated <data>" in page.texts("p")
    assert "<source>" in page.texts("dt")
    assert page.texts("b") == ["a", NASTY, "金額", "constant"]
    assert page.data["names"] == ["a", NASTY, "金額", "constant"]
    assert [tag for tag, _ in page.elements].count("script") == 3


def test_the_header_counts_the_rows_and_lists_the_facts(page):
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert facts == {"real rows": "40", "synthetic rows": "1,500", "seed": "7", "<source>": NASTY}


def test_the_table_has_every_figure_with_its_best_value_and_definition(page):
    cells = page.texts("td")
    shown = [measure for name, measure in FIGURES.items() if name != "missing_difference"]
    assert cells[::4] == [measure.label for measure in shown]
    assert cells[1::4][:2] == ["0.876", "0.234"]
    assert cells[1::4][3] == "1.25%"
    assert cells[2::4] == ["0.500", "0.000", "0.000", "0.00%"]
    assert cells[3::4] == [measure.definition for measure in shown]


def test_rules_are_shown_only_where_there_are_some(page, tmp_path):
    assert "Rules" not in page.texts("h2")
    real = rows(20, seed=1)
    rules = {f"`{NASTY}` <= a": {"real": 0.996, "synthetic": 0.013}}
    judged_with = replace(judged(real, real), rules=rules)
    path = write_report(tmp_path / "r.html", real, real, judged_with, title="t")
    shown = Page(path.read_text(encoding="utf-8"))
    assert shown.open == []
    assert "Rules" in shown.texts("h2")
    assert shown.texts("td")[-3:] == [f"`{NASTY}` <= a", "1.3%", "99.6%"]


def test_a_judgement_is_shown_beside_what_real_rows_get(tmp_path):
    real = rows(20, seed=1)
    found = made_up()
    path = write_report(
        tmp_path / "r.html", real, real, judged(real, real), title="t", judged=found
    )
    shown = Page(path.read_text(encoding="utf-8"))
    assert shown.open == []
    cells = shown.texts("td")
    for figure, said in zip(
        found.figures,
        ("0.710 (0.680 to 0.740)", "0.810 (0.750 to 0.870)", "0.250 (0.100 to 0.400)"),
        strict=True,
    ):
        place = cells.index(figure.words.label)
        assert cells[place + 1] == said
        assert cells[place + 3 : place + 5] == [figure.reading, figure.words.definition]
    assert list(found.notes) == shown.texts("li")
    assert [text for text in shown.texts("h2") if "Utility" in text] == []


def test_the_plane_draws_as_many_rows_of_either_side(page):
    plane = page.data["plane"]
    assert {len(plane[side][axis]) for side in ("real", "synthetic") for axis in "xy"} == {40}
    assert plane["titles"]["synthetic"].startswith("synthetic: 40 of 1,500 rows")


def test_the_scatter_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(views, "MAX_POINTS", 25)
    real = rows(100, seed=1)
    path = write_report(tmp_path / "r.html", real, real, judged(real, real), title="t")
    data = Page(path.read_text(encoding="utf-8")).data
    assert len(data["plane"]["real"]["x"]) == 25
    assert data["plane"]["titles"]["real"] == "real: 25 of 100 rows"


def test_the_heatmaps_hold_the_correlations_and_nothing_where_a_column_is_constant(page):
    real = np.array(page.data["correlations"]["real"]["values"], dtype=float)
    np.testing.assert_allclose(
        real[:3, :3], np.corrcoef(rows(40, seed=1).to_numpy()[:, :3].T), atol=6e-4
    )
    assert np.isnan(real[3]).all()
    assert page.data["correlations"]["real"]["limit"] == 1
    difference = page.data["correlations"]["difference"]
    values = np.array(difference["values"], dtype=float)
    assert difference["limit"] >= np.nanmax(np.abs(values)) - 6e-4


def test_the_histograms_are_those_of_the_figures_the_worst_first(page):
    real, synthetic = rows(40, seed=1), rows(1500, seed=2)
    shown = distributions.column_views(real, synthetic)
    for column, view in zip(page.data["columns"], shown, strict=True):
        np.testing.assert_allclose(column["edges"], view.edges)
        np.testing.assert_allclose(column["real"], view.real, atol=1e-5)
        np.testing.assert_allclose(column["synthetic"], view.synthetic, atol=1e-5)
        assert f"KS {view.distance:.2f}" in column["title"]
    assert page.data["first"] == int(np.argmax([view.distance for view in shown]))
    assert sum(tag == "button" for tag, _ in page.elements) == len(shown)


def test_losses_are_shown_and_what_is_not_finite_is_left_out(page):
    assert page.data["history"] == {
        "epoch": [1, 2, 3],
        "losses": {"discriminator": [0.5, None, 0.25], "generator": [1, 2, 4]},
        "evidence": {"epoch": [1, 3], "told apart": [0.9, 0.7]},
    }
    assert "Training" in page.texts("h2")


def test_a_history_may_be_missing(tmp_path):
    real = rows(20, seed=1)
    for history, shown in ((HISTORY, True), (None, False)):
        path = write_report(
            tmp_path / "r.html", real, real, judged(real, real), title="t", history=history
        )
        page = Page(path.read_text(encoding="utf-8"))
        assert ("Training" in page.texts("h2")) is shown
        assert (page.data["history"] is not None) is shown
        assert page.texts("title") == ["t"]


def test_a_report_that_cannot_be_made_leaves_no_file(tmp_path):
    real = rows(20, seed=1)
    with pytest.raises(SchemaError, match="'a' is missing"):
        write_report(tmp_path / "r.html", real, real.drop("a"), judged(real, real), title="t")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="it is a folder"):
        write_report(tmp_path, real, real, judged(real, real), title="t")


@pytest.mark.usefixtures("few_trees")
def test_a_mixed_table_is_shown_with_its_levels_as_written(tmp_path):
    real, synthetic = (
        mixed(n, seed=n).with_columns(
            level=pl.Series([NASTY, "", None, "東京" * 30, "$x$"] * (n // 5)),
        )
        for n in (40, 60)
    )
    path = write_report(
        tmp_path / "r.html", real, synthetic, judge_fidelity(real, synthetic), title="t"
    )
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert len(page.scripts) == 3
    assert page.texts("td")[::4] == [measure.label for measure in FIGURES.values()]
    number, level, _, day, _ = page.data["columns"]
    assert set(level["levels"]) == {NASTY, "(blank)", "(missing)", "東京" * 30, "$x$"}
    assert max(map(len, level["short"])) == 40
    assert level["title"].endswith("TV 0.00, missing: real 20.0%, synthetic 20.0%")
    assert (number["levels"], day["scale"]) == ([], "date")
    assert "missing 20.0% / 20.0%" in page.texts("small")
