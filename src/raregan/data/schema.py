"""What the columns of a table are: their names, dtypes and kinds, saved as JSON.

A schema holds the used columns only. Ignored columns are neither in it nor in any output.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from raregan.config import KINDS, Kind
from raregan.data.dtypes import parse_dtype
from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TargetValue = bool | int | float | str

EXACT_INTEGERS = 2**53
"""Beyond it float64, which is what the encoding computes in, skips integers."""

MAX_SHOWN = 60
"""Characters of a cell that an error shows."""

_PYTHON_DAYS = (-719_161, 2_932_895)
"""Since 1970, a day within the years 1 to 9999: in any time zone."""

_TEXT = (pl.String, pl.Categorical, pl.Enum)
_FITS: dict[str, Callable[[pl.DataType], bool]] = {
    "continuous": lambda dtype: dtype.is_numeric() or dtype == pl.String,
    "integer": lambda dtype: dtype.is_numeric(),
    "categorical": lambda dtype: dtype != pl.Null,
    "boolean": lambda dtype: dtype == pl.Boolean,
    "datetime": lambda dtype: isinstance(dtype, pl.Date | pl.Datetime) or dtype == pl.String,
    "duration": lambda dtype: isinstance(dtype, pl.Duration | pl.Time),
    "constant": lambda _: True,
    "identifier": lambda dtype: dtype.is_integer() or isinstance(dtype, pl.String | pl.Categorical),
    "text": lambda dtype: isinstance(dtype, _TEXT),
}
"""Which dtypes a kind can have. A continuous column of text holds numbers written out; an Enum has
no room for fresh identifiers."""


@dataclass(frozen=True)
class Column:
    """One feature.

    Attributes
    ----------
    name
        Its name in the table.
    dtype
        Its polars dtype as :func:`raregan.data.dtypes.dtype_name` writes it, such as
        ``"Float64"``; what is sampled has the same.
    kind
        What it is taken for; see :mod:`raregan.data.kinds`. ``"constant"`` where every rare row
        holds the same value or none, whatever its dtype.
    format
        How dates are written, in strftime's terms, where `kind` is ``"datetime"`` and `dtype`
        ``"String"``; else None.
    """

    name: str
    dtype: str
    kind: Kind
    format: str | None = None

    def __post_init__(self) -> None:
        _check(isinstance(self.name, str), f"a column's name must be text, not {self.name!r}")
        try:
            dtype = self.polars_dtype
        except SchemaError as error:
            raise SchemaError(f"column {self.name!r}: {error}") from None
        _check(
            isinstance(self.kind, str) and self.kind in KINDS,
            f"column {self.name!r}: unknown kind {self.kind!r} (of {', '.join(KINDS)})",
        )
        _check(
            _FITS[self.kind](dtype),
            f"column {self.name!r} of type {self.dtype} cannot be {self.kind}: it can be "
            f"{', '.join(kind for kind in KINDS if _FITS[kind](dtype))}",
        )
        written = self.kind == "datetime" and dtype == pl.String
        _check(
            isinstance(self.format, str) if written else self.format is None,
            f"column {self.name!r}: a format such as '%Y-%m-%d' belongs to text of dates and to "
            f"nothing else, got {self.format!r} for {self.kind} of type {self.dtype}",
        )

    @cached_property
    def polars_dtype(self) -> pl.DataType:
        """The dtype as polars knows it."""
        return parse_dtype(self.dtype)


@dataclass(frozen=True)
class Target:
    """The column that says which rows are rare.

    Attributes
    ----------
    name, dtype
        As of a `Column`: a number, Boolean or text.
    rare
        The value that marks a rare row, as Python holds one of this dtype.
    position
        Where the target stands among the used columns, counted from 0.
    """

    name: str
    dtype: str
    rare: TargetValue
    position: int

    def __post_init__(self) -> None:
        _check(isinstance(self.name, str), f"the target's name must be text, not {self.name!r}")
        try:
            expected = target_type(parse_dtype(self.dtype))
        except SchemaError as error:
            raise SchemaError(f"target {self.name!r}: {error}") from None
        _check(
            expected is not None,
            f"target {self.name!r} is of type {self.dtype}: a target holds numbers, booleans or "
            "text",
        )
        _check(
            type(self.rare) is expected,
            f"target {self.name!r}: its rare value {self.rare!r} is no {self.dtype}",
        )
        _check(
            type(self.position) is int and self.position >= 0,
            f"target {self.name!r}: its position is {self.position!r}, not a count",
        )


@dataclass(frozen=True)
class Schema:
    """The features in the input's order, the target, and the rules between columns.

    Attributes
    ----------
    columns
        The features.
    target
        What is rare.
    constraints
        Rules that every row keeps, as text; see :mod:`raregan.data.constraints`.

    Raises
    ------
    SchemaError
        Two columns share a name, there is no column, or the target's position lies outside.
    """

    columns: tuple[Column, ...]
    target: Target
    constraints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [*self.names, self.target.name]
        twice = sorted({name for name in names if names.count(name) > 1})
        _check(bool(self.columns), "a schema needs at least one column besides the target")
        _check(not twice, f"column names must differ, but {twice} appear more than once")
        _check(
            self.target.position <= len(self.columns),
            f"the target's position {self.target.position} is beyond the {len(names)} columns",
        )
        _check(
            all(isinstance(text, str) for text in self.constraints),
            f"constraints must be text, got {self.constraints!r}",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, without the target."""
        return tuple(column.name for column in self.columns)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Names of the columns that are not learned: synthetic rows get fresh values in them."""
        return tuple(column.name for column in self.columns if column.kind == "identifier")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Polars dtypes of the features by name."""
        return {column.name: column.polars_dtype for column in self.columns}

    @property
    def formats(self) -> dict[str, str]:
        """How the dates of text columns are written, by name."""
        return {c.name: c.format for c in self.columns if c.format is not None}

    def add_target(self, frame: pl.DataFrame, label: TargetValue | None = None) -> pl.DataFrame:
        """Put the target, filled with a value (None: its rare one), back where it stood."""
        value = self.target.rare if label is None else label
        cell = pl.Series(self.target.name, [value]).cast(parse_dtype(self.target.dtype))
        column = cell.new_from_index(0, frame.height)
        return frame.clone().insert_column(self.target.position, column)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "columns": [
                {name: value for name, value in asdict(column).items() if value is not None}
                for column in self.columns
            ],
            "target": asdict(self.target),
            "constraints": list(self.constraints),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `to_dict` wrote.

        Raises
        ------
        SchemaError
            A field is missing, unknown, or holds what it may not.
        """
        try:
            columns = tuple(Column(**column) for column in data["columns"])
            return cls(columns, Target(**data["target"]), tuple(data.get("constraints", ())))
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaError(
                f"this is no schema as raregan writes it ({type(error).__name__}: {error}); "
                "write one with: raregan inspect DATA --schema-out schema.json"
            ) from None


def target_type(dtype: pl.DataType) -> type | None:
    """Return the Python type of a target's values; None where the dtype is no target's."""
    if dtype == pl.Boolean:
        return bool
    if dtype.is_integer():
        return int
    if dtype.is_float():
        return float
    return str if isinstance(dtype, _TEXT) else None


def locate(series: pl.Series, faulty: pl.Series | None = None) -> str:
    """Name column, row and value of the first cell at fault, or of the first cell."""
    row = 0 if faulty is None else faulty.arg_true()[0]
    value = textwrap.shorten(show_cell(series, row), MAX_SHOWN)
    return f"column {series.name!r}, data row {row + 1} (counted from 1), holds {value}"


def show_cell(series: pl.Series, row: int) -> str:
    """Write a cell as Python does, or as ticks a time beyond its years 1 to 9999."""
    dtype = series.dtype
    if isinstance(dtype, pl.Date | pl.Datetime):
        day = series.slice(row, 1).to_physical()
        if isinstance(dtype, pl.Datetime):
            day = day // (86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit])
        if not day.is_between(*_PYTHON_DAYS).fill_null(value=True).item():
            return f"{series.to_physical()[row]} as {dtype}"
    return repr(series[row])


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SchemaError(otherwise)
