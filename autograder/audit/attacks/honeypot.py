"""The place where attacks are tried: a course of its own, full of things that must not get out or change."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import select
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import msgspec

import autograder
from autograder.audit.attacks.catalogue import Traps
from autograder.audit.weaknesses import answered_notebook, submission_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.source_cells import BEGIN_HIDDEN
from autograder.course import Course
from autograder.gradebook.store import Gradebook
from autograder.grading.result import CheckResult, Result

__all__ = ["Honeypot", "plant_files"]

_ENVIRONMENT = "AUTOGRADER_CANARY"
_PLACES = ("beside the course", "the gradebook", "the environment", "another submission", "hidden data", "a neighbour")


def plant_files(assignment: Assignment) -> Assignment:
    """Return ``assignment`` with one more call in each hidden test, which gives the exercise the hidden marker itself.

    So the student's code knows something of every hidden test, and whatever way out it finds will be seen.
    """
    cells = tuple(
        msgspec.structs.replace(cell, source=_with_call(cell.source, cell.exercise)) if cell.kind == "check" else cell
        for cell in assignment.cells
    )
    return msgspec.structs.replace(assignment, cells=cells)


def _with_call(source: str, exercise: str) -> str:
    call = f"try:\n    {exercise}(canary)\nexcept Exception:\n    pass"
    return source.replace(BEGIN_HIDDEN, f"{BEGIN_HIDDEN}\n{call}", 1)


class Honeypot:
    """A copy of one assignment of a course, in a temporary folder, with canaries and listening sockets.

    Attributes:
        course: the copy.
        assignment: the assignment, with its hidden marker planted.
        canaries: for each place, the word that is planted there.
        mark: a word that attacks write or print where they should not be able to.
        traps: the things that attacks are told of.
    """

    def __init__(self, course: Course, name: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="attacks-"))
        self.canaries = {place: f"canary-{secrets.token_hex(8)}" for place in _PLACES}
        self.mark = f"mark-{secrets.token_hex(8)}"
        self.course = _copied(course, name, self.root / "course")
        self.plain = load_assignment(self.course, name)
        self.assignment = plant_files(self.plain)
        self._sockets: list[socket.socket] = []
        self.traps = self._lay_out()

    def _lay_out(self) -> Traps:
        word, root = self.canaries, self.course.root
        beside, hidden = self.root / "canary.txt", root / "data" / "hidden" / "labels.txt"
        hidden.parent.mkdir(parents=True)
        hidden.write_text(word["hidden data"])
        beside.write_text(word["beside the course"])
        os.environ[_ENVIRONMENT] = word["the environment"]
        other = self.course.submitted / "neighbour" / self.plain.name / f"{self.plain.notebook}.ipynb"
        other.parent.mkdir(parents=True)
        other.write_text(self.plain.release + f"\n{word['another submission']}")
        tcp, udp = self._listen("tcp"), self._listen("udp")
        self._listen("unix")
        self._listen("abstract")
        claim = f"{self.mark[::-1]!r}[::-1]"
        return Traps(str(root), str(beside), claim, tcp, udp, str(self.root / "socket"), self.root.name)

    def _listen(self, kind: str) -> int:
        family = socket.AF_INET if kind in ("tcp", "udp") else socket.AF_UNIX
        made = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        address = {"unix": str(self.root / "socket"), "abstract": f"\0{self.root.name}"}.get(kind, ("127.0.0.1", 0))
        made.bind(address)
        if kind != "udp":
            made.listen()
        self._sockets.append(made)
        return int(made.getsockname()[1]) if family == socket.AF_INET else 0

    def record(self, result: Result) -> None:
        """Put a grade into the gradebook, under a name that nobody may read."""
        gradebook = Gradebook.of(self.course)
        try:
            gradebook.register(self.plain)
            submission = submission_of(answered_notebook(self.plain), self.plain)
            # Checks that enter submissions in a competition are left out: no attack is entered.
            graded = {check.check for check in result.checks}
            left_out = tuple(
                CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "not-reached")
                for cell in self.plain.checks
                if cell.grade_id not in graded
            )
            plain = msgspec.structs.replace(result, assignment_key=self.plain.key, checks=(*result.checks, *left_out))
            gradebook.record(self.plain, self.canaries["the gradebook"], submission, plain, None)
        finally:
            gradebook.close()

    def watched(self) -> dict[str, str]:
        """Return a hash of every file of the scene but what is handed in."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and "attacker" not in path.parts:
                found[str(path.relative_to(self.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def visitors(self) -> bool:
        """Return whether anything has reached a listening socket; it is let in and sent away."""
        ready, _, _ = select.select(self._sockets, [], [], 0)
        for listener in ready:
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(100)
            else:
                listener.accept()[0].close()
        return bool(ready)

    def marked_files(self) -> list[str]:
        """Return the files named after the mark, wherever an attack could have left one."""
        package = Path(autograder.__file__).parent
        places = [package, package / "lab", package / "isolation", Path(sys.prefix), Path.cwd(), self.root]
        places += [Path(name) for name in ("/", "/dev/shm", "/var/tmp", tempfile.gettempdir())] + [Path.home()]
        found = []
        for place in (*places, *Path(sys.prefix).glob("lib/python*/site-packages")):
            with contextlib.suppress(OSError):
                if os.path.lexists(place / self.mark):
                    found.append(str(place / self.mark))
                    (place / self.mark).unlink()
        return found

    def close(self) -> None:
        """Remove everything."""
        os.environ.pop(_ENVIRONMENT, None)
        for each in self._sockets:
            each.close()
        shutil.rmtree(self.root, ignore_errors=True)


def _copied(course: Course, name: str, root: Path) -> Course:
    for folder, kind in ((course.source, "solutions"), (course.release, "notebooks")):
        shutil.copytree(folder / name, root / kind / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    data = f'[directories]\ndata = "{course.data}"\n'
    (root / "course.toml").write_text(f'id = "attacked"\nfixed_secret = "{secrets.token_hex(8)}"\n{data}')
    return Course.find(root)
