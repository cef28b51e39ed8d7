"""The whole way once, on the embedded table: simulate, hold out, train, sample, judge, show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan.atomic import make_folder
from raregan.config import MODEL_PATH, NUM_SAMPLES, SEED
from raregan.data.heldout import HeldOut
from raregan.data.simulate import SIMULATED_NOTE, make_card_fraud
from raregan.data.split import split_rows
from raregan.data.table import Table, fingerprint, make_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from raregan.judging.report import Report
    from raregan.training.loop import History

SIMULATED = "simulated card transactions"
"""What the embedded table is called wherever it is shown."""

ROWS, PICTURE, PAGE = "synthetic_fraud.csv", "pca.png", "report.html"
FILES = (MODEL_PATH, ROWS, PICTURE, PAGE)
"""What `run_demo` writes."""

_TARGET = "Class"


def simulated_table(**choices: Any) -> Table:
    """Return the embedded table: 50,492 simulated transactions, 492 of them fraud.

    `choices` are target, rare and ignore of `raregan.data.table.make_table`.
    """
    return make_table(make_card_fraud(random_state=SEED), source=SIMULATED, **choices)


def hold_out() -> tuple[Table, pl.DataFrame]:
    """Return the part of the embedded table to learn from, and the frauds that are held out.

    The sides are dealt as by ``raregan split``: a quarter is held out, copies stay on one side. The
    table has the mark of all rows that were held out.
    """
    frame = make_card_fraud(random_state=SEED)
    test_side = split_rows(frame, target=_TARGET, random_state=SEED)
    apart = frame.filter(test_side)
    table = make_table(
        frame.filter(~test_side), source=SIMULATED, held_out=HeldOut.of(apart, frame.columns)
    )
    is_rare = apart[_TARGET] == table.schema.target.rare
    return table, apart.filter(is_rare).select(table.schema.names)


def run_demo(
    folder: str | Path,
    *,
    say: Callable[[str], None],
    epochs: int | None = None,
    progress: Callable[[History, int], None] | None = None,
    command: str = "",
) -> str:
    """Train the default variant on the embedded table and write rows, picture and report.

    A quarter of the table is held out first, so that privacy and utility are judged too.

    Parameters
    ----------
    folder : str or Path
        Gets `FILES`.
    say : callable
        Called with one line before each stage.
    epochs : int, optional
        As of `RareGAN`.
    progress : callable, optional
        As of `RareGAN.fit`.
    command : str
        What was typed; the report repeats it.

    Returns
    -------
    str
        What was made, how good it is, and what to type next.
    """
    from raregan.data.sinks import write_frames
    from raregan.judging.evaluation import evaluate
    from raregan.reporting.figures import plot_pca, save_figure
    from raregan.reporting.report import write_report
    from raregan.run import fewer_epochs
    from raregan.synthesizer import RareGAN

    start = time.perf_counter()
    folder = Path(folder)
    make_folder(folder)
    table, held_out = hold_out()
    say(table.describe())
    say(f"{held_out.height:,} more frauds are held out, to judge with")
    gan = RareGAN(epochs=epochs, random_state=SEED)
    if note := fewer_epochs(gan.variant, gan.get_params(), table):
        say(note)
    say(f"training {gan.variant} on the rare rows")
    gan.fit(table, progress=progress)
    gan.save(folder / MODEL_PATH)

    say("sampling and judging")
    rows = gan.sample(NUM_SAMPLES)
    write_frames([rows], folder / ROWS)
    synthetic = rows.drop(table.schema.target.name)
    others = table.others.select(table.schema.names)
    report = evaluate(table.rare, synthetic, held_out, others, random_state=SEED)
    save_figure(plot_pca(table.rare, synthetic, note=SIMULATED), folder / PICTURE)
    write_report(
        folder / PAGE,
        table.rare,
        synthetic,
        report,
        title=f"Synthetic fraud of {gan.variant}",
        holdout=held_out,
        note=SIMULATED_NOTE,
        history=gan.history_,
        facts=[
            ("data", table.describe()),
            ("fingerprint of real rows", table.fingerprint),
            ("fingerprint of held-out rows", fingerprint(held_out)),
            ("variant", gan.variant),
            ("seed of training", SEED),
        ],
        command=command,
    )
    return _summary(folder, report, time.perf_counter() - start)


def _summary(folder: Path, report: Report, seconds: float) -> str:
    return f"""
{SIMULATED_NOTE}
Made in {seconds:.0f} s:
  {folder / ROWS}   {report.fidelity.n_synthetic:,} synthetic frauds
  {folder / PICTURE}               real and synthetic in one plane
  {folder / PAGE}           the same and more, interactive
  {folder / MODEL_PATH}         the trained generator

How good they are:
{report.fidelity.to_text()}

The verdict, with {report.counts["holdout"]:,} frauds that were held out:
{_verdict(report)}

Next, with your own table:
  raregan split YOUR.csv --target COLUMN -o parts
  raregan train parts/train.csv --target COLUMN --output fraud.raregan
  raregan sample fraud.raregan -n {NUM_SAMPLES} -o synthetic_fraud.csv
  raregan evaluate parts/train.csv synthetic_fraud.csv --target COLUMN \\
      --holdout parts/test.csv -o report.html"""


def _verdict(report: Report) -> str:
    """Return the three answers, below each the figures that it rests on, and what to do."""
    from raregan.judging.verdict import name_figures

    lines = []
    for answer in report.verdict.answers:
        lines.append(f"  {answer.question} {answer.headline}")
        lines += [f"    {line}" for line in name_figures(answer, report)]
        if answer.remedy:
            lines.append(f"    {answer.remedy}")
    return "\n".join(lines)
