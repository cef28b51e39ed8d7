"""Numbers that were asked for, checked by their names."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from raregan.errors import UserError


def check_positive(**values: float | None) -> None:
    """Refuse, by name, what is given and is no positive number, with a UserError."""
    for name, value in values.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise UserError(f"{name} must be a positive number, got {value!r}")


def read_whole(**named: Any) -> int:
    """Return the one number that is given, by its name, as Python's own int.

    Raises
    ------
    UserError
        It is no whole number of at least 1.
    """
    ((name, value),) = named.items()
    if not isinstance(value, Integral) or int(value) < 1:
        raise UserError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def read_amounts(amounts: float | Iterable[float]) -> tuple[float, ...]:
    """Return the amounts in their order, each once; one may be given by itself.

    Raises
    ------
    UserError
        There is none, or one is no positive number.
    """
    given = tuple(amounts) if isinstance(amounts, Iterable) else (amounts,)
    chosen = tuple(sorted({float(amount) for amount in given}))
    if not chosen or not all(np.isfinite(amount) and amount > 0 for amount in chosen):
        raise UserError(f"amounts must be positive numbers, got {list(chosen)}")
    return chosen
