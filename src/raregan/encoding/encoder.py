"""A frame of features becomes a float32 matrix, and a matrix becomes such a frame again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from raregan.archive import MALFORMED
from raregan.config import NUMERIC_ENCODINGS, TrainingConfig
from raregan.data.constraints import Combination, OneHot, Sum, order_sums
from raregan.data.dtypes import dtype_name
from raregan.data.rows import known_column, listed
from raregan.data.schema import Column, Schema, locate
from raregan.encoding.dependencies import find_dependent
from raregan.encoding.fields import Draw, Encoded
from raregan.encoding.fitted import FittedField, fit_field, fit_group
from raregan.encoding.layout import Layout, Span
from raregan.encoding.missing import MissingCells
from raregan.encoding.totals import Total, fit_total
from raregan.errors import ModelFileError, RareGANError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from raregan.data.constraints import Constraint
    from raregan.encoding.layout import Part

FIRST_DRAW = Draw()

_POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class TableEncoder:
    """Encodes the features of a schema; needs `fit` before anything else.

    Each column is encoded on its own, but those of a fixed combination or a one-hot group, which
    are one field, and totals, which are no field: they are added up.

    Parameters
    ----------
    numeric
        ``"quantile"`` maps each numeric column to a normal distribution, ``"standard"`` only
        scales it.

    Raises
    ------
    SchemaError
        `numeric` is neither.
    """

    def __init__(self, numeric: str = TrainingConfig.numeric_encoding) -> None:
        if numeric not in NUMERIC_ENCODINGS:
            raise SchemaError(f"unknown encoding {numeric!r}: use one of {NUMERIC_ENCODINGS}")
        self.numeric = numeric
        self.columns: tuple[Column, ...] = ()
        self.missing = MissingCells((), (), None)
        self.fields: tuple[FittedField, ...] = ()
        self.totals: tuple[Total, ...] = ()

    @property
    def layout(self) -> Layout:
        """What the D numbers of an encoded row are."""
        named: list[tuple[tuple[str, ...], Part]] = [((), part) for part in self.missing.parts]
        named += [(field.names, part) for field in self.fields for part in field.parts]
        starts = accumulate((part.width for _, part in named), initial=0)
        spans = tuple(
            Span(",".join(names), part.name, start, part.width, part.activation)
            for (names, part), start in zip(named, starts, strict=False)
        )
        return Layout(spans, tuple(self._gates([names for names, _ in named], spans)))

    def _gates(
        self, owners: list[tuple[str, ...]], spans: tuple[Span, ...]
    ) -> Iterator[tuple[int, int]]:
        """Yield the gates of spans, given the columns of each: a name alone can be ambiguous."""
        for place, names in enumerate(self.missing.gating()):
            missing = {(name,) for name in names}
            yield from ((place, i) for i, owner in enumerate(owners) if owner in missing)
        for i, span in enumerate(spans):
            if span.part == "spike" and owners[i + 1 : i + 2] == [owners[i]]:
                first = span.start + (span.activation == "softmax")  # its first state: no spike
                yield from ((place, i + 1) for place in range(first, span.stop))

    def fit(
        self,
        frame: pl.DataFrame,
        schema: Schema,
        *,
        constraints: tuple[Constraint, ...] = (),
        others: pl.DataFrame | None = None,
        seen: pl.LazyFrame | None = None,
        levels_from: str = TrainingConfig.levels_from,
    ) -> Self:
        """Fit each column to the rows of a frame.

        Parameters
        ----------
        frame
            (n, columns) with n >= 1, the features of the schema.
        schema
            What they are.
        constraints
            Those of the schema, parsed: sums, combinations and one-hot groups are built in.
        others
            Rows of the other classes, for `levels_from`.
        seen
            All identifiers there are, which are not to be made again; None: those of `frame`.
        levels_from
            ``"rare"``: a category can be what it is in `frame`; ``"all"``: in `others` too.

        Raises
        ------
        SchemaError
            The frame has no rows, other columns or dtypes, or a cell that cannot be encoded.
        """
        check_columns(frame, schema.columns)
        if not frame.height:
            raise SchemaError("an encoding needs at least one row to be fitted to")
        more = others if levels_from == "all" else None
        groups = [c.columns for c in constraints if isinstance(c, Combination | OneHot)]
        sums = order_sums([c for c in constraints if isinstance(c, Sum)])
        added_up = {rule.total for rule in sums}
        taken = {name for rule in constraints for name in rule.columns}
        rows = frame if more is None else pl.concat([frame, more.select(frame.columns)])
        groups += find_dependent(rows, schema.columns, taken)
        group_of = {name: names for names in groups for name in names}
        fields = []
        for column in schema.columns:
            names = group_of.get(column.name, (column.name,))
            if column.name in added_up or column.name != min(names, key=schema.names.index):
                continue
            fields.append(
                fit_group(names, frame, more)
                if len(names) > 1
                else fit_field(column, frame, self.numeric, more, seen)
            )
        self.columns = schema.columns
        alone = [name for name in schema.names if name not in group_of]
        self.missing = MissingCells.fit(frame, alone)
        self.fields = tuple(fields)
        self.totals = tuple(fit_total(rule, frame) for rule in sums)
        return self

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """Encode a frame as (n, D) float32, C-contiguous.

        Raises
        ------
        SchemaError
            The frame has other columns or dtypes, or a cell that was not to be expected: missing
            where none was, or of an unknown level.
        """
        check_columns(frame, self.columns)
        slices = self._slices()
        matrix = np.zeros((frame.height, slices[-1].stop), dtype=np.float32)
        self._check_missing(frame)
        for slot, part in zip(self._slots, slices, strict=True):
            slot.encode_into(matrix[:, part], frame)
        return matrix

    def decode(self, matrix: Encoded, draw: Draw = FIRST_DRAW) -> pl.DataFrame:
        """Decode (n, D) float32, whatever a network made of it, into a frame like the fitted one.

        Numbers and dates lie in their column's observed range, rounded as the column was.

        Parameters
        ----------
        matrix
            Encoded rows.
        draw
            Which rows these are, for the identifiers that are made up.

        Raises
        ------
        SchemaError
            The matrix is not of D columns.
        RareGANError
            It holds NaN.
        """
        matrix = np.asarray(matrix, dtype=np.float32)
        slices = self._slices()
        if matrix.shape[1:] != (slices[-1].stop,):
            raise SchemaError(
                f"a matrix of shape {matrix.shape} cannot be decoded: "
                f"an encoded row has {slices[-1].stop} numbers"
            )
        if matrix.size and np.isnan(matrix.min()):  # the minimum passes NaN on, in one sweep
            raise RareGANError("the generated rows hold NaN: the generator is damaged; train anew")
        cells: dict[str, pl.Series] = {}
        flags = self.missing.decode(matrix[:, slices[0]])
        for field, part in zip(self.fields, slices[1:], strict=True):
            for name, made in field.decode(matrix[:, part], draw).items():
                cells[name] = _without(made, flags.get(name))
        for total in self.totals:
            cells[total.name] = _without(total.add_up(cells), flags.get(total.name))
        return pl.DataFrame({column.name: cells[column.name] for column in self.columns})

    def unscaled(self, matrix: Encoded) -> NDArray[np.float64]:
        """Return encoded rows, (n, D), with each number that has a scale as the table has it."""
        values = matrix.astype(np.float64)
        for slot, part in zip(self._slots, self._slices(), strict=True):
            if isinstance(slot, FittedField):
                slot.unscale(values[:, part])
        return values

    def find_levels(self, conditions: Mapping[str, Any]) -> dict[str, Any]:
        """Return conditions with their values as the columns hold them.

        Parameters
        ----------
        conditions
            Category by column; any of them may be given as text.

        Raises
        ------
        SchemaError
            This is no mapping, there is no such column, it is none of categories, or it was never
            seen to hold that.
        """
        if not isinstance(conditions, Mapping):
            raise SchemaError(
                f"conditions are a mapping from column to category, got {conditions!r}: "
                "write them as in {'channel': 'web'}"
            )
        return {
            name: self._find_level(known_column([c.name for c in self.columns], name), value)
            for name, value in conditions.items()
        }

    def place_of(self, name: str, level: Any) -> tuple[int, int] | None:
        """Return where the span of a column begins, and which category of it a level is.

        None where the column shares a field with others, or its levels are written in binary.
        """
        for slot, part in zip(self._slots, self._slices(), strict=True):
            if isinstance(slot, FittedField) and slot.names == (name,):
                number = slot.category_of(level)
                return None if number is None else (part.start, number)
        return None

    def _find_level(self, name: str, value: Any) -> Any:
        field = next((field for field in self.fields if name in field.names), None)
        levels = None if field is None else field.levels(name)
        if levels is None:
            kind = next(column.kind for column in self.columns if column.name == name)
            raise SchemaError(
                f"a condition is on a category, and column {name!r} is {kind}: "
                "train with a constraint to keep numbers and dates in bounds"
            )
        for level in levels:
            if type(level) is type(value) and level == value:
                return level
        for level in levels:
            same_case = str(level) == str(value)
            if same_case or (isinstance(level, bool) and str(level).lower() == str(value)):
                return level
        raise SchemaError(
            f"column {name!r} was never {value!r} in the rows that were learned, it was "
            f"{listed(levels)}: choose one of these"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy, from which each float comes back to the bit."""
        return {
            "numeric": self.numeric,
            "columns": [asdict(column) for column in self.columns],
            "missing": self.missing.to_dict(),
            "fields": [field.to_dict() for field in self.fields],
            "totals": [total.to_dict() for total in self.totals],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote.

        Raises
        ------
        ModelFileError
            A field is missing or holds what it may not.
        """
        try:
            encoder = cls(data["numeric"])
            encoder.columns = tuple(Column(**column) for column in data["columns"])
            encoder.missing = MissingCells.from_dict(data["missing"])
            encoder.fields = tuple(FittedField.from_dict(field) for field in data["fields"])
            encoder.totals = tuple(Total.from_dict(total) for total in data["totals"])
            made = [name for field in encoder.fields for name in field.names]
            made += [total.name for total in encoder.totals]
            names = sorted(column.name for column in encoder.columns)
            if not made or sorted(made) != names or not set(encoder.missing.names) <= set(names):
                raise SchemaError("its fields do not make up its columns")
            encoder._try_out()
        except (*MALFORMED, OverflowError, *_POLARS_ERRORS) as error:
            raise ModelFileError(
                f"this is no encoder as raregan writes it ({type(error).__name__}: {error})"
            ) from None
        return encoder

    def _try_out(self) -> None:
        """Decode a few rows: fields that were read can still contradict their columns."""
        ends = np.array([[0.0], [np.inf], [-np.inf]], dtype=np.float32)
        check_columns(self.decode(np.tile(ends, self.layout.width)), self.columns)

    @property
    def _slots(self) -> tuple[MissingCells | FittedField, ...]:
        return (self.missing, *self.fields)

    def _slices(self) -> list[slice]:
        """Where what is missing, then each field, stands in a row: some take no room."""
        if not self.columns:
            raise RareGANError("the encoder knows no columns yet: fit it first")
        widths = (sum(part.width for part in slot.parts) for slot in self._slots)
        return [slice(start, stop) for start, stop in pairwise(accumulate(widths, initial=0))]

    def _check_missing(self, frame: pl.DataFrame) -> None:
        free = {name for field in self.fields if len(field.names) > 1 for name in field.names}
        free |= {name for field in self.fields for name in field.names if not field.parts}
        for name in {c.name for c in self.columns} - free - set(self.missing.names):
            cells = frame[name]
            if cells.null_count():
                raise SchemaError(
                    f"{locate(cells, cells.is_null())}: no cell of this column was missing when "
                    "the encoding was fitted; drop the row"
                )


def _without(cells: pl.Series, missing: NDArray[np.bool_] | None) -> pl.Series:
    """Take the cells away that are missing."""
    if missing is None or not missing.any():
        return cells
    return cells.set(pl.Series(missing), None)


def check_columns(frame: pl.DataFrame, columns: tuple[Column, ...]) -> None:
    """Raise a SchemaError where a frame has other columns, or other dtypes, than these."""
    expected = {column.name: column.dtype for column in columns}
    missing = [name for name in expected if name not in frame.columns]
    extra = [name for name in frame.columns if name not in expected]
    if missing or extra:
        raise SchemaError(
            f"the columns differ: missing {listed(missing)}, not expected {listed(extra)}"
        )
    for name, dtype in expected.items():
        if dtype_name(frame.schema[name]) != dtype:
            raise SchemaError(
                f"column {name!r} is of type {frame.schema[name]}, but {dtype} was learned; cast it"
            )
