"""The state of a run, and its step: each player moves down its objective. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import keras
from jax.flatten_util import ravel_pytree

from raregan.gans.variants.interface import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jax import Array

    from raregan.config import TrainingConfig
    from raregan.encoding.layout import Layout
    from raregan.gans.variants.interface import Player, Variant

KEY_KIND = "threefry2x32"
"""JAX's default generator of random numbers, named so that a user's own default changes no draw."""

_WARM_UP = 10
"""Moves after which an average begins to reach back: the first weights are not worth keeping."""


class PlayerState(NamedTuple):
    """What one player carries from step to step.

    The trainable weights of a network are one flat vector: Adam is then a single pass over it, and
    so is the check for NaN.
    """

    weights: Array
    """(P,) float32 trainable weights."""
    average: Array
    """(P,) float32 their exponential moving average: what the trained network has."""
    stats: tuple[Array, ...]
    """The other weights: moving averages of batch normalisation."""
    optimizer: tuple[Array, ...]
    """Adam's iteration, learning rate and moments."""


class TrainState(NamedTuple):
    """All that is carried from step to step, and all that a checkpoint holds."""

    players: dict[str, PlayerState]
    epoch: Array
    """() int32 epochs done; with `key` it fixes every draw of the next one."""
    key: Array
    """(2,) uint32 data of the root key."""


class Game:
    """The players of a variant: their networks, optimizers and the step that moves them.

    Parameters
    ----------
    models : mapping of str to keras.Model
        Built models by player: their structure is used, their weights only as the start.
    variant : Variant
        Who plays.
    training : TrainingConfig
        How fast.
    layout : Layout
        What the numbers of an encoded row are.
    """

    def __init__(
        self,
        models: Mapping[str, keras.Model],
        variant: Variant,
        training: TrainingConfig,
        layout: Layout,
    ) -> None:
        self.models, self.variant, self.training, self.layout = models, variant, training, layout
        paces = {player.name: player.pace(training) for player in variant.players}
        self.batches_per_step = max(pace.moves for pace in paces.values())
        self._moves = {name: pace.moves for name, pace in paces.items()}
        self._start, self._unravel, self._adam = {}, {}, {}
        for name, pace in paces.items():
            self._start[name], self._unravel[name] = _flatten(models[name])
            self._adam[name] = _adam(pace.learning_rate, training, self._start[name])

    def initial_state(self, seed: int) -> TrainState:
        """Return the state before the first epoch."""
        return TrainState(
            players={
                name: PlayerState(
                    weights=weights,
                    average=weights,
                    stats=tuple(v.value for v in self.models[name].non_trainable_variables),
                    optimizer=tuple(v.value for v in self._adam[name].variables),
                )
                for name, weights in self._start.items()
            },
            epoch=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(jax.random.key(seed, impl=KEY_KIND)),
        )

    def step(
        self, state: TrainState, batches: Array, conditions: Array, key: Array
    ) -> tuple[TrainState, Array]:
        """Let each player move in its turn, as often as its pace says.

        Parameters
        ----------
        state : TrainState
        batches : (batches_per_step, B, D) float32
            A player's i-th move sees the i-th batch.
        conditions : (batches_per_step, B, C) float32
            What networks are told of its rows.
        key : JAX key
            Fixes every draw.

        Returns
        -------
        state : TrainState
        losses : (players,) float32
            Of each player's last move.
        """
        losses = []
        keys = jax.random.split(key, (len(self.variant.players), self.batches_per_step))
        for player, player_keys in zip(self.variant.players, keys, strict=True):
            for turn in range(self._moves[player.name]):
                seen = Turn(
                    batches[turn], conditions[turn], player_keys[turn], self.training, self.layout
                )
                state, loss = self.move(state, player, seen)
            losses.append(loss)
        return state, jnp.stack(losses)

    def move(self, state: TrainState, player: Player, turn: Turn) -> tuple[TrainState, Array]:
        """Move one player down its objective; the weights of the others stand still.

        The moving averages of all that takes part go on.
        """

        def objective(weights: Array) -> tuple[Array, dict[str, tuple[Array, ...]]]:
            networks = {
                name: _Bound(
                    self.models[name],
                    self._unravel[name](weights if name == player.name else other.weights),
                    other.stats,
                )
                for name, other in state.players.items()
            }
            loss = player.objective(networks, turn)
            return loss, {name: network.stats for name, network in networks.items()}

        mine = state.players[player.name]
        (loss, stats), gradient = jax.value_and_grad(objective, has_aux=True)(mine.weights)
        (weights,), optimizer = self._adam[player.name].stateless_apply(
            list(mine.optimizer), [gradient], [mine.weights]
        )
        if self.training.anneal:  # Adam's step is proportional to its rate
            weights = mine.weights + self._rate_left(state) * (weights - mine.weights)
        moved = mine._replace(
            weights=weights,
            average=_averaged(mine.average, weights, optimizer[0], self.training.average),
            optimizer=tuple(optimizer),
        )
        players = {
            name: (moved if name == player.name else other)._replace(stats=stats[name])
            for name, other in state.players.items()
        }
        return state._replace(players=players), loss

    def _rate_left(self, state: TrainState) -> Array:
        """Return the share of the learning rate that is left (Loshchilov & Hutter 2017, eq. 5)."""
        return (1 + jnp.cos(jnp.pi * state.epoch / self.training.epochs)) / 2

    def with_learning_rate(self, state: TrainState) -> TrainState:
        """Return `state` with the configured learning rates in place of those it carries."""

        def replaced(name: str, carried: PlayerState) -> PlayerState:
            adam = self._adam[name]
            rate = [v.path for v in adam.variables].index(adam.learning_rate.path)
            optimizer = list(carried.optimizer)
            optimizer[rate] = adam.learning_rate.value
            return carried._replace(optimizer=tuple(optimizer))

        return state._replace(
            players={name: replaced(name, carried) for name, carried in state.players.items()}
        )

    def load(self, state: TrainState) -> None:
        """Write the averaged weights of `state` into the Keras models."""
        for name, player in state.players.items():
            model, weights = self.models[name], self._unravel[name](player.average)
            for variable, value in (
                *zip(model.trainable_variables, weights, strict=True),
                *zip(model.non_trainable_variables, player.stats, strict=True),
            ):
                variable.assign(value)


class _Bound:
    """A network as objectives see it; keeps what its calls made of the moving averages."""

    def __init__(self, model: keras.Model, weights: list[Array], stats: tuple[Array, ...]) -> None:
        self._model, self._weights, self.stats = model, weights, stats
        self.width = int(model.input_shape[1])

    def __call__(self, inputs: Array) -> Array:
        outputs, stats = self._model.stateless_call(
            self._weights, list(self.stats), inputs.reshape(-1, self.width), training=True
        )
        self.stats = tuple(stats)
        made: Array = outputs
        return made


def _averaged(average: Array, weights: Array, moves: Array, decay: float) -> Array:
    """Follow the weights, at first closely: an average should not remember its random start."""
    if not decay:
        return weights
    kept = jnp.minimum(decay, moves / (_WARM_UP + moves))
    return kept * average + (1 - kept) * weights


def _flatten(model: keras.Model) -> tuple[Array, Callable[[Array], list[Array]]]:
    flat, unravel = ravel_pytree([variable.value for variable in model.trainable_variables])
    return flat, unravel


def _adam(rate: float, training: TrainingConfig, weights: Array) -> keras.Optimizer:
    adam = keras.optimizers.Adam(rate, beta_1=training.beta_1, beta_2=training.beta_2)
    adam.build([keras.Variable(weights)])
    return adam
