"""Differences for people to read: of named answers from the solution, and of ``notebooks/`` from ``solutions/``.

Named answers can also be written out as whole functions. Where ``notebooks/`` is not what ``solutions/`` gives out,
somebody worked there, or forgot to build.
"""

from __future__ import annotations

import ast
import difflib
import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autograder.authoring.answers import Answer, base_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.source_cells import source_text
from autograder.course import Course
from autograder.errors import AuthoringError, AutograderError
from autograder.files import write_atomically

__all__ = ["answer_difference", "differences", "drift", "remarks_on_release", "write_answers"]

_NAMES = "import numpy as np\nimport torch"


def differences(assignment: Assignment, exercise: str = "") -> Iterator[str]:
    """Yield, for each misconception, its name, its sentence and a unified diff against the solution.

    Args:
        exercise: only those of this exercise or function; default all.

    Raises:
        AuthoringError: there is no such exercise.
    """
    for answer in _chosen(assignment.misconceptions, assignment, exercise):
        yield f"{answer.slug} ({answer.of})\n{answer.text}\n{answer_difference(assignment, answer)}"


def answer_difference(assignment: Assignment, answer: Answer) -> str:
    """Return a unified diff from the solution of the answer's exercise to the answer, without its header."""
    solution = base_of(assignment.exercises[assignment.exercise_of[answer.of]].source, answer.of, "the solution")
    before = solution.source if solution is not None else ""
    if not _docstring(answer.source):
        before = _without_docstring(before)
    after = answer.source.replace(f" {answer.slug}", f" {answer.of}", 1)
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=2)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def write_answers(assignment: Assignment, folder: Path, exercise: str = "") -> tuple[Path, ...]:
    """Write misconceptions and alternatives, each as a whole function, where an editor and linters can see them.

    Args:
        folder: for two files, ``misconceptions.py`` and ``alternatives.py``; what is there is replaced.
        exercise: only the answers to this exercise or function; default all.

    Raises:
        AuthoringError: there is no such exercise.
        GradebookError: a file cannot be written.
    """
    written = []
    for name, answers in (("misconceptions", assignment.misconceptions), ("alternatives", assignment.alternatives)):
        path = folder / f"{name}.py"
        chosen = _chosen(answers, assignment, exercise)
        parts = [f'"""{name.capitalize()} of {assignment.name}, resolved. Derived: edit solutions/ instead."""', _NAMES]
        parts += [f"{_comment(answer)}\n{answer.source}" for answer in chosen]
        text = "\n\n\n".join(parts) + "\n"
        ast.parse(text)
        write_atomically(path, text.encode())
        written.append(path)
    return tuple(written)


def _comment(answer: Answer) -> str:
    return textwrap.fill(f"{answer.of}: {answer.text}", 118, initial_indent="# ", subsequent_indent="# ")


def _docstring(source: str) -> ast.stmt | None:
    """Return the docstring of the function or class that is all of ``source``; None if there is none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            return node.body[0]
    return None


def _without_docstring(source: str) -> str:
    found = _docstring(source)
    lines = source.split("\n")
    return "\n".join([*lines[: found.lineno - 1], *lines[found.end_lineno :]]) if found else source


def _chosen(answers: Sequence[Answer], assignment: Assignment, exercise: str) -> list[Answer]:
    of = assignment.exercise_of
    if exercise and exercise not in of:
        known = ", ".join(assignment.exercises)
        raise AuthoringError(f"{assignment.name} has no exercise '{exercise}'. There are: {known}.")
    return [each for each in answers if not exercise or exercise == each.of or of[each.of] == exercise]


# ---- notebooks/ and solutions/

_SHOWN = 5


def remarks_on_release(folder: Path | None = None) -> list[str]:
    """Return what is odd about the released notebook of each assignment of the course in ``folder`` (default: here).

    Nothing is odd without a course: then there is nothing to compare.
    """
    try:
        course = Course.find(folder)
    except AutograderError:
        return []
    remarks = []
    for name in course.assignments():
        try:
            remarks.append(drift(course, load_assignment(course, name)))
        except AutograderError as error:
            remarks.append(str(error))
    return [remark for remark in remarks if remark]


def drift(course: Course, assignment: Assignment) -> str:
    """Return how the released notebook differs from what its source gives out, and what that means; empty if not."""
    path = course.release / assignment.name / f"{assignment.notebook}.ipynb"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return f"{path} is missing. Grading does not need it; students do. Run: autograder build {assignment.name}"
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} cannot be read: {error}. {_restore(assignment)}"
    if text == assignment.release:
        return ""
    try:
        differing = _differing(json.loads(text), json.loads(assignment.release))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{path} is damaged. {_restore(assignment)}"
    if not differing:
        return ""  # Outputs, or how a program lays out the file.
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    cells = ", ".join(differing[:_SHOWN]) + more
    return (
        f"{path} is not what {course.source.name}/{assignment.name} gives out ({cells}). "
        "If that is your own work, go on: grading takes the original from "
        f"{course.source.name}/ and is not affected. {_restore(assignment)}"
    )


def _restore(assignment: Assignment) -> str:
    return f"To get the original back, move the file elsewhere and run: autograder build {assignment.name}"


def _differing(notebook: dict[str, Any], release: dict[str, Any]) -> list[str]:
    """Return names for the cells whose text or type differs, are missing, or were added."""
    have, want = _cells(notebook), _cells(release)
    changed = [_name(want[key]) for key in want if key in have and _essence(have[key]) != _essence(want[key])]
    missing = [f"{_name(want[key])} is missing" for key in want if key not in have]
    added = len(have.keys() - want.keys())
    return [*changed, *missing, *([f"{added} cells of somebody's own"] if added else [])]


def _cells(notebook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(cell.get("id", number)): cell for number, cell in enumerate(notebook["cells"])}


def _essence(cell: dict[str, Any]) -> tuple[str, str]:
    return cell["cell_type"], source_text(cell).rstrip()


def _name(cell: dict[str, Any]) -> str:
    grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return str(grade_id) or f"the text '{_essence(cell)[1][:30].strip()}'"
