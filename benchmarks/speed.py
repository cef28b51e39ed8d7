"""How fast training and sampling are, beside what they replace: one table from one run.

    python benchmarks/speed.py                 the table below, some 4 minutes
    python benchmarks/speed.py --threads       also: this loop with all of XLA's threads

The training loops use the same networks, rows and batch size (492 x 29, batch 64). Each runs in a
process of its own with its library's own settings; the processes take turns, a slice each, and a
ratio is the median over turns of slices that ran one after the other.

- raregan: this package's compiled loop.
- keras predict: the plain loop that most tutorials show; fakes by ``predict``, ``train_on_batch``
  for real rows, for fakes, and for the generator through the frozen discriminator. On TensorFlow,
  where most tutorials run it, when that is installed, and on JAX.
- keras call: the same with a direct call in place of ``predict``.
- torch eager: the same game in PyTorch, when it is installed; one thread, which is its fastest.
- floor: the arithmetic of a step at the best speed of this machine's BLAS, with one thread or with
  all, square products of 128 rows; the best slice counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raregan.config import NetworkConfig, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, WIDTH, BATCH = 492, 29, TrainingConfig.batch_size
GENERATOR = (WIDTH, *NetworkConfig.generator_widths, WIDTH)
DISCRIMINATOR = (WIDTH, *NetworkConfig.discriminator_widths, 1)
EPOCHS, STEPS = TrainingConfig.epochs, -(-ROWS // BATCH)
TURNS, SLICE_SECONDS = 7, 1.0


def rare_rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype(np.float32)


def flop_per_step() -> float:
    """Products alone, 2 operations a weight and row: 23.4 million."""
    g, d = (
        2 * BATCH * sum(a * b for a, b in pairwise(widths)) for widths in (GENERATOR, DISCRIMINATOR)
    )
    discriminator_step = g + 2 * d + 2 * 2 * d  # fakes; real and fake forward; backward twice that
    generator_step = g + d + d + 2 * g  # forward both; back through one, and into the other
    return discriminator_step + generator_step


# --- the contestants: each returns a function that runs n steps ----------------------------------


def raregan_loop() -> Callable[[int], None]:
    from raregan.training.backend import prepare_backend

    prepare_backend()
    import jax
    import jax.numpy as jnp

    from raregan.encoding.layout import Layout, Span
    from raregan.gans.variants import get_variant
    from raregan.training.loop import compile_chunk
    from raregan.training.step import Players

    variant = get_variant("gan")
    layout = Layout(tuple(Span(f"V{i}", i, 1, "numeric", "linear") for i in range(WIDTH)))
    players = Players(
        variant.build_generator(layout, variant.network, seed=0),
        variant.build_discriminator(layout, variant.network, seed=1),
        variant,
        variant.training,
    )
    chunk, most = compile_chunk(players, ROWS, BATCH)
    state, rows = players.initial_state(0), jnp.asarray(rare_rows())

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(max(1, round(steps / STEPS / most))):
            state, losses = chunk(state, rows, most)
            jax.block_until_ready(losses)

    run.unit = most * STEPS
    return run


def keras_loop(*, predict: bool) -> Callable[[int], None]:
    import keras
    from keras import layers

    generator = keras.Sequential([keras.Input((WIDTH,))])
    for width in GENERATOR[1:-1]:
        generator.add(layers.Dense(width, activation="relu", kernel_initializer="he_normal"))
        generator.add(layers.BatchNormalization())
    generator.add(layers.Dense(WIDTH))
    discriminator = keras.Sequential([keras.Input((WIDTH,))])
    for width in DISCRIMINATOR[1:-1]:
        discriminator.add(layers.Dense(width, activation="relu", kernel_initializer="he_normal"))
    discriminator.add(layers.Dense(1, activation="sigmoid"))
    discriminator.compile(keras.optimizers.Adam(2e-4, 0.5), "binary_crossentropy")
    discriminator.trainable = False
    combined = keras.Sequential([keras.Input((WIDTH,)), generator, discriminator])
    combined.compile(keras.optimizers.Adam(2e-4, 0.5), "binary_crossentropy")
    discriminator.trainable = True

    rng, rows = np.random.default_rng(0), rare_rows()
    ones, zeros = np.ones((BATCH, 1), np.float32), np.zeros((BATCH, 1), np.float32)

    def latent() -> np.ndarray:
        return rng.standard_normal((BATCH, WIDTH), dtype=np.float32)

    def run(steps: int) -> None:
        for _ in range(steps):
            noise = latent()
            fake = generator.predict(noise, verbose=0) if predict else generator(noise)
            discriminator.trainable = True
            discriminator.train_on_batch(rows[rng.integers(0, ROWS, BATCH)], ones)
            discriminator.train_on_batch(np.asarray(fake), zeros)
            discriminator.trainable = False
            combined.train_on_batch(latent(), ones)

    return run


def torch_loop() -> Callable[[int], None]:
    import torch
    from torch import nn

    torch.set_num_threads(1)

    def stack(widths: tuple[int, ...], *, norm: bool) -> nn.Sequential:
        parts = []
        for a, b in pairwise(widths[:-1]):
            parts += [nn.Linear(a, b), nn.ReLU(), *([nn.BatchNorm1d(b)] if norm else [])]
        return nn.Sequential(*parts, nn.Linear(*widths[-2:]))

    generator, discriminator = stack(GENERATOR, norm=True), stack(DISCRIMINATOR, norm=False)
    adams = [
        torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (generator, discriminator)
    ]
    rows, softplus = torch.from_numpy(rare_rows()), nn.functional.softplus

    def run(steps: int) -> None:
        for _ in range(steps):
            real = rows[torch.randint(0, ROWS, (BATCH,))]
            fake = generator(torch.randn(BATCH, WIDTH)).detach()
            loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
            adams[1].zero_grad()
            loss.backward()
            adams[1].step()
            loss = softplus(-discriminator(generator(torch.randn(BATCH, WIDTH)))).mean()
            adams[0].zero_grad()
            loss.backward()
            adams[0].step()

    return run


def blas_floor() -> Callable[[int], None]:
    """One 'step' is as many products of 128 x 128 x 128 as a step has operations."""
    a, b = np.random.default_rng(0).random((2, 128, 128), dtype=np.float32)
    out = np.empty_like(a)
    products = flop_per_step() / (2 * 128**3)

    def run(steps: int) -> None:
        for _ in range(round(steps * products)):
            np.matmul(a, b, out=out)

    return run


CORES = str(os.cpu_count())
CONTESTANTS: dict[str, tuple[Callable, str, dict[str, str]]] = {  # what runs, needs, environment
    "raregan": (raregan_loop, "jax", {}),
    "raregan, all threads": (raregan_loop, "jax", {"PJRT_NPROC": CORES}),
    "keras predict, tensorflow": (
        lambda: keras_loop(predict=True),
        "tensorflow",
        {"KERAS_BACKEND": "tensorflow"},
    ),
    "keras call, tensorflow": (
        lambda: keras_loop(predict=False),
        "tensorflow",
        {"KERAS_BACKEND": "tensorflow"},
    ),
    "keras predict, jax": (lambda: keras_loop(predict=True), "jax", {}),
    "keras call, jax": (lambda: keras_loop(predict=False), "jax", {}),
    "torch eager": (torch_loop, "torch", {}),
    "floor, 1 thread": (blas_floor, "numpy", {"OPENBLAS_NUM_THREADS": "1"}),
    "floor, all threads": (blas_floor, "numpy", {"OPENBLAS_NUM_THREADS": CORES}),
}


def contestant(name: str) -> None:
    """Answer each line on standard input with the milliseconds a step of one slice took."""
    run = CONTESTANTS[name][0]()
    unit = getattr(run, "unit", 4)
    run(unit)  # compile
    start = time.perf_counter()
    run(unit)
    steps = max(unit, round(SLICE_SECONDS * unit / (time.perf_counter() - start)))
    steps = round(steps / unit) * unit
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run(steps)
        print((time.perf_counter() - start) / steps * 1e3, flush=True)


# --- the referee ---------------------------------------------------------------------------------


def race(names: list[str]) -> dict[str, list[float]]:
    """Let the contestants take turns; return milliseconds a step by name and turn."""
    processes = {}
    for name in names:
        processes[name] = subprocess.Popen(
            [sys.executable, __file__, "--contestant", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "jax", **CONTESTANTS[name][2]},
        )
        assert processes[name].stdout.readline() == "ready\n", f"{name} failed"  # noqa: S101
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(TURNS):
        for name, process in processes.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            times[name].append(float(process.stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return times


def print_race(times: dict[str, list[float]]) -> None:
    floor = min(min(times.pop(name)) for name in list(times) if name.startswith("floor"))
    ours = times["raregan"]
    print(f"\n{'loop':26} {'ms a step':>10} {'min':>8} {'5,000 epochs':>13} {'raregan is':>15}")
    for name, values in times.items():
        middle = statistics.median(values)
        ratio = statistics.median(other / our for other, our in zip(values, ours, strict=True))
        whole = f"{middle * EPOCHS * STEPS / 1e3:10,.1f} s"
        print(f"{name:26} {middle:10.3f} {min(values):8.3f} {whole:>13} {ratio:6.1f} x faster")
    print(
        f"floor: a step is {flop_per_step() / 1e6:.1f} MFLOP, {floor:.3f} ms at this BLAS's best, "
        f"{flop_per_step() / floor / 1e6:.0f} GFLOP/s; raregan takes "
        f"{statistics.median(ours) / floor:.2f} times that"
    )


def timed(command: list[str], **options: object) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, **options)
    return time.perf_counter() - start


def print_whole_commands() -> None:
    """Time commands from start to end, imports and compilation included."""
    raregan = [sys.executable, "-m", "raregan"]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "xla"
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
        environment |= {
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        options = {"cwd": folder, "env": environment}
        print("\nwhole commands, 2 cores or what there is")
        for label in ("first run, compiles", "second run"):
            seconds = timed([*raregan, "train"], **options)
            programs = len(list(cache.glob("*-cache")))
            print(
                f"raregan train, {EPOCHS:,} epochs, {label}: {seconds:.1f} s, {programs} programs"
            )
        seconds = timed([*raregan, "sample", "-n", "1000"], **options)
        print(f"raregan sample -n 1000: {seconds:.2f} s")
        seconds = timed([*raregan, "sample", "-n", "1000000", "-o", "s.parquet"], **options)
        print(
            f"raregan sample -n 1000000 -o s.parquet: {seconds:.2f} s, {1e6 / seconds:,.0f} rows/s"
        )
        seconds = timed([*raregan, "--help"], **options)
        print(f"raregan --help: {seconds:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--threads", action="store_true", help="also with all of XLA's threads")
    args = parser.parse_args()
    if args.contestant:
        contestant(args.contestant)
        return
    missing = {needs for _, needs, _ in CONTESTANTS.values() if not find_spec(needs)}
    print_race(
        race(
            [
                name
                for name, (_, needs, _) in CONTESTANTS.items()
                if needs not in missing and (args.threads or name != "raregan, all threads")
            ]
        )
    )
    for needs in sorted(missing):
        print(f"{needs} is not installed: its rows are left out")
    print_whole_commands()


if __name__ == "__main__":
    main()
