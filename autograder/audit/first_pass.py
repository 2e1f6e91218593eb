"""The first pass over mutants: in forks of a warm process, without a sandbox, each until a check fails.

Most mutants fail their first check, which takes milliseconds here and many times as long in a sandbox. This pass only
kills: a mutant that passes it, or ends as no check decides, is graded in full. A mutant counts as killed here only if
the answer that it was made from passes the same checks in the same way. Several mutants of one answer share a fork; if
the unchanged answer does not pass after them, one of them left something behind, and each gets a fork of its own.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import math
import os
import signal
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import numpy as np

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import split_hidden
from autograder.engine.executor import LocalWorkers
from autograder.engine.grader import Grader
from autograder.engine.worker import Bundle, Job, Options
from autograder.files import write_atomically
from autograder.grading.grade import check_seed
from autograder.grading.harness import GUARD, compile_cell, compile_check, harness_names, outside_names
from autograder.grading.reference import ReferenceNotebook, beside_notebook, reference_for
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission, SubmissionCell

__all__ = ["FIRST_PASS", "Candidate", "FirstPass", "Memory", "fails_a_check", "kill"]

FIRST_PASS = "autograder.audit.first_pass:FirstPass"
_PASSED, _KILLED, _UNDECIDED = ord("p"), ord("k"), ord("u")
_TOGETHER = 25
"""The number of mutants in one fork."""
_SLOWER = 20.0
_LEAST_SECONDS = 2.0
_STUCK_SECONDS = 60.0


class Candidate(msgspec.Struct, frozen=True):
    """A changed answer that waits for its verdict.

    Attributes:
        exercise: the exercise answered.
        source: the code that stands in its cell.
        origin: the code that stood there before the change.
    """

    exercise: str
    source: str
    origin: str


class _TooSlow(BaseException):
    """The end of a mutant that takes many times as long as the answer that it was made from."""


class FirstPass:
    """A grader of mutants for worker processes; its result is a letter for each: ``k``illed, ``p``assed, ``u``ndecided.

    The cells of a job's submission are answers to one exercise; the rest of the notebook is the assignment's own.

    Args:
        options: the folder of the notebooks, from which relative paths lead.
        sandbox: not used.
    """

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None:
        self._notebooks = Path(options.notebooks) if options.notebooks else None
        self._before: dict[tuple[str, str], dict[str, Any]] = {}

    @staticmethod
    def preload() -> None:
        """Import what checks usually import, once for all workers."""
        Grader.preload()
        warnings.simplefilter("ignore")

    def start(self) -> None:
        """Do nothing: there is no sandbox."""

    def start_again(self) -> None:
        """Do nothing: what a mutant did ended with its fork."""

    def close(self) -> None:
        """Do nothing."""

    def deadline(self, bundle: Bundle) -> float:
        """Return the wall time, in seconds, after which all mutants of a job count as undecided."""
        return _STUCK_SECONDS + (_TOGETHER + 1) * bundle.settings.check_seconds

    def prepare(self, bundle: Bundle, job: Job) -> None:
        """Run the notebook down to the exercise, once for all of its mutants."""
        exercise = job.submission.cells[0].exercise
        if (bundle.digest, exercise) in self._before:
            return
        if any("torch" in cell.source for cell in bundle.assignment.cells):
            import torch

            torch.set_num_threads(1)  # A fork of a process with torch's threads would wait for them for ever.
        with beside_notebook(self._notebooks, bundle.assignment), contextlib.redirect_stdout(io.StringIO()):
            reference_for(bundle.assignment)
            self._before = {(bundle.digest, exercise): _names_before(bundle.assignment, exercise)}
        gc.collect()
        gc.freeze()  # so that forks share these pages

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        """Return the verdicts. Runs in a fork."""
        gc.disable()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        signal.signal(signal.SIGPROF, _too_slow)
        names = self._before[bundle.digest, job.submission.cells[0].exercise]
        before, verdicts = dict(names), []
        with beside_notebook(self._notebooks, bundle.assignment):
            for cell in job.submission.cells:
                names.clear()  # The same dictionary as before: the given functions look their names up in it.
                names.update(before)
                verdicts.append(_verdict(bundle, names, cell))
        return bytes(verdicts)


def _verdict(bundle: Bundle, names: dict[str, Any], cell: SubmissionCell) -> int:
    try:
        signal.setitimer(signal.ITIMER_PROF, bundle.settings.check_seconds)
        dead = fails_a_check(bundle, names, cell.exercise, cell.source)
        signal.setitimer(signal.ITIMER_PROF, 0)
    except _TooSlow:
        return _KILLED
    except BaseException:  # what a mutant raises to leave, such as SystemExit
        signal.setitimer(signal.ITIMER_PROF, 0)
        return _UNDECIDED
    return _KILLED if dead else _PASSED


def _too_slow(signal: int, frame: FrameType | None) -> None:
    raise _TooSlow


def _names_before(assignment: Assignment, exercise: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in assignment.cells:
        if cell.exercise == exercise and cell.kind == "exercise":
            break
        if _runs(cell):
            compile_cell(cell.source, cell.grade_id or cell.cell_id).execute(names)
    return names


def _runs(cell: AssignmentCell) -> bool:
    return cell.cell_type == "code" and cell.kind in ("given", "exercise")


def fails_a_check(bundle: Bundle, names: dict[str, Any], exercise: str, source: str) -> bool:
    """Return whether a check of the bundle gives less than all points: visible parts in their place, hidden ones last.

    Args:
        bundle: the assignment with the checks to try, and the secret.
        names: those that the notebook has when it reaches the exercise; changed.
        exercise: the exercise that is answered.
        source: its answer.
    """
    assignment, trusted = bundle.assignment, reference_for(bundle.assignment)
    below = _cells_from(assignment, exercise)
    hidden: list[tuple[AssignmentCell, str, dict[str, Any]]] = []
    for cell in below:
        if cell.kind == "check":
            visible, rest = split_hidden(cell.source)
            known = _check_names(bundle, trusted, cell, names)
            if _falls_short(cell, visible, known, last=not rest.strip()):
                return True
            if rest.strip():
                hidden.append((cell, rest, known))
        elif _runs(cell):
            text = source if cell.exercise == exercise and cell.kind == "exercise" else cell.source
            with contextlib.suppress(Exception):  # a cell that stops takes its names along, as in a notebook
                compile_cell(text, cell.grade_id or cell.cell_id).execute(names)
    return any(_falls_short(cell, source, known, last=True) for cell, source, known in hidden)


def _cells_from(assignment: Assignment, exercise: str) -> Sequence[AssignmentCell]:
    start = next(n for n, cell in enumerate(assignment.cells) if cell is assignment.exercises[exercise])
    return assignment.cells[start:]


def _check_names(
    bundle: Bundle, trusted: ReferenceNotebook, cell: AssignmentCell, names: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the names that a check reads: the student's as they are now, the given ones, and the harness's."""
    wanted = outside_names(cell.source) | set(bundle.assignment.exercise_of)

    def find(name: str) -> Any:
        if name not in names:
            raise NameError(f"name {name!r} is not defined", name=name)
        return names[name]

    seed = check_seed(bundle.secret, bundle.assignment, cell.grade_id)
    students = {name: names[name] for name in wanted if name in names}
    harness = harness_names(trusted.solution, seed, find)
    return {**students, **trusted.given, **harness, GUARD: contextlib.nullcontext()}


