"""The steps that stand in nbgrader's own pipeline: ``nbgrader autograde``, its API and the formgrader's buttons.

``nbgrader_config.py`` names them. They rebuild a submission on the released skeleton, run it in isolation where
nbgrader would start a kernel, and keep hidden tests and unsafe output out of what students and graders see.
"""

from __future__ import annotations

import atexit
import copy
import datetime as dt
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, SaveAutoGrades, SaveCells
from nbgrader.preprocessors.clearhiddentests import ClearHiddenTests
from nbgrader.utils import is_solution
from sqlalchemy import delete, insert, select

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import ADOPTED_NAME, Course
from autograder.errors import AutograderError, CourseError, GradebookError, MachineryError, UnreadableSubmission
from autograder.files import first_link
from autograder.gradebook.graded_notebooks import put_outputs, put_pictures, rebuild_notebook, remove_strays, repairs_of
from autograder.gradebook.journal import ResultStore, data_digest, grader_digest, result_key
from autograder.gradebook.lateness import ANSWERS, make_tables
from autograder.gradebook.registration import GUARD_KERNEL, new_id
from autograder.gradebook.sanitising import Album, OwnAlbum, Pictures, as_plain_text, safe_outputs, with_attachments
from autograder.gradebook.stamps import TIMESTAMP, read_stamp, timestamp_in
from autograder.gradebook.store import Gradebook
from autograder.gradebook.write_submission import hash_answer
from autograder.grading.adopted_check import with_files_beside
from autograder.grading.child import run_in_child
from autograder.grading.grade import grade_submission
from autograder.grading.lazy_entry import outer_seconds
from autograder.grading.reference import beside_notebook, reference_for
from autograder.grading.result import FORGEABLE, Result, decode_result, encode_result
from autograder.isolation.mounts import links_to
from autograder.isolation.sandbox import Sandbox
from autograder.submission.alignment import align, beside, choose
from autograder.submission.matching import catalogue_of
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import load
from autograder.submission.raw_cells import attachments_of

__all__ = [
    "AssignPenalties",
    "IsolatedExecute",
    "RebuildSubmission",
    "SaveGuardedCells",
    "SaveScores",
    "ShowSafely",
    "StripHidden",
]

Step = tuple[NotebookNode, dict[str, Any]]
# A space in the right place ends an HTML tag, a link or picture, a link's definition, an entity and an address, and
# changes no formula; a formula's command that could link, style or define is no command any more.
_NEUTRALISED = (
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),
    (re.compile(r"\](?=[(:\[])"), "] "),
    (re.compile(r"&(?=#|[A-Za-z]+;)"), "& "),
    (re.compile(r"\\(?=(?:m?kern|[hm]skip|[hm]space\*?)\s*\{?\s*-\s*[1-9]\d)"), r"\\ "),
    (re.compile(r"\b(https?:|ftp:|mailto:|javascript:|data:)(?=\S)", re.IGNORECASE), r"\1 "),
    (
        re.compile(
            r"\\(?=(?:raise|lower|moveleft|moveright|href|url|style|class|cssId|require|unicode|data|mmlToken|includegraphics|def|gdef|edef|let|csname|"
            r"(?:re)?newcommand|(?:re)?newenvironment)(?![A-Za-z]))",
            re.IGNORECASE,
        ),
        r"\\ ",
    ),
)


class SaveGuardedCells(SaveCells):  # type: ignore[misc]
    """A step that saves a source's cells in the gradebook, with a kernel that only isolated grading does without."""

    def _create_notebook(self, nb: NotebookNode) -> None:
        guarded = copy.copy(nb)
        guarded.metadata = {**nb.metadata, "kernelspec": GUARD_KERNEL}
        super()._create_notebook(guarded)


class RebuildSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """A step that puts the student's work on the released skeleton; the first of the sanitising steps."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """Return a new notebook in place of ``nb``; repairs are logged and noted in its metadata.

        Raises:
            UnreadableSubmission: a link stands in the place of its file or of a folder; nbgrader then grades nothing.
        """
        course, assignment = _subject(resources)
        _refuse_links(course, resources["nbgrader"])
        others = partial(catalogue_of, course)
        submission = align(_chosen(nb, course, assignment, resources["nbgrader"]["student"]), assignment, others)
        for repair in submission.repairs:
            # A cell's name and tags are the student's: a terminal must not obey them.
            said = (repair.cell or "notebook", repair.what, repair.why)
            self.log.warning("%s: %s %s", *(as_plain_text(text, 500).replace("\n", " ") for text in said))
        return rebuild_notebook(assignment, submission), resources


class IsolatedExecute(Execute):  # type: ignore[misc]
    """A step that runs the notebook as ``autograder grade`` does, instead of in a kernel beside the hidden tests."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any], km: Any = None) -> Step:
        """Give every cell of ``nb`` the outputs that grading it in isolation has.

        Raises:
            MachineryError: it could not be graded; nbgrader then reports the submission and writes no score.
        """
        course, assignment = _subject(resources)
        names = resources["nbgrader"]
        for name in remove_strays(course.autograded / names["student"] / names["assignment"]):
            self.log.info("Left out of autograded: %s", as_plain_text(name, 200).replace("\n", " "))
        submission = align(nb, assignment)
        result = _graded(course, assignment, submission)
        if result.status != "graded":
            raise MachineryError(f"{names['student']} was not graded: {result.reason} Grade it again.")
        noted = Submission(submission.cells, repairs_of(nb), submission.key)
        rebuilt = rebuild_notebook(assignment, noted)
        with Pictures.of(course) as pictures:
            album = Album(pictures)
            put_outputs(rebuilt, assignment, result, album)
            put_pictures(rebuilt, noted, album)
        _keep(course, assignment, result)
        return rebuilt, resources


class SaveScores(SaveAutoGrades):  # type: ignore[misc]
    """A step that saves scores as nbgrader does; a person's grade stays while it is for the same answer, or score."""

    def _add_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id, self.student_id
        )
        key, auto, manual, waited = grade.id, grade.auto_score, grade.manual_score, grade.needs_manual_grade
        super()._add_score(cell, resources)
        if cell.metadata["nbgrader"]["grade_id"] in _by_hand(resources):
            grade.auto_score, grade.needs_manual_grade = None, manual is None or waited
        if is_solution(cell):
            known = self._same_answer(key, hash_answer(cell.source, attachments_of(cell)))
        else:
            known = cell.cell_type == "code" and auto == grade.auto_score
        if manual is not None and known:
            grade.needs_manual_grade = waited
        self.gradebook.db.commit()

    def _same_answer(self, key: str, text: str) -> bool:
        """Return whether the grade ``key`` was kept for this text; from now on it is."""
        db = self.gradebook.db
        make_tables(db.connection())
        before = db.execute(select(ANSWERS.c.text).where(ANSWERS.c.id == key)).scalar()
        db.execute(delete(ANSWERS).where(ANSWERS.c.id == key))
        db.execute(insert(ANSWERS).values(id=key, text=text))
        return bool(before == text)


