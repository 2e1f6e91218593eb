"""The assignments of an nbgrader course, read from its source notebooks, of which nothing is changed.

`autograder adopt` writes one file of its own beside them, ``adopted.toml``: how the course marks solutions and hidden
tests, and for each check the level at which it is graded. Names of assignments are ``ps1/problem1`` here: a notebook
of the course's assignment ``ps1``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from autograder.authoring.regions import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    CODE_STUB,
    END_HIDDEN,
    END_SOLUTION,
    TEXT_STUB,
)
from autograder.authoring.releasing import notebook_text, released
from autograder.authoring.source_cells import defined_names
from autograder.course import ADOPTED_NAME, Course
from autograder.errors import AuthoringError

__all__ = [
    "AdoptedNotebook",
    "Adoption",
    "Level",
    "Markers",
    "PlannedCheck",
    "check_digest",
    "frame_files",
    "lay_out_files",
    "load_adoption",
    "notebooks_of",
    "read_adopted",
    "read_instructors_notebook",
    "units_of",
]

Level = Literal["apart", "asked", "together", "by hand"]


_UNREADABLE = "{path} cannot be read as a notebook ({error}). Open it in Jupyter and save it."


class Markers(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The course's markers of regions, and what stands in their place for students; the defaults are nbgrader's."""

    begin_solution: str = "BEGIN SOLUTION"
    end_solution: str = "END SOLUTION"
    begin_hidden: str = "BEGIN HIDDEN TESTS"
    end_hidden: str = "END HIDDEN TESTS"
    begin_scheme: str = "BEGIN MARK SCHEME"
    end_scheme: str = "END MARK SCHEME"
    code_stub: str = CODE_STUB
    text_stub: str = TEXT_STUB


