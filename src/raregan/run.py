"""One training run: from a checked table and resolved options to a model."""

from __future__ import annotations

import io
import platform
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from raregan.config import MAX_STEPS, Config, override
from raregan.encoding.encoder import TableEncoder
from raregan.errors import UserError
from raregan.gans.calibration import calibrate
from raregan.gans.frozen import freeze
from raregan.gans.variants import get_variant
from raregan.modelfile import Model
from raregan.sampling import Sampler
from raregan.training.backend import fixed_numerics, prepare_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from raregan.config import TrainingConfig
    from raregan.data.table import Table
    from raregan.training.loop import History, Hooks
    from raregan.training.step import Players, TrainState

_LIBRARIES = ("raregan", "jax", "keras", "numpy", "polars")
"""Versions that the model file records."""


@dataclass(frozen=True)
class Run:
    """Everything made from the table and the options before the first epoch."""

    table: Table
    config: Config
    encoder: TableEncoder
    rows: NDArray[np.float32]
    """(n, D) encoded rare rows."""
    players: Players
    start: TrainState

    @classmethod
    def prepare(
        cls, table: Table, variant_name: str, options: Mapping[str, Any], seed: int
    ) -> Self:
        """Resolve the options, fit the encoder to the rare rows, and build both networks.

        Raises
        ------
        UserError
            If an option is unknown or out of range, or `batch_size` is more than the rare rows.
        """
        prepare_backend()
        from raregan.training.step import Players

        variant = get_variant(variant_name)
        training = _fit_batch(override(variant.training, options), options, table.n_rare)
        training = _fit_epochs(training, options, table.n_rare)
        encoder = TableEncoder(training.numeric_encoding).fit(
            table.rare,
            table.schema,
            constraints=table.constraints,
            others=table.others,
            seen=table.seen,
            levels_from=training.levels_from,
        )
        network = override(variant.network, options)
        if network.latent_dim is None:
            network = replace(network, latent_dim=encoder.layout.width)
        config = Config(variant.name, network, training, seed)
        words = np.random.SeedSequence(seed).generate_state(3)
        generator_seed, discriminator_seed, key_seed = (int(word) for word in words)
        with fixed_numerics():
            players = Players(
                variant.build_generator(encoder.layout, network, seed=generator_seed),
                variant.build_discriminator(encoder.layout, network, seed=discriminator_seed),
                variant,
                training,
            )
            start = players.initial_state(key_seed)
        return cls(table, config, encoder, encoder.encode(table.rare), players, start)

    def describe(self) -> str:
        """Both networks and the size of the run."""
        from raregan.training.batches import steps_per_epoch

        text = io.StringIO()
        for network in (self.players.generator, self.players.discriminator):
            network.summary(line_length=78, print_fn=lambda line: text.write(f"{line}\n"))
        training = self.config.training
        steps = steps_per_epoch(self.table.n_rare, training.batch_size)
        return (
            f"{text.getvalue()}{self.config.variant}: {self.players.variant.summary}\n"
            f"{training.epochs:,} epochs of {steps:,} steps, {training.batch_size} rows a step; "
            f"{self.table.n_rare:,} rare rows encoded as {self.encoder.layout.width} numbers each "
            f"({training.numeric_encoding})"
        )

    def hooks(
        self,
        checkpoint: str | Path | None,
        every: int,
        progress: Callable[[History, int], None] | None,
        stop: Callable[[], bool] | None,
    ) -> Hooks:
        """Return what the loop does between chunks."""
        from raregan.training.checkpoint import save_checkpoint
        from raregan.training.loop import Hooks

        hooks = Hooks()
        if checkpoint is not None:

            def save(state: TrainState, history: History) -> None:
                save_checkpoint(
                    checkpoint, state, history, config=self.config, lesson=self._lesson()
                )

            hooks = replace(hooks, save=save, save_every=every)
        return replace(hooks, progress=progress or hooks.progress, stop=stop or hooks.stop)

    def train(self, hooks: Hooks, *, resume_from: str | Path | None) -> Model:
        """Train, from the start or from a checkpoint, and return the model.

        Parameters
        ----------
        hooks : Hooks
            Of :meth:`hooks`.
        resume_from : str or Path, optional
            A checkpoint of this run.

        Raises
        ------
        ModelFileError
            If the checkpoint cannot be gone on from.
        TrainingDivergedError
            If a loss or a weight became NaN or infinite.
        """
        from raregan.training.checkpoint import load_checkpoint
        from raregan.training.loop import History, train

        training = self.config.training
        begun = time.perf_counter()
        with fixed_numerics():
            state, history = self.start, History.empty()
            if resume_from is not None:
                state, history = load_checkpoint(
                    resume_from, state, config=self.config, lesson=self._lesson()
                )
                state = self.players.with_learning_rate(state)
            resumed_at = history.epochs
            result = train(
                self.players,
                self.rows,
                epochs=training.epochs,
                batch_size=training.batch_size,
                state=state,
                history=history,
                max_minutes=training.max_minutes,
                hooks=hooks,
            )
            self.players.load(result.state)
        table, generator = self.table, freeze(self.players.generator, self.encoder.layout)
        generator = calibrate(generator, self.rows, seed=self.config.seed)
        return Model(
            sampler=Sampler(table.schema, self.encoder, generator),
            config=self.config,
            history={
                name: [float(f"{loss:.9g}") for loss in losses]
                for name, losses in result.history._asdict().items()
            },
            provenance={
                "source": table.source,
                "fingerprint": table.fingerprint,
                "n_rows": table.n_rows,
                "n_rare": table.n_rare,
                "n_duplicates": table.n_duplicates,
                "n_rare_duplicates": table.n_rare_duplicates,
                "origin": table.origin.to_dict(),
                "epochs": result.history.epochs,
                "resumed_at": resumed_at,
                "ended": result.ended,
                "seconds": round(time.perf_counter() - begun, 3),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "python": platform.python_version(),
                "versions": {library: version(library) for library in _LIBRARIES},
            },
            held_out=table.held_out,
        )

    def _lesson(self) -> dict[str, Any]:
        target = self.table.schema.target
        return {
            "fingerprint": self.table.fingerprint,
            "target": target.name,
            "rare": target.rare,
        }


def _fit_epochs(
    training: TrainingConfig, options: Mapping[str, Any], n_rare: int
) -> TrainingConfig:
    """Take as many epochs as make at most `MAX_STEPS` steps, unless a number was asked for."""
    if options.get("epochs") is not None:
        return training
    most = max(1, MAX_STEPS * training.batch_size // n_rare)
    return replace(training, epochs=min(training.epochs, most))


def _fit_batch(training: TrainingConfig, options: Mapping[str, Any], n_rare: int) -> TrainingConfig:
    """Take all rare rows for a batch where they are fewer; refuse a batch that was asked for."""
    if training.batch_size <= n_rare:
        return training
    if options.get("batch_size") is not None:
        raise UserError(
            f"batch_size {training.batch_size:,} is more than the {n_rare:,} rare rows; "
            f"ask for at most {n_rare:,}"
        )
    return replace(training, batch_size=n_rare)
