"""Which settings to try next, by the tree-structured Parzen estimator of Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.errors import UserError
from raregan.gans.variants import get_variant
from raregan.gans.variants.interface import Between, OneOf
from raregan.tuning.trials import total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raregan.tuning.trials import Trial

STARTS = 8
"""Proposals that are drawn at random, before they follow what was seen."""


def propose(
    done: Sequence[Trial], variants: Sequence[str], seed: int
) -> tuple[str, dict[str, Any]]:
    """Return variant and settings of the next trial: a function of those before it, and the seed.

    The defaults of each variant come first. Then Optuna's estimator (Bergstra et al. 2011) chooses
    a variant, and a value for each setting that the variant is searched by.

    Raises
    ------
    UserError
        Optuna is not installed.
    """
    if len(done) < len(variants):
        return variants[len(done)], {}
    optuna = import_optuna()
    word = int(np.random.SeedSequence([seed, len(done)]).generate_state(1)[0])
    starts = len(variants) + STARTS  # the defaults count too
    sampler = optuna.samplers.TPESampler(seed=word, n_startup_trials=starts)
    study = optuna.create_study(sampler=sampler)
    study.add_trials([_as_optuna(trial, done[0], variants) for trial in done])
    asked = study.ask()
    variant = asked.suggest_categorical("variant", list(variants))
    settings: dict[str, Any] = {}
    for name, space in get_variant(variant).search.items():
        key = _key(variant, name)
        if isinstance(space, Between):
            value = asked.suggest_float(key, space.low, space.high, log=True)
            settings[name] = float(f"{value:.3g}")
        else:
            settings[name] = space.values[asked.suggest_categorical(key, _places(space))]
    return variant, settings


def import_optuna() -> Any:
    """Return Optuna, which says nothing of its own.

    Raises
    ------
    UserError
        It is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise UserError("tuning needs Optuna: pip install 'raregan[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _as_optuna(trial: Trial, default: Trial, variants: Sequence[str]) -> Any:
    """Return a trial as Optuna knows it; one of defaults tells of its variant alone."""
    optuna = import_optuna()
    params: dict[str, Any] = {"variant": trial.variant}
    spaces: dict[str, Any] = {
        "variant": optuna.distributions.CategoricalDistribution(list(variants))
    }
    search = get_variant(trial.variant).search
    for name, value in trial.settings.items():
        space, key = search[name], _key(trial.variant, name)
        if isinstance(space, Between):
            params[key] = value
            spaces[key] = optuna.distributions.FloatDistribution(space.low, space.high, log=True)
        else:
            params[key] = space.values.index(value)
            spaces[key] = optuna.distributions.CategoricalDistribution(_places(space))
    states = optuna.trial.TrialState
    failed = trial.figures is None
    return optuna.trial.create_trial(
        params=params,
        distributions=spaces,
        value=None if failed else total(trial, default),
        state=states.FAIL if failed else states.COMPLETE,
    )


def _key(variant: str, name: str) -> str:
    return f"{variant} {name}"


def _places(space: OneOf) -> list[int]:
    return list(range(len(space.values)))
