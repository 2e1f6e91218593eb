"""Lateness under nbgrader's own commands is decided where ``autograder grade`` decides it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest
from nbgrader.apps import NbGraderAPI

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.gradebook.lateness import nbgrader_configuration
from autograder.gradebook.store import Gradebook

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # nbgrader's own warnings.
NAME = "00-tiny-topic"
RULES = 'id = "tiny"\nfixed_secret = "tiny"\n[grading]\nlate_penalty_per_day = 0.25\n'
OWN_STEPS = """
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades

from autograder.gradebook.lateness import PenaltyPerDay
from autograder.gradebook.preprocessors import IsolatedExecute

c.Autograde.autograde_preprocessors = [IsolatedExecute, SaveAutoGrades, AssignLatePenalties]
c.AssignLatePenalties.plugin_class = PenaltyPerDay
c.PenaltyPerDay.share = 0.25
"""
Run = Callable[[str], None]


@pytest.fixture
def run(course: Course, assignment: Assignment, notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Grades a student's submission with ``nbgrader autograde``; it earns 3 of 4 points by checks."""
    monkeypatch.chdir(course.root)
    notebook["cells"][-1]["source"] = "Because."
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment)

    def autograde(student: str) -> None:
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tiny_topic.ipynb").write_text(json.dumps(notebook))
        api = NbGraderAPI(config=nbgrader_configuration(course.root))
        outcome = api.autograde(NAME, student, force=True)
        assert outcome["success"], outcome

    return autograde


def stamp(course: Course, student: str, content: bytes, name: str = "timestamp.txt") -> None:
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def rules(course: Course, text: str) -> None:
    (course.root / "course.toml").write_text(RULES + text)


def penalty(course: Course, student: str) -> float:
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        found = stock.find_submission(NAME, student)
        written = float(found.late_submission_penalty or 0.0)
    with Gradebook.of(Course.find(course.root)) as ours:
        assert ours.totals(NAME)[student].penalty == written
    return written


def test_a_due_time_grace_and_extensions_of_course_toml_count(course: Course, run: Run) -> None:
    stamp(course, "anna", b"2026-03-02 12:10 UTC")
    rules(course, f"[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n")
    run("anna")
    assert penalty(course, "anna") == 0.75
    rules(course, f"[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\ngrace_minutes = 10\n")
    run("anna")
    assert penalty(course, "anna") == 0.0
    due = f"[assignments.{NAME}]\ndue = 2026-03-01T12:00:00Z\n"
    rules(course, f'{due}[extensions.anna]\n{NAME} = "1 day"\n')
    run("anna")
    assert penalty(course, "anna") == 0.75


@pytest.mark.parametrize("content", [b"soon", b"", b"\xff\xfe\x00", b"9999-12-31 23:59 UTC", b"2026-03-02 12:00 IST"])
def test_a_stamp_that_is_no_time_ends_nobodys_run(course: Course, run: Run, content: bytes) -> None:
    rules(course, f"[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n")
    stamp(course, "anna", content)
    run("anna")
    assert penalty(course, "anna") == 0.0
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        assert stock.find_submission(NAME, "anna").timestamp is None
        assert stock.find_submission(NAME, "anna").score == 3.0


def test_a_zone_that_nbgrader_would_drop_counts(course: Course, run: Run) -> None:
    rules(course, f"[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n")
    stamp(course, "anna", b"2026-03-02 12:30 CET")
    run("anna")
    assert penalty(course, "anna") == 0.0
    stamp(course, "anna", b"2026-03-02 12:30:00 -0100")
    run("anna")
    assert penalty(course, "anna") == 0.75


def test_late_by_an_unknown_time_costs_what_the_course_says(course: Course, run: Run) -> None:
    rules(course, f'late_unknown = "one day"\n[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n')
    stamp(course, "anna", b"unknown", "lateness.txt")
    run("anna")
    assert penalty(course, "anna") == 0.75


def test_an_answer_stays_graded_while_its_text_is_the_same(course: Course, run: Run, notebook: dict[str, Any]) -> None:
    def answer() -> Any:
        return stock.find_grade("answer-why", "tiny_topic", NAME, "anna")

    run("anna")
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        answer().manual_score, answer().needs_manual_grade = 1.0, False
        stock.db.commit()
    run("anna")
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        assert not answer().needs_manual_grade
    notebook["cells"][-1]["source"] = "Another reason."
    run("anna")
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        assert answer().needs_manual_grade


def test_a_configuration_with_nbgraders_own_steps_works_on(course: Course, run: Run) -> None:
    path = Path("nbgrader_config.py")
    path.write_text(path.read_text() + OWN_STEPS)
    rules(course, f"[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n")
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        stock.update_or_create_assignment(NAME, duedate="2026-03-02 12:00 UTC")
    stamp(course, "anna", b"2026-03-02 12:10 UTC")
    run("anna")
    assert penalty(course, "anna") == 0.75
