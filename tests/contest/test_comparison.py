import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from imblearn.over_sampling import SMOTE
from scipy import stats
from sklearn.linear_model import LogisticRegression

import raregan
from raregan.contest.comparison import compare
from raregan.data.split import split_file
from raregan.errors import UserError
from tests.contest.tables import apart, named, on_a_line, shuffled, tight_in_some

QUICK = {"learners": ["logistic"], "contestants": ["smote"], "folds": 3, "repeats": 1}
CHEAP = ["over-sampling", "under-sampling", "smote", "copula"]
NEIGHBOURS = "sklearn.neighbors:KNeighborsClassifier"
TREE = "sklearn.tree:DecisionTreeClassifier"


def scored(found):
    return [replace(record, seconds=0.0) for record in found.records]


# --- the bars -------------------------------------------------------------------------------------


def keeps(seed, learners):
    found = compare(shuffled(seed), learners=learners, contestants=CHEAP, random_state=seed)
    return found.verdict.recommendation == "keep"


def finds(seed, learner, helper="smote", **options):
    """Say whether a gain is found, of 20 rare rows in a training fold.

    Neighbours take no class weights, and so have one baseline to beat; the others have both.
    """
    found = compare(
        (on_a_line if helper == "smote" else tight_in_some)(seed),
        n_rare=20,
        learners=[learner],
        contestants=["over-sampling", "smote", helper],
        random_state=seed,
        **options,
    )
    return found.verdict.recommendation == helper


def test_where_nothing_can_help_it_says_keep():
    assert keeps(0, ["logistic"])


@pytest.mark.parametrize(
    ("learner", "helper"),
    [(TREE, "smote"), pytest.param("logistic", "copula", marks=pytest.mark.slow)],
)
def test_where_rows_help_it_says_so(learner, helper):
    assert finds(0, learner, helper, amounts=[10])


@pytest.mark.slow
def test_where_nothing_can_help_it_says_keep_nearly_always():
    assert sum(keeps(seed, ["logistic", TREE]) for seed in range(20)) >= 19


@pytest.mark.slow
@pytest.mark.parametrize(
    ("learner", "helper", "options"),
    [
        (NEIGHBOURS, "smote", {"repeats": 4}),
        (TREE, "smote", {"amounts": [10]}),
        ("logistic", "copula", {"amounts": [10]}),
    ],
)
def test_where_rows_help_it_finds_that_nearly_always(learner, helper, options):
    assert sum(finds(seed, learner, helper, **options) for seed in range(20)) >= 18


@pytest.mark.parametrize("kind", ["copies", "between", "marked", "held-out"])
def test_a_planted_leak_is_found_and_named(kind, tmp_path):
    table = apart(n=300, n_rare=40)
    source = table
    rare = table.filter(pl.col("Class") == 1)
    if kind == "copies":
        source = pl.concat([table, rare, rare, rare])
    elif kind == "between":
        rows, labels = SMOTE(random_state=0).fit_resample(
            table.drop("Class").to_numpy(), table["Class"].to_numpy()
        )
        source = named(rows).with_columns(Class=pl.Series(labels))
        source = pl.concat([source, table.filter(pl.col("Class") == 0).head(20)])
    elif kind == "marked":
        source = table.with_columns(is_synthetic=pl.int_range(pl.len()) % 9 == 0)
    else:
        table.write_parquet(tmp_path / "t.parquet")
        done = split_file(tmp_path / "t.parquet", tmp_path / "parts", target="Class")
        pl.concat([pl.read_parquet(p) for p in (done.train, done.test)]).write_parquet(done.train)
        source = done.train
    found = compare(source, target="Class", rare=1, **QUICK)
    assert [leak.name for leak in found.leaks] == [kind]
    assert (found.verdict.recommendation, found.verdict.reason) == ("keep", "leak")
    assert found.leaks[0].text in found.to_text()


# --- the whole way --------------------------------------------------------------------------------


