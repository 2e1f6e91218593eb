"""The actions of ``autograder leaderboard``: one function for each purpose, called by the command line.

`watch` rebuilds a board as grades arrive; the others act once.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import make_url

from autograder.course import Course
from autograder.errors import AutograderError, LeaderboardError
from autograder.files import changes, stamp_of
from autograder.leaderboard.board import Board
from autograder.leaderboard.configuration import Prize, read_prizes
from autograder.leaderboard.entrant import entrant_key
from autograder.leaderboard.history import replay_board
from autograder.leaderboard.publishing import RESULTS, board_of, check_formats, log_of, publish_boards, write_whole
from autograder.leaderboard.ranking import prize_changes, what_if
from autograder.leaderboard.render.columns import change_table, gradescope_results, terminal

__all__ = ["export_gradescope", "preview", "try_prizes", "verify", "watch"]

_LONGEST_NAME = 255


def try_prizes(course: Course, assignment: str | None, rules: Path, console: Console | None = None) -> Board:
    """Show who would win under the ``[[prizes]]`` of another file; nothing is published or recorded.

    Raises:
        LeaderboardError: the file cannot be read, or a prize is wrong.
    """
    board = board_of(course, assignment)
    other = what_if(board, _prizes_of(rules))
    screen = console or Console()
    screen.print(terminal(other))
    screen.print(change_table(prize_changes(board, other), f"Under {rules.name}"))
    return other


def preview(course: Course, assignment: str | None, console: Console | None = None) -> Board:
    """Show what publishing now would change on the board published last, without publishing."""
    board, log = board_of(course, assignment), log_of(course, assignment or "course")
    key = partial(entrant_key, secret=course.secret)
    screen = console or Console()
    screen.print(terminal(board))
    if log.records():
        screen.print(change_table(prize_changes(replay_board(log), board, key), "Since the last time"))
    return board


def verify(course: Course, assignment: str | None, head: str | None = None, console: Console | None = None) -> Board:
    """Check a board's log, replay it, and show the board it leads to.

    Args:
        head: the hash that the published page names; a shortened log does not end with it.

    Raises:
        LeaderboardError: the log was changed or cut, or holds no board.
    """
    log = log_of(course, assignment or "course")
    log.verify(head)
    board = replay_board(log)
    (console or Console()).print(terminal(board))
    return board


def export_gradescope(course: Course, assignment: str | None, output: Path) -> list[Path]:
    """Write ``STUDENT/results.json`` for every entry of a board; return the files."""
    board = board_of(course, assignment)
    rows = (*board.standings, *board.apart)
    for row in rows:
        _check_folder_name(row.entry.entrant)
    written = []
    for row in rows:
        path = output / row.entry.entrant / "results.json"
        write_whole(path, json.dumps(gradescope_results(board, row.entry.entrant), indent=2) + "\n")
        written.append(path)
    return written


def _check_folder_name(entrant: str) -> None:
    """Refuse an id that would leave the output folder, or that no file system takes."""
    if entrant in (".", "..") or "/" in entrant or "\0" in entrant or len(entrant.encode()) > _LONGEST_NAME:
        raise LeaderboardError(
            f"{entrant[:60]!r} cannot name a folder: nothing was written. Correct the student's id in the gradebook."
        )


def _prizes_of(path: Path) -> tuple[Prize, ...]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("prizes")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LeaderboardError(f"{path} cannot be read: {error}. Correct the file.") from error
    if tables is None:
        raise LeaderboardError(f"{path} has no [[prizes]]. Write at least one, as in docs/leaderboard.md.")
    return read_prizes(tables, str(path))


def watch(
    course: Course,
    assignment: str | None = None,
    formats: Sequence[str] = ("terminal", "html"),
    output: Path | None = None,
    *,
    every: float = 2.0,
    console: Console | None = None,
    going: Callable[[], bool] = lambda: True,
) -> int:
    """Publish the board now, and again whenever grades or course.toml change, until interrupted.

    A fault, such as a half-edited course.toml, is shown and waited out: the page stays as it was.

    Args:
        every: seconds between looks.
        going: asked before every look; the watch ends when it returns False.

    Returns:
        The number of times that the board was published.
    """
    check_formats(formats)
    screen = console or Console()
    published = 0
    for _ in changes(partial(_signature, course), every, going):
        try:
            publish_boards(Course.find(course.root), assignment, formats, output, screen)
            published += 1
        except AutograderError as error:
            screen.print(str(error), style="red", markup=False, highlight=False)
    return published


def _signature(course: Course) -> object:
    """Return a value that changes with the gradebook, the challenge's results or course.toml."""
    files = [course.root / "course.toml", course.results / RESULTS, *_database(course.gradebook_url)]
    stamps = [stamp_of(path) for path in files]
    # A database server has no file to look at: look again every time.
    return stamps if _database(course.gradebook_url) else (stamps, time.monotonic())


def _database(url: str) -> list[Path]:
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        return []
    return [Path(address.database), Path(address.database + "-wal")]
