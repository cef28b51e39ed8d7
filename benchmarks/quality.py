"""How good synthetic rows are, beside SMOTE and others: the table of which the default is chosen.

    python benchmarks/quality.py                          everything: some hours on 2 cores
    python benchmarks/quality.py --table creditcard --only raregan --only SMOTE
    python benchmarks/quality.py --peers PYTHON           also CTGAN and TVAE; PYTHON has ctgan
    python benchmarks/quality.py --tstr --robust 20       also what these two options say
    python benchmarks/quality.py --table creditcard --rare 20      with 20 rare rows to learn from

Tables are the Parquet files in the folder that RAREGAN_DATA names (or ``--data``), and the
simulated ``make_card_fraud()``; Time, identifiers and free text are dropped for all. Per table and
seed, exact copies among the rare rows are dropped, of more than 5,000 that many are drawn, and
70 % of them are trained with; variants of raregan may learn from all other rows too. Each makes
2,000 rows with its default settings, in a process of its own. Rivals are described in `rivals.py`,
judges in `judges.py`. Columns of the result, means over the seeds, columns that are constant in the
rare rows left out:

- forest, boosting, SVM: the AUC with which a classifier tells synthetic rows from held-out real
  ones, equal numbers, 5-fold, mean of 3 draws; 0.5 is perfect. c2st: the mean of the three, and its
  standard error, as if splits shared no rows: five of 70 to 30 do, so the true one is 1.8 times it.
- ks: difference of a column's distribution from the held-out rows, mean over columns.
- corr: difference of a pair's correlation (or association), mean over pairs.
- closer: share of synthetic rows nearer to a training row than to a held-out one; 0.70 is what a
  row that copies nobody gets (with ``--rare``, what the table's title says). copies: share that
  are training rows, to six digits.
- seconds: training, imports and compilation included, + sampling.

Results are kept in ``--results``: what is there is not run again, so an interrupted run goes on
where it stopped, and a changed contestant is measured anew with ``--fresh``. Ends with 1 where a
bar fails, of those that the chosen tables and contestants allow to judge.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from polars import selectors as cs
from rivals import PEERS, RIVALS, peer
from tables import CASES
from tables import SIMULATED as RAW

from raregan.contest.features import plain
from raregan.contest.samplers import UnsuitedError
from raregan.gans.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from raregan.data.schema import Column

N_ROWS, MOST_RARE, TRAIN_SHARE, TSTR_FOLDS = 2_000, 5_000, 0.7, 4
CARDS, SIMULATED, DEFAULT = "creditcard", "card_fraud", "raregan"
TABLES = {name: case for name, case in CASES.items() if name != RAW} | {SIMULATED: CASES[RAW]}
CONTESTANTS = (*RIVALS, *PEERS, DEFAULT, *VARIANTS)
NOT_GANS = ("flow",)
SMOTES = ("SMOTE", "SMOTE with gaps")
TASKS = ("quality", "tstr")
KEY = ("task", "table", "contestant", "seed", "epochs", "rare")
Scores = dict[str, np.ndarray]
Bars = list[tuple[str, bool]]

# --- one contestant, in a process of its own -----------------------------------------------------


class Parts(NamedTuple):
    """Rows of a table, as it holds them: to learn from and to judge by."""

    train: pl.DataFrame
    others: pl.DataFrame
    held: pl.DataFrame
    held_others: pl.DataFrame


def read(name: str, folder: str) -> pl.DataFrame:
    """Return a table without the time, which none may learn from."""
    from raregan import make_card_fraud

    if name == SIMULATED:
        return make_card_fraud()  # which has none
    return pl.read_parquet(Path(folder) / f"{name}.parquet").drop("Time", strict=False)


def load(name: str, folder: str) -> tuple[pl.DataFrame, list[Column]]:
    """Return a table without what none may learn from, and the columns that are judged."""
    from raregan import read_table

    case = TABLES[name]
    frame = read(name, folder).with_columns(cs.float().fill_nan(None))
    columns = read_table(frame, target=case.target, rare=case.rare).schema.columns
    frame = frame.drop(c.name for c in columns if c.kind in ("identifier", "text"))
    return frame, [c for c in columns if c.kind not in ("identifier", "text", "constant")]


def split(frame: pl.DataFrame, is_rare: pl.Expr, seed: int, most: int | None = None) -> Parts:
    """Split the rare rows; `most` of those to learn from are kept, the held-out ones all."""
    rare, others = frame.filter(is_rare).unique(maintain_order=True), frame.filter(~is_rare)
    order = np.random.default_rng(seed).permutation(rare.height)[:MOST_RARE]
    n = round(TRAIN_SHARE * len(order))
    return Parts(rare[order[:n][:most]], others, rare[order[n:]], others.clear())


def fold(frame: pl.DataFrame, is_rare: pl.Expr, number: int) -> Parts:
    """Split both classes, for a detector that is tested on real rows."""
    from sklearn.model_selection import StratifiedKFold

    frame = frame.unique(maintain_order=True)
    labels = frame.select(is_rare).to_series()
    folds = StratifiedKFold(TSTR_FOLDS, shuffle=True, random_state=0)
    train, test = list(folds.split(labels, labels))[number]
    sides = [frame[rows].filter(which) for rows in (train, test) for which in (is_rare, ~is_rare)]
    return Parts(*sides)


def contestant(args: argparse.Namespace) -> dict[str, Any]:
    """Return what one contestant scored on one split of one table."""
    case = TABLES[args.table[0]]
    frame, columns = load(args.table[0], args.data)
    is_rare = pl.col(case.target) == case.rare
    if args.task == "tstr":
        parts = fold(frame, is_rare, args.seed)
    else:
        parts = split(frame, is_rare, args.seed, args.rare)
    n = parts.train.height if args.task == "tstr" else N_ROWS
    try:
        made, seconds = make(args, parts, columns, n)
    except UnsuitedError as reason:
        return {"absent": str(reason)}
    from judges import judge, tested_on_real  # after raregan, whose imports are timed

    train, others, held, held_others = (plain(part, columns) for part in parts)
    if args.task == "tstr":
        return seconds | {"ap": tested_on_real(made, others, held, held_others)}
    sizes = {"train": train.height, "held": held.height, "rows": made.height}
    return sizes | seconds | judge(train, held, made, args.seed)


def make(
    args: argparse.Namespace, parts: Parts, columns: list[Column], n: int
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Return plain synthetic rows, and the seconds they took."""
    name, seed = args.contestant, args.seed
    if name in PEERS:
        train = plain(parts.train, columns)
        return peer(name, args.peers, train, n=n, seed=seed, epochs=args.epochs)
    if name in RIVALS:
        train, others = plain(parts.train, columns), plain(parts.others, columns)
        begun = time.perf_counter()
        made = RIVALS[name](train, others, n, seed)
        return made, {"training": time.perf_counter() - begun, "sampling": 0.0}
    case, chosen = TABLES[args.table[0]], {} if name == DEFAULT else {"variant": name}
    rows = pl.concat([parts.train, parts.others])
    begun = time.perf_counter()
    from raregan import RareGAN

    gan = RareGAN(
        target=case.target, rare=case.rare, epochs=args.epochs, random_state=seed, **chosen
    ).fit(rows)
    trained = time.perf_counter()
    made = gan.sample(n)
    seconds = {"training": trained - begun, "sampling": time.perf_counter() - trained}
    return plain(made, columns), seconds


