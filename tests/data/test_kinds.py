import re
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from raregan.data.kinds import (
    DATE_FORMATS,
    ID_WORDS,
    MANY_LEVELS,
    find_date_format,
    find_fault,
    given_column,
    infer_columns,
    names_one,
)
from raregan.data.schema import Column
from raregan.errors import SchemaError

N = 100
RNG = np.random.default_rng(0)
DAYS = [date(2020, 1, 1) + timedelta(days=3 * i) for i in range(N)]
SENTENCES = [f"the insured said that on day {i} the car was hit from behind" for i in range(N)]


def infer(values, name="x", kinds=None, rare=None, dtype=None):
    """Return the one column; by default all rows are rare."""
    held = pl.DataFrame([pl.Series(name, values, dtype=dtype)])
    rows = held if rare is None else held.head(rare)
    (column,) = infer_columns(held, rows, kinds or {})
    return column


def fault(values, kinds=None, dtype=None):
    with pytest.raises(SchemaError) as error:
        infer(values, kinds=kinds, dtype=dtype)
    assert "\n" not in str(error.value)
    return str(error.value)


def codes(n, form="C{:07d}"):
    return [form.format(int(code)) for code in RNG.choice(10**7, n, replace=False)]


KINDS_OF = {
    # 1: constants
    "one value": ([7] * N, None, "constant"),
    "one value or none": ([7, None] * 50, None, "constant"),
    "nothing": ([None] * N, None, "constant"),
    "all NaN turned null": ([None] * N, pl.Float64, "constant"),
    # 2: Booleans
    "Boolean": ([True, False] * 50, None, "boolean"),
    # 3: points in time
    "Date": (DAYS, None, "datetime"),
    "Datetime": ([datetime(2020, 1, 1, i % 24) for i in range(N)], None, "datetime"),  # noqa: DTZ001
    "two dates only": ([DAYS[0], DAYS[1]] * 50, None, "datetime"),
    # 4: spans of time
    "Duration": ([timedelta(seconds=i) for i in range(N)], None, "duration"),
    "Time": ([time(i % 24) for i in range(N)], None, "duration"),
    # 5: integers
    "small integers": ([i % 7 for i in range(N)], None, "integer"),
    "distinct integers out of order": (RNG.permutation(N) * 7, None, "integer"),
    "counting rows": (list(range(5, 5 + N)), None, "identifier"),
    "counting few rows": (list(range(5)), None, "integer"),
    "counting with a missing cell": ([*range(50), None, *range(50, N)], None, "identifier"),
    "huge and distinct": ([2**60 + 3 * i for i in range(N)], None, "identifier"),
    "huge and repeated": ([2**60 + i % 3 for i in range(N)], None, "categorical"),
    "huge and negative": ([-(2**60) - i % 3 for i in range(N)], None, "categorical"),
    "huge and unsigned": ([2**64 - 1 - i % 3 for i in range(N)], pl.UInt64, "categorical"),
    "the last exact ones": ([2**53, -(2**53), 1], None, "integer"),
    # 6: other numbers
    "floats": ([i / 8 for i in range(N)], None, "continuous"),
    "whole floats": ([float(i % 9) for i in range(N)], None, "integer"),
    "whole floats and infinity": ([1.0, 2.0, float("inf")], None, "integer"),
    "decimals": ([i / 4 for i in range(N)], pl.Decimal(10, 2), "continuous"),
    "whole decimals": ([i % 9 for i in range(N)], pl.Decimal(10, 2), "integer"),
    # 7: text
    "few words": (["low", "high"] * 50, None, "categorical"),
    "numbers as text, many": ([f"{i / 4:.2f}" for i in range(N)], None, "continuous"),
    "numbers as text, few": ([f"{i % 5 / 4:.2f}" for i in range(N)], None, "categorical"),
    "numbers as text, other decimals": (
        [f"{i / 4:.2f}" if i % 2 else f"{i / 4:.1f}" for i in range(N)],
        None,
        "identifier",
    ),
    "distinct codes": (codes(N), None, "identifier"),
    "codes that repeat": (codes(50) * 2, None, "categorical"),
    "sentences": (SENTENCES, None, "text"),
    "the same few sentences": (SENTENCES[:5] * 20, None, "categorical"),
    "long sentences that repeat": (SENTENCES[:25] * 4, None, "categorical"),
    "Categorical": (["a", "b"] * 50, pl.Categorical, "categorical"),
    "Enum": (["a", "b"] * 50, pl.Enum(["b", "a"]), "categorical"),
}


