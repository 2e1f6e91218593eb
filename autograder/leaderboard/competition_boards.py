"""The challenge's boards, from a log of results in JSON lines.

Each result tells which public and which private images a submission's trained networks answer
rightly. While the challenge runs, the public board shows each entrant's Ladder. At the freeze the private half is
counted, once, for the submission that each entrant lets count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autograder.challenge.competition_results import ChallengeResult, append_result, read_results
from autograder.challenge.packing import pack, unpack
from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Activity, Attempt, Board, BoardEntry, Standing, Status
from autograder.leaderboard.configuration import Prize
from autograder.leaderboard.entrant import counted_result
from autograder.leaderboard.ladder import Ladder
from autograder.leaderboard.ranking import competition_ranks, standings
from autograder.leaderboard.statistics.annotate import add_statistics
from autograder.leaderboard.units import moment

__all__ = ["ChallengeResult", "append_result", "pack", "private_board", "public_board", "read_results", "unpack"]


def public_board(results: Iterable[ChallengeResult], **settings: Any) -> Board:
    """Return the board while the challenge runs: every entrant's Ladder on the public half, with its steps as history.

    No statistics are shown: they would be taken from the very numbers that the Ladder holds back.
    """
    grouped = _by_entrant(results)
    entries = [_public_entry(entrant, own) for entrant, own in grouped.items()]
    note = (
        "Shown is each entrant's best, through the Ladder: it moves only on a clear improvement. On the private half, "
        "which decides, counts the last entry that its entrant wants to count, and that may be another one."
    )
    board = _board(entries, grouped, "public", note, **settings)
    return replace(board, phase="public", standings=_with_activity(board.standings, grouped))


def private_board(results: Iterable[ChallengeResult], frozen: dt.datetime, *, seed: int = 0, **settings: Any) -> Board:
    """Return the frozen board: on the private half, the submission up to ``frozen`` that each entrant lets count.

    Args:
        frozen: the time of the freeze; what was handed in after it does not count.
        seed: the seed of the bootstrap, e.g. ``course.secret.seed("challenge", "bootstrap")``.
    """
    grouped = _by_entrant(result for result in results if moment(result.at) <= moment(frozen))
    last = {entrant: _counted(own) for entrant, own in grouped.items()}
    entries = [_private_entry(entrant, result, grouped[entrant]) for entrant, result in last.items()]
    note = "Private half, scored once, at the freeze; of each entrant the last entry that was to count."
    board = _board(entries, grouped, "private", note, **settings)
    board = replace(board, phase="private", standings=_with_entries(board.standings, grouped))
    answers = {entrant: _answers(result, "private") for entrant, result in last.items() if result.status == "scored"}
    return add_statistics(board, answers, seed=seed)


def _board(
    entries: Sequence[BoardEntry],
    grouped: dict[str, list[ChallengeResult]],
    half: str,
    note: str,
    *,
    prizes: Sequence[Prize] = (),
    names: Callable[[str], str] = str,
    title: str = "The challenge",
    show: int = 0,
    times: str = "hour",
    name: str = "challenge",
) -> Board:
    scored = [result for own in grouped.values() for result in own if result.status == "scored"]
    sizes = {(len(getattr(result, half)), getattr(result, f"{half}_images")) for result in scored}
    if len(sizes) > 1:
        raise LeaderboardError(
            f"Results on the {half} half differ in (trainings, images): {sorted(sizes)}. Score all entries alike."
        )
    seeds, images = sizes.pop() if sizes else (1, 0)
    if scored and images < 1:
        raise LeaderboardError(f"Results on the {half} half say that it has {images} images. Score all entries again.")
    return standings(
        entries,
        name=name,
        title=title,
        scale=1,
        maximum=seeds * images,
        prizes=prizes,
        names=names,
        show=show,
        unit="right answers" if seeds == 1 else f"right answers in {seeds} trainings",
        notes=[note],
        times=times,
    )


def _by_entrant(results: Iterable[ChallengeResult]) -> dict[str, list[ChallengeResult]]:
    grouped: dict[str, list[ChallengeResult]] = {}
    for result in sorted(results, key=lambda result: (moment(result.at), result.entrant)):
        grouped.setdefault(result.entrant, []).append(result)
    return grouped


def _public_entry(entrant: str, results: list[ChallengeResult]) -> BoardEntry:
    if results[-1].status == "withdrawn" or all(result.status != "scored" for result in results):
        return _unranked(entrant, results[-1])
    history = _steps(results)
    score = history[-1].score
    reached = next(step.at for step in history if step.score == score)
    return BoardEntry(entrant, score=score, at=reached, history=history)


def _steps(results: list[ChallengeResult], note: str = "") -> tuple[Attempt, ...]:
    """Return the scores that the public half showed an entrant after each valid submission. They never go down."""
    ladder, steps = Ladder(), []
    for result in results:
        if result.status == "scored":
            ladder = ladder.submit(_answers(result, "public"))
            steps.append(Attempt(moment(result.at), ladder.shown or 0, note))
    return tuple(steps)


def _private_entry(entrant: str, result: ChallengeResult, results: list[ChallengeResult]) -> BoardEntry:
    """Return an entry whose history is what the public half showed: the private one scores no earlier submission."""
    if result.status != "scored":
        return _unranked(entrant, result)
    score = int(_answers(result, "private").sum())
    return BoardEntry(entrant, score=score, at=moment(result.at), history=_steps(results, "shown by the public half"))


def _unranked(entrant: str, result: ChallengeResult) -> BoardEntry:
    return BoardEntry(entrant, at=moment(result.at), status=Status(result.status), reason=result.reason)


def _counted(results: list[ChallengeResult]) -> ChallengeResult:
    """Return the scored result that counts; the last of any kind if none is scored, or if the entrant withdrew."""
    if results[-1].status == "withdrawn":
        return results[-1]
    return counted_result(results) or results[-1]


def _with_entries(rows: Sequence[Standing], grouped: dict[str, list[ChallengeResult]]) -> tuple[Standing, ...]:
    return tuple(replace(row, activity=Activity(len(grouped[row.entry.entrant]))) for row in rows)


def _with_activity(rows: Sequence[Standing], grouped: dict[str, list[ChallengeResult]]) -> tuple[Standing, ...]:
    """Return the rows with the number of entries, and the last change of each rank."""
    moves = _moves({row.entry.entrant: row.entry.history for row in rows})
    return tuple(
        replace(row, activity=Activity(len(grouped[entrant]), *moves.get(entrant, ())))
        for row in rows
        for entrant in (row.entry.entrant,)
    )


def _moves(histories: Mapping[str, Sequence[Attempt]]) -> dict[str, tuple[int, dt.datetime]]:
    """Return each entrant's last change of rank (ranks gained, and when), from the board as it was after each entry."""
    steps = sorted(
        (step.at, entrant, step.score) for entrant, history in histories.items() for step in history if step.at
    )
    shown: dict[str, int] = {}
    ranks: dict[str, int] = {}
    moves: dict[str, tuple[int, dt.datetime]] = {}
    for at, entrant, score in steps:
        if shown.get(entrant) == score:
            continue
        shown[entrant] = score
        now = dict(zip(shown, competition_ranks(list(shown.values())).tolist(), strict=True))
        moves.update({name: (ranks[name] - now[name], at) for name in ranks if ranks[name] != now[name]})
        ranks = now
    return moves


def _answers(result: ChallengeResult, half: Literal["public", "private"]) -> NDArray[np.bool_]:
    """Return the answers to one half of the images; shape (trainings, images)."""
    packed: tuple[str, ...] = getattr(result, half)
    images: int = getattr(result, f"{half}_images")
    try:
        return np.stack([unpack(text, images) for text in packed])
    except LeaderboardError as error:
        raise LeaderboardError(f"{result.entrant}, handed in {result.at.isoformat()}, {half} half: {error}") from error
