import pytest

from raregan.contest.contestants import (
    BASELINES,
    CONTESTANTS,
    DEFAULT_CONTESTANTS,
    choose_contestants,
)
from raregan.errors import UserError
from raregan.gans.variants import VARIANTS


def test_every_variant_can_play_and_the_default_does():
    assert set(VARIANTS) < set(CONTESTANTS)
    assert [name for name in DEFAULT_CONTESTANTS if name in VARIANTS] == ["flow"]
    assert all(CONTESTANTS[name].is_synthetic for name in VARIANTS)


def test_baselines_always_play_and_come_first():
    for names in (None, ["smote"], ["smote", "nothing"], ["class-weights"]):
        assert tuple(one.name for one in choose_contestants(names))[:2] == BASELINES


def test_only_what_adds_or_drops_rows_has_an_amount():
    without = {name for name, one in CONTESTANTS.items() if not one.has_amount}
    assert without == {*BASELINES, "balanced-bagging"}


@pytest.mark.parametrize(
    ("names", "match"),
    [(["smot"], "no contestant is called 'smot'"), ([], "besides"), (["nothing"], "besides")],
)
def test_mistakes(names, match):
    with pytest.raises(UserError, match=match):
        choose_contestants(names)
