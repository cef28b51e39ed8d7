import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from raregan.data.conversions import Conversion, Stored
from raregan.errors import SchemaError

MOMENTS = [dt.datetime(1965, 1, 26, 20), None, dt.datetime(2024, 2, 29, 0, 0, 1)]  # noqa: DTZ001
DAYS = [dt.date(1965, 1, 26), None, dt.date(2024, 2, 29)]
UTC = pl.Series(MOMENTS).dt.replace_time_zone("UTC")
ISO, SECONDS = Stored(pl.String(), "%Y-%m-%d"), Stored(pl.String(), "%d.%m.%Y %H:%M:%S")
DATE, DATETIME = Stored(pl.Date()), Stored(pl.Datetime("us"))


def convert(cells, learned, table):
    return Conversion("c", learned, table).to_table(pl.Series("c", cells, learned.dtype))


@pytest.mark.parametrize(
    ("cells", "learned", "table", "expected"),
    [
        (["1965-01-26", None, "2024-02-29"], ISO, DATE, DAYS),
        (DAYS, DATE, ISO, ["1965-01-26", None, "2024-02-29"]),
        (MOMENTS, DATETIME, SECONDS, ["26.01.1965 20:00:00", None, "29.02.2024 00:00:01"]),
        (["26.01.1965 20:00:00", None, "29.02.2024 00:00:01"], SECONDS, DATETIME, MOMENTS),
        (["26.01.1965 00:00:00"], SECONDS, ISO, ["1965-01-26"]),
        (DAYS[:1], DATE, SECONDS, ["26.01.1965 00:00:00"]),
        (
            ["1965-01-26T20:00:00Z"],
            Stored(pl.String(), "%Y-%m-%dT%H:%M:%SZ"),
            Stored(pl.Datetime("ms", "UTC")),
            UTC.head(1).cast(pl.Datetime("ms", "UTC")).to_list(),
        ),
        (
            UTC.dt.convert_time_zone("Asia/Tokyo").to_list(),
            Stored(pl.Datetime("us", "Asia/Tokyo")),
            Stored(pl.String(), "%Y-%m-%dT%H:%M:%SZ"),
            ["1965-01-26T20:00:00Z", None, "2024-02-29T00:00:01Z"],
        ),
        (DAYS, DATE, DATETIME, pl.Series(DAYS).cast(pl.Datetime("us")).to_list()),
        ([1, None], Stored(pl.Int64()), Stored(pl.Int8()), [1, None]),
        ([1.0, None], Stored(pl.Float64()), Stored(pl.Int8()), [1, None]),
        ([0.1], Stored(pl.Float32()), Stored(pl.Float64()), [0.1]),
        ([0.1], Stored(pl.Float64()), Stored(pl.Decimal(9, 2)), [Decimal("0.1")]),
        (["a", None], Stored(pl.String()), Stored(pl.Enum(["b", "a"])), ["a", None]),
        (["a", None], Stored(pl.Categorical()), Stored(pl.String()), ["a", None]),
        (["1965-01-26"], ISO, Stored(pl.String()), ["1965-01-26"]),
    ],
)
def test_cells_become_those_of_the_table(cells, learned, table, expected):
    made = convert(cells, learned, table)
    assert made.to_list() == expected
    assert made.dtype == table.dtype
    assert made.name == "c"


@pytest.mark.parametrize(
    ("learned", "table", "said"),
    [
        (Stored(pl.String()), DATE, "of type Date in the table, and String was learned"),
        (DATE, Stored(pl.String()), "of type String in the table, and Date was learned"),
        (DATETIME, Stored(pl.Datetime("us", "UTC")), r"Datetime\[us, UTC\] in the table, and"),
        (Stored(pl.Int64()), Stored(pl.String()), "String in the table, and Int64 was learned"),
        (Stored(pl.Boolean()), Stored(pl.Int64()), "Int64 in the table, and Boolean was"),
        (Stored(pl.Duration("us")), Stored(pl.String()), r"Duration\[us\] was learned"),
        (Stored(pl.Float64()), Stored(pl.Null()), "Null in the table"),
        (Stored(pl.Float64()), Stored(pl.List(pl.Int64())), "List"),
    ],
)
def test_what_does_not_mix_is_told_with_both_types(learned, table, said):
    with pytest.raises(SchemaError, match=f"column 'c' is .*{said}.*: convert the column, or"):
        Conversion("c", learned, table)


@pytest.mark.parametrize(
    ("cells", "learned", "table", "said"),
    [
        (MOMENTS, DATETIME, ISO, "the table's '%Y-%m-%d' cannot hold"),
        (MOMENTS, DATETIME, DATE, "the table's Date cannot hold"),
        (
            [1.0, 2.5],
            Stored(pl.Float64()),
            Stored(pl.Int64()),
            "holds 2.5, which the table's Int64",
        ),
        ([1, 300], Stored(pl.Int64()), Stored(pl.Int8()), "holds 300, which the table's Int8"),
        (
            ["a", "z"],
            Stored(pl.String()),
            Stored(pl.Enum(["a"])),
            "holds 'z', which the table's Enum",
        ),
    ],
)
def test_what_the_table_cannot_hold_is_located(cells, learned, table, said):
    with pytest.raises(SchemaError, match=f"synthetic column 'c', data row .*{said}"):
        convert(cells, learned, table)


def test_the_tables_cells_become_what_was_learned():
    to_text = Conversion("c", SECONDS, DATETIME)
    assert to_text.hashes_apart
    made = to_text.to_learned(pl.Series("c", MOMENTS))
    assert made.to_list() == ["26.01.1965 20:00:00", None, "29.02.2024 00:00:01"]
    to_days = Conversion("c", DATE, ISO)
    assert to_days.to_learned(pl.Series("c", ["x", "1965-01-26"])).to_list() == [None, DAYS[0]]
    doubles = Conversion("c", Stored(pl.Float64()), Stored(pl.Float32()))
    assert doubles.hashes_apart
    assert doubles.to_learned(pl.Series("c", [0.1], pl.Float32)).to_list() == [0.1]
    assert not Conversion("c", Stored(pl.Int8()), Stored(pl.Int64())).hashes_apart
    assert not Conversion("c", ISO, ISO).hashes_apart
