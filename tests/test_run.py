import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from raregan.config import TrainingConfig, override
from raregan.data.table import make_table
from raregan.errors import UserError
from raregan.run import Run, _fit_epochs


def test_what_the_options_leave_open_is_resolved(table):
    run = Run.prepare(table, "gan", {"epochs": 7, "batch_size": None}, seed=3)
    assert run.config.training.epochs == 7
    assert run.config.training.batch_size == 64
    assert run.config.network.latent_dim == run.encoder.layout.width == 4
    assert run.rows.shape == (80, 4)


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


@pytest.mark.parametrize(
    "setting", ["JAX_ENABLE_X64", "JAX_THREEFRY_PARTITIONABLE", "JAX_DEFAULT_PRNG_IMPL"]
)
def test_a_users_own_jax_settings_change_no_row(setting, gan, frame, tmp_path):
    frame.write_parquet(tmp_path / "data.parquet")
    script = (
        "import sys; from raregan import RareGAN;"
        "gan = RareGAN(epochs=3, batch_size=32, random_state=5).fit(sys.argv[1]);"
        "gan.sample(50).write_parquet(sys.argv[2])"
    )
    value = {"JAX_ENABLE_X64": "1", "JAX_THREEFRY_PARTITIONABLE": "0"}.get(setting, "rbg")
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "data.parquet", tmp_path / "rows.parquet"],
        env={**os.environ, setting: value},
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
