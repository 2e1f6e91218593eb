"""The name under which a student is on the boards, and the address of that row."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import quote

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.gradebook.notice import BoardName
from autograder.leaderboard.configuration import read_boards
from autograder.leaderboard.grades import roster
from autograder.leaderboard.pseudonyms import public_names

__all__ = ["BoardNames"]


class BoardNames:
    """The public names of a course's students, as the boards show them.

    Args:
        public: the name by a student's id.
        hidden: students who are not on any board.
        board: the address of the assignment's published board; or empty.
        competition: the address of the competition's; or empty.
    """

    def __init__(self, public: Callable[[str], str], hidden: frozenset[str], board: str, competition: str = "") -> None:
        self._public, self._hidden, self._board, self._competition = public, hidden, board, competition

    @classmethod
    def of(cls, course: Course, assignment: str) -> BoardNames:
        """Return the names for the board of ``assignment``.

        Names that the configuration makes impossible are reported by the boards; a page does without them.
        """
        try:
            boards = read_boards(course.config.leaderboard)
            folders = [entry.name for entry in course.submitted.iterdir()] if course.submitted.is_dir() else []
            students = {*roster(course.gradebook_url), *(name for name in folders if name.isprintable())}
            public = public_names(students, course.secret, boards.names)
        except (AutograderError, OSError):
            return cls(course.secret.pseudonym, frozenset(), "")
        hidden = frozenset({*boards.excluded, *boards.withdrawn})
        return cls(public, hidden, _address(course, assignment), _address(course, assignment, "challenge"))

    def of_student(self, student: str) -> BoardName | None:
        """Return the name of ``student``; None for one who is not on any board."""
        if student in self._hidden:
            return None
        try:
            name = self._public(student)
        except KeyError:
            return None
        row = quote(name)
        return BoardName(
            name,
            f"{self._board}#{row}" if self._board else "",
            f"{self._competition}#{row}" if self._competition else "",
        )


def _address(course: Course, assignment: str, board: str = "") -> str:
    """Return the address of a board (by default the assignment's) from a page of feedback; empty if unpublished."""
    page = course.root / "leaderboard" / f"{board or assignment}.html"
    return os.path.relpath(page, course.feedback / "STUDENT" / assignment) if page.is_file() else ""
