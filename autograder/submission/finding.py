"""The search for work that does not stand in the cell that was meant for it.

It may stand in a new cell, merged into another one, or beside. Where no program can settle whether work stands where it
does not count, there is a doubt: a person looks before it is a zero.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.submission.matching import (
    Match,
    Matching,
    code_tokens,
    defines,
    is_blank,
    is_of,
    names_of,
    parsed,
    reads_as_text,
    recognised,
    released_text,
)
from autograder.submission.model import Repair
from autograder.submission.raw_cells import StudentCell

__all__ = ["doubts", "match_cells", "remainder"]


# ---- work that stands elsewhere


def match_cells(cells: Sequence[StudentCell], assignment: Assignment) -> Matching:
    """Recognise ``cells`` as cells of ``assignment``, and find the work that stands elsewhere.

    In a notebook without a cell that only this assignment has, nothing is looked for.
    """
    matching = recognised(cells, assignment)
    if not is_of(matching, assignment):
        return matching
    search = _Search(matching, assignment)
    search.take_exercises()
    search.take_answers()
    return Matching(search.chosen, search.copies, tuple(search.rest))


class _Search:
    """A matching in progress: each step moves a student's cell to where its work belongs."""

    def __init__(self, matching: Matching, assignment: Assignment) -> None:
        self.chosen, self.copies = dict(matching.chosen), dict(matching.copies)
        self.rest = list(matching.own)
        self._assignment = assignment
        self._cells = {cell.cell_id: cell for cell in assignment.cells}

    def take_exercises(self) -> None:
        """Give missing or blank exercises the last cell that defines their names, or their part of one."""
        self._free_swapped()
        merged: dict[str, list[AssignmentCell]] = defaultdict(list)
        for exercise in self._assignment.exercises.values():
            match = self.chosen.get(exercise.cell_id)
            if match is not None and not is_blank(match.cell, exercise):
                continue
            alone = self._alone(exercise)
            if alone is not None:
                self._move(exercise, alone)
            elif host := self._host(exercise):
                merged[host].append(exercise)
        for host, exercises in merged.items():
            self._merge(host, exercises)

    def take_answers(self) -> None:
        """Give missing or blank written answers the texts of the student's own that stand where they should."""
        for place, released in enumerate(self._assignment.cells):
            match = self.chosen.get(released.cell_id)
            if released.kind != "answer" or (match is not None and not is_blank(match.cell, released)):
                continue
            start, end = self._around(match) if match is not None else self._gap(place)
            found = [cell for cell in self.rest if start < cell.number < end and _is_text(cell)]
            if found:
                text = "\n\n".join(cell.source.strip() for cell in found)
                self.chosen[released.cell_id] = Match(found[0], "place" if match is None else "beside", text)
                self.rest = [cell for cell in self.rest if cell not in found]
            elif beside := self._in_prose(place):
                self.chosen[released.cell_id] = beside

    def _free_swapped(self) -> None:
        """Let go of cells that claim to be one exercise and define another one, which has none."""
        for exercise in self._assignment.exercises.values():
            match = self.chosen.get(exercise.cell_id)
            if match is None or self._has_names(match.source, exercise) or is_blank(match.cell, exercise):
                continue
            if any(self._has_names(match.source, other) and self._wants(other) for other in self._others(exercise)):
                del self.chosen[exercise.cell_id]
                self.rest.append(match.cell)
        self.rest.sort(key=lambda cell: cell.number)

    def _others(self, exercise: AssignmentCell) -> list[AssignmentCell]:
        return [other for other in self._assignment.exercises.values() if other is not exercise]

    def _wants(self, exercise: AssignmentCell) -> bool:
        match = self.chosen.get(exercise.cell_id)
        return match is None or is_blank(match.cell, exercise) or not self._has_names(match.source, exercise)

    def _has_names(self, source: str, exercise: AssignmentCell) -> bool:
        return any(defines(source, name) for name in names_of(exercise, self._assignment))

    def _alone(self, exercise: AssignmentCell) -> StudentCell | None:
        """Return the last cell of the student's own, or copy of another one, that defines the exercise's names."""
        cells = [*self.rest, *(cell for copies in self.copies.values() for cell in copies)]
        found = [
            cell
            for cell in cells
            if self._has_names(cell.source, exercise) and not is_blank(cell, exercise) and _is_code(cell)
        ]
        return max(found, key=lambda cell: cell.number, default=None)

    def _move(self, exercise: AssignmentCell, cell: StudentCell) -> None:
        match = self.chosen.get(exercise.cell_id)
        self.rest = [each for each in self.rest if each is not cell]
        self.copies = {key: left for key, of in self.copies.items() if (left := tuple(c for c in of if c is not cell))}
        if match is not None:
            self.copies[exercise.cell_id] = (*self.copies.get(exercise.cell_id, ()), match.cell)
        self.chosen[exercise.cell_id] = Match(cell, "name")

    def _host(self, exercise: AssignmentCell) -> str:
        """Return the id of the last cell, of those that stand for something else, that holds the exercise too."""
        found = [
            (match.cell.number, cell_id)
            for cell_id, match in self.chosen.items()
            if cell_id != exercise.cell_id and self._has_names(self._own_text(cell_id), exercise)
        ]
        return max(found, default=(0, ""))[1]

    def _own_text(self, cell_id: str) -> str:
        """Return the student's text in a cell that stands for ``cell_id``: all but what comes from the course."""
        match, released = self.chosen[cell_id], self._cells[cell_id]
        if match.cell.text == released_text(released) or released.kind == "answer":
            return ""
        text = match.cell.source if released.kind == "exercise" else remainder(match.cell.source, released)
        for check in self._assignment.cells:
            if check.cell_type == "code" and check.kind not in ("exercise", "answer") and len(released_text(check)) > 9:
                text = text.replace(released_text(check), "") if check.cell_id not in self.chosen else text
        return text

    def _merge(self, host: str, exercises: list[AssignmentCell]) -> None:
        """Let the first of the exercises have all of the text, at its place; the others tell where theirs is."""
        cell, text = self.chosen[host].cell, self._own_text(host).strip("\n") + "\n"
        members = [e for e in self._assignment.exercises.values() if e in exercises or e.cell_id == host]
        for number, exercise in enumerate(members):
            note = f"# This exercise was merged into the cell of {members[0].exercise}, where it runs.\n"
            self.chosen[exercise.cell_id] = Match(cell, "merged", note if number else text)

    def _around(self, match: Match) -> tuple[int, int]:
        """Return the numbers of the nearest cells of the course's before and after a cell."""
        owned = set(Matching(self.chosen, self.copies, ()).owners())
        number = match.cell.number
        before = max((each for each in owned if each < number), default=0)
        return before, min((each for each in owned if each > number), default=10**9)

    def _gap(self, place: int) -> tuple[int, int]:
        """Return the numbers between which a missing cell of the skeleton would stand."""
        cells = self._assignment.cells
        before = [self.chosen[c.cell_id].cell.number for c in cells[:place] if c.cell_id in self.chosen]
        after = [self.chosen[c.cell_id].cell.number for c in cells[place:] if c.cell_id in self.chosen]
        return max(before, default=0), min(after, default=10**9)

    def _in_prose(self, place: int) -> Match | None:
        """Return the student's text within the course's text right above or below a question."""
        for neighbour in self._assignment.cells[max(place - 1, 0) : place + 2]:
            match = self.chosen.get(neighbour.cell_id)
            if neighbour.kind == "prose" and match is not None and match.cell.text:
                text = remainder(match.cell.source, neighbour).strip()
                if text and match.cell.text != released_text(neighbour):
                    return Match(match.cell, "beside", text)
        return None


