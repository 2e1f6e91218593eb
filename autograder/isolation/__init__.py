"""Everything that touches untrusted code: a student's cells run in another process, locked down in layers.

::

    with Sandbox.start(readable=[course.root / "data"]) as sandbox:
        worker = sandbox.spawn(Limits(cpu_seconds=60))
        outcome = worker.run_cell("def double(x): return 2 * x")
        double = worker.names(["double"])["double"]
        assert double(21) == 42
        usage = worker.close()

Names are loaded when first used: the untrusted half lives in this package too, and has no use for the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.isolation.codec import Unsendable
    from autograder.isolation.failures import OpaqueValue, StudentError, WorkerLost
    from autograder.isolation.leaves import ProtocolError
    from autograder.isolation.limits import Allowance, Limits, Usage
    from autograder.isolation.machine import LayerReport, doctor, layers, print_doctor
    from autograder.isolation.outputs import sanitise_outputs
    from autograder.isolation.proxies import Handle, call_with_arguments
    from autograder.isolation.sandbox import Sandbox
    from autograder.isolation.transcript import Exchange, Remote
    from autograder.isolation.worker import CellOutcome, Worker

__all__ = [
    "Allowance",
    "CellOutcome",
    "Exchange",
    "Handle",
    "LayerReport",
    "Limits",
    "Remote",
    "OpaqueValue",
    "ProtocolError",
    "Sandbox",
    "StudentError",
    "Unsendable",
    "Usage",
    "Worker",
    "WorkerLost",
    "call_with_arguments",
    "doctor",
    "layers",
    "print_doctor",
    "sanitise_outputs",
]

_HOMES = {
    "Allowance": "limits",
    "CellOutcome": "worker",
    "Exchange": "transcript",
    "Handle": "proxies",
    "LayerReport": "machine",
    "Limits": "limits",
    "Remote": "transcript",
    "OpaqueValue": "failures",
    "ProtocolError": "leaves",
    "Sandbox": "sandbox",
    "StudentError": "failures",
    "Unsendable": "codec",
    "Usage": "limits",
    "Worker": "worker",
    "WorkerLost": "failures",
    "call_with_arguments": "proxies",
    "doctor": "machine",
    "layers": "machine",
    "print_doctor": "machine",
    "sanitise_outputs": "outputs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
