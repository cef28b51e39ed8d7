import json
import warnings

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from raregan.data.records import read_split
from raregan.data.split import split_file, split_rows
from raregan.errors import DataError, RareGANWarning, SchemaError, UserError


def make_frame(n=2_000, n_rare=100, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "Time": np.sort(rng.integers(0, 500, n)),
            "a": rng.normal(size=n),
            "kind": rng.choice(["web", "chip"], n),
            "customer": rng.integers(0, 300, n),
            "Class": rng.permutation(np.arange(n) < n_rare).astype(np.int8),
        }
    )


FRAME = make_frame()
RARE = (FRAME["Class"] == 1).to_numpy()


def sides_of(keys, test_side):
    """Return how many keys stand on both sides."""
    return len(
        set(np.asarray(keys)[test_side].tolist()) & set(np.asarray(keys)[~test_side].tolist())
    )


@pytest.mark.parametrize("test", [0.1, 0.25, 0.5, 0.9])
def test_both_sides_have_the_share_of_rows_and_of_rare_rows(test):
    side = split_rows(FRAME, test=test, target="Class")
    assert side.dtype == bool
    assert abs(side.sum() - test * FRAME.height) <= 0.005 * FRAME.height
    assert abs(side[RARE].sum() - test * RARE.sum()) <= 1


def test_many_values_of_the_target_are_shared_out():
    frame = FRAME.with_columns(Class=pl.Series(np.arange(2_000) % 10))
    side = split_rows(frame, target="Class")
    counts = frame.filter(side)["Class"].value_counts()["count"]
    assert (len(counts), counts.min() >= 49, counts.max() <= 51) == (10, True, True)


def test_the_seed_alone_decides():
    one, same, other = (split_rows(FRAME, target="Class", random_state=s) for s in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).mean() > 0.2


def test_rows_are_drawn_evenly_from_the_table():
    often = sum(split_rows(FRAME, target="Class", random_state=s).astype(int) for s in range(200))
    assert abs(often.mean() - 50) < 0.5
    assert 5.5 < often.std() < 6.7  # binomial(200, 0.25): 6.1


@pytest.mark.parametrize("changed", ["nothing", "target", "ignored"])
def test_copies_stay_on_one_side(changed):
    frame = FRAME.with_columns(row=pl.int_range(2_000))
    copies = frame.sample(600, seed=3)
    if changed == "target":
        copies = copies.with_columns(Class=1 - pl.col("Class"))
    if changed == "ignored":
        copies = copies.with_columns(pl.col("row") + 10_000)
    both = pl.concat([frame, copies]).sample(fraction=1, shuffle=True, seed=4)
    side = split_rows(both, target="Class", ignore=["row"])
    assert sides_of(both["row"] % 10_000, side) == 0
    assert abs(side.mean() - 0.25) < 0.01


def test_groups_stay_on_one_side_with_nearly_the_shares():
    side = split_rows(FRAME, target="Class", group="customer")
    assert sides_of(FRAME["customer"], side) == 0
    assert abs(side.mean() - 0.25) < 0.01
    assert abs(side[RARE].mean() - 0.25) < 0.02


def test_groups_that_share_a_copy_stay_together():
    chain = FRAME.head(50).with_columns(customer=pl.lit(1_000))
    frame = pl.concat([FRAME.with_columns(pl.col("customer").cast(pl.Int32)), chain])
    side = split_rows(frame, target="Class", group="customer", ignore=["customer"])
    linked = set(FRAME["customer"].head(50)) | {1_000}
    assert len({bool(s) for s, c in zip(side, frame["customer"], strict=True) if c in linked}) == 1
    assert sides_of(frame["customer"], side) == 0


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(2, 60), st.floats(0.05, 0.95))
def test_whatever_the_groups_nothing_stands_on_both_sides(data, n, test):
    column = st.lists(st.integers(0, 12), min_size=n, max_size=n)
    groups, values, times = data.draw(column), data.draw(column), data.draw(column)
    frame = pl.DataFrame({"g": groups, "v": values, "t": times})
    for options in (
        {"group": "g", "ignore": ["g", "t"]},
        {"time_column": "t", "ignore": ["g", "t"]},
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RareGANWarning)
            try:
                side = split_rows(frame, test=test, **options)
            except DataError:
                continue
        assert 0 < side.sum() < n
        assert sides_of(values, side) == 0
        if "group" in options:
            assert sides_of(groups, side) == 0
        else:
            assert min(np.array(times)[side]) > 0


