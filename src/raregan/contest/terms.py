"""The terms of a contest: what was asked for, checked, and told as plain data."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from raregan.contest.numbers import check_positive
from raregan.contest.scores import Costs
from raregan.data.fingerprints import row_hashes
from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raregan.contest.arena import Arena
    from raregan.contest.fold import Rules
    from raregan.data.schema import Schema


_LIBRARIES = (
    *("raregan", "numpy", "polars", "scikit-learn", "scipy", "imbalanced-learn"),
    *("lightgbm", "xgboost", "catboost", "keras", "jax"),
)


def read_several(given: Any) -> tuple[Any, ...] | None:
    """Return what is given in its order; one may be given by itself. None stays None."""
    if given is None:
        return None
    is_one = isinstance(given, str | type) or not isinstance(given, Iterable)
    return (given,) if is_one or hasattr(given, "fit") else tuple(given)


def read_costs(
    missed: float | None, alarm: float | None, amount_column: str | None
) -> Costs | None:
    """Return the costs of a miss and of a false alarm; None where neither is given.

    Raises
    ------
    UserError
        One is given without the other, or an amount column without them; or one is not positive.
    """
    if missed is None and alarm is None:
        if amount_column is not None:
            raise UserError("an amount column needs the costs too: give cost_fn and cost_fp")
        return None
    if missed is None or alarm is None:
        raise UserError("costs are given together: cost_fn of a miss, cost_fp of a false alarm")
    check_positive(cost_fn=missed, cost_fp=alarm)
    return Costs(float(missed), float(alarm))


def with_rules(
    options: Mapping[str, Any] | None, schema: Schema | None, constraints: Sequence[str]
) -> dict[str, Any]:
    """Return the options of raregan's variants, with the rules that their rows keep."""
    known = schema.constraints if schema is not None else ()
    rules = list(dict.fromkeys([*known, *constraints]))
    return {**(options or {}), **({"constraints": rules} if rules else {})}


def tell_rules(rules: Rules, arena: Arena) -> dict[str, Any]:
    """Return what the records depend on besides rows and folds, as JSON can hold it."""
    marks = {one.name: one.mark for one in rules.learners if one.mark is not None}
    return {
        **({"own": marks} if marks else {}),
        "target": arena.rows.target,
        "rare": arena.rows.value,
        "columns": {column.name: column.kind for column in rules.columns},
        "learners": [learner.name for learner in rules.learners],
        "amounts": list(rules.amounts),
        "ratio": rules.ratio,
        "top": rules.top,
        "costs": None if rules.costs is None else asdict(rules.costs),
        "options": dict(rules.options),
        "seed": rules.seed,
    }


def find_versions() -> dict[str, str]:
    """Return the releases of Python and of what a contest computes with, where it is installed."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


def fingerprint_used(arena: Arena, others: Iterable[str | None]) -> str:
    """Hash what the records depend on of the rows, in their order.

    Parameters
    ----------
    arena
        Its features and target are used.
    others
        Columns that are used besides; None: none.
    """
    used = {column.name for column in arena.columns} | {arena.rows.target, *others}
    frame = arena.frame.select(name for name in arena.frame.columns if name in used)
    return hashlib.sha256(row_hashes(frame).astype("<u8").tobytes()).hexdigest()
