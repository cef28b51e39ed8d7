"""The rare rows of a table, and what a reader should know of the whole of it."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from raregan.data.schema import TARGET_DTYPES, Schema, TargetValue, infer_schema, locate
from raregan.errors import DataError, SchemaError, TooFewRowsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIN_RARE_ROWS = 10
"""Fewer rows say too little of a distribution for a generator to learn one."""

DEFAULT_TARGET = "Class"
USUAL_TARGETS = frozenset(
    [
        *("class", "target", "label", "y", "outcome", "bad", "is_bad", "default", "churn"),
        *("default_payment", "default payment next month", "default.payment.next.month"),
        *("fraud", "isfraud", "is_fraud", "is_fraudulent", "fraudulent", "fraud_label"),
        *("fraud_flag", "fraud_reported", "fraudfound", "fraudfound_p", "fraud_bool"),
        *("anomaly", "is_anomaly", "outlier", "is_outlier", "attack"),
    ]
)
"""Names, in lower case, under which a two-valued column is taken for the target."""

MAX_LISTED = 8
"""How many names or values an error lists."""


@dataclass(frozen=True)
class Table:
    """What is learned from, and what is known of where it came from.

    Attributes
    ----------
    rare
        The rare rows in the input's order, features only.
    schema
        What the columns are.
    n_rows
        Rows of the whole table.
    n_duplicates, n_rare_duplicates
        Rows that are exact copies of an earlier one in the used columns; how many of them are rare.
    fingerprint
        SHA-256 of names, dtypes and content of the used columns, in hexadecimal.
    source
        The file's name without its folder, or ``"frame"``.
    warnings
        One line each, with what to do.
    """

    rare: pl.DataFrame
    schema: Schema
    n_rows: int
    n_duplicates: int
    n_rare_duplicates: int
    fingerprint: str
    source: str
    warnings: tuple[str, ...]

    @property
    def n_rare(self) -> int:
        """Rows to learn from."""
        return self.rare.height

    def describe(self) -> str:
        """Say in one line what was read."""
        target = self.schema.target
        return (
            f"{self.source}: {self.n_rows:,} rows, {self.n_rare:,} of them rare "
            f"({target.name} = {target.rare!r}), {len(self.schema.columns)} columns to learn"
        )


def make_table(
    frame: pl.DataFrame,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    source: str = "frame",
) -> Table:
    """Choose target and rare value, check every used column, and keep the rare rows.

    Parameters
    ----------
    frame
        The whole table.
    target
        Name of the target column; where None, `DEFAULT_TARGET`, or else the only two-valued column
        of a usual name.
    rare
        The target's value in rare rows, as itself or as text; where None, the rarest value.
    ignore
        Columns to leave out.
    source
        Where the table came from, for messages.

    Raises
    ------
    DataError
        There are no rows, or no columns to learn but constant ones.
    SchemaError
        A column is not there, is ambiguous, or holds what cannot be learned.
    TooFewRowsError
        There are fewer than `MIN_RARE_ROWS` rare rows.
    """
    frame = _used_columns(frame, ignore)
    if frame.width < 2:  # noqa: PLR2004
        raise DataError(
            f"{source} has {frame.width} used columns {frame.columns}: "
            "a table needs a target and a column to learn, separated by commas in a CSV file"
        )
    if not frame.height:
        raise DataError(f"{source} has no rows: a table needs a header and rows below it")
    name = _find_target(frame) if target is None else known_column(frame.columns, target)
    frame, warnings = _plain_dtypes(frame, name)
    value = _find_rare(frame[name], rare)
    schema = infer_schema(frame, target=name, rare=value)
    rows = frame.filter(frame[name] == value)
    n_duplicates = frame.height - frame.n_unique()
    n_rare_duplicates = rows.height - rows.n_unique()
    _check_rare(rows.height, frame.height, schema)
    warnings += _warnings(frame, rows, schema)
    if n_duplicates:
        warnings.append(
            f"{n_duplicates:,} of {frame.height:,} rows ({n_rare_duplicates:,} of {rows.height:,} "
            "rare ones) are exact copies of an earlier row: "
            "drop them before any split into training and test rows, or they leak"
        )
    return Table(
        rare=rows.drop(name),
        schema=schema,
        n_rows=frame.height,
        n_duplicates=n_duplicates,
        n_rare_duplicates=n_rare_duplicates,
        fingerprint=fingerprint(frame),
        source=source,
        warnings=tuple(warnings),
    )


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash names, dtypes and content, in order: the same in any process and polars version."""
    digest = hashlib.sha256()
    for series in frame.iter_columns():
        digest.update(f"{series.name!r} {series.dtype} {series.len()}\n".encode())
        if series.dtype == pl.String:  # the lengths tell "ab", "c" from "a", "bc"
            digest.update(_little_endian(series.str.len_bytes().cast(pl.UInt64)))
            digest.update("".join(series.to_list()).encode())
        else:
            digest.update(_little_endian(series))
    return digest.hexdigest()


def known_column(columns: Sequence[str], name: str) -> str:
    """Return the name, or raise a SchemaError that lists close ones."""
    if name in columns:
        return name
    lowered = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=3)
    hint = f"did you mean {listed([lowered[match] for match in close], ' or ')}?" if close else ""
    raise SchemaError(f"there is no column {name!r}; {hint or f'columns: {listed(columns)}'}")


def listed(values: Sequence[Any], separator: str = ", ") -> str:
    """Write values for a message, the first `MAX_LISTED` of them."""
    more = ["..."] if len(values) > MAX_LISTED else []
    return separator.join([*(repr(value) for value in values[:MAX_LISTED]), *more])


