from dataclasses import replace

import numpy as np
import pytest

from raregan.config import Config, NetworkConfig, TrainingConfig
from raregan.errors import ModelFileError
from raregan.training.checkpoint import load_checkpoint, save_checkpoint
from tests.training.test_loop import run
from tests.training.test_step import make_players

LESSON = {"fingerprint": "f", "target": "Class", "rare": 1}
CONFIG = Config("gan", NetworkConfig(latent_dim=5), TrainingConfig(epochs=9), seed=0)


@pytest.fixture(scope="module")
def result():
    return run(3)


@pytest.fixture
def path(result, tmp_path):
    path = tmp_path / "m.checkpoint"
    save_checkpoint(path, result.state, result.history, config=CONFIG, lesson=LESSON)
    return path


def load(path, config=CONFIG, lesson=LESSON):
    start = make_players().initial_state(0)
    return load_checkpoint(path, start, config=config, lesson=lesson)


def test_state_and_history_come_back_to_the_bit(path, result):
    state, history = load(path)
    for name, before in result.state._asdict().items():
        after = getattr(state, name)
        pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
        for a, b in pairs:
            assert a.dtype == b.dtype
            assert np.array_equal(a, b), name
    assert all(np.array_equal(a, b) for a, b in zip(history, result.history, strict=True))


def test_going_on_from_the_file_is_an_undisturbed_run(path):
    state, history = load(path)
    resumed, whole = run(6, state=state, history=history), run(6)
    assert np.array_equal(resumed.state.generator, whole.state.generator)
    assert np.array_equal(resumed.history.generator_loss, whole.history.generator_loss)


def test_more_epochs_more_time_and_another_rate_are_the_same_run(path):
    training = TrainingConfig(epochs=99, max_minutes=1.0, learning_rate=1e-5)
    load(path, replace(CONFIG, training=training))


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (replace(CONFIG, seed=1), "seed 0 -> 1"),
        (replace(CONFIG, training=TrainingConfig(batch_size=8)), "batch_size 64 -> 8"),
        (replace(CONFIG, network=NetworkConfig(latent_dim=6)), "latent_dim 5 -> 6"),
    ],
)
def test_other_options_are_named(path, config, match):
    with pytest.raises(ModelFileError, match=match):
        load(path, config)


def test_another_table_is_told(path):
    with pytest.raises(ModelFileError, match="another table"):
        load(path, lesson={**LESSON, "rare": 0})


def test_no_checkpoint_is_told(tmp_path):
    with pytest.raises(ModelFileError, match="no checkpoint .* to resume"):
        load(tmp_path / "none")


def test_networks_of_another_shape_are_told(path):
    start = make_players().initial_state(0)._replace(generator=np.zeros(3, np.float32))
    with pytest.raises(ModelFileError, match="does not fit these networks: generator"):
        load_checkpoint(path, start, config=CONFIG, lesson=LESSON)


def test_a_damaged_file_is_told(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)


def test_fewer_epochs_than_are_done_are_refused(path):
    with pytest.raises(ModelFileError, match="has 3 epochs done, more than the 2 asked for"):
        load(path, replace(CONFIG, training=TrainingConfig(epochs=2)))


def test_a_state_that_disagrees_with_its_history_is_told(result, tmp_path):
    state = result.state._replace(epoch=result.state.epoch + 1)
    save_checkpoint(tmp_path / "c", state, result.history, config=CONFIG, lesson=LESSON)
    with pytest.raises(ModelFileError, match="disagree"):
        load(tmp_path / "c")
