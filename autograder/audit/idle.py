"""Answers without the work, such as a constant, an echo or a counter: no check should give points for one.

Every exercise is answered by each idle answer in turn, in an otherwise solved notebook. Exercises that have nothing to
do with one another share a submission, so that few submissions try all of them.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograder.audit.samples import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.engine.incremental import without_checks
from autograder.grading.compiled_cells import loaded_names
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["IDLE_ANSWERS", "Idler", "earnings", "idlers"]

IDLE_ANSWERS: Mapping[str, str] = {
    "None": "return None",
    "0": "return 0",
    "1": "return 1",
    "0.5": "return 0.5",
    "True": "return True",
    "False": "return False",
    "an empty list": "return []",
    "ValueError always": "raise ValueError(' '.join(['wrong:', *NAMES]))",
    "its first argument": "return args[0] if args else None",
    "its second argument": "return args[1] if len(args) > 1 else None",
    "its last argument": "return args[-1] if args else None",
    "an echo of all arguments": "return tuple(args)",
    "zeros like its first argument": "return args[0] * 0",
    "what was last seen": "MEMORY.append(args); return (MEMORY[-2] if len(MEMORY) > 1 else args or (None,))[0]",
    "True at the first call": "MEMORY.append(0); return len(MEMORY) == 1",
    "True at every second call": "MEMORY.append(0); return len(MEMORY) % 2 == 0",
    "the number of calls": "MEMORY.append(0); return len(MEMORY)",
    "True for what was seen before": "seen = repr(args); MEMORY.append(seen); return seen in MEMORY[:-1]",
    "an answer of a function handed over": (
        "lent = [each for each in args if callable(each)]\n"
        "data = [each for each in args if not callable(each)]\n"
        "return lent[-1](*data) if lent else data[-1]"
    ),
}
"""The idle answers: each a function's body over ``args``, with a list ``MEMORY`` that outlives calls."""


class Idler(NamedTuple):
    """A submission in which some exercises are answered idly and all others by the solution.

    Attributes:
        idea: the idle answer, a key of `IDLE_ANSWERS`.
        exercises: the exercises that it answers.
        work: the assignment with only their checks, and the submission.
    """

    idea: str
    exercises: tuple[str, ...]
    work: tuple[Assignment, Submission]


def idlers(assignment: Assignment) -> Iterator[Idler]:
    """Yield submissions with every idle answer to every exercise; no two exercises in one build on each other."""
    for exercises in _independent(assignment):
        for idea, body in IDLE_ANSWERS.items():
            answers = [_idle_answer(assignment, name, body) for name in exercises]
            submission = submission_of(answered_notebook(assignment, *answers), assignment)
            of = assignment.exercise_of
            others = {check.grade_id for check in assignment.checks if of[check.exercise] not in exercises}
            narrow, fewer = without_checks(submission, assignment, others | competition_checks(assignment))
            yield Idler(idea, exercises, (fewer, narrow))


def earnings(graded: Sequence[tuple[Idler, Result]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the points that idle answers earn, by exercise, idle answer and check; no empty entries."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for idler, result in graded:
        of = idler.work[0].exercise_of
        for check in result.checks:
            if check.points:
                found.setdefault(of[check.exercise], {}).setdefault(idler.idea, {})[check.check] = check.points
    return found


def _idle_answer(assignment: Assignment, exercise: str, body: str) -> Answer:
    """Return an answer in which ``body`` replaces that of every function of the exercise's cell, methods included."""
    tree = ast.parse(assignment.exercises[exercise].source)
    memory = f"_seen_by_{exercise}"
    body = body.replace("MEMORY", memory)
    parts = [_idle(node, body) for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return Answer(exercise, exercise, "", "\n\n".join([f"{memory} = []", *parts]))


def _idle(node: ast.FunctionDef | ast.ClassDef, body: str) -> str:
    if isinstance(node, ast.FunctionDef):
        return _function(node, body)
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    start = "def __init__(self, *args, **kwargs):\n    super().__init__()"
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name != "__init__"]
    inside = "\n\n".join([start, *(_function(method, body, "self") for method in methods)])
    return f"class {node.name}({bases}):\n" + textwrap.indent(inside, "    ")


def _function(node: ast.FunctionDef, body: str, *first: str) -> str:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    head = f"def {node.name}({', '.join([*first, '*args', '**kwargs'])}):\n"
    return head + textwrap.indent(f"args = (*args, *kwargs.values())\n{body.replace('NAMES', repr(names))}", "    ")


def _independent(assignment: Assignment) -> list[tuple[str, ...]]:
    """Return the exercises in few groups, in each of which no exercise's checks or solution lead to another's."""
    reached = {name: _reached(assignment, name) for name in assignment.exercises}
    groups: list[list[str]] = []
    for name in assignment.exercises:
        for group in groups:
            if not any(other in reached[name] or name in reached[other] for other in group):
                group.append(name)
                break
        else:
            groups.append([name])
    return [tuple(group) for group in groups]


def _reached(assignment: Assignment, exercise: str) -> set[str]:
    """Return the other exercises that the checks of ``exercise`` read, directly or through solutions."""
    of = assignment.exercise_of
    sources = [check.source for check in assignment.checks if of[check.exercise] == exercise]
    found: set[str] = set()
    while sources:
        names = {of[name] for name in loaded_names(sources.pop()) if name in of} - found - {exercise}
        found |= names
        sources += [assignment.exercises[name].source for name in names]
    return found
