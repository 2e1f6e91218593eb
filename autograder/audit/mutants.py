"""The grading of changed answers, by the checks of their exercise and of the exercises that build on it."""

from __future__ import annotations

import ast
import hashlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import msgspec

from autograder.audit.first_pass import Candidate
from autograder.audit.mutations import mutate
from autograder.audit.report_card import Finding, ReportCard
from autograder.audit.weaknesses import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.engine.grader import without_checks
from autograder.errors import AuthoringError
from autograder.grading.harness import loaded_names
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = [
    "Equivalent",
    "Mutant",
    "first_candidates",
    "grade_mutants",
    "mutants_of",
    "read_equivalents",
    "with_mutants",
]

Grade = Callable[[Sequence[tuple[Assignment, Submission]]], Sequence[Result]]
FirstTry = Callable[[Sequence[Candidate], Mapping[str, Assignment]], Sequence[bool]]
"""Tells which changed answers fail at once; for each exercise it is given the assignment with the checks to try."""
FILE = "equivalents.toml"


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that leaves the answer right.

    Attributes:
        exercise: the exercise answered.
        change: the change's text, as the audit prints it; a ``*`` at its end stands for any rest, for all changes of a
            line that make no difference for one reason.
        because: the reason that no check can tell it from the answer.
    """

    exercise: str
    change: str
    because: str

    def covers(self, mutant: Mutant) -> bool:
        """Return whether this mark is about the mutant."""
        if self.exercise != mutant.exercise:
            return False
        return mutant.change.startswith(self.change[:-1]) if self.is_group else mutant.change == self.change

    @property
    def is_group(self) -> bool:
        """True if it is about several changes, of which checks may notice some."""
        return self.change.endswith("*")


class Mutant(NamedTuple):
    """A changed answer.

    Attributes:
        exercise: the exercise answered.
        change: ``origin: before -> after``, where the origin is ``solution`` or the name of an alternative.
        diff: a unified diff, for people.
        answer: the answer that stands in the cell of the exercise.
        origin: the answer before the change.
    """

    exercise: str
    change: str
    diff: str
    answer: Answer
    origin: Answer


def mutants_of(assignment: Assignment, sample: int | None = None) -> list[Mutant]:
    """Return all mutants of the solutions and alternatives, by exercise; at most ``sample`` for each exercise."""
    found: list[Mutant] = []
    for exercise, cell in assignment.exercises.items():
        given = _statements(cell.source) & _statements(cell.release_source)
        solved = _mutants(exercise, "solution", Answer(exercise, exercise, "", cell.source))
        found += (mutant for mutant in solved if given <= _statements(mutant.answer.source))
        for answer in assignment.alternatives:
            if assignment.exercise_of[answer.of] == exercise:
                found += _mutants(exercise, answer.slug, answer)
    return found if sample is None else _sampled(found, sample)


def _sampled(mutants: Sequence[Mutant], sample: int) -> list[Mutant]:
    """Return at most so many of each exercise, by a hash of their texts: the same ones if the answers are the same."""
    drawn: list[Mutant] = []
    for exercise in dict.fromkeys(mutant.exercise for mutant in mutants):
        drawn += sorted((each for each in mutants if each.exercise == exercise), key=_lot)[:sample]
    return drawn


def _mutants(exercise: str, origin: str, answer: Answer) -> Iterator[Mutant]:
    for change in mutate(answer.source):
        changed = msgspec.structs.replace(answer, source=change.source)
        yield Mutant(exercise, f"{origin}: {change.text}", change.diff, changed, answer)


def _statements(source: str) -> set[str]:
    """Return a cell's outermost statements: those that the release has too are given, and no answer to be changed."""
    return {ast.unparse(statement) for statement in ast.parse(source).body}


def _lot(mutant: Mutant) -> bytes:
    return hashlib.sha256(f"{mutant.exercise} {mutant.change}".encode()).digest()


def grade_mutants(
    assignment: Assignment, mutants: Sequence[Mutant], grade: Grade, first_try: FirstTry | None = None
) -> list[bool]:
    """Return whether each mutant is killed: loses points in a check of its exercise, or of one that builds on it.

    Args:
        assignment: the one whose answers were changed.
        mutants: the changed answers.
        grade: grades submissions.
        first_try: tells which mutants fail at once, so that they need not be graded; default none.
    """
    bare = msgspec.structs.replace(assignment, misconceptions=())
    own = {name: {name} for name in assignment.exercises}
    above = {name: _built_on(assignment, name) for name in assignment.exercises}
    killed = list(first_try(*first_candidates(assignment, mutants))) if first_try else [False] * len(mutants)
    for exercises in (own, above):
        open_still = [n for n, dead in enumerate(killed) if not dead and exercises[mutants[n].exercise]]
        verdicts = _killed(bare, [mutants[n] for n in open_still], grade, exercises)
        for number, dead in zip(open_still, verdicts, strict=True):
            killed[number] = dead
    return killed


