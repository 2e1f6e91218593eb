"""The benchmark: this grader, nbgrader's stock autograde, otter-grader and the floor, side by side in one run.

It imports nothing by itself: the peers' processes import single modules of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.bench.run import run_bench

__all__ = ["run_bench"]


def __getattr__(name: str) -> Any:
    if name != "run_bench":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograder.bench.run import run_bench

    return run_bench
