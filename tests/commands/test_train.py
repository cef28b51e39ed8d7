import json

import polars as pl

from raregan.modelfile import load_model
from tests.commands.conftest import QUICK


def test_kinds_rules_and_levels_reach_the_model(folder, run):
    _, err = run(
        *("train", "small.parquet", "--kind", "count=categorical", "--levels-from", "all"),
        *("--constraint", "part_a >= 0", "--constraint", "part_b > part_a or part_b <= 490"),
        *(*QUICK, "--ignore", "city", "-o", "m"),
    )
    assert "taken for identifiers: 'case'" in err
    model = load_model("m")
    kinds = {column.name: column.kind for column in model.sampler.schema.columns}
    assert kinds == {
        "case": "identifier",
        "count": "categorical",
        "part_a": "integer",
        "part_b": "integer",
    }
    assert len(model.sampler.schema.constraints) == 2
    assert model.config.training.levels_from == "all"


def test_a_schema_is_taken_back_and_overruled_by_a_kind(folder, run):
    run("inspect", "small.parquet", "--constraint", "count < 12", "--schema-out", "s.json")
    schema = json.loads((folder / "s.json").read_text())
    for column in schema["columns"]:
        column["kind"] = "categorical" if column["name"] == "count" else column["kind"]
    (folder / "s.json").write_text(json.dumps(schema))
    run(
        *("train", "small.parquet", "--schema", "s.json", "--kind", "part_a=categorical"),
        *(*QUICK, "-o", "m"),
    )
    found = load_model("m").sampler.schema
    kinds = {column.name: column.kind for column in found.columns}
    assert (kinds["count"], kinds["part_a"], kinds["part_b"]) == (
        *("categorical", "categorical", "integer"),
    )
    assert found.constraints == ("count < 12",)


def test_mistakes(folder, fails, mixed):
    train = ("train", "data.parquet", "--epochs", 1)
    fails(*train, "--kind", "count", match="--kind takes column=value, got 'count'")
    fails(*train, "--kind", "count=colour", match="unknown kind 'colour'")
    fails(*train, "--kind", "cuont=integer", match="did you mean 'count'")
    fails(*train, "--kind", "Class=integer", match="'Class' is the target")
    fails(*train, "--kind", "city=integer", match="of type String cannot be integer")
    fails(*train, "--constraint", "part_a > part_b", match="part_a > part_b")
    fails(*train, "--constraint", "part_a >", match="part_a >")
    fails(*train, "--constraint", "part_c > 1", match="part_c")
    notes = [f"a long note on what the customer said on the phone, number {i}" for i in range(500)]
    mixed.with_columns(note=pl.Series(notes)).write_parquet(folder / "notes.parquet")
    fails("train", "notes.parquet", match="--ignore 'note'")


def test_copies_are_warned_of_after_a_split_only_where_it_told_them_apart(folder, run):
    rows = pl.read_parquet("small.parquet")
    twice = (
        pl.concat([rows, rows]).with_row_index("row").with_columns(pl.col("row").cast(pl.Float64))
    )
    twice.write_parquet("twice.parquet")
    ignore = ("--target", "Class", "--ignore", "city", "--ignore", "row")
    dry = (*ignore, "--dry-run")
    run("split", "twice.parquet", *ignore, "-o", "alike")
    _, err = run("train", "alike/train.parquet", *dry)
    assert "copies" not in err
    run("split", "twice.parquet", *ignore[:4], "-o", "apart")
    _, err = run("train", "apart/train.parquet", *dry)
    assert "exact copies of an earlier row without 'row', by which this table was split" in err
    assert "split the table anew with the same options, and --ignore 'row'\n" in err
    _, err = run("train", "twice.parquet", *dry)
    assert "raregan split does, given the same --ignore\n" in err


def test_fewer_epochs_than_were_asked_for_are_told(folder, run):
    train = ("train", "small.parquet", "--ignore", "city", "-o", "m", "--epochs")
    _, err = run(*train, 99_999, "--dry-run")
    assert "99,999 epochs asked for; flow ends after 6,400 at the latest (5,000 steps)\n" in err
    out, err = run(*train, 2)
    assert "asked for" not in err
    assert "too short for evidence to choose" in out
    assert "was best" not in out
    assert load_model("m").provenance["epochs_asked"] == 2


def test_epochs_that_are_typed_go_before_the_steps_of_a_config_file(folder, run):
    (folder / "c.json").write_text(
        '{"raregan_config": 1, "variant": "flow", "settings": {"steps": 1, "field_width": 8}}'
    )
    ours = ("--ignore", "city", "--config", "c.json")
    said = "note: --epochs goes before the steps of c.json (1)\n"
    _, err = run("train", "small.parquet", *ours, "--epochs", 3, "-o", "m")
    assert said in err
    assert "asked for" not in err
    assert load_model("m").provenance["epochs"] == 3
    _, err = run("train", "small.parquet", *ours, "-o", "m")
    assert "note: --epochs" not in err
    assert load_model("m").provenance["epochs"] == 1
    into = ("--ratio", 0.5, "-o", "b.csv")
    _, err = run("resample", "small.parquet", *ours, "--epochs", 3, *into)
    assert said in err


def test_evidence_speaks_where_it_had_a_choice(folder, run):
    train = ("train", "small.parquet", "--ignore", "city", "--batch-size", 2, "-o", "m")
    out, _ = run(*train, "--epochs", 20)  # a score every 10 epochs
    assert "by the evidence epoch" in out
    out, _ = run(*train, "--epochs", 1, "--no-evidence")
    assert "evidence" not in out


def test_a_finished_run_is_not_resumed(folder, run, fails):
    train = ("train", "small.parquet", "--ignore", "city", "--epochs", 2, "-o", "m")
    fails(*train, "--resume", match="there is no checkpoint m.checkpoint to resume")
    run(*train)
    said = "m is finished, after 2 epochs: there is nothing to resume; sample from it with raregan"
    fails(*train, "--resume", match=said)
    run(*train, "--max-minutes", 1e-9, "--epochs", 9_999)
    (folder / "m.checkpoint").unlink()
    fails(*train, "--resume", match="there is no checkpoint")


def test_an_option_that_the_variant_would_ignore_is_refused(folder, fails):
    options = ("--variant", "wgan-gp", "--solver-steps", 4)
    said = "solver_steps (steps along a flow) means nothing to wgan-gp: leave it out, or choose"
    fails("train", "small.parquet", *options, match=said)
    fails("resample", "small.parquet", *options, "-o", "b.csv", match=said)


def test_a_model_is_not_replaced_without_a_word(folder, run):
    train = ("train", "small.parquet", "--ignore", "city", "--epochs", 1, "-o", "m")
    _, err = run(*train)
    assert "replaced" not in err
    _, err = run(*train, "--dry-run")
    assert "replaced" not in err
    _, err = run(*train)
    assert "note: m holds a model of small.parquet, made 20" in err
    (folder / "m").write_text("mine")
    _, err = run(*train)
    assert "note: m is there already; it is replaced when this is done" in err
