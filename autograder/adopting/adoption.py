"""The adoption of an nbgrader course: how each of its checks can be graded, found out by trying them.

`autograder adopt` reads the course's nbgrader_config.py, writes ``course.toml`` and ``adopted.toml`` beside it, tries
the checks, and reports cell by cell how each is graded. Nothing that was there is changed.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from traitlets.config import Config

from autograder.adopting.autotests import keep_autotests
from autograder.adopting.trial import Trials, plan_notebook
from autograder.authoring.adopted import Adoption, PlannedCheck, lay_out_files, load_adoption, notebooks_of
from autograder.authoring.assignment import Assignment, AssignmentCell, adopted_assignment
from autograder.authoring.instructors_notebook import Markers
from autograder.course import ADOPTED_NAME, Course
from autograder.errors import AuthoringError, CourseError
from autograder.files import write_atomically
from autograder.gradebook.lateness import nbgrader_configuration

__all__ = [
    "AdoptionReport",
    "CellReport",
    "adopt_course",
    "adopted_toml",
    "frame_of",
    "isolating_lines",
    "make_course",
    "markers_of",
    "write_adoption",
]

_FOLDERS = ("source", "release", "submitted", "autograded", "feedback")
_HEAD = "# Written by `autograder adopt`; docs/graders.md lists every setting."
_LINES = """from pathlib import Path
from autograder.gradebook.nbgrader_setup import configure
configure(get_config(), Path(__file__).parent)"""


def make_course(folder: Path) -> Course:
    """Write ``course.toml`` for the nbgrader course in ``folder``, if it has none.

    Raises:
        CourseError: it is not an nbgrader course, or is one of this package's already.
    """
    folder = folder.resolve()
    config = nbgrader_configuration(folder)
    directories = _directories(config)
    source = folder / directories["source"]
    if not any(source.glob("*/*.ipynb")):
        raise CourseError(
            f"{folder} is not an nbgrader course: there is no notebook in {source}/ASSIGNMENT/. "
            "Name the folder that contains nbgrader_config.py."
        )
    path = folder / "course.toml"
    if path.is_file() and not (folder / ADOPTED_NAME).is_file() and not _is_ours(path):
        raise CourseError(f"{path} exists: this is already a course of this package. There is nothing to adopt.")
    if not path.is_file():
        write_atomically(path, _course_toml(folder, config, directories).encode(), 0o644)
    return Course.find(folder)


def _is_ours(path: Path) -> bool:
    """Return whether an earlier `adopt` wrote the file and then was interrupted."""
    return path.read_text(encoding="utf-8").startswith(_HEAD)


def _directories(config: Config) -> dict[str, str]:
    chosen = config.get("CourseDirectory", {})
    return {name: str(chosen.get(f"{name}_directory", name)) for name in _FOLDERS}


def _course_toml(folder: Path, config: Config, directories: Mapping[str, str]) -> str:
    chosen = config.get("CourseDirectory", {})
    course_id = str(chosen.get("course_id", "") or re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-") or "course")
    url = str(chosen.get("db_url", "") or "")
    seconds = config.get("Execute", {}).get("timeout", config.get("ExecutePreprocessor", {}).get("timeout"))
    lines = [
        _HEAD,
        f"id = {json.dumps(course_id)}",
        f"title = {json.dumps(course_id)}",
        *([f"gradebook = {json.dumps(url)}"] if url else []),
        "",
        "[directories]  # as in nbgrader_config.py; data is a copy of what lies beside the notebooks",
        *(f"{name} = {json.dumps(value)}" for name, value in directories.items()),
        'data = ".autograder/beside"',
        "",
        "[grading]",
        "follow_through = false  # as nbgrader counts: an error below costs what builds on it, too",
        *([f"cell_seconds = {float(seconds)}"] if isinstance(seconds, int | float) and seconds > 0 else []),
        "",
        "[authoring]",
        "points = 0",
        "alternatives = 0",
        "misconceptions = 0",
        "names = '.+'",
    ]
    return "\n".join(lines) + "\n"


def markers_of(folder: Path) -> Markers:
    """Return the markers of solutions and hidden tests of the course in ``folder``, by its nbgrader_config.py.

    Raises:
        CourseError: that file does not run.
    """
    config, own = nbgrader_configuration(folder), Markers()
    solutions, hidden, scheme, autotests = (
        config.get(name, {}) for name in ("ClearSolutions", "ClearHiddenTests", "ClearMarkScheme", "InstantiateTests")
    )
    stub: Any = solutions.get("code_stub", own.code_stub)
    return Markers(
        str(solutions.get("begin_solution_delimeter", own.begin_solution)),
        str(solutions.get("end_solution_delimeter", own.end_solution)),
        str(hidden.get("begin_test_delimeter", own.begin_hidden)),
        str(hidden.get("end_test_delimeter", own.end_hidden)),
        str(scheme.get("begin_mark_scheme_delimeter", own.begin_scheme)),
        str(scheme.get("end_mark_scheme_delimeter", own.end_scheme)),
        str(stub.get("python", own.code_stub) if isinstance(stub, dict) else stub),
        str(solutions.get("text_stub", own.text_stub)),
        str(autotests.get("autotest_delimiter", own.autotest)),
    )


def frame_of(folder: Path) -> tuple[str, str]:
    """Return the notebooks that nbgrader puts above and below each one that it hands out, as paths from ``folder``."""
    chosen = nbgrader_configuration(folder).get("IncludeHeaderFooter", {})
    header, footer = (str(chosen.get(name, "") or "") for name in ("header", "footer"))
    return header, footer


def write_adoption(course: Course, adoption: Adoption) -> Path:
    """Write ``adopted.toml``. Return its path."""
    path = course.root / ADOPTED_NAME
    write_atomically(path, adopted_toml(adoption).encode(), 0o644)
    return path


def adopted_toml(adoption: Adoption) -> str:
    """Return the text of ``adopted.toml``."""
    markers = {name: getattr(adoption.markers, name) for name in Markers.__struct_fields__}
    changed = {name: value for name, value in markers.items() if value != getattr(Markers(), name)}
    lines = [
        "# How each check of this course is graded. Written by `autograder adopt`, which keeps what it finds here.",
        "# A level may be changed by hand: apart, asked, together (in the student's own process), by hand.",
        "# The page docs/adopting.md explains them.",
        f"together = {json.dumps(adoption.together)}  # false: whatever needs it is graded by hand",
        *(f"{name} = {json.dumps(value)}" for name in ("header", "footer") if (value := getattr(adoption, name))),
        *(["", "[left]  # to nbgrader, and why"] if adoption.left else []),
        *(f"{json.dumps(unit)} = {json.dumps(reason)}" for unit, reason in adoption.left.items()),
        *(["", "[markers]"] if changed else []),
        *(f"{name} = {json.dumps(value)}" for name, value in changed.items()),
    ]
    for unit, checks in adoption.checks.items():
        lines += ["", f"[checks.{json.dumps(unit)}]"]
        lines += [f"{json.dumps(name)} = {{ {_inline(planned)} }}" for name, planned in checks.items()]
    return "\n".join(lines) + "\n"


def _inline(planned: PlannedCheck) -> str:
    parts = {"level": planned.level, "check": planned.check, "why": planned.why}
    return ", ".join(f"{name} = {json.dumps(value)}" for name, value in parts.items() if value)


def isolating_lines(course: Course) -> str:
    """Return the lines that an instructor may add to nbgrader_config.py; empty if it has them or is not there."""
    path = course.root / "nbgrader_config.py"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return "" if "nbgrader_setup" in text else _LINES


# ---- the report

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
        left: the notebooks that cannot be graded here, each with the reason.
    """

    course: str
    notebooks: dict[str, list[CellReport]]
    lines_to_add: str = ""
    left: dict[str, str] = {}

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
        """True if a notebook cannot be graded here, or a check does not pass on its own solution."""
        return bool(self.left) or any("does not pass" in cell.why for cell in self._cells())

    def lines(self) -> Iterator[str]:
        """Yield the report, for people."""
        for unit, cells in self.notebooks.items():
            yield unit
            width = max((len(cell.name) for cell in cells), default=0)
            for cell in cells:
                why = f"  ({cell.why})" if cell.why else ""
                yield f"  {cell.name:{width}}  {cell.points:>5g}  {cell.how}{why}"
        yield from (f"{unit}\n  left to nbgrader: {reason}" for unit, reason in self.left.items())
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


