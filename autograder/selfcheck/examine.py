"""What a notebook comes to by the checks that its student can see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from autograder.selfcheck.cell_runner import Outcome, Session
from autograder.selfcheck.notebook_cells import NotebookCell, read_notebook_cells

__all__ = ["CheckReport", "ExerciseState", "Problem", "VisibleCheck", "check_notebook"]


class VisibleCheck(msgspec.Struct, frozen=True):
    """One check with something to run in it.

    Attributes:
        name: of the check within its exercise.
        points: earned, as far as the visible part tells.
        max_points: possible.
        message: what it said; empty if it passed.
    """

    name: str
    points: float
    max_points: float
    message: str = ""


class ExerciseState(msgspec.Struct, frozen=True):
    """One exercise or written answer.

    Attributes:
        name: of the function, class or question.
        open: whether it is as it was handed out.
        checks: those that can be run here.
        hidden_points: of checks that run only when the work is graded.
        hand_points: given by a person.
    """

    name: str
    open: bool
    checks: tuple[VisibleCheck, ...] = ()
    hidden_points: float = 0.0
    hand_points: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it is filled in and every visible check passes."""
        return not self.open and not any(check.message for check in self.checks)


class Problem(msgspec.Struct, frozen=True):
    """A cell, other than a check, that did not run to its end."""

    cell: int
    what: str
    message: str


class CheckReport(msgspec.Struct, frozen=True):
    """What checking a notebook came to."""

    exercises: tuple[ExerciseState, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def points(self) -> float:
        """Points of the visible checks that pass."""
        return sum(check.points for exercise in self.exercises for check in exercise.checks)

    @property
    def visible_points(self) -> float:
        """Points that visible checks can give."""
        return sum(check.max_points for exercise in self.exercises for check in exercise.checks)

    @property
    def hidden_points(self) -> float:
        """Points of checks that are hidden."""
        return sum(exercise.hidden_points for exercise in self.exercises)

    @property
    def hand_points(self) -> float:
        """Points that a person gives."""
        return sum(exercise.hand_points for exercise in self.exercises)

    @property
    def done(self) -> bool:
        """Whether nothing is open and nothing failed."""
        return not self.problems and all(exercise.done for exercise in self.exercises)


def check_notebook(
    path: Path,
    *,
    seconds: float = 60.0,
    demos: bool = False,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> CheckReport:
    """Run the notebook at ``path`` from top to bottom and gather what its checks say.

    Args:
        seconds: that one cell may take.
        demos: run the cells that only show something, too.
        progress: called with how many cells are done, and of how many.

    Raises:
        UnreadableSubmission: it is no notebook of the course.
    """
    cells = read_notebook_cells(path)
    wanted = [cell for cell in cells if _runs(cell, demos)]
    outcomes: dict[int, Outcome] = {}
    with Session.open(path.resolve().parent) as session:
        for done, cell in enumerate(wanted):
            progress(done, len(wanted))
            outcomes[cell.number] = session.run(cell.source, seconds)
    problems = [_problem(cell, outcomes[cell.number]) for cell in wanted if cell.kind != "check"]
    return CheckReport(tuple(_exercises(cells, outcomes)), tuple(each for each in problems if each is not None))


def _runs(cell: NotebookCell, demos: bool) -> bool:
    if cell.kind == "demo":
        return demos
    return cell.kind in ("given", "exercise", "extra", "check") and not cell.is_hidden


def _exercises(cells: Sequence[NotebookCell], outcomes: dict[int, Outcome]) -> list[ExerciseState]:
    found = {}
    for cell in cells:
        if cell.kind in ("exercise", "answer"):
            by_hand = cell.points if cell.kind == "answer" else 0.0
            found[cell.name] = ExerciseState(cell.name, cell.is_open, hand_points=by_hand)
        elif cell.kind == "check":
            # An exercise's cell may be gone; its checks then say that its name is not defined.
            state = found.get(cell.name) or ExerciseState(cell.name, False)
            found[cell.name] = _with_check(state, cell, outcomes.get(cell.number))
    return list(found.values())


def _with_check(state: ExerciseState, cell: NotebookCell, outcome: Outcome | None) -> ExerciseState:
    if outcome is None:
        return msgspec.structs.replace(state, hidden_points=state.hidden_points + cell.points)
    check = VisibleCheck(cell.check, _points(cell, outcome), cell.points, "" if outcome["ok"] else _told(outcome))
    return msgspec.structs.replace(state, checks=(*state.checks, check))


def _points(cell: NotebookCell, outcome: Outcome) -> float:
    if not outcome["ok"]:
        return 0.0
    value = outcome.get("value")
    return value if value is not None and 0 <= value <= cell.points else cell.points


def _told(outcome: Outcome) -> str:
    """What went wrong, in a form that somebody who reads no tracebacks can use."""
    name, message = outcome["error"], str(outcome["message"]).strip()
    if name == "NotImplementedError":
        return "This exercise is still blank."
    if not name or name == "CheckFailed":
        return message
    if name == "AssertionError":
        return message or "The check failed."
    where = f" (line {outcome['line']})" if outcome.get("line") else ""
    return f"{name}: {message}{where}" if message else f"{name}{where}"


def _problem(cell: NotebookCell, outcome: Outcome) -> Problem | None:
    if outcome["ok"] or str(outcome["message"]).startswith("Not run:"):
        return None
    what = {"exercise": f"your code of {cell.name}", "extra": "a cell of your own"}.get(cell.kind, "the course's cell")
    return Problem(cell.number, what, _told(outcome))
