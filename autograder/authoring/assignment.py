"""An assignment as plain data for grading, the audit and the gradebook."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.adopted import Adoption, read_adopted
from autograder.authoring.answers import Answer, Base, base_of, read_answers
from autograder.authoring.source_cells import (
    BEGIN_SOLUTION,
    END_SOLUTION,
    defined_names,
    notebook_text,
    released,
    source_text,
)
from autograder.course import Course
from autograder.errors import AuthoringError

__all__ = [
    "Assignment",
    "AssignmentCell",
    "adopted_assignment",
    "author_file",
    "load_assignment",
    "source_path",
    "topic_of",
]


class AssignmentCell(msgspec.Struct, frozen=True):
    """A cell of the source notebook, beside what students get of it.

    Attributes:
        kind: prose, given, demo, exercise, check or answer; in an adopted course also free, which students may change.
        grade_id: nbgrader's name for it; empty for prose.
        cell_id: the notebook format's id, the same in source and release.
        cell_type: ``code`` or ``markdown``.
        source: the instructor's text, with solutions and hidden tests.
        release_source: the student's text.
        exercise: the exercise it belongs to, or empty.
        name: a check's own name within its exercise.
        points: the most it can earn.
        level: the level at which a check of an adopted course is graded; empty in a course of this package's own.
    """

    kind: str
    grade_id: str
    cell_id: str
    cell_type: str
    source: str
    release_source: str
    exercise: str = ""
    name: str = ""
    points: float = 0.0
    level: str = ""

    @property
    def marking_scheme(self) -> str:
        """What only the instructor's text of a written answer has, without its markers."""
        given = set(self.release_source.split("\n")) - {""}
        lines = [line for line in self.source.split("\n") if line not in given]
        return "\n".join(line for line in lines if not line.strip().startswith((BEGIN_SOLUTION, END_SOLUTION))).strip()


class Assignment(msgspec.Struct, frozen=True, dict=True):
    """An assignment: its cells in order, and its named wrong and right answers.

    Attributes:
        name: such as ``01-convolution``.
        notebook: the notebook's name without ending, such as ``convolution``.
        title: for people.
        cells: in order.
        misconceptions: named wrong answers.
        alternatives: independent right answers.
        release: the released notebook as JSON text: the skeleton that submissions are aligned with.
        adopted: whether it is one notebook of an nbgrader course, graded as nbgrader would.
    """

    name: str
    notebook: str
    title: str
    cells: tuple[AssignmentCell, ...]
    misconceptions: tuple[Answer, ...]
    alternatives: tuple[Answer, ...]
    release: str
    adopted: bool = False

    @property
    def unit(self) -> str:
        """The name that the grader tells it by: its own, and in an adopted course with its notebook's."""
        return f"{self.name}/{self.notebook}" if self.adopted else self.name

    @cached_property
    def key(self) -> str:
        """A hash of everything that can change a grade: 32 hexadecimal digits."""
        graded = [(c.kind, c.grade_id, c.source, c.points) for c in self.cells if c.kind not in ("prose", "demo")]
        levels = [cell.level for cell in self.checks] if self.adopted else []
        content = msgspec.json.encode([self.unit, graded, self.misconceptions, *levels])
        return hashlib.sha256(content).hexdigest()[:32]

    @property
    def max_points(self) -> float:
        """The points that can be earned, those that a person gives included."""
        return sum(cell.points for cell in self.cells)

    @property
    def auto_points(self) -> float:
        """The points that checks give."""
        return sum(cell.points for cell in self.checks)

    @cached_property
    def checks(self) -> tuple[AssignmentCell, ...]:
        """The check cells, in order."""
        return tuple(cell for cell in self.cells if cell.kind == "check")

    @cached_property
    def exercises(self) -> dict[str, AssignmentCell]:
        """The cell of each exercise, in order."""
        return {cell.exercise: cell for cell in self.cells if cell.kind == "exercise"}

    @cached_property
    def exercise_of(self) -> dict[str, str]:
        """The name of the exercise for each function or class that some exercise asks for."""
        found = {name: e for e, cell in self.exercises.items() for name in (e, *defined_names(cell.source))}
        return found | {e: e for e in self.exercises}

    def answer_cell(self, answer: Answer) -> tuple[str, str]:
        """Return the exercise that ``answer`` belongs to and the source to put in its cell."""
        exercise = self.exercise_of[answer.of]
        cell = self.exercises[exercise]
        others = set(defined_names(cell.source)) - {answer.of}
        return exercise, f"{cell.source}\n\n\n{answer.as_cell}" if others else answer.as_cell


