"""raregan learns the rare class of an imbalanced table with flows and GANs, and samples it.

Public names are imported when they are first used, so that ``import raregan`` and
``raregan --help`` are instant.
"""

import importlib
import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

__version__ = "0.1.0"

_HOMES = {
    "RareGAN": "raregan.synthesizer",
    "GANOverSampler": "raregan.oversampler",
    "make_card_fraud": "raregan.data.simulate",
    "read_table": "raregan.data.sources",
    "TableEncoder": "raregan.encoding.encoder",
    "load_model": "raregan.modelfile",
    "read_config": "raregan.configfile",
    "tune": "raregan.tuning.search",
    "evaluate": "raregan.judging.evaluation",
    "Report": "raregan.judging.report",
    "compare": "raregan.contest.comparison",
    "Comparison": "raregan.contest.comparison",
    "VARIANTS": "raregan.gans.variants",
    "get_variant": "raregan.gans.variants",
    "RareGANError": "raregan.errors",
    "UserError": "raregan.errors",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'raregan' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
