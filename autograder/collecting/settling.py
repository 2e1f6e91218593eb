"""The settling of a student's files: which assignment each one answers, and which of them counts.

The assignment of a notebook is identified by its grade ids, then by where it lay and what it is called. The file that
counts is written where the grader looks, the others are kept aside.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autograder.collecting.archive import DownloadedFile
from autograder.collecting.platforms import Reading
from autograder.collecting.records import Placed, Receipt, Receipts, printable
from autograder.collecting.submitters import Submitter
from autograder.course import Course
from autograder.errors import GradebookError, UnreadableSubmission
from autograder.files import first_link, write_atomically
from autograder.gradebook.stamps import LATENESS, TIMESTAMP, read_timestamp
from autograder.roster import FILE_NAME

__all__ = ["Catalogue", "Handed", "Settling"]


# ---- which assignment a file answers

_COPY = re.compile(r"^(copy of |copy_of_)+|([ _-]*(copy|\(\d+\)|-\d+)\d*)+$", re.IGNORECASE)
_ENDINGS = re.compile(r"\.ipynb(\.(txt|json|download))*$", re.IGNORECASE)
_LOOKED_INTO = (".ipynb", ".json", ".txt", ".download", "")
_GRADE_ID = re.compile(rb'"grade_id"\s*:\s*"([^"\\]{1,200})"')
_MOST_MARKS = 20_000
_ENOUGH, _CLOSE = 0.3, 0.1


class Catalogue:
    """The released notebooks of a course, by what tells them apart.

    Attributes:
        notebooks: the name of each assignment's notebook, without its ending.
    """

    def __init__(self, course: Course) -> None:
        paths = sorted(course.release.glob("*/*.ipynb"))
        self.notebooks = {path.parent.name: path.stem for path in paths}
        self._released = {path.parent.name: path.read_bytes() for path in paths}
        self._marks = {name: _marks(content) for name, content in self._released.items()}
        self._all = set().union(*self._marks.values())

    def assignment_of(self, path: str, content: bytes, told: str = "", wanted: str = "") -> str:
        """Return the assignment that a file answers.

        Args:
            path: its path from the root of the download.
            content: its bytes.
            told: the assignment that the platform names; may be empty.
            wanted: the assignment that the person who collects names; may be empty.

        Raises:
            UnreadableSubmission: it answers none, several, or not the one that is wanted; the message is the reason.
        """
        fitting = self._by_marks(content) if PurePosixPath(path).suffix.lower() in _LOOKED_INTO else []
        if not fitting and not _ENDINGS.search(path):
            raise UnreadableSubmission("it is not a notebook of a released assignment")
        if wanted and fitting and wanted not in fitting:
            raise UnreadableSubmission(
                f"it is {' or '.join(fitting)}, not {wanted}. Collect without --assignment to place it there"
            )
        if wanted or len(fitting) == 1:
            return wanted or fitting[0]
        if chosen := self._by_path(path, told, fitting or list(self.notebooks)):
            return chosen
        if len(fitting) > 1:
            raise UnreadableSubmission(f"it fits {' and '.join(fitting)} equally well. Name one with --assignment")
        raise UnreadableSubmission("it is not a notebook of a released assignment")

    def is_blank(self, assignment: str, content: bytes) -> bool:
        """Return whether ``content`` is the released notebook itself, byte for byte."""
        return self._released.get(assignment) == content

    def _by_marks(self, content: bytes) -> list[str]:
        """Return the assignments whose grade ids fit; several if they fit about equally well."""
        marks = _marks(content)
        likeness = {
            name: len(marks & own) / len((marks & self._all) | own)
            for name, own in self._marks.items()
            if own and len(marks & own) >= _ENOUGH * len(own)
        }
        best = max(likeness.values(), default=0.0)
        return [name for name, value in likeness.items() if value >= best - _CLOSE]

    def _by_path(self, path: str, told: str, among: Sequence[str]) -> str:
        """Return what platform, folders and file name tell, the surest first; empty if nothing tells."""
        folders = [_plain(part) for part in PurePosixPath(path).parts[:-1]]
        stem = _stem(path)
        ways = (
            [each for each in among if told and _plain(told) in (_plain(each), _plain(self.notebooks[each]))],
            [each for each in among if _plain(each) in folders],
            [each for each in among if _ends_with(stem, each) or _ends_with(stem, self.notebooks[each])],
            [each for each in among if _plain(self.notebooks[each]) in folders],
        )
        return next((way[0] for way in ways if len(way) == 1), "")


def _plain(name: str) -> str:
    return name.lower().strip(" _-")


def _stem(path: str) -> str:
    name = _ENDINGS.sub("", PurePosixPath(path).name)
    return _COPY.sub("", name.rpartition("--")[2]).strip(" _-").lower()


def _ends_with(stem: str, name: str) -> bool:
    return stem == name.lower() or stem.endswith((f"_{name.lower()}", f"-{name.lower()}", f" {name.lower()}"))


def _marks(content: bytes) -> set[str]:
    """Return the grade ids in a notebook's bytes; they survive saving in every program that keeps metadata.

    The text is searched, not parsed: the memory of a hostile file stays that of its bytes, and damage elsewhere in the
    file hides nothing. Within a cell's text the quotes are escaped, so that no text passes for metadata.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        content = content.replace(b"\0", b"")  # UTF-16 or UTF-32 of what is ASCII here.
    found: set[str] = set()
    for match in _GRADE_ID.finditer(content):
        found.add(match[1].decode("utf-8", "replace"))
        if len(found) >= _MOST_MARKS:
            break
    return found


