"""Files are whole or not there, lie where nbgrader looks, and carry nothing that should not be in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader import utils
from nbgrader.nbgraderformat import MetadataValidator

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.gradebook.graded_notebooks import remove_strays, write_autograded
from autograder.gradebook.stamps import read_timestamp
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.submission.model import Submission


def test_a_graded_notebook_is_valid_and_lies_where_nbgrader_looks(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    path = write_autograded(course, assignment, "anna", submission, result)
    assert path == course.root / "autograded" / "anna" / assignment.name / "tiny_topic.ipynb"
    assert path.stat().st_mode & 0o777 == 0o400, "read-only, and hidden tests are for nobody else"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert [cell.id for cell in notebook.cells] == [cell.cell_id for cell in submission.cells]


def test_nbgrader_reads_every_score_from_the_outputs(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    notebook = nbformat.read(write_autograded(course, assignment, "anna", submission, result), as_version=4)
    graded = [cell for cell in notebook.cells if utils.is_grade(cell) and not utils.is_solution(cell)]
    scores = {cell.metadata.nbgrader.grade_id: utils.determine_grade(cell)[0] for cell in graded}
    assert scores == {"check-double-by-hand": 1.0, "check-double-general": 1.0, "check-shift-by-hand": 0.0}
    for cell in graded:
        kinds = [output.output_type for output in cell.outputs]
        assert kinds.count("error") + kinds.count("execute_result") == 1
        assert all(output.get("name") != "stderr" for output in cell.outputs)


def test_checks_hold_their_hidden_part_as_nbgrader_keeps_it_for_graders(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    notebook = nbformat.read(write_autograded(course, assignment, "anna", submission, result), as_version=4)
    check = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "check-double-general")
    assert "canary_of_the_tiny_topic" in check.source
    assert check.metadata.nbgrader.checksum == utils.compute_checksum(check)


def test_writing_again_gives_the_same_bytes(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    first = write_autograded(course, assignment, "anna", submission, result).read_bytes()
    assert write_autograded(course, assignment, "anna", submission, result).read_bytes() == first


def test_what_was_not_graded_writes_no_notebook(course: Course, assignment: Assignment, submission: Submission) -> None:
    with pytest.raises(GradebookError, match="not graded"):
        write_autograded(course, assignment, "anna", submission, not_graded(assignment, submission.key, "disk full"))
    assert not course.autograded.exists()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GradebookError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def submitted(course: Course) -> Path:
    folder = course.submitted / "anna" / "00-tiny-topic"
    folder.mkdir(parents=True)
    return folder / "timestamp.txt"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23 12:00:00.000000 UTC", "2026-11-23 12:00"),
        ("2026-11-23 13:00 +0100\n", "2026-11-23 12:00"),
        ("2026-11-23T12:00:00", "2026-11-23 12:00"),
        ("  \n", None),
    ],
)
def test_a_time_stamp_is_read_in_its_zone(text: str, moment: str | None, course: Course) -> None:
    submitted(course).write_text(text)
    found = read_timestamp(course, "anna", "00-tiny-topic")
    assert (found.strftime("%Y-%m-%d %H:%M") if found else None) == moment


@pytest.mark.parametrize("content", [b"yesterday evening", b"\xff\xfe", b"9" * 2000, b"99999999999999999"])
def test_a_time_stamp_without_a_time_is_a_message(content: bytes, course: Course) -> None:
    submitted(course).write_bytes(content)
    with pytest.raises(GradebookError, match="2026-11-23"):
        read_timestamp(course, "anna", "00-tiny-topic")


def test_a_time_stamp_that_is_a_link_is_not_followed(course: Course, tmp_path: Path) -> None:
    (tmp_path / "earlier").write_text("2001-01-01 00:00 UTC")
    submitted(course).symlink_to(tmp_path / "earlier")
    with pytest.raises(GradebookError, match="not a file"):
        read_timestamp(course, "anna", "00-tiny-topic")


def test_no_time_stamp_is_no_time(course: Course) -> None:
    assert read_timestamp(course, "anna", "00-tiny-topic") is None


def test_strays_are_removed_and_links_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    (folder / "link").symlink_to(outside)
    (folder / "link.ipynb").symlink_to(outside / "kept.txt")
    for name in ("a.ipynb", "timestamp.txt", "a.html", "misconceptions.py", ".hidden"):
        (folder / name).write_text("x")
    assert remove_strays(folder) == [".hidden", "deep", "link", "link.ipynb", "misconceptions.py"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.html", "a.ipynb", "timestamp.txt"]
    assert (outside / "kept.txt").read_text() == "kept"
    assert remove_strays(tmp_path / "nothing") == []


def test_what_goes_to_a_pipe_reaches_it_and_leaves_the_device_alone() -> None:
    source = (
        "from pathlib import Path\nfrom autograder.files import write_atomically\n"
        "write_atomically(Path('/dev/stdout'), b'grades')"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
    assert done.stdout == b"grades"
    assert Path("/dev/stdout").is_symlink()
