"""The student's cells in one plain form, from a notebook as some program saved it."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from autograder.errors import UnreadableSubmission
from autograder.submission.model import Attachment, Repair

__all__ = ["MAX_CELLS", "MAX_TEXT", "StudentCell", "attachments_of", "read_student_cells"]

MAX_CELLS = 5000
MAX_TEXT = 500_000
"""The most characters of code and text in all cells together, without pictures: an honest notebook has a quarter."""

_PICTURE = re.compile(r"data:image/[\w.+-]{1,40};base64,([A-Za-z0-9+/%]{100,})", re.ASCII)
_MOST_ATTACHMENTS = 100
_SAVE_AGAIN = "Open it in Jupyter, save it and submit it again."


class StudentCell(msgspec.Struct, frozen=True):
    """A cell of the submitted file, whatever it claims to be.

    ``number`` counts from 1, as a person would in the file. ``grade_id``, ``cell_id`` and ``points`` are what
    its metadata holds, or None: claims, used to recognise the cell and for nothing else.
    """

    number: int
    cell_type: str
    source: str
    grade_id: str | None = None
    cell_id: str | None = None
    points: float | None = None
    tags: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def label(self) -> str:
        """The cell's name in a message: ``cell 7``."""
        return f"cell {self.number}"

    @property
    def text(self) -> str:
        """The source as it compares: without trailing blanks and blank lines around it."""
        return "\n".join(line.rstrip() for line in self.source.strip().split("\n"))


def read_student_cells(notebook: Mapping[str, Any], origin: str) -> tuple[list[StudentCell], list[Repair]]:
    """Return every cell of ``notebook`` in order, and the repairs that reading them needed.

    Raises:
        UnreadableSubmission: it has no cells, too many of them or too much text, or is of a format that cannot be
            converted.
    """
    repairs: list[Repair] = []
    raw_cells = _cell_list(notebook, origin, repairs)
    _refuse_too_many(len(raw_cells), origin)
    cells = []
    for number, raw in enumerate(raw_cells, start=1):
        cell = _student_cell(number, raw, repairs)
        if cell is not None:
            cells.append(cell)
    _refuse_endless_text(cells, origin)
    if not any(cell.source.strip() for cell in cells):
        raise UnreadableSubmission(f"{origin} is a notebook without any text in its cells. {_SAVE_AGAIN}")
    return cells, repairs


def _refuse_too_many(cells: int, origin: str) -> None:
    if cells > MAX_CELLS:
        raise UnreadableSubmission(
            f"{origin} has {cells} cells; the limit is {MAX_CELLS}. "
            "Delete what does not belong to the assignment and submit it again."
        )


def _refuse_endless_text(cells: Sequence[StudentCell], origin: str) -> None:
    """Refuse more than anybody writes: to find out what it is would cost the grader seconds for each megabyte."""
    sizes = {cell.label: _written(cell) for cell in cells}
    written = sum(sizes.values())
    if written > MAX_TEXT:
        longest = max(sizes, key=sizes.__getitem__)
        raise UnreadableSubmission(
            f"{origin} has {written:,} characters of code and text, {sizes[longest]:,} of them in {longest}; "
            f"the limit is {MAX_TEXT:,}. Take out data that was pasted into it and submit it again."
        )


def _written(cell: StudentCell) -> int:
    """Return the number of characters of a cell, without those of pictures in text."""
    pictures = [] if cell.cell_type == "code" else _PICTURE.findall(cell.source)
    return len(cell.source) - sum(map(len, pictures))


def _cell_list(notebook: Mapping[str, Any], origin: str, repairs: list[Repair]) -> list[Any]:
    """Return the notebook's cells in the form of format 4."""
    cells = notebook.get("cells")
    version = notebook.get("nbformat")
    if isinstance(cells, list):
        if version not in (4, "4"):
            repairs.append(
                Repair(
                    "",
                    "Your file does not state that it is in notebook format 4, but it is. We read it as such.",
                    "Nothing was lost.",
                )
            )
        return cells
    upgraded = _upgraded(notebook, origin)
    repairs.append(
        Repair(
            "",
            "Your file is in the old notebook format 3. We converted it to format 4.",
            "Some older programs still save it. Nothing was lost.",
        )
    )
    return upgraded


