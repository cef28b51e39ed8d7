"""What every page shares: heading, four sections, style, and where its figures come from."""

from collections.abc import Iterable
from html import escape
from importlib import resources
from string import Template

from raregan.reporting.figures import BLUE, ORANGE


def read_part(name: str) -> str:
    """Return the text of a file beside this one."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def fill_page(
    *,
    title: str,
    note: str,
    verdict: str,
    pictures: str,
    tables: str,
    provenance: str,
    scripts: str = "",
) -> str:
    """Return a page that loads nothing from anywhere.

    Parameters
    ----------
    title, note
        Heading, and a mark beneath it and in the page's title; escaped here.
    verdict, pictures, tables, provenance, scripts
        HTML.
    """
    return Template(read_part("page.html")).substitute(
        title=escape(f"{title} ({note})" if note else title),
        style=Template(read_part("page.css")).substitute(blue=BLUE, orange=ORANGE),
        heading=escape(title),
        note=f'<p class="note">{escape(note)}</p>' if note else "",
        verdict=verdict,
        pictures=pictures,
        tables=tables,
        provenance=provenance,
        scripts=scripts,
    )


def list_facts(facts: Iterable[tuple[str, object]], *, command: str = "") -> str:
    """Return labels with values, and the command that makes the page again."""
    rows = "\n".join(
        f"<dt>{escape(label)}</dt><dd>{escape(str(value))}</dd>" for label, value in facts
    )
    section = f"<dl>\n{rows}\n</dl>"
    if command:
        section += f"\n<p>To make this report again:</p>\n<pre><code>{escape(command)}</code></pre>"
    return section


def list_items(texts: Iterable[str]) -> str:
    """Return an unordered list of texts, or nothing where there are none."""
    items = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>\n{items}\n</ul>" if items else ""
