"""The judges of attacks, which look from outside at results, pages, outputs and downloads.

An attack's own word is never enough. In pages and outputs the judges search for what could run, load or lead away:
tags, attributes, addresses, forms. In a download they search for files that take another student's place or stop the
others.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from autograder.audit.attacks.catalogue import Attack, Intake
from autograder.audit.attacks.honeypot import Honeypot
from autograder.audit.weaknesses import find_leaks
from autograder.authoring.assignment import Assignment
from autograder.collecting.collection import collect_downloads
from autograder.course import Course
from autograder.engine.grader import solved
from autograder.errors import MachineryError
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.graded_notebooks import build_autograded
from autograder.gradebook.preprocessors import ShowSafely
from autograder.grading.child import run_in_child
from autograder.grading.grade import canary_of
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

__all__ = [
    "Shown",
    "breaches_of_intake",
    "breaches_of_pages",
    "breaches_of_result",
    "files_changed",
    "shown_to_people",
    "unsafe_markup",
    "unsafe_outputs",
]


# ---- markup and outputs

_TAGS = {
    "script", "iframe", "frame", "object", "embed", "applet", "form", "input", "button", "textarea", "base", "link",
    "svg", "video", "audio", "source", "template", "portal", "marquee", "dialog", "noscript",
    "maction", "mglyph", "semantics", "annotation-xml",  # Of MathML; the rest of a formula is only drawn.
}  # fmt: skip
_ADDRESSES = {"href", "src", "srcset", "srcdoc", "action", "formaction", "xlink:href", "data", "poster", "background"}
_HARMLESS = re.compile(r"#|data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+$")
_LENGTHS = {"colspan", "rowspan", "width", "height", "minsize", "maxsize", "linethickness", "lspace", "rspace"}
_NUMBER = re.compile(r"-?\d*\.?\d+")
_KINDS = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg"}
_ESCAPED = {"text/markdown", "text/latex"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile(r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_PILED_UP = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{12}")


class _Scan(HTMLParser):
    """A collector of what is not harmless. ``<style>`` and ``<meta>`` are the page's own: allowed in its head only."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_head = tag == "head" or (self._in_head and tag != "body")
        if tag in _TAGS or (tag in ("style", "meta") and not self._in_head):
            self.found.append(f"<{tag}>")
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append("<meta> that leads away")
        for name, value in values.items():
            if name.startswith("on") or name == "style":
                self.found.append(f"<{tag} {name}>")
            elif name in _LENGTHS and any(not -1 < float(number) < 100 for number in _NUMBER.findall(value)):
                self.found.append(f'<{tag} {name}="{value[:40]}"> that covers what is around it')
            elif name in _ADDRESSES and not _HARMLESS.match(value.strip()):
                self.found.append(f'<{tag} {name}="{value[:40]}">')

    handle_startendtag = handle_starttag


def unsafe_markup(page: str) -> list[str]:
    """Return what in ``page``, HTML text, could run or load something or lead elsewhere; empty if nothing."""
    scan = _Scan()
    scan.feed(page)
    scan.close()
    return scan.found


def unsafe_outputs(outputs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what in a cell's outputs a notebook viewer could run or load."""
    for output in outputs:
        for kind, value in output.get("data", {}).items():
            if kind not in _KINDS:
                yield f"output of kind {kind}"
            elif kind == "text/html" or kind in _ESCAPED:
                yield from unsafe_markup(str(value))
            if kind in _ESCAPED and not str(value).startswith("<pre>"):
                yield f"{kind} that is rendered"
        yield from misleading_characters(_all_text(output))


def misleading_characters(text: str) -> Iterator[str]:
    """Yield what in ``text`` a terminal would obey, or a reader could not see as it is."""
    if _CONTROLS.search(text):
        yield "terminal control characters"
    if _UNSEEN.search(text):
        yield "characters that turn text around or are not seen"
    if _PILED_UP.search(text):
        yield "marks that pile up over other lines"


def _all_text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_all_text, value.values()))
    return "\n".join(map(_all_text, value)) if isinstance(value, list) else str(value)


# ---- results and the pages that people see

_KNOWN: dict[str, Counter[str]] = {}


