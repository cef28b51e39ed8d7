"""The commands, run for real: in this process where that is enough, else as a user would."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load as load_tensors

from raregan import cli
from raregan.archive import read_archive
from raregan.cli import main
from raregan.data.simulate import SIMULATED_NOTE
from raregan.modelfile import load_model
from raregan.training.checkpoint import FORMAT_VERSION

COMMAND = [sys.executable, "-c", "import sys; from raregan.cli import main; sys.exit(main())"]
GAN = ("--variant", "gan")  # it trains as many epochs as it is told


@pytest.fixture
def folder(tmp_path, monkeypatch, frame):
    monkeypatch.chdir(tmp_path)
    frame.write_csv("data.csv")
    return tmp_path


@pytest.fixture(scope="module")
def model_path(gan, tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "m.raregan"
    gan.save(path)
    return path


def run(*arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code


def fails(capsys, *arguments, match):
    run(*arguments, code=2)
    out, err = capsys.readouterr()
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("raregan: ")
    assert match in last


# --- train and sample ---


def test_train_then_sample(folder, frame, capsys):
    run("train", "data.csv", "--epochs", 2, "--batch-size", 16, "--seed", 3, "-o", "m.raregan")
    out, err = capsys.readouterr()
    assert "400 rows, 80 of them rare (Class = 1)" in err
    assert "trained 2 epochs" in out
    assert "next: raregan sample m.raregan" in out
    run("sample", "m.raregan", "-n", 25, "-o", "s.csv")
    rows = pl.read_csv("s.csv")
    assert rows.columns == frame.columns
    assert rows.height == 25
    assert sorted(os.listdir()) == ["data.csv", "m.raregan", "s.csv"]


def test_options_reach_the_run(folder):
    run(
        *("train", "data.csv", "--target", "Class", "--rare", "0", "--ignore", "a"),
        *("--ignore", "count", "--epochs", 1, "--batch-size", 8, "--latent-dim", 3),
        *("--learning-rate", 0.01, "--numeric-encoding", "standard", "--seed", 4),
        *("--max-minutes", 5, "--output", "m"),
    )
    model = load_model("m")
    assert model.sampler.schema.names == ("b", "Amount")
    assert model.sampler.schema.target.rare == 0
    config = model.config
    assert (config.seed, config.network.latent_dim) == (4, 3)
    training = config.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (1, 8, 0.01)
    assert (training.numeric_encoding, training.max_minutes) == ("standard", 5)


def test_dry_run_prints_the_networks_and_writes_nothing(folder, capsys):
    run("train", "data.csv", *GAN, "--dry-run")
    out = capsys.readouterr().out
    assert "discriminator" in out
    assert "5,000 epochs of 2 steps" in out
    assert os.listdir() == ["data.csv"]


@pytest.mark.parametrize(("name", "read"), [("s.parquet", pl.read_parquet), ("s.csv", pl.read_csv)])
def test_sample_is_repeatable_and_the_seed_matters(folder, model_path, name, read):
    for seed, to in ((1, "a"), (1, "b"), (2, "c")):
        run("sample", model_path, "-n", 50, "--seed", seed, "-o", f"{to}-{name}")
    assert Path(f"a-{name}").read_bytes() == Path(f"b-{name}").read_bytes()
    assert not read(f"a-{name}").equals(read(f"c-{name}"))


def test_sample_to_standard_output(folder, model_path, capfdbinary, gan):
    run("sample", model_path, "-n", 3, "-o", "-")
    out, err = capfdbinary.readouterr()
    assert err.startswith(b"wrote 3 synthetic rows to standard output (seed")
    assert pl.read_csv(out).height == 3
    assert out.startswith(b"a,b,Class,count,Amount\n")


def test_a_reader_that_has_seen_enough_is_no_error(model_path):
    """`raregan sample ... -o - | head -1`"""
    with subprocess.Popen(
        [*COMMAND, "sample", model_path, "-n", "200000", "-o", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"a,b,Class,count,Amount\n"
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 0


def test_seeds_give_the_same_bytes_in_other_processes(folder):
    for command in (
        ("train", "data.csv", "--epochs", "3", "-o", "NAME.raregan"),
        ("sample", "NAME.raregan", "-o", "NAME.csv"),
    ):
        subprocess.run([*COMMAND, *(word.replace("NAME", "a") for word in command)], check=True)
        run(*(word.replace("NAME", "b") for word in command))
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


# --- users' mistakes: one line, exit code 2 ---


def test_mistakes_in_the_data(folder, capsys):
    fails(capsys, "train", "none.csv", match="none.csv")
    fails(capsys, "train", "data.csv", "--target", "Klass", match="did you mean 'Class'?")
    fails(capsys, "train", "data.csv", "--rare", "2", match="never '2'")
    Path("same.csv").write_text("a,Class\n" + "x,0\n" * 50 + "y,1\n" * 10)
    fails(capsys, "train", "same.csv", match="nothing to learn")
    Path("empty.csv").touch()
    fails(capsys, "train", "empty.csv", match="empty")


def test_mistakes_in_the_options(folder, capsys, model_path):
    fails(capsys, "train", "data.csv", "--epochs", 0, match="epochs must be")
    fails(capsys, "train", "data.csv", "--batch-size", 1, match="at least 2, got 1")
    fails(capsys, "train", "data.csv", "--seed", -1, match="a seed must be")
    fails(capsys, "train", "data.csv", "--checkpoint-every", 0, match="at least 1 epoch")
    fails(capsys, "train", "data.csv", "-o", "no/m.raregan", match="there is no folder no")
    fails(capsys, "train", "data.csv", "-o", "data.csv", match="is the input")
    fails(capsys, "train", "data.csv", "--resume", match="no checkpoint")
    fails(capsys, "sample", "none.raregan", match="cannot read")
    fails(capsys, "sample", "data.csv", "-o", "s.csv", match="not a file that raregan wrote")
    fails(capsys, "sample", model_path, "-n", 0, match="at least 1")
    fails(capsys, "sample", model_path, "--seed", -1, "-o", "s.csv", match="a seed must be")
    fails(capsys, "sample", model_path, "-o", "no/s.csv", match="there is no folder no")
    fails(capsys, "evaluate", "data.csv", "data.csv", "-o", "data.csv", match="is the input")
    fails(capsys, "demo", "-o", "data.csv", match="cannot make the folder")
    fails(capsys, "train", "--target", "Klass", match="no column 'Klass'")
    fails(capsys, "train", "data.csv", "--batch-size", 10**10, match="more than the 80 rare rows")
    fails(capsys, "sample", model_path, "-o", "s.xlsx", match=".parquet")
    assert os.listdir() == ["data.csv"]


def test_divergence_keeps_the_last_good_weights_and_tells_the_way_on(folder, capsys):
    run("train", "data.csv", *GAN, "--learning-rate", 1e38, "-o", "m", code=1)
    err = capsys.readouterr().err
    assert "diverged" in err
    again = "raregan train data.csv --variant gan --learning-rate 1e+38 -o m --resume"
    assert f"{again} --learning-rate" in err
    assert sorted(os.listdir()) == ["data.csv", "m.checkpoint"]
    run("train", "data.csv", *GAN, "--epochs", 2, "-o", "m", "--resume", "--learning-rate", 1e-5)
    assert sorted(os.listdir()) == ["data.csv", "m"]


# --- interruptions ---


def start(*arguments):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for_epochs(path, process):
    """Wait until a checkpoint beyond the start is there."""
    deadline = time.monotonic() + 120
    while not (path.exists() and epochs_done(path)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def epochs_done(path):
    members = read_archive(path, kind="checkpoint", version=FORMAT_VERSION)
    return int(load_tensors(members["state.safetensors"])["main.epoch"])


def weights(path):
    sampler = load_model(path).sampler
    return [*sampler.generator.kernels, *sampler.generator.biases]


TRAIN = ("train", "data.csv", *GAN, "--batch-size", 16, "--checkpoint-every", 50, "--epochs")
ENDLESS = (*TRAIN, 10**9)


def resume_and_compare():
    """Go on with `m` a little further than it came, and hold it against an undisturbed run."""
    epochs = epochs_done(Path("m.checkpoint")) + 60
    run(*TRAIN, epochs, "-o", "m", "--resume")
    assert sorted(os.listdir()) == ["data.csv", "m"]
    run(*TRAIN, epochs, "-o", "undisturbed")
    for a, b in zip(weights("m"), weights("undisturbed"), strict=True):
        assert np.array_equal(a, b)
    assert load_model("m").history == load_model("undisturbed").history


def test_kill_9_and_resume_give_the_undisturbed_weights(folder):
    process = start(*ENDLESS, "-o", "m")
    wait_for_epochs(folder / "m.checkpoint", process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not Path("m").exists()
    assert epochs_done(Path("m.checkpoint")) > 0  # whole, whenever it was killed
    resume_and_compare()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_how_to_go_on_and_exits_130(folder, number):
    process = start(*ENDLESS, "-o", "m")
    wait_for_epochs(folder / "m.checkpoint", process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "go on with: raregan train data.csv" in err
    assert err.strip().endswith("--resume")
    assert sorted(os.listdir()) == ["data.csv", "m.checkpoint"]
    resume_and_compare()


def test_a_run_killed_at_its_start_is_not_resumed_from_an_older_one(folder):
    run("train", "data.csv", *GAN, "--epochs", 10**6, "-o", "m", "--max-minutes", 1e-5)
    assert epochs_done(Path("m.checkpoint")) > 0
    process = start(
        *("train", "data.csv", *GAN, "--epochs", 10**9, "--checkpoint-every", 10**8, "-o", "m")
    )
    deadline = time.monotonic() + 120
    while not (Path("m.checkpoint.old").exists() and Path("m.checkpoint").exists()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert epochs_done(Path("m.checkpoint")) == 0
    assert epochs_done(Path("m.checkpoint.old")) > 0


def test_sigterm_leaves_no_temporary_file(folder, model_path):
    process = start("sample", model_path, "-n", 10**9, "-o", "s.csv")
    while not list(folder.glob(".*.s.csv")):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "raregan: interrupted\n")
    assert os.listdir() == ["data.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_standard_output_is_told(model_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "sample", model_path, "-o", "-"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert b"raregan: cannot write to standard output" in done.stderr
    assert b"Traceback" not in done.stderr


def test_time_ends_the_run_with_a_model_that_can_go_on(folder, capsys):
    arguments = ("train", "data.csv", *GAN, "--epochs", 900_000, "-o", "m", "--max-minutes")
    run(*arguments, 0.00001)
    assert "time was up; to go on: raregan train" in capsys.readouterr().out
    before = load_model("m").provenance
    assert before["ended"] == "time"
    run(*arguments, 0.00001, "--resume")
    assert load_model("m").provenance["epochs"] > before["epochs"]


def test_a_forgotten_checkpoint_is_mentioned(folder, capsys):
    run("train", "data.csv", *GAN, "--epochs", 900_000, "-o", "m", "--max-minutes", 0.00001)
    run("train", "data.csv", *GAN, "--epochs", 1, "-o", "m")
    assert "it is kept as m.checkpoint.old" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["data.csv", "m", "m.checkpoint.old"]


# --- the other verbs ---


def test_simulate(folder, capsys):
    run("simulate", "--rows", 500, "--frauds", 20, "-o", "t.csv")
    table = pl.read_csv("t.csv")
    assert (table.height, table["Class"].sum()) == (500, 20)
    assert SIMULATED_NOTE in capsys.readouterr().err
    run("simulate", "--rows", 500, "--frauds", 20, "--features", "raw", "-o", "t.parquet")
    assert pl.read_parquet("t.parquet").width > 20
    fails(capsys, "simulate", "--rows", 5, "--frauds", 20, "-o", "t.csv", match="n_rows is 5")


@pytest.mark.usefixtures("few_trees")
def test_plot_and_evaluate(folder, model_path, capsys):
    run("sample", model_path, "-n", 200, "-o", "s.csv")
    run("plot", "data.csv", "s.csv", "-o", "figures")
    names = ["correlations.png", "distributions.png", "pca.png"]
    assert sorted(os.listdir("figures")) == names
    run("evaluate", "data.csv", "s.csv", "-o", "report.html")
    out = capsys.readouterr().out
    assert "exact copies" in out
    assert Path("report.html").stat().st_size > 1_000_000
    pl.read_csv("s.csv").drop("a").write_csv("less.csv")
    fails(capsys, "plot", "data.csv", "less.csv", match="less.csv has no column 'a'")
    fails(capsys, "evaluate", "data.csv", "data.csv", match="320 rows that are not Class = 1")
    fails(capsys, "evaluate", "data.csv", "s.csv", "--seed", -1, match="a seed must be")


def test_the_quick_start_with_nothing_more_to_type(tmp_path):
    root = Path(__file__).parents[1]
    for script, *options in (
        ("train_gan.py", "--epochs", "2", "--batch-size", "64"),
        ("generate_samples.py", "--num-samples", "100", "--output", "synthetic_fraud.csv"),
    ):
        subprocess.run([sys.executable, root / script, *options], cwd=tmp_path, check=True)
    rows = pl.read_csv(tmp_path / "synthetic_fraud.csv")
    assert rows.columns == [*(f"V{i}" for i in range(1, 29)), "Amount", "Class"]
    assert rows.height == 100
    assert rows["Amount"].min() >= 0


def test_the_command_line_chooses_its_own_backend(folder):
    done = subprocess.run(
        [*COMMAND, "train", "data.csv", *GAN, "--epochs", "1", "-o", "m"],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 0


def test_the_command_is_installed():
    found = shutil.which("raregan", path=Path(sys.executable).parent)
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("raregan ")


def test_the_real_card_table(real_data, folder):
    """The bar of the mission's table; two epochs here, 5,000 in benchmarks/speed.py."""
    data = real_data / "creditcard.parquet"
    run("train", data, "--target", "Class", "--ignore", "Time", "--epochs", 2, "-o", "m.raregan")
    run("sample", "m.raregan", "-n", 1_000, "-o", "s.parquet")
    rows = pl.read_parquet("s.parquet")
    assert rows.columns == [*(f"V{i}" for i in range(1, 29)), "Amount", "Class"]
    assert dict(rows.schema) == {
        name: dtype for name, dtype in pl.read_parquet_schema(data).items() if name != "Time"
    }
    assert rows["Amount"].min() >= 0
    assert rows["Amount"].equals(rows["Amount"].round(2))


