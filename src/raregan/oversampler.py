"""GANOverSampler: imbalanced-learn's `fit_resample`, with a `RareGAN` for every rare class."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from raregan.config import NUMERIC_ENCODINGS, VARIANT
from raregan.data.rows import DEFAULT_TARGET, known_column, listed
from raregan.data.sources import is_pandas
from raregan.data.table import MIN_RARE_ROWS
from raregan.errors import RareGANWarning, SchemaError, TooFewRowsError, UserError
from raregan.gans.variants import get_variant
from raregan.synthesizer import RareGAN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

SMOTE_NEIGHBORS = 5
"""Neighbours of a row that SMOTE draws lines to, at most (Chawla et al. 2002, section 4.2)."""

_TRAINING = (
    *("epochs", "batch_size", "latent_dim"),
    *("learning_rate", "numeric_encoding", "evidence", "solver_steps", "max_minutes"),
    "settings",
)
"""The training options, handed to `RareGAN` as they are."""


class GANOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Balances a table with rows that a generator has learned from each rare class.

    A drop-in for `imblearn.over_sampling.SMOTE` that takes text, dates and missing values as they
    are. ``None`` for a training option means the variant's default, resolved in `fit_resample`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        Which classes get rows, and how many.

        - float: rows of the rare class over those of the other, of two classes;
        - ``"minority"``, ``"not minority"``, ``"not majority"``, ``"all"``, ``"auto"`` (as
          ``"not majority"``): these classes become as large as the largest;
        - dict: class to number of rows, the original ones among them;
        - callable: takes `y`, returns such a dict.
    random_state : int, numpy.random.RandomState or None, default=None
        Fixes weights and rows. The seed of a class depends on this and on its label alone: a class
        gets the same generator whichever other classes are resampled, unless the variant learns all
        of them in one.
    categorical_features : None, "auto" or array-like, default=None
        Columns whose values are levels and not amounts, whatever their dtype: positions, names or a
        mask of shape (n_features,). ``"auto"``: those of a categorical dtype. The kinds of the
        other columns, with None of all, are inferred.
    variant : str, default="flow"
        How to learn; one of `raregan.VARIANTS`.
    kinds : mapping of column to str, optional
        Kind of a column where it is not to be inferred, as of `RareGAN`; an array's columns are
        called by position. Goes before `categorical_features`.
    constraints : sequence of str, default=()
        Rules that every new row keeps, as of `RareGAN`; an array's columns are called ``x0``,
        ``x1``, ...
    on_few : {"raise", "smote"}, default="raise"
        What to do about a class of fewer rows than can be learned from
        (`raregan.data.table.MIN_RARE_ROWS`): raise, or warn and use SMOTE (SMOTENC for mixed
        columns, SMOTEN for categories alone, copies of its rows where none of these can).
    epochs : int, optional
        Passes over the rows of a class; with evidence a limit, as of `RareGAN`.
    batch_size : int, optional
        Rows in a step; all those of a class where it has fewer.
    latent_dim : int, optional
        Length of the latent vector.
    learning_rate : float, optional
        Adam's, for both networks.
    numeric_encoding : {"quantile", "standard"}, optional
        How numbers are encoded.
    evidence : bool, optional
        Whether training is stopped by how rows compare with held-out ones, as of `RareGAN`.
    solver_steps : int, optional
        Steps along a flow when sampling, as of `RareGAN`.
    max_minutes : float, optional
        Wall-clock limit of training, in minutes a class.
    settings : mapping of str to value, optional
        Other options of training by their names, as of `RareGAN`.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class to number of new rows.
    generators_ : dict
        Class to its fitted `RareGAN`, of those that were trained; one for all where the variant
        learns every class (``"cgan"``, ``"cwgan-gp"``).
    fallbacks_ : dict
        Class to the name of the method that made its rows in place of a generator.
    sample_is_synthetic_ : ndarray of shape (n_resampled,), bool
        Which rows of the last result are new.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names, where all are text.

    See Also
    --------
    raregan.RareGAN : The generator behind it, for one class.
    imblearn.over_sampling.SMOTE : Rows on lines between neighbours.
    imblearn.over_sampling.RandomOverSampler : Copies.

    Notes
    -----
    Resample the training rows only: in an `imblearn.pipeline.Pipeline` that is what happens in each
    fold. Sparse matrices are made dense for training, and given back in their format.

    Whether new rows help a classifier is to be measured, against the same classifier without them.

    Examples
    --------
    >>> from raregan import GANOverSampler, make_card_fraud
    >>> table = make_card_fraud(2_000, 100)
    >>> sampler = GANOverSampler(sampling_strategy=0.1, epochs=2, random_state=0)
    >>> X, y = sampler.fit_resample(table.drop("Class"), table["Class"])
    >>> X.shape, int(y.sum()), int(sampler.sample_is_synthetic_.sum())
    ((2090, 29), 190, 90)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,  # noqa: SLF001 - imbalanced-learn's way
        "categorical_features": ["array-like", StrOptions({"auto"}), None],
        "variant": [str],
        "kinds": [Mapping, None],
        "constraints": ["array-like"],
        "on_few": [StrOptions({"raise", "smote"})],
        "epochs": [Integral, None],
        "batch_size": [Integral, None],
        "latent_dim": [Integral, None],
        "learning_rate": [Real, None],
        "numeric_encoding": [StrOptions(set(NUMERIC_ENCODINGS)), None],
        "evidence": ["boolean", None],
        "solver_steps": [Integral, None],
        "max_minutes": [Real, None],
        "settings": [Mapping, None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        categorical_features: str | ArrayLike | None = None,
        variant: str = VARIANT,
        kinds: Mapping[Any, str] | None = None,
        constraints: Sequence[str] = (),
        on_few: str = "raise",
        epochs: int | None = None,
        batch_size: int | None = None,
        latent_dim: int | None = None,
        learning_rate: float | None = None,
        numeric_encoding: str | None = None,
        evidence: bool | None = None,
        solver_steps: int | None = None,
        max_minutes: float | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.categorical_features = categorical_features
        self.variant = variant
        self.kinds = kinds
        self.constraints = constraints
        self.on_few = on_few
        self.epochs = epochs
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.numeric_encoding = numeric_encoding
        self.evidence = evidence
        self.solver_steps = solver_steps
        self.max_minutes = max_minutes
        self.settings = settings

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Train a generator for each class that is to grow, and add its rows.

        Parameters
        ----------
        X : array-like, sparse matrix, or pandas, polars or pyarrow table of shape (n, n_features)
            The rows, of any dtypes that `RareGAN` learns; missing values too.
        y : array-like of shape (n,), (n, 1) or, one-hot, (n, n_classes)
            Their classes.

        Returns
        -------
        X_resampled : of the type of `X`, (n_resampled, n_features)
            The rows of `X`, untouched and in their order, then the new ones, class after class in
            the order of `sampling_strategy_`. Dtypes and columns are those of `X`; the index of a
            pandas frame counts from 0.
        y_resampled : of the type and dtype of `y`
            Their classes.

        Raises
        ------
        UserError
            If `X` or an option is at fault.
        TooFewRowsError
            If a class has too few rows, unless ``on_few="smote"``.
        ValueError
            If `y` or `sampling_strategy` is at fault.
        """
        # The base class would send every frame through one NumPy array and back through pandas.
        self._validate_params()
        table, labels, _ = self._check_X_y(X, y)
        self.sampling_strategy_ = check_sampling_strategy(
            self.sampling_strategy, labels, self._sampling_type
        )
        resampled, new_labels = self._fit_resample(table, labels)
        if isinstance(X, list | tuple):
            resampled = [*map(list, X), *resampled[len(labels) :].tolist()]
        # The first row of a class stands for its label, in whatever form y has it.
        _, first, inverse = np.unique(new_labels, return_index=True, return_inverse=True)
        rows = first[inverse]
        rows[: len(labels)] = np.arange(len(labels))
        return resampled, _take(y, rows)

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:  # noqa: N802, N803
        """Check shapes; leave frames, text and missing values as they are."""
        if is_pandas(X) and not X.columns.is_unique:
            twice = X.columns[X.columns.duplicated()].unique().tolist()
            raise SchemaError(f"more than one column is named {listed(twice)}: rename all but one")
        if isinstance(y, pl.Series | pl.DataFrame) or _is_pyarrow(y):
            y = y.to_numpy()
        check_classification_targets(y)
        labels, one_hot = check_target_type(y, indicate_one_vs_all=True)
        if not (is_pandas(X) or isinstance(X, pl.DataFrame) or _is_pyarrow(X)):
            if isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
                X = np.array(X, dtype=object)  # noqa: N806 - text must not swallow numbers
            X = check_array(  # noqa: N806
                X, dtype=None, accept_sparse=("csr", "csc"), ensure_all_finite=False
            )
        check_consistent_length(X, labels)
        validate_data(self, X=X, y=labels, reset=True, skip_check_array=True)
        return X, labels, one_hot

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:  # noqa: N803
        wanted = {label: n for label, n in self.sampling_strategy_.items() if n}
        counts = {label: int(np.sum(y == label)) for label in wanted}
        few = {label: n for label, n in counts.items() if n < MIN_RARE_ROWS}
        if few and self.on_few == "raise":
            label, n = next(iter(few.items()))
            raise TooFewRowsError(
                f"class {_plain(label)!r} has {n} rows: at least {MIN_RARE_ROWS} are needed; add "
                "rows, leave the class out of sampling_strategy, or set on_few='smote'"
            )
        root = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        learnable = _Learnable.of(X)
        self.generators_: dict[Any, RareGAN] = {}
        self.fallbacks_: dict[Any, str] = {}
        parts = []
        learned = {label: counts[label] for label in wanted if label not in few}
        for label, n in wanted.items():
            seed = _class_seed(root, label)
            if label in few:
                parts.append(self._fall_back(learnable, y, label, n, seed))
                continue
            rare = self._rare_for(label, learned)
            if rare not in self.generators_:
                gan = self._generator(learnable, rare, learned[rare], _class_seed(root, rare))
                self.generators_[rare] = gan.fit(learnable.frame, y)
            self.generators_[label] = self.generators_[rare]
            rows = self.generators_[label].sample(n, label=_plain(label), random_state=seed)
            parts.append(learnable.restore(rows))
        self.sample_is_synthetic_ = np.arange(len(y) + sum(wanted.values())) >= len(y)
        labels = np.repeat(np.array(list(wanted), dtype=y.dtype), list(wanted.values()))
        return _stack([X, *parts]), np.concatenate([y, labels])

    def _rare_for(self, label: Any, learned: Mapping[Any, int]) -> Any:
        """Return the class that is the rare one of the generator that makes rows of `label`.

        A variant that learns every class does so once, with the smallest as the rare one.
        """
        if not get_variant(self.variant).learns_classes:
            return label
        return min(learned, key=lambda label: (learned[label], repr(_plain(label))))

    def _generator(self, learnable: _Learnable, label: Any, n_rows: int, seed: int) -> RareGAN:
        """Return the untrained generator of a class of `n_rows` rows."""
        options = {name: getattr(self, name) for name in _TRAINING}
        if self.batch_size is not None:  # one option serves classes of many sizes
            options["batch_size"] = min(self.batch_size, n_rows)
        target = DEFAULT_TARGET
        while target in learnable.names:
            target += "_"
        return RareGAN(
            **options,
            variant=self.variant,
            target=target,
            rare=_plain(label),
            kinds=self._kinds(learnable) or None,
            constraints=self.constraints,
            random_state=seed,
        )

    def _kinds(self, learnable: _Learnable) -> dict[str, str]:
        """Return the kinds that the user has chosen, by name of column."""
        names = learnable.names
        if isinstance(self.categorical_features, str):
            chosen = learnable.of_categorical_dtype()
        elif self.categorical_features is None:
            chosen = []
        else:
            chosen = _positions(np.asarray(self.categorical_features), names)
        known = dict(zip(learnable.labels, names, strict=True))
        given = self.kinds or {}
        return {names[i]: "categorical" for i in chosen} | {
            known.get(column, column): kind for column, kind in given.items()
        }

    def _fall_back(
        self, learnable: _Learnable, y: NDArray[Any], label: Any, n: int, seed: int
    ) -> Any:
        """Make the rows of a class that is too small to learn from."""
        members = np.flatnonzero(y == label)
        no_amounts = {"categorical", "boolean", "identifier", "text"}
        chosen = {name for name, kind in self._kinds(learnable).items() if kind in no_amounts}
        try:
            method, rows = _smote(learnable.to_pandas(), y, label, n, chosen=chosen, seed=seed)
            rows = learnable.restore(learnable.from_pandas(rows))
        except (TypeError, ValueError):  # a missing value, one row alone, dates ...
            method = "RandomOverSampler"
            rows = _take(learnable.X, np.random.default_rng(seed).choice(members, n))
        self.fallbacks_[label] = method
        warnings.warn(
            f"class {_plain(label)!r} has {len(members)} rows and {MIN_RARE_ROWS} are needed: "
            f"its {n:,} new rows are made by {method}",
            RareGANWarning,
            stacklevel=4,
        )
        return rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


