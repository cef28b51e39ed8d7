import json
from dataclasses import replace

import numpy as np
import pytest

from raregan.config import (
    SETTINGS,
    Config,
    NetworkConfig,
    TrainingConfig,
    override,
    plain_options,
    plain_seed,
)
from raregan.errors import UserError


def test_the_reference_is_the_default():
    assert NetworkConfig().generator_widths == (32, 64, 128)
    assert NetworkConfig().discriminator_widths == (128, 64, 32, 32, 16)
    assert (TrainingConfig().epochs, TrainingConfig().batch_size) == (5_000, 64)


def test_a_config_survives_json():
    config = Config("gan", NetworkConfig(latent_dim=7), TrainingConfig(max_minutes=1.5), seed=3)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_none_means_the_default_and_other_names_are_not_ours():
    options = {"epochs": 7, "batch_size": None, "latent_dim": 3, "variant": "gan"}
    assert override(TrainingConfig(), options) == replace(TrainingConfig(), epochs=7)
    assert override(NetworkConfig(), options) == replace(NetworkConfig(), latent_dim=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("max_minutes", -1),
        ("numeric_encoding", "log"),
        ("max_minutes", float("inf")),
    ],
)
def test_values_out_of_range_are_named(name, value):
    with pytest.raises(UserError, match=f"{name} must be .* got"):
        override(TrainingConfig(), {name: value})


def test_numbers_become_pythons_own():
    training = override(TrainingConfig(), {"epochs": np.int64(3), "learning_rate": np.float32(0.5)})
    assert type(training.epochs) is int
    assert type(training.learning_rate) is float


@pytest.mark.parametrize("seed", [-1, 1.5, None, True, "0"])
def test_a_seed_is_a_count(seed):
    with pytest.raises(UserError, match="a seed must be a whole number of at least 0, got"):
        plain_seed(seed)
    assert plain_seed(np.uint8(7)) == 7


def test_whose_levels_is_one_of_two():
    with pytest.raises(UserError, match="levels_from must be one of rare, all, got 'some'"):
        override(TrainingConfig(), {"levels_from": "some"})
    assert override(TrainingConfig(), {"levels_from": "all"}).levels_from == "all"


# --- settings -------------------------------------------------------------------------------------


def test_every_option_of_a_run_is_a_setting_and_takes_its_own_default():
    for part in (NetworkConfig(), TrainingConfig()):
        for length in ("epochs", "steps"):  # one says how long
            given = {n: v for n, v in vars(part).items() if v is not None and n != length}
            assert override(part, {"settings": given}) == part
    assert {*vars(NetworkConfig()), *vars(TrainingConfig())} == {*SETTINGS}


def test_an_option_that_is_typed_goes_before_a_setting():
    options = {"epochs": 7, "batch_size": None, "settings": {"epochs": 3, "batch_size": 8}}
    assert plain_options(options) == {"epochs": 7, "batch_size": 8}
    options = {"epochs": 7, "settings": {"steps": 300}}
    assert plain_options(options) == {"epochs": 7, "steps": 300}
    assert plain_options({"settings": {"epochs": None, "steps": 300}}) == {"steps": 300}
    assert plain_options({"settings": None, "variant": "gan"}) == {"variant": "gan"}


def test_what_json_holds_becomes_what_a_config_holds():
    chosen = plain_options({"settings": {"generator_widths": [8, np.int64(9)], "jitter": 1}})
    assert chosen == {"generator_widths": (8, 9), "jitter": 1.0}
    assert type(chosen["jitter"]) is float
    assert type(chosen["generator_widths"][1]) is int


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([("epochs", 3)], "settings must be a dict of names and values, got"),
        ({"jiter": 0.1}, "there is no setting 'jiter'; did you mean 'jitter'?"),
        ({"colour": 1}, "there is no setting 'colour'; there are latent_dim, generator_widths"),
        ({"jitter": -0.1}, "jitter must be a number of at least 0, got -0.1"),
        ({"jitter": float("nan")}, "jitter must be a number of at least 0, got nan"),
        ({"average": 1}, "average must be a number from 0 to below 1, got 1"),
        ({"beta_1": "high"}, "beta_1 must be a number from 0 to below 1, got 'high'"),
        ({"pac": 0}, "pac must be a whole number of at least 1, got 0"),
        ({"margins": "yes"}, "margins must be one of True, False, got 'yes'"),
        ({"discriminator_speed": 0}, "discriminator_speed must be a positive number, got 0"),
        (
            {"generator_widths": []},
            "generator_widths must be a list of whole numbers from 1 to 4,096",
        ),
        ({"generator_widths": [8, 0]}, r"got \[8, 0\]"),
        ({"generator_widths": 8}, "got 8"),
        ({"generator_widths": [10**6]}, "from 1 to 4,096"),
        (
            {"epochs": 2_000, "steps": 4_000},
            r"both epochs \(2,000, .*\) and steps \(4,000, .*\), .*: leave one of them out",
        ),
        ({"epochs": 2_000, "steps": "many"}, "steps must be a whole number of at least 1, got 'm"),
        ({"field_width": 10**8}, "field_width must be at most 4,096, got 100,000,000"),
    ],
)
def test_a_setting_that_is_none_or_out_of_range_is_named(settings, said):
    with pytest.raises(UserError, match=said):
        plain_options({"settings": settings})
