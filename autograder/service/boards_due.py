"""The boards that follow what is handed in: published again within seconds, and frozen when the assignment closes."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from autograder.course import Course
from autograder.engine.writer import reason_of
from autograder.leaderboard.history import frozen_at
from autograder.leaderboard.publishing import CHALLENGE, log_of, publish_boards
from autograder.service.attempts import AttemptStore

__all__ = ["BoardsDue", "boards_of"]

_EVERY_SECONDS = 3.0
_LOOK_SECONDS = 5.0
_AGAIN_SECONDS = 60.0
_FORMATS = ("html", "csv", "json")


def boards_of(assignment: str) -> list[str | None]:
    """Return the boards on which an assignment shows; None is the whole course's."""
    return [assignment, None, *([CHALLENGE] if assignment.endswith(CHALLENGE) else [])]


class BoardsDue:
    """The boards of a course that are to be published.

    Attributes:
        troubles: the reason why a board could not be published, by board.
        published: grows whenever a board is published.
    """

    def __init__(self, course: Course, store: AttemptStore) -> None:
        self._store = store
        self._changed: dict[str | None, float] = {}
        self._unpublished: dict[str, set[str]] = {}
        self._last: dict[str | None, float] = {}
        self._looked = 0.0
        self.published = 0
        self.troubles: dict[tuple[str, str], str] = {}

    def changed(self, assignment: str, students: Collection[str], at: dt.datetime) -> None:
        """Note that grades of ``students`` were written."""
        for board in boards_of(assignment):
            self._changed.setdefault(board, time.monotonic())
        self._unpublished.setdefault(assignment, set()).update(students)

    def publish_before(self, course: Course, assignment: str, students: Sequence[str]) -> None:
        """Publish what is not published of ``students``, so that the log has every attempt that ever counted."""
        if self._unpublished.get(assignment, set()) & set(students):
            for board in boards_of(assignment):
                self._publish(course, board)

    def publish(self, course: Course, *, idle: bool) -> None:
        """Publish the boards whose time has come, and freeze those that closed.

        Args:
            idle: True if nothing is being graded, so that nobody waits for this.
        """
        now = time.monotonic()
        for board in list(self._changed):
            pause = _EVERY_SECONDS if not self._failed(board) else _AGAIN_SECONDS
            if now - self._last.get(board, -pause) >= (0.0 if idle and not self._failed(board) else pause):
                self._publish(course, board)
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._freeze(course)

    def _failed(self, board: str | None) -> bool:
        return ("", f"board {board or 'course'}") in self.troubles

    def _freeze(self, course: Course) -> None:
        """Freeze the boards of what has closed and is graded; where that fails, again a minute later."""
        moment = dt.datetime.now(dt.UTC)
        waiting = {each.assignment for each in self._store.waiting()}
        waiting |= {each.assignment for each in self._store.duties()}
        for name, settings in course.config.assignments.items():
            if settings.closes and moment >= settings.closes and name not in waiting:
                for board in filter(None, boards_of(name)):
                    waited = time.monotonic() - self._last.get(board, -_AGAIN_SECONDS) >= _AGAIN_SECONDS
                    if waited or not self._failed(board):
                        self._freeze_one(course, board)

    def _freeze_one(self, course: Course, board: str) -> None:
        log, open_yet = log_of(course, board), False
        with self._noted(board):
            open_yet = log.path.is_file() and frozen_at(log) is None  # What was never published cannot freeze.
        if open_yet:
            self._publish(course, board, freeze=True)

    def _publish(self, course: Course, board: str | None, freeze: bool = False) -> None:
        self._changed.pop(board, None)
        self._last[board] = time.monotonic()
        with self._noted(board):
            frozen = board is not None and frozen_at(log_of(course, board)) is not None
            # Once it is frozen, a change needs a reason: an attempt in time that was graded, or corrected, later.
            reason = "an attempt that counts was graded after the board was frozen" if frozen else ""
            quiet = Console(file=io.StringIO())
            publish_boards(course, board, _FORMATS, console=quiet, freeze=freeze, reason=reason)
            self.published += 1
            if board is not None:
                self._unpublished.pop(board, None)

    @contextmanager
    def _noted(self, board: str | None) -> Iterator[None]:
        """Record what fails inside as a trouble of the board, which is due again."""
        key = ("", f"board {board or 'course'}")
        try:
            yield
            self.troubles.pop(key, None)
        except Exception as error:
            self.troubles[key] = reason_of("", error)
            self._changed[board] = time.monotonic()
