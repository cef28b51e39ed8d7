"""RareGAN: the whole way from a table to a trained generator, as a scikit-learn estimator."""

from __future__ import annotations

import io
import platform
import time
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from raregan.config import CHECKPOINT_EVERY, VARIANT, Config, override
from raregan.data.sources import read_frame, read_table
from raregan.data.table import DEFAULT_TARGET, Table
from raregan.encoding.encoder import TableEncoder
from raregan.errors import RareGANWarning, UserError
from raregan.gans.frozen import freeze
from raregan.gans.variants import get_variant
from raregan.modelfile import Model, load_model, save_model
from raregan.sampling import Sampler
from raregan.training.backend import prepare_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from raregan.gans.variants.interface import Variant
    from raregan.training.loop import History, Hooks, TrainResult
    from raregan.training.step import Players

_LIBRARIES = ("raregan", "jax", "keras", "numpy", "polars")
"""Versions that the model file records."""


class RareGAN(BaseEstimator):  # type: ignore[misc]
    """Learns the rare rows of a table with a GAN, and samples new ones.

    ``None`` for an option means the variant's default, resolved in :meth:`fit`.

    Parameters
    ----------
    variant : str, default="gan"
        How to learn; one of `raregan.VARIANTS`.
    target : str, optional
        Column that says which rows are rare; default: ``Class``, or the only two-valued column of
        a usual name.
    rare : bool, int, float or str, optional
        Value of the target in rare rows; default: the rarest.
    ignore : sequence of str, default=()
        Columns to leave out.
    epochs : int, optional
        Passes over the rare rows.
    batch_size : int, optional
        Rows in a step.
    latent_dim : int, optional
        Length of the latent vector.
    learning_rate : float, optional
        Adam's, for both networks.
    numeric_encoding : {"quantile", "standard"}, optional
        How numbers are encoded, see `raregan.encoding.columns`.
    max_minutes : float, optional
        Wall-clock limit of training, in minutes.
    random_state : int, numpy.random.RandomState or None, default=None
        Fixes every draw; `None`: a fresh seed, kept in ``model_.config.seed``.

    Attributes
    ----------
    model_ : raregan.modelfile.Model
        Sampler, resolved options, history and provenance: what :meth:`save` writes.
    history_ : dict of str to list of float
        ``discriminator_loss`` and ``generator_loss`` of every epoch.

    Examples
    --------
    >>> from raregan import RareGAN, make_card_fraud
    >>> gan = RareGAN(epochs=2, random_state=0).fit(make_card_fraud(2_000, 100))
    >>> gan.sample(5).shape
    (5, 30)
    """

    def __init__(
        self,
        variant: str = VARIANT,
        *,
        target: str | None = None,
        rare: Any = None,
        ignore: Sequence[str] = (),
        epochs: int | None = None,
        batch_size: int | None = None,
        latent_dim: int | None = None,
        learning_rate: float | None = None,
        numeric_encoding: str | None = None,
        max_minutes: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.variant = variant
        self.target = target
        self.rare = rare
        self.ignore = ignore
        self.epochs = epochs
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.numeric_encoding = numeric_encoding
        self.max_minutes = max_minutes
        self.random_state = random_state

    def fit(
        self,
        X: Any,  # noqa: N803
        y: Any = None,
        *,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        resume: bool = False,
        progress: Callable[[History, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Self:
        """Learn the rare rows of a table.

        Parameters
        ----------
        X : str, Path, polars or pandas DataFrame, (n, d) ndarray, or Table
            The table with the target among its columns; without it when `y` is given.
        y : array-like of shape (n,), optional
            The target's values; its column is called `target`, or by the name of `y`, or ``Class``.
        checkpoint : str or Path, optional
            File for the state of the run, written every `checkpoint_every` epochs, when the run
            ends early, and when it diverges.
        checkpoint_every : int, default=500
            Epochs between two checkpoints.
        resume : bool, default=False
            Go on from `checkpoint`: the result is, to the bit, that of an undisturbed run.
        progress : callable, optional
            Called with the `History` so far and the epochs in all, a few times a second.
        stop : callable, optional
            Asked a few times a second; true ends training early (``provenance["ended"]`` says so).

        Returns
        -------
        self

        Raises
        ------
        UserError
            If the table, an option or the checkpoint is at fault.
        TrainingDivergedError
            If a loss or a weight became NaN or infinite; the last good state is in `checkpoint`.
        """
        run = self._prepare(X, y)
        hooks = run.hooks(checkpoint, checkpoint_every, progress, stop)
        result, seconds = run.train(hooks, resume_from=checkpoint if resume else None)
        self.model_ = run.model(result, seconds=seconds, frame=_kind_of_frame(X))
        self.history_ = self.model_.history
        return self

    def summary(self, X: Any, y: Any = None) -> str:  # noqa: N803
        """Return the networks that :meth:`fit` would train on this table, as text."""
        run = self._prepare(X, y)
        return "\n".join(run.describe())

    def sample(self, n: int, *, random_state: int | None = None) -> Any:
        """Return `n` synthetic rare rows.

        Parameters
        ----------
        n : int
            How many, at least 1.
        random_state : int, optional
            Fixes the rows; default: the model's own seed, so that two calls give the same rows.

        Returns
        -------
        polars.DataFrame or pandas.DataFrame
            pandas when the model was fitted on pandas. Columns in the order and dtypes of the
            input without the ignored ones, the target set to its rare value.

        Raises
        ------
        UserError
            If `n` is not a whole number of at least 1.
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self, "model_")
        seed = self.model_.config.seed if random_state is None else _seed(random_state)
        rows = self.model_.sampler.sample(n, seed=seed)
        return rows.to_pandas() if self.model_.provenance["frame"] == "pandas" else rows

    def save(self, path: str | Path) -> None:
        """Write the model file, atomically; see `raregan.modelfile.save_model`."""
        check_is_fitted(self, "model_")
        save_model(self.model_, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return a fitted RareGAN from a model file; see `raregan.modelfile.load_model`."""
        model = load_model(path)
        config, target = model.config, model.sampler.schema.target
        gan = cls(
            config.variant,
            target=target.name,
            rare=target.rare,
            epochs=config.training.epochs,
            batch_size=config.training.batch_size,
            latent_dim=config.network.latent_dim,
            learning_rate=config.training.learning_rate,
            numeric_encoding=config.training.numeric_encoding,
            max_minutes=config.training.max_minutes,
            random_state=config.seed,
        )
        gan.model_, gan.history_ = model, model.history
        return gan

    def _prepare(self, X: Any, y: Any) -> _Run:  # noqa: N803
        table = X if isinstance(X, Table) else self._read(X, y)
        prepare_backend()
        variant = get_variant(self.variant)
        options = self.get_params()
        config = Config(
            variant=variant.name,
            network=override(variant.network, options),
            training=override(variant.training, options),
            seed=_seed(self.random_state),
        )
        return _Run.prepare(table, variant, config)

    def _read(self, X: Any, y: Any) -> Table:  # noqa: N803
        target = self.target
        if y is not None:
            X, target = _with_target(X, y, target)  # noqa: N806
        table = read_table(X, target=target, rare=self.rare, ignore=self.ignore)
        for text in table.warnings:
            warnings.warn(text, RareGANWarning, stacklevel=4)
        return table


@dataclass(frozen=True)
class _Run:
    """One training run: everything made from the table and the resolved options."""

    table: Table
    config: Config
    encoder: TableEncoder
    rows: NDArray[np.float32]
    players: Players
    key_seed: int

    @classmethod
    def prepare(cls, table: Table, variant: Variant, config: Config) -> Self:
        from raregan.training.step import Players

        encoder = TableEncoder(config.training.numeric_encoding).fit(table.rare, table.schema)
        network = config.network
        if network.latent_dim is None:
            network = replace(network, latent_dim=encoder.layout.width)
            config = replace(config, network=network)
        words = np.random.SeedSequence(config.seed).generate_state(3)
        generator_seed, discriminator_seed, key_seed = (int(word) for word in words)
        generator = variant.build_generator(encoder.layout, network, seed=generator_seed)
        discriminator = variant.build_discriminator(
            encoder.layout, network, seed=discriminator_seed
        )
        players = Players(generator, discriminator, variant, config.training)
        return cls(table, config, encoder, encoder.encode(table.rare), players, key_seed)

    def describe(self) -> list[str]:
        """Both networks and the size of the run."""
        from raregan.training.batches import steps_per_epoch

        text = io.StringIO()
        for network in (self.players.generator, self.players.discriminator):
            network.summary(line_length=78, print_fn=lambda line: text.write(f"{line}\n"))
        training = self.config.training
        steps = steps_per_epoch(self.table.n_rare, training.batch_size)
        size = (
            f"variant {self.config.variant}: {training.epochs:,} epochs of {steps:,} steps, "
            f"{training.batch_size} rows a step; {self.table.n_rare:,} rare rows encoded as "
            f"{self.encoder.layout.width} numbers each ({training.numeric_encoding})"
        )
        return [text.getvalue().rstrip(), size]

    def hooks(
        self,
        checkpoint: str | Path | None,
        every: int,
        progress: Callable[[History, int], None] | None,
        stop: Callable[[], bool] | None,
    ) -> Hooks:
        from raregan.training.checkpoint import save_checkpoint
        from raregan.training.loop import Hooks

        if every < 1:
            raise UserError(f"checkpoint_every must be at least 1 epoch, got {every}")
        hooks = Hooks()
        if checkpoint is not None:
            hooks = replace(
                hooks,
                save_every=every,
                save=lambda state, history: save_checkpoint(
                    checkpoint,
                    state,
                    history,
                    config=self.config,
                    fingerprint=self.table.fingerprint,
                ),
            )
        return replace(hooks, progress=progress or hooks.progress, stop=stop or hooks.stop)

    def train(self, hooks: Hooks, resume_from: str | Path | None) -> tuple[TrainResult, float]:
        from raregan.training.checkpoint import load_checkpoint
        from raregan.training.loop import History, train

        state, history = self.players.initial_state(self.key_seed), History.empty()
        if resume_from is not None:
            state, history = load_checkpoint(
                resume_from, state, config=self.config, fingerprint=self.table.fingerprint
            )
            state = self.players.with_learning_rate(state)
        start = time.perf_counter()
        result = train(
            self.players,
            self.rows,
            epochs=self.config.training.epochs,
            batch_size=self.config.training.batch_size,
            state=state,
            history=history,
            max_minutes=self.config.training.max_minutes,
            hooks=hooks,
        )
        return result, time.perf_counter() - start

    def model(self, result: TrainResult, *, seconds: float, frame: str) -> Model:
        self.players.load(result.state)
        table = self.table
        return Model(
            sampler=Sampler(table.schema, self.encoder, freeze(self.players.generator)),
            config=self.config,
            history={
                name: [float(f"{loss:.7g}") for loss in losses]
                for name, losses in result.history._asdict().items()
            },
            provenance={
                "source": table.source,
                "fingerprint": table.fingerprint,
                "n_rows": table.n_rows,
                "n_rare": table.n_rare,
                "n_duplicates": table.n_duplicates,
                "n_rare_duplicates": table.n_rare_duplicates,
                "frame": frame,
                "epochs": result.history.epochs,
                "ended": result.ended,
                "seconds": round(seconds, 3),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "python": platform.python_version(),
                "versions": {library: version(library) for library in _LIBRARIES},
            },
        )


def _seed(random_state: Any) -> int:
    """Resolve scikit-learn's `random_state` once, to a non-negative int."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    raise UserError(f"random_state must be None or a whole number from 0, got {random_state!r}")


def _with_target(X: Any, y: Any, target: str | None) -> tuple[pl.DataFrame, str]:  # noqa: N803
    """Join scikit-learn's X and y to one table, the target last."""
    if isinstance(X, np.ndarray):
        frame = pl.DataFrame(X, schema=[f"x{i}" for i in range(X.shape[1])])
    else:
        frame = read_frame(X)
    name = target or getattr(y, "name", None) or DEFAULT_TARGET
    if name in frame.columns:
        raise UserError(f"X has a column {name!r} already: give y another name, or leave y out")
    values = pl.Series(name, np.asarray(y).tolist())
    if len(values) != frame.height:
        raise UserError(f"X has {frame.height:,} rows and y has {len(values):,}")
    return frame.with_columns(values), name


def _kind_of_frame(X: Any) -> str:  # noqa: N803
    return "pandas" if type(X).__module__.startswith("pandas") else "polars"
