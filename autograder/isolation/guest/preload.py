"""Everything slow, done once before the first fork."""

from __future__ import annotations

import importlib
import io
import os
from typing import Any

__all__ = ["warm_up"]

# torch._dynamo is what the first optimizer pulls in: most of a second.
_MODULES = (
    "numpy", "torch", "torch._dynamo", "torch.nn", "torch.optim", "torch.utils.data", "matplotlib.pyplot",
    "scipy.ndimage", "scipy.signal", "tqdm.auto", "autograder.lab", "autograder.isolation.guest.student_main",
)  # fmt: skip


def warm_up(home: str) -> Any:
    """Import, draw, convolve and run a cell, then return the shell. One thread only: forks of more hang."""
    os.environ.update(HOME=home, MPLCONFIGDIR=home, TMPDIR=home, USER="student")
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for name in _MODULES:
        importlib.import_module(name)
    from autograder.isolation.guest.shell import Outputs, make_shell

    shell = make_shell()
    _convolve(torch)
    _draw()
    for source in ("warm = 1", "1 / 0", "del warm"):
        shell.run_cell(source, store_history=False)  # type: ignore[no-untyped-call]
    Outputs.take()
    shell.execution_count = 0
    _seed(torch)
    return shell


def _seed(torch: Any) -> None:
    """Every submission starts from the same global random state, in every sandbox."""
    import numpy

    numpy.random.seed(0)  # noqa: NPY002 -- the legacy generator is what students may use without a seed
    torch.manual_seed(0)


def _convolve(torch: Any) -> None:
    layer = torch.nn.Conv2d(3, 8, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.randn(4, 3, 16, 16)).sum().backward()
    optimizer.step()


def _draw() -> None:
    import matplotlib.pyplot as plt

    plt.plot([0, 1])
    plt.title("warm")
    plt.savefig(io.BytesIO(), format="png")
    plt.close("all")
