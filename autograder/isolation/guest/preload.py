"""The slow work that is done once, before the first fork."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["hide_torch", "warm_up"]

_MODULES = (
    "numpy", "matplotlib.pyplot", "scipy.ndimage", "scipy.signal", "tqdm.auto", "autograder.lab.curves",
    "autograder.isolation.guest.server",
)  # fmt: skip
# torch._dynamo is what the first optimizer pulls in: most of a second.
_MODULES_OF_TORCH = ("torch", "torch._dynamo", "torch.nn", "torch.optim", "torch.utils.data")
_with_torch: set[str] = set()


def warm_up(home: str, with_torch: bool = True, also: Sequence[str] = ()) -> Any:
    """Import, draw, convolve and run a cell, then return the shell. One thread only: forks of more hang.

    Args:
        home: the folder for what libraries keep.
        with_torch: whether forks may have torch.
        also: further modules that the course's notebooks import; one that is missing is left to them.
    """
    os.environ.update(HOME=home, MPLCONFIGDIR=home, TMPDIR=home, USER="student")
    for name in _MODULES:
        importlib.import_module(name)
    for name in also:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    from autograder.isolation.guest.shell import Outputs, make_shell

    shell = make_shell()
    _draw()
    for source in ("warm = 1", "1 / 0", "del warm"):
        shell.run_cell(source, store_history=False)  # type: ignore[no-untyped-call]
    Outputs.take()
    shell.execution_count = 0
    if with_torch:
        light = set(sys.modules)
        _warm_torch()
        _with_torch.update(set(sys.modules) - light)
    import numpy

    # Every submission starts from the same global random state, in every sandbox.
    numpy.random.seed(0)  # noqa: NPY002 -- the legacy generator is what students may use without a seed
    return shell


class _NoTorch:
    """A finder that finds no torch, and leaves everything else to the others."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for torch."""
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("torch is there for notebooks that name it", name=name)


def hide_torch() -> None:
    """Go on as if torch had never been loaded, so that a result does not depend on what the warm process holds."""
    for name in _with_torch:
        sys.modules.pop(name, None)
    finder: Any = _NoTorch
    sys.meta_path.insert(0, finder)


def _warm_torch() -> None:
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for name in _MODULES_OF_TORCH:
        importlib.import_module(name)
    _convolve(torch)
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
