"""A cell that fetches what notebooks need in Google Colab, and does nothing anywhere else.

A course that names no archive has no such cell: a first cell that can only fail is in everybody's way.

Colab opens a notebook alone, without the files beside it. It has numpy, matplotlib and torch already, and
``autograder.lab`` needs no more, so nothing is installed but the course's own tools and data, from one ZIP archive.
"""

from __future__ import annotations

import json

from autograder.authoring.source_cells import SourceCell

__all__ = ["colab_cell", "with_colab_cell"]

_OPENING = """\
# Only in Google Colab: fetch the course's tools and data. Anywhere else this cell does nothing.
import sys

if "google.colab" in sys.modules:
"""
_FETCH = """\
    import io, pathlib, urllib.request, zipfile

    with urllib.request.urlopen(@ARCHIVE@) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    names, mark = archive.namelist(), "autograder/lab/__init__.py"
    top = next(name for name in names if name.endswith(mark)).removesuffix(mark)
    wanted = (f"{top}autograder/__init__.py", f"{top}autograder/lab/", f"{top}data/course/")
    archive.extractall("course", [name for name in names if name.startswith(wanted)])
    sys.path.insert(0, str(pathlib.Path("course", top).resolve()))
"""


def with_colab_cell(cells: list[SourceCell], archive: str) -> list[SourceCell]:
    """Return the cells with one that fetches the ZIP ``archive`` before the first code; unchanged if it is empty."""
    if not archive:
        return cells
    first = next((place for place, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    return [*cells[:first], colab_cell(archive), *cells[first:]]


def colab_cell(archive: str) -> SourceCell:
    """Return the cell for a course whose tools and data are in the ZIP at the address ``archive``.

    It is a demo cell, so graders skip it and no grade depends on the address.
    """
    source = _OPENING + _FETCH.replace("@ARCHIVE@", json.dumps(archive))
    return SourceCell("demo", "code", source.rstrip("\n"), grade_id="demo-colab")
