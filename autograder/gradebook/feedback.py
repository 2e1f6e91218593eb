"""One page of feedback per student and assignment: what came out, what to look at again, and the graded
notebook.

The page stands alone: no script, no address outside itself, nothing that a student wrote but text and
pictures. It is made from released sources only, so no hidden test can be in it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import nh3
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from autograder.atomic_files import write_atomically
from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.marks import Comment, Mark, Marks
from autograder.gradebook.sanitising import clean_html, safe_outputs
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission, SubmissionCell

__all__ = ["AnswerSummary", "ExerciseSummary", "feedback_page", "write_feedback"]

_TEXT_TAGS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote",
              "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "sub", "sup", "del", "span", "div"}  # fmt: skip
_LEXER, _FORMATTER = PythonLexer(), HtmlFormatter(style="default")  # made once: it takes as long as colouring a cell
_LONGEST = 20_000
"""Characters of one cell that are coloured or rendered; no honest cell comes near."""
_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$", re.MULTILINE)


class ExerciseSummary(msgspec.Struct, frozen=True):
    """One exercise on the page.

    Attributes:
        name: of the function or class.
        section: the heading under which it stands.
        points: earned.
        max_points: possible.
        failed: its checks that did not give full points.
        explanations: sentences of the misconceptions that were recognised, each once.
        blank: whether the cell is as it was handed out.
    """

    name: str
    section: str
    points: float
    max_points: float
    failed: tuple[CheckResult, ...]
    explanations: tuple[str, ...]
    blank: bool


class AnswerSummary(msgspec.Struct, frozen=True):
    """One written answer on the page.

    Attributes:
        name: what it is, and the heading under which it stands.
        mark: what it was given; None where the gradebook was not asked.
        max_points: possible.
    """

    name: str
    mark: Mark | None
    max_points: float


class ShownComment(msgspec.Struct, frozen=True):
    """A comment by a person, and what it is about."""

    about: str
    text: str


class ShownCell(msgspec.Struct, frozen=True):
    """One cell as the page shows it: ``body`` and every output are sanitised HTML; the comment is plain text."""

    kind: str
    label: str
    body: str
    outputs: tuple[str, ...]
    check: CheckResult | None
    mark: Mark | None = None
    comment: Comment | None = None


def feedback_page(
    assignment: Assignment, submission: Submission, result: Result, *, student: str = "", marks: Marks | None = None
) -> str:
    """The page as HTML text.

    Args:
        assignment: gives the titles and the points to be given by hand.
        submission: what was graded.
        result: how; a result that was not graded says so, without points.
        student: whose it is; shown at the top if given.
        marks: what the gradebook holds of it; with them the page has points by hand, comments and a total.
    """
    exercises = _exercises(assignment, submission, result, marks)
    return _template().render(
        title=assignment.title,
        student=student,
        graded=result.status == "graded",
        points=result.points,
        auto_points=assignment.auto_points,
        by_hand=assignment.max_points - assignment.auto_points,
        marks=marks,
        exercises=exercises,
        answers=_answers(assignment, marks),
        comments=_comments(assignment, marks),
        unsolved=[exercise for exercise in exercises if exercise.failed],
        repairs=submission.repairs,
        cells=list(_cells(submission, result, marks)),
        highlighting=_colours(),
    )


def write_feedback(
    course: Course,
    assignment: Assignment,
    student: str,
    submission: Submission,
    result: Result,
    marks: Marks | None = None,
) -> Path:
    """Write ``feedback/STUDENT/ASSIGNMENT/NOTEBOOK.html``, where nbgrader looks for it.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded: there is no feedback. Grade it again.")
    path = course.feedback / student / assignment.name / f"{assignment.notebook}.html"
    page = feedback_page(assignment, submission, result, student=student, marks=marks)
    write_atomically(path, page.encode())
    return path


@lru_cache(maxsize=1)
def _colours() -> Markup:
    return Markup(_FORMATTER.get_style_defs(".highlight"))


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.gradebook")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("feedback.html.j2")


def _exercises(
    assignment: Assignment, submission: Submission, result: Result, marks: Marks | None
) -> list[ExerciseSummary]:
    sections = _sections(assignment)
    summaries = []
    for name, cell in assignment.exercises.items():
        checks = [check for check in result.checks if check.exercise in (name, *_names(assignment, name))]
        failed = tuple(check for check in checks if check.outcome != "passed")
        summaries.append(
            ExerciseSummary(
                name=name,
                section=sections.get(cell.grade_id, ""),
                points=sum(_points(check, marks) for check in checks),
                max_points=sum(check.max_points for check in checks),
                failed=failed,
                explanations=tuple(dict.fromkeys(check.explanation for check in failed if check.explanation)),
                blank=submission.cell(cell.grade_id).source == cell.release_source,
            )
        )
    return summaries


