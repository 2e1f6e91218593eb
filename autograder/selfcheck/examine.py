"""A notebook checked by what its student can see of the checks, and the report printed in the terminal.

It is read, repaired and run as the grader does it. Of hidden checks, the report tells only how many points they give.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import CODE_STUB
from autograder.selfcheck.cell_runner import Outcome, Runner
from autograder.selfcheck.subject import Subject, find_subject, unseen_pictures
from autograder.submission.alignment import work_in
from autograder.submission.model import Repair, Stopped, SubmissionCell, cause_of, missing_name, stopped
from autograder.terminal import harmless, show

__all__ = ["CheckReport", "ExerciseState", "Problem", "VisibleCheck", "check_notebook", "print_report"]

# ---- the check

_SLOW_TO_IMPORT = ("numpy", "matplotlib.pyplot", "scipy.signal", "scipy.ndimage", "torch", "autograder.lab")


class VisibleCheck(msgspec.Struct, frozen=True):
    """One check with something to run in it.

    Attributes:
        name: the name of the check within its exercise.
        points: the points earned, as far as the visible part tells.
        max_points: the points possible.
        message: the message of its failure; empty if it passed.
    """

    name: str
    points: float
    max_points: float
    message: str = ""


class ExerciseState(msgspec.Struct, frozen=True):
    """One exercise or written answer.

    Attributes:
        name: the name of the function, class or question.
        open: True if it is as it was handed out.
        checks: those that can be run here.
        hidden_points: the points of checks that run only when the work is graded.
        hand_points: the points that a person gives.
    """

    name: str
    open: bool
    checks: tuple[VisibleCheck, ...] = ()
    hidden_points: float = 0.0
    hand_points: float = 0.0

    @property
    def done(self) -> bool:
        """True if it is filled in and every visible check passes."""
        return not self.open and not any(check.message for check in self.checks)


class Problem(msgspec.Struct, frozen=True):
    """A cell, other than a check, that did not run to its end."""

    cell: int
    what: str
    message: str


class CheckReport(msgspec.Struct, frozen=True):
    """The outcome of checking a notebook.

    Attributes:
        exercises: the exercises and written answers, in order.
        problems: cells that did not run to their end.
        repairs: the repairs before grading, and what the student should know of them.
        looks: those of them that a person has to look at.
        pictures: a sentence for each picture that the grader will not see.
        newer: the changes in the released notebook since this one was handed out; empty if none.
        doubts: sentences on why nothing that is found here shows that the work is complete.
    """

    exercises: tuple[ExerciseState, ...]
    problems: tuple[Problem, ...] = ()
    repairs: tuple[Repair, ...] = ()
    looks: tuple[Repair, ...] = ()
    pictures: tuple[str, ...] = ()
    newer: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The points of the visible checks that pass."""
        return sum(check.points for exercise in self.exercises for check in exercise.checks)

    @property
    def visible_points(self) -> float:
        """The points that visible checks can give."""
        return sum(check.max_points for exercise in self.exercises for check in exercise.checks)

    @property
    def hidden_points(self) -> float:
        """The points of checks that are hidden."""
        return sum(exercise.hidden_points for exercise in self.exercises)

    @property
    def hand_points(self) -> float:
        """The points that a person gives."""
        return sum(exercise.hand_points for exercise in self.exercises)

    @property
    def done(self) -> bool:
        """True if nothing is open or in doubt, nothing failed, and nobody has to look for work."""
        unclear = self.problems or self.looks or self.doubts
        return not unclear and all(exercise.done for exercise in self.exercises)


