"""The only loop: compiled chunks of epochs, and what the host does between them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from raregan.errors import TrainingDivergedError
from raregan.training.batches import steps_per_epoch
from raregan.training.evidence import holds_out_itself
from raregan.training.step import KEY_KIND, TrainState

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from numpy.typing import NDArray

    from raregan.training.batches import Draws
    from raregan.training.evidence import Score
    from raregan.training.lesson import Lesson, Material
    from raregan.training.step import Game

    Chunk: TypeAlias = Callable[[TrainState, Material, Draws, int], tuple[TrainState, Array]]

_CHUNK_STEPS = 512
"""Steps between two wake-ups of the host: some 0.2 s with the reference networks."""

_CPU_OPTIONS: dict[str, bool | str] = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""XLA's library for fused reductions is 10 % slower than plain loops at these sizes."""


class History(NamedTuple):
    """What is known of a run so far."""

    losses: dict[str, NDArray[np.float32]]
    """By player: the mean of each epoch, (epochs,) float32."""
    scores: tuple[Score, ...] = ()
    """The evidence, in the order in which it came."""

    @classmethod
    def empty(cls, players: tuple[str, ...]) -> History:
        """Return the history of a run that has not begun."""
        return cls({name: np.empty(0, np.float32) for name in players})

    @property
    def epochs(self) -> int:
        """Epochs recorded."""
        return len(next(iter(self.losses.values())))

    @property
    def best(self) -> Score | None:
        """The best score so far: the last one that is, but for noise, as good as any before it.

        The one-standard-error rule (Breiman et al. 1984, section 3.4.3). Of scores as good as equal
        the later one counts: more is learned, and where the learning rate falls it has settled.
        """
        best, least = None, float("inf")
        for score in self.scores:
            total = score.total(self.scores[0])
            least = min(least, total)
            if total <= least + score.noise:
                best = score
        return best

    def extend(self, losses: NDArray[np.float32]) -> History:
        """Return the history with (n, players) further losses."""
        columns = zip(self.losses.items(), losses.T, strict=True)
        return self._replace(losses={k: np.concatenate([old, new]) for (k, old), new in columns})


class RunState(NamedTuple):
    """All that a run carries.

    Beside the run that learns from all rare rows there may be rehearsals: the same run, step by
    step, each without some rows that it is scored on. What the rehearsals show of a number of steps
    is taken to hold for the run itself. Where rare rows are many, the run does without some itself.
    """

    main: TrainState
    best: TrainState
    """The main run when the rehearsals' score was best: a copy, not a reference that goes on."""
    rehearsals: tuple[TrainState, ...] = ()

    @classmethod
    def start(cls, states: list[TrainState]) -> RunState:
        """Return the state before the first epoch: of the main run, then of its rehearsals."""
        return cls(states[0], states[0], tuple(states[1:]))

    def map(self, change: Callable[[TrainState], TrainState]) -> RunState:
        """Return the state with every run of it changed."""
        return RunState(
            change(self.main), change(self.best), tuple(change(one) for one in self.rehearsals)
        )


class TrainResult(NamedTuple):
    """What a run leaves: the state, its history, and why it ended."""

    state: RunState
    history: History
    ended: str
    """``"epochs"``, ``"evidence"``, ``"time"``, ``"request"``."""


