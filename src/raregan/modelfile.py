"""The .raregan file: JSON and weights, checksummed, versioned, no pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from raregan.archive import MALFORMED, from_json, read_archive, to_json, write_archive
from raregan.config import Config
from raregan.data.schema import Schema
from raregan.encoding.encoder import TableEncoder
from raregan.errors import ModelFileError
from raregan.gans.frozen import FrozenGenerator
from raregan.sampling import Sampler

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Model:
    """What a training run leaves, and all that a model file holds.

    Parameters
    ----------
    sampler : Sampler
        Schema, encoder and generator: what sampling needs.
    config : Config
        The options of the run, resolved.
    history : dict of str to list of float
        ``discriminator_loss`` and ``generator_loss``, one value an epoch.
    provenance : dict
        Where the model comes from: the table's name, rows and fingerprint, versions, time, why
        training ended.
    """

    sampler: Sampler
    config: Config
    history: dict[str, list[float]]
    provenance: dict[str, Any]


def save_model(model: Model, path: str | Path) -> None:
    """Write `model` to one file, atomically.

    Raises
    ------
    ModelFileError
        If a weight is NaN or infinite: such a file is never written.
    DataError
        If `path` cannot be written.
    """
    model.sampler.generator.check_finite()
    members = {
        "schema.json": to_json(model.sampler.schema.to_dict()),
        "encoder.json": to_json(model.sampler.encoder.to_dict()),
        "config.json": to_json(model.config.to_dict()),
        "history.json": to_json(model.history),
        "provenance.json": to_json(model.provenance),
        "generator.safetensors": save_tensors(model.sampler.generator.to_arrays()),
    }
    write_archive(path, kind="model", version=FORMAT_VERSION, members=members)


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        If the file is missing, foreign, truncated, damaged or of a newer format; it says which.
    """
    members = read_archive(path, kind="model", version=FORMAT_VERSION)
    try:
        schema = Schema.from_dict(from_json(members["schema.json"]))
        encoder = TableEncoder.from_dict(from_json(members["encoder.json"]))
        generator = FrozenGenerator.from_arrays(load_tensors(members["generator.safetensors"]))
        if tuple(fitted.column for fitted in encoder.columns) != schema.columns:
            raise ModelFileError("the schema and the encoder have different columns")
        if generator.width != encoder.layout.width:
            raise ModelFileError(
                f"the generator makes {generator.width} numbers a row and the encoder takes "
                f"{encoder.layout.width}"
            )
        return Model(
            sampler=Sampler(schema, encoder, generator),
            config=Config.from_dict(from_json(members["config.json"])),
            history=dict(from_json(members["history.json"])),
            provenance=dict(from_json(members["provenance.json"])),
        )
    except (SafetensorError, *MALFORMED) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
