"""The container of model files and checkpoints: a zip of plain members, every byte checksummed.

Members are JSON or safetensors, stored uncompressed, read by name and never extracted to disk;
nothing in them can run code. The manifest, always the first member, states kind, format version
and the SHA-256 of every other member. The zip's comment holds the SHA-256 of all bytes before it,
so that a flipped bit in a zip header is found too.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from raregan.atomic import atomic_path
from raregan.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = "raregan.json"
MALFORMED = (
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Python raises when JSON that parses is not what a reader expects."""
_SEAL = b"raregan-sha256:"
_SEAL_LENGTH = len(_SEAL) + 64  # a SHA-256 in hexadecimal
_FIRST_BYTES = b"PK\x03\x04"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest date: the same content gives the same bytes


def write_archive(
    path: str | Path, *, kind: str, version: int, members: Mapping[str, bytes]
) -> None:
    """Write `members` as one sealed file, atomically.

    Parameters
    ----------
    path : str or Path
        Where the file goes; an older one is replaced only by a complete new one.
    kind : str
        What the file is, for instance ``"model"``; :func:`read_archive` insists on it.
    version : int
        Format version of the members; a reader refuses a newer one than it knows.
    members : mapping of str to bytes
        The content by member name.

    Raises
    ------
    DataError
        If `path` cannot be written.
    """
    manifest = {
        "kind": kind,
        "format_version": version,
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), to_json(manifest))
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        archive.comment = _SEAL + b"0" * 64
    unsealed = buffer.getvalue()[:-_SEAL_LENGTH]
    with atomic_path(path) as temporary:
        temporary.write_bytes(unsealed + _seal(unsealed))


def read_archive(path: str | Path, *, kind: str, version: int) -> dict[str, bytes]:
    """Return the members of a sealed file by name, every checksum verified.

    Raises
    ------
    ModelFileError
        If the file is missing, foreign, truncated, damaged, of another kind, or of a newer format
        than `version`; the message says which.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"cannot read {path}: {error.strerror or error}; "
            "make one with: raregan train DATA --output fraud.raregan"
        ) from None
    _check_seal(path, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = from_json(archive.read(MANIFEST))
            found, known = manifest["kind"], int(manifest["format_version"])
            checksums = dict(manifest["members"])
            members = {name: archive.read(name) for name in checksums}
    except (zipfile.BadZipFile, *MALFORMED) as error:
        _damaged(path, error)
    if found != kind:
        raise ModelFileError(f"{path} is a raregan {found}, not a {kind}")
    if known > version:
        raise ModelFileError(
            f"{path} has format {known}; this release reads up to {version}: "
            "upgrade with pip install --upgrade raregan"
        )
    for name, data in members.items():
        if hashlib.sha256(data).hexdigest() != checksums[name]:
            _damaged(path, f"the checksum of {name} does not match")
    return members


def to_json(value: Any) -> bytes:
    """Return `value` as UTF-8 JSON; NaN and infinity are refused, as JSON has neither."""
    return json.dumps(value, allow_nan=False, indent=1).encode()


def from_json(data: bytes) -> Any:
    """Parse what :func:`to_json` wrote; NaN and infinity raise `ValueError`."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} in JSON")

    return json.loads(data, parse_constant=refuse, parse_float=_finite)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond the range of a float")
    return value


def _seal(unsealed: bytes) -> bytes:
    return _SEAL + hashlib.sha256(unsealed).hexdigest().encode()


def _check_seal(path: Path, content: bytes) -> None:
    """Tell foreign, truncated and damaged files apart before a zip reader sees them."""
    ours = content.startswith(_FIRST_BYTES) and MANIFEST.encode() in content[:64]
    seal = content[-_SEAL_LENGTH:]
    sealed = seal.startswith(_SEAL)
    if not ours and not sealed:
        raise ModelFileError(
            f"{path} is not a file that raregan wrote (or its beginning is lost); "
            "make one with: raregan train DATA --output fraud.raregan"
        )
    if not sealed:
        raise ModelFileError(
            f"{path} is truncated: its end is missing; copy it again from where it was whole"
        )
    if seal != _seal(content[:-_SEAL_LENGTH]):
        _damaged(path, "its checksum does not match")


def _damaged(path: Path, reason: object) -> NoReturn:
    raise ModelFileError(f"{path} is damaged ({reason}); copy it again from where it was whole")