# ---- which file counts

_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
_REVISION = re.compile(r"(-\d+)?(\.[A-Za-z0-9]+)*$")


@dataclass(frozen=True)
class Handed:
    """A file that a student handed in for an assignment."""

    student: str
    assignment: str
    delivered: DownloadedFile
    sender: Submitter
    digest: str
    blank: bool
    exact: bool
    origin: str = ""
    group: tuple[str, ...] = ()
    remark: str = ""
    doubtful: bool = False

    @property
    def order(self) -> tuple[dt.datetime, int, int, bool, bool, str]:
        """The sort key of a student's files, of which the last one counts: the platform's word, then any work in it."""
        sender = self.sender
        at = sender.at or _EARLIEST
        return at, sender.revision, sender.attempt, not self.blank, self.exact, self.delivered.path

    @property
    def receipt(self) -> Receipt:
        """The receipt of the file once it is placed."""
        return Receipt(
            self.digest,
            self.sender.platform,
            self.sender.identity,
            self.sender.attempt,
            self.sender.at,
            "unknown" if self.sender.late and self.sender.at is None else "",
            self.group,
            self.origin,
        )


class Settling:
    """The placing of the files of one download."""

    def __init__(self, course: Course, catalogue: Catalogue, reading: Reading, dry_run: bool) -> None:
        self._course, self._catalogue, self._reading, self._dry_run = course, catalogue, reading, dry_run
        self._aside = course.results / "collected"
        self._receipts = Receipts(course)

    def save(self) -> None:
        """Save what was noted of the files that were placed."""
        self._receipts.save()

    def place(self, group: list[Handed]) -> Iterator[Placed]:
        """Place the last of a student's files for one assignment; the others are kept aside."""
        if len({_REVISION.sub("", each.delivered.path.partition("--")[0]).rpartition("_")[2] for each in group}) > 1:
            group = [replace(each, sender=replace(each.sender, revision=0)) for each in group]
        *earlier, last = sorted(group, key=lambda each: each.order)
        rivals = [each for each in earlier if each.order[:3] == last.order[:3] and each.digest != last.digest]
        if any(not each.blank for each in rivals) and last.sender.by_file_name:
            yield from (self._refused(each) for each in (*rivals, last))
            return
        if rivals:
            last = _with_rivals(last, rivals)
        for one in earlier:
            self._keep(one.student, one.assignment, one.delivered.read())
            yield Placed(one.student, one.assignment, one.delivered.path, "older", group=one.group)
        yield self._settled(last)

    def _refused(self, one: Handed) -> Placed:
        kept = self._keep(one.student, one.assignment, one.delivered.read())
        remark = (
            f"{printable(one.delivered.path)} is one of several files called after this student, and whoever handed "
            f"it in chose that name: none was placed. Look at {kept}."
        )
        return Placed(one.student, one.assignment, one.delivered.path, "older", remark, doubtful=True)

    def _settled(self, last: Handed) -> Placed:
        target = self._course.submitted / last.student / last.assignment
        path = target / f"{self._catalogue.notebooks[last.assignment]}.ipynb"
        _refuse_link(path)
        before = self._receipts.get(last.student, last.assignment)
        outcome, remark = self._outcome(path, last, before)
        content = last.delivered.read()
        if outcome == "older":
            self._keep(last.student, last.assignment, content)
            return Placed(last.student, last.assignment, last.delivered.path, outcome, remark, last.group, bool(remark))
        if outcome == "replaced":
            self._keep(last.student, last.assignment, path.read_bytes())
            if last.sender.by_file_name:
                remark = "it replaces what was there, which is set aside; only the file's name shows whose it is."
        if before is not None and before.platform == last.sender.platform and before.identity != last.sender.identity:
            remark += f" It came as {before.identity!a} before, and as {last.sender.identity!a} now."
        if not self._dry_run:
            self._write(path, last, content, outcome)
        remark = f"{last.remark} {remark}".strip()
        if last.receipt.lateness:
            remark = f"{remark} late, by an unknown time: {self._reading.title} does not give the time.".strip()
        return Placed(last.student, last.assignment, last.delivered.path, outcome, remark, last.group, last.doubtful)

    def _write(self, path: Path, last: Handed, content: bytes, outcome: str) -> None:
        """Write the notebook, and beside it what is known of its time; a stamp that a person corrected stays."""
        before, receipt = self._receipts.get(last.student, last.assignment), last.receipt
        told = receipt.at is not None or bool(receipt.lateness)
        if outcome == "unchanged" and not told and before is not None and before.platform != receipt.platform:
            return  # Another platform told more of the same file.
        if outcome != "unchanged":
            write_atomically(path, content)
        if outcome != "unchanged" or (before != receipt and self._as_left(last, before)):
            _write_or_remove(path.parent / TIMESTAMP, f"{receipt.at:%Y-%m-%d %H:%M:%S.%f} UTC\n" if receipt.at else "")
            _write_or_remove(path.parent / LATENESS, f"{receipt.lateness}\n" if receipt.lateness else "")
        self._receipts.put(last.student, last.assignment, receipt)

    def _as_left(self, last: Handed, before: Receipt | None) -> bool:
        """Return whether the stamp that is there, or none, is what was left when ``before`` was collected."""
        try:
            now = read_timestamp(self._course, last.student, last.assignment)
        except GradebookError:
            return False
        folder = self._course.submitted / last.student / last.assignment
        then = before.at.astimezone(dt.UTC).replace(tzinfo=None) if before and before.at else None
        return now == then and (folder / LATENESS).is_file() == bool(before and before.lateness)

    def _outcome(self, path: Path, last: Handed, before: Receipt | None) -> tuple[str, str]:
        if path.is_symlink() or not path.is_file():
            return "new", ""
        known = before if before is not None and _digest(path) == before.digest else None
        if self._is_somebody_else(last, known):
            return "older", (
                f"on {self._reading.title} there are two of this name ({known.identity if known else ''} and "
                f"{last.sender.identity}), and the work of one is here: this one is kept aside. "
                f"Tell them apart in {FILE_NAME}."
            )
        if _digest(path) == last.digest:
            return "unchanged", ""
        if known is not None and known.platform == last.sender.platform and known.attempt != last.sender.attempt:
            newer = known.attempt > last.sender.attempt
        else:
            newer = self._is_newer(last)
        if newer:
            return "older", "what was collected before is newer and stays; this one is kept aside."
        return "replaced", ""

    def _is_somebody_else(self, last: Handed, known: Receipt | None) -> bool:
        """Return whether a name alone tells whose it is, and the platform has another number for that name now."""
        by_name = last.sender.platform in ("moodle", "brightspace") and not last.sender.anonymous and not last.group
        return (
            by_name
            and known is not None
            and known.platform == last.sender.platform
            and not known.group
            and known.identity != last.sender.identity
        )

    def _is_newer(self, last: Handed) -> bool:
        try:
            there = read_timestamp(self._course, last.student, last.assignment)
        except GradebookError:  # A stamp that cannot be read does not tell that the old file is newer.
            return False
        at = last.sender.at
        return there is not None and at is not None and there.replace(tzinfo=dt.UTC) > at

    def _keep(self, student: str, assignment: str, content: bytes) -> Path:
        path = self._aside / student / assignment / f"{hashlib.sha256(content).hexdigest()[:12]}.ipynb"
        if not self._dry_run and not path.exists():
            write_atomically(path, content)
        return path


def _with_rivals(last: Handed, rivals: Sequence[Handed]) -> Handed:
    """Return ``last`` with a remark on the student's other files, between which nothing but a guess decides."""
    working = [each for each in rivals if not each.blank]
    others = ", ".join(printable(each.delivered.path) for each in (working or rivals)[:3])
    remark = f"several files of the same time: {printable(last.delivered.path)} counts; {others} "
    if working:
        remark += "kept aside. Look at all of them; if another is right, collect that one alone."
    else:
        remark += "is the notebook as it was handed out."
    return replace(last, remark=remark, doubtful=bool(working))


def _refuse_link(path: Path) -> None:
    """Refuse to write where a link leads, which may be another student's folder. Raises GradebookError."""
    folder = first_link(path)
    if folder != path:
        raise GradebookError(f"{folder} is a link, and nothing is written where it leads. Put a folder in its place.")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_or_remove(path: Path, text: str) -> None:
    if text:
        write_atomically(path, text.encode())
    else:
        path.unlink(missing_ok=True)
