"""With the real sandbox: what workers do, from a class handed in to the gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autograder.engine.api import grade_class
from autograder.engine.executor import LocalWorkers, Pool
from autograder.engine.grader import solved
from autograder.engine.progress import Silent
from autograder.engine.worker import options_of
from autograder.grading.student_session import names_torch
from autograder.submission.alignment import load_submission

if TYPE_CHECKING:
    from autograder.submission.model import Submission
    from tests.engine.conftest import Class

NAME = "00-two-functions"


@pytest.mark.slow
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


TORCH = "def double(x):\n    import torch\n    return 2 * x + len(torch.zeros(0))\n"
HIDDEN_NAME = "def double(x):\n    __import__('tor' + 'ch')\n    return 2 * x\n"


@pytest.mark.slow
def test_torch_is_there_for_whoever_names_it_and_the_same_workers_go_on_to_somebody_who_does(a_class: Class) -> None:
    a_class.hand_in("ada")
    a_class.hand_in("bob", {"double": HIDDEN_NAME})
    a_class.hand_in("eve", {"double": TORCH})
    options = options_of(a_class.course, torch=False)
    points = {}
    with Pool(lambda: LocalWorkers(1, options)) as pool:
        for student in ("ada", "bob", "eve"):
            report = grade_class(a_class.course, NAME, students=[student], progress=Silent(), make_executor=pool.lend)
            points |= {each.student: each.points for each in report.submissions}
    assert points == {"ada": 4, "bob": 0, "eve": 3}


def test_a_run_knows_whether_anybody_names_torch(a_class: Class) -> None:
    nobody, somebody = (submission_of(a_class, code) for code in (HIDDEN_NAME, TORCH))
    assert not names_torch(nobody, a_class.assignment)
    assert names_torch(somebody, a_class.assignment)


def submission_of(a_class: Class, code: str) -> Submission:
    return load_submission(a_class.hand_in("ada", {"double": code}), a_class.assignment)
