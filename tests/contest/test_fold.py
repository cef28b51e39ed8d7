import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler

from raregan.contest import fold as module
from raregan.contest.contestants import CONTESTANTS
from raregan.contest.fold import Record, Rules, play
from raregan.contest.learners import choose_learners
from raregan.contest.sides import Caps, Rows, draw_sides
from raregan.data.folds import Ties
from raregan.data.kinds import infer_columns
from tests.contest.tables import apart

TABLE = apart()
FEATURES = TABLE.drop("Class")
COLUMNS = infer_columns(FEATURES, FEATURES, {})
TIES = Ties.of(TABLE, target="Class", rare=1)
FOLD = TIES.deal(4, 1, 0)[0]
SIDES = draw_sides(FEATURES, TIES, FOLD, seed=0, caps=Caps())
RULES = Rules(
    COLUMNS,
    choose_learners(["logistic", "sklearn.neighbors:KNeighborsClassifier"]),
    (1.0, 2.0),
    options={"epochs": 1, "evidence": False, "solver_steps": 2},
)

DRAWN = [name for name, one in CONTESTANTS.items() if one.way != "learn"]


def played(name, sides=SIDES, rules=RULES):
    return play(sides, CONTESTANTS[name], rules, (0, 0))


def without_time(records):
    return [replace(record, seconds=0.0) for record in records]


def test_nothing_is_what_scikit_learn_makes_of_the_training_rows():
    record = played("nothing")[0]
    train, test = (frame.to_numpy() for frame in (SIDES.train.frame, SIDES.test.frame))
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(max_iter=2_000).fit(scaler.transform(train), SIDES.train.is_rare)
    scores = model.predict_proba(scaler.transform(test))[:, 1]
    assert record.scores["average_precision"] == pytest.approx(
        average_precision_score(SIDES.test.is_rare, scores)
    )
    assert (record.n_train, record.n_test, record.amount) == (300, 100, None)


@pytest.mark.parametrize("name", DRAWN)
def test_every_contestant_plays_and_is_the_same_again(name):
    records = played(name)
    assert [record.learner for record in records] == [one.name for one in RULES.learners]
    assert records[0].absent is None
    assert records[0].scores["average_precision"] > 0.5
    assert without_time(records) == without_time(played(name))
    if CONTESTANTS[name].way == "add":
        assert records[0].amount in (1.0, 2.0)


@pytest.mark.parametrize("name", ["nothing", "class-weights", "over-sampling", "under-sampling"])
@pytest.mark.parametrize("learner", ["logistic", "boosting"])
def test_recalibrated_probabilities_are_those_of_the_whole_table(monkeypatch, name, learner):
    """However many of the others are left to learn from, and to choose an amount."""
    table = apart(n=12_000, n_rare=600)
    features = table.drop("Class")
    ties = Ties.of(table, target="Class", rare=1)
    caps = Caps(train=2_000, fit=1_000, test=5_000)
    sides = draw_sides(features, ties, ties.deal(4, 1, 0)[0], seed=0, caps=caps)
    said = []
    monkeypatch.setattr(module, "score", lambda *_, calibrated, **__: said.append(calibrated) or {})
    played(name, sides, replace(RULES, learners=choose_learners([learner])))
    shares = [np.average(one, weights=sides.test.weights) for one in (*said, sides.test.is_rare)]
    assert shares[0] == pytest.approx(shares[1], rel=0.15)


def test_bags_are_filled_from_few_rare_rows():
    sides = draw_sides(FEATURES, TIES, FOLD, seed=0, caps=Caps(), n_rare=3)
    assert played("balanced-bagging", sides)[0].scores["average_precision"] > 0.2


def test_a_variant_plays():
    assert played("flow")[0].scores["average_precision"] > 0.5


def test_a_learner_without_weights_is_absent_from_class_weights_alone():
    assert "sample_weight" in played("class-weights")[1].absent
    assert played("smote")[1].absent is None


def test_a_learner_may_give_no_probabilities():
    rules = replace(RULES, learners=choose_learners(["sklearn.svm:LinearSVC"]))
    record = played("nothing", rules=rules)[0]
    assert record.scores["average_precision"] > 0.5
    assert "brier" in record.scores
    assert "brier_as_is" not in record.scores


class Watched(ClassifierMixin, BaseEstimator):
    """A learner that keeps what it was fitted to."""

    seen: ClassVar[list] = []

    def fit(self, rows, labels, sample_weight=()):
        Watched.seen += [rows, labels, sample_weight]
        weights = sample_weight if len(sample_weight) else None
        self.model = LogisticRegression().fit(rows, labels, weights)
        self.classes_ = self.model.classes_
        return self

    def predict(self, rows):
        return self.model.predict(rows)

    def predict_proba(self, rows):
        Watched.seen.append(self.model.coef_)
        return self.model.predict_proba(rows)


