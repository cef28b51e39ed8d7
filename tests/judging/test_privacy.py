import numpy as np
import polars as pl
import pytest

from raregan.data.split import split_rows
from raregan.judging import privacy
from raregan.judging.columns import pair_columns
from raregan.judging.fidelity import find_copies
from raregan.judging.figures import Figure
from raregan.judging.intervals import share
from raregan.judging.measures import MEASURES
from raregan.judging.privacy import MIN_HOLDOUT, Copied, judge_privacy
from raregan.judging.sides import Column, Sides
from raregan.judging.spaces import Space

COLUMNS = (Column("a", "number", ()), Column("b", "number", ()), Column("c", "number", ()))


def rows(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 3))


def judged(real, made, held, *, seed=0, copied_held=0):
    sides = Sides(COLUMNS, real, made, held, rows(0, 0))
    copied = Copied(
        synthetic=(made[:, None] == real).all(axis=2).any(axis=1),
        holdout=np.arange(len(held)) < copied_held,
        real=np.arange(len(real)) < copied_held,
    )
    figures, notes = judge_privacy(sides, Space.fit(COLUMNS, real), copied, seed)
    return {figure.name: figure for figure in figures}, notes


def test_fresh_rows_read_as_real_rows():
    figures, notes = judged(rows(150, 1), rows(300, 2), rows(100, 3))
    of_privacy = [name for name, words in MEASURES.items() if words.group == "privacy"]
    assert list(figures) == of_privacy
    assert {figure.reading for figure in figures.values()} == {"as real rows"}
    assert notes == []


def test_copies_alarm_everywhere():
    real = rows(150, 1)
    figures, notes = judged(real, np.tile(real, (3, 1)), rows(100, 3))
    assert "no figure of singling out" in notes[-1]
    loud = {name for name, figure in figures.items() if figure.reading == "alarm"}
    assert loud == set(figures) - {"singling_out"}  # its predicates hold for three copies each
    figures, _ = judged(real, real, rows(100, 3))
    assert figures["singling_out"].reading == "alarm"
    assert figures["exact_copies"].value == 1
    assert figures["attribute_inference"].details["success"] == 1


def test_rows_that_are_learned_from_and_held_out_are_no_targets():
    real = rows(150, 1)
    held = np.concatenate([real[:30], rows(70, 3)])
    figures, notes = judged(real, real[np.arange(300) % 150], held, copied_held=30)
    assert "30 held-out rows equal a real row and are left out" in notes[0]
    assert figures["membership_nearest"].value == 1
    assert figures["exact_copies"].baseline == 0.3


def test_exact_copies_of_few_levels_alarm_after_a_split_though_nobody_copied():
    """As docs/judging.md says: a split keeps copies on one side, fresh rows know no sides."""
    rng = np.random.default_rng(0)
    table, fresh = (
        pl.DataFrame(rng.integers(0, 4, (n, 4)), schema=["a", "b", "c", "d"]) for n in (600, 300)
    )
    test_side = split_rows(table, random_state=0)
    real, held = table.filter(~test_side), table.filter(test_side)
    copied = [find_copies(pair_columns(real, rows), real, rows) for rows in (fresh, held)]
    assert not copied[1].any()
    assert Figure.of("exact_copies", *map(share, copied)).reading == "alarm"


def test_too_few_held_out_rows_are_not_attacked_and_a_note_says_why():
    real = rows(150, 1)
    n = 100 - MIN_HOLDOUT + 1
    held = np.concatenate([real[:n], rows(100 - n, 3)])
    figures, notes = judged(real, rows(50, 4), held, copied_held=n)
    assert list(figures) == ["exact_copies"]
    assert f"{n} of 100 held-out rows equal a real row" in notes[0]


def test_the_seed_fixes_it_and_rows_are_bounded(monkeypatch):
    monkeypatch.setattr(privacy, "TARGETS", 40)
    monkeypatch.setattr(privacy, "CROWD", 60)
    tables = rows(150, 1), rows(300, 2), rows(100, 3)
    first, again, other = (judged(*tables, seed=seed)[0] for seed in (0, 0, 1))
    assert first == again
    assert first["dcr"].value != other["dcr"].value
    assert first["near_copies"].value == pytest.approx(round(first["near_copies"].value * 40) / 40)
