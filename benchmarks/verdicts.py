"""What the judge says of SMOTE's rows and of the default's: the example of docs/judging.md.

    python benchmarks/verdicts.py      two minutes

creditcard, its frauds each once: 70 % of them are learned from, the others held out, 1,000 rows
made, and judged with all other rows of the table.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

import polars as pl
from quality import CARDS, TABLES, load, split

from raregan import RareGAN, evaluate
from raregan.contest.samplers import smote

if TYPE_CHECKING:
    from raregan.judging.figures import Figure

N_ROWS = 1_000
FIGURES = (
    "c2st_forest",
    "density",
    "near_copies",
    "dcr",
    "closer",
    "membership_nearest",
    "membership_ratio",
    "attribute_inference",
    "tstr_ap",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("RAREGAN_DATA"))
    parser.add_argument("--seed", type=int, default=0, help="of split and rows (%(default)s)")
    args = parser.parse_args()
    if args.data is None:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    target = TABLES[CARDS].target
    frame, _ = load(CARDS, args.data)
    frame = frame.with_columns(pl.exclude(target).cast(pl.Float64))
    train, others, held, _ = split(frame, pl.col(target) == TABLES[CARDS].rare, args.seed)
    whole = pl.concat([train, others])
    gan = RareGAN(target=target, random_state=args.seed).fit(whole)
    sides = [side.drop(target) for side in (train, others)]
    rows = {
        "SMOTE": smote(*sides, N_ROWS, args.seed).with_columns(
            pl.lit(TABLES[CARDS].rare).cast(train[target].dtype).alias(target)
        ),
        "the default": gan.sample(N_ROWS),
    }
    print(f"{train.height} frauds learned from, {held.height} held out")
    found = [
        evaluate(whole, made, held, target=target, random_state=args.seed) for made in rows.values()
    ]
    print(f"\n| | real rows | {' | '.join(rows)} |\n|---|---|---|---|")
    for name in FIGURES:
        first, *_ = figures = [report[name] for report in found]
        cells = [f"{first.baseline:.3f}", *map(_tell, figures)]
        print(f"| {first.words.label} | {' | '.join(cells)} |")


def _tell(figure: Figure) -> str:
    around = figure.interval
    text = f"{figure.value:.3f}" + (f" ({around.low:.3f} to {around.high:.3f})" if around else "")
    return text if figure.reading == "as real rows" else f"{text}, {figure.reading}"


if __name__ == "__main__":
    main()
