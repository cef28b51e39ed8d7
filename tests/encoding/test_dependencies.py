import numpy as np
import polars as pl
import pytest

from raregan.data.kinds import infer_columns
from raregan.data.schema import Schema, Target
from raregan.encoding.dependencies import find_dependent
from raregan.encoding.encoder import TableEncoder

RNG = np.random.default_rng(0)
N = 600
MODELS = {"A3": "Audi", "A4": "Audi", "X5": "BMW", "X6": "BMW", "Golf": "VW", "Polo": "VW"}


LEVELS = {"a": 2, "b": 3, "c": 9, "d": 2}


def cars(**columns):
    model = RNG.choice(list(MODELS), N)
    make = [MODELS[name] for name in model]
    return pl.DataFrame(
        {"make": make, "colour": RNG.choice(list("rgb"), N), "model": model} | columns
    )


def found(frame, taken=(), **kinds):
    return find_dependent(frame, infer_columns(frame, frame, kinds), taken)


def test_what_a_column_determines_is_grouped_with_it():
    assert found(cars()) == [("model", "make")]


def test_columns_that_determine_each_other_are_one_group():
    frame = cars()
    code = frame["model"].replace_strict(dict(zip(MODELS, range(6), strict=True)))
    (group,) = found(frame.with_columns(code=code, dtype=frame["model"].cast(pl.Categorical)))
    assert set(group) == {"model", "make", "code", "dtype"}


@pytest.mark.parametrize("n_other", [1, 5])
def test_one_row_that_breaks_it_is_enough(n_other):
    make = cars()["make"].to_list()
    frame = cars()
    make = frame["make"].to_list()
    make[N - n_other :] = ["Opel"] * n_other
    assert found(frame.with_columns(make=pl.Series(make))) == []


def test_a_missing_cell_is_a_value_like_another():
    frame = cars().with_columns(make=pl.when(pl.col("make") != "VW").then("make"))
    assert found(frame) == [("model", "make")]


def test_what_is_nearly_constant_is_not_determined():
    rare = np.zeros(N, np.bool_)
    rare[7] = True
    assert found(cars(rare=rare), taken=("make",)) == []


def test_columns_of_a_rule_are_left_alone():
    assert found(cars(), taken=("make",)) == []


def test_numbers_need_more_rows_a_value():
    few, many = RNG.integers(0, 50, N), RNG.integers(0, 10, N)
    assert found(pl.DataFrame({"few": few, "decade": few // 10})) == []
    assert found(pl.DataFrame({"many": many, "half": many // 5})) == [("many", "half")]


def test_independent_columns_are_no_group():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frame = pl.DataFrame(
            {name: rng.integers(0, k, 60) for name, k in zip("abcd", (2, 3, 9, 2), strict=True)}
        )
        assert found(frame) == []


def test_only_combinations_that_were_seen_come_out():
    frame = cars(amount=RNG.normal(size=N))
    schema = Schema(infer_columns(frame, frame, {}), Target("Class", "Int8", 1, 0))
    encoder = TableEncoder().fit(frame, schema)
    assert encoder.decode(encoder.encode(frame)).equals(frame)
    noise = RNG.normal(size=(2000, encoder.layout.width)).astype(np.float32)
    made = encoder.decode(noise)
    assert made.select("model", "make").unique().height == 6
    assert made.columns == frame.columns
