"""The confusion matrix of an assignment's feedback: what is named rightly, not at all, or wrongly.

Four kinds of wrong notebooks are graded: each misconception alone; each as if nobody had listed it; each below the
right exercises that build on it, which must not be blamed; and pairs of two. Silence is allowed, a false name is not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from autograder.audit.assignment_audit import Grader
from autograder.audit.report_card import Confusion, Finding, ReportCard
from autograder.audit.samples import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.engine.incremental import without_checks
from autograder.grading.foundations import foundations
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

__all__ = ["PAIRS", "UNSEEN_SHARE", "Trial", "with_confusion"]

PAIRS = 60
UNSEEN_SHARE = 0.01
"""The share of unlisted mistakes that may get a false name."""


class Trial(NamedTuple):
    """A notebook with known mistakes.

    Attributes:
        kind: alone, unseen, below or pair.
        mistakes: the misconceptions in it.
        work: the assignment with the checks that judge it, and the submission.
    """

    kind: str
    mistakes: tuple[Answer, ...]
    work: tuple[Assignment, Submission]


def with_confusion(card: ReportCard, assignment: Assignment, grade: Grader) -> ReportCard:
    """Return ``card`` with the confusion matrix of ``assignment``, and a finding for every false name."""
    tried = list(trials(assignment))
    graded = list(zip(tried, grade([trial.work for trial in tried]), strict=True))
    matrix = confusion_matrix(graded)
    listed = [row for row in matrix if row.kind != "unseen"]
    return msgspec.structs.replace(
        card,
        findings=(*card.findings, *confusion_findings(graded)),
        confusion=matrix,
        misnamed=sum(row.misnamed for row in listed),
        unnamed=sum(row.unnamed for row in listed),
        inherited_blamed=sum(row.blamed for row in listed),
    )


def trials(assignment: Assignment, seed: int = 0) -> Iterator[Trial]:
    """Yield all notebooks that the matrix of ``assignment`` is measured with; pairs are drawn by ``seed``."""
    above = _built_upon(assignment)
    for answer in assignment.misconceptions:
        exercise = assignment.exercise_of[answer.of]
        yield Trial("alone", (answer,), _work(assignment, (answer,), {exercise}))
        yield Trial("unseen", (answer,), _work(_without(assignment, answer), (answer,), {exercise}))
        if above[exercise]:
            yield Trial("below", (answer,), _work(assignment, (answer,), {exercise, *above[exercise]}))
    for pair in _pairs(assignment, above, random.Random(seed)):
        yield Trial("pair", pair, _work(assignment, pair, {assignment.exercise_of[each.of] for each in pair}))


def confusion_matrix(graded: Sequence[tuple[Trial, Result]]) -> tuple[Confusion, ...]:
    """Return a row for each kind of notebook."""
    rows = []
    for kind in ("alone", "unseen", "below", "pair"):
        judged = [_judge(trial, result) for trial, result in graded if trial.kind == kind]
        rows.append(
            Confusion(
                kind=kind,
                notebooks=len(judged),
                right=sum(each.right for each in judged),
                unnamed=sum(not each.right and not each.false for each in judged),
                misnamed=sum(bool(each.false) for each in judged),
                blamed=sum(bool(each.blamed) for each in judged),
            )
        )
    return tuple(rows)


def confusion_findings(graded: Sequence[tuple[Trial, Result]]) -> Iterator[Finding]:
    """Yield every false name and every right exercise blamed; of unlisted mistakes only if there are too many."""
    unseen = [(trial, result) for trial, result in graded if trial.kind == "unseen"]
    false = sum(bool(_judge(trial, result).false) for trial, result in unseen)
    for trial, result in graded:
        judged, names = _judge(trial, result), " and ".join(each.slug for each in trial.mistakes)
        if judged.false and (trial.kind != "unseen" or false > max(1, UNSEEN_SHARE * len(unseen))):
            told = ", ".join(judged.false)
            yield Finding("misnamed", names, f"{trial.kind}: feedback names {told}. Add a check that tells them apart.")
        if judged.blamed:
            told = ", ".join(judged.blamed)
            yield Finding("blamed", names, f"{told} fail for it, though their exercises are right.")


class _Verdict(NamedTuple):
    right: bool
    false: tuple[str, ...]
    blamed: tuple[str, ...]


def _judge(trial: Trial, result: Result) -> _Verdict:
    assignment = trial.work[0]
    of = assignment.exercise_of
    wrong = {of[each.of]: each.slug for each in trial.mistakes}
    failed = [check for check in result.checks if check.outcome != "passed"]
    named = {(of[check.exercise], check.diagnosis) for check in failed if check.diagnosis}
    true = {(exercise, slug) for exercise, slug in wrong.items() if trial.kind != "unseen"}
    blamed = [check.check for check in failed if of[check.exercise] not in wrong and not _is_inherited(check)]
    return _Verdict(bool(named & true), tuple(sorted(slug for _, slug in named - true)), tuple(blamed))


def _is_inherited(check: CheckResult) -> bool:
    return bool(check.inherited)


def _work(assignment: Assignment, mistakes: Sequence[Answer], exercises: set[str]) -> tuple[Assignment, Submission]:
    """Return the solved notebook but for ``mistakes``, with the checks of ``exercises``, none of a competition."""
    of = assignment.exercise_of
    others = {check.grade_id for check in assignment.checks if of[check.exercise] not in exercises}
    submission = submission_of(answered_notebook(assignment, *mistakes), assignment)
    narrow, fewer = without_checks(submission, assignment, others | competition_checks(assignment))
    return fewer, narrow


def _without(assignment: Assignment, answer: Answer) -> Assignment:
    others = tuple(each for each in assignment.misconceptions if each != answer)
    return msgspec.structs.replace(assignment, misconceptions=others)


def _built_upon(assignment: Assignment) -> dict[str, set[str]]:
    """Return, for each exercise, those that build on it."""
    solved = submission_of(answered_notebook(assignment), assignment)
    above: dict[str, set[str]] = {name: set() for name in assignment.exercises}
    for name in assignment.exercises:
        for below in foundations(name, solved, assignment):
            above[below].add(name)
    return above


def _pairs(assignment: Assignment, above: dict[str, set[str]], rng: random.Random) -> Iterator[tuple[Answer, Answer]]:
    """Yield pairs of mistakes in two exercises, those that build on each other first."""
    of = assignment.exercise_of
    every = list(assignment.misconceptions)
    linked = [(a, b) for a in every for b in every if of[b.of] in above[of[a.of]]]
    rng.shuffle(linked)
    yield from linked[: PAIRS // 2]
    apart = [
        (a, b) for a, b in ((rng.choice(every), rng.choice(every)) for _ in range(4 * PAIRS)) if of[a.of] != of[b.of]
    ]
    yield from apart[: PAIRS - min(len(linked), PAIRS // 2)]
