"""The wrong values that misconceptions give in the checks that students see, for naming them while one still works.

Each misconception is put in place of the solution, and the visible checks of its exercise run until one fails. A wrong
value names a misconception if it is that one's alone. No code of it leaves: only a table of hashes, in which each
sentence can be read by whoever has the wrong value.
"""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import numpy as np

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.grading.reference import ReferenceNotebook, reference_for
from autograder.lab.checks import CheckFailed
from autograder.lab.recognition import CHECK, remember_check, seal, wrong_values

__all__ = ["ShownHint", "VisibleNaming", "visible_naming"]


class VisibleNaming(msgspec.Struct, frozen=True):
    """The information that the visible checks of an assignment give on its misconceptions.

    Attributes:
        rows: the table for the kit: hashed wrong values with sealed sentences.
        caught: misconceptions that fail a visible check, by name.
        named: those of them that a visible check can name.
        hints: the hints that those see whose mistake a visible check catches and does not name.
    """

    rows: dict[str, str]
    caught: frozenset[str]
    named: frozenset[str]
    hints: tuple[ShownHint, ...] = ()


class ShownHint(msgspec.Struct, frozen=True):
    """A hint as a student with this misconception sees it.

    Attributes:
        misconception: its name.
        check: the check that it fails.
        text: the hint, with the case that it belongs to.
    """

    misconception: str
    check: str
    text: str


class _Failure(msgspec.Struct, frozen=True):
    """A visible check's failure by a misconception.

    Attributes:
        check: the check.
        values: the wrong value in its place.
        accepted: whether a result came where an error was due.
        hint: the hint of the message, with the case.
    """

    check: str
    values: tuple[bytes, ...] = ()
    accepted: bool = False
    hint: str = ""


def visible_naming(assignment: Assignment) -> VisibleNaming:
    """Try every misconception of ``assignment`` on the visible checks of its exercise.

    Raises:
        AuthoringError: a cell of the assignment does not run.
    """
    return _naming(_Keyed(assignment))


class _Keyed:
    """An assignment, equal to any other with the same cells and answers."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def __hash__(self) -> int:
        return hash(self.assignment.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.assignment.key == self.assignment.key


@lru_cache(maxsize=8)
def _naming(keyed: _Keyed) -> VisibleNaming:
    assignment = keyed.assignment
    trusted = reference_for(assignment)
    failures = {each: _failures(each, assignment, trusted) for each in assignment.misconceptions}
    owners: dict[bytes, set[Answer]] = defaultdict(set)
    for answer, failed in failures.items():
        for value in (value for each in failed for value in each.values):
            owners[value].add(answer)
    rows, named = {}, set[str]()
    for answer, failed in failures.items():
        for value in _own(failed):
            if owners[value] == {answer}:
                key, sealed = seal(value, answer.text)
                rows[key] = sealed
                named.add(answer.slug)
    caught = frozenset(answer.slug for answer, failed in failures.items() if failed)
    alone = {value for value, of in owners.items() if len(of) == 1}
    hints = [
        ShownHint(answer.slug, each.check, each.hint)
        for answer, failed in failures.items()
        for each in failed
        if each.hint and not alone & set(each.values)
    ]
    return VisibleNaming(dict(sorted(rows.items())), caught, frozenset(named), tuple(hints))


def _own(failures: Sequence[_Failure]) -> Iterator[bytes]:
    """Yield the wrong values that are evidence for a misconception.

    A result where an error was due speaks for it only if that is all it gets wrong: who forgets to refuse an argument
    may be right otherwise.
    """
    only_accepts = all(each.accepted for each in failures)
    for each in failures:
        if only_accepts or not each.accepted:
            yield from each.values


def _failures(answer: Answer, assignment: Assignment, trusted: ReferenceNotebook) -> list[_Failure]:
    of = assignment.exercise_of
    checks = [check for check in assignment.checks if of[check.exercise] == of[answer.of]]
    with _quietly():
        tried = [_try(answer, check, trusted) for check in checks]
    return [failure for failure in tried if failure is not None]


def _try(answer: Answer, check: AssignmentCell, trusted: ReferenceNotebook) -> _Failure | None:
    """Return how ``answer`` fails the visible part of ``check``; None if it passes, or if there is nothing to see."""
    names = trusted.with_answer(answer)
    remember_check(check.release_source)
    try:
        exec(compile(check.release_source, CHECK, "exec"), names)
    except CheckFailed as error:
        accepted = error.compared is not None and error.compared.accepted
        hint = f"{error.hint} ({error.case})" if error.hint else ""
        return _Failure(check.grade_id, tuple(wrong_values(error)), accepted, hint)
    except Exception:
        return _Failure(check.grade_id)
    return None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Leave out warnings and prints, and start from the same random numbers each time."""
    state = random.getstate(), np.random.get_state()  # noqa: NPY002 -- the state that notebooks may use
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002
