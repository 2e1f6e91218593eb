"""What a grader can ask of a student's process, and what it gets."""

from __future__ import annotations

import copy
import operator
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder.isolation.codec import Unsendable
from autograder.isolation.failures import OpaqueValue, StudentError, WorkerLost
from autograder.isolation.limits import Limits
from autograder.isolation.proxies import Handle, Remote, call_with_arguments
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

STUDENT = """
import numpy as np, torch
limit = 3
grid = np.eye(2)
def scale(image, factor=2): return image * factor
def spoil(image): image += 1
def apply(function, value): return function(value)
def divide(a, b): return a / b
def refuse(x): raise ValueError(f"{x} is wrong")
def numbers():
    yield from range(3)
class Custom(Exception): pass
class OwnValueError(ValueError): pass
def custom(): raise Custom("mine")
def own(): raise OwnValueError("mine")
class Layer:
    def __init__(self, weight): self.weight = weight
    def forward(self, x): return self.weight * x
    def __len__(self): return 4
    def __getitem__(self, i): return i * 10
    def __add__(self, other): return 100 + other
    def __rsub__(self, other): return other - 1
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __array__(self, *a, **k): return np.ones(3)
def run(network, x): return network(x)
def parameters(network): return sum(p.numel() for p in network.parameters())
"""


@pytest.fixture
def student(worker: StudentProcess) -> dict[str, Any]:
    outcome = worker.run_cell(STUDENT)
    assert outcome.ok
    names = ["limit", "grid", "scale", "spoil", "apply", "divide", "refuse", "numbers", "custom", "own", "Layer"]
    return worker.names([*names, "run", "parameters", "absent"])


def test_data_comes_as_data_and_the_rest_as_handles(student: dict[str, Any]) -> None:
    assert student["limit"] == 3
    assert np.array_equal(student["grid"], np.eye(2))
    assert isinstance(student["scale"], Handle)
    assert isinstance(student["Layer"], Handle)
    assert "absent" not in student


def test_functions_take_and_return_data(student: dict[str, Any]) -> None:
    assert np.array_equal(student["scale"](np.eye(3), factor=5), 5 * np.eye(3))
    assert torch.equal(student["scale"](torch.ones(2)), torch.full((2,), 2.0))
    assert student["scale"]("ab") == "abab"


def test_a_students_error_is_caught_by_its_builtin_name(student: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="7 is wrong") as caught:
        student["refuse"](7)
    assert isinstance(caught.value, StudentError)
    assert caught.value.type_name == "ValueError"
    assert "refuse" in caught.value.traceback
    assert "server.py" not in caught.value.traceback
    with pytest.raises(ZeroDivisionError):
        student["divide"](1, 0)


def test_an_error_class_of_the_students_own_keeps_its_name_and_its_base(student: dict[str, Any]) -> None:
    with pytest.raises(StudentError) as custom:
        student["custom"]()
    with pytest.raises(ValueError) as own:
        student["own"]()
    assert isinstance(own.value, StudentError)
    assert (custom.value.type_name, own.value.type_name) == ("Custom", "OwnValueError")


def test_quiet_passes_nothing_on_that_a_student_chose(worker: StudentProcess, student: dict[str, Any]) -> None:
    worker.quiet = True
    with pytest.raises(StudentError) as custom:
        student["custom"]()
    with pytest.raises(ValueError) as own:
        student["own"]()
    assert (custom.value.type_name, custom.value.message, custom.value.traceback) == ("Exception", "", "")
    assert isinstance(own.value, StudentError)
    assert (own.value.type_name, own.value.message, own.value.traceback) == ("ValueError", "", "")
    outcome = worker.run_cell("print('hidden')\nclass Secret: pass\nsecret = Secret()")
    assert outcome.outputs == []
    assert repr(worker.names(["secret"])["secret"]) == "<student's object>"


def test_arguments_come_back_after_the_call(student: dict[str, Any]) -> None:
    image = np.zeros(3)
    result, (after,) = call_with_arguments(student["spoil"], (image,), {})
    assert result is None
    assert after.tolist() == [1, 1, 1]
    assert image.tolist() == [0, 0, 0]


def test_a_function_of_the_grader_can_be_lent(student: dict[str, Any]) -> None:
    assert student["apply"](lambda x: x**2, 9) == 81


def test_a_lent_function_may_ask_the_student_again(student: dict[str, Any]) -> None:
    assert student["apply"](lambda x: student["scale"](x, 3) + 1, 5) == 16


