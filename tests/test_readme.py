"""What the documents show is run as it stands there, or at least parsed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from raregan.arguments import make_parser

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def commands():
    """Yield every `raregan ...` and `python *.py ...` line of the documents' sh blocks."""
    for path in DOCUMENTS:
        for block in blocks(path, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["raregan"]:
                    yield words[1:]
                elif words[:2] == ["python", "train_gan.py"]:
                    yield ["train", *words[2:]]
                elif words[:2] == ["python", "generate_samples.py"]:
                    yield ["sample", *words[2:]]


def test_there_are_commands_to_try():
    assert len(list(commands())) >= 6


@pytest.mark.parametrize("words", list(commands()), ids=shlex.join)
def test_every_command_is_one_that_the_parser_takes(words):
    make_parser().parse_args(words)


def test_every_local_link_leads_somewhere():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in (*DOCUMENTS, ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"`make ([a-z-]+)`", path.read_text())) <= targets


def test_what_skips_for_want_of_a_package_is_run_by_a_make_target():
    pinned = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-test.txt").read_text()
    needed = {
        str(path.relative_to(ROOT)): re.findall(r'importorskip\("(\w+)"\)', path.read_text())
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    skipped = {
        path
        for path, names in needed.items()
        if any(not re.search(rf"^{name}==", pinned, re.MULTILINE) for name in names)
    }
    (run,) = re.findall(r"-m pytest (tests/.+)", (ROOT / "Makefile").read_text())
    assert skipped == set(run.split())


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path):
    for block in blocks(ROOT / "README.md", "python"):
        subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_the_quick_start_of_the_readme_runs(tmp_path):
    block = next(b for b in blocks(ROOT / "README.md", "sh") if "train_gan.py" in b)
    lines = [line for line in block.splitlines() if not line.startswith(". .venv")]
    python = shlex.quote(sys.executable)
    script = "\n".join(lines).replace("python ", f"{python} {shlex.quote(str(ROOT))}/")
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    assert pl.read_csv(tmp_path / "synthetic_fraud.csv").shape == (1_000, 30)
