"""Read, validate, repair and align a submitted notebook with its assignment.

``read_submission`` takes the bytes of a file and gives plain data or a clear refusal; ``align`` puts the
student's work on the released skeleton and explains every repair. Both are pure; ``load`` and
``load_submission`` add one file read.
"""

from autograder.submission.alignment import align, load_submission, submission_key, work_in
from autograder.submission.belonging import Catalogue, catalogue_of
from autograder.submission.choosing import beside, choose
from autograder.submission.model import CellKind, Repair, Submission, SubmissionCell
from autograder.submission.reading import MAX_BYTES, RawNotebook, load, read_submission

__all__ = [
    "MAX_BYTES",
    "Catalogue",
    "CellKind",
    "RawNotebook",
    "Repair",
    "Submission",
    "SubmissionCell",
    "align",
    "beside",
    "catalogue_of",
    "choose",
    "load",
    "load_submission",
    "read_submission",
    "submission_key",
    "work_in",
]