def remainder(source: str, released: AssignmentCell) -> str:
    """Return the text that a student added to a cell of the course's."""
    given = released_text(released)
    text = "\n".join(line.rstrip() for line in source.split("\n"))
    if given and given in text:
        return text.replace(given, "", 1)
    if released.cell_type != "code":
        known = set(given.split("\n"))
        return "\n".join(line for line in text.split("\n") if line not in known)
    return _other_statements(source, given)


def _other_statements(source: str, given: str) -> str:
    """Return the top-level statements of ``source`` that ``given`` lacks; all of it if either does not parse."""
    body, ours = parsed(source), parsed(given)
    if body is None or ours is None:
        return source
    try:
        known = {ast.dump(statement) for statement in ours}
        dumped = [ast.dump(statement) for statement in body]
    except RecursionError:  # Nested more deeply than can be written out.
        return source
    lines, kept = source.split("\n"), []
    for statement, text in zip(body, dumped, strict=True):
        if text not in known:
            first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
            kept += lines[first - 1 : statement.end_lineno]
    return "\n".join(kept)


def _is_text(cell: StudentCell) -> bool:
    return bool(cell.text) and (cell.cell_type != "code" or reads_as_text(cell.source))


def _is_code(cell: StudentCell) -> bool:
    """Return whether a cell's text can run, whatever type it has."""
    return cell.cell_type == "code" or not reads_as_text(cell.source)


