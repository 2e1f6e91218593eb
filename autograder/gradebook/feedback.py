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
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

from autograder.authoring import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.files import write_atomically
from autograder.gradebook.sanitising import clean_html, safe_outputs
from autograder.grading import CheckResult, Result
from autograder.submission import Submission, SubmissionCell

__all__ = ["ExerciseSummary", "feedback_page", "write_feedback"]

_TEXT_TAGS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote",
              "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "sub", "sup", "del", "span", "div"}  # fmt: skip
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


class ShownCell(msgspec.Struct, frozen=True):
    """One cell as the page shows it: ``body`` and every output are sanitised HTML."""

    kind: str
    label: str
    body: str
    outputs: tuple[str, ...]
    check: CheckResult | None


def feedback_page(assignment: Assignment, submission: Submission, result: Result, *, student: str = "") -> str:
    """The page as HTML text.

    Args:
        assignment: gives the titles and the points to be given by hand.
        submission: what was graded.
        result: how; a result that was not graded says so, without points.
        student: whose it is; shown at the top if given.
    """
    exercises = _exercises(assignment, submission, result)
    return _template().render(
        title=assignment.title,
        student=student,
        graded=result.status == "graded",
        points=result.points,
        auto_points=assignment.auto_points,
        by_hand=assignment.max_points - assignment.auto_points,
        exercises=exercises,
        unsolved=[exercise for exercise in exercises if exercise.failed],
        repairs=submission.repairs,
        cells=list(_cells(submission, result)),
        highlighting=Markup(HtmlFormatter(style="default").get_style_defs(".highlight")),
    )


def write_feedback(
    course: Course, assignment: Assignment, student: str, submission: Submission, result: Result
) -> Path:
    """Write ``feedback/STUDENT/ASSIGNMENT/NOTEBOOK.html``, where nbgrader looks for it.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded: there is no feedback. Grade it again.")
    path = course.feedback / student / assignment.name / f"{assignment.notebook}.html"
    write_atomically(path, feedback_page(assignment, submission, result, student=student).encode())
    return path


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.gradebook")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("feedback.html.j2")


def _exercises(assignment: Assignment, submission: Submission, result: Result) -> list[ExerciseSummary]:
    sections = _sections(assignment)
    summaries = []
    for name, cell in assignment.exercises.items():
        checks = [check for check in result.checks if check.exercise in (name, *_names(assignment, name))]
        failed = tuple(check for check in checks if check.outcome != "passed")
        summaries.append(
            ExerciseSummary(
                name=name,
                section=sections.get(name, ""),
                points=sum(check.points for check in checks),
                max_points=sum(check.max_points for check in checks),
                failed=failed,
                explanations=tuple(dict.fromkeys(check.explanation for check in failed if check.explanation)),
                blank=submission.cell(cell.grade_id).source == cell.release_source,
            )
        )
    return summaries


def _names(assignment: Assignment, exercise: str) -> list[str]:
    return [name for name, owner in assignment.exercise_of.items() if owner == exercise]


def _sections(assignment: Assignment) -> dict[str, str]:
    """For each exercise, the last heading before it: where to read again."""
    heading, sections = "", {}
    for cell in assignment.cells:
        if cell.kind == "prose" and (found := _HEADING.findall(cell.release_source)):
            heading = found[-1]
        elif cell.kind == "exercise":
            sections[cell.exercise] = heading
    return sections


def _cells(submission: Submission, result: Result) -> Iterable[ShownCell]:
    checks = {check.check: check for check in result.checks}
    for cell in submission.cells:
        check = checks.get(cell.grade_id) if cell.kind == "check" else None
        outputs = () if check or cell.kind == "check" else _outputs(result.outputs.get(cell.cell_id, []))
        yield ShownCell(cell.kind, _label(cell), _body_of(cell), outputs, check)


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
        return Markup(Highlight2HTML(pygments_lexer="python")(source))  # type: ignore[no-untyped-call]
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
