"""Who takes part: ways to deal with an imbalanced table, each a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from raregan.config import VARIANT
from raregan.contest import samplers
from raregan.data.rows import listed
from raregan.errors import UserError
from raregan.gans.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Way = Literal["nothing", "weights", "add", "learn", "drop", "bag"]

NOTHING, WEIGHTS = "nothing", "class-weights"
BASELINES = (NOTHING, WEIGHTS)
"""What a user has today, without a new row: all else is compared with both."""

OTHERS_KEPT = (1.0, 2.0, 5.0, 10.0)
"""Rows of the other class for a rare one that under-sampling chooses among."""


@dataclass(frozen=True)
class Contestant:
    """One way to deal with an imbalanced table.

    Attributes
    ----------
    name
        As it is typed and reported.
    summary
        What it does, in a few words.
    way
        ``"nothing"``; ``"weights"``: both classes weigh the same; ``"add"``: rows of a sampler are
        added; ``"learn"``: rows of a variant of raregan are; ``"drop"``: others are left out;
        ``"bag"``: the mean of learners that each see few others.
    draw
        The sampler of ``"add"``.
    is_synthetic
        Whether it adds rows that are no copies.
    """

    name: str
    summary: str
    way: Way
    draw: Callable[..., Any] | None = None
    is_synthetic: bool = False

    @property
    def has_amount(self) -> bool:
        """Whether there is an amount to choose in the inner fold."""
        return self.way in ("add", "learn", "drop")


def _added(name: str, summary: str, draw: Callable[..., Any]) -> Contestant:
    return Contestant(name, summary, "add", draw, is_synthetic=name != "over-sampling")


_ALL = (
    Contestant(NOTHING, "the training rows as they are", "nothing"),
    Contestant(WEIGHTS, "both classes weigh the same", "weights"),
    _added("over-sampling", "rare rows again", samplers.copies),
    Contestant("under-sampling", "only some of the others", "drop"),
    Contestant("balanced-bagging", "the mean of 10 learners on balanced draws", "bag"),
    _added("smote", "rows between neighbours; SMOTENC or SMOTEN by columns", samplers.smote),
    _added("borderline-smote", "the same near the other class", samplers.borderline_smote),
    _added("adasyn", "the same, more where others are near", samplers.adasyn),
    _added("copula", "rows of a Gaussian copula", samplers.copula),
    *(
        Contestant(name, f"rows of raregan's {name}", "learn", is_synthetic=True)
        for name in VARIANTS
    ),
)
CONTESTANTS: dict[str, Contestant] = {contestant.name: contestant for contestant in _ALL}
"""All there are, by name, baselines first."""

DEFAULT_CONTESTANTS = tuple(
    name for name, one in CONTESTANTS.items() if one.way != "learn" or name == VARIANT
)


def choose_contestants(names: Iterable[str] | None = None) -> tuple[Contestant, ...]:
    """Return the contestants of these names, and always both baselines, in the registry's order.

    Raises
    ------
    UserError
        There is no such contestant, or none but the baselines.
    """
    asked = set(DEFAULT_CONTESTANTS if names is None else names)
    if unknown := sorted(map(str, asked - set(CONTESTANTS))):
        raise UserError(
            f"no contestant is called {listed(unknown)}; choose among: {', '.join(CONTESTANTS)}"
        )
    if not asked - {NOTHING}:
        raise UserError("a contest needs a contestant besides 'nothing'; name one")
    return tuple(one for name, one in CONTESTANTS.items() if name in asked or name in BASELINES)