def check_notebook(
    path: Path,
    *,
    seconds: float | None = None,
    demos: bool = False,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> CheckReport:
    """Run the notebook at ``path`` from top to bottom and return the outcome of its checks.

    It is read, repaired and put on the skeleton as the grader does it, and obeys the same limits.

    Args:
        seconds: the time that one cell, or one check, may take; default as when it is graded.
        demos: True to run the cells that only show something, too.
        progress: called with the number of cells that are done, and the number of all.

    Raises:
        UnreadableSubmission: it is not a notebook of the course, or it is damaged.
    """
    subject = find_subject(path)
    if seconds is not None:
        limits = msgspec.structs.replace(subject.settings, cell_seconds=seconds, check_seconds=seconds)
        subject = msgspec.structs.replace(subject, settings=limits)
    run = _Run(subject, demos)
    run.through(progress)
    submission = subject.submission
    return CheckReport(
        tuple(_exercises(subject, run)),
        tuple(run.problems),
        (*subject.remarks, *run.remarks),
        submission.looks,
        unseen_pictures(path),
        subject.newer,
        subject.doubts,
    )


class _Run:
    """One run through a notebook, as the grader walks through it.

    Attributes:
        messages: for each check that ran, the message of its failure; empty if it passed.
        values: for each check that passed, the points that it gave, or None for all.
        problems: cells other than checks that did not run to their end.
        remarks: the parts of the cells that were left out.
    """

    def __init__(self, subject: Subject, demos: bool) -> None:
        self.messages: dict[str, str] = {}
        self.values: dict[str, float | None] = {}
        self.problems: list[Problem] = []
        self.remarks: list[Repair] = []
        self._subject = subject
        self._cells = [cell for cell in subject.submission.cells if _runs(cell, demos)]
        self._checks = {cell.grade_id: cell for cell in subject.assignment.checks}
        self._stopped: list[Stopped] = []
        self._slow: set[str] = set()

    def through(self, progress: Callable[[int, int], object]) -> None:
        """Run every cell."""
        sources = [cell.source for cell in self._cells]
        modules = [name for name in _SLOW_TO_IMPORT if any(name.split(".")[-1] in source for source in sources)]
        with Runner.open(self._subject.data, modules) as runner:
            runner.start()
            end = time.monotonic() + self._subject.settings.total_seconds
            for done, cell in enumerate(self._cells):
                progress(done, len(self._cells))
                left = end - time.monotonic()
                if left <= 0:
                    self._out_of_time(cell)
                elif cell.kind == "check":
                    self._check(runner, cell, left)
                else:
                    self._run(runner, cell, left)

    def _run(self, runner: Runner, cell: SubmissionCell, left: float) -> None:
        number = self._number(cell)
        outcome = runner.run(cell.source, min(left, self._subject.settings.cell_seconds), number, cell.kind == "given")
        self.remarks += [_left_out(cell.grade_id or f"cell {number}", what) for what in outcome.get("left_out", ())]
        if outcome["ok"]:
            return
        message = _told(outcome, self._stopped)
        self._stopped.append(stopped(cell, outcome["error"] or "Stopped", outcome["message"]))
        self.problems.append(Problem(number, _what(cell), message))

    def _check(self, runner: Runner, cell: SubmissionCell, left: float) -> None:
        check = self._checks[cell.grade_id]
        limit = self._subject.settings.check_seconds / (5 if check.exercise in self._slow else 1)
        outcome = runner.check(cell.source, min(left, limit))
        if outcome.get("timed_out"):
            self._slow.add(check.exercise)
        self.messages[cell.grade_id] = "" if outcome["ok"] else _told(outcome, self._stopped)
        self.values[cell.grade_id] = outcome.get("value")

    def _out_of_time(self, cell: SubmissionCell) -> None:
        if cell.kind == "check":
            self.messages[cell.grade_id] = "The time for the whole notebook was used up before this check."

    def _number(self, cell: SubmissionCell) -> int:
        return self._subject.numbers.get(cell.source.rstrip(), 0)


def _runs(cell: SubmissionCell, demos: bool) -> bool:
    if cell.kind == "demo":
        return demos
    return cell.cell_type == "code" and not (cell.kind == "check" and _is_hidden(cell.source))


def _is_hidden(source: str) -> bool:
    """Return whether all of a check is hidden: what is left of it is a comment."""
    try:
        return not ast.parse(source).body
    except SyntaxError:
        return False


def _exercises(subject: Subject, run: _Run) -> list[ExerciseState]:
    assignment, found = subject.assignment, dict[str, ExerciseState]()
    work = work_in(subject.submission, assignment)
    for cell in assignment.cells:
        if cell.kind in ("exercise", "answer"):
            open_ = cell.grade_id not in work or (cell.kind == "exercise" and _has_stub(work[cell.grade_id]))
            by_hand = cell.points if cell.kind == "answer" else 0.0
            found[cell.exercise] = ExerciseState(cell.exercise, open_, hand_points=by_hand)
        elif cell.kind == "check":
            name = _exercise_of(assignment, cell)
            found[name] = _with_check(found.get(name) or ExerciseState(name, False), cell, run)
    return list(found.values())


def _exercise_of(assignment: Assignment, check: AssignmentCell) -> str:
    return (
        check.exercise
        if check.exercise in assignment.exercises
        else assignment.exercise_of.get(check.exercise, check.exercise)
    )


def _has_stub(source: str) -> bool:
    return any(line.strip() == CODE_STUB.split("\n")[-1] for line in source.split("\n"))


def _with_check(state: ExerciseState, cell: AssignmentCell, run: _Run) -> ExerciseState:
    message = run.messages.get(cell.grade_id)
    if message is None:
        return msgspec.structs.replace(state, hidden_points=state.hidden_points + cell.points)
    value = run.values.get(cell.grade_id)
    partial = value if value is not None and 0 <= value <= cell.points else cell.points
    check = VisibleCheck(cell.name, 0.0 if message else partial, cell.points, message)
    return msgspec.structs.replace(state, checks=(*state.checks, check))


def _told(outcome: Outcome, before: list[Stopped]) -> str:
    """Return what went wrong, in a form that somebody who does not read tracebacks can use."""
    name, message = outcome["error"], str(outcome["message"]).strip()
    if name == "NotImplementedError":
        return "This exercise is still blank."
    if not name or name == "CheckFailed":
        return message
    if name == "AssertionError":
        return message or "The check failed."
    where = f" ({outcome['where']})" if outcome.get("where") else ""
    why = cause_of(missing_name(message), before) if name == "NameError" else ""
    said = f"{name}: {message}{where}" if message else f"{name}{where}"
    return "\n".join(filter(None, (said, f"{why[:1].upper()}{why[1:]}")))


def _left_out(cell: str, what: str) -> Repair:
    why = "No shell commands, installs, other programs or unknown magics run when your work is graded; the rest does."
    return Repair(cell, f"Not run: {what}", why)


def _what(cell: SubmissionCell) -> str:
    own = {"exercise": f"your code for {cell.exercise}", "extra": "a cell of your own"}
    return own.get(cell.kind, "the course's cell")


# ---- the printed report

_REPAIRS = 12


def print_report(report: CheckReport, console: Console) -> None:
    """Print the points by exercise, what failed and why, and what is still open."""
    console.print(_table(report))
    for repair in report.repairs[:_REPAIRS]:
        show(console, f"{repair.cell or 'The file'}: {repair.what}", "bold")
        show(console, _indented(repair.why))
    if len(report.repairs) > _REPAIRS:
        console.print(f"And {len(report.repairs) - _REPAIRS} more of this kind.")
    for problem in report.problems:
        where = f"Cell {problem.cell}, {problem.what}" if problem.cell else problem.what.capitalize()
        show(console, f"{where}, did not finish:", "bold")
        show(console, _indented(problem.message))
    for exercise in report.exercises:
        for check in exercise.checks:
            if check.message and not exercise.open:
                show(console, f"{exercise.name}, check {check.name or '(without a name)'}:", "bold")
                show(console, _indented(check.message))
    for line in filter(None, (report.newer, *report.pictures, *report.doubts, *_summary(report))):
        show(console, line)


def _table(report: CheckReport) -> Table:
    table = Table("Exercise", "State", "Visible checks", "Hidden", "By a person")
    for exercise in report.exercises:
        earned, most = (sum(c.points for c in exercise.checks), sum(c.max_points for c in exercise.checks))
        visible = f"{earned:g} of {most:g}" if exercise.checks else ""
        table.add_row(
            Text(harmless(exercise.name)), _state(exercise), visible, _or_nothing(exercise.hidden_points),
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
        f"{report.points:g} of {report.visible_points:g} points in the checks that you can see; "
        "parts of them may be hidden. "
        f"Hidden checks give up to {report.hidden_points:g} more when your work is graded"
        + (f", and a person up to {report.hand_points:g}." if report.hand_points else ".")
    ]
    left = [exercise.name for exercise in report.exercises if exercise.open]
    if left:
        lines.append(f"Still open: {', '.join(left)}.")
    if report.done:
        lines.append("Everything is filled in and passes what can be seen here.")
    return lines


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
