"""Outputs that a student's code made: checked on arrival, harmless in a browser."""

from __future__ import annotations

import base64
import struct
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.isolation.outputs import MAX_OUTPUTS, MAX_TEXT, checked_outputs, sanitise_outputs


def display(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {k.replace("_", "/"): v for k, v in data.items()}, "metadata": {}}


def png(width: int, height: int) -> str:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return base64.b64encode(raw).decode()


def test_honest_outputs_pass() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "hi\n"},
        display(text_plain="<Figure>", image_png=png(2, 2)),
        {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": 2},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line"]},
    ]
    assert checked_outputs(outputs) == outputs
    assert sanitise_outputs(outputs) == outputs


MALFORMED = {
    "a number": 7,
    "no type": {"name": "stdout", "text": "x"},
    "an unknown type": {"output_type": "update_display_data", "data": {}},
    "a stream of another name": {"output_type": "stream", "name": "stdlog", "text": "x"},
    "a stream of numbers": {"output_type": "stream", "name": "stdout", "text": [1]},
    "data that is a list": {"output_type": "display_data", "data": ["x"]},
    "javascript": display(**{"application/javascript": "alert(1)"}),
    "a widget": display(**{"application/vnd.jupyter.widget-view+json": "{}"}),
    "a drawing that can hold scripts": display(**{"image/svg+xml": "<svg onload='alert(1)'/>"}),
    "a document": display(**{"application/pdf": "JVBERi0="}),
    "a picture that is none": display(image_png="bm90IGEgcGljdHVyZQ=="),
    "a picture in bad base64": display(image_png="%%%"),
    "a picture of a million columns": display(image_png=png(1_000_000, 2)),
    "a picture of no columns": display(image_png=png(0, 2)),
    "a picture that is a number": display(image_png=3),
    "a picture of ten megabytes": display(image_png="A" * (10 << 20)),
    "an error without a traceback": {"output_type": "error", "ename": "E", "evalue": "e"},
}


@pytest.mark.parametrize("output", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_or_not_allowed_is_left_out(output: Any) -> None:
    assert checked_outputs([output]) == []


def test_metadata_and_unknown_fields_are_dropped() -> None:
    output = {**display(text_plain="x"), "metadata": {"tags": ["hide"]}, "transient": {"display_id": 1}}
    assert checked_outputs([output]) == [{"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}]


def test_numbers_and_sizes_are_capped_and_that_is_said() -> None:
    many = [{"output_type": "stream", "name": "stdout", "text": f"{n}\n"} for n in range(MAX_OUTPUTS + 5)]
    kept = checked_outputs(many)
    assert len(kept) == MAX_OUTPUTS + 1
    assert "left out" in kept[-1]["text"]
    large = checked_outputs([display(text_plain="x" * (2 * MAX_TEXT))])
    assert len(large[0]["data"]["text/plain"]) == MAX_TEXT


def test_progress_bars_leave_their_last_state_and_colours_go() -> None:
    text = "\r 10%\r 50%\r100%\ndone \x1b[31mred\x1b[0m\x07"
    (output,) = checked_outputs([{"output_type": "stream", "name": "stderr", "text": text}])
    assert output["text"] == "100%\ndone red"


def test_text_that_turns_the_line_around_is_made_plain() -> None:
    (output,) = checked_outputs([{"output_type": "stream", "name": "stdout", "text": "a\u202eb\x00c\u2066d"}])
    assert output["text"] == "abcd"


class Finder(HTMLParser):
    """Notes everything in HTML that could run, load or navigate."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "svg",
            "math",
            "form",
            "link",
            "meta",
            "img",
            "a",
            "base",
        }:
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on") or name in {"href", "src", "style", "id"}]


def dangers(html: str) -> list[str]:
    finder = Finder()
    finder.feed(html)
    finder.close()
    return finder.found


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://example.org'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<b style='background:url(//example.org)'>x</b>",
    "<form action=//example.org><input></form>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<table background=//example.org><td>x</table>",
    "<base href=//example.org>",
    "<meta http-equiv=refresh content='0;url=//example.org'>",
    "<div id=notebook>x</div>",
    "<<script>script>alert(1)</script>",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "text/latex"])
def test_nothing_that_can_run_or_load_is_left(kind: str, text: str) -> None:
    (output,) = sanitise_outputs([display(**{kind: text})])
    assert dangers(output["data"][kind]) == []


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>/=\"'& scriptonimgaldjvhef:()", max_size=60))
def test_no_scrap_of_html_becomes_dangerous(text: str) -> None:
    (output,) = sanitise_outputs([display(text_html=text)])
    assert dangers(output["data"]["text/html"]) == []


def test_an_honest_table_stays_a_table() -> None:
    html = "<table><thead><tr><th>layer</th></tr></thead><tbody><tr><td>conv</td></tr></tbody></table>"
    (output,) = sanitise_outputs([display(text_html=html)])
    assert output["data"]["text/html"] == html


def test_markdown_links_and_latex_are_shown_as_they_were_written() -> None:
    (output,) = sanitise_outputs([display(text_markdown="[x](javascript:alert(1))", text_latex=r"\href{x}{y}")])
    assert output["data"]["text/markdown"] == "<pre>[x](javascript:alert(1))</pre>"
    assert output["data"]["text/latex"] == r"<pre>\href{x}{y}</pre>"
