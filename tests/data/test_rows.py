import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare

from raregan.data import rows as module
from raregan.data.rows import choose_rows, known_column, listed
from raregan.errors import DataError, SchemaError

N, N_RARE = 60_000, 120


@pytest.fixture(scope="module")
def frame():
    place = np.arange(N)
    amounts = pl.Series(place / 8).set(pl.Series(place % 1000 == 3), float("nan"))
    return pl.DataFrame({"place": place, "Class": (place % 500 == 7).astype(np.int8), "a": amounts})


def test_a_lazy_table_gives_the_rare_rows_of_a_frame(frame):
    eager, lazy = choose_rows(frame), choose_rows(frame.lazy())
    assert lazy.rare.equals(eager.rare)
    assert lazy.rare.equals(frame.filter(pl.col("Class") == 1).fill_nan(None))
    assert (lazy.target, lazy.value, lazy.n_rows) == ("Class", 1, N)
    assert (eager.target, eager.value, eager.n_rows) == ("Class", 1, N)


def test_a_lazy_table_of_many_files_too(frame, tmp_path):
    for part in range(4):
        frame[part * 15_000 : (part + 1) * 15_000].write_parquet(tmp_path / f"{part}.parquet")
    found = choose_rows(pl.scan_parquet(tmp_path / "*.parquet"))
    whole = choose_rows(frame.lazy())
    assert found.held.equals(whole.held)  # the sample depends on no engine and no file


@pytest.mark.parametrize("lazy", [False, True])
def test_the_others_are_bounded_in_order_and_not_rare(frame, lazy):
    found = choose_rows(frame.lazy() if lazy else frame)
    assert found.others.height <= module.MAX_OTHERS
    assert found.others.height > 0.98 * module.MAX_OTHERS
    assert found.others["Class"].to_list() == [0] * found.others.height
    assert found.others["place"].is_sorted()
    assert found.others["place"].is_unique().all()
    assert found.held["place"].is_sorted()


def test_a_lazy_table_holds_no_more_than_rare_rows_and_sample(frame):
    assert choose_rows(frame.lazy()).held.height <= module.MAX_OTHERS + N_RARE
    assert choose_rows(frame).held.height == N


@pytest.mark.parametrize("lazy", [False, True])
def test_the_others_are_drawn_uniformly(frame, lazy):
    """Chi-square over 60 stretches of the table; the seed is fixed, so this never flickers."""
    found = choose_rows(frame.lazy() if lazy else frame)
    stretch = found.others["place"].to_numpy() // 1_000
    there = frame.filter(pl.col("Class") == 0)["place"].to_numpy() // 1_000
    expected = np.bincount(there) / len(there) * len(stretch)
    assert chisquare(np.bincount(stretch), expected).pvalue > 0.001


@pytest.mark.parametrize("lazy", [False, True])
def test_small_classes_are_kept_whole(frame, lazy):
    """A third class of 30 rows in 60,000: the sample alone would hold some ten of them."""
    classes = pl.when(pl.col("place") % 2_000 == 9).then(2).otherwise(pl.col("Class"))
    table = frame.with_columns(classes.cast(pl.Int8).alias("Class"))
    found = choose_rows(table.lazy() if lazy else table, rare=1)
    assert found.others["Class"].value_counts().filter(pl.col("Class") == 2).item(0, "count") == 30
    assert found.others.height < module.MAX_OTHERS + 30
    assert found.others["place"].is_sorted()
    assert found.rare.height == N_RARE


def test_many_small_classes_are_bounded(frame):
    table = frame.with_columns(Class=pl.col("place") % 20_000)  # three rows of each
    assert choose_rows(table, rare=7).others.height <= 2 * module.MAX_OTHERS


def test_a_small_table_is_held_whole(frame):
    small = frame.head(3_000)
    lazy, eager = choose_rows(small.lazy()), choose_rows(small)
    assert lazy.held.equals(eager.held)
    assert lazy.others.equals(eager.others)


def test_nan_is_missing(frame):
    for table in (frame, frame.lazy()):
        found = choose_rows(table)
        assert found.held["a"].null_count() > 0
        assert not found.held["a"].is_nan().any()


@pytest.mark.parametrize("lazy", [False, True])
def test_the_target_must_be_known(frame, lazy):
    odd = frame.with_columns(Class=pl.col("Class").cast(pl.Float32).replace(0.0, float("nan")))
    with pytest.raises(SchemaError, match="data row 1 .* the target must be known"):
        choose_rows(odd.lazy() if lazy else odd)


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["no", "yes"])])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_target_of_categories_keeps_its_dtype(frame, dtype, lazy):
    flags = pl.Series(np.where(frame["Class"] == 1, "yes", "no")).cast(dtype)
    table = frame.with_columns(Class=flags)
    found = choose_rows(table.lazy() if lazy else table)
    assert (found.value, found.rare.height) == ("yes", N_RARE)
    assert found.rare.schema["Class"] == dtype


def test_ignored_columns_are_not_read(frame):
    found = choose_rows(frame.lazy(), ignore="a")
    assert found.held.columns == found.everything.collect_schema().names() == ["place", "Class"]


def test_an_empty_table_is_told(frame):
    for table in (frame.clear(), frame.clear().lazy()):
        with pytest.raises(DataError, match=r"t\.csv has no rows"):
            choose_rows(table, source="t.csv")


def test_of_many_names_only_some_are_listed():
    assert listed([1, "a"]) == "1, 'a'"
    assert listed(range(20)).endswith("6, 7, ...")
    with pytest.raises(SchemaError, match="did you mean 'Amount' or 'amounts'"):
        known_column(["Amount", "amounts", "zzz"], "AMOUNT")


@pytest.mark.parametrize("lazy", [False, True])
def test_the_uniform_draw_among_the_others_is_marked(frame, lazy):
    """Of a small class that is kept whole only as many are in the draw as of any other rows."""
    third = pl.col("place") % 6 == 5
    table = frame.with_columns(Class=pl.when(third).then(2).otherwise(pl.col("Class")))
    found = choose_rows(table.lazy() if lazy else table, rare=1)
    assert len(found.drawn) == found.others.height
    drawn = found.others.filter(found.drawn)
    assert abs(drawn.height - module.MAX_OTHERS) < 0.02 * module.MAX_OTHERS
    n = int((drawn["Class"] == 2).sum())
    assert (found.others["Class"] == 2).sum() == (table["Class"] == 2).sum()
    assert abs(n / drawn.height - 1 / 6) < 4 * np.sqrt(5 / 36 / drawn.height)
    small = choose_rows(frame.head(3_000))
    assert small.drawn.all()
