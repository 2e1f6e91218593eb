"""A check of an adopted course: a test cell that was written for nbgrader, graded at the level that was found for it.

*apart* and *asked*: the test runs here, in the grader's process, with the instructor's own names; the student's
functions and objects are asked over the wire. *together*: it runs in a process of the student's, which repeats the
notebook after everything else was graded; the student can forge its verdict. *by hand*: a person decides.

As in nbgrader, a test's first error takes all of its points, and what one test defines the next ones know.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import io
import math
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import msgspec

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import split_hidden
from autograder.errors import AutograderError
from autograder.grading.asked_objects import Asking
from autograder.grading.check import CheckRun, own_warnings
from autograder.grading.reference import AdoptedNames, parsed, stored_names
from autograder.grading.result import CheckResult
from autograder.grading.stand_in import AskedObject
from autograder.grading.student_session import StudentSession
from autograder.isolation.failures import OpaqueValue, StudentError
from autograder.isolation.lending import Unlendable
from autograder.isolation.student_process import CellOutcome, StudentProcess

__all__ = ["AdoptedRun", "AdoptedTests", "run_together", "with_files_beside"]

_MIRROR = "__tell_the_student__"
_LOOKS_AT_OUTPUT = re.compile(r"stdout|capture|capsys|getvalue")
_NUMBER = re.compile(r"-?\d+(\.\d*)?(e-?\d+)?")
_BY_HAND = "A person grades this part."
_RESTARTS = 3


@dataclass
class AdoptedTests:
    """The state that the tests of one submission share.

    Attributes:
        names: the owner of each name of the notebook.
        asking: the exchange with the student's process.
        defined: the names that tests have defined so far.
    """

    names: AdoptedNames
    asking: Asking
    defined: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, side: StudentSession, names: AdoptedNames) -> AdoptedTests:
        """Return the tests for the submission of ``side``."""
        return cls(names, Asking(names.classes, lambda: side.worker))


@dataclass
class AdoptedRun(CheckRun):
    """A check of an adopted course on its way through a submission.

    Attributes:
        tests: the state that it shares with the others.
        asked: the questions that it had to ask beyond calls that take and give data.
    """

    tests: AdoptedTests | None = None
    asked: set[str] = field(default_factory=set)

    @property
    def level(self) -> str:
        """The level at which the check is graded."""
        return self.cell.level

    def visible(self, side: StudentSession, seconds: float, *, quiet: bool = False) -> None:
        """Run the part that students see, where it is graded here; together and by hand wait."""
        self.reached = True
        if self.level in ("together", "by hand") or self.tests is None:
            return
        source, hidden = split_hidden(self.cell.source)
        self._worker, tests, check = side.worker, self.tests, self.cell.grade_id
        given, asking = tests.names.given[check], tests.asking
        asking.asked = self.asked
        captured = side.captured_names.get(check, {})
        students = {
            name: asking.received(value, made=name in tests.names.asked_for) for name, value in captured.items()
        }
        if any(type(value) is not AskedObject for value in students.values()):
            self.asked.add("variables")
        self._names = {**asking.builtins(), **tests.defined, **given, **students}
        self._names["dir"] = lambda *of: dir(*of) if of else sorted(self._names)
        self._names[_MIRROR] = lambda name: _mirror(side, asking, self._names, name)
        before = dict(self._names)
        self._test(tests, source, side, seconds, last=not hidden.strip())
        if not quiet:
            self.seen = bool(self.failure)
        self._share(before)

    def hidden(self, side: StudentSession, seconds: float) -> None:
        """Run the hidden part, if there is one and the visible part passed."""
        _, source = split_hidden(self.cell.source)
        if not source.strip() or self.failure or self.level in ("together", "by hand") or self.tests is None:
            return
        worker = side.worker
        if worker is not self._worker:
            self.visible(side, seconds, quiet=True)
        else:
            with contextlib.suppress(StudentError):
                worker.return_to(self.cell.grade_id)
        if not self.failure:
            before = dict(self._names)
            self._test(self.tests, source, side, seconds, last=True, hidden=True)
            self._share(before)

    def again(self) -> CheckRun:
        """Return the same check, not yet run."""
        return AdoptedRun(self.cell, self.seed, self.canary, self.challenge, tests=self.tests)

    def judge(self, outcome: CellOutcome) -> None:
        """Take the verdict of a student's process, as nbgrader reads it from a cell's outputs."""
        if not outcome.ok:
            self.failure = f"The check failed ({_known_error(outcome)})."
            self.timed_out = outcome.timed_out
            return
        shown = [each for each in outcome.outputs if each.get("output_type") == "execute_result"]
        self.points = self._partial(shown[0]["data"].get("text/plain", "") if shown else "")

    def result(self) -> CheckResult:
        """Return the check's points, outcome and message."""
        if self.level == "by hand":
            cell = self.cell
            return CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "not-reached", _BY_HAND, level="by hand")
        level = self.level if self.level == "together" else ": ".join(["asked", ", ".join(sorted(self.asked))])
        return msgspec.structs.replace(super().result(), level=level if level != "asked: " else "apart")

    def _fail(self, error: Exception, quiet: bool, side: StudentSession) -> None:
        """Note the failure for the student; what a visible test raised by itself is shown as it says it."""
        super()._fail(error, quiet, side)
        if not isinstance(error, StudentError | AssertionError | NameError | OpaqueValue):
            said = "" if quiet or not str(error) else f": {error}"
            self.failure = f"The check raised {type(error).__name__}{said}"

    def _share(self, before: Mapping[str, Any]) -> None:
        """Let later tests know the names that this one defined."""
        if self.tests is not None:
            mine = {name for name, value in self._names.items() if name not in before or before[name] is not value}
            self.tests.defined.update({name: self._names[name] for name in mine - self._students()})

    def _test(
        self,
        tests: AdoptedTests,
        source: str,
        side: StudentSession,
        seconds: float,
        *,
        last: bool,
        hidden: bool = False,
    ) -> None:
        """Run one part of the test. The value of its last expression counts if it is the last part."""
        program = _compiled(source, self.cell.grade_id, self._students())
        if program is None:
            self.failure = "This check is not a program that can run here."
            return
        worker, asking, started = side.worker, tests.asking, time.perf_counter()
        worker.deadline, worker.transcript = time.monotonic() + seconds, self.exchanges
        asking.prints, asking.asked = bool(_LOOKS_AT_OUTPUT.search(source)), self.asked
        try:
            printed = contextlib.redirect_stdout(io.StringIO() if hidden else self._printed)
            seeding = asking.seeding() if "seed" in source else contextlib.nullcontext()
            with printed, seeding, own_warnings(), _within(2 * seconds + 1):
                value = program.execute(self._names)
            if last:
                self.points = self._worth(value)
        except Exception as error:
            if _is_fault(error):
                raise
            self._fail(error, hidden, side)
        except (SystemExit, KeyboardInterrupt):
            self.failure = "The check ended early."
        finally:
            worker.deadline, worker.transcript, asking.prints = None, None, False
            self.seconds += time.perf_counter() - started
        side.stop_if_failed()

    def _students(self) -> frozenset[str]:
        return self.tests.names.students[self.cell.grade_id] if self.tests else frozenset()

    def _worth(self, value: object) -> float:
        """Return the points that the last expression of a test stands for, as nbgrader reads its text."""
        return self._partial("" if value is None else repr(value) if isinstance(value, int | float) else "-")

    def _partial(self, text: str) -> float:
        if not _NUMBER.fullmatch(text.strip()):
            return self.cell.points
        points = float(text)
        return points if math.isfinite(points) and 0 <= points <= self.cell.points else self.cell.points


