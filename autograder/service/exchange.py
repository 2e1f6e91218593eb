"""The folders that work comes from and goes to: nbgrader's exchange and ``submitted/``.

From the exchange, what students submit in JupyterLab is collected; feedback is put where they fetch it. A folder in
``inbound/`` is made by its student, name and time stamp included. So its student is its owner in the file system, and
it came when the file system saw it last changed, which no student can set.

From ``submitted/``, what others put there is taken in; what counts is put there for the engine. When a rule, a deadline
or an extension changes, also while the service does not run, another attempt may count than the one that lies there:
then the gradebook has to follow.

Who handed in together is noted where ``autograder collect`` notes it, so that everything else treats them alike: points
and comments by hand are shared, boards name the group, and the search for copies does not report its members.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import pwd
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nbgrader.utils import notebook_hash

from autograder.collecting.records import Receipt, Receipts, printable
from autograder.course import Course
from autograder.engine.known_results import read_file
from autograder.errors import AutograderError, GradebookError, ServiceError, UnreadableSubmission
from autograder.files import first_link, names_student, open_below, write_atomically
from autograder.gradebook.stamps import TIMESTAMP, read_stamp
from autograder.roster import Student
from autograder.service.access import can_be_an_id, roster_of
from autograder.service.attempts import AttemptStore, HandIn, name_of_content
from autograder.service.policy import policy_of, served
from autograder.submission.notebook_reader import MAX_BYTES, load

__all__ = ["Exchange", "SubmittedFolder", "note_group", "owe_overtaken"]

# ---- nbgrader's exchange

_LOOK_SECONDS = 2.0
_BUSY_SECONDS = 1.0  # for one look: whoever makes very many folders does not keep the grading waiting
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
        root, people = (course.root / course.config.serve.exchange).resolve() / course.id, roster_of(course)
        for folder in self._new(root / "inbound"):
            key = "", printable(folder.name)  # A student chose it: it may not even be text.
            try:
                self._take(course, folder, people, notebooks)
                self._seen[folder.name] = float("inf")
                self.troubles.pop(key, None)
            except (AutograderError, OSError, ValueError) as error:
                self._seen[folder.name] = time.monotonic() + _AGAIN_SECONDS
                self.troubles[key] = printable(str(error))
            if time.monotonic() - self._looked > _BUSY_SECONDS:
                break
        self._release_all(root, notebooks)

    def _new(self, inbound: Path) -> Iterator[Path]:
        """Yield the folders that are whole and were not taken in: the secret is what nbgrader writes last."""
        if not inbound.is_dir():
            return
        for folder in sorted(inbound.iterdir(), key=lambda each: (self._seen.get(each.name, 0.0), each.name)):
            wait = self._seen.get(folder.name, 0.0)
            if time.monotonic() >= wait and not folder.is_symlink() and (folder / "submission_secret.txt").is_file():
                yield folder

    def _take(
        self, course: Course, folder: Path, people: Mapping[str, Student], notebooks: Callable[[str], str]
    ) -> None:
        student, assignment, *rest = folder.name.split("+")
        if not rest or not can_be_an_id(student) or (people and student not in people):
            raise ServiceError(f"{folder.name}: {student} is not in students.csv. Add them, or remove the folder.")
        if assignment not in course.assignments():
            raise ServiceError(f"{folder.name}: there is no assignment {assignment}. Remove the folder.")
        if assignment not in served(course):
            raise ServiceError(
                f"{folder.name}: {assignment} has several notebooks, so it is not graded here. Run `nbgrader collect "
                f"{assignment}` and `autograder grade {assignment}`."
            )
        path, now = folder / f"{notebooks(assignment)}.ipynb", dt.datetime.now(dt.UTC)
        policy = policy_of(course, assignment)
        content, states = _opened(path)
        if course.config.serve.check_owner:
            for state in states:
                _check_owner(folder.name, state.st_uid, student)
        at = min(now, dt.datetime.fromtimestamp(max(state.st_ctime for state in states), dt.UTC))
        self._store.hand_in(
            student,
            assignment,
            content,
            file=path.name,
            at=at,
            ticket=folder.name,
            source="exchange",
            refusal=lambda earlier: policy.refusal(student, earlier, at),
            members=policy.members(student),
        )

    def _release_all(self, root: Path, notebooks: Callable[[str], str]) -> None:
        for attempt, folder in self._store.collected():
            if attempt.outcome != "graded":
                continue
            shown = self._shown(attempt)
            notebook = notebooks(attempt.assignment)
            if notebook and self._released.get(attempt.name) != shown:
                self._release(root, attempt, root / "inbound" / folder, notebook)
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


def _opened(path: Path) -> tuple[bytes, tuple[os.stat_result, os.stat_result]]:
    """Return the bytes of a file, and the states of the folder and of the file that they were read from.

    All of it belongs to one file: whoever owns the folder can exchange what is in it at any moment.

    Raises:
        UnreadableSubmission: it is missing, a link, not a regular file or too large.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(path.name, flags, dir_fd=folder), "rb") as stream:
                states = os.fstat(folder), os.fstat(stream.fileno())
                if stat.S_ISREG(states[1].st_mode) and states[1].st_size <= MAX_BYTES:
                    return stream.read(states[1].st_size), states
        finally:
            os.close(folder)
    except OSError:
        pass
    load(path)  # Raises an error that names what is wrong with it.
    raise UnreadableSubmission(f"{path} changed while it was read. It is read again soon.")


