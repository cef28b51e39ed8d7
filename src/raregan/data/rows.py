"""Which rows of a table are held: all rare ones, and a bounded sample of the others."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars import selectors as cs

from raregan.config import SEED
from raregan.data.schema import TargetValue, target_type
from raregan.errors import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_OTHERS = 20_000
"""Rows of the other classes that are held: enough to see what kinds of column there are."""

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

FRAME = "frame"
"""What a table is called that came from no file or database."""

MAX_LISTED = 8
"""How many names or values an error lists."""

_NAN_IS_NULL = cs.float().fill_nan(None)
_ROW, _DRAWN = "\0row", "\0drawn"  # no table has such a column: CSV text may not hold a NUL


@dataclass(frozen=True)
class Rows:
    """The rows of a table that are held, all columns but the ignored ones.

    Attributes
    ----------
    rare
        All rare rows in the input's order.
    others
        Of the other rows at most `MAX_OTHERS`, drawn uniformly, and all of small classes (at most
        as many again), in the input's order.
    drawn
        Which of `others` are the uniform draw; (n_others,) Boolean.
    held
        Both, or the whole table where it is small, in the input's order.
    everything
        The whole table, not read yet.
    target, value
        Name of the target, and its value in rare rows.
    n_rows
        Rows of the whole table.
    """

    rare: pl.DataFrame
    others: pl.DataFrame
    drawn: pl.Series
    held: pl.DataFrame
    everything: pl.LazyFrame
    target: str
    value: TargetValue
    n_rows: int


def choose_rows(
    table: pl.DataFrame | pl.LazyFrame,
    *,
    target: str | None = None,
    rare: Any = None,
    ignore: str | Iterable[str] = (),
    source: str = FRAME,
) -> Rows:
    """Find target and rare value, and keep the rare rows and a sample of the others.

    Of a target with three values and more, classes that are small too are kept whole: a sample of
    a large table would hold next to nothing of them.

    Of a LazyFrame nothing else is ever held: its target column is counted, then all columns are
    read once, streaming. A DataFrame is in memory already.

    Parameters
    ----------
    table
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
        There are no rows, or fewer than two used columns.
    SchemaError
        A column is not there or is ambiguous, or the target cannot be one.
    """
    table = _used_columns(table, ignore, source)
    names = table.collect_schema().names()
    if len(names) < 2:  # noqa: PLR2004
        raise DataError(
            f"{source} has {len(names)} used columns {names}: "
            "a table needs a target and a column to learn, separated by commas in a CSV file"
        )
    name = _find_target(table) if target is None else known_column(names, target, source)
    everything = table.lazy()
    counts = _count(everything, name)
    n_rows = int(counts["rows"].sum())
    if not n_rows:
        raise DataError(f"{source} has no rows: a table needs a header and rows below it")
    value = _find_rare(counts, name, rare)
    is_rare, is_small = has_value(name, value), _is_small(counts, name, value)
    if isinstance(table, pl.DataFrame):
        held = table.with_columns(_NAN_IS_NULL)
        others, drawn = _sample(held.filter(~is_rare), is_small)
    else:
        held, drawn = _stream(everything, is_rare | is_small, n_rows)
        is_other = held.select(~is_rare).to_series()
        others, drawn = held.filter(is_other), drawn.filter(is_other)
    rare_rows = held.filter(is_rare)
    return Rows(rare_rows, others, drawn, held, everything, name, value, n_rows)


def has_value(name: str, value: TargetValue) -> pl.Expr:
    """Return whether a column holds a value; categories are compared as text."""
    return _comparable(name, value) == value


def _comparable(name: str, value: TargetValue) -> pl.Expr:
    return pl.col(name).cast(pl.String) if isinstance(value, str) else pl.col(name)


def known_column(columns: Sequence[str], name: str, source: str | None = None) -> str:
    """Return the name, or raise a SchemaError that lists close ones.

    Parameters
    ----------
    columns, name
        The names there are, and the one that is looked for.
    source
        The table that has these columns, for messages; None or `FRAME`: it has no name.
    """
    if name in columns:
        return name
    lowered = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=3)
    hint = f"did you mean {listed([lowered[match] for match in close], ' or ')}?" if close else ""
    where = "there is" if source in (None, FRAME) else f"{source} has"
    raise SchemaError(f"{where} no column {name!r}; {hint or f'columns: {listed(columns)}'}")


def listed(values: Sequence[Any], separator: str = ", ") -> str:
    """Write values for a message, the first `MAX_LISTED` of them."""
    more = ["..."] if len(values) > MAX_LISTED else []
    return separator.join([*(repr(value) for value in values[:MAX_LISTED]), *more])


def _used_columns(
    table: pl.DataFrame | pl.LazyFrame, ignore: str | Iterable[str], source: str
) -> pl.DataFrame | pl.LazyFrame:
    names = table.collect_schema().names()
    left_out = [ignore] if isinstance(ignore, str) else list(ignore)
    left_out = [known_column(names, name, source) for name in left_out]
    for position, name in enumerate((n for n in names if n not in left_out), start=1):
        if not name.strip():
            raise SchemaError(
                f"used column {position} has no name (a saved row index?): "
                f"name it, or leave it out with --ignore {name!r}"
            )
    return table.drop(left_out)


def _find_target(table: pl.DataFrame | pl.LazyFrame) -> str:
    schema = table.collect_schema()
    if DEFAULT_TARGET in schema:
        return DEFAULT_TARGET
    possible = [name for name, dtype in schema.items() if target_type(dtype) is not None]
    usual = [name for name in possible if name.lower() in USUAL_TARGETS]
    two_valued = _two_valued(table, usual)
    if len(two_valued) == 1:
        return two_valued[0]
    candidates = two_valued or _two_valued(table, possible)
    found = (
        f"two-valued columns: {listed(candidates)}" if candidates else "no column has two values"
    )
    raise SchemaError(
        f"which column says what is rare? name it with --target, and not with --ignore ({found})"
    )


def _two_valued(table: pl.DataFrame | pl.LazyFrame, names: list[str]) -> list[str]:
    if not names:
        return []
    counts = table.lazy().select(pl.col(names).drop_nulls().n_unique()).collect(engine="streaming")
    return [name for name in names if counts.item(0, name) == 2]  # noqa: PLR2004


def _count(everything: pl.LazyFrame, target: str) -> pl.DataFrame:
    """Return how often each value of the target appears, the rarest first."""
    dtype = everything.collect_schema()[target]
    if target_type(dtype) is None:
        raise SchemaError(
            f"target {target!r} is of type {dtype}: "
            "a target holds numbers, booleans or text; name another with --target"
        )
    value = pl.col(target).cast(pl.String) if target_type(dtype) is str else pl.col(target)
    value = value.fill_nan(None) if dtype.is_float() else value
    grouped = everything.group_by(value.alias("value")).agg(rows=pl.len())
    counts = grouped.sort("rows", "value").collect(engine="streaming")
    if counts["value"].null_count():
        column = everything.select(value.alias(target)).with_row_index("row")
        faulty = column.filter(pl.col(target).is_null()).head(1).collect(engine="streaming")
        row = int(faulty.item(0, "row"))
        raise SchemaError(
            f"column {target!r}, data row {row + 1} (counted from 1), holds None: "
            "the target must be known in every row; drop the rows without it"
        )
    return counts


def _find_rare(counts: pl.DataFrame, name: str, rare: Any) -> TargetValue:
    """Return the value of rare rows, after checking that the target can have one."""
    values, rows = counts["value"].to_list(), counts["rows"].to_list()
    if len(values) == 1:
        raise SchemaError(
            f"target {name!r} is {values[0]!r} in every row: there is nothing rare in it; "
            "name another with --target"
        )
    if rare is not None:
        return _match(rare, name, values)
    if rows[0] == rows[1]:
        tied = [value for value, count in zip(values, rows, strict=True) if count == rows[0]]
        raise SchemaError(
            f"target {name!r}: {listed(tied, ' and ')} are equally rare "
            f"({rows[0]:,} rows each); name one with --rare"
        )
    return values[0]  # type: ignore[no-any-return]


def _match(rare: Any, name: str, values: list[Any]) -> TargetValue:
    """Find the target's value that the user means by `rare`, which may be text from a CLI."""
    found = match_value(rare, values)
    if found is not None:
        return found
    raise SchemaError(
        f"target {name!r} is never {rare!r}, its values are {listed(sorted(values))}: "
        "choose one with --rare"
    )


