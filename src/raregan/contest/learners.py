"""Classifiers that the contest is held with, each with settings that hold up under imbalance.

Boosting is slow and shallow: with their defaults scikit-learn's and LightGBM diverge on tables of
one rare row in a thousand, and then whatever is added to them seems to help.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.contest.features import Linear, Ordinal
from raregan.data.rows import listed
from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TREES = 200
"""Trees of the forest, and rounds of boosting."""

QUICK_TREES = 50
"""Trees of the forest that only chooses an amount and calibrates."""


@dataclass(frozen=True)
class Learner:
    """One classifier.

    Attributes
    ----------
    name
        As it is typed and reported; of a user's own, its import path, or its class.
    matrix
        How it sees columns: `raregan.contest.features.Linear` or `Ordinal`.
    make
        Takes a seed and whether it may be quick, and returns a fresh estimator.
    floor
        The least probability that is told from 0 where probabilities are calibrated: the 0 of a
        forest, which counts votes, would be too far out for a line.
    """

    name: str
    matrix: type[Linear | Ordinal]
    make: Callable[[int, bool], Any]
    floor: float = 1e-6

    @property
    def is_own(self) -> bool:
        """Whether it is a user's, and not of `LEARNERS`."""
        return self.name not in LEARNERS

    @property
    def mark(self) -> str | None:
        """What tells a user's own from another of that name: code and parameters; None: ours."""
        return _fingerprint(self.make(0, False), self.name) if self.is_own else None


def _logistic(seed: int, _quick: bool) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2_000, random_state=seed)


def _forest(seed: int, quick: bool) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        QUICK_TREES if quick else TREES, min_samples_leaf=2, random_state=seed
    )


@cache
def _boosting_with_gaps() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    class WithGaps(HistGradientBoostingClassifier):  # type: ignore[misc]
        """It cannot bin a column that is missing throughout: there it is told 0."""

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803
            self.empty_ = np.isnan(X).all(axis=0)
            return super().fit(self._filled(X), y, sample_weight)

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return super().predict_proba(self._filled(X))

        def _filled(self, X: Any) -> Any:  # noqa: N803
            return np.where(self.empty_, 0.0, X) if self.empty_.any() else X

    return WithGaps


def _boosting(seed: int, _quick: bool) -> Any:
    return _boosting_with_gaps()(
        learning_rate=0.05,
        max_iter=TREES,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def _lightgbm(seed: int, _quick: bool) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=TREES,
        learning_rate=0.05,
        num_leaves=8,
        min_child_samples=10,
        min_sum_hessian_in_leaf=1e-2,
        reg_lambda=1.0,
        n_jobs=1,
        deterministic=True,
        verbose=-1,
        random_state=seed,
    )


def _xgboost(seed: int, _quick: bool) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=TREES,
        learning_rate=0.05,
        max_depth=3,
        min_child_weight=0.1,
        reg_lambda=1.0,
        tree_method="hist",
        n_jobs=1,
        random_state=seed,
    )


@cache
def _catboost_of_one_thread() -> Any:
    from catboost import CatBoostClassifier

    class OfOneThread(CatBoostClassifier):  # type: ignore[misc]
        """Its own ``thread_count`` is that of training: it predicts with all cores."""

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return super().predict_proba(X, thread_count=1)

    return OfOneThread


def _catboost(seed: int, _quick: bool) -> Any:
    return _catboost_of_one_thread()(
        iterations=TREES,
        learning_rate=0.05,
        depth=4,
        l2_leaf_reg=3.0,
        thread_count=1,
        allow_writing_files=False,
        verbose=False,
        random_seed=seed,
    )


_OWN = (
    Learner("logistic", Linear, _logistic),
    Learner("forest", Ordinal, _forest, floor=1e-3),
    Learner("boosting", Ordinal, _boosting),
)
_FOREIGN = (
    Learner("lightgbm", Ordinal, _lightgbm),
    Learner("xgboost", Ordinal, _xgboost),
    Learner("catboost", Ordinal, _catboost),
)
LEARNERS: dict[str, Learner] = {learner.name: learner for learner in (*_OWN, *_FOREIGN)}
"""All that have a name of ours; the last three are other packages."""

_COMMANDS = {
    "lightgbm": "pip install 'raregan[boosting]'",
    "catboost": "pip install 'raregan[boosting]'",
    "xgboost": "pip install xgboost-cpu",
}
"""XGBoost's usual wheel depends on a library under NVIDIA's own licence, so no extra has it."""


def choose_learners(given: Iterable[Any] | None = None) -> tuple[Learner, ...]:
    """Return the learners that are named or given.

    Parameters
    ----------
    given
        Names of `LEARNERS`, or import paths such as ``"package.module:make_model"``: of an
        estimator, of its class, or of a function without arguments that returns one; or the
        estimator itself, as of scikit-learn. None: scikit-learn's three, and those of other
        packages that are installed.

    Raises
    ------
    UserError
        There is no such learner, its package is not installed, or what a path names is none.
    """
    if given is None:
        return (*_OWN, *(one for one in _FOREIGN if importlib.util.find_spec(one.name)))
    found: dict[str, Learner] = {}
    for one in given:
        learner = find_learner(one) if isinstance(one, str) else _take(one, found)
        found[learner.name] = learner
    if not found:
        raise UserError("a contest needs a learner; name one")
    return tuple(found.values())


