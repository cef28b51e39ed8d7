import numpy as np
import polars as pl

from raregan.contest.notes import note_gaps, note_rows, note_tests
from raregan.contest.sides import Caps
from raregan.data.folds import Ties
from tests.contest.tables import apart
from tests.contest.test_arena import read


def test_notes_say_what_a_reader_should_know():
    frame = pl.concat([apart(), apart().head(5)]).with_columns(same=pl.lit(1))
    ties = Ties.of(frame, target="Class", rare=1)
    notes = note_rows(read(frame), ties, Caps(train=100))
    assert notes[0] == "no features: 'same'"
    assert notes[1].startswith("405 rows are dealt as 400: copies")
    assert notes[2].startswith("of the other rows at most 100 are learned from")
    assert len(note_rows(read(apart()), Ties.of(apart(), target="Class", rare=1), Caps())) == 0


def test_tests_that_are_unlike_or_blind_are_told():
    even, odd = (np.arange(3_000) < n for n in (60, 95))
    assert note_tests([even, even]) == ()
    (note,) = note_tests([even, odd])
    assert note.startswith("between 2.00% and 3.17% of the rows of a test are rare")
    (note,) = note_tests([even[:300], even[:300]])
    assert note.startswith("a test has 240 of the others, and 0.1 % of these is less than a row")
    (note,) = note_tests([even[:160], even[:160]])
    assert "and 0.5 % of these is" in note


def test_a_contest_that_is_whole_has_no_gaps():
    assert note_gaps(12, 12) == ()
    assert note_gaps(4, 12)[0].startswith("4 of 12 parts were played")
