import numpy as np
import polars as pl
import pytest

from raregan.judging.copies import (
    NEAR,
    Closeness,
    chance_of_equal,
    closeness_figures,
    closer_to_real,
    count_learned,
    count_nearly_learned,
)
from raregan.judging.intervals import share_interval


def test_distances_of_a_case_computed_by_hand():
    real = np.array([[0.0, 0], [3, 4], [10, 0]])
    near = Closeness.of(np.array([[0.0, 0], [3, 0]]), real)
    assert near.first.tolist() == [0, 3]
    assert near.second.tolist() == [5, 4]
    assert near.ratio.tolist() == [0, 0.75]


def test_the_ratio_to_two_copies_is_that_of_no_special_row():
    real = np.array([[1.0], [1.0], [5.0]])
    assert Closeness.of(np.array([[1.0]]), real).ratio.tolist() == [1]


def test_figures_of_copies_beside_those_of_fresh_rows():
    rng = np.random.default_rng(0)
    real, held = rng.normal(size=(2, 300, 5))
    made = np.concatenate([real[:60], rng.normal(size=(140, 5))])
    figures = closeness_figures(Closeness.of(made, real), Closeness.of(held, real))
    near, baseline = figures["near_copies"]
    assert near.value >= 0.3
    assert near.interval == share_interval(round(near.value * 200), 200)
    assert baseline.value == pytest.approx(NEAR, abs=1 / 300)
    dcr, of_held = figures["dcr"]
    assert of_held.value == np.median(np.linalg.norm(held[:, None] - real, axis=2).min(axis=1))
    assert dcr.value < of_held.interval.low
    assert figures["nndr"][0].value < figures["nndr"][1].value


def test_half_of_fresh_rows_lie_closer_to_either_side_and_chance_is_in_the_interval():
    missed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        real, held = rng.normal(size=(120, 3)), rng.normal(size=(60, 3))
        estimate = closer_to_real(rng.normal(size=(200, 3)), real, held, rng)
        missed += not estimate.interval.low <= 0.5 <= estimate.interval.high
    # With 5 % misses each, 4 of 20 or more come by chance in 1.6 % (binomial).
    assert missed <= 3


def test_copies_lie_closer_to_their_originals_but_for_those_that_a_draw_left_out():
    rng = np.random.default_rng(1)
    real, held = rng.normal(size=(2, 80, 3))
    assert closer_to_real(real, real, held, rng).value == 1
    assert closer_to_real(held, real, held, rng).value == 0
    same = np.zeros((9, 2))
    assert closer_to_real(same, same, same, rng).value == 0.5


def skewed(n, rng, weights=(4, 2, 1, 1)):
    """Rows of five columns of four levels, some far more frequent: 1,024 rows are possible."""
    shares = np.array(weights) / sum(weights)
    return pl.DataFrame({f"c{place}": rng.choice(4, n, p=shares) for place in range(5)})


def n_equal(real, rows):
    return rows.join(real.unique(), on=real.columns, how="semi").height


def test_the_chance_that_a_fresh_row_equals_a_real_one_is_that_of_many_fresh_rows():
    rng = np.random.default_rng(0)
    off = []
    for _ in range(40):
        real = skewed(150, rng)
        chance, variance = chance_of_equal(real.hash_rows())
        of_many = n_equal(real, skewed(20_000, rng)) / 20_000
        off.append((chance - of_many) / np.sqrt(variance))
    assert abs(np.mean(off)) < 3 / np.sqrt(len(off))
    assert 0.6 < np.std(off) < 1.5


def test_what_is_missing_equals_what_is_missing():
    real = pl.DataFrame({"a": [float("nan"), float("nan"), None, 1.0], "b": ["x"] * 4})
    assert chance_of_equal(real.hash_rows()) == (0.5, (2 * 0.5 + 2 * 1) / 16)


@pytest.mark.parametrize("n", [150, 500])
def test_fresh_rows_of_skewed_categories_are_not_taken_for_learned_ones(n):
    """At 500 real rows half of them and more equal a real one, and most real rows differ."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        real, fresh = skewed(n, rng), skewed(200, rng)
        assert n_equal(real, fresh) > 40
        assert count_learned(real.hash_rows(), n_equal(real, fresh), 200) == 0


def test_learned_rows_are_counted_beyond_what_chance_gives():
    rng = np.random.default_rng(2)
    counted = []
    for _ in range(30):
        real = skewed(300, rng, (2, 1, 1, 1))
        held = pl.concat([real[:120], skewed(80, rng, (2, 1, 1, 1))])
        counted.append(count_learned(real.hash_rows(), n_equal(real, held), 200))
        assert count_learned(real.hash_rows(), 300, 300) == 300
    assert np.mean(counted) == pytest.approx(120, abs=5)
    different = pl.DataFrame({"a": range(100)})
    assert count_learned(different.hash_rows(), 7, 47) == 7
    assert count_learned(different.hash_rows(), 0, 47) == 0


def test_rows_that_were_learned_from_but_for_one_column_are_counted():
    rng = np.random.default_rng(8)
    real, fresh = rng.normal(size=(2, 120, 4))
    real[:, 3] = rng.integers(0, 3, 120)  # a category
    rounded = real[:80].copy()
    rounded[:, 1] = rounded[:, 1].round(1)
    assert count_nearly_learned(real, rounded) == (80, 1)
    assert count_nearly_learned(real, fresh) == (0, 0)
    few = np.concatenate([rounded[:30], fresh[:50]])
    assert count_nearly_learned(real, few)[0] == 0  # not most of them
    codes = rng.integers(0, 3, size=(300, 3)).astype(float)
    codes[:, 0] = np.arange(300)  # without it rows are alike by chance
    assert count_nearly_learned(codes[:200], codes[200:])[0] == 0
    assert count_nearly_learned(real[:, :1], real[:40, :1]) == (0, 0)
