"""The board as a table in the terminal."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.leaderboard.board import Board
from autograder.leaderboard.prizes import PrizeChange
from autograder.leaderboard.render.document import Document, Row, document

__all__ = ["change_table", "render_terminal", "terminal"]

_NAME = 22
_MEDALS = {1: "bold yellow", 2: "bold", 3: "bold"}


def terminal(board: Board, most: int = 0) -> RenderableType:
    """``board`` for a rich console: the table, then mean, median, prizes, and who is listed apart.

    Args:
        most: rows to print, 0 for all that the board shows; what is left out is said.
    """
    page = document(board)
    rows = page.rows[: most or None]
    parts: list[RenderableType] = [_table(page, rows)]
    if len(rows) < len(page.rows):
        parts.append(Text(f"… and {len(page.rows) - len(rows)} more rows."))
    parts += [*(Text(plain(line)) for line in _summary(page))]
    if page.statistics:
        parts += [Text(plain(line)) for line in _boundaries(page)]
        parts.append(Text(page.statistics.statement, style="dim"))
    if page.log:
        parts.append(Text(f"Log: {page.log[:-48]}.", style="dim"))
    return Group(*parts, *(Text(plain(note), style="dim") for note in page.notes))


def render_terminal(board: Board, width: int = 100) -> str:
    """``board`` as plain text of ``width`` columns."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, legacy_windows=False).print(terminal(board))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def change_table(found: Sequence[PrizeChange], title: str = "What changes") -> RenderableType:
    """The board before and after, for the entries that differ; a sentence if none does."""
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
    """``text`` without control characters, so that no name can move the cursor or colour the screen."""
    return "".join(character for character in text if character.isprintable())


def _table(page: Document, rows: Sequence[Row]) -> Table:
    table = Table(title=Text(plain(page.title)), title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    if page.statistics:
        table.show_edge, table.pad_edge, table.collapse_padding = False, False, True
    table.add_column("Rank", justify="right", no_wrap=True)
    table.add_column("Name", overflow="fold", min_width=_NAME if page.statistics else None)
    table.add_column(f"of {page.maximum}" if page.maximum else "Score", justify="right", no_wrap=True)
    if page.statistics:
        table.add_column(f"{page.statistics.confidence:.0%} int., %", justify="right", no_wrap=True)
        table.add_column("Ranks", justify="right", no_wrap=True)
        table.add_column("First", justify="right", no_wrap=True)
        table.add_column("Award, remarks")
    else:
        table.add_column("Award", overflow="fold")
        table.add_column("Remarks", overflow="fold", style="dim")
    for row in rows:
        table.add_row(*_cells(row), style=_MEDALS.get(row.rank, "") if row.award else "")
    return table


def _cells(row: Row) -> list[Text]:
    cells = [Text(f"{row.rank}{'=' if row.shared else ' '}"), Text(plain(row.name)), Text(row.score)]
    if row.statistics:
        found = row.statistics
        cells.append(Text(f"{100 * found.low:.2f}–{100 * found.high:.2f}"))
        cells += [Text(f"{found.rank_low}–{found.rank_high}"), Text(f"{found.first:.3f}")]
        # Eighty columns hold one column of words beside the figures.
        return [*cells, Text(plain(", ".join(filter(None, (row.award, *row.badges)))))]
    return [*cells, Text(plain(row.award)), Text(plain(", ".join(row.badges)))]


def _summary(page: Document) -> list[str]:
    lines = []
    if page.rows:
        hidden = f", {len(page.rows)} shown" if len(page.rows) < page.ranked else ""
        lines.append(f"Mean {page.mean}, median {page.median} {page.unit}; {page.ranked} ranked{hidden}.")
    else:
        lines.append("Nobody is ranked yet.")
    lines += [f"Prize: {prize.award} for {prize.rule}." for prize in page.prizes]
    counts = Counter(row.status for row in page.apart)
    if counts:
        lines.append("Not ranked: " + ", ".join(f"{count} {status}" for status, count in counts.items()) + ".")
    return lines


def _boundaries(page: Document) -> list[str]:
    return [
        f"{pair.above} against {pair.below} ({pair.prize}): {pair.only_above} to "
        f"{pair.only_below} images, p = {pair.p:.4f}, {pair.p_holm:.4f} after Holm."
        for pair in (page.statistics.comparisons if page.statistics else ())
    ]