# --- databases: what is secret in an address ---

URLS = (
    "postgresql://teller:s3cr3t@db.example/bank",
    "postgresql://db.example/bank?user=teller&password=s3cr3t",
)
QUERY = ("--query", "SELECT * FROM t")


@pytest.fixture(params=URLS)
def bank(request, folder, monkeypatch, frame):
    """A database that is a frame: the address is real, no server is asked."""

    class Bank:
        name = "bank"

        def scan(self):
            return frame.lazy()

    monkeypatch.setattr("raregan.data.sources.make_query", lambda url, sql: Bank())
    return request.param


@pytest.mark.parametrize(
    "case",
    [
        (("inspect", "URL", "--schema-out", "s.json"), "wrote s.json"),
        (("split", "URL", "--target", "Class", "-o", "parts"), "train.parquet: 300 rows"),
        (("train", "URL", *GAN, "--max-minutes", 1e-5, "-o", "m"), "to go on"),
        (("train", "URL", *GAN, "--learning-rate", 1e38, "-o", "m"), "diverged"),
        (("sample", "MODEL", "-n", 5, "--append-to", "URL", "-o", "s.csv"), "400 of bank"),
        (("resample", "URL", "--model", "MODEL", "--ratio", 0.5, "-o", "s.csv"), "400 of bank"),
        (("plot", "URL", "s0.csv", "-o", "figures"), "wrote figures"),
        (("evaluate", "URL", "s0.csv", "-o", "r.html"), "bank: 400 rows"),
    ],
    ids=lambda case: case[0][0],
)
@pytest.mark.usefixtures("few_trees")
def test_no_verb_shows_the_password_of_its_table(bank, model_path, capfd, gan, case):
    command, said = case
    gan.sample(100).write_csv("s0.csv")
    words = {"URL": bank, "MODEL": model_path}
    run(*(words.get(word, word) for word in command), *QUERY, code=int("diverged" in said))
    out, err = capfd.readouterr()
    assert said in out + err
    written = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    assert not any("s3cr3t" in text for text in (out, err))
    assert not any(b"s3cr3t" in content for content in written)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "case",
    [
        (("sample", "URL"), "MODEL names a file or folder, got the address postgresql://"),
        (("sample", "MODEL", "-o", "URL"), "--output names a file or folder"),
        (("resample", "data.csv", "--model", "URL", "-o", "s.csv"), "MODEL names a file"),
        (("resample", "data.csv", "--model", "MODEL", "-o", "URL"), "--output names a file"),
        (("train", "data.csv", "-o", "URL"), "--output names a file or folder"),
        (("train", "data.csv", "--schema", "URL"), "--schema names a file or folder"),
        (("inspect", "data.csv", "--schema-out", "URL"), "--schema-out names a file or folder"),
        (("split", "data.csv", "-o", "URL"), "--output names a file or folder"),
        (("plot", "data.csv", "data.csv", "-o", "URL"), "--output names a file or folder"),
        (("evaluate", "data.csv", "URL"), "SYNTHETIC names a file or folder"),
        (("simulate", "-o", "URL"), "--output names a file or folder"),
        (("demo", "-o", "URL"), "--output names a file or folder"),
        (("train", "data.csv", "--target", "URL"), "data.csv has no column 'postgresql://"),
        (("train", "URL", "--data", "data.csv"), "two are named"),
    ],
    ids=lambda case: " ".join(case[0]),
)
def test_an_address_in_a_files_place_is_told_without_its_password(
    folder, model_path, capsys, url, case
):
    command, said = case
    words = {"URL": url, "MODEL": model_path}
    run(*(words.get(word, word) for word in command), code=2)
    out, err = capsys.readouterr()
    assert said in err
    assert "s3cr3t" not in out + err
    assert os.listdir() == ["data.csv"]


@pytest.mark.parametrize("url", URLS)
def test_usage_repeats_no_password(capsys, url):
    for words in (["train", "data.csv", url], ["train", "--epochs", url], [url]):
        with pytest.raises(SystemExit):
            main(words)
        assert "s3cr3t" not in capsys.readouterr().err


def test_two_tables_are_one_too_many(folder, capsys):
    for verb in (("inspect",), ("train",), ("resample", "-o", "s.csv")):
        said = "two are named: data.csv and --data other.csv; leave one out"
        fails(capsys, *verb, "data.csv", "--data", "other.csv", match=said)


def test_no_advice_shows_a_password():
    for typed in (
        "postgresql://me:s3cr@t@host/db",
        "--data=postgres://me:s3cr@t@host/db",
        "postgresql://host/db?password=s3cr%40t&user=me",
    ):
        assert "s3cr" not in cli._shown(typed)
        assert "host/db" in cli._shown(typed)
    assert cli._shown("a b.csv") == "'a b.csv'"
