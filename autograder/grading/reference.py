"""The trusted side's own names: the instructor's given cells and solutions, executed once per process."""

from __future__ import annotations

import builtins
import contextlib
import copy
import io
from collections.abc import Set
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import defined_names
from autograder.errors import AuthoringError
from autograder.grading.compiled_cells import compile_cell
from autograder.grading.ownership import AdoptedNames
from autograder.isolation.shared_functions import allow_source

__all__ = ["ReferenceNotebook", "beside_notebook", "reference_for"]

_MOST_KEPT = 16
"""The most assignments kept. An audit grades hundreds of variants, each with the data of its given cells."""
_CACHE: dict[str, ReferenceNotebook] = {}


class ReferenceNotebook:
    """The instructor's side of an assignment.

    Attributes:
        given: names that the given cells define.
        solution: the instructor's solutions, as attributes.
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

    def replayed(self, check: str) -> str:
        """Return the part of a check that also runs among the student's cells; empty except in adopted courses."""
        return self.adopted.replayed.get(check, "") if self.adopted is not None else ""

    def students_names(self, check: str) -> Set[str]:
        """Return the names of the student's that a check of an adopted course reads."""
        return self.adopted.students[check] if self.adopted is not None else frozenset()

    def _publish(self, cell: AssignmentCell) -> None:
        """Publish the functions of a given cell: they are not secret, since they stand in every notebook."""
        for function, source in compile_cell(cell.source, _where(self.assignment, cell)).functions.items():
            allow_source(function, source, self.given.keys())

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
