"""A board as a table: its columns, and the table in the terminal, as CSV and for Gradescope.

The columns serve every format: a new column is one line here, and a field of the document's row. A spreadsheet cannot
mistake the CSV for formulas. Gradescope's ``results.json`` with its leaderboard field is for courses that return grades
there.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board, Standing, Status
from autograder.leaderboard.ranking import PrizeChange
from autograder.leaderboard.render.document import Document, Row, Rule, Uncertainty, document

__all__ = [
    "Column",
    "chance",
    "change_table",
    "columns_for_people",
    "columns_for_programs",
    "extra_columns",
    "gradescope_results",
    "render_csv",
    "render_terminal",
    "safe_cell",
    "terminal",
]


# ---- the columns


@dataclass(frozen=True)
class Column:
    """A column of text.

    Attributes:
        title: its heading.
        text: the cell of a row.
        number: True if cells are numbers: set to the right, and written to CSV without quotes.
        measured: True for a column that only a board with statistics has.
        shown: a function that tells whether a board has the column.
        narrow: True if it stays on a narrow screen.
        key: the text that the page sorts it by, if not its own.
        program: the cell in CSV, where a program could not read the text; it is left out where statistics have it.
    """

    title: str
    text: Callable[[Row], str]
    number: bool = False
    measured: bool = False
    shown: Callable[[Document], bool] = lambda page: True
    narrow: bool = False
    key: Callable[[Row], str] | None = None
    program: Callable[[Row], str] | None = None

    def sort_key(self, row: Row) -> str:
        """Return the text by which the page sorts a row."""
        return (self.key or self.text)(row)


def _found(show: Callable[[Uncertainty], str]) -> Callable[[Row], str]:
    """Return a function that makes a cell from a row's statistics; empty for a row that has none."""
    return lambda row: show(row.statistics) if row.statistics is not None else ""


_RANK = Column("Rank", lambda row: f"{row.rank}{'=' if row.shared else ''}", number=True)
_NAME = Column("Name", lambda row: row.name)
_SCORE = Column("Score", lambda row: row.score, number=True)
_AWARD = Column("Award", lambda row: row.award)
_REMARKS = Column(
    "Remarks", lambda row: ", ".join(row.remarks), shown=lambda page: any(row.remarks for row in page.rows)
)
_INTERVAL = Column("Interval, %", _found(lambda s: f"{100 * s.low:.2f}–{100 * s.high:.2f}"), True, True)
_RANKS = Column("Likely ranks", _found(lambda s: f"{s.rank_low}–{s.rank_high}"), True, True)
_FIRST = Column("Chance of 1st", _found(lambda s: chance(s.first)), True, True)


def chance(share: float) -> str:
    """Return a probability as text for people: a small one is not shown as zero."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def moved(row: Row) -> str:
    """Return the last change of a row's rank in words, e.g. ``"up 2, 23 Nov"``; empty if there was none."""
    if not row.moved:
        return ""
    way = f"{'up' if row.moved > 0 else 'down'} {abs(row.moved)}"
    day = dt.date.fromisoformat(row.moved_at[:10]) if row.moved_at else None
    return f"{way}, {day.day} {day:%b}" if day else way


def _competes(page: Document) -> bool:
    return any(row.accuracy for row in page.rows)


def _moves(page: Document) -> bool:
    return any(row.moved for row in page.rows)


def _share(row: Row) -> str:
    """Return a row's accuracy as a program reads it, 0 to 1, with all digits that the page shows."""
    return f"{float(row.accuracy.removesuffix(' %')) / 100:.4f}" if row.accuracy else ""


EXTRA: tuple[Column, ...] = (
    Column(
        "Accuracy",
        lambda row: row.accuracy,
        True,
        shown=_competes,
        narrow=True,
        key=lambda row: str(row.units),
        program=_share,
    ),
    Column("Entries", lambda row: str(row.entries), True, shown=_competes),
    Column("Last move", moved, shown=_moves, key=lambda row: row.moved_at),
)
"""Columns that every format shows behind its own, the page and CSV included."""

PEOPLE = (_RANK, _NAME, _SCORE, _INTERVAL, _RANKS, _FIRST, _AWARD, _REMARKS)
PROGRAMS = (
    Column("rank", lambda row: str(row.rank), number=True),
    Column("name", lambda row: row.name),
    Column("score", lambda row: row.score, number=True),
    Column("handed in", lambda row: row.at),
    Column("remarks", lambda row: ", ".join(row.badges)),
    Column("award", lambda row: row.award),
    Column("accuracy", _found(lambda s: f"{s.accuracy:.6f}"), True, True),
    Column("low", _found(lambda s: f"{s.low:.6f}"), True, True),
    Column("high", _found(lambda s: f"{s.high:.6f}"), True, True),
    Column("best rank", _found(lambda s: str(s.rank_low)), True, True),
    Column("worst rank", _found(lambda s: str(s.rank_high)), True, True),
    Column("probability of first", _found(lambda s: f"{s.first:.4f}"), True, True),
)


