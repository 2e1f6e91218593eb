"""Grading one submission: the student's code in the sandbox, the checks outside it, nothing but data between."""

from autograder.grading.grade import check_seed, grade, not_graded
from autograder.grading.result import CheckResult, Result, Usage, check_outputs, decode_result, encode_result

__all__ = [
    "CheckResult",
    "Result",
    "Usage",
    "check_outputs",
    "check_seed",
    "decode_result",
    "encode_result",
    "grade",
    "not_graded",
]
