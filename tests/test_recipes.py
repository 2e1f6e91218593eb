"""The recipes of CONTRIBUTING.md: what they say is enough, is enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.harness import JUDGES, compile_cell, harness_names
from autograder.leaderboard.board import Board, BoardEntry
from autograder.leaderboard.ranking import standings
from autograder.leaderboard.render import columns
from autograder.leaderboard.render.columns import Column, render_csv, render_terminal
from autograder.leaderboard.render.html_page import render_html, render_notebook

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^### (.+?)\n(.*?)(?=^##)", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def board() -> Board:
    return standings([BoardEntry("ada", 5), BoardEntry("bob", 3)])


@pytest.mark.parametrize("render", [render_terminal, render_notebook, render_html, render_csv])
def test_one_column_in_the_table_is_in_every_format(board: Board, render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "parity" not in render(board).lower()
    monkeypatch.setattr(columns, "EXTRA", (Column("Parity", lambda row: f"parity-{row.units % 2}"),))
    shown = render(board)
    assert "Parity" in shown or (render is render_csv and '"parity"' in shown)
    assert shown.count("parity-1") >= 2


def test_a_helper_that_only_judges_gives_no_number_of_points() -> None:
    names = harness_names(solution=None, seed=1, find=lambda name: None)  # type: ignore[arg-type]
    assert set(names) >= JUDGES
    for name in JUDGES:
        assert compile_cell(f"{name}(1)", "check").judged
    assert not compile_cell("points(1)", "check").judged


def test_there_are_four_recipes_of_at_most_three_files_of_code() -> None:
    assert [name for name, _ in RECIPES] == ["A check helper", "A leaderboard column", "A deadline rule", "An exercise"]
    for name, text in RECIPES:
        steps = re.findall(r"^\d\. `(autograder/[^`]+)`", text, flags=re.MULTILINE)
        assert len(steps) <= 3, name
