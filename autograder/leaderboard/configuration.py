"""The tables of course.toml for boards (``[leaderboard]``) and prizes (``[[prizes]]``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, TypeVar

import msgspec

from autograder.errors import LeaderboardError

T = TypeVar("T")

__all__ = ["Adjustment", "Boards", "Prize", "check_boards", "read_boards", "read_prizes"]


class Prize(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One prize. Prizes stand in order of worth; an entry wins the first it reaches.

    Attributes:
        award: the thing that is won, e.g. ``"automatic A+"`` or ``"grade bump"``.
        rank: the prize reaches down to this rank.
        ranks: the same, written as a list: ``[2, 3]`` continues where the prize before it ended.
        percentile: the prize reaches the best so many percent of the ranked entries.
        minimum: a cut-off in points that a winner must also meet (on an ascending board, a maximum).
        winners: a cap. A tie that does not fit under it whole ends the prize: ties are never split.
        points: points that the award is worth, for a person or a script to add.
        board: the board the prize belongs to; ``"*"`` is every board.
        boards: the same for several boards; empty if ``board`` names it.
    """

    award: str
    rank: int | None = None
    ranks: tuple[int, ...] | None = None
    percentile: float | None = None
    minimum: float | None = None
    winners: int | None = None
    points: float = 0.0
    board: str = "*"
    boards: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The boards that the prize counts for; ``("*",)`` is every board."""
        return self.boards or (self.board,)

    def counts_for(self, board: str) -> bool:
        """Return whether the prize can be won on ``board``."""
        return "*" in self.places or board in self.places

    def reach(self, ranked: int) -> int:
        """Return the last rank that the prize covers on a board of ``ranked`` entries."""
        if self.percentile is not None:
            return int(Fraction(str(self.percentile)) * ranked / 100)
        return self.rank if self.rank is not None else max(self.ranks or (0,))

    def rule(self) -> str:
        """Return the rule in words, e.g. ``"ranks 2–3, cut-off 27"``."""
        words = [self.place()]
        if self.minimum is not None:
            words.append(f"cut-off {self.minimum:g}")
        if self.winners is not None:
            words.append(f"{self.winners} winners at most" if self.winners > 1 else "one winner at most")
        return ", ".join(words)

    def place(self) -> str:
        """Return the ranks that the prize covers, in words, e.g. ``"ranks 2–3"`` or ``"top 10 %"``."""
        if self.percentile is not None:
            return f"top {self.percentile:g} %"
        ranks = self.ranks or (self.rank,)
        return f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {ranks[0]}–{ranks[-1]}"


class Adjustment(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Points given or taken by a person, with the reason; on one board or on the course's."""

    student: str
    points: float
    reason: str
    board: str = "course"


