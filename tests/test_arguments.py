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
