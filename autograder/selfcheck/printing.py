"""The outcome of checking a notebook, printed in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.selfcheck.examine import CheckReport, ExerciseState

__all__ = ["print_report"]

_REPAIRS = 12


def print_report(report: CheckReport, console: Console) -> None:
    """Print the points by exercise, what failed and why, and what is still open."""
    console.print(_table(report))
    for repair in report.repairs[:_REPAIRS]:
        console.print(Text(f"{repair.cell or 'The file'}: {repair.what}", style="bold"), soft_wrap=True)
        console.print(Text(_indented(repair.why)), soft_wrap=True)
    if len(report.repairs) > _REPAIRS:
        console.print(f"And {len(report.repairs) - _REPAIRS} more of this kind.")
    for problem in report.problems:
        where = f"Cell {problem.cell}, {problem.what}" if problem.cell else problem.what.capitalize()
        console.print(f"{where}, did not run to its end:", style="bold")
        console.print(Text(_indented(problem.message)), soft_wrap=True)
    for exercise in report.exercises:
        for check in exercise.checks:
            if check.message and not exercise.open:
                console.print(Text(f"{exercise.name}, check {check.name or '(without a name)'}:", style="bold"))
                console.print(Text(_indented(check.message)), soft_wrap=True)
    for line in filter(None, (report.newer, *report.pictures, *_summary(report))):
        console.print(Text(line), soft_wrap=True)


def _table(report: CheckReport) -> Table:
    table = Table("Exercise", "State", "Visible checks", "Hidden", "By hand")
    for exercise in report.exercises:
        earned, most = (sum(c.points for c in exercise.checks), sum(c.max_points for c in exercise.checks))
        visible = f"{earned:g} of {most:g}" if exercise.checks else ""
        table.add_row(
            Text(exercise.name), _state(exercise), visible, _or_nothing(exercise.hidden_points),
            _or_nothing(exercise.hand_points),
        )  # fmt: skip
    return table


def _state(exercise: ExerciseState) -> str:
    if exercise.open:
        return "open"
    failed = sum(bool(check.message) for check in exercise.checks)
    if failed:
        return f"{failed} failed"
    return "written" if exercise.hand_points else "passes" if exercise.checks else "filled in"


def _or_nothing(points: float) -> str:
    return f"{points:g}" if points else ""


def _summary(report: CheckReport) -> list[str]:
    lines = [
        f"{report.points:g} of {report.visible_points:g} points by what can be seen of the checks; "
        "parts of them may be hidden. "
        f"{report.hidden_points:g} more are given by hidden checks when your work is graded"
        + (f", and {report.hand_points:g} by a person." if report.hand_points else ".")
    ]
    left = [exercise.name for exercise in report.exercises if exercise.open]
    if left:
        lines.append(f"Still open: {', '.join(left)}.")
    if report.done:
        lines.append("Everything is filled in and passes what can be seen here.")
    return lines


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
