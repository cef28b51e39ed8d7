from dataclasses import replace

import jax
import numpy as np
import pytest

from raregan.config import Config, NetworkConfig, TrainingConfig
from raregan.errors import ModelFileError
from raregan.training.checkpoint import load_checkpoint, save_checkpoint
from tests.training.test_loop import judged, rehearsed, run, start
from tests.training.test_step import make_game

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
    return load_checkpoint(path, start(make_game()), config=config, lesson=lesson)


def test_state_and_history_come_back_to_the_bit(path, result):
    same_run(load(path), result)


def same_run(loaded, result):
    state, history = loaded
    pairs = zip(jax.tree.leaves(result.state), jax.tree.leaves(state), strict=True)
    for before, after in pairs:
        assert after.dtype == before.dtype
        assert np.array_equal(after, before)
    assert history.scores == result.history.scores
    for name, losses in result.history.losses.items():
        assert np.array_equal(losses, history.losses[name])


def test_evidence_and_the_best_weights_come_back_too(tmp_path):
    result = rehearsed(4, judged({2: 1.0, 4: 2.0}))
    path = tmp_path / "c"
    save_checkpoint(path, result.state, result.history, config=CONFIG, lesson=LESSON)
    first = start(make_game(), 0, 1)
    same_run(load_checkpoint(path, first, config=CONFIG, lesson=LESSON), result)


def test_going_on_from_the_file_is_an_undisturbed_run(path):
    state, history = load(path)
    resumed, whole = run(6, state=state, history=history), run(6)
    same_run((resumed.state, resumed.history), whole)


def test_more_epochs_more_time_and_another_rate_are_the_same_run(path):
    training = TrainingConfig(epochs=99, max_minutes=1.0, learning_rate=1e-5)
    load(path, replace(CONFIG, training=training))


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (replace(CONFIG, seed=1), "seed was 0, and is 1"),
        (replace(CONFIG, training=TrainingConfig(batch_size=8)), "batch_size was 64, and is 8"),
        (replace(CONFIG, network=NetworkConfig(latent_dim=6)), "latent_dim was 5, and is 6"),
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
    wider = start(make_game(seed=3))
    player = wider.main.players["generator"]._replace(weights=np.zeros(3, np.float32))
    wider.main.players["generator"] = player
    with pytest.raises(ModelFileError, match="does not fit these networks: .*generator.*weights"):
        load_checkpoint(path, wider, config=CONFIG, lesson=LESSON)


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
    main = result.state.main
    state = result.state._replace(main=main._replace(epoch=main.epoch + 1))
    save_checkpoint(tmp_path / "c", state, result.history, config=CONFIG, lesson=LESSON)
    with pytest.raises(ModelFileError, match="disagree"):
        load(tmp_path / "c")


def test_another_number_of_epochs_is_told_with_the_one_to_ask_for(result, tmp_path):
    """The number may have been nobody's wish: the advice says what makes it again."""
    falling = replace(CONFIG, training=TrainingConfig(epochs=5_380, anneal=True))
    path = tmp_path / "c"
    save_checkpoint(path, result.state, result.history, config=falling, lesson=LESSON)
    fewer = replace(falling, training=replace(falling.training, epochs=60))
    said = "run of 5,380 epochs, and this one would have 60: .* resume with --epochs 5380, or"
    with pytest.raises(ModelFileError, match=said):
        load(path, fewer)
