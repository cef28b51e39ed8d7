import numpy as np
import polars as pl
import pytest

from raregan.data.codes import find_codes, show_number
from raregan.data.schema import Column
from raregan.data.suspects import count_values


def codes(values, kind="integer", rows=9):
    """Return the codes of a column that holds each value so many times."""
    cells = pl.Series("x", np.repeat(np.asarray(values), rows))
    column = Column("x", "String" if cells.dtype == pl.String else "Float64", kind)
    return [shown for shown, _, _ in find_codes(count_values(cells), column)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1, 1, 2, 3], ["-1"]),
        ([-1, 0, 1, 2], ["-1"]),
        ([-1, 1, 2], ["-1"]),
        ([-9, 0, 1], ["-9"]),
        ([-1, 0, 1], []),  # signs
        ([-1, 1], []),
        ([-2, 1, 2, 3], []),
        ([0, 20, 30, 40], ["0"]),
        ([0, 20, 30, 50], []),
        ([0, 10, 20, 30], []),
        ([0, 500, 1000, 2000, 5000], []),
        ([0, 20, 30], []),
        ([-999, -1, *range(60)], ["-999", "-1"]),
        ([-999, -1, 0, 5_000, 5_001], ["-999", "-1"]),
        ([-999, -99, -9, *range(60)], ["-999", "-99", "-9"]),
        ([-999, -5, *range(60)], ["-999"]),
        ([-1, 0, *range(16, 80)], ["-1", "0"]),
        ([*range(28), 99, 999], ["999", "99"]),
        ([1, 2, 3, 99, 999], ["999", "99"]),
        ([1, 2, 99], []),
        ([-999, *range(60), 9999], ["-999", "9999"]),
        ([-np.inf, -1, 2, 3, 4, np.inf], ["-1"]),
    ],
)
def test_codes_are_taken_off_both_ends(values, expected):
    assert codes([float(value) for value in values]) == expected
    assert codes([str(value) for value in values], "categorical") == (
        [] if np.inf in values else [repr(code) for code in expected]
    )


def test_a_code_of_one_row_is_passed_over():
    cells = pl.Series("x", [-999, *[-1, 5, 6, 7, 8] * 3])
    found = find_codes(count_values(cells), Column("x", "Int64", "integer"))
    assert [shown for shown, _, _ in found] == ["-1"]


def test_a_zero_of_most_rows_is_an_amount_of_nothing():
    cells = pl.Series("x", [0] * 10 + [20, 30, 40] * 3)
    assert list(find_codes(count_values(cells), Column("x", "Int64", "integer"))) == []


AMOUNTS = [f"{x / 8 + 2:.2f}" for x in range(60)]


def test_codes_in_text_of_numbers():
    assert codes([*AMOUNTS, "-999", "?"], "categorical") == ["'?'", "'-999'"]
    assert codes([*AMOUNTS, "-999.00"], "continuous") == ["'-999.00'"]
    assert codes([*AMOUNTS, " -999"], "identifier") == ["' -999'"]
    assert codes([*AMOUNTS, "-999", "A12"], "categorical") == []
    accounts = [str(x) for x in range(40_000, 40_060)]
    assert codes([*accounts, "-1"], "categorical") == ["'-1'"]
    assert codes([*accounts, "-1"], "identifier") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2024, "2024"),
        (-0.5, "-0.5"),
        (13100458.52, "13,100,458.52"),
        (1e6, "1,000,000"),
        (1.23456789e-5, "1.23457e-05"),
        (1e20, "1e+20"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_for_people(value, text):
    assert show_number(value) == text