def _used_columns(frame: pl.DataFrame, ignore: str | Iterable[str]) -> pl.DataFrame:
    names = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    frame = frame.drop(*[known_column(frame.columns, name) for name in names])
    for position, name in enumerate(frame.columns, start=1):
        if not name.strip():
            raise SchemaError(
                f"used column {position} has no name (a saved row index?): "
                f"name it, or leave it out with --ignore {name!r}"
            )
    return frame


def _find_target(frame: pl.DataFrame) -> str:
    if DEFAULT_TARGET in frame.columns:
        return DEFAULT_TARGET
    two_valued = [series.name for series in frame.iter_columns() if _is_two_valued(series)]
    usual = [name for name in two_valued if name.lower() in USUAL_TARGETS]
    if len(usual) == 1:
        return usual[0]
    candidates = usual or two_valued
    found = (
        f"two-valued columns: {listed(candidates)}" if candidates else "no column has two values"
    )
    raise SchemaError(
        f"which column says what is rare? name it with --target, and not with --ignore ({found})"
    )


def _is_two_valued(series: pl.Series) -> bool:
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Null):
        return False
    return series.drop_nulls().n_unique() == 2  # noqa: PLR2004


def _plain_dtypes(frame: pl.DataFrame, target: str) -> tuple[pl.DataFrame, list[str]]:
    """Turn dtypes that only store numbers or text in another way into the plain ones."""
    warnings = []
    if isinstance(frame.schema[target], pl.Categorical | pl.Enum):
        frame = frame.with_columns(pl.col(target).cast(pl.String))
    decimals = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)]
    if decimals:
        frame = frame.with_columns(pl.col(decimals).cast(pl.Float64))
        warnings.append(f"Decimal columns are read as Float64: {listed(decimals)}")
    return frame, warnings


def _find_rare(target: pl.Series, rare: Any) -> TargetValue:
    """Return the value of rare rows, after checking that the target can have one."""
    if str(target.dtype) not in TARGET_DTYPES:
        raise SchemaError(
            f"target {target.name!r} is of type {target.dtype}: "
            "a target holds numbers, booleans or text; name another with --target"
        )
    missing = target.is_null()
    if target.dtype.is_float():
        missing |= target.is_nan().fill_null(value=True)
    if missing.any():
        raise SchemaError(
            f"{locate(target, missing)}: the target must be known in every row; "
            "drop the rows without it"
        )
    counts = target.alias("value").value_counts(name="rows").sort("rows", "value")
    values, rows = counts["value"].to_list(), counts["rows"].to_list()
    if len(values) == 1:
        raise SchemaError(
            f"target {target.name!r} is {values[0]!r} in every row: there is nothing rare in it; "
            "name another with --target"
        )
    if rare is not None:
        return _match(rare, target.name, values)
    if rows[0] == rows[1]:
        tied = [value for value, count in zip(values, rows, strict=True) if count == rows[0]]
        raise SchemaError(
            f"target {target.name!r}: {listed(tied, ' and ')} are equally rare "
            f"({rows[0]:,} rows each); name one with --rare"
        )
    return values[0]  # type: ignore[no-any-return]


def _match(rare: Any, name: str, values: list[Any]) -> TargetValue:
    """Find the target's value that the user means by `rare`, which may be text from a CLI."""
    for means in (_is_written, _is_equal):
        for value in values:
            if means(rare, value):
                return value  # type: ignore[no-any-return]
    raise SchemaError(
        f"target {name!r} is never {rare!r}, its values are {listed(sorted(values))}: "
        "choose one with --rare"
    )


def _is_written(rare: Any, value: TargetValue) -> bool:
    text = str(rare)
    return text.lower() == str(value).lower() if isinstance(value, bool) else text == str(value)


def _is_equal(rare: Any, value: TargetValue) -> bool:
    """Compare as numbers: of the text "1", of 1.0 and of True with 1."""
    if isinstance(value, str):
        return False
    try:
        return float(rare) == value
    except (TypeError, ValueError):
        return False


def _check_rare(n_rare: int, n_rows: int, schema: Schema) -> None:
    if n_rare < MIN_RARE_ROWS:
        raise TooFewRowsError(
            f"only {n_rare} of {n_rows:,} rows have {schema.target.name} = {schema.target.rare!r}: "
            f"at least {MIN_RARE_ROWS} are needed; add rows, or choose another value with --rare"
        )
    if all(column.kind == "constant" for column in schema.columns):
        raise DataError(
            f"every column is constant in the {n_rare:,} rare rows: there is nothing to learn; "
            "keep a column that varies"
        )


def _warnings(frame: pl.DataFrame, rare: pl.DataFrame, schema: Schema) -> list[str]:
    warnings = []
    if 2 * rare.height > frame.height:
        warnings.append(
            f"{rare.height:,} of {frame.height:,} rows, more than half, are rare by "
            f"{schema.target.name} = {schema.target.rare!r}: is it another value? name it by --rare"
        )
    for name in (column.name for column in schema.columns if column.kind == "constant"):
        everywhere = frame[name].n_unique() == 1
        where = "every row" if everywhere else "every rare row, though not in the others"
        warnings.append(
            f"column {name!r} is {rare[name][0]!r} in {where}: it is kept as it is; "
            f"leave it out with --ignore {name!r} if it should not be"
        )
    return warnings


def _little_endian(series: pl.Series) -> memoryview:
    values = series.to_numpy()
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).data
