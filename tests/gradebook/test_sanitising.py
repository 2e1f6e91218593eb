"""Whatever a student's code puts out, what is shown of it can neither run, nor load, nor mislead."""

from __future__ import annotations

import base64
import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.gradebook.sanitising import MAX_OUTPUT_CHARACTERS, as_plain_text, clean_html, modest, safe_outputs


def png(width: int, height: int) -> str:
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(header).decode()


PNG = png(640, 480)


def display(**data: Any) -> list[dict[str, Any]]:
    kinds = {key.replace("_", "/", 1).replace("_", "+"): value for key, value in data.items()}
    return safe_outputs([{"output_type": "display_data", "metadata": {"x": 1}, "data": kinds}])


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)></svg>",
        "<a href='javascript:alert(1)'>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<style>body{background:url(http://x)}</style>",
        "<p style='background:url(http://x)' onclick='alert(1)'>x</p>",
        "<form action=http://x><input></form>",
        "<base href=http://x><meta http-equiv=refresh content=0;url=http://x>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<table><tr><td colspan='2\" onmouseover=\"alert(1)'>x</td></tr></table>",
    ],
)
def test_nothing_in_html_can_run_or_load(html: str) -> None:
    cleaned = clean_html(html).lower()
    for forbidden in (
        "<script",
        "<img",
        "<svg",
        "<iframe",
        "<style",
        "<form",
        "<base",
        "<meta",
        "href",
        "src=",
        "url(",
    ):
        assert forbidden not in cleaned
    assert ' on' not in cleaned.replace("&quot; on", "")  # fmt: skip


def test_a_plain_table_stays() -> None:
    assert "<td>1</td>" in clean_html("<table><tbody><tr><td>1</td></tr></tbody></table>")


def test_only_harmless_kinds_of_data_are_kept() -> None:
    (output,) = display(
        text_plain="x", text_html="<b>x</b>", image_png=PNG, image_svg_xml="<svg/>", text_latex="$x$",
        text_markdown="x", application_javascript="alert(1)", text_javascript="alert(1)", application_json="{}",
    )  # fmt: skip
    assert sorted(output["data"]) == ["image/png", "text/html", "text/plain"]
    assert output["metadata"] == {}


@pytest.mark.parametrize(
    "image",
    [
        "not base64!",
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        3,
        PNG + '"',
        None,
        png(60_000, 60_000),
        PNG[:16],
    ],
)
def test_what_is_no_picture_is_dropped(image: Any) -> None:
    assert display(image_png=image) == []


def test_terminal_and_direction_controls_are_removed() -> None:
    assert as_plain_text("\x1b[31mred\x1b[0m \u202eevil\u2066 bell\a tab\t line\n") == "red evil bell tab\t line\n"


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\ufeff", "\U000e0067", "\ufff9", "\u2028", "\u061c"])
def test_what_is_not_seen_is_not_there(hidden: str) -> None:
    assert as_plain_text(f"full{hidden} marks") == "full marks"


def test_writing_that_needs_joiners_and_marks_stays() -> None:
    for text in ("می\u200cخواهم", "👩\u200d🔬", "Việt Nam ậ", "क्ष", "e\u0301"):
        assert as_plain_text(text) == text


def test_marks_do_not_pile_up_over_other_lines() -> None:
    assert len(as_plain_text("a" + "\u0301" * 5000 + "b")) == 10


def test_an_entity_is_no_way_around() -> None:
    assert clean_html("<p>&#x202e;33 fo 33&#8297;&rlm;&#27;[2J&#x200b;</p>") == "<p>33 fo 33[2J</p>"


def test_a_table_does_not_take_the_browsers_evening() -> None:
    assert clean_html('<table><tbody><tr><td rowspan="65534" colspan="2">x</td></tr></tbody></table>') == (
        '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>'
    )


@pytest.mark.parametrize(
    ("value", "stays"),
    [("1em", True), ("-0.1667em", True), ("0.5ex 2em", True), ("-99em", False), ("999em", False), ("x" * 50, False)],
)
def test_a_length_is_a_modest_one(value: str, stays: bool) -> None:
    assert (modest("mspace", "width", value) == value) is stays


def test_half_a_character_does_not_stop_a_file_from_being_written() -> None:
    (output,) = safe_outputs([{"output_type": "stream", "name": "stdout", "text": "half \ud83d"}])
    assert output["text"].encode("utf-8") == b"half ?"


def test_long_text_is_cut_with_a_note() -> None:
    (output,) = safe_outputs([{"output_type": "stream", "name": "stdout", "text": "x" * 10**6}])
    assert len(output["text"]) < MAX_OUTPUT_CHARACTERS + 50
    assert "cut here" in output["text"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "output_type": st.sampled_from(["stream", "error", "display_data", "execute_result"]) | JSON,
        "name": st.sampled_from(["stdout", "stderr"]) | JSON,
        "text": st.text() | JSON,
        "ename": JSON,
        "evalue": JSON,
        "traceback": JSON,
        "execution_count": JSON,
        "metadata": JSON,
        "data": st.dictionaries(st.sampled_from(["text/plain", "text/html", "image/png"]), JSON) | JSON,
    },
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(OUTPUT | JSON, max_size=4) | JSON)
def test_whatever_comes_becomes_valid_outputs(outputs: Any) -> None:
    safe = safe_outputs(outputs)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=safe, id="a")])
    nbformat.validate(notebook)
    assert json.dumps(safe).encode("utf-8")
