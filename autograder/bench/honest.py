"""A class of honest students: right answers in the instructor's way and in others, no two alike."""

from __future__ import annotations

import json
import random
from collections.abc import Set
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.demo.student_notebooks import answer_exercises, notebook_as_bytes, solutions, with_answer
from autograder.grading.grade import check_seed
from autograder.submission.alignment import align
from autograder.submission.model import Submission

__all__ = ["hand_in_all", "honest_class", "read_submissions", "tools_file"]


def honest_class(assignment: Assignment, count: int) -> dict[str, dict[str, str]]:
    """Return the code of each exercise for ``count`` students; every full class mixes all alternatives.

    A comment with the student's name makes each submission different, so that none is answered from another's result.
    """
    chosen = random.Random(assignment.name)
    return {f"student-{number:04}": _answers(assignment, chosen, number) for number in range(count)}


def _answers(assignment: Assignment, chosen: random.Random, number: int) -> dict[str, str]:
    code = solutions(assignment)
    for exercise in assignment.exercises:
        ways = [each for each in assignment.alternatives if assignment.exercise_of[each.of] == exercise]
        way = chosen.randrange(len(ways) + 1)
        if way < len(ways):
            code = with_answer(assignment, code, ways[way])
    return {exercise: f"# The work of student {number}.\n{source}" for exercise, source in code.items()}


def hand_in_all(
    submitted: Path, assignment: Assignment, code: dict[str, dict[str, str]], without: Set[str] = frozenset()
) -> None:
    """Write every submission below ``submitted``, less the cells whose ids are in ``without``."""
    for student, answers in code.items():
        folder = submitted / student / assignment.name
        folder.mkdir(parents=True, exist_ok=True)
        notebook = answer_exercises(assignment, answers, "Because two and two are four.")
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in without]
        (folder / f"{assignment.notebook}.ipynb").write_bytes(notebook_as_bytes(notebook))


def read_submissions(assignment: Assignment, path: Path) -> list[Submission]:
    """Return the submissions whose code stands in the JSON file ``path``, as the grader reads them."""
    code = json.loads(path.read_text(encoding="utf-8"))
    return [align(answer_exercises(assignment, answers, "Because."), assignment) for answers in code]


def tools_file(course: Course, assignment: Assignment, path: Path) -> Path:
    """Write the file that :func:`autograder.bench.plain.begin` reads."""
    parts = [cell.source for cell in assignment.cells if cell.kind in ("given", "exercise")]
    seeds = {cell.grade_id: check_seed(course.secret, assignment, cell.grade_id) for cell in assignment.checks}
    path.write_text(json.dumps({"solution": "\n\n".join(parts), "seeds": seeds}), encoding="utf-8")
    return path
