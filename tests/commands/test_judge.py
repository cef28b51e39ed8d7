import os
from pathlib import Path

import polars as pl
import pytest


@pytest.mark.usefixtures("few_trees")
def test_plot_and_evaluate_take_a_mixed_table(folder, run, mixed_model):
    run("sample", mixed_model, "-n", 300, "-o", "s.parquet")
    run("plot", "data.parquet", "s.parquet", "-o", "figures")
    assert {"correlations.png", "distributions.png", "pca.png"} <= set(os.listdir("figures"))
    out, err = run("evaluate", "data.parquet", "s.parquet", "-o", "r.html")
    assert "500 rows, 100 of them rare" in err
    assert "wrote r.html" in out
    assert Path("r.html").stat().st_size > 100_000


def test_mistakes(folder, fails, mixed, mixed_gan):
    rows = mixed_gan.sample(20)
    rows.drop("city").write_parquet("less.parquet")
    fails("plot", "data.parquet", "less.parquet", match="there is no column 'city'")
    fails("evaluate", "data.parquet", "data.parquet", match="400 rows that are not Class = 1")
    fails("evaluate", "data.parquet", "none.parquet", match="none.parquet")
    pl.concat([rows, rows]).write_parquet("two.parquet")
    fails("evaluate", "data.parquet", "two.parquet", "-o", "two.parquet", match="is the input")
    (folder / "fold").mkdir()
    two = pl.read_parquet("two.parquet")
    two.write_parquet("fold/a.parquet")
    for output in ("fold", "fold/deeper"):
        fails("plot", "data.parquet", "fold", "-o", output, match="part of the input fold")
    fails("evaluate", "fold", "two.parquet", "-o", "fold/r.html", match="part of the input fold")
