"""Whether balancing still helps where rows that look like one customer's stay together.

    python benchmarks/relatives.py

The contest of `utility.py` on hmeq (home equity loans), with its rows dealt one by one, and then
with relatives dealt together: rows of one job and one reason whose numbers, as normal scores, lie
within ``--within`` of each other, and rows that such pairs connect. The table has no customer's
number, so this is a guess at who is whose relative; how alike their answers are says how good it
is. Gains on the untouched table, in points of average precision.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars import selectors as cs
from quality import TABLES, read
from utility import FOLDS, Held, gains_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE = "hmeq"
GAP = 3.0
"""How far a missing cell lies from a known one, in normal scores."""


def relate(frame: pl.DataFrame, within: float) -> NDArray[np.intp]:
    """Return the number of each row's family (n,), from all columns that are given."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import QuantileTransformer

    numbers = frame.select(cs.numeric()).cast(pl.Float64).fill_null(np.nan).to_numpy()
    scores = QuantileTransformer(output_distribution="normal").fit_transform(numbers)
    places = np.hstack([np.nan_to_num(scores), GAP * np.isnan(scores)])
    near = NearestNeighbors(radius=within).fit(places).radius_neighbors_graph(places).tocoo()
    levels = frame.select(~cs.numeric()).fill_null("").hash_rows().to_numpy()
    alike = levels[near.row] == levels[near.col]
    pairs = near.row[alike], near.col[alike]
    graph = coo_matrix((np.ones(alike.sum()), pairs), shape=(len(levels), len(levels)))
    return np.asarray(connected_components(graph, directed=False)[1])


def describe(families: NDArray[np.intp], is_rare: NDArray[np.bool_]) -> str:
    """Say how many rows have relatives, and how often those have the same answer."""
    n_others = np.bincount(families)[families] - 1
    n_rare = np.bincount(families, weights=is_rare)[families] - 1
    related = n_others > 0
    both = related & is_rare
    return (
        f"{related.sum():,} of {len(families):,} rows have relatives, {n_others.max()} at most, "
        f"and {both.sum():,} of {is_rare.sum():,} rare ones: of the relatives of these "
        f"{np.mean(n_rare[both] / n_others[both]):.0%} are rare, of all rows {is_rare.mean():.0%}"
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of the tables")
    add("--within", type=float, default=0.5, help="of relatives (%(default)s)")
    add("--learners", nargs="+", default=["forest"])
    add("--contestants", nargs="+", default=["over-sampling", "smote", "copula"])
    add("--jobs", type=int, default=-1)
    args = parser.parse_args()
    if args.data is None:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    return args


def main() -> None:
    from raregan import compare

    args = parse()
    case, frame = TABLES[TABLE], read(TABLE, args.data)
    families = relate(frame.drop(case.target), args.within)
    print(describe(families, (frame[case.target] == case.rare).to_numpy()), flush=True)
    related = frame.with_columns(family=pl.Series(families))
    for said, ways in (
        ("each row by itself", {"ignore": "family"}),
        ("relatives together", {"group": "family"}),
    ):
        found = compare(
            related,
            target=case.target,
            rare=case.rare,
            learners=args.learners,
            contestants=args.contestants,
            n_jobs=args.jobs,
            **ways,
            **FOLDS,
        )
        print(f"\n{said}\n", *gains_of(Held(TABLE, None, found)), sep="\n", flush=True)


if __name__ == "__main__":
    main()
