"""Whether `raregan compare` finds oversampling before the split, and none where there was none.

    python benchmarks/planted.py       a minute or two

Each table as it is, and with its rare rows brought to `RATIOS` rare rows for one of the others, by
copies and by SMOTE (SMOTENC or SMOTEN where there are categories). A line a table: what is found.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import polars as pl
from quality import TABLES, load

from raregan.contest.features import plain
from raregan.contest.leaks import find_leaks
from raregan.contest.samplers import smote
from raregan.data.kinds import infer_columns

RATIOS = (0.1, 0.3, 1.0)


def tell(others: pl.DataFrame, rare: pl.DataFrame) -> str:
    """Name the leaks of a plain table."""
    kinds = {
        name: "categorical" if dtype == pl.String else "continuous"
        for name, dtype in rare.schema.items()
    }
    frame = pl.concat([others, rare])
    is_rare = np.arange(frame.height) >= others.height
    leaks = find_leaks(frame, is_rare, infer_columns(frame, frame, kinds))
    return ", ".join(leak.name for leak in leaks) or "-"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("RAREGAN_DATA"))
    parser.add_argument("--table", action="append", choices=TABLES, help="default: all")
    args = parser.parse_args()
    if args.data is None:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    print("| table | numbers | as it is | copies | SMOTE |\n|---|---|---|---|---|")
    for name in args.table or TABLES:
        case = TABLES[name]
        frame, columns = load(name, args.data)
        rare, others = (
            plain(frame.filter(which), columns)
            for which in (pl.col(case.target) == case.rare, pl.col(case.target) != case.rare)
        )
        cells = [tell(others, rare), "", ""]
        for ratio in RATIOS:
            n = round(ratio * others.height) - rare.height
            if n <= 0:
                continue
            drawn = np.random.default_rng(0).integers(rare.height, size=n)
            for place, more in ((1, rare[drawn]), (2, smote(rare, others, n, 0))):
                found = tell(others, pl.concat([rare, more]))
                cells[place] += f"{', ' if cells[place] else ''}{ratio:g}: {found}"
        numbers = sum(kind == pl.Float64 for kind in rare.dtypes)
        print(f"| {name} | {numbers} of {rare.width} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
