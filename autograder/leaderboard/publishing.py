"""The publishing of a course's boards: read the gradebook, rank, write the files.

Whoever publishes is told of students whom ``[leaderboard]`` names and the course does not have: they are mistyped, or
not there yet.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from autograder.challenge.competition_results import FILE_NAME, REFERENCE_SCORES
from autograder.collecting.records import groups_of
from autograder.course import Course
from autograder.errors import CourseError, GradebookError, LeaderboardError
from autograder.files import students_in, write_atomically
from autograder.gradebook.journal import GAVE_UP, Journal
from autograder.gradebook.notice import full_names
from autograder.gradebook.store import bring_up_to_date
from autograder.leaderboard.board import Board, BoardEntry, ReferenceScore, Status, hundredths
from autograder.leaderboard.boards import (
    ChallengeResult,
    assignment_entries,
    course_entries,
    private_board,
    public_board,
    read_results,
    scale_of,
)
from autograder.leaderboard.configuration import Boards, check_boards, read_boards, read_prizes
from autograder.leaderboard.entrant import entrant_key, public_names
from autograder.leaderboard.grades import assignment_names, handed_in, read_grades, roster
from autograder.leaderboard.history import BoardLog, frozen_at, record_board, replay_board
from autograder.leaderboard.ranking import prize_changes, standings
from autograder.leaderboard.render.columns import change_table, render_csv, terminal
from autograder.leaderboard.render.document import render_json
from autograder.leaderboard.render.html_page import render_html
from autograder.terminal import show

__all__ = [
    "CHALLENGE",
    "FORMATS",
    "RESULTS",
    "board_of",
    "find_unknown_students",
    "log_of",
    "publish_boards",
    "write_whole",
]


# ---- students whom the course does not have


def find_unknown_students(course: Course) -> list[str]:
    """Return a line for each student whom ``[leaderboard]`` names and the course does not have.

    Raises:
        LeaderboardError: the configuration is wrong.
    """
    boards, known = read_boards(course.config.leaderboard), _everybody(course)
    named = {"excluded": boards.excluded, "withdrawn": boards.withdrawn, "names": boards.names}
    return [
        f"course.toml, [leaderboard] {key}: the course has no student {student!r} yet. Correct the id if mistyped."
        for key, students in named.items()
        for student in sorted(set(students) - known)
    ]


def _everybody(course: Course) -> set[str]:
    """Return everyone whom the course has met: on its roster, in its gradebook, by a submission or in the challenge."""
    return {*_listed(course), *_graded(course), *_entrants(course), *students_in(course.submitted)}


def _listed(course: Course) -> set[str]:
    try:
        return set(full_names(course))
    except CourseError:  # Grading reports what is wrong with the roster; a board does not need it.
        return set()


def _graded(course: Course) -> tuple[str, ...]:
    try:
        return roster(course.gradebook_url)
    except GradebookError:  # The challenge needs no gradebook; every other board has read it by now.
        return ()


def _entrants(course: Course) -> set[str]:
    try:
        return {result.entrant for result in read_results(course.results / FILE_NAME)}
    except LeaderboardError:  # There is no challenge yet; its own board reports what is wrong with its results.
        return set()


# ---- publishing

CHALLENGE = "challenge"
TERMINAL_ROWS = 40
RESULTS = FILE_NAME
FORMATS = ("terminal", "html", "csv", "json")
_RENDERERS: dict[str, Callable[[Board], str]] = {"csv": render_csv, "json": render_json}


def publish_boards(
    course: Course,
    assignment: str | None = None,
    formats: Sequence[str] = ("terminal", "html"),
    output: Path | None = None,
    console: Console | None = None,
    *,
    reason: str = "",
    freeze: bool = False,
) -> Board:
    """Make a board, record in its log what changed, and put it out.

    Args:
        assignment: its name; None is the whole course, ``"challenge"`` the challenge.
        formats: any of ``FORMATS``. ``"terminal"`` prints; the others are files ``BOARD.html``, ``.csv``, ``.json``.
        output: the folder for the files; by default ``leaderboard/`` in the course.
        reason: the reason for a change of what was published before; required once the board is frozen.
        freeze: True to freeze the board. The challenge's private half is scored then, and not before.

    Raises:
        GradebookError: the gradebook is missing or damaged, or does not have the assignment.
        LeaderboardError: the configuration is wrong, a format is unknown, the log is broken, or the board is frozen.
    """
    check_formats(formats)
    screen = console or Console()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    if assignment != CHALLENGE:
        for line in bring_up_to_date(course, [assignment] if assignment else None):
            screen.print(line, markup=False, highlight=False)
    board = board_of(course, assignment, freeze_at=now if freeze else None)
    log = log_of(course, board.name)
    key = partial(entrant_key, secret=course.secret)
    folder = output or course.root / "leaderboard"
    _refuse_shortened(log, folder)
    before = replay_board(log) if log.records() else None
    board = record_board(board, log, key, reason=reason, freeze=freeze, at=now)
    board = replace(board, phase="final") if freeze else board
    for line in find_unknown_students(course):
        screen.print(line, style="yellow", markup=False, highlight=False)
    if "terminal" in formats:
        screen.print(terminal(board, TERMINAL_ROWS))
        if before is not None and (found := prize_changes(before, board, key)):
            screen.print(change_table(found, "Since the last time"))
    for form in formats:
        if form != "terminal":
            path = folder / f"{board.name}.{form}"
            write_whole(path, _rendered(course, board, form))
            show(screen, f"Written: {path}")
    return board


def _rendered(course: Course, board: Board, form: str) -> str:
    """Return ``board`` as a file of one format; the page is also where the class reads its announcements."""
    return render_html(board, course.config.announcements) if form == "html" else _RENDERERS[form](board)


def _refuse_shortened(log: BoardLog, folder: Path) -> None:
    """Stop where a page published before names a record that the log does not have: the log was cut off."""
    hashes = {record.hash for record in log.records()}
    for form in ("html", "json"):
        page = folder / f"{log.path.stem}.{form}"
        try:
            found = re.search(r"records, head ([0-9a-f]{64})", page.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        if found and found[1] not in hashes:
            raise LeaderboardError(
                f"{log.path} does not have the record {found[1][:12]} that {page} ends with: lines were cut off, or it "
                f"is another board's log. Restore the log; to begin a new one, move {page.name} away first."
            )


def check_formats(formats: Sequence[str]) -> None:
    """Refuse a format that is not one of ``FORMATS``.

    Raises:
        LeaderboardError: names it.
    """
    unknown = [form for form in formats if form not in FORMATS]
    if unknown:
        raise LeaderboardError(f"{', '.join(unknown)} is not a format. Use any of {', '.join(FORMATS)}.")


def log_of(course: Course, board: str) -> BoardLog:
    """Return the log of one board."""
    return BoardLog(course.results / "boards" / f"{board}.jsonl")


def board_of(course: Course, assignment: str | None = None, *, freeze_at: dt.datetime | None = None) -> Board:
    """Return the board of one assignment, the whole course (None) or the challenge, without recording anything.

    Args:
        freeze_at: the time at which to show the challenge as if frozen, unless it is frozen already.
    """
    if assignment == CHALLENGE:
        return _challenge(course, freeze_at)
    boards, prizes = read_boards(course.config.leaderboard), read_prizes(course.config.prizes)
    parts = [
        part.with_waiting(handed_in(course.submitted, part.name), _unreadable(course, part.name))
        for part in read_grades(course.gradebook_url, assignment)
    ]
    students = {*roster(course.gradebook_url), *(grade.student for part in parts for grade in part.grades)}
    check_boards(boards, prizes, _known(course), students)
    scale = scale_of(parts, boards)
    optional = {part.name for part in parts if course.settings(part.name).optional} if assignment is None else set()
    if assignment is None:
        entries = course_entries(parts, students, boards, scale, optional)
    else:
        entries = assignment_entries(parts[0], students, boards, scale)
        groups = groups_of(course, assignment)
        entries = [_with_group(entry, groups.get(entry.entrant, ())) for entry in entries]
    board = standings(
        entries,
        name=assignment or "course",
        title=_title(course, boards, assignment),
        scale=scale,
        maximum=sum(hundredths(part.maximum) * scale // 100 for part in parts if part.name not in optional),
        descending=boards.order == "descending",
        prizes=prizes,
        names=public_names(students, course.secret, boards.names),
        show=boards.show,
        notes=_notes(entries),
        times=boards.times,
    )
    phase = "final" if frozen_at(log_of(course, board.name)) else ""
    return replace(board, phase=phase, deadline=_due(course, assignment))


def _due(course: Course, assignment: str | None) -> dt.datetime | None:
    """Return the time until which work for a board can be handed in; None where nothing tells it."""
    settings = course.config.assignments.get(assignment or "")
    return settings.due if settings is not None else None


def _competition_due(course: Course) -> dt.datetime | None:
    """Return the deadline of the one assignment that is called after the challenge; None where there is none."""
    named = [name for name in course.config.assignments if name.endswith(CHALLENGE)]
    return _due(course, named[0]) if len(named) == 1 else None


def _with_group(entry: BoardEntry, group: Sequence[str]) -> BoardEntry:
    """Return the entry, marked as a group's; who else is in the group stays between its members."""
    return replace(entry, badges=(*entry.badges, f"group of {len(group)}")) if group else entry