def first_candidates(
    assignment: Assignment, mutants: Sequence[Mutant]
) -> tuple[list[Candidate], dict[str, Assignment]]:
    """Return what the first pass gets: the answers, and for each exercise the assignment with the checks to try."""
    found = []
    for mutant in mutants:
        source, origin = (assignment.answer_cell(answer)[1] for answer in (mutant.answer, mutant.origin))
        found.append(Candidate(mutant.exercise, source, origin))
    judged = {name: _with_checks_of(assignment, {name} | _built_on(assignment, name)) for name in assignment.exercises}
    return found, judged


def _with_checks_of(assignment: Assignment, exercises: Set[str]) -> Assignment:
    """Return the assignment with the checks of these exercises alone, none of a competition, and no answers."""
    of, competing = assignment.exercise_of, competition_checks(assignment)
    cells = tuple(
        cell
        for cell in assignment.cells
        if cell.kind != "check" or (of.get(cell.exercise) in exercises and cell.grade_id not in competing)
    )
    return msgspec.structs.replace(assignment, cells=cells, misconceptions=(), alternatives=(), release="")


def _killed(
    assignment: Assignment, mutants: Sequence[Mutant], grade: Grade, exercises: Mapping[str, Set[str]]
) -> list[bool]:
    """Return whether each mutant loses points in the checks of these exercises."""
    of, work = assignment.exercise_of, []
    for mutant in mutants:
        others = {check.grade_id for check in assignment.checks if of[check.exercise] not in exercises[mutant.exercise]}
        submission = submission_of(answered_notebook(assignment, mutant.answer), assignment)
        narrow, fewer = without_checks(submission, assignment, others | competition_checks(assignment))
        work.append((fewer, narrow))
    results = grade(work) if work else []
    return [result.status == "graded" and any(c.points < c.max_points for c in result.checks) for result in results]


def _built_on(assignment: Assignment, exercise: str) -> set[str]:
    """Return the exercises whose solutions or checks read this one."""
    of, found = assignment.exercise_of, set[str]()
    for name, cell in assignment.exercises.items():
        sources = [cell.source, *(check.source for check in assignment.checks if of[check.exercise] == name)]
        if name != exercise and any(of.get(read) == exercise for source in sources for read in loaded_names(source)):
            found.add(name)
    return found


def read_equivalents(folder: Path) -> tuple[Equivalent, ...]:
    """Return the changes marked as equivalent in ``equivalents.toml``; none without that file.

    Raises:
        AuthoringError: names the file and what is wrong with it.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        marked = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(marked.get("equivalent", []), tuple[Equivalent, ...])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise AuthoringError(f"{path}: {error}. Each [[equivalent]] has exercise, change and because.") from error


def with_mutants(
    card: ReportCard,
    assignment: Assignment,
    folder: Path,
    grade: Grade,
    sample: int | None = None,
    first_try: FirstTry | None = None,
) -> ReportCard:
    """Return ``card`` with mutants graded: their counts, by exercise too, and a finding per survivor and stale mark."""
    everything = mutants_of(assignment)
    mutants = everything if sample is None else _sampled(everything, sample)
    marks = read_equivalents(folder)
    killed = grade_mutants(assignment, mutants, grade, first_try)
    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in assignment.exercises}
    findings = list(_stale(marks, everything))
    used: set[Equivalent] = set()
    for mutant, dead in zip(mutants, killed, strict=True):
        found = [mark for mark in marks if mark.covers(mutant)]
        tally = counts[mutant.exercise]
        tally[0], tally[1], tally[2] = tally[0] + 1, tally[1] + dead, tally[2] + (bool(found) and not dead)
        if not dead and not found:
            findings.append(_survivor(mutant))
        if dead and any(not mark.is_group for mark in found):
            findings.append(_wrong_mark(mutant))
        used |= set(found) if not dead else set()
    if sample is None:
        findings += [
            _idle_mark(mark) for mark in marks if mark.is_group and mark not in used and _is_known(mark, everything)
        ]
    exercises = tuple(
        msgspec.structs.replace(
            each, **dict(zip(("mutants", "killed", "equivalent"), counts[each.exercise], strict=True))
        )
        for each in card.exercises
    )
    return msgspec.structs.replace(
        card,
        mutants=sum(tally[0] for tally in counts.values()),
        killed=sum(tally[1] for tally in counts.values()),
        equivalent=sum(tally[2] for tally in counts.values()),
        exercises=exercises,
        findings=(*card.findings, *findings),
    )


def _survivor(mutant: Mutant) -> Finding:
    return Finding("survivor", mutant.exercise, f"{mutant.change}\n{mutant.diff}")


def _wrong_mark(mutant: Mutant) -> Finding:
    return Finding("equivalent", mutant.exercise, f"{mutant.change}: a check tells it. Take it out of {FILE}.")


def _is_known(mark: Equivalent, mutants: Sequence[Mutant]) -> bool:
    return any(mark.covers(mutant) for mutant in mutants)


def _idle_mark(mark: Equivalent) -> Finding:
    return Finding("equivalent", mark.exercise, f"{mark.change}: a check tells all of them. Take it out of {FILE}.")


def _stale(marks: Sequence[Equivalent], mutants: Sequence[Mutant]) -> Iterator[Finding]:
    for mark in marks:
        if not _is_known(mark, mutants):
            text = f"{mark.change}: there is no such change any more. Take it out of {FILE}."
            yield Finding("equivalent", mark.exercise, text)
