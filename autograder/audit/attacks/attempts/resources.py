"""Attacks that try to use up time, memory, disk or patience; all are bounded in themselves."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack


def doing(target: Target, body: str) -> Target:
    """Make the first exercise run ``body``; the others are honest."""
    cell = target.of_kind("exercise")[0]
    name = cell["metadata"]["autograder"]["exercise"]
    lines = "\n    ".join(body.split("\n"))
    cell["source"] = f"def {name}(*args, **kwargs):\n    {lines}\n    return 0"
    return target


@attack("resources", tries="loops for ever in an exercise", stopped_by="wall time of a check", honest=True)
def loop_in_a_function(target: Target) -> Target:
    return doing(target, "while True: pass")


@attack("resources", tries="loops for ever in a cell", stopped_by="wall time of a cell")
def loop_in_a_cell(target: Target) -> Target:
    return target.first("while True: pass")


@attack(
    "resources",
    tries="holds the interpreter's lock in a regular expression",
    stopped_by="wall time: killed from outside",
    honest=True,
)
def lock_held_by_a_pattern(target: Target) -> Target:
    return doing(target, "import re\nre.match(r'(a+)+$', 'a' * 50 + 'b')")


@attack(
    "resources",
    tries="holds the interpreter's lock in a power",
    stopped_by="wall time: killed from outside",
    honest=True,
)
def lock_held_by_a_power(target: Target) -> Target:
    return doing(target, "return 10 ** (10 ** 9) % 7")


@attack("resources", tries="ignores every signal and loops", stopped_by="wall time: SIGKILL", honest=True)
def signals_ignored(target: Target) -> Target:
    return doing(
        target,
        "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
    )


@attack("resources", tries="catches every exception and goes on", stopped_by="wall time: SIGKILL", honest=True)
def exceptions_swallowed(target: Target) -> Target:
    return doing(target, "while True:\n    try:\n        while True: pass\n    except BaseException: pass")


@attack("resources", tries="sleeps for an hour", stopped_by="wall time of a check", honest=True)
def an_hours_sleep(target: Target) -> Target:
    return doing(target, "import time\ntime.sleep(3600)")


@attack("resources", tries="takes memory in small steps", stopped_by="rlimits: address space", honest=True)
def memory_in_small_steps(target: Target) -> Target:
    return doing(target, "kept = []\nwhile True: kept.append(bytearray(1 << 20))")


@attack(
    "resources",
    tries="takes eight gigabytes at once, in numpy, torch and a shared mapping",
    stopped_by="rlimits: address space",
    honest=True,
)
def memory_at_once(target: Target) -> Target:
    return doing(
        target,
        "import mmap, torch\nfor take in (lambda: np.ones(8 << 30, dtype='u1'), lambda: torch.ones(8 << 30, dtype=torch.uint8), lambda: mmap.mmap(-1, 8 << 30)):\n"
        "    try: kept = take()\n    except (MemoryError, RuntimeError, OSError): pass\n    else: kept[::4096]",
    )


@attack(
    "resources", tries="recurses without end, with the limit raised", stopped_by="its own process crashes", honest=True
)
def endless_recursion(target: Target) -> Target:
    return doing(target, "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): return f()\nreturn f()")


@attack("resources", tries="starts thousands of threads", stopped_by="rlimits: threads", honest=True)
def thread_bomb(target: Target) -> Target:
    return doing(
        target,
        "import threading, time\nfor _ in range(5000):\n    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    except RuntimeError: break",
    )


@attack("resources", tries="forks in a loop", stopped_by="seccomp: no fork", honest=True)
def fork_bomb(target: Target) -> Target:
    return doing(
        target,
        "import os, time\nfor _ in range(60):\n    try:\n        if os.fork() == 0:\n            time.sleep(20)\n            os._exit(0)\n    except OSError: pass",
    )


@attack("resources", tries="fills the disk", stopped_by="a sized file system of its own", honest=True)
def disk_full(target: Target) -> Target:
    return doing(
        target,
        "for n in range(100):\n    try: open(f'large-{n}', 'wb').write(bytes(8 << 20))\n    except OSError: break",
    )


@attack("resources", tries="makes a hundred thousand files", stopped_by="a file system with few files", honest=True)
def many_files(target: Target) -> Target:
    return doing(target, "for n in range(100000):\n    try: open(f'small-{n}', 'w').close()\n    except OSError: break")


@attack("resources", tries="writes one sparse file of a terabyte", stopped_by="rlimits: file size", honest=True)
def sparse_file(target: Target) -> Target:
    return doing(target, "f = open('sparse', 'wb')\ntry: f.truncate(1 << 40)\nexcept OSError: pass")


@attack("resources", tries="prints five hundred megabytes", stopped_by="outputs are capped", honest=True)
def printed_flood(target: Target) -> Target:
    return target.last("line = 'x' * (1 << 20)\nfor _ in range(500): print(line)")


@attack("resources", tries="displays ten thousand outputs", stopped_by="outputs are capped", honest=True)
def displayed_flood(target: Target) -> Target:
    return target.last("from IPython.display import display\nfor n in range(10000): display(n)")


@attack("resources", tries="draws ten thousand figures", stopped_by="outputs, memory and time are capped", honest=True)
def many_figures(target: Target) -> Target:
    return target.last(
        "import matplotlib.pyplot as plt\nplt.rcParams['figure.max_open_warning'] = 0\nfor _ in range(10000):\n    plt.figure(figsize=(1, 1))"
    )


@attack("resources", tries="draws one enormous picture", stopped_by="memory, and the size of pictures", honest=True)
def enormous_picture(target: Target) -> Target:
    return target.last(
        "import matplotlib.pyplot as plt\nplt.figure(figsize=(300, 300), dpi=100)\nplt.plot([0, 1])\nplt.show()"
    )


@attack(
    "resources",
    tries="shows a small picture that unfolds to gigabytes",
    stopped_by="the size of pictures by their own header",
    honest=True,
)
def picture_bomb(target: Target) -> Target:
    return target.last(
        "import struct, zlib\nfrom IPython.display import Image, display\n"
        "def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))\n"
        "rows = zlib.compress(bytes(1 << 24), 9)\n"
        "for side in (60000, 5000):\n    head = struct.pack('>IIBBBBB', side, side, 8, 6, 0, 0, 0)\n"
        "    display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')))"
    )


@attack(
    "resources",
    tries="shows HTML nested a hundred thousand deep",
    stopped_by="outputs are cut, then sanitised",
    honest=True,
)
def deep_markup(target: Target) -> Target:
    return target.last(
        "from IPython.display import HTML, display\ndisplay(HTML('<div>' * 100000))\ndisplay(HTML('<b' * 60000))\ndisplay(HTML('&' * 90000))"
    )


@attack(
    "resources",
    tries="raises an error with a megabyte of text and an endless __str__",
    stopped_by="texts are cut",
    honest=True,
)
def huge_errors(target: Target) -> Target:
    return target.append(
        "class Loud(Exception):\n    def __str__(self): return 'x' * (1 << 24)\nraise Loud(*['y' * (1 << 20)] * 5)"
    )


@attack("resources", tries="hands in a cell of five megabytes", stopped_by="long text is not tokenized", honest=True)
def enormous_cell(target: Target) -> Target:
    return target.append("x = [\n" + "    0,\n" * 700_000 + "]")


@attack("resources", tries="hands in five thousand extra cells", stopped_by="the number of cells is capped")
def many_cells(target: Target) -> Target:
    for number in range(5000):
        target.append(f"x = {number}")
    return target


@attack("resources", tries="hands in JSON nested a hundred thousand deep", stopped_by="reading refuses it")
def deep_json(target: Target) -> bytes:
    return b'{"cells": ' + b"[" * 100_000


@attack(
    "resources", tries="hands in a file that is over the limit of size", stopped_by="the size is checked before reading"
)
def enormous_file(target: Target) -> bytes:
    return b'{"cells": [' + b" " * (65 << 20)


@attack("resources", tries="makes the grader's pattern for damaged files run for ever", stopped_by="salvage is bounded")
def costly_damage(target: Target) -> bytes:
    return b'{"cells": [' + b'{"id": ' * 200_000 + b"}" * 10


@attack(
    "resources",
    tries="nests brackets to crash the parser of code",
    stopped_by="it is compiled in the sandbox only",
    honest=True,
)
def deep_code(target: Target) -> Target:
    return target.append("x = " + "(" * 5000 + ")" * 5000).append("-" * 100_000 + "1")
