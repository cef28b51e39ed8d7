"""The command line: one library call a verb, and print. Its verbs are those of the library."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.arguments import make_parser
from raregan.atomic import check_writable
from raregan.config import NUM_SAMPLES, SYNTHETIC_PATH, plain_options, plain_seed
from raregan.errors import RareGANError, TrainingDivergedError, UserError
from raregan.terminal import (
    sampling_progress,
    stop_on_signal,
    terminate_as_interrupt,
    training_progress,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    import polars as pl

    from raregan.data.table import Table

EXIT_FAILURE, EXIT_USER_ERROR, EXIT_INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None, *, script: str | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default: those of the process.
    script : str, optional
        What the user typed in place of ``raregan VERB``, for usage and advice.

    Returns
    -------
    int
        0; 1 after a failure such as diverged training; 2 for a user's mistake; 130 interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    os.environ["KERAS_BACKEND"] = "jax"  # this process is ours, whatever others need
    args = make_parser(script).parse_args(argv)
    typed = argv[1:] if script else argv
    args.script = script
    args.command_line = " ".join([script or "raregan", *map(shlex.quote, typed)])
    try:
        with terminate_as_interrupt():
            code = _VERBS[args.verb](args)
    except UserError as error:
        return _fail(error, EXIT_USER_ERROR)
    except RareGANError as error:
        return _fail(error, EXIT_FAILURE)
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of standard output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _fail(message: object, code: int) -> int:
    print(f"raregan: {message}", file=sys.stderr)
    return code


def _say(text: str) -> None:
    """Tell the user something that is not the result: standard output may be the table."""
    print(text, file=sys.stderr)


# --- train -------------------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> int:
    _refuse_same_file(args.data, args.output)
    check_writable(args.output)
    plain_options(vars(args))
    plain_seed(args.seed)
    table = _table(args)
    from raregan.synthesizer import RareGAN

    gan = RareGAN(
        variant=args.variant,
        epochs=args.epochs,
        batch_size=args.batch_size,
        latent_dim=args.latent_dim,
        learning_rate=args.learning_rate,
        numeric_encoding=args.numeric_encoding,
        max_minutes=args.max_minutes,
        random_state=args.seed,
    )
    if args.dry_run:
        print(gan.summary(table))
        return 0
    checkpoint = Path(f"{args.output}.checkpoint")
    if checkpoint.exists() and not args.resume:
        older = checkpoint.replace(f"{checkpoint}.old")
        _say(f"note: the checkpoint of an unfinished run was there; it is kept as {older}")
    with stop_on_signal() as stop, training_progress() as progress:
        try:
            gan.fit(
                table,
                checkpoint=checkpoint,
                checkpoint_every=args.checkpoint_every,
                resume=args.resume,
                progress=progress,
                stop=stop,
            )
        except TrainingDivergedError as error:
            command = _resume_command(args)
            msg = f"{error}, for instance: {command} --learning-rate 5e-5"
            raise TrainingDivergedError(msg) from error
    done = gan.model_.provenance
    if done["ended"] == "request":
        _say(f"stopped after {done['epochs']:,} epochs; go on with: {_resume_command(args)}")
        return EXIT_INTERRUPTED
    gan.save(args.output)
    print(f"trained {done['epochs']:,} epochs in {done['seconds']:.1f} s; wrote {args.output}")
    if done["ended"] == "time":
        print(f"time was up; to go on: {_resume_command(args)}")
    else:
        checkpoint.unlink(missing_ok=True)
    sample = "python generate_samples.py" if args.script else "raregan sample"
    print(f"next: {sample} {shlex.quote(args.output)} -n {NUM_SAMPLES} -o {SYNTHETIC_PATH}")
    return 0


def _table(args: argparse.Namespace) -> Table:
    """Read the table, or make the embedded one, and say what it is."""
    from raregan.data.sources import read_table
    from raregan.demo import simulated_table

    if args.data is None:
        table = simulated_table(target=args.target, rare=args.rare, ignore=args.ignore)
    else:
        table = read_table(args.data, target=args.target, rare=args.rare, ignore=args.ignore)
    _say(table.describe())
    for text in table.warnings:
        _say(f"warning: {text}")
    return table


def _resume_command(args: argparse.Namespace) -> str:
    return f"{args.command_line}{'' if args.resume else ' --resume'}"


def _refuse_same_file(source: str | None, destination: str) -> None:
    exist = source and Path(source).exists() and Path(destination).exists()
    if exist and Path(source or "").samefile(destination):
        raise UserError(f"{destination} is the input: name another file with --output")


# --- sample ------------------------------------------------------------------------------------


def _sample(args: argparse.Namespace) -> int:
    from raregan.data.sinks import check_destination, write_frames
    from raregan.modelfile import load_model

    _refuse_same_file(args.model, args.output)
    check_destination(args.output)
    model = load_model(args.model)
    seed = model.config.seed if args.seed is None else args.seed
    rows = model.sampler.blocks(args.num_samples, seed=seed)
    with sampling_progress(args.num_samples) as watched:
        written = write_frames(watched(rows), args.output)
    _say(f"wrote {written:,} synthetic rows to {args.output} (seed {seed})")
    return 0


# --- simulate, plot, evaluate, demo --------------------------------------------------------------


def _simulate(args: argparse.Namespace) -> int:
    from raregan.data.simulate import SIMULATED_NOTE, make_card_fraud
    from raregan.data.sinks import check_destination, write_frames

    check_destination(args.output)
    frame = make_card_fraud(args.rows, args.frauds, features=args.features, random_state=args.seed)
    write_frames([frame], args.output)
    _say(f"wrote {frame.height:,} transactions, {args.frauds:,} of them fraud, to {args.output}")
    _say(SIMULATED_NOTE)
    return 0


def _pair(args: argparse.Namespace) -> tuple[pl.DataFrame, pl.DataFrame, Table]:
    """Read real rare rows and synthetic rows as two frames of the same columns, and the table."""
    from raregan.data.sources import read_frame, read_table
    from raregan.data.table import known_column

    table = read_table(args.real, target=args.target, rare=args.rare, ignore=args.ignore)
    synthetic = read_frame(args.synthetic)
    _say(table.describe())
    names = [known_column(synthetic.columns, name) for name in table.schema.names]
    target = table.schema.target
    if target.name in synthetic.columns:
        others = synthetic.filter(synthetic[target.name] != target.rare).height
        if others:
            raise UserError(
                f"{args.synthetic} has {others:,} rows that are not {target.name} = "
                f"{target.rare!r}: REAL comes first, then rows of its rare class"
            )
    return table.rare, synthetic.select(names), table


def _plot(args: argparse.Namespace) -> int:
    from raregan.reporting.figures import save_figures

    real, synthetic, _ = _pair(args)
    for path in save_figures(real, synthetic, args.output):
        print(f"wrote {path}")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from raregan.judging.fidelity import evaluate
    from raregan.reporting.report import write_report

    _refuse_same_file(args.real, args.output)
    _refuse_same_file(args.synthetic, args.output)
    check_writable(args.output)
    real, synthetic, table = _pair(args)
    fidelity = evaluate(real, synthetic, random_state=args.seed)
    print(fidelity.to_text())
    title = f"{Path(args.synthetic).name} against {Path(args.real).name}"
    facts = [("data", table.describe()), ("seed of the judges", args.seed)]
    write_report(args.output, real, synthetic, fidelity, title=title, facts=facts)
    print(f"wrote {args.output}")
    return 0


def _demo(args: argparse.Namespace) -> int:
    from raregan.demo import run_demo

    with training_progress() as progress:
        print(run_demo(args.output, say=_say, epochs=args.epochs, progress=progress))
    return 0


_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "sample": _sample,
    "plot": _plot,
    "evaluate": _evaluate,
    "simulate": _simulate,
    "demo": _demo,
}
