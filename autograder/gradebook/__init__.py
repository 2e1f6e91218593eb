"""The only writer of nbgrader's gradebook, of graded notebooks and of feedback; and the store of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.gradebook.database import Database
    from autograder.gradebook.feedback import feedback_page, write_feedback
    from autograder.gradebook.files import write_autograded
    from autograder.gradebook.late import PenaltyPerDay, configured_penalty
    from autograder.gradebook.marks import Comment, Mark, Marks
    from autograder.gradebook.notebooks import autograded_notebook, rebuilt_notebook
    from autograder.gradebook.recording import LatePenalty, Recorded
    from autograder.gradebook.results import ResultStore, result_key
    from autograder.gradebook.stamps import is_late_by_unknown_time, read_timestamp
    from autograder.gradebook.store import Gradebook

__all__ = [
    "Comment",
    "Database",
    "Gradebook",
    "LatePenalty",
    "Mark",
    "Marks",
    "PenaltyPerDay",
    "Recorded",
    "ResultStore",
    "autograded_notebook",
    "is_late_by_unknown_time",
    "configured_penalty",
    "feedback_page",
    "read_timestamp",
    "rebuilt_notebook",
    "result_key",
    "write_autograded",
    "write_feedback",
]

__getattr__ = lazily(
    __name__,
    {
        "Comment": "marks",
        "Database": "database",
        "Gradebook": "store",
        "LatePenalty": "recording",
        "Mark": "marks",
        "Marks": "marks",
        "PenaltyPerDay": "late",
        "Recorded": "recording",
        "ResultStore": "results",
        "autograded_notebook": "notebooks",
        "configured_penalty": "late",
        "feedback_page": "feedback",
        "is_late_by_unknown_time": "stamps",
        "read_timestamp": "stamps",
        "rebuilt_notebook": "notebooks",
        "result_key": "results",
        "write_autograded": "files",
        "write_feedback": "feedback",
    },
)
