"""A new assignment to start from: small, complete, and clean in the audit."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.errors import AuthoringError

__all__ = ["new_assignment"]

_NAME = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
_TEMPLATES = Path(__file__).parent / "templates"
_FILES = ("topic.py.txt", "misconceptions.py.txt", "alternatives.py.txt")


def new_assignment(course: Course, name: str, title: str = "") -> tuple[Path, ...]:
    """Write a working assignment ``solutions/NAME/`` and build its notebooks. Returns the files to edit.

    Args:
        name: two digits, ``-``, and the topic in small letters, as ``08-attention``.
        title: for people; default the topic.

    Raises:
        AuthoringError: the name is invalid, the title has characters that the header cannot hold, or the folder exists.
    """
    if not _NAME.fullmatch(name):
        raise AuthoringError(
            f"'{name}' is not the name of an assignment. Write two digits and a topic, as 08-attention."
        )
    topic = name.partition("-")[2]
    shown = title or topic.replace("-", " ").capitalize()
    if any(sign in shown for sign in '"\\\n{}'):
        raise AuthoringError(
            f"The title '{shown}' has a sign that the header cannot hold. Leave out quotes and braces."
        )
    folder = course.source / name
    if folder.exists():
        raise AuthoringError(f"{folder} exists. Choose another name, or edit what is there.")
    folder.mkdir(parents=True)
    names = (f"{topic.replace('-', '_')}.py", "misconceptions.py", "alternatives.py")
    paths = tuple(folder / each for each in names)
    for path, template in zip(paths, _FILES, strict=True):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        path.write_text(text.replace("@TITLE@", shown).replace("@NAME@", name), encoding="utf-8")
    build_assignment(course, name)
    return paths