def test_an_error_in_a_lent_function_reaches_the_student_without_its_text(student: dict[str, Any]) -> None:
    def lent(_: object) -> object:
        raise ValueError("the hidden number is 12345")

    with pytest.raises(ValueError) as caught:
        student["apply"](lent, 1)
    assert isinstance(caught.value, StudentError)
    assert "12345" not in caught.value.message + caught.value.traceback


def test_objects_live_on_in_the_students_process(student: dict[str, Any]) -> None:
    layer = student["Layer"](np.ones(2))
    assert layer.forward(3).tolist() == [3, 3]
    layer.weight = np.zeros(2)
    assert layer.weight.tolist() == [0, 0]
    assert (len(layer), layer[2], layer + 1, 5 - layer) == (4, 20, 101, 4)
    assert list(student["numbers"]()) == [0, 1, 2]


@pytest.mark.parametrize(
    "judge",
    [
        bool,
        lambda handle: handle == 1,
        lambda handle: handle != 1,
        lambda handle: np.ones(3) == handle,
        lambda handle: handle < 2,
        lambda handle: 1 in handle,
        float,
        int,
        np.asarray,
        lambda handle: np.add(1, handle),
        lambda handle: np.allclose(handle, 1),
        torch.as_tensor,
        copy.deepcopy,
        operator.index,
    ],
)  # fmt: skip
def test_a_handle_never_judges(student: dict[str, Any], judge: Any) -> None:
    layer = student["Layer"](1)
    with pytest.raises(TypeError):
        judge(layer)


def test_a_handle_has_no_hidden_protocols(student: dict[str, Any]) -> None:
    layer = student["Layer"](1)
    for name in ("__array_interface__", "__torch_function__", "__dlpack__", "__buffer__", "__class_getitem__"):
        assert not hasattr(layer, name)
    assert type(layer) is Handle
    assert not isinstance(layer, np.ndarray | torch.Tensor)


def test_an_iterator_that_never_ends_is_cut_off(worker: StudentProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.isolation.proxies.MAX_ITEMS", 50)
    worker.run_cell("import itertools\ndef forever(): return itertools.count()")
    with pytest.raises(OpaqueValue, match="50 items"):
        list(worker.names(["forever"])["forever"]())


def test_what_is_no_data_is_a_handle(worker: StudentProcess) -> None:
    source = "import numpy as np, torch\nloop = []; loop.append(loop)\nobjects = np.array([None, 1])\nhuge = 1 << 20000"
    worker.run_cell(source + "\nsparse = torch.eye(2).to_sparse()\nclass Kind(dict): pass\nkind = Kind(a=1)")
    found = worker.names(["loop", "objects", "huge", "sparse", "kind"])
    assert {name: type(value) for name, value in found.items()} == dict.fromkeys(found, Handle)
    assert len(found) == 5


def test_a_length_that_is_none_is_refused(worker: StudentProcess) -> None:
    worker.run_cell("from autograder.isolation.guest.server import Server\nServer._do_len = lambda *a: 'many'")
    worker.run_cell("class C: pass\nc = C()")
    with pytest.raises(OpaqueValue, match="length"):
        len(worker.names(["c"])["c"])


def network() -> nn.Sequential:
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(12, 2, bias=False), nn.Dropout(0.5), nn.Tanh()).double().eval()


def test_a_network_of_the_grader_is_rebuilt_inside(student: dict[str, Any]) -> None:
    net, x = network(), torch.randn(2, 1, 8, 8, dtype=torch.float64)
    assert torch.equal(student["run"](net, x), net(x))
    assert student["parameters"](net) == sum(p.numel() for p in net.parameters())


def test_a_network_of_another_class_cannot_be_sent(student: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="LSTM"):
        student["run"](nn.LSTM(2, 2), torch.ones(1))


def test_an_argument_that_cannot_be_sent_leaves_the_worker_well(student: dict[str, Any]) -> None:
    with pytest.raises(Unsendable, match="object"):
        student["scale"](object())
    assert student["scale"](2) == 4


def test_a_handle_of_another_worker_cannot_be_sent(sandbox: Sandbox, student: dict[str, Any]) -> None:
    with sandbox.spawn() as other:
        other.run_cell("def f(x): return x")
        with pytest.raises(Unsendable, match="another worker"):
            other.names(["f"])["f"](student["scale"])


def test_a_probe_runs_among_the_students_names_and_leaves_none(worker: StudentProcess, student: dict[str, Any]) -> None:
    assert worker.run_source("doubled = scale(value)\ndoubled + limit", value=10) == 23
    assert worker.run_source("temporary = 1") is None
    assert worker.names(["doubled", "temporary", "value"]) == {}


