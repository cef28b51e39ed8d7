"""What a judgement found, as plain data."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from raregan.atomic import write_whole
from raregan.judging.copies import is_most
from raregan.judging.dependence import PairOfColumns
from raregan.judging.fidelity import Fidelity
from raregan.judging.figures import Figure
from raregan.judging.intervals import CONFIDENCE
from raregan.judging.marginals import Marginal
from raregan.judging.measures import GROUPS, Group
from raregan.judging.texts import count_given, to_markdown, to_text
from raregan.judging.trials import Kind
from raregan.judging.verdict import Verdict, reach_verdict

SCHEMA, SCHEMA_VERSION = "raregan.report", 1
"""Name and version of what `Report.to_dict` returns: docs/judging.md says what it holds. A field
that is added leaves the version as it is; one that goes or changes its meaning raises it."""


@dataclass(frozen=True, repr=False)
class Report:
    """How good synthetic rows are; see docs/judging.md.

    Attributes
    ----------
    figures : tuple of Figure
        In the order of `raregan.judging.measures.MEASURES`; those that these tables have. None is
        comparable where `is_shared`.
    columns : tuple of Marginal
        Column by column.
    pairs : tuple of PairOfColumns
        The pairs of columns that differ most, these first.
    n_pairs : int
        How many pairs there are.
    rules : dict of str to dict
        As of `raregan.judging.rules.judge_rules`.
    notes : tuple of str
        What was subsampled; what is absent, and why.
    counts : dict of str to int
        Rows that were given: real, synthetic, holdout, others.
    shared : int
        Held-out rows that were learned from: those that equal a real row, less what chance gives;
        see `raregan.judging.copies.count_learned`.
    compared : tuple of int
        Real and synthetic rows that each figure of fidelity sees at once.
    baseline : str
        ``"holdout"``, ``"halves"`` of the real rows, or ``"none"``.
    seed : int
        What fixes all draws.
    versions : dict of str to str
        Of raregan and what it computes with.
    fidelity : Fidelity
        The five figures of whole tables, without baseline, as `raregan demo` prints them.
    """

    figures: tuple[Figure, ...]
    columns: tuple[Marginal, ...]
    pairs: tuple[PairOfColumns, ...]
    n_pairs: int
    rules: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]
    counts: Mapping[str, int]
    shared: int
    compared: tuple[int, int]
    baseline: Kind
    seed: int
    versions: Mapping[str, str]
    fidelity: Fidelity

    def __post_init__(self) -> None:
        """Take the comparison from every figure where held-out rows were learned from."""
        if self.is_shared:
            bare = tuple(replace(figure, is_comparable=False) for figure in self.figures)
            object.__setattr__(self, "figures", bare)

    @property
    def is_shared(self) -> bool:
        """Whether most of the held-out rows that figures stand beside were learned from."""
        return self.baseline == "holdout" and is_most(self.shared, self.counts["holdout"])

    @property
    def n_held(self) -> int:
        """Held-out rows that figures stand beside: those given, less what is left out of them."""
        return self.counts["holdout"] - (0 if self.is_shared else self.shared)

    def __repr__(self) -> str:
        """Say in one line how many rows were judged and what came out: all else is `to_text`."""
        said = ", ".join(f"{answer.group}: {answer.status}" for answer in self.verdict.answers)
        return f"<Report of {count_given(self)}; {said}>"

    @property
    def verdict(self) -> Verdict:
        """What the figures answer to the three questions that readers ask."""
        return reach_verdict(self)

    def __getitem__(self, name: str) -> Figure:
        """Return the figure of that name; `KeyError` where these tables have none."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def group(self, name: Group) -> tuple[Figure, ...]:
        """Return the figures of a group, in order."""
        return tuple(figure for figure in self.figures if figure.words.group == name)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data, ready for JSON: no NaN, no infinity."""
        whole: dict[str, Any] = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "confidence": CONFIDENCE,
            "counts": dict(self.counts),
            "shared": self.shared,
            "compared": dict(zip(("real", "synthetic"), self.compared, strict=True)),
            "baseline": self.baseline,
            "seed": self.seed,
            "versions": dict(self.versions),
            "verdict": self.verdict.to_dict(),
            "groups": [
                {
                    "name": name,
                    "title": title,
                    "figures": [figure.to_dict() for figure in self.group(name)],
                }
                for name, title in GROUPS.items()
            ],
            "columns": [column.to_dict() for column in self.columns],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "n_pairs": self.n_pairs,
            "rules": [{"rule": rule, **shares} for rule, shares in self.rules.items()],
            "notes": list(self.notes),
            "summary": self.fidelity.figures,
        }
        plain: dict[str, Any] = _finite(whole)
        return plain

    def to_json(self, path: str | Path | None = None) -> str:
        """Return `to_dict` as JSON, and write it where a path is given.

        Raises
        ------
        DataError
            The file cannot be written there.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if path is not None:
            write_whole(path, text.encode())
        return text

    def to_text(self) -> str:
        """Return the report for a terminal, a figure a line with what it shows below."""
        return to_text(self)

    def to_markdown(self) -> str:
        """Return the report as tables for a pull request."""
        return to_markdown(self)


def _finite(value: Any) -> Any:
    """Return plain data with None for every number that JSON has no word for."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