def columns_for_people(page: Document) -> list[Column]:
    """Return the columns that a person reads in a terminal or a notebook."""
    return _shown((*PEOPLE[:3], *EXTRA, *PEOPLE[3:]), page)


def columns_for_programs(page: Document) -> list[Column]:
    """Return the columns of a CSV file."""
    extra = [each for each in EXTRA if not (page.statistics and each.program)]
    return _shown(
        (*PROGRAMS, *(replace(each, title=each.title.lower(), text=each.program or each.text) for each in extra)), page
    )


def extra_columns(page: Document) -> list[Column]:
    """Return the columns that the web page shows behind the score, beside those that it draws itself."""
    return _shown(EXTRA, page)


def _shown(columns: tuple[Column, ...], page: Document) -> list[Column]:
    return [column for column in columns if column.shown(page) and (page.statistics or not column.measured)]


# ---- in the terminal

_NAME_WIDTH = 22
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
    return Group(*parts, *(Text(plain(note), style="dim") for note in page.further_notes))


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
        least = _NAME_WIDTH if column.title == "Name" else None  # A pseudonym is never broken.
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


# ---- as CSV

_FORMULA = ("=", "+", "-", "@")
_LIKE_MINUS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad"


def render_csv(board: Board) -> str:
    """Return ``board`` as comma-separated text with a header; unranked entries follow with an empty rank.

    Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    page = document(board)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    columns = columns_for_programs(page)
    writer.writerow(column.title for column in columns)
    writer.writerows([_cell(column, row) for column in columns] for row in page.rows)
    for row in page.apart:
        remark = f"{row.status}: {row.reason}" if row.reason else row.status
        said = {"name": safe_cell(row.name), "remarks": safe_cell(remark)}
        writer.writerow(said.get(column.title, "") for column in columns)
    return stream.getvalue()


def safe_cell(text: str) -> str:
    """Return ``text`` made harmless for a spreadsheet: no control characters, an apostrophe before a formula's sign.

    A formula hides behind leading spaces, and behind a separator that another country's spreadsheet splits at.
    """
    clean = "".join(character if character.isprintable() else " " for character in text)
    for separator in (";", "|"):
        clean = separator.join(_guard(piece) for piece in clean.split(separator))
    return _guard(clean)


def _guard(piece: str) -> str:
    """Return ``piece`` with an apostrophe if its first sign, in any Unicode form, begins a formula."""
    first = next((each for each in piece if not each.isspace() and unicodedata.category(each) not in ("Cf", "Mn")), "")
    plain = "-" if first and first in _LIKE_MINUS else unicodedata.normalize("NFKC", first).strip()
    return f"'{piece}" if plain.startswith(_FORMULA) else piece


def _cell(column: Column, row: Row) -> object:
    text = column.text(row)
    return _Number(text) if column.number and text else safe_cell(text)


class _Number(float):
    """A number that is written with exactly the digits that it was given."""

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


# ---- for Gradescope


def gradescope_results(board: Board, entrant: str) -> dict[str, Any]:
    """Return the results that Gradescope expects of an autograder for one entrant.

    The leaderboard field carries values that Gradescope sorts itself; rank and award are in the output text.

    Raises:
        LeaderboardError: the entrant is not on the board.
    """
    rows = [row for row in (*board.standings, *board.apart) if row.entry.entrant == entrant]
    if not rows:
        raise LeaderboardError(f"{entrant} is not on the board {board.name}. Check the id.")
    row = rows[0]
    if row.entry.status is not Status.SCORED:
        # Gradescope reads a missing score as an error of the autograder, which is right: it is not a zero.
        return {"output": f"Not ranked ({row.entry.status}): {row.entry.reason}", "visibility": "visible"}
    return {
        "score": row.entry.score / board.scale,
        "output": _output(board, row),
        "visibility": "visible",
        "leaderboard": _fields(board, row),
    }


def _output(board: Board, row: Standing) -> str:
    tie = " (shared)" if row.shared else ""
    award = f" Award: {row.award.name}." if row.award else ""
    return f"Rank {row.rank}{tie} of {len(board.standings)} as {row.name}.{award}"


def _fields(board: Board, row: Standing) -> list[dict[str, Any]]:
    order = {} if board.descending else {"order": "asc"}
    fields: list[dict[str, Any]] = [{"name": board.unit.capitalize(), "value": row.entry.score / board.scale, **order}]
    if row.statistics:
        fields.append({"name": "Accuracy", "value": round(row.statistics.accuracy, 6)})
    return fields
