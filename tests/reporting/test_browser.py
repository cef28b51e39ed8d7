"""The page in a browser: it draws, asks for nothing, fits, and obeys the keyboard."""

import shutil

import numpy as np
import pytest

from raregan.contest.leaks import Leak
from raregan.reporting.contest_page import write_contest_page
from raregan.reporting.report import write_report
from tests.judging.test_report import made_up
from tests.reporting.contests import played
from tests.reporting.test_report import HISTORY, NASTY, rows

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ALONE = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    history = {**HISTORY, "discriminator_loss": [0.5, 0.3, np.nan]}
    return write_report(
        tmp_path_factory.mktemp("page") / "report.html",
        rows(60, seed=1),
        rows(80, seed=2),
        made_up(),
        title=f"{NASTY} with a name_that_is_long_and_has_no_place_to_break_it_anywhere_at_all",
        holdout=rows(30, seed=3),
        history=history,
        command="raregan evaluate " + "a_path_without_any_break/" * 10,
    )


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ALONE))
        yield browser
        browser.close()


@pytest.fixture
def look(browser, path):
    yield from looks(browser, path)


@pytest.fixture
def look_at_contest(browser, tmp_path):
    found = played(learner=NASTY, source="t" * 90, leaks=[Leak("copies", 3, "3 are copies")])
    command = "raregan compare " + "a_path_without_any_break/" * 10
    yield from looks(browser, write_contest_page(tmp_path / "c.html", found, command=command))


def looks(browser, path):
    """Open the page; whatever it says on the console or asks for is a failure at the end."""
    said, pages = [], []

    def opened(width=1280, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert said == [path.as_uri()] * len(pages)


def count_marks(page):
    """Return how many marks each chart has drawn, by its name."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".chart")].map(chart =>
        [chart.id, chart.querySelectorAll(".trace path, .hm image").length]))"""
    )


def wait_until(page, expression):
    """Wait for an expression to hold: the page's own policy forbids Playwright's way to wait."""
    for _ in range(50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not within 5 s: {expression}")


_INKED = """getComputedStyle(document.querySelector("#distances .xtick text")).fill ===
    getComputedStyle(document.body).color"""


def colour_of(page, selector, what):
    text = page.eval_on_selector(selector, f"element => getComputedStyle(element).{what}")
    return np.array(text[text.index("(") + 1 : -1].split(",")[:3], dtype=float)


@pytest.mark.parametrize(
    ("width", "first", "then"), [(1280, "light", "dark"), (390, "dark", "light")]
)
def test_every_chart_is_drawn_and_the_page_fits(look, width, first, then):
    page = look(width, first)
    for scheme in (first, then):
        page.emulate_media(color_scheme=scheme)  # the charts follow
        paper, ink = (colour_of(page, "body", what) for what in ("backgroundColor", "color"))
        assert (paper.mean() > 200) == (scheme == "light")
        assert abs(ink - paper).min() > 150
        wait_until(page, _INKED)  # Plotly draws again in its own time
        np.testing.assert_array_equal(colour_of(page, "#distances .xtick text", "fill"), ink)
        marks = count_marks(page)
        assert len(marks) == 13
        assert all(marks.values()), marks
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_keyboard_reaches_the_verdict_and_the_columns(look):
    page = look()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdict"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-pressed") in ("true", "false")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chosen = page.locator("#tiles button").nth(2)
    chosen.focus()
    page.keyboard.press("Enter")
    assert chosen.get_attribute("aria-pressed") == "true"
    assert page.locator("#tiles button[aria-pressed=true]").count() == 1
    assert page.locator("#distribution-title").inner_text().startswith("金額: KS")
    assert (
        page.locator("#distribution").get_attribute("aria-label").startswith("distribution of 金額")
    )
    page.select_option("#column", "1")
    assert page.locator("#distribution-title").inner_text().startswith(NASTY)
    summary = page.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_charts_follow_the_width(look):
    page = look()
    assert page.locator("#distances svg").first.bounding_box()["width"] > 1_000
    page.set_viewport_size({"width": 500, "height": 900})
    wait_until(page, "document.querySelector('#distances svg').clientWidth <= 500")
    assert page.evaluate("document.documentElement.scrollWidth") == 500


def test_paper_is_light_shows_all_and_the_screen_is_as_before(look):
    page = look(scheme="dark")
    said = """() => [[...document.querySelectorAll("details")].every(part => part.open),
        getComputedStyle(document.body).backgroundColor,
        Math.max(...[...document.querySelectorAll(".chart svg")].map(svg => svg.clientWidth))]"""
    before = page.evaluate(said)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(said) == [True, "rgb(255, 255, 255)", 700]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(said) == before
    assert before[0] is False
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert 3 < printed.count(b"/Type /Page\n") < 20


PLACES = """() => [...document.querySelectorAll(".forest li, figure")].map(part => {
    const picture = part.querySelector("svg").getBoundingClientRect();
    const marks = [...part.querySelectorAll("circle, rect, path.curve, text")];
    const places = marks.map(mark => mark.getBoundingClientRect());
    return {name: part.textContent, width: picture.width, n: marks.length,
      left: Math.min(...places.map(place => place.left)),
      right: Math.max(...places.map(place => place.right))};
})"""


@pytest.mark.parametrize(
    ("width", "first", "then"), [(1280, "light", "dark"), (390, "dark", "light")]
)
def test_a_contest_is_drawn_and_fits(look_at_contest, width, first, then):
    page = look_at_contest(width, first)
    for scheme in (first, then):
        page.emulate_media(color_scheme=scheme)
        paper, line = (
            colour_of(page, *what) for what in (("body", "backgroundColor"), (".c0", "stroke"))
        )
        assert (paper.mean() > 200) == (scheme == "light")
        assert abs(line - paper).min() > 150
    assert page.evaluate("document.documentElement.scrollWidth") == width
    drawn = page.evaluate(PLACES)
    assert len(drawn) == (4 + 1) + (1 + 1) + 4  # contestants and scale of both learners, curves
    for part in drawn:
        assert part["width"] > 200
        assert part["n"] > 0
        assert 0 <= part["left"] < part["right"] <= width, part


def test_ticks_stand_beneath_their_lines(look_at_contest):
    for width in (1280, 390):
        page = look_at_contest(width)
        lines, texts = page.evaluate(
            """() => ["li:first-child line.grid", ".scale text"].map(which =>
            [...document.querySelector(".forest").querySelectorAll(which)].map(mark => {
            const place = mark.getBoundingClientRect();
            return (place.left + place.right) / 2; }))"""
        )
        np.testing.assert_allclose(texts, lines, atol=1)


def test_the_keyboard_reaches_a_leak_first_and_wide_tables(look_at_contest):
    page = look_at_contest()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdict"
    alert = page.get_by_role("alert")
    assert "3 are copies" in alert.inner_text()
    assert alert.bounding_box()["y"] < page.locator(".summary").bounding_box()["y"]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "wide"


def test_a_contest_on_paper_is_light(look_at_contest):
    page = look_at_contest(scheme="dark")
    page.emulate_media(media="print")
    assert colour_of(page, "body", "backgroundColor").mean() == 255
    assert page.pdf(format="A4").count(b"/Type /Page\n") < 12
