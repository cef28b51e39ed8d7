import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from raregan.encoding.knots import MAX_KNOTS, Segments, place_knots

rising = st.lists(
    st.floats(-6, 6, width=32), min_size=1, max_size=40, unique_by=lambda z: z + 0.0
).map(lambda z: np.sort(np.array(z)))
clustered = st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True).map(
    lambda steps: np.sort(np.array(steps)) * 2.0**-18
)
numbers = st.floats(-1e6, 1e6)


def knots(values):
    return place_knots(*np.unique(np.asarray(values, dtype=np.float64), return_counts=True))


def counted(counts):
    return place_knots(np.arange(len(counts), dtype=np.float64), np.array(counts))


def test_ranks_become_normal_scores():
    z, x = knots([3.0, 1.0, 2.0, 8.0])
    assert x.tolist() == [1, 2, 3, 8]
    assert z == pytest.approx(norm.ppf([1 / 8, 3 / 8, 5 / 8, 7 / 8]), rel=1e-7)
    assert (z == z.astype(np.float32)).all()


def test_a_repeated_value_spans_its_ranks():
    z, x = knots([0.0, 0.0, 0.0, 5.0, 7.0, 7.0])
    assert x.tolist() == [0, 0, 5, 7, 7]
    assert z == pytest.approx(norm.ppf(np.array([0.5, 2.5, 3.5, 4.5, 5.5]) / 6), rel=1e-7, abs=1e-7)


def test_one_row_is_the_median():
    z, x = knots([4.0])
    assert (z.tolist(), x.tolist()) == ([0.0], [4.0])


@pytest.mark.parametrize("n", [MAX_KNOTS, MAX_KNOTS + 1, 5_000])
def test_knots_are_few_and_keep_the_ends(n):
    z, x = counted([1] * n)
    assert len(x) == n if n <= MAX_KNOTS else MAX_KNOTS / 2 < len(x) <= MAX_KNOTS
    assert (x[0], x[-1]) == (0, n - 1)
    assert z[[0, -1]] == pytest.approx(norm.ppf([0.5 / n, 1 - 0.5 / n]), rel=1e-7)
    assert np.abs(norm.cdf(z) - (x + 0.5) / n).max() < 1e-6


def test_thinned_knots_are_dense_in_both_tails():
    _, x = counted([1] * 100_000)
    assert len(x[x < 100]) > 20
    assert len(x[x >= 99_900]) > 20
    assert np.diff(x).max() < 200


def test_thinning_keeps_spikes_whole():
    counts = np.ones(20_000, dtype=int)
    counts[[0, 7_000, 19_999]] = 400
    z, x = counted(counts)
    first = np.cumsum(counts) - counts
    for spike in (0, 7_000, 19_999):
        ranks = np.array([first[spike], first[spike] + 399])
        assert norm.cdf(z[x == spike]) == pytest.approx((ranks + 0.5) / counts.sum(), abs=1e-7)


def test_thinning_pairs_ends():
    z, x = counted([2] * 10_000)
    assert MAX_KNOTS / 2 < len(x) <= MAX_KNOTS
    assert (x[::2] == x[1::2]).all()
    assert (np.diff(z) > 0).all()


@pytest.mark.parametrize("count", [10**9, 10**12, 10**14])
def test_neighbours_of_huge_spikes_do_not_collapse(count):
    """Their scores would be the same float32."""
    z, x = counted([1, count, 1, 9 * count, 1])
    assert x.tolist() == [0, 1, 1, 2, 3, 3, 4]
    assert (np.diff(z) > 0).all()
    assert (z == z.astype(np.float32)).all()


@given(st.one_of(rising, clustered), st.data())
def test_interpolation_is_numpys(z, data):
    x = np.sort(data.draw(st.lists(numbers, min_size=len(z), max_size=len(z)).map(np.array)))
    segments = Segments.between(z, x)
    inside = np.clip(data.draw(st.lists(numbers, min_size=1).map(np.array)), z[0], z[-1])
    queries = np.concatenate([z, inside, (z[1:] + z[:-1]) / 2])
    found = segments.x_at(queries.copy())
    scale = np.abs(x).max() + 1e-300
    assert found / scale == pytest.approx(np.interp(queries, z, x) / scale, abs=1e-14)
    assert (found[: len(z)] == x).all()


@given(st.one_of(rising, clustered), st.data())
def test_the_inverse_is_numpys_where_x_rises(z, data):
    x = data.draw(st.lists(numbers, min_size=len(z), max_size=len(z), unique=True).map(np.array))
    x = np.sort(x)
    queries = data.draw(st.lists(numbers, min_size=1).map(np.array))
    queries = np.concatenate([x, queries])
    found = Segments.between(z, x).z_at(queries)
    expected = np.interp(queries, x, z)
    assert found == pytest.approx(expected, abs=1e-9)


def test_many_knots_in_one_bucket_are_told_apart():
    z = np.concatenate([[-5.0], np.arange(1, 200) * 2.0**-20, [5.0]])
    x = np.arange(len(z), dtype=np.float64)
    segments = Segments.between(z, x)
    assert segments.hops > 50
    assert (segments.x_at(z.copy()) == x).all()
