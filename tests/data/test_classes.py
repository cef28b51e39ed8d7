import numpy as np
import polars as pl
import pytest

from raregan.data.classes import MAX_A_CLASS, every_class, rare_only
from raregan.data.table import MIN_RARE_ROWS, make_table
from raregan.errors import DataError


def frame(**counts):
    """Rows of classes by their number of rows; one column is constant in the class `fraud`."""
    label = np.repeat(list(counts), list(counts.values()))
    n = len(label)
    channel = np.array(["web", "shop"])[np.arange(n) % 2]
    return pl.DataFrame(
        {
            "a": np.arange(n) / 8,
            "Class": label,
            "channel": np.where(label == "fraud", "web", channel),
        }
    )


def test_the_rare_rows_alone_are_of_one_class():
    table = make_table(frame(fraud=20, fine=80))
    learned = rare_only(table)
    assert learned.frame.equals(table.rare)
    assert learned.classes == ("fraud",)
    assert (learned.n_rare, len(learned.labels), set(learned.labels)) == (20, 20, {0})


def test_every_class_is_there_the_rare_one_first():
    table = make_table(frame(fine=80, fraud=20, dispute=30))
    learned = every_class(table)
    assert learned.classes == ("fraud", "dispute", "fine")
    assert np.bincount(learned.labels).tolist() == [20, 30, 80]
    assert learned.frame.head(20).equals(table.rare)
    assert learned.frame.columns == ["a", "channel"]
    assert learned.warnings == ()


def test_a_column_that_is_constant_in_the_rare_rows_alone_is_learned():
    table = make_table(frame(fraud=20, fine=80))
    kinds = {column.name: column.kind for column in every_class(table).schema.columns}
    assert kinds == {"a": "continuous", "channel": "categorical"}
    assert [column.kind for column in rare_only(table).schema.columns] == ["continuous", "constant"]


def test_a_class_of_few_rows_is_left_out_with_a_word():
    learned = every_class(make_table(frame(fine=80, fraud=20, odd=MIN_RARE_ROWS - 1), rare="fraud"))
    assert learned.classes == ("fraud", "fine")
    assert learned.warnings == ("Class = 'odd' has fewer than 10 rows at hand: it is not learned",)


def test_without_a_second_class_of_enough_rows_there_is_nothing_to_tell():
    with pytest.raises(DataError, match="only one class has 10 rows and more.*--variant"):
        every_class(make_table(frame(fraud=20, fine=9), rare="fraud"))


def test_of_other_classes_a_bounded_number_is_learned_the_same_each_time():
    table = make_table(frame(fine=MAX_A_CLASS + 500, fraud=20))
    first, again = every_class(table), every_class(table)
    assert np.bincount(first.labels).tolist() == [20, MAX_A_CLASS]
    assert first.frame.equals(again.frame)
    assert first.frame["a"][20:].is_sorted()


def test_rows_of_others_that_break_a_rule_are_left_out():
    table = make_table(frame(fraud=20, fine=80), rare="fraud", constraints=["a <= 5"])
    assert every_class(table).frame["a"].max() <= 5
