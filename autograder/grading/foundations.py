"""Exercises that another one builds on, and the notebook in which these are right.

An error in one function shows in every function that calls it. So an exercise that fails is tried once more with right
functions below it: what fails no longer was inherited, what still fails is its own.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.grading.compiled_cells import loaded_names
from autograder.submission.model import Submission, SubmissionCell

__all__ = ["foundations", "on_right_foundations"]


def foundations(exercise: str, submission: Submission, assignment: Assignment) -> list[str]:
    """Return the exercises before ``exercise`` that it calls, directly or through other code, in the notebook's order.

    Counted are calls in the student's code, in the instructor's and in the checks.
    """
    uses = _uses(submission, assignment)
    own = {name for name, of in assignment.exercise_of.items() if of == exercise}
    checks = [cell for cell in assignment.checks if assignment.exercise_of[cell.exercise] == exercise]
    reached, open_names = set(own), {name for cell in checks for name in loaded_names(cell.source)} | own
    while open_names:
        reached |= open_names
        open_names = {used for name in open_names for used in uses.get(name, ())} - reached
    order = list(assignment.exercises)
    below = {assignment.exercise_of[name] for name in reached if name in assignment.exercise_of}
    return [each for each in order[: order.index(exercise)] if each in below]


def on_right_foundations(
    submission: Submission, assignment: Assignment, exercise: str, replaced: Collection[str]
) -> Submission:
    """Return the notebook with the instructor's code below that of the exercises ``replaced``, and the checks of
    ``exercise``.

    The student's own cell stays, for what else it defines.
    """
    return msgspec.structs.replace(submission, cells=tuple(_cells(submission, assignment, exercise, replaced)))


def _cells(
    submission: Submission, assignment: Assignment, exercise: str, replaced: Collection[str]
) -> Iterator[SubmissionCell]:
    of = assignment.exercise_of
    for cell in submission.cells:
        if cell.kind != "check" or of[cell.exercise] == exercise:
            yield cell
        if cell.kind == "exercise" and cell.exercise in replaced:
            source = assignment.exercises[cell.exercise].source
            yield SubmissionCell("extra", "", f"{cell.cell_id}-right", source, "", "code")


def _uses(submission: Submission, assignment: Assignment) -> Mapping[str, set[str]]:
    """Return, for each name that some cell defines, the names that its definition reads."""
    own = [cell.source for cell in submission.cells if cell.is_student_code]
    course = [cell.source for cell in assignment.cells if cell.kind in ("given", "exercise")]
    uses: dict[str, set[str]] = {}
    for source in (*own, *course):
        for name, read in _definitions(source):
            uses.setdefault(name, set()).update(read)
    return uses


def _definitions(source: str) -> Iterator[tuple[str, set[str]]]:
    try:
        tree = ast.parse("\n".join("" if line.lstrip()[:1] in "%!" else line for line in source.split("\n")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in tree.body:
        read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name, read
        else:
            stored = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
            yield from ((node.id, read) for node in stored if isinstance(node.ctx, ast.Store))
