"""The files of the student's kit, in memory: the same bytes for the same course, whenever they are made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.grading.visible_naming import visible_naming
from autograder.handout.student_part import constraints, module_files, pins, project_file
from autograder.lab.recognition import TABLE
from autograder.selfcheck.newer import KIT_FILE, released_marks
from autograder.settings import GradingSettings

__all__ = ["Files", "kit_files", "write_folder"]

Files = dict[str, bytes]
"""Contents by path below the kit's root, with forward slashes, in order."""

_TABLE = "autograder/lab/" + TABLE.name
_NOT_DATA = (".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db")


def kit_files(course: Course, assignments: Sequence[Assignment]) -> Files:
    """Return all files of the kit for ``assignments``: notebooks, tools, data, and how to start.

    Raises:
        AuthoringError: a cell of an assignment does not run.
    """
    notebooks = {_path(each): each.release.encode() for each in assignments}
    made: Files = {
        **notebooks,
        **module_files(),
        **_data(course),
        **_licences(course),
        **{name: text.encode() for name, text in _texts(course, assignments).items()},
        KIT_FILE: _json(_kit_description(assignments, notebooks)),
        _TABLE: _json(_wrong_values(assignments)),
    }
    return dict(sorted(made.items()))


def _path(assignment: Assignment) -> str:
    return f"notebooks/{assignment.name}/{assignment.notebook}.ipynb"


def _data(course: Course) -> Files:
    """Return the course's data, under ``data/course`` wherever the course keeps it."""
    found = (path for path in sorted(course.data.rglob("*")) if path.is_file())
    kept = [path for path in found if not set(path.parts) & set(_NOT_DATA)]
    return {f"data/course/{path.relative_to(course.data).as_posix()}": path.read_bytes() for path in kept}


def _licences(course: Course) -> Files:
    named = ("LICENSE", "LICENSE-text", "data/README.md")
    return {name: (course.root / name).read_bytes() for name in named if (course.root / name).is_file()}


def _texts(course: Course, assignments: Sequence[Assignment]) -> dict[str, str]:
    title = course.config.title or course.id
    first = _path(assignments[0]) if assignments else "notebooks/"
    listed = "\n".join(f"| `{_path(each)}` | {each.title} |" for each in assignments)
    readme = _template("kit-readme.md.txt").replace("@TITLE@", title).replace("@FIRST@", first)
    return {
        "README.md": readme.replace("@NOTEBOOKS@", listed),
        "start.py": _template("start.py.txt"),
        "course.toml": _course_file(course),
        "pyproject.toml": project_file(),
        "requirements.txt": "--constraint constraints.txt\n" + "".join(f"{pin}\n" for pin in pins()),
        "constraints.txt": "".join(f"{pin}\n" for pin in constraints()),
        "environment.yml": _environment(course),
    }


def _template(name: str) -> str:
    return files("autograder.handout").joinpath("templates", name).read_text(encoding="utf-8")


def _course_file(course: Course) -> str:
    """Return the file that ``autograder check`` reads: the grader's limits, and nothing else of the course's file."""
    limits = course.config.grading.limits()
    usual = GradingSettings()
    differing = {key: value for key, value in msgspec.to_builtins(limits).items() if value != getattr(usual, key)}
    lines = [f"id = {json.dumps(course.id)}", f"title = {json.dumps(course.config.title, ensure_ascii=False)}"]
    if differing:
        lines += ["", "[grading]", *(f"{key} = {json.dumps(value)}" for key, value in differing.items())]
    return "# What `autograder check` reads: the limits that the grader keeps to.\n" + "\n".join(lines) + "\n"


def _environment(course: Course) -> str:
    listed = "".join(f"      - {pin}\n" for pin in pins())
    return (
        "# For conda: conda env create -f environment.yml\n"
        f"name: {course.id}\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
        f"      - --constraint constraints.txt\n{listed}      - --editable .\n"
    )


def _kit_description(assignments: Sequence[Assignment], notebooks: Mapping[str, bytes]) -> dict[str, Any]:
    """Return, for each notebook, its own hash, and the marks by which a newer version of it is told."""
    return {
        "notebooks": {
            _path(each): {
                "sha256": hashlib.sha256(notebooks[_path(each)]).hexdigest(),
                "cells": released_marks(json.loads(each.release)),
            }
            for each in assignments
        }
    }


def _wrong_values(assignments: Sequence[Assignment]) -> dict[str, str]:
    return {key: sealed for each in assignments for key, sealed in visible_naming(each).rows.items()}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def write_folder(made: Files, folder: Path) -> None:
    """Write the kit below ``folder``, which is made if it is missing."""
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
