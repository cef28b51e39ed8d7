"""``raregan plot``, ``evaluate`` and ``demo``: how good synthetic rows are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from raregan.commands.talk import (
    check_outputs,
    check_page,
    column_choices,
    refuse_input,
    say,
    say_replaced,
)
from raregan.config import MODEL_PATH
from raregan.errors import DataError
from raregan.terminal import training_progress

if TYPE_CHECKING:
    import argparse

    from raregan.data.table import Table
    from raregan.judging.pairing import Paired


def plot(args: argparse.Namespace) -> int:
    """Draw real and synthetic rows side by side."""
    from raregan.reporting.figures import FIGURES, save_figures

    for source in (args.real, args.synthetic):
        refuse_input(source, str(Path(args.output) / FIGURES[0]))
    paired = _pair(args)
    for name in FIGURES:
        say_replaced(Path(args.output) / name)
    for path in save_figures(paired.real, paired.synthetic, args.output):
        print(f"wrote {path}")
    return 0


def evaluate(args: argparse.Namespace) -> int:
    """Measure synthetic rows and write a report."""
    from raregan.atomic import write_whole
    from raregan.data.table import fingerprint
    from raregan.judging.evaluation import judge
    from raregan.judging.verdict import warn_of_shared
    from raregan.reporting.report import write_report

    check_outputs(
        {"--output": args.output, "--json": args.json, "--markdown": args.markdown},
        (args.real, args.synthetic, args.holdout),
    )
    check_page(args.output)
    real, synthetic, held_out, others, given, table = _pair(args, args.holdout)
    outputs = [path for path in (args.json, args.markdown, args.output) if path is not None]
    for path in outputs:
        say_replaced(path)
    report = judge(
        *(real, synthetic, held_out, others, given),
        n_others=table.n_others,
        random_state=args.seed,
    )
    if args.json is not None:
        report.to_json(args.json)
    if args.markdown is not None:
        write_whole(args.markdown, report.to_markdown().encode())
    write_report(
        args.output,
        real,
        synthetic,
        report,
        title=f"{Path(args.synthetic).name} against {table.source}",
        holdout=held_out,
        facts=[
            ("data", table.describe_rows()),
            ("columns", _judged(table)),
            ("fingerprint of real rows", table.fingerprint),
            ("fingerprint of synthetic rows", fingerprint(synthetic)),
            *(
                []
                if held_out is None
                else [("fingerprint of held-out rows", fingerprint(held_out))]
            ),
        ],
        command=args.command_line,
    )
    print(report.to_text())
    for path in outputs:
        print(f"wrote {path}")
    if report.is_shared:
        raise DataError(warn_of_shared(report))
    return 0


def demo(args: argparse.Namespace) -> int:
    """Train, sample and judge on the embedded table."""
    from raregan.demo import FILES, run_demo

    for name in FILES:
        say_replaced(Path(args.output) / name, is_model=name == MODEL_PATH)
    with training_progress() as progress:
        text = run_demo(
            args.output, say=say, epochs=args.epochs, progress=progress, command=args.command_line
        )
        print(text)
    return 0


def _pair(args: argparse.Namespace, holdout: str | None = None) -> Paired:
    """Read the tables that were named, and say what is judged of them."""
    from raregan.judging.pairing import pair_tables

    paired = pair_tables(
        args.real, args.synthetic, holdout, query=args.query, **column_choices(args)
    )
    say(paired.table.describe_rows())
    say(_judged(paired.table))
    return paired


def _judged(table: Table) -> str:
    """Say how many columns are compared, and name those that are not."""
    left_out = table.schema.identifiers
    text = f"{len(table.schema.columns) - len(left_out)} columns judged"
    return f"{text}; not judged: {', '.join(left_out)} (identifiers)" if left_out else text