def _nothing(*_: object) -> None:
    """Do what a hook that nobody set does."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """What the host does between chunks; all optional."""

    progress: Callable[[History, int], None] = _nothing
    """Called after every chunk with the history and the epochs there will be in all."""
    save: Callable[[RunState, History], None] = _nothing
    """Called at the start, every `save_every` epochs, and when the run ends early."""
    save_every: int | None = None
    """Epochs between two calls of `save`; `None`: only at the start and at an early end."""
    stop: Callable[[], bool] = _never
    """Asked after every chunk, before it is scored and after; true ends the run."""


@dataclass(frozen=True)
class Rehearsals:
    """How a run is judged while it learns.

    Attributes
    ----------
    members
        (rehearsals, n) bool: the rows that each learns from; the others are held out.
    judge
        Called with the epoch and the rehearsals' states; returns their score.
    every
        Epochs between two scores.
    patience
        Scores without a new best one after which the run ends.
    """

    members: NDArray[np.bool_]
    judge: Callable[[int, tuple[TrainState, ...]], Score]
    every: int
    patience: int

    @property
    def n_beside(self) -> int:
        """How many runs there are beside the main one: none, where that holds rows out itself."""
        return 0 if holds_out_itself(self.members.shape[1]) else len(self.members)


def compile_chunk(game: Game, lesson: Lesson, batch_size: int) -> tuple[Chunk, int]:
    """Return the compiled ``chunk(state, material, draws, epochs)`` and its most epochs.

    It returns the state and the losses.

    The number of epochs is an argument, not a shape: one compilation serves every length up to the
    most. `losses` is (most, players) float32, of which the first `epochs` rows are filled. The
    draws of an epoch depend on the root key and the epoch's number alone, so that cutting a run
    into other chunks, or resuming it, changes no bit.
    """
    turns = game.batches_per_step
    steps = steps_per_epoch(lesson.n_rare, turns * batch_size, lesson.n_classes)
    most = max(1, _CHUNK_STEPS // steps)

    def run_epoch(state: TrainState, material: Material, draws: Draws) -> tuple[TrainState, Array]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key, impl=KEY_KIND), state.epoch)
        order_key, step_key = jax.random.split(key)
        rows, asks = draws.epoch(order_key, steps * turns, batch_size)
        shape = (steps, turns, batch_size)
        state, losses = jax.lax.scan(
            lambda state, draw: game.step(state, *material.batch(draw[0], draw[1]), draw[2]),
            state,
            (rows.reshape(shape), asks.reshape(shape), jax.random.split(step_key, steps)),
        )
        return state._replace(epoch=state.epoch + 1), losses.mean(axis=0)

    def chunk(
        state: TrainState, material: Material, draws: Draws, epochs: int
    ) -> tuple[TrainState, Array]:
        def body(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            state, losses = carry
            state, new = run_epoch(state, material, draws)
            return state, losses.at[i].set(new)

        losses = jnp.zeros((most, len(state.players)), jnp.float32)
        done: tuple[TrainState, Array] = jax.lax.fori_loop(0, epochs, body, (state, losses))
        return done

    return jax.jit(chunk, compiler_options=_compiler_options()), most


def _compiler_options() -> dict[str, bool | str] | None:
    """Return `_CPU_OPTIONS` where this XLA has them: they are experimental, and only faster."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda x: x + 1, compiler_options=_CPU_OPTIONS).lower(1.0).compile()
    except jax.errors.JaxRuntimeError:
        return None
    return _CPU_OPTIONS


