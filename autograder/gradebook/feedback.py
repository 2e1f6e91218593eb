"""A page of feedback per student and assignment: the outcome, what to look at again, and the graded
notebook.

The page stands alone: no script, no address outside itself, nothing that a student wrote but text and
pictures. It is made from released sources only, so no hidden test can be in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.gradebook.marks import Comment, Mark, Marks
from autograder.gradebook.notice import BoardName, Notice
from autograder.gradebook.rendering import code_html, course_html, outputs_html, student_html
from autograder.gradebook.sanitising import Album, as_plain_text
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Repair, Submission, SubmissionCell

__all__ = [
    "AnswerSummary",
    "ExerciseSummary",
    "exercise_summaries",
    "feedback_page",
    "notice_page",
    "write_feedback",
    "write_notice",
]

_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$", re.MULTILINE)
_NOT_IN_ANCHOR = re.compile(r"[^A-Za-z0-9_.-]+")


class ExerciseSummary(msgspec.Struct, frozen=True):
    """The summary of an exercise on the page.

    Attributes:
        name: the name of the function or class.
        anchor: the anchor of its cell in the notebook below.
        section: the heading under which it stands, and its place on the page.
        points: the points earned.
        max_points: the points possible.
        failed: its checks that did not give full points.
        explanations: the sentences of the misconceptions that were recognised, each once.
        blank: whether the cell is as it was handed out.
    """

    name: str
    anchor: str
    section: str
    section_anchor: str
    points: float
    max_points: float
    failed: tuple[CheckResult, ...]
    explanations: tuple[str, ...]
    blank: bool


class AnswerSummary(msgspec.Struct, frozen=True):
    """The summary of a written answer on the page.

    Attributes:
        name: its name, and the heading under which it stands.
        anchor: the anchor of its cell in the notebook below.
        mark: its mark; None where the gradebook was not asked.
        max_points: the points possible.
    """

    name: str
    anchor: str
    mark: Mark | None
    max_points: float


class ShownComment(msgspec.Struct, frozen=True):
    """A comment by a person, and the thing that it is about."""

    about: str
    text: str


class ShownRepair(msgspec.Struct, frozen=True):
    """The repairs for one and the same reason: what was repaired, in which cells, and what it means for the grade."""

    what: str
    why: str
    cells: tuple[str, ...]
    more: tuple[str, ...]


class ShownCell(msgspec.Struct, frozen=True):
    """A cell as the page shows it: ``body`` and every output are sanitised HTML; a person's comment is plain text."""

    kind: str
    anchor: str
    label: str
    body: Markup
    outputs: tuple[Markup, ...]
    check: CheckResult | None
    mark: Mark | None = None
    comment: Comment | None = None
    unfolded: bool = False
    blank: bool = False


class ShownSection(msgspec.Struct, frozen=True):
    """A part of the notebook, from one heading to the next; unfolded if something in it failed."""

    title: str
    anchor: str
    cells: tuple[ShownCell, ...]
    failed: int

    @property
    def own(self) -> bool:
        """True if the student wrote anything in the section."""
        return any(cell.kind in ("exercise", "answer", "extra", "note") for cell in self.cells)


def feedback_page(
    assignment: Assignment,
    submission: Submission,
    result: Result,
    *,
    student: str = "",
    marks: Marks | None = None,
    album: Album | None = None,
    on_board: BoardName | None = None,
    entered: Sequence[str] = (),
) -> str:
    """Return the page as HTML text.

    Args:
        assignment: the assignment, for the titles and the points to be given by hand.
        submission: the graded submission.
        result: its result; one that was not graded is shown as such, without points.
        student: the student's id; shown at the top if given.
        marks: its marks in the gradebook; with them the page has points by hand, comments and a total.
        album: the album that checks the pictures; None shows none.
        on_board: the student's name on the boards.
        entered: the sentences on the entry to the competition.
    """
    exercises = exercise_summaries(assignment, submission, result, marks)
    return _template().render(
        title=assignment.title,
        student=as_plain_text(student, 128),
        on_board=on_board,
        entered=entered,
        notice=None if result.status == "graded" else Notice("waiting"),
        points=result.points,
        auto_points=assignment.auto_points,
        by_hand=assignment.max_points - assignment.auto_points,
        marks=marks,
        exercises=exercises,
        answers=_answers(assignment, marks),
        comments=_comments(assignment, marks),
        unsolved=[exercise for exercise in exercises if exercise.failed],
        repairs=_repairs(submission.repairs),
        sections=list(_shown_sections(assignment, submission, result, marks, album or Album(None))),
    )


