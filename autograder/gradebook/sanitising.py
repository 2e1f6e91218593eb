"""Outputs that a student's code produced, made safe to show to a person in a browser."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import nh3

if TYPE_CHECKING:
    from autograder.gradebook.picture_store import Album

__all__ = ["MAX_OUTPUT_CHARACTERS", "clean_html", "as_plain_text", "safe_outputs"]

MAX_OUTPUT_CHARACTERS = 20_000
"""The most characters of text that are kept of one output."""

_MAX_OUTPUTS = 50
_MAX_IMAGE = 4 * 1024 * 1024
_MAX_PIXELS = 25_000_000
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-9;?]{0,40}[ -/]{0,9}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TAGS = {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "br", "b", "i", "em", "strong",
               "code", "pre", "ul", "ol", "li", "span", "div", "sub", "sup", "hr", "h1", "h2", "h3", "h4"}  # fmt: skip


def clean_html(html: str) -> str:
    """Return ``html`` with a short list of harmless tags and no attribute that can load, link or run anything."""
    spans = {"colspan", "rowspan"}
    cleaned: str = nh3.clean(html, tags=_TAGS, attributes={"td": spans, "th": spans}, url_schemes=set(), link_rel=None)
    return cleaned


def as_plain_text(text: Any, limit: int = MAX_OUTPUT_CHARACTERS) -> str:
    """Return ``text`` without terminal and bidirectional control characters, cut at ``limit`` with a note."""
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    if not isinstance(text, str):
        return ""
    encodable = str(text)[: 4 * limit].encode("utf-8", errors="replace").decode("utf-8")
    plain = _CONTROL.sub("", _ANSI.sub("", encodable))
    return plain if len(plain) <= limit else plain[:limit] + "\n… (cut here)"


def safe_outputs(outputs: Any, album: Album | None = None) -> list[dict[str, Any]]:
    """Return what may be shown of ``outputs``: streams, errors, plain text, simple HTML, PNG and JPEG; valid nbformat.

    With an ``album`` every picture is exchanged for a checked one, or for words that tell why it is not shown.
    """
    if not isinstance(outputs, Sequence):
        return []
    made = [_safe_output(output, album) for output in outputs[:_MAX_OUTPUTS] if isinstance(output, dict)]
    return [output for output in made if output is not None]


def _safe_output(output: dict[str, Any], album: Album | None) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": as_plain_text(output.get("text"))}
    if kind == "error":
        return _safe_error(output)
    if kind in ("display_data", "execute_result"):
        safe: dict[str, Any] = {"output_type": kind, "metadata": {}, "data": _safe_data(output.get("data"), album)}
        if kind == "execute_result":
            count = output.get("execution_count")
            safe["execution_count"] = count if isinstance(count, int) and not isinstance(count, bool) else None
        return safe if safe["data"] else None
    return None


def _safe_error(output: dict[str, Any]) -> dict[str, Any]:
    lines = output.get("traceback")
    lines = lines[:100] if isinstance(lines, list) else []
    return {
        "output_type": "error",
        "ename": as_plain_text(output.get("ename"), 100) or "Error",
        "evalue": as_plain_text(output.get("evalue"), 2000),
        "traceback": [as_plain_text(line, 2000) for line in lines if isinstance(line, str)],
    }


def _safe_data(data: Any, album: Album | None) -> dict[str, str]:
    """Return of each kind of data only what cannot run: no script, SVG, LaTeX, Markdown or widget."""
    if not isinstance(data, dict):
        return {}
    safe = {}
    for kind, signature in _SIGNATURES.items():
        if image := _safe_image(data.get(kind), signature):
            safe.update(_redrawn(kind, image, album))
    if html := data.get("text/html"):
        cleaned = clean_html(as_plain_text(html))
        if cleaned.strip():
            safe["text/html"] = cleaned
    if (text := as_plain_text(data.get("text/plain"))) and "text/plain" not in safe:
        safe["text/plain"] = text
    return safe


def _redrawn(kind: str, image: str, album: Album | None) -> dict[str, str]:
    if album is None:
        return {kind: image}
    picture = album.picture(base64.b64decode(image))
    if isinstance(picture, str):
        return {"text/plain": f"[A figure is not shown: {picture}.]"}
    return {picture.kind: picture.text}


def _safe_image(value: Any, signature: bytes) -> str | None:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str) or len(value) > _MAX_IMAGE:
        return None
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(signature) or (signature == _SIGNATURES["image/png"] and not _modest_png(content)):
        return None
    return base64.b64encode(content).decode("ascii")


def _modest_png(content: bytes) -> bool:
    """Return whether a PNG's header names a size that a browser can show: a small file may unfold to gigabytes."""
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    return 0 < width * height <= _MAX_PIXELS
