"""``raregan compare``: whether synthetic rows help a classifier on a table."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from raregan.atomic import write_whole
from raregan.commands.talk import check_outputs, check_page, column_choices, say, say_replaced
from raregan.config import AMOUNTS
from raregan.errors import UserError
from raregan.terminal import contest_progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from raregan.contest.comparison import Comparison
    from raregan.contest.sides import Caps

HERE = "."


def compare(args: argparse.Namespace) -> int:
    """Hold a contest on a table and print the verdict."""
    from raregan.contest.comparison import compare as hold

    if args.data is None:
        raise UserError("name the table: raregan compare DATA --target COLUMN")
    outputs = {
        "--output": args.output,
        "--json": args.json,
        "--markdown": args.markdown,
        "--ledger": args.ledger,
    }
    check_outputs(outputs, (args.data, args.schema, args.config))
    check_page(args.output)
    contestants, settings = _take_config(args.config, _names(args.contestants))
    for path in (args.json, args.markdown, args.output):  # a ledger is gone on with
        say_replaced(path)
    sys.path.append(str(Path.cwd()))  # where a user's own learner may be
    try:
        with contest_progress() as bar:
            progress = _tell_first(bar)
            found = hold(
                args.data,
                query=args.query,
                **column_choices(args),
                time_column=args.time_column,
                group=args.group,
                contestants=contestants,
                learners=_names(args.learners),
                amounts=AMOUNTS if args.amounts is None else _amounts(args.amounts),
                ratio=args.ratio,
                folds=args.folds,
                repeats=args.repeats,
                n_rare=args.n_rare,
                caps=_caps(args.max_others),
                cost_fn=args.cost_fn,
                cost_fp=args.cost_fp,
                amount_column=args.amount_column,
                top=args.top,
                confidence=args.confidence,
                minutes=args.minutes,
                n_jobs=args.jobs,
                options=settings,
                ledger=HERE if args.ledger is None else args.ledger,
                progress=progress,
                finish=partial(_write, args),
                random_state=args.seed,
            )
    except KeyboardInterrupt as stopped:
        for kept in getattr(stopped, "__notes__", ()):  # none before there is a ledger
            say(f"{kept}; go on with: {args.command_line}")
        raise
    say(found.describe())
    print(found.to_text())
    for path in (args.json, args.markdown, args.output):
        if path is not None:
            say(f"wrote {path}")
    if not found.is_whole:
        until = ", until the contest is whole" if args.ledger is None else ""
        say(f"time was up: what was finished is kept in {found.ledger}{until}")
        say(f"go on with what is missing by the same command: {args.command_line}")
    return 0


def _write(args: argparse.Namespace, found: Comparison) -> None:
    """Write the files that were asked for."""
    if args.json is not None:
        found.to_json(args.json)
    if args.markdown is not None:
        write_whole(args.markdown, found.to_markdown().encode())
    if args.output is not None:
        from raregan.reporting.contest_page import write_contest_page

        write_contest_page(args.output, found, command=args.command_line)


def _take_config(
    path: str | None, names: list[str] | None
) -> tuple[list[str] | None, dict[str, Any] | None]:
    """Return who plays, and the settings of the variant of a config file, if one is named.

    Raises
    ------
    UserError
        The file is at fault, or of another variant than those that are named.
    """
    if path is None:
        return names, None
    from raregan.configfile import read_config
    from raregan.contest.contestants import CONTESTANTS, DEFAULT_CONTESTANTS

    choice = read_config(path)
    learn = {name for name, one in CONTESTANTS.items() if one.way == "learn"}
    if names is None:
        names = [name for name in DEFAULT_CONTESTANTS if name not in learn] + [choice.variant]
    if learn.intersection(names) != {choice.variant}:
        raise UserError(
            f"{path} has settings of {choice.variant}, which mean something else to other "
            f"variants: let {choice.variant} play, and no other one of raregan's"
        )
    return names, {"settings": choice.settings}


def _caps(most: int | None) -> Caps | None:
    from raregan.contest.numbers import read_whole
    from raregan.contest.sides import Caps

    return None if most is None else Caps.of(read_whole(**{"--max-others": most}))


def _tell_first(bar: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
    """Say once what is known from before, and show the bar where there is one."""
    told = False

    def progress(done: int, total: int) -> None:
        nonlocal told
        if not told:
            before = f"going on: {done} of {total} parts were played before"
            say(before if done else f"{total} parts to play: each contestant in each fold")
        told = True
        if bar is not None:
            bar(done, total)

    return progress


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _amounts(text: str) -> list[float]:
    try:
        return [float(amount) for amount in text.split(",")]
    except ValueError:
        raise UserError(f"--amounts takes numbers such as 0.5,1,2, got {text!r}") from None
