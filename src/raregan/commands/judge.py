"""``raregan plot``, ``evaluate`` and ``demo``: how good synthetic rows are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan.commands.talk import check_outputs, column_choices, refuse_input, say, say_replaced
from raregan.config import MODEL_PATH
from raregan.errors import DataError, UserError
from raregan.terminal import training_progress

if TYPE_CHECKING:
    import argparse

    import polars as pl

    from raregan.data.table import Table


def plot(args: argparse.Namespace) -> int:
    """Draw real and synthetic rows side by side."""
    from raregan.reporting.figures import save_figures

    for source in (args.real, args.synthetic):
        refuse_input(source, str(Path(args.output) / "figure.png"))
    real, synthetic, table = _pair(args)
    say(_judged(table))
    for path in save_figures(real, synthetic, args.output):
        print(f"wrote {path}")
    return 0


def evaluate(args: argparse.Namespace) -> int:
    """Measure synthetic rows and write a report."""
    from raregan.atomic import write_whole
    from raregan.data.table import fingerprint
    from raregan.judging.evaluation import evaluate as judge
    from raregan.reporting.report import write_report

    check_outputs(
        {"--output": args.output, "--json": args.json, "--markdown": args.markdown},
        (args.real, args.synthetic, args.holdout),
    )
    real, synthetic, table = _pair(args)
    say(_judged(table))
    given = [rule.text for rule in table.constraints if set(rule.columns) <= set(real.columns)]
    held_out = _held_out(args, table, real.columns)
    outputs = [path for path in (args.json, args.markdown, args.output) if path is not None]
    for path in outputs:
        say_replaced(path)
    report = judge(
        real,
        synthetic,
        held_out,
        table.others.select(real.columns) if table.others.height else None,
        constraints=given,
        random_state=args.seed,
    )
    print(report.to_text())
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
    for path in outputs:
        print(f"wrote {path}")
    return 0


def _held_out(args: argparse.Namespace, table: Table, names: list[str]) -> pl.DataFrame | None:
    """Read the held-out rare rows; a file without the target holds nothing else."""
    from raregan.data.rows import has_value, known_column, match_value
    from raregan.data.sources import read_frame

    if args.holdout is None:
        return None
    rows, target = read_frame(args.holdout), table.schema.target
    if target.name in rows.columns:
        values = rows[target.name].drop_nulls().unique().to_list()
        value = match_value(target.rare, values)
        rows = rows.clear() if value is None else rows.filter(has_value(target.name, value))
        if not rows.height:
            raise DataError(
                f"{args.holdout} has no rows with {target.name} = {target.rare!r}: --holdout takes "
                "rare rows that were not learned from, such as the test part of raregan split"
            )
    return rows.select([known_column(rows.columns, name, args.holdout) for name in names])


def demo(args: argparse.Namespace) -> int:
    """Train, sample and judge on the embedded table."""
    from raregan.demo import run_demo

    say_replaced(Path(args.output) / MODEL_PATH, is_model=True)
    with training_progress() as progress:
        text = run_demo(
            args.output, say=say, epochs=args.epochs, progress=progress, command=args.command_line
        )
        print(text)
    return 0


def _pair(args: argparse.Namespace) -> tuple[pl.DataFrame, pl.DataFrame, Table]:
    """Read real rare rows and synthetic rows as two frames of the same columns, and the table.

    Identifiers are left out: those of synthetic rows differ by intent. Rows that break a rule are
    in: they are real.
    """
    import polars as pl

    from raregan.data.rows import known_column
    from raregan.data.sources import read_frame, read_table

    try:
        table = read_table(args.real, query=args.query, **column_choices(args))
    except DataError as error:
        if _is_swapped(args):
            raise DataError(
                f"{error}. Are the tables swapped? {args.synthetic} has rare and other rows: "
                f"REAL comes first, then SYNTHETIC"
            ) from error
        raise
    synthetic = read_frame(args.synthetic)
    say(table.describe_rows())
    target = table.schema.target
    if target.name in synthetic.columns:
        others = synthetic.filter(synthetic[target.name] != target.rare).height
        if others:
            raise UserError(
                f"{args.synthetic} has {others:,} rows that are not {target.name} = "
                f"{target.rare!r}: REAL comes first, then rows of its rare class"
            )
    identifiers = table.schema.identifiers
    learned = [name for name in table.schema.names if name not in identifiers]
    names = [known_column(synthetic.columns, name, args.synthetic) for name in learned]
    real = pl.concat([table.rare, table.left_out])
    return real.select(names), synthetic.select(names), table


def _is_swapped(args: argparse.Namespace) -> bool:
    """Say whether the second table can be told to be the real one, and the first can not.

    Synthetic rows hold no target, or one with nothing but its rare value.
    """
    import polars as pl

    from raregan.data.rows import choose_rows
    from raregan.data.sources import open_source

    choices: dict[str, Any] = {"target": args.target, "rare": args.rare, "ignore": args.ignore}
    try:
        target = choose_rows(open_source(args.synthetic).table, **choices).target
        first = open_source(args.real, query=args.query)
        if target in first.frame.collect_schema():
            return first.collect(first.frame.select(pl.col(target).unique())).height == 1
    except DataError:
        return False
    return True


def _judged(table: Table) -> str:
    """Say how many columns are compared, and name those that are not."""
    left_out = table.schema.identifiers
    text = f"{len(table.schema.columns) - len(left_out)} columns judged"
    return f"{text}; not judged: {', '.join(left_out)} (identifiers)" if left_out else text
