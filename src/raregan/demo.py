"""The whole way once, on the embedded table: simulate, train, sample, judge, show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan.atomic import make_folder
from raregan.config import MODEL_PATH, NUM_SAMPLES, SEED
from raregan.data.simulate import SIMULATED_NOTE, make_card_fraud
from raregan.data.table import Table, make_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from raregan.judging.fidelity import Fidelity
    from raregan.training.loop import History

SIMULATED = "simulated card transactions"
"""What the embedded table is called wherever it is shown."""


def simulated_table(**choices: Any) -> Table:
    """Return the embedded table: 50,492 simulated transactions, 492 of them fraud.

    `choices` are target, rare and ignore of `raregan.data.table.make_table`.
    """
    return make_table(make_card_fraud(random_state=SEED), source=SIMULATED, **choices)


def run_demo(
    folder: str | Path,
    *,
    say: Callable[[str], None],
    epochs: int | None = None,
    progress: Callable[[History, int], None] | None = None,
    command: str = "",
) -> str:
    """Train the default variant on the embedded table and write rows, picture and report.

    Parameters
    ----------
    folder : str or Path
        Gets ``fraud.raregan``, ``synthetic_fraud.csv``, ``pca.png`` and ``report.html``.
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
    table = simulated_table()
    say(table.describe())
    gan = RareGAN(epochs=epochs, random_state=SEED)
    if note := fewer_epochs(gan.variant, gan.get_params(), table):
        say(note)
    say(f"training {gan.variant} on the rare rows")
    gan.fit(table, progress=progress)
    gan.save(folder / MODEL_PATH)

    say("sampling and judging")
    rows = gan.sample(NUM_SAMPLES)
    write_frames([rows], folder / "synthetic_fraud.csv")
    synthetic = rows.drop(table.schema.target.name)
    report = evaluate(table.rare, synthetic, random_state=SEED)
    save_figure(plot_pca(table.rare, synthetic, note=SIMULATED), folder / "pca.png")
    write_report(
        folder / "report.html",
        table.rare,
        synthetic,
        report,
        title=f"Synthetic fraud of {gan.variant}",
        note=SIMULATED_NOTE,
        history=gan.history_,
        facts=[
            ("data", table.describe()),
            ("fingerprint of real rows", table.fingerprint),
            ("variant", gan.variant),
            ("seed of training", SEED),
        ],
        command=command,
    )
    return _summary(folder, report.fidelity, time.perf_counter() - start)


def _summary(folder: Path, fidelity: Fidelity, seconds: float) -> str:
    return f"""
{SIMULATED_NOTE}
Made in {seconds:.0f} s:
  {folder / "synthetic_fraud.csv"}   {fidelity.n_synthetic:,} synthetic frauds
  {folder / "pca.png"}               real and synthetic in one plane
  {folder / "report.html"}           the same and more, interactive
  {folder / MODEL_PATH}         the trained generator

How good they are:
{fidelity.to_text()}

Next, with your own table:
  raregan train YOUR.csv --target COLUMN --output fraud.raregan
  raregan sample fraud.raregan -n {NUM_SAMPLES} -o synthetic_fraud.csv
  raregan evaluate YOUR.csv synthetic_fraud.csv --target COLUMN -o report.html"""