# --- all of them ---------------------------------------------------------------------------------


def settings(args: argparse.Namespace, task: str, name: str) -> tuple[int | None, int | None]:
    """Return what else a result depends on: epochs, and how many rare rows there were."""
    return None if name in RIVALS else args.epochs, args.rare if task == "quality" else None


class Results:
    """Results that are there already, and the file that each new one is added to."""

    def __init__(self, path: Path, fresh: list[str]) -> None:
        self.path, self.found, self.failures = path, {}, {}
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a run ended while it wrote this
            if entry["contestant"] not in fresh:
                self.found[tuple(entry.get(part) for part in KEY)] = entry
        if len(self.found) != len(lines):
            rest = path.with_suffix(".part")
            rest.write_text("".join(f"{json.dumps(entry)}\n" for entry in self.found.values()))
            rest.replace(path)

    def run(self, args: argparse.Namespace, task: str, table: str, name: str, seed: int) -> None:
        """Measure what is not there yet, and say on stderr what came out."""
        key = (task, table, name, seed, *settings(args, task, name))
        if key in self.found:
            return
        command = [sys.executable, __file__, "--contestant", name, "--task", task]
        command += ["--table", table, "--seed", str(seed)]
        command += ["--data", args.data] if args.data is not None else []
        for option in ("epochs", "rare"):
            value = getattr(args, option)
            command += [f"--{option}", str(value)] if value is not None else []
        command += ["--peers", args.peers] if args.peers is not None else []
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            said = (ended.stderr.strip() or f"status {ended.returncode}").splitlines()[-1]
            self.failures[key] = said
            print(f"{task} {table}, {name}, {seed}: FAILED: {said}", file=sys.stderr, flush=True)
            return
        found = json.loads(ended.stdout.splitlines()[-1])
        self.found[key] = dict(zip(KEY, key, strict=True)) | found
        with self.path.open("a") as file:
            file.write(f"{json.dumps(self.found[key])}\n")
        shown = ", ".join(f"{k} {v:.3g}" for k, v in found.items() if isinstance(v, float))
        print(f"{task} {table}, {name}, {seed}: {shown or found}", file=sys.stderr, flush=True)

    def scores(self, args: argparse.Namespace, *what: str, seeds: Iterable[int]) -> Scores:
        """Return each score by seed, NaN where there is none; nothing where there is none at all.

        `what` is a task, a table and a contestant.
        """
        rest = settings(args, what[0], what[2])
        entries = [self.found.get((*what, seed, *rest), {}) for seed in seeds]
        names = {k for e in entries for k, v in e.items() if isinstance(v, int | float)}
        return {
            name: np.array([entry.get(name, np.nan) for entry in entries])
            for name in names - set(KEY)
        }


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean and its standard error, 0 for that of a single value."""
    values = values[~np.isnan(values)]
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), float(error)


HEADER = (
    *("contestant", "c2st forest", "boosting", "SVM", "c2st ± s.e."),
    *("ks", "corr", "closer", "copies", "seconds"),
)


def table_of(title: str, found: dict[str, Scores], seeds: int) -> list[str]:
    """Return the Markdown table of one table of data."""
    first = next((scores for scores in found.values() if scores), None)
    sizes = "nothing measured"
    if first:
        train, held = (int(np.nanmax(first[side])) for side in ("train", "held"))
        sizes = (
            f"{train:,} rare rows to learn from, {held:,} held out, seeds: {seeds}; closer of a "
        )
        sizes += f"row that copies nobody: {train / (train + held):.2f}"
    lines = [f"\n### {title}: {sizes}\n", f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|"]
    for name, scores in found.items():
        if not scores:
            lines.append(f"| {name} |{' - |' * (len(HEADER) - 1)}")
            continue
        done = int((~np.isnan(scores["mean"])).sum())
        means = {score: mean_and_error(values)[0] for score, values in scores.items()}
        cells = [name if done == seeds else f"{name} ({done} of {seeds} seeds)"]
        cells += [f"{means[judge]:.3f}" for judge in ("forest", "boosting", "SVM")]
        cells += [shown(scores["mean"])]
        cells += [f"{means[score]:.3f}" for score in ("ks", "corr")]
        cells += [f"{means['closer']:.2f}", f"{means['copies']:.3f}"]
        cells += [f"{means['training']:.1f} + {means['sampling']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def shown(values: np.ndarray) -> str:
    mean, error = mean_and_error(values)
    return f"{mean:.3f} ± {error:.3f}" if len(values) > 1 else f"{mean:.3f}"


def summary(found: dict[str, dict[str, Scores]]) -> list[str]:
    """Return c2st and closer of every contestant on every table."""
    names = list(dict.fromkeys(name for by_name in found.values() for name in by_name))
    lines = ["\n### c2st / closer\n", f"| table | {' | '.join(names)} |"]
    lines.append("|---" * (1 + len(names)) + "|")
    for table, by_name in found.items():
        cells = []
        for name in names:
            scores = by_name.get(name)
            pair = [mean_and_error(scores[s])[0] for s in ("mean", "closer")] if scores else None
            cells.append(f"{pair[0]:.3f} / {pair[1]:.2f}" if pair else "-")
        lines.append(f"| {table} | {' | '.join(cells)} |")
    return lines


# --- the bars ------------------------------------------------------------------------------------


def card_bars(found: dict[str, Scores]) -> Bars:
    """Judge the default and the best GAN on the public card-fraud table."""
    bars: Bars = []
    for score, bar in (("mean", 0.60), ("closer", 0.78), ("corr", 0.103), ("training", 30)):
        if found.get(DEFAULT):
            mean = mean_and_error(found[DEFAULT][score])[0]
            label = {"mean": "c2st", "training": "seconds of training"}.get(score, score)
            bars.append((f"{CARDS}: {label} of {DEFAULT} {mean:.3f}, at most {bar}", mean <= bar))
    gans = {name: found[name] for name in VARIANTS if name not in NOT_GANS and found.get(name)}
    if gans:
        pairs = {n: [mean_and_error(s[k])[0] for k in ("mean", "closer")] for n, s in gans.items()}
        # the best of those that do not copy, if there are any
        best = min(pairs, key=lambda name: (pairs[name][1] > 0.78, pairs[name][0]))
        area, near = pairs[best]
        text = f"{CARDS}: best GAN is {best}: c2st {area:.3f}, at most 0.635; closer {near:.2f}"
        bars.append((f"{text}, at most 0.78", area <= 0.635 and near <= 0.78))
    return bars


def beats(ours: Scores, theirs: Scores) -> tuple[str, bool]:
    """Whether rows are as hard to tell from real ones as a rival's, and fewer of them copies."""
    difference, error = mean_and_error(ours["mean"] - theirs["mean"])
    nearer = mean_and_error(ours["closer"] - theirs["closer"])[0]
    text = f"c2st {difference:+.3f} ± {error:.3f}, closer {nearer:+.2f}"
    return text, difference <= error and nearer <= -0.08


