"""What the columns of a table are: their names, dtypes and kinds, saved as JSON.

A schema holds the used columns only. Ignored columns are neither in it nor in any output.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

import polars as pl

from raregan.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["continuous", "integer", "boolean", "constant"]
TargetValue = bool | int | float | str

KINDS: tuple[str, ...] = get_args(Kind)
EXACT_INTEGERS = 2**53
"""Beyond it float64, which is what the encoding computes in, skips integers."""

MAX_SHOWN = 60
"""Characters of a cell that an error shows."""

FEATURE_DTYPES: dict[str, type[pl.DataType]] = {
    dtype.__name__: dtype
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean),
    )
}
TARGET_DTYPES: dict[str, type[pl.DataType]] = {**FEATURE_DTYPES, "String": pl.String}


@dataclass(frozen=True)
class Column:
    """One feature.

    Attributes
    ----------
    name
        Its name in the table.
    dtype
        Its polars dtype by name, such as ``"Float64"``; what is sampled has the same.
    kind
        ``"constant"`` where every rare row holds the same value, whatever its dtype.
    """

    name: str
    dtype: str
    kind: Kind

    def __post_init__(self) -> None:
        _check(isinstance(self.name, str), f"a column's name must be text, not {self.name!r}")
        _check(
            isinstance(self.dtype, str) and self.dtype in FEATURE_DTYPES,
            f"column {self.name!r}: unknown dtype {self.dtype!r} (of {', '.join(FEATURE_DTYPES)})",
        )
        _check(
            isinstance(self.kind, str) and self.kind in KINDS,
            f"column {self.name!r}: unknown kind {self.kind!r} (of {', '.join(KINDS)})",
        )

    @property
    def polars_dtype(self) -> type[pl.DataType]:
        """The dtype as polars knows it."""
        return FEATURE_DTYPES[self.dtype]


@dataclass(frozen=True)
class Target:
    """The column that says which rows are rare.

    Attributes
    ----------
    name, dtype
        As of a `Column`; the dtype may be ``"String"`` too, as it is not learned.
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
        _check(
            isinstance(self.dtype, str) and self.dtype in TARGET_DTYPES,
            f"target {self.name!r}: unknown dtype {self.dtype!r} (of {', '.join(TARGET_DTYPES)})",
        )
        _check(
            type(self.rare) is _python_type(self.dtype),
            f"target {self.name!r}: its rare value {self.rare!r} is no {self.dtype}",
        )
        _check(
            type(self.position) is int and self.position >= 0,
            f"target {self.name!r}: its position is {self.position!r}, not a count",
        )


