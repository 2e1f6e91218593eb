"""The first cell of every notebook: in Google Colab it fetches what notebooks need; anywhere else it does nothing.

Colab opens a notebook alone, without the files beside it. It has numpy, matplotlib and torch already, and
``autograder.lab`` needs no more, so nothing is installed but the course's own tools and data, from one ZIP archive.
"""

from __future__ import annotations

import json

from autograder.authoring.source_cells import SourceCell

__all__ = ["colab_cell"]

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
_NOWHERE = """\
    raise RuntimeError(
        "This course does not say yet where Colab finds its tools and data. Open the notebook in JupyterLab, "
        "or ask your instructor to set colab_archive in course.toml."
    )
"""


def colab_cell(archive: str) -> SourceCell:
    """The cell for a course whose tools and data are in the ZIP ``archive``, an address; empty if there is none.

    It is a demo cell, so graders skip it and no grade depends on the address.
    """
    step = _FETCH.replace("@ARCHIVE@", json.dumps(archive)) if archive else _NOWHERE
    return SourceCell("demo", "code", (_OPENING + step).rstrip("\n"), grade_id="demo-colab")
