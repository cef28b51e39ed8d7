import doctest
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from raregan import synthesizer
from raregan.data.frames import take_in
from raregan.data.table import make_table
from raregan.encoding.encoder import TableEncoder
from raregan.errors import RareGANWarning, UserError
from raregan.synthesizer import RareGAN
from tests.conftest import NUMBERS, QUICK
from tests.strategies import count_rows, schema_of, sources

TINY = {"epochs": 2, "batch_size": 16, **QUICK}


def test_rows_come_in_the_order_and_dtypes_of_the_input(gan, frame):
    assert gan.sample(7).schema == frame.schema


def test_the_seed_fixes_weights_and_rows(table, gan):
    again = RareGAN(**NUMBERS).fit(table)
    assert again.sample(30).equals(gan.sample(30))
    other = RareGAN(**NUMBERS | {"random_state": 6}).fit(table)
    assert not other.sample(30).equals(gan.sample(30))


def test_sampling_twice_gives_the_same_rows_and_another_seed_others(gan):
    assert gan.sample(9).equals(gan.sample(9))
    assert not gan.sample(9).equals(gan.sample(9, random_state=1))
    assert gan.sample(9, random_state=5).equals(gan.sample(9))  # the model's own seed


def test_a_table_a_frame_and_x_with_y_are_the_same(frame, gan):
    assert RareGAN(**NUMBERS).fit(frame).sample(9).equals(gan.sample(9))
    split = RareGAN(**NUMBERS).fit(frame.drop("Class"), frame["Class"])
    assert split.sample(9).drop("Class").equals(gan.sample(9).drop("Class"))
    assert split.sample(9).columns == ["a", "b", "count", "Amount", "Class"]


def test_pandas_in_pandas_out(frame, tmp_path):
    gan = RareGAN(**TINY, random_state=0).fit(frame.to_pandas())
    rows = gan.sample(5)
    assert isinstance(rows, pd.DataFrame)
    assert list(rows.dtypes) == list(frame.to_pandas().dtypes)
    gan.save(tmp_path / "m")
    pd.testing.assert_frame_equal(RareGAN.load(tmp_path / "m").sample(5), rows)


def test_numpy_arrays_are_taken(frame):
    features = frame.drop("Class").to_numpy()
    gan = RareGAN(**TINY, random_state=0).fit(features, frame["Class"].to_numpy())
    rows = gan.sample(3)
    assert isinstance(rows, np.ndarray)
    assert (rows.shape, rows.dtype) == ((3, 4), features.dtype)


def test_text_labels_and_a_chosen_rare_value(frame):
    labels = ["genuine" if c == 0 else "fraud" for c in frame["Class"]]
    X = frame.drop("Class")
    assert RareGAN(**TINY).fit(X, labels).sample(3)["Class"].to_list() == ["fraud"] * 3
    with pytest.warns(RareGANWarning, match="more than half"):
        gan = RareGAN(**TINY, rare="genuine").fit(X, labels)
    assert gan.model_.provenance["n_rare"] == 320


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.zeros(3), r"400 rows and y has shape \(3,\)"),
        (pl.Series("a", np.zeros(400)), "'a' already"),
    ],
)
def test_an_unfit_y_is_told(frame, y, match):
    with pytest.raises(UserError, match=match):
        RareGAN(**TINY).fit(frame.drop("Class"), y)


def test_warnings_of_the_table_reach_the_user(frame):
    with pytest.warns(RareGANWarning, match="exact copies"):
        RareGAN(**TINY).fit(pl.concat([frame, frame.head(1)]))
    with pytest.warns(RareGANWarning, match="'k' is 1 in every row"):
        RareGAN(**TINY).fit(frame.with_columns(k=1))


def test_a_constant_column_comes_back_as_it_was(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RareGANWarning)
        gan = RareGAN(**TINY).fit(frame.with_columns(k=pl.lit(7, pl.Int16)))
    assert gan.sample(4)["k"].to_list() == [7] * 4
    assert gan.sample(4).schema["k"] == pl.Int16


def test_a_batch_is_at_most_the_rare_rows(frame):
    few = pl.concat([frame.head(12), frame.tail(100)])
    gan = RareGAN(epochs=2, variant="gan").fit(few)
    assert gan.model_.config.training.batch_size == 12
    with pytest.raises(UserError, match="batch_size 64 is more than the 12 rare rows"):
        RareGAN(epochs=2, batch_size=64).fit(few)


@pytest.mark.parametrize(
    "choice", [{"target": "Class"}, {"rare": 0}, {"ignore": ["a"]}, {"y": [1, 2]}]
)
def test_a_table_has_its_choices_made(table, choice):
    y = choice.pop("y", None)
    with pytest.raises(UserError, match="chosen already"):
        RareGAN(**TINY, **choice).fit(table, y)


