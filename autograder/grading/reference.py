"""The instructor's side of a notebook: its own names, and in an adopted course the owner of each name.

The instructor's given cells and solutions are executed once per process.

In an adopted course a name belongs to the instructor, to a test, or to the student. A test reads names. What the
instructor's cells define is the instructor's, and the grader uses its own copy of it. What an exercise defines is the
student's, and so is whatever is made of it: a helper of the instructor's that calls the student's function, a value
computed with one. Imports are never the student's, wherever they stand.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import io
import os
import sys
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import defined_names, split_hidden
from autograder.errors import AuthoringError
from autograder.grading.harness import compile_cell, outside_names
from autograder.grading.remembered import Remembered
from autograder.isolation.shared_functions import allow_source

__all__ = [
    "AdoptedNames",
    "ReferenceNotebook",
    "beside_notebook",
    "imports_in",
    "parsed",
    "reference_for",
    "stored_names",
]

# ---- the owner of each name in an adopted course

_IMPORTS = ast.Import | ast.ImportFrom
_BUILTINS = frozenset(vars(builtins))
_AROUND_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")
_FOR_SHOW = ("autoreload", "autosave", "config", "load_ext", "matplotlib", "pdb", "pinfo", "precision", "xmode")
_WRITERS = ("open(", "to_csv(", "savefig(", "np.save", "dump(", "makedirs(", "mkdir(", "write_text(", "touch(")


class AdoptedNames:
    """The instructor's side of a notebook of an adopted course.

    Attributes:
        given: at each check, the instructor's own names.
        students: at each check, the names that it reads of the student's.
        classes: the classes that the instructor's cells define.
        asked_for: the classes that exercises ask for.
        replayed: for each check, the part that runs among the student's cells, too: as in a notebook, later cells
            may build on it. Nothing hidden is in it.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.given: dict[str, dict[str, Any]] = {}
        self.students: dict[str, frozenset[str]] = {}
        self.replayed: dict[str, str] = {}
        self.asked_for: set[str] = set()
        self._names: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
        self._owner: dict[str, str] = {}
        with _without_windows(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for number, cell in enumerate(assignment.cells):
                self._pass(cell, assignment.cells[number + 1 :])
        self.classes = {
            name: value
            for name, value in self._names.items()
            if isinstance(value, type) and value.__name__ == name and _is_given(value)
        }

    @property
    def final(self) -> dict[str, Any]:
        """The instructor's own names at the end of the notebook."""
        return {name: value for name, value in self._names.items() if self._owner.get(name, "given") == "given"}

    def _pass(self, cell: AssignmentCell, later: Iterable[AssignmentCell]) -> None:
        if cell.cell_type != "code":
            return
        if cell.kind == "check":
            self._meet_check(cell, later)
            return
        tree = parsed(cell.source)
        for statement in tree.body if tree is not None else ():
            if isinstance(statement, _IMPORTS) or cell.kind != "exercise":
                self._meet_given(statement)
            else:
                self._own(_changed(statement, self._names), "student")
                if isinstance(statement, ast.ClassDef):
                    self.asked_for.add(statement.name)

    def _meet_given(self, statement: ast.stmt) -> None:
        """Run a statement of the instructor's, unless it builds on something of the student's."""
        read = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        stored, before = stored_names([statement]), dict(self._names)
        if any(self._owner.get(name) == "student" for name in read):
            self._own(_changed(statement, self._names), "student")
            return
        try:
            self._execute(statement)
        except Exception:  # A cell that fails by itself, or needs what only the student's process has.
            self._own(stored, "student")
        else:  # A star brings names that the statement does not have.
            brought = {name for name, value in self._names.items() if before.get(name, self) is not value}
            self._own(stored | brought, "given")

    def _execute(self, statement: ast.stmt) -> None:
        """Run a statement among the instructor's names; of lines for IPython, those that define names."""
        match _magic(statement):
            case "run", rest:
                file = next(word for word in rest.split() if not word.startswith("-"))
                exec(compile(Path(file).read_bytes(), file, "exec"), self._names)
            case "pylab", _:
                exec("from pylab import *", self._names)
            case _:
                exec(compile(ast.Module([statement], []), "<given>", "exec"), self._names)

    def _meet_check(self, cell: AssignmentCell, later: Iterable[AssignmentCell]) -> None:
        self.given[cell.grade_id] = self.final
        tree = parsed(cell.source)
        read = _read_names(tree) if tree is not None else frozenset[str]()
        if tree is not None:  # What no exercise defines is a text like any other.
            read |= {name for name in _quoted(tree) if self._owner.get(name) == "student"}
        mine = {name for name in read if self._owner.get(name, "student") == "student"}
        self.students[cell.grade_id] = frozenset(mine - _BUILTINS | (mine & self._owner.keys()))
        if tree is not None:
            stored = stored_names(tree.body)
            self._own({name for name in stored if self._owner.get(name) != "student"}, "test")
            self.replayed[cell.grade_id] = _replayed(cell.source, later)

    def _own(self, names: Iterable[str], owner: str) -> None:
        for name in names:
            self._owner[name] = owner


@contextlib.contextmanager
def _without_windows() -> Iterator[None]:
    """A time in which a cell that shows a figure opens no window that somebody would have to close.

    What the environment said before is put back: kernels that are started later show their figures in the notebook.
    """
    chosen = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = chosen or "Agg"
    try:
        yield
    finally:
        if chosen is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = chosen


def _is_given(kind: type) -> bool:
    """Return whether a class is the instructor's: of a cell, or of a module beside the notebook."""
    file = Path(getattr(sys.modules.get(kind.__module__), "__file__", None) or "/")
    beside = file.suffix == ".py" and file.is_relative_to(Path.cwd()) and "site-packages" not in file.parts
    return kind.__module__ == "__main__" or beside


def _read_names(tree: ast.Module) -> frozenset[str]:
    try:
        return outside_names(ast.unparse(tree))
    except SyntaxError:  # Such as a `return` outside of a function: it runs nowhere.
        return frozenset()


def _quoted(tree: ast.Module) -> frozenset[str]:
    """Return the names that a test has as texts, as in ``"total" in globals()``."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(text for text in texts if text.isidentifier())


def parsed(source: str) -> ast.Module | None:
    """Return the program in a cell, None if it is not one.

    Lines for IPython are calls of ``get_ipython()`` in it, as in a kernel; those that only change what is shown are
    left out.
    """
    magic, _, body = source.lstrip().partition("\n")
    if magic.startswith("%%"):
        return parsed(body) if magic.split()[0] in _AROUND_PYTHON else None
    for transform in (str, _without_magic):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            tree = ast.parse(transform(source))
            tree.body = [statement for statement in tree.body if _magic(statement)[0] not in _FOR_SHOW]
            return tree
    return None


def _without_magic(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


def _magic(statement: ast.stmt) -> tuple[str, str]:
    """Return the name of a line for IPython and the rest of the line; two empty texts for any other statement."""
    match statement:
        case ast.Expr(
            ast.Call(
                ast.Attribute(ast.Call(ast.Name("get_ipython")), "run_line_magic"),
                [ast.Constant(str(name)), ast.Constant(str(rest))],
            )
        ):
            return name, rest
    return "", ""


def imports_in(source: str) -> str:
    """Return the import statements at the top level of a program, as a program."""
    tree = parsed(source)
    return "\n".join(ast.unparse(each) for each in (tree.body if tree else ()) if isinstance(each, _IMPORTS))


def stored_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements of a module's top level bind; not those within functions and classes."""
    return set(_stored(statements))


def _stored(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield from (node.name, *_stored(ast.iter_child_nodes(node)))
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from _stored(ast.iter_child_nodes(node))


class _Place(NamedTuple):
    """A change in place: of a part of the value of ``name``, or of the value by a method of its own."""

    name: str
    by_method: bool


def _changed(statement: ast.stmt, known: dict[str, Any]) -> set[str]:
    """Return the names that a statement binds, and those whose values it changes in place."""
    names = stored_names([statement])
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return names
    for place in _places(statement):
        if not (place.by_method and isinstance(known.get(place.name), ModuleType)):
            names.add(place.name)
    return names


def _places(statement: ast.stmt) -> Iterator[_Place]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            if base := _base(node):
                yield _Place(base, False)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute) and (base := _base(function)):
                yield _Place(base, True)


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _replayed(source: str, later: Iterable[AssignmentCell]) -> str:
    """Return the visible part of a check, if a later cell of the student's builds on what it does; else its imports."""
    visible, _ = split_hidden(source)
    tree = parsed(visible)
    if tree is None:
        return ""
    bound = stored_names(each for each in tree.body if not isinstance(each, _IMPORTS))
    cells = [cell.source for cell in later if cell.kind in ("given", "free", "exercise") and cell.cell_type == "code"]
    wanted = {node.id for text in cells if (found := parsed(text)) for node in ast.walk(found)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}  # fmt: skip
    writes = any(writer in visible for writer in _WRITERS)
    return visible if bound & wanted or (writes and cells) else imports_in(visible)


# ---- given cells and solutions

_MOST_KEPT = 16
"""The most assignments kept. An audit grades hundreds of variants, each with the data of its given cells."""
_CACHE: dict[str, ReferenceNotebook] = {}


class ReferenceNotebook:
    """The instructor's side of an assignment.

    Attributes:
        given: names that the given cells define.
        solution: the instructor's solutions, as attributes.
        remembered: what these return for the inputs of the checks, once it was learned.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.adopted = AdoptedNames(assignment) if assignment.adopted else None
        self.given: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
        solved: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
        for cell in assignment.cells if self.adopted is None else ():
            if cell.kind == "given":
                _run(cell.source, self.given, _where(assignment, cell))
                self._publish(cell)
            if cell.kind in ("given", "exercise"):
                _run(cell.source, solved, _where(assignment, cell))
        self._solved = solved
        if self.adopted is not None:
            self.given, self._solved = self.adopted.final, _solved_leniently(assignment)
            solved = self._solved
        names = [name for cell in assignment.exercises.values() for name in defined_names(cell.source)]
        self.solution = SimpleNamespace(**{name: solved[name] for name in names if name in solved})
        self.remembered = Remembered(vars(self.solution).values())

    def replayed(self, check: str) -> str:
        """Return the part of a check that also runs among the student's cells; empty except in adopted courses."""
        return self.adopted.replayed.get(check, "") if self.adopted is not None else ""

    def students_names(self, check: str) -> Set[str]:
        """Return the names of the student's that a check of an adopted course reads."""
        return self.adopted.students[check] if self.adopted is not None else frozenset()

    def _publish(self, cell: AssignmentCell) -> None:
        """Publish the functions of a given cell: they are not secret, since they stand in every notebook."""
        for function, source in compile_cell(cell.source, _where(self.assignment, cell)).functions.items():
            allow_source(function, source, self.given)

    def with_answer(self, answer: Answer) -> dict[str, Any]:
        """Return all names, with one exercise answered by ``answer`` and the others by the solution."""
        namespace = self.solved_names()
        _, source = self.assignment.answer_cell(answer)
        _run(source, namespace, self._where_is(answer))
        return namespace

    def get_ready(self) -> None:
        """Compile every misconception, once for all submissions that will be compared with them."""
        for each in self.assignment.misconceptions:
            compile_cell(self.assignment.answer_cell(each)[1], self._where_is(each))

    def _where_is(self, answer: Answer) -> str:
        return f"{self.assignment.name}, {answer.slug}"

    def solved_names(self) -> dict[str, Any]:
        """Return a copy of the names that given cells and solutions define."""
        return copy.copy(self._solved)


def reference_for(assignment: Assignment) -> ReferenceNotebook:
    """Return the trusted side of ``assignment``, made once per process."""
    if assignment.key not in _CACHE:
        while len(_CACHE) >= _MOST_KEPT:
            del _CACHE[next(iter(_CACHE))]
        _CACHE[assignment.key] = ReferenceNotebook(assignment)
    return _CACHE[assignment.key]


def _solved_leniently(assignment: Assignment) -> dict[str, Any]:
    """Return the names of a notebook with solutions, for naming misconceptions; run only if there are some."""
    names: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
    if not assignment.misconceptions:
        return names
    for cell in assignment.cells:
        if cell.kind in ("given", "free", "exercise") and cell.cell_type == "code":
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                compile_cell(cell.source, _where(assignment, cell)).execute(names)
    return names


def beside_notebook(notebooks: Path | None, assignment: Assignment) -> contextlib.AbstractContextManager[None]:
    """Return a block whose working folder is that of the released notebook: relative paths lead where it says.

    Args:
        notebooks: the folder of the released notebooks; None, or one that is not here, leaves the working folder.
    """
    folder = notebooks / assignment.name if notebooks else None
    return contextlib.chdir(folder) if folder and folder.is_dir() else contextlib.nullcontext()


def _where(assignment: Assignment, cell: AssignmentCell) -> str:
    return f"{assignment.name}, cell {cell.grade_id}"


def _run(source: str, namespace: dict[str, Any], where: str) -> None:
    try:
        compile_cell(source, where).execute(namespace)
    except Exception as error:
        raise AuthoringError(f"{where} does not run: {type(error).__name__}: {error}. Correct the source.") from error