def smote_bars(found: dict[str, dict[str, Scores]]) -> tuple[list[str], Bars]:
    """Compare the default with SMOTE by seed; on 7 of 10 tables it has to be better."""
    lines, kept, judged = [], 0, 0
    for table, by_name in found.items():
        rivals = [name for name in SMOTES if by_name.get(name)]
        if not by_name.get(DEFAULT) or not rivals:
            continue
        pairs = {name: beats(by_name[DEFAULT], by_name[name]) for name in rivals}
        good = all(better for _, better in pairs.values())
        kept, judged = kept + good, judged + 1
        texts = "; ".join(f"against {name} {text}" for name, (text, _) in pairs.items())
        lines.append(f"- {table}: {DEFAULT} {texts}: {'better' if good else 'NOT better'}")
    missed, most = judged - kept, len(TABLES) - 7
    if not judged:
        return [], []
    if kept < 7 and missed <= most:
        return [*lines, f"- better on {kept} of {judged}: too few tables to judge the bar"], []
    return lines, [(f"better than SMOTE on {kept} of {judged} tables, at least 7", kept >= 7)]


def other_bars(found: dict[str, dict[str, Scores]], results: Results) -> Bars:
    """Judge the default against the peers, and whether it ever fails or takes too long."""
    bars: Bars = []
    for name in PEERS:
        pairs = {t: (s.get(DEFAULT), s.get(name)) for t, s in found.items()}
        pairs = {t: pair for t, pair in pairs.items() if all(pair)}
        worse = [t for t, (a, b) in pairs.items() if mean_and_error(a["mean"] - b["mean"])[0] >= 0]
        if pairs:
            text = f"lower c2st than {name} on {len(pairs) - len(worse)} of {len(pairs)} tables"
            bars.append((f"{text}{': not on ' if worse else ''}{', '.join(worse)}", not worse))
    slowest = {t: np.nanmax(s[DEFAULT]["training"]) for t, s in found.items() if s.get(DEFAULT)}
    failed = [f"{key[1]} {key[3]}" for key in results.failures if key[2] == DEFAULT]
    if slowest or failed:
        table = max(slowest, key=slowest.get, default="-")
        text = (
            f"{DEFAULT} never fails, nor trains for over 300 s (most: {slowest.get(table, 0):.0f} s"
        )
        text += f", {table}){': failed on ' if failed else ''}{', '.join(failed)}"
        bars.append((text, not failed and slowest.get(table, 0) <= 300))
    return bars