def _upgraded(notebook: Mapping[str, Any], origin: str) -> list[Any]:
    """Return the cells of a notebook in format 1, 2 or 3, converted by nbformat."""
    sheets = notebook.get("worksheets")
    if not isinstance(sheets, list):
        raise UnreadableSubmission(f"{origin} has no list of cells. {_SAVE_AGAIN}")
    found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, Mapping)]
    cells = [_without_outputs(cell) for part in found if isinstance(part, list) for cell in part]
    _refuse_too_many(len(cells), origin)  # Before they are converted, which takes longer than all the rest.
    import nbformat  # rarely needed, and slow to import

    plain = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    logger = logging.getLogger("traitlets")
    # nbformat would log the whole notebook when it is invalid.
    disabled, logger.disabled = logger.disabled, True
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            converted = nbformat.convert(nbformat.from_dict(plain), 4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat fails in many ways on odd input; all of them mean the same here.
        raise UnreadableSubmission(
            f"{origin} is in the old notebook format 3 and cannot be converted ({type(error).__name__}). " + _SAVE_AGAIN
        ) from error
    finally:
        logger.disabled = disabled
    return list(converted["cells"])


def _without_outputs(cell: Any) -> Any:
    """Return a cell of format 3 as it is to be converted: nobody looks at what it showed."""
    return {key: [] if key == "outputs" else value for key, value in cell.items()} if type(cell) is dict else cell


def _student_cell(number: int, raw: Any, repairs: list[Repair]) -> StudentCell | None:
    label = f"cell {number}"
    if not isinstance(raw, Mapping):
        repairs.append(Repair(label, "This was not a cell, so we left it out.", "It contained neither code nor text."))
        return None
    source = _source(raw.get("source"))
    if source is None:
        source = ""
        repairs.append(
            Repair(
                label,
                "This cell's text could not be read, so we took it as empty.",
                "A cell contains plain text.",
            )
        )
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    marks = metadata.get("nbgrader")
    marks = marks if isinstance(marks, Mapping) else {}
    return StudentCell(
        number=number,
        cell_type=_cell_type(raw, label, repairs),
        source=source,
        grade_id=_text(marks.get("grade_id")),
        cell_id=_text(raw.get("id")) or _text(metadata.get("id")),  # Colab keeps its id in the metadata.
        points=_number(marks.get("points")),
        tags=_tags(metadata.get("tags")),
        attachments=attachments_of(raw),
    )


def _source(value: Any) -> str | None:
    """Return a cell's text with line feeds only and no lone surrogates; None if it is not text at all."""
    if value is None:
        return ""
    if isinstance(value, list):
        if not all(isinstance(line, str) for line in value):
            return None
        value = "".join(value)
    if not isinstance(value, str):
        return None
    value = value.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return str(value).encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace")


def _cell_type(raw: Mapping[str, Any], label: str, repairs: list[Repair]) -> str:
    kind = raw.get("cell_type")
    if kind in ("code", "markdown", "raw"):
        return str(kind)
    if kind == "heading":
        return "markdown"
    guess = "code" if "outputs" in raw or "execution_count" in raw else "markdown"
    repairs.append(
        Repair(
            label,
            f"The file does not show whether this cell is code or text. We took it as {_word(guess)}.",
            "A cell must be one of the two.",
        )
    )
    return guess


def _word(cell_type: str) -> str:
    return "code" if cell_type == "code" else "text"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _number(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and abs(value) < 1e9 else None


def _tags(value: Any) -> tuple[str, ...]:
    return tuple(tag[:60] for tag in value[:20] if isinstance(tag, str)) if isinstance(value, list) else ()


def attachments_of(raw: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Return a cell's files, in one form each: PNG or JPEG where there is a choice, as Jupyter chooses."""
    claimed = raw.get("attachments")
    if not isinstance(claimed, Mapping):
        return ()
    found = (_attachment(name, bundle) for name, bundle in list(claimed.items())[:_MOST_ATTACHMENTS])
    return tuple(each for each in found if each is not None)


def _attachment(name: Any, bundle: Any) -> Attachment | None:
    if not _text(name) or not isinstance(bundle, Mapping):
        return None
    forms = {kind: _joined(data) for kind, data in bundle.items() if _text(kind)}
    for kind in ("image/png", "image/jpeg", *forms):
        if forms.get(kind) is not None:
            return Attachment(name, kind, forms[kind] or "")
    return None


def _joined(data: Any) -> str | None:
    """Return the text of a value that notebooks hold as one string or as a list of lines; None for anything else."""
    return _source(data) if isinstance(data, str | list) else None
