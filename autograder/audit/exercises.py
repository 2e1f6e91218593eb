"""The audit's findings on each exercise: how much of it a student can see, and what idle answers earn."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.audit.idle import Idler, earnings
from autograder.audit.report_card import ExerciseCard
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.regions import split_hidden
from autograder.grading.result import CheckResult, Result

__all__ = ["ENOUGH", "exercise_cards"]

ENOUGH = 0.8
"""The share of misconceptions that the visible part of a check must catch for its points to count as visible."""


def exercise_cards(
    assignment: Assignment, wrong: Sequence[tuple[Answer, Result]], idle: Sequence[tuple[Idler, Result]]
) -> tuple[ExerciseCard, ...]:
    """Return a card for each exercise, in order.

    Args:
        assignment: the one audited.
        wrong: each misconception with its result.
        idle: each idle submission with its result.
    """
    of, earned = assignment.exercise_of, earnings(idle)
    cards = []
    for name in assignment.exercises:
        own = [(answer, result) for answer, result in wrong if of[answer.of] == name]
        checks = [check for check in assignment.checks if of[check.exercise] == name]
        cards.append(_card(name, checks, own, earned.get(name, {})))
    return tuple(cards)


def _card(
    name: str,
    checks: Sequence[AssignmentCell],
    wrong: Sequence[tuple[Answer, Result]],
    earned: dict[str, dict[str, float]],
) -> ExerciseCard:
    unseen = tuple(answer.slug for answer, result in wrong if not any(check.seen for check in result.checks))
    return ExerciseCard(
        exercise=name,
        points=sum(check.points for check in checks),
        visible_points=sum(check.points for check in checks if _is_visible(check, [result for _, result in wrong])),
        misconceptions=len(wrong),
        visible=len(wrong) - len(unseen),
        unseen=unseen,
        idle_points=max((sum(points.values()) for points in earned.values()), default=0.0),
        idle=_by_check(earned),
    )


def _is_visible(check: AssignmentCell, wrong: Sequence[Result]) -> bool:
    """Return whether a student who passes the visible part can take the points as earned."""
    _, hidden = split_hidden(check.source)
    if not hidden.strip():
        return True
    lost = [each for result in wrong for each in result.checks if each.check == check.grade_id and _lost(each)]
    return bool(lost) and sum(each.seen for each in lost) >= ENOUGH * len(lost)


def _lost(check: CheckResult) -> bool:
    return check.points < check.max_points


def _by_check(earned: dict[str, dict[str, float]]) -> dict[str, tuple[str, ...]]:
    ideas: dict[str, list[str]] = {}
    for idea, checks in earned.items():
        for check in checks:
            ideas.setdefault(check, []).append(idea)
    return {check: tuple(found) for check, found in ideas.items()}
