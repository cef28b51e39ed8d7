"""One fold for one contestant: everything is fitted anew, on its training rows alone.

A fold's training rows are split once more: one part to fit on, one to choose by; with few rare rows
every part is chosen by in its turn. There, on real rows only, the amount is chosen by average
precision, for each learner its own, and probabilities are calibrated; then all training rows are
learned from with that amount. A generator is trained once on each, and of its rows the first are
taken for smaller amounts. Test rows are touched last, to be scored.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from raregan.contest.contestants import OTHERS_KEPT, Contestant
from raregan.contest.curves import trace
from raregan.contest.features import Matrix, plain
from raregan.contest.learners import Learner, weighs_classes, weight_option
from raregan.contest.samplers import UnsuitedError, learn_variant
from raregan.contest.scores import Costs, Mask, Sigmoid, Vector, margins_of, score
from raregan.contest.sides import Inner, Rows, Sides, seed_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from raregan.data.schema import Column

BAGS = 10
"""Learners of balanced bagging."""

LEAST_DRAWN = 20
"""Of fewer rare rows each bag has all, once: drawn with replacement, a bag may have none."""

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """What is the same in every fold.

    Attributes
    ----------
    columns
        What the features are.
    learners
        Who is trained.
    amounts
        New rows for a rare one, to choose among.
    ratio
        Rare rows for one of the others, in place of `amounts`.
    top, costs
        As of `raregan.contest.scores.score`.
    options
        Of raregan's variants.
    seed
        Fixes all draws, in any process and order.
    """

    columns: tuple[Column, ...]
    learners: tuple[Learner, ...]
    amounts: tuple[float, ...]
    ratio: float | None = None
    top: int | None = None
    costs: Costs | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Record:
    """What one learner scored with one contestant in one fold.

    Attributes
    ----------
    repeat, fold
        Which test.
    contestant, learner
        Names.
    amount
        Chosen: new rows for a rare one, or others for one where these are dropped.
    scores
        By name, of `raregan.contest.scores.SCORES`.
    seconds
        To make rows, choose, learn and score.
    n_train, n_test
        Rows of either side of the table, before any were thinned out.
    absent
        Why there is no score.
    curves
        By name, of `raregan.contest.curves.trace`.
    """

    repeat: int
    fold: int
    contestant: str
    learner: str
    amount: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    n_train: float = 0.0
    n_test: float = 0.0
    absent: str | None = None
    curves: dict[str, list[float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take it back; raises `TypeError` on anything else."""
        return cls(**values)


# --- one contestant -------------------------------------------------------------------------------


def play(
    sides: Sides, contestant: Contestant, rules: Rules, place: tuple[int, int]
) -> list[Record]:
    """Return what every learner scores with one contestant in one fold.

    Parameters
    ----------
    sides
        Rows of the fold.
    contestant, rules
        Who plays, and what is the same for all.
    place
        Repeat and number of the fold.

    Returns
    -------
    list of Record
        One a learner, in their order. The same for the same arguments, in any process.
    """
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    begun = time.perf_counter()
    # Parts run side by side: in one, Dask's backend would spread the trees of a forest once more.
    with threadpool_limits(1), parallel_config("sequential"):
        seed = seed_of(rules.seed, *place, contestant.name)
        try:
            whole = _Part.make(sides.train, contestant, rules, seed + 1)
            trials = _make_trials(sides.inner, whole, rules, seed)
        except UnsuitedError as error:
            return [
                Record(*place, contestant.name, learner.name, absent=str(error))
                for learner in rules.learners
            ]
        making = (time.perf_counter() - begun) / len(rules.learners)
        return [
            _play_learner(sides, trials, whole, learner, rules, place=place, making=making)
            for learner in rules.learners
        ]


def _make_trials(pairs: Sequence[Inner], whole: _Part, rules: Rules, seed: int) -> list[_Trial]:
    """Let the contestant make rows of each inner part; those that do not suit it are left out.

    Raises
    ------
    UnsuitedError
        None suits it.
    """
    seeds = (seed, *range(seed + 2, seed + 1 + len(pairs)))
    trials, reasons = [], []
    for pair, own in zip(pairs, seeds, strict=True):
        try:
            part = _Part.make(pair.fit, whole.contestant, rules, own, whole.choices)
        except UnsuitedError as error:
            reasons.append(error)
        else:
            trials.append(_Trial(part, pair.choose))
    if not trials:
        raise reasons[0]
    return trials


