import doctest
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from pandas.testing import assert_frame_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from raregan import oversampler
from raregan.config import VARIANT
from raregan.errors import RareGANWarning, SchemaError, TooFewRowsError, UserError
from raregan.oversampler import GANOverSampler
from tests.conftest import QUICK

TINY = {"epochs": 1, "latent_dim": 2, "random_state": 0, **QUICK}
SIZES = (60, 18, 12)  # rows of the classes 0, 1 and 2


def numbers():
    """Return (90, 3) floats and labels 0, 1, 2, shuffled."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(90, 3)), rng.permutation(np.repeat([0, 1, 2], SIZES))


def mixed(n_rows=200, n_rare=40):
    """Return a frame of amounts, counts, text, levels, dates and flags, some missing; and y."""
    rng = np.random.default_rng(1)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    y = (np.arange(n_rows) < n_rare).astype(np.int8)
    frame = pl.DataFrame(
        {
            "amount": np.round(rng.exponential(50, n_rows), 2),
            "items": rng.poisson(3, n_rows).astype(np.int16),
            "channel": rng.choice(["web", "shop", "télé"], n_rows),
            "risk": pl.Series(rng.choice(["low", "high"], n_rows), dtype=pl.Enum(["low", "high"])),
            "time": [start + timedelta(minutes=int(m)) for m in rng.integers(0, 90_000, n_rows)],
            "online": rng.random(n_rows) < 0.5,
        }
    )
    holes = pl.Series(rng.random(n_rows) < 0.2)
    return frame.with_columns(
        pl.when(~holes).then(pl.col("amount", "items", "channel")).name.keep()
    ), y


def new_rows(sampler, resampled):
    return resampled[int(np.sum(~sampler.sample_is_synthetic_)) :]


@pytest.fixture(scope="module")
def fitted():
    """Return a fitted sampler and what it gave, of three classes of numbers."""
    sampler = GANOverSampler(**TINY)
    return sampler, *sampler.fit_resample(*numbers())


def test_classes_grow_to_the_largest_originals_first(fitted):
    sampler, X, y = fitted
    X_in, y_in = numbers()
    assert X[:90].tobytes() == X_in.tobytes()
    np.testing.assert_array_equal(y, [*y_in, *[1] * 42, *[2] * 48])
    np.testing.assert_array_equal(sampler.sample_is_synthetic_, np.arange(180) >= 90)
    assert sampler.sampling_strategy_ == {1: 42, 2: 48}
    assert list(sampler.generators_) == [1, 2]
    assert sampler.fallbacks_ == {}
    assert sampler.n_features_in_ == 3


def test_rows_are_those_of_the_class_generator(fitted):
    sampler, X, _ = fitted
    for label, start, n in ((1, 90, 42), (2, 132, 48)):
        rows = sampler.generators_[label].sample(n)
        np.testing.assert_array_equal(rows[["x0", "x1", "x2"]].to_numpy(), X[start : start + n])
        assert (rows["Class"] == label).all()


ARRAYS = {
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "fortran": np.asfortranarray,
    "int": lambda X: np.round(X * 10).astype(np.int32),
    "negative zero": lambda X: np.where(X < 0, -0.0, X),
    "object": lambda X: X.astype(object),
}


@pytest.mark.filterwarnings("ignore:.*exact copies")
@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
def test_arrays_keep_dtype_and_bits(make):
    X, y = numbers()
    X = make(X)
    before = X.copy()
    resampled, _ = GANOverSampler(**TINY).fit_resample(X, y)
    assert isinstance(resampled, np.ndarray)
    assert resampled.dtype == X.dtype
    assert resampled.shape == (180, 3)
    np.testing.assert_array_equal(X, before)
    if X.dtype == object:
        assert resampled[:90].tolist() == X.tolist()
        assert {type(value) for value in resampled.ravel()} == {float}
    else:
        assert resampled[:90].tobytes() == X.tobytes()  # -0.0 is not 0.0


@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array]
)
def test_sparse_keeps_its_format(make, fitted):
    X, y = numbers()
    resampled, _ = GANOverSampler(**TINY).fit_resample(make(X), y)
    assert type(resampled) is make
    np.testing.assert_array_equal(resampled.toarray(), fitted[1])


def test_lists_come_back_as_lists(fitted):
    X, y = numbers()
    resampled, labels = GANOverSampler(**TINY).fit_resample(X.tolist(), y.tolist())
    assert resampled == fitted[1].tolist()
    assert labels == fitted[2].tolist()


@pytest.mark.parametrize("labels", [["a", "b", "Class"], [0, 1, 2], [("a", 1), ("a", 2), ("b", 1)]])
def test_pandas_keeps_its_columns_and_counts_rows_anew(labels, fitted):
    X, y = numbers()
    columns = pd.MultiIndex.from_tuples(labels) if isinstance(labels[0], tuple) else labels
    frame = pd.DataFrame(X, columns=columns, index=np.arange(90) * 7)
    series = pd.Series(y, name="Class", index=frame.index, dtype="int8")
    resampled, new = GANOverSampler(**TINY).fit_resample(frame, series)
    assert_frame_equal(resampled, pd.DataFrame(fitted[1], columns=columns))
    pd.testing.assert_series_equal(new, pd.Series(fitted[2], name="Class", dtype="int8"))


def test_polars_stays_polars(fitted):
    X, y = numbers()
    frame = pl.DataFrame(X, schema=["a", "b", "c"])
    resampled, new = GANOverSampler(**TINY).fit_resample(frame, pl.Series("k", y, dtype=pl.UInt8))
    assert resampled.equals(pl.DataFrame(fitted[1], schema=["a", "b", "c"]))
    assert new.equals(pl.Series("k", fitted[2], dtype=pl.UInt8), check_dtypes=True)
    assert new.name == "k"


def test_pyarrow_stays_pyarrow(fitted):
    X, y = numbers()
    frame = pa.table({name: X[:, i] for i, name in enumerate("abc")})
    resampled, new = GANOverSampler(**TINY).fit_resample(frame, pa.chunked_array([y]))
    assert resampled.schema == frame.schema
    np.testing.assert_array_equal(np.column_stack(resampled.columns), fitted[1])
    assert new.to_pylist() == fitted[2].tolist()


LABELS = {
    "strings": (lambda y: np.array(["no", "low", "high"])[y], "U4"),
    "objects": (lambda y: np.array(["no", "low", "high"], dtype=object)[y], "O"),
    "list": (lambda y: [["no", "low", "high"][i] for i in y], None),
    "int8": (lambda y: y.astype(np.int8), "int8"),
    "category": (lambda y: pd.Series(pd.Categorical(y, [2, 1, 0], ordered=True)), None),
    "nullable": (lambda y: pd.Series(y, dtype="Int64"), None),
    "text": (lambda y: pd.Series(y).astype("string"), None),
    "a column": (lambda y: pd.DataFrame({"k": y}), None),
    "one-hot": (lambda y: np.eye(3, dtype=np.int16)[y], "int16"),
    "polars text": (lambda y: pl.Series("k", y).cast(pl.String), None),
    "polars column": (lambda y: pl.DataFrame({"k": y}), None),
}


@pytest.mark.parametrize(("make", "dtype"), LABELS.values(), ids=LABELS)
def test_labels_keep_their_form(make, dtype):
    X, y = numbers()
    given = make(y)
    _, labels = GANOverSampler(**TINY, sampling_strategy="minority").fit_resample(X, given)
    assert type(labels) is type(given)
    assert len(labels) == 90 + 48
    if isinstance(given, np.ndarray):
        assert labels.dtype == dtype
        assert labels[:90].tobytes() == given.tobytes() or dtype == "O"
    expected = make(np.concatenate([y, [2] * 48]))
    assert str(labels) == str(expected)
    assert np.array_equal(np.asarray(labels), np.asarray(expected))


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("minority", {2: 48}),
        ("not minority", {0: 0, 1: 42}),
        ("all", {0: 0, 1: 42, 2: 48}),
        ({2: 20}, {2: 8}),
        (lambda y: {1: int(np.sum(y == 0)) - 30}, {1: 12}),
    ],
)
def test_every_form_of_strategy(strategy, expected):
    X, y = numbers()
    sampler = GANOverSampler(**TINY, sampling_strategy=strategy)
    _, labels = sampler.fit_resample(X, y)
    assert sampler.sampling_strategy_ == expected
    grown = [label for label, n in expected.items() for _ in range(n)]
    np.testing.assert_array_equal(labels[90:], grown)
    assert list(sampler.generators_) == [label for label, n in expected.items() if n]


def test_a_ratio_of_two_classes():
    X, y = numbers()
    sampler = GANOverSampler(**TINY, sampling_strategy=0.5)
    _, labels = sampler.fit_resample(X[y < 2], y[y < 2] == 1)
    assert labels.dtype == bool
    assert labels.sum() == 30


def test_a_balanced_table_is_left_as_it_is():
    X, _ = numbers()
    sampler = GANOverSampler()
    resampled, labels = sampler.fit_resample(X[:4], np.array([0, 1, 0, 1]))
    np.testing.assert_array_equal(resampled, X[:4])
    assert labels.tolist() == [0, 1, 0, 1]
    assert not sampler.sample_is_synthetic_.any()
    assert sampler.generators_ == {}


@pytest.mark.parametrize("strategy", [1.5, "majority", {9: 50}, {1: 3}, ["a"]])
def test_an_impossible_strategy_is_told(strategy):
    with pytest.raises(ValueError, match=r"sampling_strategy|not present|greater or equal"):
        GANOverSampler(**TINY, sampling_strategy=strategy).fit_resample(*numbers())


def test_the_seed_fixes_the_rows(fitted):
    X, y = numbers()
    options = TINY | {"random_state": 1}
    other, _ = GANOverSampler(**options).fit_resample(X, y)
    assert not np.array_equal(other, fitted[1])
    state, _ = GANOverSampler(**TINY | {"random_state": np.random.RandomState(0)}).fit_resample(
        X, y
    )
    np.testing.assert_array_equal(state, fitted[1])
    seeds = {gan.random_state for gan in fitted[0].generators_.values()}
    assert len(seeds) == 2


def test_the_rows_of_a_class_depend_on_no_other_class(fitted):
    X, y = numbers()
    alone, _ = GANOverSampler(**TINY, sampling_strategy={2: 60}).fit_resample(X, y)
    np.testing.assert_array_equal(alone[90:], fitted[1][132:])
    fewer, _ = GANOverSampler(**TINY).fit_resample(X[y != 1], y[y != 1])
    np.testing.assert_array_equal(fewer[72:], fitted[1][132:])


def test_a_variant_of_classes_learns_them_in_one_model():
    X, y = numbers()
    options = {"epochs": 1, "latent_dim": 2, "random_state": 0, "evidence": False}
    sampler = GANOverSampler(variant="cgan", **options)
    resampled, labels = sampler.fit_resample(X, y)
    assert np.bincount(labels).tolist() == [60, 60, 60]
    first, second = sampler.generators_[1], sampler.generators_[2]
    assert first is second
    assert first.classes_ == [2, 0, 1]  # the smallest is the rare one
    made = resampled[len(y) :]
    seeds = [oversampler._class_seed(_root(0), label) for label in (1, 2)]
    expected = [
        first.sample(n, label=label, random_state=seed)
        for n, label, seed in zip((42, 48), (1, 2), seeds, strict=True)
    ]
    assert np.array_equal(made, np.concatenate([rows[["x0", "x1", "x2"]] for rows in expected]))


def _root(random_state):
    return int(np.random.RandomState(random_state).randint(np.iinfo(np.int32).max))


def test_a_batch_is_at_most_the_rows_of_a_class():
    sampler = GANOverSampler(**TINY, batch_size=15)
    sampler.fit_resample(*numbers())
    assert [gan.batch_size for gan in sampler.generators_.values()] == [15, 12]


def test_options_reach_the_generators():
    options = {"learning_rate": 1e-3, "numeric_encoding": "standard", "max_minutes": 1.0}
    options |= {"evidence": True, "settings": {"jitter": 0.4}}
    sampler = GANOverSampler(
        epochs=1, latent_dim=2, random_state=0, **options, sampling_strategy="minority"
    )
    sampler.fit_resample(*numbers())
    given = sampler.generators_[2].get_params()
    assert {name: given[name] for name in options} == options
    assert given["variant"] == VARIANT
    assert sampler.generators_[2].model_.config.training.jitter == 0.4
    assert sampler.generators_[2].history_["evidence_told_apart"]
    assert given["rare"] == 2


def test_two_settings_that_say_how_long_to_train_are_refused():
    sampler = GANOverSampler(settings={"epochs": 2, "steps": 10}, random_state=0)
    with pytest.raises(UserError, match="settings have both epochs .* and steps"):
        sampler.fit_resample(*numbers())


@pytest.mark.parametrize(
    "option", [{"epochs": 0}, {"variant": "nosuch"}, {"on_few": "ignore"}, {"batch_size": 1}]
)
def test_a_bad_option_is_told(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        GANOverSampler(**option).fit_resample(*numbers())


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (None, {}),
        ([0, -1], {"x0": "categorical", "x2": "categorical"}),
        (np.array([False, True, False]), {"x1": "categorical"}),
        (["x2"], {"x2": "categorical"}),
        ("auto", {}),
    ],
)
def test_categorical_features_of_an_array(features, expected):
    learnable = oversampler._Learnable.of(numbers()[0])
    sampler = GANOverSampler(categorical_features=features)
    assert sampler._kinds(learnable) == expected


def test_kinds_are_called_as_the_user_calls_columns():
    X, _ = numbers()
    sampler = GANOverSampler(categorical_features=[0, 1], kinds={1: "integer", "x2": "integer"})
    expected = {"x0": "categorical", "x1": "integer", "x2": "integer"}
    assert sampler._kinds(oversampler._Learnable.of(X)) == expected
    frame = pd.DataFrame(X, columns=[5, 1, "x2"])  # of several types: named as str() writes them
    expected = {"5": "categorical", "1": "integer", "x2": "integer"}
    assert sampler._kinds(oversampler._Learnable.of(frame)) == expected


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_auto_finds_the_columns_of_a_categorical_dtype(library):
    frame, _ = mixed()
    frame = frame.with_columns(pl.col("channel").cast(pl.Categorical))
    frame = {"pandas": frame.to_pandas, "pyarrow": frame.to_arrow}.get(library, frame.clone)()
    kinds = GANOverSampler(categorical_features="auto")._kinds(oversampler._Learnable.of(frame))
    assert kinds == {"channel": "categorical", "risk": "categorical"}


@pytest.mark.parametrize(
    ("features", "match"),
    [
        ([3], r"has 3, and X has 3 columns"),
        ([True], r"a mask of shape \(1,\), and X has 3 columns"),
        (["x_1"], "did you mean 'x1'"),
    ],
)
def test_categorical_features_that_are_not_there(features, match):
    with pytest.raises(UserError, match=match):
        GANOverSampler(**TINY, categorical_features=features).fit_resample(*numbers())


def few(n):
    """Return numbers of class 0, and `n` rows of class 1."""
    X, _ = numbers()
    return X[: 60 + n], np.repeat([0, 1], [60, n])


def test_too_few_rows_are_told_before_any_training():
    X, y = few(4)
    with pytest.raises(TooFewRowsError, match=r"class 1 has 4 rows: at least 10 .*on_few='smote'"):
        GANOverSampler().fit_resample(X, y)


def test_smote_stands_in_for_a_class_that_is_too_small():
    X, y = few(4)
    sampler = GANOverSampler(**TINY, on_few="smote")
    with pytest.warns(RareGANWarning, match="class 1 has 4 rows .* made by SMOTE") as record:
        resampled, labels = sampler.fit_resample(X, y)
    assert record[0].filename == __file__
    assert sampler.fallbacks_ == {1: "SMOTE"}
    assert sampler.generators_ == {}
    assert resampled[:64].tobytes() == X.tobytes()
    assert labels.tolist() == [*y, *[1] * 56]
    new = new_rows(sampler, resampled)
    assert (new >= X[y == 1].min(axis=0)).all()
    assert (new <= X[y == 1].max(axis=0)).all()
    assert not (new[:, None] == X).all(axis=2).any()
    with pytest.warns(RareGANWarning):
        again, _ = clone(sampler).fit_resample(X, y)
    np.testing.assert_array_equal(again, resampled)


def test_a_gan_and_smote_side_by_side(fitted):
    X, y = numbers()
    keep = np.flatnonzero(y != 1).tolist() + np.flatnonzero(y == 1)[:3].tolist()
    sampler = GANOverSampler(**TINY, on_few="smote")
    with pytest.warns(RareGANWarning, match="class 1 has 3 rows"):
        _, labels = sampler.fit_resample(X[keep], y[keep])
    assert list(sampler.generators_) == [2]
    assert sampler.fallbacks_ == {1: "SMOTE"}
    np.testing.assert_array_equal(labels[75:], [*[1] * 57, *[2] * 48])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize(
    ("columns", "method"),
    [
        (["amount"], "SMOTE"),
        (["amount", "channel", "risk"], "SMOTENC"),
        (["channel", "risk", "online"], "SMOTEN"),
    ],
)
def test_the_fall_back_suits_the_columns(library, columns, method):
    frame, y = mixed(n_rare=6)
    frame = frame.select(columns)
    whole = frame.with_columns(
        frame.select(pl.all().fill_null(strategy="forward").fill_null(strategy="backward"))
        .head(6)
        .vstack(frame.slice(6))
    )  # what is missing in the other rows does not matter
    X = {"pandas": whole.to_pandas, "pyarrow": whole.to_arrow}.get(library, whole.clone)()
    sampler = GANOverSampler(**TINY, on_few="smote", sampling_strategy={1: 30})
    with pytest.warns(RareGANWarning, match=f"made by {method}$"):
        resampled, _ = sampler.fit_resample(X, y)
    back = pl.from_pandas(resampled) if library == "pandas" else pl.DataFrame(resampled)
    before = pl.from_pandas(X) if library == "pandas" else pl.DataFrame(X)
    assert back.schema == before.schema
    assert back.head(200).equals(before)
    assert back.slice(200).height == 24
    assert back.slice(200).null_count().sum_horizontal().item() == 0
    for name in set(columns) - {"amount"}:
        assert set(back[name][200:]) <= set(before[name][:6])


@pytest.mark.parametrize("n", [1, 4])
def test_rows_are_copied_where_no_smote_can(n):
    X, y = few(n)
    if n > 1:
        X[-1, 0] = np.nan
    sampler = GANOverSampler(**TINY, on_few="smote")
    with pytest.warns(RareGANWarning, match="made by RandomOverSampler"):
        resampled, _ = sampler.fit_resample(X, y)
    own = {row.tobytes() for row in X[y == 1]}
    assert {row.tobytes() for row in new_rows(sampler, resampled)} == own


def test_clones_and_pickles(fitted):
    sampler, X, _ = fitted
    copy = pickle.loads(pickle.dumps(sampler))  # noqa: S301
    assert copy.get_params() == sampler.get_params()
    rows = copy.generators_[2].sample(48)
    np.testing.assert_array_equal(rows[["x0", "x1", "x2"]].to_numpy(), X[132:])
    again, _ = clone(copy).fit_resample(*numbers())
    np.testing.assert_array_equal(again, X)
    assert "epochs=1" in repr(sampler)


def test_a_column_of_the_same_name_twice_is_told():
    X, y = numbers()
    frame = pd.DataFrame(X, columns=["a", "b", "a"])
    with pytest.raises(SchemaError, match="'a'"):
        GANOverSampler(**TINY).fit_resample(frame, y)


def test_text_in_a_list_or_array_swallows_no_numbers():
    X = [[i * 37 % 101, "ab"[i % 2]] for i in range(40)]
    y = [0] * 25 + [1] * 15
    resampled, _ = GANOverSampler(**TINY).fit_resample(X, y)
    assert resampled[:40] == X
    assert {type(number) for number, _ in resampled} == {int}
    assert {text for _, text in resampled} == {"a", "b"}


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_what_is_missing_in_objects_stays_written_as_it_was(missing):
    X, y = numbers()
    X = X.astype(object)
    X[::3, 1] = missing
    resampled, _ = GANOverSampler(**TINY).fit_resample(X, y)
    new = resampled[90:, 1]
    assert all(value is missing for value in new[pd.isna(new)])
    assert resampled[:90].tolist()[0][1] is missing


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_mixed_tables_come_out_as_they_came_in(library):
    frame, y = mixed()
    X = {"pandas": frame.to_pandas, "pyarrow": frame.to_arrow}.get(library, frame.clone)()
    if library == "pandas":
        X = X.astype({"items": "Int16", "channel": "category"})
    sampler = GANOverSampler(**TINY, sampling_strategy=0.5)
    resampled, labels = sampler.fit_resample(X, y)
    assert labels.sum() == 80
    assert type(resampled) is type(X)
    back = pl.from_pandas(resampled) if library == "pandas" else pl.DataFrame(resampled)
    before = pl.from_pandas(X) if library == "pandas" else pl.DataFrame(X)
    assert back.schema == before.schema
    assert back.head(200).equals(before)
    if library == "pandas":
        assert_frame_equal(resampled.iloc[:200], X)
        assert resampled.dtypes.equals(X.dtypes)
    for name in ("channel", "risk"):
        assert set(back[name][200:]) <= set(before[name][:40])


def test_pandas_categories_that_are_numbers_stay_so():
    X, y = numbers()
    frame = pd.DataFrame({"a": X[:, 0], "grade": pd.Categorical(np.arange(90) % 4, [3, 2, 1, 0])})
    resampled, _ = GANOverSampler(**TINY).fit_resample(frame, y)
    assert resampled.dtypes.equals(frame.dtypes)
    assert resampled["grade"].notna().all()


def test_levels_and_missing_numbers_that_smote_refuses():
    rng = np.random.default_rng(3)
    n_rows, n_rare = 15_000, 7_000
    frame = pd.DataFrame(
        {
            "shop": np.char.add("shop ", (np.arange(n_rows) % 7_000).astype(str)),
            "amount": np.where(rng.random(n_rows) < 0.2, np.nan, rng.exponential(9, n_rows)),
            "score": rng.normal(size=n_rows),
        }
    )
    y = (np.arange(n_rows) < n_rare).astype(int)
    for columns in (["shop"], ["amount"]):
        with pytest.raises(ValueError, match=r"NaN|could not convert"):
            SMOTE().fit_resample(frame[columns], y)
    sampler = GANOverSampler(**TINY, sampling_strategy={1: 7_500}, kinds={"shop": "categorical"})
    resampled, _ = sampler.fit_resample(frame, y)
    new = resampled[n_rows:]
    assert set(new["shop"]) <= set(frame["shop"])
    assert new["shop"].notna().all()


def score(n_jobs):
    X, y = numbers()
    X, y = np.tile(X, (2, 1)) + np.arange(180)[:, None] / 100, np.tile(y, 2) > 0
    model = make_pipeline(
        GANOverSampler(**TINY, sampling_strategy=0.9), LogisticRegression(max_iter=500)
    )
    X, y = X[np.argsort(y, kind="stable")][:160], np.sort(y)[:160]
    scores = cross_validate(model, X, y, cv=2, n_jobs=n_jobs, scoring="neg_log_loss")
    search = GridSearchCV(
        model,
        {"ganoversampler__sampling_strategy": [0.7, 0.9], "ganoversampler__epochs": [1, 2]},
        cv=2,
        n_jobs=n_jobs,
        scoring="neg_log_loss",
    ).fit(X, y)
    return scores["test_score"], search.cv_results_["mean_test_score"]


@pytest.mark.slow
def test_pipelines_in_several_processes_score_as_in_one():
    for one, two in zip(score(1), score(2), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)


def test_a_pipeline_resamples_the_training_rows_only():
    X, y = numbers()
    X, y = X[y < 2], y[y < 2]
    model = make_pipeline(GANOverSampler(**TINY), LogisticRegression())
    scores = cross_validate(model, X, y, cv=3, return_estimator=True)
    for pipeline in scores["estimator"]:
        mask = pipeline[0].sample_is_synthetic_
        assert (mask.size, mask.sum()) == (80, 28)  # of 40 and 12 training rows
    assert model.fit(X, y).predict(X).shape == (78,)


def test_the_example_of_the_docstring():
    results = doctest.testmod(oversampler)
    assert results.attempted
    assert not results.failed


@pytest.mark.slow
def test_the_python_of_the_document_runs(tmp_path):
    text = (Path(__file__).parents[1] / "docs" / "oversampling.md").read_text()
    script = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path, check=True)
