import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from raregan.arguments import make_parser
from raregan.configfile import read_config
from raregan.judging.answers import Sorted, advise
from raregan.judging.evaluation import evaluate
from raregan.judging.figures import TOO_FEW, Figure
from raregan.judging.intervals import Interval
from raregan.judging.verdict import reach_verdict
from tests.judging.test_report import made_up
from tests.judging.test_verdict import FINE, answers, figure, report_of


def test_figures_that_read_otherwise_are_counted_and_named():
    found = answers(report_of(**FINE | {"coverage": "worse", "density": "better", "dcr": "better"}))
    looks = found["fidelity"]
    assert looks.status == "differs"
    assert (looks.as_real, looks.worse, looks.closer) == (
        ("column_shape",),
        ("coverage",),
        ("density",),
    )
    assert looks.headline.startswith("Not quite: 1 of 3 figures reads worse than real rows. 1 of 3")
    exposes = found["privacy"]
    assert (exposes.status, exposes.closer) == ("as real rows", ("dcr",))


def test_closer_than_real_rows_is_no_praise():
    looks = answers(report_of(**FINE | {"density": "better"}))["fidelity"]
    assert looks.status == "differs"
    assert "which is no praise" in looks.headline


def test_one_alarm_is_an_alarm_and_real_looks_are_put_in_its_light():
    report = report_of(**FINE | {"membership_nearest": "worse"})
    found = answers(report)
    assert (found["privacy"].status, found["privacy"].worse) == ("alarm", ("membership_nearest",))
    assert found["privacy"].headline.startswith("Alarm: 1 of 2 figures says")
    remedy = advise(("membership_nearest",))
    assert found["privacy"].remedy == remedy
    assert {answer.remedy for answer in answers(report_of(**FINE)).values()} == {""}
    for text in (" ".join(report.to_text().split()), report.to_markdown()):
        assert remedy in text
    said = "; at most 89 synthetic rows at a time were compared with at most 1,234 real ones. "
    raised = "A figure of privacy raises an alarm, and copies look real too. Least sure"
    assert said + raised in found["fidelity"].headline
    more = answers(report_of(**FINE | {"membership_nearest": "worse", "exact_copies": "worse"}))
    raised = "Figures of privacy raise an alarm, and copies look real too."
    assert raised in more["fidelity"].headline
    assert "copies look real too" not in answers(report_of(**FINE))["fidelity"].headline
    assert "1 of 2 figures of privacy raises an alarm" in reach_verdict(report).summary


@pytest.mark.parametrize(
    ("reads", "status", "said"),
    [
        ("as real", "as real rows", "No loss was found"),
        ("worse", "differs", "Less than real rows"),
        ("better", "differs", "More than real rows, on this test"),
    ],
)
def test_a_detector_is_compared_with_one_that_real_rows_taught(reads, status, said):
    answer = answers(report_of(**FINE | {"tstr_ap": reads}))["utility"]
    assert answer.status == status
    assert said in answer.headline
    assert "0.500" in answer.headline


@pytest.mark.parametrize(
    ("name", "group", "clause"),
    [
        ("coverage", "fidelity", "89 rows at a time against 1,234 are too few to tell"),
        ("membership_nearest", "privacy", "89 held-out rows are too few to tell"),
        ("tstr_ap", "utility", "89 held-out rows are too few to tell"),
    ],
)
def test_one_figure_that_could_hide_a_gross_difference_is_enough_to_take_the_all_clear_back(
    name, group, clause
):
    report = report_of(**FINE)
    wide = Figure(name, 0.5, Interval(0.2, 0.8), 0.5, Interval(0.5, 0.5))
    report = replace(report, figures=tuple(wide if f.name == name else f for f in report.figures))
    verdict = reach_verdict(report)
    found = {answer.group: answer for answer in verdict.answers}
    assert (found[group].status, found[group].unsure) == ("too few rows", (name,))
    assert name not in found[group].as_real
    assert found[group].headline.startswith("Too few rows to tell: ")
    assert f"{wide.words.label}: 0.500, and {wide.at_worst:.3f} cannot" in found[group].headline
    assert clause in verdict.summary
    assert {answer.status for answer in verdict.answers if answer.group != group} == {
        "as real rows"
    }


