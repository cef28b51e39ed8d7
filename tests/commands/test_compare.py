import html
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from raregan.commands import compare as module
from raregan.configfile import Choice, write_config
from raregan.contest import comparison, fold, schedule
from tests.contest.tables import apart

QUICK = ("--contestants", "smote,copula", "--folds", 3, "--repeats", 1, "--jobs", 1)
ONE = (*QUICK, "--learners", "logistic")


@pytest.fixture
def table(folder):
    apart().write_csv("t.csv")
    return folder


def test_verdict_tables_and_files(run, table):
    out, err = run("compare", "t.csv", *ONE, "--json", "c.json", "--markdown", "c.md")
    assert err.splitlines() == [
        "12 parts to play: each contestant in each fold",
        "t.csv: 400 rows, 60 of them rare; 1 x 3 folds",
        "wrote c.json",
        "wrote c.md",
    ]
    found = json.loads((table / "c.json").read_text())
    verdict = found["verdict"]
    assert verdict["recommendation"] in ("keep", "smote", "copula")
    assert out.strip().endswith(verdict["text"])
    assert verdict["interval"]["low"] < verdict["interval"]["high"]
    assert (table / "c.md").read_text().startswith(f"# {verdict['recommendation']}: a contest")
    assert not list(table.glob("contest-*"))  # finished: nothing to go on with


def test_a_page_is_written_where_it_is_asked_for(run, table):
    out, err = run("compare", "t.csv", *ONE, "-o", "c.html")
    assert err.splitlines()[-1] == "wrote c.html"
    page = (table / "c.html").read_text(encoding="utf-8")
    assert html.escape(out.strip().splitlines()[-1]) in page
    assert "raregan compare t.csv --contestants smote,copula" in page


def test_no_output_is_replaced_without_a_note(run, table):
    outputs = {"--json": "c.json", "--markdown": "c.md", "-o": "c.html"}
    asked = (*ONE, *(word for pair in outputs.items() for word in pair))
    _, err = run("compare", "t.csv", *asked)
    assert "note:" not in err
    _, err = run("compare", "t.csv", *asked)
    assert err.splitlines()[:3] == [
        f"note: {name} is there already; it is replaced when this is done"
        for name in outputs.values()
    ]


def test_a_terminal_with_few_letters_loses_nothing(table):
    frame = pl.read_csv("t.csv")
    frame.with_columns(pl.int_range(pl.len()).alias("\u0434\u043e\u0433_id")).write_csv("n.csv")
    done = subprocess.run(
        [sys.executable, "-m", "raregan", "compare", "n.csv", *map(str, ONE), "--json", "n.json"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=True,
    )
    assert b"no features: '\\u0434\\u043e\\u0433_id'" in done.stdout
    assert json.loads(Path("n.json").read_text())["n_tasks"] == 12


def test_files_are_there_before_anything_is_printed(run, table, monkeypatch):
    def breaks(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison.Comparison, "to_text", breaks)
    run("compare", "t.csv", *ONE, "--json", "c.json", "-o", "c.html", code=130)
    assert json.loads((table / "c.json").read_text())["verdict"]
    assert "<html" in (table / "c.html").read_text()


def test_the_same_command_says_the_same(run, table):
    outs = [run("compare", "t.csv", *ONE, "--json", name)[0] for name in ("a.json", "b.json")]
    first, second = (json.loads((table / name).read_text()) for name in ("a.json", "b.json"))
    assert first["verdict"] == second["verdict"]
    assert [line.split()[:4] for line in outs[0].splitlines()] == [
        line.split()[:4] for line in outs[1].splitlines()
    ]


def test_an_interrupted_contest_goes_on(run, table, monkeypatch):
    real, calls = schedule.play, []

    def breaks(*task):
        calls.append(task)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*task)

    monkeypatch.setattr(schedule, "play", breaks)
    (table / "contest-01234567.jsonl").write_text("of another contest")
    _, err = run("compare", "t.csv", *ONE, code=130)
    (ledger,) = set(table.glob("contest-*.jsonl")) - {table / "contest-01234567.jsonl"}
    kept = f"what was finished is kept in {ledger.name}; go on with: "
    assert f"{kept}raregan compare t.csv --contestants smote,copula" in err
    assert len(ledger.read_text().splitlines()) == 5
    _, err = run("compare", "t.csv", *ONE)
    assert "going on: 4 of 12 parts were played before" in err
    assert len(calls) == 5 + 12 - 4
    assert not ledger.exists()


def test_a_contest_that_is_interrupted_before_it_begins_keeps_nothing(run, table, monkeypatch):
    def breaks(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "read_arena", breaks)
    _, err = run("compare", "t.csv", *ONE, code=130)
    assert "kept" not in err
    assert not list(table.glob("contest-*"))