def _points(check: CheckResult, marks: Marks | None) -> float:
    """The points of a check, or a person's in their place."""
    mark = marks.cells.get(check.check) if marks else None
    return check.points if mark is None or mark.manual is None else mark.manual


def _answers(assignment: Assignment, marks: Marks | None) -> list[AnswerSummary]:
    sections = _sections(assignment)
    return [
        AnswerSummary(
            _answer_name(sections.get(cell.grade_id, "")),
            marks.cells.get(cell.grade_id) if marks else None,
            cell.points,
        )
        for cell in assignment.cells
        if cell.kind == "answer"
    ]


def _comments(assignment: Assignment, marks: Marks | None) -> list[ShownComment]:
    """What a person said, in the assignment's order."""
    said = {name: each for name, each in marks.comments.items() if each.by_hand} if marks else {}
    sections = _sections(assignment)
    return [
        ShownComment(
            cell.exercise if cell.kind == "exercise" else _answer_name(sections.get(cell.grade_id, "")),
            said[cell.grade_id].text,
        )
        for cell in assignment.cells
        if cell.kind in ("exercise", "answer") and cell.grade_id in said
    ]


def _answer_name(section: str) -> str:
    return f"Written answer under “{section}”" if section else "Written answer"


def _names(assignment: Assignment, exercise: str) -> list[str]:
    return [name for name, owner in assignment.exercise_of.items() if owner == exercise]


def _sections(assignment: Assignment) -> dict[str, str]:
    """For each exercise and answer, by its cell's name, the last heading before it: where to read again."""
    heading, sections = "", {}
    for cell in assignment.cells:
        if cell.kind == "prose" and (found := _HEADING.findall(cell.release_source)):
            heading = found[-1]
        elif cell.kind in ("exercise", "answer"):
            sections[cell.grade_id] = heading
    return sections


def _cells(submission: Submission, result: Result, marks: Marks | None) -> Iterable[ShownCell]:
    known = marks or Marks({})
    checks = {check.check: check for check in result.checks}
    for cell in submission.cells:
        check = checks.get(cell.grade_id) if cell.kind == "check" else None
        outputs = () if check or cell.kind == "check" else _outputs(result.outputs.get(cell.cell_id, []))
        mark, comment = known.cells.get(cell.grade_id), known.comments.get(cell.grade_id)
        yield ShownCell(cell.kind, _label(cell), _body_of(cell), outputs, check, mark, comment)


def _label(cell: SubmissionCell) -> str:
    labels = {"exercise": f"Your code: {cell.exercise}", "answer": "Your answer", "extra": "A cell of your own",
              "note": "A note of your own", "check": f"Check of {cell.exercise}"}  # fmt: skip
    return labels.get(cell.kind, "")


def _body_of(cell: SubmissionCell) -> Markup:
    if len(cell.source) > _LONGEST:  # Colouring or rendering it could take minutes.
        return Markup("<pre>{}\n… (cut here)</pre>").format(cell.source[:_LONGEST])
    return _body(cell.kind, cell.cell_type, cell.source)


@lru_cache(maxsize=1024)  # The course's own cells are the same on every page.
def _body(kind: str, cell_type: str, source: str) -> Markup:
    if cell_type == "code":
        return Markup(highlight(source, _LEXER, _FORMATTER))
    if kind == "note":  # Its text follows no plan of ours: shown as it was typed.
        return Markup("<pre>{}</pre>").format(source)
    rendered = MarkdownWithMath(renderer=IPythonRenderer(escape=True, exclude_anchor_links=True)).render(source)
    return Markup(nh3.clean(rendered, tags=_TEXT_TAGS, attributes={"td": {"align"}, "th": {"align"}}, link_rel=None))


def _outputs(outputs: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(filter(None, (_output(output) for output in safe_outputs(outputs))))


def _output(output: dict[str, Any]) -> Markup | str:
    kind = output["output_type"]
    if kind == "stream":
        return Markup('<pre class="{}">{}</pre>').format(output["name"], output["text"])
    if kind == "error":
        return Markup('<pre class="error">{}: {}</pre>').format(output["ename"], output["evalue"])
    data = output["data"]
    for form in ("image/png", "image/jpeg"):
        if form in data:
            base64.b64decode(data[form])
            return Markup('<img alt="A figure that your code drew" src="data:{};base64,{}">').format(form, data[form])
    if "text/html" in data:
        return Markup('<div class="html">{}</div>').format(Markup(clean_html(data["text/html"])))
    return Markup("<pre>{}</pre>").format(data.get("text/plain", ""))
