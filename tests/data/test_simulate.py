import hashlib
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from raregan.data.simulate import SIMULATED_NOTE, make_card_fraud
from raregan.data.traffic import FRAUD_KINDS
from raregan.errors import UserError

N_ROWS, N_FRAUDS = 50_492, 492
COMPONENTS = [f"V{i}" for i in range(1, 29)]
KINDS = {name: code for code, name in enumerate(FRAUD_KINDS, start=1)}


@pytest.fixture(scope="module")
def pca():
    return make_card_fraud()


def digest(frame):
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


# --- what is asked for is what comes -------------------------------------------------------------


def test_the_default_is_the_public_tables_shape(pca):
    assert pca.shape == (N_ROWS, 30)
    assert pca.columns == [*COMPONENTS, "Amount", "Class"]
    assert set(pca.dtypes[:-1]) == {pl.Float64}
    assert pca["Class"].sum() == N_FRAUDS
    assert not pca.null_count().sum_horizontal().item()


@settings(max_examples=25, deadline=None)
@given(
    n_rows=st.integers(100, 3_000),
    share=st.floats(0, 0.5),
    features=st.sampled_from(["pca", "raw"]),
    random_state=st.integers(0, 2**64),
)
def test_counts_are_exact_at_every_size(n_rows, share, features, random_state):
    n_frauds = int(n_rows * share)
    table = make_card_fraud(n_rows, n_frauds, features=features, random_state=random_state)
    assert table.height == n_rows
    assert table.columns[-1] == "Class"
    assert table["Class"].dtype == pl.Int8
    assert table["Class"].value_counts().filter(pl.col("Class") == 1)["count"].sum() == n_frauds
    amount = table["Amount" if features == "pca" else "amount"].to_numpy()
    assert amount.min() >= 0
    np.testing.assert_allclose(amount * 100, np.rint(amount * 100), atol=1e-6)
    numbers = table.select(cs.float()).drop_nulls()
    assert np.isfinite(numbers.to_numpy()).all()
    if features == "pca":
        spread = table.select(COMPONENTS).to_numpy().std(axis=0)
        assert (np.diff(spread) < 1e-4).all()
        assert spread[-1] > 0.05  # of full rank


