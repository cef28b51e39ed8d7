"""Flow matching: no game and no discriminator, one network that learns by regression."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from raregan.config import NetworkConfig, TrainingConfig
from raregan.gans.frozen_flow import FrozenFlow, freeze_flow
from raregan.gans.matching import flow_matching_loss
from raregan.gans.networks import build_field
from raregan.gans.variants.interface import Between, OneOf, Player, Scale, Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from raregan.encoding.layout import Layout
    from raregan.gans.conditions import Told


def freeze(
    models: Mapping[str, keras.Model], layout: Layout, network: NetworkConfig, told: Told
) -> FrozenFlow:
    """Keep the field, and as many steps of the solver as `network` says."""
    return freeze_flow(models["field"], layout, network, told)


_NETWORK = NetworkConfig(field_width=64)
_FEW = TrainingConfig(
    epochs=1_000_000,
    steps=2_500,
    batch_size=128,
    learning_rate=1e-3,
    beta_1=0.9,
    average=0.999,
    anneal=True,
    jitter=1.0,
    margins=True,
    shrink=True,
)
"""Of fewer than 50 rows a flow learns little but the rows themselves; with as much jitter as they
have spread it becomes, nearly, a normal copula."""
_SOME = replace(_FEW, jitter=0.6, evidence=True)
_TRAINING = replace(_SOME, steps=5_000, jitter=0.25, shrink=False)

VARIANT = Variant(
    name="flow",
    summary="conditional flow matching on jittered rows: stable, and the best on most tables",
    players=(Player("field", build_field, flow_matching_loss),),
    freeze=freeze,
    own_options=("solver_steps", "field_width", "field_blocks"),
    search={
        "jitter": Between(0.05, 1.5),
        "steps": OneOf((2_500, 5_000, 8_000, 15_000)),
        "learning_rate": Between(3e-4, 3e-3),
        "field_width": OneOf((32, 64, 128, 256)),
    },
    network=_NETWORK,
    training=_FEW,
    scales=(
        Scale(50, _NETWORK, _SOME),
        Scale(100, _NETWORK, _TRAINING),
        Scale(500, replace(_NETWORK, field_width=128), replace(_TRAINING, steps=8_000)),
        Scale(
            2_000,
            replace(_NETWORK, field_width=256),
            replace(_TRAINING, steps=15_000, jitter=0.1, evidence_every=1_000),
        ),
    ),
)
