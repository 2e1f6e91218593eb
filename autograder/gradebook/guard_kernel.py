"""The kernel that the gradebook names for every notebook, so that nothing but isolated grading gets by."""

from __future__ import annotations

from typing import Any

__all__ = ["GUARD_KERNEL"]

GUARD_KERNEL: dict[str, Any] = {
    "name": "without-isolation.-nbgrader_config.py-is-missing-or-does-not-isolate.-Run-autograder-doctor",
    "display_name": "Graded in isolation only",
    "language": "python",
}
"""The kernel's specification. No kernel has that name.

nbgrader without this course's configuration starts the gradebook's kernel for each submission: it stops there, before
any of the student's code has run, and its message is the name.
"""
