"""``nbgrader generate_feedback``, and with it the formgrader's button, releases the course's own page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.reporting import feedback_return


def exported(course: Course, tmp_path: Path) -> Any:
    resources = {"nbgrader": {"assignment": "00-tiny-topic", "student": "ada", "notebook": "tiny_topic"}}
    return feedback_return.FeedbackExporter().from_filename(str(tmp_path / "ada.ipynb"), resources=resources)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    (tmp_path / "course.toml").write_text('id = "small"\n')
    monkeypatch.chdir(tmp_path)
    return Course.find(tmp_path)


def test_the_courses_page_is_released(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_return, "page_of", lambda course, name, student: f"{course.id} {name} {student}")
    page, resources = exported(course, tmp_path)
    assert page == "small 00-tiny-topic ada"
    assert resources["output_extension"] == ".html"


def test_without_a_result_nbgraders_own_page_is_made_and_that_is_said(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> str:
        raise GradebookError("No result is stored.")

    monkeypatch.setattr(feedback_return, "page_of", missing)
    monkeypatch.setattr(HTMLExporter, "from_filename", lambda *_, **__: ("theirs", {}))
    with caplog.at_level(logging.WARNING):
        assert exported(course, tmp_path)[0] == "theirs"
