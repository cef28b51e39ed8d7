import numpy as np
import pytest

from raregan.errors import TrainingDivergedError
from raregan.training.loop import History, Hooks, compile_chunk, train
from tests.training.test_step import make_players

ROWS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def run(epochs=6, *, players=None, state=None, history=None, rows=ROWS, **options):
    players = players or make_players()
    return train(
        players,
        rows,
        epochs=epochs,
        batch_size=16,
        state=state or players.initial_state(7),
        history=history or History.empty(),
        **options,
    )


def same(first, second):
    assert all(np.array_equal(a, b) for a, b in zip(first.history, second.history, strict=True))
    assert np.array_equal(first.state.generator, second.state.generator)
    assert np.array_equal(first.state.discriminator, second.state.discriminator)
    for carried in ("generator_stats", "generator_optimizer", "discriminator_optimizer"):
        pairs = zip(getattr(first.state, carried), getattr(second.state, carried), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs), carried


def test_the_history_has_one_pair_of_finite_losses_an_epoch():
    result = run()
    assert (result.history.epochs, int(result.state.epoch), result.ended) == (6, 6, "epochs")
    assert np.isfinite(result.history).all()
    assert result.history.generator_loss.dtype == np.float32


def test_cutting_a_run_into_other_chunks_changes_no_bit():
    same(run(hooks=Hooks(save_every=1)), run())
    same(run(hooks=Hooks(save_every=4)), run())


def test_a_run_that_goes_on_is_an_undisturbed_one():
    players = make_players()
    first = run(2, players=players)
    same(run(players=players, state=first.state, history=first.history), run())


def test_the_seed_matters():
    players = make_players()
    other = run(players=players, state=players.initial_state(8))
    assert not np.array_equal(other.state.generator, run().state.generator)


def test_the_generator_learns_a_shifted_gaussian():
    """The adversarial game moves the mean of the fakes from 0 to that of the rows."""
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(256, 5)) * 0.5 + 2).astype(np.float32)
    players = make_players(learning_rate=1e-3)
    result = run(60, players=players, rows=rows)
    players.load(result.state)
    latent = rng.normal(size=(500, 5)).astype(np.float32)
    fakes = np.asarray(players.generator(latent, training=False))
    assert np.abs(fakes.mean(axis=0) - 2).max() < 0.7


def test_checkpoints_are_offered_when_they_are_due():
    saved = []
    hooks = Hooks(save=lambda state, history: saved.append(history.epochs), save_every=2)
    run(7, hooks=hooks)
    assert saved == [0, 2, 4, 6]


def test_progress_hears_of_every_chunk():
    heard = []
    hooks = Hooks(
        progress=lambda history, epochs: heard.append((history.epochs, epochs)), save_every=3
    )
    run(7, hooks=hooks)
    assert heard == [(3, 7), (6, 7), (7, 7)]


def test_a_request_ends_the_chunk_and_saves():
    saved = []
    hooks = Hooks(
        stop=lambda: True, save=lambda state, history: saved.append(history.epochs), save_every=2
    )
    result = run(hooks=hooks)
    assert (result.ended, result.history.epochs, saved) == ("request", 2, [0, 2])


def test_time_ends_the_run():
    result = run(100_000, max_minutes=1e-9)
    assert result.ended == "time"
    assert 0 < result.history.epochs < 100_000


@pytest.mark.parametrize("fault", ["rows", "rate"])
def test_divergence_keeps_the_last_good_state(fault):
    saved = []
    hooks = Hooks(save=lambda state, history: saved.append((state, history)), save_every=2)
    rows, players = ROWS, make_players()
    if fault == "rows":
        rows = ROWS * np.float32(1e38)
    else:
        players = make_players(learning_rate=1e38)
    with pytest.raises(TrainingDivergedError, match=r"epoch \d.*last good.*lower learning rate"):
        run(players=players, rows=rows, hooks=hooks)
    state, history = saved[-1]
    assert np.isfinite(state.generator).all()
    assert np.isfinite(state.discriminator).all()
    assert history.epochs == int(state.epoch)


def test_one_program_serves_every_number_of_epochs():
    players = make_players()
    chunk, most = compile_chunk(players, len(ROWS), 16)
    state = players.initial_state(0)
    for epochs in (1, 2, most):
        done, losses = chunk(state, ROWS, epochs)
        assert int(done.epoch) == epochs
        assert losses.shape == (most, 2)
    assert chunk._cache_size() == 1
