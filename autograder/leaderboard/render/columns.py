"""The columns of a board, for every format: a new column is one line here, and a field of the document's row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autograder.leaderboard.render.document import Document, Row, Uncertainty

__all__ = ["Column", "columns_for_people", "columns_for_programs", "extra_columns"]


@dataclass(frozen=True)
class Column:
    """A column of text.

    Attributes:
        title: its heading.
        text: the cell of a row.
        number: whether cells are numbers: set to the right, and written to CSV without quotes.
        measured: only on a board with statistics.
    """

    title: str
    text: Callable[[Row], str]
    number: bool = False
    measured: bool = False


def _found(show: Callable[[Uncertainty], str]) -> Callable[[Row], str]:
    """A cell made from a row's statistics; empty for a row that has none."""
    return lambda row: show(row.statistics) if row.statistics is not None else ""


_RANK = Column("Rank", lambda row: f"{row.rank}{'=' if row.shared else ''}", number=True)
_NAME = Column("Name", lambda row: row.name)
_SCORE = Column("Score", lambda row: row.score, number=True)
_AWARD = Column("Award", lambda row: row.award)
_REMARKS = Column("Remarks", lambda row: ", ".join(row.badges))
_INTERVAL = Column("Interval, %", _found(lambda s: f"{100 * s.low:.2f}–{100 * s.high:.2f}"), True, True)
_RANKS = Column("Ranks", _found(lambda s: f"{s.rank_low}–{s.rank_high}"), True, True)
_FIRST = Column("First", _found(lambda s: f"{s.first:.3f}"), True, True)

EXTRA: tuple[Column, ...] = ()
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
    """The columns that a person reads in a terminal or a notebook."""
    return _shown((*PEOPLE, *EXTRA), page)


def columns_for_programs(page: Document) -> list[Column]:
    """The columns of a CSV file."""
    return _shown((*PROGRAMS, *EXTRA), page)


def extra_columns(page: Document) -> list[Column]:
    """The columns that the web page shows behind those that it draws itself."""
    return _shown(EXTRA, page)


def _shown(columns: tuple[Column, ...], page: Document) -> list[Column]:
    return [column for column in columns if page.statistics is not None or not column.measured]
