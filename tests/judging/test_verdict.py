import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from raregan.judging.evaluation import evaluate
from raregan.judging.figures import Figure
from raregan.judging.intervals import Interval
from raregan.judging.measures import MEASURES
from raregan.judging.texts import WIDTH
from raregan.judging.verdict import HOLDOUT_COMMANDS, QUESTIONS, name_figures, reach_verdict
from tests.judging.test_report import made_up


def figure(name, reads):
    """A figure that reads as asked: baseline 0.5, value the same, or on its good or bad side."""
    is_good_high = MEASURES[name].direction in ("higher", "baseline")
    step = {"as real": 0, "better": 0.3, "worse": -0.3}[reads] * (1 if is_good_high else -1)
    value = 0.5 + step
    return Figure(name, value, Interval(value - 0.05, value + 0.05), 0.5, Interval(0.45, 0.55))


def report_of(**reads):
    figures = tuple(figure(name, reads[name]) for name in MEASURES if name in reads)
    return replace(made_up(), figures=figures)


FINE = {
    "column_shape": "as real",
    "coverage": "as real",
    "exact_copies": "as real",
    "membership_nearest": "as real",
    "tstr_ap": "as real",
}


def flat(text):
    return " ".join(text.split())


def answers(report):
    return {answer.group: answer for answer in reach_verdict(report).answers}


def test_where_all_reads_as_real_rows_nothing_is_promised():
    verdict = reach_verdict(report_of(**FINE))
    assert [answer.status for answer in verdict.answers] == ["as real rows"] * 3
    assert [answer.question for answer in verdict.answers] == [
        "Does it look real?",
        "Whom does it expose?",
        "Does it teach what real rows teach?",
    ]
    assert [answer.as_real for answer in verdict.answers] == [
        ("column_shape", "coverage"),
        ("exact_copies", "membership_nearest"),
        ("tstr_ap",),
    ]
    for answer in verdict.answers:
        assert (answer.worse, answer.closer, answer.commands) == ((), (), ())
        assert answer.absent == answer.remedy == ""
        assert answer.caution == QUESTIONS[answer.group].caution
    assert "no guarantee" in verdict.answers[1].headline
    assert "no guarantee" in verdict.summary
    assert "567 synthetic rows" in verdict.summary
    assert "89 held-out" in verdict.summary
    assert "held-out real rows" in verdict.grounds
    assert "Seed 7" in verdict.grounds


@pytest.mark.usefixtures("few_trees")
def test_without_held_out_rows_the_verdict_says_what_cannot_be_said_and_what_would_say_it():
    rng = np.random.default_rng(0)
    real, synthetic = (pl.DataFrame(rng.normal(size=(60, 2)), schema=["a", "b"]) for _ in "rs")
    copied = pl.concat([synthetic[:57], real[:3]])
    for rows, said in ((synthetic, "No synthetic row equals"), (copied, "5.00% of the synthetic")):
        verdict = reach_verdict(evaluate(real, rows))
        looks, exposes, helps = verdict.answers
        assert looks.status in ("as real rows", "differs", "too few rows")
        assert "learned by heart" in looks.absent
        assert (exposes.status, helps.status) == ("not judged", "not judged")
        assert said in exposes.headline
        assert exposes.unread == ("exact_copies",)
        assert exposes.commands == helps.commands == HOLDOUT_COMMANDS
        assert verdict.summary.count("cannot be said without held-out rows") == 2
        assert "one half of the real rows" in verdict.grounds


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize(
    ("n_real", "n_held", "said"),
    [
        (60, 15, "15 held-out rows are too few to compare with; 20 are needed"),
        (60, 1, "1 held-out row is too few to compare with; 20 are needed"),
        (12, 15, "15 held-out rows are too few to compare with; 20 are needed"),
    ],
)
def test_held_out_rows_that_are_too_few_are_not_answered_as_none(n_real, n_held, said):
    rng = np.random.default_rng(0)
    real, made, held, others = (
        pl.DataFrame(rng.normal(size=(n, 2)), schema=["a", "b"]) for n in (n_real, 60, n_held, 60)
    )
    report = evaluate(real, made, held, others)
    verdict = reach_verdict(report)
    looks, exposes, helps = verdict.answers
    assert looks.headline.endswith(f" {said}.")
    assert exposes.headline.startswith(f"Cannot be said: {said}. No synthetic row")
    assert helps.headline == f"Cannot be said: {said}."
    assert verdict.summary.count(f"cannot be said: {said}.") == 2
    text = " ".join(report.to_text().split())
    for told in (text, report.to_markdown(), verdict.summary, looks.absent):
        assert "ithout held-out" not in told
        assert "no held-out" not in told
    share = {(60, 15): " --test 0.35", (60, 1): " --test 0.45", (12, 15): ""}[n_real, n_held]
    first, *rest = (command.replace("parts", "again") for command in HOLDOUT_COMMANDS)
    assert exposes.commands == (first + share, *rest)
    line = report.to_text().splitlines()[1]
    assert said.removesuffix(" to compare with; 20 are needed") in line
    assert len(line) <= WIDTH


