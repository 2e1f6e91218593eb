"""nbgrader's configuration of a course: the steps that isolate its commands, and a check that a course has them.

A course's ``nbgrader_config.py`` is three lines long::

    from pathlib import Path
    from autograder.gradebook.nbgrader_setup import configure
    configure(get_config(), Path(__file__).parent)
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import shutil
import stat
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.converters.base import BaseConverter
from nbgrader.exchange.default import ExchangeCollect
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
from nbgrader.utils import ignore_patterns
from traitlets.config import Config

from autograder.course import Course
from autograder.files import open_below, write_atomically
from autograder.gradebook.lateness import nbgrader_configuration
from autograder.gradebook.preprocessors import (
    AssignPenalties,
    IsolatedExecute,
    RebuildSubmission,
    SaveGuardedCells,
    SaveScores,
    ShowSafely,
    StripHidden,
)
from autograder.gradebook.sanitising import as_plain_text
from autograder.gradebook.stamps import TIMESTAMP, stamp_content
from autograder.submission.notebook_reader import load

__all__ = ["LinklessCollect", "PlainFormatter", "SubmissionExporter", "configure", "isolation_missing"]

_EXPORTER = "autograder.reporting.feedback_return.FeedbackExporter"  # by name: nbgrader loads it when it makes pages
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
    config.Autograde.exporter_class = f"{__name__}.SubmissionExporter"
    config.ExchangeFactory.collect = f"{__name__}.LinklessCollect"
    config.NbGrader.logging_config = {"formatters": {"console": {"class": f"{__name__}.PlainFormatter"}}}
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


class SubmissionExporter(NotebookExporter):
    """An exporter that reads a submitted notebook only if `load` does: it would follow a link, and wait at a pipe."""

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """Return what nbconvert makes of the file. Raises UnreadableSubmission."""
        load(Path(filename))
        made: tuple[Any, Any] = super().from_filename(filename, resources, **options)
        return made


class LinklessCollect(ExchangeCollect):  # type: ignore[misc]
    """nbgrader's collecting, but of plain files alone: it copies with the rights of the staff what students made."""

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a student's folder. What is a link, a pipe or a device in it, or large, is named and left out."""
        unwanted = ignore_patterns(
            exclude=self.coursedir.ignore,
            include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size,
            log=self.log,
        )
        room = 1000 * self.coursedir.max_dir_size

        def copy_plainly(source: str, target: str) -> None:
            nonlocal room
            try:  # Nothing of what was seen before is believed: students can exchange it at any moment.
                with os.fdopen(open_below(Path(src).parent, Path(source)), "rb") as stream:
                    status = os.fstat(stream.fileno())
                    room -= status.st_size
                    if not stat.S_ISREG(status.st_mode) or room < 0:
                        raise OSError("it is not a plain file, or there are too large ones in this folder")
                    Path(target).write_bytes(stream.read(status.st_size))
            except OSError as error:
                self.log.warning("%s is left out: %s", source, error)

        def left_out(folder: str, names: list[str]) -> list[str]:
            return [*unwanted(folder, names), *(name for name in names if (Path(folder) / name).is_symlink())]

        try:
            shutil.copytree(src, dest, symlinks=True, ignore=left_out, copy_function=copy_plainly)
        except (OSError, shutil.Error) as error:  # One student's trouble, and no other's.
            self.log.error("%s could not be collected: %s", src, error)


class PlainFormatter(NbGrader._log_formatter_cls):  # type: ignore[misc]
    """A formatter of lines for a terminal, which must not obey what students chose, such as the names of files."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        plain = copy.copy(record)
        plain.msg, plain.args = as_plain_text(record.getMessage()), None
        if record.exc_info:
            plain.exc_text = as_plain_text(self.formatException(record.exc_info))
        text: str = super().format(plain)
        return text


_copy_all = BaseConverter.init_assignment


def _init_assignment(self: BaseConverter, assignment_id: str, student_id: str) -> None:
    """Copy what lies beside a notebook as nbgrader does; beside a submitted one, nothing but its time stamp.

    Nothing else there is used, and nbgrader would copy what links lead to: other students' files, an endless device.
    """
    steps = self.sanitize_preprocessors if isinstance(self, Autograde) else ()
    if not any(_is(step, RebuildSubmission) for step in steps):
        _copy_all(self, assignment_id, student_id)
        return
    source, made = (Path(path(assignment_id, student_id)) for path in (self._format_source, self._format_dest))
    with contextlib.suppress(OSError):  # A stamp that cannot be read is told of elsewhere.
        write_atomically(made / TIMESTAMP, stamp_content(source / TIMESTAMP))


# There is no trait to replace either of them by.
BaseConverter.init_assignment = _init_assignment
NbGrader._log_formatter_cls = PlainFormatter


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