@dataclass(frozen=True)
class _Part:
    """Rows to learn from, plain, and what a contestant made of them."""

    contestant: Contestant
    frame: pl.DataFrame
    is_rare: Mask
    made: pl.DataFrame | None
    choices: tuple[float | None, ...]
    """Amounts to choose among."""

    @classmethod
    def make(
        cls,
        rows: Rows,
        contestant: Contestant,
        rules: Rules,
        seed: int,
        choices: tuple[float | None, ...] | None = None,
    ) -> Self:
        """Let a contestant make rows, for amounts that are given, or else for those of the rules.

        A ratio is that of the whole training side: given, its amount holds for a part too.
        """
        frame = plain(rows.frame, rules.columns)
        n_rare = int(rows.is_rare.sum())
        if choices is None:
            choices = _choices(contestant, rules, n_rare, len(rows.is_rare) - n_rare)
        made = None
        if contestant.way in ("add", "learn"):
            n = max(_count(amount, n_rare) for amount in choices)
            made = _draw(rows, frame, contestant, rules, n=n, seed=seed)
        return cls(contestant, frame, rows.is_rare, made, choices)

    @property
    def n_rare(self) -> int:
        return int(self.is_rare.sum())

    def learn(self, learner: Learner, amount: float | None, seed: int, *, quick: bool) -> _Learned:
        """Fit a learner, its view of columns included, to these rows."""
        view = learner.matrix.fit(self.frame)
        matrix, labels = view.encode(self.frame), self.is_rare.astype(np.int64)
        if self.made is not None:
            made = self.made.head(_count(amount, self.n_rare))
            matrix = np.concatenate([matrix, view.encode(made)])
            labels = np.concatenate([labels, np.ones(made.height, dtype=np.int64)])
        if self.contestant.way == "drop":
            kept = self._keep(_count(amount, self.n_rare), seed)
            matrix, labels = matrix[kept], labels[kept]
        model, options = learner.make(seed, quick), {}
        counts = np.bincount(labels)
        if self.contestant.way == "bag":
            model = _bagged(model, seed, int(counts[1]))
        if self.contestant.way == "weights":
            options[weight_option(model)] = (len(labels) / (2 * counts))[labels]
        with warnings.catch_warnings():
            _ignore_convergence()
            model.fit(matrix, labels, **options)
        is_even = self.contestant.way in ("bag", "weights") or weighs_classes(model)
        log_odds = 0.0 if is_even else float(np.log(counts[1] / counts[0]))
        return _Learned(view, model, learner.floor, log_odds)

    def _keep(self, n_others: int, seed: int) -> Codes:
        others = np.flatnonzero(~self.is_rare)
        rng = np.random.default_rng(seed)
        drawn = rng.choice(others, min(n_others, len(others)), replace=False)
        return np.sort(np.concatenate([np.flatnonzero(self.is_rare), drawn]))


class _Trial(NamedTuple):
    """An inner part to learn from, and the rows to choose by."""

    part: _Part
    rows: Rows


class _Learned(NamedTuple):
    """A fitted learner, and the log of the rare rows' odds among those that it learned from."""

    view: Any
    model: Any
    floor: float
    log_odds: float

    def rate(self, frame: pl.DataFrame) -> tuple[Vector, Vector, Vector | None]:
        """Return scores, margins and probabilities of plain rows.

        Margins are log-odds less those of the rows that were learned from, of which there are other
        shares where an amount is chosen than at the end (King and Zeng, "Logistic regression in
        rare events data", Political Analysis 9, 2001: prior correction).
        """
        matrix: Matrix = self.view.encode(frame)
        if hasattr(self.model, "predict_proba"):
            probabilities = np.asarray(self.model.predict_proba(matrix), dtype=np.float64)[:, 1]
            margins = margins_of(_finite(probabilities), self.floor) - self.log_odds
            return probabilities, margins, probabilities
        margins = _finite(np.asarray(self.model.decision_function(matrix), dtype=np.float64))
        return margins, margins, None


def _finite(scores: Vector) -> Vector:
    """Refuse scores that no row can be ranked by, as a learner's own fault."""
    if not (there := np.isfinite(scores)).all():
        raise ValueError(f"{int((~there).sum()):,} of {len(scores):,} scores are not finite")
    return scores