@pytest.mark.usefixtures("few_trees")
def test_too_few_rows_for_a_baseline_answer_nothing():
    rng = np.random.default_rng(0)
    real = pl.DataFrame(rng.normal(size=(12, 2)), schema=["a", "b"])
    verdict = reach_verdict(evaluate(real, real + 1.0))
    assert {answer.status for answer in verdict.answers} == {"not judged"}
    assert verdict.answers[0].unread
    assert "nothing, as there are too few real rows" in verdict.grounds


@pytest.mark.usefixtures("few_trees")
def test_held_out_rows_that_were_learned_from_and_no_other_rows():
    rng = np.random.default_rng(0)
    real, synthetic = (pl.DataFrame(rng.normal(size=(60, 2)), schema=["a", "b"]) for _ in "rs")
    found = answers(evaluate(real, synthetic, real[:50]))
    assert found["privacy"].status == "not judged"
    assert "equal no row that was learned from" in found["privacy"].absent
    assert "rows of the other class" in found["utility"].headline


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize(("first", "n_shared"), [(0, 60), (30, 60), (40, 60)])
def test_held_out_rows_that_were_learned_from_are_named_first_and_nothing_beside_them_is_judged(
    first, n_shared
):
    rng = np.random.default_rng(0)
    rows, others = (pl.DataFrame(rng.normal(size=(n, 2)), schema=["a", "b"]) for n in (160, 60))
    real, fresh, synthetic = rows[:60], rows[60 : 60 + first], rows[100:]
    report = evaluate(real, synthetic, pl.concat([real, fresh]), others)
    verdict = reach_verdict(report)
    told = f"{n_shared} of {60 + first} held-out rows are among the rows that were learned from"
    assert verdict.summary.startswith(told)
    assert report.shared == n_shared
    assert {answer.status for answer in verdict.answers} == {"not judged"}
    for answer in verdict.answers:
        assert answer.headline == f"Cannot be said: {told}."
        assert answer.commands == HOLDOUT_COMMANDS
        assert (answer.as_real, answer.worse, answer.closer, answer.unsure) == ((),) * 4
        assert answer.unread == tuple(one.name for one in report.group(answer.group))
    groups = json.loads(report.to_json())["groups"]
    assert {one["reading"] for group in groups for one in group["figures"]} == {""}
    text, markdown = report.to_text(), report.to_markdown()
    assert text.startswith(told)
    assert HOLDOUT_COMMANDS[0] in " ".join(text.splitlines()[:4])
    assert "If REAL is the whole table, give the part of it that was learned from." in flat(text)
    assert f"**{told}" in markdown.splitlines()[2]


