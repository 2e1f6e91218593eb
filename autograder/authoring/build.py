"""The notebooks built from an author's file: the source notebook, and the release for students.

The release is the one that ``nbgrader generate_assignment`` would make.

In Google Colab a notebook opens alone, without the files beside it. If the course names an archive, a first code cell
fetches what is missing there, and does nothing anywhere else. Colab has numpy, matplotlib and torch already, and
``autograder.lab`` needs no more, so only the course's own tools and data are installed, from one ZIP archive. A course
that names no archive has no such cell: a first cell that can only fail is in everybody's way.

Checks may hand no function of a library (math, numpy, scipy, torch), and no solution, to a student's code. Such a
function takes far more than the exercise needs: ``np.tanh(x, where=False)`` returns memory that was never written. A
function of the check's own, ``lambda x: np.tanh(x)``, takes only what it names.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.authoring.assignment import author_file
from autograder.authoring.source_cells import (
    SourceCell,
    defined_names,
    notebook_text,
    read_source_cells,
    released,
    text_version,
)
from autograder.course import Course
from autograder.errors import AuthoringError

__all__ = [
    "build_assignment",
    "build_course",
    "colab_cell",
    "refuse_bare_functions",
    "release_notebook",
    "source_notebook",
    "with_colab_cell",
]


# ---- the cell for Google Colab

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


# ---- functions that checks may not hand over

_LIBRARIES = ("math", "numpy", "scipy", "torch")
# Of these calls so many arguments, from the left, are not handed on: the student's function, and ours beside it.
_HARNESS = {"same": 2, "refuses": 1, "unchanged": 1, "called": 1, "took": 1}


def refuse_bare_functions(check: str, source: str, given: str, exercises: Collection[str], where: str) -> None:
    """Refuse a check that hands over a function which is not its own.

    Args:
        check: the check's name.
        source: its code, hidden parts included.
        given: the code of the given cells, whose imports it may use.
        exercises: names of the functions that students write.
        where: the file, for the message.

    Raises:
        AuthoringError: names the file, the check and the function.
    """
    tree = ast.parse(source)
    modules = {**_imported(ast.parse(given)), **_imported(tree)}
    carriers = _carriers(tree, modules)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            for argument in _handed_over(call, exercises):
                for name in _bare(argument, modules, carriers):
                    raise AuthoringError(
                        f"{where}, check '{check}', line {call.lineno}: `{name}` would be handed to a student's code"
                        f" bare. Hand over a function of your own, such as `lambda x: {name}(x)`."
                    )


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each name that stands for a library, or for something in one."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                library = alias.name.split(".")[0]
                if library in _LIBRARIES:
                    found[alias.asname or library] = alias.name if alias.asname else library
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _LIBRARIES:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _handed_over(call: ast.Call, exercises: Collection[str]) -> Iterator[ast.expr]:
    """Yield the arguments that reach a student's code."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else ""
    owner = function.value if isinstance(function, ast.Attribute) else None
    if name in _HARNESS:
        yield from call.args[_HARNESS[name] :]
    elif name in exercises or (isinstance(owner, ast.Name) and owner.id == "student"):
        yield from call.args
    else:
        return
    yield from (keyword.value for keyword in call.keywords)


def _carriers(tree: ast.Module, modules: Mapping[str, str]) -> dict[str, str]:
    """Return the names that an assignment or a loop gives to a bare function, or to something that holds one."""
    found: dict[str, str] = {}
    mappings = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for name in _functions_of(node.targets[0], node.value)
    }
    for _ in range(3):  # a name may be handed on from name to name
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.For | ast.comprehension):
                targets, value = [node.target], node.iter
                if isinstance(value, ast.Name) and value.id in mappings:
                    continue  # its keys
            else:
                continue
            for bare in _bare(value, modules, found):
                for target in targets:
                    found |= dict.fromkeys(_functions_of(target, value), bare)
    return found


