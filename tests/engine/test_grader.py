"""With the real sandbox: what workers do, from a class handed in to the gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.engine.api import grade_class
from autograder.engine.grader import solved
from autograder.engine.progress import Silent

if TYPE_CHECKING:
    from tests.engine.conftest import Class

NAME = "00-two-functions"


def test_a_class_is_graded_in_isolation_and_regraded_check_by_check(a_class: Class) -> None:
    a_class.hand_in("ada")
    a_class.hand_in("bob", {"double": "def double(x):\n    return 2 * x if x < 3 else 0\n"})
    a_class.hand_in("eve", {"double": "import os\nos._exit(0)\n"})
    a_class.hand_in("eve-too", {"double": "def double(x):\n    while True:\n        pass\n"})
    (a_class.root / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n[grading]\ncheck_seconds = 1\n')
    course = type(a_class.course).find(a_class.root)
    report = grade_class(course, NAME, workers=2, progress=Silent())
    assert report.exit_code == 0
    assert {each.student: each.points for each in report.submissions} == {"ada": 4, "bob": 1, "eve": 0, "eve-too": 0}
    assert {"process", "student", "database", "conversion", "feedback"} <= set(report.phases)
    a_class.edit("range(3, 6)", "range(1, 3)")
    again = grade_class(course, NAME, workers=1, progress=Silent(), yes=True)
    assert {each.student: each.points for each in again.submissions} == {"ada": 4, "bob": 3, "eve": 0, "eve-too": 0}
    assert {each.student: each.checks_run for each in again.submissions}["ada"] == 1
    assert [(change.student, change.before, change.after) for change in again.changes] == [("bob", 1, 3)]


def test_the_instructor_s_own_answers_are_a_submission(a_class: Class) -> None:
    submission = solved(a_class.assignment)
    assert "return 2 * x" in submission.cell("double").source
    assert "SOLUTION" in submission.cell("double").source
    assert "HIDDEN" not in "".join(cell.source for cell in submission.cells)
