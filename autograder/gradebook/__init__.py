"""The only writer of nbgrader's gradebook, of graded notebooks and of feedback; and the store of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.gradebook.database import Database
    from autograder.gradebook.feedback import feedback_page, notice_page, write_feedback, write_notice
    from autograder.gradebook.files import read_timestamp, write_autograded
    from autograder.gradebook.late import PenaltyPerDay, configured_penalty
    from autograder.gradebook.marks import Comment, Mark, Marks
    from autograder.gradebook.notebooks import autograded_notebook, rebuilt_notebook
    from autograder.gradebook.notice import Notice
    from autograder.gradebook.pictures import Album, Pictures
    from autograder.gradebook.recording import LatePenalty, Recorded
    from autograder.gradebook.results import ResultStore, result_key
    from autograder.gradebook.store import Gradebook

__all__ = [
    "Album",
    "Comment",
    "Database",
    "Gradebook",
    "LatePenalty",
    "Mark",
    "Marks",
    "Notice",
    "PenaltyPerDay",
    "Pictures",
    "Recorded",
    "ResultStore",
    "autograded_notebook",
    "configured_penalty",
    "feedback_page",
    "notice_page",
    "read_timestamp",
    "rebuilt_notebook",
    "result_key",
    "write_autograded",
    "write_feedback",
    "write_notice",
]

__getattr__ = lazily(
    __name__,
    {
        "Album": "pictures",
        "Comment": "marks",
        "Database": "database",
        "Gradebook": "store",
        "LatePenalty": "recording",
        "Mark": "marks",
        "Marks": "marks",
        "Notice": "notice",
        "PenaltyPerDay": "late",
        "Pictures": "pictures",
        "Recorded": "recording",
        "ResultStore": "results",
        "autograded_notebook": "notebooks",
        "configured_penalty": "late",
        "feedback_page": "feedback",
        "notice_page": "feedback",
        "read_timestamp": "files",
        "rebuilt_notebook": "notebooks",
        "result_key": "results",
        "write_autograded": "files",
        "write_feedback": "feedback",
        "write_notice": "feedback",
    },
)
