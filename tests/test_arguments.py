import re
import subprocess
import sys
from pathlib import Path

import pytest

from raregan.arguments import make_parser
from raregan.cli import _VERBS, EXIT_FAILURE, EXIT_USER_ERROR, main
from raregan.config import VARIANT
from raregan.gans.variants import VARIANTS
from raregan.terminal import EXIT_INTERRUPTED


def test_every_verb_can_be_run():
    actions = make_parser()._subparsers._group_actions
    assert set(actions[0].choices) == set(_VERBS)


def test_every_variant_can_be_chosen():
    for name in VARIANTS:
        assert make_parser().parse_args(["train", "--variant", name]).variant == name


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("trian", "there is no command 'trian'; did you mean 'train'? see raregan --help"),
        ("xyzzy", "there is no command 'xyzzy'; see raregan --help"),
        ("--variant gan", "a command comes first, got --variant; see raregan --help"),
        ("--verion", "there is no option --verion; did you mean '--version'? see raregan --help"),
        (
            "train --epochs abc",
            "--epochs takes a whole number, got 'abc'; see raregan train --help",
        ),
        ("train --epochs 1.5", "--epochs takes a whole number, got '1.5'"),
        ("train --max-minutes x", "--max-minutes takes a number, got 'x'"),
        ("train --epochs", "--epochs needs a value; see raregan train --help"),
        ("train --data --epochs 3", "--data needs a value"),
        (
            "train --variant ctgan",
            "--variant takes one of cgan, cwgan-gp, flow, gan, r3gan, wgan-gp, got 'ctgan'; di",
        ),
        ("train --variant wgan", "got 'wgan'; did you mean 'gan' or"),
        (
            "train --epoch 2",
            "there is no option --epoch; did you mean '--epochs'? see raregan train",
        ),
        ("train --epoch=2", "there is no option --epoch; did you mean '--epochs'?"),
        ("train -x", "there is no option -x; see raregan train --help"),
        ("train a.csv b.csv", "too many words: b.csv; see raregan train --help"),
        ("resample a.csv --ouput b", "there is no option --ouput; did you mean '--output'?"),
        ("resample a.csv", "-o/--output must be given; see raregan resample --help"),
        ("sample -n many", "-n/--num-samples takes a whole number, got 'many'"),
        ("split a -o b --group c --time-column d", "--time-column cannot go with --group"),
    ],
)
def test_a_mistake_is_answered_in_one_line(typed, line, capsys):
    with pytest.raises(SystemExit) as end:
        main(typed.split())
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("raregan: ")
    assert line in err
    assert err.count("\n") == 1
    assert re.search(r" see raregan( [a-z]+)? --help\n$", err)


def test_a_script_points_to_its_own_help(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--epoch", "2"], script="python train_gan.py")
    assert capsys.readouterr().err.endswith("see python train_gan.py --help\n")


@pytest.mark.parametrize("script", ["train_gan.py", "generate_samples.py"])
def test_the_scripts_take_the_options_of_their_verb(script):
    path = Path(__file__).parents[1] / script
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: python {script} [-h]")


def test_help_names_the_default_and_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"a {VARIANT} by default, or a GAN with --variant gan" in text
    for code in (0, EXIT_FAILURE, EXIT_USER_ERROR, EXIT_INTERRUPTED):
        assert re.search(rf"Exit codes: .*\b{code} ", text)


def test_no_words_are_a_call_for_help(capsys):
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0
    assert "COMMAND" in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from raregan.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'polars', 'jax', 'keras', 'sklearn', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
