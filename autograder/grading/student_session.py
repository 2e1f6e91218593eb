"""The student's side of one submission: its cells in order in a worker, restarted when a cell or a call kills it.

Where an error arose is told in words: the function, its cell and the line.
"""

from __future__ import annotations

import ast
import builtins
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from autograder.authoring.assignment import Assignment
from autograder.errors import MachineryError
from autograder.grading.harness import outside_names
from autograder.grading.reference import ReferenceNotebook
from autograder.isolation.failures import StudentError, plain_text
from autograder.isolation.limits import Allowance, Limits
from autograder.isolation.proxies import Handle, name_handle
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.shared_functions import source_for
from autograder.isolation.student_process import CellOutcome, StudentProcess
from autograder.settings import GradingSettings
from autograder.submission.model import Stopped, Submission, SubmissionCell, stopped

__all__ = ["Budget", "StudentSession", "names_torch", "where_in"]


# ---- places in words


def where_in(cell: SubmissionCell, line: int) -> str:
    """Return a line's place in words, such as "in `pool`, line 7 of its cell"; empty if the cell has no such line."""
    lines = cell.source.split("\n")
    if not 0 < line <= len(lines):
        return ""
    function = _function_at(cell.source, line)
    if cell.exercise and function == cell.exercise:
        return f"in `{function}`, line {line} of its cell"
    home = f"the cell of `{cell.exercise}`" if cell.exercise else _own_cell(cell, lines)
    return f"in `{function}`, line {line} of {home}" if function else f"in line {line} of {home}"


def _own_cell(cell: SubmissionCell, lines: list[str]) -> str:
    kind = "a cell of your own" if cell.kind == "extra" else "a given cell"
    first = next((text.strip() for text in lines if text.strip()), "")[:40]
    return f"{kind} (`{first}`)" if first and "`" not in first else kind


