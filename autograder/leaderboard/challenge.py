"""The challenge's boards, from a log of results in JSON lines.

Each line is one ``ChallengeResult``: which public and which private images a submission's trained networks answer
rightly. While the challenge runs, the public board shows each entrant's Ladder. At the freeze the private half is
counted, once, for each entrant's last valid submission.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError
from autograder.leaderboard.configuration import Prize
from autograder.leaderboard.entry import Attempt, Board, Entry, Status
from autograder.leaderboard.ladder import Ladder
from autograder.leaderboard.ranking import moment, standings
from autograder.leaderboard.statistics.measuring import measured

__all__ = ["ChallengeResult", "append_result", "pack", "private_board", "public_board", "read_results", "unpack"]


class ChallengeResult(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One submission to the challenge, scored.

    Attributes:
        entrant: student id.
        at: when it was handed in.
        status: ``failed`` for an entry over budget, wrong in shape or crashed; it gets the reason and no rank.
        public, private: per training, which images of the half were answered rightly, packed by ``pack``.
        public_images, private_images: how many images the halves hold.
    """

    entrant: str
    at: dt.datetime
    status: Literal["scored", "failed", "not graded", "withdrawn"] = "scored"
    reason: str = ""
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    public_images: int = 0
    private_images: int = 0


def pack(correct: NDArray[np.bool_]) -> str:
    """Which images were answered rightly, shape (images,), as short text."""
    return base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()


def unpack(text: str, images: int) -> NDArray[np.bool_]:
    """The inverse of ``pack``; shape (images,).

    Raises:
        LeaderboardError: the text does not hold that many images.
    """
    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except binascii.Error as error:
        raise LeaderboardError(f"Answers cannot be unpacked: {error}. Score the entry again.") from error
    if bits.size != (images + 7) // 8:
        raise LeaderboardError(f"Answers hold {8 * bits.size} bits for {images} images. Score the entry again.")
    return np.unpackbits(bits, count=images).astype(bool)


def append_result(path: Path, result: ChallengeResult) -> None:
    """Add one result to the log at ``path``, as one whole line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        stream.write(msgspec.json.encode(result) + b"\n")


def read_results(path: Path) -> list[ChallengeResult]:
    """Every result in the log at ``path``, oldest first.

    Raises:
        LeaderboardError: the log is missing, or a line is not a result; names the line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LeaderboardError(f"{path} cannot be read: {error}. Score the challenge first.") from error
    results = [_result(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return sorted(results, key=lambda result: (moment(result.at), result.entrant))


def public_board(results: Iterable[ChallengeResult], **settings: Any) -> Board:
    """The board while the challenge runs: every entrant's Ladder on the public half, with its steps as history.

    No statistics are shown: they would be taken from the very numbers that the Ladder holds back.
    """
    grouped = _by_entrant(results)
    entries = [_public_entry(entrant, own) for entrant, own in grouped.items()]
    note = "Public half, through the Ladder: a score moves only on a clear improvement. The private half decides."
    return _board(entries, grouped, "public", note, **settings)


def private_board(results: Iterable[ChallengeResult], frozen: dt.datetime, *, seed: int = 0, **settings: Any) -> Board:
    """The board at the freeze: each entrant's last valid submission up to ``frozen``, on the private half.

    Args:
        frozen: what was handed in after it does not count.
        seed: of the bootstrap, e.g. ``course.secret.seed("challenge", "bootstrap")``.
    """
    grouped = _by_entrant(result for result in results if moment(result.at) <= moment(frozen))
    last = {entrant: _last_valid(own) for entrant, own in grouped.items()}
    entries = [_private_entry(entrant, result) for entrant, result in last.items()]
    note = "Private half, scored once, at the freeze; each entrant's last valid submission."
    board = _board(entries, grouped, "private", note, **settings)
    answers = {entrant: _answers(result, "private") for entrant, result in last.items() if result.status == "scored"}
    return measured(board, answers, seed=seed)


def _board(
    entries: Sequence[Entry],
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


def _public_entry(entrant: str, results: list[ChallengeResult]) -> Entry:
    if results[-1].status == "withdrawn" or all(result.status != "scored" for result in results):
        return _unranked(entrant, results[-1])
    ladder, history, reached = Ladder(), [], results[0].at
    for result in results:
        if result.status != "scored":
            continue
        before, ladder = ladder.shown, ladder.submit(_answers(result, "public"))
        reached = result.at if ladder.shown != before else reached
        history.append(Attempt(moment(result.at), ladder.shown or 0))
    return Entry(entrant, score=ladder.shown or 0, at=moment(reached), history=tuple(history))


def _private_entry(entrant: str, result: ChallengeResult) -> Entry:
    if result.status != "scored":
        return _unranked(entrant, result)
    return Entry(entrant, score=int(_answers(result, "private").sum()), at=moment(result.at))


def _unranked(entrant: str, result: ChallengeResult) -> Entry:
    return Entry(entrant, at=moment(result.at), status=Status(result.status), reason=result.reason)


def _last_valid(results: list[ChallengeResult]) -> ChallengeResult:
    """The last scored result; the last of any kind if none is scored, or if the entrant withdrew."""
    if results[-1].status == "withdrawn":
        return results[-1]
    return next((result for result in reversed(results) if result.status == "scored"), results[-1])


def _answers(result: ChallengeResult, half: Literal["public", "private"]) -> NDArray[np.bool_]:
    """Shape (trainings, images)."""
    packed: tuple[str, ...] = getattr(result, half)
    images: int = getattr(result, f"{half}_images")
    return np.stack([unpack(text, images) for text in packed])


def _result(path: Path, number: int, line: bytes) -> ChallengeResult:
    try:
        result = msgspec.json.decode(line, type=ChallengeResult)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise LeaderboardError(f"{path}, line {number}: {error}. Score that entry again.") from error
    if result.status == "scored" and not (result.public and len(result.public) == len(result.private)):
        raise LeaderboardError(
            f"{path}, line {number}: {result.entrant} is scored but lacks answers on a half. Score that entry again."
        )
    return result
