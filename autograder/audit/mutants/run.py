"""The grading of changed answers: by the checks of their exercise, then by those of exercises that build on it."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from autograder.audit.mutants.mutations import mutate
from autograder.audit.report_card import Finding, ReportCard
from autograder.audit.samples import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.engine.incremental import without_checks
from autograder.errors import AuthoringError
from autograder.grading.compiled_cells import loaded_names
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["Equivalent", "Mutant", "grade_mutants", "mutants_of", "read_equivalents", "with_mutants"]

Grade = Callable[[Sequence[tuple[Assignment, Submission]]], Sequence[Result]]
FILE = "equivalents.toml"


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that leaves the answer right.

    Attributes:
        exercise: the exercise answered.
        change: the change's text, as the audit prints it.
        because: the reason that no check can tell it from the answer.
    """

    exercise: str
    change: str
    because: str


class Mutant(NamedTuple):
    """A changed answer.

    Attributes:
        exercise: the exercise answered.
        change: ``origin: before -> after``, where the origin is ``solution`` or the name of an alternative.
        diff: a unified diff, for people.
        answer: the answer that stands in the cell of the exercise.
    """

    exercise: str
    change: str
    diff: str
    answer: Answer


def mutants_of(assignment: Assignment, sample: int | None = None) -> list[Mutant]:
    """Return all mutants of the solutions and alternatives, by exercise; at most ``sample`` for each exercise."""
    found: list[Mutant] = []
    for exercise, cell in assignment.exercises.items():
        found += _mutants(exercise, "solution", Answer(exercise, exercise, "", cell.source))
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
        yield Mutant(exercise, f"{origin}: {change.text}", change.diff, changed)


def _lot(mutant: Mutant) -> bytes:
    return hashlib.sha256(f"{mutant.exercise} {mutant.change}".encode()).digest()


def grade_mutants(assignment: Assignment, mutants: Sequence[Mutant], grade: Grade) -> list[bool]:
    """Return whether each mutant is killed: loses points in a check of its exercise, or of one that builds on it."""
    bare = msgspec.structs.replace(assignment, misconceptions=())
    killed = _killed(bare, mutants, grade, {name: {name} for name in assignment.exercises})
    alive = [place for place, dead in enumerate(killed) if not dead]
    above = {name: _built_on(assignment, name) for name in assignment.exercises}
    second = [place for place in alive if above[mutants[place].exercise]]
    for place, dead in zip(second, _killed(bare, [mutants[place] for place in second], grade, above), strict=True):
        killed[place] = dead
    return killed


def _killed(
    assignment: Assignment, mutants: Sequence[Mutant], grade: Grade, exercises: dict[str, set[str]]
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
    card: ReportCard, assignment: Assignment, folder: Path, grade: Grade, sample: int | None = None
) -> ReportCard:
    """Return ``card`` with mutants graded: their counts, by exercise too, and a finding per survivor and stale mark."""
    everything = mutants_of(assignment)
    mutants = everything if sample is None else _sampled(everything, sample)
    marks = {(mark.exercise, mark.change) for mark in read_equivalents(folder)}
    killed = grade_mutants(assignment, mutants, grade)
    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in assignment.exercises}
    findings = list(_stale(marks, everything))
    for mutant, dead in zip(mutants, killed, strict=True):
        marked = (mutant.exercise, mutant.change) in marks
        tally = counts[mutant.exercise]
        tally[0], tally[1], tally[2] = tally[0] + 1, tally[1] + dead, tally[2] + (marked and not dead)
        if dead == marked:
            findings.append(_wrong_mark(mutant) if dead else _survivor(mutant))
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


def _stale(marks: set[tuple[str, str]], mutants: Sequence[Mutant]) -> Iterator[Finding]:
    known = {(mutant.exercise, mutant.change) for mutant in mutants}
    for exercise, change in sorted(marks - known):
        yield Finding("equivalent", exercise, f"{change}: there is no such change any more. Take it out of {FILE}.")
