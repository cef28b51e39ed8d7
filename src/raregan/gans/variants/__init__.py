"""The registry: every file of this folder that holds a `VARIANT` is one.

The names are read from the folder without importing anything, so that ``raregan --help`` can list
them at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from raregan.errors import UserError

if TYPE_CHECKING:
    from raregan.gans.variants.interface import Variant

VARIANTS: tuple[str, ...] = tuple(
    sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(__path__)
        if module.name != "interface"
    )
)
"""Names of all variants, in alphabetical order."""


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
