"""The attack catalogue: the class of an attack, the register of all attacks, and the outcome of a run.

An attack is a submission that tries to get what it has not earned. Each is a function that is given a :class:`Target`
and returns what is handed in. It claims, in words, what it tries; whether it succeeded is judged from outside, by
:mod:`autograder.audit.attacks.oracle`, and never by the attack itself.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from autograder.audit.weaknesses import answered_notebook, blank_notebook
from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION
from autograder.errors import AutograderError

__all__ = [
    "ATTACKS",
    "PRELUDE",
    "Attack",
    "AttackClass",
    "AttackOutcome",
    "AttackReport",
    "HandedIn",
    "Intake",
    "Pair",
    "Target",
    "Traps",
    "attack",
    "load_catalogue",
    "speaking",
    "speaking_or",
]

AttackClass = Literal["forging", "reading", "wire", "resources", "system", "people", "collusion", "intake"]
Place = Callable[[Path], None]


@dataclass(frozen=True)
class Pair:
    """A pair of submissions, of which the first tries to tell the second a bit.

    Attributes:
        sender: code that defines ``tell(bit)``, and may leave in ``noted`` what its student reads in feedback.
        receiver: code that finds ``noted`` and has to leave the bit in ``heard``.
        at_once: whether the sender is still there while the receiver runs.
    """

    sender: str
    receiver: str
    at_once: bool = False


@dataclass(frozen=True)
class Intake:
    """An attacker's part of a download.

    Attributes:
        platform: canvas, moodle, gradescope or nbgrader.
        files: by the name that the attacker chose; "NOTEBOOK" stands for the assignment's own.
        at: when they were last changed, as the archive says; default with the others, after the due date.
    """

    platform: str
    files: dict[str, bytes] = field(default_factory=dict)
    at: tuple[int, int, int, int, int, int] | None = None


HandedIn = dict[str, Any] | bytes | Place | Pair | Intake
"""A submission: a notebook, a file's bytes, a function that puts something at a path, a pair, or part of a download."""


@dataclass(frozen=True)
class Traps:
    """The things that are laid out for attacks to reach for.

    Attributes:
        course: the folder of a course with solutions, a gradebook and another student's submission.
        canary: a file beside it.
        claim: an expression of Python for a word that an attack prints if a forbidden call went through.
        tcp, udp: listening ports on 127.0.0.1.
        unix: the path of a listening socket.
        abstract: the name of one without a path.
    """

    course: str = "."
    canary: str = "canary.txt"
    claim: str = "''"
    tcp: int = 9
    udp: int = 9
    unix: str = "socket"
    abstract: str = "socket"


