"""The steps that stand in nbgrader's own pipeline: ``nbgrader autograde``, its API and the formgrader's buttons.

``nbgrader_config.py`` names them. They rebuild a submission on the released skeleton, run it in isolation where
nbgrader would start a kernel, and keep hidden tests and unsafe output out of what students and graders see.
"""

from __future__ import annotations

import atexit
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.preprocessors.clearhiddentests import ClearHiddenTests

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import AutograderError, MachineryError
from autograder.gradebook.files import remove_strays
from autograder.gradebook.graded_notebooks import put_outputs, put_pictures, rebuild_notebook, repairs_of
from autograder.gradebook.picture_store import Album, OwnAlbum, Pictures, with_attachments
from autograder.gradebook.registration import new_id
from autograder.gradebook.result_store import ResultStore, result_key
from autograder.gradebook.sanitising import as_plain_text, safe_outputs
from autograder.grading.grade import grade_submission
from autograder.grading.result import Result
from autograder.isolation.sandbox import Sandbox
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.raw_cells import attachments_of

__all__ = ["IsolatedExecute", "RebuildSubmission", "ShowSafely", "StripHidden"]

Step = tuple[NotebookNode, dict[str, Any]]
# A space in the right place ends an HTML tag, a link or picture, a link's definition and an address, and changes no
# formula; a formula's command that could link, style or define is no command any more.
_NEUTRALISED = (
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),
    (re.compile(r"\](?=[(:\[])"), "] "),
    (re.compile(r"\b(https?:|ftp:|mailto:|javascript:|data:)(?=\S)", re.IGNORECASE), r"\1 "),
    (
        re.compile(
            r"\\(?=(?:href|url|style|class|cssId|require|unicode|data|mmlToken|includegraphics|def|gdef|edef|let|csname|"
            r"(?:re)?newcommand|(?:re)?newenvironment)(?![A-Za-z]))",
            re.IGNORECASE,
        ),
        r"\\ ",
    ),
)


class RebuildSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts the student's work on the released skeleton; the first of the sanitising steps."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """A new notebook in place of ``nb``; what was repaired is logged and noted in its metadata."""
        _, assignment = _subject(resources)
        submission = align(nb, assignment)
        for repair in submission.repairs:
            # A cell's name and tags are the student's: a terminal must not obey them.
            said = (repair.cell or "notebook", repair.what, repair.why)
            self.log.warning("%s: %s %s", *(as_plain_text(text, 500).replace("\n", " ") for text in said))
        return rebuild_notebook(assignment, submission), resources


class IsolatedExecute(Execute):  # type: ignore[misc]
    """Runs the notebook as ``autograder grade`` does, where nbgrader would start a kernel beside the hidden tests."""

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
        result = grade_submission(
            submission, assignment, _sandbox(course.data), course.secret, course.config.grading, course.hidden_data
        )
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


class StripHidden(ClearHiddenTests):  # type: ignore[misc]
    """Takes hidden tests, tracebacks and unsafe output out of a graded notebook before it becomes feedback."""

    enforce_metadata = False

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """The notebook as its student may see it; files that nbgrader copied beside it are removed."""
        course, _ = _subject(resources)
        names = resources["nbgrader"]
        remove_strays(course.feedback / names["student"] / names["assignment"])
        step: Step = super().preprocess(nb, resources)
        return step

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Step:
        """One cell of it."""
        cell, resources = super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = output.evalue.split("\n")
        return _shown_safely(cell), resources


class ShowSafely(Preprocessor):
    """Makes what a student wrote harmless wherever nbgrader renders a notebook to HTML, the formgrader included.

    The course's own text is shown as it was written. In the formgrader a list of the written answers comes first, and
    each one's marking scheme stands beside it.
    """

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """The notebook as it may be rendered."""
        assignment = _assignment_of(resources)
        self._own = _own_texts(assignment)
        step: Step = super().preprocess(nb, resources)  # type: ignore[no-untyped-call]
        if assignment is not None and "submission_id" in resources:  # Only a grader's page has one.
            nb.cells = _with_marking_schemes(nb.cells, assignment)
        return step

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Step:
        """One cell of it."""
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


def _neutralised(text: str) -> str:
    plain = as_plain_text(text, len(text))
    for pattern, harmless in _NEUTRALISED:
        plain = pattern.sub(harmless, plain)
    return plain


def _assignment_of(resources: dict[str, Any]) -> Assignment | None:
    """The assignment of what is rendered; None if that cannot be told, and then nothing is taken for the course's."""
    name = resources.get("assignment_id") or resources.get("nbgrader", {}).get("assignment")
    try:
        return _subject({"nbgrader": {"assignment": name}})[1] if name else None
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
        if answer is not None and answer.source.strip() != answer.release_source.strip():
            shown.append(_remark(f"**Marking scheme** (for graders only)\n\n{answer.source}"))
    links = ", ".join(f"[{name.removeprefix('answer-')}](#{name})" for name in answers)
    return [_remark(f"**Written answers to grade:** {links}"), *shown] if links else shown


def _remark(source: str) -> NotebookNode:
    node: NotebookNode = nbformat.from_dict(
        {"cell_type": "markdown", "id": new_id()[:8], "metadata": {}, "source": source}
    )  # type: ignore[no-untyped-call]
    return node


def _keep(course: Course, assignment: Assignment, result: Result) -> None:
    """Store the result, so that a page of feedback can be made of it."""
    from autograder.engine.messages import Bundle

    key = result_key(result.submission_key, assignment.key, Bundle.of(course, assignment).grader)
    ResultStore(course.results / "results").put(key, result)


def _subject(resources: dict[str, Any]) -> tuple[Course, Assignment]:
    """The course and the assignment that nbgrader is working on; its converters run in the course's folder."""
    course = Course.find(Path.cwd())
    return course, _assignment(course.root, resources["nbgrader"]["assignment"], _built(course, resources))


def _built(course: Course, resources: dict[str, Any]) -> int:
    """When the assignment was built: a long-running formgrader must not grade by an older version."""
    folder = course.source / resources["nbgrader"]["assignment"]
    return max((path.stat().st_mtime_ns for path in folder.glob("*")), default=0)


@lru_cache(maxsize=8)
def _assignment(root: Path, name: str, built: int) -> Assignment:
    return load_assignment(Course.find(root), name)


@lru_cache(maxsize=1)
def _sandbox(data: Path) -> Sandbox:
    """One warm sandbox for all submissions of this process."""
    sandbox = Sandbox.start(readable=[data] if data.is_dir() else [])
    atexit.register(sandbox.close)
    return sandbox
