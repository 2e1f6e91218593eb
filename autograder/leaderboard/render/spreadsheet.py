"""The board as CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

import csv
import io

from autograder.leaderboard.board import Board
from autograder.leaderboard.render.document import Document, Row, document

__all__ = ["render_csv", "safe_cell"]

_COLUMNS = ("rank", "name", "score", "handed in", "remarks", "award")
_MEASURED = ("accuracy", "low", "high", "best rank", "worst rank", "probability of first")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def render_csv(board: Board) -> str:
    """``board`` as comma-separated text with a header; unranked entries follow with an empty rank.

    Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    page = document(board)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(_COLUMNS + (_MEASURED if page.statistics else ()))
    writer.writerows(_cells(row, page) for row in page.rows)
    padding = ("",) * (len(_MEASURED) if page.statistics else 0)
    for row in page.apart:
        remark = f"{row.status}: {row.reason}" if row.reason else row.status
        writer.writerow(("", safe_cell(row.name), "", "", safe_cell(remark), "", *padding))
    return stream.getvalue()


def safe_cell(text: str) -> str:
    """``text`` made harmless for a spreadsheet: control characters out, an apostrophe before a formula's first sign.

    A formula hides behind leading spaces, and behind a separator that another country's spreadsheet splits at.
    """
    clean = "".join(character if character.isprintable() else " " for character in text)
    for separator in (";", "|"):
        clean = separator.join(_guard(piece) for piece in clean.split(separator))
    return _guard(clean)


def _guard(piece: str) -> str:
    return f"'{piece}" if piece.lstrip().startswith(_FORMULA) else piece


def _cells(row: Row, page: Document) -> list[object]:
    score: object = _Number(row.score)
    cells: list[object] = [row.rank, safe_cell(row.name), score, row.at, safe_cell(", ".join(row.badges))]
    cells.append(safe_cell(row.award))
    if page.statistics:
        found = row.statistics
        figures = (found.accuracy, found.low, found.high) if found else ()
        cells += [_Number(f"{value:.6f}") for value in figures] or [""] * 3
        cells += [found.rank_low, found.rank_high, _Number(f"{found.first:.4f}")] if found else [""] * 3
    return cells


class _Number(float):
    """A number that is written with exactly the digits it was given."""

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__
