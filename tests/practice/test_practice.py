"""Practice: one notebook graded as the class is, on inputs of its own, with nothing written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from autograder.audit.weaknesses import answered_notebook
from autograder.authoring.assignment import load_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.practice.practice_session import practise

NAME = "01-convolution"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("course")
    (root / "course.toml").write_text('id = "practice"\n')
    found = Course.find(root)
    new_assignment(found, NAME)
    return found


def practised(course: Course, path: Path, looks: int = 0) -> tuple[str, object]:
    console = Console(file=io.StringIO(), width=200)
    turns = iter([True] * looks + [False])
    done = practise(course, path, watch=bool(looks), console=console, going=lambda: next(turns))
    return console.file.getvalue(), done  # type: ignore[attr-defined]


def files_of(course: Course) -> Iterator[str]:
    return (str(path) for path in sorted(course.root.rglob("*")))


@pytest.mark.slow
def test_a_misconception_is_named_in_the_terminal_and_nothing_is_written(course: Course, tmp_path: Path) -> None:
    assignment = load_assignment(course, NAME)
    mistake = assignment.misconceptions[0]
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps(answered_notebook(assignment, mistake)))
    before = list(files_of(course))
    said, done = practised(course, path)
    assert mistake.text in " ".join(said.split())
    assert "on inputs made for this run alone" in said
    assert not done.complete  # type: ignore[attr-defined]
    assert list(files_of(course)) == before  # No gradebook, no journal, and no secret either.


@pytest.mark.slow
def test_a_watched_file_is_graded_again_only_when_it_is_saved(course: Course, tmp_path: Path) -> None:
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps(answered_notebook(load_assignment(course, NAME))))
    said, done = practised(course, path, looks=3)
    assert said.count("on inputs made for this run alone") == 1
    assert done.complete  # type: ignore[attr-defined]


def test_a_file_that_cannot_be_read_is_waited_out(course: Course, tmp_path: Path) -> None:
    said, done = practised(course, tmp_path / "nothing.ipynb", looks=1)
    assert "cannot be read" in said
    assert done is None


def test_without_sources_it_says_what_to_run_instead(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "kit"\n')
    with pytest.raises(AuthoringError, match="autograder check"):
        practised(Course.find(tmp_path), tmp_path / "work.ipynb")
