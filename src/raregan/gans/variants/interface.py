"""What a variant is: a frozen record of players, how the trained one is frozen, and defaults.

A player is a network that learns, with the objective that moves it. A GAN has two, whose objectives
pull at each other; a flow has one. The training loop is handed them and knows no network and no
loss.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras
    from jax import Array

    from raregan.config import NetworkConfig, TrainingConfig
    from raregan.encoding.layout import Layout
    from raregan.gans.conditions import Told
    from raregan.gans.frozen import Frozen


class Network(Protocol):
    """A network with its current weights bound in, as objectives see it."""

    @property
    def width(self) -> int:
        """How many numbers an input has."""

    def __call__(self, inputs: Array) -> Array:
        """Turn (B, width) inputs into (B, outputs), in training mode.

        Inputs of 1/k of the width are packed: k rows, one after the other, are one input.
        """


class Turn(NamedTuple):
    """What a player is given when it is its turn."""

    real: Array
    """(B, D) float32 encoded rows."""
    condition: Array
    """(B, C) float32: what a conditional network is told of each; C is 0 for all others. See
    `raregan.gans.conditions`."""
    key: Array
    """JAX key that fixes every draw."""
    training: TrainingConfig
    """Weights of penalties and the like."""
    layout: Layout
    """What the D numbers of a row are."""


class Objective(Protocol):
    """What moves a player: a loss, differentiated with respect to its weights alone."""

    def __call__(self, networks: Mapping[str, Network], turn: Turn) -> Array:
        """Return the loss, () float32, given every player's network by the player's name."""


class Build(Protocol):
    """Builds one network."""

    def __call__(
        self, layout: Layout, network: NetworkConfig, *, seed: int, n_conditions: int = 0
    ) -> keras.Model:
        """Return a built Keras model whose weights `seed` fixes; conditions come in last."""


class Pace(NamedTuple):
    """How often and how far a player moves in a step."""

    moves: int
    """Each against a batch of its own."""
    learning_rate: float


def even_pace(training: TrainingConfig) -> Pace:
    """One move at the learning rate of the run."""
    return Pace(1, training.learning_rate)


def discriminator_pace(training: TrainingConfig) -> Pace:
    """Several moves, at a rate of its own (two time scales: Heusel et al. 2017)."""
    return Pace(training.discriminator_steps, training.discriminator_speed * training.learning_rate)


class Player(NamedTuple):
    """A network that learns."""

    name: str
    build: Build
    objective: Objective
    pace: Callable[[TrainingConfig], Pace] = even_pace


class Scale(NamedTuple):
    """Defaults that hold from a number of rare rows on, in place of those for fewer."""

    rows: int
    network: NetworkConfig
    training: TrainingConfig


class Between(NamedTuple):
    """What a setting may be when it is searched for: a number, on the scale of its logarithm."""

    low: float
    high: float


class OneOf(NamedTuple):
    """What a setting may be when it is searched for: one of a few values."""

    values: tuple[Any, ...]


Search: TypeAlias = "Mapping[str, Between | OneOf]"


class Variant(NamedTuple):
    """One way of learning: everything that the training loop is handed."""

    name: str
    summary: str
    players: tuple[Player, ...]
    """In the order in which they move."""
    freeze: Callable[[Mapping[str, keras.Model], Layout, NetworkConfig, Told], Frozen]
    """Makes of the trained networks what NumPy alone evaluates, for rows of which they are told."""
    network: NetworkConfig
    training: TrainingConfig
    scales: tuple[Scale, ...] = ()
    """By increasing numbers of rows: more of them bear, and want, a larger network."""
    learns_classes: bool = False
    """Whether it learns every class of the table, and is told which one a row is of."""
    learns_levels: bool = False
    """Whether it is told of one category of each row too."""
    own_options: tuple[str, ...] = ()
    """Those of `OWN_OPTIONS` that mean something to it."""
    search: Search = MappingProxyType({})
    """The few settings that matter most, for `raregan.tuning`, and what each may be."""

    @property
    def has_evidence(self) -> bool:
        """Whether it trains on evidence, where rare rows are enough for that."""
        return (self.scales[-1].training if self.scales else self.training).evidence

    def defaults(self, n_rare: int) -> tuple[NetworkConfig, TrainingConfig]:
        """Return those for so many rare rows."""
        found = (self.network, self.training)
        for scale in self.scales:
            if n_rare >= scale.rows:
                found = scale.network, scale.training
        return found
