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
    """The root: anything that a user of the package can put right."""


class CourseError(AutograderError):
    """The course's configuration is missing or wrong; names the file and the key."""


class AuthoringError(AutograderError):
    """An assignment's source cannot be built; names the file, the cell and the exercise."""


class UnreadableSubmission(AutograderError):
    """A submitted file cannot be graded; names the file and what is wrong with it."""


class MachineryError(AutograderError):
    """The grader itself failed. The submission counts as not graded, never as zero."""


class LayerMissing(MachineryError):
    """The sandbox cannot be built as asked; names the layer and how to get it."""


class GradebookError(AutograderError):
    """The gradebook cannot be read or written; it is left as it was."""


class GradebookUnusable(GradebookError):
    """The database is locked, damaged or out of reach, or the disk is full: everybody's trouble, not one student's."""


class LeaderboardError(AutograderError):
    """A board cannot be made; names the entry or the setting."""


class ServiceError(AutograderError):
    """An attempt is refused, a link does not hold, or the service cannot go on; says what to do."""
