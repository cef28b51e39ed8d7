import json

from raregan.contest.standings import rank
from tests.contest.records import records_of


def test_more_comparisons_ask_for_more():
    levels = {"nothing": 0.5, "class-weights": 0.5, "smote": 0.53}
    few, n_few = rank(records_of(levels, noise=0.02), confidence=0.95)
    others = ("over-sampling", "under-sampling", "copula", "adasyn")
    many, n_many = rank(
        records_of(levels | dict.fromkeys(others, 0.5), noise=0.02), confidence=0.95
    )
    assert (n_few, n_many) == (2, 6)
    widths = [
        next(s.gains["nothing"] for s in found if s.contestant == "smote") for found in (few, many)
    ]
    assert widths[0].mean == widths[1].mean
    assert widths[0].high < widths[1].high


def test_only_folds_that_both_played_are_compared():
    records = records_of({"nothing": 0.5, "class-weights": 0.5, "smote": 0.7})
    cut = [r for r in records if r.contestant != "smote" or r.repeat == 0]
    standings, _ = rank(cut, confidence=0.95)
    smote = next(s for s in standings if s.contestant == "smote")
    assert (smote.n, smote.gains["nothing"].n) == (5, 5)


def test_standings_are_plain():
    standings, _ = rank(records_of({"nothing": 0.5, "smote": 0.7}), confidence=0.95)
    plain = json.loads(json.dumps([s.to_dict() for s in standings], allow_nan=False))
    assert plain[1]["gains"]["nothing"]["n"] == 10
    assert plain[1]["amount"] == 1.0
