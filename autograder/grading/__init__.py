"""Grading one submission: the student's code in the sandbox, the checks outside it, nothing but data between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.grading.result import CheckResult, Result, Usage, check_outputs, decode_result, encode_result
    from autograder.grading.run import check_seed, grade, not_graded

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

__getattr__ = lazily(
    __name__,
    {
        "CheckResult": "result",
        "Result": "result",
        "Usage": "result",
        "check_outputs": "result",
        "check_seed": "run",
        "decode_result": "result",
        "encode_result": "result",
        "grade": "run",
        "not_graded": "run",
    },
)
