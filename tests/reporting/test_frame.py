from raregan.reporting.frame import fill_page, list_facts, list_items, read_part
from tests.reporting.test_report import NASTY, Page

PARTS = {name: f"<p>{name}</p>" for name in ("verdict", "pictures", "tables", "provenance")}


def test_a_page_has_its_parts_in_order_and_no_script_by_itself():
    page = Page(fill_page(title=NASTY, note="", **PARTS))
    assert page.open == []
    assert page.texts("h1") == page.texts("title") == [NASTY]
    assert page.texts("p") == list(PARTS)
    assert page.scripts == []


def test_a_note_is_shown_and_in_the_title():
    page = Page(fill_page(title="t", note="<n>", scripts="<script>0</script>", **PARTS))
    assert page.texts("title") == ["t (<n>)"]
    assert page.texts("p")[0] == "<n>"
    assert page.scripts == ["0"]


def test_no_placeholder_is_left():
    assert "$" in read_part("page.html")
    assert "$" not in fill_page(title="t", note="", **PARTS)


def test_facts_and_command_are_escaped():
    page = Page(list_facts([(NASTY, 1), ("b", NASTY)], command=NASTY))
    assert page.texts("dt") == [NASTY, "b"]
    assert page.texts("dd") == ["1", NASTY]
    assert page.texts("code") == [NASTY]
    assert Page(list_facts([("a", 1)])).texts("code") == []


def test_items():
    assert Page(list_items([NASTY, "b"])).texts("li") == [NASTY, "b"]
    assert list_items([]) == ""
