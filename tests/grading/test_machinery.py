"""A failure of the machinery in the middle of a submission costs no point: it is not graded, and says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import BEGIN_HIDDEN
from autograder.course import Course
from autograder.engine.grader import solved
from autograder.errors import MachineryError
from autograder.grading.grade import grade_submission
from autograder.grading.harness import harness_names
from autograder.grading.result import Result
from autograder.isolation.connection import Connection
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

Grade = Callable[..., Result]


class Killer:
    """Ends the student's process from outside, right before it is asked a certain question."""

    def __init__(self, patch: pytest.MonkeyPatch, host_pid: Callable[[StudentProcess], int]) -> None:
        self.asked = 0
        self._moment = -1
        request, spawn = Connection.request, Sandbox.spawn
        living: list[StudentProcess] = []

        def spawned(sandbox: Sandbox, *arguments: Any, **named: Any) -> StudentProcess:
            living.append(spawn(sandbox, *arguments, **named))
            return living[-1]

        def counted(connection: Connection, *arguments: Any) -> Any:
            self.asked += 1
            if self.asked == self._moment:
                os.kill(host_pid(living[-1]), signal.SIGKILL)
            return request(connection, *arguments)

        patch.setattr(Sandbox, "spawn", spawned)
        patch.setattr(Connection, "request", counted)

    def wait_for(self, question: int) -> None:
        """Kill at this question, counted from now and from 1."""
        self._moment, self.asked = question, 0


def test_killed_before_any_question_a_submission_is_not_graded(
    graded: Grade, monkeypatch: pytest.MonkeyPatch, host_pid: Callable[[StudentProcess], int]
) -> None:
    killer = Killer(monkeypatch, host_pid)
    assert graded().points == 6.0
    questions = killer.asked
    assert questions > 15
    for question in range(1, questions + 1):
        killer.wait_for(question)
        with pytest.raises(MachineryError, match="from outside"):
            graded()
    killer.wait_for(-1)
    assert graded().points == 6.0


def test_a_process_that_cannot_be_replaced_is_no_fault_of_the_check_that_needs_it(
    graded: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first check ends the student's process; the sandbox then has no other one to give."""
    spawn, given = Sandbox.spawn, []

    def once(sandbox: Sandbox, *arguments: Any, **named: Any) -> StudentProcess:
        if given:
            raise MachineryError("there is no room")
        given.append(spawn(sandbox, *arguments, **named))
        return given[-1]

    monkeypatch.setattr(Sandbox, "spawn", once)
    with pytest.raises(MachineryError, match="no room"):
        graded(row_sums="def row_sums(table):\n    import os\n    os._exit(0)")


def test_a_check_that_swallows_the_graders_own_failure_passes_nobody(
    course: Course, assignment: Assignment, sandbox: Sandbox
) -> None:
    """Without hidden pictures nothing can be entered in a competition."""
    swallow = f"{BEGIN_HIDDEN}\ntry:\n    challenge.enter()\nexcept Exception:\n    pass"
    cells = tuple(
        msgspec.structs.replace(cell, source=cell.source.replace(BEGIN_HIDDEN, swallow)) for cell in assignment.cells
    )
    entering = msgspec.structs.replace(assignment, cells=cells)
    with pytest.raises(MachineryError, match="hidden pictures"):
        grade_submission(solved(entering), entering, sandbox, course.secret)
    assert grade_submission(solved(assignment), assignment, sandbox, course.secret).points == 6.0


@pytest.mark.parametrize(
    "asks",
    [
        "same(f, abs, 1)",
        "refuses(f, 1)",
        "unchanged(f, 1)",
        "types_of(f, abs, 1.0, vary=[0])",
        "refuses_each(f, 1, allowed={0: domain.whole(least=1)})",
        "fresh_result(f, 1)",
        "makes_no_difference(f, 1, vary={0: [2]})",
    ],
)
def test_what_a_hidden_test_calls_passes_the_graders_own_failure_on(asks: str) -> None:
    def broken(_: int) -> int:
        raise MachineryError("the sandbox is gone")

    with pytest.raises(MachineryError, match="the sandbox is gone"):
        exec(asks, {**harness_names(SimpleNamespace(), 1, print), "f": broken})
