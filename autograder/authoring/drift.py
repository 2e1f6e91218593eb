"""The drift of ``notebooks/`` from what ``solutions/`` gives out: somebody worked there, or forgot to build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import AutograderError

__all__ = ["drift", "remarks_on_release"]

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
    source = cell["source"]
    return cell["cell_type"], (source if isinstance(source, str) else "".join(source)).rstrip()


def _name(cell: dict[str, Any]) -> str:
    grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return str(grade_id) or f"the text '{_essence(cell)[1][:30].strip()}'"