class _Program(NamedTuple):
    body: CodeType
    tail: CodeType | None

    def execute(self, names: dict[str, Any]) -> object:
        exec(self.body, names)
        return eval(self.tail, names) if self.tail is not None else None  # noqa: S307


@lru_cache(maxsize=1024)
def _compiled(source: str, name: str, students: frozenset[str]) -> _Program | None:
    """Return a test ready to run. Where it binds or deletes a name of the student's, the student's process is told."""
    tree = parsed(source)
    if tree is None or ("get_ipython" not in source and "get_ipython" in ast.unparse(tree)):
        return None  # A line for IPython works on the student's process alone.
    tail = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    tree.body = list(_telling(tree.body, students))
    ast.fix_missing_locations(tree)
    try:
        body = compile(tree, f"<{name}>", "exec")
        last = compile(ast.Expression(tail.value), f"<{name}>", "eval") if isinstance(tail, ast.Expr) else None
    except (SyntaxError, ValueError):  # Such as an `await` outside of a function, which only a notebook's kernel runs.
        return None
    return _Program(body, last)


def _telling(body: list[ast.stmt], students: frozenset[str]) -> Iterator[ast.stmt]:
    for statement in body:
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(statement, part, None)
            if inner and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                setattr(statement, part, list(_telling(inner, students)))
        for handler in getattr(statement, "handlers", ()):
            handler.body = list(_telling(handler.body, students))
        yield statement
        compound = hasattr(statement, "body") and not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        deleted = {each.id for each in getattr(statement, "targets", ()) if isinstance(each, ast.Name)}
        touched = (
            set() if compound else stored_names([statement]) | (deleted if isinstance(statement, ast.Delete) else set())
        )
        for name in sorted(touched & students):
            yield ast.parse(f"{_MIRROR}({name!r})").body[0]


