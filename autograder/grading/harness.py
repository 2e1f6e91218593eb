"""The harness of the checks: the names that hidden tests use, the compiled cells, and right foundations.

Hidden tests use ``same``, ``refuses_each``, ``types_of``, ``passes``, ``rng`` and others. A student's function is a
proxy here and a plain function in an ordinary notebook; these names work with both.

The grader runs checks, given cells and answers itself, so they are compiled once per process for a whole class.

An error in one function shows in every function that calls it. So an exercise that fails is tried once more with right
functions below it: what fails no longer was inherited, what still fails is its own.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from types import CodeType, SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import numpy as np

from autograder.authoring.assignment import Assignment
from autograder.grading.comparison import There, call, fresh, given
from autograder.grading.remembered import Remembered
from autograder.isolation.proxies import Handle, call_with_arguments, handle_owner
from autograder.isolation.shared_functions import functions_in
from autograder.lab import CheckFailed, close, domain
from autograder.lab.contracts import Contracts
from autograder.submission.model import Submission, SubmissionCell

__all__ = [
    "GUARD",
    "JUDGES",
    "CompiledCell",
    "StudentNames",
    "called",
    "compile_cell",
    "compile_check",
    "ends_in_judgement",
    "foundations",
    "harness_names",
    "loaded_names",
    "on_right_foundations",
    "outside_names",
    "passes",
    "same",
    "took",
]

# ---- the names that hidden tests use

JUDGES = frozenset(
    {
        "close",
        "fresh_result",
        "keeps_arguments",
        "makes_no_difference",
        "passes",
        "refuses",
        "refuses_each",
        "same",
        "types_of",
        "unchanged",
    }
)
"""Helpers that only judge: as a check's last expression their value is not a number of points."""

Function = Callable[..., Any]


def same(
    there: There,
    /,
    function: Function,
    reference: Function,
    *args: Any,
    case: str = "",
    tolerance: float = 1e-6,
    hint: str = "",
    **kwargs: Any,
) -> Any:
    """Pass if ``function`` gives what ``reference`` gives on the same arguments; return what it gave.

    Args:
        there: filled in already where hidden tests use it; they begin with ``function``.

    Raises:
        CheckFailed: the kind, the shape or a value differs, or ``function`` raised.
    """
    expected = there.expected(reference, fresh(args), fresh(kwargs))
    actual = call(function, args, kwargs, case)
    there.judge(actual, expected, tolerance, case, hint)
    return actual


