"""A grader that looks up what it has graded before, so that auditing an unchanged assignment costs a look-up."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autograder.audit.assignment_audit import Grader
from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.messages import Bundle
from autograder.gradebook.result_store import ResultStore, result_key
from autograder.grading.result import Result
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = ["stored_grader"]


def stored_grader(
    course: Course, grade: Grader, *, again: bool = False, settings: GradingSettings | None = None
) -> Grader:
    """Return ``grade``, called only for what the course's store of results does not hold.

    A result holds as long as submission, assignment, secret, limits and the grader's own code are the same.

    Args:
        course: whose store.
        grade: grades what is not stored; not called if there is nothing.
        again: ask for everything, and store it.
        settings: the limits that ``grade`` sets; default the course's.

    Raises:
        GradebookError: a result cannot be stored.
    """
    store = ResultStore(course.results / "results")

    def grader_of(assignment: Assignment) -> str:
        bundle = Bundle.of(course, assignment)
        return (bundle if settings is None else msgspec.structs.replace(bundle, settings=settings)).grader

    def look_up_or_grade(work: Sequence[tuple[Assignment, Submission]]) -> Sequence[Result]:
        graders = {assignment.key: grader_of(assignment) for assignment, _ in work}
        keys = [result_key(one.key, assignment.key, graders[assignment.key]) for assignment, one in work]
        known = {} if again else {key: found for key in keys if (found := store.get(key)) is not None}
        missing = [number for number, key in enumerate(keys) if key not in known]
        for number, result in zip(missing, grade([work[each] for each in missing]) if missing else (), strict=True):
            known[keys[number]] = result
            if result.status == "graded":
                store.put(keys[number], result)
        return [known[key] for key in keys]

    return look_up_or_grade
