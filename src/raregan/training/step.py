"""The state of a run, and the two mirrored steps of the adversarial game: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import keras
from jax.flatten_util import ravel_pytree

from raregan.gans.variants.interface import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from raregan.config import TrainingConfig
    from raregan.gans.variants.interface import Discriminator, Variant

    Step: TypeAlias = Callable[["TrainState", Array, Array], tuple["TrainState", "StepInfo"]]


KEY_KIND = "threefry2x32"
"""JAX's default generator of random numbers, named so that a user's own default changes no draw."""


class TrainState(NamedTuple):
    """All that is carried from step to step, and all that a checkpoint holds.

    The trainable weights of a network are one flat vector: Adam is then a single pass over it, and
    so is the check for NaN.
    """

    generator: Array
    """(P,) float32 trainable weights of the generator."""
    generator_stats: tuple[Array, ...]
    """Its other weights: moving averages of batch normalisation."""
    generator_optimizer: tuple[Array, ...]
    """Adam's iteration, learning rate and moments."""
    discriminator: Array
    """(Q,) float32 trainable weights of the discriminator."""
    discriminator_optimizer: tuple[Array, ...]
    """Adam's iteration, learning rate and moments."""
    epoch: Array
    """() int32 epochs done; with `key` it fixes every draw of the next one."""
    key: Array
    """(2,) uint32 data of the root key."""


class StepInfo(NamedTuple):
    """What is only reported."""

    discriminator_loss: Array
    generator_loss: Array


class Players:
    """Both networks, their optimizers and the steps that move them.

    Parameters
    ----------
    generator, discriminator : keras.Model
        Built models: their structure is used, their weights only as the start.
    variant : Variant
        The losses.
    training : TrainingConfig
        The optimizer's settings.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        variant: Variant,
        training: TrainingConfig,
    ) -> None:
        if discriminator.non_trainable_variables:
            raise TypeError("a discriminator may have trainable weights only")
        self.generator, self.discriminator = generator, discriminator
        self.variant = variant
        self.latent_dim = int(generator.input_shape[1])
        start_generator, self._unravel_generator = _flatten(generator)
        start_discriminator, self._unravel_discriminator = _flatten(discriminator)
        self._generator_adam = _adam(training, start_generator)
        self._discriminator_adam = _adam(training, start_discriminator)
        self._start = (start_generator, start_discriminator)

    def initial_state(self, seed: int) -> TrainState:
        """Return the state before the first epoch."""
        generator, discriminator = self._start
        return TrainState(
            generator=generator,
            generator_stats=tuple(v.value for v in self.generator.non_trainable_variables),
            generator_optimizer=tuple(v.value for v in self._generator_adam.variables),
            discriminator=discriminator,
            discriminator_optimizer=tuple(v.value for v in self._discriminator_adam.variables),
            epoch=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(jax.random.key(seed, impl=KEY_KIND)),
        )

    def step(self, state: TrainState, real: Array, latent: Array) -> tuple[TrainState, StepInfo]:
        """One step of the discriminator, then one of the generator against the new one.

        Parameters
        ----------
        state : TrainState
        real : (B, D) float32
        latent : (2, B, Z) float32
            Standard normal; each player gets its own (Goodfellow et al. 2014, algorithm 1).
        """
        state, discriminator_loss = self.discriminator_step(state, real, latent[0])
        state, generator_loss = self.generator_step(state, real, latent[1])
        return state, StepInfo(discriminator_loss, generator_loss)

    def discriminator_step(
        self, state: TrainState, real: Array, latent: Array
    ) -> tuple[TrainState, Array]:
        """Move the discriminator down its loss; the generator's moving averages go on."""
        fake, stats = self._generate(state.generator, state.generator_stats, latent)

        def objective(weights: Array) -> Array:
            batch = Batch(real=real, fake=fake)
            return self.variant.discriminator_loss(self._discriminate(weights), batch)

        loss, gradient = jax.value_and_grad(objective)(state.discriminator)
        weights, optimizer = _update(
            self._discriminator_adam, state.discriminator_optimizer, gradient, state.discriminator
        )
        state = state._replace(
            discriminator=weights, discriminator_optimizer=optimizer, generator_stats=stats
        )
        return state, loss

    def generator_step(
        self, state: TrainState, real: Array, latent: Array
    ) -> tuple[TrainState, Array]:
        """Move the generator down its loss; the discriminator stands still."""

        def objective(weights: Array) -> tuple[Array, tuple[Array, ...]]:
            fake, stats = self._generate(weights, state.generator_stats, latent)
            batch = Batch(real=real, fake=fake)
            loss = self.variant.generator_loss(self._discriminate(state.discriminator), batch)
            return loss, stats

        (loss, stats), gradient = jax.value_and_grad(objective, has_aux=True)(state.generator)
        weights, optimizer = _update(
            self._generator_adam, state.generator_optimizer, gradient, state.generator
        )
        state = state._replace(
            generator=weights, generator_optimizer=optimizer, generator_stats=stats
        )
        return state, loss

    def with_learning_rate(self, state: TrainState) -> TrainState:
        """Return `state` with the configured learning rate in place of the one it carries."""
        start = self.initial_state(0)
        rate = [v.path for v in self._generator_adam.variables].index(
            self._generator_adam.learning_rate.path
        )

        def replaced(variables: tuple[Array, ...], new: tuple[Array, ...]) -> tuple[Array, ...]:
            return (*variables[:rate], new[rate], *variables[rate + 1 :])

        return state._replace(
            generator_optimizer=replaced(state.generator_optimizer, start.generator_optimizer),
            discriminator_optimizer=replaced(
                state.discriminator_optimizer, start.discriminator_optimizer
            ),
        )

    def load(self, state: TrainState) -> None:
        """Write the weights of `state` into the Keras models."""
        generator = self._unravel_generator(state.generator)
        discriminator = self._unravel_discriminator(state.discriminator)
        for variables, values in (
            (self.generator.trainable_variables, generator),
            (self.generator.non_trainable_variables, state.generator_stats),
            (self.discriminator.trainable_variables, discriminator),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _generate(
        self, weights: Array, stats: tuple[Array, ...], latent: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        rows, stats = self.generator.stateless_call(
            self._unravel_generator(weights), list(stats), latent, training=True
        )
        return rows, tuple(stats)

    def _discriminate(self, weights: Array) -> Discriminator:
        trainable = self._unravel_discriminator(weights)

        def discriminator(rows: Array) -> Array:
            scores: Array
            scores, _ = self.discriminator.stateless_call(trainable, [], rows, training=True)
            return scores[:, 0]

        return discriminator


def _flatten(model: keras.Model) -> tuple[Array, Callable[[Array], list[Array]]]:
    flat, unravel = ravel_pytree([variable.value for variable in model.trainable_variables])
    return flat, unravel


def _adam(training: TrainingConfig, weights: Array) -> keras.Optimizer:
    adam = keras.optimizers.Adam(
        training.learning_rate, beta_1=training.beta_1, beta_2=training.beta_2
    )
    adam.build([keras.Variable(weights)])
    return adam


def _update(
    adam: keras.Optimizer, variables: tuple[Array, ...], gradient: Array, weights: Array
) -> tuple[Array, tuple[Array, ...]]:
    (weights,), variables = adam.stateless_apply(list(variables), [gradient], [weights])
    return weights, tuple(variables)