def test_numbers_of_numpy_are_numbers(table, tmp_path):
    gan = RareGAN(
        epochs=np.int64(2),
        batch_size=np.int32(16),
        learning_rate=np.float32(1e-3),
        random_state=0,
        evidence=False,
        solver_steps=np.int8(2),
    )
    gan.fit(table, checkpoint=tmp_path / "c").save(tmp_path / "m")
    assert RareGAN.load(tmp_path / "m").batch_size == 16


def test_labels_keep_their_dtype_and_an_odd_name_is_text(frame):
    y = pd.Series(frame["Class"].to_numpy(), name=5)
    rows = RareGAN(**TINY).fit(frame.drop("Class"), y).sample(3)
    assert rows.schema["5"] == pl.Int8


@pytest.mark.filterwarnings("ignore::raregan.errors.RareGANWarning")
def test_resuming_into_another_lesson_or_fewer_epochs_is_refused(frame, tmp_path):
    flag = np.arange(400) % 5 == 0
    both = frame.with_columns(flag=pl.Series(flag.astype(np.int8)))
    go_on = {"checkpoint": tmp_path / "c", "resume": True}

    def gan(epochs=10**6, target="Class", **options):
        return RareGAN(
            variant="gan", epochs=epochs, target=target, batch_size=16, random_state=0, **options
        )

    gan().fit(both, checkpoint=tmp_path / "c", stop=lambda: True)
    for other in (gan(target="flag"), gan(rare=0)):
        with pytest.raises(UserError, match="another table, target or rare value"):
            other.fit(both, **go_on)
    with pytest.raises(UserError, match="latent_dim was 5, and is 7"):
        gan(latent_dim=7).fit(both, **go_on)
    with pytest.raises(UserError, match="more than the 1 asked for"):
        gan(epochs=1).fit(both, **go_on)
    with pytest.raises(UserError, match="resume needs a checkpoint"):
        gan().fit(both, resume=True)


def test_it_is_an_estimator(gan):
    params = gan.get_params()
    assert params["epochs"] == 3
    copy = clone(gan)
    assert copy.get_params() == params
    assert not hasattr(copy, "model_")
    assert copy.set_params(epochs=9).epochs == 9
    with pytest.raises(NotFittedError):
        copy.sample(1)
    with pytest.raises(NotFittedError):
        copy.save("nowhere")


def test_fit_leaves_the_parameters_as_they_were(gan):
    assert gan.latent_dim is None
    assert gan.model_.config.network.latent_dim == 4


@pytest.mark.parametrize(
    ("state", "seed"),
    [(3, 3), (np.int64(3), 3), (np.random.RandomState(0), None), (np.random.default_rng(0), None)],
)
def test_random_state_is_resolved_once(table, state, seed):
    found = RareGAN(**TINY, random_state=state).fit(table).model_.config.seed
    assert found == seed if seed is not None else found >= 0


def test_without_a_seed_two_fits_differ_and_the_model_tells_its_seed(table):
    first, second = (RareGAN(**TINY).fit(table) for _ in range(2))
    assert not first.sample(5).equals(second.sample(5))
    again = RareGAN(**TINY, random_state=first.model_.config.seed).fit(table)
    assert again.sample(5).equals(first.sample(5))


@pytest.mark.parametrize("state", [-1, 1.5, "seed"])
def test_a_wrong_random_state_is_told(table, state):
    with pytest.raises(UserError, match="seed must be"):
        RareGAN(**TINY, random_state=state).fit(table)


def test_the_summary_shows_both_networks(table):
    text = RareGAN(variant="gan", epochs=10, batch_size=16).summary(table)
    for part in ("generator", "discriminator", "BatchNormalization", "10 epochs of 5 steps"):
        assert part in text


def test_stop_ends_training_early(table):
    gan = RareGAN(epochs=100_000, variant="gan").fit(table, stop=lambda: True)
    assert gan.model_.provenance["ended"] == "request"
    assert gan.model_.provenance["epochs"] < 100_000


def test_resuming_gives_the_undisturbed_model(table, tmp_path):
    options = {"variant": "gan", "batch_size": 16, "random_state": 0}
    checkpoint = tmp_path / "c"
    RareGAN(epochs=100_000, **options).fit(
        table, checkpoint=checkpoint, checkpoint_every=3, stop=lambda: True
    )
    resumed = RareGAN(epochs=8, **options).fit(table, checkpoint=checkpoint, resume=True)
    whole = RareGAN(epochs=8, **options).fit(table)
    assert resumed.history_ == whole.history_
    for a, b in zip(
        resumed.model_.sampler.generator.kernels,
        whole.model_.sampler.generator.kernels,
        strict=True,
    ):
        assert np.array_equal(a, b)