@dataclass(frozen=True)
class _Learnable:
    """A table as `RareGAN` reads it, and the way of new rows back to the type of `X`."""

    X: Any
    """As `GANOverSampler` checked it: a frame, an array or a sparse matrix."""
    frame: Any
    """`X` itself for polars and pyarrow, else a plain pandas frame."""
    labels: list[Any]
    """What the user calls the columns: their labels, or the positions in an array."""
    names: list[str]
    """Their names in `frame`."""

    @classmethod
    def of(cls, X: Any) -> Self:  # noqa: N803
        import pandas as pd

        if isinstance(X, pl.DataFrame):
            return cls(X, X, X.columns, X.columns)
        if _is_pyarrow(X):
            return cls(X, X, X.column_names, X.column_names)
        if is_pandas(X):
            labels, names = list(X.columns), [str(label) for label in X.columns]
            dense = {
                name: dtype.subtype
                for name, dtype in zip(names, X.dtypes, strict=True)
                if isinstance(dtype, pd.SparseDtype)
            }
            frame = X.set_axis(names, axis=1).reset_index(drop=True).astype(dense)
            return cls(X, frame, labels, names)
        names = [f"x{i}" for i in range(X.shape[1])]
        values = X if isinstance(X, np.ndarray) else X.toarray()
        if values.dtype == np.float16:
            values = values.astype(np.float32)
        frame = pd.DataFrame(values, columns=names).infer_objects()
        return cls(X, frame, list(range(len(names))), names)

    def of_categorical_dtype(self) -> list[int]:
        """Return the positions of the columns whose dtype says that they hold levels."""
        kinds: tuple[type, ...]
        if isinstance(self.frame, pl.DataFrame):
            dtypes, kinds = self.frame.dtypes, (pl.Categorical, pl.Enum)
        elif is_pandas(self.frame):
            import pandas as pd

            dtypes, kinds = list(self.frame.dtypes), (pd.CategoricalDtype,)
        else:
            import pyarrow as pa

            dtypes, kinds = self.frame.schema.types, (pa.DictionaryType,)
        return [i for i, dtype in enumerate(dtypes) if isinstance(dtype, kinds)]

    def to_pandas(self) -> Any:
        return self.frame if is_pandas(self.frame) else self.frame.to_pandas()

    def from_pandas(self, rows: Any) -> Any:
        """Return rows of pandas in the library of `frame`."""
        if isinstance(self.frame, pl.DataFrame):
            return pl.from_pandas(rows)
        if is_pandas(self.frame):
            return rows
        import pyarrow as pa

        return pa.Table.from_pandas(rows, preserve_index=False)

    def restore(self, rows: Any) -> Any:
        """Return rows like `frame`, with or without a target, in the type and dtypes of `X`."""
        if isinstance(self.X, pl.DataFrame):
            return rows.select(self.X.columns).cast(self.X.schema)
        if _is_pyarrow(self.X):
            return rows.select(self.X.column_names).cast(self.X.schema)
        rows = rows[self.names]
        if is_pandas(self.X):
            return rows.set_axis(self.X.columns, axis=1).astype(self.X.dtypes)
        if not isinstance(self.X, np.ndarray):
            return type(self.X)(rows.to_numpy(dtype=self.X.dtype))
        if self.X.dtype != object:
            return rows.to_numpy(dtype=self.X.dtype)
        return _with_markers(rows.to_numpy(dtype=object, copy=True), self.X)


