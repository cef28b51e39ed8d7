"""``raregan tune``."""

from __future__ import annotations

import shlex
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.commands.talk import (
    check_outputs,
    read_named_table,
    say,
    say_replaced,
    table_words,
)
from raregan.config import plain_seed

if TYPE_CHECKING:
    import argparse

    from raregan.tuning.trials import Trial, Tuning


def tune(args: argparse.Namespace) -> int:
    """Search for settings that suit a table, and write them as a config file."""
    from raregan.tuning.search import check_search, tune

    ledger = Path(f"{args.output}.trials")
    check_outputs({"--output": args.output, "its trials": str(ledger)}, (args.data,))
    check_search(args.variant, args.minutes, args.trials)
    plain_seed(args.seed)
    table = read_named_table(args)
    say_replaced(args.output)
    older = _free_name(ledger) if ledger.exists() and not args.resume else None

    def tell(trial: Trial, found: Tuning) -> None:
        if older is not None and len(found.trials) == 1:
            say(f"note: the trials of an earlier search were there; they are kept as {older}")
        _say_trial(trial, found)

    try:
        found = tune(
            table,
            variants=args.variant,
            minutes=args.minutes,
            trials=args.trials,
            ledger=ledger,
            aside=older,
            random_state=args.seed,
            progress=tell,
        )
    except KeyboardInterrupt:
        if older is not None and not older.exists():
            say(f"no trial was finished; {ledger} is of the earlier search, as it was")
            raise
        resume = "" if args.resume else " --resume"
        say(f"finished trials are kept in {ledger}; go on with: {args.command_line}{resume}")
        raise
    found.save(args.output)
    print(found.to_text())
    words = f"{table_words(args)} --config {shlex.quote(args.output)}".strip()
    print(f"wrote {args.output}; next: raregan train {words}")
    return 0


def _free_name(path: Path) -> Path:
    """Return a name that no earlier search has left."""
    names = (Path(f"{path}.old-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _say_trial(trial: Trial, found: Tuning) -> None:
    """Tell of a trial as it ends."""
    what = f"failed: {trial.failure}" if trial.failure else f"{found.total(trial):.3f}"
    least = found.total(found.leader)
    say(f"{trial.number + 1}. {trial.name}: {what} ({trial.seconds:.0f} s; least {least:.3f})")
