from raregan.contest.fold import Record
from raregan.contest.sheet import absences, as_markdown, as_text, explain
from raregan.contest.standings import rank
from tests.contest.records import FOLDS, records_of

RECORDS = [
    *records_of({"nothing": 0.5, "class-weights": 0.6, "smote": 0.75}),
    *records_of({"nothing": 0.4, "smote": 0.5}, learner="tree"),
    *(Record(*f, "class-weights", "tree", absent="takes no weights") for f in FOLDS),
    *(Record(*f, "adasyn", "logistic", absent="numbers alone") for f in FOLDS),
    *(Record(*f, "adasyn", "tree", absent="numbers alone") for f in FOLDS),
]
STANDINGS, _ = rank(RECORDS, confidence=0.95)


def test_text_is_aligned():
    text = as_text(STANDINGS)
    assert text.startswith("logistic:\n")
    assert "\n\ntree:\n" in text
    header, *rows = text.split("\n\n")[0].splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["nothing", "class-weights", "smote"]
    ends = [line.index("seconds") + len("seconds") for line in [header]]
    assert {len(row) for row in rows} == set(ends)
    assert "gain on class-weights" in header
    assert f"{STANDINGS[2].scores['average_precision']:.3f}" in rows[2]


def test_markdown_has_the_same_cells():
    text, markdown = as_text(STANDINGS), as_markdown(STANDINGS)
    tables = markdown.split("\n\n")
    assert tables[0] == "## logistic"
    cells = [cell.strip() for cell in tables[1].splitlines()[4].strip("|").split("|")]
    assert cells[0] == "smote"
    assert all(cell in text for cell in cells)
    assert len({line.count("|") for line in tables[1].splitlines()}) == 1


def test_who_is_absent_is_said_once():
    assert absences(STANDINGS) == [
        "adasyn: numbers alone",
        "class-weights with 'tree': takes no weights",
    ]


def test_who_is_absent_in_some_folds_is_said_too():
    records = records_of({"nothing": 0.5, "smote": 0.6}, folds=FOLDS[:4])
    records += [Record(*FOLDS[4], "smote", "logistic", absent="no licence")]
    standings, _ = rank(records, confidence=0.95)
    assert absences(standings) == ["smote in 1 of 5 folds: no licence"]


def test_columns_are_explained_that_are_there():
    text = explain(STANDINGS)
    assert "AP is average precision: the mean of precision over recall; Brier is" in text
    assert "cost" not in text
