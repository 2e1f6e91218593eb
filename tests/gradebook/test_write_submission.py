"""What lands in the database is what nbgrader's own pipeline puts there, and a person's work survives a regrade."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.api
import pytest
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from sqlalchemy import text

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import build_autograded
from autograder.gradebook.registration import GUARD_KERNEL
from autograder.gradebook.store import Gradebook
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission

TABLES = ("assignment", "notebook", "base_cell", "grade_cells", "solution_cells", "source_cell", "student",
          "submitted_assignment", "submitted_notebook", "grade", "comment")  # fmt: skip


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every table's content with random keys replaced by the names that they stand for.

    The table of courses is left out: nbgrader's steps add a ``default_course`` whenever they open a database.
    """
    engine = nbgrader.api.create_engine(url)
    content: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, str] = {}
    with engine.connect() as connection:
        for table in TABLES:
            found = [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {table}"))]
            for row in found:
                parts = [str(row.get("name") or names.get(row.get("cell_id", ""), "")), str(row.get("type", ""))]
                names.setdefault(str(row.get("id")), f"{table}:{':'.join(parts)}")
            content[table] = found
    engine.dispose()
    return {
        table: sorted(
            ({k: names.get(v, v) for k, v in row.items()} for row in found), key=repr
        )
        for table, found in content.items()
    }  # fmt: skip


def test_an_assignment_is_registered_as_generate_assignment_does(course: Course, assignment: Assignment) -> None:
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    stock = course.root.parent / "stock"
    shutil.copytree(course.source, stock / "source", ignore=shutil.ignore_patterns("*.py"))
    config = Config()
    config.CourseDirectory.root, config.CourseDirectory.course_id = str(stock), course.id
    outcome = NbGraderAPI(config=config).generate_assignment(assignment.name)
    assert outcome["success"], outcome
    url = course.gradebook_url
    with Gradebook(url, course.id) as gradebook:
        gradebook.register(assignment)
    ours, theirs = rows(url), rows(f"sqlite:///{stock / 'gradebook.db'}")
    # Ours names a kernel that does not exist, so that nbgrader without isolation runs nothing.
    assert [json.loads(str(each.pop("kernelspec"))) for each in ours["notebook"]] == [GUARD_KERNEL]
    assert all(each.pop("kernelspec") for each in theirs["notebook"])
    assert ours == theirs


def test_registering_again_changes_nothing(url: str, assignment: Assignment) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment, dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC))
        first = rows(url)
        gradebook.register(assignment)
        assert rows(url) == first


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_scores_are_those_that_nbgrader_reads_from_the_notebook(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    ours, stock = course.gradebook_url, f"sqlite:///{course.root / 'stock.db'}"
    for url in (ours, stock):
        with Gradebook(url, course.id) as gradebook:
            gradebook.register(assignment)
    with Gradebook(ours, course.id) as gradebook:
        gradebook.record(assignment, "anna", submission, result)
    with nbgrader.api.Gradebook(stock, course.id) as gradebook:
        gradebook.add_student("anna", first_name="", last_name="anna")
        gradebook.add_submission(assignment.name, "anna")
    notebook = nbformat.from_dict(build_autograded(assignment, submission, result))
    names = {"notebook": assignment.notebook, "assignment": assignment.name, "student": "anna", "db_url": stock}
    for step in (SaveAutoGrades(), AssignLatePenalties()):
        notebook, _ = step.preprocess(notebook, {"nbgrader": names})
    assert rows(ours) == rows(stock)


def test_nbgrader_adds_the_points_up_as_we_do(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        recorded = gradebook.record(assignment, "anna", submission, result)
    with nbgrader.api.Gradebook(url, "tiny") as stock:
        found = stock.find_submission(assignment.name, "anna")
        assert (recorded.score, recorded.max_score) == (found.score, found.max_score) == (2.0, 7.0)
        assert recorded.needs_manual_grade is found.needs_manual_grade is False
        comments = {c.name: c.auto_comment for c in found.notebooks[0].comments}
        assert comments == {"double": None, "shift": None, "answer-why": "No response."}


def test_a_written_answer_waits_for_a_person(
    url: str, assignment: Assignment, notebook: dict[str, Any], result: Result
) -> None:
    notebook["cells"][-1]["source"] = "Because."
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        recorded = gradebook.record(assignment, "anna", align(notebook, assignment), result)
    assert recorded.needs_manual_grade
    with nbgrader.api.Gradebook(url, "tiny") as stock:
        grade = stock.find_grade("answer-why", assignment.notebook, assignment.name, "anna")
        assert grade.auto_score is None


def test_work_that_may_stand_elsewhere_waits_for_a_person_and_is_no_zero(
    url: str, assignment: Assignment, notebook: dict[str, Any], result: Result
) -> None:
    notebook["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "Two and two are four, I say."})
    notebook["cells"] = [c for c in notebook["cells"] if "def shift" not in c["source"]]
    notebook["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": "```\ndef shift(x): return x\n```"})
    submission = align(notebook, assignment)
    assert sorted(look.cell for look in submission.looks) == ["answer-why", "shift"]
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        assert gradebook.record(assignment, "anna", submission, result).needs_manual_grade
    with nbgrader.api.Gradebook(url, "tiny") as stock:
        found = {
            name: stock.find_grade(name, assignment.notebook, assignment.name, "anna")
            for name in ("answer-why", "check-shift-by-hand", "check-double-by-hand")
        }
        assert {name: grade.needs_manual_grade for name, grade in found.items()} == {
            "answer-why": True, "check-shift-by-hand": True, "check-double-by-hand": False,
        }  # fmt: skip
        assert found["answer-why"].auto_score is None


def test_a_regrade_keeps_what_a_person_gave(
    url: str, assignment: Assignment, submission: Submission, graded: Callable[..., Result]
) -> None:
    where = (assignment.notebook, assignment.name, "anna")
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        gradebook.record(assignment, "anna", submission, graded())
        with nbgrader.api.Gradebook(url, "tiny") as stock:
            stock.find_grade("check-double-general", *where).manual_score = 1.5
            stock.find_grade("check-double-by-hand", *where).extra_credit = 0.5
            stock.find_comment("double", *where).manual_comment = "Nicely done."
            stock.db.commit()
        gradebook.register(assignment)
        recorded = gradebook.record(assignment, "anna", submission, graded(double_by_hand=1, double_general=2))
    assert recorded.score == 1.5 + 1 + 0.5
    with nbgrader.api.Gradebook(url, "tiny") as stock:
        grade = stock.find_grade("check-double-general", *where)
        assert (grade.auto_score, grade.manual_score, grade.needs_manual_grade) == (2.0, 1.5, True)
        assert stock.find_grade("check-double-by-hand", *where).extra_credit == 0.5
        assert stock.find_comment("double", *where).comment == "Nicely done."


def test_recording_twice_is_recording_once(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        gradebook.record(assignment, "anna", submission, result)
        once = rows(url)
        gradebook.record(assignment, "anna", submission, result)
        assert rows(url) == once


def test_what_was_not_graded_leaves_no_trace(url: str, assignment: Assignment, submission: Submission) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        before = rows(url)
        with pytest.raises(GradebookError, match="worker lost"):
            gradebook.record(assignment, "anna", submission, not_graded(assignment, submission.key, "worker lost"))
        assert rows(url) == before


@pytest.mark.parametrize("points", [-1.0, 1.5, float("nan"), float("inf")])
def test_points_that_cannot_be_are_refused(
    points: float, url: str, assignment: Assignment, submission: Submission, graded: Callable[..., Result]
) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        before = rows(url)
        with pytest.raises(GradebookError, match="not between"):
            gradebook.record(assignment, "anna", submission, graded(double_by_hand=points))
        assert rows(url) == before


def test_a_result_of_another_version_is_refused(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    from msgspec.structs import replace

    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        with pytest.raises(GradebookError, match="does not fit"):
            gradebook.record(assignment, "anna", submission, replace(result, checks=result.checks[1:]))


@pytest.mark.parametrize("student", ["", "x" * 129, "line\nbreak"])
def test_an_impossible_student_id_is_refused(
    student: str, url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        with pytest.raises(GradebookError, match="not a student id"):
            gradebook.record(assignment, student, submission, result)


def test_an_unregistered_assignment_is_a_message(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny") as gradebook, pytest.raises(GradebookError, match="not in the gradebook"):
        gradebook.record(assignment, "anna", submission, result)


def test_a_penalty_is_what_the_configured_plugin_says(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    due = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment, due)
        on_time = gradebook.record(assignment, "a", submission, result, dt.datetime(2026, 11, 20, 11, tzinfo=dt.UTC))
        late = gradebook.record(assignment, "b", submission, result, dt.datetime(2026, 11, 20, 11, 0, 1, tzinfo=dt.UTC))
        very_late = gradebook.record(assignment, "c", submission, result, dt.datetime(2027, 11, 20, tzinfo=dt.UTC))
    assert [on_time.late_penalty, late.late_penalty, very_late.late_penalty] == [0.0, 0.5, 2.0]
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        found = stock.find_submission(assignment.name, "b")
        assert (found.late_submission_penalty, found.total_seconds_late) == (0.5, 1.0)


def test_a_due_date_set_in_formgrader_and_an_extension_count(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny", late_penalty=lambda student, score, seconds: seconds) as gradebook:
        gradebook.register(assignment)
        gradebook.record(assignment, "anna", submission, result, dt.datetime(2026, 11, 20, 12, 0, 1, tzinfo=dt.UTC))
        with nbgrader.api.Gradebook(url, "tiny") as stock:
            stock.update_or_create_assignment(assignment.name, duedate="2026-11-20 12:00 UTC")
        gradebook.register(assignment)
        assert gradebook.record(assignment, "anna", submission, result).late_penalty == 1.0
        with nbgrader.api.Gradebook(url, "tiny") as stock:
            stock.grant_extension(assignment.name, "anna", hours=1)
        assert gradebook.record(assignment, "anna", submission, result).late_penalty == 0.0


def test_a_changed_assignment_keeps_old_submissions(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    import json

    from msgspec.structs import replace

    gone = "check-shift-by-hand"
    release = json.loads(assignment.release)
    release["cells"] = [c for c in release["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") != gone]
    cells = tuple(cell for cell in assignment.cells if cell.grade_id != gone)
    smaller = replace(assignment, cells=cells, release=json.dumps(release))
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(smaller)
        shorter = replace(result, checks=tuple(c for c in result.checks if c.check != gone))
        gradebook.record(smaller, "anna", submission, shorter)
        gradebook.register(assignment)
        assert gradebook.record(assignment, "anna", submission, result).max_score == 7.0
        gradebook.register(smaller)
        assert gradebook.record(smaller, "anna", submission, shorter).max_score == 6.0
        gradebook.register(assignment)
        gradebook.record(assignment, "anna", submission, result)
        with nbgrader.api.Gradebook(url, "tiny") as stock:
            stock.find_grade(gone, assignment.notebook, assignment.name, "anna").manual_score = 1
            stock.db.commit()
        with pytest.raises(GradebookError, match=gone):
            gradebook.register(smaller)


def test_a_gradebook_on_a_full_disk_says_so(
    tmp_path: Path, assignment: Assignment, submission: Submission, result: Result
) -> None:
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url, "tiny") as gradebook:
        gradebook.register(assignment)
        database = gradebook._database
        pages = database.read(lambda db: db.execute(text("PRAGMA page_count")).scalar())
        database.read(lambda db: db.execute(text(f"PRAGMA max_page_count = {pages}")))
        for number in range(50):
            try:
                gradebook.record(assignment, f"student-{number}", submission, result)
            except GradebookError as error:
                message = str(error)
                break
        else:
            pytest.fail("the file grew past its limit")
    assert "disk is full" in message
    graded = [row["student_id"] for row in rows(url)["submitted_assignment"]]
    assert f"student-{number}" not in graded
    assert len(rows(url)["grade"]) == 4 * len(graded)
