import json

import pytest

from raregan.contest.fold import Record
from raregan.contest.intervals import corrected_interval
from raregan.contest.leaks import Leak
from raregan.contest.paragraph import show_gain
from raregan.contest.standings import rank
from tests.contest.records import FOLDS, records_of, verdict_of


def test_a_sure_gain_is_recommended_with_its_interval():
    records = records_of({"nothing": 0.5, "class-weights": 0.55, "smote": 0.7, "copula": 0.6})
    found = verdict_of(records)
    assert (found.recommendation, found.reason) == ("smote", "gain")
    assert (found.learner, found.against, found.n_tests) == ("logistic", "class-weights", 3)
    by_name = {(r.contestant, r.repeat, r.fold): r.scores["average_precision"] for r in records}
    expected = corrected_interval(
        [by_name["smote", *f] - by_name["class-weights", *f] for f in FOLDS],
        test_share=0.25,
        confidence=0.95,
        n_tests=3,
    )
    assert found.interval == expected
    assert f"gains {show_gain(expected)} points" in found.text
    assert "Brier score 0.20000 as they are and 0.10000 recalibrated" in found.text


def test_keep_is_the_default():
    found = verdict_of(
        records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.505}, noise=0.1)
    )
    assert (found.recommendation, found.reason, found.best) == ("keep", "no gain", "smote")
    assert found.interval.low < 0
    assert found.text.startswith("Keep what you have")


def test_nearest_is_who_gains_most_on_the_baseline_that_it_gains_less_on():
    """The mean counts, also where the other interval reaches lower."""
    levels = {"nothing": 0.5, "class-weights": 0.49, "smote": 0.5, "copula": 0.503}
    records = records_of(levels, noise=0.001)
    for place, record in enumerate(r for r in records if r.contestant == "class-weights"):
        record.scores["average_precision"] += 0.2 * (-1) ** place
    found = verdict_of(records)
    assert (found.recommendation, found.best, found.against) == ("keep", "copula", "nothing")
    assert found.interval.mean == pytest.approx(0.003, abs=0.002)


def test_fewer_than_three_folds_say_nothing_yet():
    records = records_of({"nothing": 0.5, "class-weights": 0.5, "copula": 0.5})
    records += records_of({"smote": 0.5}, folds=FOLDS[:2], noise=0.1)
    found = verdict_of(records)
    assert (found.recommendation, found.reason) == ("keep", "too few folds")
    assert found.text.startswith("Too early to say, so keep what you have: with logistic fewer")
    assert "played by smote in 2." in found.text
    plain = found.to_dict()["interval"]
    assert -1 <= plain["low"] <= plain["high"] <= 1


def test_two_folds_recommend_nothing_however_alike_they_are():
    levels = {"nothing": 0.5, "class-weights": 0.5, "smote": 0.6}
    found = verdict_of(records_of(levels, folds=FOLDS[:2], noise=1e-5))
    assert found.interval.low > 0
    assert (found.recommendation, found.reason) == ("keep", "too few folds")


def missing_the_hard_fold(levels, *, learner="logistic"):
    """Records as of `records_of`, but the last fold is much harder, and some are not played in it.

    By contestant: its level, and whether it plays the hard fold.
    """
    records = records_of({name: level for name, (level, _) in levels.items()}, learner=learner)
    for record in records:
        if (record.repeat, record.fold) == FOLDS[-1]:
            record.scores["average_precision"] -= 0.45
    return [r for r in records if (r.repeat, r.fold) != FOLDS[-1] or levels[r.contestant][1]]


def test_contestants_are_ranked_by_what_they_gain_whatever_folds_they_missed():
    base = {"nothing": (0.6, True), "class-weights": (0.6, True)}
    records = missing_the_hard_fold({**base, "smote": (0.68, True), "copula": (0.66, False)})
    standings, _ = rank(records, confidence=0.95)
    smote, copula = (
        next(s for s in standings if s.contestant == name) for name in ("smote", "copula")
    )
    assert copula.scores["average_precision"] > smote.scores["average_precision"]
    assert copula.beside["average_precision"] > smote.beside["average_precision"] + 0.04
    assert verdict_of(records).recommendation == "smote"


def test_a_learner_that_fails_in_hard_folds_is_not_taken_for_the_best():
    base = {"nothing": (0.7, True), "class-weights": (0.7, True)}
    records = missing_the_hard_fold({**base, "smote": (0.7, True)})
    other = {"nothing": (0.67, False), "class-weights": (0.67, False), "smote": (0.67, False)}
    records += missing_the_hard_fold(other, learner="tree")
    standings, _ = rank(records, confidence=0.95)
    means = {
        s.learner: s.scores["average_precision"] for s in standings if s.contestant == "nothing"
    }
    assert means["tree"] > means["logistic"]
    assert verdict_of(records).learner == "logistic"


