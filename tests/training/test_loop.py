import functools

import jax
import numpy as np
import pytest

from raregan.errors import TrainingDivergedError
from raregan.training.evidence import TOLERABLE_COPYING, Score
from raregan.training.lesson import Lesson
from raregan.training.loop import History, Hooks, Rehearsals, RunState, compile_chunk, train
from tests.training.test_step import make_game

ROWS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def start(game, seed=7, rehearsals=0):
    return RunState.start([game.initial_state(seed)] * (1 + rehearsals))


def run(epochs=6, *, game=None, state=None, history=None, rows=ROWS, **options):
    game = game or make_game()
    return train(
        game,
        Lesson.of_one_class(rows, game.layout),
        epochs=epochs,
        batch_size=16,
        state=state or start(game),
        history=history or History.empty(tuple(game.models)),
        **options,
    )


@functools.cache
def plain(epochs=6):
    """Return an undisturbed run, the same one to all tests."""
    return run(epochs)


def same(first, second):
    for name, losses in first.history.losses.items():
        assert np.array_equal(losses, second.history.losses[name]), name
    assert first.history.scores == second.history.scores
    leaves = (jax.tree.leaves(result.state) for result in (first, second))
    assert all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))


def weights(result):
    return np.asarray(result.state.best.players["generator"].weights)


def test_the_history_has_a_finite_loss_of_each_player_an_epoch():
    result = plain()
    assert (result.history.epochs, int(result.state.main.epoch), result.ended) == (6, 6, "epochs")
    assert list(result.history.losses) == ["discriminator", "generator"]
    for losses in result.history.losses.values():
        assert np.isfinite(losses).all()
        assert losses.dtype == np.float32


def test_cutting_a_run_into_other_chunks_changes_no_bit():
    same(run(hooks=Hooks(save_every=1)), plain())
    same(run(hooks=Hooks(save_every=4)), plain())


def test_a_run_that_goes_on_is_an_undisturbed_one():
    game = make_game()
    first = run(2, game=game)
    same(run(game=game, state=first.state, history=first.history), plain())


def test_the_seed_matters():
    game = make_game()
    other = run(game=game, state=start(game, 8))
    assert not np.array_equal(weights(other), weights(plain()))


def test_the_generator_learns_a_shifted_gaussian():
    """The adversarial game moves the mean of the fakes from 0 to that of the rows."""
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(256, 5)) * 0.5 + 2).astype(np.float32)
    game = make_game(learning_rate=1e-3)
    result = run(60, game=game, rows=rows)
    game.load(result.state.best)
    latent = rng.normal(size=(500, 5)).astype(np.float32)
    fakes = np.asarray(game.models["generator"](latent, training=False))
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
    rows, game = ROWS, make_game()
    if fault == "rows":
        rows = ROWS * np.float32(1e38)
    else:
        game = make_game(learning_rate=1e38)
    with pytest.raises(TrainingDivergedError, match=r"epoch \d.*last good.*lower learning rate"):
        run(game=game, rows=rows, hooks=hooks)
    state, history = saved[-1]
    for player in state.main.players.values():
        assert np.isfinite(player.weights).all()
    assert history.epochs == int(state.main.epoch)


def test_one_program_serves_every_number_of_epochs():
    game = make_game()
    lesson = Lesson.of_one_class(ROWS, game.layout)
    chunk, most = compile_chunk(game, lesson, 16)
    state, draws = game.initial_state(0), lesson.draws(np.ones(len(ROWS), np.bool_))
    for epochs in (1, 2, most):
        done, losses = chunk(state, lesson.material(), draws, epochs)
        assert int(done.epoch) == epochs
        assert losses.shape == (most, 2)
    assert chunk._cache_size() == 1


# --- with evidence --------------------------------------------------------------------------------

MEMBERS = np.arange(40)[None, :] >= 10
NOISE = 0.02


def score(epoch, told_apart):
    return Score(epoch, told_apart, 0.0, 0.0, 0.0, NOISE, 0.0)


def judged(totals, *, every=2, patience=99):
    """Rehearsals whose scores are written down: by the epoch, or the last one."""
    return Rehearsals(
        MEMBERS, lambda epoch, states: score(epoch, totals.get(epoch, 9.0)), every, patience
    )


def rehearsed(epochs, rehearsals, **options):
    game = make_game()
    return run(epochs, game=game, state=start(game, 7, 1), rehearsals=rehearsals, **options)


def test_the_best_weights_are_a_copy_of_those_that_were_best():
    result = rehearsed(8, judged({2: 3.0, 4: 1.0, 6: 2.0, 8: 2.0}))
    assert np.array_equal(weights(result), weights(plain(4)))
    assert result.history.best.epoch == 4
    assert int(result.state.main.epoch) == 8
    assert not np.array_equal(result.state.main.players["generator"].weights, weights(result))


def test_the_main_run_is_the_same_with_and_without_rehearsals():
    result = rehearsed(6, judged({6: 0.0}))
    assert np.array_equal(weights(result), weights(plain()))


