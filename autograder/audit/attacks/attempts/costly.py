"""Attacks by what is cheap to hand in or to send, and dear to look at: for whoever reads it, or compares it."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

import json

from autograder.audit.attacks.catalogue import PRELUDE, Target, attack, speaking

READ = "code and text of a notebook are bounded before they are looked at"
PLENTY = "x=1\n" * 47_500


@attack("resources", tries="writes a million statements into a cell of the course's", stopped_by=READ, seconds=15)
def statements_in_a_given_cell(target: Target) -> Target:
    target.of_kind("given")[0]["source"] += "\n" + PLENTY * 20
    return target


@attack(
    "resources", tries="turns every exercise into text full of statements", stopped_by=READ, honest=True, seconds=15
)
def statements_in_text(target: Target) -> Target:
    for cell in target.of_kind("exercise"):
        cell.update(cell_type="markdown", source=PLENTY)
    return target


@attack("resources", tries="writes into every cell of the course's text", stopped_by=READ, honest=True, seconds=15)
def statements_in_prose(target: Target) -> Target:
    for cell in target.cells:
        if cell["cell_type"] == "markdown":
            cell["source"] += "\n" + PLENTY
    return target


@attack("resources", tries="hands in four thousand cells of a kilobyte each", stopped_by=READ, honest=True, seconds=15)
def four_thousand_short_cells(target: Target) -> Target:
    for _ in range(4000):
        target.append("y = 1\n" * 170)
    return target


@attack("resources", tries="hands in ten million empty lists", stopped_by="lists are counted before they are parsed")
def ten_million_lists(target: Target) -> bytes:
    return b'{"nbformat": 4, "metadata": [' + b"[]," * 10_000_000 + b'[]], "cells": []}'


@attack(
    "resources",
    tries="hands in a million cells in the old format",
    stopped_by="cells are counted before they are converted",
    seconds=15,
)
def a_million_old_cells(target: Target) -> bytes:
    return b'{"nbformat": 3, "worksheets": [{"cells": [' + b"{}," * 1_000_000 + b"{}]}]}"


@attack(
    "resources",
    tries="shows a gigabyte of nothing in outputs of the old format",
    stopped_by="outputs are left out before a notebook is converted",
    seconds=15,
)
def outputs_of_the_old_format(target: Target) -> bytes:
    outputs = [{"output_type": "stream", "text": [""] * 20, "metadata": [[]] * 20}] * 40_000
    cells = [{"cell_type": "code", "input": "x = 1", "language": "python", "outputs": outputs}]
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()


@attack(
    "resources",
    tries="answers with arrays of a hundred million rows that hold nothing",
    stopped_by="empty arrays of very many rows do not travel",
    seconds=40,
)
def rows_of_nothing(target: Target) -> Target:
    return target.answer_all("import numpy\ndef NAME(*args, **kwargs):\n    return numpy.empty((1 << 28, 0), 'u1')")


@attack(
    "wire",
    tries="sends arrays and tensors of a hundred million rows that hold nothing",
    stopped_by="empty arrays of very many rows are refused",
    seconds=40,
)
def rows_of_nothing_sent(target: Target) -> Target:
    return speaking(
        target,
        "shape = struct.pack('<QQ', 1 << 28, 0)\n"
        "answer(E(4, b'\\3\\2|u1' + shape) if sequence() % 2 else E(6, b'\\0\\7\\2float32' + shape))",
    )


@attack(
    "wire",
    tries="sends tensors whose strides overflow, in the place of its names",
    stopped_by="whatever fails while a message is read is a breach of its worker",
)
def tensors_beyond_strides(target: Target) -> Target:
    tensor = "E(6, b'\\0\\7\\6float32' + struct.pack('<6Q', 0, *[1 << 28] * 5))"
    return target.first(f"{PRELUDE}\nn = sequence()\nsay(OK, msgpack.packb([1, True, None, [0]]), n)\nsay(OK, msgpack.packb({tensor}), n + 1)")  # fmt: skip


@attack(
    "resources",
    tries="answers with pictures of sixty megabytes where small ones are expected",
    stopped_by="what has another size is not compared",
    seconds=40,
)
def wide_results(target: Target) -> Target:
    return target.answer_all(
        "import numpy\nKEPT = numpy.ones((7900, 7900), bool)\ndef NAME(*args, **kwargs): return KEPT"
    )


@attack(
    "resources",
    tries="answers with a list of four hundred thousand tensors",
    stopped_by="of a long list no more is written out than is shown",
    seconds=40,
)
def long_lists_of_tensors(target: Target) -> Target:
    return target.answer_all("import torch\nONE = torch.zeros(1)\ndef NAME(*args, **kwargs): return [ONE] * 300_000")


@attack(
    "resources",
    tries="answers with a list of eight hundred thousand arrays",
    stopped_by="of a long list no more is written out than is shown",
    seconds=40,
)
def long_lists_of_arrays(target: Target) -> Target:
    return target.answer_all("import numpy\nONE = numpy.zeros(1)\ndef NAME(*args, **kwargs): return [ONE] * 800_000")


@attack(
    "wire",
    tries="sends five thousand keys of two hundred numbers each, which collide",
    stopped_by="keys are counted by the effort of comparing them",
    seconds=40,
)
def colliding_long_keys(target: Target) -> Target:
    return speaking(
        target,
        "def whole(k):\n    v = k * (2**61 - 1)\n    return v if v < 1 << 63 else E(1, v.to_bytes(16, 'little', signed=True))\n"
        "same = [0.5 + k for k in range(190)]\n"
        "answer([4] + [part for k in range(5000) for part in ([1, *same, whole(k)], 0)])",
    )


@attack(
    "wire",
    tries="sends five thousand whole numbers of four thousand digits as keys, which collide",
    stopped_by="keys are counted by the effort of comparing them",
    seconds=40,
)
def colliding_large_numbers(target: Target) -> Target:
    return speaking(
        target,
        "top = 1 << 13_900\nstep = (1 << 61) - 1\n"
        "answer([4] + [part for k in range(5000) for part in (E(1, (top + k * step).to_bytes(1745, 'little', signed=True)), 0)])",
    )


@attack(
    "wire",
    tries="sends ranges and slices that unfold to billions",
    stopped_by="a range of more than a million numbers does not travel",
    seconds=40,
)
def ranges_that_unfold(target: Target) -> Target:
    return target.answer_all(
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return [range(1 << 40), [range(1 << 40)] * 9, slice(0, 1 << 60), {'a': range(1 << 62)}][_n[0] % 4]"
    )


@attack(
    "resources",
    tries="answers with arrays of thirty-two axes",
    stopped_by="what has another number of axes is not compared",
    seconds=40,
)
def arrays_of_thirty_two_axes(target: Target) -> Target:
    return target.answer_all(
        "import numpy\n_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return numpy.zeros([(1,) * 32, (2,) * 24, (1,) * 31 + (0,)][_n[0] % 3])"
    )


@attack(
    "wire",
    tries="sends generators of random numbers that stand still",
    stopped_by="what comes back is compared, and draws nothing",
    seconds=40,
)
def generators_that_stand_still(target: Target) -> Target:
    return speaking(target, "answer(E(9, bytes(37)))")


@attack(
    "resources",
    tries="answers with numbers at the ends of every type",
    stopped_by="differences are taken in wide types, without warnings",
    seconds=40,
)
def numbers_at_the_ends(target: Target) -> Target:
    return target.answer_all(
        "import numpy as np\nENDS = [np.float64(1.7e308), -np.float64(1.7e308), np.float64(5e-324), 2**63, -2**63, 2**64 - 1, 10**300, np.uint64(2**64 - 1), np.longdouble('1e4000'), complex(1e308, 1e308)]\n"
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    one = ENDS[_n[0] % len(ENDS)]\n    return np.full_like(args[0], one, dtype=None) if args and isinstance(args[0], np.ndarray) and _n[0] % 2 else one"
    )


@attack(
    "resources",
    tries="answers with tensors of twenty-four sides of two, which are written out number by number",
    stopped_by="of an array of many sides only the shape is written",
    seconds=40,
)
def tensors_of_many_sides(target: Target) -> Target:
    return target.answer_all(
        "import torch\nKEPT = torch.zeros((2,) * 24, dtype=torch.uint8)\ndef NAME(*args, **kwargs): return KEPT"
    )


@attack(
    "resources",
    tries="answers with text in an array without a shape, which is neither a number nor an array",
    stopped_by="what is no number is compared as an object",
)
def text_without_a_shape(target: Target) -> Target:
    return target.answer_all(
        "import numpy\ndef NAME(*args, **kwargs): return numpy.array('text' if len(args) % 2 else b'text')"
    )


SHAPED = """
class Shaped:
    ndim = 5
    @property
    def shape(self): return [1 << 13_000] * 5_000
"""


@attack(
    "resources",
    tries="answers with an object whose shape takes minutes to multiply, for the message that would name it",
    stopped_by="no message asks an object of the student's process",
)
def shape_of_an_object(target: Target) -> Target:
    return target.answer_all(f"{SHAPED}def NAME(*args, **kwargs):\n    return Shaped()")
