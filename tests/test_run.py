import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.config import SLOWER, TrainingConfig, override, plain_options
from raregan.data.simulate import make_card_fraud
from raregan.data.table import make_table
from raregan.errors import RareGANWarning, TrainingDivergedError, UserError
from raregan.gans.variants import get_variant
from raregan.run import Run, _fit_batch, _fit_epochs, fewer_epochs, learned_rows, resolve
from raregan.synthesizer import RareGAN
from raregan.training import loop
from tests.conftest import NUMBERS


def test_what_the_options_leave_open_is_resolved(table):
    run = Run.prepare(table, "gan", {"epochs": 7, "batch_size": None}, seed=3)
    assert run.config.training.epochs == 7
    assert run.config.training.batch_size == 64
    assert run.config.network.latent_dim == run.encoder.layout.width == 4
    assert run.lesson.rows.shape == (80, 4)


def test_an_unknown_variant_is_told(table):
    with pytest.raises(UserError, match="no variant is called 'gun'"):
        Run.prepare(table, "gun", {}, seed=0)


def test_the_model_says_when_it_was_resumed(table, tmp_path):
    run = Run.prepare(table, "gan", {"epochs": 2}, seed=0)
    hooks = run.hooks(tmp_path / "c", 1, None, None)
    assert run.train(hooks, resume_from=None).provenance["resumed_at"] == 0
    longer = Run.prepare(table, "gan", {"epochs": 3}, seed=0)
    model = longer.train(hooks, resume_from=tmp_path / "c")
    assert model.provenance["resumed_at"] == 1
    assert model.provenance["epochs"] == 3


def test_a_users_own_jax_settings_change_no_row(gan, frame, tmp_path):
    """All at once: each alone would change the rows."""
    settings = {
        "JAX_ENABLE_X64": "1",
        "JAX_THREEFRY_PARTITIONABLE": "0",
        "JAX_DEFAULT_PRNG_IMPL": "rbg",
    }
    frame.write_parquet(tmp_path / "data.parquet")
    script = (
        "import sys; from raregan import RareGAN;"
        f"gan = RareGAN(**{NUMBERS}).fit(sys.argv[1]);"
        "gan.sample(50).write_parquet(sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "data.parquet", tmp_path / "rows.parquet"],
        env={**os.environ, **settings},
        check=True,
    )
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(gan.sample(50))


@pytest.mark.parametrize(
    ("n_rare", "asked", "epochs"),
    [(80, None, 5_000), (2**20, None, 3), (10**9, None, 1), (2**20, 77, 77)],
)
def test_epochs_that_nobody_chose_make_a_bounded_number_of_steps(n_rare, asked, epochs):
    found = _fit_epochs(override(TrainingConfig(), {"epochs": asked}), {"epochs": asked}, n_rare)
    assert found.epochs == epochs
    assert asked or epochs == 1 or epochs * n_rare // found.batch_size <= found.steps


def test_seven_thousand_levels_and_missing_numbers_take_a_narrow_row():
    """CTGAN refuses the missing numbers and makes 7,000 columns of the levels."""
    rng = np.random.default_rng(0)
    n = 14_000
    frame = pl.DataFrame(
        {
            "shop": [f"shop {i % 7_000}" for i in range(n)],
            "amount": np.where(rng.random(n) < 0.2, np.nan, rng.exponential(size=n)),
            "Class": np.arange(n) < 13_990,
        }
    )
    table = make_table(frame, rare=True, kinds={"shop": "categorical"})
    run = Run.prepare(table, "gan", {"epochs": 1, "batch_size": 7_000}, seed=0)
    assert run.encoder.layout.width < 40
    model = run.train(run.hooks(None, 1, None, None), resume_from=None)
    rows = model.sampler.sample(1_000, seed=0)
    assert rows.schema == frame.schema
    assert set(rows["shop"]) <= set(frame["shop"])
    assert 0 < rows["amount"].null_count() < 1_000


# --- the batch ------------------------------------------------------------------------------------


def fit_batch(asked, n_rare, pac=1, **training):
    options = {"batch_size": asked}
    return _fit_batch(override(TrainingConfig(**training), options), options, n_rare, pac)


@pytest.mark.parametrize(
    ("n_rare", "pac", "size"),
    [(500, 1, 64), (64, 4, 64), (30, 1, 30), (30, 4, 28), (500, 7, 63), (5, 4, 4), (4, 4, 4)],
)
def test_a_batch_that_nobody_chose_is_of_whole_packs_of_the_rows_there_are(n_rare, pac, size):
    assert fit_batch(None, n_rare, pac).batch_size == size


def test_a_batch_of_jittered_rows_may_be_larger_than_they_are_many():
    assert fit_batch(None, 10, batch_size=128, jitter=0.25).batch_size == 128
    assert fit_batch(None, 10, 3, batch_size=128, jitter=0.25).batch_size == 126