def notice_page(assignment: Assignment, notice: Notice, *, student: str = "", on_board: BoardName | None = None) -> str:
    """Return the page of a student whose submission has no grade: why, and what to do."""
    shown = msgspec.structs.replace(notice, reason=as_plain_text(notice.reason, 2000))
    return _template().render(
        title=assignment.title, student=as_plain_text(student, 128), on_board=on_board, notice=shown, sections=[]
    )


def write_feedback(
    course: Course,
    assignment: Assignment,
    student: str,
    submission: Submission,
    result: Result,
    marks: Marks | None = None,
    album: Album | None = None,
    on_board: BoardName | None = None,
    entered: Sequence[str] = (),
) -> Path:
    """Write ``feedback/STUDENT/ASSIGNMENT/NOTEBOOK.html``, where nbgrader looks for it.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded: there is no feedback. Grade it again.")
    page = feedback_page(
        assignment, submission, result, student=student, marks=marks, album=album, on_board=on_board,
        entered=entered,
    )  # fmt: skip
    return _write(course, assignment, student, page)


def write_notice(
    course: Course, assignment: Assignment, student: str, notice: Notice, on_board: BoardName | None = None
) -> Path:
    """Write a page that tells why there is no grade in the place of the student's feedback.

    Raises:
        GradebookError: it cannot be written.
    """
    return _write(course, assignment, student, notice_page(assignment, notice, student=student, on_board=on_board))


def _write(course: Course, assignment: Assignment, student: str, page: str) -> Path:
    path = course.feedback / student / assignment.name / f"{assignment.notebook}.html"
    write_atomically(path, page.encode("utf-8", errors="replace"))
    return path


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.gradebook")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: f"{round(value, 2):g}"
    environment.filters["plain"] = as_plain_text
    return environment.get_template("feedback.html.j2")


def _anchor(*names: str) -> str:
    return "-".join(_NOT_IN_ANCHOR.sub("-", name) for name in names)


def _repairs(repairs: Sequence[Repair]) -> list[ShownRepair]:
    """Return the repairs, those of one kind together: a file that lost its marks needs dozens of the same."""
    kinds: dict[str, list[Repair]] = defaultdict(list)
    for repair in repairs:
        kinds[as_plain_text(repair.why, 500)].append(repair)
    shown = []
    for why, group in kinds.items():
        by_what: dict[str, list[str]] = defaultdict(list)
        for repair in group:
            by_what[as_plain_text(repair.what, 500)].append(as_plain_text(repair.cell, 100))
        what, cells = next(iter(by_what.items()))
        more = [f"{', '.join(filter(None, names))}: {text}" for text, names in list(by_what.items())[1:]]
        shown.append(ShownRepair(what, why, tuple(filter(None, cells)), tuple(more)))
    return shown


def exercise_summaries(
    assignment: Assignment, submission: Submission, result: Result, marks: Marks | None = None
) -> list[ExerciseSummary]:
    """Return the exercises of ``assignment`` in order, each with its points and what to look at again."""
    sections = _sections(assignment)
    summaries = []
    for name, cell in assignment.exercises.items():
        checks = [check for check in result.checks if check.exercise in (name, *_names(assignment, name))]
        failed = tuple(check for check in checks if check.outcome != "passed")
        summaries.append(
            ExerciseSummary(
                name=name,
                anchor=_anchor("cell", cell.grade_id),
                section=sections.get(cell.grade_id, ("", ""))[0],
                section_anchor=sections.get(cell.grade_id, ("", ""))[1],
                points=sum(_points(check, marks) for check in checks),
                max_points=sum(check.max_points for check in checks),
                failed=failed,
                explanations=tuple(dict.fromkeys(check.explanation for check in failed if check.explanation)),
                blank=submission.cell(cell.grade_id).source == cell.release_source,
            )
        )
    return summaries


def _points(check: CheckResult, marks: Marks | None) -> float:
    """Return the points of a check, or a person's in their place."""
    mark = marks.cells.get(check.check) if marks else None
    return check.points if mark is None or mark.manual is None else mark.manual


