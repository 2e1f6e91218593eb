"""The audit of one assignment: what its checks miss, refuse wrongly or give away.

Misconceptions must be caught and named, alternatives accepted, an untouched notebook must earn nothing, and no hidden
line may stand where a student can read it. A grader that looks up what it has graded before makes the audit of an
unchanged assignment cost no more than a look-up.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from autograder.audit.report_card import ExerciseCard, Finding, ReportCard
from autograder.audit.weaknesses import (
    Idler,
    answered_notebook,
    blank_notebook,
    exercise_cards,
    find_leaks,
    hint_findings,
    idlers,
    release_texts,
    submission_of,
)
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.challenge.entries import ENTRY_FUNCTIONS
from autograder.course import Course
from autograder.engine.grader import without_checks
from autograder.engine.worker import Bundle
from autograder.gradebook.journal import ResultStore, result_key
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import Result
from autograder.grading.visible_naming import visible_naming
from autograder.settings import AuthoringSettings, GradingSettings
from autograder.submission.model import Submission

__all__ = ["Grader", "audit_assignment", "stored_grader"]

Grader = Callable[[Sequence[tuple[Assignment, Submission]]], Sequence[Result]]
"""A function that grades submissions in order, each to the assignment that comes with it."""


@dataclass(frozen=True)
class _Graded:
    solution: Result
    blank: Result
    wrong: tuple[tuple[Answer, Result], ...]
    right: tuple[tuple[Answer, Result], ...]
    idle: tuple[tuple[Idler, Result], ...]

    @property
    def all(self) -> Iterator[Result]:
        yield self.solution
        yield self.blank
        yield from (result for _, result in (*self.wrong, *self.right, *self.idle))


def audit_assignment(course: Course, name: str, grader: Grader) -> ReportCard:
    """Audit the assignment ``name`` with ``grader``."""
    started = time.perf_counter()
    assignment, asked = load_assignment(course, name), course.config.authoring
    graded = _grade_all(assignment, grader)
    exercises = exercise_cards(assignment, graded.wrong, graded.idle)
    misses = [
        *_not_graded(graded),
        *_solution_findings(assignment, graded.solution, asked),
        *_blank_findings(graded.blank),
        *_misconception_findings(graded.wrong),
        *_alternative_findings(graded.right),
        *_name_findings(assignment, asked),
        *_as_advice_if_adopted(assignment, [*_thin_findings(assignment, asked), *_idle_findings(exercises)]),
    ]
    hints = list(hint_findings(assignment))
    texts = {**release_texts(course.release / name), **_feedback_texts(graded)}
    leaks = list(find_leaks(assignment, texts, _known_texts(assignment)))
    by_kind = {kind: sum(miss.kind == kind for miss in misses) for kind in ("not-caught", "not-named", "not-accepted")}
    by_hand = assignment.max_points - assignment.auto_points
    return ReportCard(
        assignment=name,
        points=graded.solution.points + by_hand,
        max_points=assignment.max_points,
        blank_points=graded.blank.points,
        misconceptions=len(graded.wrong),
        caught=len(graded.wrong) - by_kind["not-caught"],
        named=len(graded.wrong) - by_kind["not-named"] - by_kind["not-caught"],
        alternatives=len(graded.right),
        accepted=len(graded.right) - by_kind["not-accepted"],
        leaks=len(leaks),
        findings=(*misses, *leaks, *hints),
        seconds=time.perf_counter() - started,
        visible=sum(each.visible for each in exercises),
        named_visibly=len(visible_naming(assignment).named),
        untrue_hints=len(hints),
        visible_points=sum(each.visible_points for each in exercises),
        idle_points=sum(each.idle_points for each in exercises),
        exercises=exercises,
    )


def _grade_all(assignment: Assignment, grade: Grader) -> _Graded:
    whole = [answered_notebook(assignment), blank_notebook(assignment)]
    work = [(assignment, submission_of(notebook, assignment)) for notebook in whole]
    work += [_right(assignment, each) for each in assignment.alternatives]
    work += [_wrong(assignment, each, competition_checks(assignment)) for each in assignment.misconceptions]
    idle = list(idlers(assignment))
    work += [each.work for each in idle]
    results = iter(grade(work))
    solution, untouched = next(results), next(results)
    right = tuple((each, next(results)) for each in assignment.alternatives)
    wrong = {each: next(results) for each in assignment.misconceptions}
    earned = tuple((each, next(results)) for each in idle)
    # Entering the competition takes longer than all else: only those that nothing else has told apart are entered.
    open_still = [
        each for each, result in wrong.items() if competition_checks(assignment) and not _is_named(each, result)
    ]
    if open_still:
        wrong |= zip(open_still, grade([_wrong(assignment, each, set()) for each in open_still]), strict=True)
    return _Graded(solution, untouched, tuple(wrong.items()), right, earned)


def _right(assignment: Assignment, answer: Answer) -> tuple[Assignment, Submission]:
    """Return an alternative in an otherwise solved notebook; a competition is entered if it makes the entry."""
    of = assignment.exercise_of
    entered = {of.get(name) for name in ENTRY_FUNCTIONS}
    return _without(assignment, answer, set() if of[answer.of] in entered else competition_checks(assignment))


def _wrong(assignment: Assignment, answer: Answer, left_out: set[str]) -> tuple[Assignment, Submission]:
    """Return a misconception in an otherwise solved notebook, less the checks of other exercises.

    Those have been graded with the solution, and whether they fail as well says nothing of this exercise's checks.
    """
    of = assignment.exercise_of
    others = {check.grade_id for check in assignment.checks if of[check.exercise] != of[answer.of]}
    return _without(assignment, answer, others | left_out)


def _without(assignment: Assignment, answer: Answer, checks: set[str]) -> tuple[Assignment, Submission]:
    narrow, fewer = without_checks(submission_of(answered_notebook(assignment, answer), assignment), assignment, checks)
    return fewer, narrow


def _is_named(answer: Answer, result: Result) -> bool:
    return any(check.diagnosis == answer.slug and check.points < check.max_points for check in result.checks)


def _not_graded(graded: _Graded) -> Iterator[Finding]:
    for result in graded.all:
        if result.status != "graded":
            yield Finding("not-graded", result.submission_key[:8], f"{result.reason} Mend the machine, then run again.")


def _solution_findings(assignment: Assignment, result: Result, asked: AuthoringSettings) -> Iterator[Finding]:
    for check in result.checks:
        if check.outcome != "passed":
            yield Finding("solution", check.check, f"the solution fails it: {check.text} Correct check or solution.")
    if asked.points and assignment.max_points != asked.points:
        said = f"{assignment.max_points:g} points in all; an assignment of this course has {asked.points:g}."
        yield Finding("solution", assignment.name, f"{said} Change them, or [authoring] points in course.toml.")


def _blank_findings(result: Result) -> Iterator[Finding]:
    for check in result.checks:
        if check.points:
            yield Finding("blank", check.check, f"gives {check.points} points for an untouched notebook. Tighten it.")


def _misconception_findings(graded: Sequence[tuple[Answer, Result]]) -> Iterator[Finding]:
    for answer, result in graded:
        lost = [check for check in result.checks if check.points < check.max_points]
        named = {check.diagnosis for check in lost} - {""}
        if not lost:
            yield Finding("not-caught", answer.slug, f"gets full marks in {answer.of}. Add a check that catches it.")
        elif answer.slug not in named:
            told = ", ".join(sorted(named)) or "nothing"
            yield Finding("not-named", answer.slug, f"fails {lost[0].check}, but feedback names {told}.")


def _alternative_findings(graded: Sequence[tuple[Answer, Result]]) -> Iterator[Finding]:
    for answer, result in graded:
        for check in result.checks:
            if check.outcome != "passed":
                yield Finding("not-accepted", answer.slug, f"loses points in {check.check}: {check.text}")
                break


def _name_findings(assignment: Assignment, asked: AuthoringSettings) -> Iterator[Finding]:
    if not re.fullmatch(asked.names, assignment.name):
        said = f"is not of the form {asked.names} that names have here."
        yield Finding("solution", assignment.name, f"{said} Rename it, or change [authoring] names in course.toml.")


def _thin_findings(assignment: Assignment, asked: AuthoringSettings) -> Iterator[Finding]:
    for name in assignment.exercises:
        of = assignment.exercise_of
        routes = [answer for answer in assignment.alternatives if of[answer.of] == of[name]]
        if len(routes) < asked.alternatives:
            yield Finding("thin", name, f"has {len(routes)} alternatives; write at least {asked.alternatives}.")
        wrong = sum(of[answer.of] == of[name] for answer in assignment.misconceptions)
        if wrong < asked.misconceptions:
            said = f"has {wrong or 'no'} misconceptions; write at least {asked.misconceptions}:"
            yield Finding("thin", name, f"{said} a wrong answer that a student might give.")


def _as_advice_if_adopted(assignment: Assignment, found: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings; of tests that were written for another grader, as advice on which no audit fails."""
    return [msgspec.structs.replace(each, kind="advice") for each in found] if assignment.adopted else found


