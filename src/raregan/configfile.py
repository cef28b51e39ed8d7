"""The file that ``raregan tune`` writes and ``raregan train --config`` takes: plain JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from raregan.archive import MALFORMED, from_json, to_json
from raregan.atomic import write_whole
from raregan.errors import ModelFileError, UserError
from raregan.gans.variants import refuse_foreign_options

_MARK, _VERSION = "raregan_config", 1


class Choice(NamedTuple):
    """What is trained, and how: the content of a config file."""

    variant: str
    settings: dict[str, Any]
    """Options that differ from the variant's defaults; see `raregan.RareGAN`."""
    tuned: dict[str, Any]
    """What the search saw, for a reader."""


def write_config(path: str | Path, choice: Choice) -> None:
    """Write a config file, atomically.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    write_whole(path, to_json({_MARK: _VERSION, **choice._asdict()}))


def read_config(path: str | Path) -> Choice:
    """Read a config file, and check that its settings are some of its variant's.

    Raises
    ------
    ModelFileError
        If there is none, or it is damaged, of a newer release, or something else.
    UserError
        If a setting is unknown, out of range, or means nothing to the variant, or two say how long
        to train.
    """
    try:
        found = from_json(Path(path).read_bytes())
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror or error}") from None
    except MALFORMED as error:
        raise _foreign(path, str(error)) from None
    if not isinstance(found, dict):
        raise _foreign(path, "it holds no names and values")
    for key in (_MARK, "variant", "settings"):
        if key not in found:
            raise _foreign(path, f"it has no {key!r}")
    if odd := [key for key in found if key not in (_MARK, *Choice._fields)]:
        raise _foreign(path, f"nothing is called {odd[0]!r}")
    version, variant, settings = found[_MARK], found["variant"], found["settings"]
    if version != _VERSION:
        raise ModelFileError(
            f"{path} is a config file of format {version!r}, this release reads {_VERSION}: "
            "upgrade with pip install --upgrade raregan"
        )
    try:
        refuse_foreign_options(variant, {"settings": settings})
    except UserError as error:
        raise type(error)(f"{path}: {error}") from None
    return Choice(variant, settings, found.get("tuned", {}))


def _foreign(path: str | Path, why: str) -> ModelFileError:
    return ModelFileError(
        f"{path} is no config file of raregan ({why}): write one with raregan tune, or as "
        f'{{"{_MARK}": {_VERSION}, "variant": "flow", "settings": {{"jitter": 0.3}}}}'
    )