def test_released_handles_are_forgotten_inside(worker: StudentProcess, student: dict[str, Any]) -> None:
    count = "import gc; sum(type(o) is Layer for o in gc.get_objects())"
    layers = [student["Layer"](number) for number in range(5)]
    assert worker.run_source(count) == 5
    del layers
    assert worker.run_source(count) == 0


def test_a_call_past_its_deadline_loses_the_worker(worker: StudentProcess) -> None:
    worker.run_cell("def loop():\n    while True: pass")
    loop = worker.names(["loop"])["loop"]
    worker.deadline = time.monotonic() + 0.3
    with pytest.raises(WorkerLost) as lost:
        loop()
    assert (lost.value.reason, worker.lost) == ("timeout", "timeout")


def test_a_deadline_in_the_past_is_a_deadline(sandbox: Sandbox) -> None:
    with sandbox.spawn() as worker:
        worker.deadline = 0.5  # long ago on the monotonic clock
        outcome = worker.run_cell("while True: pass", seconds=30)
    assert outcome.timed_out


def test_usage_is_told_once_and_stays(sandbox: Sandbox) -> None:
    worker = sandbox.spawn(Limits())
    worker.run_source("sum(range(3_000_000))")
    usage = worker.close()
    assert usage.cpu_seconds > 0.01
    assert usage.peak_rss_bytes > 50 << 20
    assert usage.wall_seconds > 0
    assert worker.close() == usage


def test_a_transcript_holds_what_was_asked_and_answered(worker: StudentProcess, student: dict[str, Any]) -> None:
    worker.transcript = []
    image = np.ones(2)
    student["scale"](image, factor=3)
    image[:] = 99
    with pytest.raises(ValueError):
        student["refuse"](1)
    student["Layer"](2).forward(4)
    call, refused, made, looked_up, forwarded = worker.transcript
    assert (call.op, call.target, call.error) == ("call", "scale", "")
    assert call.args[0].tolist() == [1, 1]
    assert call.kwargs == {"factor": 3}
    assert call.result.tolist() == [3, 3]
    assert (refused.target, refused.error) == ("refuse", "ValueError")
    assert isinstance(made.result, Remote)
    assert (looked_up.op, looked_up.target, looked_up.detail) == ("getattr", made.result.target, "forward")
    assert (forwarded.op, forwarded.target, forwarded.result) == ("call", looked_up.result.target, 8)


@pytest.mark.parametrize("answer", ["7", "(1,)", "[1, (2,)]", "(1, (2,), {}, [[]])", "(1, (), {}, [])", "None"])
def test_an_answer_of_another_form_is_in_the_transcript_as_the_end_of_its_process(
    worker: StudentProcess, answer: str
) -> None:
    """Whoever reads a transcript takes the answers apart."""
    worker.run_cell(
        "import autograder.isolation.guest.server as server\ndef echo(x): return x\n"
        f"server.Server._do_inspected = server.Server._do_call_with_arguments = lambda *_: {answer}"
    )
    echo = worker.names(["echo"])["echo"]
    worker.transcript = []
    with pytest.raises(WorkerLost, match="connection"):
        worker.inspect(echo, (3,), {})
    assert [each.error for each in worker.transcript] == ["WorkerLost"]


def test_a_transcript_refers_to_objects_among_the_arguments(worker: StudentProcess, student: dict[str, Any]) -> None:
    layer = student["Layer"](2)
    worker.transcript = []
    with pytest.raises(TypeError):
        student["refuse"](layer, layer)
    assert worker.transcript[0].args == (Remote(layer._handle_target), Remote(layer._handle_target))


def test_what_a_lent_function_asks_is_not_in_the_transcript(worker: StudentProcess, student: dict[str, Any]) -> None:
    worker.transcript = []
    student["apply"](lambda x: student["scale"](x), 1)
    assert [exchange.target for exchange in worker.transcript] == ["apply"]


@pytest.mark.parametrize("quiet", [True, False])
def test_memory_that_an_error_held_is_there_for_the_next_call(sandbox: Sandbox, quiet: bool) -> None:
    with sandbox.spawn(Limits(memory_bytes=512 << 20)) as worker:
        worker.run_cell(
            "import numpy as np\ndef fails():\n    held = np.ones(300 << 20, np.uint8)\n    raise ValueError\n"
            "def needs():\n    return len(np.ones(300 << 20, np.uint8))"
        )
        worker.quiet = quiet
        found = worker.names(["fails", "needs"])
        with pytest.raises(ValueError):
            found["fails"]()
        assert found["needs"]() == 300 << 20