def _idle_findings(exercises: Sequence[ExerciseCard]) -> Iterator[Finding]:
    for each in exercises:
        if each.idle_points:
            checks = "; ".join(f"{check} ({', '.join(ideas)})" for check, ideas in each.idle.items())
            text = f"answers without the work earn up to {each.idle_points:g} points: {checks}."
            yield Finding("idle", each.exercise, f"{text} Let each check also ask for a result that takes the work.")


def _feedback_texts(graded: _Graded) -> dict[str, str]:
    """Return all texts that students are told."""
    texts = {"feedback of the blank": _told(graded.blank)}
    texts.update({f"feedback of {answer.slug}": _told(result) for answer, result in graded.wrong})
    return texts


def _known_texts(assignment: Assignment) -> dict[str, str]:
    """Return what each of these students handed in: the solution, but for one exercise."""
    solved = {name: cell.source for name, cell in assignment.exercises.items()}
    known = {}
    for answer in assignment.misconceptions:
        exercise, source = assignment.answer_cell(answer)
        known[f"feedback of {answer.slug}"] = "\n".join({**solved, exercise: source}.values())
    return known


def _told(result: Result) -> str:
    return "\n".join([*(check.text for check in result.checks), json.dumps(result.outputs)])


# ---- results that are stored


def stored_grader(
    course: Course, grade: Grader, *, again: bool = False, settings: GradingSettings | None = None
) -> Grader:
    """Return ``grade``, called only for what the course's store of results does not hold.

    A result holds as long as submission, assignment, secret, limits and the grader's own code are the same.

    Args:
        course: whose store.
        grade: grades what is not stored; not called if there is nothing.
        again: ask for everything, and store it.
        settings: the limits that ``grade`` sets; default the course's.

    Raises:
        GradebookError: a result cannot be stored.
    """
    store = ResultStore(course.results / "results")

    def grader_of(assignment: Assignment) -> str:
        bundle = Bundle.of(course, assignment)
        return (bundle if settings is None else msgspec.structs.replace(bundle, settings=settings)).grader

    def look_up_or_grade(work: Sequence[tuple[Assignment, Submission]]) -> Sequence[Result]:
        graders = {assignment.key: grader_of(assignment) for assignment, _ in work}
        keys = [result_key(one.key, assignment.key, graders[assignment.key]) for assignment, one in work]
        known = {} if again else {key: found for key in keys if (found := store.get(key)) is not None}
        missing = [number for number, key in enumerate(keys) if key not in known]
        for number, result in zip(missing, grade([work[each] for each in missing]) if missing else (), strict=True):
            known[keys[number]] = result
            if result.status == "graded":
                store.put(keys[number], result)
        return [known[key] for key in keys]

    return look_up_or_grade
