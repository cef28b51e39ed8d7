import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from raregan.data.table import MIN_RARE_ROWS
from raregan.gans.frozen import FrozenGenerator
from raregan.training import evidence
from raregan.training.evidence import (
    A_FEW,
    CROSS_FIT_BELOW,
    FOLDS,
    HELD_OUT,
    MANY_ROWS,
    TOLERABLE_COPYING,
    Examiner,
    Score,
    choose_members,
    column_distance,
    copula_rows,
    copy_groups,
    copying,
    correlation_difference,
    draw_rows,
    holds_out_itself,
    told_apart,
)
from tests.gans.test_calibration import layout_of

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state


def normal(n, columns=3, shift=0.0):
    return RNG.normal(shift, 1, (n, columns)).astype(np.float32)


@pytest.fixture(autouse=True)
def same_draws():
    """Each test draws the same, whichever tests ran before it."""
    RNG.bit_generator.state = START


# --- which rows are held out ----------------------------------------------------------------------


@given(st.integers(MIN_RARE_ROWS, CROSS_FIT_BELOW - 1), st.integers(0, 2**32))
def test_few_rows_are_held_out_in_turn(n, seed):
    held = ~choose_members(n, seed=seed)
    assert held.shape == (FOLDS, n)
    assert held.sum(axis=0).max() == 1
    sizes = held.sum(axis=1)
    assert (np.abs(sizes - n / 4) <= 2).all()
    assert (sizes >= 1).all()


@given(st.integers(CROSS_FIT_BELOW, MANY_ROWS - 1), st.integers(0, 2**32))
def test_of_many_rows_a_quarter_is_held_out_once(n, seed):
    held = ~choose_members(n, seed=seed)
    assert held.shape == (1, n)
    assert held.sum() == pytest.approx(n / 4, abs=0.51)
    assert not holds_out_itself(n)


@given(st.integers(MANY_ROWS, 30_000), st.integers(0, 2**32))
def test_of_very_many_rows_the_run_holds_some_out_itself(n, seed):
    held = ~choose_members(n, seed=seed)
    assert held.shape == (1, n)
    assert held.sum() == HELD_OUT
    assert holds_out_itself(n)


