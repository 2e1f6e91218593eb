"""The results of the competition: the record of scored entries, and the accuracies of the course's own entries.

The record has one JSON line for each entry; the grader writes it, and the leaderboard reads it. The accuracies of the
course's own entries are those of docs/leaderboard.md; boards show them, and never rank them.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from autograder.challenge.entries import CompetitionEntry
from autograder.errors import LeaderboardError

__all__ = [
    "FILE_NAME",
    "REFERENCE_SCORES",
    "ChallengeResult",
    "ReferenceAccuracy",
    "append_result",
    "read_results",
    "record_results",
    "result_of",
]

FILE_NAME = "challenge.jsonl"


class ChallengeResult(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A submission to the challenge, scored.

    Attributes:
        entrant: student id.
        at: the time at which it was handed in.
        status: ``failed`` for an entry over budget, wrong in shape or crashed; it gets the reason and no rank.
        public, private: per training, the images of the half that were answered rightly, packed by ``pack``.
        public_images, private_images: the number of images in the halves.
        counts: whether the entrant wants it to count in the private half.
    """

    entrant: str
    at: dt.datetime
    status: Literal["scored", "failed", "not graded", "withdrawn"] = "scored"
    reason: str = ""
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    public_images: int = 0
    private_images: int = 0
    counts: bool = True


def result_of(entry: CompetitionEntry, entrant: str, at: dt.datetime) -> ChallengeResult:
    """Return the line for one student's entry."""
    return ChallengeResult(
        entrant=entrant,
        at=_in_utc(at),
        status="scored" if entry.valid else "failed",
        reason=entry.reason,
        public=entry.public,
        private=entry.private,
        public_images=entry.public_images,
        private_images=entry.private_images,
        counts=entry.counts,
    )


def append_result(path: Path, result: ChallengeResult) -> None:
    """Add one result to the log at ``path``, as one whole line; cut off what a killed writer left unfinished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        _cut_to_whole_lines(stream.fileno(), path)
        stream.write(msgspec.json.encode(result) + b"\n")


def record_results(path: Path, results: Sequence[ChallengeResult]) -> int:
    """Add those that the log does not hold yet; return how many. Recording twice changes nothing.

    A submission that was scored again, with another outcome, gets a line more; the last one counts.
    """
    if not results:
        return 0
    known = {(one.entrant, one.at): one for one in (read_results(path, whole=False) if path.exists() else [])}
    new = [one for one in results if known.get((one.entrant, one.at)) != one]
    for one in new:
        append_result(path, one)
    return len(new)


def read_results(path: Path, *, whole: bool = True) -> list[ChallengeResult]:
    """Return every submission's result in the log at ``path``, oldest first; of several lines for one, the last.

    Args:
        whole: refuse a log whose last line is unfinished, instead of leaving that line out.

    Raises:
        LeaderboardError: the log is missing, or a line is not a result; names the line.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise LeaderboardError(f"No entry has been graded yet: there is no {path}. Grade the entries first.") from error
    except OSError as error:
        raise LeaderboardError(f"{path} cannot be read: {error.strerror}. Correct its permissions.") from error
    if not whole:
        data = data[: data.rfind(b"\n") + 1]
    lines = enumerate(data.splitlines(), 1)
    results = [_result(path, number, line) for number, line in lines if line.strip()]
    last = {(one.entrant, _in_utc(one.at)): one for one in results}
    return sorted(last.values(), key=lambda one: (_in_utc(one.at), one.entrant))


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


def _in_utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _cut_to_whole_lines(descriptor: int, path: Path) -> None:
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        os.ftruncate(descriptor, data.rfind(b"\n") + 1)


class ReferenceAccuracy(NamedTuple):
    """A reference entry's mean accuracy over several secrets, 0 to 1, on each half of the hidden pictures."""

    name: str
    public: float
    private: float


REFERENCE_SCORES = (
    ReferenceAccuracy("strong small network", 0.8459, 0.8450),
    ReferenceAccuracy("network in the style of 1989", 0.7608, 0.7591),
    ReferenceAccuracy("linear classifier", 0.4909, 0.4862),
)
"""The reference accuracies from ``python -m autograder.bench.reference_entries --secrets 8``, best first."""
