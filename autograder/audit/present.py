"""Print report cards: for people as a table with every miss below it, for programs as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from autograder.audit.report import ReportCard

__all__ = ["as_json", "show"]


def as_json(cards: Sequence[ReportCard]) -> str:
    """One object for one assignment, a list of them for several."""
    shown = [{**msgspec.to_builtins(card), "clean": card.clean} for card in cards]
    return msgspec.json.format(msgspec.json.encode(shown[0] if len(shown) == 1 else shown), indent=2).decode()


def show(cards: Sequence[ReportCard], console: Console) -> None:
    """A table with a row per assignment, then every miss."""
    table = Table(title="Audit", title_justify="left")
    for heading in (
        "assignment",
        "solution",
        "blank",
        "caught",
        "named",
        "accepted",
        "leaks",
        "attacks",
        "seconds",
        "",
    ):
        table.add_column(heading, justify="left" if heading == "assignment" else "right")
    for card in cards:
        table.add_row(*_row(card), "[green]clean[/]" if card.clean else f"[red]{len(card.findings)} missed[/]")
    console.print(table)
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
        f"{card.named}/{card.misconceptions}",
        f"{card.accepted}/{card.alternatives}",
        f"{card.leaks}",
        f"{card.attacks - card.succeeded}/{card.attacks} refused" if card.attacks else "not run",
        f"{card.seconds:.1f}",
    )