def _unreadable(course: Course, assignment: str) -> set[str]:
    """Return the students whose files the grader refused, as its journal remembers."""
    path = course.results / "journal.db"
    if not path.is_file():
        return set()
    with Journal(path) as journal:
        refused = [entry for entry in journal.entries(assignment).values() if entry.refusal]
    return {entry.student for entry in refused if not entry.refusal.startswith(GAVE_UP)}


def _challenge(course: Course, freeze_at: dt.datetime | None) -> Board:
    """Return the public board while the challenge runs; the private one at the freeze and from then on."""
    boards = read_boards(course.config.leaderboard)
    prizes = read_prizes(course.config.prizes)
    results = _present(read_results(course.results / RESULTS), boards)
    check_boards(boards, prizes, _known(course), {adjustment.student for adjustment in boards.adjustments})
    settings: dict[str, Any] = {
        "names": public_names((result.entrant for result in results), course.secret, boards.names),
        "title": _title(course, boards, CHALLENGE),
        "show": boards.show,
        "times": boards.times,
    }
    final = frozen_at(log_of(course, CHALLENGE))
    frozen, due = final or freeze_at, _competition_due(course)
    if frozen is None:
        announced = tuple(prize for prize in prizes if prize.counts_for(CHALLENGE))
        references = tuple(ReferenceScore(each.name, each.public) for each in REFERENCE_SCORES)
        board = public_board(results, **settings)
        return replace(board, deadline=due, announced=announced, references=references)
    seed = course.secret.seed("challenge", "bootstrap")
    board = private_board(results, frozen, seed=seed, prizes=prizes, **settings)
    references = tuple(ReferenceScore(each.name, each.private) for each in REFERENCE_SCORES)
    return replace(board, deadline=due, references=references, phase="final" if final else board.phase)


