"""The weaknesses of an assignment that its audit looks for, and the submissions that show them.

Submissions are made from the assignment itself: the solution, the blank, and one for each named answer.

Leaks: solutions and hidden tests are searched for in everything that a student can see.

Hints that point elsewhere: no machine can tell whether a sentence is true of a program. It can tell that the hint has
no word in common with the misconception or with the wrong lines: such a hint is for a person to read, and to mend or
remove.

Idle answers, such as a constant, an echo or a counter, do none of the work, and no check should give points for one.
Each of them answers every exercise in turn, in an otherwise solved notebook. Exercises that have nothing to do with
one another share a submission, so that few submissions try all of them.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograder.audit.report_card import ExerciseCard, Finding
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION, split_hidden
from autograder.engine.grader import without_checks
from autograder.grading.harness import loaded_names
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import CheckResult, Result
from autograder.grading.visible_naming import visible_naming
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = [
    "ENOUGH",
    "IDLE_ANSWERS",
    "MARKERS",
    "Idler",
    "answered_notebook",
    "blank_notebook",
    "earnings",
    "exercise_cards",
    "find_leaks",
    "hint_findings",
    "idlers",
    "secret_lines",
    "submission_of",
]


# ---- submissions


def blank_notebook(assignment: Assignment) -> dict[str, Any]:
    """Return the released notebook as students get it."""
    notebook: dict[str, Any] = json.loads(assignment.release)
    return notebook


def answered_notebook(assignment: Assignment, *answers: Answer) -> dict[str, Any]:
    """Return the released notebook with every exercise solved, but those of ``answers`` by these answers."""
    notebook = blank_notebook(assignment)
    sources = {cell.grade_id: cell.source for cell in assignment.cells if cell.kind == "exercise"}
    for answer in answers:
        exercise, source = assignment.answer_cell(answer)
        sources[assignment.exercises[exercise].grade_id] = source
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id in sources:
            cell["source"] = sources[grade_id]
    return notebook


def submission_of(notebook: dict[str, Any], assignment: Assignment) -> Submission:
    """Return ``notebook`` read and aligned as a submitted file would be."""
    return align(read_submission(json.dumps(notebook).encode(), "audit"), assignment)


# ---- leaks

_SHORTEST = 16
MARKERS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "END SOLUTION", "END HIDDEN TESTS")


def secret_lines(assignment: Assignment) -> dict[str, str]:
    """Return the lines of solutions and hidden tests long enough to be told apart, with the cell that each stands in.

    A line that also stands in the released text is not a secret.
    """
    public = "\n".join(cell.release_source for cell in assignment.cells)
    found: dict[str, str] = {}
    for cell in assignment.cells:
        hidden = split_hidden(cell.source)[1] if cell.kind == "check" else _solution_part(cell.source)
        for line in (line.strip() for line in hidden.split("\n")):
            if len(line) >= _SHORTEST and line not in public:
                found[line] = cell.grade_id
    return found


def find_leaks(
    assignment: Assignment, texts: Mapping[str, str], known: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Yield each secret line of ``assignment`` that stands in one of ``texts`` (a name and what a student reads there).

    A line is also searched for as it looks inside JSON. What stands in ``known``, the text that the student of that
    name handed in, is not a secret to that student.
    """
    secrets = secret_lines(assignment)
    for name, text in texts.items():
        own = (known or {}).get(name, "")
        for line, cell in secrets.items():
            if (line in text or json.dumps(line)[1:-1] in text) and line not in own:
                yield Finding("leak", name, f"a hidden line of {cell} stands in {name}: {line[:60]!r}. Remove it.")
        for marker in MARKERS:
            if marker in text:
                yield Finding("leak", name, f"the marker '{marker}' stands in {name}. Build the release again.")


