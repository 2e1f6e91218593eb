"""A regrade's difference names each check whose points change."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.engine.grading_report import CheckChange, StudentChange, difference_table, regrade_difference
from autograder.grading.result import CheckResult, Result


def a_result(**points: float) -> Result:
    checks = tuple(CheckResult(name, "f", value, 2.0, "passed") for name, value in points.items())
    return Result("01", "a", "s", "graded", checks=checks)


def test_equal_points_are_no_difference() -> None:
    assert regrade_difference(a_result(a=1, b=2), a_result(a=1, b=2)) == ()


def test_changed_added_and_removed_checks_are_named() -> None:
    changes = regrade_difference(a_result(a=1, b=2, gone=1), a_result(a=1, b=0, new=2))
    assert changes == (
        CheckChange("b", 2, 0, "passed"),
        CheckChange("new", None, 2, "passed"),
        CheckChange("gone", 1, None, "removed"),
    )


def test_the_table_shows_who_loses_most_first() -> None:
    loss = StudentChange("zoe", 10, 8, (CheckChange("b", 2, 0, "failed"),))
    gain = StudentChange("ada", 8, 9.5, (CheckChange("a", 0.5, 2, "passed"),))
    console = Console(file=io.StringIO(), width=100)
    console.print(difference_table([gain, loss], "01-convolution"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.index("zoe") < text.index("ada")
    assert "10 → 8" in text
    assert "8 → 9.5" in text


def test_an_id_that_looks_like_markup_is_shown_as_it_is() -> None:
    change = StudentChange("[/b]\x1b[2J", 10, 8, (CheckChange("[red]b", 2, 0, "failed"),))
    console = Console(file=io.StringIO(), width=100)
    console.print(difference_table([change], "01-convolution"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[/b] " in text
    assert "[red]b" in text
