"""What 07's own functions in a student's process say of a network earns nothing: the grader judges its weights."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.isolation.sandbox import Sandbox
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

LIES = {
    "build_model": """
class Nothing(nn.Module):
    pass

def build_model():
    return Nothing()

def examine(sizes, most_weights):
    return {"a module": True, "shapes": [(size, 10) for size in sizes], "within the limit": True, "new network": True,
            "new weights": True, "probabilities": False, "restored": True}
""",
    "train": """
def train(model, images, labels, seed):
    pass

def trial(images, labels, new_images, new_labels, runs):
    return {"moved": True, "statistics": True, "loss fell": True, "cleared": True, "known": [True] * 4,
            "as first run": [True, False], "untouched": True}
""",
}


def test_functions_that_say_all_is_well_earn_nothing(sandbox: Sandbox) -> None:
    course = Course.find(Path(__file__))
    assignment = load_assignment(course, "07-challenge")
    notebook = json.loads(assignment.release)
    for cell in notebook["cells"]:
        own = cell["metadata"].get("autograder", {})
        if own.get("kind") == "exercise" and own["exercise"] in LIES:
            cell["source"] = LIES[own["exercise"]]
    submission = align(read_submission(json.dumps(notebook).encode(), "liar"), assignment)
    result = grade_submission(submission, assignment, sandbox, course.secret, hidden_data=course.hidden_data)
    assert {check.check: check.points for check in result.checks if check.points} == {}
    assert result.entry is not None
    assert not result.entry.valid
