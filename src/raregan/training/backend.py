"""Keras on JAX, set up once: the right backend, one CPU thread, a cache of compiled programs."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan.errors import RareGANWarning, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE_FOLDER = Path("~/.cache/raregan/xla")
"""Where compiled programs are kept, unless JAX_COMPILATION_CACHE_DIR names another folder."""


def prepare_backend() -> None:
    """Import Keras and JAX with the settings that training is fast with.

    A step of these networks is some 40 small products: handing them to a pool of threads costs
    more than the threads bring (measured by benchmarks/speed.py --threads). XLA reads the size of
    its pool, PJRT_NPROC, once; a value that the user has set, or a pool that the user's own JAX
    code has already started, stays as it is.

    Raises
    ------
    UserError
        If Keras was imported with another backend, or is told to use one that is not there.
    """
    threads_chosen = "PJRT_NPROC" in os.environ
    if not threads_chosen:
        os.environ["PJRT_NPROC"] = "1"
    try:
        import jax

        _keep_compiled_programs()
        jax.devices()  # starts the pool
    finally:
        if not threads_chosen:
            del os.environ["PJRT_NPROC"]
    try:
        import keras
    except ImportError as error:  # another backend was asked for, and is not installed
        raise UserError(f"Keras cannot start ({error}): set KERAS_BACKEND=jax") from error
    if keras.backend.backend() != "jax":
        raise UserError(
            f"Keras runs on {keras.backend.backend()!r}, raregan needs 'jax': import raregan "
            "before keras, or set KERAS_BACKEND=jax"
        )


def _keep_compiled_programs() -> None:
    """Compile each program once a machine, not once a run; the user's own settings win."""
    import jax

    config: Any = jax.config
    if config.jax_compilation_cache_dir is None:
        folder = CACHE_FOLDER.expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # a read-only home: compile every time
            text = f"cannot keep compiled programs in {folder} ({error}): every run compiles anew"
            warnings.warn(text, RareGANWarning, stacklevel=2)
            return
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_persistent_cache_min_compile_time_secs", 0)
        config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextlib.contextmanager
def fixed_numerics() -> Iterator[None]:
    """Hold JAX to float32 and one way of drawing, whatever the user's own settings are."""
    import jax

    with (
        jax.enable_x64(False),
        jax.threefry_partitionable(True),
        jax.default_prng_impl("threefry2x32"),
    ):
        yield