class Target:
    """An assignment as an attacker sees it: the released notebook, and where things may lie on the grader's machine.

    Attributes:
        notebook: the notebook, to be changed at will.
        traps: what may be worth reaching.
    """

    def __init__(self, assignment: Assignment, traps: Traps | None = None, *, solved: bool = False) -> None:
        self.notebook: dict[str, Any] = answered_notebook(assignment) if solved else blank_notebook(assignment)
        for cell in self.of_kind("exercise"):
            cell["source"] = _without_markers(cell["source"])
        self.traps = traps or Traps()

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The cells, in order."""
        cells: list[dict[str, Any]] = self.notebook["cells"]
        return cells

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the cells of one kind: given, exercise, check, demo or answer."""
        return [cell for cell in self.cells if cell["metadata"].get("autograder", {}).get("kind") == kind]

    @property
    def names(self) -> list[str]:
        """The names that exercises ask for."""
        return [cell["metadata"]["autograder"]["exercise"] for cell in self.of_kind("exercise")]

    def first(self, source: str) -> Target:
        """Put ``source`` before the code of the first exercise, where a student's code begins."""
        cell = self.of_kind("exercise")[0]
        cell["source"] = f"{source}\n\n{cell['source']}"
        return self

    def last(self, source: str) -> Target:
        """Put ``source`` after the code of the last exercise."""
        cell = self.of_kind("exercise")[-1]
        cell["source"] = f"{cell['source']}\n\n{source}"
        return self

    def answer_all(self, source: str) -> Target:
        """Answer every exercise with ``source``, in which ``NAME`` stands for the exercise's name."""
        for cell in self.of_kind("exercise"):
            cell["source"] = source.replace("NAME", cell["metadata"]["autograder"]["exercise"])
        return self

    def answer_all_lazily(self) -> Target:
        """Let every exercise that is still blank return zeros, for an attack that has no use for right answers."""
        for cell in self.of_kind("exercise"):
            name = cell["metadata"]["autograder"]["exercise"]
            cell["source"] += f"\n\ndef {name}(*args, **kwargs):\n    import numpy\n    return numpy.zeros((3, 3))"
        return self

    def wrap_all(self, body: str) -> Target:
        """Make each answer run ``body`` first; it sees the call as ``args`` and ``kwargs``."""
        lines = "\n    ".join(body.split("\n"))
        for cell in self.of_kind("exercise"):
            name = cell["metadata"]["autograder"]["exercise"]
            wrapper = f"_own_{name} = {name}\ndef {name}(*args, **kwargs):\n    {lines}\n    "
            cell["source"] += f"\n\n{wrapper}return _own_{name}(*args, **kwargs)"
        return self

    def append(self, source: str, cell_type: str = "code") -> Target:
        """Add a cell at the end."""
        cell: dict[str, Any] = {"cell_type": cell_type, "id": f"added-{len(self.cells)}", "metadata": {}}
        cell["source"] = source
        self.cells.append({**cell, "outputs": [], "execution_count": None} if cell_type == "code" else cell)
        return self

    def write_text(self, text: str) -> Target:
        """Write ``text`` into every written answer, and into a text cell at the end."""
        for cell in self.of_kind("answer"):
            cell["source"] = text
        return self.append(text, "markdown")

    def copy(self, cell: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of ``cell``."""
        copied: dict[str, Any] = json.loads(json.dumps(cell))
        return copied


@dataclass(frozen=True)
class Attack:
    """An entry of the catalogue.

    Attributes:
        name: unique.
        kind: its class.
        tries: what it tries, in words.
        stopped_by: the layer or rule that is meant to stop it.
        make: the function that makes the submission.
        honest: whether the exercises are solved besides, so that any number of points is earned.
        student: the name under which it is handed in.
        seconds: the most time that it may take before the grader counts as stopped.
    """

    name: str
    kind: AttackClass
    tries: str
    stopped_by: str
    make: Callable[[Target], HandedIn | Target] = field(compare=False)
    honest: bool = False
    student: str = "attacker"
    seconds: float = 60.0

    def handed_in(self, assignment: Assignment, traps: Traps) -> HandedIn:
        """Return the submission, made for ``assignment``."""
        made = self.make(Target(assignment, traps, solved=self.honest))
        return made.notebook if isinstance(made, Target) else made


ATTACKS: dict[str, Attack] = {}
_loaded: dict[Path, tuple[str, ...]] = {}


def attack(
    kind: AttackClass,
    *,
    tries: str,
    stopped_by: str,
    honest: bool = False,
    student: str = "attacker",
    seconds: float = 60.0,
) -> Callable[[Callable[[Target], HandedIn | Target]], Callable[[Target], HandedIn | Target]]:
    """Register a function that makes an attack; its name is the attack's.

    Raises:
        ValueError: another attack has that name.
    """

    def register(make: Callable[[Target], HandedIn | Target]) -> Callable[[Target], HandedIn | Target]:
        name = make.__name__
        if name in ATTACKS:
            raise ValueError(f"two attacks are called {name}")
        ATTACKS[name] = Attack(name, kind, tries, stopped_by, make, honest, student, seconds)
        return make

    return register


def load_catalogue(folder: Path, names: Sequence[str] | None = None) -> tuple[Attack, ...]:
    """Return the attacks that the Python files of ``folder`` register, ordered by class and file; each file runs once.

    Args:
        folder: holds files such as ``forging.py``; those that begin with ``test_`` or ``conftest`` are left out.
        names: only these attacks.

    Raises:
        AutograderError: there is no attack in the folder, or none of such a name.
    """
    folder = folder.resolve()
    if folder not in _loaded:
        before = set(ATTACKS)
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith(("test_", "conftest", "__")):
                _run(path)
        _loaded[folder] = tuple(name for name in ATTACKS if name not in before)
    found = [ATTACKS[name] for name in _loaded[folder]]
    if not found:
        raise AutograderError(f"{folder} holds no attack. Name the folder of the catalogue with --catalogue.")
    unknown = set(names or ()) - {each.name for each in found}
    if unknown:
        raise AutograderError(f"There is no attack '{min(unknown)}' in {folder}. Check the name.")
    found.sort(key=lambda each: get_args(AttackClass).index(each.kind))
    return tuple(each for each in found if names is None or each.name in names)


def _without_markers(source: str) -> str:
    """Return an instructor's solution as a student would have written it."""
    markers = (BEGIN_SOLUTION, END_SOLUTION)
    return "\n".join(line for line in source.split("\n") if not any(marker in line for marker in markers))


def _run(path: Path) -> None:
    name = f"attack_catalogue_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AutograderError(f"{path} cannot be imported. Remove it, or correct its name.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


# ---- the outcome of a run


class AttackOutcome(msgspec.Struct, frozen=True):
    """The outcome of one attack.

    Attributes:
        name, kind, tries, stopped_by: the attack's own.
        breaches: what it achieved, as judged from outside; empty if it failed.
        points: points that its submission earned by checks.
        refused: the reason for which its file was not graded at all; empty if it was.
        seconds: wall time until it was over.
        control: whether the honest submission right after it had full marks and the same outputs as ever.
    """

    name: str
    kind: str
    tries: str
    stopped_by: str
    breaches: tuple[str, ...] = ()
    points: float = 0.0
    refused: str = ""
    seconds: float = 0.0
    control: bool = True


class AttackReport(msgspec.Struct, frozen=True):
    """The outcome of all attacks on one assignment.

    Attributes:
        assignment: its name.
        without: layers of the sandbox that were taken away for this run.
        outcomes: one for each attack.
    """

    assignment: str
    without: tuple[str, ...]
    outcomes: tuple[AttackOutcome, ...]

    @property
    def succeeded(self) -> tuple[AttackOutcome, ...]:
        """The attacks that achieved something."""
        return tuple(outcome for outcome in self.outcomes if outcome.breaches)

    @property
    def honest_controls(self) -> int:
        """The number of honest submissions that were graded beside attacks."""
        return len(self.outcomes)

    @property
    def controls_full_marks(self) -> int:
        """The number of those with full marks and undisturbed outputs."""
        return sum(outcome.control for outcome in self.outcomes)


# ---- attacks on the connection

PRELUDE = """
import os, struct, sys, time, msgpack
from msgpack import ExtType as E
def raw(body, length=None):
    data = struct.pack("<Q", len(body) if length is None else length) + body
    while data:
        try: data = data[os.write(3, data):]
        except BlockingIOError: time.sleep(0.001)
def sequence():
    frame = sys._getframe()
    while frame:
        server = frame.f_locals.get("self")
        if hasattr(server, "_sequence"): return server._sequence
        frame = frame.f_back
    return 0
OK, ERROR, CALLBACK, READY, FAILED = 2, 3, 4, 7, 8
def say(kind, body, number=None): raw(struct.pack("<BQ", kind, sequence() if number is None else number) + body)
def answer(value): say(OK, msgpack.packb(value))
"""


def speaking(target: Target, body: str) -> Target:
    """Make the first two exercises run ``body``, which writes to the wire, and then return a number."""
    return speaking_or(target, PRELUDE, f"{body}\nreturn 1")


def speaking_or(target: Target, head: str, body: str) -> Target:
    """Make the first two exercises functions with this body, after ``head``."""
    lines = "\n    ".join(body.split("\n"))
    for cell in target.of_kind("exercise")[:2]:
        name = cell["metadata"]["autograder"]["exercise"]
        cell["source"] = f"{head}\ndef {name}(*args, **kwargs):\n    {lines}"
    return target
