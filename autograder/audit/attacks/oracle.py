"""The oracle of attacks, which judges from outside whether one succeeded, never by its own word alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.audit.attacks.catalogue import Attack
from autograder.audit.attacks.honeypot import Honeypot
from autograder.audit.attacks.markup import unsafe_markup, unsafe_outputs
from autograder.audit.leaks import find_leaks
from autograder.authoring.assignment import Assignment
from autograder.engine.grader import solved
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.graded_notebooks import build_autograded
from autograder.gradebook.preprocessors import ShowSafely
from autograder.grading.canary import canary_of
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

__all__ = ["Shown", "breaches_of_pages", "breaches_of_result", "files_changed", "shown_to_people"]

_KNOWN: dict[str, Counter[str]] = {}


@dataclass(frozen=True)
class Shown:
    """The parts of a graded submission that people see.

    Attributes:
        feedback: the student's page.
        outputs: the outputs in the graded notebook, which graders open.
        prose: the text cells of that notebook, as the formgrader is given them.
        told: every message and repair, and the outputs as they came.
    """

    feedback: str
    outputs: Sequence[dict[str, object]]
    prose: Sequence[str]
    told: str


def shown_to_people(scene: Honeypot, submission: Submission, result: Result, student: str) -> Shown:
    """Make the pages that the grader's writer makes of ``result``."""
    notebook = build_autograded(scene.assignment, submission, result)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    safe, _ = ShowSafely().preprocess(notebook, {})  # type: ignore[no-untyped-call]
    prose = [cell.source for cell in safe.cells if cell.cell_type == "markdown"]
    told = [check.text for check in result.checks] + [f"{r.cell} {r.what} {r.why}" for r in result.repairs]
    told.append(json.dumps(result.outputs, ensure_ascii=False))
    return Shown(feedback_page(scene.assignment, submission, result, student=student), outputs, prose, "\n".join(told))


def breaches_of_result(attack: Attack, scene: Honeypot, result: Result, free: Collection[str]) -> Iterator[str]:
    """Yield the points that were not earned: ``free`` are the checks that an answer without any work passes."""
    for check in result.checks:
        if not 0 <= check.points <= check.max_points:
            yield f"{check.check} gave {check.points} of {check.max_points} points"
    entering = competition_checks(scene.assignment)  # checks that train an entry: no attack is entered
    asked = sorted(cell.grade_id for cell in scene.assignment.checks if cell.grade_id not in entering)
    if sorted(check.check for check in result.checks) != asked:
        yield "a check is missing or there twice"
    if not attack.honest:
        stolen = {check.check: check.points for check in result.checks if check.points and check.check not in free}
        if stolen:
            yield f"{sum(stolen.values()):g} points that were not earned, in {min(stolen)}"


def breaches_of_pages(scene: Honeypot, submission: Submission, shown: Shown) -> Iterator[str]:
    """Yield what got out into the pages that people see, and what would run there."""
    seen = {"feedback": shown.feedback, "messages": shown.told, "graded notebook": json.dumps(shown.outputs)}
    words = {**scene.canaries, "a hidden test": canary_of(scene.course.secret, scene.assignment)}
    for name, text in seen.items():
        for place, word in words.items():
            if word in text:
                yield f"what is in {place} got out into {name}"
        if scene.mark in text:
            yield f"a forbidden call went through ({name})"
    own = "\n".join(cell.source for cell in submission.cells)
    for finding in find_leaks(scene.plain, seen, dict.fromkeys(seen, own)):
        yield finding.text
    found = Counter(unsafe_markup(shown.feedback)) - _markup_of_the_course(scene.assignment)
    yield from (f"feedback holds {what}" for what in found)
    yield from (f"graded notebook holds {what}" for what in unsafe_outputs(shown.outputs))
    yield from (f"text cell holds {what}" for text in shown.prose for what in unsafe_markup(text))


def _markup_of_the_course(assignment: Assignment) -> Counter[str]:
    """Return what the course's text brings into every page of feedback: its links and formulas, which are trusted."""
    if assignment.key not in _KNOWN:
        checks = [
            CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "failed", "No.") for cell in assignment.checks
        ]
        failed = Result(assignment.name, assignment.key, "", "graded", checks=tuple(checks))
        page = feedback_page(assignment, solved(assignment), failed, student="nobody")
        _KNOWN[assignment.key] = Counter(unsafe_markup(page))
    return _KNOWN[assignment.key]


def files_changed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield each watched file that is not as it was."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name} was {'made' if name not in before else 'removed' if name not in after else 'changed'}"
