"""Print report cards: for people as a table with every miss below it, for programs as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.audit.report_card import ReportCard

__all__ = ["cards_as_json", "print_cards"]


def cards_as_json(cards: Sequence[ReportCard]) -> str:
    """One object for one assignment, a list of them for several."""
    shown = [{**msgspec.to_builtins(card), "clean": card.clean} for card in cards]
    return msgspec.json.format(msgspec.json.encode(shown[0] if len(shown) == 1 else shown), indent=2).decode()


def print_cards(cards: Sequence[ReportCard], console: Console) -> None:
    """A table with a row per assignment that fits into 80 columns, then attacks, then every miss."""
    seconds = sum(card.seconds for card in cards)
    table = Table(
        title=f"Audit ({seconds:.1f} s)", title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("assignment", overflow="fold")
    for heading in ("solved", "blank", "caught", "named", "accepted", "leaks", "missed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for card in cards:
        table.add_row(*_row(card), "[green]none[/]" if card.clean else f"[red]{len(card.findings)}[/]")
    console.print(table)
    for card in cards:
        if card.attacks:
            refused = f"{card.attacks - card.succeeded} of {card.attacks} attacks refused"
            console.print(f"{card.assignment}: {refused}.", markup=False, highlight=False, soft_wrap=True)
    for card in cards:
        for finding in card.findings:
            text = f"{card.assignment} · {finding.kind} · {finding.subject}: {finding.text}"
            console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


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