def _with_markers(rows: NDArray[Any], original: NDArray[Any]) -> NDArray[Any]:
    """Write what is missing as each column of the original does: None, NaN ..."""
    import pandas as pd

    for new, old in zip(rows.T, original.T, strict=True):
        if (missing := pd.isna(new)).any():
            new[missing] = old[pd.isna(old)][0]
    return rows


def _smote(
    frame: Any, y: NDArray[Any], label: Any, n: int, *, chosen: set[str], seed: int
) -> tuple[str, Any]:
    """Return the name of the SMOTE for these columns, and its `n` rows of a class."""
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    amounts = {
        name
        for name, dtype in frame.dtypes.items()
        if name not in chosen and is_numeric_dtype(dtype) and not is_bool_dtype(dtype)
    }
    of_class = y == label
    # Neighbours are sought within the class: what is missing in other rows need not matter.
    used = of_class | frame.notna().all(axis=1).to_numpy()
    n_class = int(of_class.sum())
    options = {
        "sampling_strategy": {label: n_class + n},
        "k_neighbors": min(SMOTE_NEIGHBORS, n_class - 1),
        "random_state": seed,
    }
    if len(amounts) == frame.shape[1]:
        sampler = SMOTE(**options)
    elif not amounts:
        sampler = SMOTEN(**options)
    else:
        levels = [i for i, name in enumerate(frame.columns) if name not in amounts]
        sampler = SMOTENC(categorical_features=levels, **options)
    rows, _ = sampler.fit_resample(frame[used], y[used])
    return type(sampler).__name__, rows.iloc[int(used.sum()) :]


