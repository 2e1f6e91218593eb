"""Whatever fails while one submission is read, graded, written or rendered ends that one alone, and is tried again."""

from __future__ import annotations

import base64
import importlib
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from autograder.engine.api import grade_class
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent
from autograder.engine.worker import Bundle
from autograder.gradebook.journal import result_key
from autograder.reporting.feedback_return import return_feedback
from autograder.submission.alignment import load_submission

if TYPE_CHECKING:
    from tests.engine.conftest import Class, Shared

NAME = "00-two-functions"
STEPS = [
    "engine.discover:_notebooks_at",
    "engine.class_run:look_up",
    "engine.class_run:parse",
    "engine.known_results:read_submission",
    "engine.known_results:align",
    "gradebook.journal:ResultStore.get",
    "engine.class_run:ClassRun._job",
    "gradebook.journal:Journal.earlier",
    "gradebook.journal:ResultStore.put",
    "gradebook.journal:Journal.keep",
    "engine.class_run:ClassRun._take",
    "gradebook.graded_notebooks:read_stamp",
    "gradebook.store:scores_of",
    "gradebook.store:_checked_scores",
    "gradebook.store:write_submission",
    "gradebook.store:Gradebook.record_all",
    "gradebook.store:Gradebook.marks",
    "gradebook.graded_notebooks:write_autograded",
    "gradebook.graded_notebooks:build_autograded",
    "gradebook.feedback:write_feedback",
    "gradebook.feedback:feedback_page",
    "gradebook.rendering:_rendered",
    "gradebook.rendering:embedded_pictures",
    "leaderboard.entrant:BoardNames.of_student",
    "gradebook.sanitising:Pictures.checked",
    "isolation.picture_process:PictureDesk.redraw",
    "engine.writer:Writer.mark",
    "gradebook.journal:Journal.enter",
]


def graded(a_class: Class, executor: Shared, *, again: bool = False) -> ClassReport:
    return grade_class(a_class.course, NAME, make_executor=lambda: executor, progress=Silent(), yes=True, again=again)


def picture(colour: str) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (5, 5), colour).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.fixture
def three(a_class: Class) -> Class:
    """Three students with code and pictures of their own, of whom Bob will have bad luck."""
    for student, colour in (("ada", "red"), ("bob", "blue"), ("eve", "green")):
        path = a_class.hand_in(student)
        notebook = json.loads(path.read_text())
        note = f"{student} drew ![this](data:image/png;base64,{picture(colour)})"
        notebook["cells"].append({"cell_type": "code", "source": f"whose = '{student}'", "metadata": {}})
        notebook["cells"].append({"cell_type": "markdown", "source": note, "metadata": {}})
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("answer"):
                cell["source"] = note
        path.write_text(json.dumps(notebook))
    return a_class


def break_for_bob(a_class: Class, step: str, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Callable[[], None]:
    """Make ``step`` fail whenever it has to do with Bob. Returns what repairs it."""
    module, _, path = step.partition(":")
    owner: Any = importlib.import_module(f"autograder.{module}")
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    usual = getattr(owner, name)
    submission = load_submission(a_class.path("bob"), a_class.assignment)
    bundle = Bundle.of(a_class.course, a_class.assignment)
    key = result_key(submission.key, a_class.assignment.key, bundle.grader)
    marks = ("bob", submission.key, key, str(base64.b64decode(picture("blue")))[2:-1])

    def broken(*args: Any, **options: Any) -> Any:
        told = repr(args[1:] if classes else args)
        if any(mark in told for mark in marks):
            raise error
        return usual(*args, **options)

    monkeypatch.setattr(owner, name, broken)
    return monkeypatch.undo


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_for_one_fails_for_nobody_else(
    three: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    repair = break_for_bob(three, step, monkeypatch, ValueError("broken on purpose"))
    try:
        report = graded(three, instant)
    finally:
        repair()
    assert report.exit_code == 3
    (bobs,) = [each for each in report.needing_a_look if each.student == "bob"]
    assert "broken on purpose" in bobs.reason
    assert {each.student for each in report.needing_a_look} == {"bob"}
    for student in ("ada", "eve"):
        assert three.totals()[student] == 4
        assert (three.root / "autograded" / student / NAME / "two_functions.ipynb").is_file()
        assert "4" in (three.root / "feedback" / student / NAME / "two_functions.html").read_text()
    again = graded(three, instant)
    assert again.exit_code == 0, again.lines()
    assert three.totals() == {"ada": 4, "bob": 4, "eve": 4}


def test_a_difference_that_cannot_be_told_for_one_is_told_for_the_others(
    three: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded(three, instant)
    repair = break_for_bob(three, "engine.class_run:ClassRun._change", monkeypatch, ValueError("broken on purpose"))
    try:
        report = graded(three, instant, again=True)
    finally:
        repair()
    assert report.exit_code == 3
    assert [each.student for each in report.needing_a_look if "broken on purpose" in each.reason] == ["bob"]
    assert graded(three, instant).exit_code == 0
    assert three.totals() == {"ada": 4, "bob": 4, "eve": 4}


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("deep"), OSError(28, "No space left on device"), AssertionError(),
     UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates"), KeyError("x\x1b[31m")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("step", ["engine.known_results:align", "gradebook.feedback:write_feedback"])
def test_whatever_kind_of_error_it_is(
    three: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    repair = break_for_bob(three, step, monkeypatch, error)
    try:
        report = graded(three, instant)
    finally:
        repair()
    assert report.exit_code == 3
    assert {"ada", "eve"} <= set(three.totals())
    assert all(line.isprintable() for line in report.lines())
    assert graded(three, instant).exit_code == 0


def test_pages_written_again_fail_one_by_one(three: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    graded(three, instant)
    for step in (
        "gradebook.feedback:feedback_page",
        "reporting.feedback_return:stored_result",
        "reporting.feedback_return:align",
    ):
        repair = break_for_bob(three, step, monkeypatch, ValueError("broken on purpose"))
        try:
            returned = return_feedback(three.course, NAME)
        finally:
            repair()
        assert returned.written == ("ada", "eve")
        assert [student for student, reason in returned.left if "broken on purpose" in reason] == ["bob"]
        assert returned.exit_code == 3
    assert return_feedback(three.course, NAME).exit_code == 0


def test_a_page_that_could_not_be_written_leaves_no_older_one_behind(
    three: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded(three, instant)
    page = three.root / "feedback" / "bob" / NAME / "two_functions.html"
    three.hand_in("bob", {})
    repair = break_for_bob(three, "gradebook.feedback:feedback_page", monkeypatch, ValueError("broken"))
    try:
        assert graded(three, instant).exit_code == 3
    finally:
        repair()
    assert not page.exists()
    assert graded(three, instant).exit_code == 0
    assert page.exists()
