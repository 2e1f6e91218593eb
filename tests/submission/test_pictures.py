"""Pictures in a student's text are found whatever way they came in, and what cannot be shown is said."""

from __future__ import annotations

import base64
import time

import pytest

from autograder.submission.model import Attachment
from autograder.submission.pictures import embedded_pictures, put_in_place

PNG = b"\x89PNG\r\n\x1a\nrest"
JPEG = b"\xff\xd8\xffrest"
TEXT = base64.b64encode(PNG).decode()
HERE = (
    Attachment("a b.png", "image/png", TEXT),
    Attachment("photo.jpg", "image/png", base64.b64encode(JPEG).decode()),
    Attachment("plan.svg", "image/svg+xml", base64.b64encode(b"<svg/>").decode()),
    Attachment("cut.png", "image/png", "iVBORw0KGgo!"),
    Attachment("none.png", "image/png", ""),
    Attachment("zażółć.png", "image/png", TEXT),
)


@pytest.mark.parametrize(
    "text",
    [
        "![x](attachment:a%20b.png)",
        "![x](<attachment:a b.png>)",
        '![x](attachment:photo.jpg "a title")',
        "![x](attachment:zaz\u0307o\u0301l\u0301c\u0301.png)".replace("l\u0301", "ł"),
        f"![x](data:image/png;base64,{TEXT})",
        f"![x](DATA:image/jpeg;charset=utf-8;base64,{TEXT})",
        f"![x][drawn]\n\n[Drawn]: data:image/png;base64,{TEXT}",
        "![x][]\n\n[x]: <attachment:a b.png> 'title'",
        "![x]\n\n[x]: attachment:photo.jpg",
        '<img alt="x" src="attachment:a b.png" width=300>',
        f"<IMG SRC='data:image/png;base64,{TEXT}' ALT=x />",
        f"| a | ![x](data:image/png;base64,{TEXT}) |",
        f"[![x](data:image/png;base64,{TEXT})](https://example.com)",
    ],
)
def test_a_picture_is_found_in_every_form(text: str) -> None:
    marked, found = embedded_pictures(text, HERE)
    assert [(each.name, each.content[:4] in (PNG[:4], JPEG[:4]), each.problem) for each in found] == [("x", True, "")]
    assert "HERE" in put_in_place(marked, lambda number: "HERE")
    assert TEXT not in marked


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("![x](attachment:gone.png)", "does not hold the attachment 'gone.png'"),
        ("![x](attachment:plan.svg)", "SVG"),
        ("![x](attachment:cut.png)", "damaged"),
        ("![x](attachment:none.png)", "empty"),
        ("![x](data:image/gif;base64,R0lGODlhAQ==)", "GIF"),
        ("![x](data:image/png;base64,R0lGODlhAQ==)", "GIF"),
        ("![x](data:image/svg+xml,%3Csvg%3E%3C/svg%3E)", "SVG"),
        ("![x](data:image/webp;base64,UklGRgAAAABXRUJQ)", "WebP"),
        ("![x](https://example.com/x.png)", "another server"),
        ("![x](//example.com/x.png)", "another server"),
        ("<img src=http://example.com/x.png alt=x>", "another server"),
        ("![x](pictures/x.png)", "beside the notebook"),
        ("![x](<C:\\x.png>)", "another server"),
        ("<img alt=x>", "no address"),
        ("<svg width=3><circle/></svg>", "SVG"),
        (f"![x](data:image/png;base64,{base64.b64encode(PNG + bytes(11 << 20)).decode()})", "the limit is 10 MB"),
    ],
)
def test_what_cannot_be_shown_says_why(text: str, problem: str) -> None:
    _, (found,) = embedded_pictures(text, HERE)
    assert problem in found.problem
    assert not found.content


@pytest.mark.parametrize(
    "text",
    ["`![x](attachment:a.png)`", "```\n![x](attachment:a.png)\n```\n", "~~~~\n<img src=x>\n~~~\n~~~~\n", "[x](y.png)",
     "![x]", "\\begin{matrix}![", "a ! [b](c)", ""],
)  # fmt: skip
def test_what_is_no_picture_stays_as_it_is(text: str) -> None:
    assert embedded_pictures(text, HERE) == (text, [])


def test_marks_that_a_student_types_mean_nothing() -> None:
    marked, found = embedded_pictures("\ue0000\ue001 \ue0020\ue002 ![x](attachment:gone.png)")
    assert len(found) == 1
    assert put_in_place(marked, lambda number: "P") == "0 0 P"


@pytest.mark.parametrize(
    "evil",
    ["![", '![](a "', "<img ", "`", "``", "data:", "![a[b", "[a]: ", "<svg", "![](data:a,", "![x](<", "![\\", "```\n"],
)
def test_no_text_takes_long(evil: str) -> None:
    started = time.process_time()
    embedded_pictures(evil * (300_000 // len(evil)))
    assert time.process_time() - started < 3
