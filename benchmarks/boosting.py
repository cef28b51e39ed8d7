"""Why the contest gives boosting settings of its own: with its defaults it may diverge.

    python benchmarks/boosting.py      minutes; LightGBM, XGBoost and CatBoost where installed

Average precision on creditcard untouched, mean of 3 folds and in brackets the range, all rows of
the training side learned from: with all frauds, and with `FEW`.
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from typing import Any

import numpy as np
from quality import CARDS, TABLES, read

FEW = 40
DEFAULTS = {
    "boosting": "sklearn.ensemble:HistGradientBoostingClassifier",
    "lightgbm": "lightgbm:LGBMClassifier",
    "xgboost": "xgboost:XGBClassifier",
    "catboost": "boosting:quiet_catboost",
}
ALL = 10**9


def quiet_catboost() -> Any:
    """Return CatBoost with its defaults, which writes no files and no lines."""
    from catboost import CatBoostClassifier

    return CatBoostClassifier(allow_writing_files=False, verbose=False)


def main() -> None:
    from raregan import compare
    from raregan.contest.sides import Caps

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("RAREGAN_DATA"))
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--learners", nargs="+", choices=DEFAULTS, default=list(DEFAULTS))
    args = parser.parse_args()
    if args.data is None:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    case, frame = TABLES[CARDS], read(CARDS, args.data)
    there = [name for name in args.learners if name == "boosting" or find_spec(name)]
    learners = [path for name in there for path in (DEFAULTS[name], name)]
    for n_rare in (None, FEW):
        found = compare(
            frame,
            target=case.target,
            rare=case.rare,
            learners=learners,
            contestants=["class-weights"],
            folds=3,
            repeats=1,
            n_rare=n_rare,
            caps=Caps(train=ALL, test=ALL),
            n_jobs=args.jobs,
        )
        print(f"\n{n_rare or 'all'} frauds\n\n| | defaults | ours |\n|---|---|---|")
        for name in there:
            cells = (_scores(found, learner) for learner in (DEFAULTS[name], name))
            print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)


def _scores(found: Any, learner: str) -> str:
    scores = [
        one.scores["average_precision"]
        for one in found.records
        if (one.contestant, one.learner) == ("nothing", learner)
    ]
    return f"{np.mean(scores):.3f} ({min(scores):.2f} to {max(scores):.2f})"


if __name__ == "__main__":
    main()
