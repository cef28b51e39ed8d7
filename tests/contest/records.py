"""Records of contests whose answer is known."""

import numpy as np

from raregan.contest.fold import Record
from raregan.contest.standings import rank
from raregan.contest.verdict import judge

FOLDS = [(repeat, fold) for repeat in range(2) for fold in range(5)]


def records_of(levels, *, learner="logistic", folds=FOLDS, noise=0.01):
    """Records whose average precision is about that of `levels`, by contestant."""
    rng = np.random.default_rng(1)
    return [
        Record(*place, name, learner, 1.0, scores, seconds=2.0, n_train=80, n_test=20)
        for name, level in levels.items()
        for place in folds
        for scores in [
            {
                "average_precision": level + noise * rng.normal(),
                "brier": 0.1,
                "brier_as_is": 0.2 if name == "smote" else 0.1,
            }
        ]
    ]


def verdict_of(records, **options):
    standings, n_tests = rank(records, confidence=0.95)
    return judge(standings, confidence=0.95, n_tests=n_tests, **options)