def tstr_bars(args: argparse.Namespace, table: str, results: Results) -> tuple[list[str], Bars]:
    """Compare detectors that learned from synthetic rows with one that learned from real ones."""
    bars: Bars = []
    scores = {
        name: results.scores(args, "tstr", table, name, seeds=range(TSTR_FOLDS)).get("ap")
        for name in tstr_names(args)
    }
    real = scores.pop("training rows")
    if real is None:
        return [f"- {table}: the training rows themselves failed"], [(f"{table}: TSTR", False)]
    lines = [f"- {table}: average precision from real rare rows {shown(real)}"]
    for name, values in scores.items():
        if values is None:
            continue
        share = float(np.mean(values) / np.mean(real))
        lines.append(f"- {table}: from rows of {name} {shown(values)}, {100 * share:.1f} %")
        if name == DEFAULT and table == CARDS:
            text = f"{CARDS}: TSTR of {name} {100 * share:.1f} %, at least 98.5 %"
            bars.append((text, share >= 0.985))
    return lines, bars


def tstr_names(args: argparse.Namespace) -> list[str]:
    return list(dict.fromkeys(["training rows", *(args.only or (DEFAULT, "SMOTE"))]))


def robust_bar(args: argparse.Namespace, results: Results) -> Bars:
    scores = results.scores(args, "quality", CARDS, DEFAULT, seeds=range(args.robust))
    values = scores.get("mean", np.full(1, np.nan))
    gap = float(np.max(values) - np.median(values))  # NaN, and a failed bar, if a seed failed
    text = f"{CARDS}: worst c2st of {args.robust} seeds {np.max(values):.3f}, {gap:.3f} over the"
    return [(f"{text} median, at most 0.05", gap <= 0.05)]


