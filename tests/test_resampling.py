import math

import polars as pl
import pytest

from raregan.errors import SchemaError, UserError
from raregan.resampling import Addition


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
    with pytest.raises(SchemaError, match="the table lacks 'b'"):
        Addition(gan.model_, tmp_path / "less.parquet").frames(1, seed=0)