def test_a_named_ledger_stays_and_time_may_be_up(run, table):
    _, err = run("compare", "t.csv", *ONE, "--ledger", "l.jsonl", "--minutes", 1e-9)
    assert "time was up after 0 of 12 parts" in err
    assert err.splitlines()[-2] == "time was up: what was finished is kept in l.jsonl"
    assert err.splitlines()[-1].endswith("--ledger l.jsonl --minutes 1e-09")
    run("compare", "t.csv", *ONE, "--ledger", "l.jsonl")
    assert len((table / "l.jsonl").read_text().splitlines()) == 13


def test_a_contest_that_ended_early_names_its_ledger_and_the_command_that_goes_on(run, table):
    typed = ("compare", "t.csv", *ONE, "--minutes", 1e-9)
    _, err = run(*typed)
    (ledger,) = table.glob("contest-*.jsonl")
    said, command = err.splitlines()[-2:]
    assert said == (
        f"time was up: what was finished is kept in {ledger.name}, until the contest is whole"
    )
    words = command.removeprefix("go on with what is missing by the same command: raregan ")
    assert shlex.split(words) == [str(word) for word in typed]
    _, err = run(*typed[:-2])  # with more time
    assert "go on" not in err
    assert not list(table.glob("contest-*"))


def test_a_config_file_sets_the_variant_that_plays(run, table, monkeypatch):
    asked = []
    monkeypatch.setattr(
        fold, "learn_variant", lambda _, rare, *__, options, **___: asked.append(options) or rare
    )
    write_config("c.json", Choice("wgan-gp", {"epochs": 3}, {}))
    run("compare", "t.csv", *ONE, "--config", "c.json", "--contestants", "smote,wgan-gp")
    assert asked
    assert {one["settings"]["epochs"] for one in asked} == {3}
    for names in ("smote", "flow", "flow,wgan-gp"):
        _, err = run(
            *("compare", "t.csv", *ONE, "--config", "c.json", "--contestants", names), code=2
        )
        assert "c.json has settings of wgan-gp" in err


def test_how_many_others_are_learned_from_may_be_said(run, table):
    run("compare", "t.csv", *ONE, "--max-others", 100, "--json", "c.json")
    caps = json.loads((table / "c.json").read_text())["options"]["caps"]
    assert (caps["train"], caps["fit"]) == (100, 50)


def test_a_page_is_html(run, table):
    _, err = run("compare", "t.csv", *ONE, "-o", "c.pdf", code=2)
    assert "--output writes an HTML page, got c.pdf" in err


def test_own_learners_of_this_folder(run, table):
    (table / "mine.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def make():\n    return DecisionTreeClassifier(max_depth=2)\n"
    )
    out, _ = run("compare", "t.csv", *QUICK, "--learners", "mine:make")
    assert out.startswith("mine:make:\n")


def test_options_arrive(run, table, monkeypatch):
    rng = np.random.default_rng(0)
    apart().with_columns(
        when=pl.int_range(pl.len()), paid=pl.Series(rng.exponential(1, 400)), text=pl.lit("a")
    ).write_parquet("t.parquet")
    typed = "--time-column when --n-rare 30 --cost-fn 5 --cost-fp 1 --amount-column paid --top 9"
    typed += " --amounts 1,3 --confidence 0.9 --seed 4 --ignore text --json c.json"
    out, err = run("compare", "t.parquet", *ONE, *typed.split())
    assert "3 folds by when" in err
    assert "cost" in out
    options = json.loads((table / "c.json").read_text())["options"]
    expected = {"n_rare": 30, "top": 9, "amounts": [1.0, 3.0], "confidence": 0.9, "seed": 4}
    expected |= {"costs": {"missed": 5.0, "alarm": 1.0}, "amount_column": "paid", "repeats": 1}
    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("typed", "match"),
    [
        ("", "name the table"),
        ("t.csv --contestants smoot", "no contestant is called 'smoot'"),
        ("t.csv --learners tree", "no learner is called 'tree'"),
        ("t.csv --amounts a,b", "--amounts takes numbers"),
        ("t.csv --cost-fn 3", "costs are given together"),
        ("t.csv --json t.csv", "t.csv"),
        ("t.csv --json -", "--json names a file; - is standard output for tables alone"),
        ("t.csv -o t.csv", "t.csv"),
        ("t.csv -o c.html --json c.html", "--output and --json are both c.html"),
        ("t.csv -o ./c.html --ledger c.html", "--output and --ledger are both c.html"),
        ("t.csv -o no/c.html", "there is no folder no"),
        ("t.csv -o postgresql://u:p@h/d", "--output names a file"),
        ("t.csv --json no/c.json", "there is no folder no"),
        ("t.csv --markdown postgresql://u:p@h/d", "--markdown names a file"),
        ("t.csv --time-column whem", "no column 'whem'"),
        ("t.csv --max-others -5", "--max-others must be a whole number of at least 1, got -5"),
        ("t.csv --jobs 0 --learners logistic", "got 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_played(fails, table, typed, match):
    fails("compare", *typed.split(), match=match)


def test_names_are_split_at_commas():
    assert module._names(" a, b,,c ") == ["a", "b", "c"]
    assert module._names(None) is None
