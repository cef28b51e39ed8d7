"""The command line: parse, run the verb, and turn what goes wrong into an exit code."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import sys
from typing import TYPE_CHECKING

from raregan.arguments import make_parser
from raregan.errors import RareGANError, UserError, hide_passwords
from raregan.terminal import EXIT_INTERRUPTED, terminate_as_interrupt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EXIT_FAILURE, EXIT_USER_ERROR = 1, 2


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
    if isinstance(sys.stdout, io.TextIOWrapper):  # it may know fewer letters than a table has
        sys.stdout.reconfigure(errors="backslashreplace")
    os.environ["KERAS_BACKEND"] = "jax"  # this process is ours, whatever others need
    args = make_parser(script).parse_args(argv)
    typed = argv[1:] if script else argv
    args.script = script
    args.command_line = " ".join([script or "raregan", *map(_shown, typed)])
    try:
        with terminate_as_interrupt():
            _merge_data(args)
            _refuse_addresses(args)
            module, function = _VERBS[args.verb]
            verb = getattr(importlib.import_module(f"raregan.commands.{module}"), function)
            code: int = verb(args)
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


def _shown(argument: str) -> str:
    return shlex.quote(hide_passwords(argument))


def _merge_data(args: argparse.Namespace) -> None:
    """Take ``--data`` for the table that may be named without it too."""
    option = getattr(args, "data_option", None)
    if option is None:
        return
    if args.data is not None:
        raise UserError(
            f"one table is taken, and two are named: {args.data} and --data {option}; leave one out"
        )
    args.data = option


def _refuse_addresses(args: argparse.Namespace) -> None:
    """Refuse a database where a file is meant: as a file's name it would only be not found."""
    from raregan.data.databases import is_url

    for name, label in _FILES.items():
        if is_url(given := getattr(args, name, None)):
            raise UserError(
                f"{label} names a file or folder, got the address {given}: a database is only "
                "read, as DATA, with --query 'SELECT ...'"
            )


def _fail(message: object, code: int) -> int:
    print(f"raregan: {message}", file=sys.stderr)
    return code


_FILES = {
    "output": "--output",
    "model": "MODEL",
    "schema": "--schema",
    "schema_out": "--schema-out",
    "config": "--config",
    "synthetic": "SYNTHETIC",
    "holdout": "--holdout",
    "ledger": "--ledger",
    "json": "--json",
    "markdown": "--markdown",
}
"""Arguments that no database can stand for, and what help calls them."""

_VERBS: dict[str, tuple[str, str]] = {
    "inspect": ("tables", "inspect"),
    "split": ("tables", "split"),
    "train": ("train", "train"),
    "tune": ("tune", "tune"),
    "sample": ("sample", "sample"),
    "resample": ("sample", "resample"),
    "plot": ("judge", "plot"),
    "evaluate": ("judge", "evaluate"),
    "compare": ("compare", "compare"),
    "simulate": ("tables", "simulate"),
    "demo": ("judge", "demo"),
}
"""Module of `raregan.commands` and function of each verb; imported when it is typed."""