def _mirror(side: StudentSession, asking: Asking, names: Mapping[str, Any], name: str) -> None:
    """Let the student's process have, or not have, a name as the test now has it."""
    asking.asked.add("names that the test binds anew")
    if name in names:
        source = "get_ipython().user_ns[_name] = _value; None"
        side.worker.run_source(source, _name=name, _value=asking.sent(names[name]))
    else:
        side.worker.run_source("get_ipython().user_ns.pop(_name, None); None", _name=name)


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Limit the time of what a test does here, such as following objects that a student has chained in a circle."""

    def stop(*_: object) -> None:
        raise TimeoutError("the check took too long")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_fault(error: Exception) -> bool:
    """Return whether the grader itself failed. A value that cannot reach the student's process is the test's fault."""
    return isinstance(error, AutograderError) and not isinstance(error, StudentError | Unlendable)


def _known_error(outcome: CellOutcome) -> str:
    """Return the name of a builtin error; of others nothing, since the student's code may have chosen it."""
    name = outcome.error or ""
    if outcome.timed_out:
        return "it took too long"
    return name if isinstance(vars(builtins).get(name), type) else "an error"


def run_together(side: StudentSession, runs: Mapping[str, AdoptedRun]) -> None:
    """Repeat the notebook in a process of its own, the tests among its cells, and take the verdicts of that process.

    Only the checks that are graded together have their hidden tests there. Nothing that is printed is shown.
    """
    waiting = {name: run for name, run in runs.items() if run.level == "together" and run.reached}
    broken: set[str] = set()
    for _ in range(_RESTARTS):
        if not waiting or side.budget.spent:
            break
        with side.noting_failure():
            worker = side.spawn()
        try:
            _repeat(side, worker, waiting, broken)
        finally:
            side.add_process(worker)
    for run in waiting.values():
        run.reached = False


def _repeat(side: StudentSession, worker: StudentProcess, waiting: dict[str, AdoptedRun], broken: set[str]) -> None:
    """Run the cells in order until all that waits is judged, or a cell, which then is broken, ends the process."""
    checks = {cell.grade_id: cell for cell in side.assignment.checks}
    for cell in side.submission.cells:
        if not waiting or side.budget.spent:
            return
        if cell.cell_id in broken or cell.cell_type != "code":
            continue
        run = waiting.get(cell.grade_id) if cell.kind == "check" else None
        source = _source_there(cell.kind, cell.source, checks.get(cell.grade_id), run is not None)
        limit = side.settings.check_seconds if run is not None else side.settings.cell_seconds
        started = time.perf_counter()
        outcome = worker.run_cell(source, seconds=side.budget.left(limit))
        if worker.failure is not None:
            raise worker.failure
        if run is not None:
            run.seconds += time.perf_counter() - started
            run.judge(outcome)
            del waiting[cell.grade_id]
        if worker.lost:
            broken.add(cell.cell_id)
            return


def _source_there(kind: str, source: str, check: AssignmentCell | None, whole: bool) -> str:
    if kind != "check" or check is None:
        return source
    return check.source if whole else split_hidden(check.source)[0]


@contextlib.contextmanager
def with_files_beside(folders: list[Path], assignment: Assignment) -> Iterator[None]:
    """Work in a copy of the files that lie beside the source notebook; what tests write there is gone afterwards.

    Modules among these files can be imported. Those of another assignment, which may have the same names, are
    forgotten first.
    """
    for module in [name for name, owner in _MODULES.items() if owner != assignment.name]:
        sys.modules.pop(module, None)
        del _MODULES[module]
    with tempfile.TemporaryDirectory(prefix="adopted-") as name:
        for folder in folders:
            if (folder / assignment.name).is_dir():
                shutil.copytree(folder / assignment.name, name, dirs_exist_ok=True)
        sys.path.insert(0, name)
        importlib.invalidate_caches()
        try:
            with contextlib.chdir(name):
                yield
        finally:
            sys.path.remove(name)
            here = [each for each, module in list(sys.modules.items()) if str(_file_of(module)).startswith(f"{name}/")]
            _MODULES.update(dict.fromkeys(here, assignment.name))


_MODULES: dict[str, str] = {}
"""The modules that lay beside notebooks, and the assignment that they belong to."""


def _file_of(module: object) -> object:
    return getattr(module, "__file__", None)
