"""An entrant of the boards: the public name, the Ladder, and the sentences on the page of feedback.

The public name is a pseudonym, or a display name that the student chose.

The parameter-free Ladder is a public score that repeated submission cannot wear out (A. Blum and M. Hardt, "The Ladder:
a reliable leaderboard for machine learning competitions", ICML 2015). A submission moves the shown score only if it
beats the entrant's best by more than one standard error of the difference between the two, image by image. An entrant
who fishes for lucky guesses mostly sees the same number again, and learns less; docs/leaderboard.md shows how much
less.

The sentences on the page of feedback tell no more of the public half than the board shows.
"""

from __future__ import annotations

import ast
import datetime as dt
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition_results import FILE_NAME, ChallengeResult, read_results
from autograder.challenge.entries import RULES, CompetitionEntry, unpack
from autograder.course import Course
from autograder.errors import AutograderError, LeaderboardError
from autograder.files import students_in
from autograder.gradebook.notice import BoardName
from autograder.grading.result import Result
from autograder.leaderboard.board import moment
from autograder.leaderboard.configuration import read_boards
from autograder.leaderboard.grades import roster
from autograder.leaderboard.statistics import wilson
from autograder.secrets import Secret

__all__ = [
    "AT_LINE",
    "BoardNames",
    "Ladder",
    "counted_result",
    "entrant_key",
    "entrant_lines",
    "lines_for",
    "public_names",
    "thresholds_of",
]

# ---- the public name

_LONGEST = 40
_ALLOWED = re.compile(r"\w[\w .,'’·&()-]*", re.UNICODE)


