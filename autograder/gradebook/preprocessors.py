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
from autograder.errors import MachineryError
from autograder.gradebook.files import remove_strays
from autograder.gradebook.graded_notebooks import put_outputs, rebuild_notebook, repairs_of
from autograder.gradebook.sanitising import safe_outputs
from autograder.grading.grade import grade_submission
from autograder.isolation.sandbox import Sandbox
from autograder.submission.alignment import align
from autograder.submission.model import Submission

__all__ = ["IsolatedExecute", "RebuildSubmission", "ShowSafely", "StripHidden"]

Step = tuple[NotebookNode, dict[str, Any]]
# A space in the right place ends an HTML tag, a link or picture, and a link's definition, and changes no formula.
_NEUTRALISED = ((re.compile(r"<(?=[A-Za-z/!?])"), "< "), (re.compile(r"\](?=[(:])"), "] "))


class RebuildSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts the student's work on the released skeleton; the first of the sanitising steps."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Step:
        """A new notebook in place of ``nb``; what was repaired is logged and noted in its metadata."""
        _, assignment = _subject(resources)
        submission = align(nb, assignment)
        for repair in submission.repairs:
            self.log.warning("%s: %s %s", repair.cell or "notebook", repair.what, repair.why)
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
            self.log.info("Left out of autograded: %s", name)
        submission = align(nb, assignment)
        result = grade_submission(
            submission, assignment, _sandbox(course.data), course.secret, course.config.grading, course.hidden_data
        )
        if result.status != "graded":
            raise MachineryError(f"{names['student']} was not graded: {result.reason} Grade it again.")
        noted = Submission(submission.cells, repairs_of(nb), submission.key)
        rebuilt = rebuild_notebook(assignment, noted)
        put_outputs(rebuilt, assignment, result)
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
    """Makes what a student wrote harmless wherever nbgrader renders a notebook to HTML, the formgrader included."""

    enabled = True

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Step:
        """One cell of it."""
        return _shown_safely(cell), resources


def _shown_safely(cell: NotebookNode) -> NotebookNode:
    if cell.cell_type == "code":
        cell.outputs = [nbformat.from_dict(output) for output in safe_outputs(cell.outputs)]  # type: ignore[no-untyped-call]
        return cell
    for pattern, harmless in _NEUTRALISED:
        cell.source = pattern.sub(harmless, cell.source)
    cell.pop("attachments", None)
    if cell.cell_type == "raw":
        cell.cell_type = "markdown"
    return cell


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