def _falls_short(cell: AssignmentCell, source: str, names: dict[str, Any], *, last: bool) -> bool:
    try:
        value = compile_check(source, cell.grade_id).execute(names)
    except Exception:  # whatever a mutant raises
        return True
    counts = last and isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return counts and not float(value) >= cell.points  # type: ignore[arg-type]


class Memory:
    """The verdicts of first passes, kept in one file for each assignment; a damaged file counts as empty.

    Args:
        path: the file.
        forget: begin with nothing.
    """

    def __init__(self, path: Path, *, forget: bool = False) -> None:
        self._path = path
        self._known: dict[str, bool] = {}
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            if not forget:
                self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, bool])

    def get(self, key: str) -> bool | None:
        """Return whether this one was killed; None if that is not known."""
        return self._known.get(key)

    def keep(self, verdicts: Mapping[str, bool]) -> None:
        """Keep these verdicts, and no others. Raises GradebookError if they cannot be written."""
        self._known = dict(verdicts)
        write_atomically(self._path, msgspec.json.encode(self._known))


def kill(
    candidates: Sequence[Candidate],
    bundles: Mapping[str, Bundle],
    workers: Callable[[], LocalWorkers],
    memory: Memory,
    advance: Callable[[int], None] = lambda number: None,
) -> list[bool]:
    """Return whether each candidate fails a check in its first pass.

    Args:
        candidates: changed answers.
        bundles: for each exercise the assignment with the checks to try.
        workers: makes workers with the grader `FIRST_PASS`; called only for what the memory does not hold.
        memory: what is known from earlier runs.
        advance: told, now and then, how many more are done.
    """
    keys = [_key(bundles[each.exercise], each) for each in candidates]
    known = {key: dead for key in keys if (dead := memory.get(key)) is not None}
    missing = {key: each for key, each in zip(keys, candidates, strict=True) if key not in known}
    advance(len(candidates) - len(missing))
    if missing:
        pool = workers()
        limited = _limited(missing.values(), bundles, pool)
        tried = {key: each for key, each in missing.items() if (each.exercise, each.origin) in limited}
        known |= dict.fromkeys(missing, False)
        known |= _together(tried, limited, pool, advance)
        memory.keep({key: known[key] for key in keys})
    return [known[key] for key in keys]