def test_resuming_a_flow_gives_the_undisturbed_model_evidence_and_all(table, tmp_path):
    options = {"epochs": 6, "random_state": 0, "solver_steps": 2}
    gan, checkpoint = RareGAN(**options), tmp_path / "c"
    gan.fit(table, checkpoint=checkpoint, checkpoint_every=2, stop=lambda: True)
    assert gan.model_.provenance["epochs"] == 2
    resumed = RareGAN(**options).fit(table, checkpoint=checkpoint, resume=True)
    whole = RareGAN(**options).fit(table)
    assert resumed.history_["field_loss"] == whole.history_["field_loss"]
    assert resumed.history_["evidence_told_apart"] == whole.history_["evidence_told_apart"]
    assert resumed.sample(40).equals(whole.sample(40))
    # its rate falls to 0 at the last epoch
    with pytest.raises(UserError, match="run of 6 epochs, and this one would have 7"):
        RareGAN(**options | {"epochs": 7}).fit(table, checkpoint=checkpoint, resume=True)


def test_a_loaded_model_tells_its_options(gan, tmp_path):
    gan.save(tmp_path / "m")
    loaded = RareGAN.load(tmp_path / "m")
    assert loaded.sample(9).equals(gan.sample(9))
    assert (loaded.epochs, loaded.batch_size, loaded.random_state) == (3, 32, 5)
    assert loaded.history_ == gan.history_


def test_the_example_of_the_docstring_runs():
    result = doctest.testmod(synthesizer)
    assert result.attempted >= 3
    assert result.failed == 0


# --- mixed tables ---


def few(mixed):
    return mixed.select("count", "Class", "amount", "channel", "flag", "part_a", "part_b")


def test_a_mixed_table_of_pandas_and_pyarrow_comes_out_as_such(mixed):
    for before in (few(mixed).to_pandas(), few(mixed).to_arrow()):
        after = RareGAN(**TINY, random_state=0).fit(before).sample(60)
        assert type(after) is type(before)
        if isinstance(before, pd.DataFrame):
            assert dict(after.dtypes) == dict(before.dtypes)
        else:
            assert after.schema.equals(before.schema)


def test_an_array_with_nan_comes_out_as_one(mixed):
    X = few(mixed).select("part_a", "amount", "part_b").cast(pl.Float64).to_numpy()
    rows = RareGAN(**TINY, random_state=0).fit(X, mixed["Class"].to_numpy()).sample(200)
    assert (rows.shape, rows.dtype) == ((200, 3), np.dtype(float))
    assert 0 < np.isnan(rows[:, 1]).sum() < 200
    assert not np.isnan(rows[:, 0]).any()


def test_rules_kinds_and_levels_are_parameters(mixed):
    gan = RareGAN(
        **TINY,
        random_state=0,
        levels_from="all",
        constraints=["count < 12"],
        kinds={"count": "categorical"},
    )
    rows = gan.fit(few(mixed)).sample(2_000)
    assert gan.model_.sampler.schema.constraints == ("count < 12",)
    assert gan.model_.sampler.schema.columns[0].kind == "categorical"
    assert "branch" in gan.model_.sampler.encoder.fields[2].levels("channel")
    assert set(rows["count"]) <= set(mixed["count"])


def test_a_difference_holds_by_construction(frame):
    paid = (frame["Amount"] * 0.4).round(2)
    accounts = frame.select("a", "Class", old=frame["Amount"], amt=paid).with_columns(
        new=(pl.col("old") - pl.col("amt")).round(2)
    )
    rule = "old - amt == new"
    gan = RareGAN(**TINY, random_state=0, constraints=[rule]).fit(accounts)
    rows = gan.sample(500)
    assert gan.model_.sampler.schema.constraints == (rule,)
    assert ((rows["old"] - rows["amt"] - rows["new"]).abs() < 0.005).all()
    assert gan.acceptance_.rate > 0.3


def test_levels_from_all_reach_a_column_that_is_constant_in_the_rare_rows(frame):
    levels = ["web"] * 80 + ["shop", "web", "tel", None] * 80
    columns = {"ch": pl.Series(levels), "flag": pl.Series([True] * 80 + [False, True] * 160)}
    gan = RareGAN(**TINY, random_state=0, levels_from="all")
    with pytest.warns(RareGANWarning, match="--levels-from all adds") as told:
        gan.fit(frame.with_columns(**columns))
    assert [str(warning.message)[:15] for warning in told] == ["column 'ch' is ", "column 'flag' i"]
    rows = gan.sample(2_000)
    assert set(rows["ch"]) == {"web", "shop", "tel"}
    assert 0 < (~rows["flag"]).sum() < 100


