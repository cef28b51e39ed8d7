import os
import subprocess
import sys


def python(script, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def test_programs_are_compiled_once_a_machine(tmp_path):
    """A second process finds every program in the cache, and writes none."""
    script = (
        "import jax; from raregan.training import backend; from pathlib import Path;"
        f"backend.CACHE_FOLDER = Path({str(tmp_path / 'xla')!r});"
        "from raregan import RareGAN, make_card_fraud, read_table;"
        "table = read_table(make_card_fraud(2_000, 100));"
        "RareGAN(epochs=2, random_state=0, evidence=False, solver_steps=1).fit(table)"
    )
    programs = []
    for _ in range(2):
        code, _, err = python(script)
        assert code == 0, err
        programs.append({path.name for path in (tmp_path / "xla").glob("*-cache")})
    assert programs[0]
    assert programs[0] == programs[1]


def test_the_environment_is_left_as_it_was():
    script = (
        "import os; from raregan.training.backend import prepare_backend; prepare_backend();"
        "assert 'PJRT_NPROC' not in os.environ; print(os.environ['KERAS_BACKEND'])"
    )
    code, out, err = python(script)
    assert (code, out) == (0, "jax\n"), err


def test_a_users_own_settings_win(tmp_path):
    script = (
        "import os, jax; from raregan.training.backend import prepare_backend; prepare_backend();"
        "print(os.environ['PJRT_NPROC'], jax.config.jax_compilation_cache_dir)"
    )
    code, out, err = python(script, PJRT_NPROC="2", JAX_COMPILATION_CACHE_DIR=str(tmp_path))
    assert (code, out.split()) == (0, ["2", str(tmp_path)]), err


def test_keras_on_another_backend_is_told():
    script = "import keras; import raregan.training.backend as b; b.prepare_backend()"
    code, _, err = python(script, KERAS_BACKEND="numpy")
    assert code != 0
    assert "UserError: Keras runs on 'numpy', raregan needs 'jax'" in err
