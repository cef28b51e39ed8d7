"""The registry: every file of this folder that holds a `VARIANT` is one.

The names are read from the folder without importing anything, so that ``raregan --help`` can list
them at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from raregan.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raregan.gans.variants.interface import Variant

VARIANTS: tuple[str, ...] = tuple(
    sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(__path__)
        if module.name != "interface"
    )
)
"""Names of all variants, in alphabetical order."""


OWN_OPTIONS = {"solver_steps": "steps along a flow"}
"""Options that only some variants have, and what each is: the others refuse them."""


def refuse_foreign_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that the variant called `name` would ignore.

    Raises
    ------
    UserError
        There is one that is not `None`, or no such variant.
    """
    variant = get_variant(name)
    for option, what in OWN_OPTIONS.items():
        if options.get(option) is not None and option not in variant.own_options:
            able = [other for other in VARIANTS if option in get_variant(other).own_options]
            raise UserError(
                f"{option} ({what}) means nothing to {name}: leave it out, or choose variant "
                f"{' or '.join(able)}"
            )


def get_variant(name: str) -> Variant:
    """Return the variant called `name`, importing its file.

    Raises
    ------
    UserError
        If there is none; the message lists those there are.
    """
    if name not in VARIANTS:
        raise UserError(f"no variant is called {name!r}; choose one of: {', '.join(VARIANTS)}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    variant: Variant = module.VARIANT
    return variant
