import itertools
import re

import pytest

from raregan.contest.leaks import Leak
from raregan.contest.sheet import make_cells
from raregan.errors import DataError
from raregan.reporting.contest_page import MOST_NAMED, write_contest_page
from tests.reporting.contests import played
from tests.reporting.test_answers import comparison
from tests.reporting.test_report import MOST_BYTES, NASTY, Page

FOUND = played(learner=NASTY, source=NASTY, leaks=[Leak("copies", 3, f"3 are {NASTY}")])
COMMAND = f"raregan compare '{NASTY}'"


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def cells_of(page, heading):
    """Return the rows of the table with this caption."""
    rows, inside = [], False
    for tag, text in page.words:
        if tag == "caption":
            inside = text == heading
        elif inside and tag == "th":
            rows.append([text])
        elif inside and tag == "td":
            rows[-1].append(text)
    return [row for row in rows if len(row) > 1]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "new"
    path = write_contest_page(folder / "c.html", FOUND, command=COMMAND, facts=[("<who>", NASTY)])
    assert [file.name for file in folder.iterdir()] == ["c.html"]
    return path


@pytest.fixture(scope="module")
def page(path):
    return read(path)


def test_the_page_is_whole_and_needs_nothing(path, page):
    assert page.open == []
    assert path.stat().st_size < MOST_BYTES
    assert page.scripts == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert attributes.get("href", "data:").startswith(("data:", "#"))
    policy = next(a["content"] for _, a in page.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_the_leak_and_the_verdict_come_first(page):
    assert page.texts("h2") == ["Verdict", "Pictures", "Tables", "Provenance"]
    assert page.texts("h3")[:4] == [
        "A leak was found: no score below is true",
        *("Does it help?", "How do you know?", "What does it cost?"),
    ]
    assert page.texts("li")[0] == f"3 are {NASTY}"
    assert page.texts("p")[0] == FOUND.verdict.text


def test_names_are_shown_as_written(page):
    assert page.texts("h1") == [f"Does it help? A contest on {NASTY}"]
    assert page.texts("h4") == [NASTY, "tree"] * 2
    assert "<who>" in page.texts("dt")
    assert page.texts("code") == [COMMAND]


def test_headings_go_down_step_by_step(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-4]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_picture_has_words_and_every_table_a_caption(page):
    pictures = [a for tag, a in page.elements if tag == "svg" and a.get("role") == "img"]
    # A line for each contestant that is compared, and two pictures for each learner.
    assert len(pictures) == 4 + 1 + 2 * 2
    assert all(len(a["aria-label"]) > 30 for a in pictures)
    tables = [tag for tag, _ in page.elements if tag in ("table", "caption")]
    assert tables == ["table", "caption"] * (len(tables) // 2)


@pytest.mark.parametrize("learner", [NASTY, "tree"])
def test_the_standings_are_those_of_the_comparison(page, learner):
    own = [one for one in FOUND.standings if one.learner == learner]
    assert cells_of(page, f"Means over folds with {learner}") == make_cells(own)[1]


def test_amounts_seconds_and_absences_are_counted(page):
    heading = next(text for text in page.texts("caption") if text.startswith("Amounts"))
    rows = {(row[0], row[1]): row[2:] for row in cells_of(page, heading)}
    assert len(rows) == len(FOUND.standings)
    assert rows["smote", "tree"][:3] == ["10 of 10", "1 (10 x)", "2.0 to 2.0"]
    assert rows["class-weights", "tree"] == ["0 of 10", "none", "none", "takes no weights"]
    assert "class-weights with 'tree': takes no weights" in page.texts("li")
    assert "one & note" in page.texts("li")


def test_it_says_who_is_left_out_of_the_curves(page):
    assert any("can be told apart: over-sampling." in text for text in page.texts("p"))


def test_provenance(page):
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert facts["target, rare value"] == "Class = 1"
    assert facts["rows"] == "1,000, 60 of them rare"
    assert facts["features"] == "3 (2 continuous, 1 categorical): a, b, c"
    assert facts["fingerprint of rows and columns"] == FOUND.options["data"]
    assert facts["seed"] == "7"
    assert facts["folds"] == "2 x 5"
    assert facts["parts played"] == "50 of 50 (contestants times folds)"
    assert facts["other rows at most"] == "train 10,000, fit 5,000, test 50,000"
    assert "scikit-learn" in facts["versions"]
    assert facts["<who>"] == NASTY
    assert "costs" not in facts


def test_options_are_told_where_they_were_given(tmp_path):
    found = played(
        n_done=40,
        costs={"missed": 5.0, "alarm": 1.0},
        time_column="when",
        options={"constraints": ["a < b"]},
        columns={f"c{i}": "continuous" for i in range(MOST_NAMED + 5)},
    )
    page = read(write_contest_page(tmp_path / "c.html", found))
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert facts["costs"] == "missed 5.0, alarm 1.0"
    assert facts["time column"] == "when"
    assert facts["options of raregan's variants"] == "constraints a < b"
    assert facts["features"].endswith(f"c{MOST_NAMED - 1}, ...")
    assert page.texts("title") == ["Does it help? A contest on t.csv (40 of 50 parts)"]


def test_an_old_ledger_has_no_curves_and_the_page_says_so(tmp_path):
    page = read(write_contest_page(tmp_path / "c.html", played(curves=False)))
    assert sum(text.startswith("No curves: ") for text in page.texts("p")) == 2
    assert "plot" not in [a.get("class") for _, a in page.elements]


def test_nothing_was_scored(tmp_path):
    page = read(write_contest_page(tmp_path / "c.html", comparison([])))
    assert page.open == []
    assert "Nothing was scored, so there is nothing to draw." in page.texts("p")


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(DataError, match="folder"):
        write_contest_page(tmp_path, FOUND)