def _function_at(source: str, line: int) -> str:
    """Return the innermost function, method or class that encloses the line; empty outside of all."""
    try:
        tree = ast.parse("\n".join("" if text.lstrip()[:1] in "%!" else text for text in source.split("\n")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    name, size = "", len(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            length = (node.end_lineno or node.lineno) - node.lineno
            if node.lineno <= line <= (node.end_lineno or node.lineno) and length <= size:
                name, size = node.name, length
    return name


# ---- the session

_BUILTINS = frozenset(vars(builtins))
_COPY = """
import os as _os, shutil as _shutil
for _folder in _folders:
    if _os.path.isdir(_folder):
        _shutil.copytree(_folder, ".", dirs_exist_ok=True, copy_function=_shutil.copyfile)
None
"""
_LONGEST_REASON = 1000  # Characters of an error's text that are looked at.
_LONGEST_LINE = 120
_MOST_LINES = 4096  # of a notebook whose lines are named: twelve bits


class Budget:
    """The wall time that one submission may use, in seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """Return the seconds that are left, up to ``at_most``; never negative."""
        return max(0.0, min(at_most, self._end - time.monotonic()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the time of what happens meanwhile, which has a limit of its own."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - started

    @property
    def spent(self) -> bool:
        """True if nothing is left."""
        return self.left(1.0) <= 0.0


@dataclass
class StudentSession:
    """The run of a submission's code, cell by cell, which hands out the names that each check reads.

    A name is taken when the notebook reaches its check, as in a notebook that is run from the top, so a function that
    is defined again further down does not change an earlier check; nor does one that such a function calls.

    Attributes:
        outputs: for each code cell that ran, its outputs.
        captured_names: for each check, the names that it reads from the student's process.
        seconds: the wall time in the student's own cells.
        questions: the number that went over the wire, in either direction.
        stopped: the cells that did not run to their end, in order.
        allowance: the cost that all its processes together may still cause to the grader.
    """

    submission: Submission
    assignment: Assignment
    trusted: ReferenceNotebook
    sandbox: Sandbox
    settings: GradingSettings
    budget: Budget
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    captured_names: dict[str, dict[str, Any]] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    seconds: float = 0.0
    questions: int = 0
    stopped: list[Stopped] = field(default_factory=list)
    allowance: Allowance = field(default_factory=Allowance)
    _worker: StudentProcess | None = None
    _failure: MachineryError | None = None
    _broken: set[str] = field(default_factory=set)
    _reached: int = 0
    _ran: list[SubmissionCell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._checks = {cell.grade_id: cell for cell in self.assignment.checks}
        self._known = {*self.trusted.given, *_BUILTINS}

    @property
    def worker(self) -> StudentProcess:
        """The live worker. A lost one is replaced, and the cells up to here run again in the new one.

        Raises:
            MachineryError: it was lost by the grader's own failure, or no other one could be made.
        """
        if self._worker is None or self._worker.lost:
            self.stop_if_failed()
            self.close()
            with self.noting_failure():
                self._worker = self.spawn()
            reached, self._reached = self._reached, 0
            self._ran.clear()
            for cell in self.submission.cells[:reached]:
                self.advance(cell, again=True)
        return self._worker

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Remember a MachineryError of what happens meanwhile, in case a check swallows it."""
        try:
            yield
        except MachineryError as error:
            self._failure = error
            raise

    def stop_if_failed(self) -> None:
        """Raise the MachineryError that this submission met, whatever a check made of it: it cannot be graded now."""
        failure = self._failure or (self._worker.failure if self._worker is not None else None)
        if failure is not None:
            raise failure

    def advance(self, cell: SubmissionCell, again: bool = False) -> None:
        """Run ``cell`` if it is code that graders run, or note the names that it reads if it is a check."""
        worker = self.worker
        if cell.kind == "check":
            self.captured_names[cell.grade_id] = self._capture(worker, cell)
            self._replay(worker, cell)
        elif self._runs(cell):
            self._run(worker, cell, again)
        self._reached += 1

    def spawn(self) -> StudentProcess:
        """Return another process, with nothing run in it; of an adopted course it has the files beside the notebook."""
        worker = self.sandbox.spawn(self._limits(), allowance=self.allowance)
        if self.assignment.adopted:
            folders = [str(path / self.assignment.name) for path in self.sandbox.readable]
            with suppress(StudentError):
                worker.run_source(_COPY, _folders=folders)
        return worker

    def _replay(self, worker: StudentProcess, cell: SubmissionCell) -> None:
        """Do what a check's cell does for the cells after it, in an adopted course; nothing hidden is in that."""
        source = self.trusted.replayed(cell.grade_id)
        if source and cell.cell_id not in self._broken and not worker.lost:
            self._ran.append(cell)
            worker.quiet = True
            worker.run_cell(source, seconds=self.budget.left(self.settings.cell_seconds))
            worker.quiet = False
            if worker.lost:
                self._broken.add(cell.cell_id)

    def fresh(self, limits: Limits) -> StudentProcess:
        """Return another process with all of the notebook's cells run, for the caller to close; prints are dropped."""
        worker = self.sandbox.spawn(limits, allowance=self.allowance)
        worker.quiet = True
        for cell in self.submission.cells:
            if cell.kind != "check" and self._runs(cell):
                worker.run_cell(cell.source, seconds=self.settings.cell_seconds)
        return worker

    def _runs(self, cell: SubmissionCell) -> bool:
        return cell.cell_type == "code" and cell.kind != "demo" and cell.cell_id not in self._broken

    def _run(self, worker: StudentProcess, cell: SubmissionCell, again: bool) -> None:
        started = time.perf_counter()
        self._ran.append(cell)
        worker.quiet = again  # what it prints was kept the first time, and is not counted twice
        outcome = worker.run_cell(cell.source, seconds=self.budget.left(self.settings.cell_seconds))
        self.seconds += time.perf_counter() - started
        worker.quiet = False
        if not again:
            self.outputs[cell.cell_id] = outcome.outputs
        if not again and not outcome.ok:
            self.stopped.append(_stopped(cell, outcome))
        if worker.lost:
            self._broken.add(cell.cell_id)

    def _capture(self, worker: StudentProcess, cell: SubmissionCell) -> dict[str, Any]:
        """Return the names that a check reads; none if the student's process fails to give them, to its own loss."""
        if cell.cell_id in self._broken:
            return {}
        try:
            return worker.names(self._wanted(cell.grade_id), remember=cell.grade_id)
        except StudentError:
            self._broken.add(cell.cell_id)
            return {}

    def _wanted(self, check: str) -> list[str]:
        if self.assignment.adopted:
            return sorted(self.trusted.students_names(check))
        names = outside_names(self._checks[check].source) | set(self.assignment.exercise_of)
        return sorted(names - self._known)

    def place(self) -> str:
        """Return the place in the student's code where the last error arose, in words; empty if it is not known.

        In a notebook of very many lines the choice of one would tell a hidden input.
        """
        if sum(cell.source.count("\n") + 1 for cell in self._ran) > _MOST_LINES:
            return ""
        found = self._worker.place() if self._worker is not None and self.worker_lives else None
        if found is None or not 0 <= found[0] < len(self._ran):
            return ""
        return where_in(self._ran[found[0]], found[1])

    def line_of(self, number: int, line: int) -> str:
        """Return the text of a line of the cell that ran as that number in a fresh process; empty if there is none."""
        ran = [cell for cell in self.submission.cells if cell.kind != "check" and self._runs(cell)]
        lines = ran[number].source.split("\n") if 0 <= number < len(ran) else []
        return lines[line - 1].strip()[:_LONGEST_LINE] if 0 < line <= len(lines) else ""

    @property
    def worker_lives(self) -> bool:
        """True if the student's process is there to be asked."""
        return self._worker is not None and not self._worker.lost

    def find(self, name: str) -> Any:
        """Return the student's own ``name``, whatever the trusted side calls by that name.

        A function of a given cell is made anew there, from the cell: the notebook may have another one by that name.

        Raises:
            NameError: the student's process has no such name.
        """
        published = source_for(self.trusted.given.get(name))
        if published is not None:
            made = self.worker.run_source(f"{published[1]}\n{name}")
            if type(made) is Handle:
                name_handle(made, name)
            return made
        found = self.worker.names([name])
        if name not in found:
            raise NameError(f"name {name!r} is not defined", name=name)
        return found[name]

    def _limits(self) -> Limits:
        return Limits(
            cpu_seconds=int(self.settings.total_seconds) + 1,
            wall_seconds=self.settings.total_seconds,
            memory_bytes=self.settings.memory_mb << 20,
            torch=names_torch(self.submission, self.assignment),
        )

    def add_usage(self, other: StudentSession) -> None:
        """Count what another side of the same submission used."""
        self.cpu_seconds += other.cpu_seconds
        self.peak_rss_bytes = max(self.peak_rss_bytes, other.peak_rss_bytes)
        self.questions += other.questions

    def close(self) -> None:
        """End the worker and add up what it used."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            self.add_process(worker)

    def add_process(self, worker: StudentProcess) -> None:
        """End a process and count what it used."""
        self.questions += worker.questions
        usage = worker.close()
        self.cpu_seconds += usage.cpu_seconds
        self.peak_rss_bytes = max(self.peak_rss_bytes, usage.peak_rss_bytes)


def names_torch(submission: Submission, assignment: Assignment) -> bool:
    """Return whether code of the submission or the assignment names torch, demonstrations aside.

    Only then is torch there.
    """
    ours = (cell.source for cell in assignment.cells if cell.cell_type == "code" and cell.kind != "demo")
    theirs = (cell.source for cell in submission.cells if cell.cell_type == "code" and cell.kind != "demo")
    return any("torch" in source for source in (*ours, *theirs))


def _stopped(cell: SubmissionCell, outcome: CellOutcome) -> Stopped:
    errors = [output for output in outcome.outputs if output.get("output_type") == "error"]
    last = errors[-1] if errors else {"ename": outcome.error or "an error", "evalue": ""}
    return stopped(cell, str(last["ename"]), plain_text(str(last["evalue"]), _LONGEST_REASON))
