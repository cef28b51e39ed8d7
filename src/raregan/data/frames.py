"""Frames of other libraries: turned into polars on the way in, and back on the way out."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars import selectors as cs

from raregan.data.rows import listed
from raregan.errors import DataError, SchemaError

if TYPE_CHECKING:
    import decimal
    from collections.abc import Callable, Iterable, Mapping, Sequence

LIBRARIES = ("polars", "pandas", "pyarrow", "numpy")

_MIXED = "give each column values of one type"
_UNREADABLE = "turn it into numbers, times or text of a common type, or leave the column out"
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):?(\d\d)")
_READ_ERRORS = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(ValueError, TypeError, OverflowError, OSError, RuntimeError, AttributeError),
)
"""What polars and pyarrow raise on values that they cannot convert; a panic is no Exception."""

_ARRAY_KINDS = "biufUMmO"
"""Kinds of ndarray that are taken: Boolean, numbers but complex ones, text, times, objects."""


@dataclass(frozen=True)
class Origin:
    """Which library a table came from, and what its columns were there.

    Attributes
    ----------
    library
        One of `LIBRARIES`; ``"polars"`` for files and databases too.
    columns
        By column, what polars cannot know of it: its dtype in that library, its name where that
        is no text, how its missing values were written. Plain values, fit for JSON.
    """

    library: str = "polars"
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Any) -> Origin:
        """Return the origin of a frame, or ``Origin()`` for anything else, such as a path."""
        return take_in(source)[1] if is_frame(source) else cls()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes."""
        columns = {name: dict(column) for name, column in self.columns.items()}
        return {"library": self.library, "columns": columns}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Origin:
        """Make an origin of what `to_dict` returned.

        Raises
        ------
        SchemaError
            It is no such record.
        """
        library, columns = record.get("library"), record.get("columns")
        if library not in LIBRARIES or not isinstance(columns, dict):
            raise SchemaError(f"origin {record!r} names no known library; known: {LIBRARIES}")
        return cls(library, columns)

    def restore(self, frame: pl.DataFrame) -> Any:
        """Give a frame back as the library's own, each known column of the dtype it had.

        Parameters
        ----------
        frame : polars.DataFrame, shape (n, any)
            Columns may be missing, and others be added: those come as polars converts them.

        Returns
        -------
        polars.DataFrame, pandas.DataFrame, pyarrow.Table or numpy.ndarray, shape (n, any)
            A pandas frame has a new RangeIndex.
        """
        return _GIVE_BACK[self.library](frame, self.columns)


def is_frame(source: Any) -> bool:
    """Say whether `take_in` takes this, without importing its library."""
    return _library(source) is not None


def to_polars(source: Any) -> pl.DataFrame:
    """Return a frame of any known library as polars; see `take_in`."""
    return take_in(source)[0]


def take_in(source: Any) -> tuple[pl.DataFrame, Origin]:
    """Return a frame as polars, its missing values null, and how to give such frames back.

    Parameters
    ----------
    source
        A polars DataFrame or LazyFrame, a pandas DataFrame (its index is left out), a pyarrow Table
        or whatever has the Arrow PyCapsule interface ``__arrow_c_stream__`` (read once, given back
        as a pyarrow Table), or an ndarray of shape (n, d), whose columns are named x0, x1, ...

    Raises
    ------
    DataError
        It is no frame, or a column cannot be converted.
    SchemaError
        Two columns share a name.
    """
    library = _library(source)
    if library is None:
        raise DataError(f"{type(source).__name__} is no frame of a known library: {LIBRARIES}")
    frame, columns = _TAKE_IN[library](source)
    return frame.with_columns(cs.float().fill_nan(None)), Origin(library, columns)