def test_a_rehearsal_never_sees_the_rows_that_are_held_out():
    spoilt = ROWS.copy()
    spoilt[~MEMBERS[0]] = 1e3
    clean, other = (rehearsed(4, judged({}), rows=rows) for rows in (ROWS, spoilt))
    pairs = (jax.tree.leaves(result.state.rehearsals) for result in (clean, other))
    assert all(np.array_equal(a, b) for a, b in zip(*pairs, strict=True))
    assert not np.array_equal(
        clean.state.main.players["generator"].weights, other.state.main.players["generator"].weights
    )


def test_of_many_rows_the_run_itself_never_sees_those_held_out_and_is_what_is_judged(monkeypatch):
    monkeypatch.setattr("raregan.training.evidence.MANY_ROWS", 40)
    spoilt = ROWS.copy()
    spoilt[~MEMBERS[0]] = 1e3
    states = []
    rehearsals = Rehearsals(
        MEMBERS, lambda epoch, seen: states.append(seen) or score(epoch, 1.0), 2, 99
    )
    assert rehearsals.n_beside == 0
    clean, other = (run(4, rehearsals=rehearsals, rows=rows) for rows in (ROWS, spoilt))
    assert np.array_equal(weights(clean), weights(other))
    assert not np.array_equal(weights(clean), weights(plain(4)))
    assert [len(seen) for seen in states] == [1] * 4


def test_it_ends_when_patience_does():
    result = rehearsed(40, judged({2: 3.0, 4: 1.0}, patience=3))
    assert result.ended == "evidence"
    assert [s.epoch for s in result.history.scores] == [2, 4, 6, 8, 10]


def test_the_last_of_scores_that_differ_by_noise_is_the_best():
    totals = {2: 1.0, 4: 1.0 + NOISE / 2, 6: 1.0 + 2 * NOISE}
    result = rehearsed(6, judged(totals))
    assert result.history.best.epoch == 4
    assert np.array_equal(weights(result), weights(plain(4)))


def test_what_counts_of_copying_is_its_rise():
    copied = (0.9, 0.9 + TOLERABLE_COPYING, 0.95 + TOLERABLE_COPYING)
    scores = tuple(Score(i, 0.5, 0.0, 0.0, c, 0.01, 0.0) for i, c in enumerate(copied))
    history = History({"field": np.zeros(3, np.float32)}, scores)
    assert history.best == scores[1]


def test_scores_that_rise_little_by_little_are_held_against_the_least():
    totals = {epoch: 1.0 + epoch * NOISE / 4 for epoch in (2, 4, 6, 8)}
    assert rehearsed(8, judged(totals)).history.best.epoch == 6


def test_the_last_epoch_is_judged_though_no_score_is_due():
    result = rehearsed(3, judged({2: 2.0, 3: 1.0}))
    assert [s.epoch for s in result.history.scores] == [2, 3]
    assert np.array_equal(weights(result), weights(plain(3)))


def test_a_run_with_evidence_goes_on_to_the_bit():
    totals = {2: 3.0, 4: 1.0, 6: 2.0, 8: 0.5}
    stopped = rehearsed(8, judged(totals), hooks=Hooks(save_every=3, stop=lambda: True))
    assert stopped.history.epochs == 2
    game = make_game()
    again = run(
        8, game=game, state=stopped.state, history=stopped.history, rehearsals=judged(totals)
    )
    same(again, rehearsed(8, judged(totals)))


@pytest.mark.parametrize("at", [2, 4, 6])
def test_who_stops_a_run_does_not_wait_for_its_score_and_who_goes_on_gets_it(at):
    totals = {2: 1.0, 4: 2.0, 6: 2.0, 8: 0.5}
    answers = iter([False] * (at - 2) + [True])  # of a chunk two: before and after its score
    stopped = rehearsed(8, judged(totals, patience=2), hooks=Hooks(stop=lambda: next(answers)))
    assert (stopped.history.epochs, stopped.ended) == (at, "request")
    assert [s.epoch for s in stopped.history.scores] == [epoch for epoch in (2, 4) if epoch < at]
    game = make_game()
    again = run(
        8,
        game=game,
        state=stopped.state,
        history=stopped.history,
        rehearsals=judged(totals, patience=2),
    )
    whole = rehearsed(8, judged(totals, patience=2))
    assert again.ended == whole.ended == "evidence"
    same(again, whole)


def test_a_run_that_is_stopped_before_any_score_gives_its_last_weights():
    stopped = rehearsed(8, judged({}, every=4), hooks=Hooks(stop=lambda: True, save_every=3))
    assert stopped.history.scores == ()
    assert np.array_equal(weights(stopped), weights(run(stopped.history.epochs)))


def test_when_time_is_up_what_there_is_is_judged_but_the_checkpoint_stays_as_it_was():
    saved = []
    hooks = Hooks(save=lambda state, history: saved.append(history), save_every=1)
    result = rehearsed(9_999, judged({}, every=5_000), max_minutes=1e-9, hooks=hooks)
    assert result.ended == "time"
    assert len(result.history.scores) == 1
    assert saved[-1].scores == ()
    assert np.array_equal(weights(result), result.state.main.players["generator"].weights)
