"""A new assignment or a new course to start from.

A new assignment to start from: small, complete, and clean in the audit. The files of a new course: course.toml,
nbgrader_config.py, a roster's head; nothing that is there is touched.
"""

from __future__ import annotations

import re
from pathlib import Path

from autograder.authoring.assignment import author_file, topic_of
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.errors import AuthoringError, CourseError
from autograder.roster import COLUMNS
from autograder.settings import AuthoringSettings

__all__ = ["new_assignment", "new_course", "write_course_files"]


def write_course_files(folder: Path, title: str) -> list[Path]:
    """Write the files of a course into ``folder``, each only if it is missing. Return the files written.

    Raises:
        CourseError: the folder cannot be made or written, or the title cannot stand in course.toml.
    """
    if re.search(r'["\\\x00-\x1f]', title):
        raise CourseError(f"The title {title!r} contains a character that course.toml cannot hold. Leave out quotes.")
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


_TEMPLATES = Path(__file__).parent / "templates"
_FILES = ("topic.py.txt", "misconceptions.py.txt", "alternatives.py.txt")


def _refuse_name(name: str, asked: AuthoringSettings) -> None:
    if not re.fullmatch(asked.names, name):
        form = (
            "two digits and a topic, such as 08-attention"
            if asked.names == AuthoringSettings().names
            else "one of that form"
        )
        raise AuthoringError(f"'{name}' is not a valid assignment name here ({asked.names}). Write {form}.")
    if not re.fullmatch(r"[\w][\w.-]*", name) or not topic_of(name).replace("-", "_").isidentifier():
        raise AuthoringError(f"'{name}' cannot name a folder and a Python file. Write letters, digits, - and _.")


def new_assignment(course: Course, name: str, title: str = "") -> tuple[Path, ...]:
    """Write a working assignment ``solutions/NAME/`` and build its notebooks. Return the files to edit.

    Args:
        name: of the form that the course asks for; by default two digits, ``-``, and the topic, as ``08-attention``.
        title: for people; default the topic.

    Raises:
        AuthoringError: the name is not of that form, the header cannot hold the title, or the folder exists.
    """
    _refuse_name(name, course.config.authoring)
    topic = topic_of(name)
    shown = title or topic.replace("-", " ").capitalize()
    if any(sign in shown for sign in '"\\\n{}'):
        raise AuthoringError(
            f"The title '{shown}' contains a character that the header cannot hold. Leave out quotes and braces."
        )
    folder = course.source / name
    if folder.exists():
        raise AuthoringError(f"{folder} exists. Choose another name, or edit what is there.")
    folder.mkdir(parents=True)
    names = (f"{topic.replace('-', '_')}.py", "misconceptions.py", "alternatives.py")
    paths = tuple(folder / each for each in names)
    for path, template in zip(paths, _FILES, strict=True):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        path.write_text(_filled(text, name, shown, course.config.authoring.points), encoding="utf-8")
    build_assignment(course, name)
    return paths


def new_course(folder: Path, title: str = "", assignment: str = "01-first-steps") -> list[Path]:
    """Make ``folder`` a course with a first assignment. Return the files written; what is there is kept.

    Args:
        folder: made if it does not exist.
        title: for people; default the folder's name.
        assignment: the first one's name; none is written if the course has assignments already.

    Raises:
        CourseError: the folder cannot be written, or holds a wrong course.toml.
        AuthoringError: the assignment's name will not do.
    """
    folder = folder.resolve()
    written = write_course_files(folder, title)
    course = Course.find(folder)
    if not course.source.is_dir() or not any(course.source.iterdir()):
        return [*written, *new_assignment(course, assignment)]
    return written + _build_what_is_missing(course)


def _build_what_is_missing(course: Course) -> list[Path]:
    """Derive the notebooks that a stopped start left out, for example without jupytext. Return them."""
    folders = [folder for folder in sorted(course.source.iterdir()) if author_file(folder) and not _is_built(folder)]
    return [path for folder in folders for path in build_assignment(course, folder.name)]


def _is_built(folder: Path) -> bool:
    return any(folder.glob("*.ipynb"))


def _filled(text: str, name: str, title: str, points: float) -> str:
    """Return a template with the name, the title, and the course's points spread over its checks as 33 are."""
    values = {"NAME": name, "TITLE": title, **_spread(points or 33.0)}
    return re.sub("@([A-Z]+)@", lambda found: values[found[1]], text)


def _spread(points: float) -> dict[str, str]:
    """Return the points of the skeleton's checks by their names in it, in halves; GENERAL has what is left."""
    shares = {"HAND": 5, "EMPTY": 5, "ARGUMENTS": 5, "WHY": 3}
    rounded = {name: max(0.5, round(2 * points * share / 33) / 2) for name, share in shares.items()}
    rounded["GENERAL"] = max(0.5, points - sum(rounded.values()))
    return {name: f"{value:g}" for name, value in rounded.items()}
