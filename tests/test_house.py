"""An import points only backwards along the way through the house."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "raregan"

WAY = (
    "errors config",
    "atomic archive",
    "data",
    "encoding",
    "gans",
    "training",
    "sampling",
    "modelfile configfile",
    "run",
    "synthesizer",
    "oversampler resampling tuning",
    "judging",
    "contest",
    "reporting",
    "demo",
    "terminal parsing",
    "arguments",
    "commands",
    "cli",
    "__main__",
)
JUDGING = (
    "columns intervals pairing",
    "association curves sides",
    "c2st neighbours rules spaces",
    "fidelity measures",
    "figures",
    "copies dependence inference linear marginals membership mmd trials utility",
    "privacy resemblance",
    "answers report texts verdict",
    "evaluation",
)
RANK = {name: rank for rank, names in enumerate(WAY) for name in names.split()}
HEAVY = {
    *("jax", "keras", "sklearn", "scipy", "pandas", "pyarrow"),
    *("matplotlib", "seaborn", "plotly", "imblearn", "optuna"),
}
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def imports(path, *, top_level=False):
    """Yield the dotted names that a file imports, ours as they are written."""
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_backwards(path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for name in imports(path):
        if name.startswith("raregan."):
            assert RANK[name.split(".")[1]] <= RANK[room], f"{room} imports {name}"


def test_the_judge_knows_nothing_of_training():
    for path in (SOURCE / "judging").glob("*.py"):
        ours = {name.split(".")[1] for name in imports(path) if name.startswith("raregan.")}
        assert not ours & {"gans", "training", "sampling", "synthesizer", "modelfile"}
        assert not {name.split(".")[0] for name in imports(path)} & {"jax", "keras"}


def test_within_the_judge_too_imports_point_backwards():
    rank = {name: place for place, names in enumerate(JUDGING) for name in names.split()}
    files = {path.stem: path for path in (SOURCE / "judging").glob("*.py")}
    assert set(files) - {"__init__"} == set(rank)
    for file, path in files.items():
        for name in imports(path):
            if name.startswith("raregan.judging."):
                assert rank[name.split(".")[2]] <= rank[file], f"{file} imports {name}"


@pytest.mark.parametrize(
    "name", ["cli.py", "arguments.py", "sampling.py", "modelfile.py", "gans/frozen.py"]
)
def test_what_sampling_needs_imports_nothing_heavy(name):
    seen, todo = set(), [SOURCE / name]
    while todo:
        path = todo.pop()
        seen.add(path)
        for module in imports(path, top_level=True):
            assert module.split(".")[0] not in HEAVY, f"{path} imports {module}"
            if module.startswith("raregan."):
                target = SOURCE.joinpath(*module.split(".")[1:])
                found = target.with_suffix(".py")
                found = found if found.exists() else target / "__init__.py"
                todo += [found] if found not in seen else []


def test_every_room_is_on_the_way():
    rooms = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms == set(RANK)


def test_every_source_file_has_its_tests():
    tests = Path(__file__).parent
    exempt = {"errors", "__init__", "__main__", "interface"}  # records without behaviour
    for path in MODULES:
        if path.stem in exempt or path.parent.name == "variants":  # these have a contract
            continue
        mirrored = tests / path.relative_to(SOURCE).with_name(f"test_{path.stem}.py")
        assert mirrored.exists(), f"{path.relative_to(SOURCE)} has no {mirrored.relative_to(tests)}"