def train(
    game: Game,
    lesson: Lesson,
    *,
    epochs: int,
    batch_size: int,
    state: RunState,
    history: History,
    rehearsals: Rehearsals | None = None,
    max_minutes: float | None = None,
    hooks: Hooks | None = None,
) -> TrainResult:
    """Run epochs until `epochs` are done in all, the score gets no better, or time is up.

    Parameters
    ----------
    game : Game
        The players and their step.
    lesson : Lesson
        What is learned from.
    epochs : int
        Epochs in all, those of `history` counted in.
    batch_size : int
        Rows in a move.
    state, history : RunState, History
        Where to start; `history.epochs` are done already.
    rehearsals : Rehearsals, optional
        How the run is judged; as many as `state` has. `None`: the last weights count as the best.
    max_minutes : float, optional
        Wall-clock limit of this call, checked between chunks.
    hooks : Hooks, optional
        What to do between chunks.

    Raises
    ------
    TrainingDivergedError
        If a loss or a weight is NaN or infinite. The last good state went to `hooks.save`.
    """
    hooks = hooks or Hooks()
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else None
    chunk, most = compile_chunk(game, lesson, batch_size)
    lanes = _lanes(lesson, rehearsals)
    material = lesson.material()
    judge_every = rehearsals.every if rehearsals else None
    if rehearsals and _is_owed(history, judge_every):
        state, history = _judged(state, history, rehearsals)
        if _is_stale(history, rehearsals.patience):
            return TrainResult(state, history, "evidence")
    hooks.save(state, history)  # or an older run's checkpoint could be taken for this one's
    while history.epochs < epochs:
        due = min(_until(history, every) for every in (hooks.save_every, judge_every))
        todo = min(most, epochs - history.epochs, due)
        carried = (state.main, *state.rehearsals)
        done = [
            chunk(lane, material, draws, todo) for lane, draws in zip(carried, lanes, strict=True)
        ]
        new_losses = np.stack([np.asarray(losses)[:todo] for _, losses in done])
        if not (np.isfinite(new_losses).all() and all(_is_finite(lane) for lane, _ in done)):
            hooks.save(state, history)
            raise TrainingDivergedError(_divergence(new_losses, history))
        history = history.extend(new_losses[0])
        main, *others = (lane for lane, _ in done)
        state = RunState(main, state.best if rehearsals else main, tuple(others))
        stopped = hooks.stop()  # a score takes longer than a chunk: it is owed to who goes on
        judged = rehearsals is not None and not stopped and _is_due(history, judge_every)
        if rehearsals and judged:
            state, history = _judged(state, history, rehearsals)
        hooks.progress(history, epochs)
        stopped = stopped or hooks.stop()
        ended = _reason_to_end(history, epochs, rehearsals, deadline, stopped=stopped)
        early = ended in ("time", "request")
        if early or (not ended and _is_due(history, hooks.save_every)):
            hooks.save(state, history)
        if ended:
            if rehearsals and not judged and ended != "request":
                state, history = _judged(state, history, rehearsals)
            if not history.scores:
                state = state._replace(best=state.main)
            return TrainResult(state, history, ended)
    return TrainResult(state, history, "epochs")


def _judged(state: RunState, history: History, rehearsals: Rehearsals) -> tuple[RunState, History]:
    score = rehearsals.judge(history.epochs, state.rehearsals or (state.main,))
    history = history._replace(scores=(*history.scores, score))
    return state._replace(best=state.main) if history.best is score else state, history


def _reason_to_end(
    history: History,
    epochs: int,
    rehearsals: Rehearsals | None,
    deadline: float | None,
    *,
    stopped: bool,
) -> str:
    if history.epochs == epochs:
        return "epochs"
    if rehearsals and _is_stale(history, rehearsals.patience):
        return "evidence"
    if stopped:
        return "request"
    return "time" if deadline is not None and time.monotonic() >= deadline else ""


def _lanes(lesson: Lesson, rehearsals: Rehearsals | None) -> list[Draws]:
    """Return how the batches of the main run, then of each rehearsal, are drawn."""
    everyone = np.ones(lesson.n_rare, np.bool_)
    kept = [everyone] if not rehearsals or rehearsals.n_beside else []
    return [lesson.draws(rare) for rare in (*kept, *(rehearsals.members if rehearsals else ()))]


def _until(history: History, every: int | None) -> int:
    """Epochs until something is due; a chunk ends there at the latest."""
    return every - history.epochs % every if every else np.iinfo(np.int32).max


def _is_due(history: History, every: int | None) -> bool:
    return every is not None and history.epochs % every == 0


def _is_owed(history: History, every: int | None) -> bool:
    """Whether a score was due when the run was stopped, which did not wait for it."""
    scored = history.scores[-1].epoch if history.scores else 0
    return history.epochs > scored and _is_due(history, every)


def _is_stale(history: History, patience: int) -> bool:
    """Whether the last scores, as many as patience says, were no new best."""
    return bool(history.scores) and history.best not in history.scores[-patience:]


@jax.jit
def _all_finite(weights: list[Array]) -> Array:
    return jnp.array([jnp.isfinite(w).all() for w in weights]).all()


def _is_finite(state: TrainState) -> bool:
    players = state.players.values()
    return bool(_all_finite([w for player in players for w in (player.weights, *player.stats)]))


def _divergence(losses: NDArray[np.float32], history: History) -> str:
    finite = np.isfinite(losses).all(axis=(0, 2))
    first = int(np.argmin(finite)) if not finite.all() else losses.shape[1] - 1
    return (
        f"training diverged: a loss or a weight became NaN or infinite in epoch "
        f"{history.epochs + first + 1}; the weights of epoch {history.epochs} are the last good "
        "ones"
    )
