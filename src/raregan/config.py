"""Every default of raregan, once, with its reason."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeVar, get_args

from raregan.errors import UserError

NUMERIC_ENCODINGS = ("quantile", "standard")
"""How numbers can be encoded; see `raregan.encoding.columns`."""


Kind = Literal[
    "continuous",
    "integer",
    "categorical",
    "boolean",
    "datetime",
    "duration",
    "constant",
    "identifier",
    "text",
]
"""What a column can be taken for; see `raregan.data.kinds`."""

KINDS: tuple[str, ...] = get_args(Kind)

LEVELS_FROM = ("rare", "all")
"""Which rows' categories can be generated."""


@dataclass(frozen=True)
class NetworkConfig:
    """The shapes of both networks."""

    latent_dim: int | None = None
    """Length of the latent vector; `None`: as many as the encoded row has numbers."""
    generator_widths: tuple[int, ...] = (32, 64, 128)
    """Hidden layers of the generator: the mission's reference network."""
    discriminator_widths: tuple[int, ...] = (128, 64, 32, 32, 16)
    """Hidden layers of the discriminator: the mission's reference network."""
    batch_normalisation: bool = True
    """In the generator; of no use to a critic with a gradient penalty, so its rival has none."""
    leak: float = 0.0
    """Slope of the discriminator's ReLU below 0."""
    pac: int = 1
    """Rows that a discriminator looks at together (Lin et al. 2018)."""
    field_width: int = 128
    """Hidden width of the field of a flow: twice that copies more and resembles no better."""
    field_blocks: int = 3
    """Its residual blocks."""
    solver_steps: int = 10
    """Steps that sampling takes along a flow, two evaluations of the field each."""


PACKED_NETWORK = NetworkConfig(
    generator_widths=(256, 256),
    discriminator_widths=(256, 256),
    batch_normalisation=False,
    leak=0.2,
    pac=4,
)
"""Of the GANs with a gradient penalty: packs show a discriminator when fakes are all alike."""