def _check_owner(folder: str, owner: int, student: str) -> None:
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"number {owner}"
    if name != student:
        raise ServiceError(
            f"{folder} belongs to the account {name}: whoever made it is not {student}. Look into it; where "
            "all students share an account, set check_owner = false in [serve] of course.toml."
        )


def _secret(folder: Path) -> str:
    try:
        descriptor = open_below(folder, folder / "submission_secret.txt")
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(_SECRET_BYTES).decode("ascii", "replace")
    except (OSError, ValueError):
        return ""


# ---- the folder submitted/

_FOLDER_SECONDS = 3.0


class SubmittedFolder:
    """The exchange of files with ``submitted/``: what was handed in elsewhere comes in, and what counts is put there.

    Attributes:
        troubles: the reason why something could not be taken in, by student and assignment.
    """

    def __init__(self, course: Course, store: AttemptStore) -> None:
        self._course, self._store = course, store
        self._seen: dict[Path, tuple[int, int]] = {}
        self._looked = -_FOLDER_SECONDS
        self.troubles: dict[tuple[str, str], str] = {}

    def look(self, course: Course) -> None:
        """Take in what is new, now and then."""
        self._course = course
        if time.monotonic() - self._looked < _FOLDER_SECONDS:
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
        names = {name: notebook for name in served(self._course) if (notebook := self.notebook(name))}
        for folder in sorted(self._course.submitted.iterdir()):
            if not names_student(folder.name) or folder.is_symlink():
                continue
            for assignment, notebook in names.items():
                path = folder / assignment / f"{notebook}.ipynb"
                if path.is_file():
                    yield folder.name, assignment, path

    def notebook(self, assignment: str) -> str:
        """Return the name of an assignment's notebook, without the ending; empty if there is none, or none any more."""
        return next((path.stem for path in sorted((self._course.source / assignment).glob("*.ipynb"))), "")

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

    def holds(self, attempt: HandIn, notebook: str) -> bool:
        """Return whether an attempt is what lies under ``submitted/``."""
        path = self._course.submitted / attempt.student / attempt.assignment / f"{notebook}.ipynb"
        try:
            return name_of_content(read_file(path)) == attempt.digest
        except (OSError, UnreadableSubmission, GradebookError):
            return False

    def place(self, attempt: HandIn, content: bytes, notebook: str) -> bool:
        """Put an attempt under ``submitted/``. Return False if something newer lies there, which is taken in first.

        Raises:
            GradebookError: it cannot be written, or a link is in the way.
        """
        folder = self._course.submitted / attempt.student / attempt.assignment
        path = folder / f"{notebook}.ipynb"
        step = first_link(path)
        if step.is_symlink():
            raise GradebookError(f"{step} is a link. Replace it with the file that it points to, and it is graded.")
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


# ---- what is noted of attempts that count


def owe_overtaken(course: Course, store: AttemptStore, folder: SubmittedFolder, assignment: str) -> None:
    """Note that the gradebook is to follow for the students of whom another attempt counts by now."""
    policy, notebook = policy_of(course, assignment), folder.notebook(assignment)
    for student in store.with_several(assignment):
        attempts, chosen = store.of_student(student, assignment), store.chosen(student, assignment)
        counting = policy.counting(student, attempts, chosen)
        if counting is not None and not folder.holds(counting, notebook):
            store.owe(student, assignment)


def note_group(course: Course, attempt: HandIn, store: AttemptStore) -> None:
    """Note for whom the attempt that counts was handed in: a group, or its student alone.

    Raises:
        GradebookError: the note cannot be written.
    """
    if attempt.source == "submitted":
        return  # Whoever collected it noted that.
    receipts = Receipts(course)
    before = receipts.get(attempt.student, attempt.assignment)
    if not attempt.together and (before is None or not before.group):
        return
    digest = hashlib.sha256(store.content(attempt)).hexdigest()
    receipt = Receipt(digest, "serve", attempt.handed_by, at=attempt.at, group=_members(store, attempt))
    if receipt != before:
        receipts.put(attempt.student, attempt.assignment, receipt)
        receipts.save()


def _members(store: AttemptStore, attempt: HandIn) -> tuple[str, ...]:
    if not attempt.together:
        return ()
    rows = store.rows("SELECT student FROM attempt WHERE together = ? ORDER BY student", attempt.together)
    return tuple(str(row[0]) for row in rows)