def _take(model: Any, taken: Iterable[str]) -> Learner:
    """Make a learner of an estimator, under the name of its class, the second one with a number."""
    if isinstance(model, type):
        model = _called(model, model.__name__)
    name = type(model).__name__
    if steps := getattr(model, "steps", None):
        name = f"{name}({type(steps[-1][1]).__name__})"
    number = sum(other.partition("-")[0] == name for other in (*taken, *LEARNERS)) + 1
    _check(model, name)
    return Learner(name if number == 1 else f"{name}-{number}", Linear, _Given(model))


def find_learner(name: str) -> Learner:
    """Return one learner, by its name or import path; raises as `choose_learners` does."""
    if name in LEARNERS:
        if LEARNERS[name] in _FOREIGN and importlib.util.find_spec(name) is None:
            raise UserError(f"learner {name!r} needs its package: {_COMMANDS[name]}")
        return LEARNERS[name]
    if "." not in name and ":" not in name:
        raise UserError(
            f"no learner is called {name!r}; choose among {listed(list(LEARNERS))}, or give the "
            "import path of your own, such as package.module:make_model"
        )
    return Learner(name, Linear, _Imported(name))


@dataclass(frozen=True)
class _Given:
    """Makes estimators like one that was given."""

    model: Any

    def __post_init__(self) -> None:
        self(0, False)

    def __call__(self, seed: int, _quick: bool) -> Any:
        from sklearn.base import clone

        name = type(self.model).__name__
        return _called(lambda: _seeded(clone(self.model, safe=False), seed), name)


@dataclass(frozen=True)
class _Imported:
    """Makes estimators from an import path, which is all that another process needs to know."""

    path: str

    def __post_init__(self) -> None:
        self(0, False)

    def __call__(self, seed: int, _quick: bool) -> Any:
        found = _import(self.path)
        model = _called(found, self.path) if callable(found) else found
        _check(model, self.path)
        return _called(
            lambda: _seeded(copy.deepcopy(model) if model is found else model, seed), self.path
        )


def _called(make: Callable[[], Any], name: str) -> Any:
    try:
        return make()
    except Exception as error:  # whatever a user's own code raises
        raise UserError(
            f"the learner {name!r} cannot be made: {type(error).__name__}: {error}"
        ) from error


def _check(model: Any, name: str) -> None:
    """Refuse what cannot be learned with, and scored."""
    if not hasattr(model, "fit") or not (
        hasattr(model, "predict_proba") or hasattr(model, "decision_function")
    ):
        raise UserError(
            f"the learner {name!r} is a {type(model).__name__}, no classifier that scores rows: it "
            "needs fit, and predict_proba or decision_function; a function that makes one is named "
            "by its import path"
        )


def _fingerprint(model: Any, name: str) -> str:
    """Hash an estimator's parameters, and the source of all that it is made of."""
    options = _options_of(model) or vars(model)
    kinds = {type(part) for part in (model, *options.values()) if hasattr(part, "fit")}
    sources = {_source_of(kind, kind.__module__) for kind in kinds}
    if ":" in name:
        sources.add(_source_of(None, name.partition(":")[0]))
    text = f"{sorted(sources)}{type(model).__qualname__}{sorted(map(repr, options.items()))}"
    return hashlib.sha256(re.sub(r"(?i) at 0x[0-9a-f]+", "", text).encode()).hexdigest()


def _source_of(kind: type | None, module: str) -> str:
    """Return a module's source, of a script's that of the class alone; "" of a notebook's."""
    found = kind if module == "__main__" else sys.modules.get(module)
    try:
        return inspect.getsource(found) if found is not None else ""
    except (OSError, TypeError):
        return ""


def _options_of(model: Any) -> dict[str, Any]:
    return model.get_params() if hasattr(model, "get_params") else {}


def weight_option(model: Any) -> str:
    """Return what a classifier's fit calls the weights of rows: a pipeline those of its end."""
    steps = getattr(model, "steps", None)
    return f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"


def weighs_classes(model: Any) -> bool:
    """Whether a classifier, or a step of it, weighs classes by an option of its own."""
    return any(
        name.rpartition("__")[2] == "class_weight" and value is not None
        for name, value in _options_of(model).items()
    )


def _import(path: str) -> Any:
    module, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever a user's own module raises
        raise UserError(
            f"cannot import the learner {path!r}: {type(error).__name__}: {error}"
        ) from error
    return found


def _seeded(model: Any, seed: int) -> Any:
    options = _options_of(model)
    names = [n for n in options if n.rpartition("__")[2] == "random_state" and options[n] is None]
    return model.set_params(**dict.fromkeys(names, seed)) if names else model