@dataclass(frozen=True)
class TrainingConfig:
    """How long, how fast and on what the networks learn."""

    epochs: int = 5_000
    """Passes over the rare rows: the mission's reference; fewer where that is over `steps`."""
    steps: int = 50_000
    """Steps of a run whose epochs nobody chose: the reference run has 40,000, of 492 rows."""
    batch_size: int = 64
    """Rows in a step: the mission's reference; all rare rows where there are fewer."""
    learning_rate: float = 2e-4
    """Adam's step size for both networks (Radford et al. 2016, section 4)."""
    beta_1: float = 0.5
    """Adam's first decay; 0.9 makes adversarial training oscillate (Radford et al. 2016)."""
    beta_2: float = 0.999
    """Adam's second decay (Kingma & Ba 2015)."""
    discriminator_steps: int = 1
    """Moves of the discriminator for one of the generator."""
    discriminator_speed: float = 1.0
    """Learning rate of the discriminator, in units of `learning_rate`."""
    gp_weight: float = 10.0
    """Weight of the gradient penalty (Gulrajani et al. 2017, section 4)."""
    r1_gamma: float = 1.0
    """Weight of the penalties on the gradient at real and at fake rows (Mescheder et al. 2018)."""
    average: float = 0.0
    """Decay of the moving average of the weights, a step; 0: the last weights are taken."""
    anneal: bool = False
    """Whether the learning rate falls to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    jitter: float = 0.0
    """Standard deviation of the noise on real rows, at every draw, in the encoded space."""
    margins: bool = False
    """Whether distributions and correlations of numbers are set right after training, as shares of
    categories always are."""
    shrink: bool = False
    """Whether correlations are set right to less than the training rows have, as few rows ask for
    (Ledoit & Wolf 2004): of some dozen rows much of them is chance."""
    evidence: bool = False
    """Whether rehearsals decide when the weights are best: the reference goes on to its end."""
    evidence_every: int = 500
    """Steps between two scores."""
    patience: int = 6
    """Scores without a new best one after which training ends."""
    numeric_encoding: str = "quantile"
    """How numeric columns are encoded; see `raregan.encoding.columns`."""
    levels_from: str = "rare"
    """Whose categories can be generated: those of the rare rows, or ``"all"`` of the table."""
    max_minutes: float | None = None
    """Wall-clock limit of the training loop; `None`: none."""


CHECKPOINT_EVERY = 500
"""Epochs between two checkpoints: about 2 s of the reference run, and some ms to write."""

VARIANT = "flow"
"""How to learn: what is best on most tables, by benchmarks/quality.py (docs/experiments.md)."""

MAX_SOLVER_STEPS = 1_000
"""Along a flow: far beyond what changes a row, and what a damaged file could ask for."""

MAX_WIDTH = 4_096
"""Of a layer, and beyond what some thousand rows can teach; a slip of the keys asks for more."""

SLOWER = 4.0
"""What the learning rate is divided by where training diverged."""

LAST_RESORTS = ("flow", "gan")
"""Variants that are tried where another one diverged twice: the most stable first."""

SIMULATED_ROWS, SIMULATED_FRAUDS = 50_492, 492
"""Size of the embedded table: 50,000 genuine transactions and as many frauds as the public one."""

TUNE_MINUTES = 20.0
"""Wall-clock limit of `raregan tune`: some thirty trials on a few hundred rows."""

CONFIG_PATH = "tuned.json"
"""Config file of `raregan tune` when none is given."""

SEED = 0
"""Seed of the command line when none is given: two runs of one command agree."""

MODEL_PATH = "fraud.raregan"
"""Model file of the command line when none is given."""

SYNTHETIC_PATH = "synthetic_fraud.csv"
"""File of synthetic rows of the command line when none is given."""

RATIO = 0.1
"""Rare rows for one of the others after `raregan resample`: small ratios are known to do best."""

MARK = "is_synthetic"
"""Name of the column that says which rows are synthetic, where one is asked for."""

TEST_SHARE = 0.25
"""Share of the rows that `raregan split` puts aside, as scikit-learn's `train_test_split` does:
a quarter keeps enough rare rows to learn from, and enough to measure with."""

FOLDS, REPEATS = 5, 2
"""Of a contest: a second repeat halves an interval, further ones narrow it less."""

MAX_OTHERS = 10_000
"""Rows of the other class that a contest learns from: a forest takes 7 s of 29 columns."""

AMOUNTS = (0.5, 1.0, 2.0, 10.0)
"""New rows for a rare one that a contest chooses among: few are known to do best, many to help
learners that need a denser class."""

CONFIDENCE = 0.95
"""Of all intervals of a contest on one baseline together."""

NUM_SAMPLES = 1_000
"""Synthetic rows of the command line when no number is given."""


@dataclass(frozen=True)
class Config:
    """The options of a training run, resolved: what the model file records."""

    variant: str
    network: NetworkConfig
    training: TrainingConfig
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild from :meth:`to_dict`; raises `TypeError` or `KeyError` on anything else."""
        network: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values["network"].items()
        }
        return cls(
            variant=values["variant"],
            network=NetworkConfig(**network),
            training=TrainingConfig(**values["training"]),
            seed=values["seed"],
        )


_COUNTS = {
    **dict.fromkeys(("epochs", "steps", "latent_dim", "solver_steps", "pac"), 1),
    **dict.fromkeys(("field_width", "field_blocks", "discriminator_steps"), 1),
    **dict.fromkeys(("evidence_every", "patience"), 1),
    "batch_size": 2,
}
"""Whole numbers, and the least that each may be: batch normalisation needs two rows."""

_AMOUNTS = ("learning_rate", "discriminator_speed", "max_minutes")
_WEIGHTS = ("leak", "gp_weight", "r1_gamma", "jitter")
_DECAYS = ("beta_1", "beta_2", "average")
_SIZES = ("latent_dim", "field_width", "field_blocks", "pac")
_WIDTHS = ("generator_widths", "discriminator_widths")
_CHOICES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("batch_normalisation", "anneal", "margins", "shrink", "evidence"), (True, False)
    ),
    "numeric_encoding": NUMERIC_ENCODINGS,
    "levels_from": LEVELS_FROM,
}

