"""compare: the whole contest, from a table to a verdict."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from raregan.archive import to_json
from raregan.atomic import write_whole
from raregan.config import AMOUNTS, CONFIDENCE, FOLDS, REPEATS, SEED, plain_seed
from raregan.contest.arena import read_arena
from raregan.contest.contestants import Contestant, choose_contestants
from raregan.contest.fold import Record, Rules
from raregan.contest.leaks import Leak, find_leaks
from raregan.contest.learners import choose_learners
from raregan.contest.ledger import Ledger
from raregan.contest.notes import note_gaps, note_others, note_rows, note_tests
from raregan.contest.numbers import check_positive, read_amounts, read_whole
from raregan.contest.samplers import check_options
from raregan.contest.schedule import Drawn, play_all
from raregan.contest.scores import SCORES
from raregan.contest.sheet import absences, as_markdown, as_text, explain
from raregan.contest.sides import FEW_RARE, Caps
from raregan.contest.standings import MAIN, Standing, gain_over, rank
from raregan.contest.terms import (
    find_versions,
    fingerprint_used,
    read_costs,
    read_several,
    tell_rules,
    with_rules,
)
from raregan.contest.verdict import Verdict, judge
from raregan.data.folds import Ties
from raregan.data.rows import listed
from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from raregan.contest.intervals import Interval
    from raregan.data.schema import Schema


WIDTH = 100
"""Of a terminal's line that is wrapped; tables are not."""

