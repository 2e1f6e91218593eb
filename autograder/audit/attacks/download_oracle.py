"""The judge of intake: whether a file in a download takes another student's place, or stops the others."""

from __future__ import annotations

import datetime as dt
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.audit.attacks.catalogue import Intake
from autograder.authoring.assignment import Assignment
from autograder.collecting.collection import collect_downloads
from autograder.course import Course
from autograder.errors import MachineryError
from autograder.grading.child import run_in_child

__all__ = ["breaches_of_intake"]

_SECONDS, _MEMORY = 60.0, 1 << 30
_ROSTER = "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,ada@x.org,4711\neve,Eve,Stone,eve@x.org,4713\n"
_DUE = "2026-03-02T12:00:00Z"
_WRITTEN = (2026, 3, 3, 10, 0, 0)  # both were handed in late
_LATE = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
_METADATA = """submission_11:
  :submitters:
  - :name: Ada Lovelace
    :email: ada@x.org
  :created_at: 2026-03-03 10:00:00 Z
submission_13:
  :submitters:
  - :name: Eve Stone
    :email: eve@x.org
  :created_at: 2026-03-03 10:00:00 Z
"""


def breaches_of_intake(made: Intake, assignment: Assignment) -> Iterator[str]:
    """Yield what the files of Eve, the attacker, did to Ada's in a download of both."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        course = _course(root / "course", assignment)
        theirs = assignment.release.encode() + b"\n"
        download = _download(root / "download.zip", made, theirs, assignment)

        def work() -> bytes:
            collect_downloads(course, download)
            return b""

        try:
            outcome = run_in_child(work, _SECONDS, memory_bytes=4 << 30)
        except MachineryError as error:
            yield f"the command ended: {str(error).strip().splitlines()[-1][:200]}"
            return
        if outcome.peak_rss_bytes > _MEMORY:
            yield f"collecting took {outcome.peak_rss_bytes >> 20} MB of memory"
        yield from _misplaced(course, assignment, theirs)


def _misplaced(course: Course, assignment: Assignment, theirs: bytes) -> Iterator[str]:
    folder = course.submitted / "ada" / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    if not path.is_file() or path.read_bytes() != theirs:
        yield "another student's file is not the one that was handed in"
    for student in sorted(path.name for path in course.submitted.iterdir()):
        if student not in ("ada", "eve"):
            yield f"a student was made: {student[:40]}"
    for stamp in course.submitted.glob(f"*/{assignment.name}/timestamp.txt"):
        moment = dt.datetime.fromisoformat(stamp.read_text().strip().removesuffix(" UTC")).replace(tzinfo=dt.UTC)
        if moment <= _LATE:
            yield f"the late work of {stamp.parts[-3]} became punctual"
    strays = [path for path in course.root.parent.iterdir() if path.name not in ("course", "download.zip")]
    yield from (f"a file was written outside: {path.name}" for path in strays)


def _course(root: Path, assignment: Assignment) -> Course:
    (root / "notebooks" / assignment.name).mkdir(parents=True)
    (root / "notebooks" / assignment.name / f"{assignment.notebook}.ipynb").write_text(assignment.release)
    text = f'id = "c"\nfixed_secret = "c"\n[assignments.{assignment.name}]\ndue = {_DUE}\n'
    (root / "course.toml").write_text(text)
    (root / "students.csv").write_text(_ROSTER)
    return Course.find(root)


def _download(path: Path, made: Intake, theirs: bytes, assignment: Assignment) -> Path:
    """Write a download of Ada's file and Eve's, under the names that the platform gives and those that she chose."""
    name = f"{assignment.notebook}.ipynb"
    honest = {
        "canvas": {f"lovelaceada_LATE_4711_90_{name}": theirs},
        "moodle": {f"Ada Lovelace_4711_assignsubmission_file_/{name}": theirs},
        "gradescope": {
            "assignment_5_export/submission_metadata.yml": _METADATA.encode(),
            f"assignment_5_export/submission_11/{name}": theirs,
        },
        "nbgrader": {f"ada+{assignment.name}+2026-03-03 10:00:00.5 UTC+abc/{name}": theirs},
    }[made.platform]
    before = {
        "canvas": "stoneeve_LATE_4713_91_",
        "moodle": "Eve Stone_4713_assignsubmission_file_/",
        "gradescope": "assignment_5_export/submission_13/",
        "nbgrader": f"eve+{assignment.name}+2026-03-03 10:00:00.5 UTC+abd/",
    }[made.platform]
    chosen = {name if key == "NOTEBOOK" else key: content for key, content in made.files.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in {**honest, **{before + key: content for key, content in chosen.items()}}.items():
            entry = zipfile.ZipInfo(key, made.at or _WRITTEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path
