"""The sections of the page that are not tables: the verdict, and frames for the pictures."""

from collections.abc import Mapping
from html import escape

from raregan.judging.answers import Status
from raregan.judging.measures import GROUPS
from raregan.judging.report import Report
from raregan.judging.verdict import Answer, Verdict, name_figures
from raregan.reporting.charts import Charts, column_title, neighbour_titles
from raregan.reporting.distributions import TAILS
from raregan.reporting.strips import STRIPS_KEY, draw_bars, draw_strips, draw_tile, show_value

_COLOURS: Mapping[Status, str] = {
    "as real rows": "good",
    "differs": "bad",
    "alarm": "bad",
    "too few rows": "other",
    "not judged": "other",
}
_STRIPS_TEXT = (
    "A figure for each line, on a scale of its own. Where the dot and its line lie apart from the "
    "bar, synthetic rows get something else than real rows would."
)
_PLANE_TEXT = (
    "The first two principal components of the standardised real rows; both tables are projected "
    "onto them. As many rows are drawn of either, on the same axes; synthetic rows far outside the "
    "real range are counted, not drawn. A category is one column for each of its most frequent "
    "levels, weighted as in factor analysis of mixed data; a missing number lies at the mean."
)
_NEIGHBOURS_TEXT = (
    "All rows placed together by t-SNE so that neighbours stay neighbours, then drawn apart. Look "
    "for places that one panel fills and another leaves empty. A picture only: distances between "
    "groups and their sizes mean nothing, and another seed moves everything."
)
_DISTANCES_TEXT = (
    "How far rows lie from the closest row that was learned from. Synthetic rows should lie as "
    "far as held-out rows do, which nobody learned from. A curve that rises before theirs is an "
    "alarm; one that does not is no guarantee."
)
_CORRELATION_TEXT = (
    "Pearson correlations of the columns; with a category of more than two levels, the correlation "
    "ratio (numbers) or Cramér's V (categories), from 0 to 1. Real and synthetic share the scale "
    "from -1 to 1; the difference (synthetic less real) has its own. A constant column has none "
    "and stays grey."
)
_DISTRIBUTION_TEXT = (
    f"Shares of the values that are there, on common bins; {TAILS:.1%} of the real ones at either "
    "end are left out. Of a category, shares of all rows. KS is the largest gap between the "
    "cumulative distributions, TV the share of rows that would have to change level; both are 0 "
    "at best. Choose a column, or one of the small pictures below."
)
_EVIDENCE_TEXT = (
    "Evidence from rare rows that a rehearsal of the same run did not learn from: less is better. "
    "The weights are those of the epoch with the smallest sum."
)
_GIVEAWAY_TEXT = (
    "What each column has in telling synthetic from real rows, by the linear model. It sees single "
    "columns; where it tells rows apart no better than by guessing, these shares mean little."
)
_RISK_TEXT = (
    "How much more often the nearest synthetic row tells this cell of a real row than of a "
    "held-out one, as a share of what was left."
)
_SIDES_KEY = (
    '<p class="key"><span><i class="real"></i>real</span> <span><i class="synthetic"></i>synthetic'
    "</span></p>"
)


def verdict_section(verdict: Verdict, report: Report) -> str:
    """Return the summary, the three answers and their grounds."""
    answers = "\n".join(_answer(answer, report) for answer in verdict.answers)
    commands = next((answer.commands for answer in verdict.answers if answer.commands), ())
    typed = escape("\n".join(commands))
    more = f"<h3>What would say the rest?</h3>\n<pre><code>{typed}</code></pre>\n" if typed else ""
    return (
        f'<p class="summary">{escape(verdict.summary)}</p>\n<div class="answers">\n{answers}\n'
        f'</div>\n{more}<h3>How do you know?</h3>\n<p class="soft">for the model-risk auditor</p>\n'
        f"<p>{escape(verdict.grounds)}</p>"
    )


def _colour(answer: Answer) -> str:
    """Return a class of the page: to teach better than real rows is no fault, to look closer is."""
    is_better = answer.group == "utility" and not answer.worse
    return "other" if answer.status == "differs" and is_better else _COLOURS[answer.status]


def _answer(answer: Answer, report: Report) -> str:
    parts = [
        f'<article class="answer {_colour(answer)}">',
        f"<h3>{escape(answer.question)}</h3>",
        f'<p class="soft">{escape(answer.reader)}</p>',
        _headline(answer.headline),
    ]
    if named := name_figures(answer, report):
        items = "\n".join(f"<li>{escape(line)}</li>" for line in named)
        parts.append(f"<ul>\n{items}\n</ul>")
    if answer.remedy:
        parts.append(f"<p>{escape(answer.remedy)}</p>")
    if answer.absent:
        parts.append(f'<p class="soft">{escape(answer.absent)}</p>')
    parts.append(f'<p class="soft">{escape(answer.caution)}</p>\n</article>')
    return "\n".join(parts)


def _headline(text: str) -> str:
    """Return one paragraph, of which the first sentence stands out."""
    first, stop, rest = text.partition(". ")
    return f'<p><span class="headline">{escape(first + stop.rstrip())}</span> {escape(rest)}</p>'


