import numpy as np
import polars as pl
import pytest
from imblearn.over_sampling import ADASYN, SMOTE

from raregan import make_card_fraud
from raregan.contest.leaks import find_leaks
from raregan.data.heldout import HeldOut
from raregan.data.kinds import infer_columns
from tests.contest.tables import apart, named

TABLE = apart(n=600, n_rare=60, d=6)


def leaks_of(frame, **options):
    features = frame.drop("Class")
    is_rare = (frame["Class"] == 1).to_numpy()
    return find_leaks(frame, is_rare, infer_columns(features, features, {}), **options)


def oversampled(sampler, table=TABLE):
    rows, labels = sampler.fit_resample(table.drop("Class").to_numpy(), table["Class"].to_numpy())
    frame = named(rows).with_columns(Class=pl.Series(labels))
    return frame.sample(frame.height, shuffle=True, seed=0)


@pytest.mark.parametrize("frame", [TABLE, make_card_fraud(3_000, 100), apart(d=2), apart(d=1)])
def test_real_tables_have_no_leak(frame):
    assert leaks_of(frame) == ()


@pytest.mark.parametrize("strategy", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("sampler", [SMOTE, ADASYN])
def test_rows_between_others_are_found(sampler, strategy):
    frame = oversampled(sampler(sampling_strategy=strategy, random_state=0))
    (leak,) = leaks_of(frame)
    assert leak.name == "between"
    n_made = frame.height - TABLE.height
    assert leak.n >= 0.7 * n_made
    assert "as rows of SMOTE do" in leak.text


def test_rows_between_others_are_found_as_they_are_written_to_a_file(tmp_path):
    frame = oversampled(SMOTE(random_state=0))
    frame.write_csv(tmp_path / "t.csv", float_precision=6)
    assert [leak.name for leak in leaks_of(pl.read_csv(tmp_path / "t.csv"))] == ["between"]


def test_rows_between_others_are_found_where_numbers_were_cut_to_whole_ones():
    whole = TABLE.with_columns((pl.exclude("Class") * 1_000).round().cast(pl.Int64))
    assert leaks_of(whole) == ()
    frame = oversampled(SMOTE(random_state=0), whole).cast(pl.Int64)
    (leak,) = leaks_of(frame)
    assert leak.name == "between"
    assert leak.n >= 0.8 * (frame.height - TABLE.height)


def test_columns_of_one_sum_are_no_line():
    """Of an emptied account, amount and balance before it are one number."""
    rng = np.random.default_rng(0)
    paid = rng.lognormal(8, 1, 800).round(2)
    frame = pl.DataFrame({"paid": paid, "before": paid, "after": 0.0, "twice": 2 * paid})
    hours = pl.Series(rng.integers(0, 700, 800))
    is_rare = np.arange(800) < 200
    free = rng.lognormal(8, 1, 800).round(2)
    frame = frame.with_columns(
        hour=hours,
        before=pl.when(pl.Series(is_rare)).then("before").otherwise(pl.Series(free)),
        Class=pl.Series(is_rare.astype(np.int8)),
    )
    assert leaks_of(frame) == ()


@pytest.mark.parametrize("shares", [(0.015, 0.2), (1.0921, 0.8411, 157.3)])
def test_fees_and_currencies_are_no_line(shares):
    rng = np.random.default_rng(0)
    is_rare = np.arange(1_200) < 400
    paid = rng.lognormal(7, 1, 1_200).round(2)
    free = [rng.lognormal(7, 1, 1_200).round(2) for _ in shares]
    frame = pl.DataFrame({"paid": paid, "before": np.where(is_rare, paid, paid + 50)})
    frame = frame.with_columns(
        *(
            pl.Series(f"c{place}", np.where(is_rare, (share * paid).round(2), other))
            for place, (share, other) in enumerate(zip(shares, free, strict=True))
        ),
        Class=pl.Series(is_rare.astype(np.int8)),
    )
    assert leaks_of(frame) == ()


def test_numbers_that_only_rare_rows_have_and_gaps_do_no_harm():
    frame = TABLE.with_columns(
        chargeback=pl.when(pl.col("Class") == 1).then("x0"),
        x1=pl.when(pl.int_range(pl.len()) % 3 > 0).then("x1"),
    )
    assert leaks_of(frame) == ()


def test_a_table_where_all_rows_stand_on_lines_is_no_leak():
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(8, 4))
    which, share = rng.integers(0, 4, 500), rng.random((500, 1))
    rows = ends[2 * which] * share + ends[2 * which + 1] * (1 - share)
    frame = named(rows).with_columns(Class=pl.Series((np.arange(500) < 50).astype(np.int8)))
    assert leaks_of(frame) == ()


def test_copies_are_found():
    rare = TABLE.filter(pl.col("Class") == 1)
    (leak,) = leaks_of(pl.concat([TABLE, rare, rare]))
    assert (leak.name, leak.n) == ("copies", 120)
    assert leaks_of(pl.concat([TABLE, TABLE])) == ()  # all rows twice: nobody oversampled
    assert leaks_of(pl.concat([TABLE, rare.head(6)])) == ()  # some copies, as real tables have


def test_marked_rows_are_found():
    for name, values in (("is_synthetic", [True, False]), ("Synthetic", ["1", "0"])):
        cells = pl.Series(name, values * 300)
        (leak,) = leaks_of(TABLE.with_columns(cells))
        assert (leak.name, leak.n) == ("marked", 300)
        assert leaks_of(TABLE.with_columns(pl.Series(name, [values[1]] * 600))) == ()


def test_held_out_rows_are_found():
    mark = HeldOut.of(TABLE.head(30), TABLE.columns)
    (leak,) = leaks_of(TABLE, held_out=mark)
    assert (leak.name, leak.n) == ("held-out", 30)
    assert leaks_of(TABLE.tail(570), held_out=mark) == ()
    assert leaks_of(TABLE.drop("x0"), held_out=mark) == ()  # they cannot be told


@pytest.mark.parametrize(
    ("name", "target", "rare"),
    [
        ("creditcard", "Class", 1),
        ("mammography", "y", 1),
        ("hmeq", "BAD", 1),
        ("bank_marketing", "y", "yes"),
        ("vehicle_insurance_fraud", "FraudFound_P", 1),
        ("paysim_sample", "isFraud", 1),
    ],
)
def test_public_tables_have_no_leak(real_data, name, target, rare):
    frame = pl.read_parquet(real_data / f"{name}.parquet").drop("Time", strict=False)
    features = frame.drop(target)
    columns = [c for c in infer_columns(features, features, {}) if c.kind != "identifier"]
    assert find_leaks(frame, (frame[target] == rare).to_numpy(), columns) == ()


@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_smote_on_the_card_table_is_found(real_data, ratio):
    frame = pl.read_parquet(real_data / "creditcard.parquet").drop("Time")
    frame = frame.select(pl.exclude("Class").cast(pl.Float64), "Class")
    (leak,) = leaks_of(oversampled(SMOTE(sampling_strategy=ratio, random_state=0), frame))
    assert leak.name == "between"


def test_a_target_is_no_mark_whatever_it_is_called():
    frame = TABLE.rename({"Class": "is_fake"})
    features = frame.drop("is_fake")
    columns = infer_columns(features, features, {})
    is_rare = (frame["is_fake"] == 1).to_numpy()
    assert [leak.name for leak in find_leaks(frame, is_rare, columns)] == ["marked"]
    assert find_leaks(frame, is_rare, columns, target="is_fake") == ()
