"""Many submissions: local workers or a Dask cluster, progress, resuming, and one writer.

Names are loaded when first used, so that a worker process does not import what only the driver needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.engine.api import grade_assignments, grade_class
    from autograder.engine.difference import CheckChange, StudentChange, regrade_difference
    from autograder.engine.local import LocalWorkers
    from autograder.engine.mapper import Mapper, Retrying
    from autograder.engine.messages import Bundle, Job, Options, Reply
    from autograder.engine.progress import LiveProgress, PlainProgress, Progress, Silent
    from autograder.engine.report import ClassReport, SubmissionReport

__all__ = [
    "Bundle",
    "CheckChange",
    "ClassReport",
    "Job",
    "LiveProgress",
    "LocalWorkers",
    "Mapper",
    "Options",
    "PlainProgress",
    "Progress",
    "Reply",
    "Retrying",
    "Silent",
    "StudentChange",
    "SubmissionReport",
    "grade_assignments",
    "grade_class",
    "regrade_difference",
]

__getattr__ = lazily(
    __name__,
    {
        "Bundle": "messages",
        "CheckChange": "difference",
        "ClassReport": "report",
        "Job": "messages",
        "LiveProgress": "progress",
        "LocalWorkers": "local",
        "Mapper": "mapper",
        "Options": "messages",
        "PlainProgress": "progress",
        "Progress": "progress",
        "Reply": "messages",
        "Retrying": "mapper",
        "Silent": "progress",
        "StudentChange": "difference",
        "SubmissionReport": "report",
        "grade_assignments": "api",
        "grade_class": "api",
        "regrade_difference": "difference",
    },
)
