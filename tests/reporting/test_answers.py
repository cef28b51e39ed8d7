from dataclasses import replace

import pytest

from raregan.contest.leaks import Leak
from raregan.contest.paragraph import show_gain
from raregan.contest.standings import rank
from raregan.contest.verdict import judge
from raregan.reporting.answers import contest_verdict, nearest_rival
from tests.contest.records import FOLDS, records_of
from tests.reporting.contests import played
from tests.reporting.test_report import NASTY, Page

LEAKS = [Leak("copies", 3, f"3 rows are {NASTY}"), Leak("marked", 1, "one is marked")]


def comparison(records, leaks=()):
    """A comparison of other records."""
    standings, n_tests = rank(records, confidence=0.95)
    return replace(
        played(),
        records=tuple(records),
        standings=tuple(standings),
        verdict=judge(standings, confidence=0.95, n_tests=n_tests, leaks=leaks),
        leaks=tuple(leaks),
    )


def headlines(found):
    page = Page(contest_verdict(found))
    assert page.open == []
    return [text for tag, text in page.words if tag == "p"], page


def test_a_gain_is_the_answer_with_its_interval():
    found = played()
    texts, page = headlines(found)
    assert texts[0] == found.verdict.text
    assert "Yes: use smote with logistic." in texts
    smote = next(s for s in found.standings if (s.learner, s.contestant) == ("logistic", "smote"))
    gains = ", ".join(f"{show_gain(gain)} on {name}" for name, gain in smote.gains.items())
    assert f"logistic: use smote (smote, {gains})" in page.texts("li")
    assert any(text.startswith("tree: keep what you have (nearest: ") for text in page.texts("li"))
    assert next(a["class"] for tag, a in page.elements if tag == "article") == "answer good"


def test_a_leak_comes_before_everything():
    texts, page = headlines(played(leaks=LEAKS))
    assert page.elements[0] == ("div", {"class": "leak", "role": "alert"})
    assert page.texts("li")[:2] == [leak.text for leak in LEAKS]
    assert texts.count("Nobody can say before the leak is mended.") == 2
    assert any(text.startswith("You do not: ") for text in texts)
    assert not any(text.startswith("Yes") for text in texts)
    assert not any("use smote" in text for text in page.texts("li"))
    _, page = headlines(played())
    assert "alert" not in [a.get("role") for _, a in page.elements]


def test_keep_is_said_plainly():
    found = comparison(records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.5}))
    assert found.verdict.recommendation == "keep"
    assert "Keep what you have." in headlines(found)[0]


def test_one_fold_is_too_few():
    found = comparison(records_of({"nothing": 0.5, "smote": 0.7}, folds=FOLDS[:1]))
    assert "Too early to say: too few folds were played." in headlines(found)[0]


def test_how_it_is_known():
    found = played(group="who", n_rare=20, n_done=40)
    texts, page = headlines(found)
    assert "40 of 50 parts were played; no row that tests was learned from." in texts
    items = page.texts("li")
    dealt = "2 x 5 folds; copies stay on one side, and so do rows of one who; at most 20 rare "
    assert f"{dealt}rows are left in a training side" in items
    assert any(f"corrected for {found.verdict.n_tests} comparisons" in text for text in items)
    assert "looked for signs that the table was oversampled before: 0 found" in items
    assert "5 folds; what tests is later by when" in headlines(played(time_column="when"))[1].texts(
        "li"
    )


def test_what_it_costs():
    texts, page = headlines(played())
    assert (
        "smote with logistic: Brier score 2.00 times that with nothing, before recalibration."
    ) in texts
    assert "Brier score as it is: 0.20000 against 0.10000 with nothing" in page.texts("li")
    assert "Brier score, recalibrated: 0.10000 against 0.10000 with nothing" in page.texts("li")
    assert "seconds a fold: 2.0 against 2.0 with nothing" in page.texts("li")


def test_nothing_was_played():
    texts, _ = headlines(comparison([]))
    assert "Nothing could be compared." in texts
    assert texts[0].startswith("Too early to say, so keep what you have")


@pytest.mark.parametrize(
    ("levels", "nearest"),
    [
        ({"nothing": 0.5, "class-weights": 0.5, "smote": 0.7, "copula": 0.9}, "copula"),
        # More on one baseline alone is less: the least of both gains counts.
        ({"nothing": 0.3, "class-weights": 0.9, "smote": 0.5, "copula": 0.45}, "smote"),
    ],
)
def test_the_nearest(levels, nearest):
    found = comparison(records_of(levels))
    assert nearest_rival(found, "logistic").contestant == nearest
    assert found.verdict.best == nearest


def test_nobody_is_near_where_baselines_played_alone():
    found = comparison(records_of({"nothing": 0.5, "class-weights": 0.6}))
    assert nearest_rival(found, "logistic") is None
    assert "logistic: keep what you have; nothing was compared" in headlines(found)[1].texts("li")
