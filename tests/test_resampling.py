import math
from dataclasses import replace

import polars as pl
import pytest

from raregan.data.heldout import HeldOut
from raregan.data.sources import read_table
from raregan.data.split import split_rows
from raregan.errors import DataError, SchemaError, UserError
from raregan.resampling import Addition
from raregan.synthesizer import RareGAN
from tests.conftest import QUICK


@pytest.fixture
def addition(gan, frame, tmp_path):
    frame.with_columns(extra=pl.lit("x")).write_parquet(tmp_path / "t.parquet")
    return Addition(gan.model_, tmp_path / "t.parquet")


def test_the_classes_are_counted(addition):
    assert addition.count_classes() == (80, 320)


def test_so_are_those_of_a_text_file(mixed_gan, mixed, tmp_path):
    mixed.select("Class").write_csv(tmp_path / "t.csv")
    assert Addition(mixed_gan.model_, tmp_path / "t.csv").count_classes() == (100, 400)


@pytest.mark.parametrize(("ratio", "n"), [(0.5, 80), (1, 240), (2.5, 720), (0.2532, 1)])
def test_the_ratio_gives_the_number_of_rows(addition, ratio, n):
    assert addition.rows_for(ratio) == n


@pytest.mark.parametrize("ratio", [0, -1, math.nan, math.inf])
def test_a_ratio_is_a_positive_number(addition, ratio):
    with pytest.raises(UserError, match="a ratio must be a positive number"):
        addition.rows_for(ratio)


def test_a_ratio_that_is_reached_already_is_told(addition):
    with pytest.raises(UserError, match=r"80 rare rows for 320 others, a ratio of 0\.25: ask for"):
        addition.rows_for(0.25)


def test_originals_come_first_and_ignored_columns_come_out_missing(addition, frame, gan):
    rows = pl.concat(list(addition.frames(20, seed=5, mark="made")))
    assert rows.columns == [*frame.columns, "extra", "made"]
    assert rows.head(400).drop("extra", "made").equals(frame)
    assert rows["made"].to_list() == [False] * 400 + [True] * 20
    assert rows["extra"].null_count() == 20
    assert rows.tail(20).select(frame.columns).equals(gan.sample(20))


def test_a_table_that_does_not_fit_is_told_before_a_row_is_drawn(addition, gan, frame, tmp_path):
    with pytest.raises(SchemaError, match="has a column 'a' already"):
        addition.frames(1, seed=0, mark="a")
    frame.drop("b").write_parquet(tmp_path / "less.parquet")
    with pytest.raises(
        SchemaError, match="lacks 'b', which the model has learned from frame: name a table"
    ):
        Addition(gan.model_, tmp_path / "less.parquet").frames(1, seed=0)


# --- tables of other dtypes than what was learned ---

DATES = ("case", "count", "flag", "day", "moment", "rate", "Class")


@pytest.fixture(scope="module")
def dated(mixed):
    """The mixed table with whole days, moments and a float32."""
    moment = pl.col("seen").dt.replace_time_zone(None).dt.cast_time_unit("us")
    rate = (pl.col("part_a") / 10).cast(pl.Float32)
    return mixed.with_columns(day="opened", moment=moment, rate=rate).select(DATES)


@pytest.fixture(scope="module")
def forms(dated, tmp_path_factory):
    """The same table in three files, and a model of each by the file's ending."""
    folder = tmp_path_factory.mktemp("forms")
    dated.write_parquet(folder / "t.parquet")
    dated.write_csv(folder / "t.csv")
    german = dated.with_columns(
        pl.col("day").dt.to_string("%d.%m.%Y"),
        pl.col("moment").dt.to_string("%d.%m.%Y %H:%M:%S"),
        flag=pl.when("flag").then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")),
    )
    german.write_csv(folder / "t.tsv", separator="\t")
    models = {}
    for path in folder.iterdir():
        gan = RareGAN(epochs=1, batch_size=32, random_state=0, **QUICK).fit(read_table(path))
        side = split_rows(dated, target="Class")
        read = pl.read_parquet if path.suffix == ".parquet" else pl.read_csv
        frame = read(path, separator="\t") if path.suffix == ".tsv" else read(path)
        mark = HeldOut.of(frame.filter(side), DATES)
        models[path.suffix] = replace(gan.model_, held_out=mark)
    return folder, models


