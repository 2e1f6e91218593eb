"""Nothing that reaches a student's process tells what is expected of the call that it is answering."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from autograder.audit.attacks.catalogue import Target
from autograder.audit.weaknesses import submission_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.engine.grader import without_checks
from autograder.engine.worker import options_of, sandbox_settings
from autograder.grading.grade import grade_submission
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission

ROOT = Path(__file__).resolve().parents[2]
NAME = "01-convolution"
LOOK = """
import os as _os, select as _select, sys as _sys
def _ahead():
    frame, seen = _sys._getframe(), b""
    while frame:
        channel = getattr(frame.f_locals.get("self"), "_channel", None)
        if channel is not None:
            while _select.select([3], [], [], 0)[0]: channel._ahead += _os.read(3, 1 << 16)
            return channel._ahead
        frame = frame.f_back
    return b""
"""


class _WithoutRefusals(ast.NodeTransformer):
    def visit_Raise(self, node: ast.Raise) -> ast.Pass:
        return ast.Pass()


def unguarded(assignment: Assignment, *, looking: bool) -> Submission:
    """Solutions that refuse nothing once all cells have run; ``looking``, they do where more than the call is there.

    Each then raises a ValueError that names every argument if the next message asks for a text.
    """
    target = Target(assignment, solved=True)
    for cell in target.of_kind("exercise"):
        name = cell["metadata"]["autograder"]["exercise"]
        tree = ast.parse(cell["source"])
        parameters = [node for node in ast.walk(tree) if isinstance(node, ast.arguments)]
        names = " ".join(argument.arg for each in parameters for argument in each.args)
        bare = ast.unparse(_WithoutRefusals().visit(tree))
        look = f"if b'text' in _ahead()[:40]: raise ValueError({names!r})" if looking else "pass"
        cell["source"] += (
            f"\n_full_{name} = {name}\n{bare}\n_bare_{name} = {name}\n{LOOK}\ndef {name}(*args, **kwargs):\n"
            f"    if not globals().get('LAST'): return _full_{name}(*args, **kwargs)\n"
            f"    {look}\n    return _bare_{name}(*args, **kwargs)"
        )
    return submission_of(target.append("LAST = True").notebook, assignment)


@pytest.mark.timeout(120)
def test_what_waits_behind_a_question_does_not_tell_what_its_answer_should_be() -> None:
    course = Course.find(ROOT)
    whole = msgspec.structs.replace(load_assignment(course, NAME), misconceptions=())
    others = {check.grade_id for check in whole.checks if "refuses" not in check.source}
    points = []
    with Sandbox.start(**sandbox_settings(options_of(course, ()))) as sandbox:
        for looking in (False, True):
            work, assignment = without_checks(unguarded(whole, looking=looking), whole, others)
            result = grade_submission(work, assignment, sandbox, course.secret)
            points.append({check.check: check.points for check in result.checks})
    assert points[1] == points[0]
    assert sum(points[0].values()) < sum(check.points for check in assignment.checks)
