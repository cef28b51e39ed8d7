"""``raregan train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.atomic import check_writable
from raregan.commands.talk import read_named_table, refuse_input, say, say_replaced
from raregan.config import NUM_SAMPLES, VARIANT, plain_options, plain_seed
from raregan.configfile import read_config
from raregan.errors import ModelFileError, TrainingDivergedError, UserError
from raregan.gans.variants import refuse_foreign_options
from raregan.terminal import EXIT_INTERRUPTED, stop_on_signal, training_progress

if TYPE_CHECKING:
    import argparse

    from raregan.data.table import Table
    from raregan.synthesizer import RareGAN


def train(args: argparse.Namespace) -> int:
    """Learn the rare rows of a table and write a model file."""
    refuse_input(args.data, args.output)
    check_writable(args.output)
    take_config(args)
    check_options(args)
    plain_seed(args.seed)
    checkpoint = Path(f"{args.output}.checkpoint")
    if args.resume and not checkpoint.exists():
        _refuse_finished(args)
    table = read_named_table(args)
    say_fewer_epochs(args, table)
    gan = make_gan(args)
    if args.dry_run:
        print(gan.summary(table))
        return 0
    say_replaced(args.output, is_model=True)
    if checkpoint.exists() and not args.resume:
        older = checkpoint.replace(f"{checkpoint}.old")
        say(f"note: the checkpoint of an unfinished run was there; it is kept as {older}")
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
            remedy = f"Try a lower learning rate, for instance: {command} --learning-rate 5e-5"
            raise TrainingDivergedError(error.reason, remedy) from error
    done = gan.model_.provenance
    if done["ended"] == "request":
        say(f"stopped after {done['epochs']:,} epochs; go on with: {_resume_command(args)}")
        return EXIT_INTERRUPTED
    gan.save(args.output)
    print(f"trained {done['epochs']:,} epochs in {done['seconds']:.1f} s; wrote {args.output}")
    n_scores = len(gan.history_.get("evidence_epoch", ()))
    if n_scores > 1:
        print(f"by the evidence epoch {done['best_epoch']:,} was best: its weights were taken")
    elif n_scores:
        print("training was too short for evidence to choose: the last weights were taken")
    if done["ended"] == "time":
        print(f"time was up; to go on: {_resume_command(args)}")
    else:
        checkpoint.unlink(missing_ok=True)
    output = shlex.quote(f"synthetic_{Path(args.output).stem}.csv")
    print(f"next: {_sample_command(args)} -n {NUM_SAMPLES} -o {output}")
    return 0


def _sample_command(args: argparse.Namespace) -> str:
    sample = "python generate_samples.py" if args.script else "raregan sample"
    return f"{sample} {shlex.quote(args.output)}"


def _refuse_finished(args: argparse.Namespace) -> None:
    """Say that a run is finished where its model is there and no checkpoint to go on from."""
    from raregan.modelfile import load_model

    try:
        done = load_model(args.output).provenance
    except ModelFileError:
        return
    if done["ended"] in ("epochs", "evidence"):
        raise UserError(
            f"{args.output} is finished, after {done['epochs']:,} epochs: there is nothing to "
            f"resume; sample from it with {_sample_command(args)}, or train anew without --resume"
        )


def make_gan(args: argparse.Namespace) -> RareGAN:
    """Return the estimator with the options that were typed."""
    from raregan.synthesizer import RareGAN

    return RareGAN(
        variant=args.variant,
        levels_from=args.levels_from,
        epochs=args.epochs,
        batch_size=args.batch_size,
        latent_dim=args.latent_dim,
        learning_rate=args.learning_rate,
        numeric_encoding=args.numeric_encoding,
        evidence=args.evidence,
        solver_steps=args.solver_steps,
        max_minutes=args.max_minutes,
        settings=args.settings,
        random_state=args.seed,
    )


def take_config(args: argparse.Namespace) -> None:
    """Take variant and settings from the config file, if one is named, or else the defaults.

    Raises
    ------
    UserError
        The file is at fault, or of another variant than was typed.
    """
    args.settings = None
    if args.config is not None:
        refuse_input(args.config, args.output)
        choice = read_config(args.config)
        if args.variant not in (None, choice.variant):
            raise UserError(
                f"{args.config} has settings of {choice.variant}, which mean something else to "
                f"{args.variant}: leave out --variant, or --config"
            )
        args.variant, args.settings = choice.variant, choice.settings
        steps = choice.settings.get("steps")
        if args.epochs is not None and steps is not None:
            say(f"note: --epochs goes before the steps of {args.config} ({steps:,})")
    args.variant = args.variant or VARIANT


def check_options(args: argparse.Namespace) -> None:
    """Refuse options of training that are out of range, or that the variant would ignore."""
    plain_options(vars(args))
    refuse_foreign_options(args.variant, vars(args))


def say_fewer_epochs(args: argparse.Namespace, table: Table) -> None:
    """Tell the user where the variant takes fewer epochs than were asked for."""
    from raregan.run import fewer_epochs

    if note := fewer_epochs(args.variant, vars(args), table):
        say(note)


def _resume_command(args: argparse.Namespace) -> str:
    return f"{args.command_line}{'' if args.resume else ' --resume'}"
