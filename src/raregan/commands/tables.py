"""``raregan inspect``, ``split`` and ``simulate``: what is in a table, and tables to try."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from raregan.atomic import check_writable
from raregan.commands.talk import column_choices, place, refuse_input, say, say_replaced
from raregan.config import plain_seed
from raregan.errors import RareGANWarning, UserError

if TYPE_CHECKING:
    import argparse


def inspect(args: argparse.Namespace) -> int:
    """Show what the columns of a table are taken for, what is odd, and which rules hold."""
    from raregan.data.inspection import inspect_rows, write_schema
    from raregan.data.rows import choose_rows
    from raregan.data.sources import open_source
    from raregan.data.table import infer_schema

    if args.data is None:
        raise UserError("name the table to look at: raregan inspect DATA --target COLUMN")
    if args.schema_out is not None:
        refuse_input(args.data, args.schema_out)
        check_writable(args.schema_out)
    choices = column_choices(args)
    kinds, schema, constraints = (choices.pop(name) for name in ("kinds", "schema", "constraints"))
    source = open_source(args.data, query=args.query)
    rows = choose_rows(source.table, source=source.name, **choices)
    found = infer_schema(rows, kinds=kinds, schema=schema, constraints=constraints)
    print(inspect_rows(rows, found).to_text())
    if args.schema_out is not None:
        write_schema(found, args.schema_out)
        say(f"wrote {args.schema_out}; edit it, and pass it back with --schema")
    return 0


def split(args: argparse.Namespace) -> int:
    """Write a training and a test part, copies and groups on one side."""
    from raregan.data.split import split_file

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", RareGANWarning)
        done = split_file(
            args.data,
            args.output,
            query=args.query,
            test=args.test,
            target=args.target,
            rare=args.rare,
            ignore=args.ignore,
            time_column=args.time_column,
            group=args.group,
            random_state=plain_seed(args.seed),
            overwrite=args.overwrite,
        )
    for note in noted:
        say(f"warning: {note.message}")
    print(done.describe())
    say(
        f"next: raregan train {done.train} with the same --target and --ignore, later raregan "
        f"evaluate {done.train} SYNTHETIC --holdout {done.test}"
    )
    return 0


def simulate(args: argparse.Namespace) -> int:
    """Write a table of simulated card transactions."""
    from raregan.data.simulate import SIMULATED_NOTE, make_card_fraud
    from raregan.data.sinks import check_destination, write_frames

    check_destination(args.output)
    say_replaced(args.output)
    frame = make_card_fraud(args.rows, args.frauds, features=args.features, random_state=args.seed)
    write_frames([frame], args.output)
    n = f"{frame.height:,} transactions, {args.frauds:,} of them fraud,"
    say(f"wrote {n} to {place(args.output)}")
    say(SIMULATED_NOTE)
    return 0
