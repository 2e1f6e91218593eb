"""What people do with grades: answer a request, send them to a learning platform, look at the class as a whole."""

from autograder.reporting.class_report import AssignmentOverview, overview, write_report
from autograder.reporting.export import FORMATS, Exported, export
from autograder.reporting.regrade import Regrade, regrade, regrades
from autograder.reporting.returning import Returned, return_feedback

__all__ = [
    "FORMATS",
    "AssignmentOverview",
    "Exported",
    "Regrade",
    "Returned",
    "export",
    "overview",
    "regrade",
    "regrades",
    "return_feedback",
    "write_report",
]
