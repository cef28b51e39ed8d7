"""The registry: every file of this folder that holds a `VARIANT` is one.

The names are read from the folder without importing anything, so that ``raregan --help`` can list
them at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from raregan.config import plain_options
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


OWN_OPTIONS = {
    "solver_steps": "steps along a flow",
    "field_width": "width of the field of a flow",
    "field_blocks": "blocks of the field of a flow",
    "generator_widths": "layers of a generator",
    "discriminator_widths": "layers of a discriminator",
    "batch_normalisation": "of a generator",
    "leak": "of a discriminator's ReLU",
    "pac": "rows that a discriminator looks at together",
    "discriminator_steps": "moves of a discriminator",
    "discriminator_speed": "learning rate of a discriminator",
    "gp_weight": "weight of the gradient penalty of Wasserstein GANs",
    "r1_gamma": "weight of the penalties R1 and R2",
}
"""Options that only some variants have, and what each is: the others refuse them."""


def refuse_foreign_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that the variant called `name` would ignore.

    Raises
    ------
    UserError
        There is one that is not `None`, or no such variant, or a value is out of range.
    """
    variant, given = get_variant(name), plain_options(options)
    for option, what in OWN_OPTIONS.items():
        if option in given and option not in variant.own_options:
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
