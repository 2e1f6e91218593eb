"""Written questions: the marking scheme, what each student wrote, and which answers are alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten

import msgspec

from autograder.authoring.adopted import units_of
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.regions import BEGIN_SOLUTION, END_SOLUTION
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.errors import AuthoringError
from autograder.gradebook.mark_rows import RubricItem
from autograder.submission.model import SubmissionCell
from autograder.submission.raw_cells import attachments_of

__all__ = ["Alike", "Answers", "Question", "alike", "questions_of", "start_items"]

_PART = re.compile(r"^(?:(\d+)\.|\(([a-z])\))\s+", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.:])\s")
_WORD = re.compile(r"[^\W_]+")
_NEAR = 0.8


class Question(msgspec.Struct, frozen=True):
    """One written question.

    Attributes:
        assignment: the assignment that it belongs to.
        cell: the cell that students answer in, with the marking scheme.
        text: the question's text, as far as the notebook puts it right before the cell.
    """

    assignment: Assignment
    cell: AssignmentCell
    text: str

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
    def scheme(self) -> str:
        """The marking scheme, without its markers and what students are given."""
        given = set(self.cell.release_source.split("\n")) - {""}
        lines = [line for line in self.cell.source.split("\n") if line not in given]
        return "\n".join(line for line in lines if not line.strip().startswith((BEGIN_SOLUTION, END_SOLUTION))).strip()


def questions_of(course: Course, name: str) -> list[Question]:
    """Return the written questions of an assignment, in order.

    Raises:
        AuthoringError: there is no such assignment.
    """
    if name.partition("/")[0] not in course.assignments():
        raise AuthoringError(f"There is no assignment '{name}' (there are: {', '.join(course.assignments())}).")
    found = []
    for unit in units_of(course, name):
        assignment, before = load_cached_assignment(course, unit), ""
        for cell in assignment.cells:
            if cell.kind == "prose":
                before = cell.release_source
            elif cell.kind == "answer" and cell.cell_type == "markdown":
                found.append(Question(assignment, cell, before))
    return found


def start_items(question: Question) -> list[RubricItem]:
    """Return rubric items to start with: all points and half of them for each numbered part of the marking scheme."""
    scheme, points = question.scheme, question.cell.points
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


class Answers:
    """The students' answers, from the graded notebooks: their pictures are checked copies. Read again if changed."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._known: dict[Path, tuple[tuple[int, int], dict[str, SubmissionCell]]] = {}

    def of(self, assignment: Assignment, students: Sequence[str]) -> dict[str, dict[str, SubmissionCell]]:
        """Return, by student, their answers by grade id; a student without a graded notebook has none."""
        return {student: self._read(assignment, student) for student in students}

    def _read(self, assignment: Assignment, student: str) -> dict[str, SubmissionCell]:
        path = self._course.autograded / student / assignment.name / f"{assignment.notebook}.ipynb"
        try:
            status = path.stat()
            state = status.st_mtime_ns, status.st_size
            if path not in self._known or self._known[path][0] != state:
                self._known[path] = state, dict(_answers(json.loads(path.read_bytes())))
        except (OSError, ValueError):
            return {}
        return self._known[path][1]


def _answers(notebook: Mapping[str, object]) -> Iterator[tuple[str, SubmissionCell]]:
    cells = notebook.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "markdown":
            continue
        marks = cell.get("metadata", {}).get("nbgrader", {})
        if marks.get("solution") and marks.get("grade"):
            source = cell.get("source", "")
            text = source if isinstance(source, str) else "".join(source)
            name = str(marks.get("grade_id", ""))
            yield (
                name,
                SubmissionCell("answer", name, str(cell.get("id", "")), text, "", "markdown", attachments_of(cell)),
            )


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
            if len(leader & pairs) >= _NEAR * len(leader | pairs):
                keys.append(key)
                forms.append(" ".join(words))
                break
        else:
            groups.append((pairs, [key], [" ".join(words)]))
    found = [Alike(tuple(keys), len(set(forms)) == 1) for _, keys, forms in groups if len(keys) > 1]
    return sorted(found, key=lambda each: -len(each.keys))
