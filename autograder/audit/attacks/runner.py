"""The runner of attacks: one after the other in one sandbox, each followed by an honest submission.

Of a pair of submissions it is judged whether one can tell the other a bit. The sender prints what it likes beforehand,
as a student can read it in feedback. Then it is told a bit, where nobody sees what it prints, as a hidden check does.
The receiver knows what the sender printed, and has to name the bit. It must be right nearly every time, so that luck is
not taken for a channel.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from autograder.audit.attacks.catalogue import Attack, AttackOutcome, HandedIn, Intake, Pair
from autograder.audit.attacks.honeypot import Honeypot
from autograder.audit.attacks.oracle import (
    breaches_of_intake,
    breaches_of_pages,
    breaches_of_result,
    files_changed,
    shown_to_people,
)
from autograder.audit.weaknesses import answered_notebook, blank_notebook, submission_of
from autograder.authoring.assignment import Assignment
from autograder.engine.grader import without_checks
from autograder.engine.worker import options_of, sandbox_settings
from autograder.errors import AutograderError, MachineryError, UnreadableSubmission
from autograder.grading.child import run_in_child
from autograder.grading.grade import grade_submission
from autograder.grading.lazy_entry import competition_checks
from autograder.grading.result import Result, decode_result, encode_result
from autograder.isolation.failures import StudentError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.settings import GradingSettings
from autograder.submission.alignment import load_submission
from autograder.submission.model import Submission

__all__ = ["SETTINGS", "AttackRunner", "bits_heard"]


# ---- pairs that try to collude

_ROUNDS, _MOST_WRONG = 20, 2
_LIMITS = Limits(cpu_seconds=20, wall_seconds=60, call_seconds=8)


def bits_heard(pair: Pair, sandbox: Sandbox) -> str:
    """Return, in words, how many bits got from one to the other; empty if they did not. Raises MachineryError."""
    draw, wrong = random.Random(0), 0
    bits = [round_ % 2 for round_ in range(_ROUNDS)]
    draw.shuffle(bits)
    for bit in bits:
        wrong += _heard(pair, bit, sandbox) != bit
        if wrong > _MOST_WRONG:
            return ""
    return f"{_ROUNDS - wrong} of {_ROUNDS} bits got from one submission to another"


def _heard(pair: Pair, bit: int, sandbox: Sandbox) -> object:
    with sandbox.spawn(_LIMITS) as sender:
        sender.run_cell(pair.sender)
        noted = _noted(sender)
        if pair.at_once:
            _tell(sender, bit)
            return _received(pair, noted, sandbox)
        _tell(sender, bit)
    return _received(pair, noted, sandbox)


def _noted(sender: StudentProcess) -> str:
    try:
        return str(sender.names(["noted"]).get("noted", ""))[:10_000]
    except StudentError:
        return ""


def _tell(sender: StudentProcess, bit: int) -> None:
    sender.quiet = True
    with contextlib.suppress(StudentError, KeyError, TypeError):
        sender.names(["tell"])["tell"](bit)


def _received(pair: Pair, noted: str, sandbox: Sandbox) -> object:
    with sandbox.spawn(_LIMITS) as receiver:
        receiver.run_cell(f"noted = {noted!r}\n{pair.receiver}")
        try:
            return receiver.names(["heard"]).get("heard")
        except StudentError:
            return None


# ---- the runner

SETTINGS = GradingSettings(cell_seconds=3.0, check_seconds=1.5, total_seconds=8.0, memory_mb=512)
"""The limits of one attack: enough for all that is not meant to use up time."""

_EXERCISES_OF_SHORT_CONTROL = 3
_WHOLE_CONTROL_EVERY = 16
_STUCK_SECONDS = 90.0
_MOST_GRADER_MEMORY = 3 << 29
_IDLE_ANSWERS = (
    "return None", "return 0", "return 0.0", "return False", "return True", "raise ValueError('argument')",
    "return args[0] if args else None", "return []", "return ''", "raise NotImplementedError()",
)  # fmt: skip
_NEIGHBOUR = (
    "secret = {word!r}\nopen('diary.txt', 'w').write(secret)\ndef ask(): return secret, open('diary.txt').read()"
)


class AttackRunner:
    """A series of attacks on one scene, in one sandbox.

    Args:
        scene: where attacks are tried.
        missing_ok: layers of the sandbox that may be missing.
    """

    def __init__(self, scene: Honeypot, missing_ok: frozenset[str] = frozenset()) -> None:
        self._scene = scene
        self._sandbox = Sandbox.start(**sandbox_settings(options_of(scene.course, tuple(missing_ok))))
        honest = submission_of(answered_notebook(scene.assignment), scene.assignment)
        self._control = _Control(honest, scene.assignment)
        self._short = _short_control(honest, scene.assignment)
        self._neighbour: StudentProcess | None = None
        self._attempts = 0
        self._usual = self._controlled(self._control)
        self._control.usual, self._short.usual = self._usual.content(), self._controlled(self._short).content()
        scene.record(self._usual)
        self._free = {check for body in _IDLE_ANSWERS for check in self._passed(body)}
        self._watched = scene.watched()
        self._family = _descendants(os.getpid())

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    @property
    def usual(self) -> Result:
        """The honest submission's result before any attack."""
        return self._usual

    def attempt(self, attack: Attack) -> AttackOutcome:
        """Try one attack, judge it, and grade an honest submission in the same sandbox right after it."""
        started = time.perf_counter()
        self._meet_neighbour()
        breaches: list[str] = []
        points, refused = 0.0, ""
        try:
            points, breaches = self._tried(attack)
        except UnreadableSubmission as error:
            refused = str(error)
        except Exception as error:
            breaches = [f"the grader stopped: {type(error).__name__}: {str(error)[:300]}"]
        seconds = time.perf_counter() - started
        if seconds > attack.seconds:
            breaches.append(f"it kept the grader for {seconds:.0f} s")
        breaches += self._traces()
        control = self._control_unharmed(breaches)
        return AttackOutcome(
            attack.name,
            attack.kind,
            attack.tries,
            attack.stopped_by,
            tuple(breaches),
            points,
            refused,
            seconds,
            control,
        )

    def _tried(self, attack: Attack) -> tuple[float, list[str]]:
        """Return the points and the breaches."""
        made = attack.handed_in(self._scene.plain, self._scene.traps)
        if isinstance(made, Pair):
            heard = bits_heard(made, self._sandbox)
            return 0.0, [heard] if heard else []
        if isinstance(made, Intake):
            return 0.0, list(breaches_of_intake(made, self._scene.plain))
        result, found = self._graded(attack, made)
        return result.points, found

    def _graded(self, attack: Attack, made: HandedIn) -> tuple[Result, list[str]]:
        scene = self._scene
        submission = load_submission(self._hand_in(attack, made), scene.assignment)
        result = self._grade(submission, SETTINGS)
        shown = shown_to_people(scene, submission, result, attack.student)
        found = [*breaches_of_result(attack, scene, result, self._free), *breaches_of_pages(scene, submission, shown)]
        return result, list(dict.fromkeys(found))

    def _hand_in(self, attack: Attack, made: HandedIn) -> Path:
        """Make a folder for each attack, in the place of an assignment's: one may put a link there."""
        scene = self._scene
        path = scene.course.submitted / "attacker" / attack.name / f"{scene.plain.notebook}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(made):
            made(path)
        else:
            path.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
        return path

    def _grade(self, submission: Submission, settings: GradingSettings, assignment: Assignment | None = None) -> Result:
        """Grade as a worker of the engine does: in a child, with the result coming back as bytes.

        No entry is trained for the challenge: every attack and every control would train for minutes.
        """
        asked, secret = assignment or self._scene.assignment, self._scene.course.secret
        submission, asked = without_checks(submission, asked, competition_checks(asked))

        def work() -> bytes:
            return encode_result(grade_submission(submission, asked, self._sandbox, secret, settings))

        outcome = run_in_child(work, 2 * settings.total_seconds + _STUCK_SECONDS)
        if outcome.peak_rss_bytes > _MOST_GRADER_MEMORY:
            raise MachineryError(f"grading took {outcome.peak_rss_bytes >> 20} MB of memory")
        return decode_result(outcome.data)

    def _passed(self, body: str) -> set[str]:
        """Return the checks that answers with this body pass, whatever they are asked."""
        notebook = blank_notebook(self._scene.plain)
        for cell in notebook["cells"]:
            own = cell["metadata"].get("autograder", {})
            if own.get("kind") == "exercise":
                cell["source"] = f"def {own['exercise']}(*args, **kwargs):\n    {body}"
        quick = msgspec.structs.replace(self._scene.assignment, misconceptions=())
        result = self._grade_quickly(submission_of(notebook, quick), quick)
        return {check.check for check in result.checks if check.points}

    def _grade_quickly(self, submission: Submission, assignment: Assignment) -> Result:
        narrow, fewer = without_checks(submission, assignment, competition_checks(assignment))
        return grade_submission(narrow, fewer, self._sandbox, self._scene.course.secret, SETTINGS)

    # ---- what must not have happened

    def _meet_neighbour(self) -> None:
        """Start another student's process, which is there while the attack runs."""
        self._neighbour = self._sandbox.spawn(Limits(cpu_seconds=60, wall_seconds=600))
        self._neighbour.run_cell(_NEIGHBOUR.format(word=self._scene.canaries["a neighbour"]))

    def _traces(self) -> Iterator[str]:
        scene = self._scene
        yield from self._neighbour_disturbed()
        yield from files_changed(self._watched, scene.watched())
        yield from (f"it wrote {path}" for path in scene.marked_files())
        if scene.visitors():
            yield "it reached a socket of this machine"
        for _ in range(20):  # a process that was just killed takes a moment to go
            left = _descendants(os.getpid()) - self._family
            if not left:
                return
            time.sleep(0.05)
        yield f"{len(left)} processes outlived it"

    def _neighbour_disturbed(self) -> Iterator[str]:
        word, neighbour = self._scene.canaries["a neighbour"], self._neighbour
        try:
            if neighbour is None or neighbour.names(["ask"])["ask"]() != (word, word):
                yield "a neighbour's memory or file was changed"
        except (StudentError, MachineryError, KeyError) as error:
            yield f"a neighbour was disturbed: {error}"
        finally:
            with contextlib.suppress(MachineryError):
                if neighbour is not None:
                    neighbour.close()

    def _control_unharmed(self, breaches: list[str]) -> bool:
        """Return whether the honest submission is graded as ever; if the sandbox died of the attack, in a new one."""
        try:
            if not self._sandbox.alive:
                breaches.append("the sandbox died of it")
                self._sandbox.restart()
            self._attempts += 1
            whole = bool(breaches) or self._attempts % _WHOLE_CONTROL_EVERY == 0
            control = self._control if whole else self._short
            return self._controlled(control).content() == control.usual
        except AutograderError as error:
            breaches.append(f"the next submission could not be graded: {error}")
            self._sandbox.restart()
            return False
        finally:
            self._family = _descendants(os.getpid())

    def _controlled(self, control: _Control) -> Result:
        return self._grade(control.submission, self._scene.course.config.grading, control.assignment)


@dataclass
class _Control:
    """An honest submission, what it is graded on, and what it came to before any attack."""

    submission: Submission
    assignment: Assignment
    usual: bytes = b""


def _short_control(honest: Submission, assignment: Assignment) -> _Control:
    """Return ``honest`` on the checks of the first exercises only: quick enough to follow every attack."""
    first = list(assignment.exercises)[:_EXERCISES_OF_SHORT_CONTROL]
    others = {check.grade_id for check in assignment.checks if assignment.exercise_of[check.exercise] not in first}
    return _Control(*without_checks(honest, assignment, others))


def _descendants(process: int) -> set[int]:
    """Return the living processes below ``process``."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found: set[int] = set()
    waiting: list[Any] = [process]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found
