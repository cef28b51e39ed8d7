import re

import pytest

from raregan.cli import main


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
