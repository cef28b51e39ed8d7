import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from raregan.errors import DataError, SchemaError
from raregan.judging.fidelity import FIGURES
from raregan.judging.marginals import Marginal
from raregan.judging.verdict import HOLDOUT_COMMANDS, reach_verdict
from raregan.reporting import charts
from raregan.reporting.report import write_report
from tests.judging.test_fidelity import mixed
from tests.judging.test_report import made_up

MOST_BYTES = 6_000_000
NASTY = "</script><script>alert('$a$ & \"b\"')</script>"
VOID = {"meta", "link", "br", "path"}


class Page(HTMLParser):
    """What the tests ask of a page: its elements, its texts and its scripts."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.open, self.scripts, self.words = [], [], [], []
        self.tiles = []  # names of columns on the small pictures
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
            if self.open[-1] == "b" and "button" in self.open:
                self.tiles.append(data.strip())

    def texts(self, tag):
        return [text for inside, text in self.words if inside == tag]

    @property
    def data(self):
        kinds = [attributes.get("type") for tag, attributes in self.elements if tag == "script"]
        return json.loads(self.scripts[kinds.index("application/json")])


def rows(n, *, seed):
    values = np.random.default_rng(seed).normal(size=(n, 3))
    return pl.DataFrame(values, schema=["a", NASTY, "金額"]).with_columns(constant=pl.lit(1))


HISTORY = {
    "discriminator_loss": [0.5, float("nan"), 0.25],
    "generator_loss": np.array([1, 2, 4], np.float32),
    "evidence_epoch": [1, 3],
    "evidence_told_apart": [0.9, 0.7],
    "evidence_seconds": [1.0, 2.0],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = write_report(
        tmp_path_factory.mktemp("reports") / "new" / "report.html",
        rows(40, seed=1),
        rows(1500, seed=2),
        made_up(),
        title=NASTY,
        holdout=rows(30, seed=3),
        note="simulated <data>",
        history=HISTORY,
        facts=[("trained with seed", 11), ("<source>", NASTY)],
        command=f"raregan evaluate '{NASTY}'",
    )
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def test_the_page_is_whole_and_of_reasonable_size(source, page):
    assert page.open == []
    assert source.startswith("<!doctype html>")
    assert len(source.encode()) < MOST_BYTES
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere(page):
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert attributes.get("href", "data:").startswith(("data:", "#"))
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
    assert page.tiles == ["a", NASTY, "金額", "constant"]
    assert page.data["names"] == ["a", NASTY, "金額", "constant"]
    assert [tag for tag, _ in page.elements].count("script") == 3


def test_the_verdict_comes_first_then_pictures_tables_and_provenance(page):
    assert page.texts("h2") == ["Verdict", "Pictures", "Tables", "Provenance"]
    links = [a["href"][1:] for tag, a in page.elements if tag == "a"]
    assert links == ["verdict", "verdict", "pictures", "tables", "provenance"]  # skip link first
    ids = [a["id"] for tag, a in page.elements if tag == "section"]
    assert ids == links[1:]
    verdict = reach_verdict(made_up())
    assert page.texts("p")[1] == verdict.summary
    shown = page.texts("h3")
    questions = [answer.question for answer in verdict.answers]
    assert shown[:3] == questions
    for answer in verdict.answers:
        first, stop, rest = answer.headline.partition(". ")
        assert first + stop.rstrip() in page.texts("span")
        assert not rest or rest in page.texts("p")
        assert answer.caution in page.texts("p")
    worse = "told apart by a linear model (AUC): 0.810, real rows 0.500"
    assert worse in page.texts("li")
    assert "singling-out risk: 0.250, real rows 0.000" in page.texts("li")
    assert any(HOLDOUT_COMMANDS[0] in text for text in page.texts("code"))


def test_headings_go_down_step_by_step(page):
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_picture_has_words_and_every_table_a_caption_and_heads(page):
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    charts = {a["id"]: a for tag, a in page.elements if a.get("class") == "chart"}
    assert set(charts) == {
        *(f"plane-{side}" for side in ("real", "synthetic", "both")),
        *(f"neighbours-{side}" for side in ("real", "synthetic", "holdout")),
        *(f"correlation-{side}" for side in ("real", "synthetic", "difference")),
        *("distances", "distribution", "losses", "evidence"),
    }
    for name, attributes in charts.items():
        assert attributes["role"] == "img"
        assert attributes.get("aria-label") or name == "distribution"  # the script gives it one
    tables = [tag for tag, _ in page.elements if tag in ("table", "caption")]
    assert tables == ["table", "caption"] * (len(tables) // 2)


def test_provenance_counts_the_rows_and_repeats_the_command(page):
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", facts.pop("made"))
    assert facts == {
        "real rows": "1,234",
        "synthetic rows": "567",
        "held-out rows": "89",
        "trained with seed": "11",
        "<source>": NASTY,
        "seed of the judge": "7",
        "versions": "raregan 0",
    }
    assert page.texts("code")[-1] == f"raregan evaluate '{NASTY}'"


def test_the_tables_hold_every_figure_columns_pairs_rules_and_notes(page):
    heads, cells = page.texts("th"), page.texts("td")
    for figure in made_up().figures:
        assert figure.words.label in heads
        assert figure.words.source in cells
        assert any(figure.words.shows_not in text for text in cells)
    for said in ("0.710 (0.680 to 0.740)", "0.930 (0.900 to 0.960)", "worse than real rows"):
        assert said in cells
    assert any("Succeeded on 40.0% of real and 20.0% of held-out rows." in text for text in cells)
    assert [measure.label for measure in FIGURES.values() if measure.label in heads]
    assert "one | note" in page.texts("li")
    assert page.texts("summary") == ["Columns (2)", "Pairs of columns (1)", "Rules (1)",
                                     "Whole tables"]  # fmt: skip


def test_what_is_absent_has_no_section(tmp_path):
    real = rows(20, seed=1)
    bare = replace(made_up(), figures=(), rules={}, pairs=(), n_pairs=0, notes=())
    path = write_report(tmp_path / "r.html", real, real, bare, title="t")
    shown = Page(path.read_text(encoding="utf-8"))
    assert shown.open == []
    assert shown.texts("title") == ["t"]
    assert not {"Notes", "Training", "What gives synthetic rows away"} & set(shown.texts("h3"))
    assert shown.texts("summary") == ["Columns (2)", "Whole tables"]
    assert "Absent: without held-out rows nobody can say how close is too close." in shown.texts(
        "p"
    )
    assert shown.data["distances"] is None
    assert shown.data["history"] is None


def test_a_wide_table_fits_too(tmp_path):
    names = [f"a rather long name of column {i}" for i in range(300)]
    real, synthetic = (
        pl.DataFrame(np.random.default_rng(seed).normal(size=(40, 300)), schema=names)
        for seed in (1, 2)
    )
    wide = tuple(Marginal(name, "number", "KS", 0.1, 0.1, 0.1, 0.9, (0, 0)) for name in names)
    report = replace(made_up(), columns=wide)
    path = write_report(tmp_path / "r.html", real, synthetic, report, title="t")
    shown = Page(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < MOST_BYTES
    assert len(shown.tiles) == charts.MOST_DRAWN
    assert len(shown.data["names"]) == charts.MOST_CORRELATED
    assert any(f"Of 300 columns, the {charts.MOST_DRAWN} are drawn" in p for p in shown.texts("p"))


def test_a_report_that_cannot_be_made_leaves_no_file(tmp_path):
    real = rows(20, seed=1)
    with pytest.raises(SchemaError, match="'a' is missing"):
        write_report(tmp_path / "r.html", real, real.drop("a"), made_up(), title="t")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="it is a folder"):
        write_report(tmp_path, real, real, made_up(), title="t")


def test_a_mixed_table_is_shown_with_its_levels_as_written(tmp_path):
    real, synthetic = (
        mixed(n, seed=n).with_columns(
            level=pl.Series([NASTY, "", None, "東京" * 30, "$x$"] * (n // 5)),
        )
        for n in (40, 60)
    )
    path = write_report(tmp_path / "r.html", real, synthetic, made_up(), title="t")
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert len(page.scripts) == 3
    number, level, _, day, _ = page.data["columns"]
    assert set(level["levels"]) == {NASTY, "(blank)", "(missing)", "東京" * 30, "$x$"}
    assert max(map(len, level["short"])) == 40
    assert level["title"].endswith("TV 0.00, missing: real 20.0%, synthetic 20.0%")
    assert (number["levels"], day["scale"]) == ([], "date")
    assert "missing 20.0% / 20.0%" in page.texts("small")
