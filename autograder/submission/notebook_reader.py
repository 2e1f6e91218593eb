"""The reader of submitted files: from bytes to a notebook as plain data, or to a message that tells why not.

From notebook JSON that does not parse, because it is truncated or a few bytes were changed, cells are salvaged. Only
whole ones come out: a cell counts as read when its source and its name were decoded without error. Outputs are not
needed for grading, so damage within them costs nothing.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from autograder.errors import UnreadableSubmission
from autograder.files import first_link, open_handed_in
from autograder.submission.model import Repair

__all__ = ["MAX_BYTES", "RawNotebook", "load", "read_submission", "salvage_cells"]

# ---- the salvage of cells

_MAX_CHARACTERS = 16 * 1024 * 1024
_MAX_DAMAGED = 20  # Each costs a scan of the rest of the file.
_CELL_LIST = re.compile(r'"cells"\s*:\s*\[')
_CELL_START = re.compile(r'\{\s*"(?:attachments|cell_type|execution_count|id|metadata)"\s*:')
_CELLS_END = re.compile(r'\]\s*,\s*"metadata"\s*:\s*\{[^\[\]]*"nbformat')
_SEPARATOR = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(strict=False)


def salvage_cells(text: str) -> tuple[list[dict[str, Any]], int]:
    """Return the cells that can be read whole, in order, and the number of damaged ones that cannot.

    An empty list means that there is nothing to go on. A file that breaks off within a cell counts that cell
    as lost; what may have followed is unknown.
    """
    opening = _CELL_LIST.search(text)
    if opening is None or len(text) > _MAX_CHARACTERS:
        return [], 0
    cells: list[dict[str, Any]] = []
    damaged = lost = 0
    position = opening.end()
    while damaged <= _MAX_DAMAGED:
        position = _skip(text, position)
        if position >= len(text):
            return cells, max(lost, 1)  # The list was never closed: whatever followed is gone.
        if text[position] == "]":
            return cells, lost
        whole = _whole_cell(text, position)
        if whole is not None:
            cell, position = whole
            cells.append(cell)
            continue
        damaged += 1
        end = _next_cell(text, position + 1)
        rescued = _rescue(text[position:end])
        if rescued is None:
            lost += 1
        else:
            cells.append(rescued)
        position = end
    return [], 0


def _skip(text: str, position: int) -> int:
    match = _SEPARATOR.match(text, position)
    return match.end() if match else position


def _whole_cell(text: str, position: int) -> tuple[dict[str, Any], int] | None:
    try:
        value, end = _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None
    return (value, end) if _is_cell(value) else None


def _is_cell(value: Any) -> bool:
    return isinstance(value, dict) and "cell_type" in value and ("source" in value or "input" in value)


def _next_cell(text: str, position: int) -> int:
    """Return where the next whole cell starts, or the list of cells ends, or the text does."""
    for attempt, match in enumerate(_CELL_START.finditer(text, position)):
        if attempt > 1000:
            break
        if _whole_cell(text, match.start()) is not None:
            return match.start()
    closing = _CELLS_END.search(text, position)
    return closing.start() if closing else len(text)


def _rescue(segment: str) -> dict[str, Any] | None:
    """Return a cell whose outputs are damaged but whose own fields are not."""
    fields = {name: _field(segment, name) for name in ("cell_type", "id", "metadata")}
    source = _field(segment, "source", last=True)
    named = isinstance(fields["id"], str) or (isinstance(fields["metadata"], dict) and "nbgrader" in fields["metadata"])
    if source is None or not named or not isinstance(fields["cell_type"], str):
        return None
    return {name: value for name, value in fields.items() if value is not None} | {"source": source}


def _field(segment: str, name: str, *, last: bool = False) -> Any:
    matches = list(re.finditer(rf'"{name}"\s*:\s*', segment))
    if not matches:
        return None
    try:
        return _DECODER.raw_decode(segment, matches[-1 if last else 0].end())[0]
    except (ValueError, RecursionError):
        return None


# ---- the reading of files

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes of a file that is read. Notebooks of the course are well under 1 MB, with figures a few MB."""

MAX_PARTS = 2_000_000
"""The most lists and objects in a file, as its brackets tell: each takes 70 bytes here, and two in the file."""

_UPLOAD_AGAIN = "Open it in Jupyter, check that it shows your work, save it and submit it again."
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) .*$", re.MULTILINE)
_SIGNATURES = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


class RawNotebook(dict[str, Any]):
    """A notebook as it came, with the repairs that reading it has already made.

    Attributes:
        origin: the name of the file, for messages.
        repairs: the repairs that were needed to read it.
        lost: the number of cells that could not be read at all; None unless the file is damaged.
        garbled: whether bytes that were not text were replaced, possibly within code.
    """

    def __init__(
        self,
        content: dict[str, Any],
        origin: str,
        repairs: tuple[Repair, ...] = (),
        lost: int | None = None,
        garbled: bool = False,
    ) -> None:
        super().__init__(content)
        self.origin = origin
        self.repairs = repairs
        self.lost = lost
        self.garbled = garbled


