"""The audit of a course on worker processes, as a class would be graded, with a report card for each assignment.

On request it also tries mutants and attacks, and measures how well feedback names mistakes. For this confusion matrix
four kinds of wrong notebooks are graded: each misconception alone; each as if nobody had listed it; each below the
right exercises that build on it, which must not be blamed; and pairs of two. Silence is allowed, a false name is not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.progress import Progress

from autograder.audit import report_card
from autograder.audit.assignment_audit import Grader, audit_assignment, stored_grader
from autograder.audit.attacks.campaign import catalogue_folder, run_attacks
from autograder.audit.attacks.catalogue import AttackReport, load_catalogue
from autograder.audit.first_pass import FIRST_PASS, Candidate, Memory, kill
from autograder.audit.mutants import with_mutants
from autograder.audit.report_card import Confusion, Finding, ReportCard
from autograder.audit.weaknesses import answered_notebook, submission_of
from autograder.authoring.adopted import units_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.engine.executor import LocalWorkers, RetryingExecutor, default_workers
from autograder.engine.grader import StoredResult, without_checks
from autograder.engine.worker import Bundle, Job, Reply, options_of
from autograder.grading.grade import not_graded
from autograder.grading.harness import foundations
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import CheckResult, Result
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = ["PAIRS", "UNSEEN_SHARE", "Trial", "run_audit", "with_attacks", "with_confusion", "worker_grader"]

PAIRS = 60
UNSEEN_SHARE = 0.01
"""The share of unlisted mistakes that may get a false name."""


# ---- the confusion matrix


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


def trials(assignment: Assignment) -> Iterator[Trial]:
    """Yield all notebooks that the matrix of ``assignment`` is measured with; the pairs are always the same."""
    above = _built_upon(assignment)
    for answer in assignment.misconceptions:
        exercise = assignment.exercise_of[answer.of]
        yield Trial("alone", (answer,), _work(assignment, (answer,), {exercise}))
        yield Trial("unseen", (answer,), _work(_without(assignment, answer), (answer,), {exercise}))
        if above[exercise]:
            yield Trial("below", (answer,), _work(assignment, (answer,), {exercise, *above[exercise]}))
    for pair in _pairs(assignment, above, random.Random(0)):
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


# ---- the audit

_HURRIED = GradingSettings(cell_seconds=5.0, check_seconds=5.0, total_seconds=60.0)
"""The limits of a mutant: one that runs for longer is wrong enough."""


def run_audit(
    course: Course,
    names: Sequence[str],
    *,
    workers: int | None = None,
    as_json: bool = False,
    attacks: bool = False,
    catalogue: Path | None = None,
    again: bool = False,
    mutants: bool = False,
    sample: int | None = None,
    confusion: bool = False,
) -> int:
    """Audit the assignments ``names`` and print the findings; return 0 if nothing was missed, else 1.

    What was graded before and depends on nothing that has changed is looked up.

    Args:
        course: whose assignments.
        names: such as ``01-convolution``.
        workers: processes on this machine; default one per core.
        as_json: print JSON instead of tables.
        attacks: try the attack catalogue too.
        catalogue: the folder of the attacks; default the package's.
        again: grade everything, whatever is stored.
        mutants: grade mechanical changes of the right answers, too.
        sample: how many of them for each exercise; default all.
        confusion: measure how well feedback names mistakes, too.
    """
    cards: list[ReportCard] = []
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))

        def grade(work: Sequence[tuple[Assignment, Submission]]) -> Sequence[Result]:
            return worker_grader(course, workers_once(), progress)(work)

        def hurry(work: Sequence[tuple[Assignment, Submission]]) -> Sequence[Result]:
            return worker_grader(course, workers_once(), progress, _HURRIED)(work)

        plain = msgspec.structs.replace(options_of(course), grader=FIRST_PASS)
        mutant_workers = cache(lambda: stack.enter_context(LocalWorkers(workers, plain)))
        workers_once = cache(lambda: stack.enter_context(LocalWorkers(workers, options_of(course))))
        for name in [unit for each in names for unit in units_of(course, each)]:
            card = audit_assignment(course, name, stored_grader(course, grade, again=again))
            if mutants:
                tried = stored_grader(course, hurry, again=again, settings=_HURRIED)
                first = partial(first_try, course, name, mutant_workers, progress, again)
                card = with_mutants(card, load_assignment(course, name), course.source / name, tried, sample, first)
            if confusion:
                card = with_confusion(card, load_assignment(course, name), stored_grader(course, grade, again=again))
            cards.append(card)
    if attacks:
        cards = [with_attacks(card, _attacked(course, card.assignment, workers, catalogue)) for card in cards]
    _print(cards, as_json)
    return 0 if all(card.clean for card in cards) else 1


def first_try(
    course: Course,
    name: str,
    workers: Callable[[], LocalWorkers],
    progress: Progress,
    again: bool,
    candidates: Sequence[Candidate],
    judged: Mapping[str, Assignment],
) -> list[bool]:
    """Return which changed answers of the assignment ``name`` fail a check at once; what is known is looked up."""
    memory = Memory(course.results / "mutants" / f"{name}.json", forget=again)
    bundles = {exercise: _bundle(course, each, None) for exercise, each in judged.items()}
    task = progress.add_task(f"{name}: mutants", total=len(candidates))
    return kill(candidates, bundles, workers, memory, lambda number: progress.advance(task, number))


def _attacked(course: Course, name: str, workers: int | None, catalogue: Path | None) -> AttackReport:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = len(load_catalogue(catalogue or catalogue_folder()))
        task = progress.add_task(f"{name}: attacks", total=total)
        return run_attacks(
            course,
            name,
            catalogue=catalogue,
            lanes=workers or default_workers(),
            progress=lambda _: progress.advance(task),
        )


def with_attacks(card: ReportCard, report: AttackReport) -> ReportCard:
    """Return ``card`` with the outcome of the attacks; each success and each disturbed control is a finding."""
    said = [Finding("attack", each.name, "; ".join(each.breaches)) for each in report.succeeded]
    said += [
        Finding("control", each.name, "the honest submission after it was not graded as ever. Look at the sandbox.")
        for each in report.outcomes
        if not each.control
    ]
    return msgspec.structs.replace(
        card,
        findings=(*card.findings, *said),
        attacks=len(report.outcomes),
        succeeded=len(report.succeeded),
        honest_controls=report.honest_controls,
        controls_full_marks=report.controls_full_marks,
    )


def _print(cards: Sequence[ReportCard], json: bool) -> None:
    if json:
        Console(soft_wrap=True).print_json(report_card.cards_as_json(cards))
    else:
        report_card.print_cards(cards, Console())


def worker_grader(
    course: Course, pool: LocalWorkers, progress: Progress | None = None, settings: GradingSettings | None = None
) -> Grader:
    """Return a grader that spreads submissions over ``pool``.

    ``settings`` other than the course's are for the audit alone.
    """

    def grade(work: Sequence[tuple[Assignment, Submission]]) -> Sequence[Result]:
        task = progress.add_task(work[0][0].name, total=len(work)) if progress else None
        jobs, bundles = RetryingExecutor(pool), {each.key: _bundle(course, each, settings) for each, _ in work}
        for number, (assignment, submission) in enumerate(work):
            bundle = bundles[assignment.key]
            jobs.submit(Job(number, bundle.digest, submission), bundle)
        results: dict[int, Result] = {}
        while len(jobs):
            for reply in jobs.completed(1.0):
                results[reply.number] = _result(reply, *work[reply.number])
                if progress and task is not None:
                    progress.advance(task)
        return [results[number] for number in range(len(work))]

    return grade


def _bundle(course: Course, assignment: Assignment, settings: GradingSettings | None) -> Bundle:
    bundle = Bundle.of(course, assignment)
    return bundle if settings is None else msgspec.structs.replace(bundle, settings=settings)


def _result(reply: Reply, assignment: Assignment, submission: Submission) -> Result:
    if reply.failure:
        return not_graded(assignment, submission.key, reply.failure)
    return msgspec.json.decode(reply.result, type=StoredResult).result
