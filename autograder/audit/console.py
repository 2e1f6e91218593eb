"""The printing of report cards: for people as a table with every miss below it, for programs as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.audit.report_card import ExerciseCard, ReportCard

__all__ = ["cards_as_json", "print_cards"]


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
            console.print(f"{card.assignment}: {told}.", markup=False, highlight=False, soft_wrap=True)
        if card.attacks:
            refused = f"{card.attacks - card.succeeded} of {card.attacks} attacks refused"
            console.print(f"{card.assignment}: {refused}.", markup=False, highlight=False, soft_wrap=True)
    for card in cards:
        for finding in card.findings:
            text = f"{card.assignment} · {finding.kind} · {finding.subject}: {finding.text}"
            console.print(
                text,
                style="yellow" if finding not in card.missed else "red",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


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