class AssignPenalties(NbGraderPreprocessor):  # type: ignore[misc]
    """A step that decides how late a submission is and what that costs, as ``autograder grade`` does."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """Return the same notebook; the gradebook has its lateness and penalty."""
        course, _ = _subject(resources)
        names = resources["nbgrader"]
        student, assignment = names["student"], names["assignment"]
        stamp = read_stamp(course, student, assignment)
        with Gradebook.of(course) as gradebook:
            settled = gradebook.settle(assignment, names["notebook"], student, stamp)
            for sentence in gradebook.questions(assignment, {student: stamp}).values():
                self.log.warning("%s: %s", student, sentence)
        if settled.late_penalty:
            self.log.warning("%s loses %g points for being late.", student, settled.late_penalty)
        return nb, resources


def _by_hand(resources: dict[str, Any]) -> set[str]:
    """Return the checks of an adopted course that a person grades, though they are tests."""
    return {cell.grade_id for cell in _subject(resources)[1].checks if cell.level == "by hand"}


def _existing_timestamp(self: CourseDirectory, dest_path: str) -> dt.datetime | None:
    """Return the time stamp in a folder; None, with a warning, if it cannot be read."""
    try:
        zone = ZoneInfo(Course.find(Path(self.root)).config.time_zone)
    except CourseError:  # A course of nbgrader's alone, in the same process.
        zone = ZoneInfo("UTC")
    try:
        return timestamp_in(Path(dest_path) / TIMESTAMP, zone)
    except GradebookError as error:
        self.log.warning("%s Its lateness is unknown, and it loses no points for it.", error)
        return None


# nbgrader's own reader ends the whole run over one stamp that is not a time, and drops zones that it does not know.
# There is no trait to replace it by.
CourseDirectory.get_existing_timestamp = _existing_timestamp


def _graded(course: Course, assignment: Assignment, submission: Submission) -> Result:
    """Return the result, found in a child that is ended when it takes too long: nbgrader and its formgrader go on."""
    settings, sandbox = course.config.grading, _sandbox(course)

    def folder() -> AbstractContextManager[None]:
        beside = with_files_beside([course.data], assignment) if course.adopted else None
        return beside or beside_notebook(course.release, assignment)

    with folder():
        reference_for(assignment)  # made here once, for every child

    def work() -> bytes:
        with folder():
            return encode_result(
                grade_submission(submission, assignment, sandbox, course.secret, settings, course.hidden_data)
            )

    try:
        return decode_result(run_in_child(work, outer_seconds(assignment, settings)).data)
    except MachineryError:
        sandbox.restart()  # whatever state it was left in
        raise


class StripHidden(ClearHiddenTests):  # type: ignore[misc]
    """A step that takes hidden tests, tracebacks and unsafe output out of a graded notebook before feedback is made."""

    enforce_metadata = False

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """Return the notebook as its student may see it; files that nbgrader copied beside it are removed."""
        course, _ = _subject(resources)
        names = resources["nbgrader"]
        remove_strays(course.feedback / names["student"] / names["assignment"])
        step: Step = super().preprocess(nb, resources)
        return step

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Step:
        """Return one cell of it."""
        cell, resources = super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [each for each in cell.outputs if each.get("text") != FORGEABLE]
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = output.evalue.split("\n")
        return _shown_safely(cell), resources


class ShowSafely(Preprocessor):
    """A step that makes a student's text harmless wherever nbgrader renders a notebook to HTML, also in the formgrader.

    The course's own text is shown as it was written. In the formgrader a list of the written answers comes first, and
    each one's marking scheme stands beside it.
    """

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """Return the notebook as it may be rendered."""
        assignment = _assignment_of(resources)
        self._own = _own_texts(assignment)
        step: Step = super().preprocess(nb, resources)  # type: ignore[no-untyped-call]
        if assignment is not None and "submission_id" in resources:  # Only a grader's page has one.
            nb.cells = _with_marking_schemes(nb.cells, assignment)
        return step

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Step:
        """Return one cell of it."""
        if cell.cell_type == "markdown" and cell.source in self._own:
            cell.pop("attachments", None)
            return cell, resources
        return _shown_safely(cell), resources


def _shown_safely(cell: NotebookNode) -> NotebookNode:
    if cell.cell_type == "code":
        cell.outputs = [nbformat.from_dict(output) for output in safe_outputs(cell.outputs)]  # type: ignore[no-untyped-call]
        return cell
    cell.source, attachments = with_attachments(cell.source, attachments_of(cell), OwnAlbum(), _neutralised)
    cell.pop("attachments", None)
    if attachments:
        cell["attachments"] = nbformat.from_dict(attachments)  # type: ignore[no-untyped-call]
    cell.cell_type = "markdown"
    return cell


def _chosen(nb: NotebookNode, course: Course, assignment: Assignment, student: str) -> Mapping[str, Any]:
    """Return the notebook that ``autograder grade`` would take: ``nb``, or one with work in it beside a blank one.

    Raises:
        UnreadableSubmission: a person has to decide which one counts.
    """
    path = course.submitted / student / assignment.name / f"{assignment.notebook}.ipynb"
    if not beside(path):
        return nb
    chosen, remark = choose(path, assignment, partial(catalogue_of, course))
    return load(chosen) if remark else nb


def _neutralised(text: str) -> str:
    plain = as_plain_text(text, len(text))
    for pattern, harmless in _NEUTRALISED:
        plain = pattern.sub(harmless, plain)
    return plain


def _assignment_of(resources: dict[str, Any]) -> Assignment | None:
    """Return the assignment of what is rendered; None if it is not known: then nothing is taken for the course's."""
    own = resources.get("nbgrader", {})
    names = {key: resources.get(f"{key}_id") or own.get(key) for key in ("assignment", "notebook")}
    try:
        return _subject({"nbgrader": names})[1] if names["assignment"] else None
    except AutograderError:
        return None


