"""nbgrader's own commands, with the course's nbgrader_config.py, grade in isolation and leak nothing."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.api
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.apps import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import UnreadableSubmission
from autograder.gradebook import preprocessors as steps
from autograder.gradebook.graded_notebooks import put_outputs, put_pictures, rebuild_notebook
from autograder.gradebook.lateness import nbgrader_configuration
from autograder.gradebook.store import Gradebook
from autograder.grading.grade import grade_submission
from autograder.submission.alignment import align

pytestmark = pytest.mark.filterwarnings("default")  # nbgrader's and nbconvert's own warnings.
LETTER = "a private letter"


@pytest.fixture
def submitted(course: Course, assignment: Assignment, notebook: dict[str, Any], tmp_path: Path) -> Course:
    """The course with anna's tampered submission, files that she left, and a link to a letter."""
    marks = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in notebook["cells"]]
    check = notebook["cells"][marks.index("check-double-general")]
    notebook["cells"].insert(1, json.loads(json.dumps(check)))
    check["source"], check["metadata"]["tags"] = "pass", ["skip-execution"]
    notebook["cells"][-1]["source"] = "<script>alert(1)</script> ![x](http://evil.example/x.png) because"
    folder = course.submitted / "anna" / assignment.name
    folder.mkdir(parents=True)
    (folder / "tiny_topic.ipynb").write_text(json.dumps(notebook))
    (folder / "timestamp.txt").write_text("2026-11-23 12:00:00 UTC")
    (tmp_path / "letter.txt").write_text(LETTER)
    (folder / "notes.txt").symlink_to(tmp_path / "letter.txt")
    (folder / "helper.py").write_text("x = 1")
    return course