def test_learners_are_ranked_by_the_untouched_table_and_gains():
    base = {"nothing": (0.6, True), "class-weights": (0.6, True)}
    records = missing_the_hard_fold({**base, "smote": (0.69, True)})
    other = {"nothing": (0.55, True), "class-weights": (0.55, True)}
    records += missing_the_hard_fold({**other, "smote": (0.68, False)}, learner="tree")
    found = verdict_of(records)
    assert found.by_learner == {"logistic": "smote", "tree": "smote"}
    assert found.learner == "logistic"


def test_who_is_absent_by_nature_is_not_waited_for():
    records = records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.5})
    records += records_of({"borderline-smote": 0.9}, folds=FOLDS[:2])
    assert verdict_of(records).reason == "too few folds"
    records += [
        Record(*place, "borderline-smote", "logistic", absent="no rare row is in danger")
        for place in FOLDS[2:]
    ]
    found = verdict_of(records)
    assert (found.recommendation, found.reason, found.best) == ("keep", "no gain", "smote")


def test_a_gain_on_one_baseline_alone_is_none():
    found = verdict_of(records_of({"nothing": 0.5, "class-weights": 0.7, "smote": 0.69}))
    assert found.recommendation == "keep"
    assert "Class weights alone gain" in found.text
    found = verdict_of(records_of({"nothing": 0.7, "class-weights": 0.5, "smote": 0.69}))
    assert (found.recommendation, found.against) == ("keep", "nothing")


def test_a_baseline_that_a_learner_cannot_take_is_not_asked_for():
    records = records_of({"nothing": 0.5, "smote": 0.7})
    records += [Record(*f, "class-weights", "logistic", absent="no weights") for f in FOLDS]
    found = verdict_of(records)
    assert (found.recommendation, found.against, found.n_tests) == ("smote", "nothing", 1)


def test_a_lesser_learner_does_not_decide():
    records = records_of({"nothing": 0.8, "class-weights": 0.8, "smote": 0.8})
    records += records_of({"nothing": 0.4, "class-weights": 0.4, "smote": 0.7}, learner="tree")
    found = verdict_of(records)
    assert (found.recommendation, found.learner) == ("keep", "logistic")
    assert found.by_learner == {"logistic": "keep", "tree": "smote"}
    assert "With lesser learners there is a sure gain: smote with tree." in found.text


def test_a_lesser_learner_that_overtakes_does():
    records = records_of({"nothing": 0.6, "class-weights": 0.6, "smote": 0.6})
    records += records_of({"nothing": 0.4, "class-weights": 0.4, "smote": 0.7}, learner="tree")
    found = verdict_of(records)
    assert (found.recommendation, found.learner) == ("smote", "tree")


def test_an_unsure_level_is_none_to_overtake_with():
    records = records_of({"nothing": 0.6, "class-weights": 0.6, "smote": 0.6})
    records += records_of(
        {"nothing": 0.55, "class-weights": 0.55, "smote": 0.65}, learner="tree", noise=0.2
    )
    assert verdict_of(records).learner == "logistic"


def test_a_leak_comes_first():
    records = records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.9})
    found = verdict_of(records, leaks=[Leak("copies", 3, "3 rows are copies")])
    assert (found.recommendation, found.reason) == ("keep", "leak")
    assert found.by_learner == {"logistic": "keep"}
    assert found.text.startswith("Keep what you have, for now: a leak was found")
    assert found.text.endswith("3 rows are copies.")  # of scores that are not true it says nothing
    assert "Use smote" not in found.text


@pytest.mark.parametrize("folds", [[(0, 0)], []])
def test_too_few_folds(folds):
    found = verdict_of(
        records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.9}, folds=folds)
    )
    assert (found.recommendation, found.reason) == ("keep", "too few folds")
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_best_learner_is_found_over_the_folds_that_all_have():
    """One has an easy fold more, and is worse where both were scored."""

    def levels(learner, values):
        return [
            Record(0, fold, name, learner, None, {"average_precision": value}, 1.0, 80, 20)
            for name in ("nothing", "class-weights")
            for fold, value in enumerate(values)
        ]

    records = levels("tree", [0.6, 0.61, 0.62, 0.6, 0.99]) + levels("net", [0.66, 0.67, 0.66, 0.68])
    assert verdict_of(records).learner == "net"


def test_class_weights_alone_are_a_whole_contest():
    found = verdict_of(records_of({"nothing": 0.5, "class-weights": 0.7}))
    assert (found.recommendation, found.reason, found.best) == ("keep", "no gain", None)
    assert found.text.startswith("Keep what you have: nobody but the baselines could be scored.")
    assert "Class weights alone gain +" in found.text
    found = verdict_of(records_of({"nothing": 0.5, "class-weights": 0.7}), is_whole=False)
    assert found.reason == "too few folds"
    assert "nobody but the baselines was played" in found.text


def test_learners_without_a_score_are_named():
    records = records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.5})
    records += [
        Record(0, 0, name, "mine", absent="ValueError: no names")
        for name in ("nothing", "class-weights", "smote")
    ]
    assert "Without any score: mine (ValueError: no names)." in verdict_of(records).text


def test_one_baseline_is_named_where_there_is_one_alone():
    found = verdict_of(records_of({"nothing": 0.5, "smote": 0.5}))
    assert "no contestant gains on nothing beyond doubt" in found.text
