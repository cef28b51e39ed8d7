"""RareGAN: the whole way from a table to a trained generator, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from raregan.config import CHECKPOINT_EVERY, VARIANT, plain_options, plain_seed
from raregan.data.frames import Origin
from raregan.data.rows import DEFAULT_TARGET
from raregan.data.sources import open_source, read_table
from raregan.data.table import Table, make_table
from raregan.errors import RareGANWarning, UserError
from raregan.gans.variants import get_variant, refuse_foreign_options
from raregan.modelfile import load_model, save_model
from raregan.run import Run
from raregan.sampling import Acceptance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from raregan.config import Config
    from raregan.data.schema import Schema
    from raregan.training.loop import History


class RareGAN(BaseEstimator):  # type: ignore[misc]
    """Learns the rare rows of a table, by default with a flow, and samples new ones.

    ``None`` for an option means the variant's default, resolved in :meth:`fit`.

    Parameters
    ----------
    variant : str, default="flow"
        What is trained: a flow, or a GAN; one of `raregan.VARIANTS`.
    target : str, optional
        Column that says which rows are rare; default: ``Class``, or the only two-valued column of
        a usual name.
    rare : bool, int, float or str, optional
        Value of the target in rare rows; default: the rarest.
    ignore : sequence of str, default=()
        Columns to leave out.
    kinds : dict of str to str, optional
        What columns are taken for, where the rules of `raregan.data.kinds` are to be overruled,
        such as ``{"zip": "categorical", "case": "identifier"}``.
    schema : raregan.data.schema.Schema, optional
        What all columns are, in place of these rules; see `raregan.data.inspection.read_schema`.
    constraints : sequence of str, default=()
        Rules that every row keeps, such as ``"opened <= closed"``, ``"a + b == total"``,
        ``"city,country"`` (only combinations that were seen) or ``"onehot(x, y, z)"``; see
        `raregan.data.constraints`.
    levels_from : {"rare", "all"}, optional
        Whose categories can be generated: those of the rare rows, which is the default, or of the
        whole table.
    epochs : int, optional
        Passes over the rare rows; default: as many as make the variant's steps (of ``"flow"`` 2,500
        for fewer than 100 rare rows, 5,000 for fewer than 500, then more). With evidence a limit,
        and never more than that: of 492 rows in batches of 64 ``"flow"`` takes 650 epochs at most,
        whatever is asked for. What was asked for stands in ``model_.provenance["epochs_asked"]``,
        what was done in ``["epochs"]``.
    batch_size : int, optional
        Rows in a step, at most the rare rows; default: 64, or all of them where there are fewer.
    latent_dim : int, optional
        Length of the latent vector; default: as many as an encoded row has numbers.
    learning_rate : float, optional
        Adam's; 0.001 for ``"flow"``, 0.0002 for both networks of ``"gan"``.
    numeric_encoding : {"quantile", "standard"}, optional
        How numbers are encoded, see `raregan.encoding.columns`; default: ``"quantile"``.
    evidence : bool, optional
        Whether training stops, and weights are chosen, by how rows compare with held-out ones; see
        `raregan.training.evidence`. Default: not for ``"gan"``, the reference, nor for
        ``"flow"`` with fewer than 50 rare rows.
    solver_steps : int, optional
        Steps along a flow when sampling, two evaluations of its field each; 10 for ``"flow"``,
        refused for the others.
    max_minutes : float, optional
        Wall-clock limit of training, in minutes.
    settings : dict of str to value, optional
        Any other options of `raregan.config.NetworkConfig` and `TrainingConfig` by their names,
        such as ``{"jitter": 0.4, "field_width": 128}`` for ``"flow"``: what `raregan.tune` finds.
        Options of this list go before them (`epochs` before ``steps`` too); what means nothing to
        the variant is refused, and so is ``epochs`` beside ``steps`` in here.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None, default=None
        Fixes every draw; `None`: a fresh seed, kept in ``model_.config.seed``.

    Attributes
    ----------
    model_ : raregan.modelfile.Model
        Sampler, resolved options, history and provenance: what :meth:`save` writes.
    history_ : dict of str to list of float
        The loss of every player (``generator_loss`` and so on) by epoch, and where training was
        judged by evidence its scores as ``evidence_...``.
    classes_ : list of bool, int, float or str
        The classes whose rows can be made, the rare one first: more than that one for variants that
        learn every class (``"cgan"``, ``"cwgan-gp"``).
    acceptance_ : raregan.sampling.Acceptance
        How many of the rows that the last :meth:`sample` drew kept all rules and conditions.

    Examples
    --------
    >>> from raregan import RareGAN, make_card_fraud
    >>> gan = RareGAN(epochs=2, random_state=0).fit(make_card_fraud(2_000, 100))
    >>> gan.sample(5).shape
    (5, 30)
    """

    def __init__(
        self,
        *,
        variant: str = VARIANT,
        target: str | None = None,
        rare: Any = None,
        ignore: Sequence[str] = (),
        kinds: Mapping[str, str] | None = None,
        schema: Schema | None = None,
        constraints: Sequence[str] = (),
        levels_from: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        latent_dim: int | None = None,
        learning_rate: float | None = None,
        numeric_encoding: str | None = None,
        evidence: bool | None = None,
        solver_steps: int | None = None,
        max_minutes: float | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
    ) -> None:
        self.variant = variant
        self.target = target
        self.rare = rare
        self.ignore = ignore
        self.kinds = kinds
        self.schema = schema
        self.constraints = constraints
        self.levels_from = levels_from
        self.epochs = epochs
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.numeric_encoding = numeric_encoding
        self.evidence = evidence
        self.solver_steps = solver_steps
        self.max_minutes = max_minutes
        self.settings = settings
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
        X : str, Path, polars or pandas DataFrame, pyarrow Table, (n, d) ndarray, or Table
            The table with the target among its columns; without it when `y` is given. A path is
            that of a file, a folder or a pattern, see `raregan.data.sources`. A `Table`, as
            `read_table` makes it, has its target and columns chosen already.
        y : array-like of shape (n,), optional
            The target's values; its column is called `target`, or by the name of `y`, or ``Class``.
        checkpoint : str or Path, optional
            File for the state of the run, written at its start, every `checkpoint_every` epochs,
            when the run ends early, and when it diverges.
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
        if checkpoint_every < 1:
            raise UserError(f"checkpoint_every must be at least 1 epoch, got {checkpoint_every}")
        if resume and checkpoint is None:
            raise UserError("resume needs a checkpoint: name its file with checkpoint=")
        run = self._prepare(X, y)
        self.model_ = run.train_on(
            self.get_params(),
            lambda begun: begun.hooks(checkpoint, checkpoint_every, progress, stop),
            resume_from=checkpoint if resume else None,
        )
        self.history_ = self.model_.history
        return self

    def summary(self, X: Any, y: Any = None) -> str:  # noqa: N803
        """Return the networks that :meth:`fit` would train on this table, as text."""
        return self._prepare(X, y).describe()

    def sample(
        self,
        n: int,
        *,
        label: Any = None,
        conditions: Mapping[str, Any] | None = None,
        random_state: int | None = None,
    ) -> Any:
        """Return `n` synthetic rows, rare ones unless another class is asked for.

        Parameters
        ----------
        n : int
            How many, at least 1.
        label : bool, int, float or str, optional
            The class whose rows are made, one of `classes_`; default: the rare one.
        conditions : dict of str to category, optional
            Only rows with these categories, such as ``{"channel": "web"}``. The first category that
            the variant learned as a condition (``"cwgan-gp"``) is asked of it, and all rows have
            it; else rows are drawn until enough have it: `acceptance_` says how many were.
        random_state : int, optional
            Fixes the rows; default: the model's own seed, so that two calls give the same rows.

        Returns
        -------
        polars.DataFrame, pandas.DataFrame, pyarrow.Table or ndarray
            What the model was fitted on; polars for files. Columns in the order and dtypes of the
            input without the ignored ones, the target set to its rare value. An ndarray has the
            columns of `X` alone.

        Raises
        ------
        UserError
            If `n` is not a whole number of at least 1, no rows of the class can be made, or a
            condition is on no column of categories or on a category that was never seen.
        LowAcceptanceError
            If fewer than 1 % of the drawn rows keep all rules and conditions.
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self, "model_")
        seed = self.model_.config.seed if random_state is None else _seed(random_state)
        sampler, origin = self.model_.sampler, Origin.from_dict(self.model_.provenance["origin"])
        self.acceptance_ = Acceptance()
        rows = sampler.sample(
            n, seed=seed, label=label, conditions=conditions, acceptance=self.acceptance_
        )
        if origin.library == "numpy":
            rows = rows.drop(sampler.schema.target.name)
        return origin.restore(rows)

    @property
    def classes_(self) -> list[Any]:
        """The classes whose rows can be made, the rare one first."""
        check_is_fitted(self, "model_")
        return list(self.model_.sampler.generators)

    def save(self, path: str | Path) -> None:
        """Write the model file, atomically.

        Parameters
        ----------
        path : str or Path
            Usually ``.raregan``; an older file is replaced.

        Raises
        ------
        DataError
            If it cannot be written.
        """
        check_is_fitted(self, "model_")
        save_model(self.model_, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return a fitted RareGAN from a model file.

        Its parameters are those of the run, resolved: where one was `None`, its value stands.

        Parameters
        ----------
        path : str or Path
            A file that :meth:`save` or ``raregan train`` wrote.

        Raises
        ------
        ModelFileError
            If the file is missing, foreign, truncated, damaged or of a newer format.
        """
        model = load_model(path)
        config, target = model.config, model.sampler.schema.target
        own, size = get_variant(config.variant).own_options, config.training.batch_size
        gan = cls(
            variant=config.variant,
            target=target.name,
            rare=target.rare,
            schema=model.sampler.schema,
            levels_from=config.training.levels_from,
            epochs=config.training.epochs,
            batch_size=size if size <= model.provenance["n_rare"] else None,  # jittered rows
            latent_dim=config.network.latent_dim,
            learning_rate=config.training.learning_rate,
            numeric_encoding=config.training.numeric_encoding,
            evidence=config.training.evidence,
            solver_steps=config.network.solver_steps if "solver_steps" in own else None,
            max_minutes=config.training.max_minutes,
            settings=_other_settings(config, model.provenance["n_rare"], cls().get_params()),
            random_state=config.seed,
        )
        gan.model_, gan.history_ = model, model.history
        return gan

    def _prepare(self, X: Any, y: Any) -> Run:  # noqa: N803
        options = self.get_params()
        plain_options(options)  # a mistake is told before anything is read
        refuse_foreign_options(self.variant, options)
        seed = _seed(self.random_state)
        return Run.prepare(self._table(X, y), self.variant, options, seed)

    def _table(self, X: Any, y: Any) -> Table:  # noqa: N803
        if isinstance(X, Table):
            chosen = (self.target, self.rare, self.kinds, self.schema)
            if y is not None or any(value is not None for value in chosen) or len(self.ignore):
                raise UserError(
                    "a Table has its target, rare value and columns chosen already: "
                    "give target, rare, ignore, kinds and schema to read_table, and no y"
                )
            return X
        choices: dict[str, Any] = {
            "target": self.target,
            "rare": self.rare,
            "ignore": self.ignore,
            "kinds": self.kinds,
            "schema": self.schema,
            "constraints": self.constraints,
        }
        if y is None:
            table = read_table(X, **choices)
        else:
            frame, origin, name = _with_target(X, y, self.target)
            table = make_table(frame, origin=origin, **{**choices, "target": name})
        for text in table.warnings:
            warnings.warn(text, RareGANWarning, stacklevel=4)
        return table


def _other_settings(
    config: Config, n_rare: int, parameters: Collection[str]
) -> dict[str, Any] | None:
    """Return the settings of a run that are no parameters, and not the variant's defaults."""
    defaults = get_variant(config.variant).defaults(n_rare)
    chosen = {
        name: value
        for part, default in zip((config.network, config.training), defaults, strict=True)
        for name, value in vars(part).items()
        if name not in parameters and value != getattr(default, name)
    }
    return chosen or None


def _seed(random_state: Any) -> int:
    """Resolve scikit-learn's `random_state` once, to a non-negative int."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return plain_seed(random_state)


def _with_target(
    X: Any,  # noqa: N803
    y: Any,
    target: str | None,
) -> tuple[pl.DataFrame, Origin, str]:
    """Join scikit-learn's X and y to one table, the target last."""
    source = open_source(X)
    frame = source.frame.collect()
    named = getattr(y, "name", None)
    name = target or (DEFAULT_TARGET if named is None else str(named))
    if name in frame.columns:
        raise UserError(f"X has a column {name!r} already: give y another name, or leave y out")
    labels = np.asarray(y)
    if labels.shape != (frame.height,):
        raise UserError(f"X has {frame.height:,} rows and y has shape {labels.shape}")
    values = labels if labels.dtype.kind in "iufb" else labels.tolist()
    return frame.with_columns(pl.Series(name, values)), source.origin, name
