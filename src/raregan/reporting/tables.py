"""The tables of the report: every figure with its words, columns, pairs, rules."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from raregan.judging.dependence import PairOfColumns
from raregan.judging.fidelity import FIGURES, Fidelity
from raregan.judging.figures import Figure
from raregan.judging.intervals import CONFIDENCE
from raregan.judging.marginals import Marginal
from raregan.judging.measures import Direction
from raregan.judging.rules import RULES_TITLE, show_share
from raregan.reporting.strips import show_value

MOST_PAIRS = 50
"""Pairs of columns that are listed; JSON has more."""

MOST_COLUMNS = 300
"""Columns that are listed; JSON has all."""

_GOOD: Mapping[Direction, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "target": "the closer the better",
    "baseline": "as real rows; less alarms",
}
_FIGURES_TEXT = (
    f"Values with their {CONFIDENCE:.0%} intervals; where there is none, the value is exact for "
    "these rows"
)
_RULES_TEXT = (
    f"{RULES_TITLE}, and rules that were asked for: the shares of rows that keep them, of those "
    "that can tell. What is lost most comes first. A rule that is passed to training holds in all "
    "synthetic rows."
)


def build_table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    kind: str = "",
) -> str:
    """Return a table whose first cell of a row is its head.

    Roles are written out, as a narrow page lays the cells out as blocks, which would hide from
    screen readers that it is a table.

    Parameters
    ----------
    caption
        What is in it.
    heads, rows
        Texts, as many in each; they are escaped here.
    numbers
        Places of columns that hold numbers.
    kind
        A class that lays it out.
    """

    def cell(place: int, text: str) -> str:
        number = ' class="number"' if place in numbers else ""
        if place == 0:
            return f'<th scope="row" role="rowheader">{escape(text)}</th>'
        label = escape(heads[place], quote=True)
        return f'<td role="cell"{number} data-label="{label}">{escape(text)}</td>'

    def head(place: int, text: str) -> str:
        number = ' class="number"' if place in numbers else ""
        return f'<th scope="col" role="columnheader"{number}>{escape(text)}</th>'

    body = "\n".join(
        f'<tr role="row">{"".join(cell(place, text) for place, text in enumerate(row))}</tr>'
        for row in rows
    )
    named = "".join(head(place, text) for place, text in enumerate(heads))
    return (
        f'<table role="table" class="{kind}">\n<caption>{escape(caption)}</caption>\n'
        f'<thead role="rowgroup"><tr role="row">{named}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{body}\n</tbody>\n</table>'
    )


def fold(title: str, content: str, *, is_open: bool = False) -> str:
    """Return content that a click or a key unfolds."""
    state = " open" if is_open else ""
    return f"<details{state}><summary>{escape(title)}</summary>\n{content}\n</details>"


def figures_table(figures: Iterable[Figure]) -> str:
    """Return every figure of a group: values, what they show and what they do not, the source."""
    heads = ("figure", "synthetic rows", "real rows", "best", "reads", "what it says", "source")
    return build_table(
        _FIGURES_TEXT, heads, map(_figure_row, figures), numbers=(1, 2), kind="figures"
    )


def _figure_row(figure: Figure) -> tuple[str, ...]:
    words = figure.words
    best = _GOOD[words.direction]
    if words.best is not None:
        best = f"{words.best:{words.spec}}, {best}"
    base = (
        "none"
        if figure.baseline is None
        else show_value(figure, figure.baseline, figure.baseline_interval)
    )
    said = f"{words.definition} It shows {words.shows}; it does not show {words.shows_not}."
    if "success" in figure.details:
        said += (
            f" Succeeded on {figure.details['success']:.1%} of real and "
            f"{figure.details['control']:.1%} of held-out rows."
        )
    return (
        words.label,
        show_value(figure, figure.value, figure.interval),
        base,
        best,
        figure.reading or "not read",
        said,
        words.source,
    )


def columns_table(columns: Sequence[Marginal]) -> str:
    """Return the columns, those that differ most first."""
    worst = sorted(columns, key=lambda column: -column.distance)[:MOST_COLUMNS]
    heads = (
        *("column", "kind", "distance", "real rows", "Wasserstein", "covered"),
        *("missing, real", "missing, synthetic"),
    )
    rows = (
        (
            column.name,
            column.kind,
            f"{column.measure} {column.distance:.3f}",
            _or_none(column.baseline, ".3f"),
            _or_none(column.wasserstein, ".3f"),
            _or_none(column.coverage, ".0%"),
            *(f"{share:.1%}" for share in column.missing),
        )
        for column in worst
    )
    which = (
        "All columns" if len(worst) == len(columns) else f"{len(worst)} of {len(columns)} columns"
    )
    return build_table(
        f"{which}, those that differ most first. Distance (KS of numbers, TV of categories) is 0 "
        "at best; real rows: the same of real rows in place of the synthetic ones; Wasserstein in "
        "spreads of the column; covered: part of the real range or levels",
        heads,
        rows,
        numbers=range(2, 8),
    )


def pairs_table(pairs: Sequence[PairOfColumns], n_pairs: int) -> str:
    """Return the pairs of columns that differ most."""
    listed = pairs[:MOST_PAIRS]
    rows = (
        (
            f"{pair.first}, {pair.second}",
            pair.measure,
            *pair.shown[:2],
            f"{pair.synthetic - pair.real:+.3f}",
            pair.shown[2],
        )
        for pair in listed
    )
    which = f"The {len(listed):,} of {n_pairs:,} pairs" if len(listed) < n_pairs else "All pairs"
    return build_table(
        f"{which} of columns, those that differ most first",
        ("columns", "measure", "real", "synthetic", "difference", "held-out"),
        rows,
        numbers=(2, 3, 4, 5),
    )


def rules_table(rules: Mapping[str, Mapping[str, float]]) -> str:
    """Return who keeps which rule."""
    rows = (
        (text, show_share(kept["synthetic"]), show_share(kept["real"]))
        for text, kept in rules.items()
    )
    return build_table(_RULES_TEXT, ("rule", "synthetic rows", "real rows"), rows, numbers=(1, 2))


def whole_table(fidelity: Fidelity) -> str:
    """Return the five figures of whole tables, as `raregan demo` prints them."""
    rows = (
        (
            FIGURES[name].label,
            f"{getattr(fidelity, name):{FIGURES[name].spec}}",
            f"{FIGURES[name].best:{FIGURES[name].spec}}",
            FIGURES[name].definition,
        )
        for name in fidelity.figures
    )
    return build_table(
        "Figures of the whole tables, without intervals; against rows that were learned from",
        ("figure", "value", "best", "what it says"),
        rows,
        numbers=(1, 2),
    )


def _or_none(value: float | None, spec: str) -> str:
    return "" if value is None else f"{value:{spec}}"