@pytest.mark.usefixtures("few_trees")
def test_of_a_hold_out_that_was_learned_from_in_part_the_rest_alone_is_compared_with():
    rng = np.random.default_rng(0)
    rows, others = (pl.DataFrame(rng.normal(size=(n, 2)), schema=["a", "b"]) for n in (260, 60))
    real, fresh, synthetic = rows[:100], rows[100:160], rows[160:]
    copied = pl.concat([synthetic[30:], real[:30]])
    report = evaluate(real, copied, pl.concat([real[:50], fresh]), others)
    told = "50 of 110 held-out rows are among the rows that were learned from: these are left out"
    assert reach_verdict(report).summary.startswith(told)
    assert flat(report.to_text()).startswith(told)
    assert "learned from and 60 held-out ones." in reach_verdict(report).summary
    few = evaluate(real, copied, pl.concat([real[:16], fresh[:19]]), others)
    assert few.baseline == "halves"
    assert "19 held-out rows are too few" in few.to_text()
    alone = evaluate(real, copied, fresh, others)
    assert report.figures == alone.figures
    assert report["exact_copies"].reading == "alarm"
    assert (report["exact_copies"].value, report["exact_copies"].baseline) == (0.3, 0)


@pytest.mark.usefixtures("few_trees")
def test_rows_that_equal_a_real_one_by_chance_stay_beside_those_that_do():
    """Of a table of few values: three in ten fresh rows are there already."""
    rng = np.random.default_rng(0)
    real, fresh, made = (
        pl.DataFrame({c: rng.geometric(0.25, n) for c in "abcd"}) for n in (300, 200, 400)
    )
    report = evaluate(real, made, pl.concat([fresh, real[:60]]))
    assert 50 <= report.shared <= 70
    copies = report["exact_copies"]
    assert copies.baseline == pytest.approx(copies.value, abs=0.1)
    assert "alarm" not in {one.reading for one in report.figures if "copies" in one.name}


@pytest.mark.usefixtures("few_trees")
def test_an_alarm_stays_an_alarm_beside_held_out_rows_that_were_learned_from():
    report = replace(report_of(**FINE | {"membership_nearest": "worse"}), shared=80)
    exposes = answers(report)["privacy"]
    assert (exposes.status, exposes.worse) == ("alarm", ("membership_nearest",))
    assert (exposes.as_real, exposes.unread) == ((), ("exact_copies",))
    assert exposes.headline.startswith("Alarm: 1 of 2 figures says")
    report = report_of(**FINE | {"membership_nearest": "worse"})
    assert answers(replace(report, shared=40))["fidelity"].status == "as real rows"


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("n_columns", [1, 5])
def test_where_fresh_rows_are_equal_too_no_hold_out_is_said_to_be_learned_from(n_columns):
    rng = np.random.default_rng(0)
    real, held, made = (
        pl.DataFrame(
            {f"{c}": rng.choice(4, n, p=[0.5, 0.25, 0.125, 0.125]) for c in range(n_columns)}
        )
        for n in (500, 200, 80)
    )
    assert 2 * held.join(real.unique(), on=real.columns, how="semi").height > held.height
    report = evaluate(real, made, held)
    assert report.shared == 0
    assert "are among" not in report.to_text() + reach_verdict(report).summary


def test_the_figures_that_an_answer_rests_on_are_named_with_what_real_rows_get():
    reads = {
        "coverage": "worse", "column_shape": "as real", "density": "better",
        "closer": "worse", "dcr": "better", "tstr_ap": "better",
    }  # fmt: skip
    report = report_of(**reads)
    named = [name_figures(answer, report) for answer in reach_verdict(report).answers]
    label = {name: MEASURES[name].label for name in reads}
    assert named == [
        (
            f"{label['coverage']}: 0.200, real rows 0.500",
            f"{label['density']}: 0.800, real rows 0.500 (closer than real rows)",
        ),
        (f"{label['closer']}: 0.800, real rows 0.500",),
        (f"{label['tstr_ap']}: 0.800, real rows 0.500 (better than real rows)",),
    ]


def test_it_is_plain_data_within_the_report():
    report = report_of(**FINE)
    told = json.loads(report.to_json())["verdict"]
    assert list(told) == ["summary", "answers", "grounds"]
    assert told == json.loads(json.dumps(reach_verdict(report).to_dict()))
