"""Does it help? The contest of `raregan compare` on every table, and with fewer rare rows.

    python benchmarks/utility.py                              all of it: many hours of a core
    python benchmarks/utility.py --table mammography --learners logistic
    python benchmarks/utility.py --curve                      creditcard, 20 to all rare rows
    python benchmarks/utility.py --write docs                 also evidence.md and .png there
    python benchmarks/utility.py --minutes 0 --write docs     of what is finished, and no more

Tables are those of `quality.py`, and one of them again with rules. Each is dealt into 5 folds,
twice, and all else is what `raregan compare` does by default; all that learns does so inside a
fold, see docs/contest.md. The curve: 3 folds dealt twice, so 6 trainings on two thirds of the
table, of whose rare rows some are kept; 10 new rows for a rare one. What is finished is kept in
``--results``, a file a contest, so that an interrupted run goes on; those in benchmarks/evidence
are the records of docs/evidence.md. A table of the result has a line a contestant and a column a
learner: the average precision of the untouched table, then what each gains on it, in points, with
the interval of all comparisons on nothing together; **bold** where that excludes 0, for a loss as
well.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from quality import CARDS, SIMULATED, TABLES, read

from raregan.atomic import write_whole
from raregan.contest.contestants import CONTESTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raregan import Comparison
    from raregan.contest.intervals import Interval
    from raregan.contest.standings import Standing

PLAIN, RULED = "paysim_sample", "paysim_sample_ruled"
RULES = ("amount + newbalanceOrig == oldbalanceOrg", "oldbalanceDest <= newbalanceDest")
PLAYED = TABLES | {RULED: TABLES[PLAIN]._replace(constraints=RULES)}
FOLDS = {"folds": 5, "repeats": 2}
CURVE = {
    "folds": 3,
    "repeats": 2,
    "amounts": [10],
    "contestants": ["over-sampling", "smote", "copula", "flow"],
}
EVIDENCE = Path(__file__).parent / "evidence"
FEWER = (20, 50, 100, 200, None)
SCORE, RECALL = "average_precision", "recall_at_0.1%"
WIDE = 1.0  # an interval of this half-width says nothing: there were two folds
IN_A_MOMENT = 1e-6  # minutes: no part is begun


class Held(NamedTuple):
    """A contest that was held."""

    table: str
    n_rare: int | None
    found: Comparison

    @property
    def n_learned(self) -> int:
        """Rare rows to learn from in a fold."""
        share = 1 - 1 / self.found.options["folds"]
        return self.n_rare or round(share * self.found.n_rare)

    @property
    def title(self) -> str:
        """Name of the table, and how many of its rare rows are left to learn from."""
        if self.found.options["folds"] == FOLDS["folds"]:
            return self.table
        all_of = "" if self.n_rare else "all "
        return f"{self.table}, {all_of}{self.n_learned} rare rows to learn from"

    @property
    def rules(self) -> list[str]:
        """Rules that raregan's rows keep."""
        return list(self.found.options["options"].get("constraints", ()))

    @property
    def is_calibrated(self) -> bool:
        """Whether there are scores of recalibrated probabilities."""
        return all("brier" in one.scores for one in self.found.standings if one.n)

    @property
    def learners(self) -> list[str]:
        """Names, in their order."""
        return list(dict.fromkeys(one.learner for one in self.found.standings))

    @property
    def contestants(self) -> list[str]:
        """Names, in their order."""
        return list(dict.fromkeys(one.contestant for one in self.found.standings))

    def standing(self, contestant: str, learner: str) -> Standing:
        """Return how a contestant did with a learner."""
        pairs = {(one.contestant, one.learner): one for one in self.found.standings}
        return pairs[contestant, learner]


