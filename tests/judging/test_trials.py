import numpy as np
import pytest

from raregan.judging import trials
from raregan.judging.sides import Column, Sides
from raregan.judging.trials import plan_trials


def sides(n, s, h=0):
    """Return tables whose cells are their row's number, from 0, 1,000 and 2,000 on."""

    def rows(k, start):
        return np.arange(start, start + k, dtype=float)[:, np.newaxis]

    columns = (Column("x", "number", ()),)
    return Sides(columns, rows(n, 0), rows(s, 1_000), rows(h, 2_000), rows(0, 0))


def planned(*counts, seed=0):
    return plan_trials(sides(*counts), np.random.default_rng(seed))


def test_held_out_rows_are_the_baseline_and_synthetic_rows_are_as_many():
    plan = planned(100, 250, 80)
    assert plan.kind == "holdout"
    assert [len(trial.candidate) for trial in plan.synthetic] == [80, 80, 80]
    assert [len(trial.candidate) for trial in plan.baseline] == [80]
    tried = np.concatenate([trial.candidate for trial in plan.synthetic])
    assert len(np.unique(tried)) == 240
    assert (plan.baseline[0].candidate >= 2_000).all()
    for trial in (*plan.synthetic, *plan.baseline):
        assert sorted(trial.reference.ravel()) == list(range(100))


def test_many_held_out_rows_are_tried_more_than_once():
    plan = planned(100, 50, 120)
    assert [len(trial.candidate) for trial in plan.synthetic] == [50]
    assert [len(trial.candidate) for trial in plan.baseline] == [50, 50]


@pytest.mark.parametrize("s", [30, 300])
def test_without_them_half_of_the_real_rows_stands_against_the_other(s):
    plan = planned(100, s)
    assert plan.kind == "halves"
    first, second = plan.baseline
    assert {len(first.reference), len(second.reference)} == {50}
    together = np.concatenate([first.reference, second.reference]).ravel()
    assert sorted(together) == list(range(100))
    for trial in plan.baseline:
        assert not set(trial.reference.ravel()) & set(trial.candidate.ravel())
    sizes = {len(trial.candidate) for trial in (*plan.synthetic, *plan.baseline)}
    assert sizes == {min(s, 50)}
    references = {tuple(trial.reference.ravel()) for trial in plan.synthetic}
    assert len(references) == 2
    assert plan.rows == (50, min(s, 50))


def test_too_few_real_rows_have_no_baseline():
    plan = planned(19, 30)
    assert plan.kind == "none"
    assert plan.baseline == ()
    assert len(plan.synthetic[0].reference) == 19


def test_no_trial_has_more_rows_than_stated(monkeypatch):
    monkeypatch.setattr(trials, "TRIAL_ROWS", 10)
    for plan in (planned(100, 250, 80), planned(100, 250)):
        for trial in (*plan.synthetic, *plan.baseline):
            assert max(map(len, trial)) == 10


def test_the_generator_deals_the_rows():
    first, second, other = (planned(40, 60, 30, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.synthetic[0].candidate, second.synthetic[0].candidate)
    assert (first.synthetic[0].candidate != other.synthetic[0].candidate).any()
