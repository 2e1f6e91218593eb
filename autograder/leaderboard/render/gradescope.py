"""Gradescope's ``results.json`` with its leaderboard field, for courses that return grades there."""

from __future__ import annotations

from typing import Any

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board, Standing, Status

__all__ = ["gradescope_results"]


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