def public_names(
    entrants: Iterable[str], secret: Secret, chosen: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    """Return a function from an entrant to the name that may be shown.

    Pseudonyms come from the course secret by keyed hash, so they are the same on every board and reveal nothing.
    Two entrants who draw the same pseudonym both get a further keyed mark.

    Args:
        entrants: everyone on the board.
        chosen: the display name that an entrant asked for, by entrant.

    Raises:
        LeaderboardError: a chosen name cannot be shown, or could be taken for someone else's.
    """
    everyone = sorted(set(entrants))
    pseudonyms = {entrant: secret.pseudonym(entrant) for entrant in everyone}
    shared = Counter(pseudonyms.values())
    names = {
        entrant: name if shared[name] == 1 else f"{name}-{secret.derive('pseudonym-mark', entrant).hex()[:6]}"
        for entrant, name in pseudonyms.items()
    }
    taken = {_alike(name): "a pseudonym" for name in names.values()}
    for entrant in everyone:
        if chosen and entrant in chosen:
            names[entrant] = _claim(entrant, chosen[entrant], taken)
    return names.__getitem__


def entrant_key(entrant: str, secret: Secret) -> str:
    """Return 16 hexadecimal digits that stand for an entrant in logs and results that others may read."""
    return secret.derive("entrant", entrant).hex()[:16]


def _claim(entrant: str, wish: str, taken: dict[str, str]) -> str:
    name = " ".join(unicodedata.normalize("NFKC", wish).split())
    if not name or len(name) > _LONGEST or not _ALLOWED.fullmatch(name):
        raise LeaderboardError(
            f"course.toml, [leaderboard.names] {entrant}: {wish!r} cannot be shown. Use up to {_LONGEST} "
            "letters, digits, spaces and . , ' & ( ) - and begin with a letter or digit."
        )
    if _alike(name) in taken:
        raise LeaderboardError(
            f"course.toml, [leaderboard.names] {entrant}: {wish!r} could be taken for {taken[_alike(name)]}. "
            "Choose another name."
        )
    taken[_alike(name)] = "the display name of " + entrant
    return name


def _alike(name: str) -> str:
    """Return what names have in common that a reader would confuse: letters and digits, without case or accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in plain if character.isalnum())


class BoardNames:
    """The public names of a course's students, as the boards show them.

    Args:
        public: the name by a student's id.
        hidden: students who are not on any board.
        board: the address of the assignment's published board; or empty.
        competition: the address of the competition's; or empty.
    """

    def __init__(self, public: Callable[[str], str], hidden: frozenset[str], board: str, competition: str = "") -> None:
        self._public, self._hidden, self._board, self._competition = public, hidden, board, competition

    @classmethod
    def of(cls, course: Course, assignment: str) -> BoardNames:
        """Return the names for the board of ``assignment``.

        Names that the configuration makes impossible are reported by the boards; a page does without them.
        """
        try:
            boards = read_boards(course.config.leaderboard)
            students = {*roster(course.gradebook_url), *students_in(course.submitted)}
            public = public_names(students, course.secret, boards.names)
        except (AutograderError, OSError):
            return cls(course.secret.pseudonym, frozenset(), "")
        hidden = frozenset({*boards.excluded, *boards.withdrawn})
        return cls(public, hidden, _address(course, assignment), _address(course, assignment, "challenge"))

    def of_student(self, student: str) -> BoardName | None:
        """Return the name of ``student``; None for one who is not on any board."""
        if student in self._hidden:
            return None
        try:
            name = self._public(student)
        except KeyError:
            return None
        row = quote(name)
        return BoardName(
            name,
            f"{self._board}#{row}" if self._board else "",
            f"{self._competition}#{row}" if self._competition else "",
        )


def _address(course: Course, assignment: str, board: str = "") -> str:
    """Return the address of a board (by default the assignment's) from a page of feedback; empty if unpublished."""
    page = course.root / "leaderboard" / f"{board or assignment}.html"
    return os.path.relpath(page, course.feedback / "STUDENT" / assignment) if page.is_file() else ""


# ---- the Ladder


@dataclass(frozen=True)
class Ladder:
    """The memory of one entrant's Ladder: the answers of the submission that last moved it.

    Attributes:
        best: right answers per image, shape (images,), or None before the first submission. Where entries are
            trained several times, an image counts once per training that answers it rightly.
    """

    best: NDArray[np.int64] | None = None

    @property
    def shown(self) -> int | None:
        """The score to show, in right answers; None before the first submission."""
        return None if self.best is None else int(self.best.sum())

    def submit(self, correct: ArrayLike) -> Ladder:
        """Return the Ladder after one more submission.

        Args:
            correct: right answers per image; shape (images,), or (seeds, images).

        Raises:
            LeaderboardError: the number of images is not that of the earlier submissions.
        """
        answers = np.atleast_2d(np.asarray(correct)).sum(axis=0, dtype=np.int64)
        if self.best is None:
            return Ladder(answers)
        if answers.shape != self.best.shape:
            raise LeaderboardError(
                f"This submission answers {answers.size} images, the earlier ones {self.best.size}. "
                "Score every submission on the same public half."
            )
        return Ladder(answers) if self.beaten_by(Ladder(answers)) else self

    def beaten_by(self, other: Ladder) -> bool:
        """Return whether ``other`` is better by more than one standard error of the difference, image by image."""
        if self.best is None or other.best is None:
            return other.best is not None
        change = other.best - self.best
        gain = int(change.sum())
        # "The mean exceeds its standard error", both sides squared and times n (n - 1): whole numbers, no rounding.
        return gain > 0 and gain**2 > int((change**2).sum())


# ---- the sentences on the page of feedback

AT_LINE = "It stopped at your line:"
"""The words before a line of the student's own code, which a page shows as code."""


def lines_for(course: Course, assignment: Assignment, student: str, result: Result) -> list[str]:
    """Return the sentences about a student's entry, from the course's record; empty if the result has no entry."""
    if result.entry is None:
        return []
    return entrant_lines(course.results / FILE_NAME, assignment, student, result.entry, result.usage.entry)


def entrant_lines(
    path: Path, assignment: Assignment, student: str, entry: CompetitionEntry, seconds: tuple[float, float]
) -> list[str]:
    """Return sentences about a student's entry, for this student alone.

    The accuracy is that which the Ladder shows: exact for a first entry, and for one that moved it. What an entry that
    did not move it has right is not told, or the Ladder would hold nothing back.

    Args:
        path: the record of scored entries.
        entry: the student's last one.
        seconds: processor time of its training and of its answers.
    """
    try:
        own = [result for result in read_results(path, whole=False) if result.entrant == student]
    except LeaderboardError:
        own = []
    scored = [result for result in own if result.status == "scored"]
    shown = _shown(scored, thresholds_of(assignment), this=entry.valid) if scored else []
    counts = _counts(scored, latest_is_this=entry.valid) if scored else []
    if not entry.valid:
        return [*_stopped(entry), *shown, *counts]
    return [*shown, _spent(entry, seconds), *counts]


def counted_result(results: Sequence[ChallengeResult]) -> ChallengeResult | None:
    """Return the one of an entrant's results (oldest first) that counts in the private half; None if none is scored.

    It is the last scored one that its entrant wants to count; where the entrant wants none, the last scored one.
    """
    scored = [result for result in results if result.status == "scored"]
    wanted = [result for result in scored if result.counts]
    return next(iter((wanted or scored)[-1:]), None)


def thresholds_of(assignment: Assignment) -> list[float]:
    """Return the accuracies that give points, ascending, from the notebook's given ``THRESHOLDS``; empty without it."""
    for cell in assignment.cells:
        for node in ast.parse(cell.source).body if cell.kind == "given" else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "THRESHOLDS":
                return sorted(float(share) for share, _ in ast.literal_eval(node.value))
    return []


def _stopped(entry: CompetitionEntry) -> list[str]:
    line = [f"{AT_LINE} {entry.line}"] if entry.line else []
    return [f"Your entry has no score: {entry.reason}.", *line]


def _spent(entry: CompetitionEntry, seconds: tuple[float, float]) -> str:
    return (
        f"It took {seconds[0]:.0f} of {RULES.training_seconds:.0f} s of processor time to train and {seconds[1]:.0f} "
        f"of {RULES.answering_seconds:.0f} s to answer, and holds {entry.weights:,} of {RULES.weights:,} numbers."
    )


def _shown(scored: Sequence[ChallengeResult], thresholds: Sequence[float], this: bool) -> list[str]:
    """Return sentences on what the board shows of these results, and on whether the last moved it.

    Args:
        this: whether the last of them is the entry that the page is about.
    """
    ladders = [Ladder().submit(_right(scored[0]))]
    for result in scored[1:]:
        ladders.append(ladders[-1].submit(_right(result)))
    right, images = ladders[-1].shown or 0, len(scored[0].public) * scored[0].public_images
    low, high = (100 * float(bound) for bound in wilson(right, images))
    share = f"{right:,} of {images:,} public pictures right: {100 * right / images:.2f} %, "
    share += f"95 % interval {low:.1f} to {high:.1f} %"
    if not this:
        lines = [f"The board still shows {share}."]
    elif len(scored) == 1:
        lines = [f"The board shows {share}."]
    elif ladders[-1] is not ladders[-2]:
        lines = [f"The Ladder moved, from {ladders[-2].shown:,}: the board now shows {share}."]
    else:
        lines = [f"The Ladder did not move: this entry is not clearly better than your best. The board shows {share}."]
    return lines + _gap(right, images, thresholds)


def _gap(right: int, images: int, thresholds: Sequence[float]) -> list[str]:
    above = next((share for share in thresholds if right < share * images), None)
    if above is None:
        return ["That is above the last threshold."] if thresholds else []
    missing = int(np.ceil(above * images - 1e-9)) - right
    away = f"{100 * missing / images:.2f} points, or {missing:,} pictures, away"
    return [f"From there the next threshold, {100 * above:.1f} %, is {away}."]


def _counts(scored: Sequence[ChallengeResult], latest_is_this: bool) -> list[str]:
    counted = counted_result(scored)
    if counted is None:
        return []
    this = latest_is_this and counted is scored[-1]
    which = "this entry" if this else f"your entry of {_day(counted.at)}"
    lines = [f"In the private half, which decides, {which} counts: your last one with THIS_ENTRY_COUNTS = True."]
    if _clearly_worse(counted, scored):
        lines.append(
            "Warning: it is clearly worse on the public pictures than the one that the board shows. To let the better "
            "one count, hand it in once more."
        )
    return lines


def _clearly_worse(counted: ChallengeResult, scored: Sequence[ChallengeResult]) -> bool:
    """Return whether an entry is more than one standard error behind the shown one: the Ladder's rule, turned round."""
    ladder = Ladder()
    for result in scored:
        ladder = ladder.submit(_right(result))
    return Ladder(_right(counted).sum(axis=0, dtype=np.int64)).beaten_by(ladder)


def _right(result: ChallengeResult) -> NDArray[np.bool_]:
    """Return which public pictures were answered rightly; shape (trainings, images)."""
    return np.stack([unpack(text, result.public_images) for text in result.public])


def _day(at: dt.datetime) -> str:
    when = moment(at).astimezone(dt.UTC)
    return f"{when.day} {when:%B, %H:%M} UTC"
