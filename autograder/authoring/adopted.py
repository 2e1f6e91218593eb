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

from autograder.authoring.instructors_notebook import Markers, read_instructors_notebook, schemes_in
from autograder.authoring.source_cells import defined_names, notebook_text, released
from autograder.course import ADOPTED_NAME, Course
from autograder.errors import AuthoringError

__all__ = [
    "AdoptedNotebook",
    "Adoption",
    "Level",
    "PlannedCheck",
    "autotests_path",
    "check_digest",
    "code_digest",
    "frame_files",
    "has_autotests",
    "lay_out_files",
    "load_adoption",
    "mark_schemes",
    "notebooks_of",
    "read_adopted",
    "units_of",
]

Level = Literal["apart", "asked", "together", "by hand"]


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
        left: the notebooks that cannot be graded here, each with the reason; they are left to nbgrader.
        markers: as in nbgrader_config.py.
        checks: by notebook, such as ``ps1/problem1``, and grade id.
    """

    together: bool = True
    header: str = ""
    footer: str = ""
    left: dict[str, str] = {}
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


def notebooks_of(course: Course, name: str, adoption: Adoption | None = None) -> list[str]:
    """Return the names of the notebooks of the assignment ``name``, as ``ps1/problem1``; of one of them, itself.

    Args:
        course: the course.
        name: the assignment's name.
        adoption: replaces the content of the course's ``adopted.toml``; it tells which notebooks are left out.

    Raises:
        AuthoringError: there is no such assignment, or nothing of it can be graded here.
    """
    folder, _, notebook = name.partition("/")
    found = sorted(path.stem for path in (course.source / folder).glob("*.ipynb")) if ".." not in name else []
    left = (adoption or load_adoption(course)).left
    wanted = [each for each in found if notebook in ("", each) and f"{folder}/{each}" not in left]
    if not wanted:
        reasons = [left[unit] for each in found if notebook in ("", each) and (unit := f"{folder}/{each}") in left]
        if reasons:
            raise AuthoringError(f"{reasons[0]} Then run: autograder adopt {course.root}")
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
    named = [course.root / name for name in (ADOPTED_NAME, plan.header, plan.footer) if name]
    return [path for path in (*named, *autotests_path(course, "").rglob("*.json")) if path.is_file()]


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
    plan = adoption or load_adoption(course)
    names = notebooks_of(course, name, plan)
    if len(names) > 1:
        raise AuthoringError(f"'{name}' has {len(names)} notebooks. Name one of {', '.join(names)}.")
    folder, _, stem = names[0].partition("/")
    path = course.source / folder / f"{stem}.ipynb"
    frame = [course.root / name if name else None for name in (plan.header, plan.footer)]
    instructor = read_instructors_notebook(path, plan.markers, *frame)
    _write_out_autotests(instructor, path, autotests_path(course, names[0]), plan.markers.autotest)
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


def autotests_path(course: Course, unit: str) -> Path:
    """Return the path of the file in which `autograder adopt` keeps the tests that AUTOTEST lines stand for."""
    folder = course.root / ".autograder" / "autotests"
    return folder / f"{unit}.json" if unit else folder


def code_digest(notebook: Mapping[str, Any]) -> str:
    """Return a digest of the code of a notebook, which tells whether tests made from it are still the right ones."""
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def has_autotests(notebook: Mapping[str, Any], delimiter: str) -> bool:
    """Return whether a notebook has lines that stand for tests: comments with ``delimiter``, by default AUTOTEST."""
    lines = (line for cell in notebook["cells"] if cell["cell_type"] == "code" for line in cell["source"].split("\n"))
    return any(delimiter in line and line.lstrip().startswith("#") for line in lines)


def _write_out_autotests(notebook: dict[str, Any], path: Path, kept: Path, delimiter: str) -> None:
    """Put tests in place of the lines that stand for them. Raises AuthoringError if they are not known yet."""
    if not has_autotests(notebook, delimiter):
        return
    try:
        tests = json.loads(kept.read_bytes())
        if tests["of"] != code_digest(notebook):
            raise ValueError("the notebook was changed since")
        for cell in notebook["cells"]:
            cell["source"] = tests["cells"].get(cell["id"], cell["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(
            f"{path} has {delimiter} lines, and the tests that they stand for are not there ({error}). Run `autograder"
            f" adopt {kept.parents[3]}`, which writes them."
        ) from error


def mark_schemes(course: Course, unit: str) -> dict[str, str]:
    """Return the marking schemes of a notebook, which nbgrader hands out to nobody, by grade id.

    Raises:
        AuthoringError: there is no such notebook, or it cannot be read.
    """
    (name,) = notebooks_of(course, unit)
    return schemes_in(course.source / f"{name}.ipynb", load_adoption(course).markers)


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
