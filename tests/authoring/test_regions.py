"""The hidden part of a check is split off without moving a line."""

from __future__ import annotations

from autograder.authoring.source_cells import split_hidden

SOURCE = "close(f(1), 2)\n### BEGIN HIDDEN TESTS\nclose(f(3), 6)\n### END HIDDEN TESTS\nprint()"


def test_each_part_keeps_its_line_numbers() -> None:
    visible, hidden = split_hidden(SOURCE)
    assert visible.split("\n") == ["close(f(1), 2)", "", "", "", "print()"]
    assert hidden.split("\n") == ["", "", "close(f(3), 6)", "", ""]


def test_a_check_without_hidden_tests_has_an_empty_hidden_part() -> None:
    assert split_hidden("close(f(1), 2)") == ("close(f(1), 2)", "")
