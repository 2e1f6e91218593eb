"""The contents of a page of feedback, printed in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.authoring.assignment import Assignment
from autograder.gradebook.feedback import ExerciseSummary, exercise_summaries
from autograder.gradebook.sanitising import as_plain_text
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

__all__ = ["print_practice"]

_LONGEST = 2000


def print_practice(
    assignment: Assignment, submission: Submission, result: Result, left_out: Sequence[str], console: Console
) -> None:
    """Print points by exercise, what to look at again and why, cells that stopped, and what was repaired.

    Args:
        left_out: checks that were not run, by name.
    """
    exercises = exercise_summaries(assignment, submission, result)
    console.print(_table(exercises))
    by_hand = assignment.max_points - assignment.auto_points
    skipped = sum(cell.points for cell in assignment.checks if cell.grade_id in left_out)
    console.print(Text(_total(result, assignment.auto_points - skipped, by_hand)), soft_wrap=True)
    for exercise in exercises:
        if exercise.failed:
            _print_exercise(exercise, console)
    for line in (*_stopped(submission, result), *_repaired(submission), *_skipped(left_out, skipped)):
        console.print(Text(line), soft_wrap=True)


def _table(exercises: Sequence[ExerciseSummary]) -> Table:
    table = Table("Exercise", "State", box=SIMPLE_HEAD, show_edge=False)
    table.add_column("Points", justify="right")
    for exercise in exercises:
        failed = len(exercise.failed)
        state = "passes" if not failed else "empty" if exercise.blank else f"{failed} failed"
        table.add_row(Text(exercise.name), state, f"{exercise.points:g} of {exercise.max_points:g}")
    return table


def _total(result: Result, possible: float, by_hand: float) -> str:
    points = round(result.points, 2)
    told = f"{points:g} of {possible:g} points by checks, hidden ones included."
    return f"{told} A person who reads written answers gives {by_hand:g} more." if by_hand else told


def _print_exercise(exercise: ExerciseSummary, console: Console) -> None:
    console.print(Text(f"\n{exercise.name}", style="bold"))
    if exercise.blank:
        console.print("  You left this exercise empty.")
        return
    for sentence in exercise.explanations:
        console.print(Text(_indented(sentence, "  "), style="yellow"), soft_wrap=True)
    for check in exercise.failed:
        console.print(Text(f"  {_name(check)}: {round(check.points, 2):g} of {check.max_points:g} points"))
        said = "\n".join(filter(None, (check.message, "" if check.explanation else check.observed)))
        console.print(Text(_indented(as_plain_text(said, _LONGEST), "    ")), soft_wrap=True)
    if exercise.section:
        console.print(Text(f"  Read again: “{exercise.section}” in the notebook."), soft_wrap=True)


def _name(check: CheckResult) -> str:
    return check.check.removeprefix("check-").replace("-", " ")


def _stopped(submission: Submission, result: Result) -> Iterator[str]:
    """Yield a line for each of the student's cells that raised an error."""
    for cell in submission.cells:
        for output in result.outputs.get(cell.cell_id, []):
            if output.get("output_type") == "error" and "NotImplementedError" not in str(output.get("ename")):
                what = f"your code of {cell.exercise}" if cell.kind == "exercise" else "a cell"
                said = as_plain_text(f"{output.get('ename')}: {output.get('evalue')}", 400)
                yield f"In {what}, as it ran: {said}"


def _repaired(submission: Submission) -> Iterator[str]:
    for repair in submission.repairs:
        yield as_plain_text(f"{repair.cell or 'The file'}: {repair.what} {repair.why}", 1000)


def _skipped(left_out: Sequence[str], points: float) -> Iterator[str]:
    if left_out:
        yield f"Not run, because they train an entry for minutes: {', '.join(left_out)} ({points:g} points)."


def _indented(text: str, by: str) -> str:
    return "\n".join(f"{by}{line}" for line in text.splitlines())
