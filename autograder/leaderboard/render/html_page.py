"""The board as one self-contained web page, and as a notebook's output.

The page needs no network and runs no script but its own; it can be read without any script.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.leaderboard.board import Board
from autograder.leaderboard.render.charts import histogram, interval_plot, score_against_time, sparkline
from autograder.leaderboard.render.columns import chance, columns_for_people, extra_columns
from autograder.leaderboard.render.document import Document, Row, document

__all__ = ["render_html", "render_notebook"]


# ---- the web page


def render_html(board: Board, announcements: Sequence[str] = ()) -> str:
    """Return ``board`` as one HTML page, below the ``announcements`` to the class.

    Every text is escaped. A content security policy names the hash of the page's own style and script, so nothing
    else runs or loads, whatever a name or a reason may hold.
    """
    page = document(board)
    style, script = _asset("page.css"), _asset("page.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            extra=extra_columns(page),
            announcements=announcements,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            figures=_figures(board, page),
            apart=Counter(row.status for row in page.apart),
            leader=page.rows[0] if page.rows else None,
            shares=_shares(board, page),
            sparkline=sparkline,
            when=when,
            chance=chance,
        )
    )


def when(at: str) -> str:
    """Return a time for people: ``2026-11-23T14:00Z`` as ``23 Nov 14:00``, a day as ``23 Nov``."""
    if not at:
        return "–"
    moment = dt.datetime.fromisoformat(at.replace("Z", ""))
    return f"{moment.day} {moment:%b %H:%M}" if "T" in at else f"{moment.day} {moment:%b}"


def _figures(board: Board, page: Document) -> list[tuple[str, str, Markup]]:
    """Return the title, caption and drawing of each figure that this board can have."""
    if not page.rows:
        return []
    scores = [row.entry.score / board.scale for row in board.standings]
    drawn = [
        (
            "Scores",
            f"All {page.ranked} ranked entries. Dashed: mean. Solid: median.",
            histogram(page, scores) if page.ranked > 1 else Markup(""),
        ),
        (
            "Score against time",
            "One dot per entry. Time decides the order within a tie and nothing else.",
            score_against_time(page),
        ),
        ("Intervals", "Where two bars overlap much, the order of the two may be luck.", interval_plot(page)),
    ]
    return [figure for figure in drawn if figure[2]]


def _shares(board: Board, page: Document) -> list[int]:
    """Return each row's score as a share of the maximum (or best score), 0 to 100, for the bar behind it."""
    whole = board.maximum or max((row.units for row in page.rows), default=0)
    return [max(0, min(100, 100 * row.units // whole)) if whole > 0 else 0 for row in page.rows]


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("autograder.leaderboard", "render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


# ---- a notebook's output

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