def load(path: Path) -> RawNotebook:
    """Read the notebook file at ``path``; its size is checked before a byte is read.

    Raises:
        UnreadableSubmission: it is missing, not a regular file, too large or not a notebook, or it or one of the two
            folders above it is a link.
    """
    try:
        descriptor = open_handed_in(path)
    except OSError as error:
        raise UnreadableSubmission(_why_not_opened(path, error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableSubmission(f"{path} is not a regular file. Submit the notebook file itself.")
        _check_size(status.st_size, str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableSubmission(_why_not_opened(path, error)) from error
    finally:
        os.close(descriptor)
    return read_submission(data, str(path))


def read_submission(data: bytes, origin: str) -> RawNotebook:
    """Return the notebook held by ``data``, as the plain data that its JSON describes.

    A file in another encoding, with control characters in strings, or with damaged or missing parts is read
    as far as that is unambiguous; ``repairs`` and ``lost`` of the result tell what was done.

    Args:
        data: the file's bytes.
        origin: the file's name, used in messages.

    Raises:
        UnreadableSubmission: there is no notebook in it.
    """
    _check_size(len(data), origin)
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableSubmission(f"{origin} is empty. {_UPLOAD_AGAIN}")
    _check_signature(data, origin)
    text, repairs = _decode(data, origin)
    if text.count("{") + text.count("[") > MAX_PARTS:
        raise UnreadableSubmission(
            f"{origin} contains more than {MAX_PARTS:,} lists and objects. "
            "Clear the outputs (Edit, Clear Outputs of All Cells), save, and submit again."
        )
    try:
        content = _parse(text)
    except (ValueError, RecursionError) as error:
        return _salvage(text, origin, repairs, error)
    if not isinstance(content, dict):
        raise UnreadableSubmission(f"{origin} contains {_json_kind(content)}, not a notebook. {_UPLOAD_AGAIN}")
    if not isinstance(content.get("cells"), list) and not isinstance(content.get("worksheets"), list):
        raise UnreadableSubmission(f"{origin} is JSON but has no list of cells, so it is no notebook. {_UPLOAD_AGAIN}")
    return RawNotebook(content, origin, repairs, garbled=bool(repairs))


def _why_not_opened(path: Path, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"{first_link(path)} is a symbolic link. Put the notebook file itself, or its folder, in its place."
    if error.errno == errno.ENOENT:
        return f"{path} does not exist. Check that the notebook has its released name, and submit it again."
    return f"{path} cannot be read: {error.strerror}. Check its permissions and collect it again."


def _check_size(size: int, origin: str) -> None:
    if size > MAX_BYTES:
        raise UnreadableSubmission(
            f"{origin} has {size / 2**20:.0f} MB; the limit is {MAX_BYTES // 2**20} MB. "
            "Clear the outputs (Edit, Clear Outputs of All Cells), save, and submit again."
        )


def _check_signature(data: bytes, origin: str) -> None:
    head = data[:64].lstrip().lower()
    for signature, kind in _SIGNATURES:
        if head.startswith(signature.lower()):
            raise UnreadableSubmission(f"{origin} is {kind}, not a notebook. Submit the .ipynb file itself.")


def _parse(text: str) -> Any:
    """Return the value of JSON that may hold raw control characters in strings, as some editors write."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(text, strict=False)


def _decode(data: bytes, origin: str) -> tuple[str, tuple[Repair, ...]]:
    """Return the file's text, and the assumptions that had to be made about its encoding."""
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return _decode_as(data, "utf-32", "UTF-32", origin)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decode_as(data, "utf-16", "UTF-16", origin)
    if b"\0" in data[:4]:  # A notebook starts with an ASCII brace: the zero bytes tell the order.
        return _decode_as(data, "utf-16-be" if data[0] == 0 else "utf-16-le", "UTF-16", origin)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return _decode_damaged(data)


def _decode_as(data: bytes, codec: str, name: str, origin: str) -> tuple[str, tuple[Repair, ...]]:
    try:
        text = data.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UnreadableSubmission(
            f"{origin} starts as {name} text but is damaged further on. {_UPLOAD_AGAIN}"
        ) from error
    return text, (
        Repair(
            "",
            f"Your file was saved as {name} text. We read it as such.",
            "Notebooks are UTF-8. Nothing was lost.",
        ),
    )


def _decode_damaged(data: bytes) -> tuple[str, tuple[Repair, ...]]:
    """Decode bytes that are not UTF-8: Latin-1 if nothing in them looks like UTF-8, otherwise UTF-8 with damage."""
    replaced = data.decode("utf-8", errors="replace")
    if any(ord(character) > 127 and character != "\ufffd" for character in replaced):
        return replaced, (
            Repair(
                "",
                "Your file contains bytes that are not text. We read the rest.",
                "Files can be damaged on their way. If your code below looks right, nothing was lost.",
            ),
        )
    return data.decode("latin-1"), (
        Repair(
            "",
            "Your file was saved as Latin-1 text. We read it as such.",
            "Notebooks are UTF-8. If your code below looks right, nothing was lost.",
        ),
    )


def _salvage(text: str, origin: str, repairs: tuple[Repair, ...], error: Exception) -> RawNotebook:
    _refuse_conflict(text, origin)
    cells, lost = salvage_cells(text)
    if not cells:
        raise UnreadableSubmission(f"{origin} is not a notebook: {_first_line(error)}. {_UPLOAD_AGAIN}") from error
    repair = Repair(
        "",
        "Your file is damaged or cut off. "
        + ("We could read all its cells." if not lost else f"We could read all its cells but {lost}."),
        "None of your work was in the damaged part, so your grade does not suffer.",
    )
    return RawNotebook(
        {"cells": cells, "nbformat": 4, "nbformat_minor": 5}, origin, (*repairs, repair), lost, bool(repairs)
    )


def _refuse_conflict(text: str, origin: str) -> None:
    """Refuse a file with both sides of a merge: which one is the student's work, nobody here can know."""
    mark = _CONFLICT.search(text)
    if mark is not None:
        line = text.count("\n", 0, mark.start()) + 1
        raise UnreadableSubmission(
            f"{origin} contains an unresolved merge conflict (line {line}: '{mark[0][:40].strip()}'). "
            "Resolve it with git, so that one version is left, open the notebook in Jupyter and submit it again."
        )


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    lines = str(error).splitlines() or ["it cannot be read"]
    return lines[0][:200]


def _json_kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