def test_one_seed_gives_the_same_scores_and_another_others():
    one, same = (compare(apart(), random_state=1, **QUICK) for _ in range(2))
    other = compare(apart(), random_state=2, **QUICK)
    assert scored(one) == scored(same)
    assert scored(one) != scored(other)
    assert compare is raregan.compare


def test_any_two_can_be_set_side_by_side():
    found = compare(apart(), **{**QUICK, "contestants": ["smote", "copula"]})
    by_name = {one.contestant: one for one in found.standings}
    gain = found.gain("smote", "nothing", "logistic", n_tests=found.verdict.n_tests)
    assert gain == by_name["smote"].gains["nothing"]
    over, under = (
        found.gain(*pair, "logistic") for pair in [("smote", "copula"), ("copula", "smote")]
    )
    assert (over.mean, over.low) == pytest.approx((-under.mean, -under.high))
    recall = found.gain("smote", "copula", "logistic", score="recall_at_1%").mean
    reached = [by_name[name].scores["recall_at_1%"] for name in ("smote", "copula")]
    assert recall == pytest.approx(reached[0] - reached[1])
    with pytest.raises(UserError, match="share no fold in which 'forest' has the score"):
        found.gain("smote", "copula", "forest")


def test_a_ledger_says_how_amounts_were_chosen_where_rare_rows_are_few(tmp_path):
    few, many = (apart(n=800, n_rare=n) for n in (60, 300))
    assert compare(few, **QUICK).options["chosen"] == "in turn"
    assert "chosen" not in compare(many, **QUICK).options
    compare(few, **QUICK, ledger=tmp_path / "l.jsonl")
    text = (tmp_path / "l.jsonl").read_text()
    (tmp_path / "l.jsonl").write_text(text.replace(', "chosen": "in turn"', ""))
    with pytest.raises(UserError, match="another contest \\(chosen differ"):
        compare(few, **QUICK, ledger=tmp_path / "l.jsonl")


def test_a_gain_is_as_sure_as_the_contest():
    gains = [
        compare(apart(), confidence=confidence, **QUICK).gain("smote", "nothing", "logistic")
        for confidence in (0.5, 0.9)
    ]
    assert gains[0].mean == gains[1].mean
    half, wide = (gain.high - gain.mean for gain in gains)
    dof = gains[0].n - 1
    assert wide / half == pytest.approx(stats.t.ppf(0.95, dof) / stats.t.ppf(0.75, dof))


def test_a_smaller_contest_takes_nothing_from_the_ledger_of_a_larger_one(tmp_path):
    larger = {**QUICK, "contestants": ["smote", "copula"]}
    compare(apart(), **larger, minutes=1e-6, ledger=tmp_path)
    [path] = tmp_path.iterdir()
    whole = compare(apart(), **larger, ledger=tmp_path / "kept.jsonl")
    path.write_text((tmp_path / "kept.jsonl").read_text())
    smaller = compare(apart(), **QUICK, ledger=tmp_path)
    assert smaller.is_whole
    assert path.read_text() == (tmp_path / "kept.jsonl").read_text()
    assert "copula" not in {one.contestant for one in smaller.records}
    assert scored(compare(apart(), **larger, ledger=tmp_path)) == scored(whole)
    assert not path.exists()


def test_who_was_played_before_counts_in_the_correction(tmp_path):
    options = {**QUICK, "ledger": tmp_path / "l.jsonl"}
    whole = compare(apart(), **options | {"contestants": ["smote", "copula", "over-sampling"]})
    part = compare(apart(), **options | {"contestants": ["smote"]})
    assert part.verdict.n_tests == whole.verdict.n_tests == 4
    ours, theirs = (
        next(one.gains for one in found.standings if one.contestant == "smote")
        for found in (whole, part)
    )
    assert ours == theirs
    assert "the ledger has scores of 'copula', 'over-sampling' on the same folds" in part.to_text()


