import json

import pytest

from raregan.contest.fold import Record
from raregan.contest.ledger import Ledger
from raregan.errors import DataError

RULES = {"data": "abc", "seed": 0}


def record(fold, contestant="smote"):
    return Record(0, fold, contestant, "logistic", 1.0, {"average_precision": 0.5}, 1.5)


def test_what_was_added_is_there_again(tmp_path):
    path = tmp_path / "l.jsonl"
    ledger = Ledger.open(path, RULES)
    ledger.add([record(0), record(0, "copula")])
    ledger.add([record(1)])
    again = Ledger.open(path, RULES)
    assert again.records == [record(0), record(0, "copula"), record(1)]
    assert again.done == {(0, 0, "smote"), (0, 0, "copula"), (0, 1, "smote")}
    again.remove()
    assert not path.exists()


def test_what_two_runs_played_at_once_counts_once(tmp_path):
    path = tmp_path / "l.jsonl"
    Ledger.open(path, RULES).add([record(0), record(1)])
    _, line = path.read_text().splitlines()
    path.write_text(path.read_text() + line + "\n")
    assert Ledger.open(path, RULES).records == [record(0), record(1)]


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_line_that_was_cut_short_is_played_again(tmp_path, lost):
    path = tmp_path / "l.jsonl"
    ledger = Ledger.open(path, RULES)
    ledger.add([record(0)])
    ledger.add([record(1)])
    path.write_bytes(path.read_bytes()[:-lost])
    again = Ledger.open(path, RULES)
    assert again.records == [record(0)]
    again.add([record(1)])
    assert Ledger.open(path, RULES).records == [record(0), record(1)]


def test_another_contest_is_refused(tmp_path):
    path = tmp_path / "l.jsonl"
    Ledger.open(path, RULES).add([record(0)])
    with pytest.raises(DataError, match=r"another contest \(data, more differ\)"):
        Ledger.open(path, {"data": "abd", "seed": 0, "more": 1})
    for content in ("", "a,b\n1,2\n", json.dumps({"kind": "something"}) + "\n", "[]\n"):
        path.write_text(content or "no ledger\n")
        with pytest.raises(DataError, match="no ledger of a contest"):
            Ledger.open(path, RULES)


def test_damage_is_told(tmp_path):
    path = tmp_path / "l.jsonl"
    Ledger.open(path, RULES).add([record(0)])
    with path.open("a") as file:
        file.write('[{"repeat": 1}]\n')
    with pytest.raises(DataError, match="is damaged"):
        Ledger.open(path, RULES)
    with pytest.raises(DataError, match="cannot write"):
        Ledger.open(tmp_path / "no" / "l.jsonl", RULES)


def test_without_a_path_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger.open(None, RULES)
    ledger.add([record(0)])
    ledger.remove()
    assert ledger.records == [record(0)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["l.jsonl", None])
def test_an_interruption_is_told_where_all_is_kept(tmp_path, name):
    path = name and tmp_path / name
    ledger = Ledger.open(path, RULES)
    with pytest.raises(KeyboardInterrupt) as stopped, ledger.told_of():
        raise KeyboardInterrupt
    told = [f"what was finished is kept in {path}"] if name else []
    assert getattr(stopped.value, "__notes__", []) == told
    with pytest.raises(DataError) as failed, ledger.told_of():
        raise DataError("no such column")
    assert not hasattr(failed.value, "__notes__")
