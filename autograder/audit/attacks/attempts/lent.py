"""Attacks on the functions that a check lends, and on what costs little to send and much to hold."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.audit.attacks.catalogue import Target, attack

LENT = "a process of their own, with limits"
EACH = "for f in [*args, *kwargs.values()]:\n    if not callable(f): continue\n    try: {}\n    except Exception: pass"


def on_lent(target: Target, call: str) -> Target:
    """Each answer first does ``call`` to every function ``f`` that it is lent."""
    return target.wrap_all(EACH.format(call))


@attack("resources", tries="calls lent functions with a million weights", stopped_by=LENT, honest=True, seconds=80)
def lent_a_million_weights(target: Target) -> Target:
    return on_lent(target, "f(np.ones((1000, 1000)), np.ones((999, 999)))")


@attack(
    "resources",
    tries="calls lent functions with arguments that unfold to gigabytes",
    stopped_by=LENT,
    honest=True,
    seconds=80,
)
def lent_arguments_that_unfold(target: Target) -> Target:
    return on_lent(
        target,
        "f(np.ones((1_000_000, 1)), np.ones((1, 1_000_000))) or f(np.ones((1, 1_000_000)), np.ones((1_000_000, 1)))",
    )


@attack(
    "resources",
    tries="calls lent functions with messages of fifty megabytes",
    stopped_by="the size of a call is capped",
    honest=True,
    seconds=80,
)
def lent_enormous_calls(target: Target) -> Target:
    return on_lent(target, "[f(np.ones(6_000_000)) for _ in range(20)]")


@attack(
    "resources",
    tries="calls lent functions a hundred thousand times",
    stopped_by="wall time of a check",
    honest=True,
    seconds=80,
)
def lent_calls_without_end(target: Target) -> Target:
    return on_lent(target, "[f(np.ones((3, 3))) for _ in range(100_000)]")


@attack(
    "reading",
    tries="calls lent functions by name, to get memory that was never written",
    stopped_by="declared parameters only, by position",
)
def lent_functions_by_name(target: Target) -> Target:
    return (
        target.first("LOG = []")
        .wrap_all(
            EACH.format(
                "LOG.append(f(np.ones(4096), where=False)); LOG.append(f(np.ones(64), out=None, dtype='O', casting='unsafe'))"
            )
        )
        .append("print(LOG)")
    )


@attack(
    "forging",
    tries="asks lent functions with objects that answer every question",
    stopped_by="lent functions take data only",
)
def lent_functions_with_objects(target: Target) -> Target:
    return on_lent(
        target.first(
            "class Any:\n    def __getattr__(self, name): return self\n    def __call__(self, *a, **k): return self"
        ),
        "f(Any()); f(Any(), Any())",
    )


@attack("wire", tries="returns a million empty sets", stopped_by="what is sent is weighed")
def many_empty_sets(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return [set() for _ in range(400_000)]")


@attack("wire", tries="returns half a million empty tensors", stopped_by="what is sent is weighed")
def many_empty_tensors(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    import torch\n    one = torch.empty(0)\n    return [one] * 450_000"
    )


@attack(
    "wire",
    tries="gives every name that a check reads two hundred megabytes",
    stopped_by="what is sent is weighed in all",
)
def large_names(target: Target) -> Target:
    return target.answer_all("import numpy\nNAME = numpy.zeros(7_000_000)")


@attack(
    "wire",
    tries="ends its process after each large answer, to begin its allowance again",
    stopped_by="one allowance for all of its processes",
)
def allowances_by_restart(target: Target) -> Target:
    return target.first("import os, threading").answer_all(
        "def NAME(*args, **kwargs):\n    import os, threading, time, numpy\n    threading.Thread(target=lambda: (time.sleep(0.3), os._exit(1))).start()\n    return numpy.zeros(7_000_000)"
    )


@attack(
    "resources",
    tries="shows fifteen megabytes in each of forty cells",
    stopped_by="outputs are capped in all",
    honest=True,
)
def outputs_in_many_cells(target: Target) -> Target:
    for _ in range(40):
        target.append(
            "from IPython.display import display\nfor _ in range(70): display({'text/plain': 'x' * 200_000}, raw=True)"
        )
    return target


@attack(
    "resources",
    tries="makes a folder that cannot be emptied by the names that emptying uses",
    stopped_by="a file system of its own, gone with the process",
    honest=True,
)
def folder_that_cannot_be_emptied(target: Target) -> Target:
    return target.append(
        "import os\nfor n in range(40):\n    os.makedirs(f'a{n}/b{n}/c', exist_ok=True)\n    os.makedirs(f'.moved-{n}/full', exist_ok=True)\n    open(f'.moved-{n}/full/x', 'w').close()"
    )


@attack(
    "resources",
    tries="ends its process twelve times, with a folder that cannot be emptied",
    stopped_by="a file system of its own, gone with the process",
)
def twelve_ends(target: Target) -> Target:
    source = "import os\nfor n in range(9):\n    os.makedirs(f'a{n}/b', exist_ok=True)\n    os.makedirs(f'.moved-{n}/full', exist_ok=True)"
    target.first(source)
    return target.answer_all(source + "\ndef NAME(*args, **kwargs):\n    import os\n    os._exit(1)")


@attack(
    "forging",
    tries="burns the processors with two hundred threads, so that the grader's own loops look slow",
    stopped_by="processor time, by the kernel's account",
    honest=True,
)
def two_hundred_burning_threads(target: Target) -> Target:
    return target.append(
        "import threading\ndef burn():\n    x = 0\n    while True: x += 1\nfor _ in range(200): threading.Thread(target=burn, daemon=True).start()"
    )


@attack(
    "people",
    tries="hands in a link in place of the assignment's folder, to the solutions",
    stopped_by="no link is followed below submitted/",
)
def linked_assignment_folder(target: Target) -> Callable[[Path], None]:
    return _folder_link(lambda path: path.parents[3] / "solutions")


@attack(
    "people",
    tries="hands in a link in place of the assignment's folder, to another student's",
    stopped_by="no link is followed below submitted/",
)
def linked_folder_of_another(target: Target) -> Callable[[Path], None]:
    return _folder_link(lambda path: path.parents[2] / "neighbour")


def _folder_link(to: Callable[[Path], Path]) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        """A link in the place of its folder, to the first folder below that holds a notebook."""
        found = next(to(path).glob("*/*.ipynb")).parent
        shutil.rmtree(path.parent)
        path.parent.symlink_to(found)

    return put