@pytest.mark.parametrize("case", KINDS_OF)
def test_the_rules(case):
    values, dtype, kind = KINDS_OF[case]
    assert infer(values, dtype=dtype).kind == kind


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt64, pl.Date, pl.Datetime("ms"), pl.Float32])
def test_missing_values_count_nowhere(dtype):
    full = pl.Series(RNG.permutation(N) * 11).cast(dtype)
    holes = pl.Series([None] * N, dtype=dtype)
    assert infer(pl.concat([full, holes])) == infer(full)


def test_names_that_identify():
    numbers, texts = RNG.permutation(N) * 7, codes(50, "{:x}") * 2
    for name in ("customer_id", "PolicyNumber", "account no", "id", "ID"):
        assert infer(numbers, name).kind == infer(texts, name).kind == "identifier"
    assert infer([i % 50 for i in range(N)], "customer_id").kind == "integer"
    assert infer(["u", "v"] * 50, "customer_id").kind == "categorical"
    assert MANY_LEVELS < 50


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("customer_id", True),
        ("customerID", True),
        ("Policy Number", True),
        ("IBAN", True),
        ("paid", False),
        ("identity", False),
        ("number_of_children", False),
        ("", False),
        ("\N{SNOWMAN}", False),
    ],
)
def test_the_last_word_of_a_name_counts(name, found):
    assert names_one(name) is found
    assert all(names_one(f"a_{word}") for word in ID_WORDS)


def test_a_column_that_is_constant_among_rare_rows_only():
    assert infer([7] * 20 + [8] * 80, rare=20).kind == "constant"
    assert infer([7] * 20 + [8] * 80, rare=21).kind == "integer"


def test_the_other_rows_help_to_tell_the_kind():
    whole_then_not = [float(i) for i in range(20)] + [0.5] * 80
    assert infer(whole_then_not, rare=20).kind == "continuous"


@pytest.mark.parametrize("form", DATE_FORMATS)
def test_dates_as_text_are_found_in_every_format(form):
    moments = pl.Series(
        [datetime(1951, 12, 31, 23, 59, 58, 123_000), datetime(2024, 11, 13, 4, 5, 6, 789_000)]  # noqa: DTZ001
        + [datetime(2000, 1, 1) + timedelta(days=i, hours=i, milliseconds=i) for i in range(N)]  # noqa: DTZ001
    )
    found = infer(moments.dt.to_string(form))
    assert (found.kind, found.format) == ("datetime", form)


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-01-01", "2020-02-30"],
        ["2020-01-01", "01/02/2020"],
        ["2020-01-01", "2020-1-2"],  # would not come out as it is written
        ["20200101", "20200102"],
        ["1.5", "2.5"],
        ["", "2020-01-01"],
        [],
    ],
)
def test_what_is_no_date(texts):
    assert find_date_format(pl.Series(texts, dtype=pl.String)) is None


def test_a_late_odd_date_is_seen():
    texts = [day.isoformat() for day in DAYS] * 3 + ["unknown"]
    assert find_date_format(pl.Series(texts).unique(maintain_order=True)) is None


def test_days_go_before_months_where_both_fit():
    assert find_date_format(pl.Series(["03/04/2024", "05/06/2024"])) == "%d/%m/%Y"
    assert find_date_format(pl.Series(["03/04/2024", "05/16/2024"])) == "%m/%d/%Y"


def test_categories_that_look_like_dates_stay_categories():
    assert infer(["2020-01-01", "2020-01-02"] * 50, dtype=pl.Categorical).format is None


