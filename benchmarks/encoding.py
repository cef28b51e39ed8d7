"""What encoding a large mixed table costs, beside scikit-learn: one table from one run.

    python benchmarks/encoding.py              some 2 minutes

All 41 features of all 199,523 rows of census_income_kdd_train, in the folder that RAREGAN_DATA
names (or ``--data``), are encoded by

- raregan: ``TableEncoder().fit(frame, schema)`` and ``encode(frame)``, (n, D) float32;
- sklearn: ``fit_transform`` of a ColumnTransformer with its own settings, of QuantileTransformer to
  a normal distribution on the numbers and of OneHotEncoder on the text; its output is sparse;
- sklearn, dense: the same with ``sparse_threshold=0``.

Each runs in a process of its own, three times; the best counts, imports excluded. CPU seconds are
those of all threads, and tell less of what else the machine does. Memory is the peak of the first
time above what the process held with its table loaded. Ends with 1 where raregan is slower than
scikit-learn with its own settings, or takes more memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET, RARE = "income", "50000+"
TIMES = 3

# --- the contestants: each loads its table and returns what encodes it ----------------------------


def print_schema(path: str) -> None:
    """Print what the columns are: in a process of its own, as inferring it takes memory too."""
    from raregan import read_table

    print(json.dumps(read_table(path, target=TARGET, rare=RARE).schema.to_dict()))


def raregan_encoder(path: str) -> Callable[[], Any]:
    import polars as pl

    from raregan import TableEncoder
    from raregan.data.schema import Schema

    schema = Schema.from_dict(json.loads(run(path, "schema")))
    features = pl.read_parquet(path).drop(TARGET)
    return lambda: TableEncoder().fit(features, schema).encode(features)


def sklearn_transformer(path: str, **options: Any) -> Callable[[], Any]:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

    features = pd.read_parquet(path).drop(columns=TARGET)
    numbers = list(features.select_dtypes("number").columns)
    text = [name for name in features.columns if name not in numbers]

    def encode() -> Any:
        return ColumnTransformer(
            [
                ("numbers", QuantileTransformer(output_distribution="normal"), numbers),
                ("text", OneHotEncoder(handle_unknown="ignore"), text),
            ],
            **options,
        ).fit_transform(features)

    return encode


CONTESTANTS: dict[str, Callable[[str], Callable[[], Any]]] = {
    "raregan": raregan_encoder,
    "sklearn": sklearn_transformer,
    "sklearn, dense": lambda path: sklearn_transformer(path, sparse_threshold=0),
}


def contestant(name: str, path: str) -> None:
    """Print as JSON the best seconds, the peak memory in MB and the encoded width."""
    encode = CONTESTANTS[name](path)
    gc.collect()
    forget_peak()
    before, seconds, cpu, peak, shape = resident(), [], [], 0.0, (0, 0)
    for turn in range(TIMES):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        encoded = encode()
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - cpu_begun)
        shape = encoded.shape
        if not turn:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        del encoded
        gc.collect()
    found = {"seconds": min(seconds), "cpu": min(cpu), "before": before, "peak": peak}
    print(json.dumps(found | {"width": shape[1]}))


def resident() -> float:
    """Return the memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def forget_peak() -> None:
    """Let the kernel count the peak anew: loading may have taken more than encoding will."""
    Path("/proc/self/clear_refs").write_text("5")


def run(path: str, name: str) -> str:
    """Return the last line that another process prints."""
    command = [sys.executable, __file__, "--data", str(Path(path).parent), "--contestant", name]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return ended.stdout.splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of tables")
    parser.add_argument("--contestant", choices=("schema", *CONTESTANTS), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.data is None:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    path = str(Path(args.data) / "census_income_kdd_train.parquet")
    if args.contestant == "schema":
        print_schema(path)
        return
    if args.contestant:
        contestant(args.contestant, path)
        return
    found = {name: json.loads(run(path, name)) for name in CONTESTANTS}
    print("| encoder | seconds | to raregan | CPU seconds | peak MB above | peak MB | width |")
    print("|---|---|---|---|---|---|---|")
    ours = found["raregan"]
    for name, cost in found.items():
        above = cost["peak"] - cost["before"]
        print(
            f"| {name} | {cost['seconds']:.2f} | {cost['seconds'] / ours['seconds']:.2f} x "
            f"| {cost['cpu']:.2f} | {above:,.0f} | {cost['peak']:,.0f} | {cost['width']:,} |"
        )
    theirs = found["sklearn"]
    slower = ours["seconds"] > theirs["seconds"]
    larger = ours["peak"] - ours["before"] > theirs["peak"] - theirs["before"]
    if slower or larger:
        sys.exit(f"a bar fails: {'slower' if slower else 'more memory'} than scikit-learn")


if __name__ == "__main__":
    main()
