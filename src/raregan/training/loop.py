"""The only loop: compiled chunks of epochs, and what the host does between them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from raregan.errors import TrainingDivergedError
from raregan.training.batches import epoch_batches, steps_per_epoch
from raregan.training.step import KEY_KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from numpy.typing import NDArray

    from raregan.training.step import Players, TrainState

    Chunk: TypeAlias = Callable[[TrainState, Array, int], tuple[TrainState, Array]]

_CHUNK_STEPS = 512
"""Steps between two wake-ups of the host: some 0.2 s with the reference networks."""

_CPU_OPTIONS: dict[str, bool | str] = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""XLA's library for fused reductions is 10 % slower than plain loops at these sizes."""


class History(NamedTuple):
    """Mean losses of every epoch so far."""

    discriminator_loss: NDArray[np.float32]
    """(epochs,) float32."""
    generator_loss: NDArray[np.float32]
    """(epochs,) float32."""

    @classmethod
    def empty(cls) -> History:
        """Return the history of a run that has not begun."""
        return cls(np.empty(0, np.float32), np.empty(0, np.float32))

    @property
    def epochs(self) -> int:
        """Epochs recorded."""
        return len(self.generator_loss)

    def extend(self, losses: NDArray[np.float32]) -> History:
        """Return the history with (n, 2) further losses, the discriminator's first."""
        return History(
            np.concatenate([self.discriminator_loss, losses[:, 0]]),
            np.concatenate([self.generator_loss, losses[:, 1]]),
        )


class TrainResult(NamedTuple):
    """What a run leaves: the state, its history, and why it ended."""

    state: TrainState
    history: History
    ended: str
    """``"epochs"``, ``"time"``, ``"request"``."""


def _nothing(*_: object) -> None:
    """Do what a hook that nobody set does."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """What the host does between chunks; all optional."""

    progress: Callable[[History, int], None] = _nothing
    """Called after every chunk with the history and the epochs there will be in all."""
    save: Callable[[TrainState, History], None] = _nothing
    """Called at the start, every `save_every` epochs, and when the run ends early."""
    save_every: int | None = None
    """Epochs between two calls of `save`; `None`: only at the start and at an early end."""
    stop: Callable[[], bool] = _never
    """Asked after every chunk; true ends the run."""


def compile_chunk(players: Players, n_rows: int, batch_size: int) -> tuple[Chunk, int]:
    """Return the compiled ``chunk(state, rows, epochs) -> (state, losses)`` and its most epochs.

    The number of epochs is an argument, not a shape: one compilation serves every length up to the
    most. `losses` is (most, 2) float32, of which the first `epochs` rows are filled. The draws of
    an epoch depend on the root key and the epoch's number alone, so that cutting a run into other
    chunks, or resuming it, changes no bit.
    """
    steps = steps_per_epoch(n_rows, batch_size)
    most = max(1, _CHUNK_STEPS // steps)

    def run_epoch(state: TrainState, rows: Array) -> tuple[TrainState, Array]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key, impl=KEY_KIND), state.epoch)
        order_key, latent_key = jax.random.split(key)
        indices = epoch_batches(order_key, n_rows, batch_size)
        shape = (steps, 2, batch_size, players.latent_dim)
        latent = jax.random.normal(latent_key, shape, jnp.float32)
        state, info = jax.lax.scan(
            lambda state, draw: players.step(state, rows[draw[0]], draw[1]),
            state,
            (indices, latent),
        )
        losses = jnp.stack([info.discriminator_loss.mean(), info.generator_loss.mean()])
        return state._replace(epoch=state.epoch + 1), losses

    def chunk(state: TrainState, rows: Array, epochs: int) -> tuple[TrainState, Array]:
        def body(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            state, losses = carry
            state, new = run_epoch(state, rows)
            return state, losses.at[i].set(new)

        done: tuple[TrainState, Array]
        done = jax.lax.fori_loop(0, epochs, body, (state, jnp.zeros((most, 2), jnp.float32)))
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
    players: Players,
    rows: NDArray[np.float32],
    *,
    epochs: int,
    batch_size: int,
    state: TrainState,
    history: History,
    max_minutes: float | None = None,
    hooks: Hooks | None = None,
) -> TrainResult:
    """Run epochs until `epochs` are done in all, time is up, or a hook says stop.

    Parameters
    ----------
    players : Players
        The networks and their step.
    rows : (n, D) float32
        Encoded rows of the rare class.
    epochs : int
        Epochs in all, those of `history` counted in.
    batch_size : int
        Rows in a step.
    state, history : TrainState, History
        Where to start; `history.epochs` are done already.
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
    chunk, most = compile_chunk(players, len(rows), batch_size)
    device_rows = jnp.asarray(rows)
    hooks.save(state, history)  # or an older run's checkpoint could be taken for this one's
    while history.epochs < epochs:
        todo = min(most, epochs - history.epochs, _until_save(history, hooks.save_every))
        new_state, losses = chunk(state, device_rows, todo)
        new_losses = np.asarray(losses)[:todo]
        if not (np.isfinite(new_losses).all() and _is_finite(new_state)):
            hooks.save(state, history)
            raise TrainingDivergedError(_divergence(new_losses, history))
        state, history = new_state, history.extend(new_losses)
        hooks.progress(history, epochs)
        if history.epochs == epochs:
            break
        ended = _reason_to_end(hooks, deadline)
        if ended or _until_save(history, hooks.save_every) == hooks.save_every:
            hooks.save(state, history)
        if ended:
            return TrainResult(state, history, ended)
    return TrainResult(state, history, "epochs")


def _until_save(history: History, every: int | None) -> int:
    """Epochs until the next checkpoint is due; a chunk ends there at the latest."""
    return every - history.epochs % every if every else np.iinfo(np.int32).max


def _reason_to_end(hooks: Hooks, deadline: float | None) -> str:
    if hooks.stop():
        return "request"
    return "time" if deadline is not None and time.monotonic() >= deadline else ""


@jax.jit
def _all_finite(weights: list[Array]) -> Array:
    return jnp.array([jnp.isfinite(w).all() for w in weights]).all()


def _is_finite(state: TrainState) -> bool:
    return bool(_all_finite([state.generator, state.discriminator, *state.generator_stats]))


def _divergence(losses: NDArray[np.float32], history: History) -> str:
    finite = np.isfinite(losses).all(axis=1)
    first = int(np.argmin(finite)) if not finite.all() else len(losses) - 1
    return (
        f"training diverged: a loss or a weight became NaN or infinite in epoch "
        f"{history.epochs + first + 1}; the weights of epoch {history.epochs} are the last good "
        "ones. Try a lower learning rate"
    )
