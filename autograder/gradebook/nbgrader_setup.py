"""nbgrader's configuration of a course: the steps that isolate its commands, and a check that a course has them.

A course's ``nbgrader_config.py`` is three lines long::

    from pathlib import Path
    from autograder.gradebook.nbgrader_setup import configure
    configure(get_config(), Path(__file__).parent)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    GetGrades,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveCells,
)
from traitlets.config import Config

from autograder.course import Course
from autograder.gradebook.late_plugin import nbgrader_configuration
from autograder.gradebook.preprocessors import (
    AssignPenalties,
    IsolatedExecute,
    RebuildSubmission,
    SaveGuardedCells,
    SaveScores,
    ShowSafely,
    StripHidden,
)

__all__ = ["configure", "isolation_missing"]

_EXPORTER = "autograder.reporting.released.FeedbackExporter"  # by name: nbgrader loads it when it makes pages
_NEEDED = (
    ("Autograde", "autograde_preprocessors", IsolatedExecute),
    ("Autograde", "sanitize_preprocessors", RebuildSubmission),
    ("GenerateFeedback", "preprocessors", StripHidden),
    ("HTMLExporter", "preprocessors", ShowSafely),
)


def configure(config: Any, folder: Path) -> None:
    """Set nbgrader up for the course in ``folder``: its directories, isolated execution, hidden tests kept hidden.

    With it ``nbgrader autograde``, nbgrader's API and the formgrader's buttons grade as ``autograder grade`` does.
    The price of lateness stands in course.toml. A plugin of the course's own, named in ``AssignLatePenalties``'s
    ``plugin_class`` after this call, is used in its place.

    Args:
        config: the object that ``get_config()`` returns in ``nbgrader_config.py``.
        folder: the folder of course.toml, or one below it.

    Raises:
        CourseError: course.toml is missing or wrong.
    """
    course = Course.find(folder)
    os.umask(0o077)  # Grades, feedback and hidden tests are not for other accounts of the machine.
    config.Autograde.permissions = 400
    config.GenerateFeedback.permissions = 600
    _set_directories(config, course)
    _set_steps(config)


def _set_directories(config: Any, course: Course) -> None:
    directories, chosen = config.CourseDirectory, course.config.directories
    directories.course_id = course.id
    directories.root = str(course.root)
    directories.db_url = course.gradebook_url
    directories.source_directory = chosen.source
    directories.release_directory = chosen.release
    directories.submitted_directory = chosen.submitted
    directories.autograded_directory = chosen.autograded
    directories.feedback_directory = chosen.feedback
    # Beside each source notebook lie its authors' files, with every answer in them: none may be copied to a release.
    if course.adopted:  # There a course keeps its own rules; this package's files lie elsewhere.
        return
    directories.ignore = [".*", "__pycache__", "*.pyc", "*.py", "feedback"]


def _set_steps(config: Any) -> None:
    """Put this package's steps in the place where nbgrader would run a kernel, and where it shows a student's work."""
    released = GenerateAssignment.class_traits()["preprocessors"].default()
    config.GenerateAssignment.preprocessors = [SaveGuardedCells if step is SaveCells else step for step in released]
    config.Autograde.sanitize_preprocessors = [
        RebuildSubmission,
        ClearOutput,
        DeduplicateIds,
        OverwriteKernelspec,
        OverwriteCells,
        CheckCellMetadata,
    ]
    config.Autograde.autograde_preprocessors = [
        IsolatedExecute,
        LimitOutput,
        SaveScores,
        AssignPenalties,
        CheckCellMetadata,
    ]
    config.GenerateFeedback.exporter_class = _EXPORTER
    config.GenerateFeedback.preprocessors = [GetGrades, StripHidden, CSSHTMLHeaderPreprocessor]
    config.HTMLExporter.preprocessors = [ShowSafely]


def isolation_missing(root: Path) -> str:
    """Return which step of isolation the course's ``nbgrader_config.py`` lacks, as ``Class.trait``; empty if none.

    Raises:
        CourseError: the file does not run.
    """
    found = nbgrader_configuration(root)
    for section, trait, step in _NEEDED:
        if not any(_is(each, step) for each in _listed(found, section, trait)):
            return f"{step.__name__} in {section}.{trait}"
    if any(_is(each, Execute) and not _is(each, IsolatedExecute) for each in _listed(found, *_NEEDED[0][:2])):
        return "a list without nbgrader's own Execute in Autograde.autograde_preprocessors"
    return ""


def _listed(config: Config, section: str, trait: str) -> list[Any]:
    value = config.get(section, {}).get(trait, [])
    return value if isinstance(value, list) else []


def _is(listed: Any, step: type) -> bool:
    """Return whether an entry of a list of steps is ``step``: nbgrader takes classes, objects and dotted names."""
    if isinstance(listed, str):
        return listed.rpartition(".")[2] == step.__name__
    return issubclass(listed if isinstance(listed, type) else type(listed), step)
