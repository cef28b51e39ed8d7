import jax
import numpy as np
import pytest

from raregan.gans.conditions import TOLD_NOTHING, asks_of
from raregan.training.batches import ByClass, ByLevel
from raregan.training.lesson import Lesson
from tests.gans.test_conditions import LAYOUT, named
from tests.gans.test_networks import layout

RNG = np.random.default_rng(0)
N_RARE, N_OTHERS = 30, 90


def mixed_rows(n, colours, sizes):
    """Rows of `LAYOUT`: the shares of the colours, and of big ones."""
    rows = np.zeros((n, LAYOUT.width), np.float32)
    rows[:, 0] = RNG.normal(size=n)
    rows[np.arange(n), 1 + RNG.choice(3, n, p=colours)] = 1
    rows[:, 7] = np.arange(n) % 10 == 0
    rows[:, 8] = RNG.random(n) < sizes
    rows[np.arange(n), 9 + np.arange(n) % 2] = 1
    return rows


LABELS = np.repeat([0, 1], [N_RARE, N_OTHERS])
ROWS = np.concatenate(
    [mixed_rows(N_RARE, [0.8, 0.2, 0], 0.5), mixed_rows(N_OTHERS, [0.05, 0.05, 0.9], 0.1)]
)


def lesson(*, classes=True, levels=True):
    return Lesson(ROWS, LABELS, LAYOUT, tells_classes=classes, tells_levels=levels)


def drawn(a_lesson, kept=None, batch_size=20, epochs=40):
    kept = np.ones(N_RARE, np.bool_) if kept is None else kept
    draws = a_lesson.draws(kept)
    rows, asks = zip(
        *(draws.epoch(jax.random.key(seed), 5, batch_size) for seed in range(epochs)), strict=True
    )
    return np.concatenate(rows), np.concatenate(asks)


def test_networks_are_told_nothing_of_one_class():
    one = Lesson.of_one_class(ROWS[:N_RARE], LAYOUT)
    assert (one.n_classes, one.n_rare, one.n_conditions) == (1, N_RARE, 0)
    assert one.told(0) is TOLD_NOTHING
    assert isinstance(one.draws(np.ones(N_RARE, np.bool_)), ByClass)
    real, condition = one.material().batch(np.arange(4), np.full(4, -1))
    assert np.array_equal(real, ROWS[:4])
    assert condition.shape == (4, 0)


def test_a_condition_says_the_class_and_then_what_was_asked():
    told = lesson()
    assert told.n_conditions == 2 + 7
    names = [named(ask) for ask in asks_of(LAYOUT)]
    asks = np.array([names.index("colour 1"), names.index("size 0"), -1])
    real, condition = told.material().batch(np.array([0, 50, 3]), asks)
    assert np.array_equal(real, ROWS[[0, 50, 3]])
    assert np.asarray(condition).tolist() == [
        [1, 0, 0, 1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, -1, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize("levels", [False, True])
def test_half_of_a_batch_is_of_each_class_and_these_stand_together(levels):
    rows, _ = drawn(lesson(levels=levels))
    assert (LABELS[rows] == np.repeat([0, 1], 10)).all()
    assert set(np.unique(rows)) == set(range(N_RARE + N_OTHERS))


@pytest.mark.parametrize("levels", [False, True])
def test_rows_that_are_held_out_are_not_drawn(levels):
    kept = np.arange(N_RARE) % 3 > 0
    rows, _ = drawn(lesson(levels=levels), kept)
    found = set(np.unique(rows))
    assert found == set(np.flatnonzero(kept)) | set(range(N_RARE, N_RARE + N_OTHERS))


def test_every_row_drawn_meets_what_is_asked_of_it():
    """Of every categorical column, not of the first alone: offsets are easily wrong."""
    rows, asks = drawn(lesson())
    met = lesson()._met
    assert met[rows, asks].all()
    assert set(np.unique(asks)) == set(np.flatnonzero(met.any(axis=0)))


def test_spans_are_as_likely_and_categories_by_the_logarithm_of_their_rows():
    rows, asks = drawn(lesson(), epochs=200)
    rare = LABELS[rows] == 0
    counts = lesson()._met[:N_RARE].sum(axis=0)
    starts = np.array([ask.span.start for ask in asks_of(LAYOUT)])
    expected = np.log1p(counts)
    expected /= [4 * expected[starts == start].sum() for start in starts]
    found = np.bincount(asks[rare], minlength=len(counts)) / rare.sum()
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_what_a_trained_network_is_asked_for_is_as_frequent_as_in_real_rows():
    told = lesson().told(1)
    assert told.classes.tolist() == [0, 1]
    shares = dict(zip(map(named, asks_of(LAYOUT)), told.shares, strict=True))
    others = ROWS[N_RARE:]
    assert shares["colour 2"] == pytest.approx(others[:, 3].mean())
    assert shares["size 1"] == pytest.approx(others[others[:, 7] == 0, 8].mean())
    assert sum(told.shares) == pytest.approx(4)


def test_without_categories_the_class_alone_is_told():
    rows = RNG.normal(size=(50, 3)).astype(np.float32)
    plain = Lesson(rows, np.arange(50) // 25, layout(3), tells_classes=True, tells_levels=True)
    assert plain.n_conditions == 2
    assert isinstance(plain.draws(np.ones(25, np.bool_)), ByClass)
    assert len(plain.told(0).shares) == 0


def test_classes_of_a_lesson_with_categories_are_drawn_by_level():
    assert isinstance(lesson().draws(np.ones(N_RARE, np.bool_)), ByLevel)
