"""nbgrader's exchange: what students submit in JupyterLab is collected, and feedback put where they fetch it.

A folder in ``inbound/`` is made by its student, name and time stamp included. So its student is its owner in the
file system, and it came when the file system saw it last changed, which no student can set.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nbgrader.utils import notebook_hash

from autograder.atomic_files import write_atomically
from autograder.course import Course
from autograder.engine.known_results import read_file
from autograder.errors import AutograderError, ServiceError
from autograder.service.access import can_be_an_id, roster_of
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.policy import policy_of
from autograder.submission.opening import open_below

__all__ = ["Exchange"]

_LOOK_SECONDS = 2.0
_AGAIN_SECONDS = 30.0
_SECRET_BYTES = 1000


class Exchange:
    """The exchange of a course.

    Args:
        store: the store of attempts.
        page: a function that makes the page of feedback that an attempt's author may see now; None if there is none.
        shown: a function that tells what such a page shows now.

    Attributes:
        troubles: the reason why a folder in it could not be taken in, by folder.
    """

    def __init__(
        self, store: AttemptStore, page: Callable[[HandIn], str | None], shown: Callable[[HandIn], str]
    ) -> None:
        self._store, self._page, self._shown = store, page, shown
        self._seen: dict[str, float] = {}
        self._released: dict[str, str] = {}
        self._looked = -_LOOK_SECONDS
        self.troubles: dict[tuple[str, str], str] = {}

    def look(self, course: Course, notebooks: Callable[[str], str]) -> None:
        """Collect what is new and release what is graded, now and then.

        Args:
            notebooks: a function from an assignment to its notebook's name, without the ending.
        """
        if not course.config.serve.exchange or time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        root = (course.root / course.config.serve.exchange).resolve() / course.id
        for folder in self._new(root / "inbound"):
            try:
                self._take(course, folder, notebooks)
                self._seen[folder.name] = float("inf")
                self.troubles.pop(("", folder.name), None)
            except (AutograderError, OSError, ValueError) as error:
                self._seen[folder.name] = time.monotonic() + _AGAIN_SECONDS
                self.troubles["", folder.name] = str(error)
        self._release_all(root, notebooks)

    def _new(self, inbound: Path) -> Iterator[Path]:
        """Yield the folders that are whole and were not taken in: the secret is what nbgrader writes last."""
        if not inbound.is_dir():
            return
        for folder in sorted(inbound.iterdir()):
            wait = self._seen.get(folder.name, 0.0)
            if time.monotonic() >= wait and not folder.is_symlink() and (folder / "submission_secret.txt").is_file():
                yield folder

    def _take(self, course: Course, folder: Path, notebooks: Callable[[str], str]) -> None:
        student, assignment, *rest = folder.name.split("+")
        people = roster_of(course)
        if not rest or not can_be_an_id(student) or (people and student not in people):
            raise ServiceError(f"{folder.name}: {student} is not in students.csv. Add them, or remove the folder.")
        if assignment not in course.assignments():
            raise ServiceError(f"{folder.name}: there is no assignment {assignment}. Remove the folder.")
        path = folder / f"{notebooks(assignment)}.ipynb"
        if course.config.serve.check_owner:
            _check_owner(path, student)
        content, now = read_file(path), dt.datetime.now(dt.UTC)
        changed = max(path.stat().st_ctime, folder.stat().st_ctime)
        at, policy = min(now, dt.datetime.fromtimestamp(changed, dt.UTC)), policy_of(course, assignment)
        self._store.hand_in(
            student,
            assignment,
            content,
            file=path.name,
            at=at,
            ticket=folder.name,
            source="exchange",
            refusal=lambda earlier: policy.refusal(student, earlier, at),
        )

    def _release_all(self, root: Path, notebooks: Callable[[str], str]) -> None:
        for attempt, folder in self._store.collected():
            if attempt.outcome != "graded":
                continue
            shown = self._shown(attempt)
            if self._released.get(attempt.name) != shown:
                self._release(root, attempt, root / "inbound" / folder, notebooks(attempt.assignment))
                self._released[attempt.name] = shown

    def _release(self, root: Path, attempt: HandIn, folder: Path, notebook: str) -> None:
        """Put the page where nbgrader's Fetch Feedback looks for it: under a name that only its student can know."""
        page = self._page(attempt)
        secret = _secret(folder)
        if page is None or not secret:
            return
        feedback = root / "feedback"
        if not feedback.is_dir():
            feedback.mkdir(parents=True)
            feedback.chmod(0o711)  # As nbgrader makes it: whoever does not know a name cannot list them.
        path = feedback / f"{notebook_hash(secret=secret, notebook_id=notebook)}.html"
        write_atomically(path, page.encode("utf-8", errors="replace"), mode=0o644)


def _check_owner(path: Path, student: str) -> None:
    owner = path.stat().st_uid
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"number {owner}"
    if name != student:
        raise ServiceError(
            f"{path.parent.name} belongs to the account {name}: whoever made it is not {student}. Look into it; where "
            "all students share an account, set check_owner = false in [serve] of course.toml."
        )


def _secret(folder: Path) -> str:
    try:
        descriptor = open_below(folder, folder / "submission_secret.txt")
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(_SECRET_BYTES).decode("ascii", "replace")
    except (OSError, ValueError):
        return ""
