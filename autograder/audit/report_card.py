"""The report card of an audit: what was tried and what was missed."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Confusion", "ExerciseCard", "Finding", "ReportCard"]


class Finding(msgspec.Struct, frozen=True):
    """A fault of an assignment.

    Attributes:
        kind: the kind of miss.
        subject: the misconception, alternative, check or file.
        text: what happened, and what to do.
    """

    kind: Literal[
        "solution",
        "blank",
        "not-caught",
        "not-named",
        "not-accepted",
        "misnamed",
        "blamed",
        "leak",
        "not-graded",
        "thin",
        "idle",
        "hint",
        "survivor",
        "equivalent",
        "attack",
        "control",
    ]
    subject: str
    text: str


class ExerciseCard(msgspec.Struct, frozen=True):
    """The results of an audit for one exercise.

    Attributes:
        exercise: its name.
        points: the most that its checks give.
        visible_points: points that a student can see to be earned: those of checks that have no hidden part, and of
            those whose visible part is failed by 80 % of the misconceptions that lose points in them.
        misconceptions: the number of misconceptions.
        visible: the number of them that fail a visible part.
        unseen: the names of the others.
        idle_points: the most that an idle answer earns.
        idle: the idle answers that earn points, by check.
        mutants, killed, equivalent: the numbers of changed answers tried, that lose points, and marked as still right.
    """

    exercise: str
    points: float
    visible_points: float
    misconceptions: int
    visible: int
    unseen: tuple[str, ...] = ()
    idle_points: float = 0.0
    idle: dict[str, tuple[str, ...]] = {}
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0

    @property
    def score(self) -> float:
        """The share of mutants killed, of those that are not equivalent; 1 if there are none."""
        wrong = self.mutants - self.equivalent
        return self.killed / wrong if wrong else 1.0


class Confusion(msgspec.Struct, frozen=True):
    """The accuracy with which feedback names the mistakes in one kind of wrong notebook.

    Attributes:
        kind: ``alone``, one misconception; ``unseen``, one as if nobody had listed it; ``below``, one in an exercise
            that right ones build on; ``pair``, two at once.
        notebooks: the number of notebooks graded.
        right: the number in which a mistake is named rightly.
        unnamed: the number in which nothing is named.
        misnamed: the number in which a mistake is named that is not there.
        blamed: the number in which a right exercise fails by what it inherits, without being told so.
    """

    kind: str
    notebooks: int
    right: int
    unnamed: int
    misnamed: int
    blamed: int


class ReportCard(msgspec.Struct, frozen=True):
    """The results of an audit of one assignment.

    Attributes:
        assignment: its name.
        points: points that the solution earns, those that a person gives included.
        max_points: points that can be earned.
        blank_points: points that the released notebook earns as it is.
        misconceptions, caught, named: the numbers that there are, that lose points, and that are told apart by name.
        alternatives, accepted: the numbers that there are, and that get full marks.
        visible: misconceptions that the visible part of the checks catches.
        visible_points: points that a student can see to be earned, as in `ExerciseCard`.
        idle_points: points that idle answers earn, such as a constant or an echo: the most in each exercise, added up.
        exercises: the same by exercise.
        mutants, killed, equivalent: as in `ExerciseCard`, where mutants were tried.
        confusion: the accuracy of the names that feedback gives mistakes, where that was measured.
        misnamed, unnamed, inherited_blamed: the same, added up over what is listed: alone, below, and in pairs.
        named_visibly: misconceptions that a visible check can name from the wrong value alone, in a student's kit.
        untrue_hints: hints of visible checks that share no word with the misconception that brings them up.
        leaks: the number of hidden lines found where a student could see them.
        attacks, succeeded, honest_controls, controls_full_marks: of the attack catalogue, where it was run.
        findings: every miss.
        seconds: wall time.
    """

    assignment: str
    points: float
    max_points: float
    blank_points: float
    misconceptions: int
    caught: int
    named: int
    alternatives: int
    accepted: int
    leaks: int
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    visible: int = 0
    visible_points: float = 0.0
    idle_points: float = 0.0
    exercises: tuple[ExerciseCard, ...] = ()
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    confusion: tuple[Confusion, ...] = ()
    misnamed: int = 0
    unnamed: int = 0
    inherited_blamed: int = 0
    attacks: int = 0
    succeeded: int = 0
    honest_controls: int = 0
    controls_full_marks: int = 0
    named_visibly: int = 0
    untrue_hints: int = 0

    @property
    def missed(self) -> tuple[Finding, ...]:
        """The findings that fail the audit.

        A misconception that is caught and not named is not one of them: silence accuses nobody. Nor is a hint that may
        point elsewhere: a person judges that.
        """
        return tuple(each for each in self.findings if each.kind not in ("not-named", "hint"))

    @property
    def clean(self) -> bool:
        """True if nothing was missed."""
        return not self.missed
