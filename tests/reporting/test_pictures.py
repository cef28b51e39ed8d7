from dataclasses import replace

import pytest

from raregan.judging.answers import advise
from raregan.judging.figures import Figure
from raregan.judging.intervals import Interval
from raregan.judging.verdict import HOLDOUT_COMMANDS, reach_verdict
from raregan.reporting.charts import Charts
from raregan.reporting.pictures import _headline, pictures_section, verdict_section
from raregan.reporting.tables import figures_table
from tests.judging.test_report import made_up
from tests.reporting.test_report import HISTORY, Page, rows


@pytest.fixture(scope="module")
def charts():
    return Charts(rows(40, seed=1), rows(50, seed=2), None, HISTORY, 0)


def test_the_verdict_names_what_reads_otherwise_and_what_would_say_the_rest():
    report = made_up()
    page = Page(verdict_section(reach_verdict(report), report))
    assert page.open == []
    assert page.texts("h3") == [
        *("Does it look real?", "Whom does it expose?", "Does it teach what real rows teach?"),
        *("What would say the rest?", "How do you know?"),
    ]
    assert page.texts("li") == [
        "shape of columns: 0.710, real rows 0.930",
        "told apart by a linear model (AUC): 0.810, real rows 0.500",
        "singling-out risk: 0.250, real rows 0.000",
    ]
    kinds = [a["class"] for tag, a in page.elements if tag == "article"]
    assert kinds == ["answer bad", "answer bad", "answer other"]
    assert page.texts("code") == ["\n".join(HOLDOUT_COMMANDS)]
    assert page.texts("p").count(advise(("singling_out",))) == 1


def test_where_rows_are_too_few_the_verdict_names_the_figures_that_could_hide_a_difference():
    unsure = Figure("coverage", 0.9, Interval(0.5, 1.0), 0.95, None)
    report = replace(made_up(), figures=(unsure,))
    page = Page(verdict_section(reach_verdict(report), report))
    assert page.texts("li") == [
        "coverage: 0.900, real rows 0.950; as bad as 0.500 cannot be ruled out"
    ]
    assert page.elements[[tag for tag, _ in page.elements].index("article")][1]["class"] == (
        "answer other"
    )


def test_beside_held_out_rows_that_were_learned_from_the_page_reads_no_figure(charts):
    figures = (
        Figure("coverage", 0.9, Interval(0.85, 0.95), 0.9, Interval(0.85, 0.95)),
        Figure("density", 1.5, Interval(1.4, 1.6), 1.0, Interval(0.9, 1.1)),
        Figure("dcr", 2.0, Interval(1.9, 2.1), 0.0, Interval(0.0, 0.1)),
        Figure("tstr_ap", 0.5, Interval(0.4, 0.6), 0.9, Interval(0.85, 0.95)),
    )
    report = replace(made_up(), figures=figures, shared=80)
    page = Page(verdict_section(reach_verdict(report), report))
    assert page.texts("li") == []
    kinds = [a["class"] for tag, a in page.elements if tag == "article"]
    assert kinds == ["answer other"] * 3
    whole = pictures_section(charts, report) + figures_table(report.figures)
    for reading in ("as real rows</", "closer than", "no alarm", "worse than", "reading good"):
        assert reading not in whole
    assert whole.count("not compared") == whole.count("not read") == len(figures)


def test_where_nothing_is_absent_no_command_is_named():
    report = replace(made_up(), figures=made_up().figures[:1])
    verdict = reach_verdict(report)
    bare = replace(verdict, answers=tuple(replace(one, commands=()) for one in verdict.answers))
    assert "What would say the rest?" not in Page(verdict_section(bare, report)).texts("h3")


def test_every_chart_has_a_frame_with_words(charts):
    page = Page(pictures_section(charts, made_up()))
    assert page.open == []
    frames = {
        a["id"]: a["aria-label"] for tag, a in page.elements if "aria-label" in a and "id" in a
    }
    assert {name: frames[name] for name in charts.words} == charts.words
    assert page.texts("h4")[0].startswith("Fidelity")
    assert len([a for tag, a in page.elements if tag == "circle"]) == 3
    assert "Training" in page.texts("h3")


def test_what_the_judge_says_gives_rows_away_is_drawn(charts):
    page = Page(pictures_section(charts, made_up()))
    column = made_up()["c2st_linear"].details["columns"][0]["column"]
    assert column in page.texts("span")
    assert "70%" in page.texts("b")
    said = next(text for text in page.texts("p") if text.startswith("What each column has"))
    assert said.endswith("Together: 0.810 (0.750 to 0.870), worse than real rows.")
    without = replace(made_up(), figures=made_up().figures[:1])
    assert "What gives synthetic rows away" not in Page(pictures_section(charts, without)).texts(
        "h3"
    )


def test_the_first_sentence_of_an_answer_stands_out():
    one, more = map(_headline, ("Just this.", "0.836 of < 1. And 0.9 more."))
    assert one == '<p><span class="headline">Just this.</span> </p>'
    assert more == '<p><span class="headline">0.836 of &lt; 1.</span> And 0.9 more.</p>'


def test_to_teach_better_than_real_rows_is_no_fault():
    better = Figure("tstr_ap", 0.9, Interval(0.88, 0.92), 0.6, Interval(0.58, 0.62))
    closer = Figure("coverage", 0.99, Interval(0.98, 1.0), 0.7, Interval(0.69, 0.71))
    for figure, kind in ((better, "answer other"), (closer, "answer bad")):
        report = replace(made_up(), figures=(figure,))
        page = Page(verdict_section(reach_verdict(report), report))
        kinds = [a["class"] for tag, a in page.elements if tag == "article"]
        assert kind in kinds
        assert ("answer bad" in kinds) == (kind == "answer bad")
