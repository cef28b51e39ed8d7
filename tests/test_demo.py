import contextlib
import io
import re

import polars as pl
import pytest

from raregan.cli import main
from raregan.config import MODEL_PATH, TEST_SHARE
from raregan.data.simulate import SIMULATED_NOTE
from raregan.demo import FILES, SIMULATED, hold_out, simulated_table
from raregan.judging import c2st
from raregan.judging.verdict import QUESTIONS
from raregan.modelfile import load_model


def test_the_embedded_table_is_the_missions_and_says_that_it_is_simulated():
    table = simulated_table()
    assert (table.n_rows, table.n_rare) == (50_492, 492)
    assert table.schema.names == (*(f"V{i}" for i in range(1, 29)), "Amount")
    assert "simulated" in table.describe()


def test_a_quarter_is_held_out_and_no_row_is_on_both_sides():
    table, held_out = hold_out()
    whole = simulated_table()
    assert table.n_rare + held_out.height == whole.n_rare
    assert abs(held_out.height / whole.n_rare - TEST_SHARE) < 0.01
    assert held_out.columns == table.rare.columns
    assert not table.rare.join(held_out, on=held_out.columns, how="semi").height
    assert whole.rare.join(held_out, on=held_out.columns, how="semi").height == held_out.height
    assert table.held_out is not None
    marked = held_out.with_columns(pl.lit(1, dtype=pl.Int64).alias("Class"))
    assert table.held_out.n_rows == whole.n_rows - table.n_rows
    assert table.held_out.count(marked) == held_out.height


@pytest.fixture(scope="module")
def made(tmp_path_factory, mixed_gan):
    """Return the folder of a demo, where there were older files, and what it said on both ways."""
    folder = tmp_path_factory.mktemp("demo") / "a folder"
    folder.mkdir()
    mixed_gan.save(folder / MODEL_PATH)
    for name in {*FILES} - {MODEL_PATH}:
        (folder / name).write_text("an older one")
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(c2st, "C2ST_TREES", 10)
        assert main(["demo", "--output", str(folder), "--epochs", "2"]) == 0
    return folder, out.getvalue(), err.getvalue()


def test_the_demo_makes_what_it_says(made):
    made, *_ = made
    names = ["fraud.raregan", "pca.png", "report.html", "synthetic_fraud.csv"]
    assert sorted(path.name for path in made.iterdir()) == names
    rows = pl.read_csv(made / "synthetic_fraud.csv")
    assert rows.shape == (1_000, 30)
    assert load_model(made / "fraud.raregan").provenance["source"] == SIMULATED
    page = (made / "report.html").read_text()
    assert SIMULATED_NOTE in page
    assert "Whom does it expose?" in page
    assert "annot be said" not in page  # with held-out and other rows every question is answered
    assert "membership inference" in page
    assert "detector taught by synthetic rows" in page
    assert "--epochs 2</code>" in page
    assert (made / "pca.png").read_bytes().startswith(b"\x89PNG")


def test_it_ends_with_four_figures_and_what_to_type_next(made):
    _, out, _ = made
    figures = out.split("How good they are:")[1].split("Next")[0]
    assert len(re.findall(r"^\s+.*\d", figures, re.MULTILINE)) >= 4
    assert "raregan split YOUR.csv" in out
    assert "--holdout parts/test.csv" in out


def test_it_answers_the_three_questions_and_names_what_reads_worse(made):
    _, out, _ = made
    verdict = out.split("The verdict, with 123 frauds that were held out:")[1].split("Next")[0]
    for question in QUESTIONS.values():
        assert f"  {question.text} " in verdict
    assert "annot be said" not in verdict
    assert "Not quite" in verdict  # two epochs do not suffice
    named = re.findall(r"^    [a-zA-Z].*: [\d.%]+, real rows [\d.%]+$", verdict, re.MULTILINE)
    counted = re.findall(r"(?:Not quite|Alarm): (\d+) of", verdict)
    assert len(named) >= sum(map(int, counted)) > 0


def test_nothing_is_replaced_without_a_word(made):
    folder, _, told = made
    assert f"{folder / MODEL_PATH} holds a model of frame, made 20" in told
    for name in ("synthetic_fraud.csv", "pca.png", "report.html"):
        assert f"note: {folder / name} is there already; it is replaced when this is done" in told
