"""The questions that a person marks: their marking schemes, and what students answered.

Schemes and answers are shown as HTML: text, code and its outputs, none of which can run. Answers that are nearly the
same are found, so that they can be marked together. How far two graders agree beyond chance is Cohen's kappa.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from textwrap import shorten
from typing import Any

import msgspec
from markupsafe import Markup

from autograder.authoring.adopted import mark_schemes, units_of
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION
from autograder.course import Course
from autograder.engine.discover import load_cached_assignment
from autograder.errors import AuthoringError
from autograder.gradebook.mark_rows import RubricItem
from autograder.gradebook.rendering import code_html, course_html, outputs_html, student_html
from autograder.gradebook.sanitising import OwnAlbum
from autograder.submission.model import SubmissionCell
from autograder.submission.raw_cells import attachments_of

__all__ = [
    "Agreement",
    "Alike",
    "Answers",
    "Question",
    "StudentAnswer",
    "agreement",
    "alike",
    "answer_html",
    "questions_of",
    "scheme_html",
    "start_items",
]

_PART = re.compile(r"^(?:(\d+)\.|\(([a-z])\))\s+", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.:])\s")
_WORD = re.compile(r"[^\W_]+")
_NEAR = 0.8


class Question(msgspec.Struct, frozen=True):
    """One question that a person marks: a written answer; in an adopted course also code, a task, a test by hand.

    Attributes:
        assignment: the assignment that it belongs to.
        cell: the cell that carries the points.
        text: the question's text, as far as the notebook puts it right before the cell.
        answered_in: the grade id of the cell that students answer in; of a task, of the task itself.
        own_scheme: the marking scheme that nbgrader takes off; empty if there is none.
    """

    assignment: Assignment
    cell: AssignmentCell
    text: str
    answered_in: str
    own_scheme: str = ""

    @property
    def name(self) -> str:
        """The grade id of the cell."""
        return self.cell.grade_id

    @property
    def unit(self) -> str:
        """The name by which the grader knows the notebook."""
        return self.assignment.unit

    @property
    def path(self) -> dict[str, str]:
        """The parts that name the question in an address."""
        return {"assignment": self.unit.replace("/", "~"), "question": self.name}

    @property
    def title(self) -> str:
        """The name for people."""
        return self.name.removeprefix("answer-").replace("-", " ").capitalize()

    @property
    def is_task(self) -> bool:
        """True if students answer in cells of their own, below the task."""
        return self.cell.kind == "prose"

    @property
    def is_code(self) -> bool:
        """True if the answer is code, and the scheme a solution."""
        return self.cell.cell_type == "code"

    @property
    def comment_on(self) -> str:
        """The grade id of the cell that comments are about, if it is not the graded one."""
        return self.answered_in if self.answered_in != self.name else ""

    @property
    def handed_out(self) -> str:
        """The text of the answer's cell as students got it; empty for a task."""
        if self.is_task:
            return ""
        cells = {cell.grade_id: cell for cell in self.assignment.cells if cell.grade_id}
        return cells[self.answered_in].release_source

    @property
    def scheme(self) -> str:
        """The marking scheme, without its markers and what students are given; of code, the solution and the test."""
        if not self.is_code:
            return self.cell.marking_scheme
        found = {cell.grade_id: cell.source for cell in self.assignment.cells if cell.grade_id}
        sources = [found[name] for name in dict.fromkeys((self.answered_in, self.name))]
        lines = "\n\n".join(sources).split("\n")
        return "\n".join(line for line in lines if not line.strip().startswith((BEGIN_SOLUTION, END_SOLUTION))).strip()


def questions_of(course: Course, name: str) -> list[Question]:
    """Return the questions of an assignment that a person marks, in order.

    Raises:
        AuthoringError: there is no such assignment.
    """
    if name.partition("/")[0] not in course.assignments():
        raise AuthoringError(f"There is no assignment '{name}' (there are: {', '.join(course.assignments())}).")
    found = []
    for unit in units_of(course, name):
        assignment = load_cached_assignment(course, unit)
        schemes = mark_schemes(course, unit) if assignment.adopted else {}
        found += list(_questions(assignment, schemes))
    return found


