"""The file of finished trials: a line each, so that a search that was interrupted goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raregan import __version__
from raregan.archive import MALFORMED
from raregan.atomic import append_line, atomic_path, check_writable, write_whole
from raregan.errors import DataError, ModelFileError, UserError
from raregan.tuning.trials import Figures, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raregan.data.table import Table

_MARK = "raregan_tune"


class Ledger:
    """Finished trials of one search.

    Parameters
    ----------
    path
        Of the file; where there is one, its trials are taken.
    table, variants, seed
        What the search is of.
    aside
        Given one, the search begins anew, and a file that is there goes to this place once the
        first trial is finished: a search that comes to nothing leaves it as it was.

    Raises
    ------
    UserError
        The file is of another search.
    ModelFileError
        It is no such file.
    DataError
        It cannot be written, or not be put aside.
    """

    def __init__(
        self,
        path: str | Path,
        table: Table,
        variants: Sequence[str],
        seed: int,
        aside: str | Path | None = None,
    ) -> None:
        self._path, self._aside = Path(path), aside
        self._head = {
            _MARK: 1,
            "version": __version__,
            "fingerprint": table.fingerprint,
            "schema": table.schema.to_dict(),
            "variants": list(variants),
            "seed": seed,
        }
        if aside is not None:
            check_writable(self._path)
            check_writable(aside)
        self.trials = self._read() if aside is None and self._path.exists() else []
        if not self.trials and aside is None:
            self._begin()

    def add(self, trial: Trial) -> None:
        """Write one trial more."""
        if self._aside is not None:
            self._put_aside(self._aside)
            self._begin()
            self._aside = None
        append_line(self._path, json.dumps(trial._asdict()))

    def _put_aside(self, place: str | Path) -> None:
        try:
            if self._path.exists():
                self._path.replace(place)
        except OSError as error:
            raise DataError(
                f"cannot move {self._path} to {place}: {error.strerror or error}; name a place "
                "beside it"
            ) from None

    def _begin(self) -> None:
        with atomic_path(self._path) as part:
            part.write_text(f"{json.dumps(self._head)}\n", encoding="utf-8")

    def _read(self) -> list[Trial]:
        """Return the trials of the file; what was cut off while it was written is dropped."""
        try:
            text = self._path.read_text(encoding="utf-8")
            if json.dumps(self._head).startswith(text):  # it ended as it began
                return []
            lines = text.splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            head, *entries = map(json.loads, whole)
            if _MARK not in head:
                raise KeyError(_MARK)
            trials = [_as_trial(entry) for entry in entries]
        except OSError as error:
            raise DataError(f"cannot read {self._path}: {error.strerror or error}") from None
        except MALFORMED as error:
            raise ModelFileError(
                f"{self._path} is no record of trials ({error!r}): name another output"
            ) from None
        if differ := [name for name, value in self._head.items() if head.get(name) != value]:
            raise UserError(
                f"{self._path} is of another search ({', '.join(differ)} differ): name another "
                "output, or search anew without --resume"
            )
        if len(whole) < len(lines):
            write_whole(self._path, "".join(whole).encode())
        return trials


def _as_trial(entry: dict[str, Any]) -> Trial:
    figures = entry["figures"]
    return Trial(
        number=entry["number"],
        variant=entry["variant"],
        settings={k: tuple(v) if isinstance(v, list) else v for k, v in entry["settings"].items()},
        figures=None if figures is None else Figures(*figures),
        failure=entry["failure"],
        seconds=entry["seconds"],
    )