def _positions(chosen: NDArray[Any], names: list[str]) -> list[int]:
    """Return the positions that a mask, positions or names stand for."""
    n = len(names)
    if chosen.dtype.kind == "b":
        if chosen.shape != (n,):
            raise UserError(
                f"categorical_features is a mask of shape {chosen.shape}, and X has {n} columns"
            )
        return np.flatnonzero(chosen).tolist()
    if chosen.dtype.kind not in "iu":
        return [names.index(known_column(names, str(name))) for name in chosen]
    outside = chosen[(chosen < -n) | (chosen >= n)]
    if outside.size:
        raise UserError(
            f"categorical_features has {listed(outside.tolist())}, and X has {n} columns: "
            "they are counted from 0"
        )
    return (chosen % n).tolist()  # type: ignore[no-any-return]


def _take(data: Any, rows: NDArray[np.intp]) -> Any:
    """Return rows of a frame, a series, an array or a list, in its own type."""
    if hasattr(data, "iloc"):
        return data.iloc[rows].reset_index(drop=True)
    if _is_pyarrow(data):
        return data.take(rows)
    if isinstance(data, list | tuple):
        return [data[row] for row in rows]
    return data[rows]


def _stack(parts: list[Any]) -> Any:
    """Put tables of one type, columns and dtypes below each other."""
    first = parts[0]
    if isinstance(first, pl.DataFrame):
        return pl.concat(parts)
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if is_pandas(first):
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    if _is_pyarrow(first):
        import pyarrow as pa

        return pa.concat_tables(parts)
    from scipy import sparse

    return sparse.vstack(parts, format=first.format, dtype=first.dtype)


def _class_seed(root: int, label: Any) -> int:
    """Derive the seed of a class from its label, so that no other class matters."""
    digest = hashlib.sha256(repr(_plain(label)).encode()).digest()
    sequence = np.random.SeedSequence(root, spawn_key=(int.from_bytes(digest[:8], "big"),))
    return int(sequence.generate_state(1)[0])


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _is_pyarrow(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pyarrow"