def contest(
    args: argparse.Namespace, name: str, n_rare: int | None = None, *, ledger: str, **options: Any
) -> Held | None:
    """Hold one contest, or go on with it; None where nothing of it is there, nor to be played."""
    from raregan import compare

    case = PLAYED[name]
    args.results.mkdir(parents=True, exist_ok=True)
    own = {"learners": args.learners, "contestants": args.contestants, "repeats": args.repeats}
    own = {key: value for key, value in own.items() if value is not None}
    options |= own
    for key in ("learners", "repeats"):  # of another contest; contestants may be added
        if key in own:
            ledger += f"-{'-'.join(map(str, own[key] if key == 'learners' else [own[key]]))}"
    path = args.results / f"{ledger}.jsonl"
    if args.minutes == 0 and not path.exists():
        return None
    found = compare(
        read(PLAIN if name == RULED else name, args.data),
        target=case.target,
        rare=case.rare,
        constraints=case.constraints,
        n_rare=n_rare,
        minutes=args.minutes if args.minutes is None else args.minutes or IN_A_MOMENT,
        n_jobs=args.jobs,
        ledger=path,
        **options,
    )
    if found.is_whole:
        drop_curves(path)
    return Held(name, n_rare, replace(found, source=name))


def drop_curves(path: Path) -> None:
    """Leave the curves out of the records of a contest, which no table shows: half of the file."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    kept = [[record | {"curves": {}} for record in json.loads(line)] for line in lines]
    write_whole(path, "".join(f"{line}\n" for line in (head, *map(json.dumps, kept))).encode())


# --- tables ---------------------------------------------------------------------------------------


def lines_of(held: Held) -> list[str]:
    """Return all about one contest."""
    found = held.found
    told = [f"raregan's rows keep `{rule}`" for rule in held.rules] + list(found.notes)
    notes = ["", "; ".join(told) + "."] if told else []
    head = [f"\n### {held.title}\n", found.describe(), "", *gains_of(held)]
    return [*head, *notes, "", found.verdict.text]


def gains_of(held: Held) -> list[str]:
    """Return a line a contestant, a column a learner."""
    lines = [f"| | {' | '.join(held.learners)} | seconds a fold |"]
    lines += ["|---" * (len(held.learners) + 2) + "|"]
    for name in held.contestants:
        own = [held.standing(name, learner) for learner in held.learners]
        if any(one.n for one in own):
            seconds = sum(one.seconds for one in own)
            lines.append(f"| {name} | {' | '.join(map(cell, own))} | {seconds:.0f} |")
    return lines


def cell(one: Standing) -> str:
    """Return average precision where nothing is done, and the gain on that elsewhere."""
    if not one.n:
        return "-"
    if one.contestant == "nothing":
        return f"{one.scores[SCORE]:.3f}"
    return show(one.gains["nothing"]) if "nothing" in one.gains else "-"


def show(gain: Interval) -> str:
    if gain.high - gain.low > 2 * WIDE:
        return f"{100 * gain.mean:+.1f}"
    text = f"{100 * gain.mean:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    return f"**{text}**" if gain.low > 0 or gain.high < 0 else text


def rivals_of(held: Held) -> tuple[list[str], list[str]]:
    """Return raregan's contestants, and the others: those who do nothing too."""
    ours = [name for name in held.contestants if CONTESTANTS[name].way == "learn"]
    return ours, [name for name in held.contestants if name not in ours]


def gained(held: Held, contestant: str, learner: str) -> float:
    """Return the mean gain on doing nothing, whatever folds were played."""
    gains = held.standing(contestant, learner).gains
    return gains["nothing"].mean if "nothing" in gains else 0.0


def beside_best(held: Held, learner: str) -> tuple[str, Interval] | None:
    """Return the best of the others, and what raregan's best gains on it.

    The interval holds for any of either side and all learners of the table together.
    """
    sides = [
        [name for name in names if held.standing(name, learner).n] for names in rivals_of(held)
    ]
    if not all(sides):
        return None
    ours, best = (max(names, key=lambda name: gained(held, name, learner)) for names in sides)
    n_tests = len(sides[0]) * len(sides[1]) * len(held.learners)
    return best, held.found.gain(ours, best, learner, n_tests=n_tests)