ENDINGS = [".parquet", ".csv", ".tsv"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("learned", ENDINGS)
def test_synthetic_rows_are_written_as_the_table_is(forms, dated, learned, ending):
    folder, models = forms
    rows = pl.concat(list(Addition(models[learned], folder / f"t{ending}").frames(50, seed=1)))
    original, made = rows.head(dated.height), rows.tail(50)
    if ending == ".parquet":
        assert original.equals(dated)
        assert rows.schema == dated.schema
    else:
        shown = {
            ".csv": {
                "day": r"^\d{4}-\d\d-\d\d$",
                "moment": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$",
                "flag": "^(true|false)$",
            },
            ".tsv": {
                "day": r"^\d\d\.\d\d\.\d{4}$",
                "moment": r"^\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d$",
                "flag": "^(TRUE|FALSE)$",
            },
        }[ending]
        shown |= {"rate": r"^\d+\.\d$", "Class": "^1$", "count": r"^\d+$"}
        for name, form in shown.items():
            for part in (original, made):
                fits = part[name].drop_nulls().str.contains(form)
                assert fits.all() or (name == "Class" and part is original), (name, part[name])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("learned", ENDINGS)
def test_held_out_rows_are_known_however_they_are_stored(forms, learned, ending):
    folder, models = forms
    with pytest.raises(DataError, match=r"125 of the 500 rows of t\..* were held out"):
        Addition(models[learned], folder / f"t{ending}").refuse_held_out()


def test_what_does_not_mix_is_told_at_once(forms, dated, tmp_path):
    _, models = forms
    dated.with_columns(pl.col("day").cast(pl.Int32)).write_parquet(tmp_path / "days.parquet")
    addition = Addition(models[".csv"], tmp_path / "days.parquet")
    for use in (
        addition.count_classes,
        addition.refuse_held_out,
        lambda: addition.frames(5, seed=0),
    ):
        with pytest.raises(SchemaError, match="'day' is of type Int32 in the table, and String"):
            use()
    dated.with_columns(pl.col("Class").cast(pl.String)).write_parquet(tmp_path / "text.parquet")
    with pytest.raises(SchemaError, match="'Class' is of type String in the table, and Int64"):
        Addition(models[".csv"], tmp_path / "text.parquet").count_classes()


def test_a_cell_that_the_table_cannot_hold_is_told_before_a_row_is_written(forms, dated, tmp_path):
    _, models = forms
    coarse = dated.with_columns(pl.col("moment").dt.to_string("%d.%m.%Y"))
    coarse.write_csv(tmp_path / "t.csv")
    rows = Addition(models[".parquet"], tmp_path / "t.csv").frames(5, seed=0)
    with pytest.raises(SchemaError, match=r"synthetic column 'moment', .*'%d\.%m\.%Y' cannot hold"):
        next(rows)


def test_whole_numbers_of_a_text_file_get_others_beside_them(gan, frame, tmp_path):
    whole = frame.with_columns(pl.col("Amount").cast(pl.Int64), pl.lit(None).alias("a"))
    whole.write_csv(tmp_path / "t.csv")
    rows = pl.concat(list(Addition(gan.model_, tmp_path / "t.csv").frames(50, seed=1)))
    assert rows["Amount"].tail(50).str.contains(r"\.").any()
    assert rows["a"].tail(50).null_count() == 0
    assert rows["count"].tail(50).str.contains(r"^\d+$").all()
    whole.drop("a").with_columns(frame["a"]).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(SchemaError, match="synthetic column 'Amount', .* the table's Int64 cannot"):
        next(Addition(gan.model_, tmp_path / "t.parquet").frames(50, seed=1))