@pytest.mark.parametrize("name", [*DRAWN, "flow"])  # all variants get the same rows
def test_changing_test_rows_changes_nothing_that_is_fitted(name, monkeypatch):
    rules = replace(RULES, learners=choose_learners([f"{__name__}:Watched"]))
    calibrated = []
    fit = module.Sigmoid.fit
    monkeypatch.setattr(
        module.Sigmoid, "fit", lambda *args: calibrated.append(fit(*args)) or calibrated[-1]
    )
    rng = np.random.default_rng(0)
    noise = pl.DataFrame(rng.normal(50, 9, SIDES.test.frame.shape), schema=FEATURES.columns)
    swapped = replace(SIDES, test=Rows(noise, ~SIDES.test.is_rare, SIDES.test.weights * 3))
    fitted, records = [], []
    for sides in (SIDES, swapped):
        Watched.seen.clear()
        calibrated.clear()
        records += play(sides, CONTESTANTS[name], rules, (0, 0))
        fitted.append(([np.asarray(part, float).tolist() for part in Watched.seen], calibrated[:]))
    assert fitted[0] == fitted[1]
    assert records[0].amount == records[1].amount
    assert records[0].scores != records[1].scores


def test_the_amount_is_chosen_by_rows_to_choose_by(monkeypatch):
    reached = {1.0: 0.2, 2.0: 0.8}  # for all quarters; the table has few rare rows
    asked = []

    def rated(_labels, _scores, sample_weight):
        asked.append(len(_labels))
        return reached[1.0 if len(asked) <= len(SIDES.inner) else 2.0]

    monkeypatch.setattr("sklearn.metrics.average_precision_score", rated)
    whole = module._Part.make(SIDES.train, CONTESTANTS["smote"], RULES, 0)
    trials = module._make_trials(SIDES.inner, whole, RULES, 0)
    place, _ = module._choose(trials, RULES.learners[0], RULES, 0)
    assert place == 1
    assert asked == [len(one.choose.is_rare) for one in SIDES.inner] * 2


def test_a_ratio_is_kept_in_what_is_learned_from():
    rules = replace(RULES, ratio=0.5)
    part = module._Part.make(SIDES.train, CONTESTANTS["smote"], rules, 0)
    n_rare, n_others = 45, 255
    assert abs(part.made.height - (0.5 * n_others - n_rare)) <= 0.5
    reason = played("smote", rules=replace(RULES, ratio=0.01))[0].absent
    assert "a ratio of 0.01 already" in reason


def test_a_ratio_is_that_of_the_whole_training_side_where_an_amount_is_chosen():
    rules = replace(RULES, ratio=0.2)
    sides = draw_sides(FEATURES, TIES, FOLD, seed=0, caps=Caps(fit=100))  # more than 0.2 there
    whole = module._Part.make(sides.train, CONTESTANTS["smote"], rules, 0)
    [amount] = whole.choices
    assert amount == pytest.approx((0.2 * 255 - 45) / 45)
    for part, _ in module._make_trials(sides.inner, whole, rules, 0):
        assert part.choices == (amount,)
        assert part.made.height == max(1, round(amount * part.n_rare))


def test_a_part_that_does_not_suit_is_not_chosen_by(monkeypatch):
    contestant, asked = CONTESTANTS["smote"], []

    def draw(rare, others, n, seed):
        asked.append(rare.height)
        if len(asked) == 2:
            raise module.UnsuitedError("not these")
        return contestant.draw(rare, others, n, seed)

    picky = replace(contestant, draw=draw)
    whole = module._Part.make(SIDES.train, picky, RULES, 0)
    trials = module._make_trials(SIDES.inner, whole, RULES, 0)
    assert len(trials) == len(SIDES.inner) - 1
    assert trials[0].rows.frame.equals(SIDES.inner[1].choose.frame)

    def refuse(*_args):
        raise module.UnsuitedError("none of these")

    none = replace(whole, contestant=replace(contestant, draw=refuse))
    with pytest.raises(module.UnsuitedError, match="none of these"):
        module._make_trials(SIDES.inner, none, RULES, 0)


def test_absence_is_told_for_each_learner():
    few = TIES.is_rare[FOLD.train].cumsum() <= 8
    kept = few | ~TIES.is_rare[FOLD.train]
    sides = draw_sides(FEATURES, TIES, FOLD._replace(train=FOLD.train[kept]), seed=0, caps=Caps())
    records = played("flow", sides)
    assert [record.scores for record in records] == [{}, {}]
    assert all("at least 10 are needed" in record.absent for record in records)


def test_records_survive_json():
    record = played("smote")[0]
    assert Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record
