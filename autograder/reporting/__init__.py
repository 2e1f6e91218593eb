"""What people do with grades: answer a request, send them to a learning platform, look at the class as a whole."""

from autograder.reporting.class_report import AssignmentOverview, overview, write_report
from autograder.reporting.export import FORMATS, Exported, export
from autograder.reporting.feedback_pages import PAGE_FORMATS, Packed, pack_feedback
from autograder.reporting.regrade import Regrade, regrade, regrades
from autograder.reporting.returning import Returned, return_feedback
from autograder.reporting.status import AssignmentStatus, status

__all__ = [
    "FORMATS",
    "PAGE_FORMATS",
    "AssignmentOverview",
    "AssignmentStatus",
    "Exported",
    "Packed",
    "Regrade",
    "Returned",
    "export",
    "overview",
    "pack_feedback",
    "regrade",
    "regrades",
    "return_feedback",
    "status",
    "write_report",
]
