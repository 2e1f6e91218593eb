"""The comparison of a student's notebook with the one that was handed out: what is newer there, what is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.source_cells import text_version

__all__ = ["KIT_FILE", "Released", "missing_cells", "newer_version", "released_marks"]

KIT_FILE = "kit.json"
_SHOWN = 6
_HANDED_OUT = "The notebook that was handed out"
_FRESH_COPY = "To be sure that all of your work is checked, take a fresh copy and put your work into it."
_RELEASED_ID = re.compile(r"[0-9a-f]{12}")  # As a build makes them; JupyterLab's own have dashes.
_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$", re.MULTILINE)


class Released(msgspec.Struct, frozen=True):
    """The marks by which a newer version of a notebook is told from an older one, whatever a student wrote into it.

    Attributes:
        cells: nbgrader's checksum, as handed out, of each of the course's cells with a name.
        text: the heading above each cell of text, by the cell's id, which is a hash of the text as handed out.
        version: a hash of all cells of text as handed out; empty if the notebook does not know it.
    """

    cells: dict[str, str]
    text: dict[str, str] = {}
    version: str = ""


def released_marks(notebook: Mapping[str, Any]) -> Released:
    """Return the marks of ``notebook``, which may hold a student's work."""
    cells = [cell for cell in notebook.get("cells", ()) if isinstance(cell, Mapping)]
    version = _own_metadata(notebook).get("text", "")
    return Released(dict(_marks(cells)), dict(_text(cells)), version if isinstance(version, str) else "")


def newer_version(notebook: Mapping[str, Any], path: Path, release: str = "") -> str:
    """Return what changed in the released notebook since the one at ``path`` was handed out; empty if nothing did.

    Args:
        notebook: the notebook as it is at ``path``.
        release: the released notebook as JSON text, where the course's sources are at hand; else the description of
            the kit around ``path`` is asked.
    """
    own = released_marks(notebook)
    latest = released_marks(json.loads(release)) if release else _in_kit(own, path)
    if not own.cells or latest is None or not latest.cells:
        return ""
    changed = [name for name, mark in latest.cells.items() if own.cells.get(name, mark) != mark]
    text = _changed_text(own, latest)
    replaced = bool(changed or text or own.cells.keys() - latest.cells.keys())
    added = [f"{name} (new)" for name in latest.cells if replaced and name not in own.cells and _is_given(name)]
    return _told([*changed, *added, *text])


def missing_cells(notebook: Mapping[str, Any], path: Path) -> str:
    """Return what the notebook at ``path`` lacks of the one that was handed out; empty if nothing, or if nobody knows.

    The kit around ``path`` knows every cell. Without one, the notebook lists its exercises, checks and questions,
    and its hash of its text tells that a part of that is gone.
    """
    own = released_marks(notebook)
    latest = _in_kit(own, path)
    listed = [name for name in latest.cells if not _may_lack(name)] if latest else _listed_in(notebook)
    lost = [name for name in listed if name not in own.cells]
    if lost:
        return f"{_HANDED_OUT} has cells that are not in this one: {_shown(lost)}. {_FRESH_COPY}"
    if latest or not own.version or not own.text or text_version(own.text) == own.version:
        return ""
    return f"{_HANDED_OUT} has text that is not in this one, or is elsewhere; exercises may be missing. {_FRESH_COPY}"


def _listed_in(notebook: Mapping[str, Any]) -> list[str]:
    """Return the names of the cells that the build listed in ``notebook``; empty if it listed none."""
    names = _own_metadata(notebook).get("cells")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _own_metadata(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = notebook.get("metadata")
    own = metadata.get("autograder") if isinstance(metadata, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def _changed_text(own: Released, latest: Released) -> list[str]:
    """Return the places in which cells of text were corrected. One that a student deleted or edited is no correction.

    Copies without a version tell only of a text in place of another one: a paragraph that was added might as well have
    been deleted by the student.
    """
    withdrawn = own.text.keys() - latest.text.keys()
    if own.version == latest.version if own.version and latest.version else not (latest.text and withdrawn):
        return []
    headings = [heading for name, heading in latest.text.items() if name not in own.text]
    headings = headings or [own.text[name] for name in own.text if name in withdrawn]
    return [f"the text under “{heading}”" if heading else "the text at the beginning"
            for heading in dict.fromkeys(headings)]  # fmt: skip


def _told(changed: list[str]) -> str:
    if not changed:
        return ""
    return (
        f"There is a newer version of this notebook. Changed since yours: {_shown(changed)}. "
        "Your work stays valid: the course's own cells are replaced by the newer ones when it is graded. "
        "Read them in the newer notebook."
    )


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _is_given(name: str) -> bool:
    return name.startswith("given")


def _may_lack(name: str) -> bool:
    """Return whether a cell counts for nothing by itself: demonstrations may be deleted, given cells get new names."""
    return name.startswith("demo") or _is_given(name)


def _in_kit(own: Released, path: Path) -> Released | None:
    """Return the marks of the notebook in the nearest kit that shares most cells with it; None if there is no kit."""
    kit = next((each / KIT_FILE for each in _folders(path) if (each / KIT_FILE).is_file()), None)
    if kit is None:
        return None
    try:
        listed = json.loads(kit.read_text(encoding="utf-8"))["notebooks"].values()
        found = [msgspec.convert({key: value for key, value in each.items() if key != "sha256"}, Released)
                 for each in listed]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # A damaged description tells nothing of the notebook. (msgspec's errors are ValueErrors.)
    best = max(found, key=lambda each: len(own.cells.keys() & each.cells.keys()), default=None)
    if best is None or 2 * len(own.cells.keys() & best.cells.keys()) <= len(own.cells):
        return None
    return best


def _folders(path: Path) -> list[Path]:
    here = path.resolve().parent
    return [here, *here.parents, Path.cwd(), *Path.cwd().parents]


def _marks(cells: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    for cell in cells:
        marks = _nbgrader(cell)
        if marks.get("grade_id") and marks.get("checksum"):
            yield str(marks["grade_id"]), str(marks["checksum"])


def _text(cells: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    heading = ""
    for cell in cells:
        if cell.get("cell_type") != "markdown" or _nbgrader(cell):
            continue
        source = cell.get("source", "")
        found = _HEADING.findall(source if isinstance(source, str) else "".join(map(str, source)))
        heading = found[-1] if found else heading
        if _RELEASED_ID.fullmatch(str(cell.get("id"))):
            yield str(cell["id"]), heading


def _nbgrader(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    return marks if isinstance(marks, Mapping) else {}