def overview(contests: list[Held]) -> list[str]:
    """Return a line a contest: the verdict, and raregan beside the best of the others."""
    learners = contests[0].learners
    lines = [f"| | rare rows to learn from | what to use | {' | '.join(learners)} |"]
    lines += ["|---" * (len(learners) + 3) + "|"]
    gains: list[Interval] = []
    for held in contests:
        cells = []
        for learner in learners:
            if (beside := beside_best(held, learner)) is None:
                cells.append("-")
                continue
            cells.append(f"{show(beside[1])} on {beside[0]}")
            if held.table != RULED:
                gains.append(beside[1])
        sure = {f"{name} with {key}" for key, name in held.found.verdict.by_learner.items()
                if name != "keep"}  # fmt: skip
        advice = held.found.verdict.recommendation
        advice += f" (sure gain: {', '.join(sorted(sure))})" if sure else ""
        found = held.found
        part = "" if found.is_whole else f" ({found.n_done} of {found.n_tasks} parts)"
        first = f"{held.table}{part} | {held.n_learned:,} | {advice}"
        lines.append(f"| {first} | {' | '.join(cells)} |")
    said = (
        f"Of {len(gains)} pairs of a table and a learner raregan has the highest mean in "
        f"{sum(gain.mean > 0 for gain in gains)}; beyond doubt it is ahead of the best of the "
        f"others in {sum(gain.is_gain for gain in gains)}, behind it in "
        f"{sum(gain.high < 0 for gain in gains)}."
    )
    foot = ["", RULED_FOOT] if any(held.table == RULED for held in contests) else []
    return [*lines, "", said, *foot]


def hold(contests: Iterator[Held | None]) -> list[Held]:
    """Hold contests, print each, and return those that have scores."""
    found = []
    for held in filter(None, contests):
        print(held.found.describe(), held.found.verdict.text, sep="\n", flush=True)
        if "nothing" in held.contestants:
            found.append(held)
    return found


def report(args: argparse.Namespace) -> Iterator[str]:
    """Hold the contests, and yield the lines of the page."""
    tables = hold(contest(args, name, ledger=name, **FOLDS) for name in args.table or ())
    points = hold(
        contest(args, CARDS, n_rare, ledger=f"curve-{n_rare or 'all'}", **CURVE)
        for n_rare in (FEWER if args.curve else ())
    )
    if old := [held.title for held in (*tables, *points) if not held.is_calibrated]:
        yield OLD.format("; ".join(old))
    if tables:
        yield from [TABLES_HEAD, *overview(tables)]
    if points:
        yield from [CURVE_HEAD, *overview(points)]
        if len(points) > 1 and args.write:
            draw(points, args.write / "evidence.png")
            yield PICTURE
        for held in points:
            yield from [*lines_of(held), "", recall_of(held)]
    if tables:
        yield "\n## Table by table"
        for held in tables:
            yield from lines_of(held)


def recall_of(held: Held) -> str:
    """Return the recall at 1 false alarm in 1,000, of each contestant with each learner."""
    cells = [
        f"{name} "
        + " / ".join(f"{held.standing(name, one).scores[RECALL]:.3f}" for one in held.learners)
        for name in held.contestants
        if all(held.standing(name, one).n for one in held.learners)
    ]
    return f"Recall at 0.1 % false positives ({' / '.join(held.learners)}): {'; '.join(cells)}."


def draw(points: list[Held], path: Path) -> None:
    """Draw what is gained by rare rows to learn from, a panel a learner."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    learners = points[0].learners
    figure, panels = plt.subplots(1, len(learners), figsize=(4.2 * len(learners), 3.6), sharey=True)
    for learner, panel in zip(learners, panels, strict=True):
        for name in points[0].contestants:
            if name == "nothing":
                continue
            there = [held for held in points if name in held.contestants]
            own = [(held, held.standing(name, learner)) for held in there]
            own = [(held, one) for held, one in own if "nothing" in one.gains]
            places = [held.n_learned for held, _ in own]
            gains = [100 * one.gains["nothing"].mean for _, one in own]
            width = 2.4 if CONTESTANTS[name].way == "learn" else 1.0
            panel.plot(places, gains, marker="o", markersize=3, linewidth=width, label=name)
        panel.axhline(0, color="black", linewidth=0.8)
        panel.set(xscale="log", title=learner, xlabel="rare rows to learn from")
        known = [held.n_learned for held in points]
        panel.set_xticks(known, [f"{n:,}" for n in known])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("gain on nothing, points of average precision")
    panels[-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


HEAD = """# Does it help? On the record

