"""Does it help? The contest of `raregan compare` on every table, and with fewer rare rows.

    python benchmarks/utility.py                              every table, some hours on 2 cores
    python benchmarks/utility.py --table mammography --learners logistic
    python benchmarks/utility.py --curve                      creditcard, 20 to all rare rows
    python benchmarks/utility.py --write docs                 also evidence.md and .png there

Tables are those of `quality.py`. Each is dealt into 5 folds, twice; all that learns does so inside
a fold, see docs/contest.md. What is finished is kept in ``--results``, a file a contest, so that an
interrupted run goes on. A table of the result has a line a contestant and a column a learner: the
average precision of the untouched table, then what each gains on it, in points, with the interval
of all comparisons together; **bold** where that excludes 0, for a loss as well.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from quality import CARDS, SIMULATED, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raregan import Comparison
    from raregan.contest.verdict import Standing

FEWER = (20, 50, 100, 200, None)
FOLDS, CURVE_FOLDS = (5, 2), (2, 6)  # parts, and how often the table is dealt
SCORE = "average_precision"
WIDE = 1.0  # an interval of this half-width says nothing: there were two folds


def load(name: str, folder: str) -> pl.DataFrame:
    if name == SIMULATED:
        from raregan import make_card_fraud

        return make_card_fraud()
    return pl.read_parquet(Path(folder) / f"{name}.parquet").drop("Time", strict=False)


def contest(args: argparse.Namespace, name: str, n_rare: int | None) -> Comparison:
    """Hold one contest, or go on with it."""
    from raregan import compare

    case = TABLES[name]
    args.results.mkdir(parents=True, exist_ok=True)
    folds, repeats = CURVE_FOLDS if args.curve else FOLDS
    return compare(
        load(name, args.data),
        target=case.target,
        rare=case.rare,
        constraints=case.constraints,
        learners=args.learners,
        contestants=args.contestants,
        folds=args.folds or folds,
        repeats=args.repeats or repeats,
        n_rare=n_rare,
        minutes=args.minutes,
        n_jobs=args.jobs,
        ledger=args.results / f"{name}-{n_rare or 'all'}.jsonl",
    )


def contests(args: argparse.Namespace) -> Iterator[tuple[str, Comparison]]:
    for name in [CARDS] if args.curve else args.table:
        for n_rare in FEWER if args.curve else (None,):
            title = name if n_rare is None else f"{name}, {n_rare} rare rows to learn from"
            yield title, contest(args, name, n_rare)


def table_of(found: Comparison) -> list[str]:
    """Return a line a contestant, a column a learner."""
    learners = list(dict.fromkeys(one.learner for one in found.standings))
    names = list(dict.fromkeys(one.contestant for one in found.standings))
    by_pair = {(one.contestant, one.learner): one for one in found.standings}
    lines = [f"| | {' | '.join(learners)} | seconds a fold |", "|---" * (len(learners) + 2) + "|"]
    for name in names:
        own = [by_pair[name, learner] for learner in learners]
        if not any(one.n for one in own):
            continue
        cells = [cell(one) for one in own]
        seconds = max(one.seconds for one in own)
        lines.append(f"| {name} | {' | '.join(cells)} | {seconds:.1f} |")
    return lines


def cell(one: Standing) -> str:
    """Return average precision where nothing is done, and the gain on that elsewhere."""
    if not one.n:
        return "-"
    if one.contestant == "nothing":
        return f"{one.scores[SCORE]:.3f}"
    gain = one.gains["nothing"]
    if gain.high - gain.low > 2 * WIDE:
        return f"{100 * gain.mean:+.1f}"
    text = f"{100 * gain.mean:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    return f"**{text}**" if gain.low > 0 or gain.high < 0 else text


def report(args: argparse.Namespace) -> list[str]:
    lines, points = [], []
    for title, found in contests(args):
        part = [f"\n### {title}\n", found.describe(), "", *table_of(found), "", found.verdict.text]
        print("\n".join(part), flush=True)
        lines += part
        points.append(found)
    if args.curve and args.write:
        draw(points, args.write / "evidence.png")
    return lines


def draw(points: list[Comparison], path: Path) -> None:
    """Draw average precision by rare rows to learn from, a panel a learner."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    learners = list(dict.fromkeys(one.learner for one in points[0].standings))
    figure, panels = plt.subplots(1, len(learners), figsize=(4.2 * len(learners), 3.6), sharey=True)
    for learner, panel in zip(learners, panels, strict=True):
        for name in dict.fromkeys(one.contestant for one in points[0].standings):
            found = {p.options["n_rare"] or p.n_rare: one for p in points for one in p.standings
                     if (one.contestant, one.learner) == (name, learner) and one.n}  # fmt: skip
            scores = [one.scores[SCORE] for one in found.values()]
            width = 2.4 if name in ("nothing", "flow") else 1.0
            panel.plot(list(found), scores, marker="o", markersize=3, linewidth=width, label=name)
        panel.set(xscale="log", title=learner, xlabel="rare rows to learn from")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("average precision")
    panels[-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


HEAD = """# Does it help? On the record

Written by `python benchmarks/utility.py --write docs`. How a contest is held, and what its
intervals mean, says [contest.md](contest.md). The first line of a table is the average precision of
the table as it is; the others are what is gained on that, in points, with the interval of all
comparisons together. **Bold** excludes 0.
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of the tables")
    add("--results", type=Path, default=Path("utility"), help="folder of what is finished")
    add("--table", action="append", choices=TABLES)
    add("--curve", action="store_true", help=f"{CARDS} with fewer rare rows to learn from")
    add("--learners", action="append")
    add("--contestants", action="append")
    add("--folds", type=int)
    add("--repeats", type=int)
    add("--minutes", type=float, help="a contest; what is missing then is left out")
    add("--jobs", type=int, default=-1)
    add("--write", type=Path, metavar="FOLDER", help="write evidence.md and evidence.png here")
    args = parser.parse_args()
    args.table = args.table or list(TABLES)
    if args.data is None and ({*args.table} != {SIMULATED} or args.curve):
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    return args


def main() -> None:
    args = parse()
    lines = report(args)
    if args.write:
        (args.write / "evidence.md").write_text("\n".join([HEAD, *lines]) + "\n")


if __name__ == "__main__":
    main()
