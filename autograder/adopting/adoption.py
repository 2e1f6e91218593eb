"""The adoption of a course: its checks are tried, and a report tells cell by cell how each is graded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from autograder.adopting.nbgrader_course import frame_of, isolating_lines, make_course, markers_of, write_adoption
from autograder.adopting.trial import Trials, plan_notebook
from autograder.authoring.adopted import Adoption, PlannedCheck, lay_out_files, load_adoption, notebooks_of
from autograder.authoring.assignment import Assignment, AssignmentCell, adopted_assignment
from autograder.course import Course

__all__ = ["AdoptionReport", "CellReport", "adopt_course"]

_LEVELS = ("apart", "asked", "together", "by hand")
_PERSON = "by a person"


class CellReport(msgspec.Struct, frozen=True):
    """A cell, and the level at which it is graded.

    Attributes:
        name: its grade id.
        points: the most that it can earn.
        how: its level; ``by a person`` for written answers and the like.
        why: the observation in the trials.
    """

    name: str
    points: float
    how: str
    why: str = ""


class AdoptionReport(msgspec.Struct, frozen=True):
    """A course, and the levels at which its cells are graded.

    Attributes:
        course: its folder.
        notebooks: for each notebook, its cells with points, and those that students' code is in.
        lines_to_add: lines that make nbgrader's own commands grade in isolation, if the course lacks them.
    """

    course: str
    notebooks: dict[str, list[CellReport]]
    lines_to_add: str = ""

    @property
    def points(self) -> dict[str, float]:
        """The points by level."""
        found: dict[str, float] = defaultdict(float)
        for cell in self._cells():
            found[cell.how] += cell.points
        return dict(found)

    @property
    def headline(self) -> str:
        """The share of points at each level, in one sentence."""
        points = self.points
        auto = sum(points.get(level, 0.0) for level in _LEVELS)
        shares = ", ".join(
            f"{100 * points[level] / auto:.0f} % {level}" for level in _LEVELS if auto and points.get(level)
        )
        people = points.get(_PERSON, 0.0)
        told = f"{auto:g} points are given by checks: {shares or 'none'}."
        return told + (f" {people:g} points are given by a person, as before." if people else "")

    @property
    def needs_a_look(self) -> bool:
        """True if a check does not pass on its own solution."""
        return any("does not pass" in cell.why for cell in self._cells())

    def lines(self) -> Iterator[str]:
        """Yield the report, for people."""
        for unit, cells in self.notebooks.items():
            yield unit
            width = max((len(cell.name) for cell in cells), default=0)
            for cell in cells:
                why = f"  ({cell.why})" if cell.why else ""
                yield f"  {cell.name:{width}}  {cell.points:>5g}  {cell.how}{why}"
        yield ""
        yield self.headline
        if self.points.get("together"):
            yield (
                "What is graded together runs in the student's own process, sandboxed: it gives what nbgrader gives,"
                " and whoever means to can forge it. With --no-together a person grades it instead."
            )
        if self.lines_to_add:
            yield "nbgrader's own commands and the formgrader's button do not grade in isolation until you add to"
            yield f"{self.course}/nbgrader_config.py:"
            yield from (f"    {line}" for line in self.lines_to_add.split("\n"))

    def _cells(self) -> Iterator[CellReport]:
        for cells in self.notebooks.values():
            yield from cells


def adopt_course(
    folder: Path,
    *,
    together: bool | None = None,
    again: bool = False,
    missing_ok: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> AdoptionReport:
    """Make the nbgrader course in ``folder`` one that can be graded here; nothing that is there is changed.

    Args:
        folder: the one with nbgrader_config.py.
        together: whether checks may be graded within the student's process; None keeps the earlier choice.
        again: also try what did not change since the last time.
        missing_ok: layers of the sandbox that may be missing, by name.
        say: is told which notebook is being tried.

    Raises:
        CourseError: it is not an nbgrader course.
        AuthoringError: a notebook of it cannot be read; names it.
        LayerMissing: the sandbox cannot be built on this machine.
    """
    course = make_course(folder)
    known = load_adoption(course) if course.adopted else Adoption()
    header, footer = frame_of(course.root)
    known = msgspec.structs.replace(known, markers=markers_of(course.root), header=header, footer=footer)
    if together is not None:
        known = msgspec.structs.replace(known, together=together)
    write_adoption(course, known)
    course = Course.find(course.root)
    lay_out_files(course)
    units = [unit for name in course.assignments() for unit in notebooks_of(course, name)]
    planned: dict[str, dict[str, PlannedCheck]] = {}
    with Trials(course, missing_ok) as trials:
        for unit in units:
            say(unit)
            planned[unit] = plan_notebook(course, unit, known, trials, again=again)
            write_adoption(course, msgspec.structs.replace(known, checks={**known.checks, **planned}))
    adoption = msgspec.structs.replace(known, checks=planned)
    write_adoption(course, adoption)
    notebooks = {unit: _cells(adopted_assignment(course, unit, adoption), planned[unit]) for unit in units}
    return AdoptionReport(str(course.root), notebooks, isolating_lines(course))


def _cells(assignment: Assignment, planned: dict[str, PlannedCheck]) -> list[CellReport]:
    return [
        _cell(cell, planned) for cell in assignment.cells if cell.grade_id and (cell.points or cell.kind == "check")
    ]


def _cell(cell: AssignmentCell, planned: dict[str, PlannedCheck]) -> CellReport:
    if cell.kind == "check":
        return CellReport(cell.grade_id, cell.points, cell.level, planned[cell.grade_id].why)
    return CellReport(cell.grade_id, cell.points, _PERSON)