def _own_texts(assignment: Assignment | None) -> frozenset[str]:
    cells = assignment.cells if assignment is not None else ()
    return frozenset(cell.release_source for cell in cells if cell.cell_type == "markdown")


def _with_marking_schemes(cells: list[NotebookNode], assignment: Assignment) -> list[NotebookNode]:
    answers = {cell.grade_id: cell for cell in assignment.cells if cell.kind == "answer"}
    shown = []
    for cell in cells:
        shown.append(cell)
        answer = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if answer is not None and answer.marking_scheme:
            shown.append(_remark(f"**Marking scheme** (for graders only)\n\n{answer.marking_scheme}"))
    links = ", ".join(f"[{name.removeprefix('answer-')}](#{name})" for name in answers)
    return [_remark(f"**Written answers to grade:** {links}"), *shown] if links else shown


def _remark(source: str) -> NotebookNode:
    node: NotebookNode = nbformat.from_dict(
        {"cell_type": "markdown", "id": new_id()[:8], "metadata": {}, "source": source}
    )  # type: ignore[no-untyped-call]
    return node


def _keep(course: Course, assignment: Assignment, result: Result) -> None:
    """Store the result, so that a page of feedback can be made of it."""
    data = data_digest([course.data, course.hidden_data], course.results / "data.json")
    grader = grader_digest(course.secret.key, course.config.grading.limits(), data)
    key = result_key(result.submission_key, assignment.key, grader)
    ResultStore(course.results / "results").put(key, result)


def _refuse_links(course: Course, names: dict[str, str]) -> None:
    """Refuse links: nbgrader has read the file through them, and what they led to is not graded."""
    link = first_link(course.submitted / names["student"] / names["assignment"] / f"{names['notebook']}.ipynb")
    if link.is_symlink():
        raise UnreadableSubmission(f"{link} is a symbolic link. Put the file or folder itself in its place.")


def _subject(resources: dict[str, Any]) -> tuple[Course, Assignment]:
    """Return the course and the assignment that nbgrader is working on; its converters run in the course's folder."""
    course = Course.find(Path.cwd())
    names = resources["nbgrader"]
    name = f"{names['assignment']}/{names['notebook']}" if course.adopted else names["assignment"]
    return course, _assignment(course.root, name, _built(course, resources))


def _built(course: Course, resources: dict[str, Any]) -> int:
    """Return when the assignment was built: a long-running formgrader must not grade by an older version."""
    folder = course.source / resources["nbgrader"]["assignment"]
    plan = [course.root / ADOPTED_NAME] if course.adopted else []
    return max((path.stat().st_mtime_ns for path in [*folder.glob("*"), *plan]), default=0)


@lru_cache(maxsize=8)
def _assignment(root: Path, name: str, built: int) -> Assignment:
    return load_assignment(Course.find(root), name)


def _sandbox(course: Course) -> Sandbox:
    """Return one warm sandbox for all submissions of this process."""
    return _started(course.data, None if course.adopted else course.release)


@lru_cache(maxsize=1)
def _started(data: Path, notebooks: Path | None) -> Sandbox:
    readable = [data] if data.is_dir() else []
    sandbox = Sandbox.start(readable=readable, links=links_to(readable, notebooks) if notebooks else {})
    atexit.register(sandbox.close)
    return sandbox
