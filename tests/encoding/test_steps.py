import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.steps import MIN_DISTINCT, MIN_VALUES, Steps
from raregan.errors import ModelFileError

NO_TIES = np.array([])


def rounded(rng, n, *steps):
    """Numbers of which each (share, step) is rounded to its step."""
    values = rng.lognormal(9, 1, n)
    shares, sizes = zip(*steps, strict=True)
    size = rng.choice(sizes, n, p=shares)
    return np.round(np.rint(values / size) * size, 2)


def on(values, step):
    return np.isclose(np.rint(values / step) * step, values, rtol=0, atol=1e-6).mean()


@pytest.mark.parametrize(
    "steps",
    [
        [(1.0, 100)],
        [(0.01, 0.01), (0.99, 1)],
        [(0.5, 0.01), (0.2, 1), (0.2, 50), (0.1, 1000)],
        [(0.7, 0.05), (0.3, 10)],
        [(1.0, 25)],
    ],
)
def test_new_values_lie_on_the_steps_of_the_old_ones(steps):
    rng = np.random.default_rng(0)
    old = rounded(rng, 3000, *steps)
    new = Steps.fit(old, NO_TIES, 2).round(rng.uniform(old.min(), old.max(), 20_000))
    for step in (0.01, 0.05, 1, 25, 50, 100, 1000):
        assert on(new, step) == pytest.approx(on(old, step), abs=0.03), step
    assert on(new, 0.01) == 1


def test_values_of_one_step_need_no_more():
    rng = np.random.default_rng(0)
    assert (
        sum(Steps.fit(rounded(rng, 500, (1.0, 0.01)), NO_TIES, 2) is not None for _ in range(20))
        <= 1
    )
    assert Steps.fit(np.arange(MIN_DISTINCT - 1) * 100.0, NO_TIES, 0) is None
    assert Steps.fit(np.zeros(50), NO_TIES, 0) is None
    assert Steps.fit(np.arange(50) * 1e16, NO_TIES, 0) is None


def test_values_that_all_come_often_say_what_divides_them():
    limits = np.repeat(np.arange(10) * 1e6, 20)
    steps = Steps.fit(limits, np.unique(limits), 0)
    assert (steps.sizes, steps.shares) == ((1_000_000,), (1.0,))


@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=MIN_VALUES, max_size=60),
    decimals=st.integers(0, 4),
    drawn=st.lists(st.floats(0, 1), min_size=1),
)
def test_what_is_rounded_stays_in_range_and_comes_back_from_a_file(values, decimals, drawn):
    old = np.array(values) * 500 / 10.0**decimals
    steps = Steps.fit(old, NO_TIES, decimals)
    if steps is None:
        return
    new = old.min() + np.array(drawn) * (old.max() - old.min())
    made = steps.round(new)
    assert ((made >= old.min()) & (made <= old.max())).all()
    restored = Steps.from_dict(json.loads(json.dumps(steps.to_dict())), decimals)
    assert restored == steps
    assert np.array_equal(restored.round(new), made)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sizes", []),
        ("sizes", [0, 100]),
        ("sizes", [1, 100.0]),
        ("sizes", [40, 100]),
        ("shares", [0.5]),
        ("shares", [1.5, 0.5]),
        ("shares", ["a", "b"]),
        ("low", None),
        ("high", -1e9),
    ],
)
def test_damaged_steps_are_refused(key, value):
    data = {"sizes": [1, 100], "shares": [0.5, 0.5], "low": 0.0, "high": 9.0}
    Steps.from_dict(data, 2)
    with pytest.raises(ModelFileError, match="no steps as raregan writes them"):
        Steps.from_dict({**data, key: value}, 2)