def check_names(names: Sequence[str]) -> None:
    """Refuse names that appear twice.

    Raises
    ------
    SchemaError
        Two columns share a name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(f"more than one column is named {listed(twice)}: rename all but one")


def _library(source: Any) -> str | None:
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return "polars"
    kind = type(source)
    if kind.__module__.partition(".")[0] == "pandas":
        return "pandas" if kind.__name__ == "DataFrame" else None
    if isinstance(source, np.ndarray):
        return "numpy"
    is_stream = hasattr(source, "__arrow_c_stream__") and not isinstance(source, pl.Series)
    return "pyarrow" if is_stream else None


_Columns = dict[str, dict[str, Any]]
"""What `Origin.columns` holds, while it is made."""


def _take_polars(source: pl.DataFrame | pl.LazyFrame) -> tuple[pl.DataFrame, _Columns]:
    frame = source.lazy().collect()
    return frame, {name: {"nan": True} for name in _only_nan(frame)}


def _only_nan(frame: pl.DataFrame) -> list[str]:
    """Return the columns whose missing values are all NaN."""
    floats = frame.select(cs.float())
    return [s.name for s in floats.iter_columns() if s.is_nan().any() and not s.null_count()]


def _give_polars(frame: pl.DataFrame, columns: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    nan = [name for name in floats if columns.get(name, {}).get("nan")]
    return frame.with_columns(pl.col(nan).fill_null(float("nan")))


def _take_arrow(source: Any) -> tuple[pl.DataFrame, _Columns]:
    import pyarrow as pa

    table = source if isinstance(source, pa.Table) else pa.table(source)
    check_names(table.column_names)
    columns: _Columns = {column.name: {"arrow": _pack(column)} for column in table.schema}
    frame = _join(_convert(name, table.column(name), _from_arrow) for name in table.column_names)
    for name in _only_nan(frame):
        columns[name]["nan"] = True
    return frame, columns


def _join(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Make a frame by names: of a list of columns, polars would rename one that is called ""."""
    return pl.DataFrame({column.name: column for column in columns})


def _convert(name: str, values: Any, read: Callable[[Any], Any]) -> pl.Series:
    """Convert one column, in one line about it where that fails."""
    try:
        return pl.Series(name, read(values))
    except _READ_ERRORS as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"column {name!r} cannot be read ({reason}); {_UNREADABLE}") from None


