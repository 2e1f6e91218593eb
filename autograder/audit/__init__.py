"""The audit grades the tests: wrong answers that they must catch, right ones that they must accept."""

from autograder.audit.audit import Grader, audit_assignment
from autograder.audit.report import Finding, ReportCard
from autograder.audit.run import run_audit, worker_grader
from autograder.audit.samples import answered, blank, submission_of

__all__ = [
    "Finding",
    "Grader",
    "ReportCard",
    "answered",
    "audit_assignment",
    "blank",
    "run_audit",
    "submission_of",
    "worker_grader",
]