def load_assignment(course: Course, name: str) -> Assignment:
    """Read the assignment ``name`` of ``course`` from its source notebook.

    The students' text is derived from the source here, and never read from ``notebooks/``, where people work.

    Raises:
        AuthoringError: it does not exist, was not built, or its answers name no exercise.
    """
    if course.adopted:
        return adopted_assignment(course, name)
    source = source_path(course, name)
    instructor = _json(source.read_text(encoding="utf-8"), source)
    release = _released(instructor, source)
    texts = {cell["id"]: cell["source"] for cell in release["cells"]}
    cells = tuple(_cell(cell, texts) for cell in instructor["cells"])
    alternatives = read_answers(source.parent / "alternatives.py", "alternative")
    assignment = Assignment(
        name,
        source.stem,
        str(instructor["metadata"].get("autograder", {}).get("title", name)),
        cells,
        read_answers(source.parent / "misconceptions.py", "misconception", partial(_find_base, cells, alternatives)),
        alternatives,
        notebook_text(release),
    )
    for answer in (*assignment.misconceptions, *assignment.alternatives):
        if answer.of not in assignment.exercise_of:
            raise AuthoringError(f"{name}: '{answer.slug}' answers '{answer.of}', which no exercise defines.")
    return assignment


def adopted_assignment(course: Course, name: str, adoption: Adoption | None = None) -> Assignment:
    """Read one notebook of an adopted course, as ``ps1/problem1``, or ``ps1`` if it has only one.

    Args:
        course: the course.
        name: the notebook's name.
        adoption: replaces the content of the course's ``adopted.toml``.

    Raises:
        AuthoringError: as `read_adopted`.
    """
    found = read_adopted(course, name, adoption)
    return Assignment(
        found.path.parent.name,
        found.path.stem,
        f"{found.path.parent.name}, {found.path.stem}",
        tuple(AssignmentCell(**cell) for cell in found.cells),
        read_answers(found.answers / "misconceptions.py", "misconception"),
        read_answers(found.answers / "alternatives.py", "alternative"),
        found.release,
        adopted=True,
    )


def _find_base(cells: Sequence[AssignmentCell], alternatives: Sequence[Answer], of: str, on: str) -> Base | None:
    """Return the right answer to ``of`` that a change starts from: the alternative ``on``, or the solution."""
    if on:
        found = (each for each in alternatives if each.slug == on and each.of == of)
        return next((base_of(each.source, each.slug, f"the alternative '{on}'") for each in found), None)
    sources = (cell.source for cell in cells if cell.kind == "exercise")
    bases = (base_of(source, of, f"the solution of {of}") for source in sources)
    return next((base for base in bases if base is not None), None)


def source_path(course: Course, name: str) -> Path:
    """Return the source notebook of the assignment ``name``.

    Raises:
        AuthoringError: there is none, or more than one; names the files and the way out.
    """
    folder = course.source / name
    found = sorted(folder.glob("*.ipynb")) if name and "/" not in name and ".." not in name else []
    if not found and name and author_file(folder) is not None:
        raise AuthoringError(f"{folder} was not built yet. Run: autograder build {name}")
    if not found:
        known = ", ".join(course.assignments()) or "none"
        raise AuthoringError(f"There is no assignment '{name}' in {course.source} (there are: {known}).")
    if len(found) > 1:
        raise AuthoringError(_several(folder, found))
    return found[0]


def topic_of(name: str) -> str:
    """Return the topic in an assignment's name: what follows a leading number, or all of it, as in ``ps1``."""
    return re.sub(r"^\d+[-_]", "", name)


def author_file(folder: Path) -> Path | None:
    """Return the percent file of an assignment's folder ``NN-some-topic``: ``some_topic.py``; None if there is none."""
    path = folder / f"{topic_of(folder.name).replace('-', '_')}.py"
    return path if path.is_file() else None


def _several(folder: Path, found: list[Path]) -> str:
    """Return what to do about more than one notebook in an assignment's folder."""
    names = ", ".join(path.name for path in found)
    written = author_file(folder)
    strays = [path.name for path in found if written is not None and path.stem != written.stem]
    if written is not None and len(strays) < len(found):
        return (
            f"{folder} holds {names}. Its notebook is {written.stem}.ipynb, which is built from {written.name}. "
            f"Move {', '.join(strays)} out of the folder and run the command again."
        )
    return (
        f"{folder} holds {len(found)} notebooks: {names}. An assignment has one. "
        "Keep one there, move the others out of the folder, and run the command again."
    )


def _released(instructor: dict[str, Any], source: Path) -> dict[str, Any]:
    try:
        return released(instructor)
    except AuthoringError as error:
        raise AuthoringError(f"{source}, {error}") from error
    except (KeyError, TypeError) as error:
        raise AuthoringError(
            f"{source} is not a notebook in format 4.5 with nbgrader's marks ({error} is missing). "
            "Open it in JupyterLab, save it and run the command again."
        ) from error


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AuthoringError(f"{path} is damaged ({error}). Run: autograder build") from error


def _cell(cell: dict[str, Any], texts: dict[str, str]) -> AssignmentCell:
    own, graded = cell["metadata"].get("autograder", {}), cell["metadata"].get("nbgrader", {})
    return AssignmentCell(
        kind=own.get("kind", "prose"),
        grade_id=graded.get("grade_id", ""),
        cell_id=cell["id"],
        cell_type=cell["cell_type"],
        source=source_text(cell),
        release_source=texts[cell["id"]],
        exercise=own.get("exercise", ""),
        name=own.get("name", ""),
        points=float(graded.get("points", 0.0)),
    )
