from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from raregan.data.table import make_table
from raregan.run import Run
from raregan.training import loop
from raregan.tuning import yardstick
from raregan.tuning.trials import Figures
from raregan.tuning.yardstick import OUT_OF_TIME, Yardstick
from tests.conftest import rare_frame

QUICK = {"epochs": 1, "solver_steps": 2, "batch_size": 16}


@pytest.fixture(scope="module")
def many():
    """A table of 120 rare rows: one part is held out."""
    return make_table(rare_frame(400, 120))


def test_the_same_settings_measure_the_same(many):
    stick = Yardstick(many, seed=0)
    first, again = (stick.measure("flow", QUICK, None) for _ in range(2))
    assert isinstance(first, Figures)
    assert first == again
    assert first != Yardstick(many, seed=1).measure("flow", QUICK, None)


def test_no_trial_sees_a_row_that_it_is_measured_on(many, monkeypatch):
    stick = Yardstick(many, seed=0)
    seen = []
    prepare = yardstick.Run.prepare

    def watched(table, *rest):
        seen.append(table.rare)
        return prepare(table, *rest)

    monkeypatch.setattr(yardstick.Run, "prepare", watched)
    monkeypatch.setattr(
        yardstick, "compare_rows", lambda made, learned, held, rng: (len(held),) * 4
    )
    assert stick.measure("flow", QUICK, None) == Figures(30, 30, 30, 30)
    assert seen[0].height == 90
    assert many.rare.join(seen[0], on=many.rare.columns, how="anti").height == 30


def test_copies_stay_on_one_side():
    frame = rare_frame(400, 120)
    rare = frame.filter(pl.col("Class") == 1)
    stick = Yardstick(make_table(pl.concat([frame, rare])), seed=0)
    held = ~stick._members[0]
    rows = {row.tobytes() for row in stick._rows[held]}
    assert not any(row.tobytes() in rows for row in stick._rows[~held])
    assert 55 < held.sum() < 70  # of 240


def test_the_second_yardstick_holds_other_rows_out_where_there_are_any(many, table):
    first = Yardstick(many, seed=0)
    second = first.another()
    assert not (~first._members[0] & ~second._members[0]).any()
    assert first.other_rows == "on other rows"
    assert "dealt otherwise" in Yardstick(table, seed=0).other_rows


@pytest.mark.parametrize("n_rare", [60, 120, 520])
def test_a_trial_of_defaults_has_those_that_training_would_have(n_rare, monkeypatch):
    full = make_table(rare_frame(3 * n_rare, n_rare))
    expected = Run.prepare(full, "flow", {}, 0).config
    seen = []

    def train(self, *_, **__):
        seen.append(self.config)
        raise yardstick.TrainingDivergedError("enough")

    monkeypatch.setattr(yardstick.Run, "train", train)
    Yardstick(full, seed=0).measure("flow", {}, None)
    changed = {"epochs", "max_minutes"} | ({"evidence"} if n_rare < 130 else set())
    for name, value in vars(expected.training).items():
        assert name in changed or getattr(seen[0].training, name) == value
    assert replace(seen[0].network, latent_dim=None) == replace(expected.network, latent_dim=None)


@pytest.mark.parametrize(
    ("variant", "settings"), [("gan", {"epochs": 30}), ("flow", {"steps": 300}), ("gan", {})]
)
def test_a_trial_is_as_long_as_it_says(variant, settings, monkeypatch):
    table, seen = make_table(rare_frame(360, 120)), []

    def train(self, *_, **__):
        seen.append(self.config.training)
        raise yardstick.TrainingDivergedError("enough")

    monkeypatch.setattr(yardstick.Run, "train", train)
    assert Yardstick(table, seed=0).measure(variant, settings, None).startswith("enough")
    (found,) = seen
    assert {name: getattr(found, name) for name in settings} == settings


def test_few_rows_are_held_out_in_turn(table):
    stick = Yardstick(table, seed=0)  # 80 rare rows
    assert len(stick._members) == 4
    assert isinstance(stick.measure("flow", QUICK, None), Figures)
    assert stick.noise == pytest.approx((6 * 80) ** -0.5)


def test_what_is_asked_wrongly_or_diverges_is_told(many, monkeypatch):
    stick = Yardstick(many, seed=0)
    assert "batch_size 1,000 is more than" in stick.measure("gan", {"batch_size": 1_000}, None)
    assert stick.measure("gan", {"epochs": 9_999}, 0.0) == OUT_OF_TIME

    def diverge(*_, **__):
        raise loop.TrainingDivergedError("a loss became NaN")

    monkeypatch.setattr(loop, "train", diverge)
    assert "a loss became NaN" in stick.measure("flow", QUICK, None)


def test_a_ruler_that_is_better_is_told_to_be(many, monkeypatch):
    """Rows like the held-out ones measure better than rows that are all alike."""
    stick = Yardstick(many, seed=0)
    held, learned = (
        many.rare.filter(pl.Series(m)) for m in (~stick._members[0], stick._members[0])
    )

    class Sampler:
        def __init__(self, rows):
            self.rows = rows

        def sample(self, n, *, seed):
            return self.rows.sample(n, with_replacement=True, seed=seed).with_columns(Class=1)

    def measured(rows):
        class Model:
            sampler = Sampler(rows)
            provenance = {"ended": "epochs"}  # noqa: RUF012

        monkeypatch.setattr(yardstick.Run, "train", lambda *_, **__: Model())
        return stick.measure("flow", QUICK, None)

    fresh, copied, alike = (measured(rows) for rows in (held, learned, learned[:1]))
    assert fresh.total(fresh) < alike.total(fresh)
    assert copied.copying > 0.8
    assert np.isclose(alike.told_apart, 1, atol=0.02)
