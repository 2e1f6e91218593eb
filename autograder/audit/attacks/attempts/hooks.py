"""Attacks by what Python lets a program hook into: traces, finalizers, representations, its own table of names."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack

QUIET = "a quiet worker: prints are dropped"
ELSEWHERE = "checks run in another process"


@attack("reading", tries="lets an audit hook note and print every event", stopped_by=QUIET, honest=True)
def audit_hook(target: Target) -> Target:
    return target.first(
        "import sys\nEVENTS = []\ndef hook(event, args):\n    if event != 'object.__getattr__' and len(EVENTS) < 2000: EVENTS.append((event, repr(args)[:300]))\nsys.addaudithook(hook)"
    ).append("print(EVENTS)")


@attack("reading", tries="traces every frame of its process and keeps their variables", stopped_by=ELSEWHERE)
def traced_frames(target: Target) -> Target:
    return (
        target.first(
            "import sys, threading\nSEEN = []\ndef trace(frame, event, arg):\n    if len(SEEN) < 3000: SEEN.append(repr(frame.f_locals)[:400])\nsys.setprofile(trace)\nthreading.setprofile(trace)"
        )
        .answer_all_lazily()
        .append("sys.setprofile(None)\nprint([text for text in SEEN if 'hidden' in text.lower() or 'canary' in text])")
    )


@attack(
    "reading", tries="watches all that is called by the interpreter's own monitor", stopped_by=ELSEWHERE, honest=True
)
def monitored_calls(target: Target) -> Target:
    return target.first(
        "import sys\nCALLS = []\nif hasattr(sys, 'monitoring'):\n    m = sys.monitoring\n    m.use_tool_id(3, 'x')\n    m.register_callback(3, m.events.PY_START, lambda code, place: len(CALLS) < 3000 and CALLS.append(str(code)))\n    m.set_events(3, m.events.PY_START)"
    ).append("print(CALLS)")


@attack("reading", tries="prints what it was given at every moment, from a thread", stopped_by=QUIET, honest=True)
def printed_at_every_moment(target: Target) -> Target:
    return target.first(
        "import threading, time\nGIVEN = []\ndef tell():\n    while True:\n        time.sleep(0.005)\n        if GIVEN: print(GIVEN[-1]); display(GIVEN[-1])\nfrom IPython.display import display\nthreading.Thread(target=tell, daemon=True).start()"
    ).wrap_all("GIVEN[:] = [repr(args)[:2000]]")


@attack("reading", tries="prints what it was given when objects die", stopped_by=QUIET, honest=True)
def printed_by_finalizers(target: Target) -> Target:
    return target.first(
        "import gc, weakref\nclass Dying:\n    def __init__(self, text): self.text = text\n    def __del__(self): print(self.text)"
    ).wrap_all("Dying(repr(args))\nweakref.finalize(Dying('x'), print, repr(args))\ngc.collect()")


@attack(
    "reading",
    tries="lets its errors seem to come from the grader's own files, so that a traceback quotes them",
    stopped_by="tracebacks are made in the sandbox, which has no such file",
)
def tracebacks_of_other_files(target: Target) -> Target:
    course = target.traps.course
    paths = [target.traps.canary, f"{course}/course.toml", f"{course}/data/hidden/labels.txt"]
    return target.first("import linecache").answer_all(
        f"def NAME(*args, **kwargs):\n    for path in {paths!r}:\n        linecache.checkcache(path)\n        try: exec(compile('\\n' * 0 + 'raise KeyError(1)', path, 'exec'))\n        except KeyError as error: held = error\n    raise held"
    )


@attack(
    "reading",
    tries="puts what it is given into notes and causes of its errors",
    stopped_by="a quiet worker: only the error's type",
)
def inputs_in_notes_of_errors(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    error = ValueError(*args)\n    if hasattr(error, 'add_note'): error.add_note(str(args))\n    error.__cause__ = KeyError(str(args))\n    error.__context__ = type(str(args)[:60], (OSError,), {})(str(args))\n    raise error"
    )


@attack(
    "reading",
    tries="searches the whole of its memory, page by page, for what the warm process knew",
    stopped_by="the warm process never knew it",
)
def memory_page_by_page(target: Target) -> Target:
    return target.append(
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nfile = os.open('pages', os.O_RDWR | os.O_CREAT)\nword, found, start = b'can' + b'ary-', [], id(os) & ~0xfffff\n"
        "for place in range(start - (256 << 20), start + (256 << 20), 1 << 16):\n    os.lseek(file, 0, 0)\n    got = libc.write(file, ctypes.c_void_p(place), ctypes.c_size_t(1 << 16))\n    if got <= 0: continue\n"
        "    data = os.pread(file, got, 0)\n    at = data.find(word)\n    if at >= 0: found.append(data[at:at + 60])\nprint(found[:50])"
    )


@attack("forging", tries="puts a table of names of its own making in the place of its names", stopped_by=ELSEWHERE)
def names_of_its_own_making(target: Target) -> Target:
    return target.first(
        "class Names(dict):\n    asked = 0\n    def __contains__(self, name): return True\n    def __getitem__(self, name):\n        Names.asked += 1\n        try: return dict.__getitem__(self, name)\n        except KeyError: return lambda *a, **k: a[0] if a else True\n"
        "shell = get_ipython()\nshell.user_ns = shell.user_global_ns = Names(shell.user_ns)"
    )


@attack(
    "forging",
    tries="lets objects say that they are of another class than they are",
    stopped_by="exact types on the wire",
)
def objects_of_a_borrowed_class(target: Target) -> Target:
    return target.answer_all(
        "import numpy\nclass Claimed:\n    def __init__(self, kind): self.kind = kind\n    __class__ = property(lambda self: self.kind)\n    __eq__ = __le__ = __ge__ = lambda self, other: True\n    __hash__ = lambda self: 0\n    __array__ = lambda self, *a, **k: numpy.zeros((3, 3))\n    __float__ = lambda self: 0.0\n    __index__ = __int__ = __len__ = lambda self: 3\n"
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return Claimed([numpy.ndarray, float, bool, int, tuple, list, dict, str][_n[0] % 8])"
    )


@attack(
    "forging",
    tries="answers with subclasses of every builtin that agree with all",
    stopped_by="builtins are read by their own methods",
)
def builtins_that_agree(target: Target) -> Target:
    return target.answer_all(
        "same = dict(__eq__=lambda s, o: True, __ne__=lambda s, o: False, __hash__=lambda s: 0, __bool__=lambda s: True, __iter__=lambda s: iter(()), __len__=lambda s: 0, keys=lambda s: (), items=lambda s: ())\n"
        "KINDS = [type(kind.__name__, (kind,), same)(start) for kind, start in ((int, 1), (float, 1.0), (str, 'x'), (tuple, (1,)), (list, [1]), (dict, {1: 1}), (set, {1}), (bytes, b'x'), (complex, 1j))]\n"
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return KINDS[_n[0] % len(KINDS)]"
    )


@attack(
    "forging",
    tries="answers with arrays of dates, records, texts and nothing",
    stopped_by="numbers are compared with numbers",
)
def arrays_of_odd_types(target: Target) -> Target:
    return target.answer_all(
        "import numpy as np\nODD = [np.zeros(3, 'M8[s]'), np.zeros(3, 'm8'), np.zeros(3, [('a', 'f8')]), np.zeros(3, 'V8'), np.array(['nan'] * 3), np.array([b'1'] * 3), np.rec.array([(1, 2.0)]), np.ma.masked, np.array(None), np.array([[None, 1.0]]), np.matrix([[1.0]]), np.poly1d([1, 2]), np.nditer([1, 2]), np.float64('nan')]\n"
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return ODD[_n[0] % len(ODD)]"
    )


@attack(
    "forging",
    tries="answers with tensors that have no numbers: sparse, quantized, of no device",
    stopped_by="dense tensors of known types only",
)
def tensors_of_odd_kinds(target: Target) -> Target:
    return target.answer_all(
        "import torch\nODD = [torch.zeros(3, 3).to_sparse(), torch.quantize_per_tensor(torch.zeros(3), 1.0, 0, torch.qint8), torch.zeros(3, device='meta'), torch.zeros(2, dtype=torch.complex64).conj(), torch.nn.Parameter(torch.zeros(3)), torch.zeros(3).expand(9, 3), torch.tensor(float('nan')), torch.Size([1]), torch.zeros(3, requires_grad=True) * 2]\n"
        "_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n    return ODD[_n[0] % len(ODD)]"
    )


@attack(
    "resources",
    tries="answers with views of one number that unfold to terabytes",
    stopped_by="rlimits: address space",
    honest=True,
)
def views_that_unfold(target: Target) -> Target:
    return target.wrap_all(
        "import torch\nglobal _turn\n_turn = globals().get('_turn', 0) + 1\nreturn [np.broadcast_to(np.zeros(1), (1 << 40,)), torch.zeros(1).expand(1 << 40), np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 20, 1 << 20), (0, 0))][_turn % 3]"
    )


@attack(
    "resources",
    tries="answers with buffers, generators, coroutines and files",
    stopped_by="what is no data is a handle",
)
def answers_that_run(target: Target) -> Target:
    return target.answer_all(
        "import array, asyncio, ctypes, io, itertools\nasync def later(): return 1\n_n = [0]\ndef NAME(*args, **kwargs):\n    _n[0] += 1\n"
        "    return [memoryview(bytearray(9))[::2], array.array('d', [1.0]), (ctypes.c_double * 3)(), (x for x in itertools.count()), later(), io.BytesIO(b'x'), open('/dev/zero', 'rb'), map(NAME, itertools.count()), iter(int, 1), NAME, type, lambda: NAME()][_n[0] % 12]"
    )


@attack(
    "resources", tries="shows objects whose pictures and texts never end", stopped_by="wall time of a cell", honest=True
)
def representations_without_end(target: Target) -> Target:
    return target.append(
        "class Endless:\n    def _repr_html_(self):\n        while True: pass\n    def __repr__(self): return 'x' * (1 << 28)\nEndless()"
    )


@attack(
    "resources",
    tries="waits for an hour at the outermost level of a cell",
    stopped_by="wall time of a cell",
    honest=True,
)
def waits_at_the_outermost_level(target: Target) -> Target:
    return target.append("import asyncio\nawait asyncio.sleep(3600)")


@attack(
    "resources",
    tries="brings dead objects back to life when they are cleared away",
    stopped_by="its own process is killed",
    honest=True,
)
def objects_that_come_back(target: Target) -> Target:
    return target.first(
        "import atexit, gc\nclass Back:\n    def __del__(self): Back()\nfor _ in range(1000): Back()\ndef again():\n    while True: pass\natexit.register(again)"
    )