def _from_arrow(values: Any) -> Any:
    """Convert an Arrow array, of types that polars lacks as the nearest that it has."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    elif pa.types.is_decimal256(kind):
        raise TypeError(f"{kind} has more digits than the 38 of a decimal128")
    elif pa.types.is_timestamp(kind) and kind.tz is not None and _is_odd_offset(kind.tz):
        values = values.cast(pa.timestamp(kind.unit, "UTC"))
    return pl.from_arrow(values)


def _is_odd_offset(zone: str) -> bool:
    """Say whether a time zone is an offset that polars knows by no name, as Etc/GMT-2 is +02:00."""
    offset = _OFFSET.fullmatch(zone)
    if offset is None:
        return False
    most = 14 if offset[1] == "+" else 12
    return offset[3] != "00" or int(offset[2]) > most or not zone.startswith(offset[1])


def _pack(column: Any) -> str:
    """Write an Arrow field as text: its type in full, whatever it is made of."""
    import pyarrow as pa

    return base64.b64encode(pa.schema([column]).serialize()).decode()


def _unpack(text: str) -> Any:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0)


def _give_arrow(frame: pl.DataFrame, columns: Mapping[str, Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    table = _give_polars(frame, columns).to_arrow()
    fields = [
        _unpack(columns[column.name]["arrow"]) if column.name in columns else column
        for column in table.schema
    ]
    arrays = [_cast(table.column(i), column.type) for i, column in enumerate(fields)]
    return pa.table(arrays, schema=pa.schema(fields))


def _cast(array: Any, kind: Any) -> Any:
    """Cast an Arrow array, to and from dictionaries of any values too."""
    import pyarrow as pa

    if array.type == kind:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if not pa.types.is_dictionary(kind):
        return array.cast(kind)
    return array.cast(kind.value_type).dictionary_encode().cast(kind)


def _take_array(source: np.ndarray) -> tuple[pl.DataFrame, _Columns]:
    if source.ndim != 2:  # noqa: PLR2004
        raise DataError(f"an array of shape {source.shape} is no table: give one of shape (n, d)")
    if source.dtype.kind not in _ARRAY_KINDS:
        raise DataError(f"an array of dtype {source.dtype} is no table of numbers, times or text")
    columns: _Columns = {}
    series = []
    for position in range(source.shape[1]):
        name, values = f"x{position}", source[:, position]
        columns[name] = {"dtype": source.dtype.str}
        if source.dtype.kind == "O":
            columns[name]["missing"] = _marker(values)
            series.append(_from_objects(name, values))
        else:
            series.append(_convert(name, values, _from_array))
    return _join(series), columns


def _from_array(values: np.ndarray) -> pl.Series:
    kind, unit = (
        values.dtype.kind,
        np.datetime_data(values.dtype)[0] if values.dtype.kind in "Mm" else "",
    )
    if kind in "Mm" and unit not in ("ms", "us", "ns"):  # what polars has
        values = values.astype(f"{kind}8[{'ms' if unit in 'YMWDhms' else 'ns'}]")
    if kind == "U":
        return pl.Series(values.tolist(), dtype=pl.String)
    if kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float32 if values.dtype == np.float16 else np.float64)
    return pl.Series(values)


def _give_array(frame: pl.DataFrame, columns: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    known = next((columns[name] for name in frame.columns if name in columns), {"dtype": "O"})
    dtype = np.dtype(known["dtype"])
    plain = all(kind.is_numeric() or kind == pl.Boolean for kind in frame.dtypes)
    if dtype.kind in "biuf" and not plain:
        dtype = np.dtype(object)
    rows = np.empty(frame.shape, dtype)
    for position, series in enumerate(frame.iter_columns()):
        if dtype.kind == "O":
            marker = columns.get(series.name, {}).get("missing", "None")
            rows[:, position] = _to_objects(series, marker)
        else:
            rows[:, position] = series.to_list() if dtype.kind == "U" else series.to_numpy()
    return rows


def _marker(values: np.ndarray) -> str:
    """Return how the first missing object is written: None, nan, NA or NaT."""
    import pandas as pd

    missing = np.flatnonzero(pd.isna(values))
    if not missing.size:
        return "None"
    first = str(values[missing[0]])
    return {"<NA>": "NA"}.get(first, first if first in ("None", "NaT") else "nan")


def _from_objects(name: str, values: np.ndarray) -> pl.Series:
    import pandas as pd

    missing = pd.isna(values)
    kinds = sorted({type(value).__name__ for value in values[~missing]})
    numbers = {kind.rstrip("0123456789") for kind in kinds} <= {"int", "uint", "float"}
    if len(kinds) > 1 and not numbers:
        raise DataError(f"column {name!r} holds values of several types {listed(kinds)}: {_MIXED}")
    if not kinds:
        return pl.Series(name, [None] * len(values), dtype=pl.String)
    held = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    if kinds == ["Decimal"]:
        _check_decimals(name, held)
    if len(kinds) > 1:  # numbers of several types
        return _convert(name, held, lambda cells: pl.Series(cells, strict=False))
    return _convert(name, held, pl.Series)


def _check_decimals(name: str, values: list[decimal.Decimal | None]) -> None:
    for row, value in enumerate(values):
        if value is not None and not value.is_finite():
            raise DataError(
                f"column {name!r}, data row {row + 1} (counted from 1), holds {value!r}, for which "
                "decimals have no place: turn the column into floats, or empty the cell"
            )


def _to_objects(series: pl.Series, marker: str) -> np.ndarray:
    import pandas as pd

    written = {"None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}
    objects = np.empty(series.len(), object)
    objects[:] = series.to_list()
    objects[series.is_null().to_numpy()] = written[marker]
    return objects


def _take_pandas(source: Any) -> tuple[pl.DataFrame, _Columns]:
    names = [str(name) for name in source.columns]
    check_names(names)
    columns: _Columns = {}
    series = []
    for position, (name, native) in enumerate(zip(names, source.columns, strict=True)):
        column = source.iloc[:, position]
        columns[name] = _describe(name, column)
        if native is None or isinstance(native, int | float | tuple):
            columns[name]["name"] = native
        series.append(_from_pandas(name, column))
    return _join(series), columns


def _describe(name: str, column: Any) -> dict[str, Any]:
    """Return plain values that tell a pandas dtype; see `_pandas_series`."""
    import pandas as pd
    import pyarrow as pa

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = dtype.categories.tolist()
        if not all(isinstance(level, str | int | float) for level in levels):
            raise DataError(
                f"column {name!r} has categories of type {dtype.categories.dtype}: "
                "turn it into text with .astype(str)"
            )
        of = str(dtype.categories.dtype)
        return {"dtype": "category", "categories": levels, "of": of, "ordered": dtype.ordered}
    if isinstance(dtype, pd.ArrowDtype):
        return {"dtype": "arrow", "arrow": _pack(pa.field(name, dtype.pyarrow_dtype))}
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if dtype.na_value is pd.NA else "nan"
        return {"dtype": "string", "storage": dtype.storage, "missing": missing}
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return {"dtype": "object", "missing": _marker(column.to_numpy())}
    if isinstance(dtype, pd.DatetimeTZDtype) and not _is_zone_known(dtype):
        raise DataError(
            f"column {name!r} has a time zone that has no plain name ({dtype}): give it one that "
            "has, with .dt.tz_convert('Europe/Berlin') or .dt.tz_convert('UTC')"
        )
    return {"dtype": str(dtype)}


def _is_zone_known(dtype: Any) -> bool:
    import pandas as pd

    try:
        return bool(pd.api.types.pandas_dtype(str(dtype)) == dtype)
    except TypeError:
        return False


def _from_pandas(name: str, column: Any) -> pl.Series:
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _from_objects(name, column.to_numpy())
    if isinstance(dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    elif isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype) or dtype.kind == "c":
        raise DataError(
            f"column {name!r} is of pandas type {dtype}: turn it into numbers, times or text"
        )
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fmM":
        return _convert(name, column.to_numpy(), _from_array)
    if isinstance(dtype, pd.DatetimeTZDtype | pd.ArrowDtype):
        return _convert(name, column, lambda cells: _from_arrow(_to_arrow(cells)))
    return _convert(name, column.reset_index(drop=True), pl.from_pandas)


def _to_arrow(column: Any) -> Any:
    import pyarrow as pa

    array = pa.array(column, from_pandas=True)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _give_pandas(frame: pl.DataFrame, columns: Mapping[str, Mapping[str, Any]]) -> Any:
    import pandas as pd

    data = {
        position: _pandas_series(series, columns[series.name])
        if series.name in columns
        else series.to_pandas()
        for position, series in enumerate(frame.iter_columns())
    }
    rows = pd.DataFrame(data, index=pd.RangeIndex(frame.height))
    natives = [columns.get(name, {}).get("name", name) for name in frame.columns]
    names = [tuple(name) if isinstance(name, list) else name for name in natives]
    rows.columns = pd.Index(names)
    return rows


def _pandas_series(series: pl.Series, column: Mapping[str, Any]) -> Any:
    """Make a pandas Series of the dtype that `_describe` told."""
    import pandas as pd

    name = column["dtype"]
    if name == "category":
        levels = pd.Index(column["categories"], dtype=column["of"])
        return pd.Series(pd.Categorical(series.to_list(), levels, ordered=column["ordered"]))
    if name == "object":
        return pd.Series(_to_objects(series, column["missing"]), dtype=object)
    if name == "arrow":
        dtype: Any = pd.ArrowDtype(_unpack(column["arrow"]).type)
        array = _cast(series.to_frame().to_arrow().column(0), dtype.pyarrow_dtype)
        return pd.Series(dtype.__from_arrow__(array))
    if name == "string":
        na = pd.NA if column["missing"] == "NA" else np.nan
        return _of_dtype(series, pd.StringDtype(column["storage"], na_value=na))
    return _of_dtype(series, pd.api.types.pandas_dtype(name))


def _of_dtype(series: pl.Series, dtype: Any) -> Any:
    import pandas as pd

    if isinstance(dtype, pd.DatetimeTZDtype):
        plain = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        times = pd.DatetimeIndex(plain.to_numpy()).tz_localize("UTC")
        return pd.Series(times.tz_convert(dtype.tz)).astype(dtype)
    if isinstance(dtype, np.dtype):
        lossy = dtype.kind in "biu" and series.null_count()
        return series.to_pandas() if lossy else pd.Series(series.to_numpy().astype(dtype))
    if hasattr(dtype, "__from_arrow__"):
        return pd.Series(dtype.__from_arrow__(series.to_frame().to_arrow().column(0)))
    return series.to_pandas().astype(dtype)


_TAKE_IN = {
    "polars": _take_polars,
    "pandas": _take_pandas,
    "pyarrow": _take_arrow,
    "numpy": _take_array,
}
_GIVE_BACK: dict[str, Callable[[pl.DataFrame, Mapping[str, Mapping[str, Any]]], Any]] = {
    "polars": _give_polars,
    "pandas": _give_pandas,
    "pyarrow": _give_arrow,
    "numpy": _give_array,
}