def _questions(assignment: Assignment, schemes: Mapping[str, str]) -> Iterator[Question]:
    before = ""
    for cell in assignment.cells:
        if cell.kind == "prose" and cell.points:
            yield Question(assignment, cell, cell.release_source, cell.grade_id, schemes.get(cell.grade_id, ""))
        elif cell.kind == "prose":
            before = cell.release_source
        elif (cell.kind == "answer" and cell.cell_type == "markdown") or (cell.kind == "exercise" and cell.points):
            yield Question(assignment, cell, before, cell.grade_id, schemes.get(cell.grade_id, ""))
        elif cell.kind == "check" and cell.level == "by hand":
            exercise = assignment.exercises.get(cell.exercise)
            yield Question(assignment, cell, before, exercise.grade_id if exercise else cell.grade_id)


def start_items(question: Question) -> list[RubricItem]:
    """Return rubric items to start with: all points and half of them for each numbered part of the marking scheme."""
    points = question.cell.points
    scheme = question.own_scheme if question.is_code or question.is_task else question.own_scheme or question.scheme
    heads = list(_PART.finditer(scheme))
    if not heads:
        return [RubricItem("Complete and with reasons", points, "all"), RubricItem("Half of it", points / 2, "all")]
    ends = [*(head.start() for head in heads[1:]), len(scheme)]
    items = []
    for head, end in zip(heads, ends, strict=True):
        label = head[1] or head[2]
        said = _SENTENCE.split(scheme[head.end() : end].replace("$", "").strip())[0].rstrip(".:")
        each = points / len(heads)
        items.append(RubricItem(f"{label}: {shorten(said, 120, placeholder=' …')}", each, label))
        items.append(RubricItem(f"{label}: in part, or without a reason", each / 2, label))
    return items


class StudentAnswer(msgspec.Struct, frozen=True):
    """A student's answer to one question.

    Attributes:
        source: its text.
        cells: the cells that it stands in, each with the outputs that may be shown.
    """

    source: str
    cells: tuple[tuple[SubmissionCell, tuple[dict[str, Any], ...]], ...]


class Answers:
    """The students' answers, from the graded notebooks: their pictures are checked copies. Read again if changed."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._known: dict[Path, tuple[tuple[int, int], dict[str, StudentAnswer]]] = {}

    def of(self, assignment: Assignment, students: Sequence[str]) -> dict[str, dict[str, StudentAnswer]]:
        """Return, by student, their answers by grade id; a student without a graded notebook has none."""
        return {student: self._read(assignment, student) for student in students}

    def _read(self, assignment: Assignment, student: str) -> dict[str, StudentAnswer]:
        path = self._course.autograded / student / assignment.name / f"{assignment.notebook}.ipynb"
        try:
            status = path.stat()
            state = status.st_mtime_ns, status.st_size
            if path not in self._known or self._known[path][0] != state:
                self._known[path] = state, _answers(json.loads(path.read_bytes()))
        except (OSError, ValueError):
            return {}
        return self._known[path][1]


def _answers(notebook: Mapping[str, Any]) -> dict[str, StudentAnswer]:
    """Return what stands in each cell that students answer in; below a task, in their own cells up to the next one."""
    cells = notebook.get("cells")
    found: dict[str, list[dict[str, Any]]] = {}
    task = ""
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("markdown", "code"):
            continue
        marks = cell.get("metadata", {}).get("nbgrader", {})
        name = str(marks.get("grade_id", ""))
        if marks:
            task = name if marks.get("task") else ""
        if marks.get("task"):
            found[name] = []
        elif marks.get("solution"):
            found[name] = [cell]
        elif task and not marks:
            found[task].append(cell)
    return {name: _answer(name, parts) for name, parts in found.items()}


def _answer(name: str, parts: Sequence[Mapping[str, Any]]) -> StudentAnswer:
    cells = []
    for part in parts:
        source, outputs = part.get("source", ""), part.get("outputs")
        text = source if isinstance(source, str) else "".join(source)
        attached = attachments_of(dict(part))
        cell = SubmissionCell("answer", name, str(part.get("id", "")), text, "", part["cell_type"], attached)
        cells.append((cell, tuple(outputs) if isinstance(outputs, list) else ()))
    return StudentAnswer("\n\n".join(cell.source for cell, _ in cells).strip("\n"), tuple(cells))


class Alike(msgspec.Struct, frozen=True):
    """A group of answers that are nearly the same, by the keys of their grades; the others resemble the first."""

    keys: tuple[str, ...]
    equal: bool


def alike(texts: Mapping[str, str]) -> list[Alike]:
    """Return the groups of two and more that are equal, or nearly so, in their words; the largest first.

    An answer joins the first group whose first answer has four fifths of its pairs of neighbouring words in common
    with it. One word such as "not" makes little difference here, and all in the meaning: people look at each.
    """
    groups: list[tuple[frozenset[tuple[str, str]], list[str], list[str]]] = []
    for key, text in texts.items():
        words = [word.casefold() for word in _WORD.findall(text)]
        pairs = frozenset(zip(["", *words], [*words, ""], strict=True))
        for leader, keys, forms in groups:
            if _near(leader, pairs):
                keys.append(key)
                forms.append(" ".join(words))
                break
        else:
            groups.append((pairs, [key], [" ".join(words)]))
    found = [Alike(tuple(keys), len(set(forms)) == 1) for _, keys, forms in groups if len(keys) > 1]
    return sorted(found, key=lambda each: -len(each.keys))


def _near(one: Set[tuple[str, str]], other: Set[tuple[str, str]]) -> bool:
    if min(len(one), len(other)) < _NEAR * max(len(one), len(other)):  # Ten answers of a book each took seven seconds.
        return False
    common = len(one & other)
    return common >= _NEAR * (len(one) + len(other) - common)


# ---- as HTML


def answer_html(question: Question, answer: StudentAnswer | None) -> Markup:
    """Return a student's answer; a sentence in place of one that is missing or blank."""
    if answer is None:
        said = "The graded notebook of this answer is missing. Write it again: autograder grade {}"
        return Markup('<p class="missing">{}</p>').format(said.format(question.assignment.name))
    if answer.source.strip() == question.handed_out.strip():
        return Markup('<p class="missing">Left as it was handed out.</p>')
    if not answer.source.strip():
        return Markup('<p class="missing">Empty: the text that was handed out is deleted, and nothing written.</p>')
    return Markup("\n").join(_cell_html(cell, outputs) for cell, outputs in answer.cells)


