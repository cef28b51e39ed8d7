"""One training run: from a checked table and resolved options to a model."""

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
from threadpoolctl import threadpool_limits

from raregan.config import LAST_RESORTS, SLOWER, Config, override, plain_options
from raregan.data.classes import every_class, rare_only
from raregan.data.table import fingerprint
from raregan.encoding.encoder import TableEncoder
from raregan.errors import RareGANWarning, TrainingDivergedError, UserError
from raregan.gans.calibration import calibrate
from raregan.gans.variants import get_variant
from raregan.modelfile import Model
from raregan.sampling import Sampler
from raregan.training.backend import fixed_numerics, prepare_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from raregan.config import NetworkConfig, TrainingConfig
    from raregan.data.classes import ClassRows
    from raregan.data.table import Table
    from raregan.gans.frozen import Frozen
    from raregan.gans.variants.interface import Variant
    from raregan.training.lesson import Lesson
    from raregan.training.loop import History, Hooks, Rehearsals, RunState
    from raregan.training.step import Game, TrainState

_LIBRARIES = ("raregan", "jax", "keras", "numpy", "polars")
"""Versions that the model file records."""


_OF_ANY_VARIANT = (
    *("epochs", "max_minutes", "numeric_encoding", "levels_from"),
    *("evidence", "evidence_every", "patience"),
)
"""Settings that are kept where another variant is trained in the end."""