class PlannedCheck(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The level at which one check is graded.

    Attributes:
        level: apart, asked, together, or by hand.
        check: a digest of the check's text for which that was found out.
        why: what was seen in the trials, if it is not apart.
    """

    level: Level
    check: str = ""
    why: str = ""


class Adoption(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The content of ``adopted.toml``.

    Attributes:
        together: whether checks may be graded within the student's own process, where results can be forged.
        header, footer: notebooks that nbgrader puts above and below each one that it hands out; empty for none.
        markers: as in nbgrader_config.py.
        checks: by notebook, such as ``ps1/problem1``, and grade id.
    """

    together: bool = True
    header: str = ""
    footer: str = ""
    markers: Markers = Markers()
    checks: dict[str, dict[str, PlannedCheck]] = {}

    def level(self, unit: str, cell: Mapping[str, Any]) -> str:
        """Return the level of a check; empty if it was not tried yet, or has another text since."""
        planned = self.checks.get(unit, {}).get(cell["grade_id"])
        if planned is None or planned.check not in ("", check_digest(cell["source"])):
            return ""
        return "by hand" if planned.level == "together" and not self.together else planned.level


def check_digest(source: str) -> str:
    """Return a digest of the text of a check, which tells whether it is still the one that was tried."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def load_adoption(course: Course) -> Adoption:
    """Return the content of the course's ``adopted.toml``.

    Raises:
        AuthoringError: it cannot be read, or a key of it is wrong.
    """
    path = course.root / ADOPTED_NAME
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Adoption)
    except (OSError, ValueError) as error:
        raise AuthoringError(f"{path}: {error}. Correct it, or run: autograder adopt {course.root}") from error


def notebooks_of(course: Course, name: str) -> list[str]:
    """Return the names of the notebooks of the assignment ``name``, as ``ps1/problem1``; of one of them, itself.

    Raises:
        AuthoringError: there is no such assignment.
    """
    folder, _, notebook = name.partition("/")
    found = sorted(path.stem for path in (course.source / folder).glob("*.ipynb")) if ".." not in name else []
    wanted = [each for each in found if notebook in ("", each)]
    if not wanted:
        known = ", ".join(course.assignments()) or "none"
        has = f" It has the notebooks {', '.join(found)}." if found else f" There are: {known}."
        raise AuthoringError(f"There is no assignment '{name}' in {course.source}.{has}")
    return [f"{folder}/{each}" for each in wanted]


class AdoptedNotebook(NamedTuple):
    """A source notebook of an adopted course, as data for an `Assignment`.

    Attributes:
        path: its path.
        cells: the fields of each `AssignmentCell`, in order.
        release: the notebook that students get of it, as JSON text.
        answers: the folder for named wrong and right answers to its exercises; not beside the notebook, since nbgrader
            copies everything there to students.
    """

    path: Path
    cells: list[dict[str, Any]]
    release: str

    answers: Path


def frame_files(course: Course) -> list[Path]:
    """Return the files outside of an assignment's folder that its notebooks depend on. Raises AuthoringError."""
    plan = load_adoption(course)
    names = [ADOPTED_NAME, plan.header, plan.footer]
    return [course.root / name for name in names if name and (course.root / name).is_file()]


def units_of(course: Course, name: str) -> list[str]:
    """Return the units of an assignment: the names of its notebooks in an adopted course, else its own name alone.

    Raises:
        AuthoringError: as `notebooks_of`.
    """
    return notebooks_of(course, name) if course.adopted else [name]


def read_adopted(course: Course, name: str, adoption: Adoption | None = None) -> AdoptedNotebook:
    """Read one notebook of an adopted course, as ``ps1/problem1``, or ``ps1`` if it has only one.

    Args:
        course: the course.
        name: the notebook's name.
        adoption: replaces the content of the course's ``adopted.toml``; checks that it does not have are graded apart.

    Raises:
        AuthoringError: there is no such notebook, it cannot be read, or a check in it has no level yet.
    """
    names = notebooks_of(course, name)
    if len(names) > 1:
        raise AuthoringError(f"'{name}' has {len(names)} notebooks. Name one of {', '.join(names)}.")
    plan = adoption or load_adoption(course)
    folder, _, stem = names[0].partition("/")
    path = course.source / folder / f"{stem}.ipynb"
    frame = [course.root / name if name else None for name in (plan.header, plan.footer)]
    instructor = read_instructors_notebook(path, plan.markers, *frame)
    release = released(instructor, plan.markers.code_stub, plan.markers.text_stub)
    cells = list(_cells(instructor, release))
    for cell in cells:
        if cell["kind"] == "check":
            cell["level"] = plan.level(names[0], cell) or ("apart" if adoption else "")
            if not cell["level"]:
                raise AuthoringError(
                    f"{path}: it is not known yet how the check '{cell['grade_id']}' can be graded: it is new, or was"
                    f" changed. Run `autograder adopt {course.root}`, which tries it."
                )
    return AdoptedNotebook(path, cells, notebook_text(release), course.root / "answers" / folder / stem)


def lay_out_files(course: Course) -> None:
    """Copy the files that are handed out with each assignment's notebooks to where students may read them."""
    for name in course.assignments():
        target = course.data / name
        wanted = {path.relative_to(course.source / name): path for path in (course.source / name).rglob("*")}
        wanted = {where: path for where, path in wanted.items() if path.is_file() and not _is_left_out(where)}
        for old in [path for path in target.rglob("*") if path.is_file() and path.relative_to(target) not in wanted]:
            old.unlink()
        target.mkdir(parents=True, exist_ok=True)
        for where, path in wanted.items():
            copy = target / where
            if not copy.is_file() or copy.read_bytes() != path.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def _is_left_out(path: Path) -> bool:
    """Return whether ``path`` is a notebook, or something that nbgrader does not hand out by default."""
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return hidden or path.suffix in (".ipynb", ".pyc") or path.name == "timestamp.txt"


def read_instructors_notebook(
    path: Path, markers: Markers, header: Path | None = None, footer: Path | None = None
) -> dict[str, Any]:
    """Return a source notebook in format 4.5, with the markers of this package; only in memory.

    Args:
        path: the notebook's path.
        markers: the course's.
        header, footer: notebooks whose cells stand above and below.

    Raises:
        AuthoringError: one of them is not a notebook, or has no Python in it.
    """
    notebook = _read(path)
    cells = [cell for each in (header, path, footer) if each for cell in _normalised_cells(each, markers)]
    language = str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")).lower()
    if language not in ("python", "python3", ""):
        raise AuthoringError(f"{path} is written in {language}. Only Python can be graded here; leave it to nbgrader.")
    _name_cells(cells, path)
    return {"cells": cells, "metadata": dict(notebook.get("metadata", {})), "nbformat": 4, "nbformat_minor": 5}


def _read(path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        return _upgraded(notebook) if int(notebook.get("nbformat", 4)) < 4 else notebook
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(
            f"{path} cannot be read as a notebook ({error}). Open it in Jupyter and save it."
        ) from error


def _normalised_cells(path: Path, markers: Markers) -> list[dict[str, Any]]:
    try:
        return [_normalised(cell, markers) for cell in _read(path)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(
            f"{path} cannot be read as a notebook ({error}). Open it in Jupyter and save it."
        ) from error


def _upgraded(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook of format 3 as one of format 4."""
    import nbformat

    old = nbformat.from_dict(dict(notebook))  # type: ignore[no-untyped-call]
    made: dict[str, Any] = nbformat.convert(old, 4)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def _normalised(cell: Mapping[str, Any], markers: Markers) -> dict[str, Any]:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    kind = cell["cell_type"] if cell["cell_type"] in ("code", "markdown") else "markdown"
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": dict(cell.get("metadata", {})),
        "source": _with_our_marks(source, markers),
    }
    if isinstance(cell.get("id"), str):
        made["id"] = cell["id"]
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    elif cell.get("attachments"):
        made["attachments"] = cell["attachments"]
    if "nbgrader" in made["metadata"]:
        made["metadata"]["nbgrader"] = _marks(dict(made["metadata"]["nbgrader"]))
    return made


def _marks(marks: dict[str, Any]) -> dict[str, Any]:
    """Return the marks that nbgrader made of a cell, of any schema version, as those of version 3."""
    grade, solution, task = (bool(marks.get(key)) for key in ("grade", "solution", "task"))
    made = {
        "grade": grade,
        "solution": solution,
        "task": task,
        "locked": bool(marks.get("locked") or task) if not (grade or solution) else grade and not solution,
        "grade_id": str(marks.get("grade_id", "")),
        "schema_version": 3,
    }
    if grade or task:
        made["points"] = float(marks.get("points") or 0)
    return made


def _with_our_marks(source: str, markers: Markers) -> str:
    """Return the text with this package's markers in place of the course's; a marking scheme is part of no notebook."""
    pairs = (
        (markers.begin_solution, BEGIN_SOLUTION),
        (markers.end_solution, END_SOLUTION),
        (markers.begin_hidden, BEGIN_HIDDEN),
        (markers.end_hidden, END_HIDDEN),
    )
    lines, in_scheme = [], False
    for line in source.split("\n"):
        if markers.begin_scheme in line or markers.end_scheme in line:
            in_scheme = markers.begin_scheme in line
            continue
        if in_scheme:
            continue
        ours = next((mark for theirs, mark in pairs if theirs in line), None)
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(line if ours is None else indent + ours)
    return "\n".join(lines)


def _name_cells(cells: list[dict[str, Any]], path: Path) -> None:
    """Give every cell an id, the same each time; cells of older formats have none."""
    taken: set[str] = set()
    grade_ids: set[str] = set()
    for number, cell in enumerate(cells, 1):
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id and grade_id in grade_ids:
            raise AuthoringError(
                f"{path}: two cells are called '{grade_id}'. Rename one of them in nbgrader's *Create Assignment*."
            )
        grade_ids.add(grade_id)
        wished = cell.get("id") or re.sub(r"[^A-Za-z0-9_-]", "-", grade_id)[:48] or f"cell-{number}"
        cell["id"] = wished if wished not in taken else f"{wished[:48]}-{number}"
        taken.add(cell["id"])


def _cells(instructor: Mapping[str, Any], release: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells of the notebook; each check belongs to the last exercise before it whose names it reads."""
    exercises: dict[str, str] = {}
    first = next((_marks_of(cell)["grade_id"] for cell in instructor["cells"] if _kind(cell) == "exercise"), "")
    for own, given in zip(instructor["cells"], release["cells"], strict=True):
        kind, marks = _kind(own), _marks_of(own)
        grade_id = marks.get("grade_id", "")
        if kind == "exercise":
            exercises[grade_id] = own["source"]
        yield {
            "kind": kind,
            "grade_id": grade_id,
            "cell_id": own["id"],
            "cell_type": own["cell_type"],
            "source": own["source"],
            "release_source": given["source"],
            "exercise": _exercise_of(own["source"], exercises) or first if kind == "check" else grade_id,
            "name": grade_id if kind == "check" else "",
            "points": float(marks.get("points", 0.0)),
        }


def _exercise_of(check: str, exercises: Mapping[str, str]) -> str:
    words = set(re.findall(r"\w+", check))
    for exercise, source in reversed(list(exercises.items())):
        if words & {*defined_names(source), *re.findall(r"^(\w+)\s*=", source, re.MULTILINE)}:
            return exercise
    return next(reversed(list(exercises)), "")


def _marks_of(cell: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cell["metadata"].get("nbgrader", {})
    return found


def _kind(cell: Mapping[str, Any]) -> str:
    """Return the kind of a cell here: a free cell is code that students may change without being asked to."""
    marks, code = _marks_of(cell), cell["cell_type"] == "code"
    if marks.get("solution"):
        return "exercise" if code else "answer"
    if not code:
        return "prose"
    if marks.get("grade"):
        return "check"
    return "given" if marks.get("locked") else "free"
