"""A student's code that writes to the wire itself: it ends its own worker at most, and never grades itself."""

from __future__ import annotations

import time

import pytest

from autograder.audit.attacks import catalogue
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.limits import Allowance, Limits
from autograder.isolation.sandbox import Sandbox

PRELUDE = f"""{catalogue.PRELUDE}
import numpy as np
def ahead(kind, value): say(kind, msgpack.packb(value), sequence() + 1)
def told(value):
    os.read(3, 1 << 16)
    ahead(OK, value)
"""
ERROR = 'say(ERROR, msgpack.packb([0, "SystemExit", "BaseException"]))'
BREACHES = {
    "garbage": 'raw(b"\\xc1" * 100)',
    "unframed garbage": 'os.write(3, b"\\xff" * 100)',
    "a length of ten gigabytes": 'raw(b"", 10 << 30)',
    "a length of 2**63": 'raw(b"", 1 << 63)',
    "nothing": 'raw(b"")',
    "half a head": 'raw(b"\\2\\1")',
    "a head without a body": 'say(OK, b"")',
    "an answer of another sequence": "say(OK, msgpack.packb(1), sequence() + 900)",
    "an answer of kind 200": "say(200, msgpack.packb(1))",
    "a greeting": "say(READY, msgpack.packb(None))",
    "two values": 'say(OK, b"\\1\\1")',
    "a list without a tag": "say(OK, msgpack.packb([]))",
    "an error whose names are numbers": "say(ERROR, msgpack.packb([0, 1]))",
    "an error that is one name": "say(ERROR, msgpack.packb('ValueError'))",
    "an error of which a number is told": f"{ERROR}; told(7)",
    "an error of which two numbers are told": f"{ERROR}; told([1, 1, 2])",
    "an error of which another is told": f"{ERROR}; os.read(3, 1 << 16); ahead(ERROR, [0, 'E'])",
    "a call to a function never lent": "say(CALLBACK, msgpack.packb([0, 0, None]))",
    "a call with numbers for names": "say(CALLBACK, msgpack.packb([0, 1, [4, 1, 1]]))",
    "a call with a list for names": "say(CALLBACK, msgpack.packb([0, 1, [0, 1]]))",
    "a call of a text": "say(CALLBACK, msgpack.packb('sort'))",
    "a call without keyword arguments": "say(CALLBACK, msgpack.packb([0, 1]))",
    "a call of a tuple": "say(CALLBACK, msgpack.packb([1, 1, None]))",
    "an array of objects": 'answer(E(4, b"\\3\\1|O8" + struct.pack("<Q", 1) + b"A" * 8))',
    "an array of negative size": 'answer(E(4, b"\\3\\1<f8" + struct.pack("<q", -1) + b"A" * 8))',
    "a huge shape": 'answer(E(4, b"\\3\\2<f8" + struct.pack("<QQ", 1 << 62, 4) + b"A" * 8))',
    "lists a hundred thousand deep": 'say(OK, b"\\x91" * 100000 + b"\\xc0")',
    "a list of four thousand million": 'say(OK, b"\\xdd\\xff\\xff\\xff\\xff")',
    "a handle cut off": 'answer(E(20, b"1"))',
    "a handle without a number": 'answer(E(20, struct.pack("<QI", 0, 0)))',
    "a handle with a number of 64 bits": 'answer(E(20, struct.pack("<QI", 1 << 63, 0)))',
    "a handle of ten kilobytes": 'answer(E(20, b"1" * 10_000))',
    "a network layer, which only the grader sends": 'answer(E(22, b""))',
}


def lost_reason(sandbox: Sandbox, body: str, **limits: float) -> str:
    """The reason for which a worker is lost when its function runs `body`."""
    with sandbox.spawn(Limits(call_seconds=limits.pop("call_seconds", 10), **limits)) as worker:  # type: ignore[arg-type]
        worker.run_cell(f"{PRELUDE}\ndef f():\n    {body}\n    return 2")
        function = worker.names(["f"])["f"]
        with pytest.raises(WorkerLost) as lost:
            function()
            function()
        with pytest.raises(WorkerLost):
            worker.names(["f"])
        return lost.value.reason