def _functions_of(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Yield the names in a target; of ``for key, item in something.items()`` the second only, since keys are texts."""
    items = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "items"
    if items and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        target = target.elts[1]
    yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _bare(value: ast.AST, modules: Mapping[str, str], carriers: Mapping[str, str]) -> Iterator[str]:
    """Yield the bare functions that an expression hands on, not those that it calls or those in its own functions."""
    if isinstance(value, ast.Lambda):
        return
    if isinstance(value, ast.Attribute | ast.Name) and (name := _named(value, modules, carriers)):
        yield name
        return
    below = list(ast.iter_child_nodes(value))
    if isinstance(value, ast.Call):
        items = isinstance(value.func, ast.Attribute) and value.func.attr in ("items", "values")
        below = [*value.args, *(word.value for word in value.keywords), *([value.func.value] if items else [])]  # type: ignore[attr-defined]
    for part in below:
        yield from _bare(part, modules, carriers)


def _named(value: ast.Attribute | ast.Name, modules: Mapping[str, str], carriers: Mapping[str, str]) -> str:
    """Return the function that an attribute or a name stands for, or nothing."""
    text = ast.unparse(value)
    root, _, rest = text.partition(".")
    if not text.replace(".", "_").isidentifier():
        return ""
    if root == "solution" and rest:
        return text
    if isinstance(value, ast.Name) and root in carriers:
        return carriers[root]
    if root in modules and _is_function(f"{modules[root]}.{rest}".rstrip(".")):
        return text
    return ""


def _is_function(path: str) -> bool:
    """Return whether a dotted path leads to something that is called, and is neither a module nor a type."""
    first, *rest = path.split(".")
    try:
        found: object = importlib.import_module(first)
        for name in rest:
            found = _attribute(found, name)
    except (ImportError, AttributeError):
        return False
    return callable(found) and not isinstance(found, type | ModuleType)


def _attribute(owner: object, name: str) -> object:
    if isinstance(owner, ModuleType) and not hasattr(owner, name):
        return importlib.import_module(f"{owner.__name__}.{name}")
    return getattr(owner, name)


# ---- the notebooks

_COUNTED = ("exercise", "check", "answer")  # The kinds of cells without which work is lost.
_KEPT_METADATA = ("kernelspec", "language_info", "autograder")


def build_course(course: Course, names: list[str] | None = None) -> list[Path]:
    """Derive the notebooks of ``names`` (default: every assignment with a source). Return the files that changed."""
    known = sorted(folder.name for folder in course.source.iterdir() if author_file(folder) is not None)
    for name in names or []:
        if name not in known:
            raise AuthoringError(f"There is no assignment '{name}' in {course.source}. There are: {', '.join(known)}.")
    return [path for name in names or known for path, changed in _build(course, name) if changed]


def build_assignment(course: Course, name: str) -> tuple[Path, Path]:
    """Write ``solutions/NAME/topic.ipynb`` and ``notebooks/NAME/topic.ipynb``, each only if it would change.

    Return both paths.

    Raises:
        AuthoringError: names the file, the cell and the exercise.
    """
    (source, _), (release, _) = _build(course, name)
    return source, release


def _build(course: Course, name: str) -> tuple[tuple[Path, bool], tuple[Path, bool]]:
    """Write both notebooks of an assignment; return their paths, and whether each changed."""
    path = author_file(course.source / name)
    if path is None:
        raise AuthoringError(
            f"{course.source / name} contains no file named after its topic. Add it, or remove the folder."
        )
    source = source_notebook(path, name, course.config.colab_archive)
    paths = course.source / name / f"{path.stem}.ipynb", course.release / name / f"{path.stem}.ipynb"
    changed = [_write_if_changed(*each) for each in zip(paths, (source, release_notebook(source)), strict=True)]
    return (paths[0], changed[0]), (paths[1], changed[1])


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
    text = (cell.id for cell in notebook.cells if cell.cell_type == "markdown" and not cell.metadata)
    notebook.metadata["autograder"]["text"] = text_version(text)
    notebook.metadata["autograder"]["cells"] = [cell.grade_id for cell in cells if cell.kind in _COUNTED]
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


def _write_if_changed(path: Path, notebook: NotebookNode) -> bool:
    nbformat.validate(notebook)
    text = notebook_text(notebook)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
