from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import StandardScaler

from raregan.contest.features import (
    MOST_LEVELS,
    Linear,
    Ordinal,
    by_frequency,
    mean_and_scale,
    plain,
)
from raregan.data.kinds import infer_columns

FRAME = pl.DataFrame(
    {
        "a": [1.0, None, 3.0, 8.0],
        "b": ["x", "y", None, "x"],
        "c": [1.0, 2.0, 3.0, 4.0],
    }
)


def test_plain_frames_hold_numbers_and_text(mixed):
    columns = infer_columns(mixed.drop("Class"), mixed.drop("Class"), {})
    found = plain(mixed, columns)
    assert set(found.dtypes) == {pl.Float64, pl.String}
    assert found.columns == [column.name for column in columns]
    for column in columns:
        assert found[column.name].null_count() == mixed[column.name].null_count()


def test_dates_are_days_and_infinite_numbers_missing():
    frame = pl.DataFrame(
        {
            "day": [date(1970, 1, 3), None],
            "text": ["1970-01-04", "1970-01-01"],
            "x": [np.inf, 2.5],
            "written": ["1.25", "2.50"],
        }
    )
    kinds = {"text": "datetime", "day": "datetime", "x": "continuous", "written": "continuous"}
    found = plain(frame, infer_columns(frame, frame, kinds))
    assert found["day"].to_list() == [2.0, None]
    assert found["text"].to_list() == [3.0, 0.0]
    assert found["x"].to_list() == [None, 2.5]
    assert found["written"].to_list() == [1.25, 2.5]


def test_linear_columns_are_standardised_with_gaps_marked_and_levels_apart():
    view = Linear.fit(FRAME)
    found = view.encode(FRAME)
    filled = np.array([[1, 1], [3, 2], [3, 3], [8, 4]])  # the median of 1, 3 and 8
    expected = StandardScaler().fit_transform(filled)
    assert found[:, [0, 2]] == pytest.approx(expected)
    assert found[:, 1].tolist() == [0, 1, 0, 0]
    assert found[:, 3:].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]  # x, gap, y


def test_what_training_rows_lack_is_nothing():
    view = Linear.fit(FRAME)
    new = FRAME.with_columns(b=pl.lit("z"))
    assert view.encode(new)[:, 3:].sum() == 0
    assert Ordinal.fit(FRAME).encode(new)[:, 1].tolist() == [-1] * 4


def test_rare_levels_share_a_column():
    levels = [f"l{i:02d}" for i in range(MOST_LEVELS + 5)]
    frame = pl.DataFrame({"b": levels + levels[:MOST_LEVELS]})
    found = Linear.fit(frame).encode(frame)
    assert found.shape[1] == MOST_LEVELS + 1
    assert found.sum(axis=1).tolist() == [1] * frame.height
    assert found[:, -1].sum() == 5


def test_trees_see_numbers_as_they_are_and_levels_by_frequency():
    found = Ordinal.fit(FRAME).encode(FRAME)
    assert found[:, 1] == pytest.approx([0, 1, np.nan, 0], nan_ok=True)
    assert found[:, 0] == pytest.approx([1, np.nan, 3, 8], nan_ok=True)
    assert by_frequency(FRAME["b"]) == ["x", "y"]


def test_a_column_that_is_missing_in_training_is_zero():
    frame = FRAME.with_columns(a=pl.lit(None, pl.Float64))
    view = Linear.fit(frame)
    assert view.encode(frame)[:, 0].tolist() == [0] * 4
    assert np.isfinite(view.encode(FRAME)).all()


def test_a_column_that_was_constant_has_no_say_beyond_its_values():
    """The standard deviation of 8,000 times 0.035, as it is computed, is not 0."""
    rng = np.random.default_rng(2)
    train = pl.DataFrame({"rate": np.full(8_000, 0.035), "x": rng.normal(size=8_000)})
    assert train["rate"].to_numpy().std() > 0
    found = Linear.fit(train).encode(pl.DataFrame({"rate": [0.035, 0.04], "x": [0.0, 0.0]}))
    assert found[:, 0] == pytest.approx([0.0, 0.005])
    mean, scale = mean_and_scale(train.to_numpy())
    assert scale == pytest.approx([1.0, train["x"].to_numpy().std()])
    assert mean == pytest.approx([0.035, train["x"].mean()])
    late = 1.7e9 + np.arange(100.0)[:, None]
    assert mean_and_scale(late)[1] == pytest.approx(late.std())
