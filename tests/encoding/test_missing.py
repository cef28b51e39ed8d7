import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raregan.encoding.layout import Part
from raregan.encoding.levels import MAX_ONE_HOT
from raregan.encoding.missing import MissingCells
from raregan.errors import ModelFileError, SchemaError

NOISE = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
NOISE[:4] = np.array([np.inf, -np.inf, 1e30, -1e30])[:, None]


def frame_of(**missing):
    return pl.DataFrame(
        {name: [None if flag else 1.0 for flag in flags] for name, flags in missing.items()},
        schema=dict.fromkeys(missing, pl.Float64),
    )


def random_frame(n_columns, n=400, seed=0):
    flags = np.random.default_rng(seed).random((n, n_columns)) < 0.4
    return frame_of(**{f"c{i}": flags[:, i] for i in range(n_columns)})


def fit(frame):
    return MissingCells.fit(frame, frame.columns)


def width(missing):
    return sum(part.width for part in missing.parts)


def encode(missing, frame):
    out = np.zeros((frame.height, width(missing)), np.float32)
    missing.encode_into(out, frame)
    return out


def table(flags):
    return np.column_stack(list(flags.values()))


def nulls(frame, names):
    return np.column_stack([frame[name].is_null().to_numpy() for name in names])


@given(st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=40))
def test_patterns_come_back_and_no_others(rows):
    frame = frame_of(**{f"c{i}": [row[i] for row in rows] for i in range(4)})
    missing = fit(frame)
    some = [name for name in frame.columns if 0 < frame[name].null_count() < frame.height]
    assert list(missing.names) == some
    if not some:
        assert missing.parts == ()
        assert encode(missing, frame).shape == (len(rows), 0)
        return
    encoded = encode(missing, frame)
    assert (table(missing.decode(encoded)) == nulls(frame, some)).all()
    made = table(missing.decode(NOISE[:, : width(missing)]))
    seen = {tuple(row) for row in nulls(frame, some)}
    assert {tuple(row) for row in made} <= seen
    again = MissingCells.from_dict(json.loads(json.dumps(missing.to_dict())))
    assert (encode(again, frame) == encoded).all()
    assert again.gating() == missing.gating()


def test_one_flag_is_a_yes_or_no_for_all_its_columns():
    frame = frame_of(a=[1, 0, 0, 1], b=[0, 0, 0, 0], c=[1, 0, 0, 1], d=[1, 1, 1, 1])
    missing = fit(frame)
    assert (missing.names, missing.flags) == (("a", "c"), (0, 0))
    assert missing.parts == (Part("missing", 1, "sigmoid"),)
    assert missing.gating() == [("a", "c")]
    assert encode(missing, frame).tolist() == [[1], [0], [0], [1]]


def test_few_patterns_are_one_of_many():
    frame = frame_of(a=[1, 0, 1, 0], b=[0, 1, 1, 0], c=[0, 1, 1, 0])
    missing = fit(frame)
    assert missing.parts == (Part("pattern", 4, "softmax"),)
    assert (encode(missing, frame).sum(axis=1) == 1).all()
    assert sorted(missing.gating()) == [(), ("a",), ("a", "b", "c"), ("b", "c")]


def test_many_patterns_are_flags_and_columns_missing_together_stay_so():
    frame = random_frame(7).with_columns(twin=pl.col("c3"))
    missing = fit(frame)
    assert len(np.unique(nulls(frame, frame.columns), axis=0)) > MAX_ONE_HOT
    assert missing.patterns is None
    assert missing.parts == (Part("missing", 7, "sigmoid"),)
    assert (table(missing.decode(encode(missing, frame))) == nulls(frame, missing.names)).all()
    made = missing.decode(NOISE[:, :7])
    assert (made["twin"] == made["c3"]).all()
    assert len(np.unique(table(made), axis=0)) > MAX_ONE_HOT
    assert [len(names) for names in missing.gating()].count(2) == 1


def test_the_number_of_patterns_decides():
    for n in (MAX_ONE_HOT, MAX_ONE_HOT + 1):
        rows = [[bool(code >> bit & 1) for bit in range(7)] for code in range(n)]
        frame = frame_of(**{f"c{i}": [row[i] for row in rows] for i in range(7)})
        assert (fit(frame).patterns is None) == (n > MAX_ONE_HOT)


def test_a_pattern_that_was_not_there_is_refused():
    missing = fit(frame_of(a=[1, 0, 0], b=[0, 1, 0]))
    with pytest.raises(SchemaError, match=r"data row 2 \(counted from 1\) has other cells missing"):
        encode(missing, frame_of(a=[1, 1], b=[0, 1]))


def test_columns_that_were_missing_together_and_no_longer_are_count_as_a_new_pattern():
    missing = fit(frame_of(a=[1, 0, 0], b=[1, 0, 0], c=[0, 1, 0]))
    with pytest.raises(SchemaError, match="other cells missing"):
        encode(missing, frame_of(a=[1], b=[0], c=[0]))


def test_only_the_columns_asked_for_are_looked_at():
    frame = frame_of(a=[1, 0], b=[1, 0])
    assert MissingCells.fit(frame, ["b"]).names == ("b",)


SOUND = fit(frame_of(a=[1, 0, 0], b=[0, 1, 0])).to_dict()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("columns", ["a"]),
        ("columns", ["a", "a"]),
        ("flags", [0, 2]),
        ("flags", [0, 0]),
        ("flags", [0.0, 1.0]),
        ("flags", [False, True]),
        ("flags", [0, 1_000_000_000]),
        ("patterns", []),
        ("patterns", [[0]]),
        ("patterns", [[0, 1], [0, 1]]),
        ("patterns", [[0, 2]]),
        ("patterns", [0, 1]),
    ],
)
def test_damage_is_refused(key, value):
    assert MissingCells.from_dict(SOUND).to_dict() == SOUND
    with pytest.raises(ModelFileError):
        MissingCells.from_dict({**SOUND, key: value})
