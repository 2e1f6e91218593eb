"""Outputs that a student's code made: checked on arrival, harmless in a browser."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from autograder.isolation.outputs import MAX_OUTPUTS, MAX_TEXT, checked_outputs


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