@pytest.mark.parametrize(("asked", "n_rare", "pac"), [(2, 80, 1), (80, 80, 4), (28, 30, 4)])
def test_a_batch_that_fits_is_kept_to(asked, n_rare, pac):
    assert fit_batch(asked, n_rare, pac).batch_size == asked


@pytest.mark.parametrize(
    ("asked", "n_rare", "pac", "match"),
    [
        (1_200, 1_100, 1, "batch_size 1,200 is more than the 1,100 rare rows; .* at most 1,100"),
        (30, 100, 4, "batch_size 30 is no multiple of pac 4, .* ask for 28"),
        (3, 100, 4, "100 rare rows in batches of 3 are no pack of 4"),
        (None, 3, 4, "3 rare rows in batches of 3 are no pack of 4"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_with_the_numbers(asked, n_rare, pac, match):
    for jitter in (0.0, 0.25) if asked else (0.0,):
        with pytest.raises(UserError, match=match):
            fit_batch(asked, n_rare, pac, jitter=jitter)


@given(st.integers(2, 300), st.integers(4, 300), st.sampled_from([1, 2, 4]))
def test_what_a_refusal_advises_is_accepted(asked, n_rare, pac):
    try:
        assert fit_batch(asked, n_rare, pac).batch_size == asked
    except UserError as error:
        advised = re.search(r"ask for (?:at most )?([\d,]+)$", str(error))
        if advised:
            size = int(advised[1].replace(",", ""))
            assert fit_batch(size, n_rare, pac).batch_size == size
        else:
            assert asked < pac


def test_a_packed_variant_has_its_batch_fitted(table):
    assert Run.prepare(table, "wgan-gp", {}, seed=0).config.training.batch_size == 64
    with pytest.raises(UserError, match="batch_size 30 is no multiple of pac 4"):
        Run.prepare(table, "wgan-gp", {"batch_size": 30}, seed=0)


# --- divergence -----------------------------------------------------------------------------------


@pytest.fixture
def diverging(monkeypatch):
    """Make the first runs diverge and the next one end at once; return what ran how fast."""

    def arrange(times):
        ran = []

        def train(game, rows, *, state, history, **_):
            ran.append((game.variant.name, game.training.learning_rate))
            if len(ran) <= times:
                raise TrainingDivergedError(f"a loss became NaN in epoch {len(ran)}")
            return loop.TrainResult(state, history, "epochs")

        monkeypatch.setattr(loop, "train", train)
        return ran

    return arrange


def train_on(table, variant="gan", **options):
    """Return the model, what was warned of, and the runs whose hooks were asked for."""
    begun = []
    run = Run.prepare(table, variant, options, seed=3)

    def hooks(one):
        begun.append(one)
        return one.hooks(None, 1, None, None)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = run.train_on(options, hooks, resume_from=None)
    assert all(warned.category is RareGANWarning for warned in caught)
    return model, [str(warned.message) for warned in caught], begun


GAN, FLOW, WGAN = ("gan", 2e-4), ("flow", 1e-3), ("wgan-gp", 2e-4)


def slower(variant):
    return variant[0], variant[1] / SLOWER


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("gan", [GAN, slower(GAN), FLOW, slower(FLOW)]),
        ("flow", [FLOW, slower(FLOW), GAN, slower(GAN)]),
        ("wgan-gp", [WGAN, slower(WGAN), FLOW, slower(FLOW), GAN, slower(GAN)]),
    ],
)
def test_what_diverges_is_tried_slower_then_another_variant_until_none_is_left(
    table, diverging, first, expected
):
    ran = diverging(99)
    with pytest.raises(TrainingDivergedError, match=f"NaN in epoch {len(expected)}\\."):
        train_on(table, first)
    assert ran == [(name, pytest.approx(rate)) for name, rate in expected]


def test_a_run_that_does_not_diverge_has_no_setbacks(table, diverging):
    ran = diverging(0)
    model, warned, begun = train_on(table, learning_rate=None)
    assert ran == [GAN]
    assert model.provenance["setbacks"] == warned == []
    assert len(begun) == 1


def test_a_setback_is_warned_of_and_recorded(table, diverging):
    diverging(1)
    model, warned, begun = train_on(table, epochs=7, batch_size=16)
    what = "training the same once more with a learning rate of 5e-05"
    assert warned == [f"gan: a loss became NaN in epoch 1; {what}"]
    assert model.provenance["setbacks"] == warned
    assert model.config.variant == "gan"
    assert model.config.training == TrainingConfig(epochs=7, batch_size=16, learning_rate=5e-5)
    assert model.config.seed == 3
    assert [run.setbacks for run in begun] == [(), tuple(warned)]


def test_the_next_variant_is_begun_at_its_own_rate_with_the_options_that_were_asked_for(
    table, diverging
):
    ran = diverging(2)
    model, warned, begun = train_on(table, "wgan-gp", epochs=7, batch_size=16)
    assert ran == [WGAN, slower(WGAN), FLOW]
    assert [text.split(";")[1] for text in warned] == [
        " training the same once more with a learning rate of 5e-05",
        " training flow instead",
    ]
    assert model.provenance["setbacks"] == warned
    assert model.config.variant == "flow"
    assert model.config.training.learning_rate == 1e-3
    assert (model.config.training.epochs, model.config.training.batch_size) == (7, 16)
    assert len(begun) == 3
    assert model.sampler.sample(5, seed=0).shape == (5, 5)


@pytest.mark.parametrize("rate", [1e-3, 2e-4])
def test_a_learning_rate_that_was_asked_for_is_kept_to(table, diverging, rate):
    ran = diverging(1)
    with pytest.raises(TrainingDivergedError, match="NaN in epoch 1"):
        train_on(table, learning_rate=rate)
    assert ran == [("gan", rate)]


def test_settings_are_kept_for_a_slower_run_and_what_others_know_for_another_variant(
    table, diverging
):
    settings = {"pac": 1, "average": 0.5, "numeric_encoding": "standard", "epochs": 3}
    diverging(1)
    model, *_ = train_on(table, "wgan-gp", settings=settings)
    assert (model.config.variant, model.config.network.pac) == ("wgan-gp", 1)
    assert model.config.training.average == 0.5
    diverging(2)
    model, warned, _ = train_on(table, "wgan-gp", settings=settings)
    assert warned[-1].endswith("training flow instead, without pac, average")
    training = model.config.training
    assert (model.config.variant, training.average) == ("flow", 0.999)
    assert (training.numeric_encoding, training.epochs) == ("standard", 3)


def test_another_fault_is_no_setback(table, monkeypatch):
    def train(*_, **__):
        raise FloatingPointError

    monkeypatch.setattr(loop, "train", train)
    with pytest.raises(FloatingPointError):
        train_on(table)


@pytest.mark.parametrize("times", [1, 2])
def test_the_warning_points_at_the_callers_line(table, diverging, times):
    diverging(times)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        RareGAN(random_state=0).fit(table)
    assert [warned.filename for warned in caught] == [__file__] * times


# --- fewer epochs than were asked for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "options", "note"),
    [
        ("flow", {"epochs": 5_000, "batch_size": 64}, "ends after 650 at the latest (5,000 steps)"),
        ("flow", {"epochs": 650, "batch_size": 64}, None),
        ("flow", {"epochs": 651, "batch_size": 64}, "651 epochs asked for; flow ends after 650"),
        ("flow", {"epochs": 5_000, "evidence": False}, None),
        ("flow", {"epochs": 600, "batch_size": 64, "settings": {"steps": 100}}, None),
        (
            "flow",
            {"epochs": 651, "batch_size": 64, "settings": {"steps": 100}},
            "ends after 650 at the latest (5,000 steps)",
        ),
        ("flow", {"epochs": 1_900, "batch_size": 64, "settings": {"steps": 15_000}}, None),
        ("flow", {}, None),
        ("gan", {"epochs": 5_000}, None),
        ("wgan-gp", {"epochs": 50_000}, "50,000 epochs asked for; wgan-gp ends after 2,601"),
    ],
)
def test_fewer_epochs_than_were_asked_for_are_told(variant, options, note):
    found = fewer_epochs(variant, options, make_table(make_card_fraud(1_000, 492)))
    assert found == note if note is None else note in found


