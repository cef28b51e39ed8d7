import pytest

from raregan.errors import DataError, UserError
from raregan.tuning import search
from raregan.tuning.search import check_search, tune
from raregan.tuning.trials import Figures
from raregan.tuning.yardstick import OUT_OF_TIME

pytest.importorskip("optuna")


class Clock:
    """A clock that trials move on."""

    now = 100.0

    def monotonic(self):
        return self.now

    perf_counter = monotonic


class Stick:
    """A yardstick by which the least jitter that is not 0 is best, and defaults are 0.8."""

    noise, seconds, flips = 0.05, 0.0, False
    other_rows = "on other rows"

    def __init__(self, table, seed):
        self.seed, self.asked = seed, []

    def another(self):
        other = type(self)(None, self.seed + 1)
        other.flips = self.flips
        other.asked = self.asked
        return other

    def measure(self, variant, settings, deadline):
        search.time.now += self.seconds
        self.asked.append((self.seed, variant, dict(settings)))
        apart = settings.get("jitter", 0.8)
        if self.flips and self.seed:
            apart = 1 - apart
        return Figures(apart, 0.0, 0.0, 0.0)

    def describe(self):
        return "a table"


@pytest.fixture
def stick(monkeypatch):
    monkeypatch.setattr(Stick, "seconds", 0.0)
    monkeypatch.setattr(search, "Yardstick", Stick)
    monkeypatch.setattr(search, "time", Clock())
    return Stick


def test_the_best_is_taken_where_it_is_better_by_more_than_chance_twice(stick, table):
    found = tune(table, variants=["flow"], trials=12, minutes=None)
    assert len(found.trials) == 12
    assert found.best is found.leader
    assert found.settings["jitter"] == min(t.settings.get("jitter", 9) for t in found.trials)
    assert found.confirmed is not None


def test_what_is_not_confirmed_is_not_taken(stick, table, monkeypatch):
    monkeypatch.setattr(stick, "flips", True)
    found = tune(table, variants=["flow"], trials=12, minutes=None)
    assert found.leader is not found.trials[0]
    assert found.best is found.trials[0]
    assert (found.variant, found.settings) == ("flow", {})


def test_what_is_better_by_chance_is_not_even_confirmed(stick, table, monkeypatch):
    monkeypatch.setattr(stick, "noise", 1.0)
    found = tune(table, variants=["flow"], trials=12, minutes=None)
    assert found.best is found.trials[0]
    assert found.confirmed is None


def test_a_search_that_was_interrupted_goes_on_as_it_would_have(stick, table, tmp_path):
    options = {"variants": ["flow", "r3gan"], "minutes": None, "random_state": 4}
    whole = tune(table, trials=14, **options)
    tune(table, trials=5, ledger=tmp_path / "l", **options)
    ran = []
    resumed = tune(
        table, trials=14, ledger=tmp_path / "l", progress=lambda t, _: ran.append(t), **options
    )
    assert [t.settings for t in resumed.trials] == [t.settings for t in whole.trials]
    assert [t.number for t in ran] == list(range(5, 14))
    assert resumed.settings == whole.settings


def test_time_ends_a_search_with_what_is_known(stick, table, monkeypatch):
    monkeypatch.setattr(stick, "seconds", 10.0)
    found = tune(table, variants=["flow"], minutes=2)
    # 120 s: 20 of them for confirming, and no trial is begun that would end later than the rest
    assert len(found.trials) == 9
    assert search.time.now - Clock.now == 110


def test_a_trial_that_time_cut_off_does_not_count(stick, table, monkeypatch):
    measure = stick.measure
    monkeypatch.setattr(
        stick,
        "measure",
        lambda self, v, s, d: OUT_OF_TIME if len(self.asked) > 2 else measure(self, v, s, d),
    )
    found = tune(table, variants=["flow"], trials=9, minutes=None)
    assert len(found.trials) == 3
    assert found.confirmed == OUT_OF_TIME
    assert "not confirmed (time was up): go on with more time" in found.verdict


def test_what_leads_in_the_last_trial_can_still_be_confirmed(stick, table, monkeypatch):
    monkeypatch.setattr(stick, "seconds", 10.0)
    deadlines = []
    measure = stick.measure

    def watched(self, variant, settings, deadline):
        deadlines.append(deadline)
        return measure(self, variant, settings, deadline)

    monkeypatch.setattr(stick, "measure", watched)
    found = tune(table, variants=["flow"], minutes=2)
    assert isinstance(found.confirmed, tuple)
    end = Clock.now + 120
    assert deadlines == [end, *[end - 20] * (len(found.trials) - 1), end, end]


def test_choices_beside_a_table_are_refused(stick, table):
    for choice in ({"target": "x"}, {"rare": 7}, {"ignore": ["a"]}, {"constraints": ["a < b"]}):
        with pytest.raises(UserError, match="a Table has its target"):
            tune(table, trials=1, **choice)


def test_defaults_that_cannot_be_tried_are_told(stick, table, monkeypatch):
    monkeypatch.setattr(stick, "measure", lambda *_: "batch_size 64 is too much")
    with pytest.raises(UserError, match="defaults of flow cannot be tried: batch_size 64 is too"):
        tune(table, trials=3, minutes=None)
    monkeypatch.setattr(stick, "measure", lambda *_: OUT_OF_TIME)
    with pytest.raises(UserError, match="no time for the defaults alone: give more minutes"):
        tune(table, trials=3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((None, None, None), "give minutes or trials"),
        ((None, -1, None), "^minutes must be a positive number, got -1"),
        ((None, 1, True), "trials must be a whole number of at least 1, got True"),
        ((None, 1, 0), "trials must be a whole number of at least 1, got 0"),
        (("flow", 1, None), "variants must be a list of at least one name, got 'flow'"),
        (([], 1, None), "variants must be a list"),
        ((["flow", "vae"], 1, None), "no variant is called 'vae'"),
    ],
)
def test_mistakes(options, said):
    with pytest.raises(UserError, match=said):
        check_search(*options)


def test_what_is_put_aside_is_a_ledger(stick, table, tmp_path):
    with pytest.raises(UserError, match=r"aside .* is where an older ledger goes: give ledger too"):
        tune(table, trials=1, minutes=None, aside=tmp_path / "old")


def test_a_place_that_cannot_be_written_is_told_before_the_first_trial(
    stick, table, tmp_path, monkeypatch
):
    monkeypatch.setattr(stick, "measure", lambda *_: pytest.fail("a trial was run"))
    files = {"ledger": tmp_path / "no" / "l", "aside": tmp_path / "old"}
    with pytest.raises(DataError, match="there is no folder"):
        tune(table, trials=1, minutes=None, **files)


def test_unless_told_the_default_comes_first_then_all_that_train_on_evidence():
    assert check_search(None, 1, None) == ("flow", "cwgan-gp", "r3gan", "wgan-gp")


@pytest.mark.slow
def test_a_real_search_of_a_small_table(table):
    found = tune(table, variants=["gan"], trials=3, minutes=None)
    assert found.trials[0].figures.told_apart > 0.5