def release_texts(folder: Path) -> dict[str, str]:
    """Return the text of every file below ``folder``, decoded byte by byte so that nothing is passed over."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    return {path.name: path.read_bytes().decode("utf-8", errors="replace") for path in files}


def _solution_part(source: str) -> str:
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN_SOLUTION in line or END_SOLUTION in line:
            inside = BEGIN_SOLUTION in line
        elif inside:
            lines.append(line)
    return "\n".join(lines)


# ---- hints that point elsewhere

_STEM = 5
"""The number of letters of a word that count: ``round`` and ``rounded`` are one word."""
_NOTHING = frozenset(
    (
        *("about", "after", "again", "also", "and", "are", "before", "both", "but", "can", "does", "each", "every"),
        *("for", "from", "has", "have", "here", "how", "into", "its", "more", "must", "not", "one", "only", "other"),
        *("out", "over", "same", "should", "still", "than", "that", "the", "them", "then", "there", "these", "this"),
        *("those", "two", "what", "when", "where", "which", "with", "you", "your"),
    )
)


def hint_findings(assignment: Assignment) -> Iterator[Finding]:
    """Yield the hints that have no word in common with the misconception that fails there and is not named."""
    sentences = {each.slug: each for each in assignment.misconceptions}
    for hint in visible_naming(assignment).hints:
        answer = sentences[hint.misconception]
        exercise, source = assignment.answer_cell(answer)
        wrong = _changed(assignment.exercises[exercise].source, source)
        if not _words(hint.text) & _words(f"{answer.text} {answer.slug} {wrong}"):
            yield Finding("hint", hint.misconception, f"{hint.check} says: {hint.text}")


def _changed(right: str, wrong: str) -> str:
    """Return the words of the lines in which a wrong answer differs from the right one."""
    lines = difflib.ndiff(right.splitlines(), wrong.splitlines())
    return "\n".join(line[2:] for line in lines if line[:1] in "+-")


def _words(text: str) -> set[str]:
    found = re.findall(r"[a-z]+|\d+", text.replace("_", " ").lower())
    return {word[:_STEM] for word in found if len(word) > 2 and word not in _NOTHING}


# ---- idle answers

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


# ---- the card of each exercise

ENOUGH = 0.8
"""The share of misconceptions that the visible part of a check must catch for its points to count as visible."""


def exercise_cards(
    assignment: Assignment, wrong: Sequence[tuple[Answer, Result]], idle: Sequence[tuple[Idler, Result]]
) -> tuple[ExerciseCard, ...]:
    """Return a card for each exercise, in order.

    Args:
        assignment: the one audited.
        wrong: each misconception with its result.
        idle: each idle submission with its result.
    """
    of, earned = assignment.exercise_of, earnings(idle)
    cards = []
    for name in assignment.exercises:
        own = [(answer, result) for answer, result in wrong if of[answer.of] == name]
        checks = [check for check in assignment.checks if of[check.exercise] == name]
        cards.append(_card(name, checks, own, earned.get(name, {})))
    return tuple(cards)


def _card(
    name: str,
    checks: Sequence[AssignmentCell],
    wrong: Sequence[tuple[Answer, Result]],
    earned: dict[str, dict[str, float]],
) -> ExerciseCard:
    unseen = tuple(answer.slug for answer, result in wrong if not any(check.seen for check in result.checks))
    return ExerciseCard(
        exercise=name,
        points=sum(check.points for check in checks),
        visible_points=sum(check.points for check in checks if _is_visible(check, [result for _, result in wrong])),
        misconceptions=len(wrong),
        visible=len(wrong) - len(unseen),
        unseen=unseen,
        idle_points=max((sum(points.values()) for points in earned.values()), default=0.0),
        idle=_by_check(earned),
    )


def _is_visible(check: AssignmentCell, wrong: Sequence[Result]) -> bool:
    """Return whether a student who passes the visible part can take the points as earned."""
    _, hidden = split_hidden(check.source)
    if not hidden.strip():
        return True
    lost = [each for result in wrong for each in result.checks if each.check == check.grade_id and _lost(each)]
    return bool(lost) and sum(each.seen for each in lost) >= ENOUGH * len(lost)


def _lost(check: CheckResult) -> bool:
    return check.points < check.max_points


def _by_check(earned: dict[str, dict[str, float]]) -> dict[str, tuple[str, ...]]:
    ideas: dict[str, list[str]] = {}
    for idea, checks in earned.items():
        for check in checks:
            ideas.setdefault(check, []).append(idea)
    return {check: tuple(found) for check, found in ideas.items()}