@dataclass(frozen=True)
class Shown:
    """The parts of a graded submission that people see.

    Attributes:
        feedback: the student's page.
        outputs: the outputs in the graded notebook, which graders open.
        prose: the text cells of that notebook, as the formgrader is given them.
        told: every message and repair, and the outputs as they came.
    """

    feedback: str
    outputs: Sequence[dict[str, object]]
    prose: Sequence[str]
    told: str


def shown_to_people(scene: Honeypot, submission: Submission, result: Result, student: str) -> Shown:
    """Make the pages that the grader's writer makes of ``result``."""
    notebook = build_autograded(scene.assignment, submission, result)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    safe, _ = ShowSafely().preprocess(notebook, {})  # type: ignore[no-untyped-call]
    prose = [cell.source for cell in safe.cells if cell.cell_type == "markdown"]
    told = [check.text for check in result.checks] + [f"{r.cell} {r.what} {r.why}" for r in result.repairs]
    told.append(json.dumps(result.outputs, ensure_ascii=False))
    return Shown(feedback_page(scene.assignment, submission, result, student=student), outputs, prose, "\n".join(told))


def breaches_of_result(attack: Attack, scene: Honeypot, result: Result, free: Collection[str]) -> Iterator[str]:
    """Yield the points that were not earned: ``free`` are the checks that an answer without any work passes."""
    for check in result.checks:
        if not 0 <= check.points <= check.max_points:
            yield f"{check.check} gave {check.points} of {check.max_points} points"
    entering = competition_checks(scene.assignment)  # checks that train an entry: no attack is entered
    asked = sorted(cell.grade_id for cell in scene.assignment.checks if cell.grade_id not in entering)
    if sorted(check.check for check in result.checks) != asked:
        yield "a check is missing or there twice"
    if not attack.honest:
        stolen = {check.check: check.points for check in result.checks if check.points and check.check not in free}
        if stolen:
            yield f"{sum(stolen.values()):g} points that were not earned, in {min(stolen)}"


def breaches_of_pages(scene: Honeypot, submission: Submission, shown: Shown) -> Iterator[str]:
    """Yield what got out into the pages that people see, and what would run there."""
    seen = {"feedback": shown.feedback, "messages": shown.told, "graded notebook": json.dumps(shown.outputs)}
    words = {**scene.canaries, "a hidden test": canary_of(scene.course.secret, scene.assignment)}
    for name, text in seen.items():
        for place, word in words.items():
            if word in text:
                yield f"what is in {place} got out into {name}"
        if scene.mark in text:
            yield f"a forbidden call went through ({name})"
    own = "\n".join(cell.source for cell in submission.cells)
    for finding in find_leaks(scene.plain, seen, dict.fromkeys(seen, own)):
        yield finding.text
    found = Counter(unsafe_markup(shown.feedback)) - _markup_of_the_course(scene.assignment)
    yield from (f"feedback holds {what}" for what in found)
    yield from (f"graded notebook holds {what}" for what in unsafe_outputs(shown.outputs))
    yield from (f"text cell holds {what}" for text in shown.prose for what in unsafe_markup(text))
    yield from (f"feedback holds {what}" for what in misleading_characters(shown.feedback))
    yield from (
        f"text cell holds {what}" for text in shown.prose for what in misleading_characters(html.unescape(text))
    )


def _markup_of_the_course(assignment: Assignment) -> Counter[str]:
    """Return what the course's text brings into every page of feedback: its links and formulas, which are trusted."""
    if assignment.key not in _KNOWN:
        checks = [
            CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "failed", "No.") for cell in assignment.checks
        ]
        failed = Result(assignment.name, assignment.key, "", "graded", checks=tuple(checks))
        page = feedback_page(assignment, solved(assignment), failed, student="nobody")
        _KNOWN[assignment.key] = Counter(unsafe_markup(page))
    return _KNOWN[assignment.key]


def files_changed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield each watched file that is not as it was."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name} was {'made' if name not in before else 'removed' if name not in after else 'changed'}"


# ---- downloads

