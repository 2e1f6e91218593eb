"""A written answer's pictures are shown, checked, on our page, in the graded notebook and in the formgrader."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter
from PIL import Image, PngImagePlugin

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.gradebook import preprocessors as steps
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.graded_notebooks import build_autograded
from autograder.gradebook.sanitising import Album, Pictures, safe_outputs
from autograder.grading.result import Result
from autograder.redrawing import COSTLY
from autograder.submission.alignment import align
from autograder.submission.model import Submission


def png() -> str:
    words, stream = PngImagePlugin.PngInfo(), io.BytesIO()
    words.add_text("Comment", "smuggled")
    Image.new("RGB", (7, 5), "red").save(stream, "PNG", pnginfo=words)
    return base64.b64encode(stream.getvalue()).decode()


TEXT = (
    "Because $2 \\cdot 2$: ![mine](attachment:a.png), ![pasted](data:image/png;base64,{png}), "
    '<img alt="tagged" src="attachment:a.png"> and ![gone](attachment:gone.png), ![far](https://evil.example/x.png), '
    "![vector](data:image/svg+xml;base64,PHN2Zy8+), ![torn](data:image/png;base64,iVBORw0KGgpxeHh4). "
    "<script>alert(1)</script> https://evil.example/bare [x](javascript:alert(1)) $\\href{{javascript:alert(1)}}{{x}}$"
)


@pytest.fixture
def drawn(notebook: dict[str, Any], assignment: Assignment) -> Submission:
    cell = notebook["cells"][-1]
    cell["source"] = TEXT.format(png=png())
    cell["attachments"] = {"a.png": {"image/png": png()}, "unused.svg": {"image/svg+xml": "<svg/>"}}
    return align(notebook, assignment)


@pytest.fixture
def album(course: Course) -> Any:
    with Pictures.of(course) as pictures:
        yield Album(pictures)


def test_our_page_shows_them_and_names_the_others(
    assignment: Assignment, drawn: Submission, result: Result, album: Album
) -> None:
    page = feedback_page(assignment, drawn, result, album=album)
    for name in ("mine", "pasted", "tagged"):
        assert f'<img alt="Picture in your answer: {name}" src="data:image/png;base64,' in page
    for name in ("gone", "far", "vector", "torn"):
        assert f"Picture “{name}” is not shown" in page
    assert base64.b64encode(b"smuggled").decode()[:8] not in page
    assert png() not in page
    assert "<math" in page


def test_the_graded_notebook_holds_checked_pictures_only(
    assignment: Assignment, drawn: Submission, result: Result, album: Album
) -> None:
    cell = build_autograded(assignment, drawn, result, album).cells[-1]
    assert cell.source.count("(attachment:picture-") == len(cell.attachments) == 3
    for bundle in cell.attachments.values():
        ((kind, data),) = bundle.items()
        assert kind == "image/png"
        assert b"smuggled" not in base64.b64decode(data)
    assert "Picture “torn” is not shown: it is damaged" in cell.source


def rendered(course: Course, assignment: Assignment, notebook: Any, tmp_path: Path, **resources: Any) -> str:
    path = tmp_path / "graded.ipynb"
    path.write_text(json.dumps(notebook))
    exporter = HTMLExporter(preprocessors=[steps.ShowSafely])
    page, _ = exporter.from_filename(str(path), resources={"assignment_id": assignment.name, **resources})
    return str(page)


@pytest.mark.filterwarnings("default")
def test_the_formgrader_shows_them_and_nothing_that_runs(
    course: Course, assignment: Assignment, drawn: Submission, result: Result, album: Album,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(course.root)
    graded = build_autograded(assignment, drawn, result, album)
    page = rendered(course, assignment, graded, tmp_path, submission_id="1")
    body = page.split("</head>")[-1]
    assert body.count('src="data:image/png;base64,') == 3
    for bad in ("<script>alert", 'href="https://evil', 'href="javascript', "\\href", 'src="https://evil'):
        assert bad not in body
    assert "One point for each reason" in body, "the marking scheme stands beside the answer"
    assert body.index("Written answers to grade") < body.index("A tiny assignment")


@pytest.mark.filterwarnings("default")
def test_a_missing_attachment_breaks_no_page_of_the_formgrader(
    course: Course, assignment: Assignment, drawn: Submission, result: Result, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(course.root)
    graded = build_autograded(assignment, drawn, result)
    graded.cells[-1].source = "![x](attachment:gone.png) <img src='attachment:gone.png'>"
    assert "is not shown" in rendered(course, assignment, graded, tmp_path)


@pytest.mark.filterwarnings("default")
def test_the_courses_own_text_is_shown_as_it_was_written(
    course: Course, assignment: Assignment, drawn: Submission, result: Result, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(course.root)
    own = "<details><summary>Hint</summary>See [the book](https://book.example).</details>"
    monkeypatch.setattr(steps, "_own_texts", lambda assignment: frozenset({own}))
    graded = build_autograded(assignment, drawn, result)
    graded.cells[1].cell_type, graded.cells[1].source = "markdown", own
    page = rendered(course, assignment, graded, tmp_path)
    assert "<details><summary>Hint</summary>" in page


def test_a_picture_is_decoded_once(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    content = base64.b64decode(png())
    with Pictures.of(course) as pictures:
        first = pictures.checked(content)
        monkeypatch.setattr(pictures._desk, "redraw", lambda content: pytest.fail("decoded again"))
        assert pictures.checked(content) == first


def test_only_so_many_are_shown(course: Course) -> None:
    content = base64.b64decode(png())
    with Pictures.of(course) as pictures:
        album = Album(pictures)
        shown = [album.picture(content) for _ in range(61)]
    assert sum(isinstance(each, str) for each in shown) == 1
    assert "only the first 60 pictures" in str(shown[-1])


def test_after_two_that_take_too_long_no_more_are_decoded(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds each: sixty would keep everybody else's pages waiting for as many minutes."""
    picture = progressive(80, 30)
    decoded: list[bytes] = []

    def takes_too_long(_: Pictures, content: bytes) -> str:
        decoded.append(content)
        return COSTLY

    monkeypatch.setattr(Pictures, "checked", takes_too_long)
    with Pictures.of(course) as pictures:
        album = Album(pictures)
        told = [album.picture(picture + bytes([n])) for n in range(20)]
    assert len(decoded) == 2
    assert told[:3] == [COSTLY, COSTLY, "pictures before it took too much time or memory to decode"]


def progressive(side: int, scans: int) -> bytes:
    """A picture whose last scan comes so many times: each takes as long to decode as a picture."""
    stream = io.BytesIO()
    Image.new("L", (side, side), 128).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


@pytest.mark.slow
def test_a_picture_of_endless_scans_is_refused_in_time(course: Course) -> None:
    with Pictures.of(course) as pictures:
        assert pictures.checked(progressive(7000, 2000)) == COSTLY


def test_an_output_that_is_no_picture_becomes_words(course: Course) -> None:
    bad = {"output_type": "display_data", "data": {"image/png": base64.b64encode(PNG_HEADER).decode()}}
    good = {"output_type": "display_data", "data": {"image/png": png()}}
    with Pictures.of(course) as pictures:
        torn, fine = safe_outputs([bad, good], Album(pictures))
    assert "A figure is not shown: it is damaged" in torn["data"]["text/plain"]
    assert "image/png" in fine["data"]
    assert fine["data"]["image/png"] != png()


PNG_HEADER = b"\x89PNG\r\n\x1a\n" + bytes(8) + (5).to_bytes(4, "big") * 2 + bytes(40)
