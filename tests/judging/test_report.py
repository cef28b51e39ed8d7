import json
import math
from dataclasses import replace

import pytest

from raregan.errors import DataError
from raregan.judging.dependence import PairOfColumns
from raregan.judging.fidelity import Fidelity
from raregan.judging.figures import Figure
from raregan.judging.intervals import Interval
from raregan.judging.marginals import Marginal
from raregan.judging.report import Report
from raregan.judging.verdict import reach_verdict

NASTY = "</b>|`a`\x1b *b*"


def made_up():
    return Report(
        figures=(
            Figure("column_shape", 0.71, Interval(0.68, 0.74), 0.93, Interval(0.9, 0.96)),
            Figure(
                "c2st_linear",
                0.81,
                Interval(0.75, 0.87),
                0.5,
                Interval(0.4, 0.6),
                {"columns": [{"column": NASTY, "share": 0.7}]},
            ),
            Figure(
                "singling_out",
                0.25,
                Interval(0.1, 0.4),
                0.0,
                None,
                {"success": 0.4, "control": 0.2},
            ),
        ),
        columns=(
            Marginal(NASTY, "number", "KS", 0.29, 0.07, 1.25, 0.875, (0.0, 0.015)),
            Marginal("c", "category", "TV", 0.1, None, None, None, (0.0, 0.0)),
        ),
        pairs=(PairOfColumns(NASTY, "c", "correlation ratio", 0.5, 0.25),),
        n_pairs=1,
        rules={"a < b": {"real": 1.0, "synthetic": 0.985}},
        notes=("one | note",),
        counts={"real": 1_234, "synthetic": 567, "holdout": 89, "others": 0},
        shared=0,
        compared=(1_234, 89),
        baseline="holdout",
        seed=7,
        versions={"raregan": "0"},
        fidelity=Fidelity(1_234, 567, 0.1, 0.2, {}, 0.0, 0.8),
    )


def test_the_schema_is_the_documented_one():
    told = made_up().to_dict()
    assert list(told) == [
        "schema", "schema_version", "confidence", "counts", "shared", "compared", "baseline",
        "seed", "versions", "verdict", "groups", "columns", "pairs", "n_pairs",
        "rules", "notes", "summary",
    ]  # fmt: skip
    assert (told["schema"], told["schema_version"]) == ("raregan.report", 1)
    assert [group["name"] for group in told["groups"]] == ["fidelity", "privacy", "utility"]
    first = told["groups"][0]["figures"][0]
    assert list(first) == [
        "name", "group", "label", "definition", "shows", "shows_not", "source", "direction", "best",
        "worst", "value", "interval", "baseline", "baseline_interval", "reading", "at_worst",
        "details",
    ]  # fmt: skip
    assert told["compared"] == {"real": 1_234, "synthetic": 89}
    assert first["interval"] == [0.68, 0.74]
    assert first["reading"] == "worse than real rows"
    assert list(told["columns"][0]) == [
        "name", "kind", "measure", "distance", "baseline", "wasserstein", "coverage", "missing",
    ]  # fmt: skip
    assert list(told["pairs"][0]) == [
        "first", "second", "measure", "real", "synthetic", "holdout", "difference",
    ]  # fmt: skip
    assert told["rules"] == [{"rule": "a < b", "real": 1.0, "synthetic": 0.985}]


def test_json_is_the_dict_and_is_written_whole(tmp_path):
    report = made_up()
    text = report.to_json(tmp_path / "new" / "r.json")
    assert (tmp_path / "new" / "r.json").read_text(encoding="utf-8") == text
    assert json.loads(text) == report.to_dict()
    with pytest.raises(DataError, match="it is a folder"):
        report.to_json(tmp_path)


def test_what_json_has_no_word_for_is_null():
    figure = Figure("wasserstein", math.inf, Interval(0, math.inf), math.nan)
    told = json.loads(replace(made_up(), figures=(figure,)).to_json())
    (shown,) = told["groups"][0]["figures"]
    assert (shown["value"], shown["interval"], shown["baseline"]) == (None, [0, None], None)


def test_its_repr_is_one_line_with_counts_and_what_came_out():
    assert repr(made_up()) == (
        "<Report of 1,234 real, 567 synthetic, 89 held-out rows; "
        "fidelity: differs, privacy: alarm, utility: not judged>"
    )


def test_the_verdict_is_that_of_its_figures():
    report = made_up()
    assert report.verdict == reach_verdict(report)
    assert json.loads(report.to_json())["verdict"]["summary"] == report.verdict.summary


def test_figures_are_found_by_name_and_group():
    report = made_up()
    assert report["singling_out"].value == 0.25
    assert report.group("privacy") == (report["singling_out"],)
    with pytest.raises(KeyError):
        report["dcr"]
