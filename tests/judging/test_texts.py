from dataclasses import replace

import pytest

from raregan.judging.measures import GROUPS, MEASURES
from raregan.judging.texts import WIDTH
from raregan.judging.verdict import name_figures, reach_verdict
from tests.judging.test_report import NASTY, made_up


def test_the_text_has_a_line_for_each_figure_with_interval_real_rows_and_reading():
    text = made_up().to_text()
    lines = [line.split() for line in text.splitlines()]
    for figure, reading in (
        ("column_shape", ["0.710", "0.680", "to", "0.740", "0.930", "worse"]),
        ("singling_out", ["0.250", "0.100", "to", "0.400", "0.000", "alarm"]),
    ):
        label = MEASURES[figure].label.split()
        (found,) = (line for line in lines if line[: len(label)] == label)
        assert found[len(label) :][: len(reading)] == reading
    assert "1,234 real, 567 synthetic, 89 held-out rows; seed 7" in text
    assert "       98.5%  100.0%  a < b" in text.replace(
        "     98.5%  100.0%", "       98.5%  100.0%"
    )


def test_words_stand_below_each_figure():
    text = " ".join(made_up().to_text().split())
    for name in ("column_shape", "singling_out"):
        words = MEASURES[name]
        assert words.definition in text
        assert f"It shows {words.shows}; it does not show {words.shows_not}." in text
    assert "Succeeded on 40.0% of real and 20.0% of held-out rows." in text
    assert r"Given away by: </b>|`a`\x1b *b* (70%)." in text


def test_the_columns_that_differ_most_are_listed_with_what_is_missing():
    text = made_up().to_text()
    (line,) = (line for line in text.splitlines() if " KS " in line)
    assert line.split()[-7:] == ["0.290", "0.070", "1.250", "88%", "1.5%,", "real", "0.0%"]
    (line,) = (line for line in text.splitlines() if " TV " in line)
    assert line.split() == ["c", "TV", "0.100"]


def test_lines_are_no_longer_than_a_wide_terminal_and_hold_no_control_character():
    for line in made_up().to_text().splitlines():
        assert len(line) <= WIDTH + 10
        assert line.isprintable()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("holdout", "held-out real rows get"),
        ("halves", "one half of the real rows"),
        ("none", "too few real rows"),
    ],
)
def test_what_real_rows_means_is_said_at_the_top(kind, said):
    head = made_up().to_text().splitlines()[1]
    assert said in replace(made_up(), baseline=kind).to_text().splitlines()[1]
    assert head.startswith('"real rows": ')


def test_markdown_keeps_its_tables_whatever_columns_are_called():
    text = made_up().to_markdown()
    assert text.startswith("## Synthetic rows judged\n")
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    for line in tables:
        cells = line.replace("\\\\", "").replace("\\|", "").count("|") - 1
        assert cells in (3, 5, 6), line
    assert NASTY not in text
    assert "\\*b\\*" in text
    assert "- one \\| note" in text
    assert "| shape of columns | 0.710 | 0.680 to 0.740 | 0.930 | worse than real rows |" in text


def test_groups_without_figures_are_not_shown():
    text = made_up().to_text() + made_up().to_markdown()
    assert "Utility" not in text


def test_the_verdict_comes_before_the_figures():
    report = made_up()
    text, markdown = report.to_text(), report.to_markdown()
    for answer in reach_verdict(report).answers:
        flat = " ".join(text.split())
        assert f"{answer.question} {answer.headline}" in flat
        assert flat.index(answer.headline) < flat.index(GROUPS["fidelity"])
        assert f"- **{answer.question}** {answer.headline}" in markdown
        assert answer.caution in markdown


def test_the_verdict_names_the_figures_that_alarm_or_read_worse():
    report = made_up()
    text, markdown = report.to_text().splitlines(), report.to_markdown().splitlines()
    place = text.index("    singling-out risk: 0.250, real rows 0.000")
    assert text[place - 1].strip().endswith("show through.")
    assert text[place + 1].startswith("  Split once more")
    place = markdown.index("  - singling-out risk: 0.250, real rows 0.000")
    assert markdown[place - 1].startswith("- **Whom does it expose?** Alarm: 1 of 1")
    assert markdown[place + 1] == ""
    assert markdown[place + 2].startswith("  Split once more")
    for answer in reach_verdict(report).answers:
        for line in name_figures(answer, report):
            assert f"    {line}" in text
            assert f"  - {line}" in markdown
    fine = replace(report, figures=())
    assert "  - " not in fine.to_markdown()