def test_what_fails_at_the_end_loses_nothing(tmp_path):
    def finish(found):
        assert found.is_whole
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        compare(apart(), **QUICK, ledger=tmp_path, finish=finish)
    told = []
    compare(apart(), **QUICK, ledger=tmp_path, progress=lambda *n: told.append(n))
    assert told[0][0] == told[0][1] > 0
    assert not list(tmp_path.iterdir())


def test_more_rare_rows_than_there_are_cannot_be_left():
    with pytest.raises(
        UserError, match="41 rare rows cannot be left where no training side has more than 40"
    ):
        compare(apart(), **QUICK, n_rare=41)
    assert compare(apart(), **QUICK, n_rare=40).options["n_rare"] == 40


def test_fewer_rare_rows_are_calibrated_for_the_table_as_it_is():
    """Learned of 20 of some 200 rare rows, the mean probability is that of the table."""
    options = {**QUICK, "contestants": ["over-sampling"], "n_rare": 20}
    found = compare(apart(n=2_000, n_rare=300), **options)
    nothing = found.standings[0]
    assert nothing.scores["brier"] < 0.9 * nothing.scores["brier_as_is"]


def test_another_contestant_changes_nothing_for_those_there_are():
    few, more = (
        compare(apart(), **{**QUICK, "contestants": names}) for names in (["smote"], CHEAP)
    )
    both = [r for r in scored(more) if r.contestant in ("nothing", "class-weights", "smote")]
    assert scored(few) == both


def test_fewer_rare_rows_are_left_to_learn_from():
    found = compare(apart(n=2_000, n_rare=300), n_rare=20, **QUICK)
    more = compare(apart(n=2_000, n_rare=300), **QUICK)
    assert found.options["n_rare"] == 20
    reached = [one.standings[0].scores["average_precision"] for one in (found, more)]
    assert reached[0] < reached[1]


class Fails(LogisticRegression):
    def fit(self, *_):
        raise RuntimeError("cannot fit this")


class FailsUnderWeights(LogisticRegression):
    def fit(self, rows, labels, sample_weight=None):
        if sample_weight is not None:
            raise RuntimeError("no weights here")
        return super().fit(rows, labels)


def test_a_learner_of_a_notebook_plays_and_may_fail(tmp_path):
    quick = QUICK | {"ledger": tmp_path}
    found = compare(apart(), **quick | {"learners": [LogisticRegression(), FailsUnderWeights()]})
    scored = {(one.learner, one.contestant) for one in found.standings if one.n}
    assert ("LogisticRegression", "class-weights") in scored
    assert ("FailsUnderWeights", "smote") in scored
    assert ("FailsUnderWeights", "class-weights") not in scored
    assert "RuntimeError: no weights here" in found.to_text()
    with pytest.raises(
        UserError, match="nothing could be scored, .* RuntimeError: cannot fit this: mend"
    ):
        compare(apart(), **quick | {"learners": Fails})
    assert not list(tmp_path.iterdir())


class HasNoScoreForSome(LogisticRegression):
    def predict_proba(self, rows):
        found = super().predict_proba(rows)
        found[rows[:, 0] == rows[:, 0].max()] = np.nan
        return found


def test_a_learner_that_cannot_score_every_row_is_absent():
    found = compare(apart(), **QUICK | {"learners": ["logistic", HasNoScoreForSome()]})
    assert {one.n for one in found.standings if one.learner == "logistic"} == {3}
    assert {one.n for one in found.standings if one.learner == "HasNoScoreForSome"} == {0}
    assert "ValueError: 1 of " in found.to_text()


def test_another_learner_of_that_name_is_another_contest(tmp_path):
    quick = QUICK | {"ledger": tmp_path / "l.jsonl"}
    compare(apart(), **quick | {"learners": LogisticRegression()})
    with pytest.raises(UserError, match=r"another contest \(own differ\)"):
        compare(apart(), **quick | {"learners": LogisticRegression(C=0.1)})


