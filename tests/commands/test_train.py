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
