"""A wheel is built and tried in an empty environment (needs a package registry)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(tmp_path):
    def run(*command, **options):
        subprocess.run(command, check=True, cwd=tmp_path, **options)

    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT)
    run(sys.executable, *build)
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", "environment")
    python = tmp_path / "environment" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "requirements.txt", wheel)
    raregan = python.with_name("raregan")
    run(raregan, "train", "--epochs", "2", "-o", "m.raregan")
    run(raregan, "sample", "m.raregan", "-n", "10", "-o", "s.parquet")
    run(raregan, "demo", "--epochs", "2", "-o", "out")
    run(python, "-W", "error", "-c", "import raregan; raregan.load_model('m.raregan')")
    assert (tmp_path / "out" / "report.html").exists()
