"""The files of a new course: course.toml, nbgrader_config.py, a roster's head; nothing that is there is touched."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.errors import CourseError
from autograder.roster import COLUMNS

__all__ = ["write_course_files"]

_TEMPLATES = Path(__file__).parent / "templates"


def write_course_files(folder: Path, title: str) -> list[Path]:
    """Write the files of a course into ``folder``, each only if it is missing. Return the files written.

    Raises:
        CourseError: the folder cannot be made or written, or the title cannot stand in course.toml.
    """
    if re.search(r'["\\\x00-\x1f]', title):
        raise CourseError(f"The title {title!r} has a sign that course.toml cannot hold so. Leave out quotes.")
    try:
        (folder / "data" / "course").mkdir(parents=True, exist_ok=True)
        return [path for path, text in _texts(folder, title).items() if _write_new(path, text)]
    except OSError as error:
        raise CourseError(f"{folder} cannot be made a course: {error}. Choose a folder of your own.") from error


def _texts(folder: Path, title: str) -> dict[Path, str]:
    course_id = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "course"
    chosen = title or folder.name.replace("-", " ").replace("_", " ").capitalize()
    return {
        folder / "course.toml": _template("course.toml").replace("@ID@", course_id).replace("@TITLE@", chosen),
        folder / "nbgrader_config.py": _template("nbgrader_config.py"),
        folder / "students.csv": ",".join(COLUMNS) + "\n",
        folder / ".gitignore": _template("gitignore"),
    }


def _template(name: str) -> str:
    return (_TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")


def _write_new(path: Path, text: str) -> bool:
    """Write a file that is not there yet; return whether it was written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
