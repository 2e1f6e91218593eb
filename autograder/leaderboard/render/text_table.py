"""The board as a table in the terminal."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.leaderboard.board import Board
from autograder.leaderboard.prizes import PrizeChange
from autograder.leaderboard.render.columns import Column, columns_for_people
from autograder.leaderboard.render.document import Document, Row, Rule, document

__all__ = ["change_table", "render_terminal", "terminal"]

_NAME = 22
_SHORT = {"Likely ranks": "Ranks", "Chance of 1st": "First"}
_LEGEND = "Ranks: where the entry stays if the test pictures are drawn anew. First: how often it then leads."
_NOT_BESIDE_FIGURES = ("Award", "Remarks", "Accuracy", "Entries", "Last move")
_MEDALS = {1: "bold yellow", 2: "bold", 3: "bold"}


def terminal(board: Board, most: int = 0) -> RenderableType:
    """Return ``board`` for a rich console: the table, then mean, median, prizes, and who is listed apart.

    Args:
        most: rows to print, 0 for all that the board shows; the number left out is shown.
    """
    page = document(board)
    rows = page.rows[: most or None]
    parts: list[RenderableType] = [_table(page, rows)]
    if len(rows) < len(page.rows):
        parts.append(Text(f"… and {len(page.rows) - len(rows)} more rows."))
    parts += [*(Text(plain(line)) for line in (*filter(None, (page.banner,)), *page.lead, *_summary(page)))]
    if page.statistics:
        parts += [Text(plain(line)) for line in _boundaries(page)]
        parts.append(Text(f"{_LEGEND} {page.statistics.statement}", style="dim"))
    if page.log:
        parts.append(Text(f"Log: {page.log[:-48]}.", style="dim"))
    return Group(*parts, *(Text(plain(note), style="dim") for note in page.notes))


def render_terminal(board: Board, width: int = 100) -> str:
    """Return ``board`` as plain text of ``width`` columns."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, legacy_windows=False).print(terminal(board))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def change_table(found: Sequence[PrizeChange], title: str = "What changes") -> RenderableType:
    """Return the board before and after, for the entries that differ; a sentence if none does."""
    if not found:
        return Text("No rank, score or award changes.")
    table = Table("Name", "Rank", "Score", "Award", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for change in found:
        table.add_row(
            Text(plain(change.name)),
            _arrow(str(change.rank_before or "–"), str(change.rank_after or "–")),
            _arrow(change.score_before or "–", change.score_after or "–"),
            _arrow(change.award_before or "–", change.award_after or "–"),
        )
    return table


def _arrow(before: str, after: str) -> Text:
    return Text(plain(before if before == after else f"{before} → {after}"))


def plain(text: str) -> str:
    """Return ``text`` without control characters, so that no name can move the cursor or colour the screen."""
    return "".join(character for character in text if character.isprintable())


def _table(page: Document, rows: Sequence[Row]) -> Table:
    table = Table(title=Text(plain(page.title)), title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    columns = columns_for_people(page)
    if page.statistics:
        table.show_edge, table.pad_edge, table.collapse_padding = False, False, True
        # Eighty columns hold one column of words beside the figures.
        words = Column("Award, remarks", lambda row: ", ".join(filter(None, (row.award, *row.remarks))))
        columns = [*(column for column in columns if column.title not in _NOT_BESIDE_FIGURES), words]
    for column in columns:
        least = _NAME if page.statistics and column.title == "Name" else None
        side: Any = "right" if column.number else "left"
        style = "dim" if column.title == "Remarks" else ""
        table.add_column(
            _title(column, page), justify=side, no_wrap=column.number, overflow="fold", min_width=least, style=style
        )
    for row in rows:
        cells = [Text(plain(_text(column, row))) for column in columns]
        table.add_row(*cells, style=_MEDALS.get(row.rank, "") if row.award else "")
    return table


def _text(column: Column, row: Row) -> str:
    """Return a cell; ranks keep room for the sign of a tie, so that their digits stand below each other."""
    text = column.text(row)
    return text if column.title != "Rank" or row.shared else f"{text} "


def _title(column: Column, page: Document) -> str:
    if column.title == "Score" and page.maximum:
        return f"of {page.maximum}"
    if column.title == "Interval, %" and page.statistics:
        return f"{page.statistics.confidence:.0%} int., %"
    return _SHORT.get(column.title, column.title)


def _summary(page: Document) -> list[str]:
    lines = []
    if page.rows:
        hidden = f", {len(page.rows)} shown" if len(page.rows) < page.ranked else ""
        lines.append(f"Mean {page.mean}, median {page.median} {page.unit}; {page.ranked} ranked{hidden}.")
    else:
        lines.append("Nobody is ranked yet.")
    lines += [f"Prize: {prize.award} for {prize.rule}{_aside(prize)}." for prize in page.prizes]
    lines += [f"For comparison, not ranked: {each.name}, {each.accuracy}." for each in page.references]
    counts = Counter(row.status for row in page.apart)
    if counts:
        lines.append("Not ranked: " + ", ".join(f"{count} {status}" for status, count in counts.items()) + ".")
    return lines


def _aside(prize: Rule) -> str:
    """Return the boards on which a prize counts, and the reason why nobody wins it, as text."""
    where = f", on {', '.join(prize.boards)}" if prize.boards else ""
    return f"{where}; nobody wins it: {prize.nobody}" if prize.nobody else where


def _boundaries(page: Document) -> list[str]:
    return [
        f"{pair.above} against {pair.below} ({pair.prize}): {pair.only_above} to "
        f"{pair.only_below} images, p = {pair.p:.4f}, {pair.p_holm:.4f} after Holm."
        for pair in (page.statistics.comparisons if page.statistics else ())
    ]
