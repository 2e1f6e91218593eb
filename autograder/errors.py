"""The errors that a person using this package may meet.

Every message names the file, cell, exercise or value at fault, and ends with what to do::

    AutograderError
    ├── CourseError            course.toml is missing or wrong
    ├── AuthoringError         an assignment's source cannot be built
    ├── UnreadableSubmission   a student's file is not a notebook that can be graded
    ├── MachineryError         the grader failed: not graded, never a zero
    │   └── LayerMissing       a layer of the sandbox is missing on this machine
    ├── GradebookError         the database is missing, damaged or locked
    │   └── GradebookUnusable   nothing at all can be written to it now
    ├── LeaderboardError       a board cannot be made from what is there
    └── ServiceError           an attempt is refused, or the service cannot go on

Where a package is missing, :func:`extra_for` tells which extra of the distribution to install.
"""

from __future__ import annotations

__all__ = [
    "DISTRIBUTION",
    "AuthoringError",
    "AutograderError",
    "CourseError",
    "GradebookError",
    "GradebookUnusable",
    "LayerMissing",
    "LeaderboardError",
    "MachineryError",
    "ServiceError",
    "UnreadableSubmission",
    "extra_for",
]


class AutograderError(Exception):
    """The root of all errors that a user of the package can put right."""


class CourseError(AutograderError):
    """An error of the course's configuration, which is missing or wrong; names the file and the key."""


class AuthoringError(AutograderError):
    """An error in an assignment's source, which cannot be built; names the file, the cell and the exercise."""


class UnreadableSubmission(AutograderError):
    """A submitted file that cannot be graded; names the file and what is wrong with it."""


class MachineryError(AutograderError):
    """A failure of the grader itself. The submission counts as not graded, never as zero."""


class LayerMissing(MachineryError):
    """A sandbox that cannot be built as asked; names the layer and how to get it."""


class GradebookError(AutograderError):
    """A gradebook that cannot be read or written; it is left as it was."""


class GradebookUnusable(GradebookError):
    """A database that is locked, damaged or out of reach, or a full disk: this affects everybody, not one student."""


class LeaderboardError(AutograderError):
    """A board that cannot be made; names the entry or the setting."""


class ServiceError(AutograderError):
    """A refused attempt, an invalid link, or a service that cannot go on; names what to do."""


DISTRIBUTION = "cnn-course-autograder"
"""The distribution's name on the index, for messages that tell what to install."""

_GRADING = (
    "alembic dateutil jinja2 jupytext latex2mathml markupsafe msgpack nbclient nbconvert nbformat nbgrader nh3 "
    "packaging PIL pygments pyseccomp sqlalchemy yaml"
)
_SERVING = "starlette uvicorn itsdangerous python_multipart multipart"
_EXTRAS = {
    "grade": _GRADING,
    "cluster": "dask distributed",
    "postgres": "psycopg",
    "similarity": "copydetect",
    "tables": "pandas",
    "serve": _SERVING,
    "hub": "jupyterhub",
}
_EXTRA_OF = {module: extra for extra, modules in _EXTRAS.items() for module in modules.split()}


def extra_for(error: ModuleNotFoundError) -> str:
    """Return the sentence on the extra that brings the module that was not found; empty if none does."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRA_OF:
        return ""
    return (
        f"This needs the package that is imported as '{module}', which is not installed. Install it, and what belongs "
        f"to it, with: pip install '{DISTRIBUTION}[{_EXTRA_OF[module]}]'"
    )