def test_what_is_saved_is_said_where_there_are_costs():
    found = compare(apart(), **QUICK, cost_fn=5, cost_fp=1)
    smote = next(one for one in found.standings if one.contestant == "smote")
    other = found.gain("smote", "nothing", "logistic", score="cost", n_tests=2)
    assert smote.saved.mean == pytest.approx(-other.mean)
    assert (smote.saved.low, smote.saved.high) == pytest.approx((-other.high, -other.low))
    more = "less" if smote.saved.mean >= 0 else "more"
    said = f"Mean cost a row: {abs(smote.saved.mean):.4g} {more} with smote than with nothing (from"
    assert said in found.verdict.text
    assert compare(apart(), **QUICK).standings[0].saved is None


def test_it_is_told_in_a_line_and_as_json(tmp_path):
    found = compare(apart(), **QUICK, top=np.int64(9), n_rare=np.int64(30))
    assert repr(found).startswith("<Comparison of frame: 400 rows, 60 of them rare; 1 x 3")
    assert len(repr(found)) < 150
    text = found.to_json(tmp_path / "c.json")
    assert (tmp_path / "c.json").read_text() == text
    read = json.loads(text)
    assert (read["schema"], read["schema_version"]) == ("raregan.comparison", 1)
    assert read["versions"]["raregan"] == raregan.__version__


def test_a_contest_that_is_refused_leaves_no_ledger(tmp_path):
    with pytest.raises(UserError, match="more rare rows are needed to learn from"):
        compare(apart(), **QUICK, n_rare=1, ledger=tmp_path)
    with pytest.raises(UserError, match=r"n_jobs is how many parts .* got 0"):
        compare(apart(), **QUICK | {"n_jobs": 0}, ledger=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"cost_fn": 1}, "costs are given together"),
        ({"amount_column": "x0"}, "needs the costs too"),
        ({"cost_fn": -1, "cost_fp": 1}, "cost_fn must be a positive number"),
        ({"amounts": []}, "amounts must be positive"),
        ({"amounts": [0, 1]}, "amounts must be positive"),
        ({"ratio": 0}, "ratio must be a positive number"),
        ({"minutes": np.nan}, "minutes must be a positive number"),
        ({"confidence": 1.0}, "between 0 and 1"),
        ({"random_state": -1}, "a seed must be"),
        ({"folds": 1}, "2 folds"),
        ({"amounts": [np.nan, 1.0]}, "amounts must be positive"),
        ({"contestants": 5}, "no contestant is called '5'"),
        ({"folds": 3.0}, "folds must be a whole number of at least 1, got 3.0"),
        ({"n_rare": 10.5}, "n_rare must be a whole number"),
        ({"contestants": "smot"}, "no contestant is called 'smot'"),
        ({"contestants": ["gan2"]}, "no contestant is called"),
        ({"learners": ["tree"]}, "no learner is called"),
        ({"target": "Clas"}, "no column 'Clas'"),
        ({"options": {"epoch": 1}}, "options has 'epoch'; of RareGAN it takes batch_size, epochs"),
        ({"options": {"target": "x0"}}, "options has 'target'"),
        ({"options": {"epochs": 0}}, "epochs must be"),
        ({"options": {"settings": {"epochs": 2, "steps": 3}}}, "both epochs"),
        ({"options": {"solver_steps": 5}}, r"solver_steps .* means nothing to wgan-gp"),
        ({"constraints": ["x0 <"]}, "x0 <"),
        ({"constraints": ["x99 <= x0"]}, "no column 'x99'"),
    ],
)
def test_mistakes_are_told_before_a_part_is_played(options, match):
    told = []
    if {"options", "constraints"} & options.keys():
        options = {"contestants": ["wgan-gp"], **options}
    with pytest.raises(UserError, match=match):
        compare(apart(), **{**QUICK, **options}, progress=lambda *n: told.append(n))
    assert not told
