"""The folder ``submitted/``: what others put there is taken in, and what counts is put there for the engine."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.atomic_files import write_atomically
from autograder.course import Course
from autograder.engine.known_results import read_file
from autograder.errors import GradebookError, UnreadableSubmission
from autograder.gradebook.stamps import TIMESTAMP, read_stamp
from autograder.service.attempts import AttemptStore, HandIn, name_of_content

__all__ = ["SubmittedFolder"]

_LOOK_SECONDS = 3.0


class SubmittedFolder:
    """The exchange of files with the folder: what was handed in elsewhere comes in, and what counts is put there.

    Attributes:
        troubles: the reason why something could not be taken in, by student and assignment.
    """

    def __init__(self, course: Course, store: AttemptStore) -> None:
        self._course, self._store = course, store
        self._seen: dict[Path, tuple[int, int]] = {}
        self._looked = -_LOOK_SECONDS
        self.troubles: dict[tuple[str, str], str] = {}

    def look(self, course: Course) -> None:
        """Take in what is new, now and then."""
        self._course = course
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for student, assignment, path in self._files():
            try:
                self._look_at(student, assignment, path)
                self.troubles.pop((student, assignment), None)
            except (UnreadableSubmission, GradebookError, OSError) as error:
                self.troubles[student, assignment] = str(error)

    def _files(self) -> Iterator[tuple[str, str, Path]]:
        if not self._course.submitted.is_dir():
            return
        names = {name: self.notebook(name) for name in self._course.assignments()}
        for folder in sorted(self._course.submitted.iterdir()):
            if folder.name.startswith(".") or folder.is_symlink():
                continue
            for assignment, notebook in names.items():
                path = folder / assignment / f"{notebook}.ipynb"
                if path.is_file():
                    yield folder.name, assignment, path

    def notebook(self, assignment: str) -> str:
        """Return the name of an assignment's notebook, without the ending."""
        (path, *_) = sorted((self._course.source / assignment).glob("*.ipynb"))
        return path.stem

    def _look_at(self, student: str, assignment: str, path: Path) -> None:
        status = path.stat()
        state = status.st_mtime_ns, status.st_size
        if self._seen.get(path) == state:
            return
        self.adopt(student, assignment, path)
        self._seen[path] = state

    def adopt(self, student: str, assignment: str, path: Path) -> bool:
        """Take the file at ``path`` for an attempt. Return whether it is new, and not what the student handed in."""
        content = read_file(path)
        if self._store.knows(student, assignment, name_of_content(content)):
            return False
        stamp = read_stamp(self._course, student, assignment)
        at = stamp.at.replace(tzinfo=dt.UTC) if stamp.at else dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        self._store.hand_in(student, assignment, content, file=path.name, at=at, source="submitted")
        return True

    def place(self, attempt: HandIn, content: bytes, notebook: str) -> bool:
        """Put an attempt under ``submitted/``. Return False if something newer lies there, which is taken in first.

        Raises:
            GradebookError: it cannot be written, or a link is in the way.
        """
        folder = self._course.submitted / attempt.student / attempt.assignment
        path = folder / f"{notebook}.ipynb"
        for step in (folder.parent, folder, path):
            if step.is_symlink():
                raise GradebookError(f"{step} is a link. Replace it by what it leads to, and it is graded.")
        if path.is_file() and self.adopt(attempt.student, attempt.assignment, path):
            return False
        stamp = f"{attempt.at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n".encode()
        if attempt.source != "submitted" or not path.is_file() or path.read_bytes() != content:
            _write_if_other(folder / TIMESTAMP, stamp)
        _write_if_other(path, content)
        status = path.stat()
        self._seen[path] = status.st_mtime_ns, status.st_size
        return True


def _write_if_other(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
