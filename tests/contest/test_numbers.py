import numpy as np
import pytest

from raregan.contest.numbers import check_positive, read_amounts, read_whole
from raregan.errors import UserError


def test_amounts_are_sorted_and_stand_once():
    assert read_amounts(iter([2, 0.5, 2.0])) == (0.5, 2.0)
    assert read_amounts(np.float32(2)) == (2.0,)  # one may be given by itself


@pytest.mark.parametrize("amounts", [[], [0], [-1, 2], [np.inf], [np.nan, 1.0]])
def test_amounts_that_are_none_are_refused(amounts):
    with pytest.raises(UserError, match="amounts must be positive"):
        read_amounts(amounts)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_what_is_not_positive_is_refused_by_name(value):
    check_positive(folds=None, top=3)
    with pytest.raises(UserError, match="top must be a positive number"):
        check_positive(folds=1, top=value)


@pytest.mark.parametrize("value", [0, -1, 2.0, np.nan, "3", None])
def test_what_is_no_whole_number_is_refused_by_name(value):
    assert type(read_whole(top=np.int64(3))) is int
    with pytest.raises(UserError, match="top must be a whole number of at least 1, got"):
        read_whole(top=value)