@pytest.mark.parametrize(("n_rows", "n_frauds"), [(100, 0), (100, 1), (100, 50), (5_001, 2_500)])
@pytest.mark.parametrize("features", ["pca", "raw"])
def test_the_edges_of_the_ranges_work(n_rows, n_frauds, features):
    table = make_card_fraud(n_rows, n_frauds, features=features)
    assert (table.height, table["Class"].sum()) == (n_rows, n_frauds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_rows": 99}, r"n_rows is 99: give a whole number from 100 to 10000000"),
        ({"n_rows": 10_000_001}, "n_rows is 10000001: give"),
        ({"n_rows": 1e5}, r"n_rows is 100000\.0: give a whole number"),
        ({"n_rows": "many"}, "n_rows is 'many': give"),
        ({"n_rows": None}, "n_rows is None: give"),
        ({"n_frauds": -1}, "n_frauds is -1: give a whole number from 0 to 25246"),
        ({"n_frauds": True}, "n_frauds is True: give"),
        ({"n_rows": 1_000, "n_frauds": 501}, "n_frauds is 501: give .* to 500"),
        ({"features": "PCA"}, "features is 'PCA': give 'pca' or 'raw'"),
        ({"features": None}, "features is None: give 'pca' or 'raw'"),
        ({"random_state": -1}, "random_state is -1: give"),
        ({"random_state": 0.5}, r"random_state is 0\.5: give"),
        ({"random_state": True}, "random_state is True: give"),
        ({"random_state": None}, "random_state is None: give"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises(UserError, match=message):
        make_card_fraud(**arguments)


def test_it_says_that_it_is_simulated():
    assert SIMULATED_NOTE.startswith("Simulated")
    assert "The table is simulated" in make_card_fraud.__doc__


# --- the same seed, the same table ---------------------------------------------------------------


@pytest.mark.parametrize("features", ["pca", "raw"])
def test_another_process_draws_the_same_table_and_imports_nothing_heavy(features):
    code = f"""
import hashlib, sys
from raregan.data.simulate import make_card_fraud
heavy = {{"sklearn", "scipy", "pandas", "keras", "jax", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
table = make_card_fraud(3_000, 300, features={features!r}, random_state=7)
print(hashlib.sha256(table.write_csv().encode()).hexdigest())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = make_card_fraud(3_000, 300, features=features, random_state=7)
    assert run.stdout.strip() == digest(here)
    other = make_card_fraud(3_000, 300, features=features, random_state=8)
    assert digest(other) != digest(here)


def test_a_generator_is_used_and_advanced():
    rng = np.random.default_rng(3)
    first, second = (make_card_fraud(500, 50, random_state=rng) for _ in range(2))
    assert first.equals(make_card_fraud(500, 50, random_state=3))
    assert first.equals(make_card_fraud(500, 50, random_state=np.int64(3)))
    assert not first.equals(second)


def test_both_feature_sets_show_the_same_transactions(pca, raw):
    assert pca["Amount"].equals(raw["amount"], check_names=False)
    assert pca["Class"].equals(raw["Class"])


# --- the components ------------------------------------------------------------------------------


def test_components_are_centred_uncorrelated_and_in_order_of_variance(pca):
    values = pca.select(COMPONENTS).to_numpy()
    spread = values.std(axis=0)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    assert (np.diff(spread) < 0).all()
    assert spread[0] > 3 * spread[-1]  # 1.96 and 0.33 in the public table
    np.testing.assert_allclose(np.corrcoef(values.T), np.eye(28), atol=1e-4)


def test_components_have_tails_and_frauds_correlated_columns(pca):
    values = pca.select(COMPONENTS).to_numpy()
    kurtosis = ((values / values.std(axis=0)) ** 4).mean(axis=0)
    assert (kurtosis > 6).sum() >= 5  # 3 is the Gaussian's
    frauds = pca.filter(pl.col("Class") == 1).drop("Class").to_numpy()
    correlation = np.abs(np.corrcoef(frauds.T))[np.triu_indices(29, 1)]
    assert (correlation > 0.3).mean() > 0.15
    assert len(np.unique(frauds, axis=0)) == N_FRAUDS


def test_amounts_are_prices(pca):
    amount = pca["Amount"]
    genuine = amount.filter(pca["Class"] == 0)
    assert amount.value_counts(sort=True)["Amount"][0] == 1.0
    assert 0.02 < (genuine == 1.0).mean() < 0.05
    assert 0.1 < (genuine % 1 == 0).mean() < 0.5
    assert 0.1 < ((genuine % 1 - 0.99).abs() < 1e-6).mean() < 0.3
    assert genuine.mean() > 1.7 * genuine.median()  # a long tail


# --- the raw table -------------------------------------------------------------------------------


def test_raw_columns_are_of_many_types(raw):
    assert raw.width >= 21
    assert raw.schema["timestamp"] == pl.Datetime("us")
    assert len(raw.select(cs.string()).columns) >= 6
    assert raw.schema["new_device"] == pl.Boolean
    assert len(raw.select(cs.integer()).columns) >= 4
    nulls = raw.null_count().row(0, named=True)
    missing = {name for name, count in nulls.items() if count}
    assert {"customer_age", "minutes_since_last", "distance_from_home_km", "device"} <= missing
    assert all(count < raw.height for count in nulls.values())
    assert not any(raw.select(cs.float().is_nan().sum()).row(0))


def test_rows_are_in_order_of_time_over_two_days_with_a_rhythm(raw):
    time = raw["timestamp"]
    assert time.is_sorted()
    assert time[0] >= datetime(2025, 3, 10)  # noqa: DTZ001
    assert time[-1] < datetime(2025, 3, 12)  # noqa: DTZ001
    assert (time.dt.hour() == raw["hour"]).all()
    night = raw["hour"].is_between(1, 4).mean()
    assert 0.005 < night < 4 / 24 / 3
    days = raw["timestamp"].dt.day().value_counts()["count"]
    assert days.min() > 0.45 * N_ROWS


def test_customers_have_habits(raw):
    genuine = raw.filter(pl.col("Class") == 0)
    per_customer = genuine.group_by("customer_id").agg(
        pl.len(),
        pl.col("customer_age", "credit_limit", "home_country", "card_type").n_unique(),
        pl.col("merchant_id").n_unique().alias("merchants"),
        pl.col("amount").log1p().mean().alias("level"),
    )
    attributes = per_customer.select("customer_age", "credit_limit", "home_country", "card_type")
    assert (attributes.max_horizontal() == 1).all()
    busy = per_customer.filter(pl.col("len") >= 12)
    assert (busy["merchants"] / busy["len"]).mean() < 0.75  # they come back
    within = genuine["amount"].log1p().var() / 12
    assert busy["level"].var() > 1.5 * within  # more than chance between customers


def test_history_is_what_the_table_shows():
    table = make_card_fraud(1_500, 300, features="raw", random_state=2).with_row_index("row")
    rows = table.to_dicts()
    hour, day = timedelta(hours=1), timedelta(days=1)
    for row in rows[::7]:
        earlier = rows[: row["row"]]
        own = [r for r in earlier if r["customer_id"] == row["customer_id"]]
        there = [r for r in earlier if r["terminal_id"] == row["terminal_id"]]
        there = [r for r in there if row["timestamp"] - r["timestamp"] <= hour]
        today = [r for r in own if row["timestamp"] - r["timestamp"] <= day]
        recent = [r for r in own if row["timestamp"] - r["timestamp"] <= hour]
        assert row["transactions_last_hour"] == len(recent)
        assert row["transactions_last_day"] == len(today)
        assert row["spent_last_day"] == pytest.approx(sum(r["amount"] for r in today), abs=0.011)
        assert row["terminal_last_hour"] == len(there)
        assert row["terminal_swipes_last_hour"] == sum(r["channel"] == "swipe" for r in there)
        assert (row["terminal_mean_last_hour"] is None) == (not there)
        if not own:
            assert row["minutes_since_last"] is None
            assert row["last_amount"] is None
            assert row["km_from_last"] is None
        else:
            passed = (row["timestamp"] - own[-1]["timestamp"]).total_seconds() / 60
            assert row["minutes_since_last"] == pytest.approx(passed, abs=0.006)
            assert row["last_amount"] == own[-1]["amount"]


# --- frauds --------------------------------------------------------------------------------------


def test_kinds_lie_apart_and_friendly_fraud_among_the_genuine(pca, kind):
    values = StandardScaler().fit_transform(pca.drop("Class").to_numpy())
    rare = kind > 0
    guess = cross_val_predict(LinearDiscriminantAnalysis(), values[rare], kind[rare], cv=4)
    recall = {name: (guess[kind[rare] == code] == code).mean() for name, code in KINDS.items()}
    assert min(recall.values()) > 0.5, recall  # 0.2 is chance
    distance = np.linalg.norm(values[rare], axis=1)
    medians = {name: np.median(distance[kind[rare] == code]) for name, code in KINDS.items()}
    assert min(medians, key=medians.get) == "friendly_fraud"


def gain_of_a_mixture(values):
    """Nats a held-out row that five Gaussians explain better than one."""
    order = np.random.default_rng(0).permutation(len(values))
    held_out, rest = values[order[::3]], np.delete(values[order], np.s_[::3], axis=0)
    one, five = (
        GaussianMixture(n, covariance_type="full", reg_covar=0.1, random_state=0).fit(rest)
        for n in (1, 5)
    )
    return five.score(held_out) - one.score(held_out)


def test_frauds_are_not_one_gaussian_blob(pca):
    frauds = StandardScaler().fit_transform(pca.filter(pl.col("Class") == 1).drop("Class"))
    blob = np.random.default_rng(0).multivariate_normal(
        np.zeros(29), np.cov(frauds.T), size=len(frauds)
    )
    assert gain_of_a_mixture(frauds) > 2
    assert gain_of_a_mixture(blob) < 0  # so the measure can tell


# --- neither trivial nor hopeless ----------------------------------------------------------------


def matrix(table):
    numbers = table.drop("Class").select(cs.numeric() | cs.boolean()).cast(pl.Float64)
    return numbers.fill_null(np.nan).to_numpy(), table["Class"].to_numpy()


def cross_validated(model, x, y):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    with threadpool_limits(1):  # OpenMP threads that wait for a busy core spin: 10 times slower
        scores = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
    return average_precision_score(y, scores)


def boosting():
    return HistGradientBoostingClassifier(learning_rate=0.07, max_iter=100, random_state=0)


def best_single_column(x, y):
    """Highest average precision of a column as a score, of either sign, or of a tree on it."""
    filled = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
    plain = [
        max(average_precision_score(y, sign * column) for sign in (1, -1)) for column in filled.T
    ]
    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0)
    leading = np.argsort(plain)[-6:]
    return max(*plain, *(cross_validated(tree, filled[:, [j]], y) for j in leading))


def test_the_public_features_are_neither_trivial_nor_hopeless(pca):
    x, y = matrix(pca)
    boosted = cross_validated(boosting(), x, y)
    linear = cross_validated(make_pipeline(StandardScaler(), LogisticRegression()), x, y)
    assert 0.6 < boosted < 0.92
    assert 0.3 < linear < boosted
    assert best_single_column(x, y) < 0.5


def test_the_raw_numbers_are_neither_trivial_nor_hopeless(raw):
    x, y = matrix(raw)
    assert 0.6 < cross_validated(boosting(), x, y) < 0.92
    assert best_single_column(x, y) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("features", ["pca", "raw"])
@pytest.mark.parametrize("random_state", [1, 2, 3, 4])
def test_no_seed_is_trivial_or_hopeless(features, random_state):
    x, y = matrix(make_card_fraud(features=features, random_state=random_state))
    assert 0.6 < cross_validated(boosting(), x, y) < 0.92
    assert best_single_column(x, y) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("features", ["pca", "raw"])
def test_a_million_rows_have_the_same_shape(features):
    table = make_card_fraud(1_000_000, 10_000, features=features)
    assert (table.height, table["Class"].sum()) == (1_000_000, 10_000)
