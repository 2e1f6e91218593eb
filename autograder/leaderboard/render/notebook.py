"""The board as a table in a notebook's output."""

from __future__ import annotations

from markupsafe import Markup

from autograder.leaderboard.board import Board
from autograder.leaderboard.render.charts import histogram
from autograder.leaderboard.render.columns import columns_for_people
from autograder.leaderboard.render.document import Document, Row, document

__all__ = ["render_notebook"]

_MOST_ROWS = 100
# The figure's classes mean something on the page only; here they get the notebook's own colours.
_STYLE = Markup(
    "<style>.autograder-board svg{max-width:34em;height:auto;font-size:13px;fill:currentColor}"
    ".autograder-board .bar{fill:#0b76c5}.autograder-board .grid{stroke:#8886}"
    ".autograder-board .mark{stroke:#d2691e;stroke-width:2}.autograder-board .mark-label{fill:#d2691e}"
    ".autograder-board .mean{stroke-dasharray:5 4}.autograder-board td{font-variant-numeric:tabular-nums}</style>"
)


def render_notebook(board: Board) -> str:
    """Return ``board`` as a fragment of HTML: the table (its first rows), mean, median and the histogram; no script."""
    page = document(board)
    rows = Markup("").join(_row(row, page) for row in page.rows[:_MOST_ROWS])
    head = Markup("").join(Markup("<th>{}</th>").format(column.title) for column in columns_for_people(page))
    table = Markup("<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
        page.title, head, rows
    )
    scores = [row.entry.score / board.scale for row in board.standings]
    drawing = histogram(page, scores) if scores else Markup("")
    return str(
        Markup('<div class="autograder-board">{}{}<p>{}</p>{}</div>').format(_STYLE, table, _summary(page), drawing)
    )


def _row(row: Row, page: Document) -> Markup:
    cells = [column.text(row) for column in columns_for_people(page)]
    return Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in cells))


def _summary(page: Document) -> str:
    if not page.rows:
        return "Nobody is ranked yet."
    left = page.ranked - min(len(page.rows), _MOST_ROWS)
    more = f" {left} more are not listed." if left else ""
    return f"Mean {page.mean}, median {page.median} {page.unit}; {page.ranked} ranked.{more}"


# Boards are shown by this module and know nothing of it: whoever makes one for a notebook imports it.
Board._repr_html_ = render_notebook
