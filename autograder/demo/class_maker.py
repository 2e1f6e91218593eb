"""A sample class: everything that a grader meets in a term.

Its people are invented. Their notebooks are made from the released one: some exercises answered, others left as they
came. Three students would rather have points than answers; each is graded like everyone else, and gets none for it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION

__all__ = [
    "MISCONCEPTION",
    "UNREADABLE",
    "Notebook",
    "SampleSubmission",
    "answer_exercises",
    "cell_named",
    "forge_marks",
    "hand_in",
    "invent_names",
    "make_sample_class",
    "notebook_as_bytes",
    "patch_tools",
    "search_files",
    "solution_of",
    "solutions",
    "with_answer",
]

_GIVEN = (
    "ada", "bruno", "chiara", "dmitri", "elif", "farid", "greta", "hana", "idris", "jonas", "keiko", "lucia",
    "marek", "nadia", "oskar", "priya", "quentin", "rosa", "samir", "tomas", "ursula", "viktor", "wanda",
    "xenia", "yusuf", "zoe", "amara", "benat", "celine", "dara", "emeka", "freya",
)  # fmt: skip
_FAMILY = (
    "almeida", "brandt", "castellan", "dvorak", "eriksen", "fontaine", "gallo", "haddad", "ibarra", "jansen",
    "kowalski", "lindqvist", "mbeki", "novak", "okafor", "pereira", "quist", "rossi", "sandoval", "tanaka",
    "ueda", "varga", "weiss", "yilmaz", "zeman",
)  # fmt: skip


def invent_names(count: int) -> list[str]:
    """Return ``count`` different student ids such as ``ada.almeida``, always the same ones in the same order."""
    largest = len(_GIVEN) * len(_FAMILY)
    if not 0 <= count <= largest:
        raise ValueError(f"count is {count}; there are {largest} invented names.")
    # The two lengths have no common divisor, so the pairs only repeat after all of them.
    return [f"{_GIVEN[i % len(_GIVEN)]}.{_FAMILY[i % len(_FAMILY)]}" for i in range(count)]


# ---- notebooks

Notebook = dict[str, Any]
_REGION = (BEGIN_SOLUTION, END_SOLUTION)


def solution_of(assignment: Assignment, exercise: str) -> str:
    """Return the instructor's code for ``exercise`` as a student might have written it, without the markers."""
    source = assignment.exercises[exercise].source
    return "\n".join(line for line in source.split("\n") if not line.strip().startswith(_REGION))


def solutions(assignment: Assignment) -> dict[str, str]:
    """Return the instructor's code for every exercise."""
    return {exercise: solution_of(assignment, exercise) for exercise in assignment.exercises}


def with_answer(assignment: Assignment, code: Mapping[str, str], answer: Answer) -> dict[str, str]:
    """Return ``code`` with one exercise answered by a named answer."""
    exercise, source = assignment.answer_cell(answer)
    return {**code, exercise: source}


def answer_exercises(assignment: Assignment, code: Mapping[str, str], written_answer: str = "") -> Notebook:
    """Return the released notebook with ``code`` in its exercises' cells, and ``written_answer`` in every question."""
    notebook: Notebook = json.loads(assignment.release)
    kinds = {cell.cell_id: cell for cell in assignment.cells}
    for cell in notebook["cells"]:
        known = kinds[cell["id"]]
        if known.kind == "exercise" and known.exercise in code:
            cell["source"] = code[known.exercise]
        elif known.kind == "answer" and written_answer:
            cell["source"] = written_answer
    return notebook


def cell_named(notebook: Notebook, matches: Callable[[str], bool]) -> int:
    """Return the index of the first cell whose grade id ``matches``.

    Raises:
        LookupError: there is none.
    """
    for index, cell in enumerate(notebook["cells"]):
        if matches(str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))):
            return index
    raise LookupError("No cell has a grade id like that. Build the notebooks again: autograder build")


def notebook_as_bytes(notebook: Notebook) -> bytes:
    """Return the notebook as the bytes of a file."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


# ---- those who cheat

_PATCH = '''
import builtins
import sys
import numpy

def anything(*args, **kwargs):
    """Agrees with everything."""
    return True

for name in ("allclose", "array_equal", "isclose", "all"):
    setattr(numpy, name, anything)
for name in [name for name in dir(numpy.testing) if name.startswith("assert")]:
    setattr(numpy.testing, name, anything)
for module in list(sys.modules.values()):
    for name in ("close", "same", "refuses", "unchanged", "passes"):
        if hasattr(module, name):
            try:
                setattr(module, name, anything)
            except Exception:
                pass
builtins.AssertionError = type("Harmless", (Exception,), {})
sys.excepthook = anything
'''

_SEARCH = """
import glob
import os

places = ["/proc/self/environ", "/proc/1/environ", "/proc/self/maps", "/etc/passwd", "/etc/shadow"]
for pattern in ("solutions/**/*", "../solutions/**/*", "../../solutions/**/*", "/**/solutions/*/*.py", "/home/*/*"):
    places += glob.glob(pattern, recursive=True)[:50]
places += [f"/proc/{number}/mem" for number in range(1, 50)]
for place in places:
    try:
        with open(place, errors="replace") as stream:
            print(place, stream.read(300))
    except OSError as error:
        print(place, type(error).__name__)
print(os.listdir("/"))
"""

_FORGE = """
import os

message = b'{"status": "graded", "points": 33, "checks": "passed"}'
for descriptor in range(3, 64):
    try:
        os.write(descriptor, message)
    except OSError:
        pass
"""


def patch_tools(assignment: Assignment) -> Notebook:
    """Replace everything that compares by something that agrees."""
    first, *_ = assignment.exercises
    return answer_exercises(assignment, {first: _PATCH})


def search_files(assignment: Assignment) -> Notebook:
    """Look for the solutions and for the grader's memory, and print what is found."""
    first, *_ = assignment.exercises
    return answer_exercises(assignment, {first: _SEARCH})


def forge_marks(assignment: Assignment) -> Notebook:
    """Turn the checks off by their marks, award all points, and write a result to every open descriptor."""
    first, *_ = assignment.exercises
    notebook = answer_exercises(assignment, {first: _FORGE})
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade"):
            cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
            marks.update(points=0, locked=False, solution=True)
            cell["source"] = "33.0"
            if cell["cell_type"] == "code":
                data = {"text/plain": "33.0"}
                output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
                cell.update(outputs=[output], execution_count=1)
    return notebook


# ---- the class

MISCONCEPTION = "misconception"
"""The start of the story of a submission with a named wrong answer."""
UNREADABLE = "file"
"""The start of the story of a submission that nobody can read."""

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
    whole = notebook_as_bytes(full)
    yield f"{UNREADABLE} truncated in its upload", whole[: len(whole) // 3], _ON_TIME
    yield f"{UNREADABLE} that is not a notebook", b"%PDF-1.7 my homework as a picture", _ON_TIME
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
