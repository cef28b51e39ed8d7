import importlib
import importlib.util
import linecache
import re
import sys

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from raregan.contest.learners import (
    LEARNERS,
    choose_learners,
    find_learner,
    weighs_classes,
    weight_option,
)
from raregan.errors import UserError

INSTALLED = [one.name for one in choose_learners()]
PIPELINE = make_pipeline(StandardScaler(), DecisionTreeClassifier())
NO_CLASSIFIER = StandardScaler()


def make_tree():
    return DecisionTreeClassifier(max_depth=3)


def imbalanced(n=6_000, n_rare=30, seed=0):
    """One rare row in 200, 4 standard deviations away in one of 10 columns."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) < n_rare).astype(int)
    rows = rng.normal(size=(n, 10))
    rows[:, 0] += 4 * labels
    return rows, labels


@pytest.mark.parametrize("name", INSTALLED)
def test_settings_hold_up_under_imbalance(name):
    rows, labels = imbalanced()
    model = LEARNERS[name].make(0, False).fit(rows, labels)
    new, truth = imbalanced(seed=1)
    reached = average_precision_score(truth, model.predict_proba(new)[:, 1])
    best = average_precision_score(truth, new[:, 0])
    assert reached > 0.85 * best
    assert best > 0.7


@pytest.mark.parametrize("name", INSTALLED)
def test_the_seed_fixes_a_learner(name):
    rows, labels = imbalanced(1_000)
    one, same = (LEARNERS[name].make(3, True).fit(rows, labels) for _ in range(2))
    assert (one.predict_proba(rows) == same.predict_proba(rows)).all()


FOREIGN = ("lightgbm", "xgboost", "catboost")


def test_those_of_other_packages_play_where_they_are_installed():
    for name in FOREIGN:
        assert (name in INSTALLED) == (importlib.util.find_spec(name) is not None)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_missing_package_is_an_error_that_names_the_command(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert [one.name for one in choose_learners()] == ["logistic", "forest", "boosting"]
    command = "pip install xgboost-cpu" if name == "xgboost" else "pip install 'raregan[boosting]'"
    with pytest.raises(UserError, match=re.escape(command)):
        find_learner(name)


def test_boosting_takes_a_column_that_is_missing_throughout():
    rows, labels = imbalanced(1_000)
    gaps = rows.copy()
    gaps[:, 1] = np.nan
    model = clone(LEARNERS["boosting"].make(3, True)).fit(gaps, labels)
    rows[:, 1] = 0.0
    known = LEARNERS["boosting"].make(3, True).fit(rows, labels)
    assert (model.predict_proba(gaps) == known.predict_proba(rows)).all()


def rated(name):
    rows, labels = imbalanced(1_000)
    return LEARNERS[name].make(3, True).fit(rows, labels).predict_proba(rows)


@pytest.mark.parametrize("name", FOREIGN)
def test_another_process_learns_the_same(name):
    pytest.importorskip(name)
    (there,) = Parallel(n_jobs=2, backend="loky")([delayed(rated)(name)])
    assert (there == rated(name)).all()


@pytest.mark.parametrize("name", FOREIGN)
def test_gaps_tell_and_unknown_levels_are_taken(name):
    pytest.importorskip(name)
    rows, labels = imbalanced()
    rows[:, 0] = np.where(labels, np.nan, rows[:, 0])
    rows[:, 1] = np.round(np.abs(rows[:, 1]))
    model = LEARNERS[name].make(0, False).fit(rows, labels)
    rows[:, 1] = -1.0
    scores = model.predict_proba(rows)[:, 1]
    assert scores[labels == 1].min() > scores[labels == 0].max()


@pytest.mark.parametrize("name", FOREIGN)
def test_weights_count(name):
    pytest.importorskip(name)
    rows, labels = imbalanced()
    rows[:, 0] -= 2.0 * labels  # so that the classes overlap
    one, other = (LEARNERS[name].make(0, False) for _ in range(2))
    plain = one.fit(rows, labels).predict_proba(rows)[:, 1]
    balanced = len(labels) / (2 * np.bincount(labels))
    weighed = other.fit(rows, labels, sample_weight=balanced[labels]).predict_proba(rows)[:, 1]
    assert plain.mean() == pytest.approx(labels.mean(), rel=0.2)
    assert weighed.mean() > 3 * plain.mean()


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_is_printed_or_written(name, capfd, tmp_path, monkeypatch):
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    rows, labels = imbalanced(200, 3)
    LEARNERS[name].make(0, False).fit(rows, labels).predict_proba(rows)
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FOREIGN)
def test_one_thread_learns(name):
    pytest.importorskip(name)
    options = LEARNERS[name].make(0, False).get_params()
    assert options["thread_count" if name == "catboost" else "n_jobs"] == 1


def test_one_thread_predicts_with_catboost_copies_too(monkeypatch):
    catboost = pytest.importorskip("catboost")
    asked = []
    real = catboost.CatBoostClassifier.predict_proba

    def watched(self, *args, **options):
        asked.append(options["thread_count"])
        return real(self, *args, **options)

    monkeypatch.setattr(catboost.CatBoostClassifier, "predict_proba", watched)
    rows, labels = imbalanced(200, 20)
    clone(LEARNERS["catboost"].make(0, False)).fit(rows, labels).predict_proba(rows)
    assert asked == [1]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("sklearn.tree:DecisionTreeClassifier", DecisionTreeClassifier),
        ("sklearn.tree.DecisionTreeClassifier", DecisionTreeClassifier),
        ("sklearn.svm:LinearSVC", LinearSVC),
        (f"{__name__}:make_tree", DecisionTreeClassifier),
    ],
)
def test_own_learners_by_import_path(path, kind):
    model = find_learner(path).make(7, False)
    assert type(model) is kind
    assert model.random_state == 7


def test_an_estimator_is_copied_and_seeded_inside():
    model = find_learner(f"{__name__}:PIPELINE").make(7, False)
    assert model is not PIPELINE
    assert model.get_params()["decisiontreeclassifier__random_state"] == 7
    assert PIPELINE.get_params()["decisiontreeclassifier__random_state"] is None


def test_own_settings_are_left_alone():
    assert LogisticRegression().C == find_learner("logistic").make(0, False).C


def test_estimators_are_taken_as_they_are():
    given = [LogisticRegression(C=2.0), PIPELINE, LogisticRegression, "forest"]
    chosen = choose_learners(given)
    names = [
        "LogisticRegression",
        "Pipeline(DecisionTreeClassifier)",
        "LogisticRegression-2",
        "forest",
    ]
    assert [one.name for one in chosen] == names
    model = chosen[0].make(7, False)
    assert (model.C, model.random_state, given[0].random_state) == (2.0, 7, None)
    assert model is not given[0]
    with pytest.raises(UserError, match="no classifier that scores"):
        choose_learners([NO_CLASSIFIER])


def test_an_own_class_with_a_name_of_ours_is_told_apart():
    class forest(LogisticRegression):  # noqa: N801
        pass

    one, ours = choose_learners([forest(), "forest"])
    assert (one.name, one.is_own, ours.name, ours.is_own) == ("forest-2", True, "forest", False)


def test_who_weighs_classes_by_itself_is_known():
    balanced = LogisticRegression(class_weight="balanced")
    assert weighs_classes(balanced)
    assert weighs_classes(make_pipeline(StandardScaler(), balanced))
    assert not weighs_classes(PIPELINE)


def test_own_learners_are_told_apart_by_code_and_parameters(tmp_path, monkeypatch):
    one, same, other = (choose_learners([LogisticRegression(C=c)])[0].mark for c in (1.0, 1.0, 2.0))
    assert one == same != other
    assert {learner.mark for learner in choose_learners()} == {None}
    code = "from sklearn.svm import LinearSVC\nclass Mine(LinearSVC):\n    more = {}\n"
    monkeypatch.syspath_prepend(tmp_path)
    marks, steps = [], []
    for number in (1, 1, 2):
        (tmp_path / "own_learner.py").write_text(code.format(number))
        linecache.clearcache()
        sys.modules.pop("own_learner", None)
        importlib.invalidate_caches()
        marks.append(find_learner("own_learner:Mine").mark)
        step = sys.modules["own_learner"].Mine()
        steps.append(choose_learners([make_pipeline(StandardScaler(), step)])[0].mark)
    for found in (marks, steps):
        assert found[0] == found[1] != found[2]


def breaks():
    raise RuntimeError("no licence")


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("forrest", "no learner is called 'forrest'"),
        ("no.such:thing", "cannot import the learner 'no.such:thing': ModuleNotFoundError"),
        ("sklearn.tree:NoTree", "cannot import"),
        (f"{__name__}:NO_CLASSIFIER", "no classifier that scores"),
        ("sklearn.linear_model", "no classifier that scores"),
        (f"{__name__}:breaks", "cannot be made: RuntimeError: no licence"),
        (f"{__name__}:rated", "cannot be made: TypeError: rated"),
    ],
)
def test_mistakes(path, match):
    with pytest.raises(UserError, match=match):
        find_learner(path)
    with pytest.raises(UserError, match="needs a learner"):
        choose_learners([])


class Uncloneable(LogisticRegression):
    def __init__(self, layers=(1, 2)):
        super().__init__()
        self.layers = list(layers)


def test_an_estimator_that_cannot_be_copied_is_named():
    with pytest.raises(UserError, match="'Uncloneable' cannot be made: RuntimeError: Cannot clone"):
        choose_learners([Uncloneable()])


def test_of_a_pipeline_the_last_step_gets_the_weights():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(200, 2)), np.arange(200) < 20
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert weight_option(LogisticRegression()) == "sample_weight"
    weights = np.where(labels, 9.0, 1.0)
    model.fit(rows, labels, **{weight_option(model): weights})
    alone = LogisticRegression().fit(StandardScaler().fit_transform(rows), labels, weights)
    assert model[-1].coef_ == pytest.approx(alone.coef_)