def pictures_section(charts: Charts, report: Report) -> str:
    """Return frames that the script fills, and pictures that need no script."""
    words = charts.words
    parts = [_strips(report), _plane(charts, words), _neighbours(charts, words)]
    parts += [_distances(charts, words), _giveaways(report), _correlations(charts, words)]
    parts += [_distributions(charts), _history(charts, words)]
    return "\n".join(filter(None, parts))


def _strips(report: Report) -> str:
    groups = "\n".join(
        f"<h4>{escape(title)}</h4>\n{draw_strips(figures)}"
        for name, title in GROUPS.items()
        if (figures := report.group(name))
    )
    head = _head("Every figure beside that of real rows", _STRIPS_TEXT)
    return f"{head}\n{STRIPS_KEY}\n{groups}"


def _head(title: str, text: str) -> str:
    return f'<h3>{escape(title)}</h3>\n<p class="soft">{escape(text)}</p>'


def _frame(name: str, title: str, words: Mapping[str, str]) -> str:
    """Return the frame of one chart; its words are for those who do not see it."""
    said = escape(words.get(name, title), quote=True)
    return (
        f'<figure><figcaption id="{name}-title">{escape(title)}</figcaption>'
        f'<div class="chart" id="{name}" role="img" aria-label="{said}"></div></figure>'
    )


def _plane(charts: Charts, words: Mapping[str, str]) -> str:
    titles = zip(("real", "synthetic", "both"), charts.plane.titles, strict=True)
    frames = "\n".join(_frame(f"plane-{name}", title, words) for name, title in titles)
    head = _head("The plane of the real rows", _PLANE_TEXT)
    return f'{head}\n<div class="row">\n{frames}\n</div>'


def _neighbours(charts: Charts, words: Mapping[str, str]) -> str:
    view = charts.clouds.neighbours
    if view is None:
        return _head("Neighbours", "Too few different rows for a picture of neighbours.")
    frames = "\n".join(
        _frame(f"neighbours-{name}", title, words) for name, title in neighbour_titles(view).items()
    )
    return f'{_head("Neighbours", _NEIGHBOURS_TEXT)}\n<div class="row">\n{frames}\n</div>'


def _distances(charts: Charts, words: Mapping[str, str]) -> str:
    title = "Distance to the closest record"
    if charts.clouds.distances is None:
        return _head(title, "Absent: without held-out rows nobody can say how close is too close.")
    return f"{_head(title, _DISTANCES_TEXT)}\n{_frame('distances', 'Cumulative shares', words)}"


def _giveaways(report: Report) -> str:
    """Return which columns give synthetic rows away, and which are most at risk."""
    parts = []
    for name, key, title, text in (
        ("c2st_linear", "share", "What gives synthetic rows away", _GIVEAWAY_TEXT),
        ("attribute_inference", "risk", "Cells most at risk", _RISK_TEXT),
    ):
        found = next((figure for figure in report.figures if figure.name == name), None)
        columns = [] if found is None else found.details.get("columns", [])
        shares = [(one["column"], one[key]) for one in columns if one[key] > 0]
        if found is None or not shares:
            continue
        said = f"{text} Together: {show_value(found, found.value, found.interval)}"
        said += f", {found.reading}." if found.reading else "."
        parts.append(f"{_head(title, said)}\n{draw_bars(shares)}")
    return "\n".join(parts)


def _correlations(charts: Charts, words: Mapping[str, str]) -> str:
    n = len(charts.correlation.names)
    text = _CORRELATION_TEXT
    if n < charts.n_columns:
        text += f" Of {charts.n_columns:,} columns, the {n:,} are drawn that differ most."
    titles = {"real": "real", "synthetic": "synthetic", "difference": "synthetic less real"}
    frames = "\n".join(
        _frame(f"correlation-{kind}", title, words) for kind, title in titles.items()
    )
    return f'{_head("Correlations", text)}\n<div class="row large">\n{frames}\n</div>'


def _distributions(charts: Charts) -> str:
    n = len(charts.columns)
    text = _DISTRIBUTION_TEXT
    if n < charts.n_columns:
        text += f" Of {charts.n_columns:,} columns, the {n:,} are drawn that differ most."
    tiles = "\n".join(draw_tile(column, column_title(column)) for column in charts.columns)
    return (
        f"{_head('Distribution of each column', text)}\n"
        f'<p class="choice"><label>column <select id="column"></select></label></p>\n{_SIDES_KEY}\n'
        '<figure><figcaption id="distribution-title" aria-live="polite"></figcaption>'
        '<div class="chart" id="distribution" role="img"></div></figure>\n'
        f'<div class="tiles" id="tiles" role="group" aria-label="columns">\n{tiles}\n</div>'
    )


def _history(charts: Charts, words: Mapping[str, str]) -> str:
    if not charts.history:
        return ""
    section = f"<h3>Training</h3>\n{_frame('losses', 'Losses by epoch', words)}"
    if charts.history["evidence"]:
        frame = _frame("evidence", "Evidence by epoch", words)
        section += f'\n<p class="soft">{_EVIDENCE_TEXT}</p>\n{frame}'
    return section
