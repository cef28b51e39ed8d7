from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from raregan.errors import SchemaError
from raregan.judging.columns import pair_columns
from raregan.judging.sides import bring_together, like_real, pair_up
from tests.judging.test_fidelity import mixed


def test_all_tables_share_codes_and_numbers():
    real, made, held, others = (mixed(n, seed=n) for n in (20, 30, 15, 25))
    sides = bring_together(real, made, held, others)
    assert [len(side) for side in (sides.real, sides.synthetic, sides.holdout, sides.others)] == [
        20,
        30,
        15,
        25,
    ]
    assert [column.name for column in sides.columns] == real.columns
    place = real.columns.index("level")
    levels = np.array(sides.columns[place].levels)
    for side, table in ((sides.real, real), (sides.holdout, held), (sides.others, others)):
        assert (levels[side[:, place].astype(int)] == table["level"].to_numpy()).all()
        np.testing.assert_array_equal(side[:, 0], table["number"].to_numpy())


def test_a_column_without_a_real_cell_is_what_it_is_elsewhere():
    real, made, held, others = (mixed(n, seed=n) for n in (20, 30, 15, 25))
    gone = real.with_columns(level=pl.lit(None), number=pl.lit(None))
    sides = bring_together(gone, made, held, others)
    kinds = {column.name: column.kind for column in sides.columns}
    assert (kinds["level"], kinds["number"]) == ("category", "number")
    assert np.isnan(sides.real[:, real.columns.index("number")]).all()
    np.testing.assert_array_equal(sides.holdout[:, 0], held["number"].to_numpy())


def test_pairs_of_matrices_are_those_of_the_tables():
    real, made = mixed(20, seed=1), mixed(30, seed=2)
    sides = bring_together(real, made, real.clear(), real.clear())
    for ours, theirs in zip(
        pair_up(sides.columns, sides.real, sides.synthetic), pair_columns(real, made), strict=True
    ):
        assert (ours.name, ours.kind, ours.levels) == (theirs.name, theirs.kind, theirs.levels)
        np.testing.assert_array_equal(ours.real, theirs.real)
        np.testing.assert_array_equal(ours.synthetic, theirs.synthetic)


def test_a_table_takes_the_columns_of_the_real_one_without_losing_a_decimal():
    real = pl.DataFrame({"n": [1, 2], "c": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))})
    held = pl.DataFrame({"c": ["z"], "n": ["1.5"], "more": [0]})
    assert like_real(held, real, "held-out").rows() == [(1.5, "z")]
    assert like_real(None, real, "held-out").height == 0


def test_dates_written_as_text_are_read():
    real = pl.DataFrame({"day": [date(2024, 1, 2)], "when": [datetime(2024, 1, 2, 3)]})  # noqa: DTZ001
    held = pl.DataFrame({"day": ["2024-02-03", None], "when": ["2024-02-03 04:05:06", None]})
    read = like_real(held, real, "held-out")
    assert read.schema == real.schema
    assert read.rows()[0] == (date(2024, 2, 3), datetime(2024, 2, 3, 4, 5, 6))  # noqa: DTZ001
    with pytest.raises(
        SchemaError, match="'day' is String in the held-out rows and Date in the real"
    ):
        like_real(held.with_columns(day=pl.lit("soon")), real, "held-out")


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (pl.DataFrame({"n": [1]}), "column 'c' is missing from the held-out rows; add it"),
        (
            pl.DataFrame({"n": ["x"], "c": ["a"]}),
            "'n' is String in the held-out rows and Int64 in .* cast one of them",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused_in_one_line(held, message):
    real = pl.DataFrame({"n": [1, 2], "c": ["a", "b"]})
    with pytest.raises(SchemaError, match=message) as refusal:
        like_real(held, real, "held-out")
    assert "\n" not in str(refusal.value)


def test_where_one_table_is_float32_all_are_as_exact():
    rng = np.random.default_rng(3)
    exact = pl.DataFrame({"x": rng.integers(1, 10, 60) / 10})
    rough = exact.cast(pl.Float32)
    for tables in ((rough, exact, rough, exact), (exact, rough, exact, exact)):
        sides = bring_together(*tables)
        np.testing.assert_array_equal(sides.real, sides.synthetic)
        np.testing.assert_array_equal(sides.holdout, sides.others)
    [pair] = pair_columns(rough, exact)
    np.testing.assert_array_equal(pair.real, pair.synthetic)
