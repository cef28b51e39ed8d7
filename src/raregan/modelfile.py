"""The .raregan file: JSON and weights, checksummed, versioned, no pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from raregan.archive import MALFORMED, from_json, read_archive, to_json, write_archive
from raregan.config import Config
from raregan.data.heldout import HeldOut
from raregan.data.schema import Schema
from raregan.encoding.encoder import TableEncoder
from raregan.errors import ModelFileError
from raregan.gans.correlations import CorrelatedGenerator
from raregan.gans.frozen import AskedGenerator, Frozen, FrozenGenerator, check_finite
from raregan.gans.frozen_flow import FrozenFlow
from raregan.gans.margins import MarginalGenerator
from raregan.sampling import Sampler

if TYPE_CHECKING:
    from pathlib import Path

    from raregan.data.schema import TargetValue
    from raregan.encoding.layout import Layout

FORMAT_VERSION = 5
"""1 was of numeric columns only, 2 of dense generators only; nothing was released with them."""

GENERATORS: dict[str, type[FrozenGenerator | AskedGenerator | FrozenFlow]] = {
    generator.kind: generator for generator in (FrozenGenerator, AskedGenerator, FrozenFlow)
}
"""By the name that a model file holds."""

CORRECTIONS: dict[str, type[CorrelatedGenerator | MarginalGenerator]] = {
    "correlations.": CorrelatedGenerator,
    "margins.": MarginalGenerator,
}
"""What may be done after the heads, in this order, by how the names of its arrays begin."""

_AFTER = tuple(CORRECTIONS)


@dataclass(frozen=True)
class Model:
    """What a training run leaves, and all that a model file holds.

    Parameters
    ----------
    sampler : Sampler
        Schema, encoder and a generator a class: what sampling needs.
    config : Config
        The options of the run, resolved.
    history : dict of str to list of float
        The loss of each player, one value an epoch, and the evidence.
    provenance : dict
        Where the model comes from: the table's name, rows and fingerprint, versions, time, why
        training ended.
    held_out : HeldOut, optional
        The mark of the rows that were split off to test with: synthetic rows do not go with them.
    """

    sampler: Sampler
    config: Config
    history: dict[str, list[float]]
    provenance: dict[str, Any]
    held_out: HeldOut | None = None


def save_model(model: Model, path: str | Path) -> None:
    """Write `model` to one file, atomically.

    Raises
    ------
    ModelFileError
        If a weight is NaN or infinite, or the model could not be read again: such a file is never
        written.
    DataError
        If `path` cannot be written.
    """
    generators = model.sampler.generators
    for generator in generators.values():
        check_finite(generator)
    weights = {
        f"{number}.{name}": array
        for number, generator in enumerate(generators.values())
        for name, array in generator.to_arrays().items()
    }
    members = {
        "schema.json": to_json(model.sampler.schema.to_dict()),
        "encoder.json": to_json(model.sampler.encoder.to_dict()),
        "config.json": to_json(model.config.to_dict()),
        "history.json": to_json(model.history),
        "provenance.json": to_json(model.provenance),
        "generators.json": to_json(
            [{"class": label, "kind": made.kind} for label, made in generators.items()]
        ),
        "generators.safetensors": save_tensors(weights),
    }
    if model.held_out is not None:
        arrays, plain = model.held_out.to_arrays()
        members["held_out.json"] = to_json(plain)
        members["held_out.safetensors"] = save_tensors(arrays)
    _restore(members, path)  # what could not be read again takes no older file's place
    write_archive(path, kind="model", version=FORMAT_VERSION, members=members)


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        If the file is missing, foreign, truncated, damaged or of a newer format; it says which.
    """
    return _restore(read_archive(path, kind="model", version=FORMAT_VERSION), path)


def _restore(members: dict[str, bytes], path: str | Path) -> Model:
    try:
        schema = Schema.from_dict(from_json(members["schema.json"]))
        encoder = TableEncoder.from_dict(from_json(members["encoder.json"]))
        generators = _generators(members, encoder.layout)
        if next(iter(generators), None) != schema.target.rare:
            raise ModelFileError("the first generator is not that of the rare class")
        if encoder.columns != schema.columns:
            raise ModelFileError("the schema and the encoder have different columns")
        return Model(
            sampler=Sampler(schema, encoder, generators),
            config=Config.from_dict(from_json(members["config.json"])),
            history=dict(from_json(members["history.json"])),
            provenance=dict(from_json(members["provenance.json"])),
            held_out=_held_out(members),
        )
    except (SafetensorError, *MALFORMED) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error


def _generators(members: dict[str, bytes], layout: Layout) -> dict[TargetValue, Frozen]:
    weights = load_tensors(members["generators.safetensors"])
    generators: dict[TargetValue, Frozen] = {}
    for number, made in enumerate(from_json(members["generators.json"])):
        prefix = f"{number}."
        mine = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        after = {name: mine.pop(name) for name in list(mine) if name.startswith(_AFTER)}
        generator: Frozen = GENERATORS[made["kind"]].from_arrays(mine, layout)
        for start, corrected in CORRECTIONS.items():
            if any(name.startswith(start) for name in after):
                generator = corrected.from_arrays(after, generator)
        generators[made["class"]] = generator
    return generators


def _held_out(members: dict[str, bytes]) -> HeldOut | None:
    if "held_out.json" not in members:
        return None
    arrays = load_tensors(members["held_out.safetensors"])
    return HeldOut.from_arrays(arrays, from_json(members["held_out.json"]))
