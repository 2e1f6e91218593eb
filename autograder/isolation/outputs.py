"""The check of a student's outputs on arrival; `autograder.gradebook.sanitising` makes them safe to show."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

from autograder.isolation.failures import plain_text

__all__ = ["checked_outputs", "total_size"]

Output = dict[str, Any]

MAX_OUTPUTS = 400
MAX_TEXT = 200_000
MAX_STREAM = 1 << 19
MAX_TOTAL = 16 << 20
MAX_PNG_BYTES = 4 << 20
MAX_PNG_SIDE = 6000
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT_KINDS = ("text/plain", "text/html", "text/markdown", "text/latex")


def checked_outputs(claimed: list[Any], left: int = MAX_TOTAL) -> list[Output]:
    """Return the well-formed outputs of allowed kinds, up to the caps, with a note if these left some out.

    Args:
        claimed: the outputs as they came.
        left: the number of characters that the submission may still show.
    """
    kept: list[Output] = []
    total, most = 0, min(MAX_TOTAL, left)
    for item in claimed[:MAX_OUTPUTS]:
        output = _checked(item)
        total += _size(output) if output else 0
        if total > most:
            break
        if output:
            kept.append(output)
    if len(claimed) > MAX_OUTPUTS or total > most:
        kept.append({"output_type": "stream", "name": "stdout", "text": "\n[more output was left out]\n"})
    return kept


def total_size(outputs: list[Output]) -> int:
    """Return the number of characters of all outputs."""
    return sum(map(_size, outputs))


def _checked(item: Any) -> Output | None:
    match item:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": _terminal_text(text, MAX_STREAM)}
        case {"output_type": "error", "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            traceback = [plain_text(line, 4000) for line in lines[:60] if type(line) is str]
            error = {"ename": plain_text(name, 80), "evalue": plain_text(value, 2000), "traceback": traceback}
            return {"output_type": "error", **error}
        case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
            output: Output = {"output_type": kind, "data": _checked_data(data), "metadata": {}}
            if kind == "execute_result":
                count = item.get("execution_count")
                output["execution_count"] = count if type(count) is int and 0 <= count < 1 << 31 else None
            return output if output["data"] else None
    return None


def _checked_data(data: dict[Any, Any]) -> dict[str, str]:
    kept = {kind: plain_text(data[kind], MAX_TEXT) for kind in _TEXT_KINDS if type(data.get(kind)) is str}
    picture = _checked_png(data.get("image/png"))
    if picture:
        kept["image/png"] = picture
    return kept


def _checked_png(claimed: Any) -> str | None:
    """Return the picture, encoded again, if it is a PNG of a sensible size by its own header."""
    if type(claimed) is not str or len(claimed) > MAX_PNG_BYTES * 4 // 3 + 4:
        return None
    try:
        raw = base64.b64decode(claimed.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) < 24 or not raw.startswith(_PNG) or raw[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", raw[16:24])
    if not (0 < width <= MAX_PNG_SIDE and 0 < height <= MAX_PNG_SIDE):
        return None
    return base64.b64encode(raw).decode()


def _size(output: Output) -> int:
    data = output.get("data") or {}
    return sum(map(len, data.values())) + len(output.get("text", "")) + sum(map(len, output.get("traceback", ())))


def _terminal_text(text: str, limit: int) -> str:
    """Return the text as a terminal would leave it: of each line only what follows the last carriage return."""
    lines = text[: 4 * limit].replace("\r\n", "\n").split("\n")
    return plain_text("\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines), limit)
