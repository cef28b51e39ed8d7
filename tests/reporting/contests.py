"""Comparisons that were made up, without a contest."""

import numpy as np

from raregan.contest.comparison import Comparison
from raregan.contest.curves import RATES, RECALLS
from raregan.contest.fold import Record
from raregan.contest.standings import rank
from raregan.contest.verdict import judge
from tests.contest.records import FOLDS, records_of

LEVELS = {
    "nothing": 0.5,
    "class-weights": 0.55,
    "over-sampling": 0.52,
    "smote": 0.7,
    "copula": 0.6,
}


def with_curves(record, seed):
    """Add curves that fall and rise, as those of a real test do."""
    rng = np.random.default_rng(seed)
    curves = {
        "precision": np.sort(rng.random(len(RECALLS)))[::-1].tolist(),
        "recall": np.sort(rng.random(len(RATES))).tolist(),
    }
    return Record(**{**record.to_dict(), "curves": curves})


def played(*, learner="logistic", curves=True, leaks=(), source="t.csv", n_done=50, **options):
    """A contest of ten folds with two learners, one of which takes no weights."""
    records = records_of(LEVELS, learner=learner)
    records += records_of({"nothing": 0.4, "smote": 0.41}, learner="tree", noise=0.2)
    records += [Record(*f, "class-weights", "tree", absent="takes no weights") for f in FOLDS]
    if curves:
        records = [with_curves(r, seed) if r.scores else r for seed, r in enumerate(records)]
    standings, n_tests = rank(records, confidence=0.95)
    told = {
        "folds": 5,
        "repeats": 2,
        "time_column": None,
        "group": None,
        "n_rare": None,
        "caps": {"train": 10_000, "fit": 5_000, "test": 50_000},
        "amount_column": None,
        "target": "Class",
        "rare": 1,
        "columns": {"a": "continuous", "b": "continuous", "c": "categorical"},
        "learners": [learner, "tree"],
        "amounts": [0.5, 1.0],
        "ratio": None,
        "top": None,
        "costs": None,
        "options": {},
        "seed": 7,
        "data": "0123abcd",
        "confidence": 0.95,
    }
    return Comparison(
        source=source,
        n_rows=1_000,
        n_rare=60,
        options=told | options,
        standings=tuple(standings),
        verdict=judge(standings, confidence=0.95, n_tests=n_tests, leaks=leaks),
        leaks=tuple(leaks),
        notes=("one & note",),
        records=tuple(records),
        n_tasks=50,
        n_done=n_done,
        seconds=12.5,
    )