def test_the_remedy_names_a_heading_that_exists_and_its_settings_are_taken(tmp_path):
    remedy = advise(("attribute_inference",))
    heading, path = re.search(r'under "(.*)" in (.*)\.$', remedy).groups()
    text = (Path(__file__).parents[2] / path).read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (written,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    (tmp_path / "safer.json").write_text(written)
    assert read_config(tmp_path / "safer.json").settings["jitter"] == 1.0
    for option in re.findall(r"--[a-z]+", remedy):
        assert option in section


def test_columns_are_to_be_left_out_only_where_a_figure_names_those_at_risk():
    told = {
        name: answers(report_of(**FINE | {name: "worse"}))["privacy"].remedy
        for name in ("attribute_inference", "closer")
    }
    assert "leave out the columns most at risk (--ignore), or learn" in told["attribute_inference"]
    assert "If it comes back, learn with more jitter" in told["closer"]
    assert "--ignore" not in told["closer"]


def test_the_split_that_the_remedy_names_can_be_typed():
    (typed,) = re.findall(r"\(raregan (split .*?)\)", advise(()))
    typed = make_parser().parse_args(typed.split())
    assert (typed.data, typed.seed, typed.output) == ("TABLE", 1, "again")


def test_what_was_found_is_found_however_wide_the_other_figures_are():
    wide = Figure("coverage", 0.5, Interval(0.1, 0.9), 0.5, None)
    worse, alarm = figure("column_shape", "worse"), figure("closer", "worse")
    found = answers(replace(made_up(), figures=(worse, wide, alarm)))
    assert (found["fidelity"].status, found["privacy"].status) == ("differs", "alarm")
    assert found["fidelity"].unsure == ("coverage",)


def test_an_all_clear_says_how_many_rows_were_compared_and_what_it_cannot_rule_out():
    looks, exposes, helps = reach_verdict(report_of(**FINE)).answers
    assert "at most 89 synthetic rows at a time" in looks.headline
    assert "compared with at most 1,234 real ones" in looks.headline
    assert "with 1,234 real and 89 held-out rows" in exposes.headline
    assert "89 held-out rows were tested on" in helps.headline
    for answer in (looks, exposes, helps):
        assert "Least sure is " in answer.headline
        assert "cannot be ruled out beside the 0.500 of real rows" in answer.headline.replace(
            "50.00%", "0.500"
        )


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("seed", range(3))
def test_a_few_rows_of_one_distribution_are_never_an_all_clear_and_many_are(seed):
    rng = np.random.default_rng(seed)
    real, synthetic = (pl.DataFrame(rng.normal(size=(400, 3)), schema=list("abc")) for _ in "rs")
    few = reach_verdict(evaluate(real[:30], synthetic[:30])).answers[0]
    assert few.status in ("too few rows", "differs")
    assert few.status == "differs" or "15 synthetic rows at a time" in few.headline
    many = evaluate(real, synthetic)
    assert TOO_FEW not in {one.reading for one in many.figures}


def test_figures_are_sorted_by_how_they_read():
    wide = Figure("recall", 0.5, Interval(0.1, 0.9), 0.5, None)
    alone = Figure("dcr", 2.0)
    reads = {"coverage": "worse", "density": "better", "exact_copies": "as real", "closer": "worse"}
    names = Sorted.of((*(figure(name, how) for name, how in reads.items()), wide, alone))
    assert names == (("exact_copies",), ("coverage", "closer"), ("density",), ("dcr",), ("recall",))
    assert names.n_read == 5