def test_uneven_groups_are_told():
    frame = FRAME.with_columns(customer=pl.Series(np.minimum(np.arange(2_000) // 200, 2)))
    told = r"of the {} are on the test side, where 25\.0%"
    rows = pytest.warns(RareGANWarning, match=told.format("rows"))
    rare = pytest.warns(RareGANWarning, match=told.format("rare rows"))
    with rows, rare:
        side = split_rows(frame, target="Class", group="customer")
    assert sides_of(frame["customer"], side) == 0


def test_the_latest_rows_are_the_test():
    frame = FRAME.sample(fraction=1, shuffle=True, seed=1)
    side = split_rows(frame, target="Class", time_column="Time")
    times = frame["Time"].to_numpy()
    assert times[side].min() > times[~side].max()
    assert abs(side.mean() - 0.25) < 0.01


@pytest.mark.parametrize("of", [
    lambda t: t.cast(pl.Float64) / 3,
    lambda t: t.cast(pl.Datetime("us")),
    lambda t: t.cast(pl.Date),
    lambda t: t.cast(pl.Date).cast(pl.String),
    lambda t: (t * 86_400_000_000).cast(pl.Datetime("us")).dt.to_string("%Y-%m-%d %H:%M:%S"),
])  # fmt: skip
def test_time_may_be_stored_in_many_ways(of):
    expected = split_rows(FRAME, target="Class", time_column="Time")
    frame = FRAME.with_columns(of(FRAME["Time"]))
    assert (split_rows(frame, target="Class", time_column="Time") == expected).all()


def test_late_rows_of_earlier_groups_go_to_the_training_side_and_are_counted():
    row = pl.int_range(2_000)
    own = pl.when(pl.col("Time") > 300).then(row + 1_000).otherwise("customer")
    frame = FRAME.with_columns(
        customer=pl.when(row == 1_999).then(pl.col("customer").first()).otherwise(own)
    )
    with pytest.warns(RareGANWarning, match="^1 late rows went to the training side"):
        side = split_rows(frame, test=0.3, target="Class", time_column="Time", group="customer")
    assert not side[-1]
    assert sides_of(frame["customer"], side) == 0
    assert frame["Time"].to_numpy()[side].min() > 350


def with_gap(name):
    return FRAME.with_columns(
        pl.when(pl.int_range(2_000) == 7).then(None).otherwise(name).alias(name)
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"test": 0}, UserError, "between 0 and 1, not at 0"),
        ({"test": 1.0}, UserError, "between 0 and 1"),
        ({"test": float("nan")}, UserError, "between 0 and 1"),
        ({"target": "class"}, SchemaError, "did you mean 'Class'"),
        ({"group": "custommer"}, SchemaError, "did you mean 'customer'"),
        ({"time_column": "time"}, SchemaError, "did you mean 'Time'"),
        ({"ignore": ["x"]}, SchemaError, "no column 'x'"),
        ({"ignore": FRAME.columns}, SchemaError, "nothing to tell rows by"),
        ({"rare": 3}, SchemaError, "target 'Class' is never 3"),
        ({"time_column": "kind"}, SchemaError, "not dates of one format"),
        ({"test": 1e-6}, DataError, "test side would have none of the 2,000 rows"),
    ],
)
def test_what_cannot_be_split_is_told(options, error, message):
    with pytest.raises(error, match=message):
        split_rows(FRAME, **{"target": "Class", **options})


@pytest.mark.parametrize("option", [{"time_column": "Time"}, {"group": "customer"}])
def test_missing_times_and_groups_are_located(option):
    (name,) = option.values()
    with pytest.raises(DataError, match=f"column '{name}', data row 8 .*known in every row"):
        split_rows(with_gap(name), target="Class", **option)


def test_a_side_without_rare_rows_is_refused():
    frame = FRAME.with_columns(Class=(pl.col("Time") < 100).cast(pl.Int8))
    with pytest.raises(DataError, match="test side would have none of the .* rare rows"):
        split_rows(frame, target="Class", rare="1", time_column="Time")
    with pytest.raises(DataError, match="one moment"):
        split_rows(frame.with_columns(Time=pl.lit(3)), target="Class", time_column="Time")