# ---- doubts

_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)
_WORDS = re.compile(r"\w+")
_PERSON = "A person looks at it before it counts."


def doubts(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> tuple[Repair, ...]:
    """Return what a person has to look at, in words for the student whose work it is."""
    return (
        *_conflicts(cells, matching, assignment),
        *_exercises(cells, matching, assignment),
        *_answers(matching, assignment),
    )


def _conflicts(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    names = {cell.cell_id: cell.grade_id for cell in assignment.cells}
    owners = matching.owners()
    for cell in cells:
        if _CONFLICT.search(cell.source):
            yield Repair(
                names.get(owners.get(cell.number, ""), "") or cell.label,
                f"Both versions of a merge are in {cell.label}, between the marks '<<<<<<<' and '>>>>>>>'.",
                f"We cannot tell which is yours. Keep one, remove the marks and hand in again. {_PERSON}",
            )


def _exercises(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    for place, released in enumerate(assignment.cells):
        if released.kind != "exercise" or not _is_open(matching, released):
            continue
        wanted = "|".join(map(re.escape, names_of(released, assignment)))
        pattern = re.compile(rf"^[ \t>]*(?:async[ \t]+)?(?:def|class)[ \t]+(?:{wanted})\b", re.MULTILINE)
        match = matching.chosen.get(released.cell_id)
        blank = (*matching.copies.get(released.cell_id, ()), *([match.cell] if match else ()))
        found = [cell for cell in cells if cell not in blank and pattern.search(cell.source)]
        if match is None and not found:
            found = _own_code_at(place, matching, assignment)
        if found:
            yield Repair(
                released.grade_id,
                f"This exercise is empty, but {_named(found)} may contain your work on it.",
                f"We could not put it in its place. Move it there and hand in again. {_PERSON}",
            )


def _own_code_at(place: int, matching: Matching, assignment: Assignment) -> list[StudentCell]:
    """Return the student's own code where a missing cell would stand."""
    numbers = [
        matching.chosen[cell.cell_id].cell.number if cell.cell_id in matching.chosen else 0 for cell in assignment.cells
    ]
    start = max(numbers[:place], default=0)
    end = min((number for number in numbers[place:] if number > start), default=10**9)
    return [
        cell
        for cell in matching.own
        if start < cell.number < end and cell.cell_type == "code" and code_tokens(cell.source) != ()
    ]


def _answers(matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    elsewhere = [*_own_texts(matching), *_in_the_courses_cells(matching, assignment)]
    elsewhere += [match.cell for match in matching.chosen.values() if match.evidence == "beside"]
    for released in assignment.cells:
        if released.kind == "answer" and _is_open(matching, released) and elsewhere:
            yield Repair(
                released.grade_id,
                f"Your answer is empty, but there is text of your own in {_named(elsewhere)}.",
                f"If it is your answer, move it to its place and hand in again. {_PERSON}",
            )


def _own_texts(matching: Matching) -> list[StudentCell]:
    return [
        cell
        for cell in matching.own
        if len(_WORDS.findall(cell.source)) >= 3 and (cell.cell_type != "code" or reads_as_text(cell.source))
    ]


def _in_the_courses_cells(matching: Matching, assignment: Assignment) -> list[StudentCell]:
    found = []
    for released in assignment.cells:
        match = matching.chosen.get(released.cell_id)
        if (
            match is None
            or released.kind in ("exercise", "answer", "free")
            or match.cell.text == released_text(released)
        ):
            continue
        added = remainder(match.cell.source, released)
        is_text = match.cell.cell_type != "code" or reads_as_text(added)
        if is_text and len(_WORDS.findall(added)) >= 3:
            found.append(match.cell)
    return found


def _is_open(matching: Matching, released: AssignmentCell) -> bool:
    match = matching.chosen.get(released.cell_id)
    return match is None or (match.part is None and is_blank(match.cell, released))


def _named(cells: Sequence[StudentCell]) -> str:
    labels = list(dict.fromkeys(cell.label for cell in cells))
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
