import json
import math

import pytest

from raregan.configfile import read_config
from raregan.tuning.trials import Figures, Tuning, leader, total
from tests.tuning.conftest import make_trial


def make_tuning(*trials, confirmed=None, best=0, noise=0.03):
    place = (noise, "on other rows", "t.csv: 9 rows", 0)
    return Tuning(trials, trials[best], leader(trials), confirmed, *place)


def test_the_total_counts_copying_beyond_that_of_the_defaults():
    default = Figures(0.6, 0.1, 0.05, 0.2)
    assert default.total(default) == pytest.approx(0.75)
    assert default._replace(copying=0.1).total(default) == pytest.approx(0.75)
    assert default._replace(copying=0.5).total(default) == pytest.approx(1.05)


def test_what_failed_never_leads():
    trials = make_trial(0, 0.9), make_trial(1, 0, failure="NaN"), make_trial(2, 0.8)
    assert leader(trials) is trials[2]
    assert total(trials[1], trials[0]) == math.inf
    assert leader(trials[:2]) is trials[0]


def test_of_equals_the_first_leads():
    trials = make_trial(0, 0.7), make_trial(1, 0.7, jitter=0.3)
    assert leader(trials) is trials[0]


DEFAULT, SAME, BETTER = make_trial(0, 0.7), make_trial(1, 0.69), make_trial(1, 0.6, jitter=0.4)
FIRST, SECOND = Figures(0.7, 0, 0, 0), Figures(0.65, 0, 0, 0)


@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        (make_tuning(DEFAULT), "there was no time to try anything else, as that took 1 s"),
        (make_tuning(DEFAULT, make_trial(1, 0.8)), "none of 1 other trials was better"),
        (make_tuning(DEFAULT, SAME), "better by 0.010, which is no more than chance (0.030)"),
        (make_tuning(DEFAULT, BETTER), "better by 0.100, not confirmed (not tried yet): go on"),
        (make_tuning(DEFAULT, BETTER, confirmed="a loss became NaN"), "(a loss became NaN): go on"),
        (
            make_tuning(DEFAULT, BETTER, confirmed=(FIRST, SECOND), best=1),
            "take flow: jitter 0.4 was better by 0.100 (chance: 0.030), and by 0.050 on other rows",
        ),
        (
            make_tuning(DEFAULT, BETTER, confirmed=(SECOND, FIRST)),
            "keep the defaults: flow: jitter 0.4 was better by 0.100, but not again on other rows",
        ),
    ],
)
def test_the_verdict_says_what_to_take_and_why(tuning, said):
    assert said in tuning.verdict
    assert tuning.to_text().endswith(tuning.verdict)


def test_what_is_saved_is_what_to_train_with(tmp_path):
    tuning = make_tuning(DEFAULT, BETTER, confirmed=(FIRST, SECOND), best=1)
    tuning.save(tmp_path / "c.json")
    choice = read_config(tmp_path / "c.json")
    assert (choice.variant, choice.settings) == ("flow", {"jitter": 0.4})
    assert choice.tuned["trials"] == 2
    assert choice.tuned["verdict"] == tuning.verdict
    json.dumps(choice.tuned)


def test_the_table_shows_the_best_the_defaults_and_what_failed():
    trials = [make_trial(0, 0.9), *(make_trial(i, i / 100, jitter=i / 10) for i in range(1, 12))]
    trials.append(make_trial(12, 0, variant="gan", pac=8, failure="a loss became NaN"))
    lines = make_tuning(*trials).to_text(most=3).splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["0.1", "0.2", "0.3"]
    assert lines[4].endswith("1. flow: defaults")
    assert lines[5] == "  failed: 13. gan: pac 8: a loss became NaN"