@pytest.mark.parametrize(
    ("values", "dtype", "said"),
    [
        ([[1], [2]], None, "List(Int64)"),
        ([{"a": 1}, {"a": 2}], None, "Struct"),
        ([b"a", b"b"], None, "Binary"),
        ([1, 2], pl.Int128, "Int128"),
    ],
)
def test_what_can_be_of_no_kind_is_refused_with_its_place(values, dtype, said):
    message = fault(values, dtype=dtype)
    assert message.startswith("column 'x', data row 1 (counted from 1), holds ")
    assert said in message
    assert message.endswith("leave it out with --ignore 'x'")


@pytest.mark.parametrize(
    "values", [["a", None], [None, None], [1.5, float("inf")], [date(2020, 1, 1)], [2**60]]
)
def test_what_was_refused_once_is_learned_now(values):
    assert find_fault(pl.Series("x", values)) is None


def test_all_columns_at_fault_are_named_at_once():
    frame = pl.DataFrame({"a": [1, 2], "b": [[1], [2]], "c": [b"", b"x"], "d": [[0.5], [1.0]]})
    with pytest.raises(SchemaError, match=r"column 'b', .*; at fault too: 'c', 'd'$"):
        infer_columns(frame, frame, {})


GIVEN = [
    ([1, 2, 3], "categorical"),
    ([1, 2, 3], "identifier"),
    ([1, 2, 3], "continuous"),
    ([1.5, 2.5], "categorical"),
    (["a", "b"], "identifier"),
    (["a", "b"], "text"),
    (["a", "b"], "constant"),
    (["1.50", "2.25"], "continuous"),
    (DAYS, "categorical"),
    ([2**60, 2], "identifier"),
]


@pytest.mark.parametrize(("values", "kind"), GIVEN)
def test_a_given_kind_goes_before_the_rules(values, kind):
    assert infer(values, kinds={"x": kind}).kind == kind


def test_an_enum_has_levels_whatever_they_look_like():
    codes = [f"C{i:07}" for i in range(100)]
    assert infer(codes).kind == "identifier"
    assert infer(pl.Series(codes, dtype=pl.Enum(codes))).kind == "categorical"
    said = "cannot be identifier: it can be categorical, "
    assert said in fault(pl.Series(codes, dtype=pl.Enum(codes)), kinds={"x": "identifier"})


def test_dates_as_text_that_are_given_find_their_format():
    texts = [day.strftime("%d.%m.%Y") for day in DAYS]
    expected = Column("x", "String", "datetime", "%d.%m.%Y")
    assert given_column(pl.Series("x", texts), "datetime") == expected
    assert infer(texts, kinds={"x": "categorical"}).format is None


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ([1, 2], "colour", "unknown kind 'colour' (of continuous, integer, "),
        (["a", "b"], "integer", "'x' of type String cannot be integer: it can be continuous, "),
        ([1, 2], "datetime", "'x' of type Int64 cannot be datetime"),
        (DAYS, "continuous", "of type Date cannot be continuous"),
        ([1.5, 2.5], "identifier", "of type Float64 cannot be identifier"),
        (["1.50", "n/a"], "continuous", "data row 2 (counted from 1), holds 'n/a', which is no"),
        (["a", "b"], "datetime", "data row 1 (counted from 1), holds 'a', which is no date in a"),
        ([None, "b"], "datetime", "data row 2 (counted from 1), holds 'b', which is no date in a"),
        (
            [None, "2024-01-02", "2024-01-03", "03/04/2024"],
            "datetime",
            "holds '03/04/2024', which is no date as the others are, in '%Y-%m-%d'; turn the",
        ),
        (pl.Series([None, None], dtype=pl.String), "datetime", "'x' holds no value that could be"),
        ([1, 2**53 + 1], "integer", "beyond 2**53"),
        ([1, -(2**53) - 1], "continuous", "choose --kind identifier or categorical"),
        ([1.0, 2.5], "integer", "data row 2 (counted from 1), holds 2.5, which is no whole number"),
    ],
)
def test_a_given_kind_that_does_not_fit_is_refused(values, kind, said):
    message = fault(values, kinds={"x": kind})
    assert said in message
    assert re.match(r"column 'x'", message)


def test_numbers_as_text_may_be_missing():
    assert infer(["1.50", None, "2.25"], kinds={"x": "continuous"}).kind == "continuous"
