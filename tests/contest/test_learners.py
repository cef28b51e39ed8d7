import importlib.util

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from raregan.contest.learners import LEARNERS, choose_learners, find_learner
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


def test_those_of_other_packages_play_where_they_are_installed():
    for name in ("lightgbm", "xgboost", "catboost"):
        assert (name in INSTALLED) == (importlib.util.find_spec(name) is not None)
        if name not in INSTALLED:
            with pytest.raises(UserError, match=f"pip install {name}"):
                find_learner(name)


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


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("forrest", "no learner is called 'forrest'"),
        ("no.such:thing", "cannot import"),
        ("sklearn.tree:NoTree", "cannot import"),
        (f"{__name__}:NO_CLASSIFIER", "no classifier that scores"),
    ],
)
def test_mistakes(path, match):
    with pytest.raises(UserError, match=match):
        find_learner(path)
    with pytest.raises(UserError, match="needs a learner"):
        choose_learners([])
