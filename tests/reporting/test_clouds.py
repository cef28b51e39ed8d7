import numpy as np
import polars as pl
import pytest
from scipy.spatial import cKDTree
from scipy.stats import ecdf

from raregan.errors import SchemaError
from raregan.judging.copies import NEAR
from raregan.reporting import clouds
from raregan.reporting.clouds import accumulate, cloud_views, embed


def blobs(n, seed, *, shift=0.0):
    """Rows of three far-off groups, and a category."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    values = rng.normal(size=(n, 4)) + 30 * group[:, np.newaxis] + shift
    return pl.DataFrame(values, schema=list("abcd")).with_columns(kind=pl.Series(group).cast(str))


def test_neighbours_stay_neighbours():
    points = np.concatenate(
        [np.random.default_rng(0).normal(size=(40, 5)) + 50 * i for i in (0, 1)]
    )
    placed = embed(points, seed=3)
    assert placed.shape == (80, 2)
    nearest = cKDTree(placed).query(placed, 4)[1][:, 1:]
    assert ((nearest < 40) == (np.arange(80) < 40)[:, np.newaxis]).all()
    np.testing.assert_array_equal(placed, embed(points, seed=3))


@pytest.mark.parametrize("n_different", [1, clouds._FEWEST - 1])
def test_hardly_any_different_rows_make_no_picture(n_different):
    assert embed(np.repeat(np.eye(n_different), 20, axis=0), seed=0) is None


def test_few_rows_make_one():
    assert embed(np.random.default_rng(0).normal(size=(clouds._FEWEST, 3)), 0).shape == (10, 2)


def test_accumulate_is_the_empirical_distribution_at_its_ends_and_between():
    values = np.random.default_rng(0).normal(size=1_000).round(2)
    curve = accumulate(values)
    assert len(curve.shares) == clouds.STEPS
    assert (curve.distances[0], curve.distances[-1]) == (values.min(), values.max())
    assert curve.shares[-1] == 1
    assert (np.diff(curve.shares) > 0).all()
    exact = ecdf(values).cdf.evaluate(curve.distances)
    below = ecdf(values).cdf.evaluate(curve.distances - 0.005)
    assert (curve.shares <= exact).all()
    assert (curve.shares > below).all()  # equal values lie on one step
    few = accumulate(np.array([3.0, 1.0]))
    np.testing.assert_array_equal([few.distances, few.shares], [[1, 3], [0.5, 1]])


def test_copies_lie_at_nothing_and_rows_of_the_same_kind_as_far_as_held_out_ones():
    real, held = blobs(150, 1), blobs(150, 2)
    copied = cloud_views(real, real[:100], held, seed=0).distances
    assert copied.synthetic.distances.max() == 0
    assert copied.limit > 0
    fresh = cloud_views(real, blobs(150, 3), held, seed=0).distances
    middle = [
        np.interp(0.5, side.shares, side.distances) for side in (fresh.synthetic, fresh.holdout)
    ]
    assert middle[0] == pytest.approx(middle[1], rel=0.15)
    assert np.interp(fresh.limit, fresh.holdout.distances, fresh.holdout.shares) == pytest.approx(
        NEAR, abs=0.01
    )


def test_rows_are_drawn_by_the_seed_as_many_of_real_and_synthetic(monkeypatch):
    monkeypatch.setattr(clouds, "EMBEDDED", 50)
    tables = blobs(70, 1), blobs(60, 2), blobs(40, 3)
    view = cloud_views(*tables, seed=1).neighbours
    assert [len(side) for side in (view.real, view.synthetic, view.holdout)] == [50, 50, 40]
    assert view.of == (70, 40, 60)
    again = cloud_views(*tables, seed=1).neighbours
    np.testing.assert_array_equal(view.real, again.real)


def test_few_held_out_rows_are_not_looked_at():
    views = cloud_views(blobs(40, 1), blobs(40, 2), blobs(clouds.MIN_HOLDOUT - 1, 3), seed=0)
    assert views.distances is None
    assert len(views.neighbours.holdout) == 0


def test_other_columns_are_refused():
    with pytest.raises(SchemaError, match="'a' is missing"):
        cloud_views(blobs(40, 1), blobs(40, 2).drop("a"), None, seed=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.normal(size=60),
        lambda rng: rng.normal(size=60) * 1e90,
        lambda rng: np.where(rng.random(60) < 0.3, np.inf, rng.normal(size=60)),
        lambda rng: np.where(rng.random(60) < 0.3, np.nan, rng.normal(size=60)),
        lambda rng: rng.choice(list("abcdefghijklmnop"), 60),
        lambda rng: rng.integers(0, 12, 60),
    ],
    ids=["one", "huge", "infinite", "missing", "levels", "duplicates"],
)
def test_columns_of_any_kind_are_placed(make):
    rng = np.random.default_rng(0)
    views = cloud_views(*(pl.DataFrame({"a": make(rng)}) for _ in range(3)), seed=0)
    for side in (views.neighbours.real, views.neighbours.holdout, views.neighbours.synthetic):
        assert np.isfinite(side).all()
    assert np.isfinite(views.distances.synthetic.distances).all()