def _choices(
    contestant: Contestant, rules: Rules, n_rare: int, n_others: int
) -> tuple[float | None, ...]:
    if contestant.way == "drop":
        return OTHERS_KEPT
    if not contestant.has_amount:
        return (None,)
    if rules.ratio is None:
        return rules.amounts
    wanted = rules.ratio * n_others - n_rare
    if wanted < 1:
        raise UnsuitedError(
            f"{n_rare:,} rare rows for {n_others:,} others are a ratio of {rules.ratio:g} already"
        )
    return (wanted / n_rare,)


def _count(amount: float | None, n_rare: int) -> int:
    return max(1, round((amount or 0) * n_rare))


def _draw(
    rows: Rows, frame: pl.DataFrame, contestant: Contestant, rules: Rules, *, n: int, seed: int
) -> pl.DataFrame:
    """Let the contestant make `n` rows, or as many as it can; plain."""
    if contestant.draw is not None:
        rare, others = frame.filter(rows.is_rare), frame.filter(~rows.is_rare)
        made: pl.DataFrame = contestant.draw(rare, others, n, seed)
        return made
    drawn = learn_variant(
        contestant.name,
        rows.frame.filter(rows.is_rare),
        rows.frame.filter(~rows.is_rare),
        n,
        seed,
        columns=rules.columns,
        options=rules.options,
    )
    return plain(drawn, rules.columns)


def _play_learner(
    sides: Sides,
    trials: Sequence[_Trial],
    whole: _Part,
    learner: Learner,
    rules: Rules,
    *,
    place: tuple[int, int],
    making: float,
) -> Record:
    begun = time.perf_counter()
    name = whole.contestant.name
    seed = seed_of(rules.seed, *place, "learner", learner.name)  # the same for all contestants
    foreign = Exception if learner.is_own else ()
    try:
        place_of, sigmoid = _choose(trials, learner, rules, seed)
        learned = whole.learn(learner, whole.choices[place_of], seed, quick=False)
        scores, margins, as_is = learned.rate(plain(sides.test.frame, rules.columns))
    except foreign as error:  # whatever a user's own learner raises, asked for weights or not
        return Record(*place, name, learner.name, absent=f"{type(error).__name__}: {error}")
    test = (sides.test.is_rare, scores, sides.test.weights)
    found = score(
        *test,
        calibrated=sigmoid.calibrate(margins),
        as_is=as_is,
        top=rules.top,
        costs=rules.costs,
        amounts=sides.test.amounts,
    )
    return Record(
        *place,
        name,
        learner.name,
        amount=whole.choices[place_of],
        scores=found,
        curves=trace(*test),
        seconds=round(making + time.perf_counter() - begun, 3),
        n_train=float(sides.train.weights.sum()),
        n_test=float(sides.test.weights.sum()),
    )


def _choose(
    trials: Sequence[_Trial], learner: Learner, rules: Rules, seed: int
) -> tuple[int, Sigmoid]:
    """Choose the amount by mean average precision on real rows, and calibrate on all of these."""
    from sklearn.metrics import average_precision_score

    frames = [plain(rows.frame, rules.columns) for _, rows in trials]
    is_rare = np.concatenate([rows.is_rare for _, rows in trials])
    weights = np.concatenate([rows.weights for _, rows in trials])
    best, place, chosen = -np.inf, 0, np.zeros(len(is_rare))
    for number, amount in enumerate(trials[0].part.choices):
        reached, margins = [], []
        for (part, rows), frame in zip(trials, frames, strict=True):
            scores, own, _ = part.learn(learner, amount, seed, quick=True).rate(frame)
            margins.append(own)
            reached.append(
                average_precision_score(rows.is_rare, scores, sample_weight=rows.weights)
            )
        if np.mean(reached) > best:
            best, place, chosen = float(np.mean(reached)), number, np.concatenate(margins)
    return place, Sigmoid.fit(chosen, is_rare, weights)


def _bagged(model: Any, seed: int, n_rare: int) -> Any:
    from imblearn.ensemble import BalancedBaggingClassifier

    return BalancedBaggingClassifier(
        model, n_estimators=BAGS, bootstrap=n_rare >= LEAST_DRAWN, random_state=seed
    )


def _ignore_convergence() -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
