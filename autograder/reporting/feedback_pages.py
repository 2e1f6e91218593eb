"""Pages of feedback as one ZIP archive, named so that a platform gives each to its student."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.atomic_files import write_atomically
from autograder.collecting.receipts import Receipt, Receipts
from autograder.course import Course
from autograder.errors import CourseError

__all__ = ["PAGE_FORMATS", "PackedPages", "pack_feedback"]

PAGE_FORMATS = ("canvas", "moodle", "nbgrader")


@dataclass(frozen=True)
class PackedPages:
    """An archive of feedback pages.

    Attributes:
        path: the file.
        pages: the number of pages in it.
        left_out: the reason for each student without a page in it.
    """

    path: Path
    pages: int
    left_out: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Return the report."""
        return [f"{self.path}: {self.pages} pages.", *(f"{student}: {reason}" for student, reason in self.left_out)]


def pack_feedback(course: Course, platform: str, assignment: str, output: Path | None = None) -> PackedPages:
    """Pack the pages of feedback of one assignment.

    Canvas takes the archive by *Upload Submissions*, Moodle by *Upload multiple feedback files in a zip*: both find the
    student by the name that the download had. nbgrader's ``release_feedback`` takes what it unpacks to in the course's
    folder.

    Args:
        course: the course whose pages are packed.
        platform: one of :data:`PAGE_FORMATS`.
        assignment: its name, such as 01-convolution.
        output: the file; default ``feedback-PLATFORM-ASSIGNMENT.zip`` beside course.toml.

    Raises:
        CourseError: the platform is unknown, or there are no pages.
    """
    if platform not in PAGE_FORMATS:
        raise CourseError(f"Pages of feedback cannot be packed for '{platform}'. Use one of {', '.join(PAGE_FORMATS)}.")
    pages = sorted(course.feedback.glob(f"*/{assignment}/*.html"))
    if not pages:
        raise CourseError(
            f"There are no pages of feedback for '{assignment}'. Write them: autograder grade {assignment}."
        )
    receipts = Receipts(course).of(assignment)
    named: dict[str, Path] = {}
    left_out = []
    for page in pages:
        student = page.parts[-3]
        name = _name(platform, student, assignment, page, receipts.get(student))
        if name:
            named.setdefault(name, page)  # A group's page goes to the group once.
        else:
            left_out.append(
                (student, f"was not collected from {platform.capitalize()}, so its name there is not known.")
            )
    path = output or course.root / f"feedback-{platform}-{assignment}.zip"
    write_atomically(path, _archive(named), 0o600)
    return PackedPages(path, len(named), tuple(left_out))


def _archive(named: Mapping[str, Path]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in named.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), page.read_bytes(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _name(platform: str, student: str, assignment: str, page: Path, receipt: Receipt | None) -> str:
    """Return the page's name in the archive; empty if the platform's name for the student is not known."""
    if platform == "nbgrader":
        return f"feedback/{student}/{assignment}/{page.name}"
    if receipt is None or receipt.platform != platform or not receipt.origin:
        return ""
    origin = PurePosixPath(receipt.origin)
    if platform == "moodle":
        folder = origin.parts[0]
        if len(origin.parts) > 1:
            return f"{folder}/{page.name}"
        return f"{folder.partition('_assignsubmission_')[0]}_assignsubmission_file_/{page.name}"
    # Canvas reads the numbers of the student and of what was handed in, and shows the rest as the file's name.
    name, *rest = origin.name.split("_")
    numbers = rest[: 3 if rest[0] == "LATE" else 2]
    return "_".join([name, *numbers, page.name])