def _key(bundle: Bundle, candidate: Candidate) -> str:
    parts = (bundle.grader, bundle.assignment.key, candidate.exercise, candidate.origin, candidate.source)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _limited(
    candidates: Iterable[Candidate], bundles: Mapping[str, Bundle], pool: LocalWorkers
) -> dict[tuple[str, str], Bundle]:
    """Return, for each origin that passes its checks here, its bundle with the processor time of a mutant."""
    origins = list(dict.fromkeys((each.exercise, each.origin) for each in candidates))
    replies = _ask([(bundles[exercise], exercise, [source]) for exercise, source in origins], pool)
    found = {}
    for (exercise, source), (verdicts, seconds) in zip(origins, replies, strict=True):
        if verdicts == bytes([_PASSED]):
            limits = msgspec.structs.replace(
                bundles[exercise].settings, check_seconds=float(math.ceil(max(_LEAST_SECONDS, _SLOWER * seconds)))
            )
            found[exercise, source] = msgspec.structs.replace(bundles[exercise], settings=limits)
    return found


def _together(
    candidates: Mapping[str, Candidate],
    limited: Mapping[tuple[str, str], Bundle],
    pool: LocalWorkers,
    advance: Callable[[int], None],
) -> dict[str, bool]:
    """Return, by key, whether each is killed: several in one fork, and alone where one of them disturbs the rest."""
    batches: list[list[str]] = []
    for origin in limited:
        keys = [key for key, each in candidates.items() if (each.exercise, each.origin) == origin]
        batches += [keys[start : start + _TOGETHER] for start in range(0, len(keys), _TOGETHER)]
    work = [_job(batch, candidates, limited, control=True) for batch in batches]
    found: dict[str, bool] = {}
    alone: list[str] = []
    for batch, (verdicts, _) in zip(batches, _ask(work, pool, advance), strict=True):
        if len(verdicts) == len(batch) + 1 and verdicts[-1] == _PASSED:
            found |= {key: verdict == _KILLED for key, verdict in zip(batch, verdicts, strict=False)}
        else:
            alone += batch
    work = [_job([key], candidates, limited, control=False) for key in alone]
    found |= {key: verdicts == bytes([_KILLED]) for key, (verdicts, _) in zip(alone, _ask(work, pool), strict=True)}
    return found


def _job(
    keys: Sequence[str],
    candidates: Mapping[str, Candidate],
    limited: Mapping[tuple[str, str], Bundle],
    *,
    control: bool,
) -> tuple[Bundle, str, list[str]]:
    """Return what one fork is asked: these answers, and as a control the one that they were made from."""
    first = candidates[keys[0]]
    sources = [candidates[key].source for key in keys]
    return limited[first.exercise, first.origin], first.exercise, [*sources, first.origin] if control else sources


def _ask(
    work: Sequence[tuple[Bundle, str, Sequence[str]]],
    pool: LocalWorkers,
    advance: Callable[[int], None] = lambda number: None,
) -> list[tuple[bytes, float]]:
    """Return each fork's verdicts, none if it died, and its processor seconds."""
    for number, (bundle, exercise, sources) in enumerate(work):
        cells = tuple(SubmissionCell("exercise", "", "", source, exercise, "code") for source in sources)
        pool.submit(Job(number, bundle.digest, Submission(cells, (), "")), bundle)
    found: dict[int, tuple[bytes, float]] = {}
    while len(found) < len(work):
        for reply in pool.completed(1.0):
            found[reply.number] = reply.result, reply.cpu_seconds
            advance(len(work[reply.number][2]) - 1)
    return [found[number] for number in range(len(work))]
