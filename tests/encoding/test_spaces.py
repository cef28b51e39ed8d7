import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.characters import DIGITS
from raregan.encoding.spaces import _count_up_to, _permute


@given(size=st.integers(1, 3000), keys=st.lists(st.integers(0, 2**64 - 1), min_size=4, max_size=4))
def test_the_permutation_is_one(size, keys):
    permuted = _permute(np.arange(size), size, np.array(keys, dtype=np.uint64))
    assert sorted(permuted.tolist()) == list(range(size))


@given(
    limit=st.text(DIGITS, min_size=1, max_size=4),
    data=st.data(),
)
def test_count_up_to_counts(limit, data):
    digits = st.sets(st.sampled_from(DIGITS), min_size=1).map(lambda found: "".join(sorted(found)))
    alphabets = data.draw(st.tuples(*[digits] * len(limit)))
    ids = [""]
    for alphabet in alphabets:
        ids = [value + character for value in ids for character in alphabet]
    assert _count_up_to(alphabets, limit) == sum(value <= limit for value in ids)
