"""The derivation of nbgrader's source notebook and of the released notebook from an author's file.

The release is the one that ``nbgrader generate_assignment`` would make.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.authoring.assignment import author_file
from autograder.authoring.colab import with_colab_cell
from autograder.authoring.lending_rules import refuse_bare_functions
from autograder.authoring.releasing import notebook_text, released
from autograder.authoring.source_cells import SourceCell, defined_names, read_source_cells
from autograder.course import Course
from autograder.errors import AuthoringError

__all__ = ["build_assignment", "build_course", "release_notebook", "source_notebook"]

_KEPT_METADATA = ("kernelspec", "language_info", "autograder")


def build_course(course: Course, names: list[str] | None = None) -> list[Path]:
    """Derive the notebooks of ``names`` (default: every assignment with a source). Return the files written."""
    known = sorted(folder.name for folder in course.source.iterdir() if author_file(folder) is not None)
    for name in names or []:
        if name not in known:
            raise AuthoringError(f"There is no assignment '{name}' in {course.source}. There are: {', '.join(known)}.")
    return [path for name in names or known for path in build_assignment(course, name)]


def build_assignment(course: Course, name: str) -> tuple[Path, Path]:
    """Write ``solutions/NAME/topic.ipynb`` and ``notebooks/NAME/topic.ipynb``, each only if it would change.

    Raises:
        AuthoringError: names the file, the cell and the exercise.
    """
    path = author_file(course.source / name)
    if path is None:
        raise AuthoringError(
            f"{course.source / name} holds no file named after its topic. Add it, or remove the folder."
        )
    source = source_notebook(path, name, course.config.colab_archive)
    paths = course.source / name / f"{path.stem}.ipynb", course.release / name / f"{path.stem}.ipynb"
    for target, notebook in zip(paths, (source, release_notebook(source)), strict=True):
        _write_if_changed(target, notebook)
    return paths


def source_notebook(path: Path, assignment: str, colab_archive: str = "") -> NotebookNode:
    """Return nbgrader's source notebook for the author's file at ``path``: all cells, with metadata, without outputs.

    Before the first code stands the cell that fetches ``colab_archive`` in Google Colab, if the course names one.
    """
    import jupytext

    try:
        written = jupytext.read(path, fmt="py:percent")
    except (OSError, ValueError, SyntaxError) as error:
        raise AuthoringError(f"{path} cannot be read as a percent file: {error}. Correct it.") from error
    notebook: NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.metadata.update({key: written.metadata[key] for key in _KEPT_METADATA if key in written.metadata})
    if "title" not in notebook.metadata.get("autograder", {}):
        raise AuthoringError(f"{path}: the header has no 'autograder: {{title: …}}'. Add one.")
    seen: Counter[str] = Counter()
    cells = with_colab_cell(list(read_source_cells(written.cells, path.name)), colab_archive)
    _refuse_bare_functions(cells, path.name)
    notebook.cells = [_notebook_cell(cell, assignment, seen) for cell in cells]
    return notebook


def _refuse_bare_functions(cells: list[SourceCell], where: str) -> None:
    given = "\n".join(cell.source for cell in cells if cell.kind == "given")
    exercises = {name for cell in cells if cell.kind == "exercise" for name in defined_names(cell.source)}
    for cell in cells:
        if cell.kind == "check":
            refuse_bare_functions(cell.grade_id, cell.source, given, exercises, where)


def release_notebook(source: NotebookNode) -> NotebookNode:
    """Return the students' notebook: stubs for solutions, no hidden tests, and given cells and checks not editable."""
    notebook: NotebookNode = nbformat.from_dict(released(source))  # type: ignore[no-untyped-call]
    return notebook


def _notebook_cell(cell: SourceCell, assignment: str, seen: Counter[str]) -> NotebookNode:
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    node: NotebookNode = make(source=cell.source, id=_cell_id(cell, assignment, seen))  # type: ignore[no-untyped-call]
    if cell.kind != "prose":
        node.metadata["autograder"] = _own_metadata(cell)
        node.metadata["nbgrader"] = _nbgrader_metadata(cell)
    return node


def _cell_id(cell: SourceCell, assignment: str, seen: Counter[str]) -> str:
    what = f"{assignment}/{cell.grade_id or cell.source}"
    seen[what] += 1
    return hashlib.sha256(f"{what}/{seen[what]}".encode()).hexdigest()[:12]


def _own_metadata(cell: SourceCell) -> dict[str, Any]:
    wanted = {"kind": cell.kind, "exercise": cell.exercise, "name": cell.name}
    return {key: value for key, value in wanted.items() if value}


def _nbgrader_metadata(cell: SourceCell) -> dict[str, Any]:
    solution = cell.kind in ("exercise", "answer")
    metadata = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "solution": solution,
        "grade": cell.kind in ("check", "answer"),
        "locked": not solution and cell.kind != "demo",  # Demonstrations are laboratories: no grade hangs on them.
        "task": False,
        "cell_type": cell.cell_type,
    }
    if metadata["grade"]:
        metadata["points"] = cell.points
    return metadata


def _write_if_changed(path: Path, notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    text = notebook_text(notebook)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
