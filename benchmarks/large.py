"""A table larger than memory: 50,000,000 rows in Parquet files, read for their rare rows.

    python benchmarks/large.py --folder DIR                 all parts simulated; 2 GB of disk
    python benchmarks/large.py --folder DIR --distinct 4    4 parts simulated and copied: quicker

Parts that are missing in the folder are written: a million rows each, 1,000 of them frauds, by
``make_card_fraud(features="raw")``. Then, each in a process of its own, imports excluded and the
files read once before, so that all find them cached:

- count: polars counts the rare rows, streaming: it reads one column.
- every column: polars adds up all numbers and the lengths of all texts, streaming.
- raregan: ``read_table(folder, target="Class", rare=1)``.

Ends with 1 where raregan's peak memory is 1.5 GB or more.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PART_ROWS, PART_FRAUDS = 1_000_000, 1_000
PROCESSES = 2
MOST_GB = 1.5

# --- the folder ----------------------------------------------------------------------------------


def part_path(folder: Path, i: int) -> Path:
    return folder / f"part-{i:05}.parquet"


def write_part(folder: Path, i: int) -> None:
    from raregan import make_card_fraud

    path = part_path(folder, i)
    partial_path = path.with_suffix(".partial")
    frame = make_card_fraud(PART_ROWS, PART_FRAUDS, features="raw", random_state=i)
    frame.write_parquet(partial_path)
    partial_path.rename(path)


def write_parts(folder: Path, n_parts: int, distinct: int) -> None:
    """Simulate the first parts, where they are not there, and copy them for the others."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [i for i in range(min(distinct, n_parts)) if not part_path(folder, i).exists()]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, max_tasks_per_child=1) as pool:
        list(pool.map(partial(write_part, folder), todo))
    for i in range(distinct, n_parts):
        if not part_path(folder, i).exists():
            partial_path = part_path(folder, i).with_suffix(".partial")
            shutil.copyfile(part_path(folder, i % distinct), partial_path)
            partial_path.rename(part_path(folder, i))
    found = len(list(folder.glob("*.parquet")))
    if found != n_parts:
        sys.exit(f"the folder holds {found} parts, not {n_parts}: empty it, or give another one")


def read_once(folder: Path) -> int:
    """Let the system cache the files; return their bytes."""
    n_bytes = 0
    for path in sorted(folder.glob("*.parquet")):
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(1 << 22):
                n_bytes += len(chunk)
    return n_bytes


# --- the contestants: each returns a function that reads and says what it found -------------------


def count(folder: str) -> Callable[[], str]:
    import polars as pl

    query = pl.scan_parquet(f"{folder}/*.parquet").filter(pl.col("Class") == 1).select(pl.len())
    return lambda: f"{query.collect(engine='streaming').item():,} rare rows"


def every_column(folder: str) -> Callable[[], str]:
    import polars as pl
    from polars import selectors as cs

    table = pl.scan_parquet(f"{folder}/*.parquet")
    sums = cs.by_dtype(pl.String).str.len_bytes().cast(pl.UInt64).sum()
    query = table.select(sums, cs.exclude(cs.by_dtype(pl.String)).cast(pl.Float64).sum())
    return lambda: f"{query.collect(engine='streaming').width} columns"


def raregan_table(folder: str) -> Callable[[], str]:
    from raregan import read_table

    return lambda: read_table(folder, target="Class", rare=1).describe()


CONTESTANTS: dict[str, Callable[[str], Callable[[], str]]] = {
    "count": count,
    "every column": every_column,
    "raregan": raregan_table,
}


def contestant(name: str, folder: str) -> None:
    """Print as JSON the seconds, the peak memory in GB and what was found."""
    read = CONTESTANTS[name](folder)
    begun = time.perf_counter()
    result = read()
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "peak": peak, "result": result}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the parts are, or go")
    parser.add_argument("--rows", type=int, default=50_000_000, help="whole millions")
    parser.add_argument("--distinct", type=int, help="parts to simulate; the others are copies")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.contestant:
        contestant(args.contestant, str(args.folder))
        return
    n_parts, rest = divmod(args.rows, PART_ROWS)
    distinct = n_parts if args.distinct is None else args.distinct
    if rest or n_parts < 1 or distinct < 1:
        parser.error(f"--rows is a multiple of {PART_ROWS:,}, and --distinct at least 1")
    write_parts(args.folder, n_parts, distinct)
    n_bytes = read_once(args.folder)
    print(
        f"{args.rows:,} rows in {n_parts} files, {n_bytes / 1e9:.2f} GB, "
        f"{min(distinct, n_parts)} of them different; {os.cpu_count()} cores\n"
    )
    found = {}
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--folder", str(args.folder), "--contestant", name]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[name] = json.loads(ended.stdout.splitlines()[-1])
    print("| reader | seconds | to count | to every column | peak GB | found |")
    print("|---|---|---|---|---|---|")
    for name, cost in found.items():
        ratios = [cost["seconds"] / found[other]["seconds"] for other in ("count", "every column")]
        print(
            f"| {name} | {cost['seconds']:.2f} | {ratios[0]:.2f} x | {ratios[1]:.2f} x "
            f"| {cost['peak']:.2f} | {cost['result']} |"
        )
    if found["raregan"]["peak"] >= MOST_GB:
        sys.exit(f"a bar fails: raregan took {MOST_GB} GB or more")


if __name__ == "__main__":
    main()
