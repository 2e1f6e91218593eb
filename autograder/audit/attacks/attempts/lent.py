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
    """Make each answer first do ``call`` to every function ``f`` that it is lent."""
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
        "import threading, numpy\n_square = numpy.ones((300, 300))\ndef burn():\n    while True: numpy.dot(_square, _square)\nfor _ in range(200): threading.Thread(target=burn, daemon=True).start()"
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
        """Put a link in the place of its folder, to the first folder below that holds a notebook."""
        found = next(to(path).glob("*/*.ipynb")).parent
        shutil.rmtree(path.parent)
        path.parent.symlink_to(found)

    return put


@attack(
    "resources", tries="calls lent functions with numbers that become sizes", stopped_by=LENT, honest=True, seconds=80
)
def lent_numbers_that_become_sizes(target: Target) -> Target:
    numbers = "for n in (10**9, 2**31, 2**62, -1, 10**4000, 1e300):\n        for call in ((n,), (n, n), ((n, n),), ([n] * 3,)):\n            try: f(*call)\n            except Exception: pass"
    return target.wrap_all(f"for f in [*args, *kwargs.values()]:\n    if not callable(f): continue\n    {numbers}")


@attack(
    "resources",
    tries="calls lent functions with shapes that hold nothing and say much",
    stopped_by=LENT,
    honest=True,
    seconds=80,
)
def lent_empty_giants(target: Target) -> Target:
    return on_lent(
        target,
        "[f(np.ones((0, 1 << n))) for n in range(20, 60, 5)] and f(np.ones((1 << 20, 0)), np.ones((0, 1 << 20)))",
    )


@attack(
    "resources",
    tries="calls lent functions from fifty threads at once",
    stopped_by="a bad message ends its worker",
    honest=True,
    seconds=80,
)
def lent_calls_from_threads(target: Target) -> Target:
    return target.first("import threading").wrap_all(
        EACH.format("[threading.Thread(target=f, args=(np.ones((3, 3)),), daemon=True).start() for _ in range(50)]")
    )


@attack(
    "resources", tries="fills the process of lent functions, call by call", stopped_by=LENT, honest=True, seconds=80
)
def lent_results_kept(target: Target) -> Target:
    return target.first("HELD = []").wrap_all(
        EACH.format("HELD.extend(f(np.ones((700, 700)), np.ones((2, 2))) for _ in range(60))")
    )


@attack(
    "reading",
    tries="hands lent functions to lent functions, within lists and dictionaries",
    stopped_by="data only, by position",
)
def lent_functions_within_data(target: Target) -> Target:
    return (
        target.first("LOG = []")
        .wrap_all(EACH.format("LOG.append(repr(f([f], {'f': f}))); LOG.append(repr(f(f)))"))
        .append("print(LOG)")
    )


@attack(
    "reading", tries="looks for the code and the memory of a lent function", stopped_by="it runs in another process"
)
def lent_functions_taken_apart(target: Target) -> Target:
    look = "for name in ('__code__', '__closure__', '__globals__', '__defaults__', '__wrapped__', '__self__', 'func'): LOG.append(repr(getattr(f, name, None)))"
    cells = "LOG.extend(repr(cell.cell_contents) for cell in f.__closure__ or ())"
    return (
        target.first("LOG = []")
        .wrap_all(EACH.format(f"exec({look!r}, globals(), dict(f=f)); {cells}"))
        .append("print(LOG)")
    )


@attack(
    "resources", tries="returns a list of a million objects of its own", stopped_by="handles are weighed", honest=True
)
def many_handles(target: Target) -> Target:
    return target.wrap_all("return [object() for _ in range(1_000_000)]")


@attack("resources", tries="answers with an iterator that never ends", stopped_by="wall time of a check", honest=True)
def endless_iterator(target: Target) -> Target:
    return target.first("import itertools").wrap_all("return itertools.count()")


@attack(
    "resources",
    tries="raises errors whose classes have names of megabytes and a thousand parents",
    stopped_by="names are cut and weighed",
    honest=True,
)
def enormous_error_classes(target: Target) -> Target:
    return target.wrap_all(
        "kind = ValueError\nfor n in range(1000): kind = type('E' * 300_000, (kind,), {})\nraise kind('x' * 1_000_000)"
    )


@attack("resources", tries="raises chains of ten thousand errors", stopped_by="texts are cut", honest=True)
def endless_causes(target: Target) -> Target:
    return target.wrap_all(
        "error = ValueError('0')\nfor n in range(10_000):\n    following = ValueError(str(n))\n    following.__cause__ = error\n    error = following\nraise error"
    )


@attack(
    "resources",
    tries="asks for a million files that are not there",
    stopped_by="wall time; the kernel forgets",
    honest=True,
)
def names_of_nothing(target: Target) -> Target:
    return target.first("import os").wrap_all("for n in range(200_000): os.path.exists(f'/usr/lib/none-{n}')")


@attack(
    "resources",
    tries="shows one picture again and again, and changes it each time",
    stopped_by="outputs are capped",
    honest=True,
)
def changed_displays(target: Target) -> Target:
    return target.first(
        "from IPython.display import display, update_display\ndisplay('x' * 10_000, display_id='one')\nfor n in range(3000): update_display(str(n) * 10_000, display_id='one')"
    )
