"""The report card of an audit: what was tried and what was missed.

It is printed for people as a table with every miss below it, and for programs as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.terminal import show

__all__ = ["Confusion", "ExerciseCard", "Finding", "ReportCard", "cards_as_json", "print_cards"]


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
        "advice",
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
        point elsewhere, which a person judges, or advice on the tests of an adopted course.
        """
        return tuple(each for each in self.findings if each.kind not in ("not-named", "hint", "advice"))

    @property
    def clean(self) -> bool:
        """True if nothing was missed."""
        return not self.missed


def cards_as_json(cards: Sequence[ReportCard]) -> str:
    """Return the cards as JSON: one object for one assignment, a list of them for several."""
    shown = [{**msgspec.to_builtins(card), "clean": card.clean} for card in cards]
    return msgspec.json.format(msgspec.json.encode(shown[0] if len(shown) == 1 else shown), indent=2).decode()


def print_cards(cards: Sequence[ReportCard], console: Console) -> None:
    """Print a table with a row per assignment, one for each with a row per exercise, then attacks, then every miss.

    The tables fit into 80 columns.
    """
    seconds = sum(card.seconds for card in cards)
    headings = ("assignment", "solved", "blank", "caught", "named", "accepted", "leaks", "missed")
    table = _table(f"Audit ({seconds:.1f} s)", *headings)
    for card in cards:
        table.add_row(*_row(card), "[green]none[/]" if card.clean else f"[red]{len(card.missed)}[/]")
    console.print(table)
    for card in cards:
        console.print(_by_exercise(card))
    for card in cards:
        if card.confusion:
            console.print(_confusion(card))
    for card in cards:
        if card.named_visibly:
            told = f"{card.named_visibly} of {card.misconceptions} misconceptions named while a student works"
            show(console, f"{card.assignment}: {told}.")
        if card.attacks:
            refused = f"{card.attacks - card.succeeded} of {card.attacks} attacks refused"
            show(console, f"{card.assignment}: {refused}.")
    for card in cards:
        for finding in card.findings:
            text = f"{card.assignment} · {finding.kind} · {finding.subject}: {finding.text}"
            show(console, text, "yellow" if finding not in card.missed else "red")


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _by_exercise(card: ReportCard) -> Table:
    """Return a table of how much of each exercise a student can see before handing in, and what idle answers earn."""
    columns = ("exercise", "points", "visible", "caught visibly", "idle", *(["mutants killed"] if card.mutants else []))
    table = _table(f"\n{card.assignment}", *columns)
    for each in (*card.exercises, _sum_of(card)):
        share = each.visible / each.misconceptions if each.misconceptions else 1.0
        caught = f"{each.visible}/{each.misconceptions} {share:4.0%}"
        idle = f"[red]{each.idle_points:g}[/]" if each.idle_points else "0"
        killed = [f"{each.killed}/{each.mutants - each.equivalent} {each.score:5.1%}"] if card.mutants else []
        table.add_row(each.exercise, f"{each.points:g}", f"{each.visible_points:g}", caught, idle, *killed)
    return table


_KINDS = {
    "alone": "a misconception alone",
    "unseen": "as if it were not listed",
    "below": "below right exercises",
    "pair": "two misconceptions",
}


def _confusion(card: ReportCard) -> Table:
    """Return a table of how mistakes are named, by kind of notebook."""
    table = _table(f"\n{card.assignment}", "mistakes", "notebooks", "rightly", "unnamed", "misnamed", "blamed")
    for row in card.confusion:
        false = [f"[red]{count}[/]" if count else "0" for count in (row.misnamed, row.blamed)]
        table.add_row(_KINDS[row.kind], f"{row.notebooks}", f"{row.right}", f"{row.unnamed}", *false)
    return table


def _sum_of(card: ReportCard) -> ExerciseCard:
    return ExerciseCard(
        "in all",
        points=sum(each.points for each in card.exercises),
        visible_points=card.visible_points,
        misconceptions=card.misconceptions,
        visible=card.visible,
        idle_points=card.idle_points,
        mutants=card.mutants,
        killed=card.killed,
        equivalent=card.equivalent,
    )


def _row(card: ReportCard) -> tuple[str, ...]:
    return (
        card.assignment,
        f"{card.points:g}/{card.max_points:g}",
        f"{card.blank_points:g}",
        f"{card.caught}/{card.misconceptions}",
        f"{card.named}",
        f"{card.accepted}/{card.alternatives}",
        f"{card.leaks}",
    )