@dataclass(frozen=True)
class Run:
    """Everything made from the table and the options before the first epoch."""

    table: Table
    config: Config
    learned: ClassRows
    encoder: TableEncoder
    lesson: Lesson
    """The encoded rows."""
    game: Game
    start: TrainState

    rate_asked: bool = False
    """Whether the learning rate is one that was asked for."""
    epochs_asked: int | None = None
    """The epochs that were asked for, of which some variants take fewer; None: nobody asked."""
    setbacks: tuple[str, ...] = ()
    """What diverged before this run was begun, one line each."""

    @classmethod
    def prepare(
        cls, table: Table, variant_name: str, options: Mapping[str, Any], seed: int
    ) -> Self:
        """Resolve the options, fit the encoder to the rare rows, and build the networks.

        Raises
        ------
        UserError
            If an option is unknown or out of range, or `batch_size` is more than the rare rows.
        """
        prepare_backend()
        from raregan.training.lesson import Lesson
        from raregan.training.step import Game

        variant, options = get_variant(variant_name), plain_options(options)
        learned = learned_rows(variant, table)
        for text in learned.warnings:
            warnings.warn(text, RareGANWarning, stacklevel=4)
        network, training = resolve(variant, options, learned)
        encoder = TableEncoder(training.numeric_encoding).fit(
            learned.frame,
            learned.schema,
            constraints=table.constraints,
            others=table.others,
            seen=table.seen,
            levels_from=training.levels_from,
        )
        if network.latent_dim is None:
            network = replace(network, latent_dim=encoder.layout.width)
        lesson = Lesson(
            encoder.encode(learned.frame),
            learned.labels,
            encoder.layout,
            tells_classes=variant.learns_classes,
            tells_levels=variant.learns_levels,
        )
        config = Config(variant.name, network, training, seed)
        words = np.random.SeedSequence(seed).generate_state(1 + len(variant.players))
        key_seed, *model_seeds = (int(word) for word in words)
        with fixed_numerics():
            models = {
                player.name: player.build(
                    encoder.layout, network, seed=model_seed, n_conditions=lesson.n_conditions
                )
                for player, model_seed in zip(variant.players, model_seeds, strict=True)
            }
            game = Game(models, variant, training, encoder.layout)
            start = game.initial_state(key_seed)
        return cls(
            *(table, config, learned, encoder, lesson, game, start),
            rate_asked="learning_rate" in options,
            epochs_asked=options.get("epochs"),
        )

    def describe(self) -> str:
        """Return the networks and the size of the run, as text."""
        text = io.StringIO()
        for network in reversed(list(self.game.models.values())):
            network.summary(line_length=78, print_fn=lambda line: text.write(f"{line}\n"))
        training = self.config.training
        return (
            f"{text.getvalue()}{self.config.variant}: {self.game.variant.summary}\n"
            f"{training.epochs:,} epochs of {self._steps_per_epoch:,} steps, "
            f"{self._rows_per_step} rows a step; "
            f"{self.table.n_rare:,} rare rows{self._beside()} encoded as "
            f"{self.encoder.layout.width} numbers each ({training.numeric_encoding})"
            + "".join(
                f"\none field: {', '.join(field.names)}"
                for field in self.encoder.fields
                if len(field.names) > 1
            )
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

            def save(state: RunState, history: History) -> None:
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
        from raregan.training.loop import History, RunState, train

        training = self.config.training
        begun = time.perf_counter()
        with fixed_numerics():
            rehearsals = self._rehearsals()
            state = RunState.start([self.start] * (1 + (rehearsals.n_beside if rehearsals else 0)))
            history = History.empty(tuple(self.game.models))
            if resume_from is not None:
                state, history = load_checkpoint(
                    resume_from, state, config=self.config, lesson=self._lesson()
                )
                if self.rate_asked:  # else that of the checkpoint, which a setback may have lowered
                    state = state.map(self.game.with_learning_rate)
            resumed_at = history.epochs
            result = train(
                self.game,
                self.lesson,
                epochs=training.epochs,
                batch_size=training.batch_size,
                state=state,
                history=history,
                rehearsals=rehearsals,
                max_minutes=training.max_minutes,
                hooks=hooks,
            )
            generators = [
                self._freeze(result.state.best, number)
                for number in range(len(self.learned.classes))
            ]
        table = self.table
        learned = [self.lesson.of_class(number) for number in range(len(generators))]
        with threadpool_limits(1, "blas"):  # threads of BLAS wait longer than they work here
            generators = [
                calibrate(
                    generator,
                    rows,
                    seed=self.config.seed,
                    margins=training.margins,
                    values=self.encoder.unscaled(rows),
                    shrink=training.shrink,
                    only_seen=training.levels_from == "rare",
                )
                for generator, rows in zip(generators, learned, strict=True)
            ]
        by_class = dict(zip(self.learned.classes, generators, strict=True))
        return Model(
            sampler=Sampler(self.learned.schema, self.encoder, by_class),
            config=self.config,
            history=_plain_history(result.history),
            provenance={
                "source": table.source,
                "fingerprint": table.fingerprint,
                "n_rows": table.n_rows,
                "n_rare": table.n_rare,
                "n_left_out": table.left_out.height,
                "n_duplicates": table.n_duplicates,
                "n_rare_duplicates": table.n_rare_duplicates,
                "origin": table.origin.to_dict(),
                "epochs": result.history.epochs,
                "epochs_asked": self.epochs_asked,
                "resumed_at": resumed_at,
                "ended": result.ended,
                "classes": [
                    {"class": value, "rows": int((self.learned.labels == number).sum())}
                    for number, value in enumerate(self.learned.classes)
                ],
                "best_epoch": int(result.state.best.epoch),
                "setbacks": list(self.setbacks),
                "seconds": round(time.perf_counter() - begun, 3),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "python": platform.python_version(),
                "versions": {library: version(library) for library in _LIBRARIES},
            },
            held_out=table.held_out,
        )

    def train_on(
        self,
        options: Mapping[str, Any],
        hooks: Callable[[Run], Hooks],
        *,
        resume_from: str | Path | None,
    ) -> Model:
        """Train; where that diverges, anew with a lower learning rate, then with another variant.

        A learning rate that was asked for is kept to: then divergence is the caller's to know.

        Parameters
        ----------
        options : mapping
            Those of :meth:`prepare`.
        hooks : callable
            Returns the hooks of a run, which is this one or one of those that follow.
        resume_from : str or Path, optional
            As of :meth:`train`.

        Raises
        ------
        TrainingDivergedError
            If the last resort diverges too, or `learning_rate` is among `options`.
        """
        run, deadline = self, None
        if self.config.training.max_minutes is not None:
            deadline = time.monotonic() + 60 * self.config.training.max_minutes
        while True:
            try:
                return run.train(hooks(run), resume_from=resume_from)
            except TrainingDivergedError as error:
                following = run._following(options, error)
                if following is None or (deadline is not None and time.monotonic() >= deadline):
                    raise
                run, resume_from = following, None
            warnings.warn(run.setbacks[-1], RareGANWarning, stacklevel=3)

    def _following(self, options: Mapping[str, Any], error: TrainingDivergedError) -> Run | None:
        """Return the run that follows on one that diverged; None where there is none."""
        if "learning_rate" in plain_options(options):
            return None
        variant, rate = self.config.variant, self.config.training.learning_rate
        default = self.game.variant.defaults(self.table.n_rare)[1].learning_rate
        if rate == default:
            slower = {**options, "learning_rate": rate / SLOWER}
            again = Run.prepare(self.table, variant, slower, self.config.seed)
            what = f"the same once more with a learning rate of {rate / SLOWER:g}"
        else:
            tried = [setback.split(":")[0] for setback in self.setbacks]
            others = [name for name in LAST_RESORTS if name not in (*tried, variant)]
            if not others:
                return None
            kept, left = _split_settings(options.get("settings") or {})
            again = Run.prepare(
                self.table, others[0], {**options, "settings": kept}, self.config.seed
            )
            without = f", without {', '.join(left)}" if left else ""
            what = f"{others[0]} instead{without}"
        text = f"{variant}: {error.reason}; training {what}"
        return replace(again, setbacks=(*self.setbacks, text))

    def _rehearsals(self) -> Rehearsals | None:
        from raregan.training.evidence import Examiner, choose_members, copy_groups
        from raregan.training.loop import Rehearsals

        training = self.config.training
        if not training.evidence:
            return None
        rare, seed = self.lesson.rare, self.config.seed
        members = choose_members(len(rare), seed=seed, same=copy_groups(rare))
        return Rehearsals(
            members=members,
            judge=Examiner(
                self._freeze,
                self.lesson.rare,
                self.encoder.unscaled(self.lesson.rare),
                members,
                self.encoder.layout,
                margins=training.margins,
                shrink=training.shrink,
                seed=self.config.seed,
            ),
            every=max(1, training.evidence_every // self._steps_per_epoch),
            patience=training.patience,
        )

    @property
    def _rows_per_step(self) -> int:
        return self.game.batches_per_step * self.config.training.batch_size

    @property
    def _steps_per_epoch(self) -> int:
        from raregan.training.batches import steps_per_epoch

        return steps_per_epoch(self.lesson.n_rare, self._rows_per_step, self.lesson.n_classes)

    def _beside(self) -> str:
        n = len(self.lesson.rows) - self.lesson.n_rare
        return f" and {n:,} of {self.lesson.n_classes - 1} other classes" if n else ""

    def _freeze(self, state: TrainState, number: int = 0) -> Frozen:
        """Freeze what draws the rows of a class."""
        self.game.load(state)
        network, told = self.config.network, self.lesson.told(number)
        return self.game.variant.freeze(self.game.models, self.encoder.layout, network, told)

    def _lesson(self) -> dict[str, Any]:
        target = self.table.schema.target
        return {
            "fingerprint": fingerprint(self.learned.frame),
            "target": target.name,
            "rare": target.rare,
        }


def learned_rows(variant: Variant, table: Table) -> ClassRows:
    """Return the rows of a table that a variant learns from."""
    return every_class(table) if variant.learns_classes else rare_only(table)


def resolve(
    variant: Variant, options: Mapping[str, Any], learned: ClassRows
) -> tuple[NetworkConfig, TrainingConfig]:
    """Return the variant's defaults with the options in place, fitted to the number of rare rows.

    Options are those of `raregan.config.plain_options`. Epochs go before steps: fewer of these than
    the variant's own do not cut them.

    Raises
    ------
    UserError
        If an option is out of range, or `batch_size` is more than the rare rows.
    """
    n_rare, n_classes = learned.n_rare, len(learned.classes)
    network, training = variant.defaults(n_rare)
    own_steps = training.steps
    network, training = override(network, options), override(training, options)
    if options.get("epochs") is not None:  # typed, as settings have but one of the two
        training = replace(training, steps=max(training.steps, own_steps))
    training = _fit_batch(training, options, n_rare, network.pac * n_classes)
    return network, _fit_epochs(training, options, n_rare * n_classes)


def fewer_epochs(variant_name: str, options: Mapping[str, Any], table: Table) -> str | None:
    """Say in one line that a run takes fewer epochs than were asked for; None where it does not."""
    variant, options = get_variant(variant_name), plain_options(options)
    if (asked := options.get("epochs")) is None:
        return None
    _, training = resolve(variant, options, learned_rows(variant, table))
    if asked <= training.epochs:
        return None
    return (
        f"{asked:,} epochs asked for; {variant_name} ends after {training.epochs:,} at the latest "
        f"({training.steps:,} steps)"
    )


def _split_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return those that mean the same to every variant, and the names of the others."""
    kept = {name: value for name, value in settings.items() if name in _OF_ANY_VARIANT}
    return kept, [name for name in settings if name not in kept]


def _plain_history(history: History) -> dict[str, list[float]]:
    """Return the history as JSON can hold it: a list a series, losses by epoch."""
    plain = {
        f"{player}_loss": [float(f"{loss:.9g}") for loss in losses]
        for player, losses in history.losses.items()
    }
    for name in history.scores[0]._fields if history.scores else ():
        plain[f"evidence_{name}"] = [getattr(score, name) for score in history.scores]
    return plain


def _fit_epochs(
    training: TrainingConfig, options: Mapping[str, Any], n_rare: int
) -> TrainingConfig:
    """Take as many epochs as make at most `steps` steps, unless a number was asked for.

    With evidence the number that was asked for is a limit: more steps are none the better.
    """
    rows = training.steps * training.batch_size * training.discriminator_steps
    most = max(1, rows // n_rare)
    if options.get("epochs") is not None and not training.evidence:
        return training
    return replace(training, epochs=min(training.epochs, most))


def _fit_batch(
    training: TrainingConfig, options: Mapping[str, Any], n_rare: int, pac: int
) -> TrainingConfig:
    """Take no more rows to a batch than there are, in whole packs; refuse what was asked for.

    Of jittered rows a batch may hold the same one twice: it is never the same.
    """
    size, asked = training.batch_size, options.get("batch_size") is not None
    most = size if training.jitter else min(size, n_rare)
    whole = most - most % pac
    if whole < 1:
        raise UserError(
            f"{n_rare:,} rare rows in batches of {most:,} are no pack of {pac}: choose another "
            "variant, or a larger batch_size"
        )
    if asked and size > n_rare:
        raise UserError(
            f"batch_size {size:,} is more than the {n_rare:,} rare rows; "
            f"ask for at most {n_rare - n_rare % pac:,}"
        )
    if asked and whole != size:
        raise UserError(
            f"batch_size {size:,} is no multiple of pac {pac}, the rows that the discriminator "
            f"looks at together; ask for {whole:,}"
        )
    return replace(training, batch_size=whole)