SCHEMA, SCHEMA_VERSION = "raregan.comparison", 1


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a contest found.

    Attributes
    ----------
    source
        Name of the table.
    n_rows, n_rare
        Of the table.
    options
        What the records depend on, as JSON holds it.
    standings
        How every contestant did with every learner.
    verdict
        What to do.
    leaks
        Signs that the table holds rows that were made, or held out.
    notes
        What else a reader should know, one line each.
    records
        All that was scored, one for each fold, contestant and learner.
    n_tasks, n_done
        Contestants times folds, and how many of these were played.
    seconds
        Of this call.
    ledger
        The file that keeps what is finished; None where there is none, or no more.
    """

    source: str
    n_rows: int
    n_rare: int
    options: dict[str, Any]
    standings: tuple[Standing, ...]
    verdict: Verdict
    leaks: tuple[Leak, ...]
    notes: tuple[str, ...]
    records: tuple[Record, ...]
    n_tasks: int
    n_done: int
    seconds: float
    ledger: Path | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every contestant was played in every fold."""
        return self.n_done == self.n_tasks

    def describe(self) -> str:
        """Say in one line what was compared."""
        folds = f"{self.options['repeats']} x {self.options['folds']} folds"
        if self.options["time_column"] is not None:
            folds = f"{self.options['folds']} folds by {self.options['time_column']}"
        part = "" if self.is_whole else f"; time was up after {self.n_done} of {self.n_tasks} parts"
        return f"{self.source}: {self.n_rows:,} rows, {self.n_rare:,} of them rare; {folds}{part}"

    def __repr__(self) -> str:
        """Say in one line what was compared and what came out: all else is `to_text`."""
        said = f"{self.verdict.recommendation} ({self.verdict.reason})"
        return f"<Comparison of {self.describe()}: {said}>"

    def gain(
        self, contestant: str, over: str, learner: str, *, score: str = MAIN, n_tests: int = 1
    ) -> Interval:
        """Return what a contestant gains on another with a learner, over the folds of both.

        The interval holds with the contest's own confidence, ``verdict.confidence``.

        Parameters
        ----------
        contestant, over, learner
            Names.
        score
            A name of `raregan.contest.scores.SCORES`.
        n_tests
            Intervals that are to hold all together, as of `raregan.contest.intervals`.

        Raises
        ------
        UserError
            The two were not scored in one fold.
        """
        ours, theirs = (
            [r for r in self.records if (r.contestant, r.learner) == (name, learner)]
            for name in (contestant, over)
        )
        found = gain_over(ours, theirs, self.verdict.confidence, n_tests, score)
        if not found.n:
            there = dict.fromkeys(one.learner for one in self.standings)
            known = dict.fromkeys(one.contestant for one in self.standings if one.n)
            raise UserError(
                f"{contestant!r} and {over!r} share no fold in which {learner!r} has the score "
                f"{score!r}: there are {listed(list(known))} with {listed(list(there))}, and the "
                f"scores {listed(list(SCORES))}"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; ``verdict.recommendation`` is what to do."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "versions": find_versions(),
            "verdict": self.verdict.to_dict(),
            "leaks": [asdict(leak) for leak in self.leaks],
            "notes": list(self.notes),
            "source": self.source,
            "n_rows": self.n_rows,
            "n_rare": self.n_rare,
            "options": self.options,
            "n_tasks": self.n_tasks,
            "n_done": self.n_done,
            "seconds": self.seconds,
            "standings": [standing.to_dict() for standing in self.standings],
            "records": [record.to_dict() for record in self.records],
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Return `to_dict` as JSON, and write it where a path is given.

        Raises
        ------
        DataError
            The file cannot be written there.
        """
        content = to_json(self.to_dict())
        if path is not None:
            write_whole(path, content)
        return content.decode()

    def to_text(self) -> str:
        """Return verdict, tables and notes for a terminal."""
        return "\n\n".join(
            part
            for part in (
                as_text(self.standings),
                "\n".join(wrap(explain(self.standings), WIDTH)) if self.standings else "",
                self._notes(),
                self.verdict.text,
            )
            if part
        )

    def to_markdown(self) -> str:
        """Return the same as Markdown, the verdict first."""
        title = f"# {self.verdict.recommendation}: a contest on {self.source}"
        tables = (as_markdown(self.standings), explain(self.standings) if self.standings else "")
        parts = (title, self.verdict.text, self.describe(), *tables)
        return "\n\n".join(part for part in (*parts, self._notes("- ")) if part) + "\n"

    def _notes(self, mark: str = "") -> str:
        absent = [f"absent: {text}" for text in absences(self.standings)]
        return "\n".join(f"{mark}{text}" for text in (*self.notes, *absent))


def compare(
    source: Any,
    *,
    query: str | None = None,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    schema: Schema | None = None,
    constraints: Sequence[str] = (),
    time_column: str | None = None,
    group: str | None = None,
    contestants: str | Iterable[str] | None = None,
    learners: Any = None,
    amounts: float | Iterable[float] = AMOUNTS,
    ratio: float | None = None,
    folds: int = FOLDS,
    repeats: int = REPEATS,
    n_rare: int | None = None,
    caps: Caps | None = None,
    cost_fn: float | None = None,
    cost_fp: float | None = None,
    amount_column: str | None = None,
    top: int | None = None,
    confidence: float = CONFIDENCE,
    minutes: float | None = None,
    n_jobs: int | None = None,
    ledger: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    finish: Callable[[Comparison], None] | None = None,
    random_state: int = SEED,
) -> Comparison:
    """Say whether synthetic rows help this table, against what its owner has today.

    Parameters
    ----------
    source, query
        As of `raregan.data.sources.open_source`; the whole table is read into memory.
    target, rare, ignore
        As of `raregan.read_table`.
    kinds, schema
        What columns are, where that is not to be inferred. That, and no more, is known of the
        table as a whole.
    constraints
        Rules that rows of raregan's variants keep, added to those of `schema`.
    time_column
        Test on what is later: see `raregan.data.folds.Ties.deal`. No feature.
    group
        Rows that share its value stay together. No feature.
    contestants
        Names of `raregan.contest.contestants.CONTESTANTS`; both baselines are always there.
    learners
        Names, import paths or estimators; see `raregan.contest.learners.choose_learners`.
    amounts
        New rows for a rare one, among which each fold chooses.
    ratio
        Rare rows for one of the others that are learned from, in place of `amounts`.
    folds, repeats
        How often the table is dealt, into how many parts.
    n_rare
        Rare rows that are left in each training side; default: all. Each stands for those that are
        left out where probabilities are calibrated.
    caps
        How many others are kept; see `raregan.contest.sides.Caps`.
    cost_fn, cost_fp
        Of a rare row that is let pass, and of a false alarm; adds the score ``cost``.
    amount_column
        What `cost_fn` is multiplied with, row by row.
    top
        How many rows can be looked into, for ``precision_at_top``.
    confidence
        Of all intervals on one baseline together.
    minutes
        No part is begun that is not expected to end in this time.
    n_jobs
        Parts that are played at once, as of `joblib.Parallel`: None leaves it to joblib's context,
        so that its Ray and Dask backends spread them.
    ledger
        A file that keeps what is finished, and is gone on with; or a folder, in which it gets a
        name of its own and is removed at the end. Default: nothing is kept. A `KeyboardInterrupt`
        has a note that names the file.
    options
        Of `raregan.RareGAN`, for raregan's variants.
    progress
        Called with the parts that are played, and all.
    finish
        Called with what is returned, before a ledger is removed: what fails in it loses nothing.
    random_state
        Fixes all draws: the same seed gives the same scores, whatever `n_jobs`.

    Returns
    -------
    Comparison
        Verdict, standings and every score.

    Raises
    ------
    UserError
        The table, an option or the ledger is at fault.
    """
    begun = time.monotonic()
    check_positive(ratio=ratio, minutes=minutes)
    folds, repeats = read_whole(folds=folds), read_whole(repeats=repeats)
    n_rare = None if n_rare is None else read_whole(n_rare=n_rare)
    top = None if top is None else read_whole(top=top)
    caps = caps or Caps()
    costs = read_costs(cost_fn, cost_fp, amount_column)
    players = choose_contestants(read_several(contestants))
    rules = Rules(
        columns=(),
        learners=choose_learners(read_several(learners)),
        amounts=read_amounts(amounts),
        ratio=ratio,
        top=top,
        costs=costs,
        options=with_rules(options, schema, constraints),
        seed=plain_seed(random_state),
    )
    if not 0 < confidence < 1:
        raise UserError(f"confidence must lie between 0 and 1, got {confidence!r}")
    arena = read_arena(
        source,
        query=query,
        target=target,
        rare=rare,
        ignore=(ignore,) if isinstance(ignore, str) else tuple(ignore),
        kinds=kinds,
        schema=schema,
        apart=tuple(name for name in (time_column, group) if name is not None),
    )
    rules = replace(rules, columns=arena.columns)
    if rules.options:
        learned = [one.name for one in players if one.way == "learn"]
        check_options(learned, rules.options, arena.columns)
    ties = Ties.of(
        arena.frame,
        target=arena.rows.target,
        rare=arena.rows.value,
        ignore=arena.not_features,
        time_column=time_column,
        group=group,
    )
    told = {
        "folds": folds,
        "repeats": repeats if time_column is None else 1,
        "time_column": time_column,
        "group": group,
        "n_rare": n_rare,
        "caps": asdict(caps),
        "amount_column": amount_column,
        **tell_rules(rules, arena),
        "data": fingerprint_used(arena, [time_column, group, amount_column]),
    }
    dealt = ties.deal(folds, repeats, rules.seed)
    there = [int(ties.is_rare[fold.train].sum()) for fold in dealt]
    if n_rare is not None and n_rare > max(there):
        raise UserError(
            f"{n_rare:,} rare rows cannot be left where no training side has more than "
            f"{max(there):,}: ask for fewer (n_rare), or leave it out for all of them"
        )
    if time_column is None and min(n_rare or np.inf, *there) < FEW_RARE:
        told["chosen"] = "in turn"  # by records of before there was one quarter alone
    tasks = [(fold, one) for fold in dealt for one in players]
    paid = arena.amounts(amount_column)
    book = _open_ledger(ledger, told, players)
    drawn = Drawn(arena, ties, rules, caps, n_rare, paid)
    with book.told_of(), book.removed_if_refused():
        leaks = find_leaks(
            *(arena.frame, ties.is_rare, rules.columns),
            target=arena.rows.target,
            held_out=arena.held_out,
            random_state=rules.seed,
        )
        play_all(tasks, drawn, book, minutes=minutes, begun=begun, n_jobs=n_jobs, progress=progress)
    records = _in_order(book, players, rules)
    n_done = len(book.done)
    is_whole = n_done == len(tasks)
    if is_whole and not any(one.scores for one in records):
        stays = book.path is not None and not book.is_passing
        if book.is_passing:
            book.remove()
        raise UserError(
            f"nothing could be scored, with {records[0].learner!r} because of "
            f"{records[0].absent}: mend it"
            f"{f', and remove {book.path} to begin anew' if stays else ''}"
        )
    standings, n_tests = rank(records, confidence=confidence, others=book.others)
    found = Comparison(
        source=arena.source,
        n_rows=arena.frame.height,
        n_rare=int(ties.is_rare.sum()),
        options=told | {"confidence": confidence},
        standings=tuple(standings),
        verdict=judge(
            standings,
            confidence=confidence,
            n_tests=n_tests,
            leaks=leaks,
            is_whole=is_whole,
        ),
        leaks=leaks,
        notes=(
            *note_gaps(n_done, len(tasks)),
            *note_others({one.contestant for one in book.others if one.scores}),
            *note_rows(arena, ties, caps),
            *note_tests([ties.is_rare[fold.test] for fold in dealt]),
        ),
        records=tuple(records),
        n_tasks=len(tasks),
        n_done=n_done,
        seconds=round(time.monotonic() - begun, 3),
        ledger=book.path,
    )
    if finish is not None:
        finish(found)
    if is_whole and book.is_passing and not book.others:
        book.remove()
        return replace(found, ledger=None)
    return found


def _open_ledger(
    ledger: str | Path | None, told: dict[str, Any], players: Sequence[Contestant]
) -> Ledger:
    """Open it, in a folder under a name of its own, and leave out who does not play this time."""
    is_passing = ledger is not None and Path(ledger).is_dir()
    if ledger is not None and is_passing:
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        ledger = Path(ledger) / f"contest-{digest[:8]}.jsonl"
    book = Ledger.open(ledger, told)
    book.is_passing = is_passing
    book.leave_out({one.name for one in players})
    return book


def _in_order(book: Ledger, players: Sequence[Contestant], rules: Rules) -> list[Record]:
    """Sort records as they would be played one after another."""
    who = {one.name: place for place, one in enumerate(players)}
    whose = {one.name: place for place, one in enumerate(rules.learners)}
    return sorted(
        book.records, key=lambda r: (r.repeat, r.fold, who[r.contestant], whose[r.learner])
    )