def test_the_acceptance_of_the_last_draw_is_kept(mixed_gan):
    rows = mixed_gan.sample(20, conditions={"channel": "web"}, random_state=3)
    assert set(rows["channel"]) == {"web"}
    assert 20 <= mixed_gan.acceptance_.kept < mixed_gan.acceptance_.drawn


def test_a_rule_that_the_rare_rows_break_is_told(mixed):
    with pytest.raises(UserError, match="count < 2"):
        RareGAN(**TINY, constraints=["count < 2"]).fit(few(mixed))


# --- any frame at all: rows of the same schema, or a UserError ---

ANY = {"deadline": None, "suppress_health_check": list(HealthCheck)}
SELDOM = st.sampled_from([False, False, False, True])
"""Evidence takes most of the time of a fit, and knows no more of a frame than its shape."""
MOST_SHAPES = 4
"""That are compiled in the quick test, some 2 s each; a further frame of one takes 0.2 s."""


def labels(source):
    """Return what `fit` and `make_table` need where a table has no target of its own."""
    if not isinstance(source, np.ndarray):
        return None
    return (np.arange(len(source)) < len(source) // 2).astype(int)


def encoded(source):
    """Return the table of a frame, and its encoder."""
    y = labels(source)
    frame, origin = take_in(source)
    frame = frame if y is None else frame.with_columns(Class=pl.Series(y))
    table = make_table(frame, target="Class", rare=1, origin=origin)
    encoder = TableEncoder().fit(table.rare, table.schema, others=table.others, seen=table.seen)
    return table, encoder


@settings(max_examples=400, **ANY)
@given(source=sources(), seed=st.integers(0, 99))
def test_any_frame_is_encoded_and_decoded_or_refused(source, seed):
    try:
        table, encoder = encoded(source)
    except UserError:
        event("refused")
        return
    noise = np.random.default_rng(seed).normal(0, 3, (50, encoder.layout.width))
    for matrix in (noise.astype(np.float32), encoder.encode(table.rare)):
        made = encoder.decode(matrix)
        rows = made if labels(source) is not None else table.schema.add_target(made)
        restored = table.origin.restore(rows)
        assert schema_of(restored) == schema_of(source)
        assert count_rows(restored) == len(matrix)


def learn_and_sample(source, **more):
    options = {"epochs": 1, "latent_dim": 2, "target": "Class", "rare": 1, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RareGANWarning)
        try:
            rows = RareGAN(**options, **more).fit(source, labels(source)).sample(20)
        except UserError:
            event("refused")
            return
    event(f"learned: {type(source).__module__.partition('.')[0]}")
    assert schema_of(rows) == schema_of(source)
    assert count_rows(rows) == 20


@pytest.fixture
def quick_compiling():
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def shapes():
    """Return the same set for all frames of a test."""
    return set()


@settings(max_examples=30, **ANY)
@given(source=sources(1, n_rows=24, n_rare=12, flag=True), evidence=SELDOM)
def test_any_frame_of_few_shapes_is_learned_and_sampled_or_refused(
    quick_compiling, shapes, source, evidence
):
    try:
        layout = encoded(source)[1].layout
        shape = (tuple((span.width, span.activation) for span in layout.spans), layout.gates)
        if shape not in shapes and len(shapes) == MOST_SHAPES:
            event("left out")
            return
        shapes.add(shape)
    except UserError:
        pass  # fit has to say so too
    learn_and_sample(source, evidence=evidence, solver_steps=2)


@pytest.mark.slow
@settings(max_examples=250, **ANY)
@given(source=sources(flag=True))
def test_any_frame_is_learned_and_sampled_or_refused(quick_compiling, source):
    learn_and_sample(source)


def test_an_option_that_a_variant_would_ignore_is_refused(frame):
    with pytest.raises(UserError, match="solver_steps .* means nothing to gan"):
        RareGAN(variant="gan", solver_steps=4).fit(frame)


def test_a_loaded_gan_can_be_fitted_again(frame, tmp_path):
    RareGAN(variant="gan", epochs=3, random_state=0).fit(frame).save(tmp_path / "m")
    loaded = RareGAN.load(tmp_path / "m")
    assert loaded.solver_steps is None
    loaded.set_params(target=None, rare=None, schema=None).fit(frame)


def test_settings_reach_the_model_and_come_back_with_it(frame, tmp_path):
    settings = {"jitter": 0.4, "field_width": 8, "epochs": 9, "solver_steps": 9}
    gan = RareGAN(epochs=1, settings=settings, random_state=0, **QUICK).fit(frame)
    training, network = gan.model_.config.training, gan.model_.config.network
    assert (training.jitter, network.field_width) == (0.4, 8)
    assert (training.epochs, network.solver_steps) == (1, 2)  # what has a parameter goes before
    assert gan.settings is settings
    gan.save(tmp_path / "m")
    loaded = RareGAN.load(tmp_path / "m")
    assert loaded.settings == {"jitter": 0.4, "field_width": 8}
    loaded.set_params(target=None, rare=None, schema=None).fit(frame)
    assert loaded.model_.config == gan.model_.config


def test_settings_of_another_variant_or_of_none_are_refused(frame):
    with pytest.raises(UserError, match="jitter must be a number of at least 0"):
        RareGAN(settings={"jitter": -1}).fit(frame)
    with pytest.raises(UserError, match="pac .* means nothing to flow"):
        RareGAN(settings={"pac": 2}).fit(frame)


def test_two_settings_that_say_how_long_to_train_are_refused(frame):
    with pytest.raises(UserError, match="settings have both epochs .* and steps"):
        RareGAN(settings={"epochs": 2, "steps": 10}).fit(frame)


# --- variants that learn every class --------------------------------------------------------------


@pytest.fixture(scope="module")
def three_classes():
    """A rare class and two others, with two columns of categories of which one has gaps."""
    rng = np.random.default_rng(0)
    label = np.repeat(["fraud", "dispute", "fine"], [60, 80, 300])
    n = len(label)
    return pl.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n).round(4),
            "outcome": label,
            "channel": rng.choice(["web", "shop", "phone"], n, p=[0.5, 0.4, 0.1]),
            "country": pl.Series(rng.choice(["DE", "PL"], n)).set(
                pl.Series(rng.random(n) < 0.2), None
            ),
            "region": np.where(label == "fine", "abroad", "home"),
        }
    )


