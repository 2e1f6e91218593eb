"""From the one file an author edits to everything that is derived from it.

``topic.py`` (jupytext percent format) → ``topic.ipynb`` (nbgrader's source notebook) → ``notebooks/`` (what students
get). An :class:`Assignment` is the pair of derived notebooks plus the named wrong and right answers, as plain data.

Building is loaded when first used: nothing that grades needs the libraries that write notebooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.authoring.answers import Answer, alternative, misconception
from autograder.authoring.assignment import Assignment, AssignmentCell, load_assignment
from autograder.authoring.regions import split_hidden
from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.authoring.build import build_assignment, build_course

__all__ = [
    "Answer",
    "Assignment",
    "AssignmentCell",
    "alternative",
    "build_assignment",
    "build_course",
    "load_assignment",
    "misconception",
    "split_hidden",
]

__getattr__ = lazily(__name__, {"build_assignment": "build", "build_course": "build"})