# ---- the adoption


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
        AuthoringError: none of its notebooks can be graded here; names the first, and why.
        LayerMissing: the sandbox cannot be built on this machine.
    """
    course = make_course(folder)
    known = load_adoption(course) if course.adopted else Adoption()
    header, footer = frame_of(course.root)
    known = msgspec.structs.replace(known, markers=markers_of(course.root), header=header, footer=footer, left={})
    if together is not None:
        known = msgspec.structs.replace(known, together=together)
    write_adoption(course, known)
    course = Course.find(course.root)
    lay_out_files(course)
    units = [unit for name in course.assignments() for unit in notebooks_of(course, name, known)]
    planned: dict[str, dict[str, PlannedCheck]] = {}
    left: dict[str, str] = {}
    with Trials(course, missing_ok) as trials:
        for unit in units:
            say(unit)
            try:
                keep_autotests(course, unit, known)
                planned[unit] = plan_notebook(course, unit, known, trials, again=again)
            except AuthoringError as error:  # One notebook's trouble is never another's.
                left[unit] = str(error)
            found = msgspec.structs.replace(known, checks={**known.checks, **planned}, left=left)
            write_adoption(course, found)
    if not planned:
        raise AuthoringError(next(iter(left.values())))
    adoption = msgspec.structs.replace(known, checks=planned, left=left)
    write_adoption(course, adoption)
    notebooks = {unit: _cells(adopted_assignment(course, unit, adoption), planned[unit]) for unit in planned}
    return AdoptionReport(str(course.root), notebooks, isolating_lines(course), left)


def _cells(assignment: Assignment, planned: dict[str, PlannedCheck]) -> list[CellReport]:
    return [
        _cell(cell, planned) for cell in assignment.cells if cell.grade_id and (cell.points or cell.kind == "check")
    ]


def _cell(cell: AssignmentCell, planned: dict[str, PlannedCheck]) -> CellReport:
    if cell.kind == "check":
        return CellReport(cell.grade_id, cell.points, cell.level, planned[cell.grade_id].why)
    return CellReport(cell.grade_id, cell.points, _PERSON)
