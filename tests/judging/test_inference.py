import numpy as np
import pytest

from raregan.judging.inference import _answers, infer_attributes, single_out
from raregan.judging.sides import Column
from raregan.judging.spaces import Space

COLUMNS = (
    Column("a", "number", ()),
    Column("b", "number", ()),
    Column("c", "category", ("x", "y", "z")),
    Column("d", "number", ()),
)


def rows(n, rng):
    values = rng.normal(size=(n, 4))
    values[:, 2] = rng.integers(0, 3, n)
    values[rng.random(n) < 0.1, 3] = np.nan
    return values


def test_which_rows_answer_a_case_computed_by_hand():
    values = np.array([[1.0, 0], [2, 1], [3, 1], [np.nan, 1]])
    places = np.array([[0, 1], [0, 1], [0, 1]])
    asked = np.array([[2.0, 1], [2, 1], [np.nan, 1]])
    exact = np.array([[False, True], [False, True], [True, True]])
    upwards = np.array([[True, False], [False, False], [False, False]])
    found = _answers(values, places, asked, exact, upwards)
    assert found.tolist() == [
        [False, True, True, False],  # a >= 2 and b = 1
        [False, True, False, False],  # a <= 2 and b = 1
        [False, False, False, True],  # a missing and b = 1
    ]


def test_copies_single_out_and_fresh_rows_do_not():
    rng = np.random.default_rng(0)
    real, held = rows(150, rng), rows(150, rng)
    attack = single_out(COLUMNS, real, held, real, rng)
    assert attack.success == 1  # a condition that one copy keeps, one real row keeps
    assert attack.risk.interval.low > 0.5
    assert attack.control < attack.success


def misses(seeds, attack):
    missed = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        low, high = attack(rows(150, rng), rows(90, rng), rows(300, rng), rng).risk.interval
        missed += not low <= 0 <= high
    return missed


def by_singling_out(real, held, made, rng):
    return single_out(COLUMNS, real, held, made, rng)


def by_inference(real, held, made, rng):
    return infer_attributes(Space.fit(COLUMNS, real), real, held, made)[0]


@pytest.mark.parametrize("attack", [by_singling_out, by_inference])
def test_fresh_rows_bear_no_risk_beyond_chance(attack):
    # Of 20 intervals of 95 %, 4 or more miss in 1.6 % (binomial).
    assert misses(range(20), attack) <= 3


def test_attributes_of_copied_rows_are_inferred_and_those_of_others_are_not():
    rng = np.random.default_rng(1)
    real, held = rows(120, rng), rows(100, rng)
    attack, risks = infer_attributes(Space.fit(COLUMNS, real), real, held, real)
    assert attack.success > 0.9
    assert attack.control < 0.4
    assert attack.risk.interval.low > 0.7
    assert (risks > 0.6).all()


def test_a_case_of_inference_computed_by_hand():
    columns = (Column("a", "number", ()), Column("c", "category", ("x", "y")))
    real = np.array([[0.0, 0], [10, 1], [5, 0], [5, 1]])
    made = np.array([[0.01, 0], [10, 0]])
    attack, risks = infer_attributes(Space.fit(columns, real), real, real, made)
    # Without a, rows are near by level alone: both synthetic ones are as near, the first is taken,
    # and its 0.01 is close to 0 only. Without c, all find an x: right for two of four.
    assert attack.success == attack.control == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert attack.risk.value == 0
    assert risks.tolist() == [0, 0]


def test_where_the_control_always_succeeds_nothing_is_left_to_risk():
    same = np.zeros((30, 4))
    attack, _ = infer_attributes(Space.fit(COLUMNS, same), same, same, same)
    assert attack.risk.value == 0
    assert attack.control == 1


def test_without_a_predicate_that_one_row_keeps_there_is_no_attack():
    same = np.zeros((30, 4))
    assert single_out(COLUMNS, same, same, same, np.random.default_rng(0)) is None
