from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from raregan import make_card_fraud
from raregan.data.rows import choose_rows
from raregan.data.suspects import _auc_of_numbers, count_values, find_suspects
from raregan.data.table import infer_schema

N, N_RARE = 2000, 200
RNG = np.random.default_rng(3)
RARE = np.arange(N) % (N // N_RARE) == 0


def clean():
    days = [date(2020, 1, 1) + timedelta(int(day)) for day in RNG.integers(0, 900, N)]
    return pl.DataFrame(
        {
            "amount": RNG.lognormal(3, 1, N).round(2),
            "age": RNG.integers(16, 90, N),
            "claims": RNG.poisson(2, N),
            "balance": RNG.normal(0, 500, N),
            "town": RNG.choice(["Oslo", "Bergen", "none"], N),
            "flag": RNG.random(N) < 0.2,
            "sold": days,
            "Class": RARE.astype(np.int8),
        }
    )


def suspects(frame, **options):
    rows = choose_rows(frame, target="Class")
    schema = infer_schema(rows, kinds=options)
    counts = {name: count_values(rows.held[name]) for name in schema.names}
    return find_suspects(rows, schema, counts)


def said(frame, column, **options):
    return [found.text for found in suspects(frame, **options) if found.column == column]


def spiked(values, code, n=40):
    """Put a code into every so many rows of both classes."""
    values = list(values)
    for row in range(7, N, N // n):
        values[row] = code
    return values


def test_a_clean_table_gives_no_warning():
    assert suspects(clean()) == ()


@pytest.mark.parametrize(
    "column",
    [
        RARE * 100 + RNG.normal(size=N),
        -(RARE * 100 + RNG.normal(size=N)),
        np.where(RARE, 5, RNG.choice([3, 7], N)),
        pl.Series(np.where(RARE, "charged back", RNG.choice(["paid", "open"], N))),
        RARE,
        pl.Series(RARE * 900 * 86_400_000_000).cast(pl.Datetime("us")),
        pl.Series([None if r else x for r, x in zip(RARE, RNG.normal(size=N), strict=True)]),
        pl.Series([x if r else None for r, x in zip(RARE, RNG.normal(size=N), strict=True)]),
        pl.Series([None if r and i % 50 else "xyz"[i % 3] for i, r in enumerate(RARE)]),
    ],
    ids=["high", "low", "codes", "levels", "flag", "time", "missing", "filled", "mostly missing"],
)
def test_near_copies_of_the_target(column):
    found = said(clean().with_columns(x=column), "x")
    assert "is it known only after the fact?" in found[0]


@pytest.mark.parametrize("values", [(0, 1), ("no", "yes"), (False, True)])
def test_a_copy_of_the_target_with_errors_is_one(values):
    wrong = RARE ^ (RNG.random(N) < 0.02)
    copy = pl.Series([values[int(flag)] for flag in wrong])
    assert "is it known only after the fact?" in said(clean().with_columns(x=copy), "x")[0]
    weak = RARE ^ (RNG.random(N) < 0.08)
    strong = pl.Series([values[int(flag)] for flag in weak])
    assert said(clean().with_columns(x=strong), "x") == []


@pytest.mark.parametrize("auc", [0.9, 0.97])
def test_a_strong_column_is_no_copy(auc):
    from scipy.stats import norm

    shift = np.sqrt(2) * norm.ppf(auc)
    column = RNG.normal(size=N) + shift * RARE
    assert said(clean().with_columns(x=column), "x") == []


def test_many_levels_do_not_look_like_a_copy():
    column = pl.Series(RNG.integers(0, N // 2, N)).cast(pl.String)
    assert said(clean().with_columns(x=column), "x") == []


def test_few_rows_accuse_nobody():
    frame = clean().head(80).with_columns(x=pl.Series(RARE[:80]))
    assert not any("after the fact" in text for text in said(frame, "x"))


def test_the_area_is_that_of_all_pairs():
    values = RNG.integers(0, 9, 60).astype(float)
    values[RNG.random(60) < 0.2] = np.nan
    series = pl.Series(values, nan_to_null=True)
    areas = []
    for end in (-1.0, 99.0):
        x = np.where(np.isnan(values), end, values)
        pairs = x[:25, None] - x[None, 25:]
        area = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
        areas += [area, 1 - area]
    assert _auc_of_numbers(series, 25) == pytest.approx(max(areas))


def test_levels_of_rare_rows_only():
    levels = np.where(RARE & (np.arange(N) % 40 == 0), "mule", RNG.choice(["a", "b"], N))
    [text] = said(clean().with_columns(x=pl.Series(levels)), "x")
    assert text.startswith("'mule' is found only among the rare rows (50 of them)")
    once = pl.Series(np.where(np.arange(N) == 0, "mule", levels)).replace("mule", "a")
    assert said(clean().with_columns(x=once), "x") == []


@pytest.mark.parametrize("code", [-1, -9, -999, -9999, 9999, 99999])
def test_hidden_numbers(code):
    frame = clean().with_columns(x=pl.Series(spiked(RNG.integers(0, 60, N), code)))
    [text] = said(frame, "x")
    assert text.startswith(f"{code} in 40 of 2,000 rows")
    assert "apart from the rest (0 to 59)" in text
    assert text.endswith("empty those cells")


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(-30, 31, N),
        RNG.choice([-1, 0, 1], N),
        spiked(RNG.integers(900, 1200, N), 999),
        spiked(RNG.normal(0, 3000, N).round(), -999),
        spiked(RNG.lognormal(5, 2, N).round(2), 0.0),
        RNG.choice([0, 500, 1000, 2000, 5000], N),
        np.where(RNG.random(N) < 0.8, 0, RNG.integers(2, 11, N) * 1_000_000),
        RNG.poisson(1, N),
    ],
)
def test_plain_numbers_hide_nothing(values):
    assert said(clean().with_columns(x=pl.Series(values, strict=False)), "x") == []


@pytest.mark.parametrize(
    ("x", "codes"),
    [
        (RNG.choice([-1, 1, 2, 3], N), ["-1"]),
        (RNG.choice([0, 20, 30, 40], N), ["0"]),
        (spiked(spiked(RNG.integers(0, 60, N), -999), -1, 41), ["-999", "-1"]),
        (spiked([f"{x:.2f}" for x in RNG.lognormal(3, 1, N)], "-999"), ["'-999'"]),
    ],
)
def test_hidden_numbers_of_few_values_of_two_codes_and_of_text(x, codes):
    found = said(clean().with_columns(x=pl.Series(x)), "x")
    found = [text for text in found if "empty those cells" in text]
    assert [text.partition(" in ")[0] for text in found] == codes


def test_an_impossible_zero():
    frame = clean().with_columns(age=pl.Series(spiked(RNG.integers(16, 80, N), 0)))
    assert said(frame, "age")[0].startswith("0 in 40 of 2,000 rows, apart from the rest (16 to 79)")


@pytest.mark.parametrize("code", ["?", "", "  ", "Unknown", "N/A", "null", "NA", "-1", "0"])
def test_hidden_text(code):
    frame = clean().with_columns(x=pl.Series(spiked(RNG.choice(["Mon", "Tue", "Wed"], N), code)))
    assert said(frame, "x")[0].startswith(f"{code!r} in 40 of 2,000 rows")
    as_levels = frame.with_columns(pl.col("x").cast(pl.Categorical))
    assert said(as_levels, "x") == said(frame, "x")


@pytest.mark.parametrize(
    "levels", [["NA", "DE", "FR"], ["none", "some"], ["0", "1 to 2", "more than 2"], ["0", "1"]]
)
def test_answers_hide_nothing(levels):
    assert said(clean().with_columns(x=pl.Series(RNG.choice(levels, N))), "x") == []


@pytest.mark.parametrize("code", [date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31)])
@pytest.mark.parametrize("form", [None, "%d/%m/%Y", "datetime"])
def test_hidden_dates(code, form):
    column = pl.Series("sold", spiked(clean()["sold"], code))
    if form == "datetime":
        column = column.cast(pl.Datetime("ms"))
    elif form:
        column = column.dt.to_string(form)
    found = said(clean().with_columns(column), "sold")
    assert [text.partition(":")[0] for text in found] == [
        f"{code} in 40 of 2,000 rows, a year or more from the rest"
    ]


def test_a_date_within_the_range_stands_out_by_its_count():
    born = [date(1950, 1, 1) + timedelta(int(day)) for day in RNG.integers(0, 18000, N)]
    frame = clean().with_columns(born=pl.Series(born))
    assert said(frame, "born") == []
    [text] = said(frame.with_columns(born=pl.Series(spiked(born, date(1970, 1, 1), 100))), "born")
    assert "far more than on any other day" in text


def test_what_is_not_learned_is_told():
    notes = pl.Series([f"note {i} about a thing that was said at length" for i in range(N)])
    frame = clean().with_columns(
        policy_id=pl.Series([f"P{i:05}" for i in range(N)]),
        note=notes,
        same=pl.lit(3.5),
        gone=pl.lit(None, pl.Float64),
        rarely=pl.Series([None if i % 3 else "x" + "yz"[i % 7 > 3] for i in range(N)]),
    )
    assert said(frame, "policy_id")[0].startswith("taken for an identifier")
    assert said(frame, "note")[0].startswith("free text")
    assert said(frame, "same")[0].startswith("the same value in every row")
    assert said(frame, "gone")[0].startswith("missing in every row")
    assert said(frame, "rarely")[0].startswith("missing in ")
    assert "learned from 67 rows" in said(frame, "rarely")[0]


def test_a_constant_of_the_rare_rows_only():
    frame = clean().with_columns(x=np.where(RARE, 1.0, RNG.integers(0, 3, N)))
    assert "every rare row, though not in the others" in said(frame, "x")[0]


def test_the_table_as_a_whole():
    doubled = pl.concat([clean(), clean().head(30)])
    frame = pl.concat([doubled, doubled.head(10)])
    [text] = said(frame, None)
    assert text.startswith("10 of 2,040 rows (1 of 204 rare ones)")
    [text] = [
        found.text
        for found in suspects(
            clean().with_columns(Class=pl.Series(~RARE).cast(pl.Int8)), amount="continuous"
        )
    ] or [""]
    assert text == ""  # the rarest value is the other one, and the table clean


def test_a_common_rare_value_is_questioned():
    rows = choose_rows(clean(), target="Class", rare=0)
    schema = infer_schema(rows, kinds={})
    counts = {name: count_values(rows.held[name]) for name in schema.names}
    assert "name it by --rare" in find_suspects(rows, schema, counts)[-1].text


def test_times():
    frame = clean().rename({"sold": "sale_date"}).with_columns(birth_date=clean()["sold"])
    assert "--time-column" in said(frame, "sale_date")[0]
    assert said(frame, "birth_date") == []


REAL = {
    "creditcard": {"Time": 1, None: 1},
    "vehicle_insurance_fraud": dict.fromkeys(
        [
            *("PolicyNumber", "Month", "Make", "AccidentArea", "DayOfWeekClaimed", "MonthClaimed"),
            *("Sex", "MaritalStatus", "Age"),
        ],
        1,
    ),
    "insurance_claims": dict.fromkeys(
        ["policy_number", "incident_location", "policy_bind_date", "incident_date"], 1
    ),
    "hmeq": {"DEBTINC": 1},
    "german_credit": {},
    "bank_marketing": dict.fromkeys(
        ["job", "marital", "education", "default", "housing", "loan", "pdays", None], 1
    ),
    "mammography": {None: 1},
    "paysim_sample": dict.fromkeys(["nameOrig", "nameDest", "step"], 1),
    "census_income_kdd_train": dict.fromkeys(
        [
            *("hispanic_origin", "capital_gains", "migration_code_change_in_msa"),
            *("migration_code_change_in_reg", "migration_code_move_within_reg"),
            *("migration_prev_res_in_sunbelt", None),
        ],
        1,
    ),
}
TARGETS = dict(
    zip(
        REAL,
        ["Class", "FraudFound_P", "fraud_reported", "BAD", "class", "y", "y", "isFraud", "income"],
        strict=True,
    )
)


@pytest.mark.parametrize("name", REAL)
def test_real_tables_get_these_warnings_and_no_others(name, real_data):
    frame = pl.read_parquet(real_data / f"{name}.parquet").rename({TARGETS[name]: "Class"})
    found = [suspect.column for suspect in suspects(frame)]
    assert {column: found.count(column) for column in found} == REAL[name]


@pytest.mark.parametrize(
    ("features", "columns"),
    [("raw", ["customer_id", "terminal_id", "merchant_id", "device", "timestamp"]), ("pca", [])],
)
def test_simulated_tables_get_these_warnings_and_no_others(features, columns):
    frame = make_card_fraud(features=features)
    assert [found.column for found in suspects(frame)] == columns
