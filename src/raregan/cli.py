"""The command line: parse, one library call, print. Its verbs are those of the library."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan import __version__
from raregan.atomic import check_writable
from raregan.config import (
    CHECKPOINT_EVERY,
    MODEL_PATH,
    NUM_SAMPLES,
    NUMERIC_ENCODINGS,
    SEED,
    SIMULATED_FRAUDS,
    SIMULATED_ROWS,
    SYNTHETIC_PATH,
    VARIANT,
    TrainingConfig,
    plain_options,
    plain_seed,
)
from raregan.errors import RareGANError, TrainingDivergedError, UserError
from raregan.gans.variants import VARIANTS
from raregan.terminal import (
    sampling_progress,
    stop_on_signal,
    terminate_as_interrupt,
    training_progress,
)

if TYPE_CHECKING:
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
    args = _parser(script).parse_args(argv)
    typed = argv[1:] if script else argv
    args.script = script
    args.command_line = " ".join([script or "raregan", *map(shlex.quote, typed)])
    try:
        with terminate_as_interrupt():
            code: int = args.run(args)
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


# --- the parser --------------------------------------------------------------------------------


def _parser(script: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="raregan",
        description="Learn the rare class of an imbalanced table with GANs and sample rows of it.",
    )
    parser.add_argument("--version", action="version", version=f"raregan {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_train, _add_sample, _add_plot, _add_evaluate, _add_simulate, _add_demo):
        add(verbs)
    if script:
        for verb in verbs.choices.values():
            verb.prog = script
    return parser


def _add_train(verbs: Any) -> None:
    train = _verb(verbs, "train", _train, "learn the rare rows of a table")
    train.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="CSV, TSV (also .gz) or Parquet file (default: the embedded simulated table)",
    )
    _add_table_options(train)
    train.add_argument(
        "-o", "--output", default=MODEL_PATH, metavar="FILE", help="model file (%(default)s)"
    )
    train.add_argument("--variant", choices=VARIANTS, default=VARIANT, help="how (%(default)s)")
    _number(train, "--epochs", int, f"passes over the rare rows ({TrainingConfig.epochs})")
    _number(train, "--batch-size", int, f"rows in a step ({TrainingConfig.batch_size})")
    _number(train, "--latent-dim", int, "length of the latent vector (number of features)")
    _number(train, "--learning-rate", float, f"Adam's step ({TrainingConfig.learning_rate})")
    train.add_argument(
        "--numeric-encoding",
        choices=NUMERIC_ENCODINGS,
        help=f"how numbers are encoded ({TrainingConfig.numeric_encoding})",
    )
    _number(train, "--seed", int, f"fixes every draw ({SEED})", default=SEED)
    _number(train, "--max-minutes", float, "end training after this time (no limit)")
    _number(
        train,
        "--checkpoint-every",
        int,
        f"epochs between checkpoints ({CHECKPOINT_EVERY})",
        default=CHECKPOINT_EVERY,
    )
    train.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint beside the model file"
    )
    train.add_argument(
        "--dry-run", action="store_true", help="print the networks and train nothing"
    )


def _add_sample(verbs: Any) -> None:
    sample = _verb(verbs, "sample", _sample, "write synthetic rare rows")
    sample.add_argument(
        "model", nargs="?", default=MODEL_PATH, metavar="MODEL", help="model file (%(default)s)"
    )
    sample.add_argument(
        "-n",
        "--num-samples",
        type=int,
        default=NUM_SAMPLES,
        metavar="N",
        help="how many (%(default)s)",
    )
    sample.add_argument(
        "-o",
        "--output",
        default=SYNTHETIC_PATH,
        metavar="FILE",
        help=".csv, .tsv or .parquet; - for CSV on standard output (%(default)s)",
    )
    _number(sample, "--seed", int, "fixes the rows (the model's own seed)")


def _add_plot(verbs: Any) -> None:
    plot = _verb(verbs, "plot", _plot, "draw real and synthetic rows side by side")
    _add_pair(plot)
    plot.add_argument(
        "-o", "--output", default="figures", metavar="FOLDER", help="for the PNGs (%(default)s)"
    )


def _add_evaluate(verbs: Any) -> None:
    evaluate = _verb(verbs, "evaluate", _evaluate, "measure synthetic rows and write a report")
    _add_pair(evaluate)
    evaluate.add_argument(
        "-o", "--output", default="report.html", metavar="FILE", help="the report (%(default)s)"
    )
    _number(evaluate, "--seed", int, f"fixes the judges' draws ({SEED})", default=SEED)


def _add_simulate(verbs: Any) -> None:
    simulate = _verb(verbs, "simulate", _simulate, "write a table of simulated card transactions")
    _number(
        simulate,
        "--rows",
        int,
        f"transactions, frauds counted in ({SIMULATED_ROWS})",
        default=SIMULATED_ROWS,
    )
    _number(
        simulate,
        "--frauds",
        int,
        f"how many are fraud ({SIMULATED_FRAUDS})",
        default=SIMULATED_FRAUDS,
    )
    simulate.add_argument(
        "--features",
        choices=("pca", "raw"),
        default="pca",
        help="pca: V1..V28 and Amount, like the public table; raw: mixed types (%(default)s)",
    )
    _number(simulate, "--seed", int, f"fixes the table ({SEED})", default=SEED)
    simulate.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=".csv, .tsv, .parquet, or -"
    )


def _add_demo(verbs: Any) -> None:
    demo = _verb(verbs, "demo", _demo, "train, sample and judge on the embedded simulated table")
    demo.add_argument(
        "-o", "--output", default="out", metavar="FOLDER", help="for the results (%(default)s)"
    )
    _number(demo, "--epochs", int, f"passes over the rare rows ({TrainingConfig.epochs})")


def _verb(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,  # or a new option could change what an old command means
    )
    verb.set_defaults(run=run)
    return verb


def _add_pair(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("real", metavar="REAL", help="the real table; its rare rows are compared")
    verb.add_argument("synthetic", metavar="SYNTHETIC", help="synthetic rows of the same columns")
    _add_table_options(verb)


def _add_table_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--target", metavar="COLUMN", help="which rows are rare (Class, or the usual name there is)"
    )
    verb.add_argument("--rare", metavar="VALUE", help="the target in rare rows (the rarest value)")
    verb.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN", help="leave out; repeatable"
    )


def _number(
    verb: argparse.ArgumentParser, flag: str, kind: type, text: str, default: float | None = None
) -> None:
    verb.add_argument(flag, type=kind, default=default, metavar="N", help=text)