def _present(results: Sequence[ChallengeResult], boards: Boards) -> list[ChallengeResult]:
    """Return the results without those of excluded entrants; one who withdrew has a single one, which states it."""
    kept = [result for result in results if result.entrant not in {*boards.excluded, *boards.withdrawn}]
    first = {result.entrant: result for result in reversed(results) if result.entrant not in boards.excluded}
    gone = [entrant for entrant in boards.withdrawn if entrant in first]
    return kept + [ChallengeResult(entrant=name, at=first[name].at, status="withdrawn") for name in gone]


def _known(course: Course) -> set[str]:
    """Return the names of the boards that the course has or announces."""
    try:
        graded = assignment_names(course.gradebook_url)
    except GradebookError:
        graded = ()  # The challenge needs no gradebook; every other board has read it by now.
    return {"course", CHALLENGE, *graded, *course.assignments(), *course.config.assignments}


def _title(course: Course, boards: Boards, assignment: str | None) -> str:
    whole = boards.title or course.config.title or course.id
    return f"{whole}: {assignment}" if assignment else whole


def _notes(entries: Sequence[BoardEntry]) -> list[str]:
    scored = [entry for entry in entries if entry.status is Status.SCORED]
    if any(entry.provisional for entry in scored):
        return ["Provisional: a written answer is still to be graded, so the score can still rise."]
    return []


def write_whole(path: Path, text: str) -> None:
    """Write a board's file so that a reader never meets half a page.

    Raises:
        LeaderboardError: the file system refuses.
    """
    try:
        write_atomically(path, text.encode())
    except GradebookError as error:
        reason = getattr(error.__cause__, "strerror", error)
        raise LeaderboardError(f"{path} cannot be written: {reason}. Choose another --output.") from error
