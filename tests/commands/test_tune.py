import json
from pathlib import Path

import pytest

from raregan.modelfile import load_model
from raregan.tuning import proposals, search
from raregan.tuning.trials import Figures
from raregan.tuning.yardstick import OUT_OF_TIME

pytest.importorskip("optuna")

DATA = ("small.parquet", "--ignore", "city")


@pytest.fixture
def without_training(monkeypatch):
    """Let settings be measured by their jitter alone."""

    def measure(self, variant, settings, deadline):
        return Figures(settings.get("jitter", 0.9), 0.0, 0.0, 0.0)

    monkeypatch.setattr(search.Yardstick, "measure", measure)


def test_what_is_found_is_what_train_takes(folder, run, without_training):
    tune = ("tune", *DATA, "--variant", "flow", "--trials", 6)
    out, err = run(*tune)
    assert "1. flow: defaults: 0.900" in err
    assert "next: raregan train small.parquet --ignore city --config tuned.json\n" in out
    settings = json.loads(Path("tuned.json").read_text())["settings"]
    assert settings["jitter"] < 0.9
    quick = ("--epochs", 1, "--solver-steps", 2, "-o", "m")
    run("train", *DATA, "--config", "tuned.json", *quick)
    found = load_model("m").config
    assert found.training.jitter == settings["jitter"]
    assert found.network.field_width == settings["field_width"]
    run("resample", *DATA, "--config", "tuned.json", *quick[:4], "--ratio", 0.5, "-o", "b.csv")


def test_a_search_goes_on_or_begins_anew(folder, run, without_training):
    tune = ("tune", *DATA, "--variant", "flow", "--trials")
    run(*tune, 3)
    _, err = run(*tune, 5, "--resume")
    assert "4. flow" in err
    assert "3. flow" not in err
    _, err = run(*tune, 2)
    assert "kept as tuned.json.trials.old-1" in err
    assert "note: tuned.json is there already" in err
    assert "1. flow: defaults" in err
    _, err = run(*tune, 1)
    assert "kept as tuned.json.trials.old-2" in err


def test_a_search_that_comes_to_nothing_leaves_the_earlier_one_as_it_was(
    folder, run, fails, without_training, monkeypatch
):
    tune = ("tune", *DATA, "--variant", "flow")
    run(*tune, "--trials", 2)
    before = Path("tuned.json.trials").read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(search.Yardstick, "measure", lambda *_: OUT_OF_TIME)
        fails(*tune, "--minutes", 1, match="there was no time for the defaults alone")
        patched.setattr(search.Yardstick, "measure", stop)
        _, err = run(*tune, "--trials", 2, code=130)
    assert "no trial was finished; tuned.json.trials is of the earlier search" in err
    assert "kept as" not in err
    assert Path("tuned.json.trials").read_bytes() == before
    assert not list(folder.glob("*.old-*"))
    _, err = run(*tune, "--trials", 3, "--resume")
    assert "3. flow" in err
    assert "2. flow" not in err


def test_ctrl_c_says_how_to_go_on(folder, run, without_training, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("raregan.commands.tune._say_trial", interrupt)
        _, err = run("tune", *DATA, "--variant", "flow", "--trials", 3, code=130)
    assert (
        "finished trials are kept in tuned.json.trials; go on with: raregan tune small.parquet "
        "--ignore city --variant flow --trials 3 --resume\n"
    ) in err
    assert len(Path("tuned.json.trials").read_text().splitlines()) == 2


def test_mistakes(folder, fails, monkeypatch):
    train = ("train", *DATA, "--config")
    fails(*train, "no.json", match="cannot read no.json: No such file")
    Path("c.json").write_text('{"raregan_config": 1, "variant": "wgan-gp", "settings": {"pac": 1}}')
    fails(*train, "c.json", "--variant", "flow", match="leave out --variant, or --config")
    fails(*train, "c.json", "-o", "c.json", match="c.json")
    fails(*train, "sqlite:///c", match="--config names a file")
    fails("tune", *DATA, "--trials", 0, match="trials must be a whole number of at least 1")
    fails("tune", *DATA, "--minutes", -1, match="raregan: minutes must be a positive number")
    fails("tune", *DATA, "-o", "small.parquet", match="small.parquet")

    def missing():
        raise search.UserError("tuning needs Optuna: pip install 'raregan[tune]'")

    monkeypatch.setattr(search, "import_optuna", missing)
    fails("tune", *DATA, match="pip install 'raregan[tune]'")
    assert proposals.import_optuna is not missing