_SECONDS, _MEMORY = 60.0, 1 << 30
_ROSTER = "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,ada@x.org,4711\neve,Eve,Stone,eve@x.org,4713\n"
_DUE = "2026-03-02T12:00:00Z"
_WRITTEN = (2026, 3, 3, 10, 0, 0)  # both were handed in late
_LATE = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
_METADATA = """submission_11:
  :submitters:
  - :name: Ada Lovelace
    :email: ada@x.org
  :created_at: 2026-03-03 10:00:00 Z
submission_13:
  :submitters:
  - :name: Eve Stone
    :email: eve@x.org
  :created_at: 2026-03-03 10:00:00 Z
"""


def breaches_of_intake(made: Intake, assignment: Assignment) -> Iterator[str]:
    """Yield what the files of Eve, the attacker, did to Ada's in a download of both."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        course = _course(root / "course", assignment)
        theirs = assignment.release.encode() + b"\n"
        download = _download(root / "download.zip", made, theirs, assignment)

        def work() -> bytes:
            collect_downloads(course, download)
            return b""

        try:
            outcome = run_in_child(work, _SECONDS, memory_bytes=4 << 30)
        except MachineryError as error:
            yield f"the command ended: {str(error).strip().splitlines()[-1][:200]}"
            return
        if outcome.peak_rss_bytes > _MEMORY:
            yield f"collecting took {outcome.peak_rss_bytes >> 20} MB of memory"
        yield from _misplaced(course, assignment, theirs)


def _misplaced(course: Course, assignment: Assignment, theirs: bytes) -> Iterator[str]:
    folder = course.submitted / "ada" / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    if not path.is_file() or path.read_bytes() != theirs:
        yield "another student's file is not the one that was handed in"
    for student in sorted(path.name for path in course.submitted.iterdir()):
        if student not in ("ada", "eve"):
            yield f"a student was made: {student[:40]}"
    for stamp in course.submitted.glob(f"*/{assignment.name}/timestamp.txt"):
        moment = dt.datetime.fromisoformat(stamp.read_text().strip().removesuffix(" UTC")).replace(tzinfo=dt.UTC)
        if moment <= _LATE:
            yield f"the late work of {stamp.parts[-3]} became punctual"
    strays = [path for path in course.root.parent.iterdir() if path.name not in ("course", "download.zip")]
    yield from (f"a file was written outside: {path.name}" for path in strays)


def _course(root: Path, assignment: Assignment) -> Course:
    (root / "notebooks" / assignment.name).mkdir(parents=True)
    (root / "notebooks" / assignment.name / f"{assignment.notebook}.ipynb").write_text(assignment.release)
    text = f'id = "c"\nfixed_secret = "c"\n[assignments.{assignment.name}]\ndue = {_DUE}\n'
    (root / "course.toml").write_text(text)
    (root / "students.csv").write_text(_ROSTER)
    return Course.find(root)


def _download(path: Path, made: Intake, theirs: bytes, assignment: Assignment) -> Path:
    """Write a download of Ada's file and Eve's, under the names that the platform gives and those that she chose."""
    name = f"{assignment.notebook}.ipynb"
    honest = {
        "canvas": {f"lovelaceada_LATE_4711_90_{name}": theirs},
        "moodle": {f"Ada Lovelace_4711_assignsubmission_file_/{name}": theirs},
        "gradescope": {
            "assignment_5_export/submission_metadata.yml": _METADATA.encode(),
            f"assignment_5_export/submission_11/{name}": theirs,
        },
        "nbgrader": {f"ada+{assignment.name}+2026-03-03 10:00:00.5 UTC+abc/{name}": theirs},
    }[made.platform]
    before = {
        "canvas": "stoneeve_LATE_4713_91_",
        "moodle": "Eve Stone_4713_assignsubmission_file_/",
        "gradescope": "assignment_5_export/submission_13/",
        "nbgrader": f"eve+{assignment.name}+2026-03-03 10:00:00.5 UTC+abd/",
    }[made.platform]
    chosen = {name if key == "NOTEBOOK" else key: content for key, content in made.files.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in {**honest, **{before + key: content for key, content in chosen.items()}}.items():
            entry = zipfile.ZipInfo(key, made.at or _WRITTEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path
