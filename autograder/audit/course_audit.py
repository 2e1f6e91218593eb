"""Audits on worker processes, as a class would be graded, and the printing of their report cards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from autograder.audit import console
from autograder.audit.assignment_audit import Grader, audit_assignment
from autograder.audit.attacks.attack_report import AttackReport
from autograder.audit.attacks.campaign import catalogue_folder, run_attacks
from autograder.audit.attacks.catalogue import load_catalogue
from autograder.audit.confusion import with_confusion
from autograder.audit.mutants.run import with_mutants
from autograder.audit.report_card import Finding, ReportCard
from autograder.audit.stored_grader import stored_grader
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.engine.executor import RetryingExecutor
from autograder.engine.incremental import StoredResult
from autograder.engine.local import LocalWorkers, default_workers
from autograder.engine.messages import Bundle, Job, Reply, options_of
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = ["run_audit", "with_attacks", "worker_grader"]


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

        workers_once = cache(lambda: stack.enter_context(LocalWorkers(workers, options_of(course))))
        for name in names:
            card = audit_assignment(course, name, stored_grader(course, grade, again=again))
            if mutants:
                tried = stored_grader(course, hurry, again=again, settings=_HURRIED)
                card = with_mutants(card, load_assignment(course, name), course.source / name, tried, sample)
            if confusion:
                card = with_confusion(card, load_assignment(course, name), stored_grader(course, grade, again=again))
            cards.append(card)
    if attacks:
        cards = [with_attacks(card, _attacked(course, card.assignment, workers, catalogue)) for card in cards]
    _print(cards, as_json)
    return 0 if all(card.clean for card in cards) else 1


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
        Console(soft_wrap=True).print_json(console.cards_as_json(cards))
    else:
        console.print_cards(cards, Console())


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
