"""The configuration of an nbgrader course, and the files that `autograder adopt` writes beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traitlets.config import Config

from autograder.atomic_files import write_atomically
from autograder.authoring.adopted import Adoption, Markers, PlannedCheck
from autograder.course import ADOPTED_NAME, Course
from autograder.errors import CourseError
from autograder.gradebook.late_plugin import nbgrader_configuration

__all__ = ["adopted_toml", "frame_of", "isolating_lines", "make_course", "markers_of", "write_adoption"]

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
            f"{folder} is not a course of nbgrader's: there is no notebook in {source}/ASSIGNMENT/. "
            "Name the folder that holds nbgrader_config.py."
        )
    path = folder / "course.toml"
    if path.is_file() and not (folder / ADOPTED_NAME).is_file() and not _is_ours(path):
        raise CourseError(f"{path} exists: this is a course of this package's already. There is nothing to adopt.")
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
    solutions, hidden, scheme = (
        config.get(name, {}) for name in ("ClearSolutions", "ClearHiddenTests", "ClearMarkScheme")
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
