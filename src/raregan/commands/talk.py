"""What every verb does: read the table that was named, and tell the user something."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan.atomic import check_writable
from raregan.errors import ModelFileError, UserError, hide_passwords

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Mapping

    from raregan.data.table import Table


def say(text: str) -> None:
    """Tell the user something that is not the result: standard output may be the table."""
    print(hide_passwords(text), file=sys.stderr)


def column_choices(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was typed of target, rare value and columns, as `read_table` takes it.

    Raises
    ------
    UserError
        A kind is not typed as column=kind, or the schema's file cannot be read.
    """
    schema = None
    if args.schema is not None:
        from raregan.data.inspection import read_schema

        schema = read_schema(args.schema)
    return {
        "target": args.target,
        "rare": args.rare,
        "ignore": args.ignore,
        "kinds": dict(pair(text, "--kind") for text in args.kind),
        "schema": schema,
        "constraints": args.constraint,
    }


def table_words(args: argparse.Namespace) -> str:
    """Return what was typed to name the table and its columns, for a command that comes next.

    It shows no password.
    """
    words = [] if args.data is None else [args.data]
    for name in ("query", "target", "rare", "ignore", "kind", "schema", "constraint"):
        value = getattr(args, name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        words += [word for one in values for word in (f"--{name}", one)]
    return hide_passwords(shlex.join(words))


def pair(text: str, option: str, columns: Collection[str] | None = None) -> tuple[str, str]:
    """Split ``name=value``, either of which may hold equals signs.

    Parameters
    ----------
    text, option
        What was typed, and after what.
    columns
        The names there are: the longest that fits is taken, and where none does, all up to the
        first sign. Where None, the value holds no sign: the last one splits.

    Raises
    ------
    UserError
        There is no sign with something on both sides.
    """
    places = [i for i, letter in enumerate(text) if letter == "=" and 0 < i < len(text) - 1]
    if not places:
        raise UserError(f"{option} takes column=value, got {text!r}")
    place = places[-1]
    if columns is not None:
        place = next((i for i in reversed(places) if text[:i] in columns), places[0])
    return text[:place], text[place + 1 :]


def read_named_table(args: argparse.Namespace) -> Table:
    """Read the table, or make the embedded one, and say what it is."""
    from raregan.data.sources import read_table
    from raregan.demo import simulated_table

    if args.data is None:
        if args.query is not None:
            raise UserError("--query needs a database: name it with --data postgresql://...")
        table = simulated_table(**column_choices(args))
    else:
        table = read_table(args.data, query=args.query, **column_choices(args))
    say(table.describe())
    for text in table.warnings:
        say(f"warning: {text}")
    return table


def refuse_input(source: str | None, destination: str) -> None:
    """Refuse to write over the input, or to where it would be read as a part of it."""
    from raregan.data.files import refuse_input as refuse
    from raregan.data.sinks import STANDARD_OUTPUT

    if source is not None and destination != STANDARD_OUTPUT:
        refuse(source, destination)


def check_outputs(outputs: Mapping[str, str | None], inputs: Iterable[str | None]) -> None:
    """Refuse to write over an input, one file twice, or where nothing can be written.

    Parameters
    ----------
    outputs
        What was typed after each option; None: nothing.
    inputs
        What is read.

    Raises
    ------
    UserError
        As said.
    """
    given = {option: path for option, path in outputs.items() if path is not None}
    sources = tuple(inputs)
    for option, path in given.items():
        if path == "-":
            raise UserError(f"{option} names a file; - is standard output for tables alone")
        for source in sources:
            refuse_input(source, path)
        first = next(o for o, other in given.items() if _same_place(other, path))
        if first != option:
            raise UserError(f"{first} and {option} are both {path}; give each a file of its own")
        check_writable(path)


def check_page(path: str | None) -> None:
    """Refuse a name that says that a page is something else than HTML, with a UserError."""
    if path is not None and Path(path).suffix.lower() not in ("", ".html", ".htm"):
        raise UserError(f"--output writes an HTML page, got {path}: call it .html")


def _same_place(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def place(destination: str) -> str:
    """Name where a table was written."""
    from raregan.data.sinks import STANDARD_OUTPUT

    return "standard output" if destination == STANDARD_OUTPUT else destination


def say_replaced(destination: str | Path | None, *, is_model: bool = False) -> None:
    """Tell the user that a file, if one is written, will be written over; what a model is of."""
    from raregan.data.sinks import STANDARD_OUTPUT
    from raregan.modelfile import load_model

    if destination is None or str(destination) == STANDARD_OUTPUT:
        return
    path, what = Path(destination), "is there already"
    if not path.exists():
        return
    if is_model:
        with contextlib.suppress(ModelFileError):  # then it is something else
            done = load_model(path).provenance
            what = f"holds a model of {done['source']}, made {done['created']}"
    say(f"note: {path} {what}; it is replaced when this is done")
