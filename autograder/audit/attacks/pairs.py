"""The judge of collusion: whether one submission can tell another a bit.

The sender prints what it likes beforehand, as a student can read it in feedback. Then it is told a bit, where nobody
sees what it prints, as a hidden check does. The receiver knows what the sender printed, and has to name the bit. It
must be right nearly every time, so that luck is not taken for a channel.
"""

from __future__ import annotations

import contextlib
import random

from autograder.audit.attacks.catalogue import Pair
from autograder.isolation.failures import StudentError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

__all__ = ["bits_heard"]

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