SETTINGS = tuple(field.name for part in (NetworkConfig, TrainingConfig) for field in fields(part))
"""Names of all options of a run, those of which `settings` takes any."""


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options that are given (not `None`), numbers as Python's own.

    Those in ``options["settings"]`` stand beside the others, which go before them.

    Raises
    ------
    UserError
        If a value is out of range, a setting is unknown, or two settings say how long to train.
    """
    given = {name: value for name, value in options.items() if value is not None}
    given = _known_settings(given.pop("settings", {})) | given
    for name, value in given.items():
        if name in SETTINGS:
            given[name] = _plain_value(name, value)
    if given.get("solver_steps", 0) > MAX_SOLVER_STEPS:
        asked = given["solver_steps"]
        raise UserError(f"solver_steps must be at most {MAX_SOLVER_STEPS:,}, got {asked:,}")
    return given


def _known_settings(settings: Any) -> dict[str, Any]:
    if not isinstance(settings, Mapping):
        raise UserError(f"settings must be a dict of names and values, got {settings!r}")
    for name in settings:
        if name not in SETTINGS:
            close = difflib.get_close_matches(str(name), SETTINGS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(SETTINGS)}"
            raise UserError(f"there is no setting {name!r}; {meant}")
    known = {name: value for name, value in settings.items() if value is not None}
    if "epochs" in known and "steps" in known:  # which one counts, nobody could tell
        epochs, steps = (_plain_count(name, known[name]) for name in ("epochs", "steps"))
        raise UserError(
            f"settings have both epochs ({epochs:,}, passes over the rare rows) and steps "
            f"({steps:,}, batches), and each says how long to train: leave one of them out"
        )
    return known


def _plain_value(name: str, value: Any) -> Any:
    """Return the value of an option, checked."""
    if name in _COUNTS:
        return _plain_count(name, value)
    if name in _WIDTHS:
        if not (isinstance(value, list | tuple) and value and all(map(_is_width, value))):
            raise UserError(
                f"{name} must be a list of whole numbers from 1 to {MAX_WIDTH:,}, got {value!r}"
            )
        return tuple(map(int, value))
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            listed = ", ".join(map(str, _CHOICES[name]))
            raise UserError(f"{name} must be one of {listed}, got {value!r}")
        return value
    amount = float(value) if _is_number(value) else math.nan
    if name in _AMOUNTS and not 0 < amount < math.inf:
        raise UserError(f"{name} must be a positive number, got {value!r}")
    if name in _WEIGHTS and not 0 <= amount < math.inf:
        raise UserError(f"{name} must be a number of at least 0, got {value!r}")
    if name in _DECAYS and not 0 <= amount < 1:
        raise UserError(f"{name} must be a number from 0 to below 1, got {value!r}")
    return amount


def _plain_count(name: str, value: Any) -> int:
    least = _COUNTS[name]
    if not (isinstance(value, Integral) and _is_number(value) and int(value) >= least):
        raise UserError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if name in _SIZES and int(value) > MAX_WIDTH:
        raise UserError(f"{name} must be at most {MAX_WIDTH:,}, got {value:,}")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_width(value: Any) -> bool:
    return isinstance(value, Integral) and _is_number(value) and 1 <= int(value) <= MAX_WIDTH


def plain_seed(seed: Any) -> int:
    """Return a seed as Python's own int.

    Raises
    ------
    UserError
        If it is no whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise UserError(f"a seed must be a whole number of at least 0, got {seed!r}")
    return int(seed)


_Part = TypeVar("_Part", NetworkConfig, TrainingConfig)


def override(defaults: _Part, options: Mapping[str, Any]) -> _Part:
    """Return `defaults` with those options of :func:`plain_options` in place that it has."""
    names = {field.name for field in fields(defaults)}
    given = plain_options(options)
    return replace(defaults, **{name: given[name] for name in names & given.keys()})
