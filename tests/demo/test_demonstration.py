"""The demonstration runs through, and a second time from stored results."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from autograder.course import Course
from autograder.demo import demonstration
from autograder.demo.class_maker import MISCONCEPTION, SampleSubmission, make_sample_class
from autograder.demo.demonstration import run_demo


@pytest.fixture
def small_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of each kind, and two of the misconceptions: the whole class takes a minute."""

    def few(assignment: object) -> list[SampleSubmission]:
        everyone = make_sample_class(assignment)  # type: ignore[arg-type]
        mistaken = [one for one in everyone if one.story.startswith(MISCONCEPTION)]
        return [one for one in everyone if one not in mistaken[2:]][::2] + everyone[-7:]

    monkeypatch.setattr(demonstration, "make_sample_class", few)


def test_it_ends_by_saying_what_to_open(small_class: None, tmp_path: Path) -> None:
    course = Course.find(Path(__file__))
    for expected in (" 0 known from an earlier run", " 0 graded now"):
        screen = Console(file=io.StringIO(), width=200)
        code = run_demo(course, tmp_path / "demo", workers=2, console=screen)
        said = screen.file.getvalue()  # type: ignore[attr-defined]
        assert code == 0, said
        assert f"{expected}" in f" {said}".replace("\n", " ")
        for path in ("leaderboard/01-convolution.html", "feedback", "autograded", "gradebook.db"):
            assert path in said
    page = next((tmp_path / "demo" / "feedback").glob("*/01-convolution/convolution.html"))
    assert "BEGIN HIDDEN" not in page.read_text()