def judged_bars(
    args: argparse.Namespace, found: dict[str, dict[str, Scores]], results: Results
) -> tuple[list[str], Bars]:
    said, bars = smote_bars(found)
    bars = card_bars(found.get(CARDS, {})) + bars + other_bars(found, results)
    for table in args.table if args.tstr else ():
        more, judged = tstr_bars(args, table, results)
        said, bars = said + more, bars + judged
    return said, bars + (robust_bar(args, results) if args.robust else [])


# --- the way through -----------------------------------------------------------------------------


def measure(args: argparse.Namespace, results: Results) -> dict[str, dict[str, Scores]]:
    """Run what is not there yet, seed by seed, and return all scores by table and contestant."""
    names = args.only or [n for n in CONTESTANTS if n not in PEERS or args.peers is not None]
    for seed in range(args.seeds):
        for table in args.table:
            for name in names:
                results.run(args, "quality", table, name, seed)
    for table in args.table if args.tstr else ():
        for number in range(TSTR_FOLDS):
            for name in tstr_names(args):
                results.run(args, "tstr", table, name, number)
    for seed in range(args.robust):
        results.run(args, "quality", CARDS, DEFAULT, seed)
    seeds = range(args.seeds)
    return {
        table: {n: results.scores(args, "quality", table, n, seeds=seeds) for n in names}
        for table in args.table
    }


def report(args: argparse.Namespace, results: Results) -> Bars:
    """Measure, print and write everything; return the bars that can be judged."""
    found = measure(args, results)
    lines: list[str] = []
    if args.seeds:
        lines = [line for table, s in found.items() for line in table_of(table, s, args.seeds)]
        lines += summary(found)
    bars: Bars = []
    if args.rare is None:
        said, bars = judged_bars(args, found, results)
        lines += ["\n### Bars\n", *said]
        lines += [f"- {'kept' if kept else 'FAILED'}: {text}" for text, kept in bars]
    lines += [f"- failed: {' '.join(map(str, k))}: {v}" for k, v in results.failures.items()]
    text = "\n".join(lines).strip()
    print(text, flush=True)
    if args.markdown:
        args.markdown.write_text(f"{text}\n")
    if args.json:
        means = {
            table: {n: {k: mean_and_error(v) for k, v in s.items()} for n, s in by_name.items()}
            for table, by_name in found.items()
        }
        written = {"scores": means, "bars": [{"bar": t, "kept": bool(k)} for t, k in bars]}
        args.json.write_text(f"{json.dumps(written, indent=1)}\n")
    return bars


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--table", action="append", choices=TABLES, help="this table; repeatable")
    add("--only", action="append", choices=CONTESTANTS, help="this contestant; repeatable")
    add("--seeds", type=int, default=5, help="splits of each table; 0: TSTR alone")
    add("--peers", metavar="PYTHON", help="the Python of an environment that has ctgan")
    add("--epochs", type=int, help="fewer, for a quick try; kept apart from full results")
    add("--rare", type=int, metavar="N", help="keep N rare rows to learn from; no bar is judged")
    add("--tstr", action="store_true", help="train on synthetic rows, test on real")
    add("--robust", type=int, default=0, metavar="N", help=f"{DEFAULT} with N seeds: {CARDS}")
    add("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of tables")
    add("--results", type=Path, default=Path("quality.jsonl"), help="where results are kept")
    add("--fresh", action="append", default=[], choices=CONTESTANTS, help="measure this anew")
    add("--markdown", type=Path, help="write the tables and bars here too")
    add("--json", type=Path, help="write [mean, standard error] of every score here")
    add("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    add("--task", choices=TASKS, default="quality", help=argparse.SUPPRESS)
    add("--seed", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.table = args.table or list(TABLES)
    if args.data is None and ({*args.table} != {SIMULATED} or args.robust):
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    if args.peers is None and {*PEERS} & {*(args.only or ())}:
        parser.error(f"{' and '.join(PEERS)} want --peers, a Python that has the package ctgan")
    return args


def main() -> None:
    args = parse()
    if args.contestant:
        import warnings

        from raregan.errors import RareGANWarning

        warnings.simplefilter("ignore", RareGANWarning)
        print(json.dumps(contestant(args)))
        return
    failed = [text for text, kept in report(args, Results(args.results, args.fresh)) if not kept]
    if failed:
        sys.exit(f"a bar fails: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
