"""What an audit prints can be read in a terminal of 80 columns."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.audit.report_card import Finding, ReportCard, print_cards

HEADINGS = ["assignment", "solved", "blank", "caught", "named", "accepted", "leaks", "missed"]


def card(name: str, **more: object) -> ReportCard:
    return ReportCard(name, 33, 33, 0, 119, 119, 117, 57, 57, 0, seconds=104.26, **more)  # type: ignore[arg-type]


def shown(*cards: ReportCard) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    print_cards(cards, console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_headings_and_names_are_whole_at_80_columns() -> None:
    found = (Finding("leak", "a page", "x"),) * 12
    lines = shown(card("06-visualizing-filters", findings=found), card("07-challenge"))
    assert max(len(line) for line in lines[:6]) <= 80
    assert [
        word for line in lines for word in HEADINGS if line.split()[:1] == ["assignment"] and word in line
    ] == HEADINGS
    assert any(line.split()[0] == "06-visualizing-filters" and line.rstrip().endswith(" 12") for line in lines if line)
    assert not any("…" in line for line in lines)


def test_attacks_have_a_line_where_they_were_tried() -> None:
    assert "01-convolution: 89 of 90 attacks refused." in shown(card("01-convolution", attacks=90, succeeded=1))
    assert not any("attacks" in line for line in shown(card("01-convolution")))
