"""The board as CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

import csv
import io
import unicodedata

from autograder.leaderboard.board import Board
from autograder.leaderboard.render.columns import Column, columns_for_programs
from autograder.leaderboard.render.document import Row, document

__all__ = ["render_csv", "safe_cell"]

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