@given(st.integers(MIN_RARE_ROWS, 400), st.integers(2, 400), st.integers(0, 99))
def test_copies_stay_on_one_side_and_enough_rows_on_the_other(n, different, seed):
    rows = np.random.default_rng(seed).integers(0, different, (n, 1)).astype(np.float32)
    same = copy_groups(rows)
    held = ~choose_members(n, seed=seed, same=same)
    plain = ~choose_members(n, seed=seed)
    few = max(1, int(plain[0].sum()) // A_FEW)
    copies = np.bincount(same)[same]
    for one, usual in zip(held, plain, strict=True):
        shared = np.isin(same, same[one]) & ~one
        assert (copies[shared] > few).all()  # only what many rows have is on both sides
        assert abs(int(one.sum()) - int(usual.sum())) < 2 * few + 1
    assert held.sum(axis=0).max() == 1


def test_where_all_rows_differ_copies_change_nothing():
    for n in (60, 120, 2_500):
        same = copy_groups(normal(n))
        assert np.array_equal(choose_members(n, seed=3, same=same), choose_members(n, seed=3))


@given(st.integers(CROSS_FIT_BELOW, 3_000), st.integers(0, 99))
def test_rows_that_were_held_out_are_spared_the_next_time(n, seed):
    spent = ~choose_members(n, seed=seed)[0]
    again = ~choose_members(n, seed=seed + 1, spent=spent)[0]
    assert again.sum() == spent.sum()
    assert not (again & spent).any()


def test_the_seed_says_which():
    first, again, other = (choose_members(200, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    often = np.mean([~choose_members(200, seed=seed)[0] for seed in range(300)], axis=0)
    assert np.abs(often - 0.25).max() < 0.13  # no row is favoured


# --- the four figures -----------------------------------------------------------------------------


def test_a_forest_cannot_tell_rows_of_one_distribution():
    aucs = [
        told_apart(normal(250), normal(250), np.random.default_rng(i), forests=3) for i in range(3)
    ]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.06)


def test_a_forest_tells_what_is_shifted_or_only_joined_otherwise():
    rng = np.random.default_rng(1)
    assert told_apart(normal(150, shift=4), normal(150), rng, forests=3) > 0.98
    first = normal(250, 1)
    joined = np.hstack([first, first + normal(250, 1) / 10])
    assert told_apart(joined, normal(250, 2), rng, forests=3) > 0.8


def test_a_forest_looks_at_as_many_of_both():
    """With four times as many made rows the score is none the better or worse."""
    found = told_apart(normal(800), normal(200), np.random.default_rng(2), forests=3)
    assert found == pytest.approx(0.5, abs=0.1)
    assert told_apart(normal(800, shift=4), normal(200), np.random.default_rng(2), forests=3) > 0.98


def test_a_forest_of_few_rows_says_something():
    for n in (2, 3, 5):
        found = told_apart(normal(n), normal(200), np.random.default_rng(n), forests=3)
        assert 0 <= found <= 1


def test_a_forest_repeats():
    made, held = normal(60), normal(60)
    first, again = (told_apart(made, held, np.random.default_rng(5), forests=3) for _ in range(2))
    assert first == again


with_ties = st.integers(-3, 3).map(float) | st.floats(-10, 10, width=32)


@given(
    arrays(np.float32, (9, 2), elements=with_ties), arrays(np.float32, (14, 2), elements=with_ties)
)
def test_the_distance_of_columns_is_that_of_kolmogorov_and_smirnov(made, held):
    expected = [
        ks_2samp(a, b, method="asymp").statistic for a, b in zip(made.T, held.T, strict=True)
    ]
    assert column_distance(made, held) == pytest.approx(np.mean(expected), abs=1e-12)


def test_columns_that_are_the_same_have_no_distance_and_others_all_of_it():
    rows = normal(50)
    assert column_distance(rows, rows[::-1]) == 0
    assert column_distance(rows, rows + np.float32([100, 0, 0])) == pytest.approx(1 / 3)


def test_correlations_are_numpys():
    made = (normal(40, 4) @ RNG.normal(size=(4, 4))).astype(np.float32)
    held = (normal(25, 4) @ RNG.normal(size=(4, 4))).astype(np.float32)
    first, second = (np.corrcoef(rows.astype(float).T) for rows in (made, held))
    expected = np.mean([abs(first - second)[i, j] for i in range(4) for j in range(i)])
    assert expected > 0.1
    assert correlation_difference(made, held) == pytest.approx(expected, rel=1e-9)
    assert correlation_difference(held, made) == pytest.approx(expected, rel=1e-9)
    assert correlation_difference(made, made) == 0


def test_a_constant_column_has_no_correlation():
    held = normal(30, 2)
    held[:, 1] = held[:, 0]
    made = held.copy()
    made[:, 1] = np.float32(0.1)
    assert correlation_difference(made, held) == pytest.approx(1)
    both = np.full((30, 2), 0.1, np.float32)
    assert correlation_difference(both, held) == pytest.approx(1)
    assert correlation_difference(both, made) == pytest.approx(0)
    assert correlation_difference(normal(5, 1), normal(5, 1)) == 0


def test_copies_count_as_1_and_fresh_rows_as_0():
    learned, held = normal(90), normal(30)
    assert copying(learned, learned, held, RNG) == pytest.approx(1)
    near = learned[RNG.integers(0, 90, 500)] + np.float32(1e-4)
    assert copying(near, learned, held, RNG) == pytest.approx(1)
    assert copying(held, learned, held, RNG) < -2


def test_fresh_rows_copy_nobody():
    assert copying(normal(20_000), normal(300), normal(100), RNG) == pytest.approx(0, abs=0.15)
    assert np.mean(
        [copying(normal(300), normal(90), normal(30), RNG) for _ in range(30)]
    ) == pytest.approx(0, abs=0.08)


def test_the_total_is_the_sum_of_the_figures_and_of_the_copying_that_is_too_much():
    first = Score(1, 0.9, 0.5, 0.5, 0.5, 0.01, 7.0)
    score = Score(9, 0.5, 0.25, 0.125, 0.5 + TOLERABLE_COPYING + 0.0625, 0.01, 77.0)
    assert score.total(first) == pytest.approx(0.9375)
    for copied in (0.5 + TOLERABLE_COPYING, 0.0, -0.3):
        assert score._replace(copying=copied).total(first) == 0.875


def test_rows_of_the_copula_have_the_columns_and_the_correlations_and_are_no_copies():
    normal_rows = RNG.multivariate_normal([0, 1], [[1, 0.7], [0.7, 1]], 500)
    real = np.exp(normal_rows / 4).astype(np.float32)
    made = copula_rows(real, 4_000, RNG)
    assert column_distance(made, real) < 0.01
    assert correlation_difference(made, real) < 0.15
    assert not (made[:, None] == real[None, :100]).all(axis=2).any(axis=1).mean() > 0.02


# --- the examiner ---------------------------------------------------------------------------------

LINEAR = layout_of((3, "linear"))


def normal_generator(shift=0.0, layout=LINEAR):
    """A generator of standard normal rows, or of such rows elsewhere."""
    kernel, bias = np.eye(layout.width, dtype=np.float32), np.zeros(layout.width, np.float32)
    return FrozenGenerator((kernel,), (bias + np.float32(shift),), layout)


def examiner(rows, members, *, margins=False, seed=0, layout=LINEAR):
    """One whose states are the generators themselves."""
    values = rows.astype(np.float64)
    return Examiner(lambda state: state, rows, values, members, layout, margins=margins, seed=seed)


def figures(score):
    return score[:1] + score[1:5]


ROWS = normal(240)
MEMBERS = choose_members(240, seed=0)
FOUR = choose_members(60, seed=0)


def test_the_better_generator_has_the_smaller_score():
    examine = examiner(ROWS, MEMBERS)
    good, near, bad = (examine(5, (normal_generator(shift),)) for shift in (0, 0.5, 4))
    assert good.total(good) < near.total(good) < bad.total(good)
    assert good.epoch == 5
    assert good.told_apart == pytest.approx(0.5, abs=0.12)
    assert good.columns < 0.15 < near.columns
    assert good.correlations < 0.2
    assert abs(good.copying) < 0.4
    assert bad.told_apart > 0.98
    assert good.seconds <= near.seconds <= bad.seconds


def test_an_examiner_repeats_to_the_bit():
    states = (normal_generator(0.2),)
    examine = examiner(ROWS, MEMBERS)
    first, again = examine(1, states), examine(1, states)
    afresh = examiner(ROWS, MEMBERS)(1, states)
    assert figures(first) == figures(again) == figures(afresh)
    assert figures(examiner(ROWS, MEMBERS, seed=1)(1, states)) != figures(first)


def test_a_score_is_the_mean_over_the_rehearsals():
    rows = ROWS[:60]
    states = tuple(normal_generator(shift) for shift in (0, 1, 2, 3))
    whole = examiner(rows, FOUR)(7, states)
    alone = [
        examiner(rows, np.repeat(FOUR[i : i + 1], FOLDS, axis=0))(7, states[i : i + 1] * FOLDS)
        for i in range(FOLDS)
    ]
    assert len({score.told_apart for score in alone}) > 1
    expected = np.mean([figures(score) for score in alone], axis=0)
    assert figures(whole) == pytest.approx(tuple(expected), rel=1e-12)


def test_each_rehearsal_needs_its_state():
    with pytest.raises(ValueError, match="argument 2"):
        examiner(ROWS[:60], FOUR)(1, (normal_generator(),))


@pytest.mark.parametrize("margins", [False, True])
def test_rehearsals_are_calibrated_with_what_they_learned_alone(monkeypatch, margins):
    seen = []
    calibrate = evidence.calibrate

    def watched(generator, rows, **options):
        seen.append((rows, options["margins"]))
        return calibrate(generator, rows, **options)

    monkeypatch.setattr(evidence, "calibrate", watched)
    examiner(ROWS[:60], FOUR, margins=margins)(1, (normal_generator(),) * FOLDS)
    for (rows, asked), kept in zip(seen, FOUR, strict=True):
        assert np.array_equal(rows, ROWS[:60][kept])
        assert asked is margins


def test_margins_are_set_right_before_columns_are_compared():
    elsewhere = (normal_generator(4),)
    plain, moved = (
        examiner(ROWS, MEMBERS, margins=margins)(1, elsewhere) for margins in (False, True)
    )
    assert plain.columns > 0.9
    assert moved.columns < 0.2
    assert moved.told_apart < 0.65 < plain.told_apart


def test_a_generator_of_learned_rows_is_found_out():
    learned = ROWS[MEMBERS[0]]

    class Copier(FrozenGenerator):
        def __call__(self, latent):
            return learned[np.argsort(latent[:, 0]) % len(learned)]

    copier = Copier(*vars(normal_generator()).values())
    score = examiner(ROWS, MEMBERS)(1, (copier,))
    assert score.copying == pytest.approx(1)
    assert score.columns < 0.2  # by its columns it would be the best


def test_rows_are_drawn_as_real_ones_are():
    """What a 1 elsewhere says to hold nothing is 0, and no more."""
    layout = layout_of((1, "sigmoid"), (2, "linear"), (1, "sigmoid"), gates=((0, 1), (3, 1)))
    generator = normal_generator(0.3, layout)
    made = draw_rows(generator, 500, np.random.default_rng(1))
    plain = generator(np.random.default_rng(1).standard_normal((500, 4), dtype=np.float32))
    nothing = (plain[:, 0] == 1) | (plain[:, 3] == 1)
    assert 0 < nothing.mean() < 1
    assert not made[nothing, 1:3].any()
    assert np.array_equal(made[~nothing], plain[~nothing])
    assert np.array_equal(made[:, [0, 3]], plain[:, [0, 3]])
