import json
import os
from pathlib import Path

import polars as pl
import pytest

from raregan.data.sources import read_table
from raregan.data.table import fingerprint


@pytest.mark.usefixtures("few_trees")
def test_plot_and_evaluate_take_a_mixed_table(folder, run, mixed_model):
    run("sample", mixed_model, "-n", 300, "-o", "s.parquet")
    _, err = run("plot", "data.parquet", "s.parquet", "-o", "figures")
    assert "14 columns judged; not judged: case (identifiers)" in err
    pictures = {"correlations.png", "distributions.png", "pca.png"}
    assert pictures <= set(os.listdir("figures"))
    assert "replaced" not in err
    _, err = run("plot", "data.parquet", "s.parquet", "-o", "figures")
    for name in pictures:
        assert f"note: figures/{name} is there already; it is replaced when this is done" in err
    out, err = run("evaluate", "data.parquet", "s.parquet", "-o", "r.html")
    assert "500 rows, 100 of them rare (Class = 1)\n" in err
    assert "14 columns judged; not judged: case (identifiers)" in err
    assert "to learn" not in err
    assert "wrote r.html" in out
    assert "replaced" not in err
    assert Path("r.html").stat().st_size > 100_000
    assert "not judged: case (identifiers)" in Path("r.html").read_text()


@pytest.mark.usefixtures("few_trees")
def test_evaluate_tells_which_rules_are_lost_and_counts_real_rows_that_break_one(
    folder, run, mixed, mixed_gan
):
    real = mixed.with_columns(
        total=pl.when(pl.col("Class").cum_sum().is_in([3, 7]))
        .then(pl.col("total") + pl.col("Class"))
        .otherwise("total")
    )
    real.write_parquet("real.parquet")
    rows = mixed_gan.sample(200)
    rows.with_columns(pl.col("total") + 1).write_parquet("lost.parquet")
    out, _ = run("evaluate", "real.parquet", "lost.parquet", "-o", "r.html")
    assert "       0.0%   98.0%  part_a + part_b == total" in out.splitlines()
    assert "part_a + part_b == total" in Path("r.html").read_text()
    rule = ("--constraint", "total - part_b == part_a")
    out, err = run("evaluate", "real.parquet", "lost.parquet", "-o", "r.html", *rule)
    assert "       0.0%   98.0%  total - part_b == part_a" in out.splitlines()
    assert "part_a + part_b" not in out
    assert "100 of them rare (Class = 1), 2 of these left out" in err


@pytest.mark.usefixtures("few_trees")
def test_evaluate_with_held_out_rows_judges_privacy_and_utility_and_writes_what_is_asked(
    folder, run, mixed, mixed_gan
):
    run("split", "data.parquet", "--target", "Class", "-o", "parts", "--test", 0.4)
    real, held = (Path("parts") / f"{part}.parquet" for part in ("train", "test"))
    mixed_gan.sample(80).write_parquet("s.parquet")
    asked = ("--holdout", held, "--json", "r.json", "--markdown", "r.md", "-o", "r.html")
    for name in ("r.json", "r.md", "r.html"):
        Path(name).write_text("an older one")
    out, err = run("evaluate", real, "s.parquet", "--target", "Class", *asked)
    assert err.splitlines()[-3:] == [
        f"note: {name} is there already; it is replaced when this is done"
        for name in ("r.json", "r.md", "r.html")
    ]
    assert out.splitlines()[-3:] == ["wrote r.json", "wrote r.md", "wrote r.html"]
    told = json.loads(Path("r.json").read_text(encoding="utf-8"))
    n_held = pl.read_parquet(held).filter(pl.col("Class") == 1).height
    counts = told["counts"]
    assert (counts["holdout"], counts["synthetic"], told["baseline"]) == (n_held, 80, "holdout")
    assert counts["real"] + n_held == 100
    assert counts["others"] == pl.read_parquet(real).filter(pl.col("Class") == 0).height
    assert all(group["figures"] for group in told["groups"])
    names = [column["name"] for column in told["columns"]]
    assert "case" not in names
    assert Path("r.md").read_text(encoding="utf-8").startswith("## Synthetic rows judged")
    page = Path("r.html").read_text(encoding="utf-8")
    told_page = ("--holdout parts/test.parquet --json r.json", "Distance to the closest record")
    prints = [fingerprint(pl.read_parquet("s.parquet").select(names)),
              read_table(real, target="Class").fingerprint]  # fmt: skip
    assert all(said in page for said in (*told_page, *prints))
    for said in ("membership inference, nearest (AUC)", "as real rows", "utility: "):
        assert said in page
        assert said in out