def called(function: Function, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what ``function`` returned, and its positional arguments as they are after the call.

    A student's process reports them itself. Objects come as handles: take data from them and judge that.
    """
    args, kwargs = given(function, args, kwargs)
    if isinstance(function, Handle):
        return call_with_arguments(function, args, kwargs)
    return function(*args, **kwargs), args


def took(function: Function, *args: Any, **kwargs: Any) -> tuple[float, Any]:
    """Return (seconds, result) of a call: processor time of the process that it runs in, all of its threads together.

    So neither a busy machine nor a student's threads that keep the grader waiting change what is compared.
    """
    clock = handle_owner(function) if isinstance(function, Handle) else None
    began = time.process_time() if clock is None else clock.processor_seconds
    result = call(function, args, kwargs, "")
    return (time.process_time() if clock is None else clock.processor_seconds) - began, result


def passes(condition: object, what: str, hint: str = "") -> None:
    """Pass if ``condition`` is true; ``what`` is the sentence shown to the student if it is not.

    Raises:
        TypeError: ``condition`` is neither a bool nor numpy's bool, so it is not this side's own judgement.
    """
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"passes() needs True or False, not {type(condition).__name__}")
    if not condition:
        raise CheckFailed(what, hint=hint)


class StudentNames:
    """Explicit access to the student's own names: ``student.toy_net(…)`` runs in the student's process."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)


def harness_names(
    solution: SimpleNamespace,
    seed: int,
    find: Callable[[str], Any],
    canary: str = "",
    challenge: object = None,
    aside: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    public: Callable[[Function], Function] = lambda function: function,
    error_names: Callable[[str], bool] = lambda word: True,
    remembered: Remembered | None = None,
) -> dict[str, Any]:
    """Return all names that a hidden test may use beyond the given cells'."""
    there = There(solution, error_names, remembered)
    contracts = Contracts(there)
    return {
        "CheckFailed": CheckFailed,
        "aside": aside,
        "called": called,
        "canary": canary,
        "challenge": challenge,
        "close": close,
        "domain": domain,
        "fresh_result": contracts.fresh_result,
        "keeps_arguments": contracts.keeps_arguments,
        "makes_no_difference": contracts.makes_no_difference,
        "passes": passes,
        "public": public,
        "refuses": contracts.refuses,
        "refuses_each": contracts.refuses_each,
        "rng": np.random.default_rng(seed),
        "same": partial(same, there),
        "seed": seed,
        "solution": solution,
        "student": StudentNames(find),
        "took": took,
        "types_of": contracts.types_of,
        "unchanged": contracts.unchanged,
    }


# ---- compiled cells

GUARD = "__after_a_failure_go_on__"
"""The name under which a guarded check finds the context manager that each of its statements runs in."""

_NEVER_FAIL = (
    ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass, ast.Break, ast.Continue, ast.Global,
)  # fmt: skip


class CompiledCell(NamedTuple):
    """A part of a check, a given cell or an answer.

    Attributes:
        body: its statements.
        tail: its last expression, or None.
        judged: whether that expression only judges, so that its value is not a number of points.
        functions: the source of the functions that it defines.
    """

    body: CodeType
    tail: CodeType | None
    judged: bool
    functions: Mapping[CodeType, str]

    def execute(self, names: dict[str, Any]) -> object:
        """Run the cell in ``names`` and return what its last expression stands for."""
        exec(self.body, names)
        if self.tail is None:
            return None
        value = eval(self.tail, names)  # noqa: S307
        return None if self.judged else value


@lru_cache(maxsize=4096)
def compile_cell(source: str, name: str) -> CompiledCell:
    """Return ``source`` ready to run; tracebacks call it ``name``."""
    return _compile(ast.parse(source), name, guarded=False)


@lru_cache(maxsize=4096)
def compile_check(source: str, name: str) -> CompiledCell:
    """Return a check's ``source`` ready to run, each of its statements inside the context manager called :data:`GUARD`.

    So whoever runs it decides whether a statement that fails ends the check.
    """
    return _compile(ast.parse(source), name, guarded=True)


def _compile(tree: ast.Module, name: str, *, guarded: bool) -> CompiledCell:
    tail = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if guarded:
        tree.body = _guarded(tree.body)
        ast.fix_missing_locations(tree)
    body = compile(tree, f"<{name}>", "exec")
    functions = functions_in(tree, body)
    if not isinstance(tail, ast.Expr):
        return CompiledCell(body, None, False, functions)
    last = compile(ast.Expression(tail.value), f"<{name}>", "eval")
    functions |= functions_in(ast.Module([tail], []), last)
    return CompiledCell(body, last, ends_in_judgement(tail.value), functions)


def _guarded(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements, each in its own guard; also those of loops and branches, not of ``try`` and ``with``."""
    for statement in body:
        if isinstance(statement, ast.For | ast.While | ast.If):
            statement.body = _guarded(statement.body)
            statement.orelse = _guarded(statement.orelse)
    return [each if isinstance(each, _NEVER_FAIL) else _in_guard(each) for each in body]


def _in_guard(statement: ast.stmt) -> ast.stmt:
    guard = ast.withitem(ast.Name(GUARD, ast.Load()))
    return ast.copy_location(ast.With([guard], [statement]), statement)


def ends_in_judgement(tail: ast.expr) -> bool:
    """Return whether a check's last expression is a call that only judges: then its value is not a number of points."""
    return isinstance(tail, ast.Call) and isinstance(tail.func, ast.Name) and tail.func.id in JUDGES


@lru_cache(maxsize=4096)
def loaded_names(source: str) -> frozenset[str]:
    """Return every name that ``source`` reads anywhere."""
    return frozenset(
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


@lru_cache(maxsize=4096)
def outside_names(source: str) -> frozenset[str]:
    """Return the names that ``source`` takes from outside: read before it assigns them, or never assigned by it."""
    outside, own = set(), set()
    for stored, name in _touched(compile(source, "<check>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)):
        if stored:
            own.add(name)
        elif name not in own:
            outside.add(name)
    return frozenset(outside)


def _touched(code: CodeType, *, inner: bool = False) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is assigned, name) for each global name that the code touches, in order; functions' last."""
    own = set()
    for instruction in dis.get_instructions(code):
        name = str(instruction.argval)
        if instruction.opname == "STORE_NAME" and inner:
            own.add(name)  # a class's
        elif instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            yield True, name
        elif instruction.opname == "LOAD_GLOBAL" or (instruction.opname == "LOAD_NAME" and name not in own):
            yield False, name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _touched(constant, inner=True)


# ---- exercises that another one builds on


def foundations(exercise: str, submission: Submission, assignment: Assignment) -> list[str]:
    """Return the exercises before ``exercise`` that it calls, directly or through other code, in the notebook's order.

    Counted are calls in the student's code, in the instructor's and in the checks.
    """
    uses = _uses(submission, assignment)
    own = {name for name, of in assignment.exercise_of.items() if of == exercise}
    checks = [cell for cell in assignment.checks if assignment.exercise_of[cell.exercise] == exercise]
    reached, open_names = set(own), {name for cell in checks for name in loaded_names(cell.source)} | own
    while open_names:
        reached |= open_names
        open_names = {used for name in open_names for used in uses.get(name, ())} - reached
    order = list(assignment.exercises)
    below = {assignment.exercise_of[name] for name in reached if name in assignment.exercise_of}
    return [each for each in order[: order.index(exercise)] if each in below]


def on_right_foundations(
    submission: Submission, assignment: Assignment, exercise: str, replaced: Collection[str]
) -> Submission:
    """Return the notebook with the instructor's code below that of the exercises ``replaced``, and the checks of
    ``exercise``.

    The student's own cell stays, for what else it defines.
    """
    return msgspec.structs.replace(submission, cells=tuple(_cells(submission, assignment, exercise, replaced)))


def _cells(
    submission: Submission, assignment: Assignment, exercise: str, replaced: Collection[str]
) -> Iterator[SubmissionCell]:
    of = assignment.exercise_of
    for cell in submission.cells:
        if cell.kind != "check" or of[cell.exercise] == exercise:
            yield cell
        if cell.kind == "exercise" and cell.exercise in replaced:
            source = assignment.exercises[cell.exercise].source
            yield SubmissionCell("extra", "", f"{cell.cell_id}-right", source, "", "code")


def _uses(submission: Submission, assignment: Assignment) -> Mapping[str, set[str]]:
    """Return, for each name that some cell defines, the names that its definition reads."""
    own = [cell.source for cell in submission.cells if cell.is_student_code]
    course = [cell.source for cell in assignment.cells if cell.kind in ("given", "exercise")]
    uses: dict[str, set[str]] = {}
    for source in (*own, *course):
        for name, read in _definitions(source):
            uses.setdefault(name, set()).update(read)
    return uses


def _definitions(source: str) -> Iterator[tuple[str, set[str]]]:
    try:
        tree = ast.parse("\n".join("" if line.lstrip()[:1] in "%!" else line for line in source.split("\n")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in tree.body:
        read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name, read
        else:
            stored = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
            yield from ((node.id, read) for node in stored if isinstance(node.ctx, ast.Store))
