"""The choice of one notebook for each student, where some handed in several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autograder.authoring.assignment import Assignment
from autograder.engine.discover import Discovery, Found, Misplaced
from autograder.errors import UnreadableSubmission
from autograder.submission.belonging import Catalogue
from autograder.submission.candidates import choose

__all__ = ["settle"]


def settle(discovery: Discovery, assignment: Assignment, others: Callable[[], Catalogue]) -> Discovery:
    """Return ``discovery`` with one notebook for each student; where the choice is not clear, a person decides.

    Folders with a single notebook, nearly all of them, are not read here.
    """
    found: list[Found] = []
    misplaced = list(discovery.misplaced)
    for each in discovery.found:
        if not each.others:
            found.append(each)
            continue
        try:
            path, remark = choose(each.path, assignment, others)
        except UnreadableSubmission as error:
            misplaced.append(Misplaced(each.student, str(error), True))
        except Exception as error:  # One folder's trouble is never another's.
            reason = f"{each.path.parent} cannot be read ({type(error).__name__}: {error}). Look at its notebooks."
            misplaced.append(Misplaced(each.student, reason, True))
        else:
            found.append(replace(each, path=path, remark=remark or each.remark))
    return Discovery(tuple(found), tuple(misplaced))