@pytest.mark.usefixtures("few_trees")
def test_held_out_rows_may_come_without_the_target_and_in_another_form(
    folder, run, mixed, mixed_gan
):
    rare = mixed.filter(pl.col("Class") == 1)
    writable = pl.col("took").dt.total_milliseconds()
    held = rare[:40].drop("Class", "case").with_columns(writable)
    held.write_csv("held.csv")
    pl.concat([rare[40:], mixed.filter(pl.col("Class") == 0)]).write_parquet("real.parquet")
    mixed_gan.sample(60).write_parquet("s.parquet")
    options = ("--target", "Class", "--ignore", "seen", "--holdout", "held.csv", "--json", "r.json")
    run("evaluate", "real.parquet", "s.parquet", *options)
    told = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert told["counts"] == {"real": 60, "synthetic": 60, "holdout": 40, "others": 400}
    marked = pl.concat([held.with_columns(Class=pl.lit("1")), held.with_columns(Class=pl.lit("0"))])
    marked.write_parquet("marked.parquet")
    run("evaluate", "real.parquet", "s.parquet", *options, "--holdout", "marked.parquet")
    again = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert again == told


@pytest.mark.usefixtures("few_trees")
def test_held_out_rows_that_were_learned_from_are_a_mistake_and_the_report_is_written(
    folder, run, mixed_gan
):
    mixed_gan.sample(40).write_parquet("s.parquet")
    judge = ("evaluate", "data.parquet", "s.parquet", "--holdout", "data.parquet", "-o", "r.html")
    out, err = run(*judge, code=2)
    told = "100 of 100 held-out rows are among the rows that were learned from"
    assert err.splitlines()[-1].startswith(f"raregan: {told}")
    assert "wrote r.html" in out
    assert told in Path("r.html").read_text(encoding="utf-8")


def test_mistakes_with_held_out_rows_and_outputs(folder, fails, mixed, mixed_gan):
    mixed_gan.sample(20).write_parquet("s.parquet")
    mixed.filter(pl.col("Class") == 0).write_parquet("none.parquet")
    mixed.drop("city").write_parquet("less.parquet")
    judge = ("evaluate", "data.parquet", "s.parquet")
    fails(*judge, "--holdout", "none.parquet", match="no rows with Class = 1: --holdout takes")
    fails(*judge, "--holdout", "less.parquet", match="less.parquet has no column 'city'")
    fails(*judge, "--holdout", "nowhere.csv", match="nowhere.csv")
    fails(*judge, "--holdout", "postgresql://u:p@h/d", match="--holdout names a file or folder")
    fails(*judge, "--holdout", "less.parquet", "--json", "less.parquet", match="is the input")
    fails(*judge, "--json", "x", "--markdown", "x", match="--json and --markdown are both x")
    fails(*judge, "--markdown", "r.html", "-o", "r.html", match="--output and --markdown are both")
    fails(*judge, "--json", "s.parquet", match="is the input")


def test_mistakes(folder, fails, mixed, mixed_gan):
    rows = mixed_gan.sample(20)
    rows.drop("city").write_parquet("less.parquet")
    fails("plot", "data.parquet", "less.parquet", match="less.parquet has no column 'city'")
    fails("plot", "data.parquet", "less.parquet", "--ignore", "ciyt", match="did you mean 'city'")
    fails("evaluate", "data.parquet", "data.parquet", match="400 rows that are not Class = 1")
    fails("evaluate", "data.parquet", "none.parquet", match="none.parquet")
    pl.concat([rows, rows]).write_parquet("two.parquet")
    fails("evaluate", "data.parquet", "two.parquet", "-o", "two.parquet", match="is the input")
    fails("evaluate", "data.parquet", "two.parquet", "-o", "r.pdf", match="writes an HTML page")
    (folder / "fold").mkdir()
    two = pl.read_parquet("two.parquet")
    two.write_parquet("fold/a.parquet")
    for output in ("fold", "fold/deeper"):
        fails("plot", "data.parquet", "fold", "-o", output, match="part of the input fold")
    fails("evaluate", "fold", "two.parquet", "-o", "fold/r.html", match="part of the input fold")


def test_swapped_tables_are_told(folder, run, fails, mixed, mixed_gan):
    rows = mixed_gan.sample(20)
    rows.write_parquet("s.parquet")
    rows.drop("Class").write_parquet("bare.parquet")
    said = "Are the tables swapped? data.parquet has rare and other rows: REAL comes first"
    for verb in ("evaluate", "plot"):
        for synthetic in ("s.parquet", "bare.parquet"):
            fails(verb, synthetic, "data.parquet", match=said)
            fails(verb, synthetic, "data.parquet", "--target", "Class", match=said)
    for real, synthetic in (("data.parquet", "none"), ("none", "data.parquet"), ("s.parquet",) * 2):
        _, err = run("evaluate", real, synthetic, code=2)
        assert "swapped" not in err
