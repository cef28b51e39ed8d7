"""How good a way of learning is: trained on a part of the rare rows, measured on the rest."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from raregan.encoding.encoder import TableEncoder
from raregan.errors import RareGANWarning, TrainingDivergedError, UserError
from raregan.gans.variants import get_variant
from raregan.run import Run
from raregan.training.evidence import (
    CROSS_FIT_BELOW,
    chance_noise,
    choose_members,
    compare_rows,
    copy_groups,
    rows_to_make,
)
from raregan.tuning.trials import Figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from raregan.data.table import Table

OUT_OF_TIME = "time was up"

_FITTED = ("batch_size", "epochs")
"""Defaults that are fitted to the number of rows."""


class Yardstick:
    """Trains on a part of the rare rows of a table, and measures on the rest.

    Parts are those of `raregan.training.evidence.choose_members`: with fewer than 100 rare rows
    there are four. Defaults are those for all rare rows of the table. Where a part has fewer than
    100, trials train to their last step: evidence of their own would take them five times as long.

    Parameters
    ----------
    table
        Whose rare rows are split, copies on one side.
    seed
        Fixes the split, the training and the draws of every trial alike.
    spent
        Rows that another yardstick held out; others come first here.
    """

    def __init__(self, table: Table, seed: int, spent: NDArray[np.bool_] | None = None) -> None:
        self._table, self._seed = table, seed
        # A ruler, the same for all: it learns scales and levels, and no trial learns from it.
        self._encoder = TableEncoder().fit(
            table.rare,
            table.schema,
            constraints=table.constraints,
            others=table.others,
            seen=table.seen,
        )
        self._rows = self._encoder.encode(table.rare)
        self._members = choose_members(
            table.n_rare, seed=seed, same=copy_groups(self._rows), spent=spent
        )
        self.noise = chance_noise(int((~self._members).sum()))

    def another(self) -> Yardstick:
        """Return one that holds other rows out, if there are any, and trains from another seed."""
        spent = (~self._members).any(axis=0)
        return Yardstick(self._table, self._seed + 1, np.asarray(spent))

    @property
    def other_rows(self) -> str:
        """What :meth:`another` measures on, in words."""
        in_turn = len(self._members) > 1
        return "on the same rows, dealt otherwise" if in_turn else "on other rows"

    def measure(
        self, variant: str, settings: Mapping[str, Any], deadline: float | None
    ) -> Figures | str:
        """Return the figures of one way of learning, or why there are none."""
        found = []
        for kept in self._members:
            try:
                with warnings.catch_warnings():  # of the table, told before
                    warnings.simplefilter("ignore", RareGANWarning)
                    made = self._made(variant, settings, kept, deadline)
            except (UserError, TrainingDivergedError) as error:
                return str(error)
            if made is None:
                return OUT_OF_TIME
            rng = np.random.default_rng(self._seed)
            found.append(compare_rows(made, self._rows[kept], self._rows[~kept], rng))
        return Figures(*(float(figure) for figure in np.mean(found, axis=0)))

    def _made(
        self,
        variant: str,
        settings: Mapping[str, Any],
        kept: NDArray[np.bool_],
        deadline: float | None,
    ) -> NDArray[np.float32] | None:
        """Return encoded rows of a model of the rows that are kept; None where time was up."""
        part = replace(self._table, rare=self._table.rare.filter(pl.Series(kept)))
        left = None if deadline is None else max(deadline - time.monotonic(), 1.0) / 60
        defaults = get_variant(variant).defaults(self._table.n_rare)
        chosen = {
            name: value
            for default in defaults
            for name, value in vars(default).items()
            if name not in _FITTED and not (name == "steps" and "epochs" in settings)
        }
        options: dict[str, Any] = {"settings": chosen | dict(settings), "max_minutes": left}
        if part.n_rare < CROSS_FIT_BELOW:  # each would need as many rehearsals of its own
            options["evidence"] = False
        run = Run.prepare(part, variant, options, self._seed)
        model = run.train(run.hooks(None, 1, None, None), resume_from=None)
        if model.provenance["ended"] == "time":
            return None
        made = model.sampler.sample(rows_to_make(int((~kept).sum())), seed=self._seed)
        return self._encoder.encode(made.drop(self._table.schema.target.name))

    def describe(self) -> str:
        """Say in one line what is learned from."""
        return self._table.describe_rows()