def match_value(meant: Any, values: Sequence[TargetValue]) -> TargetValue | None:
    """Return the value that is meant, as itself or as text; None where none of them is."""
    for means in (_is_written, _is_equal):
        for value in values:
            if means(meant, value):
                return value
    return None


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


def _is_small(counts: pl.DataFrame, name: str, rare: TargetValue) -> pl.Expr:
    """Say which rows are of a small class: never the rare one, and never the largest."""
    others = counts.filter(pl.col("value") != rare)
    small = others.head(-1).filter(pl.col("rows").cum_sum() <= MAX_OTHERS)["value"]
    return _comparable(name, rare).is_in(small.implode())


def _sample(others: pl.DataFrame, is_small: pl.Expr) -> tuple[pl.DataFrame, pl.Series]:
    """Draw `MAX_OTHERS` rows uniformly and keep those of small classes, in their order.

    Say which of them are drawn.
    """
    chosen = np.ones(others.height, np.bool_)
    if others.height > MAX_OTHERS:
        places = np.random.default_rng(SEED).choice(others.height, MAX_OTHERS, replace=False)
        chosen = np.isin(np.arange(others.height), places)
    kept = others.with_columns(pl.Series(_DRAWN, chosen)).filter(pl.col(_DRAWN) | is_small)
    return kept.drop(_DRAWN), kept[_DRAWN]


def _stream(
    everything: pl.LazyFrame, is_kept: pl.Expr, n_rows: int
) -> tuple[pl.DataFrame, pl.Series]:
    """Read the rows to keep and `MAX_OTHERS` at random, in the input's order and in one pass.

    Say which of them are drawn. Row numbers are drawn first, so that the sample is uniform and
    depends on no engine; a filter leaves the columns of all other rows unread where the format
    allows.
    """
    rng = np.random.default_rng(SEED)
    drawn = np.sort(rng.choice(n_rows, min(MAX_OTHERS, n_rows), replace=False))
    chosen = pl.Series(drawn, dtype=pl.get_index_type())
    is_chosen = pl.col(_ROW).is_in(chosen.implode())
    rows = everything.with_row_index(_ROW).filter(is_kept | is_chosen)
    found = rows.with_columns(is_chosen.alias(_DRAWN)).drop(_ROW).collect(engine="streaming")
    return found.drop(_DRAWN).with_columns(_NAN_IS_NULL), found[_DRAWN]
