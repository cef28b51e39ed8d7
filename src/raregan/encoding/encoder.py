"""A frame of features becomes a float32 matrix, and a matrix becomes such a frame again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from raregan.config import NUMERIC_ENCODINGS, TrainingConfig
from raregan.data.schema import Column, Schema
from raregan.encoding.cells import MAX_DECIMALS, count_decimals, numpy_dtype, round_to, to_floats
from raregan.encoding.columns import ENCODINGS, ColumnEncoding, ConstantColumn, Encoded
from raregan.encoding.layout import Layout, Span
from raregan.errors import ModelFileError, RareGANError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BLOCK_ROWS = 16_384
"""Rows decoded at a time: few enough for the work on one column to stay in the CPU's cache."""


@dataclass(frozen=True)
class FittedColumn:
    """One column of the table and how it is encoded.

    Attributes
    ----------
    column
        What it is.
    encoding
        How its cells, as float64, are encoded.
    decimals
        Decimal places that decoded cells are rounded to; None leaves them as they are.
    """

    column: Column
    encoding: ColumnEncoding
    decimals: int | None

    @classmethod
    def fit(cls, series: pl.Series, column: Column, numeric: str) -> Self:
        """Choose the encoding of the column's kind and fit it."""
        values = to_floats(series)
        name = numeric
        if column.kind == "constant":
            name = ConstantColumn.name
            if (values != values[0]).any():
                raise SchemaError(f"column {column.name!r} is constant by the schema, but varies")
        return cls(column, ENCODINGS[name].fit(values), count_decimals(values, column))

    def decode_into(self, cells: NDArray[np.generic], encoded: Encoded) -> None:
        """Write (n,) decoded cells in the column's own dtype."""
        values = self.encoding.decode(encoded)
        cells[:] = values if self.decimals is None else round_to(values, self.decimals)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        encoding = {"name": self.encoding.name, **self.encoding.to_dict()}
        return {**asdict(self.column), "decimals": self.decimals, "encoding": encoding}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote."""
        encoding, decimals = data["encoding"], data["decimals"]
        column = Column(data["name"], data["dtype"], data["kind"])
        if decimals is not None and not (type(decimals) is int and 0 <= decimals <= MAX_DECIMALS):
            raise ModelFileError(f"column {column.name!r} cannot have {decimals!r} decimal places")
        return cls(column, ENCODINGS[encoding["name"]].from_dict(encoding), decimals)


class TableEncoder:
    """Encodes the features of a schema, each on its own; needs `fit` before anything else.

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
        self.columns: tuple[FittedColumn, ...] = ()

    @property
    def layout(self) -> Layout:
        """What the D numbers of an encoded row are."""
        spans: list[Span] = []
        for fitted, part in zip(self.columns, self._slices(), strict=True):
            column, encoding = fitted.column, fitted.encoding
            if encoding.width:
                activation = encoding.activation
                spans.append(Span(column.name, part.start, encoding.width, column.kind, activation))
        return Layout(tuple(spans))

    def fit(self, frame: pl.DataFrame, schema: Schema) -> Self:
        """Fit each column to the rows of a frame.

        Parameters
        ----------
        frame
            (n, columns) with n >= 1, the features of the schema.
        schema
            What they are.

        Raises
        ------
        SchemaError
            The frame has no rows, other columns or dtypes, or a cell that is no finite number.
        """
        check_columns(frame, schema.columns)
        if not frame.height:
            raise SchemaError("an encoding needs at least one row to be fitted to")
        self.columns = tuple(
            FittedColumn.fit(frame[column.name], column, self.numeric) for column in schema.columns
        )
        return self

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """Encode a frame as (n, D) float32, C-contiguous.

        Raises
        ------
        SchemaError
            The frame has other columns or dtypes, or a cell that is no finite number.
        """
        check_columns(frame, tuple(fitted.column for fitted in self.columns))
        parts = self._slices()
        matrix = np.empty((frame.height, parts[-1].stop), dtype=np.float32)
        for fitted, part in zip(self.columns, parts, strict=True):
            matrix[:, part] = fitted.encoding.encode(to_floats(frame[fitted.column.name]))
        return matrix

    def decode(self, matrix: Encoded) -> pl.DataFrame:
        """Decode (n, D) float32, whatever a network made of it, into a frame like the fitted one.

        Every cell lies in its column's observed range, rounded as the column was.

        Raises
        ------
        SchemaError
            The matrix is not of D columns.
        RareGANError
            It holds NaN.
        """
        matrix = np.asarray(matrix, dtype=np.float32)
        parts = self._slices()
        if matrix.shape[1:] != (parts[-1].stop,):
            raise SchemaError(
                f"a matrix of shape {matrix.shape} cannot be decoded: "
                f"an encoded row has {parts[-1].stop} numbers"
            )
        if matrix.size and np.isnan(matrix.min()):  # the minimum passes NaN on, in one sweep
            raise RareGANError("the generated rows hold NaN: the generator is damaged; train anew")
        n = len(matrix)
        cells = [np.empty(n, dtype=numpy_dtype(fitted.column)) for fitted in self.columns]
        for start in range(0, n, BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            for fitted, out, part in zip(self.columns, cells, parts, strict=True):
                fitted.decode_into(out[rows], matrix[rows, part])
        return pl.DataFrame(
            [
                pl.Series(fitted.column.name, out, dtype=fitted.column.polars_dtype)
                for fitted, out in zip(self.columns, cells, strict=True)
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy, from which each float comes back to the bit."""
        return {"numeric": self.numeric, "columns": [fitted.to_dict() for fitted in self.columns]}

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
            encoder.columns = tuple(FittedColumn.from_dict(column) for column in data["columns"])
            names = {fitted.column.name for fitted in encoder.columns}
            if not 0 < len(names) == len(encoder.columns):
                raise SchemaError("it has no columns, or two of one name")  # noqa: TRY301
        except (KeyError, TypeError, SchemaError) as error:
            raise ModelFileError(
                f"this is no encoder as raregan writes it ({type(error).__name__}: {error})"
            ) from None
        return encoder

    def _slices(self) -> list[slice]:
        """Where each column stands in a row; that of a constant column is empty."""
        if not self.columns:
            raise RareGANError("the encoder knows no columns yet: fit it first")
        stops = list(accumulate(fitted.encoding.width for fitted in self.columns))
        return [slice(start, stop) for start, stop in pairwise([0, *stops])]


def check_columns(frame: pl.DataFrame, columns: tuple[Column, ...]) -> None:
    """Raise a SchemaError where a frame has other columns, or other dtypes, than these."""
    expected = {column.name: column.dtype for column in columns}
    missing = [name for name in expected if name not in frame.columns]
    extra = [name for name in frame.columns if name not in expected]
    if missing or extra:
        raise SchemaError(f"the columns differ: missing {missing}, not expected {extra}")
    for name, dtype in expected.items():
        if str(frame.schema[name]) != dtype:
            raise SchemaError(
                f"column {name!r} is of type {frame.schema[name]}, but {dtype} was learned; cast it"
            )
