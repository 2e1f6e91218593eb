"""Put a download where the grader looks, keep whatever it replaces or cannot place, and report what was done."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autograder.collecting.delivered import Delivered, Download
from autograder.collecting.owners import Owners
from autograder.collecting.placing import Catalogue
from autograder.collecting.platforms import Reading, read_download
from autograder.collecting.receipts import Receipt, Receipts
from autograder.collecting.report import Collected, Placed, Unplaced, printable
from autograder.collecting.senders import Sender
from autograder.course import Course
from autograder.errors import AuthoringError, GradebookError, UnreadableSubmission
from autograder.gradebook.atomic import write_atomically
from autograder.gradebook.stamps import LATENESS, TIMESTAMP, read_timestamp
from autograder.roster import FILE_NAME, Roster
from autograder.times import read_moment

__all__ = ["collect"]

_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
_TYPED = re.compile(r"(/onlinetext\.html|_onlinetext_?[^/]*\.html|_\d+_(text|link|url)\.html|_attempt_[\d-]+\.txt)$")
_REVISION = re.compile(r"(-\d+)?(\.[A-Za-z0-9]+)*$")
_UNSAFE = re.compile(r"[^\w.@-]+")


@dataclass(frozen=True)
class _Submission:
    student: str
    assignment: str
    delivered: Delivered
    sender: Sender
    digest: str
    blank: bool
    exact: bool
    origin: str = ""
    group: tuple[str, ...] = ()
    remark: str = ""
    doubtful: bool = False

    @property
    def order(self) -> tuple[dt.datetime, int, int, bool, bool, str]:
        """What decides which of a student's files counts: the platform's word, then whether there is work in it."""
        sender = self.sender
        at = sender.at or _EARLIEST
        return at, sender.revision, sender.attempt, not self.blank, self.exact, self.delivered.path

    @property
    def receipt(self) -> Receipt:
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


def collect(
    course: Course,
    source: Path,
    *,
    assignment: str | None = None,
    roster: Path | None = None,
    zone: dt.tzinfo | None = None,
    platform: str = "",
    pattern: str = "",
    dry_run: bool = False,
) -> Collected:
    """Place what is in ``source`` under the course's ``submitted/``.

    Args:
        course: where to put it.
        source: a folder or a ZIP archive from a learning platform or nbgrader's exchange, or made by hand.
        assignment: which assignment it is; without it every notebook tells by itself.
        roster: a file of students; default ``students.csv`` beside course.toml, if there is one.
        zone: in which the platform tells the time where it names no zone; default UTC.
        platform: which platform it is from; default: what its root shows.
        pattern: a regular expression with named groups, for downloads from elsewhere.
        dry_run: only report what would be done.

    Raises:
        UnreadableSubmission: ``source`` does not exist or is damaged.
        CourseError: the roster, the platform or the pattern is wrong.
        AuthoringError: there is no such assignment.
    """
    catalogue = Catalogue(course)
    if assignment and assignment not in catalogue.notebooks:
        known = ", ".join(catalogue.notebooks) or "none"
        raise AuthoringError(f"There is no released assignment '{assignment}' (there are: {known}).")
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
        found = _Collection(course, catalogue, reading, download, people, present, assignment or "", dry_run).run()
    remarks = (*people.remarks(), *_zone_remark(reading, download, zone), *found.remarks)
    return replace(found, platform=reading.title, remarks=remarks)


def _roster(course: Course, path: Path | None) -> Roster:
    usual = course.root / FILE_NAME
    if path is None and not usual.is_file():
        return Roster()
    return Roster.read(path or usual)


def _present(course: Course) -> tuple[str, ...]:
    folder = course.submitted
    return tuple(sorted(each.name for each in folder.iterdir() if each.is_dir())) if folder.is_dir() else ()


def _zone_remark(reading: Reading, download: Download, zone: dt.tzinfo | None) -> Iterator[str]:
    told = (one for each in download.files for one in reading.senders(each.path))
    if zone is None and any(sender.zoneless for sender in told):
        yield f"{reading.title} tells the time without a zone: it is taken as UTC. --zone names another."


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
        self._listed = [each for each in download.files if not reading.is_platforms(each.path)]
        everyone = [one for each in self._listed for one in reading.senders(each.path)]
        self._owners = Owners(roster, everyone, present)
        self._wanted = wanted
        self._aside = course.results / "collected"
        self._receipts = Receipts(course)

    def run(self) -> Collected:
        chosen: dict[tuple[str, str], list[_Submission]] = {}
        refused: list[tuple[Delivered, str]] = []
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
                placed += self._place(group)
            except (UnreadableSubmission, GradebookError) as error:  # One student's trouble, and reported as such.
                refused.append((group[-1].delivered, f"{error}"))
        beside: list[Unplaced] = []
        unplaced: list[Unplaced] = []
        for each, reason in refused:
            stray = self._keep_unplaced(each, reason)
            accompanies = not each.path.lower().endswith(".ipynb") and not each.fault and not each.reason
            owners = {sender.identity for sender in self._reading.senders(each.path)}
            (beside if accompanies and owners & with_notebook else unplaced).append(stray)
        if not self._dry_run and placed:
            self._receipts.save()
        return Collected(tuple(placed), tuple(unplaced), tuple(beside), remarks=tuple(self._remarks(beside)))

    def _remarks(self, beside: list[Unplaced]) -> Iterator[str]:
        hidden = sum(sender.anonymous for each in self._listed for sender in self._reading.senders(each.path))
        if hidden:
            yield f"{self._reading.title} hides who they are: such students are called as it calls them."
        if any(PurePosixPath(each.origin).name == TIMESTAMP for each in beside):
            yield f"{TIMESTAMP} in a student's folder is not believed: only the platform tells when it came."

    def _understand(self, each: Delivered) -> list[_Submission]:
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
        content = each.read()
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
        return [_Submission(one, name, each, sender, digest, blank, exact, inner, group) for one, sender in ids]

    def _nobody(self) -> str:
        if self._reading.platform == "gradescope":
            return "Gradescope names nobody who handed it in: it is inactive, or was taken back."
        if self._reading.platform == "pattern":
            return "the pattern does not fit its path."
        return (
            f"its name does not tell whose it is (the download is read as {self._reading.title}). Rename it to "
            "STUDENT/NOTEBOOK.ipynb and collect that folder, or use --pattern."
        )

    def _stamped(self, sender: Sender, path: str) -> Sender:
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

    def _place(self, group: list[_Submission]) -> Iterator[Placed]:
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

    def _refused(self, one: _Submission) -> Placed:
        kept = self._keep(one.student, one.assignment, one.delivered.read())
        remark = (
            f"{printable(one.delivered.path)} is one of several files called after this student, and whoever handed "
            f"it in chose that name: none was placed. Look at {kept}."
        )
        return Placed(one.student, one.assignment, one.delivered.path, "older", remark, doubtful=True)

    def _settled(self, last: _Submission) -> Placed:
        target = self._course.submitted / last.student / last.assignment
        path = target / f"{self._catalogue.notebooks[last.assignment]}.ipynb"
        before = self._receipts.get(last.student, last.assignment)
        outcome, remark = self._outcome(path, last, before)
        content = last.delivered.read()
        if outcome == "older":
            self._keep(last.student, last.assignment, content)
            return Placed(last.student, last.assignment, last.delivered.path, outcome, remark, last.group, bool(remark))
        if outcome == "replaced":
            self._keep(last.student, last.assignment, path.read_bytes())
            if last.sender.by_file_name:
                remark = "it replaces what was there, which is kept aside; only the name of a file tells whose it is."
        if before is not None and before.platform == last.sender.platform and before.identity != last.sender.identity:
            remark += f" It came as {before.identity!a} before, and as {last.sender.identity!a} now."
        if not self._dry_run:
            self._write(path, last, content, outcome)
        remark = f"{last.remark} {remark}".strip()
        if last.receipt.lateness:
            remark = f"{remark} late, by an unknown time: {self._reading.title} does not tell when it came.".strip()
        return Placed(last.student, last.assignment, last.delivered.path, outcome, remark, last.group, last.doubtful)

    def _write(self, path: Path, last: _Submission, content: bytes, outcome: str) -> None:
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

    def _as_left(self, last: _Submission, before: Receipt | None) -> bool:
        """Whether the stamp that is there, or none, is what was left when ``before`` was collected."""
        try:
            now = read_timestamp(self._course, last.student, last.assignment)
        except GradebookError:
            return False
        folder = self._course.submitted / last.student / last.assignment
        then = before.at.astimezone(dt.UTC).replace(tzinfo=None) if before and before.at else None
        return now == then and (folder / LATENESS).is_file() == bool(before and before.lateness)

    def _outcome(self, path: Path, last: _Submission, before: Receipt | None) -> tuple[str, str]:
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

    def _is_somebody_else(self, last: _Submission, known: Receipt | None) -> bool:
        """Whether a name alone tells whose it is, and the platform's number for that name is another one now."""
        by_name = last.sender.platform in ("moodle", "brightspace") and not last.sender.anonymous and not last.group
        return (
            by_name
            and known is not None
            and known.platform == last.sender.platform
            and not known.group
            and known.identity != last.sender.identity
        )

    def _is_newer(self, last: _Submission) -> bool:
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

    def _keep_unplaced(self, each: Delivered, reason: str) -> Unplaced:
        try:
            content = each.read()
        except UnreadableSubmission as error:
            return Unplaced(each.path, reason if each.fault else f"{error}. Ask for it again.")
        name = unicodedata.normalize("NFC", PurePosixPath(each.path).name)
        name = _UNSAFE.sub("_", name)[-100:].lstrip(".") or "file"
        path = self._aside / "not placed" / f"{hashlib.sha256(content).hexdigest()[:12]}-{name}"
        if not self._dry_run and not path.exists():
            write_atomically(path, content)
        return Unplaced(each.path, reason, path)


def _with_rivals(last: _Submission, rivals: Sequence[_Submission]) -> _Submission:
    """Return ``last`` with a remark on the student's other files, between which nothing but a guess decides."""
    working = [each for each in rivals if not each.blank]
    others = ", ".join(printable(each.delivered.path) for each in (working or rivals)[:3])
    remark = f"several files of the same time: {printable(last.delivered.path)} counts; {others} "
    if working:
        remark += "kept aside. Look at all of them; if another is right, collect that one alone."
    else:
        remark += "is the notebook as it was handed out."
    return replace(last, remark=remark, doubtful=bool(working))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_or_remove(path: Path, text: str) -> None:
    if text:
        write_atomically(path, text.encode())
    else:
        path.unlink(missing_ok=True)