def texts_below(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def test_the_whole_pipeline_of_nbgrader(
    submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    api = NbGraderAPI(config=nbgrader_configuration(submitted.root))

    outcome = api.generate_assignment(assignment.name, force=True)
    assert outcome["success"], outcome
    assert sorted(path.name for path in (submitted.release / assignment.name).iterdir()) == ["tiny_topic.ipynb"]
    assert "canary_of_the_tiny_topic" not in texts_below(submitted.release)

    outcome = api.autograde(assignment.name, "anna")
    assert outcome["success"], outcome
    graded = submitted.autograded / "anna" / assignment.name
    assert sorted(path.name for path in graded.iterdir()) == ["timestamp.txt", "tiny_topic.ipynb"]

    with nbgrader.api.Gradebook(submitted.gradebook_url, submitted.id) as gradebook:
        where = (assignment.notebook, assignment.name, "anna")
        scores = {cell.grade_id: gradebook.find_grade(cell.grade_id, *where).auto_score for cell in assignment.checks}
        assert scores == {"check-double-by-hand": 1.0, "check-double-general": 2.0, "check-shift-by-hand": 0.0}
        assert gradebook.find_grade("answer-why", *where).needs_manual_grade

    outcome = api.generate_feedback(assignment.name, "anna")
    assert outcome["success"], outcome
    feedback = submitted.feedback / "anna" / assignment.name
    assert sorted(path.name for path in feedback.iterdir()) == ["timestamp.txt", "tiny_topic.html"]
    page = (feedback / "tiny_topic.html").read_text()
    assert "What to look at again" in page, "it is the course's own page"
    for forbidden in ("canary_of_the_tiny_topic", "8675309", LETTER, "<script>alert(1)", 'src="http://evil'):
        assert forbidden not in page
    assert "x + x" in re.sub(r"<[^>]*>", "", page)


def test_nbgrader_and_autograder_grade_write_the_same_notebook(
    submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    path = submitted.submitted / "anna" / assignment.name / "tiny_topic.ipynb"
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    outcome = NbGraderAPI(config=nbgrader_configuration(submitted.root)).autograde(assignment.name, "anna")
    assert outcome["success"], outcome
    theirs = nbformat.read(submitted.autograded / "anna" / assignment.name / path.name, as_version=4)

    submission = align(json.loads(path.read_text()), assignment)
    result = grade_submission(submission, assignment, steps._sandbox(submitted), submitted.secret)
    ours = nbformat.from_dict(rebuild_notebook(assignment, submission))
    put_outputs(ours, assignment, result)
    put_pictures(ours, submission)
    assert json.loads(nbformat.writes(theirs)) == json.loads(nbformat.writes(ours))


def test_a_submission_that_cannot_be_read_does_not_stop_the_others(
    submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    broken = submitted.submitted / "bert" / assignment.name
    broken.mkdir(parents=True)
    (broken / "tiny_topic.ipynb").write_text('{"cells": [')
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    api = NbGraderAPI(config=nbgrader_configuration(submitted.root))
    assert api.autograde(assignment.name, "bert")["success"] is False
    assert api.autograde(assignment.name, "anna")["success"] is True
    assert not (submitted.autograded / "bert" / assignment.name).exists()


@pytest.mark.parametrize("linked", ["folder", "file", "student"])
def test_nbgrader_grades_nothing_that_a_link_leads_to(
    linked: str, submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    theirs, ours = submitted.submitted / "anna" / assignment.name, submitted.submitted / "bert" / assignment.name
    if linked != "student":
        ours.parent.mkdir()
    match linked:
        case "student":
            ours.parent.symlink_to(theirs.parent)
        case "folder":
            ours.symlink_to(theirs)
        case "file":
            ours.mkdir()
            (ours / "tiny_topic.ipynb").symlink_to(theirs / "tiny_topic.ipynb")
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    outcome = NbGraderAPI(config=nbgrader_configuration(submitted.root)).autograde(assignment.name, "bert")
    assert outcome["success"] is False
    assert "is a symbolic link" in outcome["log"] + str(outcome["error"])
    assert not (submitted.autograded / "bert" / assignment.name / "tiny_topic.ipynb").exists()


def test_nbgrader_grades_in_a_child_with_a_deadline(
    submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    monkeypatch.setattr(steps, "outer_seconds", lambda *_: 1.0)
    monkeypatch.setattr(steps, "grade_submission", lambda *_: time.sleep(600))
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    started = time.monotonic()
    outcome = NbGraderAPI(config=nbgrader_configuration(submitted.root)).autograde(assignment.name, "anna")
    assert outcome["success"] is False
    assert "Grading took longer" in outcome["log"] + str(outcome["error"])
    assert time.monotonic() - started < 300


def test_what_the_formgrader_shows_cannot_run(submitted: Course, assignment: Assignment) -> None:
    config = nbgrader_configuration(submitted.root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    hostile = (
        "<script>alert('canary')</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![x](http://evil/x) "
        "[y][ref]\n\n[ref]: javascript:alert(2)\n\n<javascript:alert(3)>"
    )
    cells = [
        nbformat.v4.new_markdown_cell(hostile, id="a"),
        nbformat.v4.new_raw_cell(hostile, id="b", metadata={"format": "text/html"}),
        nbformat.v4.new_code_cell("x", id="c", outputs=[
            nbformat.v4.new_output("display_data", {"text/html": hostile, "image/svg+xml": hostile}),
            nbformat.v4.new_output("display_data", {"text/markdown": hostile, "text/latex": hostile}),
            nbformat.v4.new_output("display_data", {"application/javascript": "alert('canary')"}),
        ]),
    ]  # fmt: skip
    exporter = HTMLExporter(config=config)
    names = {"student": "anna", "assignment": "a", "notebook": "n"}
    page, _ = exporter.from_notebook_node(
        nbformat.v4.new_notebook(cells=cells),
        resources={"nbgrader": names, "metadata": {}, "base_url": "", "toolbar": "", "index": 0, "total": 1},
    )
    for forbidden in ("<script>alert", "onerror=alert(1)>", 'href="javascript:', 'src="http://evil'):
        assert forbidden not in page


def test_the_sources_beside_a_notebook_are_never_copied(submitted: Course) -> None:
    config = nbgrader_configuration(submitted.root)
    assert "*.py" in config.CourseDirectory.ignore
    assert (submitted.source / "00-tiny-topic" / "tiny_topic.py").exists()


def test_nbgrader_too_takes_the_notebook_with_work_in_it(
    course: Course, assignment: Assignment, notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = course.submitted / "ada" / assignment.name
    folder.mkdir(parents=True)
    (folder / f"{assignment.notebook}.ipynb").write_text(assignment.release)
    (folder / "mine.ipynb").write_text(json.dumps(notebook))
    monkeypatch.chdir(course.root)
    resources = {"nbgrader": {"student": "ada", "assignment": assignment.name, "notebook": assignment.notebook}}
    blank = nbformat.reads(assignment.release, 4)
    rebuilt, _ = steps.RebuildSubmission().preprocess(blank, resources)
    assert "return x + x" in "".join(cell.source for cell in rebuilt.cells)
    (folder / "other.ipynb").write_text(json.dumps(notebook).replace("x + x", "2 * x"))
    with pytest.raises(UnreadableSubmission, match="more than one notebook"):
        steps.RebuildSubmission().preprocess(blank, resources)


def hand_in(course: Course, assignment: Assignment, student: str, notebook: str) -> Path:
    folder = course.submitted / student / assignment.name
    folder.mkdir(parents=True)
    (folder / "tiny_topic.ipynb").write_text(notebook)
    return folder


def test_nbgrader_copies_nothing_that_lies_beside_a_submission(
    submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself it copies what links lead to, an endless device too, and files of any size."""
    monkeypatch.chdir(submitted.root)
    copied: list[str] = []
    monkeypatch.setattr("nbgrader.converters.base.shutil.copy", lambda source, _: copied.append(source))
    folder = submitted.submitted / "anna" / assignment.name
    (folder / "endless").symlink_to("/dev/zero")
    with (folder / "large").open("wb") as stream:
        stream.truncate(1 << 40)
    os.mkfifo(folder / "pipe")
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    outcome = NbGraderAPI(config=nbgrader_configuration(submitted.root)).autograde(assignment.name, "anna")
    assert outcome["success"], outcome
    assert [each for each in copied if "submitted" in each] == []
    assert (submitted.autograded / "anna" / assignment.name / "timestamp.txt").is_file()


@pytest.mark.parametrize("put", ["pipe", "device", "huge"])
def test_nbgrader_waits_for_no_pipe_and_reads_no_endless_file(
    put: str, submitted: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(submitted.root)
    path = hand_in(submitted, assignment, "bert", "") / "tiny_topic.ipynb"
    if put != "huge":
        path.unlink()
    match put:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "huge":
            with path.open("wb") as stream:
                stream.truncate(1 << 40)
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    api = NbGraderAPI(config=nbgrader_configuration(submitted.root))
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (64 << 30, hard))  # so that a failure of this test harms nobody
    try:
        assert api.autograde(assignment.name, "bert")["success"] is False
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert api.autograde(assignment.name, "anna")["success"] is True


def test_a_terminal_does_not_obey_the_name_of_a_file_in_nbgraders_log(
    submitted: Course, assignment: Assignment
) -> None:
    folder = submitted.submitted / "anna" / assignment.name
    (folder / "\x1b]0;owned\x07\u202e\x1b[2J.ipynb").write_text("{}")
    with Gradebook.of(submitted) as gradebook:
        gradebook.register(assignment)
    command = [sys.executable, "-m", "nbgrader", "autograde", assignment.name, "--student", "anna"]
    done = subprocess.run(command, cwd=submitted.root, capture_output=True, text=True, timeout=200, check=False)
    said = done.stdout + done.stderr
    assert "Skipping unknown notebook" in said
    for control in ("\x1b]", "\x07", "\u202e", "\x1b[2J"):
        assert control not in said


def test_nbgrader_collects_nothing_that_a_link_leads_to(
    submitted: Course, assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It copies with the rights of the staff: a link to a solution would hand that in."""
    monkeypatch.chdir(submitted.root)
    inbound = tmp_path / "exchange" / submitted.id / "inbound"
    for student, kind in (("bert", "file"), ("carl", "folder"), ("dora", "plain"), ("emil", "pipe")):
        folder = inbound / f"{student}+{assignment.name}+2026-11-23 12:00:00.000000 UTC"
        theirs = submitted.submitted / "anna" / assignment.name
        if kind == "folder":
            folder.symlink_to(theirs)
            continue
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text("2026-11-23 12:00:00.000000 UTC")
        match kind:
            case "file":
                (folder / "tiny_topic.ipynb").symlink_to(theirs / "tiny_topic.ipynb")
            case "pipe":
                os.mkfifo(folder / "tiny_topic.ipynb")
            case "plain":
                (folder / "tiny_topic.ipynb").write_text("dora's")
    config = nbgrader_configuration(submitted.root)
    config.Exchange.root = str(tmp_path / "exchange")
    config.ExchangeCollect.check_owner = False
    outcome = NbGraderAPI(config=config).collect(assignment.name)
    assert outcome["success"], outcome
    found = {path.parts[-3]: path for path in submitted.submitted.glob("*/*/tiny_topic.ipynb")}
    assert sorted(found) == ["anna", "dora"]
    assert found["dora"].read_text() == "dora's"
