"""Read, validate, repair and align a submitted notebook with its assignment.

``read_submission`` takes the bytes of a file and gives plain data or a clear refusal; ``align`` puts the
student's work on the released skeleton and explains every repair. Both are pure; ``load`` and
``load_submission`` add one file read.
"""

from autograder.submission.alignment import align, load_submission, submission_key
from autograder.submission.model import Attachment, CellKind, Repair, Submission, SubmissionCell
from autograder.submission.pictures import Embedded, embedded_pictures, put_in_place
from autograder.submission.reading import MAX_BYTES, RawNotebook, load, read_submission

__all__ = [
    "MAX_BYTES",
    "Attachment",
    "CellKind",
    "Embedded",
    "RawNotebook",
    "Repair",
    "Submission",
    "SubmissionCell",
    "align",
    "embedded_pictures",
    "load",
    "load_submission",
    "put_in_place",
    "read_submission",
    "submission_key",
]