class Boards(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The ``[leaderboard]`` table.

    Attributes:
        title: the title above the course's board.
        show: rows to publish, ties at the cut included; 0 for all. Mean and median always count everyone.
        order: ``"descending"`` if more is better.
        names: the display name that a student chose, by student id; all others keep their pseudonym.
        withdrawn: the reason by student id; listed apart. The reason stays in this file: it may be private.
        excluded: student ids that appear nowhere, such as a tester's.
        late: the treatment of a late submission: ranked, ranked without a prize, or listed apart.
        unfinished: the treatment of an entry with parts that a person must still grade: ranked (and marked) or apart.
        optional: an optional assignment replaces the weakest required one if that helps, or adds its points on top.
        times: the precision with which a page shows when something was handed in.
        adjustments: points given or taken by a person.
    """

    title: str = ""
    show: int = 0
    order: Literal["descending", "ascending"] = "descending"
    names: dict[str, str] = msgspec.field(default_factory=dict)
    withdrawn: dict[str, str] = msgspec.field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    late: Literal["ranked", "no prize", "apart"] = "ranked"
    unfinished: Literal["ranked", "apart"] = "ranked"
    optional: Literal["replaces", "adds"] = "replaces"
    times: Literal["minute", "hour", "day", "none"] = "hour"
    adjustments: tuple[Adjustment, ...] = ()


def read_boards(table: Mapping[str, Any]) -> Boards:
    """Return the ``[leaderboard]`` table, validated.

    Raises:
        LeaderboardError: names the key.
    """
    boards = _convert(dict(table), Boards, "[leaderboard]")
    if boards.show < 0:
        raise LeaderboardError(
            f"course.toml, [leaderboard]: show is {boards.show}. Give a number of rows, or 0 for all."
        )
    for number, adjustment in enumerate(boards.adjustments, 1):
        if not adjustment.reason.strip():
            raise LeaderboardError(
                f"course.toml, [[leaderboard.adjustments]] {number} ({adjustment.student}): reason is empty. Write one."
            )
        if adjustment.board == "challenge":
            raise LeaderboardError(
                f"course.toml, [[leaderboard.adjustments]] {number} ({adjustment.student}): the challenge counts right "
                "answers and takes no points from a person. Give them on the course's board."
            )
    return boards


def read_prizes(tables: Sequence[Mapping[str, Any]], file: str = "course.toml") -> tuple[Prize, ...]:
    """Return the ``[[prizes]]`` tables, validated and in their order.

    Args:
        file: the name of the file that holds them, for messages.

    Raises:
        LeaderboardError: names the file, the prize by its number, and the key.
    """
    if not isinstance(tables, list | tuple) or not all(isinstance(table, Mapping) for table in tables):
        raise LeaderboardError(f"{file}: prizes is {tables!r}. Write each prize as a table headed [[prizes]].")
    prizes = tuple(_convert(dict(table), Prize, f"[[prizes]] {n}", file) for n, table in enumerate(tables, 1))
    for number, prize in enumerate(prizes, 1):
        fault = _fault(prize)
        if fault:
            raise LeaderboardError(f"{file}, [[prizes]] {number} ({prize.award or 'no award'}): {fault}")
    _check_order(prizes, file)
    return prizes


def check_boards(boards: Boards, prizes: Sequence[Prize], known: Collection[str], students: Collection[str]) -> None:
    """Refuse a prize or an adjustment that could never take effect, such as one with a misspelt name.

    Args:
        known: the boards that the course has.
        students: everyone whom the course knows.

    Raises:
        LeaderboardError: names the table, the value, and what there is.
    """
    listed = ", ".join(sorted(known))
    for number, prize in enumerate(prizes, 1):
        unknown = next((place for place in prize.places if place not in ("*", *known)), None)
        if unknown is not None:
            raise LeaderboardError(
                f"course.toml, [[prizes]] {number} ({prize.award}): there is no board {unknown!r}. "
                f"Use one of {listed}, or leave board and boards out for every board."
            )
    for number, adjustment in enumerate(boards.adjustments, 1):
        where = f"course.toml, [[leaderboard.adjustments]] {number} ({adjustment.student})"
        if adjustment.board not in known:
            raise LeaderboardError(f"{where}: there is no board {adjustment.board!r}. Use one of {listed}.")
        if adjustment.student not in students and adjustment.student not in boards.excluded:
            raise LeaderboardError(f"{where}: the course has no student with this id. Correct student.")


def _convert(table: dict[str, Any], kind: type[T], where: str, file: str = "course.toml") -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise LeaderboardError(
            f"{file}, {where}: {error}. Correct that key; docs/leaderboard.md lists them all."
        ) from error


def _fault(prize: Prize) -> str:
    """Return the fault of one prize by itself, as a sentence; empty if there is none."""
    if not prize.award.strip():
        return "award is empty. Say what is won."
    if sum(way is not None for way in (prize.rank, prize.ranks, prize.percentile)) != 1:
        return "give exactly one of rank, ranks and percentile."
    if prize.rank is not None and prize.rank < 1:
        return f"rank is {prize.rank}. Ranks start at 1."
    if prize.ranks is not None and (
        not prize.ranks or prize.ranks[0] < 1 or list(prize.ranks) != list(range(prize.ranks[0], prize.ranks[-1] + 1))
    ):
        return f"ranks is {list(prize.ranks)}. List neighbouring ranks in order, e.g. [2, 3]."
    if prize.percentile is not None and not 0 < prize.percentile <= 100:
        return f"percentile is {prize.percentile:g}. Give a number above 0 and up to 100."
    if prize.winners is not None and prize.winners < 1:
        return f"winners is {prize.winners}. Give at least 1, or leave it out."
    if prize.boards and prize.board != "*":
        return "give board or boards, not both."
    return ""


def _check_order(prizes: tuple[Prize, ...], file: str) -> None:
    """Refuse rank prizes that leave a gap or go backwards: a better rank would win less."""
    last: dict[str, int] = {}
    for number, prize in enumerate(prizes, 1):
        if prize.percentile is not None:
            continue
        for place in prize.places:
            before = max(last.get(place, 0), last.get("*", 0))
            first = prize.ranks[0] if prize.ranks else prize.rank or 1
            end = prize.reach(0)
            if end < before or (prize.ranks and first > before + 1 and not _percentile_before(prizes, number)):
                raise LeaderboardError(
                    f"{file}, [[prizes]] {number} ({prize.award}): it covers {prize.rule()} after prizes down to rank "
                    f"{before}. List prizes best first and leave no rank out."
                )
            last[place] = max(before, end)


def _percentile_before(prizes: tuple[Prize, ...], number: int) -> bool:
    return any(prize.percentile is not None for prize in prizes[: number - 1])
