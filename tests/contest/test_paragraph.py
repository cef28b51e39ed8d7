from raregan.contest.intervals import Interval, corrected_interval
from raregan.contest.paragraph import show_gain
from raregan.contest.standings import rank
from tests.contest.records import records_of, verdict_of


def test_what_cannot_be_ruled_out_is_the_largest_gain_of_any():
    levels = {"nothing": 0.5, "class-weights": 0.5, "smote": 0.5}
    records = records_of(levels, noise=0.001) + records_of({"flow": 0.35}, noise=0.2)
    found = verdict_of(records)
    standings, _ = rank(records, confidence=0.95)
    flow = next(one for one in standings if one.contestant == "flow")
    most = 100 * min(flow.gains.values(), key=lambda gain: gain.mean).high
    assert found.best == "smote"
    assert f"A gain of up to {most:.1f} points, by flow, cannot be ruled out" in found.text


def test_gains_are_written_in_points_within_what_can_be():
    assert show_gain(Interval(0.0123, -0.004, 0.0286, 0.1, 10)) == "+1.2 [-0.4, +2.9]"
    assert show_gain(Interval(0.1, -2.5, 2.7, 0.5, 2)) == "+10.0 [-100.0, +100.0]"
    assert show_gain(corrected_interval([0.3], test_share=1, confidence=0.9)) == "+30.0"