def _answers(assignment: Assignment, marks: Marks | None) -> list[AnswerSummary]:
    sections = _sections(assignment)
    return [
        AnswerSummary(
            _answer_name(sections.get(cell.grade_id, ("", ""))[0]),
            _anchor("cell", cell.grade_id),
            marks.cells.get(cell.grade_id) if marks else None,
            cell.points,
        )
        for cell in assignment.cells
        if cell.kind == "answer"
    ]


def _comments(assignment: Assignment, marks: Marks | None) -> list[ShownComment]:
    """Return the comments by persons, in the assignment's order."""
    said = {name: each for name, each in marks.comments.items() if each.by_hand} if marks else {}
    sections = _sections(assignment)
    return [
        ShownComment(
            cell.exercise if cell.kind == "exercise" else _answer_name(sections.get(cell.grade_id, ("", ""))[0]),
            said[cell.grade_id].text,
        )
        for cell in assignment.cells
        if cell.kind in ("exercise", "answer") and cell.grade_id in said
    ]


def _answer_name(section: str) -> str:
    return f"Written answer under “{section}”" if section else "Written answer"


def _names(assignment: Assignment, exercise: str) -> list[str]:
    return [name for name, owner in assignment.exercise_of.items() if owner == exercise]


def _sections(assignment: Assignment) -> dict[str, tuple[str, str]]:
    """Return the last heading before each exercise and answer, by its cell's name, and its place on the page."""
    heading, anchor, sections = "", "", {}
    for cell in assignment.cells:
        if cell.kind == "prose" and (found := _HEADING.findall(cell.release_source)):
            heading, anchor = found[-1], _anchor("section", cell.cell_id)
        elif cell.kind in ("exercise", "answer"):
            sections[cell.grade_id] = (heading, anchor)
    return sections


def _shown_sections(
    assignment: Assignment, submission: Submission, result: Result, marks: Marks | None, album: Album
) -> Iterable[ShownSection]:
    title, anchor, cells = "Beginning", "section-start", list[ShownCell]()
    for cell, shown in zip(submission.cells, _cells(assignment, submission, result, marks, album), strict=True):
        if cell.kind == "prose" and (found := _HEADING.findall(cell.source)):
            if cells:
                yield _section(title, anchor, cells)
            title, anchor, cells = found[-1], _anchor("section", cell.cell_id), []
        cells.append(shown)
    if cells:
        yield _section(title, anchor, cells)


def _section(title: str, anchor: str, cells: Sequence[ShownCell]) -> ShownSection:
    failed = sum(cell.check is not None and cell.check.outcome != "passed" for cell in cells)
    return ShownSection(title.replace("`", "").replace("*", ""), anchor, tuple(cells), failed)


def _cells(
    assignment: Assignment, submission: Submission, result: Result, marks: Marks | None, album: Album
) -> Iterable[ShownCell]:
    known = marks or Marks({})
    checks = {check.check: check for check in result.checks}
    failed = {check.exercise for check in result.checks if check.outcome != "passed"}
    released = {cell.grade_id: cell.release_source for cell in assignment.cells if cell.kind in ("exercise", "answer")}
    for number, cell in enumerate(submission.cells):
        check = checks.get(cell.grade_id) if cell.kind == "check" else None
        outputs = () if cell.kind == "check" else outputs_html(result.outputs.get(cell.cell_id, []), album)
        mark, comment = known.cells.get(cell.grade_id), known.comments.get(cell.grade_id)
        comment = comment if comment and comment.by_hand else None  # nbgrader's own says what the page says anyway
        blank = cell.source == released.get(cell.grade_id)
        unfolded = cell.kind == "exercise" and cell.exercise in failed
        anchor = _anchor("cell", cell.grade_id or str(number))
        body = _body(cell, album)
        yield ShownCell(cell.kind, anchor, _label(cell), body, outputs, check, mark, comment, unfolded, blank)


def _label(cell: SubmissionCell) -> str:
    check = cell.grade_id.removeprefix("check-").replace("-", " ")
    labels = {"exercise": f"Your code: {cell.exercise}", "answer": "Your answer", "extra": "A cell of your own",
              "note": "A note of your own", "check": f"Check {check}", "given": "Course code",
              "demo": "Demonstration", "prose": "Text", "free": "Code"}  # fmt: skip
    return labels[cell.kind]


def _body(cell: SubmissionCell, album: Album) -> Markup:
    if cell.cell_type == "code":
        return code_html(cell.source)
    return course_html(cell.source) if cell.kind == "prose" else student_html(cell, album)
