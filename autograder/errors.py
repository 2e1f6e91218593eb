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
"""

__all__ = [
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