@dataclass(frozen=True)
class Schema:
    """The features in the input's order, and the target.

    Raises
    ------
    SchemaError
        Two columns share a name, there is no column, or the target's position lies outside.
    """

    columns: tuple[Column, ...]
    target: Target

    def __post_init__(self) -> None:
        names = [*self.names, self.target.name]
        twice = sorted({name for name in names if names.count(name) > 1})
        _check(bool(self.columns), "a schema needs at least one column besides the target")
        _check(not twice, f"column names must differ, but {twice} appear more than once")
        _check(
            self.target.position <= len(self.columns),
            f"the target's position {self.target.position} is beyond the {len(names)} columns",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, without the target."""
        return tuple(column.name for column in self.columns)

    def add_target(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Put the target, filled with its rare value, back where it stood in the input."""
        dtype = TARGET_DTYPES[self.target.dtype]
        rare = pl.Series(self.target.name, [self.target.rare], dtype=dtype)
        column = rare.new_from_index(0, frame.height)
        return frame.clone().insert_column(self.target.position, column)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe copy."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "target": asdict(self.target),
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
            return cls(columns, Target(**data["target"]))
        except (KeyError, TypeError) as error:
            raise SchemaError(
                f"this is no schema as raregan writes it ({type(error).__name__}: {error})"
            ) from None


def infer_schema(frame: pl.DataFrame, *, target: str, rare: TargetValue) -> Schema:
    """Check the values of all rows, and infer kinds from those of the rare rows.

    Parameters
    ----------
    frame
        The used columns, the target among them.
    target
        Name of the target column.
    rare
        Its value in rare rows, of the target's own type.

    Raises
    ------
    SchemaError
        A column holds text, dates or another dtype that is not supported; a value is missing, NaN,
        infinite, or an integer beyond 2**53.
    """
    features = frame.drop(target)
    found = {series.name: find_fault(series) for series in features.iter_columns()}
    faults = {name: fault for name, fault in found.items() if fault}
    if faults:
        first, *others = faults
        more = f"; at fault too: {', '.join(map(repr, others))}" if others else ""
        raise SchemaError(faults[first] + more)
    rows = features.filter(frame[target] == rare)
    columns = tuple(
        Column(series.name, str(series.dtype), _kind(series)) for series in rows.iter_columns()
    )
    position = frame.get_column_index(target)
    return Schema(columns, Target(target, str(frame[target].dtype), rare, position))


def find_fault(series: pl.Series) -> str | None:
    """Say why a column cannot be learned, with the first row and value at fault; None if it can."""
    leave_out = f"leave it out with --ignore {series.name!r}"
    coming = f"are not supported yet; they come in a later release; {leave_out}"
    dtype = series.dtype
    fault = None
    if missing := series.null_count():
        fault = f"{locate(series, series.is_null())} ({missing:,} in all): missing values {coming}"
    elif isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        fault = _find_fault_of_text(series.cast(pl.String), coming)
    elif dtype.is_temporal():
        fault = f"{locate(series)}: date and time columns {coming}"
    elif dtype.is_integer() and (far := _too_far(series)) is not None:
        where = locate(series, far)
        fault = f"{where}, beyond 2**53: that is likely an identifier, and not learned; {leave_out}"
    elif str(dtype) not in FEATURE_DTYPES:
        fault = f"{locate(series)}: {dtype} is not supported; cast it to Float64, or {leave_out}"
    elif dtype.is_float() and not series.is_finite().all():
        where = locate(series, ~series.is_finite())
        fault = f"{where}: only finite numbers are learned; drop the rows without, or {leave_out}"
    return fault


def _too_far(series: pl.Series) -> pl.Series | None:
    # only where there is one is the bound sure to fit the dtype that it is compared in
    if cast("int", series.max()) > EXACT_INTEGERS:
        return series > EXACT_INTEGERS
    return series < -EXACT_INTEGERS if cast("int", series.min()) < -EXACT_INTEGERS else None


def _find_fault_of_text(text: pl.Series, coming: str) -> str:
    odd = text.str.strip_chars().cast(pl.Float64, strict=False).is_null()
    if not odd.any():
        return f"{locate(text)}, a number written as text, as in every row; convert the column"
    some = "" if odd.all() else f" (of {len(odd):,} cells {odd.sum():,} hold no number)"
    return f"{locate(text, odd)}{some}: text columns {coming}"


def locate(series: pl.Series, faulty: pl.Series | None = None) -> str:
    """Name column, row and value of the first cell at fault, or of the first cell."""
    row = 0 if faulty is None else faulty.arg_true()[0]
    value = textwrap.shorten(repr(series[row]), MAX_SHOWN)
    return f"column {series.name!r}, data row {row + 1} (counted from 1), holds {value}"


def _kind(series: pl.Series) -> Kind:
    if series.n_unique() == 1:
        return "constant"
    if series.dtype == pl.Boolean:
        return "boolean"
    return "integer" if series.dtype.is_integer() else "continuous"


def _python_type(dtype: str) -> type:
    special: dict[str, type] = {"Boolean": bool, "String": str, "Float32": float, "Float64": float}
    return special.get(dtype, int)


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SchemaError(otherwise)
