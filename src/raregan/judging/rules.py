"""Which rules the real rows keep, and how many of the synthetic rows keep them too."""

from collections.abc import Sequence

import polars as pl

from raregan.data.constraints import count_kept, parse_constraint
from raregan.data.conversions import Conversion, Stored
from raregan.data.expressions import is_pattern
from raregan.data.kinds import find_date_format, find_fault, infer_columns
from raregan.data.near import find_rare_rules
from raregan.errors import SchemaError

RULES_TITLE = "Rules that nearly all real rows keep"


def show_share(share: float) -> str:
    """Write a share of rows, such that 100% are all and 0% none."""
    if 0 < share < _LEAST:
        return "<0.1%"
    return ">99.9%" if 1 - _LEAST < share < 1 else f"{share:.1%}"


_LEAST = 0.0005


def judge_rules(
    real: pl.DataFrame, synthetic: pl.DataFrame, constraints: Sequence[str] = ()
) -> dict[str, dict[str, float]]:
    """Count the rows that keep the rules of the real rows.

    They are the rules given, those that all real rows keep, and near-rules; see
    `raregan.data.near`. Shares are of rows that can tell: a missing value leaves a rule open, and
    so does a cell that is nothing in the real column's type.

    Parameters
    ----------
    real, synthetic
        The same columns.
    constraints
        Rules to count whether or not they would be found.

    Returns
    -------
    dict of str to dict
        The shares ``"real"`` and ``"synthetic"`` by rule, the rule first that lost most. Rules that
        no row of one side can tell of are left out.

    Raises
    ------
    SchemaError
        One of `constraints` is no rule between these columns.
    """
    usable = [cells for cells in real.iter_columns() if find_fault(cells) is None]
    # A column without a name can be in no rule.
    names = [cells.name for cells in usable if cells.name and not is_pattern(cells.name)]
    if not names and not constraints:
        return {}
    real = real.select(names).with_columns(_NO_NAN)
    columns = infer_columns(real, real, {})
    kinds = {column.name: column.kind for column in columns}
    formats = {column.name: column.format for column in columns if column.format}
    synthetic = pl.DataFrame(  # by name, as polars would call a column without one column_0
        {name: _as_real(synthetic[name], real[name], formats.get(name)) for name in real.columns}
    ).with_columns(_NO_NAN)
    finite = real.with_columns(_NO_INFINITY)  # of which no sum can be found
    found = find_rare_rules(finite, real.clear(), kinds, formats, constraints)
    shares = {}
    for text in dict.fromkeys([*constraints, *(rule.text for rule in found)]):
        rule = parse_constraint(text, real.schema, formats)
        (kept, of), (kept_made, of_made) = (
            count_kept(rule, side, real) for side in (real, synthetic)
        )
        if of and of_made:
            shares[rule.text] = {"real": kept / of, "synthetic": kept_made / of_made}
    lost = {text: share["real"] - share["synthetic"] for text, share in shares.items()}
    return {text: shares[text] for text in sorted(shares, key=lambda text: -lost[text])}


_FLOATS = pl.col(pl.Float32, pl.Float64)
_NO_NAN = _FLOATS.fill_nan(None)
_NO_INFINITY = pl.when(_FLOATS.is_finite()).then(_FLOATS)


def _as_real(cells: pl.Series, real: pl.Series, form: str | None) -> pl.Series:
    """Return synthetic cells in the type of the real ones, missing where they have none in it."""
    nothing = pl.Series(cells.name, [None], real.dtype).new_from_index(0, len(cells))
    if cells.null_count() == len(cells):
        return nothing
    is_text = cells.dtype == pl.String
    if real.dtype.is_numeric() and is_text:
        return cells.str.strip_chars().cast(real.dtype, strict=False)
    of_dates = form is not None or real.dtype.is_temporal()
    written = find_date_format(cells.drop_nulls().unique()) if of_dates and is_text else None
    stored = Stored(real.dtype, form), Stored(cells.dtype, written)
    try:
        return Conversion(cells.name, *stored).to_learned(cells)
    except SchemaError:
        return nothing