Written by `python benchmarks/utility.py --minutes 0 --write docs` from the records in
`benchmarks/evidence` (without `--minutes 0` it also plays what is missing there, for many hours):
of contests on public tables of frauds, defaults and other rare classes, and on the simulated
`card_fraud`. How a contest is held, and what its intervals mean, says [contest.md](contest.md);
what the tables are, [experiments.md](experiments.md#the-tables). In each fold at most 10,000 of the
others are learned from, whoever plays: who trains on more has another "nothing" than this. All
gains are points of average precision; intervals are made to hold 95 times in 100 for all
comparisons with one baseline, or with the best of the others, of their table together. **Bold**
excludes 0, which is what "sure" and "beyond doubt" mean here, be it a gain or a loss: in the tables
of one contest on `nothing` alone, where what is recommended has to beat class weights too.

Tables are read from the folder that `RAREGAN_DATA` names, as Parquet files of these names.
"""

OLD = """
Recalibrated probabilities have no records of: {}. These contests were held before calibration was
corrected, which average precision and recall do not depend on.
"""

TABLES_HEAD = """
## All tables

What to use is the verdict of `raregan compare`; "keep" is the table as it is, or class weights. The
last columns are what raregan's rows gain on the best of all others, which may be to do nothing.
Which of these is best is read from the same folds, which favours the best of the others.
"""

CURVE_HEAD = """
## With fewer rare rows

`creditcard`, two thirds of it to learn from, and of the rare rows there as many as are named; 10
new rows for each of them. Six trainings: `raregan compare creditcard.parquet --target Class
--ignore Time --contestants over-sampling,smote,copula,flow --n-rare 20 --amounts 10 --folds 3
--repeats 2`.
"""

RULED_FOOT = f"""\
`{RULED}`, which is not counted, is `{PLAIN}` with two rules that raregan's rows keep
(`--constraint`): those that `raregan inspect` lists of the whole table, as nearly all frauds keep
them. Copies of rows that add up, and rows between two of them, add up by themselves; what is drawn
from a distribution does so only if told."""

PICTURE = """
![What is gained on the untouched table, by rare rows to learn from](evidence.png)
"""

TAIL = """
## What others found

- Elor and Averbuch-Elor, "To SMOTE, or not to SMOTE?" (arXiv 2201.08528), 73 tables: balancing
  helps weak learners, not strong boosting; with the threshold chosen well nothing is gained.
- Sakho, Malherbe and Scornet (arXiv 2402.03819), 13 tables: doing nothing is competitive with a
  tuned learner; more extreme imbalance favours oversampling.
- CLIMB (NeurIPS 2025, arXiv 2505.17451), 73 tables and 29 methods: naive balancing often hurts;
  ensembles on under-sampled rows are robust.
- Manousakas and Aydöre (arXiv 2306.15636): deep generators add marginal gains, without enough
  evidence.
- Resampling damages probabilities (arXiv 2404.19494): recalibrate on real rows, as the contest
  does.
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of the tables")
    add("--results", type=Path, default=EVIDENCE, help="folder of what is finished")
    add("--table", action="append", choices=PLAYED)
    add("--curve", action="store_true", help=f"{CARDS} with fewer rare rows to learn from")
    add("--learners", action="append")
    add("--contestants", action="append")
    add("--repeats", type=int, help="how often a table is dealt")
    add("--minutes", type=float, help="a contest; what is missing then is left out")
    add("--jobs", type=int, default=-1)
    add("--write", type=Path, metavar="FOLDER", help="write evidence.md and evidence.png here")
    args = parser.parse_args()
    if not args.table and not args.curve:
        args.table, args.curve = list(PLAYED), True
    if args.data is None and ({*(args.table or ())} != {SIMULATED} or args.curve):
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    return args


def main() -> None:
    args = parse()
    if args.write:
        args.write.mkdir(parents=True, exist_ok=True)
    page = "\n".join([HEAD.rstrip(), *report(args), TAIL])
    print(page)
    if args.write:
        (args.write / "evidence.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