@pytest.mark.parametrize("body", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_ends_the_worker(sandbox: Sandbox, body: str) -> None:
    assert lost_reason(sandbox, body) == "protocol"


def test_an_extra_answer_is_out_of_step(sandbox: Sandbox) -> None:
    assert lost_reason(sandbox, "answer(1)") == "protocol"


@pytest.mark.parametrize(
    "body",
    [
        'raw(b"", 1000); time.sleep(60)',
        'os.write(3, struct.pack("<Q", 1000))\n    while True: os.write(3, b"x"); time.sleep(.05)',
        "while True: pass",
        'import re; re.match(r"(a+)+$", "a" * 40 + "b")',
        "10 ** (10 ** 9)",
    ],
    ids=["a body that never comes", "a slow drip", "an endless loop", "a regular expression", "a long division"],
)
def test_waiting_ends_at_the_deadline(sandbox: Sandbox, body: str) -> None:
    started = time.monotonic()
    assert lost_reason(sandbox, body, call_seconds=0.6) == "timeout"
    assert time.monotonic() - started < 4


LEAVING = ["os._exit(0)", "os._exit(70)", "os.close(3)", "os.dup2(0, 3)", "os.close(3); time.sleep(60)"]


@pytest.mark.parametrize("body", LEAVING)
def test_leaving_is_noticed(sandbox: Sandbox, body: str) -> None:
    assert lost_reason(sandbox, body, call_seconds=3) == "exited"


@pytest.mark.parametrize("body", ["import ctypes; ctypes.string_at(0)", "os.abort()"])
def test_a_crash_is_noticed(sandbox: Sandbox, body: str) -> None:
    assert lost_reason(sandbox, body) == "killed"


@pytest.mark.parametrize("result", ["'x' * (300 << 20)", "np.ones(200 << 20, dtype='u1')"])
def test_an_answer_that_is_too_large_is_not_read(sandbox: Sandbox, result: str) -> None:
    with sandbox.spawn(Limits(call_seconds=20, message_bytes=8 << 20)) as worker:
        worker.run_cell(f"import numpy as np\ndef f(): return {result}")
        with pytest.raises(StudentError):  # the worker's memory ends, or the cap on messages
            worker.names(["f"])["f"]()


def test_what_a_worker_sends_in_its_life_is_bounded(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(total_bytes=1 << 20)) as worker:
        worker.run_cell("def f(): return bytes(400 << 10)")
        function = worker.names(["f"])["f"]
        assert len(function()) == len(function()) == 400 << 10
        with pytest.raises(WorkerLost) as lost:
            function()
    assert lost.value.reason == "protocol"


def test_a_forged_error_is_never_more_than_an_error(sandbox: Sandbox) -> None:
    forged = f"{ERROR}; told([1, 'x' * 9000, '\\x1b[2J'])"
    with sandbox.spawn() as worker:
        worker.run_cell(f"{PRELUDE}\ndef f():\n    {forged}\n    time.sleep(1)")
        with pytest.raises(StudentError) as caught:
            worker.names(["f"])["f"]()
    assert not isinstance(caught.value, SystemExit)
    assert caught.value.type_name == "SystemExit"
    assert caught.value.message.startswith("xxx")
    assert len(caught.value.message) <= 2000
    assert "\x1b" not in caught.value.traceback


def test_a_patched_runtime_only_lies_about_itself(sandbox: Sandbox) -> None:
    """Whatever the untrusted half is turned into, its answers are data, and data is compared elsewhere."""
    patch = "from autograder.isolation.guest.server import Server\nServer._do_call = lambda *a: 42\ndef f(): return 1"
    with sandbox.spawn() as patched:
        patched.run_cell(patch)
        assert patched.names(["f"])["f"]() == 42
    with sandbox.spawn() as fresh:
        fresh.run_cell("def f(): return 1")
        assert fresh.names(["f"])["f"]() == 1


def test_names_that_nobody_asked_for_are_a_breach(sandbox: Sandbox) -> None:
    patch = "from autograder.isolation.guest.server import Server\nServer._do_names = lambda *a: {'solution': 1}"
    with sandbox.spawn() as worker:
        worker.run_cell(patch)
        with pytest.raises(WorkerLost) as lost:
            worker.names(["f"])
    assert lost.value.reason == "protocol"


def test_a_function_lent_earlier_cannot_be_called_later(sandbox: Sandbox) -> None:
    """Or a student could keep the reference solution that one test lent, and ask it in the next.

    The process itself refuses it, for the sake of honest decorators; where a student has undone that, we do.
    """
    source = """
kept = []
def keep(f): kept.append(f); return f(1)
def use():
    for cell in kept[0].__closure__:
        if hasattr(cell.cell_contents, "_lent"):
            cell.cell_contents._lent.update(range(100))
    return kept[0](2)
"""
    with sandbox.spawn() as worker:
        worker.run_cell(source)
        found = worker.names(["keep", "use"])
        assert found["keep"](lambda x: 10 * x) == 10
        with pytest.raises(WorkerLost) as lost:
            found["use"]()
    assert lost.value.reason == "protocol"


def test_a_lost_worker_disturbs_no_neighbour(sandbox: Sandbox) -> None:
    with sandbox.spawn() as honest:
        honest.run_cell("def f(): return 7")
        function = honest.names(["f"])["f"]
        assert lost_reason(sandbox, 'raw(b"\\xc1")') == "protocol"
        assert function() == 7


def test_a_submission_that_used_up_its_allowance_loses_each_process_and_stops_no_grader(sandbox: Sandbox) -> None:
    allowance = Allowance(bytes=1000)
    for _ in range(2):
        with sandbox.spawn(allowance=allowance) as worker:
            worker.run_cell("import numpy\nmuch = numpy.zeros(10_000)")
            with pytest.raises(WorkerLost) as lost:
                worker.names(["much"])
            assert lost.value.reason == "protocol"


@pytest.mark.parametrize("one", ["set()", "torch.empty(0)", "numpy.empty(0)", "[]"])
def test_small_things_are_weighed_as_what_they_are_here(sandbox: Sandbox, one: str) -> None:
    with sandbox.spawn(allowance=Allowance(bytes=4 << 20)) as worker:
        worker.run_cell(f"import numpy, torch\none = {one}\nmany = [one] * 60_000")
        with pytest.raises(WorkerLost) as lost:
            worker.names(["many"])
        assert lost.value.reason == "protocol"
