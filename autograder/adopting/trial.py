"""The level at which each check of an adopted course can be graded, found out by trial.

The solution, the blank notebook and a battery of wrong ones are graded twice: with every check apart, and with every
check together, which is what nbgrader does. A check that gives the same points each time is graded apart, or asked
if it asked for more than calls with data. If the two differ, only together gives nbgrader's points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec

from autograder.audit.mutations import mutate
from autograder.authoring.adopted import Adoption, PlannedCheck, check_digest
from autograder.authoring.assignment import Assignment, adopted_assignment
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION
from autograder.course import Course
from autograder.engine.grader import solved
from autograder.engine.worker import options_of, sandbox_settings
from autograder.errors import MachineryError
from autograder.grading.adopted_check import with_files_beside
from autograder.grading.child import run_in_child
from autograder.grading.grade import grade_submission
from autograder.grading.result import CheckResult, decode_result, encode_result
from autograder.isolation.sandbox import Sandbox
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = ["Trials", "attempts_at", "blank_submission", "plan_notebook"]

_MOST_PER_EXERCISE = 6
_MOST = 30
_SETTINGS = GradingSettings(cell_seconds=10.0, check_seconds=10.0, total_seconds=60.0, follow_through=False)
_OUTER_SECONDS = 120.0


class TriedNotebook(NamedTuple):
    """A notebook that is graded to try the checks.

    Attributes:
        name: its name in the report.
        submission: the notebook itself.
    """

    name: str
    submission: Submission


class Trials:
    """A grader of a course's notebooks in one sandbox; use it as a context manager."""

    def __init__(self, course: Course, missing_ok: Sequence[str] = ()) -> None:
        self._course = course
        options = options_of(course, missing_ok)
        self._folders = [Path(path) for path in options.readable]
        self._sandbox = Sandbox.start(**sandbox_settings(options))

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.close()

    def grade(self, assignment: Assignment, submission: Submission) -> dict[str, CheckResult]:
        """Return the result of each check; empty if grading failed as a whole."""

        def work() -> bytes:
            with with_files_beside(self._folders, assignment):
                return encode_result(
                    grade_submission(submission, assignment, self._sandbox, self._course.secret, _SETTINGS)
                )

        try:
            result = decode_result(run_in_child(work, _OUTER_SECONDS).data)
        except MachineryError:
            self._sandbox.restart()
            return {}
        return {check.check: check for check in result.checks}


def plan_notebook(
    course: Course, unit: str, known: Adoption, trials: Trials, *, again: bool = False
) -> dict[str, PlannedCheck]:
    """Return the level of each check of the notebook ``unit``; a check that did not change keeps its one in ``known``.

    Raises:
        AuthoringError: the notebook cannot be read.
    """
    assignment = adopted_assignment(course, unit, msgspec.structs.replace(known, checks={}))
    kept = {} if again else _kept(assignment, known.checks.get(unit, {}))
    if len(kept) == len(assignment.checks):
        return kept
    together = _at_level(assignment, "together")
    seen: dict[str, list[tuple[str, CheckResult | None, CheckResult | None]]] = {}
    for attempt in attempts_at(assignment):
        apart, beside = trials.grade(assignment, attempt.submission), trials.grade(together, attempt.submission)
        for cell in assignment.checks:
            row = attempt.name, apart.get(cell.grade_id), beside.get(cell.grade_id)
            seen.setdefault(cell.grade_id, []).append(row)
    planned = {cell.grade_id: _planned(check_digest(cell.source), seen[cell.grade_id]) for cell in assignment.checks}
    return {name: kept.get(name, found) for name, found in planned.items()}


def _kept(assignment: Assignment, known: Mapping[str, PlannedCheck]) -> dict[str, PlannedCheck]:
    digests = {cell.grade_id: check_digest(cell.source) for cell in assignment.checks}
    return {
        name: msgspec.structs.replace(planned, check=digests[name])
        for name, planned in known.items()
        if name in digests and planned.check in ("", digests[name])
    }


def _at_level(assignment: Assignment, level: str) -> Assignment:
    cells = (msgspec.structs.replace(c, level=level) if c.kind == "check" else c for c in assignment.cells)
    return msgspec.structs.replace(assignment, cells=tuple(cells))


def _planned(digest: str, rows: Sequence[tuple[str, CheckResult | None, CheckResult | None]]) -> PlannedCheck:
    """Return the level at which a check gives what it gives together, from what it gave in all trials."""
    _, first, first_together = rows[0]
    for name, apart, together in rows:
        if together is not None and (apart is None or apart.points != together.points):
            return PlannedCheck("together", digest, _difference(name, apart, together))
    remark = ""
    if first_together is None or first_together.points < first_together.max_points:
        said = first_together.message.split("\n")[0] if first_together else "it cannot be graded"
        remark = f"the solution itself does not pass: {said}"
    level = first.level if first is not None else "apart"
    if level.startswith("asked"):
        return PlannedCheck("asked", digest, remark or level.partition(": ")[2])
    return PlannedCheck("apart", digest, remark)


def _difference(name: str, apart: CheckResult | None, together: CheckResult) -> str:
    gave = "nothing" if apart is None else f"{apart.points:g}"
    said = "" if apart is None or not apart.message else f" ({apart.message.splitlines()[-1][:120]})"
    return f"{name}: apart {gave}{said}, together {together.points:g}"


def attempts_at(assignment: Assignment) -> Iterator[TriedNotebook]:
    """Yield the solution, the blank notebook, and notebooks with one exercise wrong each."""
    right = solved(assignment)
    yield TriedNotebook("the solution", right)
    yield TriedNotebook("the blank notebook", blank_submission(assignment))
    count = 0
    for name, cell in assignment.exercises.items():
        for number, source in enumerate(_wrong(cell.source), 1):
            if count >= _MOST:
                return
            count += 1
            yield TriedNotebook(
                f"wrong answer {number} to {name}", _with(right, cell.grade_id, source, f"{name}-{number}")
            )


def blank_submission(assignment: Assignment) -> Submission:
    """Return the submission of the notebook as it is handed out."""
    right = solved(assignment)
    sources = {cell.cell_id: cell.release_source for cell in assignment.cells}
    cells = tuple(msgspec.structs.replace(cell, source=sources[cell.cell_id]) for cell in right.cells)
    return Submission(cells, (), "blank")


def _wrong(source: str) -> list[str]:
    """Return a few mechanical changes of a solution, of many kinds."""
    plain = "\n".join(line for line in source.split("\n") if BEGIN_SOLUTION not in line and END_SOLUTION not in line)
    try:
        found = list({each.operator: each.source for each in mutate(plain)}.values())
    except (SyntaxError, ValueError, RecursionError):
        return []
    step = max(1, len(found) // _MOST_PER_EXERCISE)
    return found[::step][:_MOST_PER_EXERCISE]


def _with(submission: Submission, grade_id: str, source: str, key: str) -> Submission:
    cells = (msgspec.structs.replace(c, source=source) if c.grade_id == grade_id else c for c in submission.cells)
    return Submission(tuple(cells), (), key)
