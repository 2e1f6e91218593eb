"""The columns of a board, for every format: a new column is one line here, and a field of the document's row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from autograder.leaderboard.render.document import Document, Row, Uncertainty

__all__ = ["Column", "chance", "columns_for_people", "columns_for_programs", "extra_columns"]


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
    """

    title: str
    text: Callable[[Row], str]
    number: bool = False
    measured: bool = False
    shown: Callable[[Document], bool] = lambda page: True
    narrow: bool = False
    key: Callable[[Row], str] | None = None

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
_REMARKS = Column("Remarks", lambda row: ", ".join(row.remarks))
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


EXTRA: tuple[Column, ...] = (
    Column("Accuracy", lambda row: row.accuracy, True, shown=_competes, narrow=True, key=lambda row: str(row.units)),
    Column("Entries", lambda row: str(row.entries), True, shown=_competes),
    Column("Last move", moved, shown=lambda page: any(row.moved for row in page.rows), key=lambda row: row.moved_at),
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
    return _shown((*PROGRAMS, *(column for column in EXTRA if not page.statistics or not column.narrow)), page)


def extra_columns(page: Document) -> list[Column]:
    """Return the columns that the web page shows behind the score, beside those that it draws itself."""
    return _shown(EXTRA, page)


def _shown(columns: tuple[Column, ...], page: Document) -> list[Column]:
    return [column for column in columns if column.shown(page) and (page.statistics or not column.measured)]
