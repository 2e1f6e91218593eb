"""The comparison of a student's notebook with one that was handed out anew since, and what of it changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["KIT_FILE", "newer_version", "released_marks"]

KIT_FILE = "kit.json"
_SHOWN = 6


def released_marks(notebook: Mapping[str, Any]) -> dict[str, str]:
    """Return nbgrader's checksum, as handed out, of each of the course's cells with a name."""
    return dict(_marks(notebook.get("cells", ())))


def newer_version(notebook: Mapping[str, Any], path: Path, release: str = "") -> str:
    """Return what changed in the released notebook since the one at ``path`` was handed out; empty if nothing did.

    Args:
        notebook: the notebook as it is at ``path``.
        release: the released notebook as JSON text, where the course's sources are at hand; else the description of
            the kit around ``path`` is asked.
    """
    own = released_marks(notebook)
    latest = released_marks(json.loads(release)) if release else _in_kit(own, path)
    if not own or not latest:
        return ""
    changed = [name for name, mark in latest.items() if own.get(name, mark) != mark]
    added = [f"{name} (new)" for name in latest if name not in own and not _is_lost(name, own)]
    return _told([*changed, *added])


def _told(changed: list[str]) -> str:
    if not changed:
        return ""
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return (
        f"There is a newer version of this notebook. Changed since yours: {', '.join(changed[:_SHOWN])}{more}. "
        "Your work stays valid: the course's own cells are replaced by the newer ones when it is graded. "
        "Read them in the newer notebook."
    )


def _is_lost(name: str, own: Mapping[str, str]) -> bool:
    """Return whether the student's copy rather lost a cell than never had it: demos and prose may be deleted."""
    return name.startswith("demo")


def _in_kit(own: Mapping[str, str], path: Path) -> Mapping[str, str]:
    """Return the marks of the notebook in the nearest kit that shares most cells with it; empty if there is no kit."""
    kit = next((each / KIT_FILE for each in _folders(path) if (each / KIT_FILE).is_file()), None)
    if kit is None:
        return {}
    try:
        listed = [each["cells"] for each in json.loads(kit.read_text(encoding="utf-8"))["notebooks"].values()]
        best: dict[str, str] = max(listed, key=lambda cells: len(own.keys() & cells.keys()), default={})
        return best if 2 * len(own.keys() & best.keys()) > len(own) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # A damaged description tells nothing of the notebook.


def _folders(path: Path) -> list[Path]:
    here = path.resolve().parent
    return [here, *here.parents, Path.cwd(), *Path.cwd().parents]


def _marks(cells: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for cell in cells:
        metadata = cell.get("metadata") if isinstance(cell, Mapping) else None
        marks = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
        if isinstance(marks, Mapping) and marks.get("grade_id") and marks.get("checksum"):
            yield str(marks["grade_id"]), str(marks["checksum"])