@pytest.mark.parametrize("evidence", [True, False])
@pytest.mark.parametrize(("steps", "most"), [(100, 13), (2_000, 260), (15_000, 1_951)])
def test_epochs_that_are_typed_go_before_the_steps_of_settings(evidence, steps, most):
    table = make_table(make_card_fraud(1_000, 492))
    learned, variant = learned_rows(get_variant("flow"), table), get_variant("flow")
    options = {"batch_size": 64, "evidence": evidence, "settings": {"steps": steps}}

    def epochs(**typed):
        return resolve(variant, plain_options(options | typed), learned)[1].epochs

    assert epochs() == most  # steps x 64 rows, in passes over 492
    assert [epochs(epochs=asked) for asked in (1, 20, 300, 650)] == [1, 20, 300, 650]


def test_the_model_says_how_many_epochs_were_asked_for(table):
    for asked, done in ((np.int64(2), 2), (None, 1)):
        options = {"epochs": asked, "max_minutes": None if asked else 1e-9}
        run = Run.prepare(table, "gan", options, seed=0)
        found = run.train(run.hooks(None, 1, None, None), resume_from=None).provenance
        assert found["epochs_asked"] == asked
        assert json.dumps(found["epochs_asked"]) == ("2" if asked else "null")
        assert found["epochs"] >= done
