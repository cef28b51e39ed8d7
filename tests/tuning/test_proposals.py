import sys

import pytest

from raregan.config import plain_options
from raregan.errors import UserError
from raregan.gans.variants import VARIANTS, get_variant, refuse_foreign_options
from raregan.gans.variants.interface import Between
from raregan.tuning.proposals import STARTS, import_optuna, propose
from tests.tuning.conftest import make_trial

pytest.importorskip("optuna")


def searched(n, variants, seed, value):
    """Return n trials of a search whose figures `value` knows."""
    done = []
    for number in range(n):
        variant, settings = propose(done, variants, seed)
        done.append(make_trial(number, value(variant, settings), variant=variant, **settings))
    return done


def test_the_defaults_of_each_variant_come_first():
    done = searched(3, ("flow", "r3gan"), 0, lambda *_: 0.5)
    assert [(trial.variant, trial.settings) for trial in done[:2]] == [("flow", {}), ("r3gan", {})]
    assert done[2].settings


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_proposed_is_what_the_variant_takes(name):
    search = get_variant(name).search
    assert search
    for trial in searched(8, (name,), 1, lambda *_: 0.5)[1:]:
        refuse_foreign_options(name, {"settings": trial.settings})
        plain_options({"settings": trial.settings})
        for setting, space in search.items():
            value = trial.settings[setting]
            if isinstance(space, Between):
                assert space.low <= value <= space.high
            else:
                assert value in space.values


def test_a_proposal_is_a_function_of_what_was_done_and_of_the_seed():
    done = searched(STARTS + 4, ("flow", "wgan-gp"), 3, lambda _, s: s.get("jitter", 0.5))
    again = propose(done, ("flow", "wgan-gp"), 3)
    assert again == propose(list(done), ("flow", "wgan-gp"), 3)
    assert again != propose(done, ("flow", "wgan-gp"), 4)
    failed = [*done, make_trial(len(done), 0, failure="NaN", **done[-1].settings)]
    propose(failed, ("flow", "wgan-gp"), 3)


def test_the_search_follows_what_it_saw():
    def value(variant, settings):
        return 0.9 if variant == "r3gan" else abs(settings.get("jitter", 0.8) - 0.2)

    done = searched(45, ("flow", "r3gan"), 0, value)
    late = done[-15:]
    assert sum(trial.variant == "flow" for trial in late) > 10
    errors = [value(trial.variant, trial.settings) for trial in done[2 : 2 + STARTS]]
    assert min(value(t.variant, t.settings) for t in late) < min(errors)


def test_a_missing_optuna_is_an_error_that_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install 'raregan\[tune\]'"):
        import_optuna()
