"""Put a download where the grader looks, keep whatever it replaces or cannot place, and say what was done."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autograder.atomic_files import write_atomically
from autograder.collecting.archive import DownloadedFile, read_downloads
from autograder.collecting.identification import Catalogue
from autograder.collecting.submitters import Submitter, find_submitters, gradescope_senders
from autograder.course import Course
from autograder.errors import AuthoringError, GradebookError
from autograder.gradebook.files import TIMESTAMP, read_timestamp
from autograder.roster import FILE_NAME, Roster

__all__ = ["CollectionReport", "PlacedFile", "UnplacedFile", "collect_downloads"]

_LATE_BY = dt.timedelta(minutes=1)
_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
_NOTE_FILES = {"submission_metadata.yml", TIMESTAMP}
_UNSAFE = re.compile(r"[^\w.@-]+")


@dataclass(frozen=True)
class PlacedFile:
    """One student's file.

    Attributes:
        student: nbgrader's id.
        assignment: which it answers.
        origin: the file in the download.
        outcome: new, replaced, unchanged, or older (kept aside).
        remark: what a person should know of it; may be empty.
    """

    student: str
    assignment: str
    origin: str
    outcome: str
    remark: str = ""


@dataclass(frozen=True)
class UnplacedFile:
    """A file that was not placed, why, and where a copy of it is."""

    origin: str
    reason: str
    kept: Path | None = None


@dataclass(frozen=True)
class CollectionReport:
    """What came of a download."""

    placed: tuple[PlacedFile, ...]
    unplaced: tuple[UnplacedFile, ...]

    def lines(self) -> list[str]:
        """The report for people."""
        if not self.placed and not self.unplaced:
            return ["The download holds no files. Download it again, or name another folder."]
        counts = {word: sum(each.outcome == word for each in self.placed) for word in _OUTCOMES}
        head = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing placed"
        lines = [f"{head}; {len(self.unplaced)} not placed."]
        lines += [f"{each.student}, {each.assignment}: {each.remark}" for each in self.placed if each.remark]
        for stray in self.unplaced:
            kept = f" A copy is at {stray.kept}." if stray.kept else ""
            lines.append(f"not placed: {_printable(stray.origin)}: {_printable(stray.reason)}{kept}")
        return lines


_OUTCOMES = ("new", "replaced", "unchanged", "older")


@dataclass(frozen=True)
class _Submission:
    student: str
    assignment: str
    delivered: DownloadedFile
    sender: Submitter
    at: dt.datetime | None
    remark: str = ""

    @property
    def order(self) -> tuple[dt.datetime, int, str]:
        return self.sender.at or self.at or _EARLIEST, self.sender.attempt, self.delivered.path


def collect_downloads(
    course: Course,
    source: Path,
    *,
    assignment: str | None = None,
    roster: Path | None = None,
    zone: dt.tzinfo = dt.UTC,
    dry_run: bool = False,
) -> CollectionReport:
    """Place what is in ``source`` under the course's ``submitted/``.

    Args:
        source: a folder or a ZIP archive from Canvas, Moodle, Gradescope or nbgrader's exchange.
        assignment: which assignment it is; without it every notebook tells by itself.
        roster: a file of students; default ``students.csv`` beside course.toml, if there is one.
        zone: in which the archive tells the time.
        dry_run: only say what would be done.

    Raises:
        UnreadableSubmission: ``source`` does not exist or is damaged.
        CourseError: the roster is wrong.
        AuthoringError: there is no such assignment.
    """
    return _Collection(course, assignment, _roster(course, roster), dry_run).run(list(read_downloads(source, zone)))


def _roster(course: Course, path: Path | None) -> Roster:
    usual = course.root / FILE_NAME
    if path is None and not usual.is_file():
        return Roster()
    return Roster.read(path or usual)


class _Collection:
    def __init__(self, course: Course, assignment: str | None, roster: Roster, dry_run: bool) -> None:
        self._course, self._roster, self._dry_run = course, roster, dry_run
        self._wanted = assignment or ""
        self._catalogue = Catalogue(course)
        self._aside = course.results / "collected"
        if assignment and assignment not in self._catalogue.notebooks:
            known = ", ".join(self._catalogue.notebooks) or "none"
            raise AuthoringError(f"There is no released assignment '{assignment}' (there are: {known}).")

    def run(self, files: Sequence[DownloadedFile]) -> CollectionReport:
        found, wrapper = gradescope_senders(files), self._wrapper(files)
        sent = [(each, find_submitters(each, found, wrapper)) for each in files]
        platforms = {sender.platform for _, people in sent for sender in people} - {"nbgrader"}
        stamps = _timestamps(files)
        chosen: dict[tuple[str, str], list[_Submission]] = {}
        unplaced: list[UnplacedFile] = []
        for each, people in sent:
            if PurePosixPath(each.path).name in _NOTE_FILES:
                continue
            known = [one for one in people if not platforms or one.platform in platforms]
            placed = self._understand(each, known, stamps)
            if isinstance(placed, str):
                unplaced.append(self._keep_unplaced(each, placed))
                continue
            for one in placed:
                chosen.setdefault((one.student, one.assignment), []).append(one)
        placed_all = [line for group in chosen.values() for line in self._place(group)]
        return CollectionReport(tuple(placed_all), tuple(unplaced))

    def _wrapper(self, files: Sequence[DownloadedFile]) -> str:
        """The one folder around all students' folders, as a computer packs it; empty if there is none."""
        folders = {PurePosixPath(each.path).parts[:-1] for each in files}
        first = {parts[0] for parts in folders if parts}
        inner = {parts[1] for parts in folders if len(parts) > 1}
        if len(first) != 1 or not all(len(parts) > 1 for parts in folders) or inner & set(self._catalogue.notebooks):
            return ""
        (only,) = first
        wraps = not self._roster.find([only]) if self._roster else len(inner) > 1
        return only if wraps else ""

    def _understand(
        self, each: DownloadedFile, people: Sequence[Submitter], stamps: dict[str, dt.datetime]
    ) -> list[_Submission] | str:
        """The submissions that a file is, or why it is none."""
        if each.fault:
            return f"{each.fault}. Ask for it again."
        if not people:
            return "its name does not tell whose it is. Rename it to STUDENT/NOTEBOOK.ipynb and collect that."
        by_content = self._catalogue.assignment_of(each.path, each.content)
        name = by_content if not self._wanted or by_content else self._wanted
        if not name or not (by_content or each.path.lower().endswith(".ipynb")):
            return "it is no notebook of a released assignment."
        if self._wanted and name != self._wanted:
            return f"it is {name}, not {self._wanted}. Collect without --assignment to place it there."
        found: list[_Submission] = []
        for sender in people:
            ids = self._students(sender)
            if not ids:
                return f"nobody in the roster is '{' / '.join(sender.keys)}'. Add the student to {FILE_NAME}."
            at = sender.at or stamps.get(str(PurePosixPath(each.path).parent))
            found += [self._stamped(_Submission(one, name, each, replace(sender, at=at), at)) for one in ids]
        return found

    def _students(self, sender: Submitter) -> tuple[str, ...]:
        if self._roster:
            return self._roster.find(sender.keys, sender.group)
        safe = _UNSAFE.sub("-", sender.fallback).strip("-.")[:100]
        return (safe,) if safe else ()

    def _stamped(self, one: _Submission) -> _Submission:
        """With the time that counts: what the platform says, or what can be concluded from its mark."""
        due = self._course.settings(one.assignment).due
        due = due.replace(tzinfo=dt.UTC) if due and due.tzinfo is None else due
        changed = one.delivered.at
        if one.sender.at is not None or due is None:
            return replace(one, at=one.sender.at or changed)
        if one.sender.platform != "canvas":
            return replace(one, at=changed)
        if not one.sender.late:
            return replace(one, at=min(changed, due) if changed else due)
        if changed and changed > due:
            remark = "Canvas marks it late but does not say when it came; the time in the archive is used."
            return replace(one, at=changed, remark=remark)
        remark = f"Canvas marks it late but not by how much; stamped a minute late. Correct {TIMESTAMP} if it matters."
        return replace(one, at=due + _LATE_BY, remark=remark)

    def _place(self, group: list[_Submission]) -> Iterator[PlacedFile]:
        """The last of a student's files for one assignment counts; the others are kept aside."""
        *earlier, last = sorted(group, key=lambda each: each.order)
        if any(one.order[:2] == last.order[:2] and one.delivered.content != last.delivered.content for one in earlier):
            remark = (
                f"several files of the same time: {_printable(last.delivered.path)} counts, the others are kept aside."
            )
            last = replace(last, remark=f"{last.remark} {remark}".strip())
        target = self._course.submitted / last.student / last.assignment
        path = target / f"{self._catalogue.notebooks[last.assignment]}.ipynb"
        for one in earlier:
            self._keep(one.student, one.assignment, one.delivered.content)
            yield PlacedFile(one.student, one.assignment, one.delivered.path, "older")
        outcome = self._outcome(path, last)
        if outcome == "older":
            self._keep(last.student, last.assignment, last.delivered.content)
            remark = "what was collected before is newer and stays; this one is kept aside."
            yield PlacedFile(last.student, last.assignment, last.delivered.path, outcome, remark)
            return
        if outcome == "replaced":
            self._keep(last.student, last.assignment, path.read_bytes())
        if outcome != "unchanged" and not self._dry_run:
            write_atomically(path, last.delivered.content)
            if last.at is not None:
                write_atomically(
                    target / TIMESTAMP, f"{last.at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n".encode()
                )
        yield PlacedFile(last.student, last.assignment, last.delivered.path, outcome, last.remark)

    def _outcome(self, path: Path, last: _Submission) -> str:
        if path.is_symlink() or not path.is_file():
            return "new"
        if path.read_bytes() == last.delivered.content:
            return "unchanged"
        try:
            before = read_timestamp(self._course, last.student, last.assignment)
        except GradebookError:  # A stamp that cannot be read does not say that the old file is newer.
            before = None
        newer = before is not None and last.at is not None and before.replace(tzinfo=dt.UTC) > last.at
        return "older" if newer else "replaced"

    def _keep(self, student: str, assignment: str, content: bytes) -> Path:
        path = self._aside / student / assignment / f"{hashlib.sha256(content).hexdigest()[:12]}.ipynb"
        if not self._dry_run and not path.exists():
            write_atomically(path, content)
        return path

    def _keep_unplaced(self, each: DownloadedFile, reason: str) -> UnplacedFile:
        if each.fault:
            return UnplacedFile(each.path, reason)
        name = _UNSAFE.sub("_", PurePosixPath(each.path).name)[-100:].lstrip(".") or "file"
        path = self._aside / "not placed" / f"{hashlib.sha256(each.content).hexdigest()[:12]}-{name}"
        if not self._dry_run and not path.exists():
            write_atomically(path, each.content)
        return UnplacedFile(each.path, reason, path)


def _printable(text: str) -> str:
    """``text`` without signs that a terminal would obey: names of files are students' to choose."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _timestamps(files: Sequence[DownloadedFile]) -> dict[str, dt.datetime]:
    """What the files ``timestamp.txt`` say, by folder."""
    found: dict[str, dt.datetime] = {}
    for each in files:
        if PurePosixPath(each.path).name == TIMESTAMP:
            text = each.content.decode("utf-8", "replace").strip().removesuffix("UTC").strip()
            try:
                moment = dt.datetime.fromisoformat(text)
            except ValueError:
                continue
            found[str(PurePosixPath(each.path).parent)] = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return found