def test_without_a_target_rows_alone_are_shared_out():
    assert abs(split_rows(FRAME).mean() - 0.25) < 0.005


def write(frame, path):
    (frame.write_parquet if path.suffix == ".parquet" else frame.write_csv)(path)
    return path


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.parquet"])
def test_files_hold_both_sides_and_the_mark_knows_the_test(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".tsv"):
        FRAME.write_csv(path, separator="\t")
    else:
        write(FRAME, path)
    split = split_file(path, tmp_path / "new" / "parts", target="Class", ignore=["customer"])
    read = pl.read_parquet if name.endswith("parquet") else pl.read_csv
    options = {"separator": "\t"} if name.endswith(".tsv") else {}
    train, test = (read(part, **options) for part in (split.train, split.test))
    assert split.train.name == "train" + path.suffix
    side = split_rows(FRAME, target="Class", ignore=["customer"])
    assert train.equals(FRAME.filter(~side).cast(train.schema))
    assert test.equals(FRAME.filter(side).cast(test.schema))
    assert split.rows == (train.height, test.height)
    assert split.rare_rows == (75, 25)
    held_out = read_split(split.train)
    assert held_out.columns == ("Time", "a", "kind", "Class")
    assert held_out.count(test) == test.height
    assert held_out.count(train) == 0
    assert "1,500 rows, 75 of them rare" in split.describe()


def test_the_record_says_how_it_was_split(tmp_path):
    split_file(FRAME, tmp_path, target="Class", test=0.5, random_state=9, group="customer")
    record = json.loads((tmp_path / "split.json").read_text())
    assert record["seed"] == 9
    assert record["options"] == {
        "test": 0.5,
        "target": "Class",
        "rare": 1,
        "ignore": [],
        "time_column": None,
        "group": "customer",
    }
    assert record["train"]["file"] == "train.parquet"
    assert record["train"]["rows"] + record["test"]["rows"] == 2_000


def test_nothing_is_written_over_unless_told(tmp_path):
    split_file(FRAME, tmp_path, target="Class", random_state=1)
    before = (tmp_path / "train.parquet").read_bytes()
    with pytest.raises(DataError, match="there already.*--overwrite"):
        split_file(FRAME, tmp_path, target="Class", random_state=2)
    assert (tmp_path / "train.parquet").read_bytes() == before
    split_file(write(FRAME, tmp_path / "x.csv"), tmp_path, target="Class", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("split.json", "test.csv", "train.csv", "x.csv")
    ]


def test_a_split_never_writes_over_its_input(tmp_path):
    path = write(FRAME, tmp_path / "train.csv")
    with pytest.raises(DataError, match="by its own split"):
        split_file(path, tmp_path, target="Class", overwrite=True)
    assert pl.read_csv(path).height == 2_000


@pytest.mark.parametrize("source", ["", "*.csv", "t*.csv"])
def test_nor_where_it_would_be_read_with_its_input(tmp_path, source):
    write(FRAME, tmp_path / "one.csv")
    write(FRAME, tmp_path / "two.csv")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match="by its own split, or read with it"):
        split_file(tmp_path / source, tmp_path, target="Class", overwrite=True)
    assert sorted(tmp_path.iterdir()) == before


def test_a_pattern_of_other_names_may_be_split_in_its_folder(tmp_path):
    write(FRAME, tmp_path / "part-1.csv")
    split = split_file(tmp_path / "part-*.csv", tmp_path, target="Class")
    assert split.train == tmp_path / "train.csv"


def test_a_failure_leaves_no_training_file_without_its_mark(tmp_path, monkeypatch):
    def fail(frames, path):
        raise DataError("the disk is full")

    monkeypatch.setattr("raregan.data.split.write_frames", fail)
    with pytest.raises(DataError, match="full"):
        split_file(FRAME, tmp_path, target="Class")
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


def test_copies_of_the_card_table_stay_on_one_side(real_data):
    frame = pl.read_parquet(real_data / "creditcard.parquet")
    side = split_rows(frame, target="Class", ignore=["Time"])
    features = frame.drop("Time", "Class")
    keys = features.with_row_index().with_columns(key=pl.struct(features.columns).rank("dense"))[
        "key"
    ]
    assert keys.n_unique() < frame.height
    assert sides_of(keys, side) == 0
    assert abs(side[(frame["Class"] == 1).to_numpy()].mean() - 0.25) < 0.01
