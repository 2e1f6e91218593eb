"""A warning where nbgrader's own commands would not be isolated. Light to import: every nbgrader command loads it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from pathlib import Path

from autograder import __version__
from autograder.course import Course
from autograder.errors import AutograderError, CourseError

__all__ = ["Announcement", "nbgrader_remark"]

CONFIG_NAME = "nbgrader_config.py"
_DANGER = (
    "nbgrader's own commands would run students' code with your rights, and show hidden tests. "
    "`autograder grade` is isolated all the same."
)
_LEAKING = ("autograde", "assign", "generate_assignment", "feedback", "generate_feedback")


def nbgrader_remark(course: Course) -> str:
    """Return the sentence on a course whose ``nbgrader_config.py`` does not put isolation in place; empty if it does.

    The file is run only if it changed since it was found right.
    """
    path, noted = course.root / CONFIG_NAME, course.results / "nbgrader_config.right"
    if not path.is_file():
        way_out = f"Write it with `autograder new-course {course.root}`, which keeps what is there."
        return f"{path} is missing: {_DANGER} {way_out}"
    mark = hashlib.sha256(path.read_bytes() + __version__.encode()).hexdigest()
    if noted.is_file() and noted.read_text(encoding="utf-8") == mark:
        return ""
    said = _fault(course.root)
    if not said:
        with contextlib.suppress(OSError):  # Then it is looked at again next time.
            noted.parent.mkdir(parents=True, exist_ok=True)
            noted.write_text(mark, encoding="utf-8")
    return said


def _fault(root: Path) -> str:
    from autograder.gradebook.nbgrader_setup import isolation_missing

    try:
        lacking = isolation_missing(root)
    except CourseError as error:
        return f"{error} Until then {_DANGER}"
    if not lacking:
        return ""
    return (
        f"{root / CONFIG_NAME} does not put isolation in place: it needs {lacking}. As it is, {_DANGER} "
        "Let it end with `configure(get_config(), Path(__file__).parent)`, as docs/graders.md shows."
    )


class Announcement(logging.Filter):
    """A filter of nbgrader's log that lets everything pass and is made for its constructor.

    The package's ``etc/jupyter/jupyter_config.json`` names it, so that each nbgrader command of this environment makes
    one as it starts. In a course that does not put isolation in place it warns, and ends a command that would run
    students' code or write hidden tests where students read.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            said = nbgrader_remark(Course.find())
        except (AutograderError, OSError):  # No course of this package's: none of its business.
            return
        if said and _leaks(sys.argv):
            raise SystemExit(f"autograder: {said}")
        if said:
            print(f"autograder: {said}", file=sys.stderr)  # noqa: T201


def _leaks(arguments: list[str]) -> bool:
    """Return whether a command line is one of nbgrader's that must not go on without isolation."""
    program = Path(arguments[0])  # nbgrader, or nbgrader/__main__.py of `python -m nbgrader`
    return "nbgrader" in (program.stem, program.parent.name) and any(word in _LEAKING for word in arguments[1:2])
