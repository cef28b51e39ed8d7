"""The ledger of a contest: a line of JSON for what is finished, so that it can be gone on with."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from raregan.atomic import append_line
from raregan.contest.fold import Record
from raregan.errors import DataError, UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

KIND = "raregan contest 1"


class Ledger:
    """Records of a contest, in memory and, where it has a path, in a file.

    The first line says of what table and by what rules; each further line holds the records of one
    contestant in one fold, written at once, so that only the last one can be cut short. A line that
    is cut short is not counted, and is played again.

    Attributes
    ----------
    path
        The file; None: nothing is kept.
    records
        Those that are known, the file's first.
    others
        Records of the file that are left out: of contestants who do not play this time.
    is_passing
        Whether nobody asked for the file by its name: it goes when the contest is whole.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.records: list[Record] = []
        self.others: list[Record] = []
        self.is_passing = False

    @classmethod
    def open(cls, path: str | Path | None, rules: Mapping[str, Any]) -> Self:
        """Make a ledger, or go on with one.

        Parameters
        ----------
        path
            The file; None: nothing is kept.
        rules
            What its records depend on, as JSON can hold it.

        Raises
        ------
        DataError
            The file is no ledger, is of another table or other rules, or cannot be written.
        """
        ledger = cls(path)
        if ledger.path is None:
            return ledger
        head = {"kind": KIND, **json.loads(json.dumps(rules))}
        if not ledger.path.exists() or not ledger.path.stat().st_size:
            append_line(ledger.path, json.dumps(head))
            return ledger
        content = ledger.path.read_bytes()
        first, *rest = content.decode("utf-8", errors="replace").split("\n")
        _refuse_others(ledger.path, first, head)
        if not content.endswith(b"\n"):  # the last line was cut short: it is not kept
            os.truncate(ledger.path, content.rfind(b"\n") + 1)
        read = [record for line in rest[:-1] for record in ledger._read(line)]
        ledger.records = list({_place_of(one): one for one in reversed(read)}.values())[::-1]
        return ledger

    @property
    def done(self) -> set[tuple[int, int, str]]:
        """Repeat, fold and contestant of what is known."""
        return {(one.repeat, one.fold, one.contestant) for one in self.records}

    def add(self, records: Iterable[Record]) -> None:
        """Keep the records of one contestant in one fold."""
        records = list(records)
        self.records += records
        if self.path is not None:
            append_line(self.path, json.dumps([record.to_dict() for record in records]))

    @contextlib.contextmanager
    def told_of(self) -> Iterator[None]:
        """Note on a `KeyboardInterrupt` of the block, as of PEP 678, where all is kept."""
        try:
            yield
        except KeyboardInterrupt as stopped:
            if self.path is not None:
                stopped.add_note(f"what was finished is kept in {self.path}")
            raise

    @contextlib.contextmanager
    def removed_if_refused(self) -> Iterator[None]:
        """Take the file away if the block is refused before anything was entered."""
        try:
            yield
        except UserError:
            if not self.records and not self.others:
                self.remove()
            raise

    def leave_out(self, names: Collection[str]) -> None:
        """Take no notice of contestants but these; the file keeps what it has of others."""
        self.others = [record for record in self.records if record.contestant not in names]
        self.records = [record for record in self.records if record.contestant in names]

    def remove(self) -> None:
        """Take the file away: the contest is finished, and told."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _read(self, line: str) -> list[Record]:
        try:
            return [Record.from_dict(values) for values in json.loads(line)]
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{self.path} is damaged ({error}): name another ledger, or remove this one"
            ) from error


def _place_of(record: Record) -> tuple[int, int, str, str]:
    """Return what a record is of: two runs of one command at once may have played it twice."""
    return record.repeat, record.fold, record.contestant, record.learner


def _refuse_others(path: Path, first: str, head: Mapping[str, Any]) -> None:
    try:
        found = json.loads(first)
        kind = found["kind"]
    except (ValueError, TypeError, KeyError):
        kind = None
    if kind != KIND:
        raise DataError(f"{path} is no ledger of a contest: name another file")
    apart = [name for name in {**head, **found} if head.get(name) != found.get(name)]
    if apart:
        raise DataError(
            f"{path} is the ledger of another contest ({', '.join(sorted(apart))} differ): name "
            "another file, or remove this one to begin anew"
        )
