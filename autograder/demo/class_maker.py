"""A sample class: everything that a grader meets in a term, in one folder."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.demo.cheating import forge_marks, patch_tools, search_files
from autograder.demo.invented_people import invent_names
from autograder.demo.student_notebooks import (
    Notebook,
    answer_exercises,
    cell_named,
    notebook_as_bytes,
    solutions,
    with_answer,
)

__all__ = ["MISCONCEPTION", "SampleSubmission", "hand_in", "make_sample_class"]

MISCONCEPTION = "misconception"
"""The start of the story of a submission with a named wrong answer."""

_WRITTEN = "Because the kernel on the slide is its own mirror image along both axes, flipping it changes nothing."
_ON_TIME = dt.timedelta(hours=-5)
_ONE_DAY_LATE = dt.timedelta(hours=20)


@dataclass(frozen=True)
class SampleSubmission:
    """The submission of one invented student.

    Attributes:
        student: an invented id.
        story: a line on what the submission shows, for people.
        content: the file.
        after_due: the time when it came, counted from the due time.
    """

    student: str
    story: str
    content: bytes
    after_due: dt.timedelta = _ON_TIME


def make_sample_class(assignment: Assignment) -> list[SampleSubmission]:
    """Make 24 submissions or more: complete, partial, one for each misconception, alternatives, accidents, attacks."""
    stories = [*_complete(assignment), *_partial(assignment), *_wrong(assignment), *_accidents(assignment)]
    stories += _attacks(assignment)
    names = invent_names(len(stories))
    return [
        SampleSubmission(name, story, content if isinstance(content, bytes) else notebook_as_bytes(content), late)
        for name, (story, content, late) in zip(names, stories, strict=True)
    ]


Story = tuple[str, Notebook | bytes, dt.timedelta]


def _complete(assignment: Assignment) -> Iterator[Story]:
    """Yield right answers: the instructor's way, and three quite different ones."""
    full = solutions(assignment)
    yield "complete", answer_exercises(assignment, full, _WRITTEN), _ON_TIME
    yield "complete, but handed in late", answer_exercises(assignment, full, _WRITTEN), _ONE_DAY_LATE
    for number in range(3):
        code = dict(full)
        for exercise in assignment.exercises:
            own = [each for each in assignment.alternatives if assignment.exercise_of[each.of] == exercise]
            if own:
                code = with_answer(assignment, code, own[number % len(own)])
        yield f"complete, other ways ({number + 1})", answer_exercises(assignment, code, _WRITTEN), _ON_TIME


def _partial(assignment: Assignment) -> Iterator[Story]:
    """Yield notebooks with the first exercises done, the rest as released."""
    full = solutions(assignment)
    for done in range(len(full)):
        code = dict(list(full.items())[:done])
        yield f"{done} of {len(full)} exercises done", answer_exercises(assignment, code), _ON_TIME


def _wrong(assignment: Assignment) -> Iterator[Story]:
    """Yield one student for each misconception, right in everything else."""
    full = solutions(assignment)
    for mistake in assignment.misconceptions:
        code = with_answer(assignment, full, mistake)
        yield f"{MISCONCEPTION}: {mistake.slug} in {mistake.of}", answer_exercises(assignment, code, _WRITTEN), _ON_TIME


def _accidents(assignment: Assignment) -> Iterator[Story]:
    full = answer_exercises(assignment, solutions(assignment), _WRITTEN)
    yield "file cut off on its way", notebook_as_bytes(full)[: len(notebook_as_bytes(full)) // 3], _ON_TIME
    yield "file that is no notebook", b"%PDF-1.7 my homework as a picture", _ON_TIME
    yield "one check deleted, one copied", _rearranged(full), _ON_TIME
    yield "an endless loop", answer_exercises(assignment, _endless(assignment), _WRITTEN), _ON_TIME


def _rearranged(notebook: Notebook) -> Notebook:
    changed: Notebook = json.loads(json.dumps(notebook))
    del changed["cells"][cell_named(changed, lambda name: name.startswith("check-"))]
    copied = cell_named(changed, lambda name: name.startswith("check-"))
    changed["cells"].insert(copied, json.loads(json.dumps(changed["cells"][copied])))
    return changed


def _endless(assignment: Assignment) -> dict[str, str]:
    code = solutions(assignment)
    last = list(code)[-1]
    code[last] = f"def {last}(*args, **kwargs):\n    while True:\n        pass\n"
    return code


def _attacks(assignment: Assignment) -> list[Story]:
    return [
        ("attack: patches what compares", patch_tools(assignment), _ON_TIME),
        ("attack: looks for the solutions", search_files(assignment), _ON_TIME),
        ("attack: forges marks and messages", forge_marks(assignment), _ON_TIME),
    ]


def hand_in(handed: SampleSubmission, submitted: Path, assignment: Assignment, due: dt.datetime) -> Path:
    """Write ``handed`` below ``submitted`` as nbgrader's exchange would; an equal file is left alone."""
    folder = submitted / handed.student / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = (due + handed.after_due).astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    for file, content in ((path, handed.content), (folder / "timestamp.txt", stamp.encode())):
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)
    return path
