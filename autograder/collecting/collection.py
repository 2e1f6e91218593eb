"""The placing of a download where the grader looks; what it replaces or cannot place is kept, and all is reported."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from autograder.collecting.archive import Download, DownloadedFile
from autograder.collecting.enclosed_lists import Owners, read_worksheet
from autograder.collecting.platforms import Reading, read_download
from autograder.collecting.records import Collected, Placed, Unplaced, printable
from autograder.collecting.settling import Catalogue, Handed, Settling
from autograder.collecting.submitters import Submitter
from autograder.course import FILE_NAME as COURSE_FILE
from autograder.course import Course
from autograder.errors import AuthoringError, CourseError, GradebookError, UnreadableSubmission
from autograder.files import students_in, write_atomically
from autograder.gradebook.stamps import TIMESTAMP, read_moment
from autograder.roster import FILE_NAME, Roster

__all__ = ["collect_downloads"]

_MOST_NOTEBOOKS, _MOST_FILES, _MOST_BYTES = 50, 2000, 512 << 20  # of one sender
_TYPED = re.compile(r"(/onlinetext\.html|_onlinetext_?[^/]*\.html|_\d+_(text|link|url)\.html|_attempt_[\d-]+\.txt)$")
_UNSAFE = re.compile(r"[^\w.@-]+")


def collect_downloads(
    course: Course,
    source: Path,
    *,
    assignment: str | None = None,
    roster: Path | None = None,
    zone: dt.tzinfo | None = None,
    platform: str = "",
    pattern: str = "",
    worksheet: Path | None = None,
    dry_run: bool = False,
) -> Collected:
    """Place what is in ``source`` under the course's ``submitted/``.

    Args:
        course: the course to put it into.
        source: a folder or a ZIP archive from a learning platform or nbgrader's exchange, or one that a person made.
        assignment: the assignment; without it every notebook tells by itself.
        roster: a file of students; default ``students.csv`` beside course.toml, if there is one.
        zone: the zone of the platform's times where it names none; default UTC.
        platform: the platform that it is from; default: what its root shows.
        pattern: a regular expression with named groups, for downloads from elsewhere.
        worksheet: Moodle's grading worksheet, which tells who is behind a number, and when they handed in.
        dry_run: only report the plan.

    Raises:
        UnreadableSubmission: ``source`` does not exist or is damaged.
        CourseError: the roster, the platform or the pattern is wrong, or ``source`` is a course's own folder.
        AuthoringError: there is no such assignment.
    """
    catalogue = Catalogue(course)
    if assignment and assignment not in catalogue.notebooks:
        known = ", ".join(catalogue.notebooks) or "none"
        raise AuthoringError(f"There is no released assignment '{assignment}' (there are: {known}).")
    if (source / COURSE_FILE).is_file():
        raise CourseError(
            f"{source} is a course's own folder, not a download: it contains {COURSE_FILE}. "
            "Name the folder or the archive that comes from the platform."
        )
    people = _roster(course, roster)
    present = _present(course)
    with Download(source) as download:
        reading = read_download(
            download,
            people,
            catalogue.notebooks,
            present=present,
            zone=zone or dt.UTC,
            platform=platform,
            pattern=pattern,
        )
        if worksheet is not None:
            if reading.platform != "moodle":
                raise CourseError(f"--worksheet is for Moodle, but {source} is read as {reading.title}.")
            reading = replace(reading, worksheet=read_worksheet(worksheet))
        found = _Collection(course, catalogue, reading, download, people, present, assignment or "", dry_run).run()
    remarks = (*people.remarks(), *_zone_remark(reading, download, zone), *found.remarks)
    return replace(found, platform=reading.title, remarks=remarks)


def _roster(course: Course, path: Path | None) -> Roster:
    usual = course.root / FILE_NAME
    if path is None and not usual.is_file():
        return Roster()
    return Roster.read(path or usual)


def _present(course: Course) -> tuple[str, ...]:
    return tuple(sorted(name for name in students_in(course.submitted) if (course.submitted / name).is_dir()))


def _zone_remark(reading: Reading, download: Download, zone: dt.tzinfo | None) -> Iterator[str]:
    told = (one for each in download.files for one in reading.senders(each.path))
    if zone is None and any(sender.zoneless for sender in told):
        yield f"{reading.title} gives times without a zone: they are read as UTC. Name another zone with --zone."


class _Collection:
    def __init__(
        self,
        course: Course,
        catalogue: Catalogue,
        reading: Reading,
        download: Download,
        roster: Roster,
        present: tuple[str, ...],
        wanted: str,
        dry_run: bool,
    ) -> None:
        self._course, self._catalogue, self._reading, self._dry_run = course, catalogue, reading, dry_run
        self._files = {each.path: each for each in download.files}
        self._listed = list(_few_of_each(reading, download.files))
        everyone = [one for each in self._listed for one in reading.senders(each.path)]
        self._owners = Owners(roster, everyone, present)
        self._wanted = wanted
        self._aside = course.results / "collected"
        self._settling = Settling(course, catalogue, reading, dry_run)
        self._weight: Counter[str] = Counter()

    def run(self) -> Collected:
        chosen: dict[tuple[str, str], list[Handed]] = {}
        refused: list[tuple[DownloadedFile, str]] = []
        with_notebook: set[str] = set()
        for each in self._listed:
            try:
                for one in self._understand(each):
                    chosen.setdefault((one.student, one.assignment), []).append(one)
                    with_notebook.add(one.sender.identity)
            except UnreadableSubmission as error:
                refused.append((each, str(error)))
        placed: list[Placed] = []
        for group in chosen.values():
            try:
                placed += self._settling.place(group)
            # One student's trouble, and reported as such.
            except (UnreadableSubmission, GradebookError, OSError) as error:
                refused.append((group[-1].delivered, f"{error}"))
        beside: list[Unplaced] = []
        unplaced: list[Unplaced] = []
        for each, reason in refused:
            stray = self._keep_unplaced(each, reason)
            accompanies = not each.path.lower().endswith(".ipynb") and not each.fault and not each.reason
            owners = {sender.identity for sender in self._reading.senders(each.path)}
            (beside if accompanies and owners & with_notebook else unplaced).append(stray)
        if not self._dry_run and placed:
            self._settling.save()
        return Collected(tuple(placed), tuple(unplaced), tuple(beside), remarks=tuple(self._remarks(beside)))

    def _remarks(self, beside: list[Unplaced]) -> Iterator[str]:
        hidden = sum(sender.anonymous for each in self._listed for sender in self._reading.senders(each.path))
        if hidden:
            yield f"{self._reading.title} hides the students' names: they keep the names that it gives them."
        if any(PurePosixPath(each.origin).name == TIMESTAMP for each in beside):
            yield f"{TIMESTAMP} in a student's folder is ignored: only the platform's time of handing in counts."

    def _understand(self, each: DownloadedFile) -> list[Handed]:
        """Return the submissions that a file is.

        Raises:
            UnreadableSubmission: it is none; the message is the reason.
        """
        if each.fault:
            raise UnreadableSubmission(f"{each.fault}. Ask for it again.")
        people = self._reading.senders(each.path)
        if not people:
            raise UnreadableSubmission(self._nobody())
        if each.reason:
            raise UnreadableSubmission(f"{each.reason}.")
        if each.beside:
            raise UnreadableSubmission("its notebooks are placed; the rest of it is here.")
        if _TYPED.search(each.path):
            raise UnreadableSubmission("it is text or an address that was typed in, not a file. Ask for the notebook.")
        content = self._read(each)
        inner = each.path.removeprefix(self._reading.prefix)
        try:
            name = self._catalogue.assignment_of(inner, content, people[0].assignment, self._wanted)
        except UnreadableSubmission as error:
            raise UnreadableSubmission(f"{error}.") from error
        senders = [self._stamped(sender, each.path) for sender in people]
        ids = [(one, sender) for sender in senders for one in self._owners.students(sender)]
        members = tuple(sorted({one for one, _ in ids}))
        group = members if len(members) > 1 else ()
        digest, blank = hashlib.sha256(content).hexdigest(), self._catalogue.is_blank(name, content)
        exact = PurePosixPath(each.path).stem == self._catalogue.notebooks[name]
        return [Handed(one, name, each, sender, digest, blank, exact, inner, group) for one, sender in ids]

    def _read(self, each: DownloadedFile) -> bytes:
        """Return a file's bytes. Raises UnreadableSubmission: its sender has sent more than one person may."""
        owners = {sender.identity for sender in self._reading.senders(each.path)}
        if any(self._weight[owner] > _MOST_BYTES for owner in owners):
            raise UnreadableSubmission(f"all files of its sender together have more than {_MOST_BYTES >> 20} MiB")
        content = each.read()
        self._weight.update(dict.fromkeys(owners, len(content)))
        return content

    def _nobody(self) -> str:
        if self._reading.platform == "gradescope":
            return "Gradescope names nobody who handed it in: it is inactive, or was taken back."
        if self._reading.platform == "pattern":
            return "the pattern does not fit its path."
        return (
            f"its name does not tell whose it is (the download is read as {self._reading.title}). Rename it to "
            "STUDENT/NOTEBOOK.ipynb and collect that folder, or use --pattern."
        )

    def _stamped(self, sender: Submitter, path: str) -> Submitter:
        """Return ``sender`` with the time that the platform tells.

        Raises:
            UnreadableSubmission: that is not a time, or its zone is not understood.
        """
        stamp = self._files.get(self._reading.stamp_of(path))
        try:
            if stamp is not None:
                sender = replace(sender, at=read_moment(stamp.read().decode("utf-8", "replace"), self._reading.zone))
        except ValueError as error:
            raise UnreadableSubmission(f"{printable(stamp.path if stamp else path)}: {error}.") from error
        if sender.fault:
            raise UnreadableSubmission(f"when it was handed in cannot be read: {sender.fault}.")
        return sender

    def _keep_unplaced(self, each: DownloadedFile, reason: str) -> Unplaced:
        try:
            content = self._read(each)
        except UnreadableSubmission as error:
            return Unplaced(each.path, reason if each.fault else f"{error}. Ask for it again.")
        name = unicodedata.normalize("NFC", PurePosixPath(each.path).name)
        name = _UNSAFE.sub("_", name)[-100:].lstrip(".") or "file"
        path = self._aside / "not placed" / f"{hashlib.sha256(content).hexdigest()[:12]}-{name}"
        if not self._dry_run and not path.exists():
            write_atomically(path, content)
        return Unplaced(each.path, reason, path)


def _few_of_each(reading: Reading, files: Sequence[DownloadedFile]) -> Iterator[DownloadedFile]:
    """Yield the files that senders handed in; of one who sent very many, the first, and one that says so."""
    sent: Counter[tuple[str, bool]] = Counter()
    for each in files:
        if reading.is_platforms(each.path):
            continue
        is_notebook = each.path.lower().endswith(".ipynb")
        most = _MOST_NOTEBOOKS if is_notebook else _MOST_FILES
        owners = {(sender.identity, is_notebook) for sender in reading.senders(each.path)}
        sent.update(owners)
        many = max((sent[owner] for owner in owners), default=0)
        if many <= most:
            yield each
        elif many == most + 1:
            kind = "notebooks" if is_notebook else "files"
            why = f"its sender handed in more than {most} {kind}; this one and all further ones are left out"
            yield replace(each, fault=why)
