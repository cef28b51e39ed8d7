"""A folder with the mixed table as a CSV file and a model that was trained on it."""

from pathlib import Path

import pytest

from raregan.cli import main

QUICK = ("--epochs", 1, "--batch-size", 16, "--no-evidence", "--solver-steps", 2)
"""Options of training that is not the point."""


@pytest.fixture(scope="session")
def mixed_model(mixed_gan, tmp_path_factory):
    path = tmp_path_factory.mktemp("commands") / "m.raregan"
    mixed_gan.save(path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, mixed):
    monkeypatch.chdir(tmp_path)
    mixed.write_parquet("data.parquet")
    small = ("case", "count", "city", "Class", "part_a", "part_b")
    mixed.select(small).write_parquet("small.parquet")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command and return what it wrote to standard output and standard error."""

    def run(*arguments, code=0):
        assert main([str(argument) for argument in arguments]) == code
        return capsys.readouterr()

    return run


@pytest.fixture
def fails(run):
    """Run a command that the user got wrong: one line, exit code 2, no new file."""

    def fails(*arguments, match):
        before = sorted(Path().rglob("*"))
        out, err = run(*arguments, code=2)
        assert out == ""
        last = err.strip().splitlines()[-1]
        assert last.startswith("raregan: ")
        assert match in last
        assert sorted(Path().rglob("*")) == before

    return fails
