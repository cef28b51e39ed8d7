import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from raregan.data.heldout import HeldOut
from raregan.modelfile import save_model
from raregan.synthesizer import RareGAN
from tests.commands.conftest import QUICK

HEADER = "id,a,b,Class,note,count,Amount\n"


@pytest.fixture
def written(folder, frame):
    """The table of numbers as odd CSV text, with a column more than the model knows."""
    lines = [
        f'{i:05d},{row["a"]!r}0,{row["b"]:.3f},{row["Class"]},"x, ""{i}""",{row["count"]},'
        f"{row['Amount']:.2f}\n"
        for i, row in enumerate(frame.iter_rows(named=True))
    ]
    text = HEADER + "".join(lines)
    Path("data.csv").write_text(text)
    return text


@pytest.fixture(scope="module")
def model(gan, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.raregan"
    gan.save(path)
    return path


@pytest.fixture(scope="module")
def guarded(mixed_gan, mixed, tmp_path_factory):
    """A model that knows which rows were held out: the last hundred."""
    path = tmp_path_factory.mktemp("model") / "g.raregan"
    mark = HeldOut.of(mixed.tail(100), mixed.columns)
    save_model(replace(mixed_gan.model_, held_out=mark), path)
    return path


def test_a_condition_and_the_acceptance_are_told(folder, run, mixed_model):
    _, err = run(
        *("sample", mixed_model, "-n", 50, "-o", "s.parquet"),
        *("--condition", "channel=web", "--condition", "flag=True"),
    )
    rows = pl.read_parquet("s.parquet")
    assert rows.height == 50
    assert rows["channel"].to_list() == ["web"] * 50
    assert rows["flag"].all()
    assert re.search(r"[\d,]+ of [\d,]+ drawn rows \([\d.]+%\) keep all rules", err)


def test_append_to_writes_the_table_first(folder, run, mixed_model, mixed):
    run("sample", mixed_model, "-n", 30, "--append-to", "data.parquet", "-o", "s.parquet")
    rows = pl.read_parquet("s.parquet")
    assert rows.head(500).equals(mixed)
    assert rows.schema == mixed.schema
    assert rows.tail(30)["Class"].to_list() == [1] * 30
    run("sample", mixed_model, "-n", 30, "-o", "alone.parquet")
    assert pl.read_parquet("alone.parquet").equals(rows.tail(30))


def test_resample_reaches_the_ratio_and_marks(folder, run, mixed_model, mixed):
    out, err = run(
        *("resample", "data.parquet", "--model", mixed_model, "--ratio", 0.5),
        *("--mark", "-o", "b.parquet"),
    )
    rows = pl.read_parquet("b.parquet")
    assert rows.height == 500 + (round(0.5 * 400) - 100)
    assert (rows["Class"] == 1).sum() == 200
    assert rows["is_synthetic"].to_list() == [False] * 500 + [True] * 100
    assert rows.head(500).drop("is_synthetic").equals(mixed)
    assert "500 of data.parquet as they are, then 100 synthetic ones" in err
    assert out == ""


def test_resample_leaves_the_cells_of_a_csv_file_as_they_are(folder, run, written, model):
    run("resample", "data.csv", "--model", model, "--ratio", 0.5, "-o", "b.csv")
    text = Path("b.csv").read_text()
    assert text.startswith(written)
    added = pl.read_csv("b.csv", infer_schema=False).tail(80)
    assert added.columns == HEADER.strip().split(",")
    assert added["id"].null_count() == added["note"].null_count() == 80  # the model ignored them
    assert set(added["Class"]) == {"1"}


def test_resample_marks_under_another_name(folder, run, written, model):
    run("resample", "data.csv", "--model", model, "--ratio", 0.3, "--mark", "fake", "-o", "b.csv")
    assert pl.read_csv("b.csv")["fake"].sum() == round(0.3 * 320) - 80


def test_resample_trains_where_no_model_is_named(folder, run, written):
    run(
        *("resample", "data.csv", "--ignore", "id", "--ignore", "note", *QUICK),
        *("--ratio", 0.3, "-o", "b.csv"),
    )
    assert Path("b.csv").read_text().startswith(written)


def test_two_runs_of_resample_agree_without_a_seed(folder, run, written):
    for name in ("b.csv", "c.csv"):
        run(
            *("resample", "data.csv", "--ignore", "id", "--ignore", "note", *QUICK),
            *("--ratio", 0.3, "-o", name),
        )
    assert Path("b.csv").read_bytes() == Path("c.csv").read_bytes()


def test_held_out_rows_are_refused_unless_allowed(folder, run, fails, guarded, mixed):
    for verb in (
        ("resample", "data.parquet", "--model", guarded, "--ratio", 0.5),
        ("sample", guarded, "-n", 5, "--append-to", "data.parquet"),
    ):
        fails(*verb, "-o", "b.parquet", match="100 of the 500 rows of data.parquet were held out")
        run(*verb, "--allow-held-out", "-o", "b.parquet")
        Path("b.parquet").unlink()
    mixed.head(400).write_parquet("train.parquet")
    run("sample", guarded, "-n", 5, "--append-to", "train.parquet", "-o", "b.parquet")
    run("sample", guarded, "-n", 5, "-o", "alone.parquet")


def test_a_split_guards_what_is_learned_from_it(folder, run, fails):
    run("split", "small.parquet", "-o", "parts")
    run("train", "parts/train.parquet", *QUICK, "-o", "m")
    resample = ("resample", "--model", "m", "--ratio", 0.5, "-o", "b.parquet")
    fails(*resample, "--data", "small.parquet", match="were held out to test what is learned")
    fails(*resample, "--data", "parts/test.parquet", match="were held out to test what is learned")
    run(*resample, "--data", "parts/train.parquet")


def test_no_part_of_the_input_is_written_over(folder, fails, mixed_model, mixed):
    Path("fold").mkdir()
    for name in ("a", "b"):
        mixed.write_parquet(f"fold/{name}.parquet")
    for source in ("fold", "fold/*.parquet"):
        for place in ("fold/a.parquet", "fold/new.parquet"):
            for verb in (
                ("resample", source, "--model", mixed_model, "--ratio", 0.5),
                ("sample", mixed_model, "--append-to", source),
                ("train", source),
            ):
                fails(*verb, "-o", place, match=f"{place} is part of the input {source}")
    resample = ("resample", "fold", "--model", "fold/../m.csv", "--ratio", 0.5)
    Path("m.csv").write_bytes(mixed_model.read_bytes())
    fails(*resample, "-o", "m.csv", match="m.csv is the input")


def test_the_test_part_of_a_split_is_refused_without_a_model_too(folder, run, fails, model, mixed):
    run("split", "small.parquet", "-o", "parts")
    options = (*QUICK, "--ratio", 0.5, "-o", "b.parquet")
    for source in ("parts/test.parquet", "parts/t*.parquet"):
        fails("resample", source, *options, match="test.parquet': the rows of this test file were")
        run("resample", source, *options, "--allow-held-out")
        Path("b.parquet").unlink()
        fails("sample", model, "--append-to", source, "-o", "b.csv", match="this test file were")
    run("resample", "parts/train*.parquet", *options)
    _, err = run("train", "parts/t*.parquet", "--dry-run")
    assert "warning: 'parts/test.parquet': the test part of a split" in err


def test_a_pattern_that_names_the_training_part_is_marked(folder, run, fails):
    run("split", "small.parquet", "-o", "parts")
    run("train", "parts/train*.parquet", *QUICK, "-o", "m")
    fails(
        *("resample", "small.parquet", "--model", "m", "--ratio", 0.5, "-o", "b.parquet"),
        match="were held out to test what is learned",
    )


def test_a_split_of_parquet_guards_a_csv_file_too(folder, run, fails, mixed):
    dated = mixed.select("case", "count", "opened", "Class")
    dated.write_parquet("dated.parquet")
    dated.write_csv("dated.csv")
    run("split", "dated.parquet", "-o", "parts")
    run("train", "parts/train.parquet", *QUICK, "-o", "m")
    fails(
        *("resample", "dated.csv", "--model", "m", "--ratio", 0.5, "-o", "b.csv"),
        match="125 of the 500 rows of dated.csv were held out",
    )
    run(
        *("resample", "dated.csv", "--model", "m", "--ratio", 0.5, "-o", "b.csv"),
        "--allow-held-out",
    )
    days = pl.read_csv("b.csv")["opened"]
    assert days.str.contains(r"^\d{4}-\d\d-\d\d$").all()


def test_mistakes(folder, fails, mixed_model, model, mixed):
    sample = ("sample", mixed_model, "-o", "s.parquet")
    fails(*sample, "--condition", "channel", match="--condition takes column=value")
    fails(*sample, "--condition", "channel=branch", match="was never 'branch'")
    fails(*sample, "--condition", "amount=3", match="'amount' is continuous")
    fails(*sample, "--condition", "chanel=web", match="did you mean 'channel'")
    fails("sample", mixed_model, "-o", mixed_model, match="is the input")
    data = ("--append-to", "data.parquet")
    fails("sample", mixed_model, *data, "-o", "data.parquet", match="is the input")
    fails(
        "sample",
        model,
        *data,
        "-o",
        "s.parquet",
        match="data.parquet lacks 'a', 'b', 'Amount', which the model has learned",
    )
    resample = ("resample", "data.parquet", "--model", mixed_model, "-o", "b.parquet")
    fails("resample", "-o", "b.parquet", match="name the table that gets the rows")
    fails(*resample, "--ratio", 0.25, match="100 rare rows for 400 others, a ratio of 0.25")
    fails(*resample, "--ratio", 0, match="a ratio must be a positive number")
    fails(*resample, "--ratio", "nan", match="a ratio must be a positive number")
    fails(*resample, "--ratio", 0.5, "--mark", "city", match="has a column 'city' already")
    fails(*resample[:-1], "data.parquet", match="is the input")
    mixed.drop("Class").write_parquet("bare.parquet")
    fails("resample", "bare.parquet", *resample[2:], match="bare.parquet lacks 'Class', which")
    fails(
        *("resample", "data.parquet", "--model", model, "--ratio", 0.5, "-o", "b.parquet"),
        match="data.parquet lacks 'a', 'b', 'Amount', which the model has learned from frame",
    )


def test_what_cannot_be_added_is_told_before_training(folder, fails, monkeypatch):
    def fit(*_, **__):
        raise AssertionError("trained")

    monkeypatch.setattr(RareGAN, "fit", fit)
    resample = ("resample", "data.parquet", "-o", "b.parquet", "--ratio")
    fails(*resample, 0.25, match="100 rare rows for 400 others, a ratio of 0.25")
    fails(*resample, 0, match="a ratio must be a positive number")
    fails(*resample, 0.5, "--mark", "city", match="has a column 'city' already")


def test_rows_are_not_replaced_without_a_word(folder, run, mixed_model):
    sample = ("sample", mixed_model, "-n", 5, "-o", "s.parquet")
    assert "replaced" not in run(*sample)[1]
    said = "note: s.parquet is there already; it is replaced when this is done\n"
    assert said in run(*sample)[1]
    resample = ("resample", "data.parquet", "--model", mixed_model, "--ratio", 0.5)
    assert said in run(*resample, "-o", "s.parquet")[1]
