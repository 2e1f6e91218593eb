"""Attacks on the connection between the student's process and the grader."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import PRELUDE, Target, attack, speaking, speaking_or


@attack("wire", tries="writes garbage to the connection", stopped_by="a bad message ends its worker")
def garbage(target: Target) -> Target:
    return speaking(target, "os.write(3, b'\\xc1' * 1000)")


@attack("wire", tries="announces a message of ten gigabytes", stopped_by="message size is capped")
def ten_gigabytes(target: Target) -> Target:
    return speaking(target, "raw(b'', 10 << 30)")


@attack("wire", tries="announces a message of 2**63 bytes", stopped_by="message size is capped")
def endless_length(target: Target) -> Target:
    return speaking(target, "raw(b'', 1 << 63)")


@attack("wire", tries="announces a message and sends nothing", stopped_by="every answer has a deadline")
def silence(target: Target) -> Target:
    return speaking(target, "raw(b'', 1000)\ntime.sleep(60)")


@attack("wire", tries="sends a message one byte at a time", stopped_by="every answer has a deadline")
def slow_drip(target: Target) -> Target:
    return speaking(
        target, "os.write(3, struct.pack('<Q', 100000))\nwhile True:\n    os.write(3, b'x')\n    time.sleep(0.1)"
    )


@attack("wire", tries="sends half a message and closes", stopped_by="a bad message ends its worker")
def truncated_message(target: Target) -> Target:
    return speaking(target, "raw(b'half', 1000)\nos.close(3)")


@attack(
    "wire",
    tries="answers in advance, for many questions to come",
    stopped_by="sequence numbers: one answer to one question",
)
def answers_in_advance(target: Target) -> Target:
    return speaking(target, "n = sequence()\nfor k in range(n, n + 50): say(OK, msgpack.packb(True), k)")


@attack(
    "wire", tries="answers with another question's number", stopped_by="sequence numbers: one answer to one question"
)
def answers_out_of_order(target: Target) -> Target:
    return speaking(target, "say(OK, msgpack.packb(1), sequence() + 1)\nanswer(1)")


@attack(
    "wire",
    tries="answers from a thread while the check computes",
    stopped_by="sequence numbers: one answer to one question",
)
def answers_from_a_thread(target: Target) -> Target:
    return target.first(
        f"{PRELUDE}\nimport threading\ndef flood():\n    for k in range(100000):\n"
        "        try: say(OK, msgpack.packb(True), k % 400)\n        except OSError: return\n"
        "threading.Thread(target=flood, daemon=True).start()"
    ).answer_all_lazily()


@attack(
    "wire", tries="calls functions that the grader never lent", stopped_by="only lent functions, while they are lent"
)
def forged_callbacks(target: Target) -> Target:
    return speaking(target, "for n in range(20): say(CALLBACK, msgpack.packb([0, n, None, True, True]))")


@attack(
    "wire",
    tries="keeps a lent function and calls it in later checks",
    stopped_by="only lent functions, while they are lent",
)
def callbacks_kept(target: Target) -> Target:
    return target.answer_all(
        "KEPT = globals().setdefault('KEPT', [])\ndef NAME(*args, **kwargs):\n    KEPT.extend(a for a in args if callable(a))\n"
        "    for f in KEPT:\n        for x in (0, 1, None): \n            try: f(x)\n            except Exception: pass\n    return 1"
    )


@attack(
    "wire", tries="calls lent functions from within themselves, without end", stopped_by="depth of callbacks is capped"
)
def callbacks_without_end(target: Target) -> Target:
    return target.answer_all(
        "import sys\nsys.setrecursionlimit(100000)\ndef NAME(*args, **kwargs):\n    for a in args:\n        if callable(a):\n"
        "            for _ in range(200): a(NAME, NAME)\n    return NAME"
    )


@attack("wire", tries="reports errors of the grader's own classes", stopped_by="exceptions come as whitelisted types")
def forged_errors(target: Target) -> Target:
    return speaking(target, "say(ERROR, msgpack.packb([0, 'MachineryError', 'SystemExit']))")


@attack(
    "wire",
    tries="says that its worker failed to start, as the machinery would",
    stopped_by="a bad message ends its worker",
)
def forged_machinery(target: Target) -> Target:
    return speaking(target, "say(FAILED, msgpack.packb('no layer'), 0)\nsay(READY, msgpack.packb(None), 0)")


@attack("wire", tries="sends an array of Python objects", stopped_by="exact types on the wire")
def array_of_objects(target: Target) -> Target:
    return speaking(target, "answer(E(4, b'\\3\\1|O8' + struct.pack('<Q', 1) + b'A' * 8))")


@attack("wire", tries="sends arrays of negative, huge and NaN shapes", stopped_by="shape and bytes must agree")
def impossible_shapes(target: Target) -> Target:
    return speaking(
        target,
        "kinds = [struct.pack('<q', -1), struct.pack('<Q', 1 << 62), struct.pack('<d', float('nan'))]\n"
        "answer(E(4, b'\\3\\1<f8' + kinds[sequence() % 3] + b'A' * 8))",
    )


@attack("wire", tries="sends lists nested a hundred thousand deep", stopped_by="depth is capped")
def deep_messages(target: Target) -> Target:
    return speaking(target, "say(OK, b'\\x91' * 100000 + b'\\xc0')")


@attack("wire", tries="sends extension types nested in each other", stopped_by="extension types do not nest")
def nested_extensions(target: Target) -> Target:
    return speaking(
        target,
        "b = msgpack.packb(1)\nfor code in range(120): b = msgpack.packb(E(code % 24, b))\nsay(OK, b)",
    )


@attack("wire", tries="announces a list of four thousand million items", stopped_by="nodes are counted")
def endless_lists(target: Target) -> Target:
    return speaking(target, "say(OK, b'\\xdd\\xff\\xff\\xff\\xff')")


@attack("wire", tries="sends keys that collide in a hash table", stopped_by="keys are counted")
def colliding_keys(target: Target) -> Target:
    return speaking_or(target, "", "return {(2**61 - 1) * k: k for k in range(200000)}")


@attack("wire", tries="returns a list that contains itself", stopped_by="it stays a handle")
def recursive_results(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    a = []\n    a.append(a)\n    return [a, {'a': a}, (a,)]")


@attack("wire", tries="returns three hundred megabytes of text", stopped_by="message size is capped")
def huge_results(target: Target) -> Target:
    return speaking_or(target, "", "return 'x' * (300 << 20)")


@attack(
    "wire",
    tries="returns large results again and again, to fill the grader's memory",
    stopped_by="total bytes are capped",
)
def many_large_results(target: Target) -> Target:
    return speaking_or(target, "", "return np.ones((40 << 20,), dtype='u1')")


@attack(
    "wire",
    tries="returns handles that answer every question with another handle",
    stopped_by="iteration is bounded, comparison raises",
)
def lying_handles(target: Target) -> Target:
    return target.answer_all(
        "class Endless:\n    __getattr__ = lambda s, n: s\n    __getitem__ = lambda s, i: s\n    __iter__ = lambda s: s\n"
        "    __next__ = lambda s: s\n    __len__ = lambda s: 1 << 62\n    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = lambda s, o: s\n"
        "    __call__ = lambda s, *a, **k: s\ndef NAME(*args, **kwargs):\n    return Endless()"
    )


@attack(
    "wire",
    tries="sends text that is no Unicode, and numbers beyond all bounds",
    stopped_by="text is cleaned, numbers are exact",
)
def odd_leaves(target: Target) -> Target:
    return target.answer_all(
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return ['\\ud800' * 10, 10 ** 5000, float('nan'), b'\\0' * 9, 1j, ..., slice(None)][_n[0] % 7]"
    )


@attack("wire", tries="replaces the connection by another descriptor", stopped_by="the other end stays the grader's")
def replaced_connection(target: Target) -> Target:
    return target.first("import os\nos.dup2(os.open('/dev/null', os.O_RDWR), 3)").answer_all_lazily()


@attack(
    "wire",
    tries="says a second time that it is ready, and that it failed to start",
    stopped_by="answers are numbered and of known kinds",
)
def ready_again(target: Target) -> Target:
    return speaking(target, "say(READY, msgpack.packb(None), 0)\nsay(FAILED, msgpack.packb('no'), 0)\nanswer(1)")


@attack(
    "wire",
    tries="sends messages of no length, and of a kind that does not exist",
    stopped_by="a bad message ends its worker",
)
def empty_messages(target: Target) -> Target:
    return speaking(target, "for n in range(1000): raw(b'')\nfor kind in range(256): say(kind, b'')")


@attack(
    "wire",
    tries="sends layouts, modules and functions, which only the grader sends",
    stopped_by="only data and handles come back",
)
def leaves_of_the_grader(target: Target) -> Target:
    return speaking(
        target,
        "for code in range(-128, 128):\n    try: answer([E(code, msgpack.packb([0, 1, 'x', {}])), E(code, b'')])\n    except Exception: pass",
    )


@attack("wire", tries="sends keys that are equal and are not: 1, 1.0, True, NaN", stopped_by="keys are checked")
def keys_that_are_equal(target: Target) -> Target:
    return speaking(
        target,
        "nan = float('nan')\nraw(struct.pack('<BQ', OK, sequence()) + b'\\xdf' + struct.pack('>I', 5) + b''.join(msgpack.packb(k) + b'\\x01' for k in (1, 1.0, True, nan, nan)))",
    )


@attack("wire", tries="reports an error with a million names of classes", stopped_by="names are counted and weighed")
def a_million_names(target: Target) -> Target:
    return speaking(target, "say(ERROR, msgpack.packb(['ValueError'] * 1_000_000))")


@attack(
    "wire",
    tries="answers with a hundred thousand calls that are refused",
    stopped_by="every answer has a deadline",
    honest=True,
)
def refused_calls(target: Target) -> Target:
    return speaking(target, "body = struct.pack('<Q', 1) + bytes(9 << 20)\nfor n in range(200): say(CALLBACK, body)")


@attack(
    "wire",
    tries="answers the question for its error with another error, and with objects",
    stopped_by="an account is text",
)
def accounts_that_are_none(target: Target) -> Target:
    return speaking(
        target,
        "say(ERROR, msgpack.packb(['ValueError']))\nfor reply in ([1, 2], None, ['x'] * 3, {'a': 1}, ['x' * (1 << 20)] * 2): answer(reply)\nsay(ERROR, msgpack.packb(['SystemExit', 'MachineryError']))",
    )


@attack(
    "wire",
    tries="answers with whole numbers that no float can hold",
    stopped_by="what is no number of ours is a wrong answer",
)
def numbers_beyond_floats(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return 10**400 if len(args) % 2 else [10**400, 1]")


@attack(
    "wire",
    tries="answers with tensors of a type that numpy does not have",
    stopped_by="what is no number of ours is a wrong answer",
)
def tensors_that_numpy_lacks(target: Target) -> Target:
    return target.answer_all(
        "import torch\ndef NAME(*args, **kwargs):\n    return torch.tensor(1.0, dtype=torch.bfloat16) if len(args) % 2 else torch.ones(3, 3, dtype=torch.bfloat16)"
    )


@attack(
    "wire",
    tries="answers questions of several parts with one part, or with parts of other kinds",
    stopped_by="an answer that is not of the asked form ends its worker",
)
def answers_of_another_form(target: Target) -> Target:
    return target.first(
        "import autograder.isolation.guest.server as s, itertools\nodd = itertools.cycle([7, (1,), [], (1, [2]), (1, (2,), {}, [[]]), (1, (), {}, [1.5]), {'a': 1}, None])\n"
        "for n in ('_do_call_with_arguments', '_do_inspected'):\n    setattr(s.Server, n, lambda self, *a: next(odd))"
    ).answer_all_lazily()