@pytest.fixture(scope="module")
def told(three_classes):
    return RareGAN(
        variant="cwgan-gp", target="outcome", epochs=3, evidence=False, random_state=0
    ).fit(three_classes)


constant_among_rare = pytest.mark.filterwarnings("ignore:column 'region' is 'home'")


@constant_among_rare
@pytest.mark.parametrize("variant", ["cgan", "cwgan-gp"])
def test_rows_of_every_class_are_made(three_classes, variant, tmp_path):
    gan = RareGAN(variant=variant, target="outcome", epochs=2, evidence=False, random_state=0)
    gan.fit(three_classes)
    assert gan.classes_ == ["fraud", "dispute", "fine"]
    gan.save(tmp_path / "m")
    loaded = RareGAN.load(tmp_path / "m")
    made = {label: gan.sample(200, label=label) for label in gan.classes_}
    for label, rows in made.items():
        assert rows["outcome"].to_list() == [label] * 200
        assert rows.columns == three_classes.columns
        assert loaded.sample(200, label=label).equals(rows)
        seen = three_classes.filter(pl.col("outcome") == label)["region"].unique()
        assert set(rows["region"]) == set(seen)  # no level that the class never has
    assert gan.sample(200).equals(made["fraud"])
    assert not made["fine"]["amount"].equals(made["fraud"]["amount"])


@constant_among_rare
@pytest.mark.parametrize(
    ("column", "level"), [("channel", "phone"), ("country", "DE"), ("country", "PL")]
)
@pytest.mark.parametrize("label", ["fraud", "fine"])
def test_a_category_that_is_a_condition_is_in_every_row(told, column, level, label):
    rows = told.sample(500, label=label, conditions={column: level})
    assert rows[column].to_list() == [level] * 500
    assert told.acceptance_.rate == 1


@constant_among_rare
def test_of_two_conditions_one_is_asked_and_the_other_kept(told):
    rows = told.sample(300, conditions={"channel": "phone", "country": "PL"})
    assert set(rows["channel"]) == {"phone"}
    assert set(rows["country"]) == {"PL"}
    assert 0.01 < told.acceptance_.rate < 1


@constant_among_rare
def test_a_class_that_was_not_learned_is_refused(told, gan):
    with pytest.raises(UserError, match="rows of outcome = 'fraud', 'dispute', 'fine', not 'x'"):
        told.sample(3, label="x")
    with pytest.raises(UserError, match=r"rows of Class = 1, not 0; a variant that learns every"):
        gan.sample(3, label=0)
    assert gan.sample(3, label="1").equals(gan.sample(3))