def _cell_html(cell: SubmissionCell, outputs: Sequence[dict[str, Any]]) -> Markup:
    if cell.cell_type == "markdown":
        return student_html(cell, OwnAlbum())
    return code_html(cell.source) + Markup("\n").join(outputs_html(list(outputs), OwnAlbum()))


def scheme_html(question: Question) -> Markup:
    """Return the marking scheme; of code, the instructor's solution below it."""
    own = course_html(question.own_scheme) if question.own_scheme else Markup()
    if question.is_task:
        return own
    return own + (code_html(question.scheme) if question.is_code else course_html(question.scheme))


# ---- the agreement of two graders


class Agreement(msgspec.Struct, frozen=True):
    """Two graders' marks of the same answers.

    Attributes:
        answers: the number that both have marked.
        equal: the share of answers with equal points, 0 to 1.
        kappa: Cohen's kappa; 1 if they always agree, 0 if as often as by chance; nan where both always give the same.
        weighted: the same with quadratic weights, so that half a point apart is a smaller matter than two.
        mean_difference: the mean difference of the second from the first, in points.
    """

    answers: int
    equal: float
    kappa: float
    weighted: float
    mean_difference: float


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return the agreement on answers that both have marked.

    Source: J. Cohen, Educational and Psychological Measurement 20 (1960); weights: Psychological Bulletin 70 (1968).

    Raises:
        ValueError: the two are not of the same length.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        return Agreement(0, math.nan, math.nan, math.nan, math.nan)
    equal = sum(one == other for one, other in pairs) / len(pairs)
    difference = sum(other - one for one, other in pairs) / len(pairs)
    plain = _kappa(pairs, squared=False)
    return Agreement(len(pairs), equal, plain, _kappa(pairs, squared=True), difference)


def _kappa(pairs: Sequence[tuple[float, float]], *, squared: bool) -> float:
    """Return one minus the observed disagreement over the one that their two distributions would show by chance."""

    def apart(one: float, other: float) -> float:
        return (one - other) ** 2 if squared else float(one != other)

    count = len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    observed = sum(apart(one, other) for one, other in pairs) / count
    chance = sum(n * m * apart(one, other) for one, n in firsts.items() for other, m in seconds.items()) / count**2
    return 1 - observed / chance if chance else math.nan
